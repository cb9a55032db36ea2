"""What a deeper layer's filters amount to on the image: composing, running, comparing; pure numpy."""

from __future__ import annotations

from filtviz.composition.composing import ComposedFilters, assume_stacked, compose
from filtviz.composition.fidelity import Fidelity, measure_fidelity
from filtviz.running.numpy_engine import respond

__all__ = ["ComposedFilters", "Fidelity", "assume_stacked", "compose", "measure_fidelity", "respond"]
