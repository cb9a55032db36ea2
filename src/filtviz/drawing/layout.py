"""Where everything on a sheet goes, in pixels at 100 dpi: pure arithmetic, settled before anything is drawn.

A sheet is a table of tiles: a *strip* for each filter, a column for each picture of it (a channel, a
component, a checkpoint). Strips with few columns are set side by side in blocks, in reading order: filter 0,
filter 1, … from left to right, then the next row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filtviz.drawing.options import SheetOptions

__all__ = ["CHARACTER", "DPI", "MARGIN", "Page", "Plan", "Rectangle", "TileSpec", "plan_pages"]

DPI = 100
MARGIN = 12
"""Pixels around a page."""

COMFORTABLE = (800, 1000)
"""``(height, width)`` of the tiles that a screen shows without scrolling; larger only for tiles' sake, …"""

LARGEST = (1300, 1400)
"""… and never larger than this: what does not fit takes more pages."""

LARGEST_TILE, GOOD_TILE, LEAST_TILE = 72, 36, 12
LEAST_ZOOM = 3
"""Pixels of a weight's side below which a 3x3 kernel cannot be read."""

CHARACTER, LINE = 5.4, 11
"""Width of a character and height of a line in the labels' font, in pixels."""

BLOCK_GAP, GROUP_GAP = 14, 8
LIKED_ASPECT = 1.5


@dataclass(frozen=True, kw_only=True)
class TileSpec:
    """What the tiles of a sheet need.

    ``n_strips`` and ``n_columns`` count tiles; ``rows`` and ``cols`` are a kernel's weights. The widths count
    characters: of the longest strip label, heading and caption; 0 where there is none. ``group`` strips
    that follow each other belong together: on one page, and in one line or all below each other.
    """

    n_strips: int
    n_columns: int
    rows: int
    cols: int
    group: int = 1
    label_width: int = 0
    heading_width: int = 0
    caption_width: int = 0


@dataclass(frozen=True)
class Rectangle:
    """A rectangle on the page, from its upper left corner, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large everything is: the same on all pages of a sheet.

    ``zoom`` is the side of a weight, ``gap`` the space between tiles, ``blocks`` the number of strips side by
    side; ``label`` is the width left of a strip, ``heading`` the height above a block's columns, ``caption``
    the height below a tile. ``upright`` headings stand on their ends. ``strips`` and ``columns`` are the most
    that a page holds. ``group`` strips below each other stand together.
    """

    zoom: int
    gap: int
    blocks: int
    label: int
    heading: int
    caption: int
    upright: bool
    strips: int
    columns: int
    tile: tuple[int, int]
    group: int

    @property
    def pitch(self) -> tuple[int, int]:
        """The distance ``(down, across)`` from a tile to the next."""
        return self.tile[0] + self.caption + self.gap, self.tile[1] + self.gap

    def gaps_above(self, line: int) -> int:
        """Return what the gaps between groups add above a line of strips."""
        return line // self.group * GROUP_GAP if self.group > 1 and self.blocks == 1 else 0


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: which strips and columns of the sheet are on it, and where their tiles are."""

    plan: Plan
    strips: range
    columns: range

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)`` of labels and tiles together."""
        plan = self.plan
        lines = -(-len(self.strips) // plan.blocks)
        blocks = min(plan.blocks, len(self.strips))
        block = plan.label + len(self.columns) * plan.pitch[1]
        height = plan.heading + lines * plan.pitch[0] + plan.gaps_above(lines - 1)
        return height, blocks * block + (blocks - 1) * BLOCK_GAP

    def strip_corner(self, place: int) -> tuple[int, int]:
        """Return ``(top, left)`` of the first tile of the page's ``place``-th strip."""
        line, block = divmod(place, self.plan.blocks)
        across = self.plan.label + len(self.columns) * self.plan.pitch[1] + BLOCK_GAP
        top = self.plan.heading + line * self.plan.pitch[0] + self.plan.gaps_above(line)
        return top, block * across + self.plan.label

    def tiles(self) -> Iterator[tuple[int, int, Rectangle]]:
        """Yield each tile's strip and column, counted on the whole sheet, and its box."""
        height, width = self.plan.tile
        for place, strip in enumerate(self.strips):
            top, left = self.strip_corner(place)
            for i, column in enumerate(self.columns):
                yield strip, column, Rectangle(left + i * self.plan.pitch[1], top, width, height)


def plan_pages(spec: TileSpec, options: SheetOptions | None = None, taken: int = 0) -> list[Page]:
    """Choose the largest tiles with which all fits on one page; with the least ones, take more pages.

    Args:
        spec: What there is to place.
        options: What was chosen; without a ``figsize`` a page takes what a screen shows.
        taken: Pixels of a page's height that are not for tiles.
    """
    room = None if options is None or options.figsize is None else _room(options.figsize, taken)
    least, side = least_zoom(spec), max(spec.rows, spec.cols)
    good = max(least, GOOD_TILE // side)
    if room is not None:
        attempts = [(max(least, max(room) // side), least, room)]
    else:
        attempts = [(max(good, LARGEST_TILE // side), good, COMFORTABLE), (good, least, LARGEST)]
    for largest, smallest, limits in attempts:
        if page := _one_page(spec, largest, smallest, limits):
            return [page]
    limits = room or LARGEST
    return _split(spec, _plan(spec, least, max(_possible_blocks(spec, least, limits), default=1), limits))


def _room(figsize: tuple[float, float], taken: int) -> tuple[int, int]:
    """Return the ``(height, width)`` in pixels that a page of so many inches leaves for the tiles."""
    width, height = (int(length * DPI) - 2 * MARGIN for length in figsize)
    return max(height - taken, 1), max(width, 1)


def _one_page(spec: TileSpec, largest: int, smallest: int, limits: tuple[int, int]) -> Page | None:
    """Return a page that holds all, with the largest zoom that it can, or None where none can."""
    for zoom in range(largest, smallest - 1, -1):
        found = [_plan(spec, zoom, blocks, limits) for blocks in _possible_blocks(spec, zoom, limits)]
        whole = [plan for plan in found if _holds_all(plan, spec, limits[0])]
        if whole:
            return _only_page(min(whole, key=lambda plan: _aspect_error(plan, spec)), spec)
    return None


def least_zoom(spec: TileSpec) -> int:
    """Return the least side of a weight with which tile, label and caption can be read."""
    needed = max(LEAST_TILE, math.ceil(spec.caption_width * CHARACTER))
    across = math.ceil(needed / spec.cols)
    down = math.ceil(LINE / spec.rows) if spec.label_width else 1
    return max(LEAST_ZOOM if max(spec.rows, spec.cols) < 16 else 1, min(across, needed), down)


def _plan(spec: TileSpec, zoom: int, blocks: int, limits: tuple[int, int]) -> Plan:
    tile = (spec.rows * zoom, spec.cols * zoom)
    gap = 2 if max(tile) < 32 else 4
    heading_length = math.ceil(spec.heading_width * CHARACTER)
    upright = heading_length + CHARACTER > tile[1] + gap
    label = math.ceil(spec.label_width * CHARACTER) + 5 if spec.label_width else 0
    heading = (heading_length if upright else LINE) + 4 if spec.heading_width else 0
    caption = LINE if spec.caption_width else 0
    group_height = spec.group * (tile[0] + caption + gap) + (GROUP_GAP if spec.group > 1 else 0)
    lines = max(1, (limits[0] - heading) // group_height) * spec.group
    return Plan(
        zoom=zoom,
        gap=gap,
        blocks=blocks,
        label=label,
        heading=heading,
        caption=caption,
        upright=upright,
        strips=lines * blocks,
        group=spec.group,
        columns=max(1, (limits[1] - label) // (tile[1] + gap)),
        tile=tile,
    )


def _possible_blocks(spec: TileSpec, zoom: int, limits: tuple[int, int]) -> list[int]:
    """Return how many strips can be set side by side; nothing where not even one fits."""
    plan = _plan(spec, zoom, 1, limits)
    block = plan.label + spec.n_columns * plan.pitch[1]
    most = min(spec.n_strips, (limits[1] + BLOCK_GAP) // (block + BLOCK_GAP))
    return [blocks for blocks in range(1, most + 1) if blocks == 1 or blocks % spec.group == 0]


def _holds_all(plan: Plan, spec: TileSpec, height: int) -> bool:
    is_whole = plan.strips >= spec.n_strips and plan.columns >= spec.n_columns
    return is_whole and _only_page(plan, spec).size[0] <= height  # a line of strips may be too high alone


def _only_page(plan: Plan, spec: TileSpec) -> Page:
    return Page(plan=plan, strips=range(spec.n_strips), columns=range(spec.n_columns))


def _aspect_error(plan: Plan, spec: TileSpec) -> float:
    height, width = _only_page(plan, spec).size
    return abs(math.log(width / height / LIKED_ASPECT))


def _split(spec: TileSpec, plan: Plan) -> list[Page]:
    """Return pages that all hold about as much, in reading order."""
    return [
        Page(plan=plan, strips=strips, columns=columns)
        for strips in _even_ranges(spec.n_strips, plan.strips, spec.group)
        for columns in _even_ranges(spec.n_columns, plan.columns)
    ]


def _even_ranges(n: int, most: int, group: int = 1) -> list[range]:
    """Cut ``range(n)`` into parts of about one length, none longer than ``most``, between whole groups."""
    n_groups, most_groups = -(-n // group), max(1, most // group)
    parts = -(-n_groups // most_groups)
    edges = [min(n, n_groups * i // parts * group) for i in range(parts + 1)]
    return [range(start, end) for start, end in pairwise(edges)]
