"""The kinds of model files, each in a module with a cheap ``matches`` and a ``read``.

A new kind is one module here and one entry in `FORMATS`; the first that matches reads the file, so the more
special stand before the more general.
"""

from __future__ import annotations

from typing import Protocol

from filtviz.network import Network
from filtviz.reading.formats import bare_arrays, chainer, lasagne, madmom, nolearn, sknn, torch
from filtviz.reading.opened import Contents

__all__ = ["FORMATS", "Format"]


class Format(Protocol):
    """What a module of a kind of file has."""

    def matches(self, contents: Contents) -> bool:
        """Tell, cheaply, whether the file is of this kind."""

    def read(self, contents: Contents) -> Network:
        """Read it."""


FORMATS: tuple[Format, ...] = (torch, nolearn, lasagne, madmom, sknn, chainer, bare_arrays)
