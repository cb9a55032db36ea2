"""What is known of the shapes and receptive fields of chains of several operations, a line each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from filtviz.operations import Concatenate, Dense, Flatten, GlobalPooling, Merge, Operation
from filtviz.receptive_field import receptive_fields
from tests.interpreters.cases import CASES
from tests.interpreters.tables import field_text, layer_of, shaped, shaped_network, start

__all__ = ["chained"]

_KINDS = "Pooling max", "Convolution", "Resize", "Upscale False", "Crop", "Pad edge", "Slice"


@cache
def _placed() -> dict[str, Operation]:
    """What leaves places of an image."""
    named = {name: one for name, one in CASES.items() if name.startswith(_KINDS)}
    below = start(2, 4, 40, 41)
    return {
        name: one
        for name, one in named.items()
        if receptive_fields(shaped_network(below, layer_of(one, below=(0,))))[1] is not None
    }


_ENDS: dict[str, tuple[Operation, ...]] = {
    "flat": (Flatten(), Dense(units=2)),
    "dense": (Dense(units=2),),
    "each": (Dense(units=2, per_position=True),),
    "whole": (GlobalPooling(kind="mean"),),
}
_JOINS: dict[str, Operation] = {
    "joined": Concatenate(axis=1),
    "added": Merge(kind="add"),
    "cropped": Merge(kind="add", cropping=(None, None, "center", "lower")),
}
_IMAGES = ((None, 4, 23, 18), (2, 4, 40, 41), (None, 4, None, 18), (2, 4, 23, None), (None, None, 9, 7))


def chained() -> Iterator[tuple[str, str]]:
    """Yield chains of operations, each drawn with a seed, some of them joined with what lies below."""
    placed = _placed()
    resized = [each for each in placed if each.startswith(("Resize", "Upscale"))]
    for seed in range(220):
        draw = random.Random(seed)
        names = draw.choices(list(placed), k=draw.choice((2, 2, 3)))
        if seed % 3 == 0:
            names[0] = draw.choice(resized)
        layers = [start(*draw.choice(_IMAGES))]
        for name in names:
            layers.append(layer_of(placed[name], below=(len(layers) - 1,)))
        if draw.random() < 0.4:
            names.append(draw.choice(list(_JOINS)))
            below = draw.sample(range(len(layers)), k=2)
            layers.append(layer_of(_JOINS[names[-1]], below=below))
            names.append(f"{below}")
        if draw.random() < 0.5:
            end = draw.choice(list(_ENDS))
            names.append(end)
            for one in _ENDS[end]:
                layers.append(layer_of(one, below=(len(layers) - 1,)))
        network = shaped_network(*layers)
        told = zip(network.layers, receptive_fields(network), strict=True)
        given = shaped(network.layers[0].output_shape)
        yield (
            f"{given} {', '.join(names)}",
            "; ".join(f"{shaped(layer.output_shape)} {field_text(field)}" for layer, field in list(told)[2:]),
        )
