"""What would be too large is refused before it is made, by all of its lengths together."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.operations import Convolution, Dense, MatrixProduct, Merge, Operation, Upscale
from filtviz.parameter import Parameter
from filtviz.running.costs import cost_of
from filtviz.running.fitting import MOST_UNITS, MisfitError
from filtviz.running.numpy_engine import NumpyEngine

UNITS = np.ones((2, 4, 2, 3))


def spread(stride: int) -> Convolution:
    weights = Parameter.of("W", np.ones((4, 2, 1, 1)))
    return Convolution(weights=weights, axes="iorc", stride=(stride, 1), pad=((0, 0),) * 2, transposed=True)


def units(*shape: int) -> np.ndarray:
    return np.broadcast_to(0.0, shape)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("operation", "below", "made"),
    [
        (spread(11_184_811), [UNITS], 2 * 2 * 11_184_812 * 3),
        (Upscale(scale=(2_796_203, 1)), [UNITS], 2 * 4 * 2 * 2_796_203 * 3),
        (Merge(kind="add"), [units(2, 1, 1 << 13, 1), units(1, 2, 1, (1 << 12) + 1)], MOST_UNITS + (1 << 15)),
        (MatrixProduct(), [units(2, 2, 1 << 13, 1), units(2, 1, 1, (1 << 12) + 1)], MOST_UNITS + (1 << 15)),
    ],
)  # fmt: skip
def test_what_is_a_little_too_large_is_refused(operation: Operation, below: list, made: int) -> None:
    assert MOST_UNITS < made < 1.001 * MOST_UNITS
    with pytest.raises(MisfitError, match=f"^it makes {made:,} units of its input"):
        NumpyEngine().apply(operation, below)


def test_what_is_nearly_as_large_is_made() -> None:
    """Of zeros, which fill no memory before they are written to."""
    assert NumpyEngine().apply(spread(1 << 20), [UNITS]).shape == (2, 2, (1 << 20) + 1, 3)
    assert NumpyEngine().apply(Upscale(scale=(1 << 20, 1), dilates=True), [UNITS]).shape[2] == 1 << 21


def test_units_of_one_axis_are_charged_as_of_one_channel() -> None:
    weights = Parameter.of("W", np.ones((2, 1, 1, 1)))
    one = Convolution(weights=weights, stride=(1, 1), pad=((0, 0),) * 2)
    assert cost_of(one, [(4,)]) == cost_of(one, [(4, 1)])


def test_dense_weights_of_one_axis_are_charged_as_of_one_unit() -> None:
    one, two = (Dense(weights=Parameter.of("W", np.ones(shape))) for shape in ((4,), (4, 1)))
    assert cost_of(one, [(4,)]) == cost_of(two, [(4,)])
