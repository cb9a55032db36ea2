"""Where a layer stands in its network, as far as its measures ask."""

from __future__ import annotations

import numpy as np

from filtviz.composition.stacks import Stack, following_layer, linear_stack
from filtviz.network import ConvLayer, Network
from filtviz.operations import Normalisation
from filtviz.running.intervals import Interval, preactivation_bounds

__all__ = [
    "Interval",
    "Stack",
    "following_layer",
    "linear_stack",
    "normalisation_moved",
    "preactivation_bounds",
]


def normalisation_moved(network: Network, layer: ConvLayer) -> bool:
    """Tell whether a batch normalisation directly after ``layer`` has left its start.

    It starts at beta 0, gamma 1, mean 0; any of them that is no constant has moved.
    """
    readers = network.readers(layer)
    if len(readers) != 1 or not readers[0].operations:
        return False
    first = readers[0].operations[0]
    if not isinstance(first, Normalisation) or not first.is_batch:
        return False
    stored = (first.beta, first.gamma, first.mean)
    return any(each is not None and each.size > 1 and bool(np.ptp(each.value) != 0) for each in stored)
