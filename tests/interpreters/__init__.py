"""Each operation, each of its fields at its default, elsewhere and at its ends, through every interpreter.

`CASES` and `JOINS` of ``cases.py`` are the operations, `TABLES` of ``tables.py`` what the interpreters make
of them, of chains of them (``chained.py``) and where branches meet (``branches.py``). It stands in
``tests/told/interpreters/``; ``python -m tests.telling`` writes it anew.
"""

from __future__ import annotations

from tests.interpreters import tables
from tests.interpreters.branches import branches
from tests.interpreters.chained import chained

TABLES = {**tables.TABLES, "branches": branches, "chained": chained}

__all__ = ["TABLES"]
