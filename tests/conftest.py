"""What the tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
FIXTURES = Path(__file__).resolve().parent / "fixtures"
HAS_SHARED = (SHARED / "models" / "manifest.json").is_file()  # another folder may have that name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


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
