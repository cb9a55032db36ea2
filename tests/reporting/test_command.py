"""``filtviz report`` on the command line."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import filtviz
from filtviz.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STAGES = ("untrained", "halfway", "trained")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for stage in STAGES:
        shutil.copy(EXAMPLES / f"mission-{stage}.pkl", tmp_path / f"{stage}.pkl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


@pytest.mark.slow
def test_the_page_is_named_after_the_model(folder: Path) -> None:
    result = run("trained.pkl")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "trained-report.html\n", "")
    summary = filtviz.diagnose(filtviz.load("trained.pkl")).summary
    assert summary in html.unescape((folder / "trained-report.html").read_text("utf-8"))


@pytest.mark.slow
def test_an_existing_page_is_replaced_and_nothing_else_is_left(folder: Path) -> None:
    (folder / "page.html").write_text("old")
    assert run("trained.pkl", "-o", "page.html").exit_code == 0
    assert (folder / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert sorted(p.name for p in folder.iterdir()) == [
        "halfway.pkl",
        "page.html",
        "trained.pkl",
        "untrained.pkl",
    ]


def test_a_failed_run_keeps_the_old_page(folder: Path) -> None:
    (folder / "page.html").write_text("old")
    result = run("missing.pkl", "-o", "page.html")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "missing.pkl" in result.stderr
    assert (folder / "page.html").read_text() == "old"


@pytest.mark.parametrize(
    "way", ["./trained.pkl", "{folder}/trained.pkl", "within/../trained.pkl", "link.pkl"]
)
@pytest.mark.parametrize("turned", [False, True], ids=["page", "model"])
def test_the_model_is_never_overwritten(folder: Path, way: str, turned: bool) -> None:
    """Whichever way leads to it, and whichever of the two is written so."""
    (folder / "within").mkdir()
    (folder / "link.pkl").symlink_to("trained.pkl")
    before = (folder / "trained.pkl").read_bytes()
    way = way.format(folder=folder)
    model, output = (way, "trained.pkl") if turned else ("trained.pkl", way)
    result = run(model, "-o", output)
    assert result.exit_code == 1
    assert result.stderr == (
        f"filtviz: cannot write {Path(output)}: it is one of the files given; choose another name or folder\n"
    )
    assert (folder / "trained.pkl").read_bytes() == before


@pytest.mark.slow
def test_a_page_that_cannot_be_written(folder: Path) -> None:
    result = run("trained.pkl", "-o", "nowhere/page.html")
    assert result.exit_code == 1
    assert result.stderr == "filtviz: cannot write nowhere/page.html: no such file or directory\n"


@pytest.mark.slow
@pytest.mark.parametrize("output", ["pages", "pages/"])
def test_the_output_may_be_a_folder(folder: Path, output: str) -> None:
    (folder / "pages").mkdir()
    result = run("trained.pkl", "-o", output)
    assert (result.exit_code, result.stdout) == (0, "pages/trained-report.html\n")
    assert [page.name for page in (folder / "pages").iterdir()] == ["trained-report.html"]


@pytest.mark.slow
def test_json_is_printed_instead(folder: Path) -> None:
    result = run("untrained.pkl", "trained.pkl", "--json")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    assert [file["label"] for file in facts["models"]] == ["untrained.pkl", "trained.pkl"]
    verdicts = [[layer["verdict"] for layer in file["diagnosis"]["layers"]] for file in facts["models"]]
    diagnosed = [filtviz.diagnose(filtviz.load(f"{stage}.pkl")) for stage in ("untrained", "trained")]
    assert verdicts == [[layer.verdict for layer in diagnosis.layers] for diagnosis in diagnosed]
    assert len(verdicts[1]) == 6
    first = facts["layers"][0]
    assert first["shape"] == [20, 1, 3, 3]
    assert first["files"] == ["untrained.pkl", "trained.pkl"]
    assert (first["conv_index"], first["name"]) == (0, "conv1")
    both = [np.array(histogram["counts"]) for histogram in first["histograms"]]
    assert [counts.sum() for counts in both] == [180, 180]
    assert (both[0] != both[1]).any()
    for histogram, stage in zip(first["histograms"], ("untrained", "trained"), strict=True):
        weights = filtviz.load(f"{stage}.pkl").conv_layers[0].W
        assert histogram["counts"] == np.histogram(weights, histogram["edges"])[0].tolist()
    assert (
        first["moved"]["rms"]["moved"]
        == first["moved"]["rms"]["values"][1] - first["moved"]["rms"]["values"][0]
    )
    assert not list(folder.glob("*.html"))


@pytest.mark.slow
def test_json_and_a_page(folder: Path) -> None:
    result = run("trained.pkl", "--json", "-o", "page.html")
    assert json.loads(result.stdout)["title"] == "Filters of trained.pkl"
    assert (folder / "page.html").exists()


@pytest.mark.slow
def test_what_is_left_out_is_said(folder: Path) -> None:
    result = run("trained.pkl", "--layer", "conv1")
    assert result.stderr == "5 of 6 layers of trained.pkl are left out (--layer)\n"


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("trained.pkl", "--megabytes", "0"),
        ("trained.pkl", "--json", "--open"),
        ("trained.pkl", "--wrong"),
    ],
)
def test_wrong_usage(folder: Path, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.slow
def test_open_shows_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    result = run("trained.pkl", "--open")
    assert opened == [(folder / "trained-report.html").resolve().as_uri()]
    assert result.stderr == ""


@pytest.mark.slow
def test_where_no_browser_opens_that_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    result = run("trained.pkl", "--open")
    assert result.exit_code == 0
    assert result.stderr == "no browser could be opened; trained-report.html is the page\n"


@pytest.mark.slow
def test_the_help_is_light() -> None:
    check = (
        "from filtviz.cli import main; main(['report', '--help'], standalone_mode=False)\n"
        "import sys; print(sorted({'matplotlib', 'scipy', 'PIL', 'jinja2'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
