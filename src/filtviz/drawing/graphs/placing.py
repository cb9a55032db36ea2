"""Where boxes stand: ranks from the image down, few crossings, columns where a network is long.

The steps are Sugiyama's (Sugiyama, Tagawa & Toda 1981): ranks by the longest way, long links through places
of their own, order by the mean of neighbours, and places by least squares that keep the order. A long network
goes on in another column where all that flows comes from one box.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from filtviz.drawing.graphs.boxes import Box, Graph
from filtviz.errors import DrawingError

__all__ = ["BOX_WIDTH", "Placed", "Placing", "place"]

BOX_WIDTH, GAP, ROW_GAP = 2.35, 0.3, 0.36
LANE = 0.22
HEAD, LINE = 0.3, 0.145
GUTTER = 0.55
"""Inches: a box, room between two and between rows, a link that passes, lines, room between columns."""

MOST_BOXES = 500
MOST_PLACES = 10_000
"""Boxes of a picture that somebody can look at, and places that their links pass."""

LONGEST_COLUMN = 16
"""Rows up to which a network stands in one column."""

SWEEPS = 8
PASSING = 0.02
"""What a link that passes weighs against a box, which is to stand in line with those above and below."""


@dataclass(frozen=True)
class Placed:
    """The middle and the height of a box, in inches from the left and from the top."""

    x: float
    y: float
    height: float


@dataclass(kw_only=True)
class Placing:
    """Where everything stands: boxes by their number, links as points, the size of all; in inches.

    ``curves`` are points of links, between which they bend. ``turns`` are what leads from column to column.
    """

    boxes: dict[int, Placed] = field(default_factory=dict)
    curves: list[list[tuple[float, float]]] = field(default_factory=list)
    turns: list[list[tuple[float, float]]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def place(graph: Graph) -> Placing:
    """Return where the boxes of a graph stand.

    Args:
        graph: The boxes and links.

    Raises:
        DrawingError: there are too many for a picture.
    """
    n = len(graph.boxes)
    if n > MOST_BOXES:
        raise DrawingError(
            f"{graph.name} has {n:,} boxes, too many for a picture (up to {MOST_BOXES}): write .dot or .mmd, "
            "or look at it with --terminal"
        )
    ranks = _ranks(n, graph.links)
    spans = sum(ranks[b] - ranks[a] for a, b in graph.links)
    if spans > MOST_PLACES:
        raise DrawingError(f"{graph.name} has links too long for a picture: write .dot or .mmd")
    found = Placing()
    source: int | None = None
    left = 0.0
    for first, last in _columns(graph, ranks):
        column = _Column(graph=graph, ranks=ranks, first=first, last=last, source=source)
        width = column.place(found, left)
        left += width + GUTTER
        source = _crossing(graph, ranks, last)
    found.width = left - GUTTER
    return found


def _ranks(n: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """Return the rank of each box: below all that feed it; what nothing feeds stands near what it feeds."""
    ranks, feeding, fed = [0] * n, [False] * n, [False] * n
    for a, b in sorted(links, key=lambda link: link[1]):
        ranks[b] = max(ranks[b], ranks[a] + 1)
        feeding[a] = fed[b] = True
    nearest = [math.inf] * n
    for a, b in links:
        nearest[a] = min(nearest[a], ranks[b])
    return [
        rank if fed[i] or not feeding[i] else max(rank, int(nearest[i]) - 1) for i, rank in enumerate(ranks)
    ]


def _crossing(graph: Graph, ranks: Sequence[int], last: int) -> int | None:
    """Return the one box above the end of a column from which something flows on."""
    return next((a for a, b in graph.links if ranks[a] <= last < ranks[b]), None)


def _columns(graph: Graph, ranks: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last rank of each column."""
    n_ranks = max(ranks, default=0) + 1
    if n_ranks <= LONGEST_COLUMN:
        return [(0, n_ranks - 1)]
    counts = np.zeros(n_ranks + 1, int)  # of boxes from which something flows over each end of a rank
    furthest: dict[int, int] = {}
    for a, b in graph.links:
        furthest[a] = max(furthest.get(a, 0), ranks[b])
    for a, end in furthest.items():
        counts[ranks[a]] += 1
        counts[end] -= 1
    ends = [rank for rank, count in enumerate(np.cumsum(counts)[: n_ranks - 1].tolist()) if count == 1]
    widest = max(np.bincount(ranks).tolist())
    n_columns = max(1, round(math.sqrt(1.4 * n_ranks * 0.95 / (widest * (BOX_WIDTH + GAP) + GUTTER))))
    columns: list[tuple[int, int]] = []
    first = 0
    for column in range(1, n_columns):
        ideal = column * n_ranks / n_columns - 1
        near = [end for end in ends if first + 2 < end < n_ranks - 3]
        if near:
            last = min(near, key=lambda end: abs(end - ideal))
            columns.append((first, last))
            first = last + 1
    return [*columns, (first, n_ranks - 1)]


def _height(box: Box) -> float:
    return HEAD + LINE * len(box.lines)


@dataclass(kw_only=True, eq=False)
class _Column:
    """The boxes of some ranks, and the places of long links; ``source`` stands in the column before."""

    graph: Graph
    ranks: Sequence[int]
    first: int
    last: int
    source: int | None
    rows: list[list[int]] = field(default_factory=list)
    up: dict[int, list[int]] = field(default_factory=dict)
    down: dict[int, list[int]] = field(default_factory=dict)
    paths: list[list[int]] = field(default_factory=list)
    ends: dict[int, tuple[int, int]] = field(default_factory=dict)

    def place(self, found: Placing, left: float) -> float:
        """Put the column into a placing, and return how wide it is."""
        self._fill()
        self._order()
        places = self._across()
        tops, heights = self._rows_down()
        lowest, highest = self._extent(places)
        shift = left - lowest
        entry = self.source is not None
        for row, nodes in enumerate(self.rows):
            for node in nodes:
                if 0 <= node < len(self.graph.boxes) and not (entry and row == 0):
                    box = self.graph.boxes[node]
                    height = _height(box)
                    found.boxes[node] = Placed(places[node] + shift, tops[row] + heights[row] / 2, height)
        for path in self.paths:
            found.curves.append(self._points(path, places, shift, tops, heights, found))
        if entry:
            self._turn(found, places, shift, left)
        found.height = max(found.height, tops[-1] + heights[-1])
        return highest - lowest

    def _fill(self) -> None:
        """Fill the rows: boxes, and a place in each row that a link passes."""
        inside = [i for i, rank in enumerate(self.ranks) if self.first <= rank <= self.last]
        offset = self.first - (self.source is not None)
        self.rows = [[] for _ in range(self.last - offset + 1)]
        if self.source is not None:
            self.rows[0].append(self.source)
        for i in inside:
            self.rows[self.ranks[i] - offset].append(i)
        members = {*inside, *([] if self.source is None else [self.source])}
        extra = len(self.graph.boxes)
        for a, b in self.graph.links:
            if a not in members or b not in members:
                continue
            start = 0 if a == self.source else self.ranks[a] - offset
            path = [a]
            for row in range(start + 1, self.ranks[b] - offset):
                self.rows[row].append(extra)
                self.ends[extra] = a, b
                path.append(extra)
                extra += 1
            path.append(b)
            self.paths.append(path)
            for above, below in pairwise(path):
                self.down.setdefault(above, []).append(below)
                self.up.setdefault(below, []).append(above)

    def _order(self) -> None:
        """Order each row by the mean place of what feeds it, and of what it feeds, in turns."""
        for sweep in range(SWEEPS):
            neighbours = self.up if sweep % 2 == 0 else self.down
            rows = self.rows if sweep % 2 == 0 else self.rows[::-1]
            for above, row in pairwise(rows):
                place = {node: i for i, node in enumerate(above)}
                means = {
                    node: _mean([place[one] for one in neighbours[node]]) if node in neighbours else i
                    for i, node in enumerate(row)
                }
                row.sort(key=lambda node: means[node])

    def _width(self, node: int) -> float:
        return BOX_WIDTH if node < len(self.graph.boxes) and node != self.source else LANE

    def _across(self) -> dict[int, float]:
        """Return the place of each node from left to right: near its neighbours, none over another."""
        places: dict[int, float] = {}
        offsets = [self._offsets(row) for row in self.rows]
        for row, away in zip(self.rows, offsets, strict=True):
            places.update({node: x - away[-1] / 2 for node, x in zip(row, away, strict=True)})
        for sweep in range(3 * SWEEPS):
            order = range(len(self.rows)) if sweep % 2 == 0 else range(len(self.rows))[::-1]
            neighbours = self.up if sweep % 2 == 0 else self.down
            for r in order:
                row, away = self.rows[r], offsets[r]
                wanted = [self._wanted(node, neighbours.get(node, ()), places, sweep % 2) for node in row]
                weights = [1.0 if self._width(node) == BOX_WIDTH else PASSING for node in row]
                settled = _in_order([x - a for x, a in zip(wanted, away, strict=True)], weights)
                places.update({node: y + a for node, y, a in zip(row, settled, away, strict=True)})
        return places

    def _wanted(self, node: int, near: Sequence[int], places: dict[int, float], end: int) -> float:
        """Return where a node would stand best: in line with a box alone, else amid all that it is linked to.

        Of a link that passes counts where it comes from, or leads to.
        """
        if not near:
            return places[node]
        is_box = [self._width(one) == BOX_WIDTH for one in near]
        if sum(is_box) == 1:
            weights = [1.0 if box else PASSING for box in is_box]
            return sum(places[one] * w for one, w in zip(near, weights, strict=True)) / sum(weights)
        if node in self.ends:
            return places[near[0]]
        return _mean([places[self.ends[one][end] if one in self.ends else one] for one in near])

    def _offsets(self, row: Sequence[int]) -> list[float]:
        """Return how far each node of a row stands at least from the first."""
        away = [0.0]
        for one, other in pairwise(row):
            away.append(away[-1] + (self._width(one) + self._width(other)) / 2 + GAP / 2)
        return away

    def _rows_down(self) -> tuple[list[float], list[float]]:
        """Return where each row begins and how high it is."""
        heights = [
            max((_height(self.graph.boxes[i]) for i in row if i < len(self.graph.boxes)), default=HEAD)
            for row in self.rows
        ]
        if self.source is not None:
            heights[0] = 0.0
        tops = [0.0]
        for height in heights[:-1]:
            tops.append(tops[-1] + height + ROW_GAP)
        return tops, heights

    def _extent(self, places: dict[int, float]) -> tuple[float, float]:
        lows = [x - self._width(node) / 2 for node, x in places.items()]
        highs = [x + self._width(node) / 2 for node, x in places.items()]
        return min(lows), max(highs)

    def _points(
        self,
        path: Sequence[int],
        places: dict[int, float],
        shift: float,
        tops: Sequence[float],
        heights: Sequence[float],
        found: Placing,
    ) -> list[tuple[float, float]]:
        """Return the points of a link, above and below each row that it passes."""
        offset = self.first - (self.source is not None)
        row = 0 if path[0] == self.source else self.ranks[path[0]] - offset
        points = []
        for place, node in enumerate(path):
            x = places[node] + shift
            middle, half = tops[row + place] + heights[row + place] / 2, heights[row + place] / 2
            if node in found.boxes and node != self.source:
                half = found.boxes[node].height / 2
            if place:
                points.append((x, middle - half))
            if place < len(path) - 1:
                points.append((x, middle + half))
        return points

    def _turn(self, found: Placing, places: dict[int, float], shift: float, left: float) -> None:
        """Lead what flows on from the column before to the top of this one."""
        assert self.source is not None
        start, x = found.boxes[self.source], places[self.source] + shift
        gutter = left - GUTTER / 2
        below = start.y + start.height / 2 + ROW_GAP / 2
        found.turns.append(
            [
                (start.x, start.y + start.height / 2),
                (start.x, below),
                (gutter, below),
                (gutter, -ROW_GAP / 2),
                (x, -ROW_GAP / 2),
                (x, 0.0),
            ]
        )


def _mean(values: Sequence[float]) -> float:
    """Return the mean of a few numbers: an array of each would take longer than all else."""
    return sum(values) / len(values)


def _in_order(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the nearest numbers, by least squares, of which none is below the one before."""
    blocks: list[list[float]] = []  # mean, weight, how many
    for value, weight in zip(wanted, weights, strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, more, n = blocks.pop()
            below = blocks[-1]
            total = below[1] + more
            blocks[-1] = [(below[0] * below[1] + mean * more) / total, total, below[2] + n]
    return [mean for mean, _, n in blocks for _ in range(int(n))]
