"""What holds of every sentence that the program makes, whatever it is about: held in all fast tests.

A field that is left out of a sentence leaves two blanks, a blank before a comma or empty brackets behind, or
a word such as "of" with nothing after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache, wraps
from typing import Any

import click
import pytest

from filtviz.drawing.sheet import Sheet
from filtviz.errors import FiltvizError
from filtviz.measures.measure import Diagnosis, Finding, LayerDiagnosis
from filtviz.network import Origin
from filtviz.operations import Untold

__all__ = ["all_are_whole", "broken"]

_END = r"([,;:)]|\.(\s|\Z))"
_BROKEN = re.compile(
    r"\S  +\S"  # two blanks
    r"| ([,;:!)\]]|\.(\s|\Z))"
    r"|[(\[] |(?<!\w)(?<!shape )(?<!strides )\(\)|, ,|\(,|(?<!\d),\)"
    rf"|\b(and|or|of|to|by|than|the|a|an|has|is|are|with|from|at) {_END}"
)
SENTENCES: dict[type, tuple[str, ...]] = {
    Origin: ("kind", "order", "inferred", "notes"),
    Finding: ("text", "reason"),
    LayerDiagnosis: ("sentence", "seen", "why", "decides", "notes"),
    Diagnosis: ("answer", "summary", "look", "more", "notes", "left_out"),
    Sheet: ("title", "facts", "notes"),
    Untold: ("reason",),
}
"""What is made → its fields that are sentences, one or several."""


@lru_cache(1 << 16)
def broken(sentence: str) -> str | None:
    """Return what is broken in a sentence, None where nothing is."""
    found = _BROKEN.search(sentence)
    return found and found[0]


@contextmanager
def all_are_whole() -> Iterator[None]:
    """Fail where an error, what is told on stderr, a note or what a measure says is no whole sentence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FiltvizError, "__init__", _checked(FiltvizError.__init__, lambda self: [str(self)]))
        for cls, names in SENTENCES.items():
            assert set(names) <= {one.name for one in fields(cls)}
            patch.setattr(cls, "__init__", _checked(cls.__init__, _of(names)))
        patch.setattr(click, "echo", _echo(click.echo))
        yield


def _of(names: tuple[str, ...]) -> Callable[[Any], Iterator[str]]:
    def sentences(made: Any) -> Iterator[str]:
        for name in names:
            held = getattr(made, name)
            yield from [held] if isinstance(held, str) else held or ()

    return sentences


def _checked(make: Callable[..., None], sentences: Callable[[Any], Any]) -> Callable[..., None]:
    @wraps(make)
    def made(self: Any, *args: Any, **named: Any) -> None:
        make(self, *args, **named)
        for one in sentences(self):
            _check(one)

    return made


def _echo(echo: Callable[..., None]) -> Callable[..., None]:
    @wraps(echo)
    def told(message: Any = None, *args: Any, **named: Any) -> None:
        if named.get("err") and isinstance(message, str):
            _check(message)
        echo(message, *args, **named)

    return told


def _check(sentence: Any) -> None:
    if isinstance(sentence, str) and not set("<>\\") & set(sentence):  # a stranger's names may be anything
        assert not broken(sentence), f"{broken(sentence)!r} in: {sentence}"
