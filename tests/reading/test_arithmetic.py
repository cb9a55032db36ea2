"""What graphs do with a constant, said in operations and run: sums, products, powers, ends and pads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from filtviz.parameter import Parameter
from filtviz.reading.arithmetic import clipped, padded, with_constant
from filtviz.running.numpy_engine import NumpyEngine
from filtviz.shapes import output_shape

UNITS = np.arange(1.0, 37).reshape(2, 3, 2, 3)
FUNCTIONS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "maximum": np.maximum, "minimum": np.minimum, "power": np.power,
}  # fmt: skip


def done(operations: Any) -> np.ndarray:
    """What operations make of the units, whose shape is told alike."""
    units, shape = UNITS, UNITS.shape
    for operation in operations:
        units, shape = NumpyEngine().apply(operation, [units]), output_shape(operation, [shape])
    assert units.shape == shape
    return units


@pytest.mark.cases("all")
@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_constant_is_combined_as_numpy_does_whichever_comes_first(kind: Any, is_first: bool) -> None:
    vector = np.array([2.0, -3.0, 4.0])
    function = FUNCTIONS[kind]
    for values, along in (
        (vector.reshape(3, 1, 1), (1, 2, 3)), (np.array(2.0), ()), (vector, (3,)), (vector[:2], (2,)),
        (np.arange(1.0, 7).reshape(2, 3), (2, 3)), (np.arange(1.0, 7).reshape(3, 1, 2), (3, 1, 2)),
        (np.array([[1.0]]), (2, 3)), (np.arange(1.0, 10).reshape(3, 3), (1, 3)),
        (np.arange(1.0, 10).reshape(3, 3), (3, 1)),
    ):  # fmt: skip
        held = Parameter.of("c", values)
        found = with_constant(kind, held, along, UNITS.shape, is_first=is_first)
        shape = [1] * 4
        for axis, length in zip(along, values.shape, strict=True):
            shape[axis] = length
        turned = values.transpose(np.argsort(along)) if along else values
        wide = turned.reshape(shape)
        if (values.size > 1 and kind in ("maximum", "minimum", "power")) or (kind == "power" and is_first):
            assert found is None
        else:
            wanted = function(wide, UNITS) if is_first else function(UNITS, wide)
            np.testing.assert_allclose(done(found), wanted)


def test_what_does_not_fit_or_runs_along_the_images_is_not_followed() -> None:
    for values, along, below in (
        (np.ones(2), (0,), UNITS.shape), (np.ones(4), (1,), UNITS.shape), (np.ones(3), (4,), UNITS.shape),
        (np.ones(3), (1,), None), (np.ones((0,)), (1,), UNITS.shape),
    ):  # fmt: skip
        assert with_constant("add", Parameter.of("c", values), along, below) is None
    assert with_constant("add", Parameter.of("c", np.ones(3)), (1,), (2, None, 2, 3)) is not None
    assert with_constant("add", Parameter.of("c", np.array(1.0)), (), None) is not None


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0, math.inf, "rectify"), (0, 6, "clipped_rectify"), (0, 0, "clip"), (-1, 1, "clip"), (1, 1, "clip"),
        (-math.inf, 2, "clip"), (2, math.inf, "clip"), (2, 1, None), (math.nan, 1, None), (0, math.nan, None),
    ],
)  # fmt: skip
def test_two_ends_are_the_function_that_has_them(low: float, high: float, kind: str | None) -> None:
    found = clipped(low, high, "it")
    if kind is None or found is None:
        assert found is kind
        return
    assert (found[0].kind, found[0].name) == (kind, "it")
    np.testing.assert_allclose(done(found), np.clip(UNITS, low, high))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("pairs", "follows"),
    [
        (((0, 0), (0, 0), (1, 2), (0, 3)), True), (((0, 0), (1, 0), (1, 2), (0, 3)), True),
        (((0, 0), (0, 0), (-1, 2), (0, -1)), True), (((0, 0), (0, 2), (0, 0), (-1, -1)), True),
        (((1, 0), (0, 0), (0, 0), (0, 0)), False), (((0, 0), (-1, 0), (0, 0), (0, 0)), False), ((), False),
    ],
)  # fmt: skip
def test_pads_put_around_and_take_away_but_for_images_and_channels(pairs: Any, follows: bool) -> None:
    found = padded(pairs, 7.0)
    assert (found is not None) == follows
    if found is not None:
        added = [(max(a, 0), max(b, 0)) for a, b in pairs]
        wanted = np.pad(UNITS, added, constant_values=7.0)
        kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(wanted.shape, pairs, strict=True))
        np.testing.assert_array_equal(done(found), wanted[kept])
