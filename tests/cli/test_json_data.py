"""The shapes of JSON and CSV, without a command around them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from filtviz.cli.json_data import CSV_COLUMNS, diagnosis_data, write_csv, write_rows
from filtviz.measures.measure import (
    Change,
    Diagnosis,
    FilterChange,
    FilterDiagnosis,
    Finding,
    LayerDiagnosis,
    Unjudged,
)


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
