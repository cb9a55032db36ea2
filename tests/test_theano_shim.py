"""The shim where it cannot help, and on stand-ins; tests/lasagne has it with the libraries themselves."""

from __future__ import annotations

import collections
import collections.abc
import importlib
import os
import sys
import warnings
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.errors import MissingExtraError


@pytest.mark.skipif(find_spec("theano") is not None, reason="Theano is installed")
def test_without_the_extra_it_says_what_to_do() -> None:
    sentence = (
        "Theano is not installed: install it with" if sys.version_info < (3, 12) else "run this under Python"
    )
    with pytest.raises(MissingExtraError, match=sentence):
        importlib.import_module("filtviz.theano_shim")


# What it does, on stand-ins for the libraries: fast, and where they cannot be installed


class Pool:
    """Stands for Theano's pooling, as far as its shapes go: of windows that are whole, or of all."""

    ndim = 2

    def __init__(self, mode: str) -> None:
        self.mode = mode

    @staticmethod
    def out_shape(
        shape: Any, size: Any, ignore_border: bool, stride: Any, pad: Any, ndim: int
    ) -> tuple[int, ...]:
        whole = [shape[i - ndim] + 2 * pad[i] - size[i] for i in range(ndim)]
        steps = [
            left // stride[i] if ignore_border else -(-left // stride[i]) for i, left in enumerate(whole)
        ]
        return (*shape[:-ndim], *(each + 1 for each in steps))


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Modules in place of Theano's and of those that it needs; all that the shim changes is put back."""
    names = ("theano", "theano.tensor", "theano.tensor.signal", "theano.tensor.signal.pool", "theano.sandbox",
             "theano.sandbox.rng_mrg", "scipy.signal", "scipy.signal._signaltools",
             "scipy.signal._sigtools")  # fmt: skip
    made: dict[str, Any] = {name: ModuleType(name) for name in names}
    for name, module in made.items():
        module.__spec__, module.__path__ = ModuleSpec(name, None), []
        monkeypatch.setitem(sys.modules, name, module)
        above, _, own = name.rpartition(".")
        if above in made:
            setattr(made[above], own, module)
    made["theano.tensor.signal.pool"].Pool = Pool
    made["theano.tensor.signal.pool"].pool_2d = lambda *given, **how: (given, how)
    made["theano.sandbox.rng_mrg"].mrg_next_value = lambda *given: given
    for name in ("theano.tensor.signal.downsample", "scipy.signal.signaltools", "scipy.signal.sigtools",
                 "sklearn.cross_validation", "pkg_resources", "filtviz.theano_shim"):  # fmt: skip
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.delitem(sys.modules, name)
    dropped = [(np, "complex"), (np, "product"), (np, "ComplexWarning"), (collections, "Iterable")]
    for module, name in dropped if "bool" in vars(np) else [*dropped, (np, "bool")]:
        monkeypatch.setitem(vars(module), name, "its own")
        monkeypatch.delitem(vars(module), name)
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    monkeypatch.setenv("THEANORC", str(tmp_path / "theanorc"))
    monkeypatch.setenv("THEANO_FLAGS", "floatX=float32")
    if hasattr(filtviz, "theano_shim"):
        monkeypatch.delattr(filtviz, "theano_shim")
    return made


@pytest.fixture
def shim(libraries: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    with warnings.catch_warnings():
        yield importlib.import_module("filtviz.theano_shim")
    sys.modules.pop("filtviz.theano_shim", None)
    vars(filtviz).pop("theano_shim", None)


def test_what_python_numpy_and_scipy_have_dropped_is_there_again(libraries, shim, monkeypatch) -> None:
    assert (np.complex, np.product, collections.Iterable) == (complex, np.prod, collections.abc.Iterable)
    assert np.bool in (bool, np.bool_)
    assert np.ComplexWarning is getattr(np, "exceptions", np).ComplexWarning
    for name in ("signaltools", "sigtools"):
        assert sys.modules[f"scipy.signal.{name}"] is libraries[f"scipy.signal._{name}"]
    splits = importlib.import_module("sklearn.cross_validation")
    assert (splits.KFold, splits.StratifiedKFold) == (shim._k_fold, shim._stratified_k_fold)
    folds = ModuleType("sklearn.model_selection")
    for name in ("KFold", "StratifiedKFold"):

        def fold(n_folds: int, own: str = name) -> Any:
            return SimpleNamespace(split=lambda x, *y: iter([(own, n_folds, x.tolist(), *y)]))

        setattr(folds, name, fold)
    monkeypatch.setitem(sys.modules, "sklearn", ModuleType("sklearn"))
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", folds)
    assert splits.KFold(2) == [("KFold", 3, [0, 0])]
    assert splits.KFold(1, n_folds=7) == [("KFold", 7, [0])]
    assert splits.StratifiedKFold("ab") == [("StratifiedKFold", 3, [0, 0], "ab")]
    assert splits.StratifiedKFold("a", n_folds=2) == [("StratifiedKFold", 2, [0], "a")]


def test_a_name_that_is_there_stays(libraries, monkeypatch) -> None:
    monkeypatch.setitem(vars(np), "product", "its own")
    with warnings.catch_warnings():
        importlib.import_module("filtviz.theano_shim")
    assert np.product == "its own"
    vars(filtviz).pop("theano_shim", None)


def test_poolings_have_their_old_names_and_random_numbers_a_mask_that_numpy_takes(libraries, shim) -> None:
    pool = libraries["theano.tensor.signal.pool"]
    assert sys.modules["theano.tensor.signal.downsample"] is pool
    assert libraries["theano.tensor.signal"].downsample is pool
    assert pool.max_pool_2d("x", (2, 3), True, (1, 2), (0, 1), "sum") == (
        ("x",), {"ws": (2, 3), "ignore_border": True, "stride": (1, 2), "pad": (0, 1), "mode": "sum"}
    )  # fmt: skip
    assert pool.max_pool_2d("x", (2, 3))[1] == {
        "ws": (2, 3), "ignore_border": None, "stride": None, "pad": (0, 0), "mode": "max"
    }  # fmt: skip
    drawn = libraries["theano.sandbox.rng_mrg"].mrg_next_value
    assert drawn(1, 2, 3, 0xFFFFFFFF, 5) == (1, 2, 3, 0x7FFFFFFF, 5)


def test_it_is_set_up_once(libraries, shim) -> None:
    libraries["theano.tensor.signal.pool"].max_pool_2d = "another"
    shim.install()
    assert libraries["theano.tensor.signal.pool"].max_pool_2d == "another"


@pytest.mark.cases("all")
@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad", "average_exc_pad"])
@pytest.mark.parametrize(
    ("size", "stride", "pad", "ignore_border"),
    [((2, 2), (2, 2), (0, 0), True), ((3, 2), (2, 1), (1, 0), True), ((2, 3), (2, 2), (1, 1), True),
     ((2, 2), (2, 2), (0, 0), False)],
)  # fmt: skip
def test_poolings_are_those_of_a_loop(libraries, shim, mode, size, stride, pad, ignore_border) -> None:
    x = -np.arange(1, 61, dtype="f4").reshape(2, 1, 6, 5)
    out: list[Any] = [[None]]
    params = SimpleNamespace(ignore_border=ignore_border)
    op = libraries["theano.tensor.signal.pool"].Pool(mode)
    op.perform(None, (x, np.array(size), np.array(stride), np.array(pad)), out, params)
    (found,) = out[0]
    assert found.dtype == x.dtype
    assert found.shape == op.out_shape(x.shape, size, ignore_border, stride, pad, 2)
    for place in np.ndindex(*found.shape[2:]):
        inside, n_all = [], 0
        for row in range(place[0] * stride[0], place[0] * stride[0] + size[0]):
            for col in range(place[1] * stride[1], place[1] * stride[1] + size[1]):
                is_there = pad[0] <= row < 6 + pad[0] and pad[1] <= col < 5 + pad[1]
                n_all += row < 6 + 2 * pad[0] and col < 5 + 2 * pad[1]
                if is_there:
                    inside.append(x[:, :, row - pad[0], col - pad[1]])
        total = np.sum(inside, axis=0)
        n = n_all if mode == "average_inc_pad" else len(inside)
        wanted = {"max": np.max(inside, axis=0), "sum": total}.get(mode, total / n)
        np.testing.assert_allclose(found[(..., *place)], wanted, rtol=1e-6)


TOO_NEW = (
    "Theano 1.0.5 does not build on Python {}: run this under Python 3.11, with the extra `lasagne` installed"
)
MISSING = (
    "Theano is not installed: install it with `pip install '.[lasagne]'` in the folder of filtviz's sources"
)
DEFINES = "-DNPY_TARGET_VERSION=NPY_2_0_API_VERSION -DNPY_PY3K -DPyInt_AsLong=PyLong_AsLong " \
    "-DPyInt_FromLong=PyLong_FromLong -DPyInt_Check=PyLong_Check"  # fmt: skip


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("numpy", "chosen", "rc", "flags"),
    [
        ("1.26.4", "", "", "blas.ldflags="),
        ("1.26.4", "floatX=float32, ,", "", "floatX=float32,blas.ldflags="),
        ("1.26.4", " blas.ldflags =-lblas", "", " blas.ldflags =-lblas"),
        ("1.26.4", "a=1", "[blas]\nldflags = -lmine", "a=1"),
        ("2.0.0", "", "[blas]\nldflags =", f"gcc.cxxflags={DEFINES}"),
        ("10.0", "gcc.cxxflags=-O3 -DNPY_PY3K", "[blas]\nldflags =",
         f"gcc.cxxflags=-O3 -DNPY_PY3K,gcc.cxxflags={DEFINES.replace('-DNPY_PY3K ', '')} -O3 -DNPY_PY3K"),
        ("2.0.0", "", "[blas]\nldflags =\n[gcc]\ncxxflags = -O2", f"gcc.cxxflags={DEFINES} -O2"),
        ("2.0.0", f"gcc.cxxflags={DEFINES}", "[blas]\nldflags =\n[gcc]\ncxxflags = -O2",
         f"gcc.cxxflags={DEFINES}"),
    ],
)  # fmt: skip
def test_flags_that_are_chosen_stay_and_what_is_missing_is_added(
    shim, monkeypatch, tmp_path, numpy, chosen, rc, flags
) -> None:
    (tmp_path / "rc").write_text(rc)
    monkeypatch.setenv("THEANORC", os.pathsep.join([str(tmp_path / "gone"), str(tmp_path / "rc")]))
    monkeypatch.setenv("THEANO_FLAGS", chosen)
    monkeypatch.setattr(shim, "np", SimpleNamespace(__version__=numpy))
    shim._set_flags()
    assert os.environ["THEANO_FLAGS"] == flags


def test_the_file_of_flags_lies_at_home_where_nobody_says(shim, monkeypatch, tmp_path) -> None:
    (tmp_path / ".theanorc").write_text("[blas]\nldflags = -lhome")
    monkeypatch.delenv("THEANORC")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert (shim._rc_value("blas", "ldflags"), shim._rc_value("gcc", "cxxflags")) == ("-lhome", None)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("version", "is_there", "sentence"),
    [
        ((3, 12), True, TOO_NEW.format("3.12")),
        ((3, 13, 1), False, TOO_NEW.format("3.13")),
        ((3, 11, 9), False, MISSING),
        ((3, 11, 9), True, None),
    ],
)
def test_what_it_needs_is_said(shim, monkeypatch, version, is_there, sentence) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(shim, "find_spec", lambda name: "a spec" if is_there and name == "theano" else None)
    if sentence is None:
        shim._check_requirements()
    else:
        with pytest.raises(MissingExtraError) as caught:
            shim._check_requirements()
        assert str(caught.value) == sentence


def test_where_setuptools_is_too_new_versions_are_asked_of_python(libraries, shim, monkeypatch) -> None:
    import importlib.metadata

    for is_there in (False, True):
        monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
        monkeypatch.setattr(shim, "find_spec", lambda name, there=is_there: "a spec" if there else None)
        shim._stand_in_for_modules()
        assert ("pkg_resources" in sys.modules) != is_there
        if not is_there:
            held: Any = sys.modules["pkg_resources"]
            assert held.get_distribution is importlib.metadata.distribution
            assert held.DistributionNotFound is importlib.metadata.PackageNotFoundError
