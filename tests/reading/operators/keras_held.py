"""Weights of Keras's without a graph, what lies below a layer's name, and zips: what they are taken for."""

from __future__ import annotations

import io
import itertools
import json
import random
import zipfile
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from filtviz.network import Layer, Network
from filtviz.reading.formats import keras
from filtviz.reading.formats.keras import config, stores, weights
from filtviz.reading.hdf5 import open_hdf5
from filtviz.reading.limits import Limits, effort
from filtviz.reading.opened import Opened
from filtviz.reading.optimised import Moved
from filtviz.reading.zips import read_members
from tests.reading.hdf5_making import Folder, Held, hdf5
from tests.reading.operators.asking import Told, array
from tests.reading.operators.keras_parts import layer_told
from tests.reading.operators.wholes import opened, outcome, read_of

__all__ = ["keras_held"]

N_UNNAMED = 70

# Weights without a graph

_NAMES = (
    "conv", "conv", "up_transpose", "Deconv1", "depthwise", "x/dw", "dw", "dwconv", "dw1", "dwarf",
    "a_dw_b", "mydw",
    "a/attn/query", "norm", "block/DEPTHWISE",
)  # fmt: skip
_OF_CLASSES = (
    "", "", "", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Mine", "Dense",
    "EinsumDense",
    "EinsumDense_1", "LSTM", "BatchNormalization", "PReLU", "Conv1D", "Conv1DTranspose", "Embedding",
)  # fmt: skip
_KERNELS = (
    (3, 3, 4, 6), (3, 3, 4, 6), (3, 3, 4, 4), (3, 3, 4, 1), (3, 3, 1, 1), (3, 3, 1, 4), (3, 3, 6, 4), (4, 2,
    3, 3),
    (1, 1, 4, 2), (4, 6), (3, 4, 6), (3, 3, 3, 4, 6), (5,), (3, 3, 1, 6),
)  # fmt: skip


def _some_weights(chance: random.Random) -> tuple[dict[str, tuple[int, ...]], int]:
    """Shapes by name, or by number, and how many channels may be behind them."""
    kernel = chance.choice(_KERNELS)
    i, o = (*kernel, 1)[-2:] if len(kernel) == 1 else kernel[-2:]
    widths = (o, o, i, i * o, kernel[0], 7, 0)
    kind = chance.choice(("kernel",) * 8 + ("parts", "depthwise", "norm", "recurrent", "bias", "alpha"))
    held: dict[str, tuple[int, ...]] = {"kernel": kernel}
    if kind == "parts":
        held = {"depthwise_kernel": (3, 3, 4, 1), "pointwise_kernel": (1, 1, 4, 6)}
    elif kind == "depthwise":
        held = {"depthwise_kernel": kernel}
    elif kind == "norm":
        held = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (o,))
    elif kind == "recurrent":
        held |= {"recurrent_kernel": (6, 6)}
    elif kind in ("bias", "alpha"):
        held = {}
    if chance.random() < 0.6 or not held:
        bias = chance.choice(widths)
        held["alpha" if kind == "alpha" else "bias"] = (bias,) if chance.random() < 0.9 else (bias, 2)
    way = chance.random()
    if way < 0.25:
        held = {str(place): shape for place, shape in enumerate(held.values())}
    elif way < 0.45:
        held = {{"kernel": "x_W", "bias": "x_b"}.get(name, name): shape for name, shape in held.items()}
    return held, chance.choice(widths)


def an_unnamed(n: int) -> tuple[str, str]:
    """Layers of which only weights, classes and names are told, and what they are taken for."""
    chance = random.Random(f"weights of keras {n}")
    layers: list[tuple[str, str, stores.Weights]] = []
    for place in range(chance.choice((1, 1, 2, 3))):
        held, width = _some_weights(chance)
        name = chance.choice(_NAMES) + ("" if chance.random() < 0.6 else str(place))
        layers.append((name, chance.choice(_OF_CLASSES), _of(held)))
        if chance.random() < 0.35:
            shape = (width,) if chance.random() < 0.85 else (width, 1)
            moments = {"moving_mean": shape, "moving_variance": shape}
            layers.append(("bn", "BatchNormalization", _of(moments if chance.random() < 0.9 else {})))
    if chance.random() < 0.15:
        layers += [(f"a/attn/{part}", "", _of({"kernel": (3, 4, 6)})) for part in ("query", "key", "value")]
    parts = [(f"part{place}", chance.choice(_OF_CLASSES), _of(_some_weights(chance)[0])) for place in
             range(chance.choice((0, 0, 0, 1, 2)))]  # fmt: skip
    parts += [("empty", "Conv2D", stores.Weights())] * (chance.random() < 0.1)
    limits = Limits(layers=chance.choice((1, 2, 3, 4))) if chance.random() < 0.15 else Limits()
    store: Any = SimpleNamespace(layers=lambda: iter(layers), parts=lambda: iter(parts))
    found = outcome(
        lambda: weights.layers_without_graph(store, opened(b"", limits=limits)),
        lambda found: " ".join((*map(layer_told, found.layers), *found.inferred[1:])),
    )
    shown = "; ".join(
        f"{name}:{cls} {' '.join(f'{key}{one.shape}' for key, one in held.arrays.items())}"
        for name, cls, held in (*layers, *parts)
    )
    return f"{n} {shown}{f' layers {limits.layers}' if limits != Limits() else ''}".replace(", ", ","), found


def _kinds() -> Told:
    """What kernels are with each number of biases, by three names, with each norm behind them or none."""
    for name in dict.fromkeys(_NAMES):
        found = weights._kernels_class(name, "", {"kernel": array(3, 3, 4, 6)}, None)
        yield f"kernels called {name}", found
    for kernel in (*dict.fromkeys(_KERNELS), (3, 3, 4, 2), (3, 3, 2, 2)):
        i, o = (1, *kernel)[-2:]
        for bias in (None, (o,), (i,), (i * o,), (7,), (), (1, o), (2, o)):
            held = {"kernel": array(*kernel)} | ({} if bias is None else {"bias": array(*bias)})
            answers: dict[str, str] = {}
            for name, cls in (("c", ""), ("deconv", ""), ("dw", ""), ("c", "Mine"), ("c", "EinsumDense_2")):
                by_width = {
                    letter: weights._kernels_class(name, cls, held, width)
                    for letter, width in (("-", None), ("o", o), ("i", i), ("x", i * o), ("7", 7))
                }
                for found in dict.fromkeys(by_width.values()):
                    letters = "".join(letter for letter, one in by_width.items() if one == found)
                    answers[found] = f"{answers.get(found, found or 'none')} {cls or name}:{letters}"
            yield f"a kernel {kernel} with biases {bias}".replace(", ", ","), "; ".join(answers.values())


def _of(shapes: Mapping[str, tuple[int, ...]]) -> stores.Weights:
    arrays: Any = {name: array(*shape) for name, shape in shapes.items()}
    return stores.Weights(arrays=arrays)


# What optimisers moved


def _moved() -> Told:
    for moved, resting in (
        ({"a.kernel", "b.bias", "c.x.kernel"}, {"d.kernel", "e.beta"}), ({"a.kernel"},
        {"a.recurrent_kernel"}),
        ({"a.depthwise_kernel"}, {"a.kernel", "b.kernel"}), (set(), {"kernel"}), ({"a.kernels"}, set()),
    ):  # fmt: skip
        found = keras._of_kernels(Moved(frozenset(moved), frozenset(resting)))
        yield f"moved {sorted(moved)} {sorted(resting)}", f"{sorted(found.moved)} {sorted(found.resting)}"


# Files


def _file(members: Mapping[str, bytes]) -> Opened:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data)
    made = opened(written.getvalue())
    return Opened(**{**{name: getattr(made, name) for name in made.__dataclass_fields__},
                     "members": read_members(made.data, made.inflation)})  # fmt: skip


def _files() -> Told:
    """Zips whose weights, configurations and versions are told or not."""
    kernel = Folder({"0": np.arange(18, dtype="f4").reshape(3, 3, 1, 2)})
    told_ = Folder({"layers": Folder({"conv2d": Folder({"vars": kernel})})})
    conv = {"class_name": "Conv2D", "config": {"name": "c", "padding": "same"}}
    hard = {"class_name": "Activation", "config": {"name": "h", "activation": "hard_sigmoid"}}
    row = {"class_name": "Sequential", "config": {"layers": [conv, hard]}}
    own = {"class_name": "Own", "config": {}}
    for words, made in (("a row", row), ("its own", own)):
        for kept, root in (
            ("weights", told_),
            ("no weights", Folder()),
            ("an optimiser", Folder({**told_.entries, "optimizer": Folder(), "optimizer_weights": Folder()})),
        ):
            for version in ("3.1.0", "2.9.0", None):
                said = {} if version is None else {"keras_version": version}
                parts = {
                    "config.json": json.dumps(made).encode(),
                    "metadata.json": json.dumps(said).encode(),
                    "model.weights.h5": hdf5(root),
                }
                yield f"a zip of {words} with {kept} of {version}", read_of(keras.open, _file(parts))


# Weights before Keras 3


def _legacy() -> Told:
    """Which of the arrays that lie below a layer's name are whose."""
    names = [
        "outer/conv2d_1/kernel:0", "outer/conv2d_1/bias:0", "outer/block/p_re_lu/alpha:0", "outer/own:0",
        "outer/a/outer/dense/kernel:0", "other/x/kernel:0", "outer/conv2d_2/kernel:0",
    ]  # fmt: skip
    root = Folder()
    for name in names:
        here = root
        *above, last = name.split("/")
        for part in above:
            here = here.entries.setdefault(part, Folder())
        here.entries[last] = np.zeros((1,), "f4")
    for listed in (names, names[::-1], names[:1], [*names, "outer/gone/kernel:0", "outer"], []):
        group = Folder(root.entries, {"weight_names": listed})
        made = hdf5(Folder({"outer": group, "m": group}, {"layer_names": ["outer", "m"]}))
        spent = effort(Limits())
        store: Any = stores.store_of([open_hdf5(memoryview(made), spent)])
        for place, name in (("", "outer"), ("m", "outer"), ("m", "block"), ("m", "conv2d_1"), ("", "gone")):
            inside = [
                f"{title}:{cls} {list(held.arrays)}" for title, cls, held in store.inside(place, name, "")
            ]
            own = list(store.weights(place, name, "", "").arrays)
            yield (
                f"{len(listed)} {listed[:1]} in {place}/{name}",
                f"{inside}; {own}; {store.inner(place, name, '')}",
            )
        rows = [f"{title}:{cls} {list(held.arrays)}" for title, cls, held in store.layers()]
        yield f"{len(listed)} {listed[:1]} in a row", f"{rows} {spent.used}"


# Weights of Keras 3


def _bits(*shape: int, said: str = "") -> Held:
    """Numbers of two bytes of a type that HDF5 has not, of which an attribute may tell what they are."""
    return Held(np.zeros(shape, "V2"), {"dtype": said} if said else {})


def _modern() -> Told:
    """Where weights lie of which the type is told by an attribute, a policy, or nothing."""
    for said, opaque in itertools.product(("", "bfloat16", "float16"), ("", "bfloat16", "float16", "odd")):
        group = Folder({"vars": Folder({"0": _bits(2, 3, said=said)})})
        root = Folder({"layers": Folder({"dense": group, "time": Folder({"layer": group})})})
        store: Any = stores.store_of([open_hdf5(memoryview(hdf5(root)), effort(Limits()))])
        for find, name in (
            (store.weights, "dense"),
            (store.wrapped, "time"),
            (store.wrapped, "dense"),
            (store.weights, "gone"),
        ):
            found = outcome(
                lambda f=find, n=name, o=opaque: f("", n, "Dense", o).arrays,
                lambda held: " ".join(f"{key} {one.dtype}" for key, one in held.items()),
            )
            yield f"told {said!r} and {opaque!r} of {name} {find.__name__}", found
    both = Folder(
        {
            "layers": Folder({"a": _group(1)}),
            "_layer_checkpoint_dependencies": Folder({"a": _group(2), "b": _group(3)}),
        }
    )
    for words, root in (
        ("both", both), ("names", Folder({}, {"layer_names": ["a"]})), ("cut names", Folder({},
        {"layer_names0": ["a"], "layer_names1": ["b"]})),
        ("within", Folder({"model_weights": Folder({}, {"layer_names": ["c"]})})), ("other names",
        Folder({}, {"layer_names1": ["a"]})), ("vars", Folder({"vars": Folder()})),
        ("nothing", Folder({"x": Folder()})), ("weights of none", Folder({"model_weights": Folder()},
        {"layer_names": ["a"]})),
    ):  # fmt: skip
        found_ = stores.store_of([open_hdf5(memoryview(hdf5(root)), effort(Limits()))])
        names = getattr(found_, "names", None)
        layers = (
            []
            if found_ is None
            else [
                (name, cls, [one.shape for one in held.arrays.values()])
                for name, cls, held in found_.layers()
            ]
        )
        yield f"a store of {words}", f"{type(found_).__name__} {names} {layers}"
    store = stores.store_of([open_hdf5(memoryview(hdf5(both)), effort(Limits()))])
    for name in ("a", "b", "c"):
        held = store.weights("", name, "A", "")  # type: ignore[union-attr]
        yield (
            f"weights of {name} in both",
            f"{[one.shape for one in held.arrays.values()]} {store.inner('', name, 'A')}",
        )  # type: ignore[union-attr]
    counted = Folder({"layers": Folder({"dense": _group(1), "dense_1": _group(2), "mine": _group(3)})})
    store = stores.store_of([open_hdf5(memoryview(hdf5(counted)), effort(Limits()))])
    store.listed_as("", [("x", "Dense"), ("y", "Dense"), ("mine", "Conv2D"), ("dense_1", "Other")])  # type: ignore[union-attr]
    for name, cls in (
        ("x", "Dense"),
        ("y", "Dense"),
        ("mine", "Conv2D"),
        ("dense_1", "Other"),
        ("dense", "Dense"),
        ("z", "Dense"),
    ):
        held = store.weights("", name, cls, "")  # type: ignore[union-attr]
        yield f"counted {name} {cls}", str([one.shape for one in held.arrays.values()])


def _group(n: int) -> Folder:
    return Folder({"vars": Folder({"0": np.zeros((n,), "f4")})})


def _names() -> Told:
    """What arrays are called by their names, by the order of their class, and where two are called so."""
    for cls in ("Conv2D", "BatchNormalization", "PReLU", "Mine", "SeparableConv2D"):
        for keys in (
            ("0", "1"),
            ("0", "x"),
            ("kernel", "bias"),
            ("a_W", "b_W"),
            ("a_W", "kernel"),
            ("bias", "x_b"),
            ("gamma", "c_gamma"),
            ("0", "1", "2", "3", "4"),
            ("V", "W"),
            ("1",),
        ):
            made = config._called(_of(dict.fromkeys(keys, (2,))), cls, {}, "l")
            yield f"{cls} of {keys}", " ".join(f"{key}={one.name}:{one.source}" for key, one in made.items())


def _kept() -> Told:
    """What an optimiser keeps: as many of it as are looked at, in its order."""
    vectors = {f"v{n}": np.zeros((n,), "f4") for n in (1, 2, 3)}
    named = lambda *names: Folder({**vectors, "g": Folder()}, {"weight_names": list(names)})  # noqa: E731
    for words, root in {
        "three": {"optimizer_weights": named("v3", "v1", "v2")}, "fewer": {"optimizer_weights": named("v2")},
        "odd ones": {"optimizer_weights": named("g", "v1", "none")}, "none": {"optimizer_weights": named()},
        "numbered": {"optimizer": Folder({"vars": Folder({"10": vectors["v1"], "9": vectors["v2"],
        "0": vectors["v3"]})})},
        "two numbered": {"optimizer": Folder({"vars": Folder({"1": vectors["v1"], "0": vectors["v2"]})})},
        "both": {"optimizer_weights": named("v1"),
        "optimizer": Folder({"vars": Folder({"0": vectors["v2"]})})},
        "nothing": {},
    }.items():  # fmt: skip
        group = open_hdf5(memoryview(hdf5(Folder(root))), effort(Limits()))
        for most in (2, 3):
            with patch.object(keras, "_MOST", most):
                found = keras._kept(group)
            yield f"{words} kept of {most} at most", str([one.array().shape for one in found])


def _trained() -> Told:
    """What is told of a training by what counts its steps, and by how much may be looked at."""
    kernels = {"l": array(3, name="kernel"), "rests": array(2, name="kernel")}
    network = Network.of([Layer(name=name, parameters=(one,)) for name, one in kernels.items()])
    moved, rests = np.arange(3.0), np.zeros(2)
    for words, first, most in (
        ("-1 steps", np.array(-1, "i8"), 10), ("no steps", np.array(0, "i8"), 10),
        ("1 step", np.array(1, "u4"), 10), ("2 steps", np.array(2, "i8"), 10),
        ("2 steps of too much", np.array(2, "i8"), 1), ("2 steps of a part", np.array(2, "i8"), 4),
        ("parts of steps", np.array(2.5, "f4"), 10), ("a list of steps", np.array([2], "i8"), 10),
        ("steps of no type", _bits(), 10),
    ):  # fmt: skip
        for moments in ("with its moments", "with two each", "alone")[: 3 if words == "2 steps" else 1]:
            kept = {"with its moments": [moved, rests], "with two each": [moved, rests, 0 * moved, rests]}
            held = {str(place): one for place, one in enumerate([first, *kept.get(moments, ())])}
            root_ = Folder({"optimizer": Folder({"vars": Folder(held)})})
            root = open_hdf5(memoryview(hdf5(root_)), effort(Limits()))
            spending = effort(Limits(opcodes=most))
            found = outcome(
                lambda r=root, s=spending: keras._with_optimiser(network, r, s).origin,
                lambda origin: f"{origin.training} {sorted(origin.moved)} {sorted(origin.resting)}",
            )
            yield f"{words} {moments}", f"{found} after {spending.used}"


def keras_held() -> Told:
    """All of it."""
    yield from _kinds()
    yield from map(an_unnamed, range(N_UNNAMED))
    yield from _moved()
    yield from _files()
    yield from _legacy()
    yield from _modern()
    yield from _names()
    yield from _kept()
    yield from _trained()
