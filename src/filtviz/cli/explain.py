"""``filtviz explain``: what a measure is, and what it cannot say."""

from __future__ import annotations

import textwrap

import click

from filtviz.cli.console import print_json
from filtviz.cli.options import json_option
from filtviz.measures.measure import Measure
from filtviz.measures.page import as_markdown
from filtviz.measures.table import MEASURES, measure_named

__all__ = ["explain"]

_WIDTH = 96


@click.command(short_help="Tell what a measure is.")
@click.argument("measure", required=False, metavar="[MEASURE]")
@json_option
@click.option("--markdown", is_flag=True, help="Print the page docs/measures.md, which holds all of them.")
def explain(measure: str | None, as_json: bool, markdown: bool) -> None:
    """Tell what a MEASURE of `filtviz diagnose` is: formula, null, source, and what it cannot say.

    Without MEASURE all of them are listed.

    \b
    Example:
      filtviz explain low-frequency
    """
    if markdown:
        click.echo(as_markdown(), nl=False)
        return
    chosen = list(MEASURES.values()) if measure is None else [measure_named(measure)]
    if as_json:
        print_json([entry.as_text() for entry in chosen] if measure is None else chosen[0].as_text())
    elif measure is None:
        click.echo(_list_all(chosen))
    else:
        click.echo(_tell(chosen[0]))


def _list_all(entries: list[Measure]) -> str:
    from tabulate import tabulate

    rows = [[entry.key, entry.title, "judges" if entry.judges else ""] for entry in entries]
    table = tabulate(rows, ["measure", "what it looks at", "verdict"], tablefmt="simple")
    return f"{table}\n\n`filtviz explain MEASURE` tells the formula, the null, and what it cannot say."


def _tell(entry: Measure) -> str:
    lines = [f"{entry.title} ({entry.key})", ""]
    for heading, text in entry.as_text().items():
        if heading in ("measure", "title"):
            continue
        label = f"{heading:<12}"
        lines += textwrap.wrap(
            text, _WIDTH, initial_indent=label, subsequent_indent=" " * len(label), break_on_hyphens=False
        )
    return "\n".join(lines)
