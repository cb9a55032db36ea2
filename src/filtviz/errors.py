"""Everything that filtviz raises on purpose.

::

    FiltvizError                  one sentence: what, where, what to do next
    ├── ReadError                 a file did not give a network (``.path``)
    │   ├── FileAccessError       it is missing, a folder, may not be read, or is written meanwhile
    │   ├── UnsupportedFileError  it is recognised, or not, but is nothing that filtviz reads
    │   ├── MalformedFileError    it is damaged, or says of itself what cannot be
    │   │   └── UnknownFileError  it is no kind that is known, or a pickle that is damaged from its start
    │   └── LimitError            reading it would pass a limit (``.limit``, ``.allowed``, ``.option``)
    ├── ArgumentError             an argument is nothing that the function takes (also a ValueError)
    ├── SelectionError            no such layer or channel (``.wanted``, ``.available``)
    ├── DrawingError              these weights cannot be drawn as pictures of filters
    ├── MeasureError              these weights cannot be measured as asked
    ├── CompositionError          a layer cannot be followed down to the image
    ├── RunningError              the network cannot be run on these images (``.layer``)
    ├── BudgetError               it is too much work (``.share``, ``.needed``, ``.allowed``, ``.option``)
    ├── ConversionError           another format cannot say what a layer does (``.layer``)
    ├── MissingExtraError         an optional package is needed (also an ImportError)
    └── OutputError               a result could not be written (``.path``)

The command line prints the sentence on stderr and exits with 1. Each has a ``code``, a word that stays as it
is while sentences get better: scripts go by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import ClassVar

__all__ = [
    "ArgumentError",
    "BudgetError",
    "CompositionError",
    "ConversionError",
    "DrawingError",
    "FileAccessError",
    "FiltvizError",
    "LimitError",
    "MalformedFileError",
    "MeasureError",
    "MissingExtraError",
    "OutputError",
    "ReadError",
    "RunningError",
    "SelectionError",
    "UnknownFileError",
    "UnsupportedFileError",
]


class FiltvizError(Exception):
    """The base of every error that filtviz raises on purpose; its text is one sentence for a person.

    ``code`` says in a word what kind of error it is, for scripts.
    """

    code: ClassVar[str] = "failed"


class ReadError(FiltvizError):
    """A file did not give a network.

    ``path`` is the file, once known: the reading steps raise without it and `filtviz.load` adds it.
    ``sentence`` is the text without the name of the file that `filtviz.load` puts before it.
    """

    code = "unreadable"

    def __init__(self, message: str, *, path: str | PathLike[str] | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.sentence = message


class FileAccessError(ReadError):
    """The file is missing, is a folder, may not be read, or is cut short or changed while it is read."""

    code = "no-access"


class UnsupportedFileError(ReadError):
    """The file holds nothing that filtviz reads; the sentence says what it holds, where that is known."""

    code = "unsupported"


class MalformedFileError(ReadError):
    """The file is damaged or cut short, or says of itself what cannot be."""

    code = "malformed"


class UnknownFileError(MalformedFileError):
    """The file is of no kind that is known: it may be a damaged pickle, and may be anything else."""

    code = "unknown"


class LimitError(ReadError):
    """Reading the file would pass a limit.

    ``limit`` names the field of `filtviz.Limits`, ``allowed`` is its value, ``option`` the command-line
    option that raises it.
    """

    code = "limit"

    def __init__(self, message: str, *, limit: str, allowed: int, option: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.allowed = allowed
        self.option = option


class ArgumentError(FiltvizError, ValueError):
    """An argument is nothing that the function takes: of another kind, out of range, without effect."""

    code = "bad-argument"


class SelectionError(FiltvizError):
    """There is no such layer or channel; ``wanted`` is what was asked for, ``available`` what there is."""

    code = "no-such-layer"

    def __init__(self, message: str, *, wanted: object = None, available: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.wanted = wanted
        self.available = tuple(available)


class DrawingError(FiltvizError):
    """These weights cannot be drawn as pictures of filters."""

    code = "not-drawable"


class MeasureError(FiltvizError):
    """These weights cannot be measured as asked."""

    code = "not-measurable"


class CompositionError(FiltvizError):
    """A layer cannot be followed down to the image: one below is no convolution with one filter for all."""

    code = "not-composable"


class RunningError(FiltvizError):
    """The network cannot be run on these images, or not as far as asked.

    ``layer`` is the place of the layer that cannot be run in network order, None where the images are at
    fault; all layers below it can be run.
    """

    code = "not-runnable"

    def __init__(self, message: str, *, layer: int | None = None) -> None:
        super().__init__(message)
        self.layer = layer


class ConversionError(FiltvizError):
    """The network cannot be said in another format, or what was written of it computes something else.

    ``layer`` is the place in network order of the layer that is in the way, None where it is none.
    """

    code = "not-convertible"

    def __init__(self, message: str, *, layer: int | None = None) -> None:
        super().__init__(message)
        self.layer = layer


class BudgetError(FiltvizError):
    """What was asked for would take more work, or more pixels, than the model's size on disk deserves.

    ``share`` names the field of `filtviz.Budget`, ``needed`` is what it would take, ``allowed`` what all of
    the command may take, ``option`` the command-line option that raises that.
    """

    code = "budget"

    def __init__(self, message: str, *, share: str, needed: int, allowed: int, option: str) -> None:
        super().__init__(message)
        self.share = share
        self.needed = needed
        self.allowed = allowed
        self.option = option


class MissingExtraError(FiltvizError, ImportError):
    """What was asked for needs an optional package that is not installed, or that does not run here."""

    code = "missing-package"


class OutputError(FiltvizError):
    """A result could not be written to ``path``."""

    code = "not-written"

    def __init__(self, message: str, *, path: str | PathLike[str] | None = None) -> None:
        super().__init__(message)
        self.path = path
