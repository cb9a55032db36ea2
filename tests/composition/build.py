"""Small networks made by hand for the tests of composition."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests import building
from tests.building import as_layer, image, margin

from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Normalisation
from filtviz.parameter import Parameter

__all__ = ["as_layer", "batch_norm", "conv", "entrance", "margin", "network", "pool", "weights"]


def entrance(channels: int | None, rows: int | None, cols: int | None) -> Layer:
    return image(channels, rows, cols)


def conv(
    below: int | tuple[int, ...],
    weights: np.ndarray,
    *,
    pad: tuple[int, int] = (0, 0),
    flip: bool | None = True,
    nonlinearity: Any = "linear",
    **more: Any,
) -> ConvLayer:
    return building.conv(
        weights, below=below, pad=margin(*pad), flip_filters=flip, nonlinearity=nonlinearity, **more
    )


def pool(below: int, size: int, stride: int | None = None, pad: int = 0, **more: Any) -> Layer:
    return building.pool(size, stride, below=below, pad=pad, name="pool", **more)


def batch_norm(*below: int, **values: np.ndarray) -> Layer:
    """Batch normalisation with parameters of Lasagne's names."""
    parameters = {name: Parameter.of(name, value) for name, value in values.items()}
    normalisation = Normalisation(
        mean=parameters.get("mean"),
        spread=parameters.get("inv_std"),
        gamma=parameters.get("gamma"),
        beta=parameters.get("beta"),
    )
    return as_layer(normalisation, below=below, type="BatchNormLayer", parameters=tuple(parameters.values()))


def network(*layers: Layer) -> Network:
    return Network.of(layers)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)
