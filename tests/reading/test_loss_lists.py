"""Losses that a checkpoint keeps beside its weights."""

from __future__ import annotations

from typing import Any

import pytest

from filtviz.reading.formats.torch.training_state import as_history, losses_in, which_loss


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("train_loss",), "train_loss"),
        (("loss",), "train_loss"),
        (("losses",), "train_loss"),
        (("loss_history",), "train_loss"),
        (("history", "loss"), "train_loss"),
        (("history", "val_loss"), "valid_loss"),
        (("History", "Val Loss"), "valid_loss"),
        (("VALID", "Loss"), "valid_loss"),
        (("valid_losses",), "valid_loss"),
        (("Validation Loss",), "valid_loss"),
        (("loss_val",), "valid_loss"),
        (("val", "loss"), "valid_loss"),
        (("test_loss",), "test_loss"),
        (("loss_fn",), ""),
        (("closs",), ""),
        (("accuracy",), ""),
    ],
)
def test_names_tell_which_losses_they_are(path: tuple[str, ...], name: str) -> None:
    assert which_loss(path) == name


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "value", [[1.0], [1.0, "x"], 3.0, "ab", [True, False], [[1.0], [2.0]], None, [10**400, 1]]
)
def test_what_is_no_list_of_numbers_is_none(value: Any) -> None:
    assert losses_in(value) is None
    assert losses_in([2, 1.5, 10**299]) == [2.0, 1.5, 1e299]


def test_shorter_series_end() -> None:
    assert as_history({"train_loss": [3.0, 2.0], "valid_loss": [4.0]}) == [
        {"train_loss": 3.0, "valid_loss": 4.0},
        {"train_loss": 2.0},
    ]
    assert as_history({}) == []
