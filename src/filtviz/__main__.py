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


def run() -> None:
    """Run the command line of this process; a signal ends it without a traceback from the first import on."""
    try:
        with ended_by_signals():
            from filtviz.cli import main
    except Ended as end:
        sys.exit(end.status)
    main()


if __name__ == "__main__":
    run()
