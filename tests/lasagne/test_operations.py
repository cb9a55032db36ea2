"""Single layers of Lasagne, pickled and read back as operations, run beside Theano: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz

pytest.importorskip("filtviz.theano_shim", reason="needs the extra lasagne", exc_type=ImportError)

import theano
import theano.tensor as T
from lasagne import layers as L

from . import single_layers

# Theano leaves files of C code open when it compiles.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

VARIABLES = {0: T.matrix, 1: T.tensor3, 2: T.tensor4}
Dump = Callable[[Any, Path], Path]


@pytest.mark.parametrize("name", single_layers.CASES)
def test_a_layer_gives_what_it_gives_in_theano(
    name: str, tmp_path: Path, dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Theano's convolutions ask for it where nothing is compiled.
    monkeypatch.setattr(np, "sctype2char", lambda kind: np.dtype(kind).char, raising=False)
    with theano.change_flags(floatX="float64"):
        try:
            start, layer = single_layers.built(name)
        except (AttributeError, TypeError, NotImplementedError) as error:
            pytest.skip(f"this Lasagne does not have it: {error}")
        variable = VARIABLES[single_layers.CASES[name][0]]()
        given = L.get_output(layer, {start: variable}, deterministic=True)
        # Without optimisation nothing is compiled, which takes longer than all that is computed.
        run = theano.function([variable], given, mode=theano.Mode(linker="py", optimizer=None))
        expected = run(single_layers.images_for(name))
    network = filtviz.load(dump(layer, tmp_path / "net.pkl"))
    found = network.run(single_layers.images_for(name), engine="numpy")
    assert found.shape == expected.shape
    # Theano raises to a power in single precision.
    precision = 1e-6 if name.startswith("local response") else 1e-12
    np.testing.assert_allclose(found, expected, rtol=precision, atol=precision)
    stated = network.layers[-1].output_shape
    assert stated is not None
    assert all(said in (None, n) for said, n in zip(stated, found.shape, strict=True))
