"""The table of views: the ways to draw a layer.

To add one: a module of `filtviz.drawing` with a function ``pictures``, and an entry here; the command line
takes its name and help from the entry. One that computes more than it draws says how much in
`filtviz.drawing.estimates`. What a person can choose about pictures is in `filtviz.drawing.options`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from filtviz.drawing.planar import as_planar
from filtviz.errors import DrawingError
from filtviz.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.sheet import SheetTexts
    from filtviz.network import ConvLayer

__all__ = [
    "DEFAULT_VIEW",
    "SHEET_VIEWS",
    "VIEWS",
    "Picture",
    "View",
    "draw",
]


@dataclass(frozen=True, kw_only=True)
class View:
    """A way to draw a layer.

    Attributes:
        name: What a person calls it.
        module: The module whose ``pictures`` draws it.
        is_sheet: Whether its pages are sheets, which have indices, one scale and words, and which a terminal
            can show.
        has_primaries: Whether it can draw three channels in the colours that they stand for.
        help: What it shows, in a few words that follow the name.
    """

    name: str
    module: str
    is_sheet: bool = True
    has_primaries: bool = False
    help: str


_ALL = (
    View(
        name="grid",
        module="filtviz.drawing.grid",
        is_sheet=False,
        help="nolearn's layout (the default)",
    ),
    View(
        name="sheet",
        module="filtviz.drawing.kernel_sheets",
        has_primaries=True,
        help="all filters and channels on one page",
    ),
    View(
        name="curves",
        module="filtviz.drawing.curves",
        help="filters over one axis, as of sound and text (their default)",
    ),
    View(
        name="rms",
        module="filtviz.drawing.pattern_sheets",
        help="the root mean square over a filter's channels",
    ),
    View(
        name="components",
        module="filtviz.drawing.pattern_sheets",
        help="the strongest patterns of a filter over its channels, by its singular values",
    ),
    View(
        name="nmf",
        module="filtviz.drawing.pattern_sheets",
        help="the patterns that the channels share, by non-negative factorisation",
    ),
)
VIEWS = {view.name: view for view in _ALL}
"""All views by their names, in the order in which they are told."""

SHEET_VIEWS = tuple(view.name for view in _ALL if view.is_sheet)
"""Those whose pictures are called after them in the names of files."""

DEFAULT_VIEW = "grid"


class Picture(Protocol):
    """One page that is ready to be drawn, as pixels or as a matplotlib figure.

    ``channel`` is the input channel that it shows, None where it shows them all. ``part`` tells it from the
    layer's other pictures in a file name (``ch07``; empty where there is only one).
    """

    @property
    def channel(self) -> int | None:
        """The input channel that the picture shows, or None."""

    @property
    def part(self) -> str:
        """What tells the picture from the layer's others."""

    def image(self) -> Image:
        """Return the picture's pixels in the smallest PNG mode that holds them."""

    def figure(self) -> Figure:
        """Return a figure for PDF and SVG that shows the same."""


class Drawing(Protocol):
    """What a view's module offers as ``pictures``."""

    def __call__(
        self, layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts
    ) -> Iterator[Picture]:
        """Yield the pictures of ``channels`` one after another, so that no two need be in memory."""


def draw(
    layer: ConvLayer, channels: Sequence[int], options: DrawingOptions, texts: SheetTexts | None = None
) -> Iterator[Picture]:
    """Yield the pictures of a layer's channels.

    Args:
        layer: The layer to draw.
        channels: The input channels to draw.
        options: Which view, and how it is drawn.
        texts: What a sheet says beside what the layer tells itself; nolearn's layout has no place for it.

    Raises:
        DrawingError: the layer's weights are no pictures of filters.
    """
    from filtviz.drawing.sheet import SheetTexts

    layer, channels, options, texts = as_planar(layer, channels, options, texts or SheetTexts())
    if reason := layer.why_not_drawn:
        raise DrawingError(
            f"{printable(layer.label, 40)} ({printable(layer.type, 40)}) is not drawn: {reason}"
        )
    pictures: Drawing = import_module(VIEWS[options.view].module).pictures
    return pictures(layer, channels, options, texts)
