"""``filtviz explain``: what a measure, a verdict or a question means, and what weights cannot say."""

from __future__ import annotations

import textwrap

import click

from filtviz.cli.console import fit, format_table, print_json
from filtviz.cli.helping import Command
from filtviz.cli.shared_options import json_option
from filtviz.measures.measure import Measure
from filtviz.measures.table import CHECKS, JUDGING, LEVEL, MEASURES
from filtviz.measures.topics import TOPICS, Topic, explained
from filtviz.measures.verdicts import VERDICTS
from filtviz.paper import window_width

__all__ = ["as_markdown", "explain"]

_N = len(JUDGING)

_INTRODUCTION = f"""\
# What `filtviz diagnose` measures

This page is made by `filtviz explain --markdown`; `filtviz explain MEASURE` prints one entry.

All of it comes from the weights alone. **None of it is a mark of quality**: networks that were trained on
random labels have filters as smooth and as structured as others (Maennel et al. 2020), collapsed ones have
smoother ones, and networks with random first filters can serve well (Jarrett et al. 2009; Saxe et al. 2011).
With an earlier file at hand, `--before` measures what this page estimates.

Notation: W is filters x channels x rows x columns; O filters, C channels, p weights of a kernel, N = O·C
kernels, d = C·p weights of a filter.

## Verdicts

A layer's verdict rests on {_N} tests at Bonferroni's level .01/{_N} = {LEVEL:.5f} each, so that a layer of
independent draws is called anything but `initial` about once in a hundred times or less. Where nothing has
moved and an initialiser fits, structure must pass a tenth of that level, and where values were set afterwards
(pruned, rounded, brought to one scale) a hundredth. Filters are marked by Benjamini and Hochberg's procedure
at .05 within their layer.

| verdict | says | when |
|---|---|---|
"""


def as_markdown() -> str:
    """Return the page."""
    verdicts = "".join(
        f"| `{key}` | {verdict.says} | {verdict.when} |\n" for key, verdict in VERDICTS.items()
    )
    rows = "".join(_row(entry) for entry in MEASURES.values())
    checks = "".join(f"- `{rule}`: {text}\n" for rule, text in CHECKS.items())
    return (
        f"{_INTRODUCTION}{verdicts}\n## What `--check` can look for\n\n{checks}\n"
        f"## The measures\n\n| measure | title | null | in the verdict |\n|---|---|---|---|\n{rows}\n"
        + "\n".join(_section(entry) for entry in MEASURES.values())
    )


def _row(entry: Measure) -> str:
    judges = "yes" if entry.judges else ""
    return f"| `{entry.key}` | {entry.title} | {_escaped(entry.short_null)} | {judges} |\n"


def _section(entry: Measure) -> str:
    lines = [f"### {entry.title}", "", f"`{entry.key}`, of a {entry.of}. {_escaped(entry.meaning)}", ""]
    for heading, text in entry.as_text().items():
        if heading not in ("measure", "title", "meaning", "of", "in verdict"):
            lines.append(f"- **{heading.capitalize()}**: {_escaped(text)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Keep Markdown from reading stars, underscores and bars in formulas."""
    return "".join(f"\\{c}" if c in "*_|<" else c for c in text)


@click.command(cls=Command, short_help='Tell what a measure, a verdict or a word like "random" means.')
@click.argument("topic", required=False, metavar="[TOPIC]")
@json_option
@click.option("--markdown", is_flag=True, help="Print the page docs/measures.md, which holds all of them.")
def explain(topic: str | None, as_json: bool, markdown: bool) -> None:
    """Tell what TOPIC means: a measure of `filtviz diagnose`, a verdict, or a word such as "random".

    It begins with plain words; of a measure follow what it cannot say, its formula, null and source. Without
    TOPIC all are listed.

    \b
    Example:
      filtviz explain random
    """
    if markdown:
        click.echo(as_markdown(), nl=False)
        return
    if topic is None:
        if as_json:
            print_json([entry.as_text() for entry in MEASURES.values()])
        else:
            click.echo(_list_all())
        return
    found = explained(topic)
    if as_json:
        print_json(found.as_text())
    else:
        click.echo(_tell_topic(found) if isinstance(found, Topic) else _tell(found))


def _list_all() -> str:
    left = window_width() - max(map(len, TOPICS)) - 4
    told = [
        [key if place == 0 else "", line]
        for key, topic in TOPICS.items()
        for place, line in enumerate(textwrap.wrap(topic.title, left))
    ]
    topics = format_table(told, ["topic", "question"])
    rows = [[entry.key, entry.title, "judges" if entry.judges else ""] for entry in MEASURES.values()]
    measures = format_table(rows, ["measure", "what it looks at", "verdict"])
    how = "`filtviz explain TOPIC` tells what it means, `filtviz explain MEASURE` the formula, too."
    return "\n".join([f"{topics}\n\n{measures}\n", *_wrapped(how)])


def _tell_topic(topic: Topic) -> str:
    parts = [topic.title, "", *_wrapped(topic.meaning)]
    if topic.exactly:
        parts += ["", *_wrapped(topic.exactly, f"{'exactly':<12}")]
    if topic.measures:
        rows = [[key, MEASURES[key].title] for key in topic.measures]
        parts += ["", format_table(rows, ["measure", "what it looks at"])]
    parts += ["", *(f"  {command}" for command in topic.commands)]
    return "\n".join(parts)


def _tell(entry: Measure) -> str:
    lines = [f"{entry.title} ({entry.key})", "", *_wrapped(entry.meaning), ""]
    for heading, text in entry.as_text().items():
        if heading not in ("measure", "title", "meaning"):
            lines += _wrapped(text, f"{heading:<12}")
    return "\n".join(lines)


def _wrapped(text: str, label: str = "") -> list[str]:
    return textwrap.wrap(
        fit(text),
        window_width(),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_on_hyphens=False,
    )
