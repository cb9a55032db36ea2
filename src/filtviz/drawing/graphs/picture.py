"""Boxes and links as a picture: colours by kind, shapes where something flows on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from filtviz.drawing.figures import PLAIN_TEXT, blank_figure, render
from filtviz.drawing.glyphs import FONT
from filtviz.drawing.graphs.boxes import KINDS, Box, Graph, Kind
from filtviz.drawing.graphs.placing import BOX_WIDTH, Placed, Placing, place
from filtviz.drawing.showing import shipped_settings
from filtviz.errors import DrawingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["COLOURS", "GraphPicture"]

COLOURS: Mapping[Kind, tuple[str, str]] = {
    "input": ("#e9e9e9", "#777777"),
    "convolution": ("#cfe3f7", "#2f6fab"),
    "dense": ("#e3d7f2", "#7048a8"),
    "recurrent": ("#cfeeea", "#1f8a7d"),
    "pooling": ("#d7efcf", "#4b8b34"),
    "join": ("#fde2c0", "#c9771a"),
    "normalisation": ("#f6f0d2", "#a08c1e"),
    "activation": ("#fbdfe2", "#b8465a"),
    "shape": ("#f2ece6", "#94826f"),
    "unknown": ("#ffffff", "#c1272d"),
}
"""Kind → the colours of a box and of its edge: light enough to print, told apart without red and green."""

INK, GREY, LINKS = "#222222", "#6a6a6a", "#555555"
MARGIN = 0.25
DPI = 100
LONGEST_SIDE, LARGEST = 300.0, 8_000.0
"""Inches, and square inches, up to which a picture is made of pixels."""

_TITLE, _SMALL, _HEADING = 7.6, 6.6, 12.0
_LETTER, _BOLD = 0.0078, 0.0099
"""Inches that a letter takes, for each point of its size; of a capital more, of most others less."""


@dataclass(frozen=True, eq=False)
class GraphPicture:
    """A graph that is a figure of its own, a `filtviz.drawing.views.Picture`."""

    graph: Graph
    part: str = "graph"
    channel: int | None = None

    @cached_property
    def placing(self) -> Placing:
        """Where the boxes stand."""
        return place(self.graph)

    def figure(self) -> Figure:
        """Return the figure."""
        return _draw(self.graph, self.placing)

    def image(self) -> Image:
        """Return the figure's pixels.

        Raises:
            DrawingError: there would be too many in a row.
        """
        width, height = self.placing.width, self.placing.height
        if max(width, height) > LONGEST_SIDE or width * height > LARGEST:
            raise DrawingError(
                f"{self.graph.name} would be {width * DPI:,.0f} x {height * DPI:,.0f} pixels: write .svg, "
                ".pdf, .dot or .mmd, or look at it with --terminal"
            )
        with shipped_settings():
            return render(self.figure())


def _draw(graph: Graph, placing: Placing) -> Figure:
    kinds = [kind for kind in KINDS if any(box.kind == kind for box in graph.boxes)]
    notes = [] if graph.is_told else ["what feeds what is concluded: the file does not tell it (dashed)"]
    least = max(
        _legend_width(kinds),
        len(graph.name) * 0.115,
        len(graph.summary) * 0.062,
        *(len(one) * 0.062 for one in notes),
        3.2,
    )
    head = 0.9 + 0.17 * len(notes) + (0.25 if placing.turns else 0.0)
    width, height = max(placing.width, least) + 2 * MARGIN, placing.height + head + 2 * MARGIN + 0.2
    figure = blank_figure((width, height), DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    _head(axes, graph, kinds, notes)
    left = MARGIN + max(0.0, (width - 2 * MARGIN - placing.width) / 2 if not placing.turns else 0.0)
    top = MARGIN + head
    for curve in placing.curves:
        _link(axes, [(x + left, y + top) for x, y in curve], is_told=graph.is_told)
    for turn in placing.turns:
        _turn(axes, [(x + left, y + top) for x, y in turn])
    flowing = {a for a, _ in graph.links}
    for number, placed in placing.boxes.items():
        _box(axes, graph.boxes[number], placed, left, top, flows=number in flowing)
    return figure


def _text(axes: Axes, x: float, y: float, text: str, size: float, **more: Any) -> None:
    given = {"color": INK, "va": "center", "ha": "center", **more}
    axes.text(x, y, text, fontsize=size, fontfamily=FONT, zorder=5, **given, **PLAIN_TEXT)


def _legend_width(kinds: Sequence[Kind]) -> float:
    return sum(_legend_step(kind) for kind in kinds)


def _legend_step(kind: Kind) -> float:
    return 0.34 + 0.066 * len(KINDS[kind])


def _head(axes: Axes, graph: Graph, kinds: Sequence[Kind], notes: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    left = {"ha": "left"}
    _text(axes, MARGIN, MARGIN + 0.08, graph.name, _HEADING, fontweight="bold", **left)
    y = MARGIN + 0.32
    for line in (graph.summary, *notes):
        _text(axes, MARGIN, y, line, 7.5, **{**left, "color": GREY})
        y += 0.17
    x = MARGIN
    for kind in kinds:
        fill, edge = COLOURS[kind]
        axes.add_patch(Rectangle((x, y), 0.15, 0.12, facecolor=fill, edgecolor=edge, linewidth=0.8))
        _text(axes, x + 0.2, y + 0.06, KINDS[kind], 7, **left)
        x += _legend_step(kind)


def _box(axes: Axes, box: Box, placed: Placed, left: float, top: float, *, flows: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    fill, edge = COLOURS[box.kind]
    x, y = placed.x + left, placed.y + top
    corner = x - BOX_WIDTH / 2 + 0.04, y - placed.height / 2 + 0.04
    axes.add_artist(
        FancyBboxPatch(
            corner,
            BOX_WIDTH - 0.08,
            placed.height - 0.08,
            boxstyle="round,pad=0.04,rounding_size=0.06",
            facecolor=fill,
            edgecolor=edge,
            linewidth=1.0,
            linestyle="--" if box.kind == "unknown" else "-",
            zorder=3,
        )
    )
    line = y - placed.height / 2 + 0.15
    _text(axes, x, line, _cut(box.title, _TITLE, _BOLD), _TITLE, fontweight="bold")
    for text in box.lines:
        line += 0.145
        _text(axes, x, line, _cut(text, _SMALL), _SMALL)
    shape = box.shape_text
    if shape:
        below = y + placed.height / 2 + 0.09
        across = {"ha": "left"} if flows else {"ha": "center"}
        on_white = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.85}
        more = {**across, "color": GREY, "bbox": on_white}
        _text(axes, x + (0.07 if flows else 0.0), below, _cut(shape, 6.2), 6.2, **more)


def _cut(text: str, size: float, letter: float = _LETTER) -> str:
    """Return a text that fits a box, without its middle where it is too long."""
    most = int((BOX_WIDTH - 0.12) / (size * letter))
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[: most - 1 - half]}…{text[-half:]}"


def _link(axes: Axes, points: Sequence[tuple[float, float]], *, is_told: bool) -> None:
    """Draw a link: straight where it passes a row, bent between rows."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    corners, codes = [points[0]], [Path.MOVETO]
    for number, (x, y) in enumerate(points[1:], start=1):
        before_x, before_y = points[number - 1]
        if number % 2 == 0 or before_x == x:  # through a row
            corners.append((x, y))
            codes.append(Path.LINETO)
            continue
        middle = (before_y + y) / 2
        corners += [(before_x, middle), (x, middle), (x, y)]
        codes += [Path.CURVE4] * 3
    axes.add_artist(
        FancyArrowPatch(
            path=Path(corners, codes),
            arrowstyle="-|>,head_length=3.2,head_width=1.7",
            color=LINKS,
            linewidth=0.9,
            linestyle="-" if is_told else (0, (3, 2)),
            zorder=2,
        )
    )


def _turn(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Draw what leads to the next column."""
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=LINKS, linewidth=0.9, zorder=1, solid_joinstyle="round")
