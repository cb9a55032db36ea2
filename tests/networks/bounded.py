"""Between what ends units lie in whole networks, whatever rectifiers follow, and what that is charged.

``python -m tests.telling`` writes ``tests/told/networks/bounded.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from filtviz.activations import Activation
from filtviz.budget import Account
from filtviz.network import Layer, Network
from filtviz.operations import (
    Concatenate,
    Crop,
    Identity,
    Input,
    Merge,
    Normalisation,
    Pad,
    Pooling,
    Resize,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.running.intervals import Interval, preactivation_bounds
from tests.accounts import Counted
from tests.building import as_layer, conv, image, pool
from tests.interpreters.tables import numbers
from tests.networks.composed import CHAINS
from tests.networks.walks import NETWORKS

__all__ = ["bounded", "networks"]

RNG = np.random.default_rng(41)


def _conv(filters: int, channels: int, below: int = 0, **how: object) -> Layer:
    return conv(np.round(RNG.uniform(-1, 1, (filters, channels, 2, 2)), 2), below=below, **how)  # type: ignore[arg-type]


def _behind(*operations: object, own: bool = True) -> Network:
    """A convolution, something between, and a rectifier, each a layer of its own or all in one."""
    first = _conv(3, 2, nonlinearity="linear")
    rectify = Activation(kind="rectify")
    if own:
        layers = [as_layer(one, below=place + 1) for place, one in enumerate((*operations, rectify))]  # type: ignore[arg-type]
    else:
        first, layers = replace(first, operations=(*first.operations, *operations, rectify)), []  # type: ignore[arg-type]
    return Network.of([image(2, 6, 6), first, *layers])


@cache
def networks() -> Mapping[str, Network]:
    scale = Normalisation(
        gamma=Parameter.of("g", np.array([2.0, -1.0, 0.0])),
        beta=Parameter.of("b", np.array([-9.0, 0.5, 0.1])),
        is_batch=False,
    )
    between = {
        "nothing": (),
        "a linear function": (Activation(kind="linear"),),
        "dropout": (Identity(),),
        "a scale": (scale,),
        "a scale and dropout": (scale, Identity()),
        "a tanh": (Activation(kind="tanh"),),
        "a pool": (Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=((0, 0), (0, 0))),),
        "a mean with a frame": (Pooling(kind="mean", size=(2, 2), stride=(2, 2), pad=((0, 1), (0, 0))),),
        "a crop": (Crop(crop=((1, 1), (1, 1))),),
        "a frame": (Pad(pad=((1, 1), (0, 0)), value=5.0),),
        "a frame of channels": (Pad(pad=((1, 1), (0, 0), (0, 0)), first_axis=1),),
        "a resizing": (Resize(size=(9, 9)),),
        "a rectifier": (Activation(kind="rectify"),),
        "a leaky rectifier": (Activation(kind="leaky_rectify", alpha=0.1),),
        "what is untold": (Untold(reason="x", keeps_places=True),),
    }
    found = {
        f"{name}, {own}": _behind(*operations, own=own)
        for name, operations in between.items()
        for own in (True, False)
    }
    first, second = _conv(2, 2), _conv(2, 2, 1)
    found |= {
        "a frame and none": Network.of([image(2), _conv(2, 2, pad=((0, 1), (0, 0))), _conv(2, 2, 1)]),
        "a frame behind": Network.of([image(2), first, _conv(2, 2, 1, pad=((0, 0), (1, 0)))]),
        "a sum": Network.of(
            [image(2), first, _conv(2, 2), as_layer(Merge(kind="add"), below=(1, 2)), _conv(2, 2, 3)]
        ),
        "a sum, then a rectifier": Network.of(
            [
                image(2),
                _conv(2, 2, nonlinearity="linear"),
                as_layer(Merge(kind="add"), below=(1, 0)),
                as_layer(Activation(kind="rectify"), below=2),
            ]
        ),
        "a sum of other channels": Network.of(
            [
                image(2),
                first,
                as_layer(Merge(kind="add"), below=(0, 1)),
                _conv(3, 1, 1),
                as_layer(Merge(kind="add"), below=(1, 3)),
                _conv(2, 2, 4),
            ]
        ),
        "joined": Network.of([image(2), first, as_layer(Concatenate(), below=(0, 1)), _conv(2, 4, 2)]),
        "joined from the end": Network.of(
            [image(2), first, as_layer(Concatenate(axis=-3), below=(0, 1)), _conv(2, 4, 2)]
        ),
        "joined along rows": Network.of(
            [image(2), first, as_layer(Concatenate(axis=2), below=(0, 1)), _conv(2, 2, 2)]
        ),
        "a pool of numbers above 0": Network.of(
            [image(2), _conv(2, 2, nonlinearity="exp"), pool(2, below=1), _conv(2, 2, 2)]
        ),
        "a pool with a frame of numbers above 0": Network.of(
            [
                image(2),
                _conv(2, 2, nonlinearity="exp"),
                as_layer(Pooling(kind="max", size=(2, 2), stride=(2, 2), pad=((1, 1), (0, 0))), below=1),
                _conv(2, 2, 2),
            ]
        ),
        "a mean with a frame at one end, of numbers above 0": Network.of(
            [
                image(2),
                _conv(2, 2, nonlinearity="exp"),
                as_layer(Pooling(kind="mean", size=(2, 2), stride=(2, 2), pad=((0, 0), (1, 0))), below=1),
                _conv(2, 2, 2),
            ]
        ),
        "a frame at one end, of numbers above 0": Network.of(
            [image(2), _conv(2, 2, nonlinearity="exp"), _conv(2, 2, 1, pad=((0, 1), (0, 0)))]
        ),
        "no frame, of numbers above 0": Network.of(
            [image(2), _conv(2, 2, nonlinearity="exp"), _conv(2, 2, 1)]
        ),
        "two readers": Network.of(
            [
                image(2),
                _conv(2, 2, nonlinearity="linear"),
                as_layer(Activation(kind="rectify"), below=1),
                as_layer(Activation(kind="rectify"), below=1),
                _conv(2, 2, 3),
            ]
        ),
        "a bias for each place": Network.of(
            [image(2, 6, 6), conv(np.ones((2, 2, 2, 2)), np.arange(50.0).reshape(2, 5, 5) - 20, below=0)]
        ),
        "of open channels": Network.of([image(None), first, second]),
        "an input in the middle": Network.of(
            [Layer(operations=(Input(shape=(None, 2, 6, 6)), Activation(kind="tanh"))), first]
        ),
        "an input that is fed": Network.of(
            [image(2), as_layer(Input(shape=(None, 2, 6, 6)), below=0), _conv(2, 2, 1)]
        ),
        "an input that something untold feeds": Network.of(
            [as_layer(Untold(reason="x")), as_layer(Input(shape=(None, 2, 6, 6)), below=0), _conv(2, 2, 1)]
        ),
        "nothing above 0": Network.of(
            [
                image(1),
                conv(-np.ones((2, 1, 1, 1)), below=0),
                conv(np.ones((1, 2, 1, 1)), below=1),
                pool(2, below=2),
                conv(np.ones((1, 1, 1, 1)), below=3),
            ]
        ),
        "a function of two": Network.of(
            [
                image(2),
                _conv(2, 2, nonlinearity="linear"),
                as_layer(Activation(kind="rectify"), below=(1, 0)),
            ]
        ),
        "two for what takes one": Network.of(
            [
                image(2),
                _conv(2, 2, nonlinearity="linear"),
                as_layer(Identity(), below=(1, 0)),
                as_layer(Activation(kind="rectify"), below=2),
            ]
        ),
    }
    return found


def _told(found: Mapping[int, Interval]) -> str:
    return (
        "; ".join(f"{place}: {numbers(one.low)} to {numbers(one.high)}" for place, one in found.items())
        or "nothing"
    )


def bounded() -> Iterator[tuple[str, str]]:
    for name, network in {**networks(), **CHAINS, **NETWORKS}.items():
        for input_range in ((0.0, 1.0), (-1.0, 2.0), None):
            account = Counted()
            found = _told(preactivation_bounds(network, input_range, account))
            yield f"{name} of {input_range}", f"{found}; {account}"
        for paid in ((), (0,), (1,)):
            yield f"{name}, paid for {paid}", _told(preactivation_bounds(network, (0.0, 1.0), None, paid))
    for name in ("a sum", "nothing above 0"):
        network = networks()[name]
        for work in range(0, 40_000, 3_000):
            account = Account({"work": work, "pixels": 1})
            found = _told(preactivation_bounds(network, (0.0, 1.0), account))
            yield f"{name}, on {work}", f"{found}; {account.left['work']}; {account.left_out}"
