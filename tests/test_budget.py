"""What a command may do with what it has read, by the size of the file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filtviz.budget import Account, Budget, option_of
from filtviz.errors import BudgetError
from filtviz.network import Network, Origin
from tests.building import chain, conv


def network(size: int | None = None) -> Network:
    made = chain(conv(np.zeros((2, 1, 3, 3), "f4")))
    return replace(made, origin=Origin(size=size))


def test_the_size_on_disk_adds_to_the_budget() -> None:
    account = Budget(work=5).account(network(100), network(1))
    assert account.allowed == {"work": 5 + 101 * 1_500}


def test_arrays_of_ones_own_count_as_they_are_in_memory_each_once() -> None:
    made = network()
    twice = replace(made, layers=(*made.layers, made.layers[-1]))
    assert Budget(work=1).account(made).allowed == Budget(work=1).account(network(2 * 9 * 4)).allowed
    assert Budget(work=1).account(twice).allowed == Budget(work=1).account(made).allowed


def test_what_is_not_left_is_not_spent() -> None:
    account = Account({"work": 10})
    account.spend("work", 10, "all of it")
    with pytest.raises(BudgetError) as caught:
        account.spend("work", 1, "measuring conv1")
    assert account.left["work"] == 0
    assert (caught.value.share, caught.value.needed, caught.value.allowed, caught.value.option) == (
        "work", 1, 10, "--max-work",
    )  # fmt: skip
    assert str(caught.value) == (
        "measuring conv1 takes 1 operations, and a model of its size may take 10; 0 are left; "
        "if you trust the file, raise --max-work"
    )


def test_work_that_many_share_is_paid_for_once() -> None:
    account = Account({"work": 10})
    for _ in range(3):
        account.spend_once("a", 6, "drawing")
    assert account.left["work"] == 4
    for _ in range(2):  # what could not be paid for was not done
        with pytest.raises(BudgetError):
            account.spend_once("b", 6, "drawing")


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True])
def test_a_budget_is_a_whole_number_above_zero(wrong) -> None:
    with pytest.raises(ValueError, match="must be a whole number above zero"):
        Budget(work=wrong)


def test_each_part_has_an_option_and_says_what_it_counts() -> None:
    assert {name: option_of(name) for name in Budget.described()} == {
        "work": "--max-work",
    }
