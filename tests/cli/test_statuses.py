"""What holds for every command: exit status, ``-q``, ``--json``, codes of failures, and how wide it prints.

A new command needs a row in `CALLS`, and is tested by that.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from filtviz import errors
from filtviz.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

FEW = "--images few.npz"
CALLS = {
    "plot": "MODEL --channels 0",
    "diagnose": "MODEL",
    "compare": "before.pkl MODEL",
    "export": "MODEL -o pictures -j 1 --channels 0 -l 0",
    "survey": "MODEL -o survey -j 1",
    "report": "MODEL -l 0",
    "convert": "MODEL net.npz",
    "layers": "MODEL",
    "graph": "MODEL",
    "explain": "dead",
    "predict": f"MODEL {FEW}",
    "activity": f"MODEL {FEW}",
    "patches": f"MODEL {FEW}",
    "occlusion": f"MODEL {FEW} --stride 15",
    "saliency": f"MODEL {FEW}",
    "maximise": "MODEL --steps 1 --unit 0",
    "codes": f"MODEL {FEW}",
    "loss": "MODEL",
}
"""Command → what it is called with; ``MODEL`` is a good file, or one that is none."""

TABLES = {**CALLS, "graph": "MODEL --terminal", "explain": ""}
"""The same where a table is printed."""

NEEDS = {"survey": "pyarrow", "saliency": "torch", "maximise": "torch"}
GOOD = {"loss": "trained.pkl.gz"}
"""The good file of a command; of the others ``net.pkl``."""

WITHOUT_MODEL = {"explain"}
OF_MODELS = [name for name in COMMANDS if name not in WITHOUT_MODEL]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES / "mission-trained.pkl", "net.pkl")
    shutil.copy(EXAMPLES / "mission-untrained.pkl", "before.pkl")
    shutil.copy(ROOT / "tests/fixtures/py27-nolearn0.6.0/nolearn-net.pkl.gz", "trained.pkl.gz")
    with np.load(EXAMPLES / "digits.npz") as digits:
        np.savez("few.npz", images=digits["images"][:4], labels=digits["labels"][:4])
    Path("bad.pkl").write_text("no model\n")


def run(command, *more, model=None, calls=CALLS, columns=None):
    """Run a command, unless it needs a library that is not here."""
    if command in NEEDS and importlib.util.find_spec(NEEDS[command]) is None:
        pytest.skip(f"this needs {NEEDS[command]}, which is not installed")
    words = calls[command].replace("MODEL", model or GOOD.get(command, "net.pkl")).split()
    return CliRunner().invoke(main, [command, *words, *more], env={"COLUMNS": columns})


def test_every_command_has_its_row():
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.slow
def test_a_good_run_is_status_0_and_quiet_where_it_is_asked_to_be(command):
    loud, quiet = run(command), run(command, "-q")
    assert (loud.exit_code, quiet.exit_code) == (0, 0), loud.output
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout


@pytest.mark.parametrize("command", OF_MODELS)
@pytest.mark.slow
def test_json_says_of_each_model_what_became_of_it(command):
    result = run(command, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["complete"] is True
    good = GOOD.get(command, "net.pkl")
    assert [each["file"] for each in told["models"]] == (["before.pkl"] if command == "compare" else []) + [
        good
    ]
    words = {"done", "drawn", "compared", "diagnosed", "measured"}
    assert {each["status"] for each in told["models"]} <= words
    assert {(each["code"], each["reason"]) for each in told["models"]} == {(None, None)}
    assert run(command, "--json", "-q").stderr == ""


@pytest.mark.slow
def test_json_of_a_command_without_models_is_one_object():
    assert json.loads(run("explain", "--json").stdout)


@pytest.mark.parametrize(
    ("model", "code"), [("bad.pkl", "unsupported"), ("gone.pkl", "no-access")], ids=["bad", "gone"]
)
@pytest.mark.parametrize("command", OF_MODELS)
@pytest.mark.slow
def test_a_bad_model_is_status_1_one_sentence_and_a_code(command, model, code):
    result = run(command, "-q", model=model)
    assert result.exit_code == 1
    sentences = result.stderr.splitlines()
    assert sentences
    assert sentences[0].startswith(f"filtviz: {model}: ")
    assert len(sentences) == 1
    result = run(command, "--json", model=model)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["complete"] is False
    failed = [each for each in told["models"] if each["file"] == model]
    assert [(each["status"], each["code"]) for each in failed] == [("failed", code)]
    assert failed[0]["reason"].startswith(f"{model}: ")


@pytest.mark.cases("all")
@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_usage_is_status_2(command):
    result = CliRunner().invoke(main, [command, "--no-such-option"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


@pytest.mark.parametrize("columns", [None, "60", "40"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.slow
def test_what_is_printed_in_a_pipe_is_as_wide_as_it_may_be(command, columns):
    result = run(command, "-q", calls=TABLES, columns=columns)
    assert result.exit_code == 0, result.output
    too_long = [line for line in result.stdout.splitlines() if len(line) > int(columns or 80)]
    headings = command == "graph" and columns == "40"  # its four do not fit into so few
    assert headings or not [line for line in too_long if not _stays_in_a_line(line)]


def _stays_in_a_line(line):
    """Tell a command to be copied, a path, or a result of one sentence, which scripts take by the line."""
    begins = "  filtviz ", "conv1: from before.pkl", "4 of 4 are answered as their file says"
    return line.startswith(begins) or " " not in line


def test_the_table_of_exit_statuses_has_all_of_them():
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8").partition("## Exit status")[2]
    assert {"0", "1", "2", "3", "130", "141"} <= set(re.findall(r"\d+", text.partition("\n## ")[0]))


def test_every_code_of_a_failure_is_documented():
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8").partition("## Codes of failures")[2]
    rows = [line.split("|")[1] for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    documented = set(re.findall(r"`([a-z-]+)`", " ".join(rows)))
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert {kind.code for kind in kinds} - {"failed", "unreadable"} <= documented
