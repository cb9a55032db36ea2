"""``filtviz layers``: the network as a table."""

from __future__ import annotations

from typing import Any

import click

from filtviz.cli.console import format_table, print_json, say
from filtviz.cli.helping import Command
from filtviz.cli.json_data import network_data
from filtviz.cli.shared_options import json_option, model_argument, reading_options
from filtviz.network import Network
from filtviz.summary import MOST_INPUTS, TERMINAL, Summary, Table
from filtviz.text import plural, printable

__all__ = ["layers"]


@click.command(cls=Command, short_help="Print the network as a table.")
@model_argument
@click.option(
    "-v", "--verbose", is_flag=True, help="Say what the file is: container, protocol, versions, classes."
)
@json_option
@reading_options
def layers(model: str, verbose: bool, as_json: bool, reading: dict[str, Any]) -> None:
    """Print the network in MODEL as a table.

    FILTERS is W's shape as stored: (filters, channels, rows, columns) for a Conv2DLayer. FIELD is the
    receptive field, the piece of the input that one unit sees, in pixels; COVERS is its share of the input.
    A question mark stands for what the file does not tell.

    \b
    Example:
      filtviz layers model.pkl
    """
    from filtviz.api import layers as list_layers

    result = list_layers(model, **reading)
    network = result.network
    if as_json:
        print_json(network_data(network, result.summary))
        return
    if verbose:
        _print_origin(network)
    _print_table(network, result.summary)
    if not network.conv_layers:
        say(f"{printable(model, 200)} holds {network.describe()}: there is no filter to draw")


def _print_table(network: Network, summary: Summary) -> None:
    table = Table.of(summary, TERMINAL)
    align = ["right" if is_number else "left" for is_number in table.numbers]
    click.echo(format_table(table.rows, table.headings, colalign=align))
    click.echo()
    click.echo(
        f"{plural(len(summary.rows), 'layer')}, {summary.convolutions:,} of them convolutions; "
        f"{plural(summary.parameters, 'parameter')}, {summary.conv_parameters:,} of them in convolutions"
    )
    if any(len(row.inputs) > MOST_INPUTS for row in summary.rows):
        click.echo(f"of more than {MOST_INPUTS} layers that feed one the first are named; --json lists all")
    for sentence in network.origin.inferred:
        click.echo(f"inferred: {printable(sentence, 1000)}")
    for what in network.origin.left_out:
        click.echo(f"left out: {printable(what, 1000)}")


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
