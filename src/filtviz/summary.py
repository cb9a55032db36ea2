"""The network as a table: one row a layer, and the totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from filtviz.network import ConvLayer, Network
from filtviz.parameter import Shape
from filtviz.receptive_field import ReceptiveField, receptive_fields
from filtviz.shapes import layer_window

__all__ = ["LayerRow", "Summary", "each_axis", "product", "summarize"]


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer of the table; None stands for what the layer does not have or the file does not tell.

    ``filter_shape`` is ``W``'s shape as stored; ``stride``, ``dilation`` and ``kernel`` count units of the
    layer below, per axis; ``pad`` is ``(before, after)`` per axis.
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
    for layer, field in zip(network.layers, receptive_fields(network), strict=True):
        conv = layer if isinstance(layer, ConvLayer) else None
        window = layer_window(layer, network)
        rows.append(
            LayerRow(
                index=layer.index,
                conv_index=None if conv is None else conv.conv_index,
                name=layer.name if conv is None else conv.label,
                type=layer.type,
                inputs=layer.inputs,
                output_shape=layer.output_shape,
                filter_shape=None if conv is None else conv.weights.shape,
                kernel=None if window is None else window.size,
                stride=None if window is None else window.stride,
                pad=None if window is None else window.pad,
                dilation=None if window is None else window.dilation,
                flip_filters=None if conv is None else conv.flip_filters,
                parameters=layer.n_parameters,
                receptive_field=field,
            )
        )
    convs = network.conv_layers
    return Summary(
        rows=tuple(rows),
        parameters=sum(row.parameters for row in rows),
        conv_parameters=sum(layer.n_parameters for layer in convs),
        convolutions=len(convs),
    )


def product(numbers: Iterable[int | None] | None, sign: str = "x") -> str:
    """Write a shape: "20x1x3x3", with a question mark for what is open; empty for None."""
    return "" if numbers is None else sign.join("?" if n is None else str(n) for n in numbers)


def each_axis(values: Iterable[object] | None, sign: str = "x") -> str:
    """Write one value where all axes have the same, else all of them; empty for None."""
    shown = [str(value) for value in values or ()]
    return shown[0] if len(set(shown)) == 1 else sign.join(shown)
