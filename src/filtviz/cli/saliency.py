"""``filtviz saliency``: which pixels count for what a network answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating
from filtviz.cli.shared_options import complete_any_layer

if TYPE_CHECKING:
    from filtviz.responses import Heat

__all__ = ["saliency"]

METHODS = ["gradient", "guided", "deconvnet", "integrated", "smoothgrad", "gradcam"]


@click.command(cls=Command, short_help="Draw which pixels count for the answer.")
@click.option("--image", type=int, default=0, show_default=True, metavar="N", help="Which of the images.")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="gradient",
    show_default=True,
    help="How it is computed; nolearn's is the gradient.",
)
@click.option(
    "--target", type=click.IntRange(min=0), metavar="N", help="The class (default: the one that is answered)."
)
@click.option(
    "--of",
    type=click.Choice(["log-probability", "output"]),
    default="log-probability",
    show_default=True,
    help="Of the logarithm of the class's probability, or of the output itself.",
)
@click.option("--signed", is_flag=True, help="Keep the sign: what speaks for the class, and what against it.")
@click.option(
    "-l",
    "--layer",
    metavar="N|NAME",
    shell_complete=complete_any_layer,
    help="With gradcam: whose maps (default: the last convolution).",
)
@demonstrating(has_table=False, names_classes=True)
def saliency(
    image: int, method: Any, target: int | None, of: Any, signed: bool, layer: str | None, **asked: Any
) -> Heat:
    """Draw which pixels of an image count for what the network in MODEL answers. PyTorch is needed.

    \b
    Example:
      filtviz saliency model.pkl --images digit.png --method integrated
    """
    from filtviz.demonstrations import saliency as ask

    return ask(image=image, method=method, target=target, of=of, signed=signed, layer=layer, **asked)
