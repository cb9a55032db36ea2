"""Single layers that Lasagne 0.2 pickled, run here, give what Theano gave in double precision."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import filtviz

WRITTEN = Path(__file__).parent / "lasagne0.2-layers.npz"
with np.load(WRITTEN) as held:
    CASES = sorted(name.removesuffix("/truth") for name in held.files if name.endswith("/truth"))

ONE_OF_A_KIND = {re.sub(r"[\d(].*", "", name): name for name in CASES}.values()
"""The last of those that differ in numbers alone."""


@pytest.fixture(scope="module")
def layers() -> dict[str, np.ndarray]:
    with np.load(WRITTEN) as held:
        return {name: held[name] for name in held.files}


def image_for(network: filtviz.Network) -> np.ndarray:
    shape = network.layers[0].operations[0].shape
    return np.random.RandomState(0).randn(1, *shape[1:])


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ONE_OF_A_KIND else pytest.mark.slow) for name in CASES]
)
def test_a_layer_gives_what_theano_gave(name: str, layers: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "layer.pkl"
    path.write_bytes(layers[f"{name}/pickle"].tobytes())
    network = filtviz.load(path)
    found, truth = network.run(image_for(network), engine="numpy"), layers[f"{name}/truth"]
    assert found.shape == truth.shape
    # Theano raised to a power in single precision.
    precision = 1e-6 if name.startswith("local response") else 1e-12
    np.testing.assert_allclose(found, truth, rtol=precision, atol=precision)
    # What the table of layers says of its shape is what it gives.
    stated = network.layers[-1].output_shape
    assert stated is not None
    assert all(said in (None, n) for said, n in zip(stated, found.shape, strict=True))


@pytest.mark.slow
def test_single_precision_is_near(layers: dict[str, np.ndarray], tmp_path: Path) -> None:
    for name in CASES[::7]:
        path = tmp_path / "layer.pkl"
        path.write_bytes(layers[f"{name}/pickle"].tobytes())
        network = filtviz.load(path)
        found = network.run(image_for(network), engine="numpy", dtype="float32")
        assert found.dtype == np.float32, name
        np.testing.assert_allclose(found, layers[f"{name}/truth"], rtol=1e-4, atol=1e-5, err_msg=name)
