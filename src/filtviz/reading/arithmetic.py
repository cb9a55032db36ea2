"""What graphs of several formats do with a constant of the file, said in operations: sums, products, pads.

A graph has its own order of axes; the caller says along which axes of our units each axis of a constant lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from filtviz.activations import Activation
from filtviz.operations import Crop, Identity, Merge, Normalisation, Operation, Pad, PadMode
from filtviz.parameter import Parameter, Shape

__all__ = ["Arithmetic", "clipped", "negated", "padded", "with_constant"]

Arithmetic = Literal["add", "subtract", "multiply", "divide", "maximum", "minimum", "power"]

Operations = tuple[Operation, ...]


def with_constant(
    kind: Arithmetic,
    held: Parameter,
    along: Sequence[int],
    below: Shape | None,
    *,
    is_first: bool = False,
    name: str = "",
) -> Operations | None:
    """Return what combines units with a constant, None where that is not known, or enlarges them.

    Args:
        kind: What is done.
        held: The constant.
        along: For each of its axes the one of the units along which it lies.
        below: The shape of the units.
        is_first: Whether the constant is the first of the two.
        name: The file's word for it.
    """
    vector = _vector(held, along, below)
    if vector is None:
        return None
    values, axes = vector
    match kind:
        case "add":
            return (Normalisation(beta=values, along=axes, is_batch=False),)
        case "subtract" if is_first:
            return (*negated(), Normalisation(beta=values, along=axes, is_batch=False))
        case "subtract":
            return (Normalisation(mean=values, along=axes, is_batch=False),)
        case "multiply":
            return (Normalisation(gamma=values, along=axes, is_batch=False),)
        case "divide" if is_first:
            inverse = Activation(kind="power", name=name, alpha=-1.0)
            return (inverse, Normalisation(gamma=values, along=axes, is_batch=False))
        case "divide":
            return (Normalisation(spread=values, spread_is="std", along=axes, is_batch=False),)
    if values.size != 1 or (is_first and kind == "power"):
        return None
    number = float(np.asarray(values.value).reshape(()))
    if kind == "power":
        return (Activation(kind="power", name=name, alpha=number),) if number != 1 else (Identity(what=name),)
    low, high = (number, math.inf) if kind == "maximum" else (-math.inf, number)
    return clipped(low, high, name)


def negated() -> Operations:
    """Return what turns the sign of units."""
    return (Merge(kind="add", coefficients=(-1.0,)),)


def clipped(low: float, high: float, name: str) -> Operations | None:
    """Return what keeps units between two ends, None where there is nothing between them.

    Args:
        low: The lower end, minus infinity for none.
        high: The upper end, infinity for none.
        name: The file's word for it.
    """
    if not low <= high:
        return None
    if low == 0 and high == math.inf:
        return (Activation(kind="rectify", name=name),)
    if low == 0 and high > 0:
        return (Activation(kind="clipped_rectify", name=name, alpha=high),)
    return (Activation(kind="clip", name=name, low=low, high=high),)


def _vector(
    held: Parameter, along: Sequence[int], below: Shape | None
) -> tuple[Parameter, tuple[int, ...]] | None:
    """Return a constant without its axes of length 1, and along which axes of the units the others lie."""
    axes = [
        (axis, length, place)
        for place, (length, axis) in enumerate(zip(held.shape, along, strict=True))
        if length != 1
    ]
    if held.size < 1:
        return None
    for axis, length, _ in axes:
        if below is None or not 0 < axis < len(below) or below[axis] not in (None, length):
            return None
    order = [place for *_, place in sorted(axes)]
    lengths = tuple(held.shape[place] for place in order) or (1,)
    lies = tuple(sorted(axis for axis, *_ in axes)) or (1,)
    if lengths == held.shape and order == sorted(order):
        return held, lies
    turned = order + [place for place in range(len(held.shape)) if place not in order]
    made = replace(held, shape=lengths, read=lambda: held.value.transpose(turned).reshape(lengths))
    return made, lies


def padded(
    pairs: Sequence[tuple[int, int]], value: float = 0.0, mode: PadMode = "constant"
) -> Operations | None:
    """Return what puts numbers around units, or takes some away, but for images and channels.

    Args:
        pairs: How many before and behind, for each axis of the units; below zero what is taken away.
        value: The number, where there is one.
        mode: What else stands there.
    """
    if not pairs or any(pairs[0]) or (len(pairs) > 1 and min(pairs[1]) < 0):
        return None
    first = 2 if len(pairs) > 2 and not any(pairs[1]) else 1
    added = tuple((max(before, 0), max(behind, 0)) for before, behind in pairs[first:])
    taken = tuple((max(-before, 0), max(-behind, 0)) for before, behind in pairs[2:])
    pad = Pad(pad=added, value=value, first_axis=first, mode=mode)
    return (pad, Crop(crop=taken)) if any(map(any, taken)) else (pad,)
