"""What a file is and the layers that it holds, as texts for a page's tables."""

from __future__ import annotations

from filtviz.network import Network
from filtviz.outputs.page.content import ModelFile
from filtviz.summary import LayerRow, each_axis, product, summarize

__all__ = ["NETWORK_HEADERS", "file_facts", "network_rows"]

NETWORK_HEADERS = (
    "#",
    "name",
    "type",
    "output",
    "filters",
    "stride",
    "pad",
    "parameters",
    "sees",
    "of the input",
)

TIMES = "×"


def file_facts(file: ModelFile) -> list[tuple[str, str]]:
    """Return what is known of the file itself, as terms and their descriptions."""
    origin = file.network.origin
    summary = summarize(file.network)
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


def network_rows(network: Network) -> list[tuple[LayerRow, tuple[str, ...]]]:
    """Return each layer's row with its cells, one for each of `NETWORK_HEADERS`."""
    return [(row, _cells(row)) for row in summarize(network).rows]


def _cells(row: LayerRow) -> tuple[str, ...]:
    field = row.receptive_field
    pads = row.pad and [str(a) if a == b else f"{a}+{b}" for a, b in row.pad]
    shares = [] if field is None else ["?" if c is None else f"{c:.0%}" for c in field.coverage]
    unknown = "?" if row.conv_index is not None else ""
    return (
        str(row.index),
        row.name or "",
        row.type,
        product(row.output_shape, TIMES) or "?",
        product(row.filter_shape, TIMES),
        each_axis(row.stride, TIMES) or unknown,
        each_axis(pads, TIMES) or unknown,
        f"{row.parameters:,}",
        "?" if field is None else product(field.size, TIMES),
        "?" if field is None else each_axis(shares, TIMES),
    )
