"""The table of views, and what a person can choose about them: frozen, self-checking options."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from filtviz.drawing.colours import DEFAULT_CMAP, SCALES, Scale
from filtviz.drawing.sheet import SheetTexts
from filtviz.errors import DrawingError
from filtviz.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from filtviz.network import ConvLayer

__all__ = [
    "DEFAULT_VIEW",
    "ORDERS",
    "PRIMARIES",
    "VIEWS",
    "DrawingOptions",
    "Order",
    "Picture",
    "Primaries",
    "SheetOptions",
    "View",
    "draw",
]

Order = Literal["index", "norm", "similarity"]
ORDERS: tuple[Order, ...] = ("index", "norm", "similarity")

Primaries = Literal["rgb", "bgr"]
PRIMARIES: tuple[Primaries, ...] = ("rgb", "bgr")


@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """How a sheet is drawn; what it says of the layer is in `filtviz.drawing.sheet.SheetTexts`.

    Attributes:
        scale: What shares a scale: each ``kernel``, each ``filter``, or the whole ``layer``, which alone lets
            strong be told from weak.
        sort: The order of the filters, see `filtviz.drawing.selection.arrange`.
        top: Draw only so many filters, those of the largest norm; None draws all.
        primaries: Draw a filter of three channels in colour, its channels being ``rgb`` or ``bgr``; None
            draws each channel by itself.
        flip: Draw what a filter matches in the image, not what is stored.
        components: How many pictures the views of components draw of each filter.
        labels: Write indices, headings and captions at the tiles.
        cmap: The name of a colour map of matplotlib's; None takes the view's own.
        figsize: Inches, ``(width, height)``; None takes what the sheet needs.
    """

    scale: Scale = "layer"
    sort: Order = "index"
    top: int | None = None
    primaries: Primaries | None = None
    flip: bool = False
    components: int = 4
    labels: bool = True
    cmap: str | None = None
    figsize: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check_choice("scale", self.scale, SCALES)
        _check_choice("sort", self.sort, ORDERS)
        _check_choice("primaries", self.primaries, (None, *PRIMARIES))
        for name in ("top", "components"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, not {value}")
        if not all(math.isfinite(x) and x > 0 for x in self.figsize or ()):
            raise ValueError(f"figsize must be two positive numbers of inches, not {self.figsize}")


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}")


LONGEST_SIDE = 2**16
MOST_PIXELS = 2**28


@dataclass(frozen=True, kw_only=True)
class DrawingOptions:
    """What `plot` and `export` let a person choose; the defaults are nolearn's picture.

    ``figsize`` is ``(width, height)`` in inches, ``dpi`` the pixels per inch, ``cmap`` the name of one of
    matplotlib's colour maps, ``view`` an entry of `filtviz.drawing.views.VIEWS`. ``sheet`` is for the views
    that are sheets: these take its ``figsize`` and ``cmap`` instead.

    Raises:
        ValueError: an option is out of its range; the text is one sentence.
    """

    figsize: tuple[float, float] = (6.0, 6.0)
    dpi: float = 100.0
    cmap: str = DEFAULT_CMAP
    view: str = "grid"
    sheet: SheetOptions = field(default_factory=SheetOptions)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figsize", _checked_figsize(self.figsize))
        object.__setattr__(self, "dpi", float(self.dpi))
        if not (math.isfinite(self.dpi) and self.dpi > 0):
            raise ValueError(f"dpi must be a positive number, not {self.dpi:g}")
        _check_pixels(self.figsize, self.dpi)
        if self.sheet.figsize is not None:
            _check_pixels(self.sheet.figsize, self.dpi)
        _check_cmap(self.cmap)
        _check_view(self.view)


def _checked_figsize(figsize: tuple[float, float]) -> tuple[float, float]:
    try:
        width, height = (float(length) for length in figsize)
    except (TypeError, ValueError):
        raise ValueError(
            f"figsize must be two numbers, width and height in inches, not {figsize!r}"
        ) from None
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise ValueError(f"figsize must be two positive numbers of inches, not {width:g} and {height:g}")
    return width, height


def _check_pixels(figsize: tuple[float, float], dpi: float) -> None:
    width, height = (length * dpi for length in figsize)
    sizes = f"{figsize[0]:g} x {figsize[1]:g} inches at {dpi:g} dpi make {width:.0f} x {height:.0f} pixels"
    if min(width, height) < 1:
        raise ValueError(f"{sizes}: nothing to draw on; raise figsize or dpi")
    if max(width, height) >= LONGEST_SIDE or width * height > MOST_PIXELS:
        raise ValueError(
            f"{sizes}: a side must be under {LONGEST_SIDE:,} and a page at most {MOST_PIXELS:,} pixels;"
            " lower figsize or dpi"
        )


def _check_cmap(cmap: str) -> None:
    if cmap == DEFAULT_CMAP:
        return  # known without importing matplotlib, which costs a quarter of a second
    from matplotlib import colormaps

    if cmap not in colormaps:
        near = difflib.get_close_matches(str(cmap), list(colormaps), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"matplotlib has no colour map {printable(cmap, 40)!r}{hint} (gray, viridis and RdBu are some)"
        )


def _check_view(view: str) -> None:
    from filtviz.drawing.views import VIEWS

    if view not in VIEWS:
        raise ValueError(f"there is no view {printable(view, 40)!r} (there are: {', '.join(VIEWS)})")


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
    if reason := layer.why_not_drawn:
        raise DrawingError(
            f"{printable(layer.label, 40)} ({printable(layer.type, 40)}) is not drawn: {reason}"
        )
    pictures: Drawing = import_module(VIEWS[options.view].module).pictures
    return pictures(layer, channels, options, texts or SheetTexts())
