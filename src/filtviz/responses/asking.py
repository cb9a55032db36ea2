"""What the functions that show a network images begin with: the network, its layers, what it may take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.errors import ArgumentError, RunningError
from filtviz.given import LayerChoice, Model, choose, chosen_layers, load
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Identity, Normalisation, Softmax
from filtviz.running.inference import as_units
from filtviz.text import described

__all__ = [
    "Model",
    "answering",
    "choose_layer",
    "network_of",
    "one_image",
    "probability_layer",
]


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
        if len(readers) != 1 or len(readers[0].inputs) != 1:
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
    array = np.asarray(image)
    if array.ndim == 2:
        array = array[None]  # a picture of one channel
        from filtviz.running.inference import input_of

        entrance = input_of(network)
        if entrance is not None and entrance.channels_last:
            array = array[0][..., None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or len(array) != 1:
        raise RunningError(f"one image is needed, these have the shape {np.shape(image)}")
    return as_units(network, array)
