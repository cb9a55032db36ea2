"""Files of Keras's that are nearly others: facts in two places, lists of files, what lies beside weights."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.network import Layer, Network
from filtviz.reading.formats import keras
from filtviz.reading.formats.keras import classes, stores, weights
from filtviz.reading.hdf5 import open_hdf5
from filtviz.reading.limits import Hints, Limits, effort
from filtviz.reading.opened import Opened
from tests.reading.hdf5_making import Folder, hdf5
from tests.reading.operators.asking import Told, array
from tests.reading.operators.effective import _array, _values
from tests.reading.operators.keras_held import _group, _of
from tests.reading.operators.wholes import opened as _opened
from tests.reading.operators.wholes import read_of
from tests.telling import told

__all__ = ["keras_ends"]

CONV = {"class_name": "Conv2D", "config": {"name": "c", "dim_ordering": "th", "activation": "hard_sigmoid"}}
DENSE = {"class_name": "Dense", "config": {"name": "d", "activation": "hard_sigmoid"}}


def _model(*layers: Any, **more: Any) -> str:
    return json.dumps({"class_name": "Sequential", "config": {"layers": list(layers)}, **more})


def _kernels(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype="f4").reshape(shape)


def _legacy(**attributes: Any) -> Folder:
    """Weights of one layer as Keras kept them before its third version."""
    held = {"c_W:0": _kernels(2, 1, 3, 3), "c_b:0": _kernels(2)}
    group = Folder(held, {"weight_names": list(held)})
    return Folder({"c": group}, {"layer_names": ["c"], **attributes})


def _modern(n: int = 1) -> Folder:
    layers = {"dense" if not place else f"dense_{place}": _dense(3 + place) for place in range(n)}
    return Folder({"layers": Folder(layers)})


def _dense(n: int) -> Folder:
    return Folder({"vars": Folder({"0": _kernels(n, n + 1), "1": _kernels(n + 1)})})


def _read(files: Mapping[str, bytes], name: str = "") -> str:
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there).resolve()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        file_ = Opened.of(folder / (name or next(iter(files))), Limits(), Hints())
        return read_of(keras.open, file_).replace(f"{folder}/", "")


def keras_ends() -> Iterator[tuple[str, str]]:
    """All of it."""
    yield from _facts()
    yield from _indexes()
    yield from _beside()
    yield from _graphs()
    yield from _stores()
    yield from _moved()


def _facts() -> Told:
    """Facts that stand above the weights, with them, or in both places."""
    text = _model(CONV)
    for words, outer, inner in (
        ("above", {"model_config": text, "keras_version": "1.2", "backend": "theano"}, {}),
        ("within", {}, {"model_config": text, "keras_version": "1.2", "backend": "theano"}),
        ("in both", {"model_config": text}, {"keras_version": "1.2", "backend": "theano"}),
        ("twice", {"model_config": text, "backend": "tensorflow"}, {"model_config": "", "backend": "theano"}),
        ("empty above", {"model_config": text, "backend": "", "keras_version": ""}, {"backend": "theano"}),
        ("as numbers", {"model_config": text, "backend": 5, "keras_version": 3}, {}),
        ("nowhere", {"model_config": text}, {}),
        ("no configuration", {"backend": "theano", "keras_version": "1.2"}, {}),
        ("a number for one", {"model_config": 5}, {"model_config": text}),
    ):  # fmt: skip
        root = Folder({"model_weights": _legacy(**inner)}, outer)
        yield f"facts {words}", _read({"model.h5": hdf5(root)})
    for version in ("0.3", "1.2", "2.16", "3.0"):
        root = Folder({"model_weights": _legacy()}, {"model_config": text, "keras_version": version})
        yield f"version {version}", _read({"model.h5": hdf5(root)})


def _indexes() -> Told:
    """Indexes whose names end otherwise, which list several files for one layer, or many."""
    whole, second = hdf5(_modern()), hdf5(Folder({"layers": Folder({"dense_1": _dense(4)})}))
    for words, held in {
        "two": {"a": "1.weights.h5", "b": "2.weights.h5"},
        "two for one": {"a": ["1.weights.h5", "2.weights.h5"]},
        "two for one, and no name": {"a": ["1.weights.h5", 5, "2.weights.h5"], "b": None},
        "one of another kind": {"a": "1.weights.h5", "b": "2.h5"},
        "others": {"a": "1.h5", "b": "2.h5"},
        "none": {},
    }.items():
        index = json.dumps({"weight_map": held}).encode()
        files = {"model.json": index, "1.weights.h5": whole, "2.weights.h5": second, "2.h5": second}
        yield f"an index of {words}", _read(files)
    index = json.dumps({"weight_map": {"a": "1.weights.h5"}}).encode()
    for words, text in (
        ("blanks before", b" \n" + index),
        ("a list", b"[" + index + b"]"),
        ("no end", index[:-1]),
    ):
        yield f"an index with {words}", _read({"model.json": text, "1.weights.h5": whole})
    listed = json.dumps({"weight_map": ["1.weights.h5"]}).encode()
    yield "an index that is a list", _read({"model.json": listed, "1.weights.h5": whole})
    for start in (b"", b"\x89HDF", b"\x89HDF\r\n\x1a"):
        files = {"model.json": index, "1.weights.h5": start + bytes(90)}
        yield f"an index of a file that begins with {start!r}", _read(files)
    files = {"model.json": index, "1.weights.h5": hdf5(Folder({"x": Folder()}))}
    yield "an index of weights of others", _read(files)
    many = {f"{n}.weights.h5": hdf5(Folder({"layers": Folder({f"dense_{n}": _group(2)})})) for n in range(11)}
    index = json.dumps({"weight_map": {name: name for name in many}}).encode()
    yield "an index of 11", _read({"model.json": index, **many})
    index = json.dumps({"weight_map": {"a": "1.weights.h5"}}).encode()
    files = {"model.weights.json": index, "1.weights.h5": whole, "config.json": _model(DENSE).encode()}
    yield "an index with a configuration beside", _read(files)


def _beside() -> Told:
    """Configurations beside weights, under several names, that fit them or do not."""
    held, fits = hdf5(_modern()), _model(DENSE, module="keras").encode()
    calls = [[["in", 0, 0, {}]], [["d", 0, 0, {}]]]
    graph = [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 3]}, "inbound_nodes": []},
        {**DENSE, "name": "d", "inbound_nodes": calls},
    ]
    ends = {"input_layers": [["in", 0, 0]], "output_layers": [["d", 1, 0]]}
    model = {"class_name": "Functional", "config": {"layers": graph, **ends}, "module": "keras"}
    twice = json.dumps(model).encode()
    more = _model(DENSE, {"class_name": "Dense", "config": {"name": "e"}}, module="keras").encode()
    for beside in (
        "net.json",
        "net.weights.json",
        "model.json",
        "net_config.json",
        "my.config.json",
    ):
        yield f"weights with {beside}", _read({"net.weights.h5": held, beside: fits})
    index = json.dumps({"weight_map": {"a": "net.weights.h5"}}).encode()
    for name in ("my.config.json", "config.json", "index.json"):
        files = {name: index, "net.weights.h5": held}
        files |= {"config.json": fits} if name != "config.json" else {"model.json": fits}
        yield f"an index called {name}, with a configuration", _read(files)
    for words, config in {
        "of more layers": more,
        "of fewer layers": _model({"class_name": "Flatten", "config": {"name": "f"}}).encode(),
        "of one that is called twice": twice,
        "without a module": _model(DENSE).encode(),
        "that is damaged": fits[:-3],
    }.items():
        yield f"weights with a configuration {words}", _read({"net.h5": held, "net.json": config})
    yield "weights of two layers with that of one", _read({"net.h5": hdf5(_modern(2)), "net.json": fits})


def _layer(name: str, *calls: tuple[str, ...], cls: str = "Activation", **config: Any) -> dict[str, Any]:
    """A layer, and the layers that each of its calls is given."""
    nodes = [[[one, 0, 0, {}] for one in call] for call in calls]
    return {"class_name": cls, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def _image(name: str, n: int) -> dict[str, Any]:
    return _layer(name, cls="InputLayer", batch_shape=[None, n])


def _graph(layers: list[Any], ins: str, ends: str) -> dict[str, Any]:
    into, out = ([[name, 0, 0] for name in names.split()] for names in (ins, ends))
    return {"layers": layers, "input_layers": into, "output_layers": out}


def _graphs() -> Told:
    """Which layers feed which: of several inputs the third, in models within, and in circles."""
    a, b, c = (_image(name, n) for name, n in (("a", 3), ("b", 4), ("c", 5)))
    inner = _graph([a, b, _layer("f", ("b",)), _layer("g", ("a",))], "a b", "f")
    within = {**_layer("in", ("c", "d"), cls="Functional"), "config": {"name": "in", **inner}}
    joined = _layer("all", ("a", "b", "c"), cls="Concatenate")
    circle = [_layer("f", ("g",), ("h",)), _layer("g", ("f",)), _layer("h", ("g",))]
    row = {"layers": [_layer("x", batch_input_shape=[None, 9], trainable=True), _layer("y")]}
    frozen = {**_layer("row", cls="Sequential"), "config": {"name": "row", "trainable": False, **row}}
    round_ = _graph([b, *circle], "b", "h")
    odd = {**_layer("odd", ("c",), cls="Functional"), "config": {"name": "odd", **round_}}
    joins = {"name": "row", "layers": [_layer("add", cls="Concatenate"), _layer("x")]}
    pair = {**_layer("row", ("a", "b"), cls="Sequential"), "config": joins}
    for words, config in {
        "a row of two inputs within": _graph([a, b, pair], "a b", "row"),
        "a row within a row": {"layers": [c, _layer("f", trainable=True), frozen, _layer("g")]},
        "a circle within a model": _graph([c, odd], "c", "odd"),
        "three inputs": _graph([a, b, c, joined], "a b c", "all"),
        "a model of two inputs within": _graph([c, _image("d", 6), within], "c d", "in"),
        "a circle of two calls": _graph([a, *circle], "a", "h"),
        "a circle of two calls behind another": _graph([a, circle[1], circle[0], circle[2]], "a", "h"),
        "two images in a row": {"layers": [a, b, _layer("f")]},
        "an image behind a layer": {"layers": [_layer("f", batch_input_shape=[None, 7]), a, _layer("g")]},
    }.items():
        cls = "Functional" if "input_layers" in config else "Sequential"
        root = Folder(
            {}, {"layer_names": [], "model_config": json.dumps({"class_name": cls, "config": config})}
        )
        network = keras.open(_opened(hdf5(root)))
        assert network is not None
        rows = [
            f"{one.name}<{','.join(map(str, one.inputs))} {one.output_shape} {one.trainable}"
            for one in network.layers
        ]
        yield words, f"{'; '.join(rows)} {' '.join(network.origin.notes)}"
    for name in ("", None, "Linear", "linears", "Softmax", "softmaxes", "relu7"):
        case = classes.Case(class_name="Activation", config={"activation": name}, parameters={}, inputs=[])
        yield f"a function {name!r}", told(*classes.operations_of(case))
    gamma = {"gamma": array(6)}
    for axis in (-1, 1, 3, [3], [1, 3]):
        for below in ([None], [], [(None, 6, 4, 4)], [(None, 6)]):
            case = classes.Case(
                class_name="LayerNormalization", config={"axis": axis}, parameters=gamma, inputs=below
            )
            yield f"a norm along {axis} of {below}", told(*classes.operations_of(case))
    kernels = {"depthwise_kernel": array(3, 3, 2, 1), "kernel": array(2, 2, 2, 1)}
    for name in ("Conv2D", "DepthwiseConv2D"):
        case = classes.Case(class_name=name, config={"name": "c"}, parameters=kernels, inputs=[])
        yield f"{name} of two kernels", told(*classes.operations_of(case))
    for facts in ({"max_value": 0, "negative_slope": 0.25}, {"max_value": 0}, {"threshold": 0}):
        case = classes.Case(class_name="ReLU", config=facts, parameters={}, inputs=[])
        yield f"ReLU {facts}", told(*classes.operations_of(case))


def _stores() -> Told:
    """Lists that are cut in several, and parts in their natural order."""
    for n in (1, 2, 3, 4):
        names = ["c_W:0", "c_b:0", "c_x:0", "c_y:0"]
        pieces = [names[i::n] for i in range(n)]
        group = Folder(
            {name: _kernels(2) for name in names},
            {f"weight_names{place}": piece for place, piece in enumerate(pieces)},
        )
        store: Any = stores.store_of([_root(Folder({"c": group}, {"layer_names": ["c"]}))])
        yield f"names in {n} pieces", str(list(store.weights("", "c", "", "").arrays))
    names = ["l/kernel:0", "l/kernel:1", "l/bias:10", "l/a:b:0", "l/plain", "m/bias:0"]
    above = {one: Folder() for one in ("l", "m")}
    for name in names:
        above[name[0]].entries[name[2:]] = _kernels(2)
    group = Folder(dict(above), {"weight_names": names})
    store = stores.store_of([_root(Folder({"c": group}, {"layer_names": ["c"]}))])
    yield "names with numbers behind", str(list(store.weights("", "c", "", "").arrays))
    both = [("a", "Dense"), ("b", "dense"), ("c", "Mine>Dense"), ("d", "Dense"), ("e", "MineDense")]
    modern = stores.Modern([])
    modern.listed_as("", both)
    yield "layers that are counted", str(modern.counted)
    twins = {"dense": _dense(2), "dense_1": _dense(3)}
    for one in twins.values():
        one.entries["vars"].attributes["name"] = "same"
    store = stores.store_of([_root(Folder({"layers": Folder(dict(twins))}))])
    held = store.weights("", "same", "Dense", "").arrays
    yield "two layers of one name", str([one.shape for one in held.values()])
    some = Folder({"layers": Folder({"dense": twins["dense"], "x": _dense(4), "dense_1": _dense(5)})})
    store = stores.store_of([_root(some)])
    for name in ("same", "x", "dense_1", "dense"):
        held = store.weights("", name, "Dense", "").arrays
        yield f"{name} beside layers with names", str([one.shape for one in held.values()])
    parts = [Folder({"layers": Folder({"model": one})}) for one in (_dense(2), _dense(3), _modern())]
    for words, order in (("in order", parts), ("turned", parts[::-1]), ("one", parts[1:])):
        store = stores.store_of(list(map(_root, order)))
        told_ = [(name, [one.shape for one in held.arrays.values()]) for name, _, held in store.layers()]
        yield f"files of one layer, {words}", str(told_)
    for shape in ((3,), (3, 1), (), (1, 3)):
        norm = [("bn", "BatchNormalization", _of({"moving_variance": shape}))]
        yield f"a norm of {shape}", f"{weights._width_of_norm(norm)} {weights._width_of_norm(norm[:0])}"
    for shape in ((3, 3, 2), (3, 3, 2, 4), (2, 3, 3, 2, 4), (1, 2, 3, 3, 2, 4)):
        found = weights.layers_of_part("x", "Mine", _of({"own": shape, "bias": (4,)}))
        yield f"a part of {shape}", "; ".join(f"{one.type} {told(*one.operations)}" for one in found)
    for cls in ("Convolution2D", "Mine", ""):
        stored = _of({"c_W": (3, 2, 3, 5), "c_b": (3,)})
        found = weights._made("c", cls, stored)
        yield f"kernels of Theano's in a {cls}", "; ".join(told(*one.operations) for one in found)
    for shape in ((4, 3, 3, 2), (4, 3, 3, 4), (2, 3, 3, 4), (4, 3, 3)):
        for names in (("c_W", "c_b"), ("kernel", "bias"), ("0", "1"), ("c_W", "bias")):
            stored = _of(dict(zip(names, (shape, (4,)), strict=True)))
            given = {"kernel": array(*shape), "bias": array(4)}
            yield f"{shape} called {names[0]} and {names[1]}", str(weights._is_theanos(stored, given))
    parts = {f"part_{n}": Folder({"vars": Folder({"0": _kernels(n)})}) for n in (10, 2, 1)}
    store = stores.store_of([_root(Folder({"layers": Folder(), **parts}))])
    yield "parts in order", str([name for name, _, _ in store.parts()])


def _root(root: Folder) -> Any:
    return open_hdf5(memoryview(hdf5(root)), effort(Limits()))


def _moved() -> Told:
    for counts in ((1, 7), (7, 1), (0, 7)):
        held = {str(place): np.array(n, "i8") for place, n in enumerate(counts)}
        root = _root(Folder({"optimizer": Folder({"vars": Folder(dict(held))})}))
        network = Network.of([Layer(name="l", parameters=(array(3, name="kernel"),))])
        found = keras._with_optimiser(network, root, effort(Limits()))
        yield f"steps {counts}", str(found.origin.training)
    """Layers of some shapes, and what an optimiser keeps of each: ``m`` has moved, ``r`` rests."""
    two, other, wide = (2, 3), (3, 2), (4, 4)
    for words, shapes, kept, moments in (
        ("one moment", (two, other), (two, other), "mr"),
        ("two each", (two, other), (two, two, other, other), "mmrr"),
        ("two each, all first ones first", (two, other), (two, other, two, other), "mrmr"),
        ("three each", (two, other), (two,) * 3 + (other,) * 3, "mmmrrr"),
        ("three each, all first ones first", (two, other), (two, other) * 3, "mrmrmr"),
        ("four each", (two, other), (two,) * 4 + (other,) * 4, "mmmmrrrr"),
        ("two each of one shape", (two, two), (two,) * 4, "mmrr"),
        ("one each of one shape", (two, two), (two,) * 2, "mr"),
        ("half moved", (two, other), (two, two, other, other), "mrrr"),
        ("another order", (two, other, wide), (wide, two, other), "mmm"),
        ("another order, one at rest", (two, other, wide), (wide, two, other), "mrm"),
        ("none", (two, other), (two, other), "rr"),
        ("others", (two, other), (wide, wide), "mm"),
    ):
        kernels = [array(*one, name="kernel") for one in shapes]
        layers = [Layer(name=f"l{i}.x", parameters=(one,)) for i, one in enumerate(kernels)]
        pairs = zip(kept, moments, strict=True)
        kept_ = [_array(_values(shape) if how == "m" else np.zeros(shape)) for shape, how in pairs]
        moved = keras._moved(kept_, layers, effort(Limits()))  # type: ignore[arg-type]
        yield f"an optimiser of {words}", f"{sorted(moved.moved)} {sorted(moved.resting)}"
