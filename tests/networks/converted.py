"""What networks and arrays become: names, arrays, bytes, steps, and how what is written is verified.

``python -m tests.telling`` writes ``tests/told/networks/converted.txt`` anew.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np

import filtviz
from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.converting import _settled, archives
from filtviz.converting.archives import write_npz, write_pt, write_safetensors
from filtviz.converting.collected import (
    Collected,
    Names,
    attribute,
    identifier,
    member,
    plain,
    stored,
    torch_layout,
)
from filtviz.converting.shaped import outputs, steps
from filtviz.converting.verifying import compared, expected, onnx_outputs
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import (
    Convolution,
    Dense,
    Embedding,
    Identity,
    Input,
    LocallyConnected,
    Merge,
    Normalisation,
    Operation,
    Reshape,
    Standardisation,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.running.inference import fixed_batch
from tests.building import as_layer, conv, image
from tests.interpreters.cases import drawn
from tests.interpreters.tables import digits_of, shaped, told
from tests.networks.composed import CHAINS
from tests.networks.walks import NETWORKS, said
from tests.reading.operators.graphs import written_down

__all__ = ["converted"]

NAMES = (
    "conv1",
    "",
    " ",
    "a b",
    "a/b",
    "/a",
    "a/../b",
    "..",
    ".",
    "a/./b",
    "C:\\x",
    'a*b?"<>|c',
    "x.npy",
    "x.NPY",
    "é",
    "\x1b[31m",
    "\u202e",
    "\ud800",
    "1",
    "12a",
    "class",
    "match",
    " for ",
    "-match-",
    "_",
    "__",
    "a.b",
    "a..b",
    "./",
    "self",
    "SELF",
    "a" * 200,
    "a" * 201,
    "a" * 801,
    "a" * 800 + "b",
    "/" * 300 + "a",
    "-" * 300,
    "-" * 800,
    "-" * 801,
    "/" * 799 + "a",
    "/" * 800 + "a",
    "é" * 200,
    "torch",
    "weight",
    "../../etc",
    "a\nb",
    "\u2028",
    "ａ",
    "\ufdd0",
    "…",
    "a-b",
    "-",
    "a__b_",
)


def converted() -> Iterator[tuple[str, str]]:
    yield from _names()
    yield from _collected()
    yield from _archives()
    yield from _numbers()
    yield from _steps()
    yield from _verified()
    yield from _written()
    yield from _given()
    yield from _graphs()


def _names() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        shown = [make(name) for make in (plain, member, identifier, attribute)]
        short = (one if len(one) < 60 else f"{len(one)} {one[:3]}…{one[-12:]}" for one in shown)
        yield f"the name {name[:20]!a} of {len(name)}", " | ".join(ascii(one) for one in short)
    for taken in (frozenset[str](), frozenset({"A", "b_2"})):
        for make in (plain, identifier):
            names = Names(make, taken)
            given = [names.give(one) for one in ("a", "A", "a", "b", "b", "b_2", "a_2", "a b", "a_b", "")]
            yield f"names given by {make.__name__} beside {sorted(taken)}", f"{given} {names.changed}"


def _with_arrays(
    *operations: Operation, origin: Origin | None = None, extra: tuple[Parameter, ...] = (), **facts: Any
) -> Network:
    from filtviz.operations import parameters_of

    held = tuple(one for each in operations for one in parameters_of(each)) + extra
    is_conv = any(isinstance(each, Convolution | LocallyConnected) for each in operations)
    kind = ConvLayer if is_conv else Layer
    return Network.of(
        [kind(operations=operations, parameters=held, **{"name": "it", "type": "Some"} | facts)], origin
    )


def named(name: str, *shape: int, source: str = "", **how: Any) -> Parameter:
    one = drawn(*shape, **how)
    return Parameter.of(name, one.value, source)


def _networks() -> Mapping[str, Network]:
    both = Normalisation(
        mean=named("mean", 3),
        spread=named("inv_std", 3, low=0.1),
        gamma=named("gamma", 3),
        beta=named("beta", 3),
    )
    counter = Parameter.of("num_batches_tracked", np.array(7))
    of_torch = Origin(framework="PyTorch")
    found: dict[str, Network] = {
        "normalised": _with_arrays(both),
        "normalised by variance": _with_arrays(replace(both, spread_is="variance", epsilon=0.25)),
        "normalised by deviation": _with_arrays(replace(both, spread_is="std", epsilon=0.01)),
        "normalised by its epsilon": _with_arrays(
            replace(both, spread=Parameter.of("std", np.full(3, 2.0)), spread_is="std", epsilon=4.0)
        ),
        "normalised by too little": _with_arrays(
            replace(both, spread=Parameter.of("inv_std", np.full(3, 1000.0)))
        ),
        "normalised by less than 0": _with_arrays(
            replace(both, spread=Parameter.of("inv_std", np.array([1.0, -1.0, 1.0])))
        ),
        "normalised by nothing": _with_arrays(
            replace(both, spread=Parameter.of("inv_std", np.array([1.0, 0.0, 1.0])))
        ),
        "normalised in part": _with_arrays(replace(both, spread=None, mean=None)),
        "two normalisations": _with_arrays(both, replace(both, epsilon=0.5)),
        "dense": _with_arrays(Dense(weights=named("W", 4, 2), bias=named("b", 2))),
        "dense, outputs first": _with_arrays(Dense(weights=named("W", 2, 4), axes="oi")),
        "dense of nothing": _with_arrays(Dense(bias=named("b", 2))),
        "standardised": _with_arrays(Standardisation(gamma=named("gamma", 3), beta=named("beta", 3))),
        "standardised and shifted alone": _with_arrays(Standardisation(groups=1, beta=named("beta", 3))),
        "standardised, of PyTorch": _with_arrays(
            Standardisation(axes=(-1,), gamma=named("weight", 3)), extra=(named("mask", 2),), origin=of_torch
        ),
        "standardised by nothing": _with_arrays(Standardisation()),
        "words": _with_arrays(Embedding(weights=named("W", 4, 2))),
        "words of nothing": _with_arrays(Embedding()),
        "slopes": _with_arrays(Activation(kind="parametric_rectify", slopes=named("alpha", 3))),
        "slopes of nothing": _with_arrays(Activation(kind="rectify")),
        "untied": _with_arrays(
            Convolution(weights=named("W", 2, 3, 2, 2), bias=named("b", 2, 4, 4), flip_filters=False)
        ),
        "tied": _with_arrays(
            Convolution(weights=named("W", 2, 3, 2, 2), bias=named("b", 2), flip_filters=True)
        ),
        "turned or not": _with_arrays(Convolution(weights=named("W", 2, 3, 2, 2))),
        "turned or not, of one tap": _with_arrays(Convolution(weights=named("W", 2, 3, 1, 1))),
        "keras": _with_arrays(Convolution(weights=named("W", 2, 3, 4, 5), axes="rcio", flip_filters=False)),
        "depthwise": _with_arrays(
            Convolution(weights=named("W", 2, 3, 4, 2), axes="rcgo", flip_filters=True)
        ),
        "backwards": _with_arrays(
            Convolution(weights=named("W", 2, 3, 2, 2), axes="iorc", transposed=True, flip_filters=True)
        ),
        "local": _with_arrays(LocallyConnected(weights=named("W", 2, 3, 2, 2, 2, 2), axes="oircyx")),
        "untold": _with_arrays(Untold(reason="unknown"), extra=(named("W", 2), named("V", 3))),
        "beside": _with_arrays(Dense(weights=named("W", 4, 2)), extra=(named("mask", 2), counter)),
        "beside, of PyTorch": _with_arrays(
            Dense(weights=named("W", 4, 2)), extra=(named("mask", 2), counter), origin=of_torch
        ),
        "untold, of PyTorch": _with_arrays(
            Untold(reason="unknown"), extra=(named("W", 2), counter), origin=of_torch
        ),
        "untold, of a torch": _with_arrays(
            Untold(reason="unknown"), extra=(named("W", 2),), origin=Origin(kind="a TORCH thing")
        ),
        "six beside": _with_arrays(Identity(), extra=tuple(named(f"p{n}", 1) for n in range(6))),
        "with sources": _with_arrays(
            Dense(weights=named("W", 4, 2, source="a/b"), bias=named("b", 2, source="a/c"))
        ),
        "with one source": _with_arrays(
            Dense(weights=named("W", 4, 2, source="a/b"), bias=named("b", 2, source="a/b"))
        ),
        "with half a source": _with_arrays(Dense(weights=named("W", 4, 2, source="a/b"), bias=named("b", 2))),
        "without a name": _with_arrays(Dense(weights=named("W", 4, 2)), name=None),
        "texts": _with_arrays(Identity(), extra=(Parameter.of("t", np.array(["a"])),)),
        "complex numbers": _with_arrays(Identity(), extra=(Parameter.of("t", np.array([1j])),)),
        "a name that is kept": _with_arrays(Dense(weights=named("W", 4, 2, source="__metadata__"))),
    }
    shared = named("W", 4, 2)
    found["shared"] = Network.of(
        [
            as_layer(Dense(weights=shared), parameters=(shared,), name="a"),
            as_layer(Dense(weights=shared), parameters=(shared,), name="A"),
        ]
    )
    return found


def _arrays(found: Collected) -> str:
    shown = [f"{one.name!a} {told(one.read())} {one.dtype} {shaped(one.shape)}" for one in found.arrays]
    return f"{'; '.join(shown)} | {dict(found.facts)} | {' '.join(found.remarks)}"


def _collected() -> Iterator[tuple[str, str]]:
    for name, network in _networks().items():
        for make in (member, plain):
            yield f"{name}, stored", said(lambda n=network, m=make: _arrays(stored(n, m)))
        for turned in (None, True, False):
            how = "" if turned is None else f", turned {turned}"
            yield (
                f"{name}, for PyTorch{how}",
                said(lambda n=network, t=turned: _arrays(torch_layout(_settled(n, t), attribute))),
            )


TYPES = (
    "f8",
    "f4",
    "f2",
    "i8",
    "i4",
    "i2",
    "i1",
    "u8",
    "u4",
    "u2",
    "u1",
    "?",
    ">f4",
    ">i2",
    "c8",
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e5m2,
    ml_dtypes.float8_e4m3b11fnuz,
)


def _archives() -> Iterator[tuple[str, str]]:
    writers = {"npz": write_npz, "safetensors": write_safetensors, "pt": write_pt}
    values = np.arange(6).reshape(2, 3)
    shapes: dict[str, np.ndarray] = {
        "one number": np.array(1.5, "f4"),
        "none": np.zeros((0, 3), "f4"),
        "three axes": np.arange(24, dtype="f4").reshape(2, 3, 4),
        "turned": np.asfortranarray(values.astype("f4")),
        "every other": values.astype("f4")[:, ::2],
        "300": np.arange(300, dtype="i2"),
    }
    cases = {
        f"of {np.dtype(kind).str}{'' if np.dtype(kind).kind != 'V' else np.dtype(kind).name}": [
            Parameter.of("w", values.astype(kind))
        ]
        for kind in TYPES
    }
    cases |= {name: [Parameter.of("w", array)] for name, array in shapes.items()}
    cases |= {
        "two": [Parameter.of("a/b", values.astype("f4")), Parameter.of("é", np.ones(5, "u1"))],
        "no": [],
        "in another order of bytes than said": [
            replace(Parameter.of("w", values.astype(">f4")), dtype=np.dtype("<f4"))
        ],
        "otherwise than said": [replace(Parameter.of("w", values.astype("f4")), shape=(3, 2))],
        "of another type than said": [replace(Parameter.of("w", values.astype("f4")), dtype=np.dtype("f8"))],
    }
    cases |= {
        f"with a name of {n}": [Parameter.of("w" * n, np.ones(1, "f4"))]
        for n in (*range(1, 10), 44, 45, 46, 47, 52)
    }
    for name, arrays in cases.items():
        for suffix, write in writers.items():

            def one(write: Any = write, arrays: Any = arrays, suffix: str = suffix) -> str:
                stream = io.BytesIO()
                write(stream, arrays, {"kind": "test", "n": 3, "more": {"a": 1}})
                held = stream.getvalue()
                if suffix == "safetensors":
                    return f"{len(held)} bytes {zlib.crc32(held):08x}"
                with zipfile.ZipFile(io.BytesIO(held)) as archive:
                    parts = []
                    for part in archive.infolist():
                        last = zlib.crc32(archive.read(part)[-part.file_size // 2 :])
                        size = part.file_size if suffix == "pt" else ""
                        parts.append(f"{part.filename} {size} {last:08x} {part.compress_type}")
                    starts = [part.header_offset % 64 + len(part.extra) for part in archive.infolist()]
                    return f"{'; '.join(parts)} {starts if suffix == 'pt' else archive.comment.decode()}"

            yield f"arrays {name} as {suffix}", said(one)


def _numbers() -> Iterator[tuple[str, str]]:
    for number in (0, 1, 255, (1 << 31) - 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, -1, -129):
        yield f"the number {number} in a pickle", archives._number(number).hex()
    for shape in ((), (3,), (2, 3, 4), (2, 0, 4), (0,)):
        yield f"strides of {shape}", str(archives._strides(shape))


def _steps() -> Iterator[tuple[str, str]]:
    several = {
        **NETWORKS,
        **{name: CHAINS[name] for name in ("branches", "joined", "untold", "no image", "local")},
    }
    several["an input in the middle"] = Network.of(
        [
            Layer(
                name="a",
                operations=(Identity(), Input(shape=(None, 2)), Identity(), Activation(kind="tanh")),
                output_shape=(None, 2),
            )
        ]
    )
    several["an input without a shape"] = Network.of(
        [Layer(name="a", operations=(Input(),), output_shape=(5, 2, 3))]
    )
    several["an input of which nothing is told"] = Network.of([Layer(name="a", operations=(Input(),))])
    four = [Layer(name=name, operations=(Input(shape=(4, 2)),), output_shape=(4, 2)) for name in "ab"]
    for n in (1, 2):
        again = as_layer(Reshape(lengths=(4, -1)), below=n - 1, name="again")
        several[f"{n} inputs of four"] = Network.of([*four[:n], again])
    two = [image(1, 4, 4), image(1, 4, 4)]
    several["two inputs of several operations"] = Network.of(
        [
            *two,
            as_layer(Merge(kind="add"), Activation(kind="tanh"), Identity(), Merge(kind="add"), below=(0, 1)),
        ]
    )
    several["two ends"] = Network.of(
        [image(1, 4, 4), as_layer(Identity(), below=0), as_layer(Activation(kind="tanh"), below=0)]
    )
    for name, network in several.items():

        def one(network: Network = network) -> str:
            found = [
                f"{step.layer.index}.{step.number}{'!' * step.is_last} {type(step.operation).__name__} "
                f"{' '.join(map(shaped, step.shapes))} > {shaped(step.shape)}"
                for step in steps(network)
            ]
            return "; ".join(found)

        yield f"{name}, steps", said(one)
        yield (
            f"{name}, ends",
            f"{[layer.index for layer in outputs(network)]} {fixed_batch(network, network.layers)}",
        )


@contextmanager
def _onnxruntime(fails: str = "", answers: Any = None) -> Iterator[None]:
    """What stands for ONNX Runtime: it gives the sums of what it is shown, and how it was asked."""

    class Session:
        def __init__(self, model: bytes, options: Any, providers: list[str]) -> None:
            if fails:
                raise RuntimeError(fails)
            facts = vars(options)
            self.answer = [np.array([len(model), *facts.values(), len(providers)], "f4")]

        def get_inputs(self) -> list[Any]:
            return [SimpleNamespace(name=name) for name in ("ab" if answers is None else "a")]

        def run(self, wanted: Any, given: Mapping[str, Any]) -> list[Any]:
            assert wanted is None
            if answers is not None:
                return [answers(one) for one in given.values()]
            return [*self.answer, *(one + ord(name) for name, one in given.items())]

    made: Any = ModuleType("onnxruntime")
    made.__spec__ = ModuleSpec("onnxruntime", None)
    made.SessionOptions, made.InferenceSession = SimpleNamespace, Session
    before = sys.modules.get("onnxruntime")
    sys.modules["onnxruntime"] = made
    try:
        yield
    finally:
        del sys.modules["onnxruntime"]
        if before is not None:
            sys.modules["onnxruntime"] = before


def _verified() -> Iterator[tuple[str, str]]:
    for name, network in NETWORKS.items():
        for dtype in ("float64", "float32"):

            def one(network: Network = network, dtype: str = dtype) -> str:
                noise, answers = expected(network, None, dtype)
                given = "; ".join(f"{told(np.round(one, 7), digits_of(one))} {one.dtype}" for one in answers)
                return f"{'; '.join(map(told, noise))} gives {given}"

            yield f"{name}, expected in {dtype}", said(one)
    joined = Network.of(
        [
            Layer(
                name="a",
                operations=(Input(shape=(None, 2, 3)), Activation(kind="tanh")),
                output_shape=(None, 2, 3),
            ),
            Layer(
                name="b", operations=(Identity(), Input(shape=(None, None, 3))), output_shape=(None, 2, None)
            ),
            as_layer(Merge(kind="add"), below=(0, 1), name="sum"),
            as_layer(Activation(kind="rectify"), below=0, name="other"),
        ]
    )
    yield (
        "two inputs of open lengths, expected",
        said(lambda: "; ".join(told(x) for part in expected(joined, None) for x in part)),
    )
    for work in (100_000, 1_500_000, 8_000_000):
        yield (
            f"plain expected with {work} operations",
            said(lambda w=work: told(expected(NETWORKS["plain"], Budget(work=w))[1][0])),
        )
    one, few = np.array([0.0, 1.0]), np.array([0.0, 1e-9])
    pairs: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {
        "the same": ([one], [one]),
        "1e-4 apart": ([one], [np.add(one, [1e-4, 0])]),
        "more apart": ([one], [np.add(one, [1.01e-4, 0])]),
        "1e-7 apart, of next to nothing": ([few], [np.add(few, [1e-7, 0])]),
        "more apart, of next to nothing": ([few], [np.add(few, [1.1e-7, 0])]),
        "10/1024 apart": ([one], [np.add(one, [10 / 1024, 0])]),
        "11/1024 apart": ([one], [np.add(one, [11 / 1024, 0])]),
        "of other shapes": ([one], [one[None]]),
        "of other types": ([one], [one.astype("f4")]),
        "of nothing": ([one * 0], [one * 0]),
        "NaN on both sides": ([np.array([np.nan, 1.0])], [np.array([np.nan, 1.0])]),
        "NaN here": ([np.array([np.nan, 1.0])], [one]),
        "NaN there": ([one], [np.array([np.nan, 1.0])]),
        "infinity on both sides": ([np.array([np.inf, 1.0])], [np.array([np.inf, 1.0])]),
        "infinity of another sign": ([np.array([np.inf, 1.0])], [np.array([-np.inf, 1.0])]),
        "nothing that is known": ([np.array([np.nan])], [np.array([np.nan])]),
        "too large for single precision": ([np.array([1e300, 1.0])], [np.array([np.inf, 1.0], "f4")]),
        "one behind what nobody knows": ([one * np.nan, one], [one * np.nan, np.add(one, [0.5, 0])]),
        "the second": ([one, one], [one, np.add(one, [0.5, 0])]),
        "the first": ([one, one], [np.add(one, [0.5, 0]), one]),
        "no numbers": ([one[:0]], [one[:0]]),
    }
    for name, (ours, theirs) in pairs.items():
        for single in (None, 0.0, 1 / 1024, 1.0):
            how = (
                None
                if single is None
                else (lambda o=ours, s=single: [x + s * (np.arange(x.size) == 0).reshape(x.shape) for x in o])
            )
            yield (
                f"{name}, single precision {single} apart",
                said(lambda o=ours, t=theirs, h=how: _whole(compared(o, t, 3, "it", h))),
            )
    with _onnxruntime():
        yield "ONNX Runtime", said(lambda: "; ".join(map(told, onnx_outputs(b"model", [one, one]))))
    with _onnxruntime("it is broken\nand more"):
        yield "ONNX Runtime that fails", said(lambda: str(onnx_outputs(b"model", [one, one])))
    with _onnxruntime("x" * 300):
        yield "ONNX Runtime that fails at length", said(lambda: str(onnx_outputs(b"model", [one, one])))


def _whole(found: Any) -> str:
    apart = f"{found.absolute:.3g} {found.relative:.3g}"
    return f"{found} [{found.with_what} {apart} {found.images} {found.rounding}]"


def _facts_in(path: Path) -> dict[str, Any]:
    """What a file tells of what was converted, but for the version of this program."""
    if path.suffix == ".safetensors":
        held = path.read_bytes()
        facts = json.loads(held[8 : 8 + int.from_bytes(held[:8], "little")])["__metadata__"]
    elif path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.comment)
    else:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read("archive/filtviz.json"))
    return {key: value for key, value in facts.items() if key != "converter"}


def _written() -> Iterator[tuple[str, str]]:
    """What `convert` writes, and in which words it refuses."""
    network = NETWORKS["plain"]
    unsure = Network.of([image(1, 6, 6), conv(drawn(2, 1, 3, 3).value, below=0)])
    dots = Network.of([image(1, 6, 6), conv(drawn(2, 1, 1, 1).value, below=0)])
    asked: list[tuple[str, Network, str, dict[str, Any]]] = [
        (suffix, network, f"o{suffix}", how)
        for suffix in (".npz", ".safetensors", ".pt", ".pth", ".PT", ".txt", "")
        for how in (
            {},
            {"layout": "stored"},
            {"layout": "torch"},
            {"layout": "odd"},
            {"layout": ""},
            {"turned": True},
            {"turned": False},
            {"verify": True},
        )
    ]
    for name, one in (("unsure", unsure), ("of one tap", dots)):
        for how in ({}, {"turned": True}, {"turned": False}, {"layout": "torch"}):
            asked.append((name, one, "o.npz", how))
            asked.append((f"{name}, with a module", one, "o.pt", how | {"module": "o.py", "verify": False}))
    for module in ("m.py", "m.PY", "m.txt", "", "o.pt"):
        asked.append(
            (f"module {module!r}", network, "o.pt", {"module": module, "verify": False, "turned": True})
        )
        asked.append(
            (f"module {module!r} beside arrays", network, "o.npz", {"module": module, "verify": False})
        )
    asked.append(("module of arrays as stored", network, "o.pt", {"module": "m.py", "layout": "stored"}))
    asked.append(
        ("module of another archive", network, "o.npz", {"module": "m.py", "layout": "torch", "turned": True})
    )
    kept = _networks()["a name that is kept"]
    asked += [("a name that is kept", kept, f"o{suffix}", {}) for suffix in (".npz", ".safetensors", ".pt")]
    asked.append(("a layout of ONNX", network, "o.onnx", {"layout": "stored"}))
    asked.append(("a budget", network, "o.npz", {"budget": Budget(work=1000)}))
    for name, one, path, how in asked:
        with tempfile.TemporaryDirectory() as folder:
            given = how | (
                {"module": str(Path(folder, how["module"])) if how["module"] else ""}
                if "module" in how
                else {}
            )

            def write(one: Network = one, path: str = path, given: Any = given, folder: str = folder) -> str:
                found = filtviz.convert(one, Path(folder, path), **given)
                files = [file.name for file in found.files]
                facts = f"{found.remarks} {found.verification} {_facts_in(found.files[0])}"
                return f"{found!r} {files} {found.arrays} {facts}"

            shown = said(write).replace(folder, "there").replace("/private", "")
            left = sorted(one.name for one in Path(folder).iterdir())
            yield f"convert {name} {how}", f"{shown}; {left}"


def _given() -> Iterator[tuple[str, str]]:
    """What is written of a file, which is told by its content, and never written over."""
    for path, module in (
        ("o.npz", None),
        ("given.npz", None),
        ("part", None),
        ("o.pt", "m.py"),
        ("o.pt", "given.py"),
        ("given.pt", "m.py"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            there = Path(folder)
            for name in ("given.npz", "given.pt", "given.py"):
                (there / name).write_bytes(b"model")
            origin = Origin(
                path=there / "given.npz",
                siblings=(there / "given.pt", there / "given.py", there / "gone"),
                kind="a test",
            )
            network = replace(NETWORKS["plain"], origin=origin)

            def write(
                network: Network = network, path: str = path, module: str | None = module, there: Path = there
            ) -> str:
                how = {} if module is None else {"module": there / module, "verify": False, "turned": True}
                found = filtviz.convert(network, there / path, **how)
                return f"{found.arrays} {found.remarks} {_facts_in(found.files[0])}"

            shown = said(write).replace(folder, "there")
            held = [one.read_bytes() == b"model" for one in sorted(there.glob("given*"))]
            yield f"convert a file to {path} and {module}", f"{shown} {held}"


def _graphs() -> Iterator[tuple[str, str]]:
    """What becomes of a network that is written as ONNX, where what runs it answers alike, or does not."""
    positive = Network.of(
        [image(1, 4, 4, name="in"), as_layer(Activation(kind="absolute"), below=0, name="size")]
    )
    unsure = Network.of([*positive.layers, conv(drawn(2, 1, 3, 3).value, below=0)])
    answers = {
        "alike": lambda one: one,
        "otherwise": lambda one: one + 0.5,
        "in another shape": lambda one: one[0],
    }
    asked: list[tuple[Network, dict[str, Any]]] = [
        (positive, {"verify": verify}) for verify in (None, True, False)
    ]
    asked += [(positive, {"verify": verify, "budget": Budget(work=600_000)}) for verify in (None, True)]
    asked += [
        (unsure, {"verify": False}),
        (unsure, {"verify": False, "turned": True}),
        (positive, {"turned": True}),
    ]
    for name, answer in answers.items():
        for number, (network, how) in enumerate(asked):
            with tempfile.TemporaryDirectory() as folder, written_down(), _onnxruntime(answers=answer):
                path = Path(folder, "o.onnx")

                def write(network: Network = network, how: Any = how, path: Path = path) -> str:
                    found = filtviz.convert(network, path, **how)
                    files = [one.name for one in found.files]
                    return f"{found.arrays} {found.remarks} {found.verification} {files}"

                shown = {key: getattr(value, "work", value) for key, value in how.items()}
                told = said(write)
                held = path.read_bytes().decode().partition("; opset")[0] if path.exists() else "nothing"
                yield f"ONNX {number} that is answered {name}, {shown}", f"{told}; {held}"
