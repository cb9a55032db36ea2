"""``filtviz activity``: what the units of a layer answer to an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating, layer_choice

if TYPE_CHECKING:
    from filtviz.responses import Activity

__all__ = ["activity"]


@click.command(cls=Command, short_help="Draw what the units of a layer answer.")
@layer_choice
@click.option(
    "--image", type=int, default=0, show_default=True, metavar="N", help="Which of the images to draw."
)
@click.option(
    "--nolearn", is_flag=True, help="Draw as nolearn's plot_conv_activity: each map on its own range."
)
@demonstrating()
def activity(layer: str, image: int, nolearn: bool, **asked: Any) -> Activity:
    """Draw the maps of a layer of MODEL for an image, on one scale, behind the layer's nonlinearity.

    Over all images is counted how much each unit fires: those that never do are marked dead, those at
    an end of what their function can give saturated.

    \b
    Example:
      filtviz activity model.pkl --layer 2 --images digits.npz
    """
    from filtviz.demonstrations import activity as ask

    return ask(layer=layer, image=image, nolearn=nolearn, **asked)
