"""``filtviz graph``: the network drawn."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from filtviz.cli.console import answer_data, fit, format_table, model_data, print_json, print_path
from filtviz.cli.helping import Command
from filtviz.cli.shared_options import json_option, model_argument, reading_options, usage_errors
from filtviz.paper import Paper

if TYPE_CHECKING:
    from filtviz.results import GraphResult

__all__ = ["graph"]


@click.command(cls=Command, short_help="Draw the network: boxes and what flows between them.")
@model_argument
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="A file (.png, .svg, .pdf, .dot, .mmd) or a folder; default: the current folder.",
)
@click.option(
    "--format",
    type=click.Choice(["png", "svg", "pdf", "dot", "mmd"]),
    help="The format: a picture, or the text of Graphviz (dot) or Mermaid (mmd).",
)
@click.option(
    "--whole",
    is_flag=True,
    help="Draw a box for each layer. Else normalisations, activations and dropout stand in the box of the "
    "layer that they follow.",
)
@click.option(
    "--terminal", is_flag=True, help="Print the network as lines. A file is written only with --output."
)
@json_option
@reading_options
def graph(
    model: str,
    output: str | None,
    format: str | None,
    whole: bool,
    terminal: bool,
    as_json: bool,
    reading: dict[str, Any],
) -> None:
    """Draw the network in MODEL: a box for each layer, coloured by kind, and shapes where something flows on.

    Links are dashed where the file does not tell what feeds what. A long network goes on in another column.
    No other program is needed; .dot and .mmd are for those who have Graphviz or Mermaid.

    \b
    Examples:
      filtviz graph model.onnx
      filtviz graph model.pkl -o net.svg
    """
    from filtviz.api import graph as draw_graph

    writes = output is not None or not (terminal or as_json)
    with usage_errors():
        result = draw_graph(
            model, output=output or "." if writes else None, format=format, whole=whole, **reading
        )
    if as_json:
        print_json(_data(result))
    elif terminal:
        _print_lines(result)
    for file in result.files:
        print_path(file.path, as_message=as_json or terminal)


def _data(result: GraphResult) -> dict[str, Any]:
    found, path = result.graph, result.network.origin.path
    file = None if path is None else str(path)
    data = {
        "file": file,
        "summary": found.summary,
        "is_told": found.is_told,
        "boxes": [{"id": number, **asdict(box)} for number, box in enumerate(found.boxes)],
        "links": [list(link) for link in found.links],
        "files": [str(each.path) for each in result.files],
    }
    return answer_data([model_data(file)], data)


def _print_lines(result: GraphResult) -> None:
    from filtviz.drawing.graphs import as_lines

    click.echo(Paper.of_window(fit).wrapped(f"{result.graph.name}: {result.graph.summary}"), nl=False)
    if not result.graph.is_told:
        click.echo("what feeds what is concluded: the file does not tell it")
    click.echo(format_table(list(as_lines(result.graph)), ("layer", "what it does", "gives", "takes")))
