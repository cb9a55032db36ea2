"""Pictures that show themselves: one by itself, several as a strip; in a notebook, in windows, in files."""

from __future__ import annotations

import sys
import warnings
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import escape
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from filtviz.drawing.display import HasImage, show_pictures
from filtviz.errors import ArgumentError, DrawingError
from filtviz.files import is_folder, make_folder, write_whole
from filtviz.given import check_path
from filtviz.sources import Sources
from filtviz.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image


__all__ = [
    "Figures",
    "ShownFigure",
    "picture_png",
    "render",
    "shipped_settings",
    "strip_html",
]

MOST_SHOWN = 24
"""Pictures of a strip; of more it is said how many they are."""

GAP = 8
"""Pixels between the pictures of a strip that is saved as one."""


class ShownFigure(Figure):
    """A figure of matplotlib's that shows itself, in a notebook and in a window, and belongs to no pyplot."""

    def image(self) -> Image:
        """Return the figure's pixels."""
        return render(self)

    def show(self, warn: bool = True) -> None:  # noqa: ARG002  (matplotlib's signature)
        """Show the figure: below the cell of a notebook, else in a window.

        Args:
            warn: Of matplotlib; there is nothing to warn of.

        Raises:
            DrawingError: there is no display.
        """
        show([self], self)

    def _repr_png_(self) -> bytes:
        return picture_png(self)


del (
    ShownFigure.set
)  # matplotlib makes one for each class, of a signature that its versions change: Figure's does


class Figures(list[Figure]):
    """Figures of one layer: a list, which shows itself as a strip and can be saved as a whole."""

    def show(self) -> None:
        """Show all figures: below the cell of a notebook, else each in a window.

        Raises:
            DrawingError: there is no display, or there are too many for windows.
        """
        show(self, self)

    def save(self, path: str | PathLike[str]) -> list[Path]:
        """Write all figures.

        Args:
            path: A ``.pdf`` gets a page for each; a ``.png`` one picture with all of them; ``.svg`` takes a
                single figure; a folder gets a ``.png`` for each.

        Returns:
            The files that were written.

        Raises:
            OutputError: they cannot be written.
            ArgumentError: this is no such path, or there is nothing to write.
        """
        return _save(self, check_path(path, "a picture or a folder"))

    savefig = save

    def _repr_html_(self) -> str:
        return strip_html([_Drawn(each) for each in self])

    def __repr__(self) -> str:
        return f"<{len(self)} figure{'s'[: len(self) != 1]}>"


@dataclass(frozen=True)
class _Drawn:
    """A figure as a picture; one that was put into the list may be matplotlib's own."""

    drawn: Figure

    def image(self) -> Image:
        return render(self.drawn)


@contextmanager
def shipped_settings() -> Iterator[None]:
    """Draw with the settings that matplotlib ships with, whoever has changed them.

    A ``matplotlibrc`` that lies beside a stranger's models could have TeX run for each text.
    """
    shipped: dict[Any, Any] = dict(matplotlib.rcParamsDefault)
    shipped.pop("backend")
    with matplotlib.rc_context(), _unwarned():
        matplotlib.rcParams.update(shipped)
        yield


@contextmanager
def _unwarned() -> Iterator[None]:
    """Let matplotlib warn of nothing, such as of letters of a layer's name that its font does not have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def render(figure: Figure) -> Image:
    """Return a figure's pixels as Agg draws them, as an RGB image.

    Raises:
        DrawingError: Agg gives the figure up; the sentence says why.
    """
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    try:
        with _unwarned():
            canvas.draw()
    except (ValueError, RuntimeError, OverflowError) as error:
        raise DrawingError(f"matplotlib cannot draw this page: {error}") from error
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def picture_png(picture: HasImage) -> bytes:
    """Return a picture as the bytes of a PNG.

    Args:
        picture: What gives pixels.
    """
    stream = BytesIO()
    picture.image().save(stream, "PNG")
    return stream.getvalue()


def strip_html(pictures: Sequence[HasImage]) -> str:
    """Return pictures side by side, as HTML that needs no other file.

    Args:
        pictures: They are drawn here, as far as they are shown.
    """
    width = "max-width:100%" if len(pictures) == 1 else "width:220px;border:1px solid #8884"
    shown = "".join(
        f'<img alt="{escape(_name(each, place))}" title="{escape(_name(each, place))}" style="{width}" '
        f'src="data:image/png;base64,{b64encode(picture_png(each)).decode()}">'
        for place, each in enumerate(pictures[:MOST_SHOWN])
    )
    more = len(pictures) - MOST_SHOWN
    left = f"<p>and {more:,} more</p>" if more > 0 else ""
    return f'<div style="display:flex;flex-wrap:wrap;gap:{GAP}px">{shown}</div>{left}'


def _name(picture: HasImage, place: int) -> str:
    channel = getattr(picture, "channel", None)
    return f"channel {channel}" if channel is not None else f"picture {place + 1}"


def show(figures: Sequence[Figure], shown: Any) -> None:
    """Show figures below the cell of a notebook, else each in a window.

    Args:
        figures: The figures.
        shown: What a notebook is to show.

    Raises:
        DrawingError: there is no display, or there are too many for windows.
    """
    if _is_in_notebook():
        from IPython.display import display

        display(shown)
        return

    from filtviz.drawing.options import DrawingOptions

    if figures:
        show_pictures([_Drawn(each) for each in figures], DrawingOptions(dpi=figures[0].dpi))


def _is_in_notebook() -> bool:
    """Tell whether a kernel runs this, which shows what is displayed; IPython is not imported for it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _save(figures: Figures, path: str) -> list[Path]:
    if not figures:
        raise ArgumentError("there is no figure to save")
    target = Path(path)
    suffix = target.suffix.lower()
    if is_folder(target) or path.endswith("/") or not suffix:
        make_folder(target)
        width = len(str(len(figures) - 1))
        files = [target / f"figure-{place:0{width}d}.png" for place in range(len(figures))]
        for file, figure in zip(files, figures, strict=True):
            write_whole(file, partial(_write_png, [figure]), Sources())
        return files
    if suffix not in _WRITERS:
        raise ArgumentError(f"{printable(suffix, 20)} is no format of pictures: end it in .png, .pdf or .svg")
    if suffix == ".svg" and len(figures) > 1:
        raise ArgumentError(f"an .svg holds one figure, not {len(figures)}: save a .pdf, a .png, or a folder")
    write_whole(target, partial(_WRITERS[suffix], figures), Sources())
    return [target]


def _write_png(figures: Iterable[Figure], stream: Any) -> None:
    _beside(list(figures)).save(stream, "PNG")


def _beside(figures: Sequence[Figure]) -> Image:
    """Return the pixels of figures beside each other, in rows of about as many as there are rows."""
    from PIL import Image

    from filtviz.drawing.options import MOST_PIXELS

    images = [_Drawn(each).image() for each in figures]
    if len(images) == 1:
        return images[0]
    n_columns = next(n for n in range(1, len(images) + 1) if n * n >= len(images))
    width, height = max(each.width for each in images) + GAP, max(each.height for each in images) + GAP
    n_rows = -(-len(images) // n_columns)
    if width * n_columns * height * n_rows > MOST_PIXELS:
        raise DrawingError(f"{len(images)} figures are too many for one .png: save a .pdf, or a folder")
    sheet = Image.new("RGB", (width * n_columns - GAP, height * n_rows - GAP), "white")
    for place, each in enumerate(images):
        sheet.paste(each, (place % n_columns * width, place // n_columns * height))
    return sheet


def _write_pdf(figures: Iterable[Figure], stream: Any) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(stream, metadata={"CreationDate": None}) as pages:
        for figure in figures:
            pages.savefig(figure)


def _write_svg(figures: Sequence[Figure], stream: Any) -> None:
    figures[0].savefig(stream, format="svg", metadata={"Date": None})


_WRITERS = {".png": _write_png, ".pdf": _write_pdf, ".svg": _write_svg}
