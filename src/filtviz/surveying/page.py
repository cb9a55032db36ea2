"""What a survey says → one HTML document that needs nothing else, and no script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup

from filtviz._version import __version__
from filtviz.drawing.colours import DIVERGING, by_colour_map
from filtviz.measures.table import MEASURES
from filtviz.measures.verdicts import VERDICTS
from filtviz.reporting.rendering import content_security_policy, style, templates_of
from filtviz.surveying.summing import (
    Distribution,
    History,
    KernelComponents,
    LayerGroup,
    LayerHistory,
    SurveyContent,
)
from filtviz.text import listed, plural

__all__ = ["render_survey"]

PACKAGE = "filtviz.surveying"

WIDTH = 300
"""Of the plane of a distribution or a history, in its own units."""

HEIGHT = 110

PUBLISHED = (40, 16, 10.5, 9.5, 7.5, 5, 4, 3.5, 3.5)
"""Percent of the variance that each component explains in CNN Filter DB's first release, read to half a
percent off the curve of cumulative ratios in its repository's ``main.ipynb`` (November 2021)."""

MOST_FAILURES = 200
"""Files that failed and are listed; the tables have all of them."""


def render_survey(content: SurveyContent) -> str:
    """Return the page: HTML that works from disk, without a network and without a script.

    Args:
        content: What it says.
    """
    css = style() + resources.files(PACKAGE).joinpath("static", "survey.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("survey.html")
        .render(
            content=content,
            policy=content_security_policy("", css),
            style=Markup(css),  # noqa: S704  our own, and the policy's hash is of these very bytes
            answer=list(_answer(content)),
            verdicts=VERDICTS,
            measures=MEASURES,
            version=__version__,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = templates_of(PACKAGE)
    environment.filters |= {each.__name__: each for each in (box, ends, limits, points, share_of, tiles)}
    environment.globals |= {
        "WIDTH": WIDTH,
        "HEIGHT": HEIGHT,
        "MOST_FAILURES": MOST_FAILURES,
        "PUBLISHED": PUBLISHED,
    }
    return environment


_BROKEN = {
    "dead": ("never fires", "never fire"),
    "duplicate": ("repeats another filter of its layer", "repeat another filter of their layer"),
    "nonfinite": ("holds NaN or infinity", "hold NaN or infinity"),
}
"""What is the matter with filters → what one of them does, and what several do."""


def _answer(content: SurveyContent) -> Iterator[str]:
    """Say in a few sentences what was surveyed, and what is the matter."""
    n_read = content.statuses.get("read", 0)
    yield (
        f"{plural(n_read, 'model')} with {plural(content.layers, 'convolution')}, "
        f"{plural(content.filters, 'filter')} and {plural(content.parameters, 'weight')}."
    )
    groups = content.shares.get("depth", ())  # no layer is in none of them
    counts = {name: sum(each.verdicts.get(name, 0) for each in groups) for name in VERDICTS}
    untrained, collapsed = counts["initial"], counts["collapsed"]
    if untrained:
        part = share_of(untrained, content.layers)
        yield f"{part} of the layers are still as an initialiser left them ({untrained:,})."
    if collapsed:
        have = "has" if collapsed == 1 else "have"
        yield f"{plural(collapsed, 'layer')} {have} collapsed: most of the filters are one."
    counted = {name: sum(getattr(each, name) for each in groups) for name in _BROKEN}
    broken = [f"{n:,} {_BROKEN[name][n > 1]}" for name, n in counted.items() if n]
    if broken:
        yield f"Of the filters {listed(broken)}."
    if content.standouts:
        n = len({each.file for each in content.standouts})
        yield f"{plural(n, 'model')} stand{'s' if n == 1 else ''} out from the others."


def share_of(n: int, of: int) -> str:
    """Return a share in percent, "under 1%" where it is, and a dash for none."""
    if not n or not of:
        return "–"
    percents = 100 * n / of
    return "under 1%" if percents < 1 else f"{percents:.0f}%"


def _at(value: float, distribution: Distribution) -> float:
    """Return where a value lies on the axis; what is beyond its ends lies at them."""
    return WIDTH * min(max(_part(value, distribution.low, distribution.high), 0.0), 1.0)


def _part(value: float, low: float, high: float) -> float:
    """Return how far a value is from ``low`` to ``high``, as a part of that way; 0 where there is none."""
    if math.isinf(high - low):  # between numbers near the largest
        value, low, high = value / 2, low / 2, high / 2
    return (value - low) / ((high - low) or 1.0)


def box(group: LayerGroup, distribution: Distribution) -> dict[str, float]:
    """Return where the box of a group lies: its quantiles on the axis."""
    names = ("low", "left", "middle", "right", "high")
    return {name: _at(value, distribution) for name, value in zip(names, group.quantiles, strict=True)}


def ends(group: LayerGroup) -> list[tuple[str, Any]]:
    """Return the layers at the ends of a group, with the words for each end."""
    found = [("lowest", group.lowest), ("highest", group.highest)]
    return [(words, places) for words, places in found if places]


def tiles(components: KernelComponents) -> list[dict[str, Any]]:
    """Return the nine components as squares with their colours."""
    pictures = []
    for number, (basis, share) in enumerate(zip(components.basis, components.shares, strict=True), 1):
        colours = by_colour_map(basis / (float(np.abs(basis).max()) or 1.0), DIVERGING)
        squares = [
            {"x": col, "y": row, "fill": "#{:02x}{:02x}{:02x}".format(*colours[row, col].tolist())}
            for row in range(3)
            for col in range(3)
        ]
        pictures.append({"number": number, "share": float(share), "squares": squares})
    return pictures


def points(line: LayerHistory, history: History, axis: Mapping[str, float]) -> Markup:
    """Return the SVG points of a layer's line; all lines of a measure share one axis, see `limits`.

    They are as many as there are states, and no text of a file, which would be cut where it is long.
    """
    first, last = history.epochs[0], history.epochs[-1]
    return Markup(" ").join(
        f"{WIDTH * (epoch - first) / (last - first):.1f},{HEIGHT * (1 - _part(value, **axis)):.1f}"
        for epoch, value in zip(history.epochs, line.values, strict=True)
        if np.isfinite(value)
    )


def limits(lines: tuple[LayerHistory, ...]) -> Mapping[str, float]:
    """Return the ends of the axis that the lines of a measure share: of their finite values."""
    known = [value for each in lines for value in each.values if np.isfinite(value)]
    return {"low": min(known), "high": max(known)}
