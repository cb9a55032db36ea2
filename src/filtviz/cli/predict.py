"""``filtviz predict``: what a network answers to images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating

if TYPE_CHECKING:
    from filtviz.responses import Prediction

__all__ = ["predict"]


@click.command(cls=Command, short_help="Say what the network answers to images.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Classes in the table.",
)
@demonstrating(draws=False, names_classes=True)
def predict(top: int, **asked: Any) -> Prediction:
    """Run the network in MODEL on images and print its strongest outputs, as a table.

    Nothing of the file is executed: filtviz reads what each layer does, and does it. Where the images come
    with their classes (labels in a .npz file), it says how many are answered right.

    \b
    Example:
      filtviz predict model.onnx --images cat.jpg --labels classes.txt
    """
    from filtviz.demonstrations import predict as ask

    return ask(top=top, **asked)
