"""Stacks of convolutions as one, see `filtviz.composition.stacks`."""

from __future__ import annotations

from filtviz.composition.stacks import Complex, Stage, composed_size, composed_spectra, fourier_basis

__all__ = ["Complex", "Stage", "composed_size", "composed_spectra", "fourier_basis"]
