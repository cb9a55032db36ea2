"""What is given beside models is not written over: images, folders of them, labels, another file's graph."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from filtviz.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES / "mission-trained.pkl", "m.pkl")
    shutil.copy(EXAMPLES / "mission-torch.pth", "m.pth")
    shutil.copy(EXAMPLES / "mission-torch.onnx", "graph.safetensors")
    Path("b").mkdir()
    Image.effect_noise((31, 31), 50).save("a.png")
    shutil.copy("a.png", "b/a.png")
    np.savez("labelled.npz", images=np.zeros((2, 1, 31, 31), np.float32))
    Path("labels.html").write_text("odd\n")
    Path("names.png").write_text("odd\n")
    if os.name == "posix":
        os.link("a.png", "hard.png")


COMMANDS = [
    "activity m.pkl --images a.png -o a.png",
    "activity m.pkl --images hard.png -o a.png",
    "patches m.pkl --images b -o b/a.png",
    "occlusion m.pkl --images b -o b/a.png",
    "codes m.pkl --images b --images a.png -o b/a.png",
    "report m.pkl --images a.png -o a.png",
    "report m.pkl --images b -o b/a.png",
    "report m.pkl --images labelled.npz --labels labels.html -o labels.html",
    "occlusion m.pkl --images a.png --labels names.png -o names.png",
    "convert m.pth graph.safetensors --like graph.safetensors",
    "convert m.pkl graph.safetensors --like graph.safetensors",
    "report m.pth --like graph.safetensors -o graph.safetensors",
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_is_given_is_written_over(command):
    check_unchanged(command)


@pytest.mark.parametrize("given", ["names.png", "a.png"])
def test_a_picture_is_written_over_no_image_and_no_labels(given):
    check_unchanged(f"occlusion m.pkl --images a.png --labels names.png --square 31 --stride 31 -o {given}")


def check_unchanged(command: str) -> None:
    before = {path: path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code in (1, 2)
    assert "one of the files given" in result.stderr or "contradicts" in result.stderr
    assert {path: path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()} == before


@pytest.mark.slow
@pytest.mark.parametrize("command", ["report m.pkl -o out.html --images {}", "diagnose m.pkl --images {}"])
def test_a_path_that_no_file_can_have_is_one_sentence(command):
    for path in ("a" * 5_000, "a/" * 3_000):
        result = CliRunner().invoke(main, command.format(path).split())
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert not isinstance(result.exception, OSError)
