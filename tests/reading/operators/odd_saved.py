"""A SavedModel of TensorFlow's with one fact changed: the graph that is found in it, or why none is."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.reading.formats.tensorflow.checkpoint import Checkpoint, Trackable
from filtviz.reading.formats.tensorflow.saved_model import SavedGraph, graph_of
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import view_of
from tests.reading.operators.asking import Told, part
from tests.reading.operators.steps import steps_of
from tests.reading.operators.whole_saved import _held
from tests.reading.operators.whole_tensorflow import node, shape_of, tensor
from tests.reading.operators.wholes import drawn, opened, outcome
from tests.reading.variations import _of_value
from tests.telling import layers_of

__all__ = ["odd_saved_models"]

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
NEW: dict[str, Any] = {
    "metas": [
        {"tags": ["train"], "nodes": [], "signatures": {}},
        {
            "tags": ["gpu", "serve"],
            "nodes": [["end", "StatefulPartitionedCall", "call"], ["aside", "PartitionedCall", "other"]],
            "signatures": {
                "__saved_model_init_op": ["aside:0"],
                "also": ["aside:0", "end:0"],
                "serving_default": ["end:0", "aside:0"],
            },
            "functions": {
                "call": "Conv2D x w > c | padding=SAME\nBiasAdd c b > y",
                "other": "BiasAdd x b > y",
            },
            "objects": [
                {"layer": 1, "more": 4},
                {"0": 2, "1": 3},
                {"is": "net/conv/kernel"},
                {"is": "net/conv/bias"},
                {"is": 7},
            ],
            "bound": {"call": [2, 3], "other": [3, 4, 2], "__inference__traced_save": [2, 3, 4, 4]},
        },
    ],
    "keys": {f"layer/0{_VALUE}": [3, 3, 2, 4], f"layer/1{_VALUE}": [4], "spare/k": [3, 3, 2, 2], "twin": [4]},
    "called": {"twin": "spare/k"},
    "tree": [{"layer": 1}, {"0": 2, "1": 3}, f"layer/0{_VALUE}", f"layer/1{_VALUE}"],
}
OLD: dict[str, Any] = {
    "metas": [
        {
            "tags": ["serve"],
            "nodes": [
                ["k", "VariableV2", ""], ["b", "VarHandleOp", ""], ["r", "Identity", "k"],
                ["c", "Conv2D", "x r"], ["y", "BiasAdd", "c b"], ["z", "Relu", "y"],
            ],
            "signatures": {"b": ["z:0"], "a": ["y:0"]},
        }
    ],
    "keys": {"k": [3, 3, 2, 4], "b": [4]},
    "called": {},
    "tree": [],
}  # fmt: skip

_DULL = re.compile(
    r"renamed|doubled|_long|\d{9}|= (None|3|2|0|''|'x'|'y')$|metas\[0\]\.(nodes|sig).* =|keys\.[^ ]*\[\d\]"
)
"""Changes that come to the same as others: a name that is missing under any other, most numbers."""


def _some(value: Any, kind: type = dict) -> Any:
    """A part of the description, where it is still of its kind."""
    return value if isinstance(value, kind) else kind()


def _said(field: int, value: Any) -> bytes:
    return part(field, value) if isinstance(value, int | str) and value != -1 else b""


def _nodes(nodes: Any) -> Iterator[bytes]:
    yield node("x", "Placeholder", [], shape=part(7, shape_of((-1, 6, 6, 2))))
    yield node("held", "Const", [], value=part(8, tensor(np.arange(1, 5, dtype="f4"), "bytes")))
    for one in _some(nodes, list):
        name, operator, rest = ([str(each) for each in _some(one, list)] + ["", "", ""])[:3]
        if "Call" in operator:
            yield node(name, operator, ["x"], f=part(10, part(1, rest)))
        else:
            yield node(name, operator, rest.split(), **({"padding": "SAME"} if operator == "Conv2D" else {}))


def _function(name: str, text: Any) -> bytes:
    formal = b"".join(part(2, part(1, one)) for one in ("xwb" if name != "other" else "xbkw"))
    steps = [
        node(one.outputs[0], one.operator, list(one.inputs), **{k: _fact(k, v) for k, v in one.facts})
        for one in steps_of(str(text))
        if one.outputs
    ]
    signature = part(1, name) + formal + part(3, part(1, "out"))
    return (
        part(1, signature)
        + b"".join(part(3, one) for one in steps)
        + part(4, part(1, "out") + part(2, "y:0"))
    )


def _fact(name: str, value: Any) -> Any:
    return part(10, part(1, value)) if name == "f" else value


def _object(one: Any) -> bytes:
    held = _some(one)
    called = held.get("is")
    if isinstance(called, str):
        return part(7, part(6, called))
    if called is not None:
        return part(9, part(1, "held")) if called == 7 else part(4, b"")
    children = ((name, place) for name, place in held.items() if isinstance(place, int))
    return b"".join(part(1, _said(1, place) + part(2, name)) for name, place in children)


def _meta(said: Any) -> bytes:
    held = _some(said)
    meta = part(1, b"".join(_said(4, one) for one in _some(held.get("tags"), list)))
    if "nodes" in held:
        functions = _some(held.get("functions")).items()
        library = b"".join(part(1, _function(name, text)) for name, text in functions)
        meta += part(2, b"".join(part(1, one) for one in _nodes(held["nodes"])) + part(2, library))
    for name, results in _some(held.get("signatures")).items():
        outputs = (part(2, part(1, "o") + part(2, _said(1, one))) for one in _some(results, list))
        meta += part(5, part(1, name) + part(2, b"".join(outputs)))
    if "objects" in held:
        objects = b"".join(part(1, _object(one)) for one in _some(held["objects"], list))
        for name, places in _some(held.get("bound")).items():
            bound = b"".join(_said(2, one) for one in _some(places, list) if type(one) is int)
            objects += part(2, part(1, name) + part(2, bound))
        meta += part(7, objects)
    return meta


def _read(said: Any) -> str:
    file, chance = opened(b""), random.Random("saved")
    metas = _some(_some(said).get("metas"), list)
    model = Message(view_of(b"".join(part(2, _meta(one)) for one in metas) or part(2, b"")), file.effort)
    shapes = {
        key: tuple(n for n in _some(shape, list) if type(n) is int and 0 <= n < 9)
        for key, shape in _some(_some(said).get("keys")).items()
    }
    tree = [
        Trackable(children={name: one for name, one in part_.items() if type(one) is int})
        if isinstance(part_, dict)
        else Trackable(children={}, key=str(part_ or ""))
        for part_ in _some(_some(said).get("tree"), list)
    ]
    checkpoint = Checkpoint(
        arrays={key: _held(drawn(chance, *shape)) for key, shape in shapes.items()},
        names={key: one for key, one in _some(_some(said).get("called")).items() if isinstance(one, str)},
        objects=tree,
    )  # type: ignore[arg-type]

    def tell(found: SavedGraph | str) -> str:
        if isinstance(found, str):
            return found
        return f"{found.told} {found.unused} {layers_of(found)}"  # type: ignore[arg-type]

    return f"{outcome(lambda: graph_of(model, checkpoint, file), tell)} {file.effort.used} steps"


def _calling(f: str) -> dict[str, Any]:
    """A model whose function calls another one, or itself."""
    meta = NEW["metas"][1]
    call = f"Conv2D x w > c | padding=SAME\nPartitionedCall c b > y | f={f}"
    functions = {**meta["functions"], "call": call}
    return {**NEW, "metas": [{**meta, "functions": functions}]}


def odd_saved_models() -> Told:
    for f in ("call", "other", "nothing"):
        yield f"new, its function calls {f}", _read(_calling(f))
    for name, whole in (("new", NEW), ("old", OLD)):
        before = _read(whole)
        yield name, before
        changes = {
            words: put for words, put in _of_value(whole, "", ("call", "serve")) if not _DULL.search(words)
        }
        for words, put in [one for place, one in enumerate(changes.items()) if place % 5 < 2]:
            told = _read(put())
            yield f"{name}{words}", "the same" if told == before else told
