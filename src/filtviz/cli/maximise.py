"""``filtviz maximise``: the image that a unit wants to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating
from filtviz.cli.shared_options import complete_any_layer

if TYPE_CHECKING:
    from filtviz.responses import Maximised

__all__ = ["maximise"]


@click.command(cls=Command, short_help="Draw what units want to see.")
@click.option(
    "-l",
    "--layer",
    metavar="N|NAME",
    shell_complete=complete_any_layer,
    help="A convolution by number, or any layer by name (default: the last).",
)
@click.option(
    "--unit",
    "units",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="N",
    help="A unit; may be repeated (default: the first sixteen).",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1, max=4096),
    default=128,
    show_default=True,
    metavar="N",
    help="How many steps.",
)
@click.option(
    "--image", type=int, default=0, show_default=True, metavar="N", help="Which of the images to begin with."
)
@demonstrating(images="optional")
def maximise(layer: str | None, units: tuple[int, ...], steps: int, image: int, **asked: Any) -> Maximised:
    """Draw images that units of MODEL answer strongly, made step by step from noise. PyTorch is needed.

    With --images they are made from an image, as examples that fool a network: before, difference, after.

    \b
    Example:
      filtviz maximise model.pkl --layer conv3
    """
    from filtviz.demonstrations import maximise as ask

    return ask(layer=layer, units=units, steps=steps, image=image, **asked)
