"""``filtviz convert``: a model in another format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import answer_data, model_data, print_json, print_path, say
from filtviz.cli.helping import Command
from filtviz.cli.shared_options import (
    budget_options,
    json_option,
    model_argument,
    reading_options,
    usage_errors,
)

if TYPE_CHECKING:
    from filtviz.budget import Budget
    from filtviz.converting import ConversionResult

__all__ = ["convert"]


@click.command(cls=Command, short_help="Write the model in another format.")
@model_argument
@click.argument("output", metavar="OUTPUT")
@click.option(
    "--layout",
    type=click.Choice(["stored", "torch"]),
    help="Arrays as they are stored, or as PyTorch has them (default: torch for .pt, else stored).",
)
@click.option(
    "--turned/--not-turned",
    default=None,
    help="Whether kernels are stored turned by 180 degrees. This is for files that do not tell, and torch.",
)
@click.option(
    "--module",
    metavar="FILE.py",
    help="Beside a .pt: print an nn.Module that loads it. It is source to read and to go on with.",
)
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Run the result on noise and compare. Default: where ONNX Runtime is, or PyTorch for a module.",
)
@json_option
@reading_options
@budget_options
def convert(
    model: str,
    output: str,
    *,
    layout: Any,
    turned: bool | None,
    module: str | None,
    verify: bool | None,
    as_json: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Write MODEL to OUTPUT, whose end says the format: .npz, .safetensors, .pt or .onnx.

    The first three hold its arrays; an .onnx file all of the network, where MODEL has its graph (or --like
    gives it). Nothing of MODEL is executed. What is written names the file that it was made of.

    \b
    Example:
      filtviz convert model.pkl model.onnx
      filtviz convert model.pkl model.pt --module net.py
      filtviz convert model.pkl model.safetensors
    """
    from filtviz.converting import convert as convert_model

    with usage_errors():
        result = convert_model(
            model,
            output,
            layout=layout,
            turned=turned,
            module=module,
            verify=verify,
            budget=budget,
            **reading,
        )
    _tell(result, model, as_json=as_json)


def _tell(result: ConversionResult, model: str, *, as_json: bool) -> None:
    for sentence in result.remarks:
        say(sentence[:1].upper() + sentence[1:])
    if result.verification is not None:
        say(str(result.verification)[:1].upper() + str(result.verification)[1:])
    if as_json:
        print_json(
            answer_data(
                [model_data(model)],
                {
                    "files": [str(path) for path in result.files],
                    "arrays": list(result.arrays),
                    "remarks": list(result.remarks),
                    "verification": None if result.verification is None else asdict(result.verification),
                },
            )
        )
        return
    for path in result.files:
        print_path(path)
