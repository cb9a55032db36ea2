"""Calls of programs of torch.export's with arguments drawn by chance, and the parts of their graphs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from filtviz.reading.formats import exported
from filtviz.reading.limits import Limits
from tests.reading.operators.asking import Told, array
from tests.reading.operators.small_parts import line_of
from tests.reading.operators.wholes import opened, outcome, some
from tests.telling import told

__all__ = ["exported_parts"]

N_CALLS = 240
_OF_TORCH = (
    *exported._BY_OPERATOR,
    *("conv2d", "convolution", "conv_transpose2d", "view", "linear", "cat", "mean") * 4,
)


def _wholes(chance: random.Random, low: int = 0) -> Any:
    n = chance.choice((1, 2, 2, 2, 3))
    listed = [chance.randrange(low, 4) for _ in range(n)]
    return chance.choice((listed, listed, listed, listed[0], None, [*listed[1:], "x"], True, 2.0))


def a_call(n: int) -> tuple[str, str]:
    """A call of an operator, and what it does."""
    chance = random.Random(f"call of torch {n}")
    word = chance.choice(_OF_TORCH)
    rank = chance.choice((4, 4, 4, 3, 2, 5, 0))
    shape: Any = tuple(chance.choice((1, 4, 8, None)) for _ in range(rank)) if chance.random() < 0.9 else None
    facts = some(
        chance, 0.5,
        stride=_wholes(chance, chance.choice((0, 1, 1))), padding=chance.choice((_wholes(chance), "same",
        "valid")),
        dilation=_wholes(chance, chance.choice((0, 1, 1))), output_padding=_wholes(chance),
        kernel_size=_wholes(chance, 1),
        groups=chance.choice((1, 2, 0, "2")), transposed=chance.choice((True, False, None)),
        output_size=chance.choice(([1, 1], [1], 1, [2, 1], None)), ceil_mode=chance.choice((True, False)),
        count_include_pad=chance.choice((True, False)), eps=chance.choice((0.25, 1, -1.0, "x")),
        dim=chance.choice(([2, 3], [3, 2], [-1, -2], [2], [1], 1, -1, 5, [])), keepdim=chance.choice((True,
        False)),
        start_dim=chance.choice((0, 1, 2, -1)), end_dim=chance.choice((-1, 1, 3)),
        num_groups=chance.choice((2, 0)),
        size=chance.choice(([1, -1], [exported._BATCH, 3], [3, exported._BATCH], [exported._BATCH] * 2,
        [-2], 3)),
        shape=chance.choice(([2, 2], [])), normalized_shape=chance.choice(([4], [2, 4], [], 4)),
        negative_slope=chance.choice((0.25, None)), alpha=chance.choice((0.5, 1, 1.0)),
        beta=chance.choice((1.0, 2)),
        min_val=chance.choice((0.0, 0, -1)), max_val=chance.choice((6.0, 0.0)),
        approximate=chance.choice(("tanh", "none")),
        upscale_factor=chance.choice((2, 3)),
    )  # fmt: skip
    k = int(word[-2]) if word[-2:-1].isdigit() and "conv" in word else 2
    kernel = array(4, 2, *(3, 2, 5)[: k if chance.random() < 0.9 else 4])
    matrix = array(*chance.choice(((5, 4), (5, 4), (5,))))
    weights: dict[str, Any] = {
        "weight": kernel if "conv" in word else matrix if word == "linear" else array(8)
    }
    weights |= {
        "bias": array(4, name="b"),
        "running_mean": array(8, name="m"),
        "running_var": array(8, name="v"),
    }
    weights |= {"mat2": matrix, "self": array(5, name="s"), "mat1": matrix}
    odds = {"running_mean": 0.5, "running_var": 0.5, "mat1": 0.15, "weight": 0.93}
    held = {name: one for name, one in weights.items() if chance.random() < odds.get(name, 0.7)}
    if not word.startswith(("conv", "linear", "batch", "_native", "prelu", "inst", "group", "layer")):
        held = (
            {name: one for name, one in held.items() if name in ("mat1", "mat2", "self")}
            if "mm" in word
            else {}
        )
    node = exported._Node(
        operator=word, arguments=facts, parameters=held, shapes=[shape] * chance.choice((1, 1, 2, 0)),
        is_turned=chance.random() < 0.3,
    )  # fmt: skip
    asked = f"{n} {word} {shape} {len(node.shapes)} {_brief(facts)} {' '.join(held)} {node.is_turned}"
    found = outcome(lambda: exported._BY_OPERATOR[word](node), lambda one: told(*one or ()) or "nothing")
    return asked.replace(str(exported._BATCH), "BATCH").replace("None", "-"), found


def _brief(facts: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in facts.items()).replace(", ", ",")


# Arguments


def _arguments() -> Told:
    for value in (None, 2, [2], [1, 2], [1, 2, 3], [], [True], [1, "x"], [1.0], "same", 2.0, True, (1, 2)):
        node = exported._Node(operator="x", arguments={"a": value, "dim": value}, parameters={}, shapes=[])
        listed = [node.numbers("a", n, 7) for n in (1, 2, 3)]
        yield f"numbers of {value}", f"{listed} {node.number('a', 7)} {node.whole('a', 7)} {node.axis(3, 4)}"
    for dim in (0, 1, -1, 4, -5, None):
        for shape in ((1, 2, 3), (), None):
            node = exported._Node(operator="x", arguments={"dim": dim}, parameters={}, shapes=[shape])
            yield f"axis {dim} of {shape}", f"{node.axis(1, 4)} {node.axis(-1, 0)}"
    for union in (
        {"as_tensor": {"name": "x"}}, {"as_tensors": [{"name": "x"}, {"name": "y"}]}, {"as_none": True},
        {"as_int": 3},
        {"as_sym_int": {"as_int": 3}}, {"as_sym_int": {"as_name": "s0"}}, {"as_sym_ints": [{"as_int": 3},
        {"as_name": 5}]},
        {"as_ints": [1, 2]}, {"as_string": "same"}, {"as_float": 0.5, "as_int": 3},
        {"as_sym_bool": {"as_name": "x"}},
    ):  # fmt: skip
        value = exported._plain(union)
        yield f"union {union}", f"{value} {exported._text(union)!r} {exported._names(union)}"
    yield "an empty union", _raised(lambda: exported._plain({}))
    for values in (
        [{"as_int": 8}, {"as_int": 0}],
        [3],
        [{"as_int": -1}, {"as_int": True}, {}, None, "x"],
        {"as_int": 3},
        None,
        [],
    ):
        yield f"wholes {values}", str(exported._whole(values))
    for code in (*range(14), 28, 29, 30, 31, "7", True, None):
        yield f"type {code!r}", str(exported._dtype(code))


def _raised(make: Callable[[], Any]) -> str:
    try:
        return str(make())
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        return repr(error)


# Graphs


def _tensor(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def _call(target: str, *outputs: Any, **inputs: Any) -> dict[str, Any]:
    held = [
        {"name": key, "arg": _tensor(one) if isinstance(one, str) else one} for key, one in inputs.items()
    ]
    return {
        "target": target,
        "inputs": held,
        "outputs": [_tensor(one) if isinstance(one, str) else one for one in outputs],
    }


_SPECS: tuple[dict[str, Any], ...] = (
    {"user_input": {"arg": _tensor("x")}},
    {"user_input": {"arg": {"as_int": 3}}},
    {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "fc.weight"}},
    {"parameter": {"arg": {"name": "p_b"}, "parameter_name": "fc.bias"}},
    {"buffer": {"arg": {"name": "b_m"}, "buffer_name": "bn.running_mean"}},
    {"tensor_constant": {"arg": {"name": "c_v"}, "tensor_constant_name": "bn.running_var"}},
    {"parameter": {"arg": {"name": "p_gone"}, "parameter_name": "gone.weight"}},
)
_SIZE = {"as_sym_int": {"as_name": "s0"}}
_GRAPHS: Mapping[str, list[Any]] = {
    "a dense layer": [_call("torch.ops.aten.linear.default", "y", input="x", weight="p_w", bias="p_b")],
    "a turned matrix": [_call("torch.ops.aten.t.default", "t", self="p_w"),
    _call("torch.ops.aten.addmm.default", "y", self="p_b", mat1="x", mat2="t")],
    "turned twice": [
        _call("torch.ops.aten.t.default", "t", self="p_w"), _call("torch.ops.aten.permute.default", "u",
        self="t"),
        _call("torch.ops.aten.mm.default", "y", self="x", mat2="u"),
    ],
    "cloned and turned": [
        _call("torch.ops.aten.transpose.int", "t", self="p_w"), _call("torch.ops.aten.clone.default", "u",
        self="t"),
        _call("torch.ops.aten.mm.default", "y", self="x", mat2="u"),
    ],
    "a turned vector": [_call("torch.ops.aten.t.default", "t", self="p_b"),
    _call("torch.ops.aten.add.Tensor", "y", self="x", other="t")],
    "a cloned image": [_call("torch.ops.aten.clone.default", "y", self="x")],
    "statistics": [_call("torch.ops.aten.batch_norm.default", "y", input="x", running_mean="b_m",
    running_var="c_v")],
    "what is not there": [_call("torch.ops.aten.linear.default", "y", input="x", weight="p_gone")],
    "two of one": [
        _call("torch.ops.aten.relu.default", "a", self="x"), _call("torch.ops.aten.add.Tensor", "y",
        self="a", other="x"),
        _call("torch.ops.aten.cat.default", "z", tensors={"as_tensors": [{"name": "y"}, {"name": "a"},
        {"name": "n"}]}),
    ],
    "lengths": [
        _call("torch.ops.aten.sym_size.int", _SIZE, self="x", dim={"as_int": 0}),
        _call("torch.ops.aten.view.default", "y", self="x", size={"as_sym_ints": [{"as_name": "s0"},
        {"as_int": -1}]}),
        _call("torch.ops.aten.view.default", "z", self="x", size={"as_sym_ints": [{"as_int": 2},
        {"as_name": "s0"}]}),
        _call("torch.ops.aten.view.default", "u", self="x", size={"as_sym_ints": [{"as_name": "s1"},
        {"as_int": 2}]}),
    ],
    "another length": [
        _call("torch.ops.aten.sym_size.int", _SIZE, self="x", dim={"as_int": 1}),
        _call("torch.ops.aten.view.default", "y", self="x", size={"as_sym_ints": [{"as_name": "s0"},
        {"as_int": -1}]}),
    ],
    "several outputs": [
        _call("torch.ops.aten.max_pool2d_with_indices.default", {"as_tensors": [{"name": "y"},
        {"name": "i"}]}, self="x", kernel_size={"as_ints": [2]}),
        _call("torch.ops.aten.relu.default", "z", self="i"), _call("torch.ops.aten.relu.default",
        {"as_none": 1}, self="z"),
    ],
    "two outputs": [
        _call("torch.ops.aten.relu.default", "y", "i", self="x"),
        _call("torch.ops.aten.add.Tensor", "z", self="i", other="y"),
    ],
    "no operator of theirs": [_call("own.dream", "y", self="x"), _call("torch.ops.aten.relu", "z",
    self="y") | {"name": "own_name"}],
    "no target": [{"inputs": [], "outputs": []}],
    "no argument": [_call("torch.ops.aten.relu.default", "y", self={})],
    "an odd axis": [_call("torch.ops.aten.mean.dim", "y", self="x", dim={"as_strings": ["a"]})],
}  # fmt: skip


def _read(nodes: Any, specs: Any = _SPECS, **limits: int) -> str:
    shapes = {"fc.weight": (5, 5), "fc.bias": (5,), "bn.running_mean": (5,), "bn.running_var": (5,)}
    weights: Any = {name: array(*shape, name=name) for name, shape in shapes.items()}
    values = {
        "x": {"sizes": [{"as_int": 2}, {"as_int": 5}]},
        "w": {"sizes": [{"as_int": 3}, {"as_expr": "s"}]},
    }
    file = opened(b"", limits=Limits(**limits))
    reader = exported._Reader(opened=file, weights=weights)
    graph = {"tensor_values": values, "nodes": nodes}
    model = {"graph_module": {"graph": graph, "signature": {"input_specs": specs}}}
    told_ = outcome(lambda: reader.read(model), lambda found: " ".join(map(line_of, found)))
    return f"{told_} {file.effort.used}"


def _graphs() -> Told:
    for word in ("add", "sub", "mul"):
        for alpha in (1, 1.0, 2, -0.5):
            scaled = [
                _call(f"torch.ops.aten.{word}.Tensor", "y", self="x", other="x", alpha={"as_int": alpha})
            ]
            yield f"graph of {word} scaled by {alpha}", _read(scaled)
    for words, nodes in _GRAPHS.items():
        yield f"graph of {words}", _read(nodes)
    for specs in (
        [{"user_input": {"arg": _tensor("w")}}], [{"user_input": {"arg": _tensor("other")}}],
        [{"user_input": {}}], [{}], ["x"],
        [{"buffer": {}}], [{"user_input": {"arg": {}}}], None,
    ):  # fmt: skip
        yield f"graph that is given {specs}", _read([], specs)
    relu = [_call("torch.ops.aten.relu.default", "y", self="x")] * 2
    for n in (2, 3):
        yield f"three layers of {n}", _read(relu, layers=n)


def exported_parts() -> Told:
    """All of it."""
    yield from map(a_call, range(N_CALLS))
    yield from _arguments()
    yield from _graphs()
