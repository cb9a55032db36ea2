"""Operations of Paddle's programs, each with one fact after another as it may be said, odd, or not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from filtviz.reading.formats import paddle, paddle_program
from tests.reading.operators.asking import Told, array, message, part
from tests.reading.operators.small_parts import line_of, together
from tests.reading.operators.wholes import opened, outcome

__all__ = ["paddle_parts"]

_FACTS: Mapping[str, Any] = {
    "strides": [2, 1],
    "dilations": [1, 2],
    "paddings": [1, 0],
    "groups": 2,
    "how": "EXPLICIT",
}
_LISTS: tuple[Any, ...] = (
    [],
    [1],
    [1, 1],
    [2, 2],
    [0, 1],
    [0, 2],
    [1, -1],
    [1, 2, 3, 4],
    [0, 0, 0, -1],
    [1, 2, 3],
    [1 << 31, 1],
)


def _values(items: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes as a program of Paddle 3 has them."""
    return [
        {"N": key, "AT": {"D": [{"D": one} for one in value] if isinstance(value, list) else value}}
        for key, value in items.items()
    ]


def paddle_parts() -> Told:
    """What is said of windows, which variables are kept, and what operations do."""
    rows = [("as usual", str(paddle._said_facts(**_FACTS)))]
    for key in ("strides", "dilations", "paddings"):
        rows += [(f"{key} {value}", str(paddle._said_facts(**{**_FACTS, key: value}))) for value in _LISTS]
    rows += [(f"groups {n}", str(paddle._said_facts(**{**_FACTS, "groups": n}))) for n in (-1, 0, 1)]
    rows += [
        (f"{how}", str(paddle._said_facts(**{**_FACTS, "how": how})))
        for how in ("SAME", "VALID", "ELSE", "", "WRAP")
    ]
    yield from together(rows, "facts")
    usual = {
        "strides": [2, 1],
        "dilations": [1, 2],
        "paddings": [1, 0],
        "groups": 2,
        "padding_algorithm": "EXPLICIT",
    }
    rows = [("as usual", str(paddle._facts_of_json({"A": _values(usual)})))]
    for key in usual:
        rows.append(
            (
                f"without {key}",
                str(paddle._facts_of_json({"A": _values({k: v for k, v in usual.items() if k != key})})),
            )
        )
        for value in (*_LISTS, "SAME", "VALID", 3, (1 << 31) - 1, 1 << 31, True, None, ["x", 1]):
            rows.append((f"{key} {value}", str(paddle._facts_of_json({"A": _values({**usual, key: value})}))))
    yield from together(rows, "facts of JSON")
    for lists in ((), ("strides",), ("strides", "dilations", "paddings")):
        for more in ((), (("groups", 3, 2),), (("padding_algorithm", 5, "SAME"), ("groups", 3, 0))):
            data = b"".join(part(4, part(1, name) + part(6, 2) + part(6, 1)) for name in lists)
            data += b"".join(part(4, part(1, name) + part(field, value)) for name, field, value in more)
            yield f"a message of {lists} {more}", str(paddle._facts(message(data)))
    for kinds in (["conv2d"], ["depthwise_conv2d"], ["conv2d_transpose"], ["pool2d", "conv2d"], ["conv3d"]):
        given = part(1, part(1, "Filter") + part(2, "c.w_0") + part(2, "x") + part(2, "n.m.b_0"))
        strides = part(4, part(1, "strides") + part(6, 2) + part(6, 1))
        blocks = [part(1, part(4, given + part(3, kind) + strides)) for kind in kinds]
        for names in ({"c.w_0"}, {"c.w_0", "n.m.b_0"}, {"x"}, set()):
            found = paddle._uses(message(b"".join(blocks)), frozenset(names))
            yield f"uses of {kinds} by {sorted(names)}", str(found)
    for kept in (0, 1):
        for kind in (None, 7, 9, 10, 17):
            variable = part(1, "v") + (b"" if kind is None else part(2, part(1, kind))) + part(3, kept)
            yield (
                f"a variable {kept} {kind}",
                str(list(paddle._of_program(message(part(1, part(3, variable)))))),
            )
    yield from _programs()


def _value(number: int, shape: Any = None) -> dict[str, Any]:
    kind = "0.t_vec" if shape is None else "0.t_dtensor"
    return {"%": number, "TT": {"#": kind, "D": [0, shape]}}


def _run(kind: str, given: Iterable[int], said: Mapping[str, Any], **more: Any) -> str:
    """What an operation is behind an image (1), numbers (5 to 9), and parameters (10 to 16)."""
    shapes = {
        "c.w_0": (4, 3, 2, 2),
        "d.w_0": (3, 4),
        "n.w_1": (3,),
        "n.w_2": (3,),
        "n.w_0": (3,),
        "n.b_0": (3,),
        "e.w_0": (3, 3, 3),
    }
    held = {name: array(*shape, name=name.rpartition(".")[2]) for name, shape in shapes.items()}
    file = opened(b"")
    reader = paddle_program._Reader(held=held, opened=file, facts=paddle._facts_of_json)
    for place, name in enumerate((*shapes, "gone")):
        reader.operation({"#": "p", "A": [0, 0, 0, name], "O": {"%": 10 + place}})
    start = {"A": _values({}), "I": []}
    reader.operation({"#": "1.data", "O": [_value(1, [-1, 3, 8, 8])], **start})
    reader.operation({"#": "1.relu", "O": [_value(2)], "A": [], "I": [{"%": 1}]})
    for number, value in ((5, [3, 2]), (6, 1), (7, [1, 1]), (8, [2.5, 1 << 31, "x", True]), (9, -5)):
        reader.operation({"#": "1.full", "O": [_value(number)], "A": _values({"value": value}), "I": []})
    reader.operation({"#": "0.combine", "O": [_value(4)], "A": [], "I": [{"%": 1}, {"%": 2}, {"%": 99}]})
    one = {
        "#": f"1.{kind}",
        "O": [_value(20, [-1, 4, 8, 0])],
        "A": _values(said),
        "I": [{"%": n} for n in given],
        **more,
    }
    found = outcome(lambda: reader.operation(one), lambda _: " ".join(map(line_of, reader.layers[2:])))
    spent = f" {file.effort.used}"
    return f"{found} {reader.numbers.get(20, '')}{reader.lists.get(20, '')} {20 in reader.constants}{spent}"


def _programs() -> Told:
    pool = {"strides": [2, 1], "paddings": [1, 0], "pooling_type": "max"}
    for kind, given, said in (
        ("conv2d", (1, 10), {"strides": [2, 1]}), ("depthwise_conv2d_transpose", (1, 10), {}), ("conv2d",
        (1, 11), {}),
        ("conv2d", (1, 17), {}), ("conv2d", (10, 1), {}), ("matmul", (1, 11), {}), ("matmul", (1, 11),
        {"transpose_y": True}),
        ("matmul", (1, 11), {"transpose_y": 1}), ("matmul", (1, 16), {}), ("matmul", (1, 2), {}),
        ("batch_norm", (1, 12, 13, 14, 15), {"epsilon": 0.25}), ("batch_norm_", (1, 12, 13, 14, 15),
        {"epsilon": 1}),
        ("batch_norm", (1, 12, 13, 14, 15), {"epsilon": float("inf")}), ("batch_norm", (1, 12, 13, 14, 2),
        {}),
        ("batch_norm", (1, 15, 14, 13, 12), {}), ("add", (1, 15), {}), ("add", (1, 11), {}), ("add", (1, 2),
        {}), ("add", (1, 6), {}),
        ("multiply", (1, 2), {}), ("subtract", (2, 1), {}), ("multiply", (1,), {}), ("divide", (1, 2), {}),
        ("pool2d", (1, 5), pool), ("pool2d", (1, 5), {**pool, "pooling_type": "avg", "exclusive": False,
        "ceil_mode": True}),
        ("pool2d", (1, 5), {**pool, "exclusive": True, "ceil_mode": False}), ("pool2d", (1, 6), pool),
        ("pool2d", (1,), pool),
        ("pool2d", (1, 7), {**pool, "adaptive": True}), ("pool2d", (1, 5), {**pool, "adaptive": True}),
        ("pool2d", (1, 5), {**pool, "global_pooling": True}), ("pool2d", (1, 5), {"pooling_type": "max"}),
        ("pool2d", (1, 5), {"strides": [1, 1], "padding_algorithm": "SAME"}), ("pool2d", (1, 8), pool),
        ("concat", (4, 6), {}), ("concat", (4, 9), {}), ("concat", (4, 5), {}), ("concat", (4,), {}),
        ("concat", (1, 6), {}), ("concat", (), {}), ("concat", (6, 6), {}), ("pool2d", (), pool),
        ("flatten", (1,), {"start_axis": 1}), ("flatten", (1,), {"start_axis": 2}), ("flatten", (1,), {}),
        ("leaky_relu", (1,), {"negative_slope": 0.25}), ("leaky_relu_", (1,), {"negative_slope": 1}),
        ("leaky_relu", (1,), {}),
        *(("softmax", (1,), {"axis": axis}) for axis in (-1, 4, 5, -5, True, None)),
        *((kind, (1,), {}) for kind in (*paddle_program._ACTIVATIONS, "relu6",
        *sorted(paddle_program._PASSED_ON), "o" * 41)),
        ("elu", (1,), {"alpha": 0.5}), ("elu", (1,), {"alpha": 2}), ("gelu", (1,), {"approximate": True}),
        ("gelu", (1,), {"approximate": False}), ("fetch", (1,), {}), ("shadow_output", (1,), {}),
        ("full_int_array", (), {"value": [1, 2]}),
        ("full", (), {"value": None}),
        ("combine", (1, 2), {}), ("reshape", (11, 5), {}), ("reshape", (1, 5), {}), ("reshape", (), {}),
        ("relu", (), {}),
    ):  # fmt: skip
        yield f"run {kind[:30]} {given} {said}", _run(kind, given, said)
    for output in (
        _value(20, [-1, 4]), _value(20, [1] * 5), _value(20, [1] * 6), _value(20, ["x"]), _value(20,
        [1 << 31, 1]), _value(20, "x"),
        _value(20, [True]), _value(20), _value(20, []),
    ):  # fmt: skip
        yield f"a shape of {output['TT']}", str(paddle_program._shape(output))
    sayings = ({"alpha": 0.5, "negative_slope": 0.5}, {"approximate": True}, {"axis": 1, "start_axis": 1})
    for kind in (
        *paddle_program._ACTIVATIONS, "relu6", *sorted(paddle_program._PASSED_ON), "leaky_relu",
        "leaky_relu_", "elu",
        "elu_", "gelu", "gelu_", "softmax", "softmax_", "flatten", "flatten_", "concat", "prelu", "swish_",
        "selu_",
    ):  # fmt: skip
        rows = [(str(n), _run(kind, (1,), said)) for n, said in enumerate(sayings)]
        yield from together(rows, f"said {kind}")
    for value in (
        [1.5, 2.0],
        [1e300],
        [True, 2],
        2.75,
        1e308,
        [float("nan"), 2],
        [float("inf")],
        ["3"],
        -2.5,
    ):
        yield f"numbers {value}", _run("full", (), {"value": value})
    yield "batch_norm of one more", _run("batch_norm", (1, 12, 13, 14, 15, 1), {"epsilon": 0.25})
    yield (
        "pool2d of 1",
        _run("pool2d", (1, 7), {"strides": [2, 2], "paddings": [0, 0], "pooling_type": "max"}),
    )
    yield "of two outputs", _run("relu", (1,), {}, O=[_value(20, [1, 2]), _value(21, [3])])
    yield "of one output", _run("relu", (1,), {}, O=_value(20, [1, 2]))
    yield "of no outputs", _run("relu", (1,), {}, O=[])
