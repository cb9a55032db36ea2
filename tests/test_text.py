"""Hostile text is made harmless; numbers are said in words."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import filtviz
from filtviz.text import (
    about,
    digest,
    every,
    file_stem,
    listed,
    names_of_file,
    p_value,
    percent,
    plural,
    printable,
)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("conv1", "conv1"),
        ("fältare 卷积", "fältare 卷积"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("\x9b31m", "\\x9b31m"),
        ("x" * 10_000, "x" * 80 + "… (10000 characters)"),
    ],
)
def test_printable(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("raw", "stem"),
    [
        ("conv1", "conv1"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c:d", "a_b_c_d"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("", "_"),
        ("...", "_"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("卷积", "卷积"),
        ("модель 2", "модель_2"),
        ("e\u0301te\u0301", "été"),
        ("\u202egnp", "_gnp"),
        ("\ud800x", "_x"),
        ("x" * 60, "x" * 60),
        ("卷" * 40, "卷" * 40),
    ],
)
def test_file_stem(raw: str, stem: str) -> None:
    assert file_stem(raw) == stem


@pytest.mark.parametrize(
    ("encoding", "stem"), [("ascii", "netzf_r-_"), ("latin-1", "netzfür-_"), ("utf-8", "netzfür-свёртка")]
)
def test_file_stem_has_what_the_file_system_has(encoding: str, stem: str, monkeypatch) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: encoding)
    assert file_stem("netzfür-свёртка") == stem


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("raw", "kept"),
    [("卷" * 100, "卷" * 32), ("卷" * 41, "卷" * 32), ("x" * 10_000, "x" * 49), ("x" * 61, "x" * 49)],
)
def test_a_stem_that_was_cut_ends_in_digits_of_the_whole(raw: str, kept: str) -> None:
    assert file_stem(raw) == f"{kept}-{digest(raw)}"
    assert file_stem(raw) != file_stem(raw + "x")


def test_a_stem_gets_the_ending_that_was_asked_for_and_has_room_for_it() -> None:
    assert file_stem("net", ending="0123") == "net-0123"
    assert file_stem("x" * 100, ending="0123") == f"{'x' * 55}-0123"
    assert file_stem("...", ending="0123") == "_-0123"


@pytest.mark.slow
@given(st.text())
def test_file_stem_is_always_a_plain_name(raw: str) -> None:
    stem = file_stem(raw)
    assert 0 < len(stem) <= 61
    assert len(stem.encode()) <= 121
    assert all(c.isalnum() or c in "._-" for c in stem)
    assert stem[0] not in ".-"


@pytest.mark.slow
@given(st.text())
def test_printable_is_always_printable(raw: str) -> None:
    assert all(c.isprintable() or c == " " or c == "\u3000" or c.isspace() for c in printable(raw))
    assert not any(c in printable(raw) for c in "\n\r\t\x1b\x7f\x9b\u2028")


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (0.001, "under 1%"),
        (0.01, "1%"),
        (0.456, "46%"),
        (0.99, "99%"),
        (0.995, "over 99%"),
        (1, "100%"),
    ],
)
def test_percentages(share, said) -> None:
    assert percent(share) == said


def test_estimates() -> None:
    assert [about(0.92), about(0.999), about(0.001)] == ["about 92%", "over 99%", "under 1%"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.5, "p = 0.50"),
        (0.1, "p = 0.10"),
        (0.099, "p = 0.099"),
        (0.032, "p = 0.032"),
        (0.001, "p = 0.001"),
        (0.0009, "p = 9e-4"),
        (2e-7, "p = 2e-7"),
        (1e-50, "p = 1e-50"),
        (0.0, "p < 1e-50"),
    ],
)
def test_p_values(p, said) -> None:
    assert p_value(p) == said


def test_lists() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"])] == ["none", "a", "a and b"]
    assert listed(list("abcdefghij"), limit=4) == "a, b, c and 7 more"
    assert [plural(1, "filter"), plural(1200, "filter")] == ["1 filter", "1,200 filters"]
    assert [every(n, "filter") for n in (2, 3, 1200)] == [
        "both filters",
        "all 3 filters",
        "all 1,200 filters",
    ]


LENGTHS = {20, 30, 40, 60, 80, 100, 120, 200, 300, 400, 500, 1000, 2000}


@pytest.mark.slow  # all of the source is parsed
def test_names_of_a_file_are_never_nothing() -> None:
    assert names_of_file(["a", "", "b"], 2) == "a, one without a name and 1 more"
    assert names_of_file(["a", "b"], 2) == "a, b"


@pytest.mark.slow  # all of the source is parsed
def test_text_is_cut_at_one_of_a_few_lengths_wherever_it_is_shown() -> None:
    found = []
    for path in sorted(Path(filtviz.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in ("printable", "names_of_file"):
                place = 2 if name == "names_of_file" else 1  # before it stands how many names are shown
                given = [*node.args[place:], *(one.value for one in node.keywords if one.arg == "length")]
                found += [one.value for one in given if isinstance(one, ast.Constant)]
    assert len(found) > 200
    assert set(found) <= LENGTHS
