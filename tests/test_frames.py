"""Tables of pandas have the columns that the guide names, each with what it is called after."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

import filtviz
from filtviz import Network, frames
from filtviz.measures.measure import Change, FilterChange, FilterDiagnosis, Finding
from filtviz.summary import LayerRow, summarize
from tests import shown_told, telling
from tests.building import conv, image


def test_frames_hold_what_they_held() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    wanted = (telling.GOLDEN / "frames.txt").read_text(encoding="utf-8")
    assert list(shown_told.frames()) == wanted.splitlines()


def made() -> Network:
    weights = np.random.default_rng(0).normal(size=(4, 1, 3, 3)).astype("f4")
    return Network.of([image(1, 8, 8), conv(weights, below=0, name="first\x1b")])


def test_a_row_of_a_layer_has_what_was_told_of_it() -> None:
    (layer,) = filtviz.diagnose(made()).layers
    assert list(frames._layers(replace(layer, type="\x1b" + 99 * "t"))) == [
        {
            "conv": 0, "layer": "first\\x1b", "type": "\\x1b" + 99 * "t", "shape": (4, 1, 3, 3),
            "dtype": layer.dtype,
            "verdict": layer.verdict, "noise": layer.residue,
            "noise_at_least": layer.residue_at_least, "seen": layer.seen, "initialiser": layer.initialiser,
            "sentence": layer.sentence,
        }
    ]  # fmt: skip


def test_a_row_of_a_filter_and_of_a_measure_has_all_fields() -> None:
    (layer,) = filtviz.diagnose(made()).layers
    known = {one.name for one in fields(FilterChange)}
    change = FilterChange(**{name: {"index": 2, "cos2": 0.5}.get(name) for name in known})
    layer = replace(layer, changes=(Change(before="x", filters=(change,)),))
    rows = list(frames._filters(layer))
    names = [one.name for one in fields(FilterDiagnosis) if one.name != "index"]
    assert [list(row) for row in rows] == [["conv", "layer", "filter", *names, "cos2"]] * 4
    assert [row["cos2"] for row in rows] == [None, None, 0.5, None]
    assert [[row[name] for name in names] for row in rows] == [
        [getattr(each, name) for name in names] for each in layer.filters
    ]
    names = [one.name for one in fields(Finding) if one.name != "measure"]
    found = list(frames._measures(layer))
    assert [row["measure"] for row in found] == [each.measure for each in layer.findings]
    assert [[row[name] for name in names] for row in found] == [
        [getattr(each, name) for name in names] for each in layer.findings
    ]


def test_a_row_of_the_network_has_its_fields_by_their_names() -> None:
    for row in summarize(made()).rows:
        told = frames._of_row(row)
        assert list(told) == [*(one.name for one in fields(LayerRow)), "coverage"]
        seen = row.receptive_field
        assert told["receptive_field"] == (None if seen is None else seen.size)
        assert told["coverage"] == (None if seen is None else seen.coverage)
        assert "\x1b" not in str(told["name"])


def test_of_several_earlier_files_the_first_is_what_filters_are_held_against() -> None:
    (layer,) = filtviz.diagnose(made()).layers
    changes = tuple(
        Change(before=name, filters=(FilterChange(index=0, cos2=cos2, relative_change=1.0),))
        for name, cos2 in (("first", 0.25), ("last", 0.75))
    )
    rows = list(frames._filters(replace(layer, changes=changes)))
    assert [row["cos2"] for row in rows] == [0.25, None, None, None]


def test_a_share_of_none_is_a_number_and_one_that_is_not_known_is_none() -> None:
    (layer,) = filtviz.diagnose(made()).layers
    for share in (0.0, None, 0.5):
        (row,) = frames._layers(replace(layer, residue=share))
        assert row["noise"] == share
        assert (row["noise"] is None) == (share is None)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("layer", "'layer'"),
        ("", "''"),
        (None, "None"),
        (3, "3"),
        (["layers"], "an object of class list"),
        ({"layers": 1}, "an object of class dict"),
    ],
)
def test_a_frame_of_something_else_is_one_sentence(of, said) -> None:
    with pytest.raises(filtviz.ArgumentError) as caught:
        frames.diagnosis_frame(filtviz.Diagnosis(file=None, layers=()), of)
    assert str(caught.value) == f"a frame is of 'layers', 'filters' or 'measures', not {said}"


@pytest.mark.slow
@pytest.mark.parametrize("of", ["layers", "filters", "measures"])
def test_a_frame_of_nothing_is_empty(of) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert frames.diagnosis_frame(filtviz.Diagnosis(file=None, layers=()), of).empty
    assert frames.network_frame(Network.of([])).empty


def test_tables_of_pandas_have_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[tuple[list[dict[str, object]], str | None]] = []

    class DataFrame:
        empty = False

        def __init__(self, rows: list[dict[str, object]]) -> None:
            tables.append((rows, None))

        def set_index(self, name: str) -> None:
            tables[-1] = tables[-1][0], name

    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=DataFrame))
    network, other = made(), Network.of([image(1, 8, 8), conv(np.ones((4, 1, 3, 3), "f4"), below=0)])
    network.to_frame()
    (comparison,) = filtviz.compare(network, other).comparisons
    comparison.to_frame()
    diagnosis = filtviz.diagnose(network)
    for of in ("layers", "filters", "measures"):
        diagnosis.to_frame(of)
    assert [(len(rows), index) for rows, index in tables] == [
        (2, "index"), (4, "filter"), (1, None), (4, None), (len(diagnosis.layers[0].findings), None),
    ]  # fmt: skip
    assert [[row[name] for row in tables[1][0]] for name in ("filter", "relative_change", "cosine")] == [
        [0, 1, 2, 3], comparison.relative_change.tolist(), comparison.cosine.tolist(),
    ]  # fmt: skip
    with pytest.raises(filtviz.ArgumentError, match="a frame is of 'layers', 'filters' or 'measures'"):
        diagnosis.to_frame("rows")
