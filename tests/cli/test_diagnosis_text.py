"""The text of ``filtviz diagnose``: headings, columns and their order, numbers, singular and plural."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from filtviz.cli.diagnosis_text import _remarks, _responses, answer_of, describe_model, evidence_of
from filtviz.measures.measure import (
    Change,
    Diagnosis,
    FilterChange,
    FilterDiagnosis,
    LayerDiagnosis,
    Unjudged,
)
from filtviz.measures.table import MEASURES
from filtviz.responses.examining import Examination, LayerResponse


@pytest.fixture(autouse=True)
def width(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def layer(place: int = 0, verdict: str = "updated", **fields) -> LayerDiagnosis:
    shown = {"name": f"conv{place + 1}", "type": "Conv2DLayer", "shape": (20, 1, 3, 3), "dtype": "float32"}
    return LayerDiagnosis(
        conv_index=place,
        verdict=verdict,
        sentence=f"conv{place + 1}: the sentence.",
        initialiser="unknown",
        **(shown | fields),
    )


def told(*layers: LayerDiagnosis, with_filters: bool = False) -> str:
    diagnosis = Diagnosis(file="net.pkl", layers=layers)
    return evidence_of(diagnosis, details=True, with_filters=with_filters)


CURVE = Unjudged(conv_index=1, name="sound", type="Conv1DLayer", reason="it is a curve")
SHOWN = layer(
    seen="nothing much",
    residue=0.891,
    findings=(
        MEASURES["bias"].finding(value=None, text="moved", found=True),
        MEASURES["rms"].finding(value=0.12345, text="1.2 times"),
    ),
    changes=(Change(before="b.pkl", cos2=0.95, relative_change=0.2),),
    first_filters=(3, 17, 4),
    notes=("not composed with the layers below: it is the first convolution",),
)
WHOLE = Diagnosis(
    file="net.pkl",
    layers=(SHOWN,),
    unjudged=(CURVE,),
    answer="It is so.",
    summary="In full.",
    notes=("a note",),
    look="Look at this:",
    more="This tells more:",
    more_command="two YOUR-FILE",
    commands=("one", "three"),
)

SCREEN = """\
It is so.

layer    filters    verdict     as before    to be seen
-------  ---------  ----------  -----------  ------------
conv1    20x1x3x3   no pattern  89%          nothing much

Look at this:
  one

This tells more:
  two YOUR-FILE
"""

EVIDENCE = f"""\
conv1  20x1x3x3  float32 {"─" * 75}
conv1: the sentence.

measure (* found)    value    p    counts if    null        reading
-------------------  -------  ---  -----------  ----------  ---------
bias *                                          impossible  moved

Beside the verdict: rms 0.123 (1.2 times).

since    cos²    change/norm    F of what was added    p    significant at .05
-------  ------  -------------  ---------------------  ---  --------------------
b.pkl    0.95    0.2

Filters to look at first: 3, 17, 4.

Not composed with the layers below: it is the first convolution.

sound (Conv1DLayer) is not judged: it is a curve.

A null is what chance alone gives: impossible: no draw of the initialiser gives it. `filtviz explain
MEASURE` tells more of each.
"""


def test_the_answer_is_one_screen() -> None:
    pointer = "\n--details shows every measure beside what chance gives.\n"
    assert answer_of(WHOLE) == SCREEN + pointer
    nothing = Diagnosis(file="net.pkl", layers=(), answer="Nothing.")
    assert answer_of(nothing) == "Nothing.\n"


def test_all_parts_stand_in_their_order() -> None:
    full = f"\nnet.pkl {'─' * 92}\nIn full.\n\nNote: a note.\n\n"
    assert describe_model(WHOLE, details=True, with_filters=False) == SCREEN + full + EVIDENCE
    assert describe_model(Diagnosis(file=None, layers=()), details=True, with_filters=False).startswith(
        "the network ──"
    )


def test_the_nulls_of_all_layers_are_explained() -> None:
    first = layer(findings=(MEASURES["bias"].finding(value=None, text="moved"),))
    last = layer(1, findings=(MEASURES["spike"].finding(value=1.0, text="strong"),))
    text = describe_model(
        Diagnosis(file="a", layers=(first, last), answer="A."), details=True, with_filters=False
    )
    explained = " ".join(text[text.index("A null is what chance alone gives") :].split())
    assert "impossible: no draw" in explained
    assert "Tracy-Widom: the strongest direction in noise" in explained


def test_filters_alone_come_without_measures() -> None:
    one = layer(filters=(FilterDiagnosis(index=0, norm=1.0),), findings=SHOWN.findings)
    text = describe_model(Diagnosis(file="a", layers=(one,), answer="A."), details=False, with_filters=True)
    assert text.startswith("A.\n")
    assert "filter    norm" in text
    assert "Tracy" not in text
    assert "the sentence" not in text


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [1, 9, 14, 15, 200])
def test_layers_of_any_number_fit_the_screen(n) -> None:
    verdicts = ("updated", "structured", "undecided")
    layers = [
        layer(
            place, verdicts[place * 7 % 3], seen=f"{place} of 99 smooth, unequal strength, near-copies, dead"
        )
        for place in range(n)
    ]
    long = Diagnosis(
        file="net.pkl", layers=tuple(layers), answer="word " * 50, look="L", more="M", commands=("c",)
    )
    lines = answer_of(long).splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 100
    rows = lines[lines.index(next(line for line in lines if line.startswith("layer "))) + 2 :]
    rows = rows[: rows.index("")]
    if n <= 9:
        assert len(rows) == n
    else:  # those of one verdict share a line
        of_verdict = [sum(place * 7 % 3 == kind for place in range(n)) for kind in range(3)]
        assert [row.split()[:4] for row in rows] == [
            [f"conv{place + 1}", "and", str(count - 1), "more"]
            for place, count in zip(range(3), of_verdict, strict=True)
        ]


def test_what_else_would_decide_is_left_out_only_where_it_would_leave_the_screen() -> None:
    more = {
        "look": "L",
        "more": "M",
        "more_command": "m",
        "commands": ("c",),
        "others": (("Other:", "other"),),
    }
    layers = tuple(layer(place, "structured") for place in range(4))
    short = answer_of(Diagnosis(file="net.pkl", layers=layers, answer="A.", **more))
    assert "\nOther:\n  other\n" in short
    long = answer_of(Diagnosis(file="net.pkl", layers=layers, answer="word " * 160, **more))
    assert "Other" not in long
    assert "\nM\n  m\n" in long
    assert len(short.splitlines()) <= len(long.splitlines()) == 23


def test_many_layers_of_one_verdict_are_a_line() -> None:
    layers = (layer(0, residue=0.9), *(layer(i, "structured", residue=0.5 + i / 100) for i in range(1, 40)))
    lines = answer_of(Diagnosis(file="net.pkl", layers=layers, answer="A.")).splitlines()
    assert [line.split() for line in lines[4:6]] == [
        ["conv1", "20x1x3x3", "no", "pattern", "90%"],
        ["conv2", "and", "38", "more", "20x1x3x3", "structured", "51%", "to", "89%"],
    ]
    assert lines[6] == ""


def test_a_long_name_keeps_its_end() -> None:
    text = answer_of(Diagnosis(file="a", layers=(layer(name="block" * 20 + ".conv7"),), answer="A."))
    assert "…ckblockblockblock.conv7  " in text


def test_a_layer_that_cannot_be_judged_has_no_tables() -> None:
    assert told(layer(verdict="undecided"), with_filters=True) == textwrap.dedent(
        f"""\
        conv1  20x1x3x3  float32 {"─" * 75}
        conv1: the sentence.
        """
    )


def rows_of(*findings) -> list[list[str]]:
    """The cells of the table of measures; two blanks part them."""
    table = told(layer(findings=findings)).split("\n\n")[1].splitlines()
    bounds = [0]
    for dashes in table[1].split("  "):
        bounds.append(bounds[-1] + len(dashes) + 2)
    return [[line[a:b].strip() for a, b in pairwise(bounds)] for line in table[2:]]


def test_when_a_measure_counts() -> None:
    rows = rows_of(
        MEASURES["spike"].finding(value=-1.2345, p=0.0321, level=0.01 / 6, text="no direction"),
        MEASURES["first-component"].finding(
            value=0.61, p=0.005, level=0.01, threshold=0.5, found=True, text="few"
        ),
        MEASURES["bound"].finding(value=0.25, threshold=0.0, found=True, text="beyond"),
        MEASURES["orthogonal"].finding(value=1.5, threshold=1e-3, text="not"),
        MEASURES["quantised"].finding(value=0.5, threshold=0.95, found=True, text="only"),
        MEASURES["residue"].finding(value=None, text="cannot tell"),
    )
    assert rows == [
        ["spike", "-1.23", "0.032", "p<0.0017", "Tracy-Widom", "no direction"],
        ["first-component *", "0.61", "0.005", ">0.5, p<0.01", "199 draws", "few"],
        ["bound *", "0.25", "", ">0", "impossible", "beyond"],
        ["orthogonal", "1.5", "", "<0.001", "–", "not"],
        ["quantised *", "0.5", "", "<0.95", "occupancy", "only"],
        ["residue", "", "", "", "– (interval)", "cannot tell"],
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.0, "0"),
        (0.123456, "0.123"),
        (999.4, "999"),
        (1000.4, "1,000"),
        (-12345.6, "-12,346"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers(value, cell) -> None:
    assert rows_of(MEASURES["spike"].finding(value=value, text="x"))[0][1] == cell


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("p", "cell"),
    [
        (1.0, "1.000"),
        (0.0016, "0.002"),
        (0.001, "0.001"),
        (0.00099, "9.9e-4"),
        (2e-12, "2.0e-12"),
        (1e-51, "<1e-50"),
    ],
)
def test_p_values(p, cell) -> None:
    assert rows_of(MEASURES["spike"].finding(value=1.0, p=p, text="x"))[0][2] == cell


def test_what_a_measure_says_is_wrapped_in_its_column() -> None:
    text = told(layer(findings=(MEASURES["spike"].finding(value=1.0, text="word " * 40),)))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("word") == 40


def test_numbers_beside_the_verdict_are_a_line() -> None:
    shown = [MEASURES[key].finding(value=1.5, text=f"of {key}") for key in ("rms", "mean", "sparsity")]
    text = told(layer(findings=(MEASURES["spike"].finding(value=1.0, text="x"), *shown)))
    assert "\nBeside the verdict: rms 1.5 (of rms); mean 1.5 (of mean); sparsity 1.5 (of sparsity).\n" in text
    assert "Beside" not in told(layer(findings=(MEASURES["spike"].finding(value=1.0, text="x"),)))


def test_changes_are_a_table_of_files() -> None:
    changes = (
        Change(before="a/x.pkl", cos2=0.9, relative_change=0.3, share=0.8, share_p=1e-9, significant=0.25),
        Change(before="a/y.pkl", reason="it has no such layer"),
        Change(before="a/z.pkl"),
    )
    table = told(layer(changes=changes)).split("\n\n")[1].splitlines()
    assert table[0].split("  ")[0] == "since"
    assert table[2].split() == [
        "x.pkl",
        "0.9",
        "0.3",
        "0.8",
        "1.0e-9",
        "25%",
        "of",
        "the",
        "filters",
        "by",
        "themselves",
    ]
    assert table[3].split() == ["y.pkl", "it", "has", "no", "such", "layer"]
    assert table[4].split() == ["z.pkl", "nothing", "to", "compare"]


def test_files_of_the_same_name_are_told_apart_by_their_folders() -> None:
    changes = tuple(Change(before=f"{folder}/x.pkl", cos2=0.9) for folder in "ab")
    table = told(layer(changes=changes)).split("\n\n")[1].splitlines()
    assert [line.split()[0] for line in table[2:4]] == ["a/x.pkl", "b/x.pkl"]


SMOOTH = FilterDiagnosis(
    index=0,
    norm=1.25,
    share=0.61,
    share_p=0.0004,
    texture="smooth",
    composed_p=0.01,
    composed_texture="smooth",
    concentrated=True,
    classical="box",
    classical_channel=2,
    likeness=-0.981,
    reliance=1.5,
    coherence=0.4,
    angle=89.6,
)
ROUGH = FilterDiagnosis(
    index=1,
    norm=0.5,
    share=0.1,
    share_p=0.2,
    texture="rough",
    composed_p=0.3,
    composed_texture="rough",
    dead=True,
    decayed=True,
    duplicates=(2, 3, 4, 5),
)
BROKEN = FilterDiagnosis(index=2, norm=None, nonfinite=True)
TWIN = FilterDiagnosis(index=3, norm=0.5, duplicates=(1, 2, 4, 5, 6, 7), concentrated=True)


def changed(*cosines: float) -> tuple[FilterChange, ...]:
    return tuple(FilterChange(index=i, cos2=each, relative_change=0.1) for i, each in enumerate(cosines))


def test_filters_are_a_table(monkeypatch) -> None:
    monkeypatch.setattr("filtviz.paper.window_width", lambda: 300)  # nothing is broken into lines
    changes = (
        Change(before="x", cos2=0.9, filters=changed(0.0, 0.125, 0.25, 0.375)),
        Change(before="y", cos2=0.9, filters=changed(0.7, 0.7, 0.7, 0.7)),
    )
    text = told(layer(filters=(SMOOTH, ROUGH, BROKEN, TWIN), changes=changes), with_filters=True)
    table = text[text.index("filter  ") :].split("\n\n")[0].splitlines()
    assert [each.strip() for each in table[0].split("  ") if each.strip()] == [
        "filter", "norm", "F", "p", "looks", "direction", "through", "p through",
        "relied on", "cos²", "nearest", "remarks",
    ]  # fmt: skip
    bounds = [0]
    for dashes in table[1].split("  "):
        bounds.append(bounds[-1] + len(dashes) + 2)
    cells = [[line[a:b].strip() for a, b in pairwise(bounds)] for line in table[2:]]
    assert cells == [
        ["0", "1.25", "0.61", "4.0e-4", "smooth", "90° (0.40)", "low-pass, concentrated", "0.010", "1.5", "0",
         "box (-0.981, channel 2)", ""],
        ["1", "0.5", "0.1", "0.200", "rough", "", "fine", "0.300", "", "0.125", "",
         "provably dead, decayed to almost nothing, near-duplicate of 2, 3, 4, 5"],
        ["2", "", "", "", "", "", "", "", "", "0.25", "", "not finite"],
        ["3", "0.5", "", "", "", "", "concentrated", "", "", "0.375", "",
         "near-duplicate of 1, 2, 4, 5 and 2 more"],
    ]  # fmt: skip


def test_directions_are_shown_where_a_line_has_room_for_them(monkeypatch) -> None:
    def table(columns: int) -> list[str]:
        monkeypatch.setattr("filtviz.paper.window_width", lambda: columns)
        text = told(layer(filters=(replace(SMOOTH, classical=None),)), with_filters=True)
        return text[text.index("filter  ") :].splitlines()

    head, dashes, row = table(300)[:3]
    assert "direction" in head
    assert "90° (0.40)" in row
    assert table(len(dashes))[:3] == [head, dashes, row]
    assert "direction" not in table(len(dashes) - 1)[0]


def test_columns_that_are_empty_are_left_out() -> None:
    plain = tuple(FilterDiagnosis(index=i, norm=1.0, share=0.3, share_p=0.4) for i in range(2))
    text = told(layer(filters=plain), with_filters=True)
    assert text.split("\n\n")[1].splitlines()[0].split() == ["filter", "norm", "F", "p"]
    assert "norm" not in told(layer(filters=plain))


# What is said in one state and not in another


def screen(*layers: LayerDiagnosis, **fields) -> str:
    return answer_of(Diagnosis(file="net.pkl", **{"layers": layers, "answer": "A.", **fields}))


POINTER = "--details shows every measure"


def test_the_pointer_to_details_stands_where_images_say_nothing_and_details_are_not_shown() -> None:
    images = SimpleNamespace(sentences=("pixels are from 0 to 1",), of=lambda _: None)
    silent = SimpleNamespace(sentences=(), of=lambda _: None)
    assert POINTER in screen(layer())
    assert POINTER in screen(layer(), shown=silent)
    assert POINTER not in screen(layer(), shown=images)
    assert POINTER not in screen()
    whole = Diagnosis(file="net.pkl", layers=(layer(),), answer="A.")
    for details in (True, False):
        for with_filters in (True, False):
            text = describe_model(whole, details=details, with_filters=with_filters)
            assert (POINTER in text) != details


def test_others_are_left_out_from_the_first_line_beyond_the_screen() -> None:
    texts = [screen(layer(), answer="word " * n, others=(("Other:", "other"),)) for n in range(20, 400, 20)]
    with_others = [text.count("\n") for text in texts if "Other" in text]
    assert with_others == sorted(with_others)
    assert with_others[-1] == 23


def test_runs_of_one_verdict_stand_in_the_order_of_the_network_while_there_is_room() -> None:
    verdicts = ["structured"] * 10 + ["updated"] * 10 + ["structured"] * 10
    rows = [
        line.split() for line in screen(*(layer(i, each) for i, each in enumerate(verdicts))).splitlines()
    ]
    assert [row[:4] for row in rows if row[:1] and row[0].startswith("conv")] == [
        ["conv1", "and", "9", "more"],
        ["conv11", "and", "9", "more"],
        ["conv21", "and", "9", "more"],
    ]


@pytest.mark.cases("all")
@pytest.mark.parametrize("n", [24, 25, 60])
def test_layers_beyond_the_rows_are_counted_one_by_one(n) -> None:
    """Of each verdict several runs, and more verdicts than the rest of a long answer leaves rows for."""
    verdicts = ("initial", "updated", "structured", "collapsed", "undecided")
    layers = [layer(i, verdicts[i % 5]) for i in range(n)]
    text = screen(*layers, answer="word " * 380, look="L", commands=("c",))
    rows = [line for line in text.splitlines() if line.startswith("conv")]
    shown = sum(1 + (int(row.split()[2]) if " and " in row else 0) for row in rows)
    left = n - shown
    assert len(rows) == 3
    assert f"and {left} more layers" in text


def test_shapes_of_layers_that_share_a_line_are_various_where_they_differ() -> None:
    same = [layer(i, "structured") for i in range(30)]
    other = [*same[:-1], layer(29, "structured", shape=(8, 8, 5, 5))]
    assert "20x1x3x3" in screen(*same)
    assert "various" in screen(*other)
    assert "20x1x3x3" not in screen(*other)


def test_layers_that_share_a_line_show_what_they_have_in_common_or_why_they_cannot_be_judged() -> None:
    alike = [layer(i, "undecided", seen="too few", why="too few") for i in range(30)]
    apart = [layer(i, "undecided", seen=f"s{i}", why=("pruned", "rounded", "")[i % 3]) for i in range(30)]
    assert "too few" in screen(*alike)
    assert "pruned; rounded" in screen(*apart)
    assert "s0" not in screen(*apart)
    some = [layer(i, "undecided", seen="s0" * (i % 2), why="rounded") for i in range(30)]
    assert "rounded" in screen(*some)
    assert "s0" not in screen(*some)


def test_what_images_tell_of_layers_that_share_a_line_is_added_up() -> None:
    usual = {"units": 4, "function": "rectify", "fires": (0.5,) * 4}
    seen = [
        LayerResponse(
            layer=f"conv{i + 1}", index=i, conv_index=i, silent=(0, 1)[: 1 + i % 2], saturated=(i,), **usual
        )
        for i in range(30)
    ]
    shown = Examination(n_images=1, layers=tuple(seen), before="", labelled=None)
    layers = tuple(layer(i, "undecided") for i in range(30))
    (line,) = (
        each
        for each in answer_of(replace(WHOLE, layers=layers, shown=shown)).splitlines()
        if "29 more" in each
    )
    assert line.split()[-2:] == ["45", "30"]


def test_a_column_is_there_where_a_layer_has_something_in_it() -> None:
    head = screen(layer(), layer(1)).splitlines()[2].split()
    assert head == ["layer", "filters", "verdict"]
    head = screen(layer(residue=0.0), layer(1, seen="much")).splitlines()[2].split()
    assert head == ["layer", "filters", "verdict", "noise", "to", "be", "seen"]


@pytest.mark.cases("all")
@pytest.mark.parametrize("details", [True, False])
def test_layers_that_are_not_judged_stand_below_the_details_unless_they_were_too_much(details) -> None:
    much = replace(CURVE, name="large", reason="too much", left_out=True)
    diagnosis = Diagnosis(file="net.pkl", layers=(layer(),), unjudged=(much, CURVE))
    text = evidence_of(diagnosis, details=details, with_filters=False)
    assert ("sound (Conv1DLayer) is not judged: it is a curve." in text) == details
    assert "large" not in text


@pytest.mark.cases("all")
@pytest.mark.parametrize("verdict", ["initial", "updated", "structured"])
def test_of_draws_no_filter_is_worth_a_look_before_another(verdict) -> None:
    text = told(layer(verdict=verdict, first_filters=(3, 1)))
    assert ("Filters to look at first: 3, 1." in text) == (verdict != "initial")


def test_one_earlier_file_is_called_by_its_name_alone() -> None:
    for befores, names in ((["a/x.pkl"], ["x.pkl"]), (["a/x.pkl", "b/x.pkl", "c/y.pkl"],
                                                     ["a/x.pkl", "b/x.pkl", "c/y.pkl"])):  # fmt: skip
        changes = tuple(Change(before=before, cos2=0.9) for before in befores)
        table = told(layer(changes=changes)).split("\n\n")[1].splitlines()
        assert [line.split()[0] for line in table[2 : 2 + len(names)]] == names


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"fires": 0.0}, "never fires on these images"),
        ({"fires": None}, ""),
        ({"fires": 0.5}, ""),
        ({"saturated": 0.96}, "saturated"),
        ({"saturated": 0.95}, ""),
        ({"saturated": None}, ""),
        ({"dead": True}, "provably dead"),
        ({"decayed": True}, "decayed to almost nothing"),
        ({"muted": True}, "muted by its batch normalisation"),
        ({"ignored": True}, "ignored by the following layer"),
        ({"nonfinite": True}, "not finite"),
        ({"duplicates": (4,)}, "near-duplicate of 4"),
        ({"duplicates": (1, 2, 3, 4)}, "near-duplicate of 1, 2, 3, 4"),
        ({"duplicates": (1, 2, 3, 4, 5)}, "near-duplicate of 1, 2, 3, 4 and 1 more"),
    ],
)
def test_what_is_odd_of_a_filter_is_remarked(fields, remark) -> None:
    assert _remarks(FilterDiagnosis(index=0, norm=1.0, **fields)) == remark


@pytest.mark.parametrize(("channels", "said"), [((), ""), ((2, 5), "does not look at: 2, 5.")])
def test_channels_that_are_not_looked_at_stand_below_the_filters(channels, said) -> None:
    text = told(layer(filters=(SMOOTH,), unread_channels=channels), with_filters=True)
    assert ("does not look at" in text) == bool(channels)
    assert said in text


def responses(before: str = "", labelled: int | None = None, **fields) -> str:
    usual = {"layer": "conv1", "index": 1, "conv_index": 0, "units": 4, "function": "rectify"}
    seen = {"fires": (0.0, 0.5, 0.5, 0.6), "silent": (0,)}
    each = LayerResponse(**{**usual, **seen, **fields})
    return _responses(Examination(n_images=1, layers=(each,), before=before, labelled=labelled))


def test_what_images_tell_is_a_table_with_its_legend_and_the_silent_units() -> None:
    text = responses()
    assert text.startswith("Shown 1 image, and proof for these alone")
    assert "  40%" in text  # the mean of all units
    assert "Units that never fire: conv1 0." in text
    assert "saturated:" not in text
    assert "put back:" not in text
    assert "Units that never fire" not in responses(silent=())
    assert "<1%" in responses(fires=(0.0, 0.001, 0.0, 0.0))
    assert ">99%" in responses(fires=(1.0, 1.0, 1.0, 0.999))


def test_what_images_tell_stands_among_the_details_alone() -> None:
    shown = Examination(n_images=2, layers=(), before="", labelled=None)
    for details in (True, False):
        text = describe_model(replace(WHOLE, shown=shown), details=details, with_filters=False)
        assert (_responses(shown) in text) == details


@pytest.mark.cases("all")
@pytest.mark.parametrize(("labelled", "how"), [(4, "answered right"), (None, "answered as now")])
@pytest.mark.parametrize(("before", "name"), [("runs/a.pkl", "a.pkl"), ("", "the earlier file")])
def test_what_is_put_back_is_said_by_the_files_name(labelled, how, before, name) -> None:
    text = " ".join(responses(before, labelled, right_with_start=0.5).split())
    assert f"put back: how many images are {how} with this layer's weights of {name}." in text
