"""Where the program starts, by its script or by ``python -m filtviz``."""

from __future__ import annotations

import sys

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
