"""Have the biases, or the batch normalisation in their place, left their start?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from filtviz.measures.kernels import Floats
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.verdicts import WAS_UPDATED
from filtviz.network import ConvLayer, Network
from filtviz.operations import Normalisation

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Bias", "BiasState", "bias_state", "normalisation_moved"]

BiasState = Literal["none", "zero", "constant", "moved"]

_WORDING: dict[BiasState, str] = {
    "none": "it has no biases",
    "zero": "all biases are 0, as at the start",
    "constant": "all biases are one constant, as an initialiser may set it",
    "moved": "the biases are not the constant that they start as",
}


class Bias(Measure):
    """Whether something beside the weights has moved, which no initialiser explains."""

    key = "bias"
    title = "Biases that have moved"
    formula = "whether the biases are anything but one constant"
    null = "impossible at the start: Lasagne's default bias is Constant(0)"
    short_null = "impossible"
    counts_if = "any two biases that differ"
    supports = f'"{WAS_UPDATED}"'
    cannot_say = (
        "Nothing about a layer without biases, nor about biases that were drawn at random on purpose."
    )
    source = "lasagne/layers/conv.py: b=init.Constant(0.)"

    def take(self, subject: Subject) -> Finding:
        """Look at the biases and at a batch normalisation directly after the layer."""
        text = _WORDING[subject.bias]
        if subject.normalisation_moved:
            text += "; the batch normalisation after it has left its start"
        return self.finding(value=None, found=subject.moved, text=text)


def bias_state(bias: Floats | None) -> BiasState:
    """Say what the biases tell: ``moved`` where they are no constant, which no usual initialiser draws.

    Lasagne's default is Constant(0). A single bias that is not 0 counts as moved.
    """
    if bias is None or bias.size == 0:
        return "none"
    if not np.any(bias):
        return "zero"
    return "constant" if bias.size > 1 and (bias == bias.flat[0]).all() else "moved"


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
