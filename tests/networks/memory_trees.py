"""Keras models and trees of arrays in memory, and what is told of each; `memory` has the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.errors import FiltvizError
from filtviz.live import network_of
from filtviz.network import Network
from filtviz.reading.limits import Hints
from tests import telling

__all__ = ["WAYS", "Tensor", "keras", "said", "trees"]


def said(function: Any, *given: Any) -> str:
    try:
        found = function(*given)
    except FiltvizError as error:
        return telling.refused(error)
    if isinstance(found, np.ndarray):
        return f"{found.dtype} {found.tolist()} {found.flags.writeable}"
    return _told(found) if isinstance(found, Network) else str(found)


def _told(network: Network) -> str:
    """Layers, what they do, the values of their parameters, and where they are said to come from."""
    lines = []
    for layer in network.layers:
        held = [
            f"{one.name} {one.source} {one.dtype} {one.value.ravel()[:3].tolist()}"
            for one in layer.parameters
        ]
        trained = {None: "", True: " trained", False: " frozen"}[layer.trainable]
        does = telling.told(*layer.operations)
        called = f"{layer.index} {layer.name} ({layer.type}){trained} <- {layer.inputs}"
        lines.append(f"{called}: {does} | {'; '.join(held)}")
    return " // ".join([*lines, *telling.origin_of(network).splitlines()])


class Tensor:
    """What a tensor of PyTorch's can do; `WAYS` are the steps that were taken to its values."""

    def __init__(self, values: Any, dtype: str = "", **facts: Any) -> None:
        self._values, self._gone = np.asarray(values), []
        self.shape, self.dtype = self._values.shape, dtype or f"torch.{self._values.dtype}"
        vars(self).update(facts)

    def _step(self, word: str) -> Any:
        found = Tensor(self._values, self.dtype)
        found._gone = [*self._gone, word]
        return found

    def detach(self) -> Any:
        return self._step("detach")

    def cpu(self) -> Any:
        return self._step("cpu")

    def float(self) -> Any:
        return self._step("float")

    def dequantize(self) -> Any:
        return self._step("dequantize")

    def to_dense(self) -> Any:
        return self._step("to_dense")

    def numpy(self) -> np.ndarray:
        WAYS.append(" ".join(self._gone))
        return self._values


WAYS: list[str] = []


# Keras


class KerasLayer:
    """What a layer of Keras's can do."""

    def __init__(self, name: str, *arrays: Any, **config: Any) -> None:
        self.name, self._arrays, self._config = name, arrays, config

    def get_weights(self) -> list[Any]:
        return list(self._arrays)

    def get_config(self) -> dict[str, Any]:
        return {"name": "another", **self._config}


class Conv2D(KerasLayer):
    pass


class Plain:
    """A layer that tells nothing of itself."""

    def __init__(self, name: str, *arrays: Any) -> None:
        self.name, self._arrays = name, arrays

    def get_weights(self) -> list[Any]:
        return list(self._arrays)


class Model:
    """What a model of Keras's can do."""

    def __init__(self, *layers: Any, to_json: Any = None) -> None:
        self.layers = list(layers)
        self._to_json = to_json

    def get_weights(self) -> list[Any]:
        return [each for layer in self.layers for each in layer.get_weights()]

    def to_json(self) -> Any:
        if isinstance(self._to_json, Exception):
            raise self._to_json
        return self._to_json


def _inner_config(model: Any) -> dict[str, Any]:
    layers = [{"class_name": "Conv2D", "config": {"name": each.name}} for each in model.layers]
    return {"name": "inner", "layers": layers}


def keras() -> Iterator[tuple[str, str]]:
    kernel = np.arange(8, dtype="f4").reshape(2, 2, 1, 2)
    one = Conv2D("one", kernel, np.ones(2, "f4"), strides=(2, 1), padding="same")
    entry = {"class_name": "Conv2D", "config": {"name": "one", "strides": [1, 2]}}
    texts = {
        "an AttributeError": AttributeError(), "a NotImplementedError": NotImplementedError(),
        "a TypeError": TypeError(), "a ValueError": ValueError(), "no text": None, "no JSON": "{",
        "a list": "[]",
        "no configuration": '{"class_name": "Sequential"}',
        "a configuration that is none": '{"class_name": "Sequential", "config": [{"layers": 1}]}',
        "no layers": '{"class_name": "Sequential", "config": {"name": "m"}}',
        "its layers": json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [entry]}}),
        "other layers": json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [
            {"class_name": "Conv2D", "config": {"name": "two"}}, entry]}}),
    }  # fmt: skip
    for name, text in texts.items():
        yield f"model that tells {name}", said(network_of, Model(one, to_json=text))
    inner = type(
        "Sequential",
        (Model,),
        {
            "name": "inner",
            "get_config": lambda self: {
                "name": "inner",
                "layers": [{"class_name": "Conv2D", "config": {"name": each.name}} for each in self.layers],
            },
        },
    )
    cases = {
        "of two layers": Model(one, Conv2D("two", kernel)),
        "of two of one name": Model(one, Conv2D("one", 2 * kernel)),
        "of two whose names end alike": Model(Conv2D("a/one", 5 * kernel), Conv2D("ONE", 7 * kernel), one),
        "of two whose names begin alike": Model(Conv2D("one_1", 5 * kernel), one),
        "of one without weights": Model(Conv2D("one")),
        "of none": Model(),
        "of a plain one": Model(one, Plain("odd", np.ones((2, 3), "f4"))),
        "in a model": Model(one, inner(Conv2D("one", 3 * kernel))),
        "in a model, lists": Model(one, Conv2D("b", kernel.tolist(), padding="valid")),
        "a layer alone": one,
        "a layer alone, without weights": Conv2D("one"),
        "a layer alone that has layers of its own": type("Dense", (KerasLayer,), {"layers": (1, 2)})(
            "d", np.ones((2, 3), "f4")
        ),
        "of an odd class": type("\x1b" * 50, (Model,), {})(),
    }
    for name, value in cases.items():
        yield f"Keras, {name}", said(network_of, value)


# Trees


def trees() -> Iterator[tuple[str, str]]:
    kernel, four = np.arange(8, dtype="f4").reshape(2, 2, 1, 2), np.arange(8, dtype="f4").reshape(2, 1, 2, 2)
    lost = [Tensor(four, is_meta=True), Tensor(four, "torch.odd")]
    given: dict[str, Any] = {
        "of Flax": {"params": {"conv": {"kernel": kernel, "bias": np.ones(2)}}},
        "of Haiku": {"net/conv": {"w": kernel, "b": np.ones(2)}},
        "without collections": {"conv": {"kernel": kernel}},
        "with statistics": {
            "params": {"n": {"scale": np.ones(2), "bias": np.ones(2)}, "c": {"kernel": kernel}},
            "batch_stats": {"n": {"mean": np.ones(2), "var": np.ones(2)}},
        },
        "with numbers for keys": {0: {"kernel": kernel}},
        "a state": {"a.weight": four, "a.bias": np.ones(2), "n": 3, "l": [four]},
        "a state with a name that ends in w": {"a.weight": four, "b": {"raw": np.ones(2)}},
        "a state in a state": {"a": {"weight": four}, "b": {"weight": 2 * four}},
        "with one word before all": {"module.a.weight": four, "module.a.bias": np.ones(2)},
        "with one word before all, of Flax": {"module": {"a": {"kernel": kernel}}},
        "of parts": {"a.weight_g": np.full((2, 1, 1, 1), 2.0), "a.weight_v": np.ones((2, 1, 2, 2))},
        "of parts, of Flax": {
            "a": {"kernel": kernel}, "b": {"weight_g": np.ones((2, 1, 1, 1)), "weight_v": four},
        },
        "one lost": {"a.weight": four, "b\x1b.weight": lost[0]},
        "two lost": {"a.weight": four, "b.weight": lost[0], "c.weight": lost[1]},
        "three lost": {"a.weight": four, "b.weight": lost[0], "c.weight": lost[1], "d" * 70: lost[0]},
        "all lost": {"b.weight": lost[0]},
        "of one array": {"weight": four},
        "of a curve": {"a.weight": np.ones((2, 1, 3))},
    }  # fmt: skip
    for name, value in given.items():
        yield f"tree {name}", said(network_of, value)
    for axes in ("oirc", "rcio"):
        yield f"tree with axes {axes}", said(network_of, {"a.weight": four}, Hints(axes={"": axes}))
        yield (
            f"tree of Flax with axes {axes}",
            said(network_of, {"a": {"kernel": kernel}}, Hints(axes={"": axes})),
        )
