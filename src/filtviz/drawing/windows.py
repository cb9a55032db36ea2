"""Windows on the screen: the one place where pyplot is used, since a window needs an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from filtviz.drawing.options import DrawingOptions
from filtviz.errors import DrawingError

if TYPE_CHECKING:
    from filtviz.drawing.views import Picture

__all__ = ["MOST_WINDOWS", "show_pictures"]

MOST_WINDOWS = 20


def show_pictures(pictures: Sequence[Picture], options: DrawingOptions) -> None:
    """Show each picture in a window of its own and wait until all are closed.

    Raises:
        DrawingError: there is no display, or there would be too many windows.
    """
    if len(pictures) > MOST_WINDOWS:
        raise DrawingError(
            f"--show would open {len(pictures)} windows: choose at most {MOST_WINDOWS} with --channels"
        )
    import numpy as np
    from matplotlib import pyplot

    no_display = "there is no display to show windows on: leave --show out, and the pictures go to files"
    try:
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
    finally:
        pyplot.close("all")
