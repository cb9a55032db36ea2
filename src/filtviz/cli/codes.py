"""``filtviz codes``: images where a hidden layer puts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.helping import Command
from filtviz.cli.image_options import demonstrating
from filtviz.cli.shared_options import complete_any_layer

if TYPE_CHECKING:
    from filtviz.responses import Codes

__all__ = ["codes"]


@click.command(cls=Command, short_help="Draw images where a hidden layer puts them.")
@click.option(
    "-l",
    "--layer",
    metavar="N|NAME",
    shell_complete=complete_any_layer,
    help="A convolution by number, or any layer by name (default: the last hidden one).",
)
@click.option(
    "--plane",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="How codes are laid out; tsne needs scikit-learn.",
)
@demonstrating()
def codes(layer: str | None, plane: Any, **asked: Any) -> Codes:
    """Draw images where their codes in MODEL's last hidden layer are: what lies near is alike to the network.

    \b
    Example:
      filtviz codes model.pkl --images digits.npz --plane tsne
    """
    from filtviz.demonstrations import codes as ask

    return ask(layer=layer, plane=plane, **asked)
