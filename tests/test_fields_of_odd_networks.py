"""Receptive fields where a file tells less of a layer, or other things, than it should."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.network import Network
from filtviz.operations import (
    LONGEST,
    Crop,
    Dense,
    Flatten,
    GlobalPooling,
    Input,
    Merge,
    Operation,
    Pad,
    Pads,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Untold,
)
from filtviz.receptive_field import receptive_fields
from tests.building import as_layer, conv, image
from tests.interpreters.tables import field_text, shaped_network

ONES = np.ones((1, 1, 3, 3))
ROW = {"output_shape": (None, 29)}
THREE = "3x3 by 1 1 from 0 0 of 31x31: 10% 10%"
FIVE = "5x5 by 1 1 from 0 0 of 31x31: 16% 16%"
ALL = "31x31 by 0 0 from 0 0 of 31x31: 100% 100%"


def behind(*operations: Operation, **facts: object) -> Network:
    """A convolution and what follows it; shapes are told where ``facts`` do."""
    below = [image(1), conv(ONES, below=0, **facts)]
    return Network.of([*below, *(as_layer(one, below=i + 1) for i, one in enumerate(operations))])


def shaped(channels: int | None, *operations: Operation) -> Network:
    return shaped_network(image(channels), *(as_layer(one, below=i) for i, one in enumerate(operations)))


def two(operation: Operation, **facts: object) -> Network:
    """What follows a convolution of which the shape is told, and one of which that is told in `facts`."""
    known = conv(ONES, below=0, output_shape=(None, 1, 29, 29))
    other = conv(np.ones((1, 1, 5, 5)), below=0, **facts)
    return Network.of([image(1), known, other, as_layer(operation, below=(1, 2))])


def before(n: int) -> Network:
    return shaped(1, Pad(pad=((n, 0), (0, 0))))


def cut(pad: Pads, crop: Pads) -> Network:
    """What all units see together of which some, or all, look at the padding."""
    return shaped(1, Pad(pad=pad), Crop(crop=crop), LAST)


RESHAPED = Reshape(lengths=((0,), 1, 31, 31))
LAST = Dense(units=2)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        (shaped(1, Flatten(), RESHAPED, Flatten(), LAST), ALL),
        (shaped(1, Flatten(), RESHAPED, LAST), ALL),
        (Network.of([as_layer(Flatten())]), "-"),
        (shaped(None, Reshape(lengths=((0,), -1)), LAST), ALL),
        (shaped(None, Reshape(lengths=((0,), 961)), LAST), "-"),
        (shaped(1, Reshape(lengths=((0,), *(1,) * 32)), LAST), "-"),
        (before(LONGEST - 1), f"1x1 by 1 1 from {1 - LONGEST} 0 of 31x31: 3% 3%"),
        (before(LONGEST), "-"),
        (cut(((5, 0), (0, 0)), ((0, 31), (0, 0))), "0x31 by 0 0 from 0 0 of 31x31: 0% 100%"),
        (cut(((9, 0), (0, 7)), ((0, 36), (35, 0))), "0x0 by 0 0 from 0 31 of 31x31: 0% 0%"),
        (cut(((9, 0), (0, 7)), ((0, 30), (30, 0))), "1x1 by 0 0 from 0 30 of 31x31: 3% 3%"),
        (behind(Slice(axis=1, stop=1)), THREE),
        (behind(Slice(axis=-3, stop=1)), "-"),
        (behind(Reduction(kind="sum", axes=(1,), keeps=True)), THREE),
        (behind(Reduction(kind="sum", axes=(-3,), keeps=True)), "-"),
        (shaped_network(as_layer(Input(shape=(None, 5)))), "-"),
        (shaped_network(as_layer(Input(shape=(None, 1, 5)))), "1 by 1 from 0 of 5: 20%"),
        (behind(pad=None), THREE),
        (behind(Crop(crop=((1, 0), (0, 0)))), "3x3 by 1 1 from 1 0 of 31x31: 10% 10%"),
        (behind(Untold(reason=""), Crop(crop=((1, 0), (0, 0)))), "-"),
        (behind(Resize(size=(58, 58))), "-"),
        (behind(Resize(size=(58, 58)), **ROW), "-"),
        (
            shaped(1, Resize(scale=(2.0, 2.0), coordinates="align_corners")),
            "2x2 by 30/61 30/61 from -31/122 -31/122 of 31x31: 6% 6%",
        ),
        (
            shaped_network(
                image(1, None),
                as_layer(Resize(scale=(2.0, 2.0), coordinates="align_corners"), below=0),
            ),
            "-",
        ),
        (two(GlobalPooling(kind="mean")), ALL),
        (two(GlobalPooling(kind="mean"), **ROW), ALL),
        (two(GlobalPooling(kind="mean"), output_shape=(None, 1, 9, 9)), ALL),
        (two(Merge(kind="add")), FIVE),
        (Network.of([*two(LAST).layers[:3], as_layer(below=(1, 2))]), FIVE),
        (Network.of([as_layer()]), "-"),
    ],
)
def test_a_field_is_told_as_far_as_it_is_known(network: Network, wanted: str) -> None:
    assert field_text(receptive_fields(network)[-1]) == wanted
