"""``filtviz plot``: pictures of the filters of some layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from filtviz.cli.console import complain, say
from filtviz.cli.shared_options import (
    drawing_options,
    format_option,
    layer_option,
    model_argument,
    reading_options,
    usage_errors,
)
from filtviz.cli.view_options import Viewing, view_options
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Network
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import DrawingOptions, Picture
    from filtviz.drawing.selection import ChannelRanges
    from filtviz.drawing.sheet import SheetPage

__all__ = ["plot"]

NAMED = 20
"""So many of the other layers are named; that there are more is said."""

MANY = 8
"""With so many pictures of one layer, the sheet is named."""

Chosen = list[tuple[ConvLayer, "list[Picture]"]]


@click.command(short_help="Draw a layer's filters.")
@model_argument
@layer_option
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="A file (.png, .pdf, .svg) or a folder for several; default: the current folder.",
)
@format_option
@drawing_options
@view_options
@click.option("--no-clobber", is_flag=True, help="Keep a picture that exists instead of replacing it.")
@click.option("--show", is_flag=True, help="Show windows; files are written as well only with --output.")
@reading_options
@click.pass_context
def plot(
    context: click.Context,
    model: str,
    layers: Sequence[str],
    channels: ChannelRanges,
    output: str | None,
    suffix: str | None,
    drawing: DrawingOptions,
    viewing: Viewing,
    no_clobber: bool,
    show: bool,
    reading: Mapping[str, Any],
) -> None:
    """Draw the filters of MODEL's convolutions as nolearn does, one picture for each input channel.

    Each kernel is scaled by its own smallest and largest weight, and the grid is filled row by row. Without
    --layer the first convolution is drawn. The paths of the pictures are printed, one on each line.

    --view and the options that say how draw sheets instead, on which filters have indices and one scale.

    \b
    Examples:
      filtviz plot model.pkl --layer 0
      filtviz plot model.pkl --layer 2 --through
    """
    from filtviz.drawing import VIEWS
    from filtviz.drawing.saving import find_destination, plan_files, write_files
    from filtviz.files import layer_stems, model_stem
    from filtviz.reading import load

    with usage_errors():
        destination = find_destination(output, suffix)
    network = load(model, **reading)
    chosen, failed = _choose(network, model, layers, channels, drawing, viewing)
    if show and chosen:
        from filtviz.drawing.saving import show_pictures

        shown = [picture for _, pictures in chosen for picture in pictures]
        show_pictures(shown, drawing, backend=context.obj)
    if viewing.terminal:
        _print_pictures(chosen)
    if chosen and not ((show or viewing.terminal) and output is None):
        stems = layer_stems(network)
        named = {stems[layer.conv_index]: pictures for layer, pictures in chosen}
        planned = plan_files(named, model_stem(Path(model)), destination)
        for path, written in write_files(planned, destination.suffix, drawing, clobber=not no_clobber):
            if written:
                click.echo(path)
            else:
                say(f"kept {printable(path, 200)}, which exists")
        if not VIEWS[drawing.view].is_sheet:
            _name_sheet(chosen)
    if chosen and not layers:
        _name_others(network)
    context.exit(1 if failed else 0)


def _print_pictures(chosen: Chosen) -> None:
    """Show the layers in the terminal, as well as it can."""
    from filtviz.cli.console import print_sheets

    for _, pictures in chosen:
        # --terminal asks for a view that is a sheet, see `view_options`.
        print_sheets(cast("list[SheetPage]", pictures))


def _choose(
    network: Network,
    model: str,
    wanted: Sequence[str],
    channels: ChannelRanges,
    drawing: DrawingOptions,
    viewing: Viewing,
) -> tuple[Chosen, bool]:
    """Return the layers that were asked for with their pictures; complain of those that cannot be drawn."""
    from filtviz.drawing import VIEWS, draw
    from filtviz.drawing.grid import cautions
    from filtviz.drawing.selection import choose_channels

    if not network.conv_layers:
        complain(f"{printable(model, 200)} holds {network.describe()}: there is no filter to draw")
        return [], True
    chosen: dict[int, tuple[ConvLayer, list[Picture]]] = {}
    failed = False
    for name in wanted or ("0",):
        try:
            layer = network.select(name)
            if layer.conv_index in chosen:
                continue
            drawn, texts = viewing.prepare(network, layer, Path(model).name)
            numbers = choose_channels(drawn, channels)
            chosen[layer.conv_index] = layer, list(draw(drawn, numbers, drawing, texts))
        except FiltvizError as error:
            complain(str(error))
            failed = True
            continue
        for sentence in () if VIEWS[drawing.view].is_sheet else cautions(layer, numbers, drawing):
            say(sentence)
    return list(chosen.values()), failed


def _name_sheet(chosen: Chosen) -> None:
    """Name the view that has on one page what nolearn's layout spreads over many."""
    for layer, pictures in chosen:
        if len(pictures) >= MANY:
            label, n = printable(layer.label, 40), len(pictures)
            say(f"{label}: one picture for each of {n} channels; --view sheet draws them all on one")


def _name_others(network: Network) -> None:
    """Name the convolutions that were not asked for, so that nobody takes the first for the only one."""
    others = [f"{layer.conv_index} {printable(layer.label, 40)}" for layer in network.conv_layers[1:]]
    if not others:
        return
    shown = ", ".join(others[:NAMED]) + (
        ", … (`filtviz layers` lists them all)" if len(others) > NAMED else ""
    )
    say(f"this is layer 0; the model has {len(others)} more, which --layer draws: {shown}")
