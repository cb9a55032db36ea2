"""ONNX's nodes that compute with constants alone → the arrays that they give, computed when asked for.

A layer's kernel is often written as what makes it: a weight normalisation, a spectral one, a scale of whole
numbers. What is computed is held to what the file stores: so many operations and so many numbers for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MalformedFileError
from filtviz.parameter import has_few_bits, holds_numbers
from filtviz.reading.arrays import MOST_AXES, ComputedArray, ElementType, parameter_of
from filtviz.reading.formats.onnx.cases import DEEPEST, Case, Constant, Made, other_shape
from filtviz.text import printable

__all__ = ["folded"]

MOST_PARTS = 64
"""Arrays of the file of which one is computed."""

A_NUMBER = 64
"""Operations for each number that the file stores, and numbers that are made of it."""

ALWAYS = 1 << 20
"""The same whatever the file stores."""

_A_STEP, _A_SLOW_STEP = 3, 30
"""What an operation takes, and one of the slow ones; both about as many as nanoseconds."""

_SLOW = frozenset({"Exp", "Log", "Tanh", "Sigmoid", "Softplus", "Pow"})

_DOUBLE = 8
"""Bytes of a number at the most while it is computed with."""

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """What a node gives: its shape, how it is computed of the first inputs, and how much work that is."""

    shape: Shape
    compute: Callable[..., Array]
    n_inputs: int = 1
    work: int | None = None
    dtype: ElementType | None = None


def folded(case: Case) -> Constant | None:
    """Return what a node makes of constants, None where it is not followed, or would take too much.

    Args:
        case: The node; all of its inputs are constants.
    """
    row = _BY_OPERATOR.get(case.operator)
    first = case.constant(0)
    if row is None or first is None:
        return None
    recipe = row(case)
    if recipe is None or len(recipe.shape) > MOST_AXES:
        return None
    held = [case.constant(place) for place in range(recipe.n_inputs)]
    given = [one for one in held if one is not None]
    made = _made(case.operator, given, recipe)
    if len(given) < len(held) or made is None or not all(holds_numbers(_type_of(one)) for one in given):
        return None
    dtype = recipe.dtype or _type_of(first)
    works_in = np.dtype(np.float32) if has_few_bits(dtype) or dtype == np.float16 else dtype

    def read() -> Array:
        values = [_value(one, works_in if recipe.dtype is None else None) for one in given]
        try:
            found = np.asarray(recipe.compute(*values))
        except (TypeError, ValueError) as error:
            raise MalformedFileError(
                f"its graph computes {printable(case.operator, 40)} of what has none; export it again"
            ) from error
        return found.reshape(recipe.shape).astype(dtype, copy=False)

    largest = max(made.parts, key=lambda one: one.size, default=None)
    source = largest.source if largest is not None else ""
    array = ComputedArray(shape=recipe.shape, dtype=dtype, read=read)
    return Constant(parameter=parameter_of("", array, source), made=made)


def _type_of(held: Constant) -> ElementType:
    if held.cast is not None:
        return held.cast
    return held.parameter.dtype if held.scale is None else np.dtype(np.float32)


def _value(held: Constant, works_in: ElementType | None) -> Array:
    """Return a constant's numbers as they are meant where it is used, in a type that computes."""
    found = held.real.read()
    if held.cast is not None:
        found = found.astype(held.cast)
    if works_in is not None:
        found = found.astype(works_in, copy=False)
    return found if held.order is None else found.transpose(held.order)


def _made(operator: str, given: Sequence[Constant], recipe: _Recipe) -> Made | None:
    """Return of what an array is computed; None where that is more than the file deserves."""
    before = [one.made or Made.stored(one.parameter) for one in given]
    parts = tuple({id(part): part for one in before for part in one.parts}.values())
    size = math.prod(recipe.shape)
    work = size if recipe.work is None else recipe.work
    made = Made(
        parts=parts,
        operators=tuple(dict.fromkeys([*(word for one in before for word in one.operators), operator])),
        depth=1 + max(one.depth for one in before),
        work=work + sum(one.work for one in before),
        cost=work * (_A_SLOW_STEP if operator in _SLOW else _A_STEP) + sum(one.cost for one in before),
        peak=_peak([math.prod(one.shape) for one in given], before, size),
    )
    allowed = ALWAYS + A_NUMBER * sum(part.size for part in parts)
    fits = made.depth <= DEEPEST and len(parts) <= MOST_PARTS
    return made if fits and max(made.work, size) <= allowed else None


def _peak(sizes: Sequence[int], before: Sequence[Made], made: int) -> int:
    """Return the bytes that are filled while an array is computed of others, which are computed in turn."""
    held = peak = 0
    for size, one in zip(sizes, before, strict=True):
        peak = max(peak, held + one.peak)
        held += _DOUBLE * size
    return max(peak, 2 * (held + _DOUBLE * made))


def _below(case: Case) -> Shape:
    first = case.given[0]
    assert first is not None, "the caller has looked"
    return first.shape


# Number by number


def _each(function: Callable[..., Any], n_inputs: int) -> Callable[[Case], _Recipe | None]:
    def row(case: Case) -> _Recipe | None:
        held = [case.constant(place) for place in range(n_inputs)]
        try:
            shape = np.broadcast_shapes(*(one.shape for one in held if one is not None))
        except ValueError:
            return None
        return _Recipe(shape=shape, compute=function, n_inputs=n_inputs)

    return row


def _divided(one: Array, other: Array) -> Array:
    """Divide as ONNX does: whole numbers by cutting off what is behind the point."""
    if one.dtype.kind in "iu":
        return np.asarray((one - np.fmod(one, other)) // other)
    return np.asarray(one / other)


def _any_number(case: Case) -> _Recipe | None:
    """Read Max, Min, Sum and Mean of any number of arrays."""
    n = len(case.given)
    functions: dict[str, Callable[..., Any]] = {
        "Max": lambda *all_: np.maximum.reduce(np.broadcast_arrays(*all_)),
        "Min": lambda *all_: np.minimum.reduce(np.broadcast_arrays(*all_)),
        "Sum": lambda *all_: np.add.reduce(np.broadcast_arrays(*all_)),
        "Mean": lambda *all_: np.add.reduce(np.broadcast_arrays(*all_)) / n,
    }
    return _each(functions[case.operator], n)(case) if n <= MOST_PARTS else None


def _chosen(case: Case) -> _Recipe | None:
    found = _each(np.where, 3)(case)
    chosen = case.constant(1)
    if found is None or chosen is None:
        return None
    return _Recipe(shape=found.shape, compute=np.where, n_inputs=3, dtype=_type_of(chosen))


def _compared(function: Callable[..., Any], n_inputs: int) -> Callable[[Case], _Recipe | None]:
    def row(case: Case) -> _Recipe | None:
        found = _each(function, n_inputs)(case)
        if found is None:
            return None
        return _Recipe(shape=found.shape, compute=function, n_inputs=n_inputs, dtype=np.dtype(np.bool_))

    return row


def _clipped(case: Case) -> _Recipe | None:
    ends = []
    for place, name, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        said = case.reals(place)
        if (case.constant(place) is not None and said is None) or (said is not None and len(said) != 1):
            return None
        ends.append(case.attributes.real(name, default) if said is None else said[0])
    shape = _below(case)
    return _Recipe(shape=shape, compute=lambda one: np.minimum(np.maximum(one, ends[0]), ends[1]))


# Along axes


def _axes(case: Case, rank: int) -> tuple[int, ...] | None:
    """Return the axes that a node is given, all of them where it is given none."""
    said = case.integers("axes", 1)
    if not said:
        is_unread = said is None and case.constant(1) is not None
        return None if is_unread or case.attributes.integer("noop_with_empty_axes") else tuple(range(rank))
    found = {axis % rank for axis in said if -rank <= axis < rank}
    return tuple(found) if len(found) == len(said) else None


def _reduced(function: Callable[..., Any]) -> Callable[[Case], _Recipe | None]:
    def row(case: Case) -> _Recipe | None:
        shape = _below(case)
        axes, keeps = _axes(case, len(shape)), case.attributes.integer("keepdims", 1)
        if axes is None or 0 in shape:
            return None
        lengths = [1 if axis in axes else n for axis, n in enumerate(shape) if keeps or axis not in axes]
        return _Recipe(
            shape=tuple(lengths),
            compute=lambda one: function(np.asarray(one), axis=axes),
            work=math.prod(shape) + math.prod(lengths),
        )

    return row


def _sum(one: Array, axis: Any) -> Array:
    """Add up, real numbers in double precision."""
    return np.asarray(np.sum(one, axis=axis, dtype=np.float64 if one.dtype.kind == "f" else None))


def _norm(one: Array, axis: Any) -> Array:
    return np.asarray(np.sqrt(_sum(np.square(one, dtype=np.float64), axis)))


def _normalised(case: Case) -> _Recipe | None:
    """Read LpNormalization: an array over its norm along one axis."""
    shape = _below(case)
    axis, power = case.attributes.integer("axis", -1), case.attributes.integer("p", 2)
    if not -len(shape) <= axis < len(shape) or power not in (1, 2):
        return None

    def compute(one: Array) -> Array:
        norm = np.sum(np.abs(one) ** power, axis=axis, keepdims=True) ** (1 / power)
        return np.asarray(np.divide(one, norm, out=np.zeros_like(one), where=norm != 0))

    return _Recipe(shape=shape, compute=compute, work=3 * math.prod(shape))


# Of another shape


def _reshaped(case: Case) -> _Recipe | None:
    """Read Reshape, Unsqueeze and Squeeze."""
    said = case.integers("shape" if case.operator == "Reshape" else "axes", 1)
    if said is None and (case.operator != "Squeeze" or case.constant(1) is not None):
        return None
    empties = bool(case.attributes.integer("allowzero"))
    wanted = other_shape(case.operator, _below(case), said or (), empties=empties)
    return None if wanted is None else _Recipe(shape=wanted, compute=lambda one: one.reshape(wanted))


def _flattened(case: Case) -> _Recipe | None:
    shape = _below(case)
    axis = case.attributes.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        return None
    wanted = (math.prod(shape[:axis]), math.prod(shape[axis:]))
    return _Recipe(shape=wanted, compute=lambda one: one.reshape(wanted))


def _turned(case: Case) -> _Recipe | None:
    shape = _below(case)
    order = case.attributes.integers("perm") or list(reversed(range(len(shape))))
    if sorted(order) != list(range(len(shape))):
        return None
    return _Recipe(shape=tuple(shape[axis] for axis in order), compute=lambda one: one.transpose(order))


def _triangle(case: Case) -> _Recipe | None:
    shape = _below(case)
    above = case.wholes(1) if case.constant(1) is not None else [0]
    if len(shape) < 2 or above is None or len(above) != 1:
        return None
    cut = np.triu if case.attributes.integer("upper", 1) else np.tril
    number = max(-max(shape), min(above[0], max(shape)))
    return _Recipe(shape=shape, compute=lambda one: cut(one, number))


def _expanded(case: Case) -> _Recipe | None:
    shape = _below(case)
    said = case.wholes(1)
    if said is None or len(said) > MOST_AXES or min(said, default=0) < 0:
        return None
    try:
        wanted = np.broadcast_shapes(shape, tuple(said))
    except ValueError:
        return None
    return _Recipe(shape=wanted, compute=lambda one: np.broadcast_to(one, wanted))


def _tiled(case: Case) -> _Recipe | None:
    shape = _below(case)
    times = case.wholes(1)
    if times is None or len(times) != len(shape) or min(times, default=0) < 0:
        return None
    wanted = tuple(n * k for n, k in zip(shape, times, strict=True))
    return _Recipe(shape=wanted, compute=lambda one: np.tile(one, times))


def _joined(case: Case) -> _Recipe | None:
    shapes = [one.shape for one in case.given if one is not None]
    axis, rank = case.attributes.integer("axis"), len(shapes[0])
    if not -rank <= axis < rank or len(shapes) > MOST_PARTS:
        return None
    axis %= rank
    if any(len(one) != rank or (*one[:axis], *one[axis + 1 :]) != (*shapes[0][:axis], *shapes[0][axis + 1 :])
           for one in shapes):  # fmt: skip
        return None
    wanted = (*shapes[0][:axis], sum(one[axis] for one in shapes), *shapes[0][axis + 1 :])
    return _Recipe(shape=wanted, compute=lambda *all_: np.concatenate(all_, axis=axis), n_inputs=len(shapes))


def _sliced(case: Case) -> _Recipe | None:
    shape = _below(case)
    starts, ends = case.integers("starts", 1), case.integers("ends", 2)
    axes, steps = case.integers("axes", 3), case.wholes(4)
    if starts is None or ends is None or len(starts) != len(ends):
        return None
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    fits = len(axes) == len(steps) == len(starts) and all(steps)
    if not fits or any(not -len(shape) <= axis < len(shape) for axis in axes):
        return None
    cuts = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        n = shape[axis]
        # an end before the first place is said by a number below minus the length
        first = max(start + n, 0 if step > 0 else -1) if start < 0 else start
        last = max(end + n, -1) if end < 0 else end
        low = None if step < 0 and last < 0 else max(last, 0)
        cuts[axis] = slice(first, low, step) if first >= 0 else slice(0, 0)
    wanted = tuple(len(range(n)[cut]) for n, cut in zip(shape, cuts, strict=True))
    return _Recipe(shape=wanted, compute=lambda one: one[tuple(cuts)])


def _gathered(case: Case) -> _Recipe | None:
    shape, places = _below(case), case.constant(1)
    axis, said = case.attributes.integer("axis"), case.wholes(1)
    if places is None or said is None or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    n, where = shape[axis], places.shape
    if any(not -n <= place < n for place in said):
        return None
    at = np.array(said, np.int64).reshape(where)
    wanted = (*shape[:axis], *where, *shape[axis + 1 :])
    return _Recipe(shape=wanted, compute=lambda one: np.take(one, at, axis=axis))


def _split(case: Case) -> _Recipe | None:
    shape = _below(case)
    axis, said = case.attributes.integer("axis"), case.integers("split", 1)
    n_outputs = case.attributes.integer("num_outputs") or case.n_outputs
    if not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    n, place = shape[axis], case.output
    if said:
        if len(said) <= place or min(said) < 0 or sum(said) != n:
            return None
        start, length = sum(said[:place]), said[place]
    else:  # in parts of one length, the last of which may be shorter
        if place >= n_outputs:
            return None
        each = -(-n // n_outputs)
        start = min(each * place, n)
        length = min(each, n - start)
    cut = (slice(None),) * axis + (slice(start, start + length),)
    wanted = (*shape[:axis], length, *shape[axis + 1 :])
    return _Recipe(shape=wanted, compute=lambda one: one[cut])


# Products


def _product(case: Case) -> _Recipe | None:
    shape, other = _below(case), case.constant(1)
    if other is None or not shape or not other.shape:
        return None
    left = shape if len(shape) > 1 else (1, *shape)
    right = other.shape if len(other.shape) > 1 else (*other.shape, 1)
    try:
        batch = np.broadcast_shapes(left[:-2], right[:-2])
    except ValueError:
        return None
    if left[-1] != right[-2]:
        return None
    rows, columns = left[-2:-1] if len(shape) > 1 else (), right[-1:] if len(other.shape) > 1 else ()
    work = math.prod(batch) * left[-2] * left[-1] * right[-1]
    return _Recipe(shape=(*batch, *rows, *columns), compute=np.matmul, n_inputs=2, work=work)


def _gemm(case: Case) -> _Recipe | None:
    shapes = [one.shape for one in case.given if one is not None]
    if len(shapes) < 2 or len(shapes) != len(case.given) or any(len(one) != 2 for one in shapes[:2]):
        return None
    turns = [case.attributes.integer(name) for name in ("transA", "transB")]
    left, right = (shape[::-1] if turn else shape for shape, turn in zip(shapes[:2], turns, strict=True))
    alpha, beta = case.attributes.real("alpha", 1.0), case.attributes.real("beta", 1.0)
    wanted = (left[0], right[1])
    if left[1] != right[0] or (len(shapes) > 2 and not _spreads(shapes[2], wanted)):
        return None

    def compute(one: Array, other: Array, *more: Array) -> Array:
        found = alpha * np.matmul(one.T if turns[0] else one, other.T if turns[1] else other)
        return np.asarray(found + beta * more[0] if more else found)

    return _Recipe(shape=wanted, compute=compute, n_inputs=len(shapes), work=left[0] * left[1] * right[1])


def _spreads(shape: Shape, wanted: Shape) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


_BY_OPERATOR: dict[str, Callable[[Case], _Recipe | None]] = {
    "Add": _each(np.add, 2),
    "Sub": _each(np.subtract, 2),
    "Mul": _each(np.multiply, 2),
    "Div": _each(_divided, 2),
    "Pow": _each(np.power, 2),
    "Neg": _each(np.negative, 1),
    "Abs": _each(np.abs, 1),
    "Sqrt": _each(np.sqrt, 1),
    "Reciprocal": _each(np.reciprocal, 1),
    "Exp": _each(np.exp, 1),
    "Log": _each(np.log, 1),
    "Tanh": _each(np.tanh, 1),
    "Sign": _each(np.sign, 1),
    "Floor": _each(np.floor, 1),
    "Ceil": _each(np.ceil, 1),
    "Round": _each(np.round, 1),
    "Relu": _each(lambda one: np.maximum(one, 0), 1),
    "Sigmoid": _each(lambda one: 1 / (1 + np.exp(-one)), 1),
    "Softplus": _each(lambda one: np.logaddexp(one, 0), 1),
    "Clip": _clipped,
    **dict.fromkeys(("Max", "Min", "Sum", "Mean"), _any_number),
    "Where": _chosen,
    "Equal": _compared(np.equal, 2),
    "Greater": _compared(np.greater, 2),
    "GreaterOrEqual": _compared(np.greater_equal, 2),
    "Less": _compared(np.less, 2),
    "LessOrEqual": _compared(np.less_equal, 2),
    "Not": _compared(np.logical_not, 1),
    "ReduceSum": _reduced(_sum),
    "ReduceMean": _reduced(np.mean),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
    "ReduceProd": _reduced(np.prod),
    "ReduceL1": _reduced(lambda one, axis: _sum(np.abs(one), axis)),
    "ReduceL2": _reduced(_norm),
    "ReduceSumSquare": _reduced(lambda one, axis: _sum(np.square(one), axis)),
    "LpNormalization": _normalised,
    **dict.fromkeys(("Reshape", "Unsqueeze", "Squeeze"), _reshaped),
    "Flatten": _flattened,
    "Transpose": _turned,
    "Trilu": _triangle,
    "Expand": _expanded,
    "Tile": _tiled,
    "Concat": _joined,
    "Slice": _sliced,
    "Gather": _gathered,
    "Split": _split,
    "MatMul": _product,
    "Gemm": _gemm,
}
