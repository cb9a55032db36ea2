"""The options that commands share, as decorators to stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["json_option", "layer_option", "model_argument"]

Command = TypeVar("Command", bound=Callable[..., Any])

model_argument = click.argument("model", type=click.Path(path_type=None), metavar="MODEL")
"""One model file. That it exists is for the reader to say, with exit status 1 and one sentence."""

layer_option = click.option(
    "-l",
    "--layer",
    "layers",
    multiple=True,
    metavar="N|NAME",
    help="A convolution by number (0 is the first, -1 the last) or name; may be repeated.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts on stdout.")
