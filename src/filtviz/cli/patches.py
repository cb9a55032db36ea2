"""``filtviz patches``: the pieces of images that excite each filter most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating, layer_choice

if TYPE_CHECKING:
    from filtviz.responses import Patches

__all__ = ["patches"]


@click.command(cls=Command, short_help="Draw what excites each filter most.")
@layer_choice
@click.option(
    "--top",
    type=click.IntRange(min=1, max=24),
    default=8,
    show_default=True,
    metavar="N",
    help="Pieces for each.",
)
@demonstrating()
def patches(layer: str, top: int, **asked: Any) -> Patches:
    """Draw for each filter of a layer of MODEL the pieces of images that excite it most, one of an image.

    They are cut at the true receptive field, beside the filter as it matches in the image. Of a deep
    layer this is the picture to read; the more images, the better.

    \b
    Example:
      filtviz patches model.pkl --layer 3 --images photos/
    """
    from filtviz.demonstrations import patches as ask

    return ask(layer=layer, top=top, **asked)
