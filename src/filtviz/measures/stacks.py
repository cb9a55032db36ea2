"""Stacks of convolutions as one, in the Fourier domain: pure functions of arrays.

Without its nonlinearities a stack of convolutions is one convolution with a larger kernel: three layers
of 3x3 look at the image through kernels of 7x7. At each spatial frequency the stack is a product of
matrices, so that thousands of shuffled stacks can be measured without making their kernels;
`filtviz.composition` makes the kernels, for pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filtviz.measures.kernels import Floats

__all__ = ["Complex", "Stage", "composed_size", "composed_spectra", "fourier_basis"]

Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer's templates, ``(filters, channels, rows, cols)``, and their taps' spacing in input pixels.

    The spacing of a layer is its dilation times the strides of all layers below it.
    """

    templates: Floats
    spacing: tuple[int, int] = (1, 1)


def composed_size(stages: Sequence[Stage]) -> tuple[int, int]:
    """Return rows and columns of the composed kernels, which are the stack's receptive field."""
    rows = 1 + sum((stage.templates.shape[2] - 1) * stage.spacing[0] for stage in stages)
    cols = 1 + sum((stage.templates.shape[3] - 1) * stage.spacing[1] for stage in stages)
    return rows, cols


def fourier_basis(stage: Stage, size: int) -> Complex:
    """Return what turns a kernel into its zero-padded transform: ``(positions, frequencies)``.

    The transform is ``size x size``; being that of real numbers it is kept by half, ``size/2 + 1`` columns,
    as `numpy.fft.rfft2` does.
    """
    rows, cols = stage.templates.shape[2:]
    down = np.outer(np.arange(rows) * stage.spacing[0], np.arange(size))
    across = np.outer(np.arange(cols) * stage.spacing[1], np.arange(size // 2 + 1))
    phases = down[:, np.newaxis, :, np.newaxis] + across[np.newaxis, :, np.newaxis, :]
    return np.asarray(np.exp(-2j * np.pi * phases / size).reshape(rows * cols, -1))


def composed_spectra(stages: Sequence[Stage], bases: Sequence[Complex]) -> Complex:
    """Return the transforms of the composed kernels, ``(frequencies, filters, channels)``.

    At each frequency the stack is a product of matrices, so that the kernels themselves are never made;
    right as long as the transform is no smaller than `composed_size`.
    """
    product: Complex | None = None
    for stage, basis in zip(stages, bases, strict=True):
        filters, channels = stage.templates.shape[:2]
        spectra = (stage.templates.reshape(filters * channels, -1) @ basis).T.reshape(-1, filters, channels)
        product = spectra if product is None else spectra @ product
    assert product is not None, "a stack has a stage"
    return product
