"""`filtviz export`: exact output, exit codes, progress."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from filtviz.cli import main

PROGRAM = [sys.executable, "-c", "from filtviz.cli import main; main()"]


def save_model(path, n_channels=3):
    rng = np.random.default_rng(0)
    shapes = [(n_channels, 1, 3, 3), (n_channels,), (4, n_channels, 3, 3), (4,)]
    np.savez(path, *[rng.standard_normal(shape).astype("f4") for shape in shapes])


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model("net.npz")
    return "net.npz"


def run(*arguments):
    result = CliRunner().invoke(main, ["export", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def said(result):
    """What a run says, without the times at which it does."""
    return re.sub(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ", "", result.stderr)


def test_the_manifest_is_the_result_and_the_rest_is_a_message(model):
    first = run(model, "-o", "out")
    assert (first.exit_code, first.stdout) == (0, "out/manifest.json\n")
    assert said(first) == "net.npz: 4 pages drawn\n4 pages drawn, 0 kept\n"
    again = run(model, "-o", "out")
    assert said(again) == "0 pages drawn, 4 kept\n"


def test_numbers_are_said_with_their_plurals_and_failures_are_counted(model):
    one = run(model, "-o", "out", "--layer", "conv1")
    assert said(one) == "net.npz: 1 page drawn\n1 page drawn, 0 kept\n"
    failed = run(model, "-o", "out", "--layer", "conv1", "--layer", "conv7")
    assert failed.exit_code == 1
    assert said(failed).splitlines()[0] == "net.npz: 0 pages drawn, 1 was there, failed"
    assert said(failed).splitlines()[1].startswith("filtviz: net.npz: there is no convolution 'conv7'")
    assert said(failed).splitlines()[2] == "0 pages drawn, 1 kept, 1 of 1 model failed"
    both = run("gone.pkl", model, "-o", "out", "--layer", "conv1")
    assert said(both).splitlines()[-1] == "0 pages drawn, 1 kept, 1 of 2 models failed"


def test_what_misleads_is_said_of_its_model(model):
    rng = np.random.default_rng(0)
    np.savez("small.npz", rng.standard_normal((4, 1, 1, 1)).astype("f4"), np.zeros(4, "f4"))
    result = run("small.npz", "-o", "out")
    assert result.exit_code == 0
    assert said(result).startswith("small.npz: conv1 is 1x1: ")


def test_force_draws_again(model):
    run(model, "-o", "out")
    assert said(run(model, "-o", "out", "--force")) == "net.npz: 4 pages drawn\n4 pages drawn, 0 kept\n"


def test_format_and_channels_are_passed_on(model):
    run(model, "-o", "out", "--format", "svg", "--channels", "0,2", "--layer", "-1")
    assert sorted(path.name for path in Path("out").glob("net/*")) == ["conv2-ch0.svg", "conv2-ch2.svg"]


def test_the_number_of_processes_is_passed_on(model, monkeypatch):
    from filtviz import batch

    asked = []
    run_jobs = batch.run_jobs
    monkeypatch.setattr(batch, "run_jobs", lambda jobs, n: asked.append(n) or run_jobs(jobs, 1))
    run(model, "-o", "out", "--jobs", 3)
    run(model, "-o", "out")
    assert asked == [3, None]


def test_quiet_says_nothing_but_the_result(model):
    result = run(model, "-o", "out", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "out/manifest.json\n", "")


def test_failures_are_named_at_the_end_whatever_quiet_says(model):
    Path("bad.pkl").write_bytes(b"no model")
    result = run("bad.pkl", "gone.pkl", model, "-o", "out", "--quiet")
    assert (result.exit_code, result.stdout) == (1, "out/manifest.json\n")
    lines = result.stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [["filtviz", "bad.pkl"], ["filtviz", "gone.pkl"]]
    assert [line.count(".pkl: ") for line in lines] == [1, 1]


def test_json_is_the_only_thing_on_stdout(model):
    result = run("gone.pkl", model, "-o", "out", "--json", "--layer", 0, "--dpi", 50)
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert printed["folder"] == "out"
    written = json.loads(Path("out/manifest.json").read_text())
    assert printed["pictures"] == [{**entry, "model": model} for entry in written["pictures"]]
    assert [options["dpi"] for options in printed["options"]] == [50.0]
    failed, drawn = printed["models"]
    assert (failed["model"], failed["status"], failed["code"]) == ("gone.pkl", "failed", "no-access")
    assert failed["reason"] == "gone.pkl: there is no such file"
    assert (drawn["model"], drawn["status"], drawn["pages"], drawn["drawn"]) == (model, "drawn", 1, 1)
    assert (printed["complete"], written["complete"]) == (False, False)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "out"], "Error: Missing argument 'MODEL...'"),
        (["net.npz"], "Error: Missing option '-o' / '--output'"),
        (["net.npz", "-o", "out", "--jobs", "0"], "Error: Invalid value for '-j' / '--jobs': 0"),
        (["net.npz", "-o", "out", "--channels", "x"], "Error: channels are `all`, or numbers"),
    ],
)
def test_wrong_usage_is_status_2(model, arguments, sentence):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert not Path("out").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(model):
    result = run(model, "-o", "net.npz")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "filtviz: cannot write net.npz: not a directory\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_shows_a_bar_with_pages_rate_and_time_left(model):
    import pty
    import termios

    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 100))
    process = subprocess.Popen(
        [*PROGRAM, "export", model, "-o", "out"], stderr=follower, stdout=subprocess.PIPE, text=True
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(leader)
    assert process.communicate()[0] == "out/manifest.json\n"
    assert process.returncode == 0
    text = shown.decode()
    assert "4/4" in text
    assert "page/s" in text or "s/page" in text
    assert "net.npz: 4 pages drawn" in text


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGINT")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_stops_with_status_130_and_whole_files(model):
    save_model("large.npz", n_channels=2000)
    process = subprocess.Popen(
        [*PROGRAM, "export", "large.npz", "-o", "out", "--jobs", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(Path("out").glob("large/*.png"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the job
    messages = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert messages == ("filtviz: stopped; the same command goes on from here (out holds whole pictures)\n")
    files = {path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()}
    written = json.loads(Path("out/manifest.json").read_text())
    assert not written["complete"]
    assert {entry["file"] for entry in written["pictures"]} == files - {"manifest.json"}


def test_the_help_holds_an_example():
    result = run("--help")
    assert result.exit_code == 0
    assert "filtviz export model.pkl -o pngs/" in result.stdout
