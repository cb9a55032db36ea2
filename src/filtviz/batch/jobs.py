"""The pieces of work of an export: files of pictures of one model, which the worker reads by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from filtviz.drawing import DrawingOptions, draw
from filtviz.drawing.saving import write_pages
from filtviz.errors import FiltvizError, MalformedFileError
from filtviz.files import write_whole
from filtviz.reading import Hints, Limits, load
from filtviz.text import printable

if TYPE_CHECKING:
    from filtviz.drawing import Picture
    from filtviz.network import Network

__all__ = ["ModelFile", "Outcome", "PictureFile", "PicturesJob", "forget_models"]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model file as it was when its pictures were planned, which a process reads once for many jobs.

    ``path`` is absolute, for whoever reads it may work in another folder. ``size`` in bytes and ``changed``,
    the time of its last change in nanoseconds, tell whether it still is that file.
    """

    path: Path
    limits: Limits | None
    hints: Hints | None
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path, limits: Limits | None, hints: Hints | None) -> ModelFile:
        """Look at a file."""
        seen = path.stat()
        return cls(
            path=path.absolute(), limits=limits, hints=hints, size=seen.st_size, changed=seen.st_mtime_ns
        )

    def remember(self, network: Network) -> None:
        """Let jobs of this process have a network that was read from the file already."""
        _remembered[:] = [(self, network), *_remembered[: REMEMBERED - 1]]

    def load(self) -> Network:
        """Return the network in the file.

        Raises:
            ReadError: it cannot be read any more, or has changed.
        """
        for file, network in tuple(_remembered):  # a copy: the jobs of threads share the list
            if file == self:
                return network
        network = load(self.path, limits=self.limits, hints=self.hints)
        if ModelFile.of(self.path, self.limits, self.hints) != self:
            raise MalformedFileError(
                f"{printable(self.path, 200)}: it was changed while it was exported; export it again",
                path=self.path,
            )
        self.remember(network)
        return network


REMEMBERED = 2
"""So many networks a process holds: that of its jobs, and one whose jobs are about to come or just done."""

_remembered: list[tuple[ModelFile, Network]] = []


def forget_models() -> None:
    """Let go of the files that this process holds open for jobs."""
    _remembered.clear()


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """A file to write: ``pages`` pictures from the ``first`` on of those of a layer's ``channels``."""

    path: Path
    conv_index: int
    channels: Sequence[int]
    first: int
    pages: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: the pages it drew, and the sentence of the error that stopped it, if one did."""

    model: int
    pages: int
    failure: str | None
    last: bool


@dataclass(frozen=True, kw_only=True)
class PicturesJob:
    """Files of one model to write; ``last`` marks the model's last job, which may have none."""

    model: int
    source: ModelFile | None
    files: tuple[PictureFile, ...]
    suffix: str
    options: DrawingOptions
    last: bool = False

    def run(self) -> Outcome:
        """Write the files one after another, up to the first that fails."""
        pages = 0
        failure = None
        try:
            for path, pictures in self._drawn():
                write_whole(path, partial(write_pages, pictures, self.suffix, self.options))
                pages += len(pictures)
        except FiltvizError as error:
            failure = str(error)
        except MemoryError:
            failure = "the machine has not enough memory for a page; lower figsize or dpi"
        return Outcome(model=self.model, pages=pages, failure=failure, last=self.last)

    def _drawn(self) -> Iterator[tuple[Path, list[Picture]]]:
        """Yield each file with its pictures, which are ready to be drawn and hold no pixels yet."""
        if self.source is None or not self.files:
            return
        network = self.source.load()
        for (conv_index, channels), files in groupby(
            self.files, lambda each: (each.conv_index, each.channels)
        ):
            pictures = draw(network.conv_layers[conv_index], channels, self.options)
            place = 0
            for file in files:
                yield file.path, list(islice(pictures, file.first - place, file.first - place + file.pages))
                place = file.first + file.pages
