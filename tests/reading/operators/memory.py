"""What people give to functions beside files: models in memory, and values of every kind to every function.

The stand-ins can do what a module of PyTorch's, a model of Keras's and an array of theirs can do.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filtviz import given, live
from filtviz.budget import Budget
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Dense
from filtviz.parameter import Parameter
from filtviz.reading.limits import Hints
from tests.building import as_layer, chain, conv
from tests.reading.operators.asking import Told
from tests.telling import layers_of, origin_of, refused

__all__ = ["in_memory", "values"]

W = np.arange(72, dtype="f4").reshape(4, 2, 3, 3)
LONG = "a_name_of_" * 6


Pair = namedtuple("Pair", ["rows", "columns"])


class Tensor:
    """An array of another framework's."""

    def __init__(self, values: Any, dtype: str = "", **facts: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, dtype or f"torch.{self.values.dtype}"
        vars(self).update(facts)

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def dequantize(self) -> Tensor:
        return Tensor(self.values * 0.5)

    def to_dense(self) -> Tensor:
        return Tensor(self.values + 1)

    def float(self) -> Tensor:
        return Tensor(self.values.astype("f4"))

    def numpy(self) -> np.ndarray:
        return self.values


class OnlyArray:
    """What numpy makes an array of, without more."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.values, dtype)


class Lasagne:
    """A layer of Lasagne's, as far as its weights go."""

    name: Any = "first"
    flip_filters = True

    class W:
        @staticmethod
        def get_value() -> np.ndarray:
            return W


class Unnamed(Lasagne):
    name = 3


class Module:
    """What an nn.Module can do."""

    def __init__(self, parts: Any = None, facts: Any = None, buffers: Any = None, **own: Any) -> None:
        self._modules = parts or {}
        self._parameters = own
        self._buffers = buffers or {}
        vars(self).update(facts or {})

    def named_modules(self) -> None:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        return dict(self._parameters)

    def parameters(self) -> Iterator[Any]:
        return iter(self._parameters.values())


def a_module(name: str, home: str, *args: Any, bases: tuple[type, ...] = (Module,), **own: Any) -> Any:
    return type(name, bases, {"__module__": home})(*args, **own)


def a_conv(weight: Any, bias: Any = None, name: str = "Conv2d", parts: Any = None, **facts: Any) -> Any:
    usual = {"stride": [1, 1], "padding": (0, 0), "dilation": (1, 1), "groups": 1, "transposed": False}
    return a_module(name, "torch.nn.modules.conv", parts or {}, usual | facts, weight=weight, bias=bias)


def a_chain(*parts: Any) -> Any:
    return a_module("Sequential", "torch.nn.modules.container", {str(i): one for i, one in enumerate(parts)})


def a_norm(**more: Any) -> Any:
    vectors = {name: Tensor(np.ones(4, "f4")) for name in ("running_mean", "running_var")}
    facts = {"eps": 0.5, "momentum": 0.1, "affine": True, "num_features": 4}
    own = {"weight": Tensor(np.ones(4, "f4")), "bias": Tensor(np.ones(4, "f4"))}
    return a_module("BatchNorm2d", "torch.nn.modules.batchnorm", {}, facts, vectors | more, **own)


def parametrised(*steps: str, training: bool = False, **parts: Any) -> Any:
    """A convolution whose weights are computed."""
    held = {str(i): a_module(step, "torch.nn.utils.parametrizations") for i, step in enumerate(steps)}
    found = a_module(
        "ParametrizationList", "torch.nn.utils.parametrize", held, {"training": training}, **parts
    )
    every = a_module("ModuleDict", "torch.nn.modules.container", {"weight": found})
    base = type("Conv2d", (Module,), {"__module__": "torch.nn.modules.conv"})
    facts = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "transposed": False}
    cls = type(
        "ParametrizedConv2d", (base,), {"__module__": "torch.nn.utils.parametrize", "weight": Tensor(W)}
    )
    return cls({"parametrizations": every}, facts)


class KerasLayer:
    """What a layer of Keras's can do."""

    def __init__(self, name: str, *arrays: Any, **config: Any) -> None:
        self.name, self.arrays, self.config = name, arrays, config

    def get_weights(self) -> list[Any]:
        return list(self.arrays)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.config}


class KerasModel:
    """What a model of Keras's can do; ``written`` is its configuration."""

    def __init__(self, *layers: Any, name: str = "model", written: Any = None) -> None:
        self.layers, self.name, self.written = list(layers), name, written

    def get_weights(self) -> list[Any]:
        return [each for layer in self.layers for each in layer.get_weights()]

    def get_config(self) -> dict[str, Any]:
        kinds = [{"class_name": type(one).__name__, "config": one.get_config()} for one in self.layers]
        return {"name": self.name, "layers": kinds}

    def to_json(self) -> str:
        if self.written is None:
            raise NotImplementedError
        return str(self.written)


def keras(cls: str, name: str, *arrays: Any, **config: Any) -> Any:
    return type(cls, (KerasLayer,), {})(name, *arrays, **config)


def models() -> Mapping[str, Any]:
    """Models in memory, each other than one before it in one thing."""
    kernel, w5 = np.arange(72, dtype="f4").reshape(3, 3, 2, 4), np.ones((5, 4, 3, 3), "f4")
    frozen = Tensor(W, requires_grad=False)
    conv_2d = keras(
        "Conv2D", "a", kernel, np.ones(4, "f4"), strides=(2, 2), padding="same", activation="relu"
    )
    written = (
        '{"class_name": "Sequential", "config": {"name": "m", "layers": [{"class_name": "Conv2D", '
        '"config": {"name": "a", "strides": [1, 1]}}]}}'
    )
    inner = type("Sequential", (KerasModel,), {})(keras("Conv2D", "b", kernel), name="inner")
    twice = keras("Conv2D", "a", 2 * kernel)
    tree = {
        "params": {"conv": {"kernel": kernel}, "norm": {"scale": np.ones(4), "bias": np.ones(4)}},
        "batch_stats": {"norm": {"mean": np.ones(4), "var": np.ones(4)}},
    }
    deep: dict[str, Any] = {"weight": W}
    for _ in range(63):
        deep = {"part": deep}
    wide, meta, w4, plain = Tensor(w5), Tensor(w5, is_meta=True), Tensor(W), keras("Conv2D", "a", kernel)
    parts = {"a.weight_g": Tensor(np.ones((4, 1, 1, 1), "f4")), "a.weight_v": Tensor(W)}
    relu = a_module("ReLU", "torch.nn.modules.activation")
    return {
        "a convolution": a_conv(Tensor(W)),
        "with a bias": a_conv(Tensor(W), Tensor(np.ones(4, "f4"))),
        "of facts in a tuple of one's own": a_conv(Tensor(W), stride=Pair(2, 2), padding=[1, 1]),
        "of same padding": a_conv(Tensor(W), padding="same", stride=[1, 1], dilation=(2, 2)),
        "in a chain": a_chain(a_conv(Tensor(W)), relu, a_norm(), a_conv(Tensor(w5))),
        "with a buffer of none": a_chain(a_conv(Tensor(W)), a_norm(num_batches_tracked=None)),
        "frozen": a_chain(a_conv(frozen), a_conv(Tensor(w5, requires_grad=True))),
        "frozen but for its bias": a_conv(frozen, Tensor(np.ones(4, "f4"), requires_grad=True)),
        "weights of none": a_conv(None),
        "a chain of nothing": a_chain(),
        "a part of none": a_module("Net", "mine", {"a": a_conv(Tensor(W)), "b": None, "c": a_conv(wide)}),
        "a class of a long name": a_module(LONG, "mine", {"a": a_conv(Tensor(W))}),
        "no buffers": a_conv(Tensor(W), parts={}),
        "facts that are no plain values": a_conv(Tensor(W), stride=[1, [2]], groups=2, other=object()),
        "weight normalisation": parametrised(
            "_WeightNorm", original0=Tensor(np.ones((4, 1, 1, 1), "f4")), original1=Tensor(W)
        ),
        "a spectral norm that is not trained": parametrised("_SpectralNorm", original=Tensor(W)),
        "a spectral norm in training": parametrised(
            "_SpectralNorm", training=True, original=Tensor(W), **{"0._u": Tensor(np.ones(4, "f4"))}
        ),
        "a map of one's own": parametrised("Mine", original=Tensor(W)),
        "a map of one's own in training": parametrised("_SpectralNorm", "Mine", training=True, original=w4),
        "frozen parts": parametrised(
            "_WeightNorm",
            original0=Tensor(np.ones((4, 1, 1, 1), "f4"), requires_grad=False),
            original1=Tensor(W, requires_grad=False),
        ),
        "on the meta device": a_conv(Tensor(W, is_meta=True)),
        "quantised": a_conv(Tensor(W.astype("i1"), "torch.qint8", is_quantized=True)),
        "sparse": a_conv(Tensor(W, is_sparse=True)),
        "in few bits": a_conv(Tensor(W, "torch.bfloat16")),
        "of a type that is none": a_chain(a_conv(Tensor(W, f"torch.{LONG}")), a_conv(Tensor(w5))),
        "Keras": KerasModel(conv_2d, keras("Flatten", "f"), keras("Dense", "d", np.ones((8, 3), "f4"))),
        "Keras with its configuration": KerasModel(keras("Conv2D", "a", kernel), written=written),
        "Keras with no layers in it": KerasModel(keras("Conv2D", "a", kernel), written='{"config": {}}'),
        "Keras with a configuration of none": KerasModel(plain, written='{"config": 3}'),
        "Keras with a list": KerasModel(keras("Conv2D", "a", kernel), written="[]"),
        "Keras with a text of none": KerasModel(keras("Conv2D", "a", kernel), written="{"),
        "a layer of Keras": conv_2d,
        "a model within one that is within one": KerasModel(plain, type(inner)(twice, inner, name="outer")),
        "a layer of a name that another ends in": KerasModel(keras("Conv2D", "xa", kernel), twice),
        "a model within one": KerasModel(keras("Conv2D", "a", kernel), inner),
        "Keras without weights": KerasModel(keras("ReLU", "r")),
        "Keras of a long name": type(LONG, (KerasModel,), {})(keras("Conv2D", "a", kernel)),
        "a tree of Flax": tree,
        "a tree of Flax without collections": tree["params"],
        "a tree of Haiku's words": {"net/conv": {"w": kernel, "b": np.ones(4)}},
        "a state_dict": {"a.weight": Tensor(W), "a.bias": Tensor(np.ones(4, "f4")), "n": 3},
        "a state_dict with a prefix": {"module.a.weight": Tensor(W), "module.b.weight": Tensor(w5)},
        "a state_dict in parts with a prefix": {f"module.{name}": one for name, one in parts.items()},
        "a state_dict in parts": parts,
        "a state_dict with one on the meta device": {"a.weight": Tensor(W), "b.weight": meta},
        "keys that are numbers": {0: {"weight": OnlyArray(W)}},
        "as deep as it may be": deep,
        "deeper": {"part": deep},
        "no arrays": {"a": {"b": 3}},
        "a number": 3,
    }


def in_memory() -> Told:
    for name, model in models().items():
        yield f"{name}: is live", str(live.is_live(model))
        for hints in (Hints(), *([Hints(axes={"": "iohw"})] if name == "a state_dict" else [])):
            try:
                network = live.network_of(model, hints)
                told = " ".join(f"{origin_of(network)}{layers_of(network)}".split())
            except FiltvizError as error:
                told = refused(error)
            yield f"{name}{' with axes' if hints.axes else ''}", told.encode("unicode_escape").decode()


# Values of every kind


def _values() -> Mapping[str, Any]:
    one, two = conv(W, name="first", label="first"), conv(2 * W, name=LONG, label=LONG)
    dense = as_layer(Dense(weights=Parameter.of("W", W[:, :, 0, 0], "w"), units=4), name="fc")
    network = chain(conv(W, name="first"))
    return {
        "None": None,
        "True": True,
        "3": 3,
        "-1": -1,
        "2.5": 2.5,
        "numpy's 3": np.int64(3),
        "an empty text": "",
        "a text": "model.pkl",
        "a text with a null": "a\0b",
        "a path": Path("model.pkl"),
        "bytes": b"model.pkl",
        "an object": object(),
        **{"a list of nothing": [], "a list of texts": ["a", Path("b")]},
        **{"a tuple of numbers": (0, np.int64(2)), "a list of lists": [["a"]]},
        "an iterator": iter(["a", "b"]),
        "a layer": one,
        "a layer of a long name": two,
        "a dense layer": dense,
        "a list of layers": [one, dense],
        "a network": network,
        "a network of two": chain(one, conv(np.ones((3, 4, 3, 3), "f4"), name="second")),
        "no convolution": Network.of([dense]),
        "a list of networks": [network, network],
        "an array": W,
        "an array of 3 axes": W[0],
        "an array of 2 axes": W[0, 0],
        "a vector": W[0, 0, 0],
        "an empty array": W[:0],
        "complex numbers": W.astype("c8"),
        "texts": np.array([["a", "b"]]),
        "lists of numbers": [[1.0, 2.0], [3.0, 4.0]],
        "lists of two lengths": [[1.0], [2.0, 3.0]],
        "a parameter": Parameter.of(LONG, W, "w"),
        "a parameter of 2 axes": Parameter.of(LONG, W[0, 0], "w"),
        "a tensor": Tensor(W),
        "a tensor of 3 axes": Tensor(W[0]),
        "a layer of Lasagne": Lasagne(),
        "a layer of Lasagne without a name": Unnamed(),
        "a module": a_conv(Tensor(W)),
        "an empty module": a_chain(),
        **{"a state_dict": {"a.weight": W}, "a dictionary": {"a": 3}, "a budget": Budget()},
        "a wide kernel": conv(np.ones((2, 2, 1, 1, 1), "f4"), axes="oidrc", name="wide", stride=None),
        "a layer of another shape": conv(W[:2], name="first", label="first"),
    }


def _brief(value: Any) -> str:
    if isinstance(value, Layer):
        more = f" {value.label[:9]} {value.flip_filters}" if isinstance(value, ConvLayer) else ""
        return f"{type(value).__name__} {value.name} {value.type}{more}"
    if isinstance(value, Network):
        return f"a network of {', '.join(layer.title for layer in value.layers)}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}{f' {value.sum():g}' if value.dtype.kind in 'fi' else ''}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {len(value)}: {', '.join(map(_brief, value))}"
    if isinstance(value, Path):
        return value.name
    plain = isinstance(value, str | int | float | None)
    return repr(value) if plain else type(value).__name__


def _asked() -> Mapping[str, Callable[[Any], Any]]:
    pair = chain(conv(W, name="first"), conv(np.ones((3, 4, 3, 3), "f4"), name="second"))
    return {
        "load": given.load,
        "is_model": given.is_model,
        "is_several": given.is_several,
        "several": given.several,
        "several with another": lambda value: given.several(value, "more"),
        "chosen_layers": given.chosen_layers,
        "chosen_layers with a default": lambda value: given.chosen_layers(value, (7,)),
        "choose": lambda value: given.choose(pair, value),
        "named": given.named,
        "as_layer": given.as_layer,
        "filters_of": given.filters_of,
        "as_images": given.as_images,
        "checked_images": given.checked_images,
        "expect": lambda value: given.expect(value, Budget, "budget"),
        "file_of": lambda value: given.file_of(value, "save it first"),
        "path_of": given.path_of,
        "account_of": lambda value: given.account_of(value, pair),
        "check_path": lambda value: given.check_path(value, "a model"),
        "as_number": given.as_number,
    }


CHOICES = (
    "None", "True", "3", "-1", "2.5", "numpy's 3", "an empty text", "a text",
    "a list of nothing", "a tuple of texts", "a layer", "a layer of a long name", "a dense layer",
    "a layer of another shape",
)  # fmt: skip
"""What may choose layers, and what may not."""
FEW = (
    "None", "True", "a text", "an empty text", "a text with a null", "a path", "bytes", "a list of texts",
    "a layer", "a network", "an array", "a budget",
)  # fmt: skip
BRIEFLY = ("expect", "file_of", "path_of", "account_of", "check_path")


def values() -> Told:
    """Yield for each function what it makes of values: those of which it makes the same stand together."""
    for name, function in _asked().items():
        outcomes: dict[str, list[str]] = {}
        words = FEW if " with " in name or name in BRIEFLY else None
        words = CHOICES if name in ("choose", "named") else words
        for word, value in _values().items():
            if words is not None and word not in words:
                continue
            try:
                told = _brief(function(value))
            except FiltvizError as error:
                told = refused(error)
            except Exception as error:
                told = f"! {type(error).__name__}"
            outcomes.setdefault(told.encode("unicode_escape").decode(), []).append(word)
        yield from ((f"{name}: {', '.join(found)}", told) for told, found in outcomes.items())
