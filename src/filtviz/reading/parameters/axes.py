"""Which axis of a convolution's weights are the filters, where no layer tells: by the bias, then by the chain."""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.reading.parameters.grouping import Group

__all__ = ["Sizes", "concluded_axes", "default_axes", "is_turned_round", "sizes_of"]

Sizes = tuple[int | None, int | None]
"""What goes into a layer and what comes out: channels and filters, or units."""

_DEFAULT = {3: "oic", 4: "oirc", 5: "oidrc", 6: "oircyx"}


def default_axes(dimensions: int) -> str | None:
    """Return Lasagne's order for weights of so many axes, None where no convolution has them."""
    return _DEFAULT.get(dimensions)


def input_first(axes: str) -> str:
    """Return the order of a transposed convolution."""
    return axes.replace("oi", "io")


def concluded_axes(groups: Sequence[Group], is_conv: Sequence[bool]) -> list[str | None]:
    """Return the order of the axes of each convolution: the length of its bias tells it, or else the layer before.

    Weights of which neither tells anything, as the first or square ones, have Lasagne's usual order.
    """
    orders = [_by_bias(found) if conv else None for found, conv in zip(groups, is_conv, strict=True)]
    before: int | None = None
    for place, (found, conv) in enumerate(zip(groups, is_conv, strict=True)):
        usual = default_axes(len(found.weight_shape)) if conv else None
        if usual is not None:
            shape = found.weight_shape
            swapped = before is not None and shape[1] != before == shape[0]
            orders[place] = orders[place] or (input_first(usual) if swapped else usual)
        before = sizes_of(found, orders[place])[1] or before
    return orders


def _by_bias(found: Group) -> str | None:
    usual, shape = default_axes(len(found.weight_shape)), found.weight_shape
    if usual is None or found.bias_length is None or shape[0] == shape[1]:
        return None
    return usual if found.bias_length == shape[0] else input_first(usual) if found.bias_length == shape[1] else None


def sizes_of(found: Group, axes: str | None, dense_axes: str = "io") -> Sizes:
    """Return how much goes into a layer and comes out of it, as far as its parameters tell."""
    shape = found.weight_shape
    if axes is not None and len(axes) == len(shape):
        return (shape[axes.index("i")] if "i" in axes else None), shape[axes.index("o")]
    if len(shape) == 2:
        return shape[dense_axes.index("i")], shape[dense_axes.index("o")]
    lengths = {named.array.shape for named in found.fields.values() if len(named.array.shape) == 1}
    length = lengths.pop()[0] if len(lengths) == 1 and not shape else None
    return length, length


def is_turned_round(groups: Sequence[Group], is_conv: Sequence[bool]) -> bool:
    """Tell a list that runs from the output to the input: each layer takes what the one after it in the list gives.

    Convolutions count where their bias tells the order of their axes, dense layers always.
    """
    sizes = []
    for found, conv in zip(groups, is_conv, strict=True):
        axes = _by_bias(found) if conv else None
        if axes is not None or (len(found.weight_shape) == 2 and not conv):
            sizes.append(sizes_of(found, axes))
    steps = list(zip(sizes, sizes[1:], strict=False))
    forward = sum(first[1] == second[0] for first, second in steps)
    backward = sum(first[0] == second[1] for first, second in steps)
    return forward == 0 and backward > 0
