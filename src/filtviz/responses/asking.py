"""What the functions that show a network images begin with: the network, its layers, and what else is given.

What a person gives is checked by the names of parameters.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.errors import ArgumentError, RunningError
from filtviz.given import LayerChoice, Model, as_number, checked_images, choose, chosen_layers, expect, load
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Identity, Normalisation, Softmax
from filtviz.running.inference import as_units
from filtviz.running.preparing import Pictures, Preparation, is_paths, paths_of, read_pictures
from filtviz.text import described

if TYPE_CHECKING:
    from filtviz.demonstrations.request import Demonstration
    from filtviz.results import WrittenFile

__all__ = [
    "LARGEST",
    "Answer",
    "Model",
    "answering",
    "as_given",
    "checked",
    "choose_layer",
    "images",
    "maybe",
    "names",
    "network_of",
    "one_image",
    "pictures_of",
    "probability_layer",
    "real",
    "whole",
    "with_all_axes",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What a network answered, with what says, draws and tabulates it.

    Attributes:
        files: The pictures, or the numbers, that were written.
        tell: Makes the `demonstration`; None of an answer to arrays alone.
    """

    files: tuple[WrittenFile, ...] = ()
    tell: Callable[[], Demonstration] | None = field(default=None, repr=False)

    @property
    def demonstration(self) -> Demonstration:
        """The answer in words, as a picture and as tables, which are made when somebody asks for them."""
        if self.tell is None:
            raise ArgumentError(
                "this is an answer to arrays alone: ask by filtviz's own function of that name"
            )
        return self.tell()


def network_of(model: Model) -> Network:
    """Return a network, read where a path is given."""
    return load(model)


def choose_layer(network: Network, wanted: LayerChoice) -> Layer:
    """Return a layer: a convolution by number, as ``--layer`` counts them, or any layer by its name.

    Raises:
        SelectionError: there is none such.
        ArgumentError: it is nothing that could be a choice.
    """
    known = isinstance(wanted, str | Layer) or not hasattr(wanted, "__iter__")
    chosen = chosen_layers(wanted) if known else ()
    if len(chosen) != 1:
        raise ArgumentError(f"{described(wanted)} is no layer: give one, by number or name, such as 'conv3'")
    (one,) = chosen
    if isinstance(one, ConvLayer):
        return choose(network, one)
    if isinstance(one, Layer):
        return one if any(one is each for each in network.layers) else network.layer(one.title)
    if isinstance(one, int) or one.lstrip("-").isdecimal():
        return network.select(one)
    return network.layer(one)


def answering(network: Network, layer: Layer) -> Layer:
    """Return the layer in which a layer's nonlinearity is, where the file has it as a layer of its own."""
    current = layer
    while not any(isinstance(each, Activation | Softmax) for each in current.operations):
        readers = network.readers(current)
        if len(readers) != 1:
            return layer
        current = readers[0]
        if not current.operations or not all(
            isinstance(each, Activation | Normalisation | Identity) for each in current.operations
        ):
            return layer
    return current


def probability_layer(network: Network) -> Layer:
    """Return the last layer, whose units are what the network answers."""
    if not network.layers:
        raise RunningError("the network has no layers: there is nothing to run")
    return network.layers[-1]


def one_image(network: Network, image: NDArray[Any]) -> NDArray[Any]:
    """Return an image as ``(1, channels, rows, cols)``.

    Args:
        network: The network.
        image: With or without the axis of images; without that of channels where there is one.

    Raises:
        RunningError: it is none that the network takes.
    """
    array = with_all_axes(network, image)
    if len(array) != 1:
        raise RunningError(f"one image is needed, these have the shape {np.shape(image)}")
    return as_units(network, array)


def with_all_axes(network: Network, images: NDArray[Any]) -> NDArray[Any]:
    """Return images in the network's own four axes, of which one image may lack that of images.

    Args:
        network: The network.
        images: With or without the axis of images; one without that of channels where there is one.

    Raises:
        RunningError: they are no images of rows and columns.
    """
    array = np.asarray(images)
    if array.ndim == 2:
        from filtviz.running.inference import input_of

        entrance = input_of(network)  # a picture of one channel
        array = array[..., None] if entrance is not None and entrance.channels_last else array[None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4:
        raise RunningError(f"one image is needed, these have the shape {np.shape(images)}")
    return array


def pictures_of(network: Network, images: Any, preparation: Preparation | None = None) -> Pictures:
    """Return images that a person gives, as the network takes them.

    Args:
        network: What is to be shown them.
        images: An array in the network's own axes, or the paths of pictures, folders, ``.npy`` and ``.npz``
            files.
        preparation: How pictures and files are prepared; arrays are used as they are.

    Raises:
        ArgumentError: these are no images.
        RunningError: a file cannot be read, or they do not go together.
    """
    expect(preparation, Preparation, "preparation")
    if is_paths(images):
        return read_pictures(paths_of(images), network, preparation)
    array = checked_images(images)
    names = tuple(f"image {place}" for place in range(len(array)))
    seen = as_units(network, array)
    return Pictures(images=array, seen=np.asarray(seen, np.float64), names=names, labels=None, sentences=())


Function = TypeVar("Function", bound=Callable[..., Any])

LARGEST = 1 << 31
"""Of whole numbers; seeds and sizes are smaller."""


def whole(given: Any, name: str, least: int = 1) -> int:
    """Return a whole number as Python's own, numpy's as well."""
    number = as_number(given)
    if number is None or not least <= number < LARGEST:
        below = f"of {least} or more" if least > -LARGEST else "that is not so large"
        raise ArgumentError(f"{name} must be a whole number {below}, not {described(given)}")
    return number


def maybe(check: Callable[..., Any], given: Any, name: str) -> Any:
    """Return None as it is."""
    return None if given is None else check(given, name)


def real(given: Any, name: str, most: float = 1e30) -> float:
    """Return a number of ordinary size as Python's own."""
    try:
        number = float(given) if np.ndim(given) == 0 and not isinstance(given, str | bytes) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= most:
        raise ArgumentError(f"{name} must be a number of ordinary size, not {described(given)}")
    return number


def text(given: Any, name: str) -> str:
    """Return a text as it is."""
    if not isinstance(given, str) or not given:
        raise ArgumentError(f"{name} must be a text, not {described(given)}")
    return given


def pair(given: Any, name: str, check: Callable[..., Any]) -> tuple[Any, Any]:
    """Return two numbers, the lower first where they are bounds."""
    if not isinstance(given, list | tuple | np.ndarray) or np.asarray(given, object).shape != (2,):
        raise ArgumentError(f"{name} must be two numbers, not {described(given)}")
    return check(given[0], name), check(given[1], name)


def units(given: Any, name: str) -> tuple[int, ...]:
    """Return one whole number or several."""
    if isinstance(given, list | tuple | range) or (isinstance(given, np.ndarray) and given.ndim):
        return tuple(whole(each, name, 0) for each in given)
    return (whole(given, name, 0),)


def names(given: Any, name: str) -> tuple[str, ...]:
    """Return texts."""
    if not hasattr(given, "__iter__") or not np.asarray(given, object).ndim:
        raise ArgumentError(f"{name} must be several texts, not {described(given)}")
    return tuple(map(str, given))


def as_given(given: Any, name: str) -> Any:  # noqa: ARG001
    """Return what is checked where it is used."""
    return given


def images(given: Any, name: str) -> Any:  # noqa: ARG001
    """Return images as an array."""
    return checked_images(given)


_CHECKS: dict[str, Callable[..., Any]] = {
    "images": images,
    "batch": partial(maybe, whole),
    "top": whole,
    "square": whole,
    "stride": whole,
    "steps": whole,
    "jitter": partial(maybe, partial(whole, least=0)),
    "seed": partial(whole, least=0),
    "target": partial(maybe, partial(whole, least=-LARGEST)),
    "units": units,
    "labels": names,
    "fill": real,
    "rate": real,
    "decay": real,
    "blur": partial(maybe, partial(real, most=100.0)),
    "bounds": partial(pair, check=real),
    "size": partial(maybe, partial(pair, check=whole)),
    "engine": partial(maybe, text),
    "device": partial(maybe, text),
    "method": text,
    "of": text,
    "plane": text,
    "budget": lambda given, name: expect(given, Budget, name),
    "nolearn": lambda given, name: bool(whole(given, name, 0) if not isinstance(given, bool) else given),
    "signed": lambda given, name: bool(whole(given, name, 0) if not isinstance(given, bool) else given),
}
"""Parameter → what returns its value as it is used, and raises where it is none."""


def checked(**others: Callable[..., Any]) -> Callable[[Function], Function]:
    """Return what has a function's arguments checked, by their names, before it begins.

    Args:
        others: Checks of parameters whose name stands for something else elsewhere.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        checks = {name: (_CHECKS | others)[name] for name in signature.parameters if name in _CHECKS | others}

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            bound = signature.bind(*args, **given)
            for name, value in bound.arguments.items():
                if name in checks:
                    bound.arguments[name] = checks[name](value, name)
            return function(*bound.args, **bound.kwargs)

        return called  # type: ignore[return-value]

    return decorate
