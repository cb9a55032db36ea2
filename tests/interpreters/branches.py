"""What layers see whose inputs are branches that differ, a line for each way in which they meet.

All stands in one network, in which no layer reads the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from filtviz.operations import (
    Activation,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    Operation,
    Reshape,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.receptive_field import ReceptiveField, receptive_fields
from filtviz.shapes import layer_window
from tests.interpreters.tables import layer_of, shaped, shaped_network, start

__all__ = ["branches"]


def _conv(size: int, stride: int = 1, pad: tuple[int, int] = (0, 0)) -> Convolution:
    kernel = Parameter.of("W", np.ones((2, 2, size, size), "f4"))
    return Convolution(weights=kernel, stride=(stride, stride), pad=(pad, pad))


BRANCHES: Mapping[str, tuple[Operation, ...]] = {
    "image": (),
    "left": (Crop(crop=((0, 5), (0, 6))),),
    "right": (Crop(crop=((5, 0), (6, 0))),),
    "wide": (_conv(5, pad=(2, 2)),),
    "steps": (_conv(3, 2, (1, 0)),),
    "flat": (Flatten(),),
    "flat left": (Crop(crop=((0, 5), (0, 6))), Flatten()),
    "whole": (GlobalPooling(kind="mean"),),
    "unknown": (Untold(reason="x"),),
    "other": (Input(shape=(None, 2, 8, 8)),),
}
"""What lies between the image and where two meet."""

MEETINGS: Mapping[str, tuple[Operation, ...]] = {
    "nothing": (),
    "added": (Merge(kind="add"),),
    "added, then a function": (Merge(kind="add"), Activation(kind="tanh")),
    "joined": (Concatenate(),),
    "convolved": (_conv(3),),
    "pooled whole": (GlobalPooling(kind="max"),),
    "weighed": (Dense(units=2),),
    "flattened": (Flatten(),),
    "reshaped": (Reshape(lengths=((0,), -1)),),
    "passed on": (Identity(), Untold(reason="x", keeps_places=True)),
}


def _field(field: ReceptiveField | None) -> str:
    if field is None:
        return "-"
    return f"{shaped(field.size)} by {field.jump[0]} at {field.start[0]},{field.start[1]}"


def branches() -> Iterator[tuple[str, str]]:
    """Yield what the layer sees where two branches meet, and a dense layer behind it, where one is known."""
    layers = [start(None, 2, 8, 8)]
    for operations in BRANCHES.values():
        below = () if any(isinstance(one, Input) for one in operations) else (0,)
        layers.append(layer_of(*operations, below=below))
    pairs = list(product(range(1, len(layers)), repeat=2))
    first = len(layers)
    for operations in MEETINGS.values():
        layers += [layer_of(*operations, below=pair) for pair in pairs]
    n = len(layers)
    layers += [layer_of(Dense(units=2), below=(place,)) for place in range(first, n)]
    network = shaped_network(*layers)
    fields = receptive_fields(network)
    names = list(BRANCHES)
    for place, name in enumerate(MEETINGS):
        met = first + place * len(pairs)
        told: dict[str, list[str]] = {}
        for i, pair in enumerate(pairs, start=met):
            window = layer_window(network.layers[i], network)
            looks = f" through {shaped(window.size)}" if window else ""
            behind = _field(fields[i + n - first])
            answer = f"{_field(fields[i])}{looks} > {behind}"
            told.setdefault(answer, []).append(" + ".join(names[one - 1] for one in pair))
        told.pop("- > -", None)
        for answer, those in told.items():
            yield f"{name}: {', '.join(those)}", answer
