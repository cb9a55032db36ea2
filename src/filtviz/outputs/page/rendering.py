"""The content of a report → one HTML document that needs nothing else."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from filtviz._version import __version__
from filtviz.measures.table import MEASURES, VERDICTS
from filtviz.measures.wording import p_value, plural
from filtviz.outputs.files import write_whole
from filtviz.outputs.page import charts
from filtviz.outputs.page.content import PageContent
from filtviz.outputs.page.filterdata import filter_data, marked_filters
from filtviz.outputs.page.sprites import palette
from filtviz.outputs.page.tables import NETWORK_HEADERS, file_facts, network_rows
from filtviz.text import printable

__all__ = ["content_security_policy", "render_page", "write_page"]

PACKAGE = "filtviz.outputs.page"
SCRIPTS = ("pixels.js", "painting.js", "panel.js", "tiles.js", "page.js")
"""The page's script in the order of its parts: what a part uses stands before it."""

MOST_ROWS = 40
"""Of a table or list that stands open; a longer one is folded, so that what follows it is found."""

LONGEST_TEXT = 5000
"""Characters of one text; a sentence of ours is shorter, a name in a file may be of any length."""


def render_page(content: PageContent) -> str:
    """Return the page: HTML that works from disk without a network, and whose pictures need no script."""
    script, style = _script(), _read("report.css")
    return (
        _environment()
        .get_template("page.html")
        .render(
            content=content,
            policy=content_security_policy(script, style),
            script=Markup(script),  # noqa: S704  our own, and the policy's hash is of these very bytes
            style=Markup(style),  # noqa: S704
            palette=palette(),
            measures=MEASURES,
            verdicts=VERDICTS,
            version=__version__,
        )
    )


def write_page(content: PageContent, path: Path) -> None:
    """Write the page to ``path``, whole or not at all; what was there is replaced.

    Raises:
        OutputError: it cannot be written.
    """
    page = render_page(content).encode()
    write_whole(path, lambda stream: stream.write(page))


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


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters |= {
        "brief": lambda text: printable(text, 60),
        "number": _number,
        "p_value": lambda p: "" if p is None else p_value(p),
        "plural": plural,
        "filter_data": filter_data,
        "marked_filters": marked_filters,
        "file_facts": file_facts,
        "network_rows": network_rows,
        "picture_url": lambda sprite: Markup(sprite.url),  # noqa: S704  base64 of our own, longer than any text
        "bars": charts.bars,
        "null_curve": charts.null_curve,
        "trail_points": charts.trail_points,
    }
    environment.globals |= {"NETWORK_HEADERS": NETWORK_HEADERS, "MOST_ROWS": MOST_ROWS}
    return environment


def _harmless(value: Any) -> Any:
    """Show the control and format characters of a text, which a page would obey (bidirectional overrides)."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, LONGEST_TEXT)
    return value


def _number(value: float | None) -> str:
    """Write a number with three digits that count; a dash for none."""
    return "–" if value is None else f"{value:.3g}"
