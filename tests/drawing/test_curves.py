"""Filters over one axis and over three: curves, channels by places, slices."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests.building import conv

import filtviz
from filtviz.budget import Account
from filtviz.cli import main
from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.colours import DIVERGING
from filtviz.drawing.curves import LEVELS
from filtviz.drawing.estimates import pay_for_view
from filtviz.drawing.options import SheetOptions
from filtviz.drawing.planar import view_for
from filtviz.errors import BudgetError, DrawingError
from filtviz.network import ConvLayer, Network

MIDDLE = LEVELS // 2


def curves(n_filters: int = 6, n_channels: int = 1, length: int = 50) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n_filters, n_channels, length)).astype("f4")


def layer_of(weights: np.ndarray, **fields) -> ConvLayer:
    axes = {3: "oic", 4: "oirc", 5: "oidrc"}[weights.ndim]
    layer = ConvLayer.of(weights, axes=axes, type="Conv", name="sound", **fields)
    return Network.of([layer]).conv_layers[0]


def drawn(layer: ConvLayer, **options):
    (page,) = draw(layer, range(layer.n_channels), DrawingOptions(**options))
    return page


def test_bars_rise_and_fall_from_zero_as_high_as_the_weight() -> None:
    weights = np.zeros((1, 1, 50), "f4")
    weights[0, 0, [0, 10, 20, 30]] = 1.0, -1.0, 0.5, 0.01
    cells = drawn(layer_of(weights)).sheet.values[0, 0]
    assert cells.shape == (LEVELS, 50)
    assert (cells[: MIDDLE + 1, 0] == 1).all()
    assert (cells[MIDDLE + 1 :, 0] == 0).all()
    assert (cells[MIDDLE:, 10] == -1).all()
    assert (cells[:MIDDLE, 10] == 0).all()
    assert np.count_nonzero(cells[:, 20]) == MIDDLE // 2 + 1
    assert (cells[:, 30] == 0).all()  # under half a level
    assert (cells[:, 5] == 0).all()


def test_all_filters_share_one_scale_unless_each_has_its_own() -> None:
    weights = np.ones((2, 1, 50), "f4")
    weights[1] = 0.25
    heights = [np.count_nonzero(cells[0, :, 0]) for cells in drawn(layer_of(weights)).sheet.values]
    assert heights == [MIDDLE + 1, MIDDLE // 4 + 1]
    own = filtviz.SheetOptions(scale="filter")
    heights = [np.count_nonzero(cells[0, :, 0]) for cells in drawn(layer_of(weights), sheet=own).sheet.values]
    assert heights == [MIDDLE + 1] * 2


def test_short_filters_are_widened_and_long_ones_are_not() -> None:
    assert drawn(layer_of(curves(length=3))).sheet.values.shape[3] == 39
    assert drawn(layer_of(curves(length=41))).sheet.values.shape[3] == 41


def test_what_is_no_number_takes_its_column() -> None:
    weights = curves(length=50)
    weights[2, 0, 7] = np.nan
    cells = drawn(layer_of(weights)).sheet.values
    assert np.isnan(cells[2, 0, :, 7]).all()
    assert np.isfinite(cells[0]).all()


def test_few_channels_are_curves_and_many_are_a_picture() -> None:
    few, many = layer_of(curves(n_channels=4)), layer_of(curves(n_channels=5, length=3))
    assert drawn(few).sheet.values.shape[:2] == (6, 4)
    assert drawn(few).part == "curves"
    page = drawn(many)
    assert page.part == "sheet"
    assert page.sheet.values.shape == (6, 1, 5, 3)
    assert any("a row of a tile is an input channel" in fact for fact in page.sheet.facts)
    assert page.sheet.facts[0].startswith("6 filters x 5 channels of 3 weights, ")
    assert drawn(many, view="curves").sheet.values.shape[:2] == (6, 5)
    assert drawn(few, view="sheet").sheet.values.shape == (6, 1, 4, 50)
    (chosen,) = draw(many, [4, 1], DrawingOptions(view="sheet"))
    limit = np.abs(many.filters[:, [4, 1]]).max()
    np.testing.assert_allclose(chosen.sheet.values[:, 0], many.filters[:, [4, 1]] / limit, rtol=1e-6)


def test_volumes_are_slices() -> None:
    weights = np.random.default_rng(0).standard_normal((4, 2, 3, 5, 6)).astype("f4")
    page = drawn(layer_of(weights))
    assert page.part == "sheet"
    assert page.sheet.values.shape == (4, 6, 5, 6)
    np.testing.assert_allclose(page.sheet.values[3, 4], weights[3, 1, 1] / np.abs(weights).max(), rtol=1e-6)
    assert page.sheet.facts[0].startswith("4 filters x 2 channels of 3x5x6 weights, ")
    rows = "rows are filters, columns are the 3 slices of each, one behind the other, for each input channel"
    assert any(fact.startswith(rows) for fact in page.sheet.facts)
    assert not any("columns are input channels" in fact for fact in page.sheet.facts)
    strengths = drawn(layer_of(weights), view="rms").sheet
    assert strengths.values.shape == (4, 1, 5, 6)
    assert any(note.startswith(rows) for note in strengths.notes)


@pytest.mark.parametrize("shape", [(4, 1, 3, 3), (4, 1, 3, 3, 3)])
def test_other_filters_are_no_curves(shape) -> None:
    layer = layer_of(np.ones(shape, "f4"))
    with pytest.raises(
        DrawingError, match=r"sound has filters of 3x3(x3)?, which are no curves over one axis"
    ):
        draw(layer, [0], DrawingOptions(view="curves"))


def test_two_axes_are_drawn_as_before() -> None:
    layer = layer_of(np.ones((4, 1, 3, 3), "f4"))
    assert [view_for(layer, 1, view) for view in ("grid", "sheet", "rms")] == ["grid", "sheet", "rms"]


def test_curves_are_paid_for() -> None:
    layer = layer_of(curves(200, 4, 1000))
    account = Account({"work": 1_000_000, "pixels": 10**9})
    with pytest.raises(BudgetError, match="--max-work"):
        pay_for_view(layer, range(4), DrawingOptions(), "png", account)
    generous = Account.unlimited()
    pay_for_view(layer, range(4), DrawingOptions(), "png", generous)
    assert generous.allowed["work"] - generous.left["work"] > 200 * 4 * 1000 * LEVELS


@pytest.fixture
def sounds(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    shapes = {"a": (8, 1, 32), "b": (8, 8, 3), "c": (8, 2, 3, 3, 3), "d": (8, 8, 3, 3)}
    tensors = {f"{name}.weight": rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}
    header, data = {}, b""
    for name, array in tensors.items():
        ends = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": ends}
        data += array.tobytes()
    text = json.dumps(header).encode()
    Path("net.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    return "net.safetensors"


@pytest.mark.slow
def test_plot_has_no_dead_ends(sounds) -> None:
    result = CliRunner().invoke(main, ["plot", sounds, *["-l", "0", "-l", "1", "-l", "2", "-l", "3"]])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split()[:3] == ["net-a-curves.png", "net-b-sheet.png", "net-c-sheet.png"]
    assert "noise: " in result.stderr
    assert "Traceback" not in result.stderr
    result = CliRunner().invoke(main, ["plot", sounds, "-l", "3", "--view", "curves"])
    assert result.exit_code == 1
    assert result.stderr == (
        "filtviz: d has filters of 3x3, which are no curves over one axis: leave out --view curves\n"
    )
    for suffix in ("pdf", "svg"):
        result = CliRunner().invoke(main, ["plot", sounds, "-o", f"a.{suffix}"])
        assert result.exit_code == 0, result.stderr


def test_curves_have_the_colours_and_headings_that_are_asked_for() -> None:
    layer = conv(np.random.default_rng(0).normal(size=(3, 2, 5)), axes="oic")
    for options, cmap, headings in (
        ({}, DIVERGING, ("0", "1")),
        ({"cmap": "viridis"}, "viridis", ("0", "1")),
        ({"labels": False}, DIVERGING, ()),
    ):
        drawing = DrawingOptions(view="curves", sheet=SheetOptions(**options))
        (page,) = draw(layer, [0, 1], drawing)
        assert (page.sheet.cmap, page.sheet.headings) == (cmap, headings)


def test_a_curve_rises_where_its_weights_are_positive() -> None:
    layer = conv(np.array([[[1.0, -1.0, 0.5]]]), axes="oic")
    (page,) = draw(layer, [0], DrawingOptions(view="curves"))
    tile = page.sheet.values[0, 0]
    width = tile.shape[1] // 3
    upper, lower = tile[: LEVELS // 2], tile[LEVELS // 2 + 1 :]
    assert (upper[:, 0] > 0).all()
    assert (lower[:, 0] == 0).all()
    assert (lower[:, width] < 0).all()
    assert (upper[:, width] == 0).all()
    assert 0 < (upper[:, 2 * width] > 0).sum() < len(upper)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("axes", "shape", "channels", "view", "said"),
    [
        ("oidrc", (2, 1, 4, 3, 3), [0], "sheet", "rows are filters, columns are the 4 slices of each"),
        (
            "oidrc", (2, 3, 4, 3, 3), [0, 2], "sheet",
            "rows are filters, columns are the 4 slices of each, one behind the other, for each input "
            "channel in turn",
        ),
        (
            "oic", (2, 9, 5), [0, 4], "sheet",
            "a tile is a filter, with its index at its left; a row of a tile is an input channel, a column "
            "is a place along the axis",
        ),
    ],
)  # fmt: skip
def test_what_rows_and_columns_are_is_said_of_filters_over_other_axes(
    axes, shape, channels, view, said
) -> None:
    layer = conv(np.random.default_rng(0).normal(size=shape), axes=axes)
    (page,) = draw(layer, channels, DrawingOptions(view=view))
    assert said in page.sheet.facts
    (page,) = draw(layer, channels, DrawingOptions(view="rms"))
    assert said in page.sheet.notes
    assert said not in page.sheet.facts


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("axes", "n_channels", "view", "drawn"),
    [
        ("oic", 1, "grid", "curves"), ("oic", 4, "grid", "curves"), ("oic", 5, "grid", "sheet"),
        ("oic", 9, "curves", "curves"), ("oic", 1, "rms", "rms"), ("oidrc", 1, "grid", "sheet"),
        ("oidrc", 1, "rms", "rms"), ("oirc", 1, "grid", "grid"), ("oirc", 9, "sheet", "sheet"),
    ],
)  # fmt: skip
def test_a_view_is_the_one_that_is_asked_for_unless_it_has_no_place_for_the_filters(
    axes, n_channels, view, drawn
) -> None:
    layer = conv(np.ones((2, n_channels, *[3] * (len(axes) - 2))), axes=axes)
    assert view_for(layer, n_channels, view) == drawn


def test_only_the_channels_that_are_asked_for_are_drawn_as_curves() -> None:
    weights = np.random.default_rng(0).normal(size=(2, 3, 5))
    (page,) = draw(conv(weights, axes="oic"), [2], DrawingOptions(view="curves"))
    (alone,) = draw(conv(weights[:, 2:], axes="oic"), [0], DrawingOptions(view="curves"))
    assert np.array_equal(page.sheet.values, alone.sheet.values)
