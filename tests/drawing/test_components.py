"""Root mean squares and components against their definitions."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from filtviz.drawing.options import SheetOptions
from filtviz.drawing.pattern_sheets import pattern_sheet
from filtviz.drawing.selection import select_filters
from filtviz.drawing.sheet import SheetTexts
from filtviz.errors import DrawingError, MissingExtraError
from filtviz.measures.components import rms_over_channels, shared_components, singular_components

from .making import layer_of, random_weights


def test_rms_is_the_root_of_the_mean_square_over_channels() -> None:
    filters = random_weights(3, 4, 2, 5)
    found = rms_over_channels(filters)
    assert found.shape == (3, 1, 2, 5)
    for o, y, x in np.ndindex(3, 2, 5):
        squares = [float(filters[o, c, y, x]) ** 2 for c in range(4)]
        assert found[o, 0, y, x] == pytest.approx((sum(squares) / 4) ** 0.5)


def test_one_pattern_in_all_channels_is_one_component() -> None:
    pattern = np.array([[1.0, -2.0], [3.0, 0.5]])
    weights = np.array([2.0, 1.0, -0.5])
    found = singular_components((weights[:, None, None] * pattern)[None], 4)
    assert found.pictures.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(found.shares, [[1.0, 0.0, 0.0]], atol=1e-12)
    strength = np.linalg.norm(weights) / np.sqrt(3)
    np.testing.assert_allclose(found.pictures[0, 0], pattern * strength, atol=1e-12)


def test_the_sign_is_that_of_most_energy_and_not_of_most_channels() -> None:
    pattern = np.array([[1.0, -2.0], [3.0, 0.5]])
    weights = np.array([3.0, -1.0, -1.0, -1.0, -1.0])
    for sign in (1, -1):
        found = singular_components((sign * weights[:, None, None] * pattern)[None], 1)
        assert np.sign(found.pictures[0, 0]).tolist() == (sign * np.sign(pattern)).tolist()


def test_components_of_the_largest_numbers_are_told_without_a_warning() -> None:
    for rows, cols in ((1, 2), (2, 2), (3, 3), (5, 5), (2, 5), (3, 5)):
        largest = np.full((1, 2, rows, cols), np.finfo(np.float64).max)
        found = singular_components(largest, 1)
        assert (found.pictures >= 0.999 * largest[:, :1]).all()  # rounded up they are infinite
        assert found.total == pytest.approx(1.0)


def test_shares_are_those_of_the_singular_values_and_add_up() -> None:
    filters = random_weights(3, 5, 3, 3)
    found = singular_components(filters, 2)
    for o, filter_ in enumerate(filters):
        matrix = filter_.reshape(5, 9).astype("f8")
        energies = np.sort(np.linalg.eigvalsh(matrix @ matrix.T))[::-1]
        np.testing.assert_allclose(found.shares[o], energies[:2] / (matrix**2).sum())
        assert found.total[o] == pytest.approx(found.shares[o].sum())
    # pictures hold the energy of their share, in an average channel
    energy = (filters.astype("f8") ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(
        (found.pictures**2).sum(axis=(2, 3)) * 5, found.shares * energy[:, None], rtol=1e-6
    )


def test_a_zero_filter_has_no_shares() -> None:
    found = singular_components(np.zeros((1, 3, 2, 2)), 2)
    assert found.total.tolist() == [0.0]
    assert not found.pictures.any()


def test_weights_that_are_not_finite_have_no_components() -> None:
    with pytest.raises(DrawingError, match="not finite"):
        singular_components(np.full((1, 2, 2, 2), np.nan), 1)


@pytest.mark.slow
def test_groups_of_channels_are_found_by_non_negative_factorisation() -> None:
    pytest.importorskip("sklearn", reason="needs the extra nmf")
    rng = np.random.default_rng(0)
    members = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])  # channels in two groups
    parts = rng.standard_normal((2, 6, 3, 3))
    filters = np.einsum("cg,goyx->ocyx", members, parts)
    found = shared_components(filters, 2)
    np.testing.assert_allclose(found.total, 1.0, atol=1e-2)
    shown = np.abs(
        np.corrcoef(
            np.concatenate(
                [found.pictures[:, 0].ravel()[None], found.pictures[:, 1].ravel()[None], parts.reshape(2, -1)]
            )
        )
    )
    assert sorted(shown[:2, 2:].argmax(axis=1).tolist()) == [0, 1]
    assert (shown[:2, 2:].max(axis=1) > 0.99).all()


def test_without_scikit_learn_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    with pytest.raises(MissingExtraError, match="pip install scikit-learn"):
        shared_components(random_weights(2, 3, 2, 2), 2)


@pytest.mark.parametrize("values", [[[3.0]], [[1.0, -2.0], [0.0, 3.0]]])
def test_a_pattern_that_channels_hold_with_either_sign_alike_is_drawn_all_the_same(values: list) -> None:
    pattern = np.array(values)
    found = singular_components(np.stack([pattern, -pattern])[None], 1)
    np.testing.assert_allclose(np.abs(found.pictures[0, 0]), np.abs(pattern), atol=1e-12)
    assert found.total.tolist() == pytest.approx([1.0])


@pytest.mark.parametrize("scale", ["layer", "filter", "kernel"])
def test_components_are_drawn_on_one_scale_for_what_shares_it(scale: str) -> None:
    layer = layer_of(random_weights(3, 5, 3, 4))
    subject = select_filters(layer, range(5), SheetOptions(scale=scale, components=2), SheetTexts())
    pictures = singular_components(layer.filters, 2).pictures
    axes = {"layer": (0, 1, 2, 3), "filter": (1, 2, 3), "kernel": (2, 3)}[scale]
    largest = np.abs(pictures).max(axis=axes, keepdims=True)
    drawn = pattern_sheet(subject, "components").values
    np.testing.assert_allclose(drawn, pictures / largest, atol=1e-6)
