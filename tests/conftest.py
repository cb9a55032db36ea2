"""What the tests share."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator, Sequence
from functools import cache
from inspect import isfunction
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from tests.readings import Readings

for library in ("OMP", "OPENBLAS", "MKL"):  # before numpy: each process of the tests has one core
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"
FIXTURES = Path(__file__).resolve().parent / "fixtures"
HAS_SHARED = (SHARED / "models" / "manifest.json").is_file()  # another folder may have that name

ONLY_SLOW = frozenset({"lasagne"})
"""Folders of slow tests alone: the fast ones do without what takes seconds to import."""


def is_fast(config: pytest.Config) -> bool:
    """Tell the fast loop, which CONTRIBUTING.md begins with."""
    return bool(config.getoption("markexpr") == "not slow")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backwards", action="store_true", help="run the tests from the last to the first")


def pytest_configure(config: pytest.Config) -> None:
    starts_others = config.getoption("numprocesses") and "PYTEST_XDIST_WORKER" not in os.environ
    if is_fast(config) and not starts_others:
        from hypothesis import settings

        settings.register_profile("fast", max_examples=10)
        settings.load_profile("fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if is_fast(config) and collection_path.name in ONLY_SLOW else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without looking for garbage, of which there is none, and look for none in what stays."""
    gc.disable()
    yield
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # most of what tests make is gone before anybody looks
    gc.enable()


def pytest_pycollect_makeitem(
    collector: pytest.Collector, name: str, obj: object
) -> list[pytest.Item] | None:
    """Make no cases of a slow test in the fast loop: that takes as long as many a test."""
    if isfunction(obj) and hasattr(obj, "pytestmark") and not name.startswith("test"):
        raise collector.CollectError(f"{name} is no test, and has a mark that was meant for the one below it")
    slow = is_fast(collector.config) and isfunction(obj) and "slow" in _marks(collector, obj)
    return [] if slow and obj.__name__.startswith("test") else None


def _marks(collector: pytest.Collector, test: FunctionType) -> set[str]:
    own: list[pytest.Mark] = getattr(test, "pytestmark", [])
    return {mark.name for mark in (*own, *collector.iter_markers())}


# Of a test of many cases a few are fast: see "What a change should bring" in CONTRIBUTING.md

FEW_CASES = 3
"""So many cases of a test are fast, at even distances from the first to the last."""

Case = TypeVar("Case")


def telling(cases: Sequence[Case], few: int | None) -> list[Case]:
    """Some cases at even distances, the first and the last among them, or all."""
    if few is None or len(cases) <= few:
        return list(cases)
    return [cases[round(i * (len(cases) - 1) / max(few - 1, 1))] for i in range(few)]


def number_of_fast(node: pytest.Collector | pytest.Item) -> int | None:
    """How many cases of a test are fast at most, by its mark; None stands for all."""
    mark = node.get_closest_marker("cases")
    if mark is None:
        return FEW_CASES
    return None if mark.args == ("all",) else mark.args[0]


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Iterator[None]:
    yield
    if is_fast(metafunc.config):
        quick = [case for case in metafunc._calls if all(mark.name != "slow" for mark in case.marks)]
        metafunc._calls[:] = telling(quick, number_of_fast(metafunc.definition)) or metafunc._calls[:1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "shared" in fixtures:
            item.add_marker(pytest.mark.shared)
        if "shared" in fixtures or "browser" in fixtures:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") is None:
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for own in cases.values():
        fast = set(telling(own, number_of_fast(own[0])))
        for item in own:
            if item not in fast:
                item.add_marker(pytest.mark.slow)
    if config.getoption("backwards"):
        items.reverse()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real model files beside the checkout; tests that need it are skipped where it is not."""
    if not HAS_SHARED:
        pytest.skip("the folder of real model files (../shared) is not here")
    return SHARED


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of small files that are committed with the tests."""
    return FIXTURES


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C works here and in what is started here, though a suite in the background may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def _sentences_are_whole(pytestconfig: pytest.Config) -> Iterator[None]:
    """Hold in all fast tests that sentences have no holes, and notice what is read."""
    if is_fast(pytestconfig):
        from tests.sentences import all_are_whole

        with all_are_whole(), _readings().noticed():
            yield
    else:
        yield


@cache
def _readings() -> Readings:
    from tests.readings import Readings

    return Readings(writes="TELL_READINGS" in os.environ)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold in fast tests what is read of the files that they read."""
    if not is_fast(item.config):
        return (yield)
    _readings().begin()
    yield
    _readings().compare(item.nodeid)
