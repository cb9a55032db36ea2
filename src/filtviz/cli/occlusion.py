"""``filtviz occlusion``: what a network answers where a part of the image is covered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating

if TYPE_CHECKING:
    from filtviz.responses import Heat

__all__ = ["occlusion"]


@click.command(cls=Command, short_help="Draw what the answer rests on, by covering parts.")
@click.option("--image", type=int, default=0, show_default=True, metavar="N", help="Which of the images.")
@click.option(
    "--target", type=click.IntRange(min=0), metavar="N", help="The class (default: the one that is answered)."
)
@click.option(
    "--square",
    type=click.IntRange(min=1),
    default=7,
    show_default=True,
    metavar="N",
    help="Its side, in pixels.",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Pixels from one to the next.",
)
@click.option(
    "--fill", type=float, default=0.0, show_default=True, metavar="X", help="What the square is filled with."
)
@click.option(
    "--nolearn", is_flag=True, help="With nolearn's numbers, whose square lies one pixel up and left."
)
@demonstrating(has_table=False, names_classes=True)
def occlusion(
    image: int, target: int | None, square: int, stride: int, fill: float, nolearn: bool, **asked: Any
) -> Heat:
    """Draw what the network in MODEL answers with a square over each part of an image in turn.

    Where covering takes the answer away, it rests on what is there (Zeiler & Fergus 2013).

    \b
    Example:
      filtviz occlusion model.pkl --images digit.png --square 5
    """
    from filtviz.demonstrations import occlusion as ask

    return ask(image=image, target=target, square=square, stride=stride, fill=fill, nolearn=nolearn, **asked)
