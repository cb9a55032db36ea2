"""Do the filters of a deeper layer, seen through the layers below, have structure?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from filtviz.budget import BYTE
from filtviz.composition.stacks import Stack, Stage, composed_size
from filtviz.measures.kernels import Floats
from filtviz.measures.laws import is_significant
from filtviz.measures.low_frequency import FILTER_LEVEL, textures
from filtviz.measures.measure import Columns, FilterDiagnosis, Finding, Measure
from filtviz.measures.work import PRODUCT
from filtviz.scaling import scale_of

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "LARGEST",
    "Composed",
    "ComposedStructure",
    "compose_templates",
    "composed_structure",
    "shuffled",
    "spectral_shape",
    "why_not_composed",
    "work_of",
]

LARGEST = 32
"""Rows or columns of composed filters that are measured: a deeper stack takes minutes, and ReLUs rule it."""

N_DRAWS = 199
_MIN_TRANSFORM = 16
_AT_ONCE = 250_000
"""Numbers of shuffled and composed filters that are held at once: they should fit a processor's cache."""

_NOTHING = 1e-300
"""A share of a spectrum whose logarithm is a number, for one that is zero."""

_TIE = 1e-9
"""Of spectra that differ by less, as of kernels of one weight, each is as concentrated as the other."""


class ComposedStructure(Measure):
    """The power spectra of composed filters, against those of shuffled stacks."""

    key = "composed"
    title = "Structure of composed filters (linearised)"
    meaning = (
        "What does a deeper filter look for in the image itself? Its kernel is combined with all layers "
        "below it; the result is a larger picture, in which structure shows that 3x3 weights hide."
    )
    scope = ("filter",)
    formula = (
        "kernels of the stack up to the first pooling composed to one (of 32 pixels at most), zero-padded "
        "to 16x16 or 32x32: spectral entropy of the power, and radial centroid of its frequencies"
    )
    null = (
        "Monte Carlo, 199 seeded draws: permute the positions and flip the sign of each kernel of every "
        "layer, compose again"
    )
    short_null = "199 shuffles"
    counts_if = "filters Benjamini-Hochberg at .05"
    supports = '"a more concentrated spectrum than chance", "low-pass", "fine"'
    cannot_say = (
        "Rectifiers and biases are left out. Past a pooling it is not taken. Where the file does not tell "
        "what lies between the convolutions, neither."
    )
    source = "this project"

    def each(self, subject: Subject) -> Columns:
        """Test each filter where there is a stack to compose."""
        composed = subject.composed
        if composed is None:
            return {}
        p = np.minimum(1.0, 2 * np.minimum(composed.low_p, composed.high_p))
        return {
            "composed_p": p,
            "composed_texture": textures(p, composed.low_p <= composed.high_p),
            "concentrated": is_significant(composed.entropy_p, FILTER_LEVEL).tolist(),
        }

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding | None:
        """Count the filters that show something."""
        if subject.composed is None:
            return None
        smooth = sum(each.composed_texture == "smooth" for each in filters)
        rough = sum(each.composed_texture == "rough" for each in filters)
        concentrated = sum(each.concentrated for each in filters)
        rows, cols = subject.composed.size
        return self.finding(
            value=(smooth + rough) / len(filters),
            found=smooth + rough + concentrated > 0,
            text=(
                f"as {rows}x{cols} filters on the image (linearised), of {len(filters)}: {smooth} low-pass, "
                f"{rough} fine, {concentrated} more concentrated than chance"
            ),
        )


def why_not_composed(stack: Stack) -> str:
    """Say why the filters of a stack are not measured; nothing where they are."""
    if not stack.stages:
        return stack.reason
    if not all(np.isfinite(stage.templates).all() for stage in stack.stages):
        return "some weights are not finite"
    rows, cols = composed_size(stack.stages)
    return f"{rows}x{cols} pixels are more than the {LARGEST} measured" if max(rows, cols) > LARGEST else ""


@dataclass(frozen=True, eq=False)
class Composed:
    """Spectral entropy and radial-frequency centroid of each composed filter, with one-sided p-values.

    ``entropy_p`` counts shuffled stacks whose spectrum is as concentrated or more, ``low_p`` those whose
    centroid is as low or lower, ``high_p`` as high or higher. All are ``(filters,)``, NaN for a filter of
    zeros; ``size`` is the composed kernels' ``(rows, cols)``.
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

    Args:
        stages: The stack from the image up.
        draws: How many stacks are shuffled.
        seed: Of the shuffles.
    """
    size = composed_size(stages)
    stages = [_in_scale(stage, is_last=stage is stages[-1]) for stage in stages]
    entropy, centroid = (
        each[0] for each in _shape_of([stage.templates[np.newaxis] for stage in stages], stages)
    )
    random = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // _numbers_of(stages))
    counts = np.zeros((3, len(entropy)))
    for start in range(0, draws, at_once):
        mixed = [
            [shuffled(stage.templates, random) for stage in stages]
            for _ in range(min(at_once, draws - start))
        ]
        null_entropy, null_centroid = _shape_of([np.stack(each) for each in zip(*mixed, strict=True)], stages)
        counts += (
            (null_entropy <= entropy + _TIE).sum(axis=0),
            (null_centroid <= centroid + _TIE).sum(axis=0),
            (null_centroid >= centroid - _TIE).sum(axis=0),
        )
    entropy_p, low_p, high_p = np.where(np.isnan(entropy), np.nan, (1 + counts) / (1 + draws))
    return Composed(size, entropy, entropy_p, centroid, low_p, high_p)


def work_of(stages: Sequence[Stage], *, draws: int = N_DRAWS) -> int:
    """Return the work of `composed_structure`, see `filtviz.budget`.

    Args:
        stages: The stack from the image up.
        draws: How many stacks are shuffled.
    """
    channels, rows, cols = stages[0].templates.shape[1:]
    one = sum(100_000 + 40 * stage.templates.size for stage in stages)
    for stage in stages[1:]:
        filters, below, tall, broad = stage.templates.shape
        rows, cols = rows + (tall - 1) * stage.spacing[0], cols + (broad - 1) * stage.spacing[1]
        one += int(below * tall * broad * channels * rows * cols * (3 + filters * PRODUCT))
    one += 25 * len(stages[-1].templates) * channels * _transform_of((rows, cols)) ** 2
    return int((1 + draws) * one + 24 * BYTE * _numbers_of(stages))


def _in_scale(stage: Stage, *, is_last: bool) -> Stage:
    """Bring weights to where products of them can be squared; the shape of no filter's spectrum changes."""
    scale = scale_of(stage.templates, (1, 2, 3) if is_last else None)
    return replace(stage, templates=stage.templates / scale)


def _numbers_of(stages: Sequence[Stage]) -> int:
    """Return how many numbers composing one stack takes at the most."""
    rows, cols = composed_size(stages)
    channels = stages[0].templates.shape[1]
    taps = max(math.prod(stage.templates.shape[1:]) for stage in stages)
    filters = len(stages[-1].templates)
    spectrum = filters * channels * _transform_of((rows, cols)) ** 2
    return int(max(taps * rows * cols * channels, spectrum))


def shuffled(templates: Floats, random: np.random.Generator) -> Floats:
    """Permute the positions within each kernel, each in its own way, and flip its sign or not."""
    flat = random.permuted(templates.reshape(-1, templates.shape[2] * templates.shape[3]), axis=1)
    signs = 2.0 * random.integers(0, 2, size=(len(flat), 1)) - 1.0
    return np.asarray((flat * signs).reshape(templates.shape))


def _shape_of(drawn: Sequence[Floats], stages: Sequence[Stage]) -> tuple[Floats, Floats]:
    """Compose stacks of these templates, and return entropy and centroid, ``(draws, filters)``."""
    return spectral_shape(compose_templates(drawn, [stage.spacing for stage in stages]))


def compose_templates(drawn: Sequence[Floats], spacings: Sequence[tuple[int, int]]) -> Floats:
    """Compose many stacks at once: ``(draws, filters, channels of the image, rows, cols)``.

    Each layer's template is laid over what the layers below see of the image, at its taps' distance. As the
    kernels are small, this takes a fraction of what products of their spectra take.

    Args:
        drawn: For each layer from the image up its templates, ``(draws, filters, channels, rows, cols)``.
        spacings: The distance of each layer's taps in pixels of the image.
    """
    composed = drawn[0]
    for upper, (down, across) in zip(drawn[1:], spacings[1:], strict=True):
        draws, filters, below, rows, cols = upper.shape
        channels, high, wide = composed.shape[2:]
        tall, broad = high + (rows - 1) * down, wide + (cols - 1) * across
        laid = np.zeros((draws, below, rows, cols, channels, tall, broad))
        for row in range(rows):
            for col in range(cols):
                top, left = row * down, col * across
                laid[:, :, row, col, :, top : top + high, left : left + wide] = composed
        flat = upper.reshape(draws, filters, -1) @ laid.reshape(draws, below * rows * cols, -1)
        composed = flat.reshape(draws, filters, channels, tall, broad)
    return composed


def spectral_shape(kernels: Floats) -> tuple[Floats, Floats]:
    """Return the entropy (in nats) of each filter's power and its mean radial frequency (cycles a pixel).

    The spectrum is of ``(…, channels, rows, cols)``, padded with zeros; power is summed over the channels.
    NaN for a filter without any.
    """
    transform = _transform_of(kernels.shape[-2:])
    half = np.arange(transform // 2 + 1)
    # The first and the last column of the half spectrum are their own mirror image; others count twice.
    weights = np.tile(np.where((half == 0) | (2 * half == transform), 1.0, 2.0), transform)
    radius = np.hypot(np.fft.fftfreq(transform)[:, np.newaxis], half / transform).reshape(-1)
    spectra = np.fft.rfft2(kernels, (transform, transform))
    power = (spectra.real**2 + spectra.imag**2).sum(axis=-3).reshape(*kernels.shape[:-3], -1)
    with np.errstate(invalid="ignore"):
        share = power / (power @ weights)[..., np.newaxis]
    return -((share * np.log(np.maximum(share, _NOTHING))) @ weights), share @ (weights * radius)


def _transform_of(size: tuple[int, ...]) -> int:
    return max(_MIN_TRANSFORM, *(1 << (length - 1).bit_length() for length in size))
