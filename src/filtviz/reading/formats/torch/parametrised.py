"""What ``torch.nn.utils.parametrize`` keeps under ``parametrizations`` → the weights that are computed.

A file keeps what the weights start from (``original``, or ``original0`` and ``original1``) and, by their
places in the list, the tensors of the parametrisations: never their classes, nor those that have no tensors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from filtviz.parameter import holds_numbers
from filtviz.reading.arrays import AnyArray, ElementType
from filtviz.reading.formats.torch.norms import (
    MOST_ROWS,
    Array,
    Floats,
    base_fits,
    computed_like,
    floats,
    gain_fits,
    is_square,
    is_unmoved,
    may_be_reflections,
    orthogonal,
    orthogonal_work,
    reflections_alone,
    spectral_norm,
    vectors_fit,
    weight_norm,
)
from filtviz.reading.limits import Computing, Spending
from filtviz.reading.tensors import Tensor
from filtviz.text import listed, printable

__all__ = ["SPECTRAL_NORM", "WEIGHT_NORM", "Parametrised", "parametrised"]

_STEP = re.compile(r"(?P<place>\d{1,4})\.(?P<last>.+)", re.DOTALL)
_ORIGINAL = re.compile(r"original(\d{1,4})?")
_MOST_NAMED = 4

WEIGHT_NORM = "weight normalisation, g · v / ‖v‖"
SPECTRAL_NORM = "spectral normalisation, W / σ"
_EXPONENTIAL = "made orthogonal by the exponential of a matrix"
_REFLECTIONS = "made orthogonal by Householder's reflections"
_BY_DEFAULT = "PyTorch's own choice for the shape, which the file does not tell"
_NO_REFLECTIONS = "its diagonal is not that of reflections; the file does not tell it from a Cayley map"
_ALONE = "as the signs on its diagonal tell"
_UNMOVED = "made orthogonal by what it started from: nothing was learned since, and every map gives the same"
_AT_A_STEP = 8
"""Numbers that are looked at in one step, as a power of two."""


@dataclass(frozen=True, kw_only=True)
class Parametrised:
    """The ``whole`` that parts make, None where they stay what they are, and ``what`` makes it.

    Where that ``is_assumed``, the file does not tell it from others of PyTorch's own.
    """

    what: str
    whole: Tensor | None = None
    is_assumed: bool = False


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One parametrisation: its word, its tensors, what it makes of the weights and of these, and its work."""

    what: str
    beside: tuple[AnyArray, ...] = ()
    compute: Callable[..., Array]
    work: int = 0
    is_assumed: bool = False


def parametrised(
    name: str, parts: Mapping[str, Tensor], computing: Computing, effort: Spending | None = None
) -> Parametrised | None:
    """Return the weights that a parametrisation makes, or why they are shown as they are stored.

    Args:
        name: The name of the weights.
        parts: What is kept under ``parametrizations``, by the names behind that of the weights.
        computing: What it may take to compute them.
        effort: What looking at numbers takes its steps from; where there is none, they tell nothing.
    """
    types = [part.array.dtype for part in parts.values()]
    if not all(holds_numbers(dtype) and dtype.itemsize > 1 for dtype in types):  # of bytes nobody computes
        return None
    originals = [part for last, part in parts.items() if _ORIGINAL.fullmatch(last)]
    if not originals:
        return None
    shapes = [one.array.shape for one in originals]
    first, inputs = originals[-1].array, [one.array for one in originals]
    is_norm = len(originals) == 2 and {"original0", "original1"} <= parts.keys() and gain_fits(shapes)
    kept = [last for last in parts if not _ORIGINAL.fullmatch(last)]
    named = f", {listed([printable(last, 40) for last in kept], _MOST_NAMED)} beside" if kept else ""
    if len(originals) > 1 and not is_norm:
        several = listed([printable(last, 40) for last in parts], _MOST_NAMED)
        return Parametrised(
            what=f"a parametrisation of several arrays ({several}) that the file does not tell; these are "
            "shown as they are stored"
        )
    steps = _steps(
        first.shape,
        {last: parts[last] for last in kept},
        after_norm=is_norm,
        numbers=None if is_norm else _Numbers(first, effort),
    )
    if steps is None or not (steps or is_norm) or not computing.affords(sum(one.work for one in steps)):
        what = (
            f"a parametrisation that the file does not tell{named}; shown is what it starts from, as stored"
        )
        return Parametrised(what=what, whole=Tensor(name=name, array=first, parts=tuple(parts.values())))
    words = [WEIGHT_NORM] * is_norm + [step.what for step in steps]

    def compute(dtype: ElementType) -> Array:
        held = [one.read() for one in inputs]
        between = np.dtype(np.float64)
        found = weight_norm(*held, dtype=between if steps else dtype) if is_norm else held[0]
        for number, step in enumerate(steps, start=1):
            beside = [one.read() for one in step.beside]
            found = step.compute(found, *beside, dtype=between if number < len(steps) else dtype)
        return found

    array = computed_like(first, compute)
    return Parametrised(
        what=", then ".join(words),
        whole=Tensor(name=name, array=array, parts=tuple(parts.values())),
        is_assumed=any(step.is_assumed for step in steps),
    )


@dataclass(frozen=True, eq=False)
class _Numbers:
    """The numbers that weights start from, for as long as there are steps to look at them."""

    array: AnyArray
    effort: Spending | None

    def are(self, told: Callable[[Floats], bool]) -> bool | None:
        """Return what they tell, None where they are not looked at."""
        cost = self.array.nbytes >> _AT_A_STEP
        if self.effort is None or cost > self.effort.left // 2:
            return None
        self.effort.spend(cost)
        return told(floats(self.array))


def _steps(
    shape: Sequence[int], kept: Mapping[str, Tensor], *, after_norm: bool, numbers: _Numbers | None
) -> list[_Step] | None:
    """Return the parametrisations behind the first, None where one of them is not known."""
    is_matrix = len(shape) > 1 and max(shape[-2:]) <= MOST_ROWS
    if not kept and is_matrix and numbers is not None and numbers.are(reflections_alone):
        alone = partial(orthogonal, reflects=True)
        return [_Step(what=f"{_REFLECTIONS} ({_ALONE})", compute=alone, work=orthogonal_work(shape))]
    tensors: dict[int, dict[str, AnyArray]] = {}
    for last, tensor in kept.items():
        match = _STEP.fullmatch(last)
        if match is None:
            return None
        tensors.setdefault(int(match["place"]), {})[match["last"]] = tensor.array
    places = sorted(tensors)
    if places != list(range(int(after_norm), int(after_norm) + len(places))):
        return None  # one without tensors stands before
    found = [_step(shape, tensors[place], numbers if not place else None) for place in places]
    known = [step for step in found if step is not None]
    return known if len(known) == len(found) else None


def _step(shape: Sequence[int], tensors: Mapping[str, AnyArray], numbers: _Numbers | None) -> _Step | None:
    if tensors.keys() == {"_u", "_v"}:
        u, v = tensors["_u"], tensors["_v"]
        if vectors_fit([tuple(shape), u.shape]):
            return _Step(what=SPECTRAL_NORM, beside=(u, v), compute=spectral_norm)
    if (
        tensors.keys() == {"base"}
        and base_fits(shape, tensors["base"].shape)
        and max(shape[-2:]) <= MOST_ROWS
    ):
        return _orthogonal(shape, tensors["base"], numbers)
    return None


def _orthogonal(shape: Sequence[int], base: AnyArray, numbers: _Numbers | None) -> _Step:
    """Return the map that the numbers tell, else the one that PyTorch has for the shape."""
    reflects, why, work = not is_square(shape), _BY_DEFAULT, orthogonal_work(shape)
    if numbers is not None and numbers.are(is_unmoved):
        compute = partial(orthogonal, reflects=reflects)
        return _Step(what=_UNMOVED, beside=(base,), compute=compute, work=work)
    if reflects and numbers is not None and numbers.are(may_be_reflections) is False:
        reflects, why = False, _NO_REFLECTIONS
    word = _REFLECTIONS if reflects else _EXPONENTIAL
    compute = partial(orthogonal, reflects=reflects)
    return _Step(what=f"{word} ({why})", beside=(base,), compute=compute, work=work, is_assumed=True)
