"""Numbers that do not judge: textbook kernels, published thresholds, CNN Filter DB's formulas."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from filtviz.measures.classical import CLASSICAL, classical_kernels, likeness_threshold, nearest_classical
from filtviz.measures.cnn_filter_db import filter_orthogonality, sparsity, variance_entropy
from filtviz.measures.directions import effective_rank
from filtviz.measures.kernels import Kernels
from filtviz.measures.orientation import filter_orientation


def test_textbook_kernels_are_their_own_nearest() -> None:
    known = classical_kernels(3, 3)
    assert tuple(known) == CLASSICAL
    assert len(known) == 17
    found = nearest_classical(np.stack([-2.5 * kernel for kernel in known.values()]))
    assert found is not None
    assert tuple(map(found.name, range(len(CLASSICAL)))) == CLASSICAL
    np.testing.assert_allclose(found.cosine, -1)


@pytest.mark.parametrize("size", [5, 7, 11])
def test_larger_kernels_are_gaussian_derivatives(size: int) -> None:
    known = classical_kernels(size, size)
    assert {"Gaussian", "horizontal edge", "Laplacian of Gaussian", "checkerboard"} <= set(known)
    assert all(kernel.shape == (size, size) for kernel in known.values())
    edge = known["horizontal edge"]
    np.testing.assert_allclose(edge, -edge[::-1], atol=1e-12)
    np.testing.assert_allclose(known["vertical edge"], edge.T, atol=1e-12)
    falling = known["falling line"]
    assert (np.diag(falling) * falling[size // 2, size // 2] > 0).all()
    assert falling[0, -1] * falling[size // 2, size // 2] < 0
    np.testing.assert_allclose(known["rising line"], falling[:, ::-1], atol=1e-12)


PAIRS = {
    "horizontal edge": "Prewitt, horizontal edge", "vertical edge": "Prewitt, vertical edge",
    "falling edge": "Sobel, falling edge", "rising edge": "Sobel, rising edge",
    "horizontal line": "horizontal line", "vertical line": "vertical line", "falling line": "falling line",
    "rising line": "rising line",
}  # fmt: skip


def test_larger_kernels_lie_as_the_textbooks_masks_of_their_names() -> None:
    small, large = classical_kernels(3, 3), classical_kernels(9, 9)
    assert list(large) == ["box", "Gaussian", "identity", "Laplacian of Gaussian", *PAIRS, "checkerboard"]
    names = list(PAIRS)
    for place, name in enumerate(names):
        coarse = large[name].reshape(3, 3, 3, 3).sum(axis=(1, 3))
        own, across = (abs(np.vdot(coarse, small[PAIRS[names[i]]])) for i in (place, place ^ 1))
        assert own > 2 * across, name


def test_a_kernel_of_zeros_is_like_none() -> None:
    found = nearest_classical(np.stack([np.zeros((3, 3)), np.ones((3, 3))]))
    assert found.cosine == pytest.approx([0, 1])


@pytest.mark.cases("all")
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (4, 4), (3, 5)])
def test_other_sizes_have_none(size: tuple[int, int]) -> None:
    assert classical_kernels(*size) == {}
    assert nearest_classical(np.ones((2, *size))) is None
    assert likeness_threshold(20, *size) == 1


def test_noise_is_seldom_named_though_it_often_looks_alike() -> None:
    kernels = np.random.default_rng(0).standard_normal((20_000, 3, 3))
    cosines = np.abs(nearest_classical(kernels).cosine)
    assert np.mean(cosines >= 0.7) == pytest.approx(0.28, abs=0.01)
    threshold = likeness_threshold(20, 3, 3)
    assert threshold == pytest.approx(0.948, abs=1e-3)
    assert np.mean(cosines.reshape(1000, 20).max(axis=1) >= threshold) < 0.02


@pytest.mark.cases("all")
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (1, 2), (2, 1), (2, 2), (2, 3)])
def test_a_kernel_of_one_row_or_column_has_no_orientation(shape) -> None:
    result = filter_orientation(np.random.default_rng(0).normal(size=(3, 2, *shape)))
    for told in (result.coherence, result.angle):
        assert np.isnan(told).tolist() == [min(shape) < 2] * 3


def test_the_orientation_of_edges_and_noise() -> None:
    edge = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], dtype=float)
    diagonal = np.add.outer(np.arange(3.0), np.arange(3.0))
    result = filter_orientation(np.stack([edge, edge.T, diagonal, np.ones((3, 3))])[:, np.newaxis])
    np.testing.assert_allclose(result.coherence[:3], 1)
    np.testing.assert_allclose(result.angle[:3], [90, 0, 45], atol=1e-9)
    assert np.isnan(result.coherence[3])
    noise = np.random.default_rng(0).standard_normal((5000, 1, 3, 3))
    assert filter_orientation(noise).coherence.mean() == pytest.approx(0.56, abs=0.01)


def test_the_channels_of_a_filter_are_summed() -> None:
    edge = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], dtype=float)
    both = filter_orientation(np.stack([edge, edge.T])[np.newaxis])
    assert both.coherence[0] == pytest.approx(0)


def test_kernels_of_one_row_have_no_orientation(noise) -> None:
    assert np.isnan(filter_orientation(noise((2, 2, 1, 7)).weights).coherence).all()


def test_variance_entropy_is_the_published_formula(noise) -> None:
    kernels = noise((16, 8, 3, 3))
    vectors = kernels.weights.reshape(128, 9)
    values = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2 / 127
    share = values / values.sum()
    entropy = -(share * np.log10(share)).sum()
    threshold = 1.2618047 / (1 + np.exp(-0.88767525 * (np.log2(128) - 2.30436435))) - 0.31050834
    assert variance_entropy(kernels) == (pytest.approx(entropy), pytest.approx(entropy / threshold))
    assert variance_entropy(noise((16, 8, 5, 5))) is None
    assert variance_entropy(noise((1, 2, 3, 3))) is None  # its threshold would be below 0
    assert variance_entropy(noise((1, 3, 3, 3))) is not None


def test_kernels_along_one_direction_have_no_entropy_at_all(noise) -> None:
    pattern, strengths = np.random.default_rng(7).normal(size=(1, 1, 3, 3)), np.linspace(-1, 3, 12)
    kernels = Kernels(pattern * strengths.reshape(4, 3, 1, 1))
    assert variance_entropy(kernels)[0] == 0
    assert variance_entropy(noise((4, 3, 3, 3)))[0] > 0.1


def test_sparsity_and_orthogonality_are_the_published_formulas(noise) -> None:
    weights = noise((12, 4, 3, 3)).weights.copy()
    weights[:3] *= 1e-4
    kernels = Kernels.of(weights)
    empty = [np.abs(k).max() < 0.01 * np.abs(weights).max() for k in weights.reshape(-1, 9)]
    assert sparsity(kernels) == np.mean(empty) == 0.25
    rows = weights.reshape(12, -1) / np.linalg.norm(weights.reshape(12, -1), axis=1, keepdims=True)
    expected = 1 - np.abs(rows @ rows.T - np.eye(12)).sum() / (12 * 11)
    assert filter_orthogonality(kernels) == pytest.approx(expected)
    assert filter_orthogonality(noise((1, 4, 3, 3))) is None


def test_effective_rank_counts_directions(noise) -> None:
    rows = np.eye(6).reshape(6, 6, 1, 1)
    assert effective_rank(Kernels.of(rows)) == pytest.approx(6)
    values = np.linalg.svd(noise((8, 2, 3, 3)).rows, compute_uv=False)
    assert effective_rank(noise((8, 2, 3, 3))) == pytest.approx(np.exp(scipy.stats.entropy(values)))
