"""``filtviz compare``: the same layer in several files."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import complain, fit, name_beside, print_json, print_path, say
from filtviz.cli.helping import Command
from filtviz.cli.inputs import models_of
from filtviz.cli.json_data import comparison_data
from filtviz.cli.shared_options import (
    budget_options,
    field_option,
    format_option,
    json_option,
    layer_option,
    reading_options,
    usage_errors,
)
from filtviz.drawing.options import DrawingOptions, SheetOptions
from filtviz.paper import Paper
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.budget import Budget
    from filtviz.drawing.kernel_sheets import ComparisonOrder

__all__ = ["compare"]


@click.command(cls=Command, short_help="Show what changed from file to file.")
@click.argument("models", type=click.Path(readable=False), nargs=-1, required=True, metavar="BEFORE AFTER…")
@layer_option
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="A file, or a folder for several (default: here). A file ends in .png, .pdf or .svg.",
)
@format_option
@click.option(
    "--animate", metavar="FILE.gif", help="Also write an animation that shows the files one after another."
)
@field_option(SheetOptions, "scale")
@click.option(
    "--sort",
    type=click.Choice(["index", "change"]),
    default="index",
    show_default=True,
    help="The order of the filters.",
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Draw the N filters that changed most.")
@field_option(DrawingOptions, "dpi")
@click.option("--cmap", metavar="NAME", help="The name of a matplotlib colour map; default: RdBu_r.")
@json_option
@reading_options
@budget_options
@click.pass_context
def compare(
    context: click.Context,
    /,
    models: Sequence[str],
    layers: Sequence[str],
    output: str | None,
    format: str | None,
    animate: str | None,
    sort: ComparisonOrder,
    dpi: float,
    as_json: bool,
    reading: dict[str, Any],
    budget: Budget,
    **sheet: Any,
) -> None:
    """Show what changed in the same layer from file to file.

    Each filter is drawn before, after and as their difference, on one scale; with more than two files, in all
    of them and as last minus first. How much the layer changed is printed, and the paths of the pictures.
    Without --layer the first convolution is compared. A folder stands for the models in it, in their order.

    \b
    Example:
      filtviz compare before.pkl after.pkl --layer 0
    """
    from filtviz.comparing import compare as compare_models
    from filtviz.drawing.saving import find_destination

    models = models_of(models, reading)
    if len(models) < 2:
        raise click.UsageError("give two files or more: there is nothing to compare one with")
    if animate is not None and (len(layers) > 1 or Path(animate).suffix.lower() != ".gif"):
        raise click.UsageError("--animate needs a name that ends in .gif, and one --layer")
    with usage_errors():
        find_destination(output, format)
        drawing = DrawingOptions(dpi=dpi, sheet=SheetOptions(**sheet))
    result = compare_models(
        models,
        layers=layers or (0,),
        output=output or ".",
        format=format,
        animate=animate,
        sort=sort,
        drawing=drawing,
        budget=budget,
        **reading,
    )
    for failure in result.failures:
        complain(failure.reason)
    for sentence in result.cautions:
        say(sentence)
    if as_json:
        print_json(comparison_data(models, result))
    else:
        for comparison in result.comparisons:
            sentence = f"{comparison.label}: {comparison.sentence}"
            as_lines = Paper.of_window(fit).wrapped(sentence).rstrip("\n")
            click.echo(as_lines if sys.stdout.isatty() else sentence)
    for file in result.files:
        print_path(file.path, as_message=as_json)
    name_beside(result.stem, models, "these pictures are")
    if result.comparisons and not layers:
        first, last = (shlex.quote(printable(path, 1000)) for path in (models[0], models[-1]))
        say(
            "this is the first convolution; --layer compares others, and "
            f"`filtviz diagnose {last} --before {first}` measures what changed in all"
        )
    context.exit(1 if result.failures else 0)
