"""docs/survey.md: its queries run, and its columns are those of the tables."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

import filtviz
from filtviz.surveying.columns import TABLES, document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "survey.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = PAGE.parents[1] / "examples"


def queries(kind):
    return re.findall(rf"<!-- query: {kind} -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def survey(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra survey)")
    monkeypatch.chdir(tmp_path)
    Path("zoo").mkdir()
    for name in ("mission-trained.pkl", "mission-untrained.pkl"):
        shutil.copy(EXAMPLES / name, "zoo")
    Path("zoo/cut.pkl").write_bytes((EXAMPLES / "mission-trained.pkl").read_bytes()[:5000])
    return filtviz.survey("zoo", "survey", jobs=1)


def test_there_are_queries():
    assert len(queries("duckdb")) >= 3
    assert queries("pandas")


@pytest.mark.slow
def test_the_queries_of_duckdb_give_rows(survey):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    untrained, repeated, smooth = (duckdb.sql(query).fetchall() for query in queries("duckdb"))
    assert untrained == [("Lasagne", 12, pytest.approx(0.5, abs=0.1))]
    assert len(repeated) <= 10
    assert sum(filters for _, _, filters, _ in smooth) == 360


@pytest.mark.slow
def test_the_lines_of_pandas_print_tables(survey):
    pytest.importorskip("pandas", reason="pandas is not installed")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec("".join(queries("pandas")), {})
    assert "initial" in printed.getvalue()
    assert "zoo/cut.pkl" in printed.getvalue()


def test_every_column_is_documented():
    _, _, columns = TEXT.partition("<!-- columns -->\n")
    assert columns == document(), "write `document()` behind the mark in docs/survey.md"
    assert all(f"| `{column.name}` |" in columns for own in TABLES.values() for column in own)
