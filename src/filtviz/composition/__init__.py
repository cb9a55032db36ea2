"""What a deeper layer's filters amount to on the image, and how well that holds; pure numpy."""

from __future__ import annotations

from filtviz.composition.composing import ComposedFilters, assume_stacked, compose
from filtviz.composition.through import Fidelity, measure_fidelity

__all__ = ["ComposedFilters", "Fidelity", "assume_stacked", "compose", "measure_fidelity"]
