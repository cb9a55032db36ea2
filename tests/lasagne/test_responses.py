"""nolearn's own occlusion beside ours, on a small network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz

pytest.importorskip("filtviz.theano_shim", reason="needs the extra lasagne", exc_type=ImportError)

import lasagne
import theano
import theano.tensor as T
from lasagne import layers as L
from nolearn.lasagne.visualize import occlusion_heatmap

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("square", [3, 7])
def test_occlusion_has_nolearns_numbers(
    square: int, tmp_path: Path, dump: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "sctype2char", lambda kind: np.dtype(kind).char, raising=False)
    lasagne.random.set_rng(np.random.RandomState(0))
    with theano.change_flags(floatX="float64"):
        start = L.InputLayer((None, 1, 7, 6))
        hidden = L.Conv2DLayer(start, 2, 3)
        last = L.DenseLayer(hidden, 3, nonlinearity=lasagne.nonlinearities.softmax)
        variable = T.tensor4()
        mode = theano.Mode(linker="py", optimizer=None)
        run = theano.function([variable], L.get_output(last, variable, deterministic=True), mode=mode)

    class Net:
        layers_ = (start, hidden, last)
        predict_proba = staticmethod(run)

    image = np.random.RandomState(1).rand(1, 1, 7, 6)
    expected = occlusion_heatmap(Net, image, 1, square)
    path = dump(last, tmp_path / "net.pkl")
    found = filtviz.occlusion(path, image, 1, square, nolearn=True, engine="numpy")
    np.testing.assert_allclose(found, expected, rtol=1e-12)
