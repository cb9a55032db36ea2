"""scipy's functions without their package, and with it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import scipy.special

from filtviz import special_functions

ALONE = """
import sys
from filtviz.special_functions import ndtr, smirnov
print([name for name in ("scipy.special", "scipy.stats", "scipy.optimize") if name in sys.modules])
import scipy.special._ufuncs as functions
import scipy.special
import scipy.stats
print(scipy.special.ndtr is ndtr is functions.ndtr, scipy.special.smirnov is smirnov)
print(scipy.stats.norm.cdf(1.0) == ndtr(1.0), scipy.special.roots_legendre(1)[1])
"""


@pytest.mark.slow
def test_the_functions_come_without_the_package_and_it_comes_whole_with_the_same_ones() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True True", "True [2.]"]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "name", ["ndtr", "chdtrc", "gammaincc", "betaincc", "stdtr", "smirnov", "expit", "erf"]
)
def test_a_function_is_scipys_own(name: str) -> None:
    assert getattr(special_functions, name) is getattr(scipy.special, name)


@pytest.mark.parametrize("elsewhere", ["scipy.special.not_here", "scipy.version"])
def test_where_another_scipy_has_them_elsewhere_the_package_is_imported(
    elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_functions, "_FUNCTIONS", elsewhere)
    monkeypatch.delitem(sys.modules, "scipy.special")
    special_functions._functions.cache_clear()
    try:
        assert special_functions._functions().__name__ == "scipy.special"
    finally:
        special_functions._functions.cache_clear()


def test_a_name_that_scipy_has_not_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no_such_function"):
        special_functions.no_such_function  # noqa: B018
    with pytest.raises(AttributeError, match=r"filtviz.special_functions. has no attribute ._private"):
        special_functions._private  # noqa: B018


def test_a_package_that_is_there_is_taken_and_else_the_functions_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    special_functions._functions.cache_clear()
    assert special_functions._functions() is sys.modules["scipy.special"]
    monkeypatch.delitem(sys.modules, "scipy.special")
    special_functions._functions.cache_clear()
    try:
        assert special_functions._functions().__name__ == "scipy.special._ufuncs"
        assert "scipy.special" not in sys.modules
    finally:
        special_functions._functions.cache_clear()


def test_without_scipy_there_is_no_package_to_look_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(special_functions, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"^scipy\.special$"):
        special_functions._alone()
