"""Reading model files: a path → bytes → inert records → a network. Nothing in a file is ever executed.

`load` goes all of that way.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from filtviz.errors import FileAccessError, LimitError, ReadError, SelectionError, UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.operations import parameters_of, with_parameters
from filtviz.parameter import Parameter
from filtviz.reading.folders import model_in
from filtviz.reading.formats import all_formats, formats_for
from filtviz.reading.limits import Hints, Limits
from filtviz.reading.opened import Opened
from filtviz.text import printable

__all__ = ["Hints", "Limits", "load"]

_LOG = logging.getLogger("filtviz")
"""What was concluded of a file and may be otherwise, at the level INFO: the command line prints it."""


def load(path: str | PathLike[str], *, limits: Limits | None = None, hints: Hints | None = None) -> Network:
    """Read a model file: what it is, its layers, and their weights, which are read when they are asked for.

    Nothing in the file is imported, called or instantiated, and neither Theano nor Lasagne is needed.

    Args:
        path: the file; what it is shows in its bytes, not in its name.
        limits: how much the file may ask for.
        hints: what a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        FileAccessError: the file is missing or may not be read.
        UnsupportedFileError: it holds no network that filtviz reads; the sentence says what it holds.
        MalformedFileError: it is damaged or cut short.
        LimitError: it asks for too much.
        SelectionError: ``hints`` says something of a file that tells its own structure, or of an array that
            is not there, or names a graph that the weights do not fit.
    """
    hints = hints or Hints()
    network = _read(Path(path), limits or Limits(), hints)
    if hints.like is not None or hints.architecture is not None:
        network = _with_graph(network, hints, limits or Limits())
    if network.origin.guess:
        _LOG.info("%s: %s", printable(path, 200), network.origin.guess)
    return network


def _with_graph(network: Network, hints: Hints, limits: Limits) -> Network:
    """Return the network in the graph that a person says; one that has a graph keeps its own."""
    path = printable(network.origin.path, 200)
    if not network.has_no_graph:
        option = "--like" if hints.like is not None else "--architecture"
        _LOG.info("%s: it tells its own structure, and keeps it: %s is for files without one", path, option)
        return _having_read(network, hints)
    if hints.like is not None:
        from filtviz.reading.grafting import graft

        found = graft(network, load(hints.like, limits=limits))
    else:
        from filtviz.reading.architecture import build

        found = build(network, Path(hints.architecture or ""), limits)
    _LOG.info("%s: %s", path, found.origin.inferred[0])
    return _having_read(found, hints)


def _having_read(network: Network, hints: Hints) -> Network:
    """Return a network that knows which file was read for its graph: nothing is written over that."""
    path = Path(hints.like or hints.architecture or "")
    described_by = path if hints.architecture is not None else None
    return replace(network, origin=replace(network.origin, also_read=(path,), described_by=described_by))


def _read(path: Path, limits: Limits, hints: Hints) -> Network:
    try:
        opened = Opened.of(_entry(path), limits, hints)
        network = _understand(opened)
    except ReadError as error:
        raise _naming(error, path) from error
    notes = (*network.origin.notes, *_ties(network))
    siblings = tuple(file for file in opened.inflation.files if file != path.absolute())
    size = opened.inflation.present
    origin = replace(network.origin, path=path, siblings=siblings, size=size, notes=notes)
    return replace(_with_named_errors(network, path), origin=origin)


def _entry(path: Path) -> Path:
    """Return the file to begin with where a folder is a model, such as a SavedModel; else the path."""
    if not os.path.isdir(path):  # noqa: PTH112  (of a name too long, Path.is_dir raises)
        return path
    names = [name for kind in all_formats() for name in getattr(kind, "ENTRIES", ())]
    from filtviz.reading.formats import named

    found: Path | None = next((path / name for name in names if (path / name).is_file()), None)
    if found is not None:
        return found
    if sentence := named.folder_sentence(path):
        raise UnsupportedFileError(sentence)
    if (found := model_in(path)) is not None:
        return found
    if sentence := named.sentence_of_inner(path):
        raise UnsupportedFileError(sentence)
    raise FileAccessError("it is a folder without a file that may be a model; name the model file")


def _understand(opened: Opened) -> Network:
    answers = ((kind, kind.open(opened)) for kind in formats_for(opened))
    kind, network = next((kind, found) for kind, found in answers if found is not None)
    if opened.hints.weights and not getattr(kind, "HAS_WEIGHT_SETS", False):
        raise opened.hints.no_such_weights(())
    if opened.hints.says_something and not network.origin.inferred:
        raise SelectionError(
            f"the file holds {network.origin.kind}, which tells its own structure; leave out --convs "
            "and --axes, which are for files that hold nothing but arrays"
        )
    if not network.layers:
        raise UnsupportedFileError(
            f"it holds {network.origin.kind}, but no layer: nothing in it has the name of a layer's weights"
        )
    return network


MOST_TIES = 100
"""Tied parameters that are named; the others are counted."""


def _ties(network: Network) -> Iterator[str]:
    """Say which layers share a parameter with an earlier one."""
    owners: dict[int, Layer] = {}
    n_ties = 0
    for layer in network.layers:
        for parameter in layer.parameters:
            owner = owners.setdefault(id(parameter), layer)
            n_ties += owner is not layer
            if owner is not layer and n_ties <= MOST_TIES:
                yield f"{layer.title} has the {printable(parameter.name, 40)} of {owner.title}: they are tied"
    if n_ties > MOST_TIES:
        yield f"tied parameters that are not named here: {n_ties - MOST_TIES:,}"


def _with_named_errors(network: Network, path: Path) -> Network:
    """Let what goes wrong when a weight is read, which is later, name the file too."""

    def read(parameter: Parameter) -> NDArray[Any]:
        try:
            return parameter.read()
        except ReadError as error:
            raise _naming(error, path) from error

    computed = (one for layer in network.layers for each in layer.operations for one in parameters_of(each))
    held = {id(one): one for layer in network.layers for one in layer.parameters}
    held.update((id(one), one) for one in computed)
    named = {key: replace(one, read=partial(read, one)) for key, one in held.items()}
    layers = [
        replace(
            layer,
            parameters=tuple(named[id(one)] for one in layer.parameters),
            operations=tuple(with_parameters(operation, named) for operation in layer.operations),
        )
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))


def _naming(error: ReadError, path: Path) -> ReadError:
    """Return the error with the file's name before its sentence."""
    sentence = f"{printable(path, 200)}: {error}"
    if isinstance(error, LimitError):
        named: ReadError = LimitError(sentence, limit=error.limit, allowed=error.allowed, option=error.option)
    else:
        named = type(error)(sentence)
    named.path, named.sentence = path, str(error)
    return named
