"""What a notebook shows of a layer and of a network.

Importing filtviz gives the two classes their ``_repr_png_`` and ``_repr_html_``, so that the classes
themselves know nothing of pictures; what draws is imported when a notebook asks.
"""

from __future__ import annotations

from html import escape
from io import BytesIO

from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Network

__all__ = ["attach", "layer_png", "network_html"]

MOST_TILES = 1024
"""A layer with more kernels is shown by one tile for each filter."""


def attach() -> None:
    """Let notebooks show layers as pictures and networks as tables."""
    ConvLayer._repr_png_ = layer_png  # type: ignore[attr-defined]
    Network._repr_html_ = network_html  # type: ignore[attr-defined]


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
