"""``filtviz layers``: the network as a table, whose columns are those of `filtviz.summary`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from filtviz.cli.console import GUTTER, column_widths, fit, format_columns, print_json, say, window
from filtviz.cli.helping import Command
from filtviz.cli.json_data import network_data
from filtviz.cli.shared_options import json_option, model_argument, reading_options
from filtviz.network import Network
from filtviz.summary import MOST_INPUTS, TERMINAL, Summary, Table
from filtviz.text import listed, plural, printable

__all__ = ["layers"]


@click.command(cls=Command, short_help="Print the network as a table.")
@model_argument
@click.option(
    "-v", "--verbose", is_flag=True, help="Say what the file is: container, protocol, versions, classes."
)
@click.option("-a", "--all", "whole", is_flag=True, help="Print all columns and rows, however wide and long.")
@click.option(
    "--architecture-template",
    "as_template",
    is_flag=True,
    help="Print what was concluded of weights without a graph, as a text to correct for --architecture.",
)
@json_option
@reading_options
def layers(
    model: str, verbose: bool, whole: bool, as_template: bool, as_json: bool, reading: dict[str, Any]
) -> None:
    """Print the network in MODEL as a table, as much of it as the window has room for.

    FILTERS is W's shape as stored: (filters, channels, rows, columns) for a Conv2DLayer. FIELD is the
    receptive field, the piece of the input that one unit sees, in pixels; COVERS is its share of the input.
    A question mark stands for what the file does not tell.

    \b
    Examples:
      filtviz layers model.pkl
      filtviz layers weights.npz --architecture-template > net.toml
    """
    from filtviz.api import architecture_template
    from filtviz.api import layers as list_layers

    if as_template:
        click.echo(architecture_template(model, **reading), nl=False)
        return
    result = list_layers(model, **reading)
    network = result.network
    if as_json:
        print_json(network_data(network, result.summary))
        return
    if verbose:
        _print_origin(network)
    _print_table(network, result.summary, model, whole=whole)
    if not network.conv_layers:
        say(f"{printable(model, 200)} {network.why_nothing_to_draw}")


def _print_table(network: Network, summary: Summary, model: str, *, whole: bool) -> None:
    columns, lines = window()
    missing: list[str] = []
    table = Table.of(summary, TERMINAL)
    if not whole:
        table, missing = _fitting(table, columns)
    printed = format_columns(table.rows, table.headings, table.numbers)
    below = list(_facts(network, summary))
    if not whole:
        below = [part for text in below for part in textwrap.wrap(fit(text), columns)]
    room = len(printed) if whole or lines is None else max(FEWEST + 2, lines - len(below) - 4)
    hidden = [f"the column{'s'[: len(missing) > 1]} {listed(missing)}"] if missing else []
    hidden += [plural(len(printed) - room, "layer")] if len(printed) > room else []
    if hidden:
        command = f"filtviz layers {printable(model, 200)} --all"
        what = textwrap.wrap(fit(f"… no room for {listed(hidden)}, see"), columns)
        below = [*what, fit(f"  {command}"), "", *below]
    else:
        below = ["", *below]
    for line in (*printed[:room], *below):
        click.echo(line)


FEWEST = 4
"""So many layers are shown however low the window is."""

SHORTEST, NARROWEST = 24, 12
"""Characters left of a long name or type: before a column is left out, and where no other can be."""


def _fitting(table: Table, columns: int) -> tuple[Table, list[str]]:
    """Return as much of a table as fits between two margins, and the headings of the columns that do not."""
    widths = column_widths(table.rows, table.headings)
    kept = list(range(len(widths)))
    names = [i for i in kept if table.headings[i] in ("name", "type")]

    def shorten(least: int) -> None:
        for i in sorted(names, key=lambda i: -widths[i]):
            widths[i] = max(min(widths[i], least), widths[i] - max(0, excess()))

    def excess() -> int:
        return sum(widths[i] for i in kept) + len(GUTTER) * (len(kept) - 1) - columns

    shorten(SHORTEST)
    for i in sorted(kept, key=lambda i: -table.yields[i]):
        if table.yields[i] and excess() > 0:
            kept.remove(i)
    shorten(NARROWEST)
    if excess() > 0:
        kept = [i for i in kept if table.headings[i] != "output"]
    rows = [tuple(_cut(row[i], widths[i]) for i in kept) for row in table.rows]
    fitting = replace(
        table,
        headings=tuple(table.headings[i] for i in kept),
        rows=tuple(rows),
        numbers=tuple(table.numbers[i] for i in kept),
    )
    return fitting, [heading for i, heading in enumerate(table.headings) if i not in kept]


def _cut(cell: str, width: int) -> str:
    return cell if len(fit(cell)) <= width else f"{cell[: width - 1]}…"


def _facts(network: Network, summary: Summary) -> Iterator[str]:
    """Yield what stands below the table."""
    yield (
        f"{plural(len(summary.rows), 'layer')}, {summary.convolutions:,} of them convolutions; "
        f"{plural(summary.parameters, 'parameter')}, {summary.conv_parameters:,} of them in convolutions"
    )
    if any(len(row.inputs) > MOST_INPUTS for row in summary.rows):
        yield f"of more than {MOST_INPUTS} layers that feed one the first are named; --json lists all"
    for sentence in network.origin.inferred:
        yield f"inferred: {printable(sentence, 1000)}"
    for what in network.origin.left_out:
        yield f"left out: {printable(what, 1000)}"


def _print_origin(network: Network) -> None:
    origin = network.origin
    facts = {
        "file": printable(origin.path, 200),
        "holds": origin.kind,
        "framework": origin.framework,
        "producer": origin.producer,
        "order": origin.order,
        "container": origin.container,
        "pickle protocol": "" if origin.protocol is None else str(origin.protocol),
        "written by": f"Python {origin.python}" if origin.python else "",
        "versions": ", ".join(f"{name} {version}" for name, version in origin.versions.items()),
        "training": f"{len(network.history):,} epochs recorded" if network.history else "",
    }
    for key, value in facts.items():
        if value:
            click.echo(f"{key + ':':<17}{printable(value, 400)}")
    for note in origin.notes:
        click.echo(f"{'note:':<17}{printable(note, 1000)}")
    if origin.classes:
        click.echo(f"classes named in the file, none of which was imported ({len(origin.classes)}):")
        for name in origin.classes:
            click.echo(f"  {printable(name, 120)}")
    click.echo()
