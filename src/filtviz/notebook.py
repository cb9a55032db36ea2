"""What a notebook shows of layers, networks, diagnoses and results.

Importing filtviz gives their classes a ``_repr_png_`` or ``_repr_html_``, so that the classes themselves know
nothing of pictures and markup; what draws is imported when a notebook asks. Texts that come out of a file are
escaped, and have no control characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO

from filtviz.answer_text import SHOWN, shown_cells
from filtviz.errors import FiltvizError
from filtviz.measures.comparison import LayerComparison
from filtviz.measures.measure import Diagnosis, LayerDiagnosis
from filtviz.network import ConvLayer, Network
from filtviz.results import ComparisonResult, LayersResult, PlotResult
from filtviz.text import plural, printable

__all__ = ["attach", "comparison_html", "diagnosis_html", "layer_png", "network_html", "plot_html"]

MOST_TILES = 1024
"""A layer with more kernels is shown by one tile for each filter."""


def attach() -> None:
    """Let notebooks show layers as pictures and networks as tables."""
    ConvLayer._repr_png_ = layer_png  # type: ignore[attr-defined]
    Network._repr_html_ = network_html  # type: ignore[attr-defined]
    Diagnosis._repr_html_ = diagnosis_html  # type: ignore[attr-defined]
    LayersResult._repr_html_ = lambda result: network_html(result.network)  # type: ignore[attr-defined]
    PlotResult._repr_html_ = plot_html  # type: ignore[attr-defined]
    LayerComparison._repr_html_ = lambda one: _paragraph(_of_comparison(one))  # type: ignore[attr-defined]
    ComparisonResult._repr_html_ = comparison_html  # type: ignore[attr-defined]


def layer_png(layer: ConvLayer) -> bytes | None:
    """Return the layer's sheet as PNG; None for weights that are no pictures: these are shown as text."""
    from filtviz.budget import Budget
    from filtviz.drawing import DrawingOptions, draw
    from filtviz.drawing.estimates import pay_for_pages, pay_for_view

    few = layer.n_filters * layer.n_channels <= MOST_TILES
    options, channels = DrawingOptions(view="sheet" if few else "rms"), range(layer.n_channels)
    account = Budget().account(Network(layers=(layer,)))
    try:
        pay_for_view(layer, channels, options, "png", account)
        picture = next(draw(layer, channels, options))
        pay_for_pages([picture], "png", account, f"drawing {layer.title}")
        image = picture.image()
    except FiltvizError:
        return None
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def network_html(network: Network) -> str:
    """Return the network as a table in HTML; nothing out of the file is taken for markup."""
    from filtviz.summary import NOTEBOOK, Table, summarize

    summary = summarize(network)
    table = Table.of(summary, NOTEBOOK)
    head = "".join(f"<th>{escape(heading)}</th>" for heading in table.headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    title = escape(f"{network.describe()}; {summary.parameters:,} parameters")
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


MOST_ROWS = 200
"""Layers of a diagnosis that are shown; of more it is said how many they are."""

LONGEST = 5000
"""Characters of a text; ours are shorter."""

_CELL = "text-align:left;vertical-align:top;padding:.2em .8em .2em 0"
_BADGE = "border:1px solid;border-radius:.7em;padding:0 .5em;margin-right:.3em;white-space:nowrap"
_COLOURS = {
    "initial": "#b26a00",
    "updated": "#8a6d3b",
    "structured": "#2e7d32",
    "collapsed": "#c62828",
    "undecided": "#757575",
}
"""Of the verdicts, readable on white and on black."""


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """Return a diagnosis in HTML: the answer, a row for each layer, and what to look at.

    Args:
        diagnosis: Of one model.
    """
    parts = [f"<p><strong>{_text(diagnosis.answer)}</strong></p>"]
    if diagnosis.layers:
        parts.append(_table_of(diagnosis))
    for sentence, command in (
        (diagnosis.look, diagnosis.commands[0] if diagnosis.commands else ""),
        (diagnosis.more, diagnosis.more_command),
        *diagnosis.others,
    ):
        if sentence:
            parts.append(_paragraph(sentence) + (f"<pre>{_text(command)}</pre>" if command else ""))
    parts += [_paragraph(f"Left out: {sentence}") for sentence in diagnosis.left_out[:MOST_ROWS]]
    return "".join(parts)


def _table_of(diagnosis: Diagnosis) -> str:
    layers = diagnosis.layers
    told = [shown_cells(diagnosis, [each]) for each in layers[:MOST_ROWS]]
    kept = [place for place in range(len(SHOWN)) if any(cells[place] for cells in told)]
    measured = any(change.cos2 is not None for each in layers for change in each.changes)
    headings = (
        "layer",
        "filters",
        "verdict",
        "as before" if measured else "noise",
        *(SHOWN[place] for place in kept),
        "to be seen",
        "filters that are",
    )
    head = "".join(f'<th style="{_CELL}">{heading}</th>' for heading in headings)
    rows = "".join(
        _row_of(each, [cells[place] for place in kept])
        for each, cells in zip(layers[:MOST_ROWS], told, strict=True)
    )
    more = len(layers) - MOST_ROWS
    left = _paragraph(f"and {plural(more, 'more layer')}") if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{left}"


def _row_of(layer: LayerDiagnosis, shown: Sequence[str]) -> str:
    from filtviz.measures.conclusions import noise_of
    from filtviz.measures.verdicts import VERDICTS

    verdict = _badge(VERDICTS[layer.verdict].word, layer.sentence, _COLOURS[layer.verdict])
    cells = (
        _text(printable(layer.name, 60)),
        "x".join(map(str, layer.shape)),
        verdict,
        noise_of([layer]),
        *map(_text, shown),
        _text(layer.seen),
        _badges_of(layer),
    )
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _badges_of(layer: LayerDiagnosis) -> str:
    """Return how many filters of a layer have each badge, the gravest first."""
    from filtviz.measures.badges import ALL_BADGES, badges_of

    counts = Counter(badge for badges in badges_of(layer).values() for badge in badges)
    return "".join(
        _badge(f"{counts[each]:,} {each.word}", each.meaning) for each in ALL_BADGES if counts[each]
    )


def _badge(word: str, title: str, colour: str = "inherit") -> str:
    return f'<span style="{_BADGE};color:{colour}" title="{_text(title)}">{_text(word)}</span>'


def plot_html(result: PlotResult) -> str:
    """Return the pictures of a result as a strip, and below it what misled and what failed.

    Args:
        result: What `filtviz.plot` drew.
    """
    from filtviz.drawing.showing import strip_html

    failures = [each.reason for each in result.failures]
    return strip_html(result.pictures) + _sentences([*result.cautions, *failures, *result.left_out])


def comparison_html(result: ComparisonResult) -> str:
    """Return what changed, a sentence for each layer.

    Args:
        result: What `filtviz.compare` found.
    """
    failures = [each.reason for each in result.failures]
    return _sentences([*map(_of_comparison, result.comparisons), *result.cautions, *failures])


def _of_comparison(comparison: LayerComparison) -> str:
    return f"{comparison.label}: {comparison.sentence}"


def _sentences(sentences: Iterable[str]) -> str:
    return "".join(map(_paragraph, list(sentences)[:MOST_ROWS]))


def _paragraph(sentence: str) -> str:
    return f"<p>{_text(sentence)}</p>"


def _text(text: object) -> str:
    """Return a text in which nothing is markup, and nothing turns the direction of writing."""
    return escape(printable(text, LONGEST))
