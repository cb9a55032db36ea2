"""The low-frequency share against closed forms, a naive transform, and scipy's laws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import (
    band_energies,
    filter_shares,
    layer_share,
    looks_like_noise,
    low_band,
)
from filtviz.measures.table import MEASURES

LAPLACIAN = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
CHECKERBOARD = [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]
GAUSSIAN = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def of(*kernels: object) -> Kernels:
    return Kernels.of(np.array(kernels, dtype=float)[:, np.newaxis])


def shares(kernels: Kernels) -> np.ndarray:
    return filter_shares(kernels, band_energies(kernels)).share


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("size", "n"), [((3, 3), 3), ((5, 5), 6), ((7, 7), 10), ((1, 1), 1), ((1, 5), 3), ((7, 1), 4)]
)
def test_the_band_holds_so_many_coefficients(size: tuple[int, int], n: int) -> None:
    assert low_band(*size).sum() == n


def test_closed_forms() -> None:
    result = shares(of(LAPLACIAN, np.ones((3, 3)), CHECKERBOARD, GAUSSIAN))
    # The mean of a checkerboard is 1/9, so that D00² is 1/9 of its 9. A Gaussian's D00² is 256/9 of its 36.
    np.testing.assert_allclose(result, [0, 1, 1 / 81, 256 / 9 / 36], atol=1e-12)


def naive_share(kernel: np.ndarray) -> float:
    rows, cols = kernel.shape
    total = low = 0.0
    for u in range(rows):
        for v in range(cols):
            scale = np.sqrt((1 if u == 0 else 2) * (1 if v == 0 else 2) / (rows * cols))
            d = scale * sum(
                kernel[x, y]
                * np.cos(np.pi * (2 * x + 1) * u / (2 * rows))
                * np.cos(np.pi * (2 * y + 1) * v / (2 * cols))
                for x in range(rows)
                for y in range(cols)
            )
            total += d**2
            low += d**2 * (u / (rows - 1) + v / (cols - 1) <= 0.5 + 1e-9)
    return low / total


@pytest.mark.parametrize("size", [(3, 3), (5, 5), (4, 6)])
def test_the_share_equals_a_naive_transform(size: tuple[int, int]) -> None:
    kernel = np.random.default_rng(1).standard_normal(size)
    assert shares(of(kernel))[0] == pytest.approx(naive_share(kernel))


def test_p_values_of_filters_are_those_of_the_beta_law(noise) -> None:
    kernels = noise((400, 2, 3, 3))
    result = filter_shares(kernels, band_energies(kernels))
    law = scipy.stats.beta(3, 6)
    np.testing.assert_allclose(result.p, 2 * np.minimum(law.cdf(result.share), law.sf(result.share)))
    assert scipy.stats.kstest(result.share, law.cdf).pvalue > 0.01


def test_the_layers_z_is_the_formulas(noise) -> None:
    kernels = noise((20, 20, 3, 3))
    test = layer_share(kernels, band_energies(kernels))
    each = [naive_share(kernel) for kernel in kernels.weights.reshape(-1, 3, 3)]
    expected = (np.mean(each) - 1 / 3) / np.sqrt(2 * 3 * 6 / (81 * 11 * 400))
    assert test is not None
    assert test.z == pytest.approx(expected)
    assert test.p == pytest.approx(2 * scipy.stats.norm.sf(abs(expected)))


def test_white_noise_is_called_out_as_often_as_it_should() -> None:
    random = np.random.default_rng(3)
    ps = []
    for _ in range(400):
        kernels = Kernels.of(random.uniform(-1, 1, (20, 1, 3, 3)))
        test = layer_share(kernels, band_energies(kernels))
        assert test is not None
        ps.append(test.p)
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.09


def test_kernels_of_one_weight_have_no_band(noise) -> None:
    kernels = noise((8, 4, 1, 1))
    low = band_energies(kernels)
    assert layer_share(kernels, low) is None
    assert np.isnan(filter_shares(kernels, low).p).all()


def test_zero_kernels_do_not_count() -> None:
    kernels = of(np.ones((3, 3)), np.zeros((3, 3)))
    low = band_energies(kernels)
    test = layer_share(kernels, low)
    assert test is not None
    assert test.mean == pytest.approx(1)
    assert np.isnan(filter_shares(kernels, low).share[1])


def test_filters_are_smooth_or_rough_against_noise_and_not_against_one_another(subject_of) -> None:
    random = np.random.default_rng(0)
    smooth = 1 + 0.1 * random.standard_normal((6, 8, 3, 3))
    rough = smooth * (-1.0) ** np.add.outer(np.arange(3), np.arange(3))
    for weights, textures in (
        (smooth, ["smooth"] * 6),
        (rough, ["rough"] * 6),
        (np.concatenate([smooth[:3], rough[:3]]), ["smooth"] * 3 + ["rough"] * 3),
    ):
        found = MEASURES["low-frequency"].each(subject_of(weights))["texture"]
        assert list(found) == textures


@pytest.mark.cases("all")
@pytest.mark.parametrize("sign", [1, -1])
def test_only_what_is_no_smoother_and_no_rougher_looks_like_noise(sign) -> None:
    noise = np.random.default_rng(1).standard_normal((20, 4, 3, 3))
    assert looks_like_noise(noise)
    checkers = (-1.0) ** np.add.outer(np.arange(3), np.arange(3))
    assert not looks_like_noise(noise + 2 * (checkers if sign < 0 else np.ones((3, 3))))
    for nothing in (np.zeros((2, 1, 3, 3)), np.full((2, 1, 3, 3), np.nan), np.ones((2, 1, 1, 1))):
        assert not looks_like_noise(nothing)


def test_a_layer_without_energy_has_no_share_and_each_filter_none() -> None:
    nothing = Kernels.of(np.zeros((2, 3, 3, 3)))
    assert layer_share(nothing, band_energies(nothing)) is None
    assert np.isnan(filter_shares(nothing, band_energies(nothing)).share).all()


@pytest.mark.parametrize("shape", [(2, 2, 33, 40), (1, 2, 7, 1)])
def test_of_large_kernels_the_energies_are_those_of_the_transform(shape) -> None:
    weights = np.random.default_rng(0).standard_normal(shape)
    waves = scipy.fft.dctn(weights, axes=(2, 3), norm="ortho")
    low = np.square(waves[:, :, low_band(*shape[2:])]).sum(axis=-1)
    np.testing.assert_allclose(band_energies(Kernels.of(weights)), low)
