"""The page ``docs/measures.md``, made of the table."""

from __future__ import annotations

from filtviz.measures.measure import Measure
from filtviz.measures.table import CHECKS, LEVEL, MEASURES, VERDICTS

__all__ = ["as_markdown"]

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

A layer's verdict rests on six tests at Bonferroni's level .01/6 = {LEVEL:.5f} each, so that a layer of
independent draws is called anything but `initial` about once in a hundred times or less. Where the biases are
still 0 and an initialiser fits, structure must pass a tenth of that level. Filters are marked by Benjamini
and Hochberg's procedure at .05 within their layer.

| verdict | says | when |
|---|---|---|
"""

_WHEN = {
    "initial": "no structure, nothing has moved, and an initialiser fits the weights",
    "updated": (
        "no structure, but the biases (or the batch normalisation) have moved, or weights lie beyond the "
        "bound of the uniform initialiser whose trace the trained layers bear, or no initialiser of any "
        "scale draws such weights"
    ),
    "structured": "a test of structure passes the level",
    "collapsed": "structured, and over half of the filters is one direction, beyond chance",
    "undecided": (
        "NaN or infinite weights, one value only, fewer than 50 weights, or draws of a scale that no "
        "initialiser has in a layer without biases"
    ),
}


def as_markdown() -> str:
    """Return the page."""
    verdicts = "".join(f"| `{key}` | {text} | {_WHEN[key]} |\n" for key, text in VERDICTS.items())
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
    lines = [f"### {entry.title}", "", f"`{entry.key}`, of a {entry.level}.", ""]
    for heading, text in entry.as_text().items():
        if heading not in ("measure", "title", "of", "in verdict"):
            lines.append(f"- **{heading.capitalize()}**: {_escaped(text)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Keep Markdown from reading stars, underscores and bars in formulas."""
    return "".join(f"\\{c}" if c in "*_|<" else c for c in text)
