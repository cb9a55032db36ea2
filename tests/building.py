"""Layers and networks made of arrays, for the tests of everything that reads a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Input, Operation, Pads, Pooling, PoolingKind

__all__ = ["as_layer", "chain", "conv", "image", "kernels", "margin", "pool", "put", "with_curves"]


def put(path: Path, content: bytes | str) -> None:
    """Write a file, a new one where one of that name is there: writing into that takes milliseconds."""
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def image(channels: int | None, rows: int | None = 31, cols: int | None = 31, **fields: Any) -> Layer:
    """An input layer."""
    shape = (None, channels, rows, cols)
    return Layer(type="InputLayer", output_shape=shape, operations=(Input(shape=shape),), **fields)


def margin(rows: int, cols: int | None = None) -> Pads:
    """The same padding before and after, as Lasagne writes it with a number for each axis."""
    return (rows, rows), (rows if cols is None else cols,) * 2


def activation(kind: ActivationKind | None) -> tuple[Operation, ...]:
    """What follows a layer's weights: None for what the file does not tell."""
    if kind == "linear":
        return ()
    return (Activation(kind=kind or "untold", name=kind or ""),)


def conv(
    weights: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    below: int | Sequence[int] = (),
    stride: tuple[int, ...] | None = (1, 1),
    pad: Pads | None = ((0, 0), (0, 0)),
    dilation: tuple[int, ...] = (),
    flip_filters: bool | None = None,
    nonlinearity: ActivationKind | None = "rectify",
    axes: str = "oirc",
    **fields: Any,
) -> ConvLayer:
    """A convolution whose geometry is known; `stride` None for one of which the file tells nothing."""
    return ConvLayer.of(
        weights,
        bias,
        axes=axes,
        flip_filters=flip_filters,
        stride=stride,
        pad=pad if stride else None,
        dilation=dilation,
        followed_by=activation(nonlinearity),
        **{"type": "Conv2DLayer", "inputs": (below,) if isinstance(below, int) else tuple(below)} | fields,
    )


def pool(
    size: int = 2,
    stride: int | None = None,
    *,
    below: int | Sequence[int] = (),
    pad: int = 0,
    kind: PoolingKind = "max",
    whole_windows: bool = True,
    counts_pad: bool = False,
    dilation: tuple[int, ...] = (),
    **fields: Any,
) -> Layer:
    """A pooling over squares."""
    pooling = Pooling(
        kind=kind,
        size=(size, size),
        stride=(stride or size,) * 2,
        pad=margin(pad),
        whole_windows=whole_windows,
        counts_pad=counts_pad,
        dilation=dilation,
    )
    return as_layer(pooling, below=below, **{"type": "MaxPool2DLayer"} | fields)


def as_layer(*operations: Operation, below: int | Sequence[int] = (), **fields: Any) -> Layer:
    """A layer that does these operations."""
    inputs = (below,) if isinstance(below, int) else tuple(below)
    return Layer(operations=operations, inputs=inputs, **fields)


def chain(*layers: Layer, channels: int | None = None) -> Network:
    """A network whose layers follow one another, after an input of so many channels."""
    first = layers[0]
    if channels is None:
        assert isinstance(first, ConvLayer)
        channels = first.n_channels
    return Network.of([image(channels), *(replace(layer, inputs=(i,)) for i, layer in enumerate(layers))])


def kernels(*shape: int) -> np.ndarray:
    """Weights of a shape, the same each time."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


def with_curves() -> Network:
    """A network in a file, of two convolutions over images and one over one axis."""
    layers = [
        image(3, 8, 8),
        conv(kernels(4, 3, 3, 3), np.zeros(4, "f4"), name="first", below=0),
        conv(kernels(5, 4, 3), axes="oir", name="curves", below=1),
        conv(kernels(5, 4, 3, 3), np.zeros(5, "f4"), name="third", below=1),
    ]
    return Network.of(layers, Origin(path=Path("net.npz"), kind="a network"))
