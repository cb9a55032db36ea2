"""What every sentence is held against (`tests/sentences.py`) finds holes, and nothing where none are."""

from __future__ import annotations

import pytest

from filtviz.errors import ReadError
from tests.sentences import all_are_whole, broken


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "sentence",
    [
        "an index of  files",
        "it has 3 layers, 2 filters and .",
        "it has 3 layers , and more",
        "columns 1 to , rows 2 to 3",
        "it is made of: a, , b",
        "what is left ( of 3)",
        "it holds () and no more",
        "it lies in the file",
    ],
)
def test_holes_are_found(sentence) -> None:
    assert bool(broken(sentence)) == (sentence != "it lies in the file")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "sentence",
    [
        "end it in .npz, .pt or .onnx",
        "as GlorotUniform() draws them",
        "they have the shape (5,), type float64",
        "it is one of ../other.npz",
        "3 of 4 (75%)",
        "an array of shape () has one number",
        "",
    ],
)
def test_what_is_whole_passes(sentence) -> None:
    assert broken(sentence) is None


def test_an_error_with_a_hole_fails_where_it_is_made() -> None:
    with all_are_whole():
        ReadError("it has 3 layers")
        with pytest.raises(AssertionError, match="'s  l' in: it has  layers"):
            ReadError("it has  layers")
