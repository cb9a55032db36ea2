"""What holds of every sentence that the program makes, whatever it is about: held in all tests.

A field that is left out of a sentence leaves two blanks, a blank before a comma, or empty brackets behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest

from filtviz.errors import FiltvizError
from filtviz.measures.measure import Finding
from filtviz.network import Origin

__all__ = ["all_are_whole", "broken"]

_BROKEN = re.compile(r"\S  +\S| [,.;:!?)\]](?![\w.*\-…/\\\"'*])|[(\[] |\(\)|, ,|\(,|,\)|\b(and|or|of|to|by|than|the|a) [,.;:)]|\s\Z|<\w[\w.]* object at")


def broken(sentence: str) -> str | None:
    """Return what is broken in a sentence, None where nothing is."""
    found = _BROKEN.search(sentence)
    return found and found[0]


@contextmanager
def all_are_whole() -> Iterator[None]:
    """Fail where an error, a note on a file or what a measure says is no whole sentence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FiltvizError, "__init__", _checked(FiltvizError.__init__, lambda self: [str(self)]))
        patch.setattr(Origin, "__init__", _checked(Origin.__init__, lambda self: [self.kind, self.order, *self.inferred, *self.notes]))
        patch.setattr(Finding, "__init__", _checked(Finding.__init__, lambda self: [self.text]))
        yield


def _checked(make: Callable[..., None], sentences: Callable[[Any], list[str]]) -> Callable[..., None]:
    @wraps(make)
    def made(self: Any, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        for one in sentences(self):
            if broken(one):
                import os
                with open("/tmp/broken.txt", "a") as f:
                    f.write(repr((os.environ.get("PYTEST_CURRENT_TEST", "")[:100], broken(one), one[:300])) + "\n")
    return made
