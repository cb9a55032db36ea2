"""Composed spectra against composed kernels, the shuffling null, and what structure it sees."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from filtviz.composition import compose
from filtviz.composition.stacks import Stack, Stage, composed_size
from filtviz.measures.composed import (
    Composed,
    compose_templates,
    composed_structure,
    shuffled,
    spectral_shape,
    why_not_composed,
)
from filtviz.measures.measure import FilterDiagnosis
from filtviz.measures.table import MEASURES


def stage(shape, seed=0, spacing=(1, 1)) -> Stage:
    return Stage(np.random.default_rng(seed).standard_normal(shape), spacing)


def composed(stages) -> np.ndarray:
    drawn = [each.templates[np.newaxis] for each in stages]
    return compose_templates(drawn, [each.spacing for each in stages])[0]


def test_composed_kernels_are_those_of_the_pictures(make_conv, make_chain) -> None:
    random = np.random.default_rng(0)
    shapes = [(5, 2, 3, 3), (4, 5, 3, 3), (3, 4, 1, 5)]
    weights = [random.standard_normal(shape) for shape in shapes]
    layers = [make_conv(w, flip_filters=False, nonlinearity="linear") for w in weights]
    network = make_chain(*layers)
    templates = compose(network, network.conv_layers[2]).templates
    np.testing.assert_allclose(composed([Stage(w) for w in weights]), templates, atol=1e-10)


def test_a_stride_spreads_the_taps_above() -> None:
    first, second = stage((1, 1, 3, 3)), stage((1, 1, 3, 2), seed=1, spacing=(2, 3))
    expected = np.zeros((7, 6))
    for row in range(3):
        for col in range(2):
            tap = second.templates[0, 0, row, col]
            expected[2 * row : 2 * row + 3, 3 * col : 3 * col + 3] += tap * first.templates[0, 0]
    assert composed_size([first, second]) == (7, 6)
    np.testing.assert_allclose(composed([first, second])[0, 0], expected, atol=1e-12)


def test_stacks_are_composed_each_with_its_own_templates() -> None:
    stacks = [[stage((4, 2, 3, 3), seed), stage((3, 4, 3, 3), seed + 10)] for seed in range(3)]
    drawn = [np.stack([stack[place].templates for stack in stacks]) for place in range(2)]
    together = compose_templates(drawn, [(1, 1), (1, 1)])
    assert together.shape == (3, 3, 2, 5, 5)
    for found, stack in zip(together, stacks, strict=True):
        np.testing.assert_allclose(found, composed(stack), atol=1e-12)


def test_shuffling_keeps_the_values_of_each_kernel_but_for_a_common_sign() -> None:
    before = stage((6, 4, 3, 3)).templates
    old, new = before.reshape(24, 9), shuffled(before, np.random.default_rng(1)).reshape(24, 9)
    for a, b in zip(old, new, strict=True):
        assert np.array_equal(np.sort(a), np.sort(b)) or np.array_equal(np.sort(-a), np.sort(b))
    assert not np.array_equal(old, new)


def test_the_shape_of_known_spectra() -> None:
    impulse, box = np.zeros((1, 3, 3)), np.ones((1, 16, 16))
    impulse[..., 1, 1] = 1
    entropy, centroid = spectral_shape(impulse)
    assert entropy == pytest.approx(np.log(256))
    rows, cols = np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16))
    assert centroid == pytest.approx(np.hypot(rows, cols).mean())
    entropy, centroid = spectral_shape(box)
    assert (entropy, centroid) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize(("size", "transform"), [((3, 5), 16), ((16, 2), 16), ((17, 3), 32)])
def test_the_shape_is_that_of_the_padded_spectrum(size, transform) -> None:
    kernels = np.random.default_rng(0).standard_normal((4, 3, *size))
    power = (np.abs(np.fft.fft2(kernels, (transform, transform))) ** 2).sum(axis=1)
    share = power / power.sum(axis=(1, 2), keepdims=True)
    rows, cols = np.meshgrid(np.fft.fftfreq(transform), np.fft.fftfreq(transform), indexing="ij")
    entropy, centroid = spectral_shape(kernels)
    np.testing.assert_allclose(entropy, -(share * np.log(share)).sum(axis=(1, 2)))
    np.testing.assert_allclose(centroid, (share * np.hypot(rows, cols)).sum(axis=(1, 2)))


def test_a_filter_of_zeros_has_no_spectrum() -> None:
    upper = stage((6, 4, 3, 3), 1)
    upper.templates[2] = 0
    result = composed_structure([stage((4, 1, 3, 3)), upper])
    for each in (result.entropy, result.entropy_p, result.low_p, result.high_p):
        assert np.flatnonzero(np.isnan(each)).tolist() == [2]


def test_what_shuffling_cannot_change_is_as_likely_as_can_be() -> None:
    result = composed_structure([stage((4, 1, 1, 1)), stage((6, 4, 1, 1), 1)])
    assert (result.entropy_p == 1).all()
    assert (result.low_p == 1).all()
    assert (result.high_p == 1).all()


@pytest.mark.slow
def test_noise_is_called_out_as_often_as_it_should() -> None:
    low, entropy = [], []
    for seed in range(8):
        result = composed_structure(
            [stage((20, 1, 3, 3), seed), stage((20, 20, 3, 3), seed + 100)], seed=seed
        )
        low += list(result.low_p)
        entropy += list(result.entropy_p)
    assert 0.01 < np.mean(np.array(low) <= 0.05) < 0.1
    assert 0.01 < np.mean(np.array(entropy) <= 0.05) < 0.1


def test_smooth_stacks_are_seen_and_the_seed_fixes_the_answer() -> None:
    random = np.random.default_rng(0)
    edge = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]]) / 3

    def edges(filters: int, channels: int) -> Stage:
        slopes = random.standard_normal((2, filters, channels, 1, 1))
        return Stage(slopes[0] * edge + slopes[1] * edge.T)

    stages = [edges(20, 1), edges(20, 20)]
    first, second = composed_structure(stages), composed_structure(stages)
    assert first.size == (5, 5)
    assert (first.low_p <= 0.05).mean() > 0.9
    assert np.array_equal(first.low_p, second.low_p)
    assert first.low_p.min() >= 1 / 200


@pytest.mark.cases("all")
@pytest.mark.parametrize(("side", "measured"), [(31, True), (32, True), (33, False)])
def test_composed_filters_are_measured_up_to_32_pixels(side, measured) -> None:
    stack = Stack(stages=(stage((2, 1, 3, 3)), stage((2, 2, side - 2, 3), seed=1)))
    why = why_not_composed(stack)
    assert why == ("" if measured else f"{side}x5 pixels are more than the 32 measured")


def test_what_is_found_of_composed_filters_counts_whichever_it_is() -> None:
    """Two-sided for textures, and a concentrated spectrum by itself is a finding, too."""
    measure = MEASURES["composed"]
    size = np.zeros(4)
    composed = Composed((5, 5), size, np.full(4, 0.5), size, np.full(4, 0.03), np.full(4, 0.98))
    subject = SimpleNamespace(composed=composed)
    assert measure.each(subject)["composed_p"].tolist() == [0.06] * 4
    for fields, found in (({}, False), ({"concentrated": True}, True), ({"composed_texture": "rough"}, True)):
        filters = [FilterDiagnosis(index=0, norm=1.0, **fields), FilterDiagnosis(index=1, norm=1.0)]
        assert measure.sum_up(subject, filters).found == found
