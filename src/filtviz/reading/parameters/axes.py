"""Which axis of a convolution's weights are the filters, and which way a list runs, where no layer tells.

The length of a bias tells what its layer gives, and in a chain each layer takes what the one before it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from filtviz.reading.parameters.grouping import Group

__all__ = ["Sizes", "biased_axes", "concluded_axes", "default_axes", "fits", "sizes_of"]

Sizes = tuple[int | None, int | None]
"""What a layer takes and what it gives: channels and filters, or units; None where nothing tells."""

_DEFAULT = {3: "oic", 4: "oirc", 5: "oidrc", 6: "oircyx"}


def default_axes(dimensions: int) -> str | None:
    """Return Lasagne's order for weights of so many axes, None where no convolution has them."""
    return _DEFAULT.get(dimensions)


def concluded_axes(groups: Sequence[Group], is_conv: Sequence[bool]) -> list[str | None]:
    """Return the order of the axes of each convolution: the bias tells it, or else the layer before.

    Weights of which neither tells anything, as the first or square ones, have Lasagne's usual order, unless
    the layers after it fit only a transposed convolution.
    """
    usual, transposed = (_chained_axes(groups, is_conv, first_swapped=swapped) for swapped in (False, True))
    return transposed if fits(groups, transposed) > fits(groups, usual) else usual


def _chained_axes(
    groups: Sequence[Group], is_conv: Sequence[bool], *, first_swapped: bool
) -> list[str | None]:
    orders: list[str | None] = []
    before: int | None = None
    for found, conv in zip(groups, is_conv, strict=True):
        shape = found.weight_shape
        order = default_axes(len(shape)) if conv else None
        if order is not None:
            swapped = first_swapped if before is None else shape[1] != before == shape[0]
            order = _by_bias(found, order) or (_input_first(order) if swapped else order)
        orders.append(order)
        before = sizes_of(found, order)[1] or before
    return orders


def _input_first(axes: str) -> str:
    """Return the order of a transposed convolution."""
    return axes.replace("oi", "io")


def biased_axes(found: Group) -> str | None:
    """Return the order that the bias of a convolution tells, Lasagne's usual order where it tells none."""
    usual = default_axes(len(found.weight_shape))
    return usual if usual is None else _by_bias(found, usual) or usual


def _by_bias(found: Group, usual: str) -> str | None:
    shape = found.weight_shape
    if shape[0] == shape[1] or found.bias_length not in shape[:2]:
        return None
    return usual if found.bias_length == shape[0] else _input_first(usual)


def sizes_of(found: Group, axes: str | None, dense_axes: str = "io") -> Sizes:
    """Return what a layer takes and gives, as far as its parameters tell."""
    shape = found.weight_shape
    if axes is not None and len(axes) == len(shape):
        return (shape[axes.index("i")] if "i" in axes else None), shape[axes.index("o")]
    if len(shape) == 2:
        return shape[dense_axes.index("i")], shape[dense_axes.index("o")]
    lengths = {named.array.shape for named in found.fields.values() if len(named.array.shape) == 1}
    length = lengths.pop()[0] if len(lengths) == 1 and not shape else None
    return length, length


def fits(groups: Sequence[Group], axes: Sequence[str | None]) -> int:
    """Count what speaks for an order: biases that fit their weights, layers that fit the next one."""
    sizes = [sizes_of(found, order) for found, order in zip(groups, axes, strict=True)]
    with_weights = [
        (takes, gives) for found, (takes, gives) in zip(groups, sizes, strict=True) if found.weight
    ]
    biases = sum(
        found.bias_length is not None and found.bias_length == gives
        for found, (_, gives) in zip(groups, sizes, strict=True)
    )
    return biases + sum(
        first[1] is not None and first[1] == second[0] for first, second in pairwise(with_weights)
    )
