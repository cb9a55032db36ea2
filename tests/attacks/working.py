"""Small files that are read at once, and hold networks that take days to measure, to compose and to draw.

The arrays compress well, and layers share them. `TO_WORK` are under 1 MB and as large as the limits of
reading allow by default: ``benchmarks/attacks.py`` shows what each command makes of them.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tests.attacks.assembling import (
    NONE,
    POP,
    convolution,
    get,
    image,
    layer,
    named,
    pickled,
    put,
    shape,
    text,
    weights,
    whole,
)  # fmt: skip
from tests.attacks.graphs import linked

__all__ = ["TO_WORK", "pattern"]


def pattern(*lengths: int, dtype: str = "<f4") -> np.ndarray:
    """An array that looks like anything to a measure, and compresses to nothing."""
    period = np.random.default_rng(0).standard_normal(251) * 100
    return np.resize(period.astype(dtype), math.prod(lengths)).reshape(lengths)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 6)


def alone(*lengths: int, dtype: str = "<f4") -> bytes:
    """A network of one convolution upon an image."""
    filters, channels = lengths[:2]
    state = {"num_filters": whole(filters), "filter_size": shape(*lengths[2:])}
    return packed(
        pickled(convolution(image(channels, 64, 64), W=weights(pattern(*lengths, dtype=dtype)), **state))
    )


def stack(n: int, lengths: Sequence[int], **state: bytes) -> bytes:
    """Convolutions one upon the other that share their weights; ``lengths`` of the array are square."""
    filters, channels, *size = lengths
    facts = {
        "num_filters": whole(filters),
        "filter_size": shape(*size),
        "stride": shape(1, 1),
        "pad": text("same"),
        **state,
    }
    link = b"".join(text(key) + value for key, value in facts.items())
    link += text("input_layer") + get(0) + text("W") + get(9)
    first = weights(pattern(*lengths)) + put(9) + POP + image(channels, 64, 64) + put(0) + POP
    return packed(pickled(first, linked(n, "Conv2DLayer", link), get(0)))


def between(cls: str, **state: bytes) -> bytes:
    """A layer of a class between two convolutions that share their weights."""
    kernels = weights(pattern(4, 4, 3, 3)) + put(9) + POP
    below = convolution(image(4, 64, 64), W=get(9), num_filters=whole(4))
    return packed(pickled(kernels, convolution(layer(cls, below, **state), W=get(9), num_filters=whole(4))))


def classified(side: int, filters: int) -> bytes:
    """A network of five classes that wants images of so many rows and columns."""
    kernels, matrix = weights(pattern(filters, 1, 3, 3)), weights(pattern(filters, 5))
    rectify, softmax = (named("lasagne.nonlinearities", name) for name in ("rectify", "softmax"))
    one = convolution(
        image(1, side, side),
        W=kernels,
        num_filters=whole(filters),
        filter_size=shape(3, 3),
        stride=shape(1, 1),
        pad=shape(0, 0),
        flip_filters=b"\x88",
        nonlinearity=rectify,
    )
    mean = layer("GlobalPoolLayer", one, pool_function=named("theano.tensor.basic", "mean"))
    return packed(
        pickled(
            layer(
                "DenseLayer",
                mean,
                W=matrix,
                num_units=whole(5),
                num_leading_axes=whole(1),
                nonlinearity=softmax,
            )
        )
    )


TO_WORK: Mapping[str, Callable[[], bytes]] = {
    "25 convolutions that share their weights": lambda: stack(25, (256, 256, 3, 3)),
    "500 convolutions that share their weights": lambda: stack(500, (64, 64, 3, 3)),
    "9,990 convolutions of one filter": lambda: stack(9_990, (1, 1, 3, 3)),
    "a kernel of a long row": lambda: alone(1, 1, 1, 200_000),
    "a kernel of 4,000 by 4,000": lambda: alone(1, 1, 4_000, 4_000),
    "a kernel of 7,500 by 7,500 bytes": lambda: alone(1, 1, 7_500, 7_500, dtype="i1"),
    "a kernel of twenty thousand rows": lambda: alone(200, 1, 20_000, 1),
    "filters of one weight by the million": lambda: alone(15_000_000, 1, 1, 1),
    "channels of one weight by the million": lambda: alone(1, 15_000_000, 1, 1),
    "filters of one byte by the million": lambda: alone(60_000_000, 1, 1, 1, dtype="i1"),
    "filters of nine weights by the million": lambda: alone(1_500_000, 1, 3, 3),
    "filters of two channels by the million": lambda: alone(700_000, 2, 3, 3),
    "a square of filters and channels": lambda: alone(1_300, 1_300, 3, 3),
    "a square of filters and channels of one weight": lambda: alone(3_900, 3_900, 1, 1),
    "a hundred thousand filters": lambda: alone(100_000, 1, 5, 5),
    "a thousand filters": lambda: alone(1_000, 3, 7, 7),
    "a stack whose fields grow": lambda: stack(300, (4, 4, 7, 7)),
    "a stack of wide kernels": lambda: stack(6, (2, 2, 101, 101)),
    "a stack of many channels": lambda: stack(3, (2_000, 2_000, 1, 1)),
    "a stack of strides": lambda: stack(8, (8, 8, 3, 3), stride=shape(4, 4)),
    "a stack of dilations": lambda: stack(4, (2, 2, 3, 3), dilation=shape(1_000, 1_000)),
    "a stack of 9,900 filters": lambda: stack(9_900, (2, 2, 3, 3)),
    "a pooling over a billion": lambda: between("MaxPool2DLayer", pool_size=shape(10**9, 10**9)),
    "a pooling over sixty": lambda: between("MaxPool2DLayer", pool_size=shape(60, 60), stride=shape(1, 1)),
    "an upscaling by thousands": lambda: between("Upscale2DLayer", scale_factor=shape(2_000, 2_000)),
    "a margin of thousands": lambda: between(
        "PadLayer", width=whole(5_000), batch_ndim=whole(2), val=whole(0)
    ),
    "a convolution of sixteen channels": lambda: alone(16, 16, 3, 3),
    "classes of images of 100 by 100": lambda: classified(100, 4),
    "classes of images of 64 by 64": lambda: classified(64, 32),
    "classes of images of 1,000 by 1,000": lambda: classified(1_000, 1),
    "a huge image": lambda: packed(
        pickled(
            weights(pattern(4, 4, 3, 3)) + put(9) + POP,
            convolution(
                convolution(image(4, 20_000, 20_000), W=get(9), num_filters=whole(4)),
                W=get(9),
                num_filters=whole(4),
                nonlinearity=NONE,
            ),
        )
    ),
}
"""Attacks on what is done with a network: name → what makes the file."""
