"""Graphs in which a number is larger, a place another, a name nearly one, or the second not as the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.reading.formats import onnx, tensorflow
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.onnx.initialisers import array_of
from filtviz.reading.formats.tensorflow import _of_checkpoint, saved_model
from filtviz.reading.formats.tensorflow.checkpoint import Checkpoint, Trackable
from filtviz.reading.formats.tflite import sparsity
from filtviz.reading.limits import Hints, Limits
from tests.reading.operators.asking import Told, message, part
from tests.reading.operators.corners_folding import held, ramp
from tests.reading.operators.corners_nodes import does
from tests.reading.operators.corners_tflite import _file, _gaps
from tests.reading.operators.edges import _onnx_model, _onnx_node, _onnx_notes
from tests.reading.operators.held_formats import Case, files_of
from tests.reading.operators.odd_saved import NEW, OLD, _meta
from tests.reading.operators.odd_saved import _read as _read_saved
from tests.reading.operators.odd_tensors import _VALUE, _stored
from tests.reading.operators.tflite import Fields
from tests.reading.operators.whole_onnx import attribute, info, tensor
from tests.reading.operators.whole_tflite import IMAGE, Model
from tests.reading.operators.wholes import opened, outcome
from tests.telling import layers_of, origin_of

__all__ = ["near_graphs"]


# ONNX


def _tensors() -> Told:
    """Numbers of a field that four bytes do not hold."""
    far = 1 << 40
    for code, field, numbers in (
        (6, 5, (-(1 << 31), (1 << 31) - 1)), (7, 7, (far, -far)), (12, 11, (1 << 31, (1 << 32) - 1)),
        (13, 11, (far, 1 << 63)), (9, 5, (0, 1)), (4, 5, (1 << 15, 65535)), (2, 5, (128, 255)),
    ):  # fmt: skip
        data = part(1, 2) + part(2, code) + b"".join(part(field, n % (1 << 64)) for n in numbers)
        made = outcome(
            lambda d=data: array_of(message(d), opened(b"")).read(), lambda a: f"{a.tolist()} {a.dtype}"
        )
        yield f"numbers {numbers} of type {code}", made


def _nodes() -> Told:
    """Nodes of few constants."""
    most = (1 << 63) - 1
    kernel = part(5, tensor("k", np.ones((2, 3, 1, 1), "f4")))
    wide = part(5, tensor("v", np.ones((2, 3, 1, 1, 1), "f4")))
    line = part(5, tensor("l", np.ones((2, 3, 1), "f4")))
    far = part(5, tensor("f", np.array([1 << 33], "i8")))

    def wholes(name: str, *numbers: int) -> bytes:
        return _onnx_node("Constant", [], name, attribute("value_ints", list(numbers)))

    conv = _onnx_node("Conv", ["x", "t"], "y")
    for words, parts in {
        "turned by an order of nothing": [kernel, _onnx_node("Transpose", ["k"], "t", part(1, "perm")), conv],
        "turned by none": [kernel, _onnx_node("Transpose", ["k"], "t"), conv],
        "cut to the largest number": [
            wholes("s", 1), wholes("e", most), wholes("a", 2), _onnx_node("Slice", ["x", "s", "e", "a"], "y"),
        ],
        "cut to a large number": [
            wholes("s", -(1 << 34)), wholes("e", 1 << 35), wholes("a", 2),
            _onnx_node("Slice", ["x", "s", "e", "a"], "y"),
        ],
        "lengths beside a large number": [
            far, wholes("a", 2), _onnx_node("Shape", ["x"], "n"),
            _onnx_node("Concat", ["n", "f"], "c", attribute("axis", 0)), _onnx_node("Abs", ["c"], "b"),
            wholes("i", 4), _onnx_node("Gather", ["b", "i"], "e"),
            _onnx_node("Slice", ["x", "a", "e", "a"], "y"),
        ],
    }.items():  # fmt: skip
        yield f"ONNX's {words}", _onnx_model(parts)
    for domain in ("com.microsoft.nhwc", "com.microsoft.nchwc", "com.microsoft", "ai.onnx", "ai.onnx.ml"):
        parts = [kernel, _onnx_node("Conv", ["x", "k"], "y", domain=domain)]
        yield f"ONNX's convolution of {domain}", _onnx_model(parts)
    two = b"".join([part(1, "k"), part(2, "t"), part(2, "u"), part(4, "Sign")])
    yield "ONNX's sign of two results", _onnx_model([kernel, part(1, two), conv])
    for words, one, name in (("five axes", wide, "v"), ("four", kernel, "k"), ("three", line, "l")):
        yield f"ONNX's unknown one of {words}", _onnx_notes([one, _onnx_node("Deform", ["x", name], "y")])
    for turn in (0, 1, 2, -1):
        found = [does("Gemm", ramp(4, 4), shape=(2, 4), **{name: turn}) for name in ("transA", "transB")]
        yield f"ONNX's matrix turned {turn} times", " & ".join(found)
    for scales in ([1, 1, 2, 2], [1, 1, 2, 3], [1, 1, 3, 2], [1, 1, 1, 3]):
        facts = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "round_prefer_floor"}
        yield f"ONNX's enlarged by {scales}", does("Resize", None, held(scales), mode="nearest", **facts)


def _called() -> Told:
    """A function's attributes that the call gives, and that it does not."""
    scales = part(5, tensor("s", np.array([1, 1, 2, 2], "f4")))
    for name, facts in (("mode", {}), ("mode", {"how": "linear"}), ("mode", {"how": "nearest"})):
        refers = part(5, part(1, name) + part(21, "how"))
        inner = b"".join(part(1, one) for one in ("a", "", "b")) + part(2, "c") + part(4, "Resize") + refers
        head = part(1, "F") + part(4, "a") + part(4, "b") + part(5, "c") + part(6, "how") + part(10, "ours")
        more = (attribute(key, value) for key, value in facts.items())
        node = _onnx_node("F", ["x", "s"], "y", *more, domain="ours")
        yield f"called with {facts}", _onnx_model([scales, node], part(25, head + part(7, inner)))
    refers = part(5, part(1, "mode") + part(21, "how"))
    resizing = b"".join(part(1, one) for one in ("a", "", "b")) + part(2, "c") + part(4, "Resize") + refers
    calling = part(1, "a") + part(1, "b") + part(2, "a2") + part(4, "F") + part(7, "ours")
    calling += part(5, attribute("how", "nearest"))
    behind = b"".join(part(1, one) for one in ("a2", "", "b")) + part(2, "d") + part(4, "Resize") + refers
    formal = part(4, "a") + part(4, "b") + part(6, "how") + part(10, "ours")
    inner_ = part(25, part(1, "F") + formal + part(5, "c") + part(7, resizing))
    outer = part(25, part(1, "G") + formal + part(5, "d") + part(7, calling) + part(7, behind))
    for how in ("linear", "nearest"):
        node = _onnx_node("G", ["x", "s"], "y", attribute("how", how), domain="ours")
        yield f"called behind another call with {how}", _onnx_model([scales, node], inner_ + outer)
    for n in (5, 6):
        graph = part(11, info("x", (1, 3, 6, 6)))
        for place in range(n):
            graph += part(5, tensor(f"k{place}", np.full((2, 3, 1, 1), place, "f4")))
            graph += _onnx_node("Neg", [f"k{place}"], f"t{place}")
            graph += _onnx_node("Conv", ["x", f"t{place}"], f"y{place}")
        file = opened(part(1, 8) + part(2, "ours") + part(7, graph) + part(8, part(2, 17)))
        file.computing.left = 0
        network = onnx.open(file)
        yield f"{n} kernels that take too much", " ".join(network.origin.notes if network else ())
    inner = b"".join(part(1, one) for one in ("a", "k", "c")) + part(2, "g") + part(4, "Conv")
    head = b"".join(part(4, one) for one in "abkc") + part(5, "g") + part(1, "F") + part(10, "ours")
    kernel = part(5, tensor("w", np.ones((2, 3, 1, 1), "f4")))
    for given in (["x", "", "w", ""], ["x", "", "w"], ["x", "w", "w", ""], ["x"]):
        node = _onnx_node("F", given, "y", domain="ours")
        yield f"called with inputs {given}", _onnx_model([kernel, node], part(25, head + part(7, inner)))
    statistics = ["bn.weight", "bn.bias", "bn.mean", "bn.var"]
    held_ = [part(5, tensor(name, np.ones(3, "f4"))) for name in statistics]
    norm = _onnx_node("BatchNormalization", ["x", *statistics], "y")
    yield "a normalisation whose arrays have names", _onnx_model([*held_, norm])
    ends = b"".join(part(2, one) for one in ("p", "q", "r")) + part(1, "x") + part(4, "Dream")
    for end in ("p", "q", "r", "s"):
        relu = _onnx_node("Relu", [end], "y")
        yield f"the result {end} of three", _onnx_model([part(1, ends), relu])
    for shape, said in (((0, 3), [0, 0]), ((0, 3), [0, 1]), ((2, 0), [-1]), ((1, 0), [])):
        for word in ("Unsqueeze", "Squeeze", "Reshape"):
            yield f"{word} of {shape} by {said}", str(cases.other_shape(word, shape, said))


def _beside() -> Iterator[Case]:
    """Tensors in a file beside the model, at places that do and do not fit their type."""
    data = np.arange(1, 17, dtype="<f8").tobytes()
    for words, code, said in (
        ("doubles at 4", 11, {"offset": "4", "length": "24"}), ("doubles at 8", 11, {"offset": "8"}),
        ("halves at 2", 10, {"offset": "2", "length": "6"}), ("halves at 3", 10, {"offset": "3"}),
        ("no offset", 1, {"length": "12"}), ("no length", 1, {"offset": "4"}), ("neither", 1, {}),
        ("a length of none", 1, {"offset": "4", "length": "0"}),
        ("no numbers at the end", 1, {"offset": "128", "length": "0"}),
        ("a length below none", 1, {"offset": "4", "length": "-1"}),
        ("a place beyond", 1, {"offset": "129"}), ("more than there is", 1, {"offset": "120", "length": "9"}),
    ):  # fmt: skip
        facts = {"location": "w.bin", **said}
        entries = b"".join(part(13, part(1, key) + part(2, value)) for key, value in facts.items())
        shape = (0, 3, 1, 1) if words.startswith("no numbers") else (1, 3, 1, 1)
        dims = b"".join(part(1, n) for n in shape)
        weights = part(5, dims + part(2, code) + part(8, "w") + part(14, 1) + entries)
        graph = weights + _onnx_node("Conv", ["x", "w"], "y") + part(11, info("x", (1, 3, 6, 6)))
        model = part(1, 8) + part(2, "ours") + part(7, graph) + part(8, part(2, 17))
        yield f"ONNX's {words}", onnx.open, {"n.onnx": model, "w.bin": data}, Limits()
    empty, whole = part(2, part(1, part(4, "train"))), part(2, _meta(OLD["metas"][0]))
    for words, metas in (("no graph", empty), ("a graph", whole), ("its second graph", empty + whole)):
        yield f"TensorFlow's model of {words} alone", tensorflow.open, {"m.pb": part(1, 1) + metas}, Limits()


# TensorFlow

_AVERAGE = "/ExponentialMovingAverage"


def _checkpoint(shapes: Mapping[str, Any], weights: str = "", **more: Any) -> str:
    arrays = {
        key: _stored(n * np.arange(np.prod(shape), dtype="f4").reshape(shape))
        for n, (key, shape) in enumerate(shapes.items())
    }
    found = Checkpoint(arrays=arrays, names=more.get("names", {}), objects=more.get("objects", ()))
    file = replace(opened(b""), hints=Hints(weights=weights))
    return outcome(lambda: _of_checkpoint(file, found, "a checkpoint"), lambda n: layers_of(n) + origin_of(n))


def _checkpoints() -> Told:
    for name in ("variables.index", "variables_2.index", "x.index"):
        file = opened(b"", name=name)
        empty = Checkpoint(arrays={}, names={})
        yield f"no variables in {name}", outcome(lambda f=file, e=empty: _of_checkpoint(f, e, "one"), str)
    kernel = (3, 3, 2, 4)
    pairs = {"a/kernel": kernel, f"a/kernel{_AVERAGE}": kernel, f"b/kernel{_AVERAGE}": kernel}
    for weights in ("", "ema", "EMA", "ExponentialMovingAverage", "emas"):
        yield f"some averages, {weights or 'none'} asked for", _checkpoint(pairs, weights)
    alone = {f"a/kernel{_AVERAGE}": kernel, "c/kernel": kernel}
    loop = {"l/kernel": (4, 8), "l/recurrent_kernel": (2, 8), "l/bias": (8,)}
    for still, moved in (("kernel", "recurrent_kernel"), ("recurrent_kernel", "kernel")):
        moments = {f"l/{one}/Adam": loop[f"l/{one}"] for one in (still, moved)}
        yield f"a loop of which the {still} rests", _checkpoint({**moments, **loop})
    yield "averages without their variables", _checkpoint(alone)
    several = {"x/bias": (4,), "s/depthwise_kernel": kernel, "s/pointwise_kernel": (1, 1, 8, 4)}
    for still, moved in (("depthwise", "pointwise"), ("pointwise", "depthwise")):
        moments = {f"s/{still}_kernel/Adam": several[f"s/{still}_kernel"]}
        moments |= {"x/bias": (4,), **several}
        moments |= {f"s/{moved}_kernel/Adam": several[f"s/{moved}_kernel"]}
        yield f"a half that rests, {still}", _checkpoint(moments)
    listed = {f"optimizer/_trainable_variables/{n}{_VALUE}": shape for n, shape in enumerate(
        [kernel, (4,), (4,), (4,), (3, 3, 4, 2), (2,)])}  # fmt: skip
    for roles in ("kernel bias gamma beta gamma beta", "kernel beta bias bias kernel beta"):
        names = dict(zip(listed, roles.split(), strict=True))
        yield f"a list of {roles}", _checkpoint(listed, names=names)
    key = f"net/kernel{_VALUE}"
    for word in ("optimizer", "_optimiser", "optimizers", "optimizer_free", "my_optimizer", "Optimizer"):
        tree = [{word: 1}, {"kernel": 2}, {}]
        objects = [Trackable(children=one, key="" if one else key) for one in tree]
        yield f"a path through {word}", _checkpoint({key: kernel, "z/kernel": kernel}, objects=objects)


def _names_of_saved() -> Told:
    others = {"s/depthwise_kernel", "s/pointwise_kernel", "s/depthwise_bias", "t/depthwise_kernel"}
    for name in (*sorted(others), "depthwise_kernel"):
        yield f"called {name}", saved_model._name_of(name, others)
    for bound in (
        {"a": [1, 2], "b_traced_restore_7": [1, 2, 3]}, {"a": [1], "__inference__traced_save_3": [1, 2]},
        {"b": [1], "a": [1]}, {"a": [], "restored": [1]}, {},
    ):  # fmt: skip
        yield f"the largest of {bound}", saved_model._Finder._largest(bound)
    meta = NEW["metas"][1]
    for kernel, bias in (
        ("net/conv/kernel", "other/conv/bias"),
        ("net/kernel", "net/bias"),
        ("a/b/c/k", "a/b/c/b"),
    ):
        objects = [*meta["objects"][:2], {"is": kernel}, {"is": bias}, *meta["objects"][4:]]
        yield f"variables {kernel} and {bias}", _read_saved({**NEW, "metas": [{**meta, "objects": objects}]})
    for names in (
        ["serving_x", "serving_default"], ["serving_x", "first"], ["__own", "__saved_model_init_op"],
        ["__saved_model_init_op_2"], ["servings", "serving_default", "a"],
    ):  # fmt: skip
        results = (part(2, part(1, "o") + part(2, part(1, f"n{n}:0"))) for n in range(len(names)))
        meta = b"".join(part(5, part(1, n) + part(2, end)) for n, end in zip(names, results, strict=True))
        finder = saved_model._Finder(
            meta=message(meta), checkpoint=Checkpoint(arrays={}, names={}), opened=opened(b"")
        )
        yield f"the signature of {names}", str(finder._signature())


# TensorFlow Lite


def _lite() -> Told:
    for pads, crops in (
        ([1, 2, 3, 4], [0] * 4), ([1, 2, 3, 4], [1, 2, 0, 0]), ([4, 3, 2, 1], [0, 1, 1, 0]),
        ([1, 2, 3, 4], [0, 0, 0, 5]),
    ):  # fmt: skip
        yield f"pads of {pads} less {crops}", _file(lambda m, p=pads, c=crops: _gaps(m, [2, 2], p, c, 0))  # type: ignore[misc]
    for n in (3, 4):
        yield f"{n} kernels of whole numbers", _file(lambda m, n=n: _whole(m, n))  # type: ignore[misc]
        yield f"{n} kernels that are meant", _file(lambda m, n=n: _whole(m, n, ([0.5], [0], 0)))  # type: ignore[misc]
    for size in (80, 81):
        yield f"described in {size} letters", _file(lambda m: _whole(m, 1), f3=b"x" * size)
    yield "a scale without a zero", _file(lambda m: _whole(m, 1, ([0.5], [], 0)))
    for letter, numbers in ((1, [0, 70_000, 1 << 30]), (2, [0, 300, 65_535]), (3, [0, 128, 255])):
        table = Fields({0: 1, 2: letter, 3: Fields({0: numbers}), 4: letter, 5: Fields({0: numbers})})
        found = sparsity._dimension(table)  # type: ignore[arg-type]
        yield f"places {numbers} of {letter}", f"{[one.tolist() for one in (found.segments, found.places)]}"
    for blocks in ((2, 3), (3, 2), (1, 6)):
        sizes = (6 // blocks[0], 6 // blocks[1], *blocks)
        dense = [sparsity._Dimension(size=size) for size in sizes]
        made = sparsity._spread((6, 6), np.arange(36), (0, 1, 2, 3), (0, 1), dense)
        yield f"blocks of {blocks}", str(made.ravel().tolist())


def _whole(m: Model, n: int, scale: Any = None) -> int:
    """Some convolutions with kernels of whole numbers, one behind another."""
    last = m.last
    for place in range(n):
        kernel = m.tensor(4, 1, 1, 4, values=np.full((4, 1, 1, 4), place, "i1"), scale=scale)
        last = m.add("CONV_2D", [last, kernel], IMAGE, o0=1, o1=1, o2=1)
    return last


def near_graphs() -> Told:
    """All of it."""
    yield from _tensors()
    yield from _nodes()
    yield from _called()
    yield from files_of(list(_beside()))
    yield from _checkpoints()
    yield from _names_of_saved()
    yield from _lite()
