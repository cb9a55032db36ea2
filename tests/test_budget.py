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


def test_what_is_on_disk_beyond_a_million_bytes_adds_to_the_budget() -> None:
    account = Budget(work=5, pixels=7).account(network(1_000_000), network(101))
    assert account.allowed == {"work": 5 + 101 * 3_500, "pixels": 7 + 101 * 2_000}


def test_a_small_file_has_no_less_than_another() -> None:
    assert Budget(work=5, pixels=7).account(network(1)).allowed == {"work": 5, "pixels": 7}
    assert Budget(work=5, pixels=7).account(network(1_000_000)).allowed == {"work": 5, "pixels": 7}


def test_layers_that_were_read_count_as_work() -> None:
    account = Budget(work=5_000_000).account(network(1), network(1))
    assert account.allowed["work"] == 5_000_000
    assert account.left["work"] == 5_000_000 - 4 * 250_000  # an image and a convolution each
    assert Budget(work=1).account(network(1)).affords("work", 0) is False
    with pytest.raises(BudgetError, match=r"may take 1; 0 are left"):
        Budget(work=1).account(network(1)).spend("work", 1, "drawing")


def test_what_takes_several_parts_is_spent_as_a_whole_or_not_at_all() -> None:
    account = Account({"work": 10, "pixels": 3})
    with pytest.raises(BudgetError, match=r"drawing takes 4 pixels, .* raise --max-pixels"):
        account.spend_all({"work": 10, "pixels": 4}, "drawing")
    assert account.left == {"work": 10, "pixels": 3}
    account.spend_all({"work": 10, "pixels": 3}, "drawing")
    assert account.left == {"work": 0, "pixels": 0}


def test_memory_that_is_given_back_is_not_spent() -> None:
    account = Account({"work": 100})
    account.hold(10, "a page")
    assert account.left["work"] == 100
    with pytest.raises(BudgetError, match=r"^a page takes 11 bytes of memory, and files of this size"):
        account.hold(11, "a page")


def test_arrays_of_ones_own_count_as_they_are_in_memory_each_once() -> None:
    made = chain(conv(np.zeros((600, 600, 1, 1), "f4")))
    twice = replace(made, layers=(*made.layers, made.layers[-1]))
    assert Budget(work=1).account(made).allowed["work"] == 1 + (600 * 600 * 4 - 1_000_000) * 3_500
    assert Budget(work=1).account(twice).allowed == Budget(work=1).account(made).allowed


def test_what_is_not_left_is_not_spent() -> None:
    account = Account({"work": 10, "pixels": 1})
    account.spend("work", 10, "all of it")
    with pytest.raises(BudgetError) as caught:
        account.spend("work", 1, "measuring conv1")
    assert account.left["work"] == 0
    assert (caught.value.share, caught.value.needed, caught.value.allowed, caught.value.option) == (
        "work", 1, 10, "--max-work",
    )  # fmt: skip
    assert str(caught.value) == (
        "measuring conv1 takes 1 operations, and files of this size may take 10; 0 are left; "
        "if you trust the file, raise --max-work"
    )


@pytest.mark.cases("all")
@pytest.mark.parametrize(("asked", "kept"), [(3, 3), (5, 5), (6, 5), (100, 5)])
def test_some_is_kept_for_later_but_half_at_most(asked: int, kept: int) -> None:
    account = Account({"work": 10, "pixels": 1})
    with account.keeping("work", asked):
        assert account.left["work"] == 10 - kept
        account.spend("work", 2, "measuring")
    assert account.left["work"] == 8


def test_work_that_many_share_is_paid_for_once() -> None:
    account = Account({"work": 10, "pixels": 1})
    for _ in range(3):
        account.spend_once("a", 6, "drawing")
    assert account.left["work"] == 4
    for _ in range(2):  # what could not be paid for was not done
        with pytest.raises(BudgetError):
            account.spend_once("b", 6, "drawing")


@pytest.mark.cases("all")
@pytest.mark.parametrize("wrong", [0, -1, 1.5, True])
def test_a_budget_is_a_whole_number_above_zero(wrong) -> None:
    with pytest.raises(ValueError, match="must be a whole number above zero"):
        Budget(work=wrong)


def test_each_part_has_an_option_and_says_what_it_counts() -> None:
    assert {name: option_of(name) for name in Budget.described()} == {
        "work": "--max-work",
        "pixels": "--max-pixels",
    }


def test_what_is_done_again_and_again_may_take_more_work_and_no_more_memory() -> None:
    large = Account({"work": 1000, "pixels": 1}, small=100)
    large.widen(10)
    assert (large.allowed["work"], large.left["work"], large.room) == (11_000, 11_000, 100)
    unasked = Account({"work": 1000, "pixels": 1}, small=100)
    unasked.spend("work", 50, "reading")
    unasked.widen(10, 2)  # of what any file has only twice as much comes to it
    assert (unasked.allowed["work"], unasked.left["work"]) == (1000 + 9000 + 200, 950 + 9000 + 200)


def test_what_is_left_is_said_where_something_was_spent() -> None:
    account = Account({"work": 10, "pixels": 1})
    with pytest.raises(BudgetError, match=r"may take 10; if you trust"):
        account.spend("work", 11, "drawing")
    account.spend("work", 4, "measuring")
    with pytest.raises(BudgetError, match=r"may take 10; 6 are left; if you trust"):
        account.spend("work", 7, "drawing")


def test_a_small_files_part_is_added_so_often_in_all() -> None:
    account = Account({"work": 1000, "pixels": 1}, small=100, repeated=3)
    account.widen(2)  # 900 twice, and 100 twice of the three times
    assert account.allowed["work"] == 3000
    account.widen(2)
    assert account.allowed["work"] == 3000 + 2 * 2900 + 100
    account.widen(1)
    assert account.allowed["work"] == 8900 + 8800


def test_what_is_kept_for_later_comes_back_after_an_error() -> None:
    account = Account({"work": 10, "pixels": 1})
    with pytest.raises(RuntimeError), account.keeping("work", 4):
        raise RuntimeError
    assert account.left["work"] == 10


def test_the_more_bytes_images_have_the_more_often_work_is_added() -> None:
    for n_bytes, times in ((0, 13), (10, 13 + 300)):
        account = Budget(work=1000, image_bytes=n_bytes).account(network(1))
        account.widen(1e9)
        assert account.allowed["work"] == 1000 + 1000 * times
    account = Budget(work=1000).account(network(1))
    account.widen(1000)
    assert account.allowed["work"] == 1000 + 1000 * 1000
