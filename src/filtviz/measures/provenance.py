"""Where a network's weights come from: its initialiser, and what cannot have been there at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from filtviz.measures.initialisers import DEFAULT, Fit, Rule, fit_catalogue, fit_free_scale
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.residue import likeliest_uniform_rule

__all__ = ["BiasState", "Identified", "Provenance", "bias_state", "identify_rule", "trace_provenance"]

BiasState = Literal["none", "zero", "constant", "moved"]

_FITS_FROM = 0.01


@dataclass(frozen=True)
class Provenance:
    """What a layer's weights could be draws of: the catalogue's ``fits``, or ``free`` ones of another scale.

    Both are sorted by p-value, the best first, whatever the p-value is.
    """

    fits: tuple[Fit, ...]
    free: tuple[Fit, ...]

    @property
    def p(self) -> float:
        """The p-value of the best fit of the catalogue; 0 where none can be."""
        return self.fits[0].p if self.fits else 0.0


@dataclass(frozen=True)
class Identified:
    """The rule that drew a network's first weights; ``known`` is False where it is only the default.

    ``traced`` tells that its trace was found in weights that have been trained since.
    """

    rule: Rule
    known: bool
    traced: bool = False


def trace_provenance(kernels: Kernels) -> Provenance:
    """Compare a layer's weights with all that could have drawn them."""
    fits = fit_catalogue(kernels)
    plausible = bool(fits) and fits[0].p >= _FITS_FROM
    return Provenance(fits=fits, free=() if plausible else fit_free_scale(kernels))


def bias_state(bias: Floats | None) -> BiasState:
    """Say what the biases tell: ``moved`` where they are no constant, which no usual initialiser draws.

    Lasagne's default is Constant(0). A single bias that is not 0 counts as moved.
    """
    if bias is None or bias.size == 0:
        return "none"
    if not np.any(bias):
        return "zero"
    return "constant" if bias.size > 1 and np.ptp(bias) == 0 else "moved"


def identify_rule(layers: Sequence[Kernels], origins: Sequence[Provenance]) -> Identified:
    """Identify the network's initialiser on ``layers``, which should be its largest, the largest first.

    By what they are indistinguishable from; where the largest was trained, first by the uniform rule whose
    trace they still bear (see `filtviz.measures.residue`), since a small layer fits several rules by chance.
    Else Lasagne's default is assumed, and said to be.
    """
    voted = _most_fitting(origins)
    if voted is not None and origins[0].p >= _FITS_FROM:
        return Identified(voted, known=True)
    traced = likeliest_uniform_rule([kernels for kernels in layers if kernels.rms > 0])
    if traced is not None:
        return Identified(traced, known=True, traced=True)
    return Identified(voted or DEFAULT, known=voted is not None)


def _most_fitting(origins: Sequence[Provenance]) -> Rule | None:
    """Return the rule that could have drawn most of the layers, or None where none could have drawn any."""
    votes: dict[Rule, tuple[int, float]] = {}
    for fit in (fit for origin in origins for fit in origin.fits if fit.p >= _FITS_FROM):
        for rule in fit.rules:
            count, total = votes.get(rule, (0, 0.0))
            votes[rule] = count + 1, total + fit.p
    return max(votes, key=lambda rule: votes[rule], default=None)
