"""Modules of our own in the place of libraries that not everybody has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["standing_for"]


@contextmanager
def standing_for(name: str, **held: Any) -> Iterator[None]:
    """Let a module be imported that holds something, whether it is installed or not.

    Args:
        name: The module, in a package.
        held: What it holds.
    """
    ours = {one: ModuleType(one) for one in (name.partition(".")[0], name)}
    vars(ours[name]).update(held)
    before = {one: sys.modules.get(one) for one in ours}
    sys.modules.update(ours)
    try:
        yield
    finally:
        for one, module in before.items():
            del sys.modules[one]
            if module is not None:
                sys.modules[one] = module
