"""Arrays that are found in objects, with the names that keys tell; joblib's; and indexes of files."""

from __future__ import annotations

import json
import random
import struct
import tempfile
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.reading.formats.bare_arrays import collecting
from filtviz.reading.limits import Hints, Inflation, Limits
from filtviz.reading.opened import Opened
from filtviz.reading.sharded import index_of
from tests.reading.making import Named, Thing, dumps, shared
from tests.reading.operators.asking import Told
from tests.reading.operators.wrapped import _npy, _shown
from tests.telling import refused

__all__ = ["collected"]

KEYS = (
    "conv1.W",
    "conv1_W",
    "conv1/w",
    "conv1 weights",
    "conv1:b",
    "conv1-bias",
    "a.b.biases",
    "predictor/conv1/W",
    "W1",
    "b_2",
    "final_W1",
    "W",
    "b",
    "w12x",
    "gru1.W_hid",
    "bn1/avg_mean",
    "conv1",
    "0",
    "arr_0",
    "arr_12",
    "beta",
    "inv_std",
    "params",
    "best weights",
    "all_param_values",
    "state_dict",
    "weight",
    "conv.weight.x",
    "x_beta",
    "mean_image",
    "#0",
    "",
    ".W",
    "a.",
    "alpha",
    "12_W",
    "bias",
    "weights list",
    "Weights_0",
    "W_",
    "x/y",
    "lstm.b_",
)
Pair = namedtuple("Pair", ["W", "b"])


def _opened(data: bytes, path: Path = Path("model"), **limits: int) -> Opened:
    allowed = Limits(**limits)
    return Opened(
        path=path,
        data=data,
        around=(),
        members=None,
        limits=allowed,
        hints=Hints(),
        inflation=Inflation(allowed),
    )


def _told(data: bytes, *, everything: bool = False, **limits: int) -> str:
    opened = _opened(data, **limits)
    try:
        found = collecting.collect(opened, everything=everything)
    except FiltvizError as error:
        return f"{refused(error)} ({opened.effort.used} steps)"
    told = [_named(one) for one in found.arrays]
    rest = f"{found.empty} {found.left_out} of {type(found.root).__name__}"
    return f"{'; '.join(told)} | {rest} ({opened.effort.used} steps)"


def _named(one: collecting.NamedArray) -> str:
    shape = "x".join(map(str, one.array.shape))
    more = f"~{len(one.source)}" if len(one.source) > 60 else ""
    layer = None if one.layer is None else one.layer[:30]
    return f"{one.number} {one.source[:60]}{more} {layer}|{one.field} {shape}"


def _array(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


def _names() -> Told:
    for key in KEYS:
        told = [
            collecting._name((key,), None),
            collecting._name(("net", key), None),
            collecting._name((key, "0"), None),
            collecting._name(("params", key, "W"), None),
            collecting._name((key,), "fc.b"),
        ]
        yield f"key {key!r}", " ".join(f"{layer}|{field}" for layer, field in told)
    for path in (
        (),
        ("a", "b"),
        ("a", "0", "1"),
        ("arr_0", "W"),
        ("0", "W"),
        ("params", "0"),
        ("conv1", "params", "1"),
        ("#1", "W"),
        ("a", "#1", "0"),
    ):
        yield f"path {path}", "|".join(map(str, collecting._name(path, None)))


def _objects() -> Iterator[tuple[str, Any]]:
    w, b = _array(4, 3, 2, 2), _array(4)
    yield "a list", [w, b]
    yield "a tuple and others", (w, 5, "text", None, {"b": b})
    yield "an ordered dictionary", OrderedDict([("z", w), ("a", b)])
    yield "a dictionary", {"z": w, "a": b, 5: w, 1 << 63: b, None: b}
    yield "layers without arrays", {"conv": [w, b], "pool": [], "0": [], "more": (), "drop": {}}
    for key in ("params", "Best_Weights", "param values", "paramss", "state_dict"):
        yield f"beside {key}", {key: [w, b], "mean": [b], "image": w, "text": "x"}
        yield f"an array under {key}", {key: w, "mean": [b]}
        yield f"nothing under {key}", {key: [5], "mean": [b]}
    yield "two such keys", {"params": [w], "weights": [b], "x": [w]}
    yield "variables", [shared(w, "conv1.W"), shared(b, "conv1.b"), shared(b)]
    yield (
        "a variable for a key",
        [Thing("collections.OrderedDict", [[shared(b, "key"), w]])],
    )
    yield "an object of one's own", Thing("mine.Net", w=w, b=b)
    yield "an object of arguments", Thing("mine.Net", w, b)
    yield "a named tuple", Pair(w, b)
    for path in (
        "numpy.Net",
        "theano.x.Net",
        "lasagne.layers.Net",
        "torch.Net",
        "lasagnes.Net",
        "sklearn.Net",
    ):
        yield f"a {path}", [Thing(path, w=w), b]
    yield "the same twice", (lambda one: [one, one, [one]])(w)
    yield "a deque", [Thing("collections.deque", [w, b])]
    yield "arrays of objects", np.array([w, b, None], object)
    for depth in (62, 63, 64, 65):
        value: Any = w
        for _ in range(depth):
            value = [value]
        yield f"{depth} deep", [b, value]
    yield "a long key", {"k" * 2000: [w], "k" * 1000: {"n" * 100: b}}
    yield "nothing", []
    yield "a number", 5
    yield "python 2's names", {"l10.W": w, "l2.W": w, "l2.b": b}


def _collected() -> Told:
    for words, value in _objects():
        for protocol in (2, 3):
            told = _told(dumps(value, protocol))
            if protocol == 2:
                before = told
                yield f"object: {words}", told
                every = _told(dumps(value, protocol), everything=True)
                if every != told:
                    yield f"object: {words}, everything", every
            elif told != before:
                yield f"object: {words}, protocol {protocol}", told
    w, b = _array(4, 3), _array(4)
    for words, roots in (
        ("one each", ([w], [b], [w])),
        ("two in one", ([w, w], [w])),
        ("none in one", ([b], [w, w], [])),
        ("vectors", ([b], [b, b])),
        ("as many", ([w, w], [w, w, b], [w, w])),
        ("one alone", ([b], [w])),
    ):
        yield f"pickles: {words}", _told(b"".join(dumps(one, 2) for one in roots))
    for n in (2, 3):
        yield f"{n} arrays of 2", _told(dumps([w] * 0 + [_array(2, i + 1) for i in range(n)], 2), layers=2)
        yield f"{n} names of 2", _told(dumps({f"l{i}": [] for i in range(n)}, 2), layers=2)
    for n in range(80):
        chance = random.Random(f"collected {n}")
        yield f"by chance {n}", _told(dumps(_chosen(chance, 0), chance.choice((0, 2, 2, 3))))


def _chosen(chance: random.Random, depth: int) -> Any:
    way = chance.random()
    if depth > 3 or (way < 0.45 and depth):
        return chance.choice(
            (
                _array(4, 3),
                _array(3, 2, 2, 2),
                _array(4),
                _array(),
                5,
                "text",
                None,
                shared(_array(4), chance.choice((None, "fc.W", "W2"))),
                [],
            )
        )
    held = [_chosen(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 2, 3)))]
    if way < 0.65:
        return held if chance.random() < 0.7 else tuple(held)
    keys = [chance.choice(KEYS) for _ in held]
    made = dict(zip(keys, held, strict=True))
    if way < 0.9:
        return made if chance.random() < 0.7 else OrderedDict(made)
    return Thing(chance.choice(("mine.Net", "numpy.Thing")), **{f"a{i}": one for i, one in enumerate(held)})


# joblib's


def _joblib() -> Told:
    def wrapper(
        home: str = "joblib.numpy_pickle", name: str = "NumpyArrayWrapper", data: bytes = b"", **facts: Any
    ) -> bytes:
        whole = dumps(Thing(f"{home}.{name}", **facts), 3)
        return whole[:-1] + data + whole[-1:]

    f4 = np.dtype("<f4")
    data = struct.pack("<6f", *range(6))
    usual = {
        "shape": (2, 3),
        "dtype": f4,
        "order": "C",
        "subclass": Named("numpy.ndarray"),
        "allow_mmap": True,
    }
    changes: list[tuple[str, dict[str, Any], bytes]] = [
        ("usual", {}, data),
        ("in columns", {"order": "F"}, data),
        ("too short", {}, data[:-2]),
        ("no shape", {"shape": None}, data),
        ("no type", {"dtype": 5}, data),
        ("a type that is none", {"dtype": np.dtype("V4")}, data),
    ]
    changes += [
        (f"aligned {n}", {"numpy_array_alignment_bytes": 16}, bytes([n]) + b"x" * n + data) for n in (0, 1, 5)
    ]
    changes += [
        ("aligned to nothing", {"numpy_array_alignment_bytes": 0}, b"\2xx" + data),
        ("not aligned", {"numpy_array_alignment_bytes": None}, data),
        ("of objects", {"dtype": np.dtype("O")}, dumps([1, "a"], 2)),
        ("of objects that are cut short", {"dtype": np.dtype("O")}, b"\x80\x02]"),
    ]
    changes += [("nothing", {"shape": (0, 3)}, b""), ("one", {"shape": ()}, data[:4])]
    for words, change, held in changes:
        for home in (
            ("joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle", "mine.numpy_pickle")
            if words == "usual"
            else ("joblib.numpy_pickle",)
        ):
            yield f"joblib {home} {words}", _read(_opened(wrapper(home, data=held, **usual | change)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "a.npy").write_bytes(_npy())
        (folder / "raw").write_bytes(data)
        (folder / "o.npy").write_bytes(_npy("|O"))
        state = (1, (2, 3), f4, False)
        for words, kind, facts in (
            ("beside", "NDArrayWrapper", {"filename": "a.npy"}),
            ("beside, as bytes", "NDArrayWrapper", {"filename": b"a.npy"}),
            ("beside, of objects", "NDArrayWrapper", {"filename": "o.npy"}),
            ("beside, no name", "NDArrayWrapper", {"filename": 5}),
            ("beside, nobody", "NDArrayWrapper", {"filename": "nobody"}),
            ("beside, raw", "ZNDArrayWrapper", {"filename": "raw", "init_args": (1,), "state": state}),
            ("beside, raw without a state", "ZNDArrayWrapper", {"filename": "raw", "init_args": (1,)}),
            ("beside, raw as an array", "ZNDArrayWrapper", {"filename": "raw"}),
            (
                "beside, of another shape",
                "ZNDArrayWrapper",
                {"filename": "raw", "init_args": (1,), "state": (1, (7,), f4, False)},
            ),
        ):
            opened = _opened(wrapper(name=kind, **facts), folder / "model")
            yield f"joblib {words}", _read(opened).replace(str(folder), "")


def _read(opened: Opened) -> str:
    try:
        told = "; ".join(
            _shown(getattr(root, "state", None) if hasattr(root, "state") else root) for root in opened.roots
        )
    except FiltvizError as error:
        told = refused(error)
    return f"{told} ({opened.steps.used} steps)"


# Indexes


def _indexes() -> Told:
    usual = {"weight_map": {"a": "x.bin", "b": "y.bin"}, "metadata": {}}
    texts = [
        (str(number), json.dumps(value))
        for number, value in enumerate(
            (
                usual,
                {"weight_map": {"a": "x.bin", "b": "y.pt"}},
                {"weight_map": {}},
                {"weight_map": [".bin"]},
                {"weight_map": {"a": 5, "b": ".bin"}},
                {"other": "x.bin weight_map"},
                {"a": 1},
            )
        )
    ]
    whole = json.dumps(usual)
    texts += [
        ("spaces around", f" \n{whole} \n"),
        ("much behind", whole + " " * 63),
        ("more behind", whole + " " * 64),
        ("twice a key", whole[:-1] + ', "weight_map": {"a": "x.bin"}}'),
        ("damaged", whole.replace(":", "", 1)),
        ("a list", f"[{whole}]"),
        ("cut short", whole[:-1]),
    ]
    texts += [
        ("twice a tensor", '{"weight_map": {"a": "x.bin", "a": "y.bin"}}'),
        ("deep", '{"weight_map": ".bin", "x": ' + "[" * 30 + "]" * 30 + "}"),
    ]
    texts += [(f"and {n} blanks", f"{whole}{' ' * n}") for n in (62, 63, 64)]
    for words, text in texts:
        for ending in (".bin", ".safetensors"):
            yield f"index {words} of {ending}", _index(text, ending)
    for n in (1, 2):
        yield f"index of {n}", _index(whole, ".bin", layers=n)
    yield "index of much", _index(whole, ".bin", allocation=64 * len(whole) - 1)
    yield "index of as much", _index(whole, ".bin", allocation=64 * len(whole))


def _index(text: str, ending: str, **limits: int) -> str:
    try:
        return str(index_of(_opened(text.encode(), **limits), ending))
    except FiltvizError as error:
        return refused(error)


def collected() -> Told:
    """Names, objects, arrays of joblib's, and indexes."""
    yield from _names()
    yield from _collected()
    yield from _joblib()
    yield from _indexes()
