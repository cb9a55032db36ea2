"""Parameters without layers: lists and dictionaries of arrays, npz files, lists of shared variables."""

from __future__ import annotations

from filtviz.errors import UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.arrays import is_variable, object_items, value_of
from filtviz.reading.formats.bare_arrays.collecting import Found, collect
from filtviz.reading.formats.bare_arrays.inferring import Dialect, infer
from filtviz.reading.opened import SEVERAL_NPY, Opened, origin_of
from filtviz.reading.pickle.records import Record, class_name, elements, pairs
from filtviz.text import names_of_file, printable

__all__ = ["open"]

_OF_TODAY = Dialect(flip_filters=False)
"""Equinox's, whose files are arrays in a row."""

_NAME = "name the file in which the model or its parameters were saved"


def open(opened: Opened) -> Network | None:
    """Read the parameters and conclude the layers; any object of no other kind is taken to be of this one.

    Raises:
        UnsupportedFileError: there are no arrays, or only numbers and vectors, which make no network.
    """
    if not opened.roots:
        return None
    found = collect(opened)
    if not found.arrays and opened.objects.damage:
        return None
    if not found.arrays:
        raise UnsupportedFileError(_without_arrays(opened))
    if not any(len(named.array.shape) > 1 for named in found.arrays):
        raise UnsupportedFileError(_without_weights(found))
    inference = infer(found, opened.hints, _OF_TODAY if opened.objects.form == SEVERAL_NPY else None)
    origin = origin_of(
        opened,
        _kind(opened, found),
        inferred=inference.inferred,
        notes=inference.notes,
        guess=inference.guess,
        thin=inference.thin,
    )
    return Network.of(inference.layers, origin)


def _without_weights(found: Found) -> str:
    first = found.arrays[0].array
    if len(found.arrays) == 1:
        return (
            f"it holds one array of shape {first.shape} and type {first.dtype}, which is no network; {_NAME}"
        )
    return f"it holds {len(found.arrays)} arrays of one axis or none, which are no network; {_NAME}"


def _kind(opened: Opened, found: Found) -> str:
    if opened.is_npz:
        named = any(array.layer is not None for array in found.arrays)
        return "an npz of named parameters" if named else "an npz of parameter values"
    root = found.root
    if value_of(root, opened.limits) is not None:
        return "one array"
    inner = elements(root) or object_items(root)
    if inner is not None:
        shared = any(is_variable(value) for value in inner)
        return "a list of shared variables" if shared else "a list of parameter values"
    entries = pairs(root, opened.effort)
    if entries is not None:
        by_layer = all(type(value) is list for _, value in entries)
        return "a nolearn parameter dict" if by_layer and type(root) is Record else "a dict of parameters"
    return f"an object of class {printable(class_name(root), 40)} with parameters"


def _without_arrays(opened: Opened) -> str:
    """Say what a readable file holds, where that is no array."""
    found = [global_.path for global_ in opened.globals]
    if any("compile.function_module" in path for path in found):
        return (
            "it holds a compiled Theano function and no network; pickle the layers or the parameters "
            "(lasagne.layers.get_all_param_values), not the function"
        )
    named = f" (the classes and functions in it are {names_of_file(found, 5, 60)})" if found else ""
    return f"it holds no layers and no weights{named}; {_NAME}"
