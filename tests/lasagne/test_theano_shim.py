"""The shim: the old stack runs, and what the user chose stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from filtviz.errors import MissingExtraError

theano_shim = pytest.importorskip(
    "filtviz.theano_shim", reason="needs the extra lasagne", exc_type=ImportError
)

# Prints three losses, four predictions and 32 averages. Theano has no gradient of padded averages.
TRAIN_A_NETWORK = """
import filtviz.theano_shim
import lasagne, numpy, theano
from lasagne.layers import *
from theano import tensor as T
from theano.tensor.signal import pool

lasagne.random.set_rng(numpy.random.RandomState(5))
images, targets = T.tensor4(), T.matrix()
net = Conv2DLayer(InputLayer((None, 1, 9, 9)), 3, (3, 3), pad="same")
net = MaxPool2DLayer(net, (2, 2), stride=(2, 2), pad=(1, 1))
net = DenseLayer(DropoutLayer(net), 1)
loss = lasagne.objectives.squared_error(get_output(net, images), targets).mean()
updates = lasagne.updates.adam(loss, get_all_params(net), learning_rate=0.01)
train = theano.function([images, targets], loss, updates=updates)
predict = theano.function([images], get_output(net, images, deterministic=True))
data = numpy.random.RandomState(0).rand(4, 1, 9, 9)
losses = [float(train(data, numpy.ones((4, 1)))) for _ in range(3)]
modes = ("max", "sum", "average_inc_pad", "average_exc_pad")
borders = ((True, (1, 1)), (False, (0, 0)))
pooled = [pool.pool_2d(images, (3, 2), b, (2, 3), pad, mode) for mode in modes for b, pad in borders]
pooled = [each.mean((1, 2, 3)) for each in pooled]
means = theano.function([images], T.concatenate(pooled))(data)
print(losses + predict(data).ravel().tolist() + means.tolist())
"""


def run(code: str, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def settings(**environment: str) -> dict[str, str]:
    shown = run(
        "import filtviz.theano_shim as shim, os, theano\n"
        "before = os.environ['THEANO_FLAGS']; shim.install()\n"
        "print(theano.config.blas.ldflags, theano.config.gcc.cxxflags, theano.config.floatX, "
        "before == os.environ['THEANO_FLAGS'], sep='|')",
        **environment,
    )
    return dict(zip(("ldflags", "cxxflags", "floatX", "idempotent"), shown.strip().split("|"), strict=True))


def test_a_network_trains_with_and_without_a_compiler_alike() -> None:
    compiled = eval(run(TRAIN_A_NETWORK, THEANO_FLAGS=""))
    interpreted = eval(run(TRAIN_A_NETWORK, THEANO_FLAGS="cxx="))
    assert len(compiled) == 3 + 4 + 32
    assert compiled[2] < compiled[0]
    np.testing.assert_allclose(compiled, interpreted, rtol=1e-10)


def test_flags_are_added_where_the_user_chose_none() -> None:
    found = settings(THEANO_FLAGS="", THEANORC="/nonexistent")
    assert found["ldflags"] == ""
    assert found["cxxflags"].startswith("-DNPY_TARGET_VERSION=NPY_2_0_API_VERSION ")
    assert found["idempotent"] == "True"


def test_the_users_flags_stay() -> None:
    found = settings(THEANO_FLAGS="floatX=float32,blas.ldflags=-lm,gcc.cxxflags=-O1", THEANORC="/nonexistent")
    assert (found["floatX"], found["ldflags"]) == ("float32", "-lm")
    assert found["cxxflags"].endswith(" -DPyInt_Check=PyLong_Check -O1")


def test_the_users_theanorc_stays(tmp_path: Path) -> None:
    rc = tmp_path / "theanorc"
    rc.write_text("[global]\nfloatX = float32\n[blas]\nldflags = -lm\n[gcc]\ncxxflags = -O1\n")
    found = settings(THEANO_FLAGS="", THEANORC=str(rc))
    assert (found["floatX"], found["ldflags"]) == ("float32", "-lm")
    assert found["cxxflags"].endswith(" -DPyInt_Check=PyLong_Check -O1")


def test_lasagne_finds_its_version_without_pkg_resources() -> None:
    code = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'pkg_resources' else find(name)\n"
        "import filtviz.theano_shim, lasagne, pkg_resources\n"
        "print(lasagne.__version__, getattr(pkg_resources, '__file__', None))"
    )
    assert run(code).split() == ["0.1", "None"]


def test_folds_are_split_as_nolearn_expects() -> None:
    from sklearn.cross_validation import KFold, StratifiedKFold

    train, test = next(iter(KFold(10, 5)))
    assert (train.tolist(), test.tolist()) == ([2, 3, 4, 5, 6, 7, 8, 9], [0, 1])
    y = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    assert [sorted(y[test]) for _, test in StratifiedKFold(y, 4)] == [[0, 1]] * 4


def test_a_missing_theano_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theano_shim, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"^Theano is not installed: install it with `pip install"):
        theano_shim.install.__wrapped__()


def test_a_python_that_is_too_new_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    with pytest.raises(
        MissingExtraError, match=r"^Theano 1\.0\.5 does not build on Python 3\.13: run this under"
    ):
        theano_shim.install.__wrapped__()
