"""The table of measures: complete, and docs/measures.md is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from filtviz.cli.explain import as_markdown
from filtviz.measures.measure import FilterDiagnosis, LayerDiagnosis, Measure
from filtviz.measures.table import (
    CHECKS,
    JUDGING,
    LEVEL,
    MEASURES,
    NULLS,
    STRENGTH,
    STRUCTURE,
    checks_met,
)
from filtviz.measures.verdicts import VERDICTS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "measures.md"


def test_every_entry_says_everything() -> None:
    for entry in MEASURES.values():
        assert all(entry.as_text().values()), entry.key
        assert entry.short_null


def test_these_decide_a_verdict() -> None:
    assert JUDGING == (
        "initialiser",
        "low-frequency",
        "sphericity",
        "filter-energy",
        "channel-energy",
        "spike",
    )
    assert STRUCTURE == ("low-frequency", "sphericity", "spike")
    assert STRENGTH == ("filter-energy", "channel-energy")
    assert [entry.as_text()["in verdict"] for entry in MEASURES.values()].count("yes") == 6
    assert {entry.level for entry in MEASURES.values()} == {LEVEL}
    assert pytest.approx(0.01 / 6) == LEVEL
    assert MEASURES["spike"].threshold == "p < .01/6; both sides at least 5"


def test_the_level_follows_from_how_many_judge() -> None:
    class Another(Measure):
        counts_if = "p < {level}"

    assert (Another(7).level, Another(7).threshold, Another(7).judges) == (0.01 / 7, "p < .01/7", False)


def test_these_are_shown_only_and_these_count_below() -> None:
    shown = [key for key, entry in MEASURES.items() if entry.shown_only]
    assert shown == [
        "normalisation", "rms", "mean", "kurtosis", "sparsity", "variance-entropy", "filter-orthogonality",
        "effective-rank", "orientation",
    ]  # fmt: skip
    assert [key for key, entry in MEASURES.items() if entry.counts_below] == ["orthogonal", "quantised"]
    assert not any(MEASURES[key].judges or MEASURES[key].check for key in shown)


def test_of_what_they_speak() -> None:
    assert MEASURES["low-frequency"].of == "layer and filter"
    assert {entry.of for entry in MEASURES.values()} == {"layer", "filter", "pair", "layer and filter"}


def test_a_measure_that_takes_nothing_gives_nothing(subject_of, glorot) -> None:
    subject, plain = subject_of(glorot((4, 1, 3, 3))), Measure(1)
    assert (plain.take(subject), plain.each(subject), plain.sum_up(subject, ())) == (None, {}, None)


def layer(**fields) -> LayerDiagnosis:
    shown = {"name": "a", "type": "", "shape": (1, 1, 3, 3), "dtype": "", "verdict": "structured"}
    return LayerDiagnosis(conv_index=0, sentence="", initialiser="", **(shown | fields))


def met(*layers: LayerDiagnosis) -> set[str]:
    return {rule for rule, names in checks_met(layers).items() if names}


def test_a_check_is_met_by_what_it_looks_for_and_nothing_else() -> None:
    assert met() == met(layer()) == set()
    for verdict, rule in {
        "initial": "untrained", "updated": "unstructured", "collapsed": "collapsed", "undecided": "undecided",
    }.items():  # fmt: skip
        assert met(layer(verdict=verdict)) == {rule}
    for mark, rule in {"dead": "dead", "decayed": "dead", "nonfinite": "nonfinite"}.items():
        assert met(layer(filters=(FilterDiagnosis(index=0, norm=1.0, **{mark: True}),))) == {rule}
    for key in MEASURES:
        found, not_found = (MEASURES[key].finding(value=1.0, text="", found=each) for each in (True, False))
        assert met(layer(findings=(found,))) == ({key} & {"duplicates", "clipped", "quantised", "unused"})
        assert met(layer(findings=(not_found,))) == set()


def test_a_check_names_its_layers() -> None:
    several = [layer(name="a"), layer(name="b", verdict="initial"), layer(name="c", verdict="initial")]
    assert checks_met(several)["untrained"] == ("b", "c")
    assert list(checks_met(several)) == list(CHECKS)


def test_each_verdict_has_its_words() -> None:
    assert list(VERDICTS) == ["initial", "updated", "structured", "collapsed", "undecided"]
    assert VERDICTS["updated"].says == f"was {VERDICTS['updated'].together}"


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text() == as_markdown(), "write it anew: filtviz explain --markdown > docs/measures.md"


def test_each_null_is_explained_in_a_few_words_or_is_plain() -> None:
    plain = {"–", "– (interval)", "a proof"}
    named = {entry.short_null for entry in MEASURES.values()} - plain
    assert [null for null in named if not any(word in null for word in NULLS)] == []
    assert [word for word in NULLS if not any(word in null for null in named)] == []
    assert all(len(meaning.split()) < 12 for meaning in NULLS.values())
