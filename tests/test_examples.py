"""Each example runs, and the committed networks are what the example that trained them says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import filtviz
from filtviz.activations import Activation

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
STAGES = ("untrained", "halfway", "trained")
CONVS = {
    "conv1": (20, 1),
    "conv2": (20, 20),
    "conv3": (20, 20),
    "conv4": (40, 20),
    "conv5": (40, 40),
    "conv6": (40, 40),
}


def run(script: str, *arguments: str, cwd: Path) -> str:
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments], cwd=cwd, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def assert_is_the_mission(path: Path) -> None:
    network = filtviz.load(path)
    assert {c.label: c.W.shape for c in network.conv_layers} == {k: (*v, 3, 3) for k, v in CONVS.items()}
    assert network.layers[0].output_shape == (None, 1, 31, 31)
    assert network.layers[-1].output_shape == (None, 1)
    last = network.layers[-1].operations[-1]
    assert isinstance(last, Activation)
    assert last.kind == "sigmoid"


@pytest.mark.parametrize("stage", STAGES)
def test_the_committed_networks_are_the_mission(stage: str) -> None:
    path = EXAMPLES / f"mission-{stage}.pkl"
    assert path.stat().st_size < 1_000_000
    assert_is_the_mission(path)


def test_training_changed_the_filters() -> None:
    weights = [filtviz.load(EXAMPLES / f"mission-{stage}.pkl").conv_layers[0].W for stage in STAGES]
    assert not np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[1], weights[2])
    bound = np.sqrt(6 / ((1 + 20) * 9))  # GlorotUniform's
    assert np.abs(weights[0]).max() <= bound < np.abs(weights[2]).max()


@pytest.mark.slow
def test_filters_are_drawn_from_a_file(tmp_path: Path) -> None:
    printed = run("draw_filters.py", str(EXAMPLES / "mission-trained.pkl"), "conv1", cwd=tmp_path)
    assert printed.splitlines() == ["conv1: 20 filters of (3, 3), 1 channel(s)", "conv1-0.png"]
    assert (tmp_path / "conv1-0.png").read_bytes().startswith(b"\x89PNG")
