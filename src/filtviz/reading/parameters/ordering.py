"""Which way a bare list runs: most go from the input to the output, some the other way."""

from __future__ import annotations

from collections.abc import Sequence

from filtviz.reading.parameters.axes import biased_axes, concluded_axes, fits
from filtviz.reading.parameters.collecting import NamedArray
from filtviz.reading.parameters.grouping import Group, group

__all__ = ["in_network_order", "is_convolution"]


def is_convolution(one: Group) -> bool:
    """Tell a convolution in two or three dimensions; weights of three axes may be something else."""
    return len(one.weight_shape) in (4, 5)


def in_network_order(arrays: Sequence[NamedArray]) -> list[Group]:
    """Group arrays into layers, inputs first.

    Where the file names the layers its order stands. Else the list, its layers from the last to the first,
    and its arrays from the last to the first (nolearn 0.5 writes ``b, W`` so) are compared, and the order is
    taken in which most biases and layers fit each other; the file's own where none is better.
    """
    groups = group(arrays)
    if any(named.layer is not None for named in arrays):
        return groups
    as_it_is = fits(groups, concluded_axes(groups, [is_convolution(one) for one in groups]))
    turned = max((groups[::-1], group(arrays[::-1])), key=_fitting_turned)
    return turned if _fitting_turned(turned) > as_it_is else groups


def _fitting_turned(groups: Sequence[Group]) -> int:
    """Count what speaks for a list that is turned round; there no layer is taken to be transposed to fit."""
    return fits(groups, [biased_axes(one) if is_convolution(one) else None for one in groups])
