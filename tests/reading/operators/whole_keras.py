"""Models of Keras's, made by chance: configurations, and weights in each of its layouts.

Each case is a number, as in `arrays`; what a model is made of, and how it is written, differs.
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.reading.formats import keras
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from tests.reading.hdf5_making import Folder, Held, hdf5
from tests.reading.operators.asking import Told
from tests.reading.operators.wholes import drawn, in_a_folder, read_of, some

__all__ = ["models_of_keras"]

N_MODELS = 115
_SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "Conv2D": {"kernel": (3, 3, 4, 4), "bias": (4,)},
    "Conv2DTranspose": {"kernel": (3, 3, 2, 4), "bias": (2,)},
    "DepthwiseConv2D": {"depthwise_kernel": (3, 3, 4, 1), "bias": (4,)},
    "SeparableConv2D": {"depthwise_kernel": (3, 3, 4, 1), "pointwise_kernel": (1, 1, 4, 4), "bias": (4,)},
    "Dense": {"kernel": (4, 4), "bias": (4,)},
    "BatchNormalization": {"gamma": (4,), "beta": (4,), "moving_mean": (4,), "moving_variance": (4,)},
    "PReLU": {"alpha": (1, 1, 4)},
    "Mine": {"kernel": (3, 3, 4, 4)},
}
_PLAIN = ("Activation", "MaxPooling2D", "Flatten", "Add", "ReLU", "Dropout")
_CLASSES = (
    "Conv2D",
    "Conv2D",
    "Mine",
    *_SHAPES,
    *_PLAIN,
    "TimeDistributed",
    "Block",
    "Block",
    "Bidirectional",
)


class Model:
    """A model that is being made: how many layers of a name there are, and what each holds."""

    def __init__(self, chance: random.Random, era: str) -> None:
        self.chance, self.era, self.n = chance, era, 0
        self.words: list[str] = []

    def weights(self, cls: str) -> dict[str, np.ndarray]:
        kept = {name: shape for name, shape in _SHAPES.get(cls, {}).items() if self.chance.random() < 0.93}
        if self.era == "1" and cls == "Conv2D" and self.chance.random() < 0.6:
            kept["kernel"] = (4, 2, 3, 3)
        return {name: drawn(self.chance, *shape) for name, shape in kept.items()}

    def layer(self, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """A layer's entry, and what it holds: arrays, and the layers within it under ``layers``."""
        chance = self.chance
        cls = chance.choice(_CLASSES)
        self.n += 1
        self.words.append(cls)
        name = f"{_snake(cls)}_{self.n}" if chance.random() < 0.8 else _snake(cls)
        config: dict[str, Any] = {"name": name} | some(chance, 0.3, trainable=chance.choice((True, False)))
        held: dict[str, Any] = dict(self.weights(cls))
        if cls == "Block":
            inner, held = self.model(depth + 1) if depth < 2 else ({"layers": []}, {"layers": []})
            config |= inner
            cls = chance.choice(("Sequential", "Functional"))
        elif cls == "TimeDistributed":
            held = dict(self.weights("Dense"))
            config["layer"] = (
                {"class_name": "Dense", "config": {"name": "inner", "units": 4}}
                if chance.random() < 0.9
                else 3
            )
        elif cls in ("Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D"):
            order = chance.choice(("channels_last", "channels_last", "channels_first"))
            padding = chance.choice(("same", "valid"))
            config |= some(chance, 0.4, strides=[2, 1], padding=padding, activation="relu", data_format=order)
            if self.era == "1":
                config |= some(
                    chance,
                    0.6,
                    subsample=[2, 1],
                    border_mode="same",
                    dim_ordering=chance.choice(("th", "tf")),
                    nb_filter=4,
                )
        elif cls == "Activation":
            config["activation"] = chance.choice(("relu", "softmax", "odd"))
        dtype = chance.choice(("float32", {"config": {"name": "bfloat16"}}, {"config": 3}, None))
        config |= some(chance, 0.2, dtype=dtype)
        if not depth and self.n == 1 and chance.random() < 0.6:
            key = chance.choice(("batch_input_shape", "batch_shape"))
            config[key] = chance.choice(([None, 8, 8, 4], [None, 8, 8, 4], [[None, 8, 8, 4]], [1, 8], "odd"))
        return {"class_name": cls, "config": config}, held

    def model(self, depth: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
        """The configuration of a model, and what its layers hold."""
        chance = self.chance
        made = [self.layer(depth) for _ in range(chance.choice((1, 2, 3)))]
        entries, held = [one for one, _ in made], {"layers": [(one, arrays) for one, arrays in made]}
        if chance.random() < 0.45:
            if chance.random() < 0.3:
                first = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 8, 8, 4]}}
                entries.insert(0, first)
            return {"layers": entries}, held
        first = {
            "class_name": "InputLayer",
            "config": {"name": "in", "batch_input_shape": [None, 8, 8, 4]},
            "inbound_nodes": [],
        }
        names = ["in"]
        for entry in entries:
            calls = [[self.called(one, entries) for one in chance.sample(names, min(len(names), k))] for k in
                     chance.choice(((1,), (1,), (1,), (2,), (1, 1)))]  # fmt: skip
            calls = (
                [[self.called(entries[-1]["config"]["name"], entries)]] if chance.random() < 0.05 else calls
            )
            entry["name"] = entry["config"]["name"]
            entry["inbound_nodes"] = [self.node(one) for one in calls]
            names.append(entry["config"]["name"])
        if chance.random() < 0.2:
            entries.reverse()
        inner = {"layers": [first, *entries], "input_layers": chance.choice(([["in", 0, 0]], ["in", 0, 0]))}
        end = chance.choice((names[-1], names[-1], names[0]))
        return inner | {"output_layers": chance.choice(([[end, 0, 0]], [end, 0, 0], [[end, 1, 0]]))}, held

    def called(self, name: str, entries: list[dict[str, Any]]) -> tuple[str, int]:
        is_model = any(one["config"]["name"] == name and "layers" in one["config"] for one in entries)
        return name, self.chance.choice((0, 0, 0, 1)) if is_model else 0

    def node(self, calls: list[tuple[str, int]]) -> Any:
        """A call, as either Keras writes it."""
        if self.era == "3":
            tensors = [
                {"class_name": "__keras_tensor__", "config": {"keras_history": [name, n, 0]}}
                for name, n in calls
            ]
            return {"args": [tensors] if len(calls) > 1 else tensors, "kwargs": {}}
        return [[name, n, 0, {}] for name, n in calls]


def _snake(name: str) -> str:
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


# Weights


def _modern(chance: random.Random, held: dict[str, Any], container: str = "layers") -> Folder:
    """Groups of layers by their class and number, with or without the layers' own names."""
    named, seen, found = chance.random() < 0.6, dict[str, int](), Folder()
    for entry, arrays in held["layers"]:
        stem = _snake(entry["class_name"])
        number = seen[stem] = seen.get(stem, -1) + 1
        path = f"{stem}_{number}" if number else stem
        path = path if named or chance.random() < 0.8 else entry["config"]["name"]
        if "layers" in arrays:
            inner = _modern(chance, arrays, container)
        elif entry["class_name"] == "TimeDistributed":
            inner = Folder({"layer": Folder({"vars": _vars(chance, arrays, "")})})
        else:
            own = entry["config"]["name"] if named else ""
            inner = Folder({"vars": _vars(chance, arrays, own)})
            if entry["class_name"] == "Mine":
                inner.entries["conv_a"] = Folder(
                    {"vars": _vars(chance, {"kernel": drawn(chance, 3, 3, 4, 4)}, "")}
                )
        if named and "vars" not in inner.entries:
            inner.entries["vars"] = Folder({}, {"name": entry["config"]["name"]})
        found.entries[path] = inner
    return Folder({container: found})


def _vars(chance: random.Random, arrays: dict[str, Any], name: str) -> Folder:
    held: dict[str, Any] = {str(place): one for place, one in enumerate(arrays.values())}
    if held and chance.random() < 0.06:
        last = held["0"]
        held["0"] = Held(np.zeros(last.shape, "V2"), chance.choice(({"dtype": "bfloat16"}, {})))
    return Folder(held, {"name": name} if name else {})


def _legacy(chance: random.Random, held: dict[str, Any], era: str) -> Folder:
    """Groups of layers by their names, each with a list of its arrays."""
    found, names = Folder(), []
    for entry, arrays in held["layers"]:
        name = entry["config"]["name"]
        group, listed = Folder(), []
        for path, array in _flat(arrays, name, era, chance):
            listed.append(path)
            here = group
            *above, last = path.split("/")
            for part in above:
                here = here.entries.setdefault(part, Folder())
            here.entries[last] = array
        if len(listed) > 1 and chance.random() < 0.1:
            group.attributes |= {"weight_names0": listed[:1], "weight_names1": listed[1:]}
        else:
            group.attributes["weight_names"] = listed
        names.append(name)
        found.entries[name] = group
    found.attributes["layer_names"] = names
    return found


def _flat(arrays: dict[str, Any], name: str, era: str, chance: random.Random) -> list[tuple[str, np.ndarray]]:
    if "layers" in arrays:
        return [
            one
            for entry, inner in arrays["layers"]
            for one in _flat(inner, entry["config"]["name"], era, chance)
        ]
    words = {"kernel": "W", "bias": "b"} if era == "1" else {}
    if era == "1":
        return [(f"{name}_{words.get(key, key)}", one) for key, one in arrays.items()]
    if name.startswith("mine") and chance.random() < 0.7:
        own = [(f"{name}/own:0", drawn(chance, 4))] if chance.random() < 0.5 else []
        return [*own, *((f"{name}/inner/{key}:0", one) for key, one in arrays.items())]
    return [(f"{name}/{key}:0", one) for key, one in arrays.items()]


def _optimiser(chance: random.Random, held: dict[str, Any]) -> Folder:
    """The steps that were taken, a rate, and one or two moments of each weight; some of them at rest."""
    arrays = [one for _, inner in held["layers"] if "layers" not in inner for one in inner.values()]
    moments = [
        np.zeros(one.shape, "f4") if chance.random() < 0.3 else drawn(chance, *one.shape) for one in arrays
    ]
    n = chance.choice((1, 2))
    kept = [one for one in moments for _ in range(n)] if chance.random() < 0.5 else moments * n
    kept = kept[: len(kept) - (chance.random() < 0.1)]
    steps = np.array(chance.choice((0, 1, 7)), "i8")
    return Folder({str(place): one for place, one in enumerate([steps, np.array(0.5, "f4"), *kept])})


# Files


def a_model(n: int, folder: Path) -> tuple[str, str]:
    """A model made by chance, and what is read of its file."""
    chance = random.Random(f"model of keras {n}")
    era = chance.choice(("3", "3", "2", "2", "1"))
    m = Model(chance, era)
    inner, held = m.model()
    is_graph = "input_layers" in inner
    cls = "Functional" if is_graph else chance.choice(("Sequential", "Sequential", "Model"))
    config: dict[str, Any] = {"class_name": cls, "config": inner | {"name": "model"}}
    if era == "1" and not is_graph and chance.random() < 0.5:
        config["config"] = inner["layers"]
    if chance.random() < 0.06:
        config = chance.choice(
            (
                {"class_name": "Own", "config": {"units": 3}},
                {"class_name": 3},
                {"class_name": "Sequential", "config": {}},
            )
        )
    if era == "3" and chance.random() < 0.5:
        config["module"] = "keras"
    form = (
        chance.choice(("zip", "zip", "h5", "h5", "weights", "weights", "index"))
        if era == "3"
        else chance.choice(("h5", "h5", "weights"))
    )
    files = _written(chance, form, era, config, held)
    limits = Limits(layers=chance.choice((1, 2, 3, 5))) if chance.random() < 0.06 else Limits()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    file = Opened.of(folder / next(iter(files)), limits, Hints())
    told = read_of(keras.open, file).replace(f"{folder}/", "")
    more = f" layers {limits.layers}" * (limits != Limits())
    return f"{n} Keras {era} {cls} {' '.join(m.words)} {' '.join(files)}{more}", told


def _written(
    chance: random.Random, form: str, era: str, config: Any, held: dict[str, Any]
) -> dict[str, bytes]:
    text = json.dumps(config)
    is_modern = era == "3" or (era == "2" and form == "h5" and chance.random() < 0.2)
    root = (
        _modern(chance, held, "layers" if era == "3" else "_layer_checkpoint_dependencies")
        if is_modern
        else _legacy(chance, held, era)
    )
    if is_modern and chance.random() < 0.15:
        root = Folder({**next(iter(root.entries.values())).entries, "vars": Folder()})
    if form == "h5" and not is_modern:
        root = Folder({"model_weights": root})
    if is_modern and chance.random() < 0.4:
        root.entries["optimizer"] = Folder({"vars": _optimiser(chance, held)})
    if form == "zip":
        version = {"keras_version": chance.choice(("3.1.0", "3.1.0", "2.15.0", 3))}
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as file:
            weights = chance.choice(("model.weights.h5",) * 12 + ("other.h5",))
            parts = {
                "config.json": text.encode(),
                "metadata.json": json.dumps(version).encode(),
                weights: hdf5(root),
            }
            for name, data in parts.items():
                file.writestr(zipfile.ZipInfo(name), data)
        return {"model.keras": written.getvalue()}
    if form == "h5":
        where = root if is_modern or chance.random() < 0.7 else root.entries["model_weights"]
        where.attributes["model_config"] = text
        version = {"3": "3.0.1", "2": "2.4.0", "1": "1.2.2"}[era]
        where.attributes |= some(
            chance, 0.8, keras_version=version, backend=chance.choice(("tensorflow", "theano"))
        )
        return {"model.h5": hdf5(root)}
    beside = (
        {chance.choice(("config.json", "model.json", "other.json")): text.encode()}
        if chance.random() < 0.5
        else {}
    )
    if form == "weights":
        return {"model.weights.h5": hdf5(root), **beside}
    names = ["a.weights.h5", "b.weights.h5"][: chance.choice((1, 2))]
    layers = root.entries.get("layers", Folder())
    parts = [
        Folder({"layers": Folder(dict(list(layers.entries.items())[place :: len(names)]))})
        for place in range(len(names))
    ]
    listed = {f"/layers/{place}": chance.choice((name, [name])) for place, name in enumerate(names)}
    index = json.dumps({"metadata": {}, "weight_map": listed if chance.random() < 0.92 else ["odd"]}).encode()
    datas = {
        name: hdf5(one) if chance.random() < 0.95 else b"no file of HDF5"
        for name, one in zip(names, parts, strict=True)
    }
    return {"model.weights.json": index, **datas, **beside}


def models_of_keras() -> Told:
    yield from in_a_folder(a_model, N_MODELS)
