"""What it takes to measure a layer, estimated from shapes before anything of it is read.

The constants are operations, roughly a billion a second on one core, fitted to measured times and rounded up;
`filtviz.budget.BYTE` for each byte of memory that is filled counts where that is the greater.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from filtviz.measures.sphericity import FEW_POSITIONS, MOST_POSITIONS
from filtviz.network import ConvLayer, Network

__all__ = ["EIGENVALUES", "PRODUCT", "work_of_layer"]

_LAYER, _FILTER, _WEIGHT = 10_000_000, 60_000, 400
"""Of each layer, filter and weight: to measure it, and to print what was found."""

_PAIR = 250
"""Of each pair of filters, for the matrix of their cosines."""

EIGENVALUES, PRODUCT = 0.15, 0.15
"""Times the cube of a matrix's side; times the terms that a product of matrices sums up."""

_POSITION_PAIR = 300
"""Of each pair of positions of a kernel, where the test of sphericity has a matrix of them."""

_LINK = 100
"""To go along one link between layers, or past one layer."""

_PARAMETER = 100
"""Of each number of biases and normalisations, and of the weights of the layer that follows."""


def work_of_layer(network: Network, layer: ConvLayer, n_before: int = 0) -> int:
    """Return what measuring a layer by itself takes, but for what depends on what is found.

    Args:
        network: The network.
        layer: A convolution of it whose weights are pictures of filters.
        n_before: The number of earlier files that it is compared with.
    """
    filters, channels, positions = layer.n_filters, layer.n_channels, math.prod(layer.kernel_size)
    weights, row = layer.weights.size, channels * positions
    smaller = min(filters, row)
    return int(
        (1 + n_before) * (_LAYER + filters * _FILTER + weights * _WEIGHT)
        + _classical(layer.kernel_size, filters * channels)
        + _of_positions(filters * channels, positions)
        + filters**2 * (_PAIR + row * PRODUCT)
        + smaller**2 * (_PAIR + max(filters, row) * PRODUCT)
        + (smaller**3 + (filters**3 if smaller > 1 else 0)) * EIGENVALUES
        + _of_surroundings(network, layer)
    )


def _classical(size: Sequence[int], kernels: int) -> int:
    """Return what it takes to make classical kernels of an odd size and to compare with them."""
    rows, cols = size
    return 13 * rows * cols * (160 + kernels) if rows == cols and rows % 2 else 0


def _of_positions(kernels: int, positions: int) -> float:
    if positions > MOST_POSITIONS:
        return 0
    if kernels < positions > FEW_POSITIONS:
        return kernels**2 * (_PAIR + positions * PRODUCT)
    return positions**2 * (_POSITION_PAIR + kernels * PRODUCT)


def _of_surroundings(network: Network, layer: ConvLayer) -> int:
    """Return what it takes to look at biases, at what lies around a layer and at the way to it."""
    readers = network.readers(layer)
    beside = layer.n_parameters - layer.weights.size + sum(each.n_parameters for each in readers)
    return _PARAMETER * beside + _LINK * (len(network.layers) + network.n_links)
