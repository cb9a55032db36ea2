"""Programs of torch.export's and modules of TorchScript's, made by chance.

Each case is a number, as in `arrays`; what a program does, how it is written and what is odd in it differs.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.reading.formats import exported, torchscript
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.making import Named, Thing
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import drawn, in_a_folder, read_of, some
from tests.reading.torch_making import quantised, tensor, zip_of

__all__ = ["programs_of_torch"]

N_PROGRAMS = 105
Union = dict[str, Any]


# torch.export

_SHAPES = {
    "conv.weight": (4, 3, 3, 3),
    "conv.bias": (4,),
    "up.weight": (4, 2, 2, 2),
    "fc.weight": (5, 4),
    "fc.bias": (5,),
    "bn.weight": (4,),
    "bn.bias": (4,),
    "bn.running_mean": (4,),
    "bn.running_var": (4,),
    "act.weight": (4,),
}
_CODES = {"f4": 7, "f8": 8, "f2": 6, "i1": 2, "u2": 13}


def _tensor(name: str) -> Union:
    return {"as_tensor": {"name": name}}


def _value(value: Any) -> Union:
    """An argument that is no tensor."""
    if value is None:
        return {"as_none": True}
    if isinstance(value, bool):
        return {"as_bool": value}
    if isinstance(value, list):
        return {"as_ints": value} if all(type(one) is int for one in value) else {"as_sym_ints": value}
    return {{int: "as_int", float: "as_float", str: "as_string"}[type(value)]: value}


class Program:
    """A program that is being made: its nodes, and what gives the last value."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.n = chance, 0
        self.nodes: list[Union] = []
        self.words: list[str] = []
        self.last, self.before = "x", ["x"]

    def call(self, target: str, inputs: dict[str, Union], outputs: list[Union] | None = None) -> str:
        self.n += 1
        name = f"v{self.n}"
        node = {
            "target": target,
            "inputs": [{"name": key, "arg": one} for key, one in inputs.items()],
            "outputs": [_tensor(name)] if outputs is None else outputs,
        }
        node |= {"name": f"n{self.n}"} if self.chance.random() < 0.3 else {}
        self.nodes.append(node)
        self.words.append(target.removeprefix("torch.ops.aten."))
        return name

    def parameter(self, name: str) -> Union:
        """A parameter, with what lies between it and its use: nothing, or what passes it on, or turns it."""
        held = "p_" + name.replace(".", "_")
        for _ in range(self.chance.choice((0, 0, 0, 1, 2))):
            is_matrix = len(_SHAPES.get(name, ())) == 2
            word = self.chance.choice(
                ("permute", "t", "permute", "clone") if is_matrix else ("detach", "clone")
            )
            word = "relu" if self.chance.random() < 0.03 else word
            held = self.call(f"torch.ops.aten.{word}.default", {"self": _tensor(held)})
        return _tensor(held)

    def step(self) -> None:
        chance = self.chance
        word = chance.choice(_CALLS)
        below = {"input" if chance.random() < 0.7 else "self": _tensor(self.last)}
        facts: dict[str, Any] = {}
        if word.startswith("conv"):
            below |= {
                "weight": self.parameter(
                    chance.choice(("conv.weight",) * 6 + ("up.weight", "fc.weight", "none"))
                )
            }
            below |= {"bias": self.parameter("conv.bias")} if chance.random() < 0.5 else {}
            facts = some(
                chance,
                0.5,
                stride=chance.choice(([2, 1], [2], 2, [0, 1])),
                padding=chance.choice(([1, 0], [1], "same", [-1, 0])),
                dilation=chance.choice(([2, 1], [1])),
                groups=chance.choice((1, 2)),
                transposed=chance.choice((True, False)),
                output_padding=chance.choice(([0, 0], [1, 0])),
            )
        elif word in ("linear", "addmm", "mm"):
            names = {"linear": ("input", "weight"), "addmm": ("mat1", "mat2"), "mm": ("self", "mat2")}[word]
            below = {names[0]: _tensor(self.last), names[1]: self.parameter("fc.weight")}
            below |= (
                {"bias" if word == "linear" else "self": self.parameter("fc.bias")}
                if chance.random() < 0.6
                else {}
            )
            facts = some(chance, 0.15, alpha=chance.choice((1, 0.5)), beta=2)
        elif "norm" in word:
            for name in ("weight", "bias", "running_mean", "running_var"):
                below |= {name: self.parameter(f"bn.{name}")} if chance.random() < 0.8 else {}
            facts = some(
                chance,
                0.6,
                eps=chance.choice((0.25, -1.0)),
                num_groups=2,
                normalized_shape=chance.choice(([4], [6, 6], [], 4)),
            )
        elif "pool" in word or word in ("mean", "pixel_shuffle"):
            facts = some(
                chance,
                0.7,
                kernel_size=chance.choice(([2, 3], [2], 2, [0, 1], 3)),
                stride=chance.choice(([2, 1], [], [0])),
                padding=chance.choice(([1, 0], [0])),
                dilation=chance.choice(([1], [2])),
                ceil_mode=chance.choice((True, False)),
                count_include_pad=chance.choice((True, False)),
                output_size=chance.choice(([1, 1], 1, [2, 2])),
                dim=chance.choice(([2, 3], [-1, -2], [1], 1)),
                keepdim=True,
                upscale_factor=chance.choice((2, 0)),
            )
        elif word in ("add", "mul", "maximum"):
            other = chance.choice(
                (_tensor(chance.choice(self.before)), _value(0.5), self.parameter("bn.bias"))
            )
            below = dict(chance.sample(list({"self": _tensor(self.last), "other": other}.items()), 2))
        elif word == "cat":
            below = {
                "tensors": {"as_tensors": [{"name": one} for one in (self.last, chance.choice(self.before))]}
            }
            facts = some(chance, 0.6, dim=chance.choice((1, -1, 0)))
        elif word in ("view", "reshape"):
            lengths: list[Any] = chance.choice(([1, -1], [-1, 6, 8], [1, -2]))
            if chance.random() < 0.5:
                size = self.call(
                    "torch.ops.aten.sym_size.int",
                    {"self": _tensor("x"), "dim": _value(chance.choice((0, 0, 1)))},
                    [{"as_sym_int": {"as_name": f"s{self.n}"}}],
                )
                lengths = [{"as_name": f"s{self.n - 1}"}, {"as_int": -1}] if size else lengths
            facts = {chance.choice(("size", "shape")): lengths}
        else:
            facts = some(
                chance,
                0.4,
                start_dim=chance.choice((1, 2, -1)),
                end_dim=chance.choice((-1, 2)),
                dim=chance.choice((1, -1, 3)),
                min_val=chance.choice((0.0, -1.0)),
                max_val=6.0,
                beta=chance.choice((1.0, 2.0)),
                negative_slope=0.25,
                approximate=chance.choice(("tanh", "none")),
                alpha=0.5,
            )
            below |= {"weight": self.parameter("act.weight")} if word == "prelu" else {}
        below |= {name: _value(value) for name, value in facts.items()}
        outputs: list[Union] | None = None
        if chance.random() < 0.08:
            outputs = chance.choice(
                ([{"as_tensors": [{"name": "a1"}, {"name": "a2"}]}], [_tensor("a1"), {"as_none": True}], [])
            )
        self.last = self.call(f"torch.ops.aten.{word}.{chance.choice(('default', 'Tensor'))}", below, outputs)
        self.last = "a1" if outputs else self.last
        self.before.append(self.last)


_CALLS = (
    *("conv2d", "convolution", "conv2d") * 2,
    *exported._BY_OPERATOR,
    *("mm", "addmm") * 4,
    "view",
    "reshape",
    "cat",
    "dream",
)


def a_program(chance: random.Random) -> tuple[str, bytes]:
    """A program of torch.export's."""
    p = Program(chance)
    for _ in range(chance.choice((1, 2, 3, 4))):
        p.step()
    members: dict[str, bytes] = {}
    config: dict[str, Any] = {}
    for place, (name, shape) in enumerate(_SHAPES.items()):
        if chance.random() < 0.06:
            continue
        kind = chance.choice(("f4",) * 6 + tuple(_CODES))
        values = np.abs(drawn(chance, *shape)).astype(kind)
        offset, odd = chance.choice((0, 0, 0, 2)), chance.random()
        sizes = [{"as_int": n} for n in shape] if odd < 0.9 else list(shape)
        steps = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        meta = {
            "dtype": _CODES[kind] if odd > 0.02 else 99,
            "sizes": sizes,
            "strides": [{"as_int": n} for n in steps],
            "storage_offset": {"as_int": offset if odd < 0.995 else -1},
        }
        config[name] = {"path_name": f"weight_{place}", "use_pickle": odd > 0.97, "tensor_meta": meta}
        members[f"data/weights/weight_{place}"] = bytes(offset * values.itemsize) + values.tobytes()
    specs: list[Union] = [{"user_input": {"arg": _tensor("x")}}]
    for name in _SHAPES:
        kind = "buffer" if "running" in name else chance.choice(("parameter", "parameter", "tensor_constant"))
        specs.append({kind: {"arg": {"name": "p_" + name.replace(".", "_")}, f"{kind}_name": name}})
    specs += (
        chance.choice(([], [], [{"user_input": {"arg": {"as_int": 3}}}], [{}]))
        if chance.random() < 0.1
        else []
    )
    sizes = chance.choice(([1, 3, 6, 6], [None, 3, 6, 6], [1, 3, 6], [4]))
    values = (
        {"x": {"sizes": [{"as_expr": "s0"} if n is None else {"as_int": n} for n in sizes]}}
        if chance.random() < 0.95
        else {}
    )
    module = {"graph": {"nodes": p.nodes, "tensor_values": values}, "signature": {"input_specs": specs}}
    graph = {"graph_module": module, "torch_version": chance.choice(("2.8.0", "<=2.4", 3))}
    members |= {"models/model.json": json.dumps(graph).encode()}
    members |= {"data/weights/model_weights_config.json": json.dumps({"config": config}).encode()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(f"model/{name}"), data)
    return f"{sizes} {' '.join(p.words)}", written.getvalue()


# TorchScript


def a_script(chance: random.Random) -> tuple[str, bytes]:
    """A module of TorchScript's, with modules within it; some are quantised, some frozen."""
    words: list[str] = []

    def one(depth: int) -> Any:
        kind = chance.choice(
            (
                "Conv2d",
                "Conv2d",
                "ConvTranspose2d",
                "Linear",
                "BatchNorm2d",
                "Block",
                "Block",
                "Packed",
                "Packed",
                "Packed",
                "Other",
            )
        )
        words.append(kind)
        home = chance.choice(
            ("__torch__.torch.nn.modules", "__torch__.torch.nn.modules", "__torch__.mine", "mine")
        )
        shapes = {
            "Conv2d": (4, 3, 3, 3),
            "ConvTranspose2d": (3, 4, 2, 2),
            "Linear": (5, 4),
            "BatchNorm2d": (4,),
        }
        if kind == "Block" and depth < 3:
            parts = {f"part{place}": one(depth + 1) for place in range(chance.choice((1, 2)))}
            parts |= {"again": parts["part0"]} if chance.random() < 0.3 else {}
            return Thing("__torch__.mine.Block", **parts)
        if kind == "Packed":
            n = chance.choice((1, 2, 3))
            state = (
                3,
                4,
                [3, 3],
                (1, n),
                (0, 1),
                (1, chance.choice((1, 2))),
                False,
                (0, 0),
                chance.choice((1, 2, 0)),
            )
            held = quantised(np.ones((4, 3, 3, 3), "i1"), Named("torch.per_tensor_affine"), 0.5, 0)
            more = [tensor(drawn(chance, *chance.choice(((4,), (9,)))))][: chance.choice((0, 1, 1))]
            return Thing(
                "__torch__.mine.Packed",
                _packed_params=_Made((*state[: chance.choice((9, 9, 5))], held, *more)),
            )
        shape = shapes.get(kind, (2, 2))
        facts: dict[str, Any] = {"weight": tensor(drawn(chance, *shape)), "training": True}
        facts |= {"bias": tensor(drawn(chance, 4))} if chance.random() < 0.6 else {}
        if kind == "BatchNorm2d":
            facts |= {name: tensor(drawn(chance, 4)) for name in ("running_mean", "running_var")}
        return Thing(f"{home}.{kind}", **facts)

    root = one(0)
    data = {"code/mine.py": b"raise SystemExit"} if chance.random() < 0.95 else {}
    constants = [
        tensor(drawn(chance, *chance.choice(((4, 3, 3, 3), (4,), (5, 4)))))
        for _ in range(chance.choice((0, 1, 2, 3)))
    ]
    listed: list[Any] = ["text", 3, *constants] if chance.random() < 0.4 else constants
    root = Thing("__torch__.mine.Frozen", training=False) if chance.random() < 0.25 else root
    inner = zip_of(tuple(listed), root="")
    with zipfile.ZipFile(io.BytesIO(inner)) as held:
        data["constants.pkl"] = held.read("data.pkl")
        for name in held.namelist():
            if name.startswith("data/"):
                data[f"constants/{name.removeprefix('data/')}"] = held.read(name)
    return f"{' '.join(words)} and {len(listed)}", zip_of(
        root, more={f"archive/{name}": one for name, one in data.items()}
    )


class _Made:
    """An object whose state is a tuple, as that of a packed module."""

    def __init__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def __reduce__(self) -> Any:
        return Thing("__torch__.torch.classes.quantized.Conv2dPackedParamsBase").cls, (), self.state


FORMATS = ((a_program, exported.open), (a_script, torchscript.open))


def a_file(n: int, folder: Path) -> tuple[str, str]:
    """A file that is made by chance, and what its format reads of it."""
    make, open_ = FORMATS[n % 3 == 2]
    chance = random.Random(f"file of torch {n}")
    words, data = make(chance)
    limits = Limits(layers=chance.choice((1, 2, 3, 5, 9))) if chance.random() < 0.05 else Limits()
    (folder / "model.pt2").write_bytes(data)
    told = read_of(open_, Opened.of(folder / "model.pt2", limits, Hints())).replace(f"{folder}/", "")
    return f"{n} {words}" + f" layers {limits.layers}" * (limits != Limits()), told


def programs_of_torch() -> Told:
    yield from in_a_folder(a_file, N_PROGRAMS)
