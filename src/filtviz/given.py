"""What a person gives where a model, a layer, or several of them are asked for: one place for all functions.

A model is a path, a `Network`, a model in memory, or a layer by itself; a layer is filtviz's, a live one, or
an array. One by itself will do where several are asked for. What is none of these is an `ArgumentError`.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Collection, Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from filtviz.budget import Account, Budget
from filtviz.errors import ArgumentError, DrawingError, SelectionError
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.parameter import Parameter
from filtviz.reading.limits import Hints, Limits
from filtviz.text import described, plural, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LayerChoice",
    "LiveModel",
    "Model",
    "account_of",
    "as_images",
    "as_layer",
    "as_number",
    "check_choice",
    "check_path",
    "checked_images",
    "choose",
    "chosen_layers",
    "expect",
    "file_of",
    "filters_of",
    "is_model",
    "is_several",
    "load",
    "named",
    "path_of",
    "several",
]

Model: TypeAlias = str | PathLike[str] | Network
"""The path of a model file, or the network that was read from it."""

LiveModel: TypeAlias = Any
"""A model in memory, or a layer: an ``nn.Module``, a Keras model, a dictionary of arrays such as Flax's."""

LayerChoice: TypeAlias = int | str | Layer
"""A convolution: its number (0 is the first, -1 the last), its name, or the layer itself."""

Kind = TypeVar("Kind")


def load(
    model: Model | LiveModel,
    *,
    limits: Limits | None = None,
    hints: Hints | None = None,
    like: Model | LiveModel | None = None,
    architecture: str | PathLike[str] | None = None,
) -> Network:
    """Read a model file: what it is, its layers, and their weights, which are read when they are asked for.

    Nothing in the file is imported, called or instantiated, and no framework is needed.

    Args:
        model: The path of the file; what it is shows in its bytes, not in its name. A model in memory (an
            ``nn.Module``, a Keras model, a dictionary of arrays) and a layer become a network as well, and a
            network is returned as it is.
        limits: How much the file may ask for.
        hints: What a person says about the arrays of a file that holds nothing but arrays.
        like: For a file without a graph, as a ``state_dict`` or an ``npz`` of parameters is: another model of
            the same layers, whose graph the weights are put into. Every shape is checked. A model that has a
            graph keeps its own.
        architecture: In its place a text in TOML that says what the layers are, such as
            `filtviz.architecture_template` begins one.

    Raises:
        FileAccessError: the file is missing or may not be read.
        UnsupportedFileError: it holds no network that filtviz reads; the sentence says what it holds.
        MalformedFileError: it is damaged or cut short.
        LimitError: it asks for too much.
        SelectionError: ``hints`` says something of a file that tells its own structure, or of an array that
            is not there, or the weights do not fit the graph of ``like``.
        ArgumentError: this is no model.
    """
    expect(limits, Limits, "limits")
    expect(hints, Hints, "hints")
    if like is not None or architecture is not None:
        network = load(model, limits=limits, hints=hints)
        return _with_graph(network, like, architecture, limits)
    if isinstance(model, Network):
        return model
    if isinstance(model, str | PathLike):
        from filtviz.reading import load as read

        return read(check_path(model, "a model"), limits=limits, hints=hints)
    if _is_layer(model):
        return _alone(as_layer(model))
    from filtviz.live import is_live, network_of

    if is_live(model):
        return network_of(model, hints)
    raise ArgumentError(
        f"{described(model)} is no model that filtviz knows: give a path, a network, an nn.Module, a Keras "
        "model, or a dictionary of arrays"
    )


def _with_graph(
    network: Network,
    like: Model | LiveModel | None,
    architecture: str | PathLike[str] | None,
    limits: Limits | None,
) -> Network:
    if like is not None and architecture is not None:
        raise ArgumentError("give the graph of another model (like) or an architecture, not both")
    if like is not None:
        from filtviz.reading.grafting import graft

        other = load(like, limits=limits)
        origin = other.origin
        read = (*([origin.path] if origin.path is not None else []), *origin.siblings)
        return _having_read(graft(network, other) if network.has_no_graph else network, *read)
    from filtviz.reading.architecture import build

    text = Path(check_path(architecture, "an architecture"))
    if not network.has_no_graph:
        return _having_read(network, text)
    found = _having_read(build(network, text, limits or Limits()), text)
    return replace(found, origin=replace(found.origin, described_by=text))


def _having_read(network: Network, *paths: Path) -> Network:
    """Return a network that knows which other files were read for it: nothing is written over them."""
    return replace(network, origin=replace(network.origin, also_read=(*network.origin.also_read, *paths)))


def is_model(given: Any) -> bool:
    """Tell a model from a layer by itself.

    Args:
        given: Anything.
    """
    if isinstance(given, str | PathLike | Network):
        return True
    if _is_layer(given):
        return False
    from filtviz.live import is_live

    return is_live(given)


def is_several(given: Any) -> bool:
    """Tell several models from one.

    Args:
        given: Anything.
    """
    if isinstance(given, str | bytes | PathLike | Network) or not isinstance(given, Iterable):
        return False
    if isinstance(given, list | tuple) and all(isinstance(each, str | PathLike | Network) for each in given):
        return True
    return not is_model(given) and not _is_layer(given)


def several(given: Any, *others: Any) -> list[Any]:
    """Return what was given as a list; one model or layer by itself is a list of one.

    Args:
        given: A model, a layer, or several of them.
        others: More of them.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(given, list | tuple) and all(isinstance(each, str | PathLike | Network) for each in given):
        return [*given, *others]  # without a look at what models in memory are like, which takes a while
    if is_model(given) or _is_layer(given):
        return [given, *others]
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise ArgumentError(f"{described(given)} is no model that filtviz knows: give a path, or several")
    return [*given, *others]


def chosen_layers(
    layers: Iterable[LayerChoice] | LayerChoice | None, default: tuple[LayerChoice, ...] = ()
) -> tuple[LayerChoice, ...]:
    """Return a person's choice of layers as a tuple; one by itself is a choice of one.

    Args:
        layers: Numbers, numpy's as well, names, and layers; None for the default.
        default: What is chosen where nobody says.

    Raises:
        ArgumentError: it is nothing that could be a choice.
    """
    if layers is None:
        return default
    if isinstance(layers, str | Layer) or as_number(layers) is not None:
        return (_plain(layers),)
    if not isinstance(layers, Iterable) or isinstance(layers, bytes):
        raise ArgumentError(
            f"{described(layers)} chooses no layers: give numbers or names, such as [0, 'conv3']"
        )
    return tuple(map(_plain, layers))


def choose(network: Network, wanted: LayerChoice) -> ConvLayer:
    """Return the convolution that a person chose.

    Args:
        network: The network.
        wanted: A number, a name, or a layer. That of another network stands for the one of its name and
            shape.

    Raises:
        SelectionError: there is none such; the text lists what there is and suggests the nearest.
    """
    if not isinstance(wanted, ConvLayer) or any(wanted is each for each in network.conv_layers):
        return network.select(wanted)
    found = network.select(wanted.label or wanted.name or wanted.title)
    if found.weights.shape != wanted.weights.shape:
        raise SelectionError(
            f"{wanted.title} is no layer of this network: the one of that name has another shape, "
            f"{'x'.join(map(str, found.weights.shape))}",
            wanted=named(wanted),
        )
    return found


def named(wanted: LayerChoice) -> int | str:
    """Return what to call a choice in a result.

    Args:
        wanted: A number, a name, or a layer.
    """
    if isinstance(wanted, ConvLayer) and wanted.label:
        return wanted.label
    return wanted.title if isinstance(wanted, Layer) else wanted


def as_layer(given: Any) -> ConvLayer:
    """Return a convolution: filtviz's own, or a live layer or an array that is wrapped as one.

    Args:
        given: A `ConvLayer`, a live layer of Lasagne's, PyTorch's or Keras's, an array ``(filters, channels,
            rows, cols)``, or a model with one convolution.

    Raises:
        DrawingError: its weights are no filters.
        SelectionError: it is a model with several.
        ArgumentError: it is none of these.
    """
    if isinstance(given, ConvLayer):
        return given
    if isinstance(given, Layer):
        raise DrawingError(f"{given.title} is no convolution: it has no filters to look at")
    weights = _weights_of(given)
    if weights is None:
        return _only_layer(given)
    filters = _checked(*weights)
    if not _has_get_value(given):
        return ConvLayer.of(filters, type="array", label="array")
    from filtviz.reading.formats.lasagne.convolutions import in_memory

    order, flips = in_memory(given)
    name, kind = getattr(given, "name", None), type(given).__name__
    named_so = name if isinstance(name, str) else None
    return ConvLayer.of(
        filters.transpose(order), flip_filters=flips, type=kind, name=named_so, label=named_so or kind
    )


def filters_of(given: Any) -> NDArray[Any]:
    """Return the weights of what `as_layer` takes as ``(filters, channels, rows, cols)``.

    Args:
        given: A layer, or an array.

    Raises:
        DrawingError: they are no pictures of filters.
    """
    layer = as_layer(given)
    if reason := layer.why_not_drawn:
        raise DrawingError(f"{layer.title} is not drawn: {reason}")
    return layer.filters


def as_images(given: Any) -> NDArray[Any] | None:
    """Return images as an array of real numbers.

    Args:
        given: ``(images, channels, rows, cols)``, or what numpy makes that of; None for none.

    Raises:
        ArgumentError: these are no images.
    """
    if given is None:
        return None
    try:
        images = np.asarray(given)
    except (TypeError, ValueError):
        images = np.asarray(None)
    if images.dtype.kind not in "fiub" or images.ndim < 2 or images.size == 0:
        raise ArgumentError(
            f"images must be an array (images, channels, rows, cols) of numbers, not {described(given)}"
        )
    return images


def checked_images(given: Any) -> NDArray[Any]:
    """Return images as an array, where they must be given.

    Args:
        given: ``(images, …)``, or what numpy makes that of.

    Raises:
        ArgumentError: these are no images.
    """
    images = as_images(given)
    if images is None:
        raise ArgumentError("there are no images: give an array (images, channels, rows, cols) of numbers")
    return images


def expect(value: Any, kind: type[Kind], name: str) -> Kind | None:
    """Return an option that is of the kind that it must be, or None.

    Args:
        value: What was given.
        kind: A class of filtviz's own.
        name: The parameter.

    Raises:
        ArgumentError: it is of another.
    """
    if value is None or isinstance(value, kind):
        return value
    raise ArgumentError(f"{name} must be a filtviz.{kind.__name__}, not {described(value)}")


def check_choice(given: Any, choices: Collection[str], name: str) -> None:
    """Refuse an option that is none of some words; None is no choice, and passes.

    Args:
        given: What was given.
        choices: The words.
        name: The parameter.

    Raises:
        ArgumentError: it is none of them.
    """
    if given is not None and not (isinstance(given, str) and given in choices):
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}, not {described(given)}")


def file_of(model: Any, instead: str) -> Path:
    """Return the path of a model, for what other processes read for themselves.

    Args:
        model: A path, or a network that was loaded.
        instead: What to do with a model that is in no file, which ends the sentence.

    Raises:
        ArgumentError: it is in no file.
    """
    path = model.origin.path if isinstance(model, Network) else model
    if not isinstance(path, str | PathLike):
        raise ArgumentError(f"{described(model)} is in no file: {instead}")
    return Path(check_path(path, "a model"))


def path_of(model: Model | LiveModel) -> Path | None:
    """Return the path of a model, None of one that is in no file.

    Args:
        model: A path, a network, or a model in memory.

    Raises:
        ArgumentError: it is an empty path.
    """
    if isinstance(model, Network):
        return model.origin.path
    return Path(check_path(model, "a model")) if isinstance(model, str | PathLike) else None


def account_of(budget: Budget | None, *networks: Network) -> Account:
    """Open an account of what may be done with networks.

    Args:
        budget: How much work it may be; None for the default.
        networks: Those that are worked on.

    Raises:
        ArgumentError: it is no budget.
    """
    return (expect(budget, Budget, "budget") or Budget()).account(*networks)


def check_path(given: Any, what: str) -> str:
    """Return a path as text.

    Args:
        given: A path.
        what: What lies there, or is to lie there.

    Raises:
        ArgumentError: it is none.
    """
    path = os.fspath(given) if isinstance(given, PathLike) else given
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        found = "an empty text" if isinstance(path, str) and not path.strip() else described(given)
        raise ArgumentError(f"{found} is no path of {what}: give a text or a pathlib.Path")
    return path


def as_number(value: Any) -> int | None:
    """Return a whole number as Python's own, numpy's as well; None for anything else.

    Args:
        value: Anything.
    """
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _plain(choice: Any) -> Any:
    number = as_number(choice)
    return choice if number is None else number


def _is_layer(given: Any) -> bool:
    """Tell a layer or an array from a model; a layer of PyTorch's or Keras's is a model of one layer."""
    return isinstance(given, Layer) or _is_array(given) or _has_get_value(given)


def _is_array(given: Any) -> bool:
    return hasattr(given, "shape") and hasattr(given, "dtype")


def _has_get_value(given: Any) -> bool:
    return hasattr(getattr(given, "W", None), "get_value")


def _weights_of(given: Any) -> tuple[NDArray[Any], str] | None:
    """Return the weights of a live layer or an array, and what to call them; None for anything else."""
    if _has_get_value(given):
        return np.asarray(given.W.get_value()), f"the W of {printable(type(given).__name__, 40)}"
    if isinstance(given, np.ndarray):
        return given, "the array"
    if isinstance(given, Parameter):
        return given.value, f"the parameter {printable(given.name, 40)}"
    if not _is_array(given):
        return None
    from filtviz.live import array_of

    return array_of(given), "the array"


def _checked(weights: NDArray[Any], what: str) -> NDArray[Any]:
    if weights.ndim != 4:
        raise DrawingError(
            f"{what} has {plural(weights.ndim, 'axis')}, not 4 (filters, channels, rows, cols), so that it "
            "is no picture"
        )
    if weights.size == 0 or weights.dtype.kind not in "fiub":
        raise DrawingError(f"{what} holds no real numbers to draw: {weights.dtype} {weights.shape}")
    return weights


def _only_layer(model: Any) -> ConvLayer:
    """Return the convolution of a model that has but one."""
    if not is_model(model):
        raise DrawingError(
            f"{described(model)} has no weights to draw: give a filtviz layer, a Lasagne layer with "
            "W.get_value(), or a 4-D array"
        )
    network = load(model)
    if len(network.conv_layers) == 1:
        return network.conv_layers[0]
    if not network.conv_layers:
        raise DrawingError(f"the network {network.why_nothing_to_draw}")
    first = network.conv_layers[0]
    raise SelectionError(
        f"the network has {len(network.conv_layers):,} convolutions: give one of them, such as "
        f"network[{described(first.label)}] of network = filtviz.load(…)",
        available=[each.label for each in network.conv_layers],
    )


def _alone(layer: ConvLayer) -> Network:
    """Return a network of one layer, which keeps its name."""
    own = replace(layer, inputs=(), name=layer.label or layer.name)
    return Network.of([own], Origin(kind="a layer"))
