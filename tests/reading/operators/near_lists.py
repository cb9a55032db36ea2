"""Lists and dictionaries of arrays whose keys, places and orders are nearly those of others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.arrays import ComputedArray
from filtviz.reading.formats import bare_arrays
from filtviz.reading.limits import Hints
from filtviz.reading.opened import Opened
from tests.reading.making import Named, Thing, dumps
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import opened
from tests.telling import refused

__all__ = ["near_lists"]


def _of(*shape: int) -> np.ndarray:
    return np.ones(shape, "f4")


def _read(file: Opened) -> str:
    try:
        network = bare_arrays.open(file)
    except FiltvizError as error:
        return refused(error)
    if network is None:
        return "none of its files"
    layers = (
        f"{one.name}:{one.type}{list(one.inputs)}({' '.join(p.source for p in one.parameters)})"
        for one in network.layers
    )
    origin = network.origin
    said = (one.removeprefix(_USUAL) for one in origin.inferred[1:-1])
    return "; ".join([*layers, origin.kind, origin.guess or "", *said, *origin.notes])


_USUAL = "arrays of four (five) axes are convolutions in two (three) dimensions, "


W, V, B, C = _of(4, 3, 3, 3), _of(5, 4, 2, 2), _of(4), _of(5)


def _held() -> Iterator[tuple[str, Any]]:
    for key in (
        "params", "params_old", "old params", "param values", "param_values2", "weights", "weights.npy",
        "my weights",
        "best model weights", "bestmodel params", "state_dict", "state_dicts", "values", "value",
        "network params list",
        "NET_PARAMS", "netparams", "", "params ",
    ):  # fmt: skip
        yield f"under {key!r} and another", {key: [W, B], "other": [V, C]}
    for key in ("a", -1, 0, 1 << 62, -(1 << 63), 2.5, None, True, b"x", ("a", 1)):
        yield f"under the key {key!r}", {key: W, "b": V}
    for path in ("1", "-1", "arr_0", "arr_01", "arr_x", "arr", "#1", "0x"):
        yield f"nothing under {path!r}", OrderedDict([(path, []), ("a", [W, B])])
        yield f"a list under {path!r}", OrderedDict([(path, [W, B])])
        yield f"a layer above {path!r}", OrderedDict([("conv", OrderedDict([(path, W), ("b", B)]))])
    yield "an empty list in a list", [[], [W, B], [], [V, C]]
    yield (
        "nothing before, between and behind",
        OrderedDict([("a", []), ("c", [W]), ("p", []), ("q", [V]), ("z", [])]),
    )
    for name in (
        "W",
        "w",
        "weight",
        "weights",
        "Weights",
        "kernel",
        "b",
        "bias",
        "biases",
        "beta",
        "B",
        "inv_std",
        "std",
    ):
        yield (
            f"conv.{name}",
            OrderedDict([(f"conv.{name}", W if name[0] not in "bBi" else B), ("fc.W", _of(8, 5))]),
        )
    for name in (
        "conv1_W",
        "conv1/W",
        "conv1-W",
        "conv1W",
        "W1",
        "W_1",
        "b1",
        "W1a",
        "x.W1",
        "conv1..W",
        "_W",
        "1.W",
        "a b:W",
    ):
        yield f"an array {name}", OrderedDict([(name, W), ("other", V)])
    for order in (("c10", "c9", "c1"), ("b", "a", "c"), ("B", "a")):
        plain = {name: _of(4, 3, i + 1, 2) for i, name in enumerate(order)}
        yield f"in the order {order}", plain
        yield f"in an order of their own {order}", OrderedDict(plain)
    yield "a number among them", [W, B, 3, "x", None, V, C]
    yield "an object", Thing("mine.Net", params=[W, B], n=3)
    yield "an object of a library", [W, Thing("numpyx.Net", params=[V]), Thing("numpy.Net", params=[V])]
    yield "a function", [W, Named("theano.compile.function_module.x")]
    yield "vectors", [B, C]
    yield "one vector", B
    yield "one array", W
    yield "nothing but a function", Named("theano.compile.function_module.x")


def _whole() -> Told:
    for words, value in _held():
        yield words, _read(opened(dumps(value)))
        if "order" in words:
            yield (
                f"{words}, of Python 2",
                _read(opened(dumps(["x", value]).replace(b"X\x01\0\0\0x", b"U\x01x"))),
            )
    for words, roots in (
        ("as many matrices, fewer arrays", ([W, V], [W, B, V, C])),
        ("more matrices, fewer arrays", ([W, V], [W, B, C, C])),
        ("one each", ([W, B], [V, C])), ("one and none", ([W, B], [B, C])), ("none and none", ([B], [C])),
        ("one and a number", ([W, B], 3)), ("a number and two", (3, [W, B, V])),
        ("two, one and a number", ([W, V], [W], 3)),
        ("one each, and a number", ([W], 3, [V])),
    ):  # fmt: skip
        yield f"pickles: {words}", _read(opened(b"".join(map(dumps, roots))))
    for hints in (
        {"convs": ("0",)}, {"convs": ("1",)}, {"convs": ("2", "0")}, {"convs": ("c",)}, {"convs": ("c.W",)},
        {"convs": ("c.b",)},
        {"convs": ("d",)},
        {"convs": ("t",)}, {"convs": ("fc.W",)}, {"convs": ("9",)}, {"convs": ("",)},
        {"axes": {"c": "hwio"}}, {"axes": {"": "hwio"}},
        {"axes": {"c": "oih"}}, {"axes": {"c": "oihw", "": "hwio"}}, {"convs": ("1",), "axes": {"": "oihw"}},
    ):  # fmt: skip
        held = OrderedDict(
            [
                ("c", [W, B]),
                ("d.W", V),
                ("d.b", C),
                ("fc.W", _of(20, 7)),
                ("x", _of(3, 2, 2)),
                ("t", [_of(4), _of(4, 3, 3, 3)]),
            ]
        )
        file = opened(dumps(held))
        object.__setattr__(file, "hints", Hints(**hints))
        yield f"as {hints} says", _read(file)


# Arrays that come out of the pickle's own stream, and arrays that are computed


def _in_a_stream() -> Told:
    data = np.arange(6, dtype="<f4").reshape(2, 3)
    for order in ("C", "F", None, "f"):
        for shape, padding in (((2, 3), None), ((2, 3), 0), ((2, 3), 16), ((0, 3), None)):
            facts = {"shape": shape, "order": order, "dtype": data.dtype, "allow_mmap": True}
            facts |= {} if padding is None else {"numpy_array_alignment_bytes": padding}
            record = dumps(Thing("joblib.numpy_pickle.NumpyArrayWrapper", **facts))
            behind = b"" if padding is None else bytes((3, 255, 255, 255))
            file = opened(record[:-1] + behind + data.tobytes()[: 24 if 0 not in shape else 0] + b".")
            try:
                root = file.roots[0]
                said = f"{root.state.read().tolist()}"
            except FiltvizError as error:
                said = refused(error)
            yield f"joblib's {shape} in the order {order}, padded {padding}", said


def _computed() -> Told:
    for words, first, second, how in (
        ("too large", 3e38, 3e38, np.multiply), ("no number", np.inf, np.inf, np.subtract),
        ("by zero", 1, 0, np.divide),
        ("zero by zero", 0, 0, np.divide), ("too small", 1e-38, 1e-38, np.multiply),
    ):  # fmt: skip
        one, other = np.full(1, first, "f4"), np.full(1, second, "f4")

        def read(one: np.ndarray = one, other: np.ndarray = other, how: Any = how) -> np.ndarray:
            return how(one, other)

        held = ComputedArray(shape=(1,), dtype=np.dtype("f4"), read=read)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield f"computed: {words}", str(held.read().tolist())
    for like, architecture in (
        (None, None),
        ("", None),
        (None, ""),
        ("", ""),
        ("a", "b"),
        ("", "b"),
        ("a", ""),
    ):
        try:
            said = f"{Hints(like=like, architecture=architecture).like!r}"
        except FiltvizError as error:
            said = refused(error)
        yield f"like {like!r}, architecture {architecture!r}", said


def near_lists() -> Told:
    yield from _whole()
    yield from _in_a_stream()
    yield from _computed()
