"""One layer with all that its measures look at, gathered once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.chains import (
    Interval,
    Stack,
    following_layer,
    linear_stack,
    normalisation_moved,
    preactivation_bounds,
)
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.lowfrequency import band_energies
from filtviz.measures.provenance import (
    BiasState,
    Identified,
    Provenance,
    bias_state,
    identify_rule,
    trace_provenance,
)
from filtviz.network import ConvLayer, Network

__all__ = ["Subject", "gather_subjects", "nonfinite_filters"]

_LARGEST = 3
"""Layers on which the network's initialiser is sought; only so many are held in memory for it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """One convolution whose weights are finite and not all one number.

    ``rule`` is the initialiser of the network, ``bounds`` between what each filter's input to its rectifier
    must lie, None where that is not known.
    """

    layer: ConvLayer
    kernels: Kernels
    bias: BiasState
    origin: Provenance
    rule: Identified
    following: ConvLayer | None = None
    stack: Stack = field(default_factory=Stack)
    bounds: Interval | None = None
    normalisation_moved: bool = False

    @cached_property
    def low_energy(self) -> Floats:
        """The energy of each kernel in the low frequencies, ``(filters, channels)``."""
        return band_energies(self.kernels)

    @property
    def moved(self) -> bool:
        """Whether something beside the weights has left its start, which no initialiser explains."""
        return self.bias == "moved" or self.normalisation_moved

    @property
    def initialiser(self) -> str:
        """The name of what the first weights are taken to be draws of, at this layer's shape."""
        best = self.origin.fits[0] if self.origin.fits else None
        if best is not None and (not best.rules or self.rule.rule in best.rules):
            return best.name
        return self.rule.rule.name


def gather_subjects(
    network: Network, layers: Sequence[ConvLayer], input_range: tuple[float, float] | None
) -> Iterator[Subject]:
    """Yield the subjects of ``layers`` one by one, so that one layer's weights are in memory at a time.

    The layers' weights must be judgeable (see `nonfinite_filters`). The initialiser is identified first,
    on the largest of them.
    """
    origins = [trace_provenance(Kernels.of(layer.filters)) for layer in layers]
    rule = _identify(layers, origins)
    bounds = preactivation_bounds(network, input_range)
    for layer, origin in zip(layers, origins, strict=True):
        yield Subject(
            layer=layer,
            kernels=Kernels.of(layer.filters),
            bias=bias_state(_bias(layer)),
            origin=origin,
            rule=rule,
            following=following_layer(network, layer),
            stack=linear_stack(network, layer),
            bounds=bounds.get(layer.conv_index),
            normalisation_moved=normalisation_moved(network, layer),
        )


def _identify(layers: Sequence[ConvLayer], origins: Sequence[Provenance]) -> Identified:
    by_size = sorted(range(len(layers)), key=lambda i: -layers[i].weights.size)[:_LARGEST]
    return identify_rule([Kernels.of(layers[i].filters) for i in by_size], [origins[i] for i in by_size])


def _bias(layer: ConvLayer) -> Floats | None:
    return None if layer.b is None else np.asarray(layer.b, dtype=np.float64).reshape(-1)


def nonfinite_filters(layer: ConvLayer) -> NDArray[np.intp]:
    """Return the indices of the filters that hold a NaN or an infinity, in their weights or biases."""
    finite = np.isfinite(layer.filters).all(axis=(1, 2, 3))
    bias = layer.b
    if bias is not None and bias.size % layer.n_filters == 0:
        finite &= np.isfinite(np.asarray(bias, dtype=np.float64).reshape(layer.n_filters, -1)).all(axis=1)
    return np.flatnonzero(~finite)
