"""Networks made of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from filtviz.measures.kernels import Kernels
from filtviz.network import ConvLayer, Layer, Network, Parameter, Window


def conv(weights: np.ndarray, bias: np.ndarray | None = None, **others: Any) -> ConvLayer:
    parameters = [Parameter.of("W", weights)]
    if bias is not None:
        parameters.append(Parameter.of("b", bias))
    size = weights.shape[2:]
    window = Window(size=size, stride=(1,) * len(size), pad=tuple((n // 2, n // 2) for n in size))
    settings: dict[str, Any] = {"type": "Conv2DLayer", "window": window, "nonlinearity": "rectify"}
    return ConvLayer(parameters=tuple(parameters), **(settings | others))


def chain(*layers: Layer, channels: int | None = None) -> Network:
    """A network whose layers follow one another, after an input of so many channels."""
    first = layers[0]
    if channels is None:
        assert isinstance(first, ConvLayer)
        channels = first.n_channels
    start = Layer(type="InputLayer", output_shape=(None, channels, 31, 31))
    linked = [start]
    for layer in layers:
        linked.append(type(layer)(**(vars_of(layer) | {"inputs": (len(linked) - 1,)})))
    return Network.of(linked)


def vars_of(layer: Layer) -> dict[str, Any]:
    return {name: getattr(layer, name) for name in layer.__dataclass_fields__}


def pool() -> Layer:
    return Layer(type="MaxPool2DLayer", window=Window(size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0))))


@pytest.fixture
def make_conv() -> Callable[..., ConvLayer]:
    return conv


@pytest.fixture
def make_chain() -> Callable[..., Network]:
    return chain


@pytest.fixture
def make_pool() -> Callable[[], Layer]:
    return pool


@pytest.fixture
def glorot() -> Callable[..., np.ndarray]:
    """GlorotUniform() of a shape, as Lasagne draws it."""

    def draw(shape: Sequence[int], seed: int = 0, dtype: str = "float32") -> np.ndarray:
        bound = np.sqrt(6 / ((shape[0] + shape[1]) * shape[2] * shape[3]))
        return np.random.default_rng(seed).uniform(-bound, bound, shape).astype(dtype)

    return draw


@pytest.fixture
def noise() -> Callable[..., Kernels]:
    def draw(shape: Sequence[int], seed: int = 0) -> Kernels:
        return Kernels.of(np.random.default_rng(seed).standard_normal(shape))

    return draw
