"""Layouts: everything is placed once, nothing overlaps, nothing is left out, and all can be read."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtviz.drawing.layout import DPI, GOOD_TILE, LARGEST, LEAST_TILE, MARGIN, TileSpec, plan_pages
from filtviz.drawing.options import SheetOptions

specs = st.builds(
    TileSpec,
    n_strips=st.integers(1, 150),
    n_columns=st.integers(1, 150),
    rows=st.integers(1, 12),
    cols=st.integers(1, 12),
    group=st.integers(1, 3),
    label_width=st.integers(0, 12),
    heading_width=st.integers(0, 4),
    caption_width=st.integers(0, 6),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(specs)
def test_every_tile_is_placed_once_and_none_overlaps(spec: TileSpec) -> None:
    pages = plan_pages(spec)
    seen = set()
    for page in pages:
        height, width = page.size
        taken = set()
        for strip, column, box in page.tiles():
            seen.add((strip, column))
            assert box.left >= 0
            assert box.top >= 0
            assert box.left + box.width <= width
            assert box.top + box.height <= height
            assert (box.top, box.left) not in taken
            taken.add((box.top, box.left))
        assert len(taken) == len(page.strips) * len(page.columns)
    assert len(seen) == spec.n_strips * spec.n_columns
    assert sum(len(p.strips) * len(p.columns) for p in pages) == len(seen)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(specs)
def test_rows_of_tiles_leave_room_for_captions(spec: TileSpec) -> None:
    page = plan_pages(spec)[0]
    plan = page.plan
    tops = sorted({box.top for _, _, box in page.tiles()})
    for above, below in itertools.pairwise(tops):
        assert below - above >= plan.tile[0] + plan.caption + plan.gap
    lefts = sorted({box.left for _, _, box in page.tiles()})
    for left, right in itertools.pairwise(lefts):
        assert right - left >= plan.tile[1] + plan.gap


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "n_pages"),
    [
        ((1, 20, 3, 3), 1),
        ((20, 1, 3, 3), 1),
        ((20, 20, 3, 3), 1),
        ((64, 3, 11, 11), 1),
        ((40, 40, 3, 3), 1),
        ((512, 512, 3, 3), 36),
    ],
)
def test_layers_are_readable_from_small_to_large(shape: tuple[int, int, int, int], n_pages: int) -> None:
    n, channels, rows, cols = shape
    pages = plan_pages(
        TileSpec(n_strips=n, n_columns=channels, rows=rows, cols=cols, label_width=3, heading_width=3)
    )
    assert len(pages) == n_pages
    assert min(pages[0].plan.tile) >= LEAST_TILE
    assert pages[0].plan.zoom >= 3
    if n * channels <= 400:
        assert min(pages[0].plan.tile) >= GOOD_TILE
    assert pages[0].size[1] <= LARGEST[1] + 100


def test_filters_with_few_channels_are_set_side_by_side_in_reading_order() -> None:
    (page,) = plan_pages(TileSpec(n_strips=20, n_columns=1, rows=3, cols=3, label_width=2))
    assert page.plan.blocks == 5
    tops_and_lefts = [(box.top, box.left) for _, _, box in page.tiles()]
    assert tops_and_lefts == sorted(tops_and_lefts)
    height, width = page.size
    assert 1.0 < width / height < 2.2


def test_what_belongs_together_stays_together() -> None:
    spec = TileSpec(n_strips=120, n_columns=40, rows=3, cols=3, group=3, label_width=20)
    pages = plan_pages(spec)
    assert len(pages) > 1
    assert all(page.strips.start % 3 == 0 for page in pages)
    tops = [page_box.top for strip, column, page_box in pages[0].tiles() if column == 0]
    steps = [below - above for above, below in itertools.pairwise(tops)]
    assert steps[0] == steps[1] < steps[2]


def test_long_headings_stand_upright() -> None:
    spec = TileSpec(n_strips=40, n_columns=40, rows=3, cols=3, heading_width=9)
    page = plan_pages(spec)[0]
    assert page.plan.upright
    assert page.plan.heading >= 9 * 5


def test_given_room_is_kept() -> None:
    spec = TileSpec(n_strips=20, n_columns=20, rows=3, cols=3, label_width=2, heading_width=2)
    for room in [(300, 300), (900, 700), (2000, 2000)]:
        height, width = ((length + 2 * MARGIN) / DPI for length in room)
        for page in plan_pages(spec, SheetOptions(figsize=(width, height + 0.5)), taken=50):
            assert page.size[0] <= room[0]
            assert page.size[1] <= room[1]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "zoom", "gap"),
    [
        ((300, 300, 3, 3), 4, 2),  # the least tile
        ((100, 100, 8, 8), 3, 2),  # the least zoom
        ((300, 300, 15, 15), 3, 4),
        ((100, 100, 16, 16), 1, 2),  # kernels that are pictures need none
        ((30, 30, 8, 8), 4, 4),  # tiles of 32 pixels
        ((2, 1, 8, 8), 9, 4),  # the largest tile
        ((20, 10, 3, 3), 15, 4),
    ],
)
def test_weights_are_as_large_as_there_is_room_for(
    shape: tuple[int, int, int, int], zoom: int, gap: int
) -> None:
    n, channels, rows, cols = shape
    plan = plan_pages(TileSpec(n_strips=n, n_columns=channels, rows=rows, cols=cols))[0].plan
    assert (plan.zoom, plan.gap) == (zoom, gap)


@pytest.mark.parametrize(("width", "upright", "height"), [(6, False, 15), (7, True, 42)])
def test_a_heading_lies_as_long_as_a_gap_to_the_next_is_left(width: int, upright: bool, height: int) -> None:
    spec = TileSpec(n_strips=30, n_columns=30, rows=3, cols=3, heading_width=width)
    plan = plan_pages(spec)[0].plan
    assert plan.tile[1] + plan.gap == 40
    assert (plan.upright, plan.heading) == (upright, height)


@pytest.mark.parametrize(("n_columns", "blocks"), [(2, 3), (10, 3), (40, 1)])
def test_a_group_is_side_by_side_or_apart_below_each_other(n_columns: int, blocks: int) -> None:
    spec = TileSpec(n_strips=30, n_columns=n_columns, rows=3, cols=3, group=3, label_width=3)
    (page,) = plan_pages(spec)
    assert page.plan.blocks % 3 == 0 or page.plan.blocks == 1
    assert (page.plan.blocks == 1) is (blocks == 1)
    tops = [page.strip_corner(place)[0] for place in range(0, 30, page.plan.blocks)]
    steps = {below - above for above, below in itertools.pairwise(tops)}
    assert len(steps) == (2 if blocks == 1 else 1), "only groups below each other are set apart"


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (4, 1), (3, 2)])
@pytest.mark.parametrize("height", [60, 100, 400])
def test_one_line_of_tiles_is_no_higher_than_the_page_that_was_chosen(
    n: int, columns: int, height: int
) -> None:
    spec = TileSpec(n_strips=n, n_columns=columns, rows=3, cols=2, label_width=1)
    options = SheetOptions(figsize=(7.3, (height + 50 + 2 * MARGIN) / DPI))
    (page,) = plan_pages(spec, options, taken=50)
    width = 7.3 * DPI - 2 * MARGIN
    assert page.size[0] <= height
    assert page.size[1] <= width
    assert height * 0.7 < page.size[0] or width * 0.7 < page.size[1], "it is full one way or the other"
