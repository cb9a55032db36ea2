"""Something done in a process that is forked from this one, in which all is imported already."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

__all__ = ["forked"]


def forked(act: Callable[[], object]) -> int:
    """Do something in another process and return its id; its status is 99 where that raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the tests' own threads hold nothing of ours
        process = os.fork()
    if not process:
        status = 99
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return process
