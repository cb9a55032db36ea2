"""The shapes of JSON and CSV, without a command around them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.building import conv

from filtviz.batch import ExportResult, ModelResult
from filtviz.cli import json_data
from filtviz.cli.console import answer_data, failure_data
from filtviz.cli.json_data import (
    CSV_COLUMNS,
    diagnoses_data,
    diagnosis_data,
    export_data,
    plot_data,
    write_csv,
    write_rows,
)
from filtviz.drawing import DrawingOptions
from filtviz.errors import FiltvizError, MalformedFileError
from filtviz.measures.measure import (
    Change,
    Diagnosis,
    FilterChange,
    FilterDiagnosis,
    Finding,
    LayerDiagnosis,
    Unjudged,
)
from filtviz.network import Network
from filtviz.reporting.content import Histogram
from filtviz.responses.examining import Examination, LayerResponse
from filtviz.results import FileFailure, LayerFailure, PlotResult


def change(before: str, cos2: float) -> Change:
    filters = tuple(
        FilterChange(index=i, cos2=value, relative_change=1.0) for i, value in ((0, cos2), (1, None))
    )
    return Change(before=before, cos2=cos2, filters=filters)


@pytest.fixture
def diagnosis() -> Diagnosis:
    layer = LayerDiagnosis(
        conv_index=3,
        name="conv\x1b",
        type="Conv2DLayer",
        shape=(2, 1, 3, 3),
        dtype="float32",
        verdict="updated",
        sentence="so it is.",
        initialiser="unknown",
        residue=float("nan"),
        findings=(Finding(measure="rms", value=float("inf"), text="many", p=0.5),),
        filters=(
            FilterDiagnosis(index=0, norm=1.5, duplicates=(1, 2), dead=True),
            FilterDiagnosis(index=1, norm=None, texture="smooth"),
        ),
        changes=(change("first.pkl", 0.25), change("second.pkl", 0.75)),
    )
    unjudged = Unjudged(conv_index=4, name="conv5", type="Conv1DLayer", reason="curves")
    return Diagnosis(
        file="a.pkl", layers=(layer,), unjudged=(unjudged,), summary="all", checks={"dead": ("conv",)}
    )


def rows(*diagnoses: Diagnosis) -> list[dict[str, str]]:
    stream = io.StringIO()
    write_rows(diagnoses, stream)
    header, *lines = (line.split(",") for line in stream.getvalue().splitlines())
    assert tuple(header) == CSV_COLUMNS
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_a_row_is_a_filter_and_an_empty_cell_is_what_is_not_known(diagnosis: Diagnosis) -> None:
    first, second = rows(diagnosis)
    told = {key: value for key, value in first.items() if value}
    assert told == {
        "file": "a.pkl",
        "layer": "3",
        "name": "conv\\x1b",
        "verdict": "updated",
        "filter": "0",
        "norm": "1.5",
        "concentrated": "0",
        "duplicates": "1 2",
        "dead": "1",
        "decayed": "0",
        "muted": "0",
        "ignored": "0",
        "nonfinite": "0",
        "cos2": "0.25",
    }
    assert (second["filter"], second["norm"], second["texture"], second["cos2"]) == ("1", "", "smooth", "")


def test_models_follow_one_another_and_one_of_no_file_has_no_name(diagnosis: Diagnosis) -> None:
    other = replace(diagnosis, file=None)
    assert [row["file"] for row in rows(diagnosis, other)] == ["a.pkl", "a.pkl", "", ""]


def test_json_is_strict_and_has_filters_only_where_they_are_asked_for(diagnosis: Diagnosis) -> None:
    short, whole = (diagnosis_data(diagnosis, with_filters=asked) for asked in (False, True))
    assert json.loads(json.dumps(short, allow_nan=False)) == short
    (layer,) = short["layers"]
    assert (layer["residue"], layer["measures"]["rms"]["value"], layer["measures"]["rms"]["p"]) == (
        None,
        None,
        0.5,
    )
    assert "findings" not in layer
    assert "filters" not in layer
    assert [sorted(each) for each in layer["changes"]] == [
        ["before", "cos2", "reason", "relative_change", "share", "share_p", "significant"]
    ] * 2
    (layer,) = whole["layers"]
    assert [each["index"] for each in layer["filters"]] == [0, 1]
    assert layer["changes"][1]["filters"][0] == {"index": 0, "cos2": 0.75, "relative_change": 1.0}
    assert short["not_judged"] == [
        {"conv_index": 4, "name": "conv5", "type": "Conv1DLayer", "reason": "curves", "left_out": False}
    ]
    assert short["checks"] == {"dead": ["conv"]}


def cells(*values: object, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    write_csv([values], stream)
    stream.flush()
    (row,) = csv.reader(io.StringIO(raw.getvalue().decode(encoding)))
    return row


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\u00a0=1", "＝1", "－1", "⁼1", "=", "-2+3+cmd|' /C calc'!A0"],
)
def test_a_text_that_begins_a_formula_gets_an_apostrophe(name: str) -> None:
    (cell,) = cells(name)
    assert cell[0] == "'"
    assert cell[1:].replace("\\xa0", "\u00a0") == name


@pytest.mark.cases("all")
@pytest.mark.parametrize("name", ["\t=1", "\r=1", "\n=1", "\x00=1", "\ufeff=1", "\u200b=1"])
def test_a_text_that_begins_with_a_control_character_begins_with_an_escape(name: str) -> None:
    (cell,) = cells(name)
    assert cell.startswith("\\")
    assert cell.isprintable()


def test_a_formula_behind_a_semicolon_is_harmless_where_lines_are_split_there() -> None:
    assert cells("a;=1+1; -2;b=c") == ["a;'=1+1;' -2;b=c"]


def test_texts_that_begin_no_formula_and_numbers_stay_as_they_are() -> None:
    texts = ["conv1", "a=b", "1-2", "", "'quoted'", 'with "quotes", commas', "свёртка", "a-;b"]
    assert cells(*texts) == texts
    assert cells(-1.5, -3, 1e-300, True, False, (1, 2)) == ["-1.5", "-3", "1e-300", "1", "0", "1 2"]


def test_what_is_not_known_and_what_is_not_finite_is_an_empty_cell() -> None:
    assert cells(None, float("nan"), float("-inf"), float("inf"), ()) == [""] * 5


def test_a_line_of_csv_is_a_row_whatever_the_names_hold(diagnosis: Diagnosis) -> None:
    layer = replace(diagnosis.layers[0], name='a\n=1\r\n"\x1b[31m,\u2028')
    stream = io.StringIO()
    write_rows([replace(diagnosis, file="-f.pkl", layers=(layer,))], stream)
    assert len(stream.getvalue().splitlines()) == 3
    for row in csv.DictReader(io.StringIO(stream.getvalue())):
        assert row["file"] == "'-f.pkl"
        assert row["name"] == 'a\\n=1\\r\\n"\\x1b[31m,\\u2028'


def test_long_names_that_end_otherwise_stay_two() -> None:
    one, other = cells("n" * 500 + "1", "n" * 500 + "2")
    assert one != other
    assert len(cells("n" * 10**6)[0]) < 1100


def test_characters_that_a_stream_does_not_have_are_escaped_and_not_replaced() -> None:
    assert cells("→", "=→", "é", encoding="latin-1") == ["\\u2192", "'=\\u2192", "é"]


# What became of models


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("fields", "status", "code", "reason"),
    [
        ({}, "diagnosed", None, None),
        ({"layers": ()}, "no-filters", "no-filters", "It is so."),
        ({"left_out": ("a", "b")}, "failed", "budget", "a; b"),
        ({"layers": (), "left_out": ("a",)}, "failed", "budget", "a"),
    ],
)
def test_a_model_is_diagnosed_has_no_filters_or_was_too_much(diagnosis, fields, status, code, reason) -> None:
    data = diagnoses_data([replace(diagnosis, answer="It is so.", **fields)], with_filters=False)
    (model,) = data["models"]
    assert (model["file"], model["status"], model["code"], model["reason"]) == ("a.pkl", status, code, reason)
    assert data["complete"] == (status != "failed")


def test_the_answer_is_that_of_the_only_model_or_the_difference_of_several(diagnosis: Diagnosis) -> None:
    one = replace(diagnosis, answer="It is so.")
    failed = FileFailure("b.pkl", "it is damaged", MalformedFileError.code)
    assert diagnoses_data([one], with_filters=False)["answer"] == "It is so."
    assert diagnoses_data([one, failed], with_filters=False)["answer"] == "It is so."
    assert diagnoses_data([failed], with_filters=False)["answer"] == ""
    two = diagnoses_data([one, replace(one, file="c.pkl"), failed], with_filters=False)
    assert two["answer"].startswith("Both models have the same verdicts")
    assert [each["status"] for each in two["models"]] == ["diagnosed", "diagnosed", "failed"]
    assert (two["models"][2]["code"], two["models"][2]["layers"]) == ("malformed", [])


def test_a_diagnosis_has_each_thing_under_its_own_name(diagnosis: Diagnosis) -> None:
    told = {name: f"the {name}" for name in ("answer", "summary", "look", "more", "more_command")}
    data = diagnosis_data(
        replace(
            diagnosis, **told, others=(("sentence", "command"),), commands=("one", "two"), notes=("note",),
            left_out=("left",),
        ),
        with_filters=False,
    )  # fmt: skip
    assert {name: data[name] for name in told} == told
    assert data["others"] == [{"more": "sentence", "command": "command"}]
    assert (data["next"], data["notes"], data["left_out"]) == (["one", "two"], ["note"], ["left"])
    assert data["shown"] is None
    assert (data["not_judged"][0]["reason"], data["checks"]) == ("curves", {"dead": ["conv"]})


def test_what_images_tell_is_in_it_too(diagnosis: Diagnosis) -> None:
    seen = LayerResponse(layer="a", index=1, conv_index=0, units=1, function="rectify", fires=(float("nan"),))
    data = diagnosis_data(replace(diagnosis, shown=Examination(n_images=3, layers=(seen,))), False)
    assert data["shown"]["n_images"] == 3
    assert data["shown"]["layers"][0]["fires"] == [None]


def test_a_plot_is_complete_where_nothing_failed_and_nothing_was_left_out() -> None:
    network = Network.of([conv(np.ones((2, 1, 3, 3)))])
    usual = {"network": network, "layers": (), "options": DrawingOptions()}
    assert plot_data("m", PlotResult(**usual))["complete"] is True
    failed = LayerFailure(1, "there is no layer 1", "no-such-layer")
    data = plot_data("m", PlotResult(**usual, failures=(failed,), left_out=("much",)))
    assert (data["complete"], data["models"][0]["code"]) == (False, "no-such-layer")
    assert data["models"][0]["reason"] == "there is no layer 1; much"
    assert data["failures"] == [{"layer": 1, "code": "no-such-layer", "reason": "there is no layer 1"}]
    data = plot_data("m", PlotResult(**usual, left_out=("much",)))
    assert (data["complete"], data["models"][0]["code"], data["left_out"]) == (False, "budget", ["much"])


def test_what_failed_as_a_whole_is_said_of_the_model_that_it_names_or_else_of_all() -> None:
    named = failure_data(MalformedFileError("it is damaged", path="b"), ["a", "b"])
    assert [each["file"] for each in named["models"]] == ["b"]
    for error in (MalformedFileError("it is damaged", path="c"), FiltvizError("it is so")):
        data = failure_data(error, ["a", "b"])
        assert [each["file"] for each in data["models"]] == ["a", "b"]
        assert (data["complete"], data["code"], data["reason"]) == (False, error.code, str(error))


@pytest.mark.cases("all")
@pytest.mark.parametrize("status", ["done", "drawn", "no-filters", "failed"])
def test_only_what_failed_makes_an_answer_incomplete(status) -> None:
    data = answer_data([{"status": "kept"}, {"status": status}], {"more": 1})
    assert (data["complete"], data["more"]) == (status != "failed", 1)


def test_of_an_exports_pages_those_that_were_there_count_too() -> None:
    model = ModelResult(
        path=Path("a"), place="a", folder=Path("o/a").absolute(), status="drawn", drawn=2, kept=3
    )
    others = tuple(
        ModelResult(path=Path(status), place=status, folder=Path("o"), status=status)
        for status in ("no-model", "part")
    )
    data = export_data(
        ExportResult(folder=Path("o"), manifest=Path("o/m"), models=(model,), pictures=(), passed_over=others)
    )
    assert (data["models"][0]["pages"], data["models"][0]["drawn"]) == (5, 2)
    assert data["models"][0]["folder"] == "a"
    assert [each["file"] for each in data["passed_over"]] == ["no-model"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (True, "1"), (False, "0"), (None, ""), (float("nan"), ""), (float("inf"), ""), (0.0, "0.0"), (0, "0"),
        ((), ""), ((1, 2), "1 2"), ("=1", "'=1"), ("a\x1b", "a\\x1b"), (np.float64("nan"), ""),
    ],
)  # fmt: skip
def test_each_value_has_its_cell(value, cell) -> None:
    stream = io.StringIO()
    write_csv([(value, "|")], stream)
    assert stream.getvalue() == f"{cell},|\n"


def test_a_section_of_a_page_has_each_thing_under_its_own_name() -> None:
    histogram = Histogram(
        edges=np.array([-1.0, 0.5, 2.0]),
        counts=np.array([3, 4]),
        initialiser="He",
        null=np.array([[0.5, 7.0]]),
    )
    bare = replace(histogram, null=None)
    states = [
        SimpleNamespace(file=SimpleNamespace(label=label), histogram=drawn)
        for label, drawn in (("a", histogram), ("b", bare), ("c", None))
    ]
    trails = [SimpleNamespace(measure="rms", values=(1.0, None, 3.0), moved=2.0)]
    section: Any = SimpleNamespace(
        layer=SimpleNamespace(conv_index=4, label="c5", n_filters=7, n_channels=6, kernel_size=(5, 3)),
        states=states,
        movement=SimpleNamespace(trails=trails),
        notes=("a note",),
    )
    drawn = {"edges": [-1.0, 0.5, 2.0], "counts": [3, 4], "initialiser": "He", "initial": [[0.5, 7.0]]}
    assert json_data._section(section) == {
        "conv_index": 4,
        "name": "c5",
        "shape": [7, 6, 5, 3],
        "files": ["a", "b", "c"],
        "histograms": [drawn, {**drawn, "initial": None}, None],
        "moved": {"rms": {"values": [1.0, None, 3.0], "moved": 2.0}},
        "notes": ["a note"],
    }
    section.movement = None
    assert json_data._section(section)["moved"] == {}
