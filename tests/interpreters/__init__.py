"""Each operation, each of its fields at its default, elsewhere and at its ends, through every interpreter.

`CASES` and `JOINS` of ``cases.py`` are the operations, `TABLES` of ``tables.py`` what the interpreters make
of them. It stands in ``tests/told/interpreters/``; ``python -m tests.telling`` writes it anew.
"""

from __future__ import annotations

from tests.interpreters.tables import TABLES

__all__ = ["TABLES"]
