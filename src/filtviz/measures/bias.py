"""Have the biases left their start?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from filtviz.measures.kernels import Floats
from filtviz.measures.laws import kolmogorov_p
from filtviz.measures.measure import Finding, Measure
from filtviz.measures.verdicts import WAS_UPDATED

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = ["Bias", "BiasState", "bias_state"]

BiasState = Literal["none", "zero", "constant", "drawn", "moved"]

_DRAWN_FROM = 0.001
"""The p-value from which biases may be what PyTorch draws."""

_ROUNDING = 2.0**-8
"""By what share a bias may pass its bound for being stored in 16 bits."""

_WORDING: dict[BiasState, str] = {
    "none": "it has no biases",
    "zero": "all biases are 0, as at the start",
    "constant": "all biases are one constant, as an initialiser may set it",
    "drawn": "the biases are as PyTorch draws them at the start",
    "moved": "the biases have left their start",
}


class Bias(Measure):
    """Whether something beside the weights has moved, which no initialiser explains."""

    key = "bias"
    title = "Biases that have moved"
    meaning = (
        "Biases begin at one constant (in PyTorch within a known bound). Once they differ, the layer was "
        "trained: a gradient reached it."
    )
    formula = (
        "whether the biases are anything but one constant, or, where PyTorch may have drawn them, uniform "
        "draws within ±1/√fan_in"
    )
    null = "impossible at the start: all frameworks but PyTorch set biases to a constant, mostly 0"
    short_null = "impossible"
    counts_if = "any two biases that differ; of PyTorch's, one beyond its bound, or KS p < .001"
    supports = f'"{WAS_UPDATED}"'
    cannot_say = (
        "Nothing about a layer without biases, nor about biases that were drawn at random on purpose."
    )
    source = "lasagne/layers/conv.py: b=init.Constant(0.); torch/nn/modules/conv.py: reset_parameters"

    def take(self, subject: Subject) -> Finding:
        """Look at the biases."""
        return self.finding(value=None, found=subject.moved, text=_WORDING[subject.bias])


def bias_state(bias: Floats | None, bounds: Sequence[float] = (), least: float = _DRAWN_FROM) -> BiasState:
    """Say what the biases tell: ``moved`` where they are no constant, which no other initialiser draws.

    A single bias that is not 0 counts as moved.

    Args:
        bias: The biases, or None.
        bounds: Between which, either side of 0, uniform draws may have made them, if any.
        least: The p-value from which they may be such draws.
    """
    if bias is None or bias.size == 0:
        return "none"
    if not np.any(bias):
        return "zero"
    if bias.size > 1 and (bias == bias.flat[0]).all():
        return "constant"
    return "drawn" if any(_may_be_drawn(bias, bound, least) for bound in bounds) else "moved"


def _may_be_drawn(bias: Floats, bound: float, least: float) -> bool:
    if not np.abs(bias).max() <= bound * (1 + _ROUNDING):  # NaN is no draw, either
        return False
    shares = np.clip((np.sort(bias.reshape(-1)) / bound + 1) / 2, 0.0, 1.0)
    return kolmogorov_p(shares) >= least
