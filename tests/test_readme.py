"""The README says what happens: its commands are run, its Python too, and its pictures are drawn again."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def sessions() -> list[tuple[str, str]]:
    """Return each command of the console blocks with what it is said to print."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, printed))
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    arguments = shlex.split(command)
    return subprocess.run(
        arguments, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def pattern(printed: str) -> str:
    """Return a regular expression; a line ``…`` stands for any lines."""
    lines = printed.splitlines(keepends=True)
    return "".join("(?:.*\n)*?" if line == "…\n" else re.escape(line) for line in lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def test_the_readme_has_what_these_tests_look_for() -> None:
    assert len(sessions()) >= 4
    assert len(blocks("python")) >= 1


@pytest.mark.slow
@pytest.mark.parametrize(("command", "printed"), sessions(), ids=[command for command, _ in sessions()])
def test_command_prints_what_the_readme_says(command: str, printed: str, folder: Path) -> None:
    ran = run(command, folder)
    assert re.fullmatch(pattern(printed), ran.stdout), ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)


@pytest.mark.slow
def test_the_command_that_installs_draws_the_example(folder: Path) -> None:
    """The virtual environment of the first command is this one; its last part is the main job."""
    (block,) = re.findall(r"<!-- run: install -->\n```sh\n(.*?)\n```", README)
    job = block.split(" && ")[-1].removeprefix(".venv/bin/")
    ran = run(job, folder)
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.splitlines()[0] == "mission-trained-conv1.png"
    assert (folder / "mission-trained-conv1.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "picture"),
    [
        ("filtviz plot examples/mission-trained.pkl --layer 0", "mission-trained-conv1.png"),
        (
            "filtviz plot examples/mission-trained.pkl --layer conv6 --through",
            "mission-trained-conv6-through.png",
        ),
        ("filtviz plot examples/mission-torch.pth --layer conv1", "mission-torch-conv1.png"),
        (
            "filtviz plot examples/mission-torch.onnx --layer conv3 --through",
            "mission-torch-conv3-through.png",
        ),
    ],
)
def test_pictures_are_what_the_program_draws(command: str, picture: str, folder: Path) -> None:
    assert run(command, folder).returncode == 0
    drawn = np.asarray(Image.open(folder / picture).convert("RGB"), dtype=int)
    shown = np.asarray(Image.open(ROOT / "docs" / "images" / picture).convert("RGB"), dtype=int)
    assert drawn.shape == shown.shape
    # Fonts are drawn a little differently by other versions of matplotlib.
    assert np.mean(np.abs(drawn - shown) > 32) < 0.02


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert links
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


READING = runpy.run_path(str(ROOT / "benchmarks" / "reading.py"))


def cells_of(name: str) -> list[list[str]]:
    """Return the rows of the table that the README has between the marks of the benchmark of reading."""
    begins, ends = READING["marks"](name)
    block = README.partition(begins)[2].partition(ends)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]


@pytest.mark.parametrize("name", READING["TABLES"])
def test_the_figures_of_reading_stand_in_the_table_that_the_benchmark_prints(name):
    headers, _, *rows = cells_of(name)
    assert headers == READING["TABLES"][name][0]
    assert rows
    assert all(len(row) == len(headers) for row in rows)


def test_a_first_layer_of_each_framework_takes_no_more_than_is_promised():
    rows = cells_of("frameworks")[2:]
    assert len(rows) == len(READING["PEERS"])
    for file, size, _, over_small, peak, library, *_ in rows:
        assert float(size) > 500, file
        assert float(over_small) <= 1.5, file
        assert float(peak) < 100, file
        assert library in {peer.name for peer in READING["PEERS"]}


@pytest.mark.slow
def test_the_benchmark_of_reading_writes_its_table_between_the_marks_alone(tmp_path):
    readme, script = tmp_path / "README.md", tmp_path / "benchmarks" / "reading.py"
    script.parent.mkdir()
    script.write_text((ROOT / "benchmarks" / "reading.py").read_text())
    begins, ends = READING["marks"]("opcodes")
    readme.write_text(f"before\n{begins}\nold\n{ends}\nbehind\n")
    runpy.run_path(str(script))["write_table"]("opcodes", "| new |")
    assert readme.read_text() == f"before\n{begins}\n| new |\n{ends}\nbehind\n"
    with pytest.raises(SystemExit):
        runpy.run_path(str(script))["write_table"]("pickles", "| new |")
