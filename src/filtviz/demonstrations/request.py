"""What a command that shows a network images is given, and what it says, draws and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.errors import RunningError
from filtviz.given import (
    LayerChoice,
    LiveModel,
    Model,
    check_choice,
    check_path,
    checked_images,
    expect,
    load,
    path_of,
)
from filtviz.naming import layer_stems, models_stem
from filtviz.network import ConvLayer, EngineName, Network
from filtviz.picture_files import write_pictures
from filtviz.reading import Hints, Limits
from filtviz.responses.asking import Answer, choose_layer, names, pictures_of, with_all_axes
from filtviz.results import WrittenFile
from filtviz.running.preparing import Pictures, Preparation, is_paths, read_labels, size_of
from filtviz.sources import Sources, paths_among
from filtviz.text import file_stem

if TYPE_CHECKING:
    from filtviz.drawing.response_tiles import ResponsePicture
    from filtviz.drawing.saving import Destination

__all__ = ["NUMBERS", "Demonstration", "Labels", "Request", "Shown", "arrays_of", "layer_stem", "told"]

Shown = str | PathLike[str] | Sequence[str | PathLike[str]] | NDArray[Any]
"""Images: an array in the network's own axes, or the paths of pictures, folders, ``.npy`` or ``.npz``."""

Labels = Sequence[str] | str | PathLike[str]
"""The names of the classes, or a file with one a line."""

DRAWN, NUMBERS = ("png", "pdf", "svg", "npz"), ("npz",)
"""Formats of files, the first being that of a folder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What a command is given, beside its own options.

    Attributes:
        model: A path, a network, or a model in memory.
        images: An array, or paths; None for none.
        preparation: How pictures and files are prepared.
        labels: The names of the classes, or a file with one a line.
        batch: Images at once at the most.
        device: Where PyTorch computes.
        engine: ``numpy`` or ``torch``; None chooses.
        output: Where the picture or the numbers go; None writes none.
        format: Their format in a folder.
        formats: Which there are.
        budget: How much work an image may be.
        limits: How much the file may ask for.
        hints: What a person says about a file of bare arrays.

    Raises:
        ArgumentError: something is of another kind than it must be.
    """

    model: Model | LiveModel
    images: Any = None
    preparation: Preparation | None = None
    labels: Labels | None = None
    batch: int | None = None
    device: str | None = None
    engine: EngineName | None = None
    output: str | PathLike[str] | None = None
    format: str | None = None
    formats: tuple[str, ...] = DRAWN
    budget: Budget | None = None
    limits: Limits | None = None
    hints: Hints | None = None

    def __post_init__(self) -> None:
        expect(self.preparation, Preparation, "preparation")
        check_choice(self.format, self.formats, "format")
        _ = self.destination  # before anything is run

    @property
    def destination(self) -> Destination | None:
        """Where the picture or the numbers go; None where nothing is written."""
        if self.output is None:
            return None
        from filtviz.drawing.saving import find_destination

        return find_destination(check_path(self.output, "a file or a folder"), self.format, self.formats)

    @property
    def running(self) -> dict[str, Any]:
        """The keywords of the functions that run a network."""
        size = size_of(self.images)
        budget = self.budget or Budget()
        budget = budget if size is None else replace(budget, image_bytes=size)
        return {"engine": self.engine, "batch": self.batch, "device": self.device, "budget": budget}

    def network(self) -> Network:
        """Return the network."""
        return load(self.model, limits=self.limits, hints=self.hints)

    def pictures(self, network: Network) -> Pictures:
        """Return the images, as the network takes them."""
        return pictures_of(network, self.images, self.preparation)

    def _given(self, network: Network) -> Pictures:
        """Return images that are an array, of which one may lack the axis of images."""
        return pictures_of(network, with_all_axes(network, checked_images(self.images)))

    def names(self) -> tuple[str, ...]:
        """Return the names of the classes, none where nobody gives them."""
        if self.labels is None:
            return ()
        if isinstance(self.labels, str | PathLike):
            return read_labels(check_path(self.labels, "labels"))
        return names(self.labels, "labels")

    @property
    def has_file_of_labels(self) -> bool:
        """Whether the names of the classes stand in a file, which names them all."""
        return isinstance(self.labels, str | PathLike)

    def one(self, network: Network, number: int) -> tuple[NDArray[Any], NDArray[Any], str, Pictures]:
        """Return an image, what a person sees of it, its name, and all images."""
        pictures = self.pictures(network) if is_paths(self.images) else self._given(network)
        if not -len(pictures) <= number < len(pictures):
            raise RunningError(f"there is no image {number}: {len(pictures)} were given, counted from 0")
        place = number % len(pictures)
        return pictures.images[place], pictures.seen[place], pictures.names[place], pictures


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration:
    """What was answered, said and drawn.

    Attributes:
        answer: What is to know first, in a sentence or two.
        data: The same for scripts.
        files: The files that were written.
        sentences: What was done to the images, and what is not known.
        rows: A table, where the answer is one.
        headings: Its headings.
        picture: What was drawn, for a terminal and a file.
        table: The numbers as rows, the first of them headings, for CSV.
    """

    answer: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[WrittenFile, ...] = ()
    sentences: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    headings: tuple[str, ...] = ()
    picture: ResponsePicture | None = None
    table: tuple[tuple[Any, ...], ...] = ()


Found = TypeVar("Found", bound=Answer)


def told(
    found: Found, tell: Callable[[], Demonstration], request: Request, network: Network, layer: str = ""
) -> Found:
    """Return an answer that can say and show itself, and write its picture where the person wants it.

    Args:
        found: What was answered.
        tell: Says, draws and tabulates it; it is called when somebody looks.
        request: What the command is given.
        network: The network.
        layer: A layer's part of the name of the file.
    """
    once = cache(tell)
    destination = request.destination
    if destination is None:
        return replace(found, tell=once)
    from filtviz.drawing.options import DrawingOptions
    from filtviz.drawing.saving import plan_files

    shown, path = once(), path_of(request.model)
    assert shown.picture is not None
    labels = request.labels if request.has_file_of_labels else None
    sources = Sources.of([network], *paths_among(request.images, labels))
    planned = plan_files({layer: (shown.picture,)}, models_stem([path or Path("network")]), destination)
    files = tuple(write_pictures(planned, destination, DrawingOptions(), sources))
    written = replace(shown, files=files)
    return replace(found, tell=lambda: written, files=files)


def layer_stem(network: Network, layer: LayerChoice) -> str:
    """Return a layer's part of the names of files.

    Args:
        network: The network.
        layer: A layer of it.
    """
    chosen = choose_layer(network, layer)
    if isinstance(chosen, ConvLayer):
        return layer_stems(network, ("activity", "patches", "maximised", "codes"))[chosen.conv_index]
    return file_stem(chosen.title)


def arrays_of(pictures: Pictures | None = None, /, **arrays: Any) -> dict[str, NDArray[Any]]:
    """Return arrays for an ``.npz`` file, with the names of the images.

    Args:
        pictures: The images; None for none.
        arrays: By their names in the file; None is left out.
    """
    named = {} if pictures is None else {"names": np.array(pictures.names)}
    return {**named, **{name: np.asarray(array) for name, array in arrays.items() if array is not None}}
