"""The sizes that a node of an ONNX graph is told to give, and the operators that resize."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from filtviz.operations import Concatenate, Coordinates, Resize, Untold, Upscale
from filtviz.parameter import Shape
from filtviz.reading.formats.onnx.cases import Case, Operations
from filtviz.shapes import output_shape

__all__ = ["known_shape", "upscale"]

_LARGEST = 1 << 30
"""A factor or a block that no image has."""


def known_shape(case: Case) -> Shape | None:
    """Return the shape that a node is told to give, whether or not it is known how; None for most.

    Args:
        case: The node.
    """
    if case.operator in ("Upsample", "Resize"):
        return _resized(case)
    if case.operator == "Expand":
        return _expanded(case)
    if case.operator == "DepthToSpace":
        return _rearranged(case)
    if case.operator == "MatMul" and len(case.shapes) == 2:
        return _multiplied(*case.shapes)
    if case.operator == "Concat":
        constants = [one.shape for one in case.given if one is not None]
        whole = not any(one is not None for one in case.lengths)
        return (
            output_shape(Concatenate(axis=case.axis(1)), [*case.shapes, *constants])
            if constants and whole
            else None
        )
    if case.operator == "ConstantOfShape" and (held := case.computed(0)) is not None:
        return tuple(one.whole for one in held.numbers)
    return None


def _expanded(case: Case) -> Shape | None:
    """Return the shape of an input that is repeated along its axes of length 1."""
    held, repeated = case.computed(1), case.constant(0)
    said = case.integers("shape", 1) if held is None else [one.whole for one in held.numbers]
    below = case.first if repeated is None else repeated.shape
    if below is None or said is None:
        return None
    rank = max(len(said), len(below))
    pairs = zip(_of_rank(said, rank), _of_rank(below, rank), strict=True)
    return tuple(had if wanted == 1 else wanted if had in (1, wanted) else None for wanted, had in pairs)


def _multiplied(left: Shape | None, right: Shape | None) -> Shape | None:
    """Return the shape of one stack of matrices times another one as high, None where they do not fit."""
    if left is None or right is None or len(left) != len(right) or len(left) < 2 or left[:-2] != right[:-2]:
        return None
    if None not in (left[-1], right[-2]) and left[-1] != right[-2]:
        return None
    return (*left[:-1], right[-1])


def _of_rank(lengths: Sequence[int | None], rank: int) -> list[int | None]:
    return [1] * (rank - len(lengths)) + list(lengths)


def _rearranged(case: Case) -> Shape | None:
    size, below = case.attributes.integer("blocksize"), case.first
    if below is None or len(below) != 4 or not 0 < size < _LARGEST:
        return None
    batch, channels, *plane = below
    made = None if channels is None or channels % size**2 else channels // size**2
    return (batch, made, *(n and n * size for n in plane))


def _resized(case: Case) -> Shape | None:
    rank = len(case.first) if case.first is not None else 0
    sizes = case.computed(3)
    if case.operator == "Resize" and sizes is not None and sizes.array.shape == (rank,):
        return tuple(one.whole for one in sizes.numbers)
    said = case.constant(3) if case.operator == "Resize" else None
    wholes = said.integers() if said is not None else None
    if wholes is not None and len(wholes) == rank:
        return tuple(wholes)
    scales = case.attributes.reals("scales") or case.reals(
        1 if case.operator == "Upsample" or case.opset < 11 else 2
    )
    if (
        case.first is None
        or scales is None
        or len(scales) != rank
        or any(not 0 < one < _LARGEST for one in scales)
    ):
        return None
    return tuple(
        None if length is None else int(length * scale)
        for length, scale in zip(case.first, scales, strict=True)
    )


def upscale(case: Case) -> Operations | None:
    """Read Upsample and Resize where they repeat numbers, or interpolate between two.

    Args:
        case: The node.
    """
    if case.attributes.text("mode", "nearest") in ("linear", "bilinear"):
        return _interpolation(case)
    scales = _scales(case)
    if scales is None or len(scales) < 3 or scales[0] != 1 or scales[1] != 1:
        return None
    whole = [int(one) for one in scales[2:] if one >= 1 and one == int(one) and one < _LARGEST]
    if len(whole) < len(scales) - 2 or not _repeats(case, whole):
        return (Untold(reason="it resizes its input in another way than by repeating numbers"),)
    return (Upscale(scale=tuple(whole)),)


_COORDINATES: Mapping[str, Coordinates] = {
    "half_pixel": "half_pixel", "pytorch_half_pixel": "pytorch_half_pixel", "align_corners": "align_corners",
    "asymmetric": "asymmetric",
}  # fmt: skip


def _interpolation(case: Case) -> Operations | None:
    newer = case.operator == "Resize" and case.opset >= 11
    how = case.attributes.text("coordinate_transformation_mode", "half_pixel") if newer else "asymmetric"
    coordinates = _COORDINATES.get(how)
    rank, attributes = 0 if case.first is None else len(case.first), case.attributes
    odd = attributes.integer("antialias") or attributes.integers("axes") is not None
    odd = odd or attributes.text("keep_aspect_ratio_policy", "stretch") != "stretch"
    if coordinates is None or odd or rank < 3:
        return (Untold(reason="it resizes its input in a way that is not followed"),)
    scales = (attributes.reals("scales") or case.reals(2 if newer else 1)) or []
    if len(scales) == rank and scales[0] == scales[1] == 1 and all(0 < one < _LARGEST for one in scales):
        return (Resize(scale=tuple(scales[2:]), coordinates=coordinates),)
    sizes = (known_shape(case) or ()) if not scales else ()
    known = tuple(one for one in sizes[2:] if one is not None and one > 0)
    if len(sizes) != rank or len(known) != rank - 2 or case.first is None or sizes[1] != case.first[1]:
        return (Untold(reason="it resizes its input to a size that is not known"),)
    return (Resize(size=known, coordinates=coordinates),)


def _repeats(case: Case, scales: Sequence[int]) -> bool:
    """Tell whether enlarging by whole numbers repeats each number as often."""
    if case.attributes.text("mode", "nearest") != "nearest":
        return False
    if case.operator != "Resize" or case.opset < 11:
        return True
    how = case.attributes.text("coordinate_transformation_mode", "half_pixel")
    rounds = case.attributes.text("nearest_mode", "round_prefer_floor")
    if how in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        return rounds.startswith("round")
    return how == "asymmetric" and (rounds == "floor" or (rounds == "round_prefer_floor" and max(scales) < 3))


def _scales(case: Case) -> list[float] | None:
    """Return by how much each axis is enlarged: as it is said, or of the sizes below and above."""
    if case.operator == "Upsample" or case.opset < 11:
        return case.attributes.reals("scales") or case.reals(1)
    if scales := case.reals(2):
        return scales
    sizes = known_shape(case)
    if sizes is None or case.first is None or len(sizes) != len(case.first):
        return None
    pairs = list(zip(sizes, case.first, strict=True))
    same = [
        1.0 if place < 2 and (wanted == had or wanted is None) else None
        for place, (wanted, had) in enumerate(pairs)
    ]
    found = [
        one or (wanted / had if wanted is not None and had else None)
        for one, (wanted, had) in zip(same, pairs, strict=True)
    ]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else None
