"""The verdicts on networks that were trained for the purpose, before and after: the table of the docs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import filtviz
from filtviz.measures.measure import LayerDiagnosis
from filtviz.network import ConvLayer, Network

ADAM = ("asker_digits_adam_", "asker_digits_adam-", "asker_digits_adamnd", "asker_tex_adam")

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def network_of(arrays: np.lib.npyio.NpzFile, state: str) -> Network:
    n = sum(name.startswith("f_W") for name in arrays.files)
    return Network.of(
        [
            ConvLayer.of(arrays[f"{state}_W{i}"], arrays[f"{state}_b{i}"], type="Conv2DLayer")
            for i in range(1, n + 1)
        ]
    )


@dataclass(frozen=True)
class Judged:
    network: str
    layer: LayerDiagnosis
    initial: LayerDiagnosis
    true_share: float


@pytest.fixture(scope="module")
def judged(shared: Path) -> list[Judged]:
    paths = sorted((shared / "nets").glob("*.npz"))
    if not paths:
        pytest.skip("the trained networks (../shared/nets) are not here")
    found = []
    for path in paths:
        with np.load(path) as arrays:
            before, after = network_of(arrays, "i"), network_of(arrays, "f")
        pairs = zip(filtviz.diagnose(after).layers, filtviz.diagnose(before).layers, strict=True)
        for (layer, initial), a, b in zip(pairs, before.conv_layers, after.conv_layers, strict=True):
            u, w = a.W.ravel().astype(float), b.W.ravel().astype(float)
            found.append(Judged(path.stem, layer, initial, (u @ w) ** 2 / (u @ u) / (w @ w)))
    assert len(found) > 100
    return found


def verdicts(judged: list[Judged], *networks: str, layers: range = range(9)) -> Counter[str]:
    chosen = [j for j in judged if j.network.startswith(networks) and j.layer.conv_index in layers]
    assert chosen
    return Counter(j.layer.verdict for j in chosen)


def test_untrained_layers_are_told(judged) -> None:
    assert np.mean([j.initial.verdict == "initial" for j in judged]) >= 0.985


def test_trained_layers_are_never_taken_for_untrained(judged) -> None:
    assert "initial" not in verdicts(judged, "")


def test_adam_leaves_the_first_layer_without_visible_structure(judged) -> None:
    assert set(verdicts(judged, *ADAM, layers=range(1))) == {"updated"}
    assert set(verdicts(judged, *ADAM, layers=range(1, 6))) == {"structured"}


def test_one_epoch_leaves_nothing_to_see(judged) -> None:
    assert set(verdicts(judged, "asker_digits_under")) == {"updated"}


def test_gradient_descent_and_larger_kernels_show_structure(judged) -> None:
    found = verdicts(judged, "asker_digits_sgd_", "g5", "g7", "rgb")
    # Filters of unequal strength alone are no structure.
    assert set(found) <= {"structured", "updated"}
    assert found["structured"] >= 0.95 * sum(found.values())


def test_too_high_a_rate_collapses_the_first_layer(judged) -> None:
    assert set(verdicts(judged, "asker_digits_hiadam", layers=range(1))) == {"collapsed"}
    assert set(verdicts(judged, "asker_digits_hiadam", layers=range(1, 6))) == {"structured"}


def test_the_residue_is_right_where_it_is_given(judged) -> None:
    errors = [abs(j.layer.residue - j.true_share) for j in judged if j.layer.residue is not None]
    assert len(errors) > 50
    assert np.mean(errors) <= 0.03


def test_weight_decay_gets_no_residue(judged) -> None:
    decayed = [j for j in judged if j.network.startswith(("asker_digits_adamwd", "asker_digits_sgdwd"))]
    assert decayed
    assert all(j.layer.residue is None for j in decayed)
