"""The network as a table: one row a layer, and the totals; which columns the outputs show, and their cells.

To add a column: a field of `LayerRow`, filled in `summarize`, and an entry in `COLUMNS`. The terminal, the
report and notebooks take heading and cells from there, and the field is the key in JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from filtviz.network import ConvLayer, Network
from filtviz.parameter import Shape
from filtviz.receptive_field import ReceptiveField, receptive_fields
from filtviz.shapes import layer_window
from filtviz.text import printable

__all__ = [
    "COLUMNS",
    "MOST_INPUTS",
    "NOTEBOOK",
    "PAGE",
    "TERMINAL",
    "Column",
    "LayerRow",
    "Style",
    "Summary",
    "Table",
    "summarize",
]


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer of the table; None stands for what the layer does not have or the file does not tell.

    ``filter_shape`` is ``W``'s shape as stored; ``stride``, ``dilation`` and ``kernel`` count units of the
    layer below, per axis; ``pad`` is ``(before, after)`` per axis; ``axes`` are those of the weights, a
    letter each (`filtviz.operations.Convolution`). Each field is a key of ``filtviz layers --json``.
    """

    index: int
    conv_index: int | None
    name: str | None
    type: str
    inputs: tuple[int, ...]
    output_shape: Shape | None
    filter_shape: tuple[int, ...] | None
    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    pad: tuple[tuple[int, int], ...] | None
    dilation: tuple[int, ...] | None
    flip_filters: bool | None
    axes: str | None
    groups: int | None
    parameters: int
    receptive_field: ReceptiveField | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The rows in network order and what they sum to."""

    rows: tuple[LayerRow, ...]
    parameters: int
    conv_parameters: int
    convolutions: int


def summarize(network: Network) -> Summary:
    """Return the table of a network's layers."""
    rows = []
    for layer, seen in zip(network.layers, receptive_fields(network), strict=True):
        conv = layer if isinstance(layer, ConvLayer) else None
        window = layer_window(layer, network)
        rows.append(
            LayerRow(
                index=layer.index,
                conv_index=None if conv is None else conv.conv_index,
                name=layer.shown_name if conv is None else conv.label,
                type=layer.type,
                inputs=layer.inputs,
                output_shape=layer.output_shape,
                filter_shape=None if conv is None else conv.weights.shape,
                kernel=None if window is None else window.size,
                stride=None if window is None else window.stride,
                pad=None if window is None else window.pad,
                dilation=None if window is None else window.dilation,
                flip_filters=None if conv is None else conv.flip_filters,
                axes=None if conv is None else conv.axes,
                groups=getattr(conv.convolution, "groups", None) if conv is not None else None,
                parameters=layer.n_parameters,
                receptive_field=seen,
            )
        )
    convs = network.conv_layers
    return Summary(
        rows=tuple(rows),
        parameters=sum(row.parameters for row in rows),
        conv_parameters=sum(layer.n_parameters for layer in convs),
        convolutions=len(convs),
    )


MOST_INPUTS = 12
"""So many of the layers that feed one are named in a cell; a column is as wide as the longest."""

Place = Literal["terminal", "page", "notebook"]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How an output writes its cells.

    ``sign`` stands between the lengths of a shape, ``untold`` for what the file does not tell. A name has at
    most ``longest`` characters; None hands it over as the file has it, to an output that makes it harmless
    itself. ``tells_inputs`` names the layers that feed a layer where that is not simply the row above.
    """

    place: Place
    sign: str
    untold: str = "?"
    longest: int | None = 40
    tells_inputs: bool = False


TERMINAL = Style(place="terminal", sign="x", tells_inputs=True)
PAGE = Style(place="page", sign="×", longest=None)
NOTEBOOK = Style(place="notebook", sign=" x ", untold="")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the table.

    ``elsewhere`` holds what it is called in other outputs than most, None where they leave it out. ``cell``
    writes it for a row; ``is_number`` sets it to the right. Where there is no room for all columns those with
    the highest ``yields`` are left out first, and those without never.
    """

    heading: str
    cell: Callable[[LayerRow, Style], str]
    elsewhere: Mapping[Place, str | None] = field(default_factory=dict)
    is_number: bool = False
    yields: int = 0

    def heading_in(self, style: Style) -> str | None:
        """Return what it is called in an output, None where that leaves it out."""
        return self.elsewhere.get(style.place, self.heading)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What an output shows of a network: headings, the cells of each layer, and which columns are numbers.

    ``yields`` tells which columns are left out first, see `Column`.
    """

    headings: tuple[str, ...]
    layers: tuple[LayerRow, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[bool, ...]
    yields: tuple[int, ...] = ()

    @classmethod
    def of(cls, summary: Summary, style: Style) -> Table:
        """Write the rows as an output shows them."""
        shown = [(column, heading) for column in COLUMNS if (heading := column.heading_in(style)) is not None]
        return cls(
            headings=tuple(heading for _, heading in shown),
            layers=summary.rows,
            rows=tuple(tuple(column.cell(row, style) for column, _ in shown) for row in summary.rows),
            numbers=tuple(column.is_number for column, _ in shown),
            yields=tuple(column.yields for column, _ in shown),
        )


def _word(text: str, style: Style) -> str:
    return text if style.longest is None else printable(text, style.longest)


def _type(row: LayerRow, style: Style) -> str:
    usual = (row.index - 1,)
    feeds = f" ← {_inputs(row)}" if style.tells_inputs and row.inputs not in (usual, ()) else ""
    groups = f" ({row.groups:,} groups)" if row.groups is not None and row.groups > 1 else ""
    return _word(row.type, style) + groups + feeds


def _inputs(row: LayerRow) -> str:
    named, more = ", ".join(map(str, row.inputs[:MOST_INPUTS])), len(row.inputs) - MOST_INPUTS
    return f"{named} and {more:,} more" if more > 0 else named


def _output(row: LayerRow, style: Style) -> str:
    """Write the shape of what a layer gives: "()" for a single number."""
    return style.untold if row.output_shape is None else _product(row.output_shape, style.sign) or "()"


def _step(values: Iterable[object] | None, row: LayerRow, style: Style) -> str:
    """Write a stride or a padding; a convolution has one even where the file does not tell it."""
    return _each_axis(values, style.sign) or (style.untold if row.conv_index is not None else "")


def _pad(row: LayerRow, style: Style) -> str:
    return _step(row.pad and [str(a) if a == b else f"{a}+{b}" for a, b in row.pad], row, style)


def _field(row: LayerRow, style: Style) -> str:
    seen = row.receptive_field
    return style.untold if seen is None else _product(seen.size, style.sign)


def _coverage(row: LayerRow, style: Style) -> str:
    if row.receptive_field is None:
        return style.untold
    return _each_axis(("?" if c is None else f"{c:.0%}" for c in row.receptive_field.coverage), style.sign)


COLUMNS = (
    Column(heading="#", cell=lambda row, _: str(row.index), is_number=True, yields=3),
    Column(
        heading="conv",
        cell=lambda row, _: "" if row.conv_index is None else str(row.conv_index),
        elsewhere={"page": None},
        is_number=True,
    ),
    Column(heading="name", cell=lambda row, style: _word(row.name or "", style)),
    Column(heading="type", cell=_type),
    Column(heading="output", cell=_output),
    Column(heading="filters", cell=lambda row, style: _product(row.filter_shape, style.sign)),
    Column(
        heading="stride",
        cell=lambda row, style: _step(row.stride, row, style),
        elsewhere={"notebook": None},
        yields=4,
    ),
    Column(heading="pad", cell=_pad, elsewhere={"notebook": None}, yields=5),
    Column(
        heading="parameters",
        cell=lambda row, _: f"{row.parameters:,}",
        elsewhere={"terminal": "params"},
        is_number=True,
        yields=2,
    ),
    Column(heading="field", cell=_field, elsewhere={"page": "sees", "notebook": "receptive field"}, yields=1),
    Column(heading="covers", cell=_coverage, elsewhere={"page": "of the input", "notebook": None}, yields=6),
)
"""All columns of the table of layers, in their order."""


def _product(numbers: Iterable[int | None] | None, sign: str) -> str:
    """Write a shape: "20x1x3x3", with a question mark for what is open; empty for None."""
    return "" if numbers is None else sign.join("?" if n is None else str(n) for n in numbers)


def _each_axis(values: Iterable[object] | None, sign: str) -> str:
    """Write one value where all axes have the same, else all of them; empty for None."""
    shown = [str(value) for value in values or ()]
    return shown[0] if len(set(shown)) == 1 else sign.join(shown)
