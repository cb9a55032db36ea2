"""A disk that is full after so many bytes of a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["full_after"]


@contextmanager
def full_after(most: int) -> Iterator[None]:
    """Let no file of this process, nor of those it starts, have more bytes: the write in its midst fails."""
    resource = pytest.importorskip("resource", reason="needs limits of processes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:  # Python would keep the half of a module that it compiled
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
