"""Pictures in windows: the one place where pyplot is used, since a window needs an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from filtviz.errors import DrawingError
from filtviz.text import quoted

if TYPE_CHECKING:
    from PIL.Image import Image

    from filtviz.drawing.options import DrawingOptions

__all__ = ["MOST_WINDOWS", "HasImage", "show_pictures"]


class HasImage(Protocol):
    """What gives pixels: a picture of filtviz's, or one of its figures."""

    def image(self) -> Image:
        """Return the pixels."""


MOST_WINDOWS = 20


def show_pictures(pictures: Sequence[HasImage], options: DrawingOptions, backend: str | None = None) -> None:
    """Show each picture in a window of its own and wait until all are closed.

    Args:
        pictures: What to show.
        options: Of which it is their resolution that counts.
        backend: The name of matplotlib's back end; None leaves the choice to matplotlib.

    Raises:
        DrawingError: there is no display or no such back end, or there would be too many windows.
    """
    if len(pictures) > MOST_WINDOWS:
        raise DrawingError(
            f"--show would open {len(pictures)} windows: choose at most {MOST_WINDOWS} with --channels"
        )
    import matplotlib
    import numpy as np
    from matplotlib import pyplot

    no_display = "there is no display to show windows on: leave --show out, and the pictures go to files"
    try:
        if backend is not None:
            matplotlib.use(backend)
        for picture in pictures:
            pixels = np.asarray(picture.image().convert("RGB"))
            height, width = (length / options.dpi for length in pixels.shape[:2])
            figure = pyplot.figure(figsize=(width, height), dpi=options.dpi, frameon=False)
            if figure.canvas.required_interactive_framework is None:
                raise DrawingError(no_display)
            figure.figimage(pixels, origin="upper")
        pyplot.show()
    except ImportError as error:  # a back end that matplotlib was told to use and cannot
        raise DrawingError(no_display) from error
    except ValueError as error:
        raise DrawingError(f"matplotlib has no back end {quoted(backend, 80)} (MPLBACKEND)") from error
    finally:
        pyplot.close("all")
