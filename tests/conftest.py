"""What the tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings
from packaging.version import Version

for library in ("OMP", "OPENBLAS", "MKL"):  # before numpy: each process of the tests has one core
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from filtviz.drawing.pixelmap import PROVEN_VERSIONS  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared"
FIXTURES = Path(__file__).resolve().parent / "fixtures"
HAS_SHARED = (SHARED / "models" / "manifest.json").is_file()  # another folder may have that name

as_proven = pytest.mark.skipif(
    Version(version("matplotlib")) < Version(PROVEN_VERSIONS[0].strip(".")),
    reason="an older matplotlib than the pixels were compared with draws this itself",
)
"""Marks what holds of pixels that are computed without matplotlib."""

ONLY_SLOW = frozenset({"lasagne"})
"""Folders of slow tests alone: the fast ones do without what takes seconds to import."""


def is_fast(config: pytest.Config) -> bool:
    """Tell the fast loop, which CONTRIBUTING.md begins with."""
    return bool(config.getoption("markexpr") == "not slow")


def pytest_configure(config: pytest.Config) -> None:
    if is_fast(config):
        settings.register_profile("fast", max_examples=25)
        settings.load_profile("fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if is_fast(config) and collection_path.name in ONLY_SLOW else None


FEW_CASES = 4
"""So many cases of a test that is marked costly are fast, at even distances from the first to the last;
``costly(n)`` names another number of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases: dict[str, list[pytest.Item]] = {}
    few: dict[str, int] = {}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "shared" in fixtures:
            item.add_marker(pytest.mark.shared)
        if "shared" in fixtures or "browser" in fixtures:
            item.add_marker(pytest.mark.slow)
        if costly := item.get_closest_marker("costly"):
            test = item.nodeid.partition("[")[0]
            cases.setdefault(test, []).append(item)
            few[test] = costly.args[0] if costly.args else FEW_CASES
    for test, own in cases.items():
        fast = {round(i * (len(own) - 1) / (few[test] - 1)) for i in range(few[test])}
        for place, item in enumerate(own):
            if place not in fast:
                item.add_marker(pytest.mark.slow)


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
