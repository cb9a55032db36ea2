"""In what several models differ: told one by one while they are few, and counted where they are many."""

from __future__ import annotations

import pytest

from filtviz.measures.conclusions import _LONGEST, difference, in_brief
from filtviz.measures.measure import Diagnosis, LayerDiagnosis, Verdict


def model(*verdicts: Verdict) -> Diagnosis:
    layers = tuple(
        LayerDiagnosis(
            conv_index=place, name=f"conv{place + 1}", type="Conv2d", shape=(2, 1, 3, 3), dtype="float32",
            sentence="So.", verdict=verdict, initialiser="?",
        )
        for place, verdict in enumerate(verdicts)
    )  # fmt: skip
    return Diagnosis(file="m", layers=layers)


KINDS: list[tuple[Verdict, Verdict]] = [
    ("initial", "initial"),
    ("structured", "initial"),
    ("initial", "structured"),
    ("structured", "structured"),
]


@pytest.mark.cases("all")
@pytest.mark.parametrize(("n", "begin"), [(2, "Both models have"), (3, "All 3 models have")])
def test_models_of_one_kind_are_said_to_be_so(n, begin) -> None:
    told = difference([(f"m{i}", model(*KINDS[1])) for i in range(n)])
    assert told.startswith(f"{begin} the same verdicts: ")


@pytest.mark.parametrize(("n", "said"), [(1, "as drawn in conv1"), (2, "both convolutions are as drawn"),
                                        (3, "all 3 convolutions are as drawn")])  # fmt: skip
def test_two_convolutions_are_both(n, said) -> None:
    assert in_brief(model(*["initial"] * n)) == said


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["updated"], "no pattern in conv1"),
        (["updated"] * 3, "no pattern in all 3 convolutions"),
        (["undecided"], "cannot tell in conv1"),
        (["undecided"] * 2, "no convolution can be judged"),
        (["structured", "initial", "initial"], "structured in conv1, as drawn in conv2 and conv3"),
        ([], "no filters to judge"),
    ],
)
def test_a_model_in_brief(verdicts, said) -> None:
    assert in_brief(model(*verdicts)) == said


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [2, 3, 4])
def test_up_to_three_kinds_are_told_one_by_one(n) -> None:
    told = difference([(f"m{i}", model(*kind)) for i, kind in enumerate(KINDS[:n])])
    assert ("m0: " in told) == (n <= 3)
    assert told.count("m1: ") == (n <= 3)


@pytest.mark.parametrize("by", [0, 1])
def test_what_would_be_long_is_counted(by) -> None:
    short = [("", model(*KINDS[0])), ("b", model(*KINDS[1]))]
    left = _LONGEST - len(difference(short))
    names = "a" * (left + by)
    told = difference([(names, short[0][1]), short[1]])
    assert told.startswith(f"{names}: ") == (by == 0)
    assert (len(told) == _LONGEST) == (by == 0)
