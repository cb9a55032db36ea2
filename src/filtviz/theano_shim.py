"""Make Theano 1.0.5, Lasagne 0.1 and nolearn 0.6.1 work on Python 3.11 with today's numpy.

These libraries stopped with Python 3.6 and numpy 1.19. Put one line above the first import of any of them
and an old training script runs again: it compiles with g++, evaluates, differentiates, trains, pickles::

    import filtviz.theano_shim  # before theano, lasagne and nolearn

    import lasagne

    network = lasagne.layers.InputLayer((None, 1, 31, 31))

Importing this module calls `install`, which may be called again: the second call changes nothing. What
is set in ``THEANO_FLAGS`` or ``.theanorc`` stays as it is; above all ``base_compiledir``, where Theano keeps
what it compiled for the next run. Without g++ everything still works, and is slow.

Where the stack is not installed, or the Python is too new for it, the import raises
`filtviz.errors.MissingExtraError`. Nothing else in filtviz imports this module: reading and drawing a model
file needs neither Theano nor Lasagne.
"""

from __future__ import annotations

import collections
import collections.abc
import configparser
import functools
import importlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.errors import MissingExtraError

__all__ = ["install"]

_INSTALL_HINT = "install it with `pip install '.[lasagne]'` in the folder of filtviz's sources"

_CXX_DEFINES = (
    # Theano's C code was written for numpy 1; numpy 2 hides the fields of its structures from code that does
    # not say that it wants numpy 2's own interface.
    "-DNPY_TARGET_VERSION=NPY_2_0_API_VERSION",
    # numpy 2 has dropped this macro, by which Theano's C code chooses between Python 2 and 3, …
    "-DNPY_PY3K",
    # … and the header npy_3kcompat.h, which gave Python 2's integer functions their Python 3 names.
    "-DPyInt_AsLong=PyLong_AsLong",
    "-DPyInt_FromLong=PyLong_FromLong",
    "-DPyInt_Check=PyLong_Check",
)


@functools.cache
def install() -> None:
    """Set up the old stack and import Theano; calling it again changes nothing.

    Raises:
        MissingExtraError: Theano is not installed, or this Python is 3.12 or newer.
    """
    _check_requirements()
    _set_flags()
    _restore_names()
    _stand_in_for_modules()
    # Lasagne's every convolution would say so; only Lasagne could change it.
    warnings.filterwarnings("ignore", "The `image_shape` keyword argument", UserWarning)
    with warnings.catch_warnings():
        # Theano's use of numpy.core and numpy.distutils is deprecated; its users cannot change that.
        warnings.simplefilter("ignore", DeprecationWarning)
        _adapt_pooling()
        _adapt_random_streams()


def _check_requirements() -> None:
    if sys.version_info >= (3, 12):
        running = ".".join(map(str, sys.version_info[:2]))
        raise MissingExtraError(
            f"Theano 1.0.5 does not build on Python {running}: run this under Python 3.11, "
            "with the extra `lasagne` installed"
        )
    if find_spec("theano") is None:
        raise MissingExtraError(f"Theano is not installed: {_INSTALL_HINT}")


def _set_flags() -> None:
    """Add to ``THEANO_FLAGS`` what Theano needs; what is chosen there or in a ``.theanorc`` stays."""
    flags = [flag for flag in os.environ.get("THEANO_FLAGS", "").split(",") if flag.strip()]
    chosen = {name.strip(): value for name, _, value in (flag.partition("=") for flag in flags)}
    # Theano asks numpy.distutils which BLAS numpy was built with; numpy no longer knows.
    if "blas.ldflags" not in chosen and _rc_value("blas", "ldflags") is None:
        flags.append("blas.ldflags=")
    if int(np.__version__.split(".")[0]) >= 2:
        own = chosen.get("gcc.cxxflags", _rc_value("gcc", "cxxflags") or "").split()
        missing = [define for define in _CXX_DEFINES if define not in own]
        if missing:  # of two flags with one name, Theano takes the later
            flags.append("gcc.cxxflags=" + " ".join([*missing, *own]))
    os.environ["THEANO_FLAGS"] = ",".join(flags)


def _rc_value(section: str, option: str) -> str | None:
    """Return what the user's ``.theanorc`` says, found as Theano finds it, or None."""
    parser = configparser.RawConfigParser()
    parser.read(
        Path(name).expanduser() for name in os.environ.get("THEANORC", "~/.theanorc").split(os.pathsep)
    )
    return parser.get(section, option, fallback=None)


def _restore_names() -> None:
    """Put names back that the three libraries use and that Python and numpy have dropped."""
    _set_default(np, "bool", bool)  # gone in numpy 1.24 to 1.26 only
    _set_default(np, "complex", complex)  # gone in numpy 1.24; theano.tensor tests for it
    _set_default(np, "product", np.prod)  # gone in numpy 2.0; theano.scalar, where there is no g++
    _set_default(np, "ComplexWarning", getattr(np, "exceptions", np).ComplexWarning)  # 2.0; the same
    _set_default(collections, "Iterable", collections.abc.Iterable)  # gone in Python 3.10; nolearn


def _set_default(module: ModuleType, name: str, value: object) -> None:
    if name not in vars(module):
        setattr(module, name, value)


def _stand_in_for_modules() -> None:
    """Let modules be imported under the names that they had, or replace those that are gone."""
    # scipy 1.8 made them private; Theano's convolution takes three functions from them where there is no g++.
    for name in ("signaltools", "sigtools"):
        sys.modules[f"scipy.signal.{name}"] = importlib.import_module(f"scipy.signal._{name}")
    # scikit-learn 0.20 dropped it; nolearn's TrainSplit calls both.
    splits = ModuleType("sklearn.cross_validation", "The two splitters that nolearn calls.")
    splits.KFold, splits.StratifiedKFold = _k_fold, _stratified_k_fold  # type: ignore[attr-defined]
    sys.modules[splits.__name__] = splits
    if find_spec("pkg_resources") is None:
        # setuptools 82 dropped it; Lasagne asks it for its own version.
        resources = ModuleType("pkg_resources", "The two names that Lasagne and Theano use.")
        resources.get_distribution = importlib.metadata.distribution  # type: ignore[attr-defined]
        resources.DistributionNotFound = importlib.metadata.PackageNotFoundError  # type: ignore[attr-defined]
        sys.modules[resources.__name__] = resources


def _k_fold(n: int, n_folds: int = 3) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split ``range(n)`` as scikit-learn's KFold did before 0.20: pairs of training and test indices."""
    from sklearn.model_selection import KFold

    return list(KFold(n_folds).split(np.zeros(n)))


def _stratified_k_fold(y: NDArray[Any], n_folds: int = 3) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split by the classes in ``y`` as scikit-learn's StratifiedKFold did before 0.20."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(n_folds).split(np.zeros(len(y)), y))


def _adapt_pooling() -> None:
    """Give Theano's pooling back its old name, and an evaluation in Python that numpy accepts."""
    from theano.tensor import signal
    from theano.tensor.signal import pool

    # Theano 0.9 renamed the module and the function; Lasagne 0.1 imports the old names.
    pool.max_pool_2d = _max_pool_2d
    signal.downsample = pool
    sys.modules["theano.tensor.signal.downsample"] = pool
    # Its own indexes with a list of slices, which numpy 1.23 refuses; used where there is no g++.
    pool.Pool.perform = _perform_pool


def _adapt_random_streams() -> None:
    """Let the random numbers of a DropoutLayer be drawn where there is no g++."""
    from theano.sandbox import rng_mrg

    draw = rng_mrg.mrg_next_value

    def draw_with_int32_mask(rstate: Any, new_rstate: Any, NORM: Any, mask: int, offset: int) -> Any:
        # numpy 2 refuses 0xffffffff beside an int32; what is masked is positive: its sign bit never counts.
        return draw(rstate, new_rstate, NORM, mask & 0x7FFFFFFF, offset)

    rng_mrg.mrg_next_value = draw_with_int32_mask


def _max_pool_2d(
    input: Any,
    ds: Sequence[int],
    ignore_border: bool | None = None,
    st: Sequence[int] | None = None,
    padding: Sequence[int] = (0, 0),
    mode: str = "max",
) -> Any:
    """Call ``pool_2d`` with Theano 0.8's names of its arguments, without a warning for each layer."""
    from theano.tensor.signal.pool import pool_2d

    return pool_2d(input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode)


def _perform_pool(op: Any, _node: Any, inputs: Sequence[Any], outputs: Sequence[Any], params: Any) -> None:
    """Evaluate ``op``, a `theano.tensor.signal.pool.Pool`, in numpy.

    ``inputs`` are x ``(..., rows, cols)``, and size, stride and pad with one number for each of the last
    ``op.ndim`` axes. Only ``average_inc_pad`` counts the padding as a part of the windows.
    """
    x, size, stride, pad = inputs
    ndim = op.ndim
    shape = op.out_shape(x.shape, size, params.ignore_border, stride, pad, ndim)
    reduce: Any = {"max": np.max, "sum": np.sum}.get(op.mode, np.mean)
    skipped = np.zeros_like(pad) if op.mode == "average_inc_pad" else pad
    padded = np.pad(x, [(0, 0)] * (x.ndim - ndim) + [(p, p) for p in pad])
    ends = np.array(padded.shape[-ndim:]) - skipped
    z = np.empty(shape, dtype=x.dtype)
    for position in np.ndindex(*z.shape[-ndim:]):
        start = np.array(position) * stride
        window: Any = (..., *map(slice, np.maximum(start, skipped), np.minimum(start + size, ends)))
        z[(..., *position)] = reduce(padded[window], axis=tuple(range(-ndim, 0)))
    outputs[0][0] = z


install()
