"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
FIXTURES = Path(__file__).resolve().parent / "fixtures"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real model files beside the checkout; tests that need it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real model files (../shared) is not here")
    return SHARED


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of small files that are committed with the tests."""
    return FIXTURES
