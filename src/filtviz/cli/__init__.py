"""The command line: each command parses, makes one call of the Python API, and prints.

Results go to stdout, messages to stderr. Exit status: 0 done, 1 a file or a layer failed, 2 wrong usage,
3 a ``--check`` found what it looks for.
"""

from __future__ import annotations

from filtviz.cli.main import main

__all__ = ["main"]
