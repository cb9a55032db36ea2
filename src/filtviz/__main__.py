"""Where the program starts, by its script or by ``python -m filtviz``."""

from __future__ import annotations

import os
import sys

# ``python -m`` looks into the working folder first, where modules may lie beside strangers' models.
if __name__ == "__main__" and not sys.flags.safe_path:
    try:
        if sys.path[:1] == [os.getcwd()]:  # noqa: PTH109
            del sys.path[0]
    except OSError:  # the folder has been removed
        pass

from filtviz.signals import Ended, ended_by_signals

__all__ = ["run"]


LEAST = 400 << 20
"""Bytes of addresses without which numpy, matplotlib and what they load do not fit."""


def run() -> None:
    """Run the command line of this process; a signal ends it without a traceback from the first import on."""
    _check_addresses()
    try:
        with ended_by_signals():
            from filtviz.cli import main
    except Ended as end:
        sys.exit(end.status)
    main()


def _check_addresses() -> None:
    """End in a sentence where ``ulimit -v`` leaves too little, which libraries answer in ways of their own.

    Where it leaves more, numpy's library gets one thread: each would reserve addresses of its own.
    """
    if sys.platform == "win32":
        return
    import resource

    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed == resource.RLIM_INFINITY:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if allowed < LEAST:
        sys.exit(
            f"filtviz: a limit (ulimit -v) leaves this process {allowed >> 20:,} MB of memory, and filtviz "
            f"needs {LEAST >> 20:,}: raise it"
        )


if __name__ == "__main__":
    run()
