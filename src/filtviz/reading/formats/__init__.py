"""The kinds of model files, each in a module with a cheap ``matches`` and a ``read``.

A new kind is one module here and one entry in `FORMATS`; the first that matches reads the file, so the more
special stand before the more general.
"""

from __future__ import annotations

from typing import Protocol

from filtviz.network import Network
from filtviz.reading.contents import Contents
from filtviz.reading.formats import chainer, layers, madmom, nolearn, parameters, sknn, torch

__all__ = ["FORMATS", "Format"]


class Format(Protocol):
    """What a module of a kind of file has."""

    def matches(self, contents: Contents) -> bool:
        """Tell, cheaply, whether the file is of this kind."""

    def read(self, contents: Contents) -> Network:
        """Read it."""


FORMATS: tuple[Format, ...] = (torch, nolearn, layers, madmom, sknn, chainer, parameters)
