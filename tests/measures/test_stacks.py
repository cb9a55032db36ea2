"""Composed spectra against composed kernels, the shuffling null, and what structure it sees."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.composition import compose
from filtviz.measures.composed import composed_structure, shuffled, spectral_shape
from filtviz.measures.stacks import Stage, composed_size, composed_spectra, fourier_basis


def stage(shape, seed=0, spacing=(1, 1)) -> Stage:
    return Stage(np.random.default_rng(seed).standard_normal(shape), spacing)


def spectra(stages, size=16) -> np.ndarray:
    return composed_spectra(stages, [fourier_basis(each, size) for each in stages])


def test_the_spectra_are_those_of_the_composed_kernels(make_conv, make_chain) -> None:
    random = np.random.default_rng(0)
    shapes = [(5, 2, 3, 3), (4, 5, 3, 3), (3, 4, 1, 5)]
    weights = [random.standard_normal(shape) for shape in shapes]
    layers = [make_conv(w, flip_filters=False, nonlinearity="linear") for w in weights]
    network = make_chain(*layers)
    templates = compose(network, network.conv_layers[2]).templates
    found = spectra([Stage(w) for w in weights])
    expected = np.fft.rfft2(templates, (16, 16)).reshape(3, 2, -1)
    np.testing.assert_allclose(found.transpose(1, 2, 0), expected, atol=1e-10)


def test_a_stride_spreads_the_taps_above() -> None:
    first, second = stage((1, 1, 3, 3)), stage((1, 1, 3, 3), seed=1, spacing=(2, 2))
    spread = np.zeros((5, 5))
    spread[::2, ::2] = second.templates[0, 0]
    expected = np.fft.rfft2(first.templates[0, 0], (16, 16)) * np.fft.rfft2(spread, (16, 16))
    assert composed_size([first, second]) == (7, 7)
    np.testing.assert_allclose(spectra([first, second])[:, 0, 0], expected.reshape(-1), atol=1e-12)


def test_shuffling_keeps_the_values_of_each_kernel_but_for_a_common_sign() -> None:
    before = stage((6, 4, 3, 3))
    after = shuffled(before, np.random.default_rng(1))
    old, new = before.templates.reshape(24, 9), after.templates.reshape(24, 9)
    for a, b in zip(old, new, strict=True):
        assert np.array_equal(np.sort(a), np.sort(b)) or np.array_equal(np.sort(-a), np.sort(b))
    assert not np.array_equal(old, new)


def test_the_shape_of_known_spectra() -> None:
    impulse, box = np.zeros((1, 1, 3, 3)), np.ones((1, 1, 16, 16))
    impulse[..., 1, 1] = 1
    entropy, centroid = spectral_shape(spectra([Stage(impulse)]), 16)
    assert entropy[0] == pytest.approx(np.log(256))
    rows, cols = np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16))
    assert centroid[0] == pytest.approx(np.hypot(rows, cols).mean())
    entropy, centroid = spectral_shape(spectra([Stage(box)]), 16)
    assert (entropy[0], centroid[0]) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))


def test_noise_is_called_out_as_often_as_it_should() -> None:
    low, entropy = [], []
    for seed in range(12):
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
