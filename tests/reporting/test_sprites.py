"""The pictures hold the weights: read back by an independent decoder they are the same."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests import telling

from filtviz.reporting.pictures import GAP, NOT_FINITE_LEVEL, Sprite, encode_sprite, lay_out, palette

from . import sprites_told


def test_pictures_of_layers_of_all_kinds_are_what_they_were() -> None:
    wanted = (telling.GOLDEN / "sprites.txt").read_text(encoding="utf-8")
    assert list(sprites_told.all_lines()) == wanted.splitlines()


def levels_of(sprite: Sprite) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(sprite.png))).astype(np.int64)


def weights_of(sprite: Sprite) -> np.ndarray:
    """Read the kernels back, ``(n, rows, cols)``, as the page's script does."""
    levels, layout = levels_of(sprite), sprite.layout
    kernels = []
    for place in range(layout.n):
        top = place // layout.across * (layout.rows + layout.gap)
        left = place % layout.across * (layout.cols + layout.gap)
        kernels.append(levels[top : top + layout.rows, left : left + layout.cols])
    return (np.array(kernels) - sprite.zero) * sprite.unit


@pytest.mark.cases("all")
@pytest.mark.parametrize(("bits", "steps"), [(16, 126 * 257), (8, 126)])
@pytest.mark.parametrize("shape", [(20, 1, 3, 3), (5, 7, 3, 3), (3, 3, 7, 5), (4, 6, 1, 1), (1, 1, 1, 9)])
def test_weights_come_back(shape: tuple[int, int, int, int], bits: int, steps: int) -> None:
    weights = np.random.default_rng(1).normal(0, 0.3, shape)
    limit = float(np.abs(weights).max())
    sprite = encode_sprite(weights, limit, bits)
    assert levels_of(sprite).shape == sprite.layout.size
    np.testing.assert_allclose(
        weights_of(sprite).ravel(), weights.ravel(), rtol=0, atol=0.5001 * limit / steps
    )


def test_zero_is_exactly_zero_and_the_ends_are_the_limits() -> None:
    sprite = encode_sprite(np.array([0.0, 0.5, -0.5]).reshape(1, 1, 1, 3), 0.5, 16)
    np.testing.assert_array_equal(weights_of(sprite).ravel(), [0.0, 0.5, -0.5])


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_not_finite_is_told_from_every_weight(bits: int) -> None:
    weights = np.array([np.nan, np.inf, -np.inf, -1.0, 1.0]).reshape(1, 1, 1, 5)
    upper = levels_of(encode_sprite(weights, 1.0, bits)).ravel() // (257 if bits == 16 else 1)
    assert upper[:3].tolist() == [NOT_FINITE_LEVEL] * 3
    assert upper[3:].tolist() == [3, 255]


def test_kernels_of_zeros_are_white() -> None:
    sprite = encode_sprite(np.zeros((2, 1, 3, 3)), 0.0, 16)
    assert min(palette()[int(levels_of(sprite)[0, 0]) >> 8]) > 240
    np.testing.assert_array_equal(weights_of(sprite), 0)


def test_an_8_bit_browser_sees_the_same_level() -> None:
    """A decoder may keep the upper byte, or divide by 257 and round: for level 257 k both give k."""
    sixteen, eight = (encode_sprite(np.linspace(-1, 1, 253).reshape(1, 1, 1, -1), 1.0, b) for b in (16, 8))
    np.testing.assert_array_equal(levels_of(sixteen) >> 8, levels_of(eight))
    np.testing.assert_array_equal(np.rint(levels_of(sixteen) / 257), levels_of(eight))


def test_a_row_holds_whole_filters_and_gaps_are_marked() -> None:
    layout = lay_out(20, 3, 3, 3)
    assert layout.across % 3 == 0
    assert lay_out(64, 64, 1, 1).gap == 0
    levels = levels_of(encode_sprite(np.ones((20, 3, 3, 3)), 1.0, 8))
    assert (levels[3] == GAP).all()
    assert (levels[:, 3] == GAP).all()


def test_every_level_has_its_own_colour() -> None:
    colours = palette()
    assert len(colours) == 256
    assert len(set(colours[3:])) == 253
    assert colours[NOT_FINITE_LEVEL] not in colours[3:]
    assert colours[3][2] > colours[3][0]  # blue below zero
    assert colours[255][0] > colours[255][2]  # red above
