"""The content of a report → one HTML document that needs nothing else.

As an object it is a text that shows itself in a frame, and saves.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from filtviz._version import __version__
from filtviz.files import write_whole
from filtviz.given import check_path
from filtviz.measures.conclusions import noise_of
from filtviz.measures.table import MEASURES
from filtviz.measures.verdicts import VERDICTS
from filtviz.reporting.content import Histogram, PageContent, ReportedModel, filter_data, marked_filters
from filtviz.reporting.pictures import Sprite, palette
from filtviz.sources import Sources
from filtviz.summary import PAGE, Table
from filtviz.text import p_value, percent, plural, printable

if TYPE_CHECKING:
    from filtviz.reporting.content import PageContent

__all__ = [
    "CHART_HEIGHT",
    "CHART_WIDTH",
    "ReportPage",
    "bars",
    "content_security_policy",
    "file_facts",
    "network_table",
    "null_curve",
    "render_page",
    "style",
    "templates_of",
    "trail_points",
    "unbroken",
    "zoomed",
]


def file_facts(file: ReportedModel) -> list[tuple[str, str]]:
    """Return what is known of the file itself, as terms and their descriptions."""
    origin = file.network.origin
    summary = file.summary
    facts = {
        "File": "" if origin.path is None else str(origin.path),
        "Holds": file.network.describe(),
        "Container": origin.container,
        "Pickle protocol": "" if origin.protocol is None else str(origin.protocol),
        "Written by": f"Python {origin.python}" if origin.python else "",
        "Versions": ", ".join(f"{name} {version}" for name, version in origin.versions.items()),
        "Training": f"{len(file.network.history):,} epochs recorded" if file.network.history else "",
        "Parameters": f"{summary.parameters:,}, of them {summary.conv_parameters:,} in convolutions",
    }
    return [(term, text) for term, text in facts.items() if text]


def network_table(file: ReportedModel) -> Table:
    """Return the network as a table; the page makes its texts harmless."""
    return Table.of(file.summary, PAGE)


PACKAGE = "filtviz.reporting"
SCRIPTS = ("pixels.js", "painting.js", "panel.js", "places.js", "tiles.js", "page.js")
"""The page's script in the order of its parts: what a part uses stands before it."""

MOST_ROWS = 16
"""Layers in the table beside the answer; more are folded, so that what follows it is found."""

MOST_LINKED = 24
"""Filters of a list that are links each; of more the picture shows them at once."""

MOST_COMMANDS = 20
"""Models of which the page names the command whose picture shows most."""

SIDE_OF_GLANCE = 420
"""Pixels of a picture's side beside the answer; a style may show it smaller."""

LONGEST_TEXT = 5000
"""Characters of one text; a sentence of ours is shorter, a name in a file may be of any length."""


def render_page(content: PageContent, mark: str = "") -> str:
    """Return the page: HTML that works from disk without a network, and whose pictures need no script.

    Args:
        content: What the page says.
        mark: What tells which models it shows, see `filtviz.sources.Sources`.
    """
    script, css = _script(), style()
    return (
        _environment()
        .get_template("page.html")
        .render(
            content=content,
            policy=content_security_policy(script, css),
            script=Markup(script),  # noqa: S704  our own, and the policy's hash is of these very bytes
            style=Markup(css),  # noqa: S704
            palette=palette(),
            measures=MEASURES,
            verdicts=VERDICTS,
            version=__version__,
            mark=mark,
        )
    )


def content_security_policy(script: str, style: str) -> str:
    """Return the policy of a page that may run this script, use this style, show inline images; no more."""
    directives = {
        "default-src": "'none'",
        "script-src": _hash_source(script),
        "style-src": _hash_source(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _hash_source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{b64encode(digest).decode('ascii')}'"


def _script() -> str:
    return '"use strict";\n' + "\n".join(_read(name) for name in SCRIPTS)


def _read(name: str) -> str:
    return resources.files(PACKAGE).joinpath("static", name).read_text(encoding="utf-8")


def templates_of(package: str) -> Environment:
    """Return the templates of a package, in which every text is harmless and says numbers as filtviz does.

    Args:
        package: The dotted name of a package with a folder ``templates``.
    """
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters |= {
        "noise_of": noise_of,
        "brief": lambda text: printable(text, 60),
        "number": _number,
        "p_value": lambda p: "" if p is None else p_value(p),
        "percent": percent,
        "plural": plural,
        "unbroken": unbroken,
    }
    return environment


def style() -> str:
    """Return the style that all pages share."""
    return _read("report.css")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = templates_of(PACKAGE)
    environment.filters |= {
        "filter_data": filter_data,
        "marked_filters": marked_filters,
        "file_facts": file_facts,
        "zoomed": zoomed,
        "network_table": network_table,
        "picture_url": lambda sprite: Markup(sprite.url),  # noqa: S704  base64 of our own, longer than any text
        "bars": bars,
        "null_curve": null_curve,
        "trail_points": trail_points,
    }
    environment.globals |= {
        "MOST_ROWS": MOST_ROWS,
        "MOST_LINKED": MOST_LINKED,
        "MOST_COMMANDS": MOST_COMMANDS,
    }
    return environment


def _harmless(value: Any) -> Any:
    """Show the control and format characters of a text, which a page would obey (bidirectional overrides)."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, LONGEST_TEXT)
    return value


def unbroken(text: str) -> Markup:
    """Return a text in which options and names of files stand on one line each, also where they have hyphens.

    Args:
        text: A sentence, or a name.
    """
    parts = _harmless(text).split(" ")
    whole = Markup('<span class="whole">{}</span>')
    return Markup(" ").join(whole.format(part) if "-" in part else part for part in parts)


def zoomed(sprite: Sprite) -> tuple[int, int]:
    """Return the width and height at which a picture is shown, a whole number of times its own."""
    height, width = sprite.layout.size
    times = max(1, SIDE_OF_GLANCE // max(height, width))
    return width * times, height * times


def _number(value: float | None) -> str:
    """Write a number with three digits that count; a dash for none."""
    return "–" if value is None else f"{value:.3g}"


CHART_WIDTH, CHART_HEIGHT = 480, 140
"""Of a histogram's plane, in its own units."""

TRAIL_WIDTH, TRAIL_HEIGHT = 90, 22


def bars(histogram: Histogram) -> str:
    """Return the SVG path of the histogram's bars."""
    n = len(histogram.counts)
    width = CHART_WIDTH / n
    steps = []
    for place, count in enumerate(histogram.counts.tolist()):
        if count:
            height = CHART_HEIGHT * count / histogram.highest
            steps.append(f"M{place * width:.1f} {CHART_HEIGHT}v{-height:.1f}h{width - 0.5:.1f}v{height:.1f}z")
    return "".join(steps)


def null_curve(histogram: Histogram) -> str:
    """Return the SVG points of what the initialiser would draw; empty where that is not known."""
    if histogram.null is None:
        return ""
    x = (histogram.null[:, 0] / histogram.limit + 1) / 2 * CHART_WIDTH
    y = CHART_HEIGHT - histogram.null[:, 1] / histogram.highest * CHART_HEIGHT
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def trail_points(values: Sequence[float | None]) -> Markup:
    """Return the SVG points of a value from file to file; empty for fewer than three that are known.

    They are as many as there are files, and no text of a file, which would be cut where it is long.
    """
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 3:
        return Markup()
    numbers = [value for _, value in known]
    low, spread = min(numbers), max(numbers) - min(numbers)
    step = TRAIL_WIDTH / (len(values) - 1)
    return Markup(" ").join(
        f"{place * step:.1f},{TRAIL_HEIGHT * (0.5 if spread == 0 else 1 - (value - low) / spread):.1f}"
        for place, value in known
    )


HEIGHT = 720
"""Of the frame in a notebook, in pixels."""


class ReportPage(str):
    """The HTML document of a report: a text like any other, which a notebook shows in a frame.

    ``content`` is what it says, as facts.
    """

    content: PageContent
    _sources: Sources

    __slots__ = ("_sources", "content")

    @classmethod
    def of(cls, text: str, content: PageContent, sources: Sources) -> ReportPage:
        """Return a page.

        Args:
            text: The document.
            content: What it says.
            sources: The models that it shows, over which it is never saved.
        """
        page = cls(text)
        page.content, page._sources = content, sources
        return page

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was left out, and which option shows it."""
        return self.content.notes

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page.

        Args:
            path: Its file; what was there is replaced.

        Returns:
            The file.

        Raises:
            OutputError: it cannot be written, or is one of the models.
        """
        target = Path(check_path(path, "a page"))
        text = self.encode()
        write_whole(target, lambda stream: stream.write(text), self._sources)
        return target

    def _repr_html_(self) -> str:
        return _frame_of(self)

    def __repr__(self) -> str:
        return f"<ReportPage of {len(self):,} characters: .save('report.html') writes it>"


def _frame_of(page: str) -> str:
    """Return a page in a frame of its own, which reaches nothing of what is around it.

    Args:
        page: An HTML document.
    """
    # Its script runs, without the origin of the notebook: it can neither read it nor its cookies.
    return (
        '<iframe sandbox="allow-scripts" title="report of filtviz" '
        f'style="width:100%;height:{HEIGHT}px;border:1px solid #8884" srcdoc="{escape(page)}"></iframe>'
    )
