"""What is too much for a small file is left out by every command, and said, with the option that draws it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.building import conv, image

from filtviz import api
from filtviz.cli import main
from filtviz.network import Network, Origin

PIXELS, WORK = ("--max-pixels", "400000"), ("--max-work", "3000000")
"""Enough for one page of nolearn's; too little for anything of the second layer."""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype("f4") for shape in ((4, 1, 3, 3), (4,), (5, 4, 3, 3), (5,))]
    np.savez("net.npz", *arrays)
    return "net.npz"


@pytest.fixture
def stacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of two layers of which the file tells everything."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype("f4") for shape in ((4, 1, 3, 3), (4, 4, 3, 3))]
    network = Network.of([image(1, 400, 400), conv(arrays[0], below=0), conv(arrays[1], below=1)])
    monkeypatch.setattr(api, "load", lambda *_, **__: replace(network, origin=Origin(size=100)))


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def pictures(folder: str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).rglob("*.png"))


def test_plot_draws_what_fits_and_says_what_does_not(model):
    short = run("plot", model, "-o", "out", "--layer", "0", "--layer", "1", *PIXELS)
    assert (short.exit_code, pictures()) == (1, ["net-conv1.png"])
    assert (
        "filtviz: drawing conv2 takes 1,440,000 pixels, and files of this size may take 400,000; "
        "40,000 are left; if you trust the file, raise --max-pixels\n"
    ) in short.stderr
    whole = run("plot", model, "-o", "all", "--layer", "0", "--layer", "1")
    assert (whole.exit_code, len(pictures("all")), "max-" in whole.stderr) == (0, 5, False)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["sheet", "rms", "components", "nmf"])
def test_a_sheet_that_is_too_much_is_not_drawn(model, view):
    if view == "nmf":
        pytest.importorskip("sklearn", reason="needs the extra nmf")
    short = run("plot", model, "-o", "out", "--view", view, "--layer", "1", *WORK)
    assert (short.exit_code, pictures()) == (1, [])
    assert "raise --max-work\n" in short.stderr
    assert run("plot", model, "-o", "out", "--view", view, "--layer", "1").exit_code == 0


def test_the_terminal_shows_nothing_that_is_too_much(model):
    short = run("plot", model, "--terminal", "--max-work", "30000000", "--layer", "0", "--layer", "1")
    shown = [name in short.stdout for name in ("conv1", "conv2")]
    assert (short.exit_code, shown) == (1, [True, False])
    assert short.stderr.endswith("raise --max-work\n")
    assert run("plot", model, "--terminal").exit_code == 0


@pytest.mark.slow
@pytest.mark.usefixtures("stacked")
def test_filters_that_are_too_much_to_compose_are_not_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    through = ("plot", "m.pkl", "--through", "-l", "1", "-o", "out")
    short = run(*through, "--max-work", "100000")
    assert (short.exit_code, pictures()) == (1, [])
    assert "composing conv2 takes" in short.stderr
    assert (run(*through).exit_code, len(pictures())) == (0, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("stacked")
def test_composed_filters_are_drawn_where_only_their_trust_is_too_much_to_measure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short = run("plot", "m.pkl", "--through", "-l", "1", "-o", "out", "--max-work", "60000000")
    assert (short.exit_code, len(pictures())) == (1, 1)
    assert "filtviz: how far the composed filters of conv2 can be trusted was not measured: " in short.stderr
    assert short.stderr.count("raise --max-work") == 1


def test_export_draws_what_fits_and_describes_no_more(model):
    short = run("export", model, "-o", "out", "-q", *PIXELS)
    assert (short.exit_code, pictures()) == (1, ["conv1.png"])
    assert "filtviz: net.npz: conv2 was not drawn: drawing conv2 takes 1,440,000 pixels" in short.stderr
    described = json.loads(Path("out/manifest.json").read_text())["pictures"]
    assert [each["layer"] for each in described] == ["conv1"]
    raised = run("export", model, "-o", "out", "-q", "--max-pixels", "2000000")
    assert (raised.exit_code, raised.stderr, len(pictures())) == (0, "", 5)


def test_export_says_in_one_sentence_of_all_layers_what_was_too_much(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", *[np.ones((1, 1, 3, 3), "f4")] * 9)
    short = run("export", "net.npz", "-o", "out", "-q", *PIXELS)
    assert short.stderr.count("raise --max-pixels") == 1
    assert "conv2 to conv9 were not drawn: drawing conv2 takes" in short.stderr


def test_the_page_of_a_report_says_what_it_leaves_out(model):
    short = run("report", model, "-o", "page.html", "--max-work", "40000000")
    assert short.exit_code == 1
    (sentence, *_) = [line for line in short.stderr.splitlines() if line.endswith("raise --max-work")]
    page = Path("page.html").read_text()
    assert sentence.removeprefix("filtviz: ").split(":")[0] in page
    assert "--max-work" in page
    whole = run("report", model, "-o", "page.html")
    assert (whole.exit_code, "--max-work" in Path("page.html").read_text()) == (0, False)


def test_a_report_as_json_lists_what_it_leaves_out(model):
    short = run("report", model, "--json", "--max-work", "40000000")
    data = json.loads(short.stdout)
    assert (short.exit_code, len(data["layers"]) < 2, len(data["left_out"]) > 0) == (1, True, True)
    assert all(sentence.endswith("raise --max-work") for sentence in data["left_out"])
    assert json.loads(run("report", model, "--json").stdout)["left_out"] == []


@pytest.mark.slow
def test_layers_that_are_too_much_to_compare_are_not(model):
    both = ("compare", model, model, "--layer", "0", "--layer", "1", "-o", "out")
    short = run(*both, "--max-work", "50000")
    assert (short.exit_code, short.stdout, pictures()) == (1, "", [])
    assert "comparing conv1 takes" in short.stderr
    assert (run(*both).exit_code, len(pictures())) == (0, 2)


@pytest.mark.parametrize("animated", [False, True])
def test_pictures_of_a_comparison_that_are_too_many_leave_the_comparison(model, animated):
    how = ["compare", model, model, "-o", "out", *(["--animate", "a.gif"] if animated else [])]
    short = run(*how, *PIXELS[:1], "1000")
    assert (short.exit_code, pictures(), list(Path().glob("*.gif"))) == (1, [], [])
    assert "nothing changed" in short.stdout
    assert "raise --max-pixels" in short.stderr
    assert run(*how).exit_code == 0


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", ["plot", "export", "report", "compare", "diagnose"])
def test_each_command_has_the_options(command):
    text = run(command, "--help").stdout
    assert "--max-work" in text
    assert "--max-pixels" in text
