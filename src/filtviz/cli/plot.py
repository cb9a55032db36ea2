"""``filtviz plot``: pictures of the filters of some layers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from filtviz.cli.console import complain, name_beside, print_json, print_path, print_sheets, say
from filtviz.cli.helping import Command
from filtviz.cli.shared_options import (
    budget_options,
    drawing_options,
    format_option,
    json_option,
    layer_option,
    model_argument,
    reading_options,
    usage_errors,
    view_options,
)
from filtviz.cli.streams import go_on_unread
from filtviz.network import Network
from filtviz.results import PlotResult, WrittenFile
from filtviz.text import name_runs, printable

if TYPE_CHECKING:
    from filtviz.budget import Budget
    from filtviz.drawing import DrawingOptions
    from filtviz.drawing.pages import SheetPage
    from filtviz.drawing.selection import ChannelRanges

__all__ = ["plot"]

NAMED = 20
"""So many of the other layers are named; that there are more is said."""

MANY = 8
"""With so many pictures of one layer, the sheet is named."""


@click.command(cls=Command, short_help="Draw a layer's filters.")
@model_argument
@layer_option
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="A file, or a folder for several (default: here). A file ends in .png, .pdf or .svg.",
)
@format_option
@drawing_options
@view_options
@click.option("--no-clobber", is_flag=True, help="Keep a picture that exists. Else it is replaced.")
@click.option(
    "--show", is_flag=True, help="Show the pictures in windows. Files are written only with --output."
)
@json_option
@reading_options
@budget_options
@click.pass_context
def plot(
    context: click.Context,
    model: str,
    layers: Sequence[str],
    channels: ChannelRanges,
    output: str | None,
    format: str | None,
    drawing: DrawingOptions,
    viewing: Mapping[str, Any],
    terminal: bool,
    no_clobber: bool,
    show: bool,
    as_json: bool,
    reading: Mapping[str, Any],
    budget: Budget,
) -> None:
    """Draw the filters of a convolution, the first one without --layer, and print the pictures' paths.

    As nolearn does: one picture for each input channel, each kernel scaled by its own smallest and largest
    weight. With --view, or an option of sheets (from --scale on): with indices, on one scale.

    \b
    Examples:
      filtviz plot model.pkl --layer 0
      filtviz plot model.pkl --layer 2 --through
    """
    if as_json and terminal:
        raise click.UsageError("--json and --terminal exclude each other")
    if output or not terminal:
        go_on_unread()
    from filtviz.api import plot as plot_filters
    from filtviz.drawing import VIEWS
    from filtviz.drawing.saving import find_destination

    with usage_errors():
        find_destination(output, format)
    result = plot_filters(
        model,
        layers=layers or (0,),
        channels=channels,
        output=None if (show or terminal) and output is None else output or ".",
        format=format,
        drawing=drawing,
        clobber=not no_clobber,
        progress=None if show or terminal or as_json else _tell,
        **viewing,
        budget=budget,
        **reading,
    )
    for sentence in result.cautions:
        say(sentence)
    for reason in (*(failure.reason for failure in result.failures), *result.left_out):
        complain(reason)
    if show and result.layers:
        from filtviz.drawing.saving import show_pictures

        show_pictures(result.pictures, result.options, backend=context.obj)
    if terminal:
        _show_in_terminal(result, budget)
    if as_json:
        from filtviz.cli.json_data import plot_data

        print_json(plot_data(model, result))
    elif show or terminal:
        for file in result.files:
            _tell(file)
    name_beside(result.stem, [model], "these pictures are")
    if result.files and not VIEWS[drawing.view].is_sheet:
        _name_sheet(result)
    if result.layers and not layers:
        _name_others(result.network)
    if result.files and not viewing["through"]:
        _name_noise(result, model)
    context.exit(1 if result.failures or result.left_out else 0)


def _show_in_terminal(result: PlotResult, budget: Budget) -> None:
    """Print the sheets of the layers, one after another."""
    from filtviz.drawing.estimates import pay_for_terminal

    account = budget.account(result.network)
    for each in result.layers:
        # --terminal asks for a view that is a sheet, see `view_options`.
        pages = cast("tuple[SheetPage, ...]", each.pictures)
        pay_for_terminal(pages[0], account, f"showing {each.layer.title}")
        print_sheets(pages)


def _tell(file: WrittenFile) -> None:
    """Print the path of a picture; say of one that was kept that it was."""
    if file.kept:
        say(f"kept {printable(file.path, 200)}, which exists")
    else:
        print_path(file.path)


def _name_sheet(result: PlotResult) -> None:
    """Name the view that has on one page what nolearn's layout spreads over many."""
    for each in result.layers:
        if each.layer.why_not_drawn is not None:  # over one axis or three: it is on a sheet as it is
            continue
        label, n = printable(each.layer.label, 40), len(each.pictures)
        if n >= MANY:
            say(f"{label}: one picture for each of {n} channels; --view sheet draws them all on one")


def _name_noise(result: PlotResult, model: str) -> None:
    """Say where to go on from layers in which the eye finds nothing."""
    from filtviz.measures.low_frequency import looks_like_noise

    drawn = [each.layer for each in result.layers if each.layer.why_not_drawn is None]
    noise = [layer for layer in drawn if looks_like_noise(layer.filters)]
    if noise:
        names = name_runs([(layer.conv_index, layer.label) for layer in noise])
        looks = "looks" if len(noise) == 1 else "look"
        why = f"`filtviz diagnose {shlex.quote(printable(model, 1000))}` says why"
        on_image = ", and --through draws deeper layers as they look on the image"
        say(f"{names} {looks} like noise: {why}{on_image if _has_deeper(result.network) else ''}")


def _has_deeper(network: Network) -> bool:
    """Tell whether there is a second convolution that could be composed with the first."""
    return len(network.conv_layers) > 1 and all(
        layer.is_told for layer in network.layers[: network.conv_layers[1].index + 1]
    )


def _name_others(network: Network) -> None:
    """Name the convolutions that were not asked for, so that nobody takes the first for the only one."""
    others = [f"{layer.conv_index} {printable(layer.label, 40)}" for layer in network.conv_layers[1:]]
    if not others:
        return
    shown = ", ".join(others[:NAMED]) + (
        ", … (`filtviz layers` lists them all)" if len(others) > NAMED else ""
    )
    say(f"this is layer 0; the model has {len(others)} more, which --layer draws: {shown}")
