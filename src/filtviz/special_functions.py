"""scipy's special functions, without what `scipy.special` imports beside them.

That package prepares itself for other libraries of arrays, and goes through all of numpy for it: its tests,
its parser of Fortran. Up to scipy 1.17 this takes six times what the functions take, and a fifth of a whole
diagnosis; from 1.18 on the functions themselves want a part of it::

    from filtviz.special_functions import ndtr

Such a line stands in a function: it imports them, too.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

__all__: list[str] = []

_PACKAGE = "scipy.special"
_FUNCTIONS = f"{_PACKAGE}._ufuncs"


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_functions(), name)


@cache
def _functions() -> ModuleType:
    """Return the module that holds the functions; where another scipy has them elsewhere, the package."""
    if _PACKAGE in sys.modules:
        return sys.modules[_PACKAGE]
    try:
        return _alone()
    except (ImportError, AttributeError):
        return importlib.import_module(_PACKAGE)


def _alone() -> ModuleType:
    """Import the module in a package that has a place but was not run, so that it finds its neighbours.

    The package is taken away again: whoever imports it later gets it whole, with the same functions.
    """
    spec = find_spec(_PACKAGE)
    if spec is None:
        raise ImportError(_PACKAGE)
    sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        module = importlib.import_module(_FUNCTIONS)
    finally:
        del sys.modules[_PACKAGE]
    module.ndtr  # noqa: B018 — one of them is there
    return module
