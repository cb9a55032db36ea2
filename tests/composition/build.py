"""Small networks made by hand for the tests of composition."""

from __future__ import annotations

from typing import Any

import numpy as np

from filtviz.network import ConvLayer, Layer, Network, Parameter, Window


def entrance(channels: int, rows: int | None, cols: int | None) -> Layer:
    return Layer(type="InputLayer", output_shape=(None, channels, rows, cols))


def conv(
    below: int | tuple[int, ...],
    weights: np.ndarray,
    *,
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    flip: bool | None = True,
    bias: np.ndarray | None = None,
    nonlinearity: str | None = "linear",
    name: str | None = None,
) -> ConvLayer:
    parameters = [Parameter.of("W", weights)]
    if bias is not None:
        parameters.append(Parameter.of("b", bias))
    return ConvLayer(
        type="Conv2DLayer",
        name=name,
        inputs=(below,) if isinstance(below, int) else below,
        parameters=tuple(parameters),
        window=Window(
            size=weights.shape[2:],
            stride=stride,
            pad=((pad[0], pad[0]), (pad[1], pad[1])),
            dilation=dilation,
        ),
        flip_filters=flip,
        nonlinearity=nonlinearity,
    )


def pool(below: int, size: int, stride: int | None = None, pad: int = 0, **options: Any) -> Layer:
    window = Window(size=(size, size), stride=(stride or size,) * 2, pad=((pad, pad), (pad, pad)))
    return Layer(type="Pool2DLayer", name="pool", inputs=(below,), window=window, options=options)


def plain(type_: str, *below: int, **fields: Any) -> Layer:
    return Layer(type=type_, inputs=below, **fields)


def network(*layers: Layer) -> Network:
    return Network.of(layers)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)
