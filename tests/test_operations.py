"""What operations, budgets and activations tell by themselves: one fact at a time, called directly."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.activations import NumpyFunctions
from filtviz.budget import Account, Budget
from filtviz.errors import BudgetError
from filtviz.operations import Input, Normalisation, Pad, Untold, with_parameters
from filtviz.parameter import Parameter, Shape, holds_numbers, spread_out
from filtviz.reading.arrays import narrow_dtype


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "channels"), [(None, None), ((5,), None), ((5, 6), 6), ((None, 3, 4, 4), 3), ((1, None), None)]
)
def test_the_channels_of_an_input_are_its_second_axis(shape: Shape | None, channels: int | None) -> None:
    assert Input(shape=shape).channels == channels


def test_a_padding_has_a_window_where_it_begins_with_one_of_the_first_three_axes() -> None:
    windows = [Pad(pad=((1, 2),) * 5, first_axis=axis).window(None) for axis in (-1, 0, 1, 2, 3)]
    assert [one and len(one.size) for one in windows] == [None, 3, 4, 5, None]


def test_the_reason_of_what_is_untold_is_made_harmless_and_cut() -> None:
    told = Untold(reason="\x1b[2J" + "é" * 300).reason
    assert told.startswith(r"\x1b[2Jé")
    assert told.endswith("é… (304 characters)")


def test_an_operation_gets_other_parameters_in_the_place_of_its_own_alone() -> None:
    gamma, beta, other = (Parameter.of(name, np.ones(2)) for name in ("gamma", "beta", "gamma"))
    norm = Normalisation(gamma=gamma, beta=beta, epsilon=0.5)
    made = with_parameters(norm, {id(gamma): other})
    assert (made.gamma is other, made.beta is beta, made.epsilon) == (True, True, 0.5)  # type: ignore[union-attr]
    assert with_parameters(norm, {id(other): gamma}) is norm


def test_answers_to_files_of_images_may_fill_what_these_or_the_model_allow() -> None:
    for account, most in (
        (Budget(work=100, image_bytes=10).account(), 160),
        (Budget(work=100, image_bytes=0).account(), 10),
        (Account({"work": 100}, shown=1), 16),
    ):
        account.keep(most, "it")
        with pytest.raises(BudgetError, match="it takes"):
            account.keep(most + 1, "it")
    Budget(work=100).account().keep(10**12, "it")


def test_nothing_is_not_positive() -> None:
    chosen = NumpyFunctions().where_positive(np.array([-1.0, 0.0, 1.0]), np.full(3, 5.0))
    assert chosen.tolist() == [5.0, 5.0, 1.0]


def test_a_parameter_tells_where_it_comes_from() -> None:
    assert Parameter.of("W", np.ones(2), "a/W").source == "a/W"
    assert Parameter.of("W", np.ones(2)).source == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("dtype", "holds"),
    [("f2", True), ("u1", True), ("?", True), ("c8", False), ("V2", False), ("O", False), ("U3", False)],
)
def test_numbers_are_real_ones_those_of_a_few_bits_too(dtype: str, holds: bool) -> None:
    assert holds_numbers(np.dtype(dtype)) is holds
    few = narrow_dtype("bfloat16")
    assert few is None or holds_numbers(few)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("along", "shape", "wanted"),
    [
        ((1,), (3,), (1, 3, 1, 1)),
        ((-3,), (3,), (1, 3, 1, 1)),
        ((-4,), (3,), (3, 1, 1, 1)),
        ((3,), (3,), (1, 1, 1, 3)),
        ((4,), (3,), None),
        ((-5,), (3,), None),
        ((1, 2), (3,), None),
        ((1, 5), (3, 2), None),
        ((1,), (3, 2), None),
        ((1, 3), (3, 2), (1, 3, 1, 2)),
        ((), (1,), (1, 1, 1, 1)),
        ((), (2, 1, 3, 1), (2, 1, 3, 1)),
    ],
)
def test_numbers_are_spread_along_the_axes_that_there_are(
    along: tuple[int, ...], shape: tuple[int, ...], wanted: tuple[int, ...] | None
) -> None:
    if wanted is None:
        with pytest.raises(ValueError, match="of 4 axes do not have"):
            spread_out(np.ones(shape), 4, along)
    else:
        assert spread_out(np.ones(shape), 4, along).shape == wanted
