"""What a file is and the layers that it holds, as texts for a page's tables."""

from __future__ import annotations

from collections.abc import Iterable

from filtviz.network import Network
from filtviz.outputs.page.content import ModelFile
from filtviz.summary import LayerRow, summarize

__all__ = ["NETWORK_HEADERS", "file_facts", "network_rows"]

NETWORK_HEADERS = ("#", "name", "type", "output", "filters", "stride", "pad", "parameters", "sees", "of the input")


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
    unknown = "?" if row.conv_index is not None else ""
    return (
        str(row.index),
        row.name or "",
        row.type,
        _product(row.output_shape) or "?",
        _product(row.filter_shape),
        _each_axis(row.stride) or unknown,
        _each_axis(row.pad and [str(a) if a == b else f"{a}+{b}" for a, b in row.pad]) or unknown,
        f"{row.parameters:,}",
        "?" if field is None else _product(field.size),
        "?" if field is None else _each_axis("?" if c is None else f"{c:.0%}" for c in field.coverage),
    )


def _product(numbers: Iterable[int | None] | None) -> str:
    return "" if numbers is None else "×".join("?" if n is None else str(n) for n in numbers)


def _each_axis(values: Iterable[object] | None) -> str:
    """Return one value where all axes have the same, else all of them."""
    shown = [str(value) for value in values or ()]
    return shown[0] if len(set(shown)) == 1 else "×".join(shown)
