"""Do the filters of a deeper layer, seen through the layers below, have structure?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from filtviz.measures.kernels import Floats
from filtviz.measures.stacks import Complex, Stage, composed_size, composed_spectra, fourier_basis

__all__ = ["LARGEST", "Composed", "composed_structure", "shuffled", "spectral_shape"]

LARGEST = 32
"""Rows or columns of composed filters that are measured: a deeper stack takes minutes, and ReLUs rule it."""

N_DRAWS = 199
_MIN_TRANSFORM = 16


@dataclass(frozen=True, eq=False)
class Composed:
    """Spectral entropy and radial-frequency centroid of each composed filter, with one-sided p-values.

    ``entropy_p`` counts shuffled stacks whose spectrum is as concentrated or more, ``low_p`` those whose
    centroid is as low or lower, ``high_p`` as high or higher. All are ``(filters,)``; ``size`` is the
    composed kernels' ``(rows, cols)``.
    """

    size: tuple[int, int]
    entropy: Floats
    entropy_p: Floats
    centroid: Floats
    low_p: Floats
    high_p: Floats


def composed_structure(stages: Sequence[Stage], *, draws: int = N_DRAWS, seed: int = 0) -> Composed:
    """Measure the power spectra of the composed filters against stacks that are shuffled and composed again.

    The null permutes the positions and flips the sign of each kernel of every layer, which leaves its size
    alone. It is not the white null: composing makes noise heavy in the centre. Exact where the weights of
    each kernel are exchangeable and symmetric, as all initialisers make them.
    """
    size = composed_size(stages)
    transform = max(_MIN_TRANSFORM, *(2 ** int(np.ceil(np.log2(length))) for length in size))
    bases = [fourier_basis(stage, transform) for stage in stages]
    entropy, centroid = spectral_shape(composed_spectra(stages, bases), transform)
    random = np.random.default_rng(seed)
    counts = np.zeros((3, len(entropy)))
    for _ in range(draws):
        mixed = [shuffled(stage, random) for stage in stages]
        null_entropy, null_centroid = spectral_shape(composed_spectra(mixed, bases), transform)
        counts += null_entropy <= entropy, null_centroid <= centroid, null_centroid >= centroid
    entropy_p, low_p, high_p = (1 + counts) / (1 + draws)
    return Composed(size, entropy, entropy_p, centroid, low_p, high_p)


def shuffled(stage: Stage, random: np.random.Generator) -> Stage:
    """Permute the positions within each kernel, each in its own way, and flip its sign or not."""
    filters, channels, rows, cols = stage.templates.shape
    flat = random.permuted(stage.templates.reshape(filters * channels, -1), axis=1)
    signs = random.choice([-1.0, 1.0], size=(len(flat), 1))
    return Stage((flat * signs).reshape(filters, channels, rows, cols), stage.spacing)


def spectral_shape(spectra: Complex, transform: int) -> tuple[Floats, Floats]:
    """Return the entropy (in nats) of each filter's power and its mean radial frequency (cycles a pixel).

    ``spectra`` is ``(frequencies, filters, channels)``, half of a ``transform x transform`` spectrum; power
    is summed over the channels. NaN for a filter without any.
    """
    half = transform // 2
    twice = np.full(half + 1, 2.0)
    twice[[0, -1]] = 1.0  # these columns of the half spectrum are their own mirror image
    weights = np.tile(twice, transform)
    radius = np.hypot(np.fft.fftfreq(transform)[:, np.newaxis], np.arange(half + 1) / transform).reshape(-1)
    power = (spectra.real**2 + spectra.imag**2).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = power / (weights @ power)
        entropy = -weights @ np.where(share > 0, share * np.log(np.where(share > 0, share, 1.0)), share)
    return entropy, (weights * radius) @ share
