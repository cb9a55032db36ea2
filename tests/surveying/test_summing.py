"""What a survey makes of its tables: of one, two and many, at thresholds, in order."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests import telling

pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")

from filtviz import surveying
from filtviz.sources import Sources
from filtviz.surveying import page, parquet, summing
from filtviz.surveying.columns import FILES, column_of_measure
from filtviz.surveying.summing import (
    Distribution,
    History,
    LayerGroup,
    LayerHistory,
    Place,
    Shares,
    Standout,
    SurveyContent,
)
from filtviz.surveying.taking import FileRows

RMS = column_of_measure("rms")


def test_what_is_made_up_is_summed_up_as_it_was() -> None:
    from . import summed_told

    wanted = (telling.GOLDEN / "summed.txt").read_text(encoding="utf-8")
    assert list(summed_told.all_lines()) == wanted.splitlines()


def layers_of(**given: Any) -> summing._Layers:
    """Layers of the columns given; others are of one size, in one file each."""
    n = len(next(iter(given.values())))
    usual = {"depth": 0.0, "filters": 4.0, "rows": 3.0, "cols": 3.0}
    numbers = {name: np.full(n, usual.get(name, np.nan)) for name in summing._NUMBERS}
    numbers |= {name: np.zeros(n) for name in summing._COUNTS}
    texts: dict[str, list[Any]] = {name: [None] * n for name in summing._TEXTS}
    texts |= {"file": [f"f{i}" for i in range(n)], "layer": ["conv1"] * n}
    for name, values in given.items():
        if name in numbers:
            numbers[name] = np.array(values, float)
        else:
            texts[name] = list(values)
    return summing._Layers(numbers=numbers, texts=texts)


def content(**given: Any) -> SurveyContent:
    usual: dict[str, Any] = dict.fromkeys(
        ("shares", "distributions", "standouts", "components", "histories", "failures"), ()
    )
    numbers = {"parameters": 1, "layers": 1, "filters": 1, "n_histories": 0}
    return SurveyContent(**{**usual, **numbers, "shares": {}, "statuses": {"read": 1}, **given})


def shares(**given: Any) -> Shares:
    usual = {"name": "all", "layers": 10, "filters": 40, "verdicts": {}}
    counts = dict.fromkeys(("dead", "decayed", "duplicate", "nonfinite"), 0)
    return Shares(**{**usual, **counts, **given})


# The first sentences


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "models", "convolutions", "filters", "weights"),
    [
        (0, "0 models", "0 convolutions", "0 filters", "0 weights"),
        (1, "1 model", "1 convolution", "1 filter", "1 weight"),
        (2, "2 models", "2 convolutions", "2 filters", "2 weights"),
        (1000, "1,000 models", "1,000 convolutions", "1,000 filters", "1,000 weights"),
    ],
)
def test_what_was_surveyed_is_counted(n, models, convolutions, filters, weights) -> None:
    told = list(page._answer(content(statuses={"read": n}, layers=n, filters=n, parameters=n)))
    assert told == [f"{models} with {convolutions}, {filters} and {weights}."]


@pytest.mark.parametrize(
    ("field", "one", "two"),
    [
        ("dead", "1 never fires", "2 never fire"),
        ("duplicate", "1 repeats another filter of its layer", "2 repeat another filter of their layer"),
        ("nonfinite", "1 holds NaN or infinity", "2 hold NaN or infinity"),
    ],
)
def test_broken_filters_are_counted_over_all_groups(field, one, two) -> None:
    for groups, said in (
        ((shares(**{field: 1}), shares()), [f"Of the filters {one}."]),
        ((shares(**{field: 1}), shares(**{field: 1})), [f"Of the filters {two}."]),
        ((shares(decayed=3),), []),
    ):
        assert list(page._answer(content(shares={"depth": groups})))[1:] == said


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("verdict", "n", "said"),
    [
        ("initial", 1, "10% of the layers are still as an initialiser left them (1)."),
        ("initial", 10, "100% of the layers are still as an initialiser left them (10)."),
        ("collapsed", 1, "1 layer has collapsed: most of the filters are one."),
        ("collapsed", 2, "2 layers have collapsed: most of the filters are one."),
    ],
)
def test_untrained_and_collapsed_layers_are_counted(verdict, n, said) -> None:
    groups = (shares(verdicts={verdict: n}),)
    assert list(page._answer(content(layers=10, shares={"depth": groups})))[1:] == [said]


def test_models_that_stand_out_are_counted_once_each() -> None:
    def told(*files: str) -> list[str]:
        found = tuple(Standout(file, "rms", 1.0, 2.0, 3.0) for file in files)
        return list(page._answer(content(standouts=found)))[1:]

    assert told() == []
    assert told("a") == told("a", "a") == ["1 model stands out from the others."]
    assert told("a", "b", "a") == ["2 models stand out from the others."]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "of", "said"),
    [(1, 1, "100%"), (1, 101, "under 1%"), (1, 100, "1%"), (2, 3, "67%"), (999, 1000, "100%")],
)
def test_shares_at_both_sides_of_a_percent(n, of, said) -> None:
    assert page.share_of(n, of) == said


# Models that stand out


def standing_out(*medians: float) -> list[tuple[str, float]]:
    return [(each.file, each.z) for each in summing._standouts(layers_of(**{RMS: medians}))]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_model_above_stands_out_with_a_positive_number_and_one_below_with_a_negative(sign) -> None:
    others = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02, 0.98]
    ((file, z),) = standing_out(*others, 1 + sign * 2)
    assert file == "f7"
    assert np.sign(z) == sign
    middle = np.median([*others, 1 + sign * 2])
    spread = np.median(np.abs(np.array([*others, 1 + sign * 2]) - middle))
    assert z == pytest.approx(0.6745 * (1 + sign * 2 - middle) / spread)


def test_the_farthest_stands_first_and_one_at_the_threshold_does_not_stand_out() -> None:
    others = [-2.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0]  # the median of all is 0, the spread 1
    limit = summing.STANDS_OUT / 0.6745
    assert standing_out(*others, limit * 0.999, -limit * 0.999) == []
    assert [file for file, _ in standing_out(*others, limit * 1.001, -limit * 2)] == ["f8", "f7"]


def test_so_many_models_it_takes_and_a_spread() -> None:
    others = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02]
    assert standing_out(*others, 9.0) == []
    assert len(standing_out(*others, 0.98, 9.0)) == 1
    assert standing_out(*others, np.nan, 9.0) == []
    assert standing_out(*[1.0] * 8) == []


def test_one_beside_models_that_agree_stands_out_by_the_mean_deviation() -> None:
    ((file, z),) = standing_out(*[1.0] * 7, 9.0)
    assert file == "f7"
    assert z == pytest.approx(8 / (1.2533 * 1.0))


def test_copies_that_differ_by_rounding_alone_do_not_make_others_stand_out() -> None:
    copies = [0.999 + n * 1e-13 for n in range(5)]
    assert standing_out(*copies, 0.9986, 0.9987, 0.9993, 0.9994) == []


# Distributions


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", range(1, 9))
def test_the_ends_of_a_group_are_named_from_outside_in_and_no_layer_twice(n: int) -> None:
    values = np.random.default_rng(0).permutation(n).astype(float)
    found = summing._group(layers_of(**{RMS: values}), values, "all", np.arange(n))
    assert found is not None
    lowest, highest = [each.value for each in found.lowest], [each.value for each in found.highest]
    assert lowest == list(range(min(3, (n + 1) // 2)))
    assert highest == list(range(n - 1, n - 1 - min(3, n // 2), -1))
    assert not {each.file for each in found.lowest} & {each.file for each in found.highest}
    assert found.quantiles == tuple(np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)))
    assert page.ends(found) == [
        (words, places) for words, places in (("lowest", found.lowest), ("highest", found.highest)) if places
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("values", "known"),
    [([], 0), ([1.0], 0), ([1.0, np.nan], 0), ([np.inf, 1.0], 0), ([1.0, 2.0], 2), ([1.0, np.nan, 1.0], 2)],
)
def test_a_distribution_takes_two_layers_of_which_it_is_known(values, known: int) -> None:
    layers = layers_of(**{RMS: values})
    kinds = {"framework": {"x": np.arange(len(values))}, "depth": {"none": np.array([], int)}}
    found = summing._distribution(layers, kinds, "rms")
    assert (found is not None) == bool(known)
    if found is not None:
        assert found.low < found.high
        assert [group.n for group in found.groups["framework"]] == [known]
        assert found.groups["depth"] == ()


def test_what_lies_beyond_the_axis_lies_at_its_ends() -> None:
    axis = Distribution("rms", "", "", 2.0, 4.0, {})
    box = page.box(LayerGroup("x", 5, (1.0, 2.0, 3.0, 3.5, 9.0), (), ()), axis)
    assert box == {
        "low": 0,
        "left": 0,
        "middle": page.WIDTH / 2,
        "right": page.WIDTH * 0.75,
        "high": page.WIDTH,
    }


def test_layers_are_grouped_by_size_depth_and_framework() -> None:
    layers = layers_of(
        depth=[0, 0.3, 0.34, 0.66, 0.67, 1], rows=[3, 3, 1, np.nan, 5, 3], cols=[3, 3, 1, np.nan, 3, 3],
        framework=["a", "a", None, "b", "b", "b"],
    )  # fmt: skip
    kinds = {
        kind: {name: places.tolist() for name, places in groups.items()}
        for kind, groups in summing._kinds(layers).items()
    }
    assert list(kinds) == ["kernel size", "depth", "framework"]
    assert kinds["kernel size"] == {"3x3": [0, 1, 5], "1x1": [2], "not two-dimensional": [3], "5x3": [4]}
    assert kinds["depth"] == {"first third": [0, 1], "middle": [2, 3], "last third": [4, 5]}
    assert list(kinds["depth"]) == ["first third", "middle", "last third"]
    assert kinds["framework"] == {"b": [3, 4, 5], "a": [0, 1], "not told": [2]}
    assert list(kinds["framework"]) == ["b", "a", "not told"]


def test_shares_are_sums_over_the_places_of_a_group_and_no_others() -> None:
    layers = layers_of(
        filters=[1, 2, 4], dead_filters=[0, np.nan, 8], decayed_filters=[0, 3, 8],
        duplicate_filters=[1, 2, 8], nonfinite_filters=[0, 1, 8], verdict=["initial", None, "updated"],
    )  # fmt: skip
    (found,) = summing._shares(layers, {"some": np.array([0, 1])})
    assert found == shares(
        name="some", layers=2, filters=3, verdicts=Counter({"initial": 1, "not judged": 1}), dead=0,
        decayed=3, duplicate=3, nonfinite=1,
    )  # fmt: skip


# Histories


def histories(*epochs: int | None, network: str = "n", status: str = "read") -> list[History]:
    files = [
        {"status": status, "epoch": epoch, "run": "r", "network": network, "file": f"f{i}"}
        for i, epoch in enumerate(epochs)
    ]
    return summing._histories(files, layers_of(**{RMS: np.arange(float(len(epochs)))}))


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("epochs", "known"),
    [
        ((1, 2), None),
        ((1, 2, 2), None),
        ((1, 2, None), None),
        ((3, 1, 2), (1, 2, 3)),
        ((9, 1, 5, 5), (1, 5, 9)),
    ],
)
def test_three_epochs_are_a_history_in_their_order(epochs, known) -> None:
    found = histories(*epochs)
    assert [each.epochs for each in found] == ([] if known is None else [known])
    for each in found:
        assert each.files == tuple(f"f{epochs.index(epoch)}" for epoch in known)
        assert each.lines == {
            "rms": (LayerHistory("conv1", tuple(float(epochs.index(one)) for one in known)),)
        }
    assert histories(*epochs, status="failed") == []


def test_lines_of_a_measure_share_an_axis_and_gaps_are_left_out() -> None:
    lines = (LayerHistory("a", (0.0, np.nan, 2.0)), LayerHistory("b", (4.0, 1.0, 1.0)))
    history = History("r", (10, 20, 50), ("x", "y", "z"), {"rms": lines})
    assert page.limits(lines) == {"low": 0.0, "high": 4.0}
    assert (
        page.points(lines[0], history, page.limits(lines))
        == f"0.0,{page.HEIGHT:.1f} {page.WIDTH:.1f},{page.HEIGHT / 2:.1f}"
    )
    assert (
        page.points(lines[1], history, page.limits(lines)).split()[1]
        == f"{page.WIDTH / 4:.1f},{page.HEIGHT * 0.75:.1f}"
    )


def test_points_of_a_thousand_states_are_all_there_in_the_page() -> None:
    values = tuple(np.random.default_rng(0).normal(size=1000).tolist())
    lines = (LayerHistory("a", values),)
    history = History("r", tuple(range(1000)), ("x",) * 1000, {"rms": lines})
    made = page._environment().from_string("{{ line | points(history, lines | limits) }}")
    assert len(made.render(line=lines[0], history=history, lines=lines).split()) == 1000


# What an earlier run has left


def row(name: str, **facts: Any) -> dict[str, Any]:
    usual = {"size": 1, "changed": 2, "status": "read", "code": None, "reason": None, "parts": []}
    return {each.name: None for each in FILES} | {"file": name, **usual, **facts}


def test_what_has_changed_or_was_given_up_is_measured_anew() -> None:
    now = dict.fromkeys(("a", "b", "c", "d", "e"), (1, 2))
    known = surveying._Known()
    for each, holds in (
        (row("a"), True), (row("a"), False), (row("b", size=9), False), (row("c", changed=9), False),
        (row("d", code=surveying.WORKER_ENDED, status="failed"), False),
        (row("e", status="failed", code="damaged", reason="it is", parts=["p"]), True), (row("other"), True),
        (row("gone", status="failed", code="damaged", reason="it was"), True),
    ):  # fmt: skip
        assert known.take(each, now) == holds, each
    assert known.done == {"a", "e"}
    assert known.failures == [surveying.SurveyFailure("e", "it is", "damaged")]
    assert known.parts == {os.path.realpath("p")}


class Written:
    """A store that only remembers what was added."""

    def __init__(self) -> None:
        self.parts: list[list[str]] = []

    def add(self, rows: list[FileRows], _: Sources) -> None:
        self.parts.append([each.file["file"] for each in rows])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("filters", "seconds", "parts"),
    [(1, 0.0, []), (2, 0.0, [["a", "b"]]), (0, 31.0, [["a"], ["b"]]), (0, 15.0, [])],
)
def test_a_part_is_written_when_it_is_full_or_time_has_passed(monkeypatch, filters, seconds, parts) -> None:
    monkeypatch.setattr(surveying, "MOST_FILTERS", 4)
    clock = [100.0]
    monkeypatch.setattr(surveying.time, "monotonic", lambda: clock[0])
    store = Written()
    writing = surveying._Writing(store, Sources.of([]), set(), set())  # type: ignore[arg-type]
    for name in "ab":
        clock[0] += seconds
        writing.take(FileRows(file=row(name), layers={"conv": [0]}, filters={"filter": [0] * filters}))
    assert store.parts == parts
    assert (writing.files, writing.layers, writing.filters) == (2, 2, 2 * filters)
    writing.flush()
    writing.flush()
    assert [name for part in store.parts for name in part] == ["a", "b"]


def test_no_models_and_parts_of_models_are_passed_over(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    writing = surveying._Writing(Written(), Sources.of([]), set(), set())  # type: ignore[arg-type]
    writing.take(FileRows(file=row("model", parts=["shard"])))
    writing.take(FileRows(file=row("shard")))
    writing.take(FileRows(file=row("text", status="no-model")))
    writing.take(FileRows(file=row("bad", status="failed", code="damaged", reason="it is")))
    assert (writing.files, writing.passed_over) == (2, 2)
    assert writing.failures == [surveying.SurveyFailure("bad", "it is", "damaged")]


def test_of_rows_that_are_dropped_the_files_go_first_and_come_last(tmp_path: Path, monkeypatch) -> None:
    """Whatever stops it in between, no row of a file stands without those of its layers."""
    store, sources = parquet.TableStore(tmp_path, "options"), Sources.of([])
    store.add([FileRows(file=row("a")), FileRows(file=row("b"))], sources)
    done: list[tuple[str, str]] = []
    remove, write = parquet.remove_file, store._write
    monkeypatch.setattr(
        parquet, "remove_file", lambda path, own: (done.append(("-", path.parent.stem)), remove(path, own))
    )
    monkeypatch.setattr(store, "_write", lambda name, *rest: (done.append(("+", name)), write(name, *rest)))
    store.drop(0, {"a"}, sources)
    order = ["filters", "layers", "files"]
    assert done == [("-", name) for name in order[::-1]] + [("+", name) for name in order]
    assert store.parts() == [1]
    assert store.read("files", 1).to_pylist()[0]["file"] == "b"
    store.drop(1, {"b"}, sources)
    assert store.parts() == []


def content_of(layers: int = 10, **fields: Any) -> SurveyContent:
    usual = {"statuses": {"read": 2}, "parameters": 1, "filters": 40, "shares": {}, "n_histories": 0}
    usual |= dict.fromkeys(("distributions", "standouts", "components", "histories", "failures"), ())
    return SurveyContent(layers=layers, **{**usual, **fields})


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("verdicts", "counts", "said"),
    [
        ({}, (0, 0, 0), []),
        ({"initial": 5}, (0, 0, 0), ["50% of the layers are still as an initialiser left them (5)."]),
        ({"collapsed": 1}, (0, 0, 0), ["1 layer has collapsed: most of the filters are one."]),
        (
            {"initial": 1, "collapsed": 2},
            (0, 0, 0),
            [
                "10% of the layers are still as an initialiser left them (1).",
                "2 layers have collapsed: most of the filters are one.",
            ],
        ),
        ({}, (1, 0, 0), ["Of the filters 1 never fires."]),
        (
            {},
            (2, 1, 3),
            [
                "Of the filters 2 never fire, 1 repeats another filter of its layer and 3 hold NaN or "
                "infinity."
            ],
        ),
    ],
)
def test_the_answer_of_a_survey_says_what_is_the_matter_and_nothing_else(verdicts, counts, said) -> None:
    dead, duplicate, nonfinite = counts
    group = Shares(name="x", layers=10, filters=40, verdicts=verdicts, dead=dead, decayed=0,
                   duplicate=duplicate, nonfinite=nonfinite)  # fmt: skip
    sentences = list(page._answer(content_of(shares={"framework": (group,), "depth": (group,)})))
    assert sentences[0] == "2 models with 10 convolutions, 40 filters and 1 weight."
    assert sentences[1:] == said


def test_the_ends_of_a_group_have_their_own_words_and_lines_rise_where_values_do() -> None:
    low, high = Place("a", "x", 1.0), Place("b", "y", 2.0)
    group = LayerGroup("g", 2, (1.0, 1.0, 1.5, 2.0, 2.0), (low,), (high,))
    assert page.ends(group) == [("lowest", (low,)), ("highest", (high,))]
    assert page.ends(LayerGroup("g", 1, (1.0,) * 5, (low,), ())) == [("lowest", (low,))]
    line = LayerHistory("x", (1.0, float("nan"), 3.0))
    history = History("r", (1, 2, 5), ("a", "b", "c"), {"rms": (line,)})
    assert str(page.points(line, history, page.limits((line,)))) == f"0.0,{page.HEIGHT}.0 {page.WIDTH}.0,0.0"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("n", "of", "said"), [(0, 10, "–"), (1, 0, "–"), (1, 1000, "under 1%"), (1, 100, "1%"), (10, 10, "100%")]
)
def test_shares_of_layers_are_said(n, of, said) -> None:
    assert page.share_of(n, of) == said


def test_a_layer_at_a_third_is_in_the_middle_and_groups_stand_in_their_order():
    depth = np.array([1.0, 2 / 3, 1 / 3, 0.3, 0.0, 0.7])
    layers: Any = SimpleNamespace(
        numbers={
            "rows": np.array([3, 3, 5, 3, np.nan, 5.0]),
            "cols": np.array([3, 3, 5, 3, 1, 3.0]),
            "depth": depth,
        },
        texts={"framework": ["", "a", "a", "b", "a", ""]},
    )
    found = {
        kind: [(name, places.tolist()) for name, places in groups.items()]
        for kind, groups in summing._kinds(layers).items()
    }
    assert found["depth"] == [("first third", [3, 4]), ("middle", [1, 2]), ("last third", [0, 5])]
    assert found["kernel size"][0] == ("3x3", [0, 1, 3])
    assert {name for name, _ in found["kernel size"]} == {"3x3", "5x5", "5x3", "not two-dimensional"}
    assert found["framework"] == [("a", [1, 2, 4]), ("not told", [0, 5]), ("b", [3])]
