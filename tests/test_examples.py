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


def test_the_state_dict_and_the_onnx_file_of_pytorch_hold_the_same_weights() -> None:
    paths = [EXAMPLES / "mission-torch.pth", EXAMPLES / "mission-torch.onnx"]
    assert all(path.stat().st_size < 400_000 for path in paths)
    state, graph = (filtviz.load(path) for path in paths)
    assert [c.label for c in state.conv_layers] == [c.label for c in graph.conv_layers] == list(CONVS)
    for one, twin in zip(state.conv_layers, graph.conv_layers, strict=True):
        assert one.flip_filters is twin.flip_filters is False
        assert (one.b is None, twin.b is None) == (False, False)
        for a, b in ((one.W, twin.W), (one.b, twin.b)):
            assert (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes())


def test_the_onnx_file_has_the_graph_and_the_state_dict_has_none() -> None:
    assert_is_the_mission(EXAMPLES / "mission-torch.onnx")
    for stage in ("torch", "torch-start"):
        state = filtviz.load(EXAMPLES / f"mission-{stage}.pth")
        assert {c.label: c.W.shape for c in state.conv_layers} == {k: (*v, 3, 3) for k, v in CONVS.items()}
        assert all(layer.output_shape is None for layer in state.layers)


def test_pytorchs_training_begins_with_its_own_first_weights() -> None:
    start, trained = (
        filtviz.load(EXAMPLES / f"mission-{stage}.pth").conv_layers[0].W for stage in ("torch-start", "torch")
    )
    bound = 1 / np.sqrt(9)  # of uniform numbers, one over the root of what a filter looks at
    assert np.abs(start).max() <= bound < np.abs(trained).max()


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
