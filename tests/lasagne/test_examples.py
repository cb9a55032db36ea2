"""The examples that need Lasagne run, and the network that one of them trained performs as it says."""

from __future__ import annotations

import pickle
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

import filtviz

from ..test_examples import CONVS, EXAMPLES, STAGES, assert_is_the_mission, run
from .networks import T, ll, theano


def test_a_live_layer_is_drawn(tmp_path: Path) -> None:
    assert run("draw_live_layer.py", cwd=tmp_path).split() == [f"live-{i}.png" for i in range(3)]
    assert len(list(tmp_path.glob("live-?.png"))) == 3


def test_the_mission_trains(tmp_path: Path) -> None:
    printed = run("train_mission.py", "--epochs", "2", "--output", str(tmp_path), cwd=tmp_path)
    losses = [float(line.split()[3].strip(",")) for line in printed.splitlines() if line.startswith("epoch")]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    for stage in STAGES:
        assert_is_the_mission(tmp_path / f"mission-{stage}.pkl")
    for conv, committed in zip(
        filtviz.load(tmp_path / "mission-untrained.pkl").conv_layers,
        filtviz.load(EXAMPLES / "mission-untrained.pkl").conv_layers,
        strict=True,
    ):
        np.testing.assert_array_equal(conv.W, committed.W)  # the seed decides


def test_the_committed_network_performs_well_and_reads_as_lasagne_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)  # as where the script is run
    spec = spec_from_file_location("train_mission", EXAMPLES / "train_mission.py")
    assert spec is not None
    assert spec.loader is not None
    mission = module_from_spec(spec)
    spec.loader.exec_module(mission)

    path = EXAMPLES / "mission-trained.pkl"
    live = pickle.loads(path.read_bytes())  # our own file
    layers = [layer for layer in ll.get_all_layers(live) if layer.name in CONVS]
    for conv, layer in zip(filtviz.load(path).conv_layers, layers, strict=True):
        np.testing.assert_array_equal(conv.W, layer.W.get_value())

    _, unseen, _, targets = mission.load_data(seed=0)
    images = T.tensor4("images", dtype="float32")
    output = ll.get_output(live, images, deterministic=True)
    predict = theano.function([images], output)
    assert len(unseen) == 450
    assert mission.accuracy(predict, unseen, targets) >= 0.985
