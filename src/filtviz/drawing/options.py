"""What a person can choose about pictures: frozen, self-checking options.

To add an option of sheets: one field of `SheetOptions` with its help (`_option`), and the place that obeys
it: ``selection.py`` for which filters, their order, turning and labels, ``kernel_sheets.py`` and
``pattern_sheets.py`` for what is drawn of each, ``layout.py`` for where on the page. The
command line makes ``--name`` of the field, and what it may be is checked here.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import index
from typing import Any, Literal

from filtviz.drawing.colours import DEFAULT_CMAP, SCALES, Scale
from filtviz.drawing.views import VIEWS
from filtviz.errors import ArgumentError
from filtviz.text import described, quoted

__all__ = [
    "LONGEST_SIDE",
    "MOST_PIXELS",
    "ORDERS",
    "PRIMARIES",
    "DrawingOptions",
    "Option",
    "Order",
    "Primaries",
    "SheetOptions",
    "options_of",
]

Order = Literal["index", "norm", "similarity"]
ORDERS: tuple[Order, ...] = ("index", "norm", "similarity")

Primaries = Literal["rgb", "bgr"]
PRIMARIES: tuple[Primaries, ...] = ("rgb", "bgr")


@dataclass(frozen=True, kw_only=True)
class Option:
    """What the command line asks for a field of the options.

    Attributes:
        help: What it does, a sentence.
        choices: All that it can be; empty for anything of the default's type.
        at_least: The smallest number that it can be, for a whole number.
        metavar: What stands for its value in the help.
        default: What it is where nobody says, the field's own default.
    """

    help: str
    choices: tuple[str, ...] = ()
    at_least: int | None = None
    metavar: str | None = None
    default: Any = None

    def check(self, name: str, value: Any) -> None:
        """Pass silently where ``value`` is one that the option can have.

        Raises:
            ArgumentError: it is not; the text is one sentence.
        """
        if self.choices:
            _check_choice(name, value, self.choices)
        elif isinstance(self.default, bool):
            _check_choice(name, value, (True, False))
        elif self.at_least is not None and value is not self.default:
            try:
                number = index(value)
            except TypeError:
                raise ArgumentError(f"{name} must be a whole number, not {described(value)}") from None
            if number < self.at_least:
                raise ArgumentError(f"{name} must be {self.at_least} or more, not {number}")


def _option(help: str, **others: Any) -> dict[str, Option]:
    """Return the metadata of a field that is an option of the command line."""
    return {"option": Option(help=help, **others)}


def options_of(chosen: type[SheetOptions] | type[DrawingOptions]) -> Mapping[str, Option]:
    """Return the options of the command line by the fields that they set, in the order of the help.

    Args:
        chosen: The class with the fields.
    """
    asked = {one.name: one for one in fields(chosen) if "option" in one.metadata}
    return {name: replace(one.metadata["option"], default=one.default) for name, one in asked.items()}


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

    scale: Scale = field(
        default="layer",
        metadata=_option(
            "What has a colour scale: kernel, filter or layer. It is symmetric about zero.",
            choices=SCALES,
            metavar="WHAT",
        ),
    )
    sort: Order = field(
        default="index",
        metadata=_option(f"Order: {', '.join(ORDERS)}.", choices=ORDERS, metavar="ORDER"),
    )
    top: int | None = field(
        default=None, metadata=_option("Draw the N strongest filters.", at_least=1, metavar="N")
    )
    labels: bool = field(default=True, metadata=_option("Write indices of filters and channels."))
    flip: bool = field(
        default=False,
        metadata=_option("Turn filters to how they match the image. Some are stored turned by 180 degrees."),
    )
    components: int = field(
        default=4,
        metadata=_option(
            "How many patterns of a filter to draw. With --view components or nmf.",
            at_least=1,
            metavar="N",
        ),
    )
    primaries: Primaries | None = None
    cmap: str | None = None
    figsize: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, option in options_of(SheetOptions).items():
            option.check(name, getattr(self, name))
        _check_choice("primaries", self.primaries, (None, *PRIMARIES))
        if self.figsize is not None:
            object.__setattr__(self, "figsize", _checked_figsize(self.figsize))


def _check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    if not isinstance(value, Hashable) or value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(map(str, choices))}, not {described(value)}")


LONGEST_SIDE = 2**16
MOST_PIXELS = 2**28


@dataclass(frozen=True, kw_only=True)
class DrawingOptions:
    """What `plot` and `export` let a person choose; the defaults are nolearn's picture.

    ``figsize`` is ``(width, height)`` in inches, ``dpi`` the pixels per inch, ``cmap`` the name of one of
    matplotlib's colour maps, ``view`` an entry of `filtviz.drawing.views.VIEWS`. ``sheet`` is for the views
    that are sheets: these take its ``figsize`` and ``cmap`` instead.

    Raises:
        ArgumentError: an option is out of its range; the text is one sentence.
    """

    figsize: tuple[float, float] = field(
        default=(6.0, 6.0), metadata=_option("Width and height of a page in inches.", metavar="W H")
    )
    dpi: float = field(default=100.0, metadata=_option("Resolution in pixels per inch."))
    cmap: str = field(
        default=DEFAULT_CMAP, metadata=_option("The name of a matplotlib colour map.", metavar="NAME")
    )
    view: str = "grid"
    sheet: SheetOptions = field(default_factory=SheetOptions)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figsize", _checked_figsize(self.figsize))
        object.__setattr__(self, "dpi", _checked_dpi(self.dpi))
        if not isinstance(self.sheet, SheetOptions):
            raise ArgumentError(f"sheet must be a filtviz.SheetOptions, not {described(self.sheet)}")
        _check_pixels(self.figsize, self.dpi)
        if self.sheet.figsize is not None:
            _check_pixels(self.sheet.figsize, self.dpi)
        _check_cmap(self.cmap)
        _check_view(self.view)


def _checked_dpi(dpi: float) -> float:
    try:
        number = float(dpi)
    except (TypeError, ValueError):
        raise ArgumentError(f"dpi must be a positive number, not {described(dpi)}") from None
    if not (math.isfinite(number) and number > 0):
        raise ArgumentError(f"dpi must be a positive number, not {number:g}")
    return number


def _checked_figsize(figsize: tuple[float, float]) -> tuple[float, float]:
    try:
        width, height = (float(length) for length in figsize)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"figsize must be two numbers, width and height in inches, not {figsize!r}"
        ) from None
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise ArgumentError(f"figsize must be two positive numbers of inches, not {width:g} and {height:g}")
    return width, height


def _check_pixels(figsize: tuple[float, float], dpi: float) -> None:
    width, height = (length * dpi for length in figsize)
    sizes = f"{figsize[0]:g} x {figsize[1]:g} inches at {dpi:g} dpi make {width:.0f} x {height:.0f} pixels"
    if min(width, height) < 1:
        raise ArgumentError(f"{sizes}: nothing to draw on; raise figsize or dpi")
    if max(width, height) >= LONGEST_SIDE or width * height > MOST_PIXELS:
        raise ArgumentError(
            f"{sizes}: a side must be under {LONGEST_SIDE:,} and a page at most {MOST_PIXELS:,} pixels;"
            " lower figsize or dpi"
        )


def _check_cmap(cmap: str) -> None:
    if cmap == DEFAULT_CMAP:
        return  # known without importing matplotlib, which costs a quarter of a second
    from matplotlib import colormaps

    if not isinstance(cmap, str) or cmap not in colormaps:
        near = difflib.get_close_matches(str(cmap), list(colormaps), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ArgumentError(
            f"matplotlib has no colour map {quoted(cmap, 40)}{hint} (gray, viridis and RdBu are some)"
        )


def _check_view(view: str) -> None:
    if not isinstance(view, str) or view not in VIEWS:
        raise ArgumentError(f"there is no view {quoted(view, 40)} (there are: {', '.join(VIEWS)})")
