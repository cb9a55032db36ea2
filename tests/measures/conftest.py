"""Networks made of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from tests import building
from tests.building import chain, pool

from filtviz.measures.kernels import Kernels
from filtviz.measures.subject import Subject, gather_subjects
from filtviz.network import ConvLayer, Layer, Network


def conv(weights: np.ndarray, bias: np.ndarray | None = None, **others: Any) -> ConvLayer:
    same = tuple((n // 2, n // 2) for n in weights.shape[2:])
    return building.conv(weights, bias, **{"pad": same, "stride": (1,) * len(same)} | others)


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


@pytest.fixture
def subject_of() -> Callable[..., Subject]:
    """What the measures look at in one convolution alone; `network` is one that holds others as well."""

    def gather(
        weights: np.ndarray | None = None,
        bias: np.ndarray | None = None,
        *,
        network: Network | None = None,
        place: int = 0,
        input_range: tuple[float, float] | None = None,
    ) -> Subject:
        if network is None:
            assert weights is not None
            network = chain(conv(weights, bias))
        layers = network.conv_layers
        return list(gather_subjects(network, layers, input_range))[place]

    return gather
