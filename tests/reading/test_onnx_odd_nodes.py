"""ONNX: nodes with axes that are not there, or twice, are told and not followed."""

from __future__ import annotations

import pytest

from tests.reading.operators.asking import numbers
from tests.reading.operators.onnx import _onnx

NOT_FOLLOWED = "Untold reason=filtviz does not follow the operator {}"


@pytest.mark.parametrize(
    ("operator", "shape", "bad", "good"),
    [
        ("Slice", (), {"axes": [0]}, None),
        ("Slice", (4, 5), {"axes": [2]}, {"axes": [-2]}),
        ("Squeeze", (), {"axes": [0]}, None),
        ("Squeeze", (4, 1), {"axes": [2]}, {"axes": [-1]}),
        ("Unsqueeze", (4, 5), {"axes": [1, 1]}, {"axes": [1, 0]}),
        ("Unsqueeze", (4, 5), {"axes": [3]}, {"axes": [2]}),
    ],
)
def test_axes_that_are_not_there_or_twice_are_not_followed(operator, shape, bad, good):
    ends = {"starts": [1], "ends": [3]} if operator == "Slice" else {}
    assert _onnx(operator, shape=shape, **ends, **bad)[1] == NOT_FOLLOWED.format(operator)
    assert good is None or "Untold" not in _onnx(operator, shape=shape, **ends, **good)[1]


def test_halving_is_told_and_doubling_followed():
    facts = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "round_prefer_floor"}
    halving = _onnx("Resize", None, numbers(1, 1, 0.5, 0.5, dtype="float32"), **facts)
    doubling = _onnx("Resize", None, numbers(1, 1, 2, 2, dtype="float32"), **facts)
    assert halving[1].startswith("Untold reason=it resizes its input in another way")
    assert doubling[1] == "Upscale scale=(2, 2)"
