"""What ``filtviz diagnose`` says of several models: in what they differ, then a table that fits."""

from __future__ import annotations

import textwrap

import pytest

from filtviz.cli.models_text import describe_models
from filtviz.measures.conclusions import difference, in_brief
from filtviz.measures.measure import Change, Diagnosis, LayerDiagnosis, Unjudged


@pytest.fixture(autouse=True)
def width(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def layer(place: int = 0, verdict: str = "updated", **fields) -> LayerDiagnosis:
    shown = {"name": f"conv{place + 1}", "type": "Conv2DLayer", "shape": (20, 1, 3, 3), "dtype": "float32"}
    return LayerDiagnosis(
        conv_index=place, verdict=verdict, sentence="So.", initialiser="unknown", **(shown | fields)
    )


def model(file: str, *verdicts: str, **fields) -> Diagnosis:
    return Diagnosis(file=file, layers=tuple(layer(i, each) for i, each in enumerate(verdicts)), **fields)


START = model("start.pkl", *["initial"] * 3)
END = Diagnosis(
    file="end.pkl",
    layers=(
        layer(0, "updated", residue=0.91),
        layer(1, "structured", residue=0.5),
        layer(2, "structured", residue=0.4),
    ),
    look="Look at conv2:",
)


def test_models_of_the_same_layers_stand_side_by_side() -> None:
    assert describe_models([START, END]) == textwrap.dedent(
        """\
        start.pkl: all 3 convolutions are as drawn. end.pkl: no pattern in conv1,
        structured in conv2 and conv3.

        layer  filters   start     end
        -----  --------  --------  --------------
        conv1  20x1x3x3  as drawn  no pattern 91%
        conv2  20x1x3x3  as drawn  structured 50%
        conv3  20x1x3x3  as drawn  structured 40%

        A percentage is how much of what a picture shows still is the initial noise,
        where that can be told.

        By itself each model gets its answer, and the picture that shows most:
          filtviz diagnose end.pkl
        """
    )
    assert describe_models([]) == ""


def test_models_of_different_layers_have_a_row_each() -> None:
    bare, curve = (
        Diagnosis(file="x/bare.npz", layers=()),
        Unjudged(conv_index=1, name="x", type="y", reason="z"),
    )
    odd = model("x/odd.pth", "collapsed", unjudged=(curve, Unjudged(
        conv_index=2, name="x", type="y", reason="z", left_out=True
    )))  # fmt: skip
    assert describe_models([END, bare, odd]).splitlines()[3:9] == [
        "model       verdicts",
        "----------  -----------------------------------------------------------",
        "end.pkl     conv1 no pattern 91%; conv2 and conv3 structured 40% to 50%",
        "x/bare.npz  no filters to judge",
        "x/odd.pth   conv1 collapsed; 1 layer not judged; 1 layer not measured",
        "            (--max-work)",
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 24, 25, 60])
@pytest.mark.parametrize("n_models", [2, 3, 9])
def test_every_line_fits_eighty_columns_and_every_model_is_there(n, n_models) -> None:
    layers = tuple(
        layer(place, "structured", residue=0.5, name=f"stage{place}.block.conv") for place in range(n)
    )
    models = [Diagnosis(file=f"{'folder/' * 9}{name}.pkl", layers=layers) for name in "abcdefghi"[:n_models]]
    text = describe_models(models)
    assert max(map(len, text.splitlines())) <= 80
    assert all(each.file[-5:-4] in text.replace(".pkl", "") for each in models)
    assert any(line.startswith("stage0.block.conv  ") for line in text.splitlines()) == (
        n <= 24 and n_models < 4
    )


def test_models_that_are_called_alike_are_told_apart_by_their_folders() -> None:
    text = describe_models([model("runs/a/net.pkl", "initial"), model("runs/b/net.pkl", "structured")])
    assert text.startswith("a/net.pkl: as drawn in conv1. b/net.pkl: structured in conv1.\n")


def test_a_measured_share_is_called_so_and_without_shares_nothing_is_explained() -> None:
    change = Change(before="start.pkl", cos2=0.9)
    measured = Diagnosis(file="m.pkl", layers=(layer(0, "updated", residue=0.9, changes=(change,)),))
    assert "was there in the earlier file\nalready." in describe_models([measured, measured])
    assert "percentage" not in describe_models([START, START])
    assert "By itself" not in describe_models([START, START])


def test_what_models_have_in_common_is_said_once() -> None:
    same = [("a", END), ("b", END)]
    assert difference(same) == (
        "Both models have the same verdicts: no pattern in conv1, structured in conv2 and conv3."
    )
    assert difference([*same, ("c", END)]).startswith("All 3 models have the same verdicts: ")


def test_many_kinds_are_counted() -> None:
    verdicts = [
        ["initial"],
        ["updated"],
        ["structured"],
        ["structured", "updated"],
        ["collapsed"],
        ["undecided"],
    ]
    models = [(str(i), model(f"{i}.pkl", *each)) for i, each in enumerate(verdicts)]
    assert difference([*models, ("bare", Diagnosis(file="bare", layers=()))]) == (
        "7 models: 1 with filters that have collapsed, 2 with structure in some layer, 1 trained without "
        "structure that could be told from noise, 1 of which nothing can be told, 1 still as drawn "
        "throughout and 1 without filters to judge."
    )
    various = [["structured"] * n for n in (1, 2, 3, 4)]
    alike = [(str(i), model(f"{i}.pkl", *each)) for i, each in enumerate(various)]
    assert difference(alike) == "4 models, all with structure in some layer."


def test_a_model_in_brief() -> None:
    assert in_brief(model("a", "undecided", "undecided")) == "no convolution can be judged"
    assert in_brief(model("a", "structured", "initial")) == "structured in conv1, as drawn in conv2"
    assert in_brief(Diagnosis(file="a", layers=())) == "no filters to judge"


def test_models_without_layers_stand_in_a_row_each() -> None:
    lines = describe_models([model("a.pkl"), model("b.pkl")]).splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("layer", "model", "a.pkl", "b.pkl"))] == [
        "model", "a.pkl", "b.pkl"
    ]  # fmt: skip
