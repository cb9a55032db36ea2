"""Chains of convolutions with drawn weights, and what draws them: for the tests of what is made of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from filtviz.measures.initialiser_catalogue import CATALOGUE, Rule
from filtviz.network import ConvLayer, Layer
from filtviz.operations import Normalisation
from filtviz.parameter import Parameter
from tests import building
from tests.building import as_layer

__all__ = ["batch_norm", "glorot", "rule_named", "same_conv"]


def rule_named(name: str) -> Rule | None:
    """The rule of that name in any framework, or None where the catalogue has none."""
    return next((rule for rule in CATALOGUE if name in (own for _, own in rule.names)), None)


def glorot(shape: Sequence[int], seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """GlorotUniform() of a shape, as Lasagne draws it."""
    bound = np.sqrt(6 / ((shape[0] + shape[1]) * shape[2] * shape[3]))
    return np.random.default_rng(seed).uniform(-bound, bound, shape).astype(dtype)


def same_conv(weights: np.ndarray, bias: np.ndarray | None = None, **others: Any) -> ConvLayer:
    """A convolution that keeps the size of its input, followed by a rectifier."""
    same = tuple((n // 2, n // 2) for n in weights.shape[2:])
    return building.conv(weights, bias, **{"pad": same} | others)


def batch_norm(
    n: int, gamma: float | np.ndarray = 1.0, beta: float | np.ndarray = 0.0, mean: float = 0.0
) -> Layer:
    values = {"beta": beta, "gamma": gamma, "mean": mean, "inv_std": 1.0}
    found = {k: Parameter.of(k, np.broadcast_to(np.float64(v), (n,)).copy()) for k, v in values.items()}
    normalisation = Normalisation(
        mean=found["mean"], spread=found["inv_std"], gamma=found["gamma"], beta=found["beta"]
    )
    return as_layer(normalisation, type="BatchNormLayer", parameters=tuple(found.values()))
