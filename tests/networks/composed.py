"""Filters composed down to the image through networks of all kinds, and how far they can be trusted.

``python -m tests.telling`` writes ``tests/told/networks/composed.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.budget import Account
from filtviz.composition import (
    ComposedFilters,
    Fidelity,
    _correlations,
    assume_stacked,
    compose,
    compose_layer,
    measure_fidelity,
)
from filtviz.composition.stacks import composed_size, following_layer, linear_stack
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Flatten,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    Merge,
    Normalisation,
    Softmax,
    Standardisation,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from tests.accounts import Counted
from tests.building import as_layer, conv, image, pool
from tests.interpreters.tables import numbers, told
from tests.networks.walks import said

__all__ = ["composed"]

RNG = np.random.default_rng(23)


def drawn(*shape: int) -> np.ndarray:
    return np.round(RNG.uniform(-1, 1, shape), 2)


def _conv(
    filters: int, channels: int, size: int = 3, below: int | tuple[int, ...] = 0, **how: Any
) -> ConvLayer:
    facts = {"flip_filters": False, "below": below} | how
    return conv(drawn(filters, channels, size, size), **facts)


def _norm(n: int, **facts: Any) -> Normalisation:
    scale = Parameter.of("gamma", drawn(n))
    return Normalisation(gamma=scale, is_batch=False, **facts)


def _chain(*layers: Layer, start: Layer | None = None) -> Network:
    first = image(1, 14, 13) if start is None else start
    return Network.of([first, *(replace(one, inputs=(place,)) for place, one in enumerate(layers))])


A, B, C = _conv(3, 1), _conv(2, 3), _conv(2, 2, 2)
UNTOLD = Convolution(weights=Parameter.of("W", drawn(2, 3, 3, 3)))
A2 = conv(np.round(np.random.default_rng(9).uniform(-1, 1, (2, 1, 3, 3)), 2), flip_filters=False)
OWN = Parameter.of("gamma", np.array([2.0, -3.0]))
CHAINS: dict[str, Network] = {
    "one": _chain(A),
    "two": _chain(A, B),
    "three": _chain(A, B, C),
    "linear": _chain(*(_conv(2, n, nonlinearity="linear") for n in (1, 2))),
    "not told whether turned": _chain(A, _conv(2, 3, flip_filters=None)),
    "none told whether turned": _chain(*(_conv(2, n, flip_filters=None) for n in (1, 2, 2, 2, 2, 2))),
    "turned": _chain(A, _conv(2, 3, flip_filters=True)),
    "in steps": _chain(_conv(3, 1, stride=(2, 1)), _conv(2, 3, pad=((1, 0), (0, 2)))),
    "dilated": _chain(_conv(3, 1, stride=(2, 1)), _conv(2, 3, 2, dilation=(2, 3))),
    "cropped": _chain(A, as_layer(Crop(crop=((0, 2), (1, 0)))), B),
    "cropped at its end": _chain(A, as_layer(B.convolution, Crop(crop=((2, 1), (0, 3))), name="c"), C),
    "cropped to the padding": _chain(
        _conv(3, 1, pad=((8, 8), (1, 1))), as_layer(Crop(crop=((0, 22), (0, 0)))), _conv(2, 3, 1, name="low")
    ),
    "named": _chain(_conv(2, 1, name="first"), _conv(2, 2, name="second")),
    "pooled": _chain(A, pool(2), B),
    "pooled by means": _chain(A, pool(2, 1, kind="mean"), B),
    "pooled twice": _chain(A, pool(2), B, pool(3, 2, kind="mean", pad=1), C),
    "pooled by one": _chain(A, pool(1), B),
    "normalised": _chain(A, as_layer(_norm(3)), B),
    "normalised for all": _chain(A, as_layer(_norm(1)), B),
    "normalised by position": _chain(A, as_layer(_norm(13, along=(3,))), B),
    "normalised below": _chain(as_layer(_norm(1)), A),
    "normalised of more": _chain(A, as_layer(_norm(4)), B),
    "normalised twice": _chain(as_layer(_norm(1)), A, as_layer(_norm(3), _norm(3)), B),
    "leaky and more": _chain(
        _conv(3, 1, nonlinearity="leaky_rectify"), as_layer(LocalResponse(alpha=1, k=1, beta=1, n=3)), B
    ),
    "softmax": _chain(A, as_layer(Softmax()), B),
    "untold function": _chain(_conv(3, 1, nonlinearity=None), B),
    "six functions": _chain(A, *(as_layer(Activation(kind="tanh"), name=f"t{n}") for n in range(5)), B),
    "four functions": _chain(A, *(as_layer(Activation(kind="tanh"), name=f"t{n}") for n in range(4)), B),
    "its own deviation": _chain(A, as_layer(Standardisation()), B),
    "flat": _chain(A, as_layer(Flatten()), B),
    "of other channels": _chain(A, C),
    "untold": _chain(A, as_layer(Untold(reason="unknown")), B),
    "untold in its place": _chain(A, as_layer(Untold(reason="unknown", keeps_places=True)), B),
    "untold of its input": _chain(
        A, as_layer(Untold(reason="unknown", of_input=True), parameters=(Parameter.of("W", drawn(2)),)), B
    ),
    "untold with arrays": _chain(
        A, as_layer(Untold(reason="unknown"), parameters=(Parameter.of("W", drawn(2)),)), B
    ),
    "untold geometry": _chain(A, ConvLayer(operations=(UNTOLD,), parameters=(UNTOLD.weights,))),
    "untold padding": _chain(
        A, ConvLayer(operations=(replace(UNTOLD, stride=(1, 1)),), parameters=(UNTOLD.weights,))
    ),
    "by position": _chain(A, as_layer(Dense(weights=Parameter.of("W", drawn(3, 2)), per_position=True)), C),
    "image of open channels": _chain(A, B, start=image(None, 14, 13)),
    "image of curves": _chain(A, start=Layer(operations=(Input(shape=(None, 1, 9)),))),
    "two colours": _chain(_conv(3, 2), B, start=image(2, 14, 13)),
    "grouped": _chain(_conv(4, 1), _conv(4, 2, 2), start=image(2, 14, 13)),
    "not finite": _chain(_conv(1, 1), conv(np.full((1, 1, 3, 3), np.inf))),
    "silent": _chain(_conv(2, 1, bias=np.array([-99.0, 0.0])), _conv(2, 2)),
    "silent altogether": _chain(_conv(2, 1, bias=np.array([-99.0, -99.0])), _conv(2, 2)),
    "local": _chain(
        A,
        ConvLayer(
            operations=(
                LocallyConnected(
                    weights=Parameter.of("W", drawn(2, 3, 2, 2, 11, 10)),
                    axes="oircyx",
                    stride=(1, 1),
                    pad=((0, 0),) * 2,
                ),
            )
        ),
    ),
    "curves": _chain(A, conv(drawn(2, 3, 3), axes="oic", stride=(1,), pad=((0, 0),))),
    "branches": Network.of(
        [
            image(1, 14, 13),
            A,
            _conv(3, 1),
            as_layer(Merge(kind="add", coefficients=(2.0, -1.0)), below=(1, 2)),
            _conv(2, 3, below=3),
        ]
    ),
    "branches whose units lie farther apart in one": Network.of(
        [
            image(1, 14, 13),
            _conv(3, 1, stride=(2, 1)),
            _conv(3, 1, stride=(1, 2)),
            _conv(3, 1, stride=(2, 2)),
            as_layer(Merge(kind="add"), below=(1, 3)),
            as_layer(Merge(kind="add"), below=(2, 3)),
            _conv(2, 3, below=4),
            _conv(2, 3, below=5),
        ]
    ),
    "joined": Network.of(
        [image(1, 14, 13), A, _conv(2, 1), as_layer(Concatenate(), below=(1, 2)), _conv(2, 5, below=3)]
    ),
    "joined to the image": Network.of(
        [
            image(1, 14, 13),
            _conv(2, 1, pad=((1, 1), (1, 1))),
            as_layer(Concatenate(), below=(0, 1)),
            _conv(2, 3, below=2),
        ]
    ),
    "read twice": Network.of([image(1, 14, 13), A, _conv(2, 3, below=1), _conv(2, 3, below=1)]),
    "no image": Network.of([replace(A, inputs=()), replace(B, inputs=(0,))]),
    "no image, normalised": Network.of([as_layer(_norm(1)), replace(A, inputs=(0,))]),
    "no image, by position": Network.of(
        [as_layer(Dense(weights=Parameter.of("W", drawn(2, 1)), per_position=True)), replace(A, inputs=(0,))]
    ),
    "no image, nothing told": Network.of(
        [
            as_layer(Dense(per_position=True)),
            as_layer(Identity(), below=0),
            replace(A, inputs=(1,), operations=(Identity(), A.convolution)),
        ]
    ),
    "units of one axis, normalised": Network.of(
        [as_layer(_norm(3), output_shape=(5,)), replace(B, inputs=(0,))]
    ),
    "scaled by itself, below": _chain(
        replace(
            _conv(2, 1),
            operations=(A2.convolution, Normalisation(gamma=OWN, is_batch=False), *A2.operations[1:]),
        ),
        _conv(2, 2),
    ),
    "scaled by itself": _chain(
        A, replace(B, operations=(B.convolution, Normalisation(gamma=OWN, is_batch=False), *B.operations[1:]))
    ),
    "two chains, layer by layer": Network.of(
        [
            image(1, 14, 13),
            _conv(3, 1, name="a1"),
            _conv(2, 1, name="b1", stride=(2, 1)),
            as_layer(Activation(kind="tanh"), below=1, name="a2"),
            as_layer(Activation(kind="sigmoid"), below=2, name="b2"),
            _conv(2, 3, 2, below=3, name="a3"),
            _conv(3, 2, 2, below=4, name="b3", flip_filters=None),
            as_layer(_norm(2), below=5, name="a4"),
            pool(2, below=6, name="b4"),
            _conv(1, 3, 2, below=8, name="b5"),
            _conv(1, 2, below=7, name="a5"),
        ]
    ),
    "in three steps": _chain(
        *(_conv(2, n, 2, stride=by) for n, by in ((1, (2, 1)), (2, (1, 3)), (2, (1, 1))))
    ),
    "padded in steps": _chain(_conv(3, 1, stride=(2, 3), pad=((1, 1), (1, 1))), B),
    "padded in steps, of small images": _chain(
        _conv(3, 1, stride=(2, 3), pad=((1, 1), (1, 1))), _conv(2, 3), start=image(1, 6, 6)
    ),
    "pooled first": _chain(pool(2), A, B),
    "pooled behind a function": _chain(A, as_layer(Activation(kind="tanh"), *pool(2).operations), B),
    "of uneven groups": _chain(_conv(4, 1), _conv(3, 2)),
    "by position, a square": _chain(
        _conv(2, 1), as_layer(Dense(weights=Parameter.of("W", drawn(2, 2)), per_position=True)), C
    ),
    "enlarged in a layer": _chain(replace(A, operations=(Upscale(scale=(2, 2)), *A.operations)), B),
    "untold above": _chain(A, B, as_layer(Untold(reason="unknown"))),
    "added to one channel": Network.of(
        [image(1, 14, 13), _conv(3, 1, 1), as_layer(Merge(kind="add"), below=(0, 1)), _conv(2, 3, below=2)]
    ),
    "two images": Network.of(
        [
            image(1, 14, 13),
            image(2, 14, 13),
            _conv(3, 1),
            _conv(3, 2, below=1),
            as_layer(Concatenate(), below=(2, 3)),
            _conv(2, 6, below=4),
        ]
    ),
    "flat behind a function": _chain(A, as_layer(Activation(kind="tanh"), Flatten()), B),
}


def _filters(found: ComposedFilters) -> str:
    return f"{told(found.templates)} by {found.jump} from {found.start}: {' | '.join(found.approximations)}"


def composed() -> Iterator[tuple[str, str]]:
    for name, network in CHAINS.items():
        for layer in network.conv_layers:
            account = Counted()
            found = said(lambda n=network, la=layer, a=account: _filters(compose(n, la, a)))
            yield f"{name}, {layer.title}", f"{found}; {account}"
        last = network.conv_layers[-1]
        stack = linear_stack(network, last)
        parts = [f"{told(one.templates)} by {one.spacing}" for one in stack.stages]
        size = composed_size(stack.stages) if stack.stages else stack.reason
        yield f"{name}, stacked below {last.title}", f"{' | '.join(parts)} {size} {stack.is_left_out}"
        after = [
            each and each.title for each in (following_layer(network, one) for one in network.conv_layers)
        ]
        yield f"{name}, followed by", str(after)
        stacked = assume_stacked(network)
        filled = [
            f"{one.inputs} {[type(each).__name__ for each in one.operations]}" for one in stacked.layers
        ]
        yield (
            f"{name}, taken as stacked",
            f"{'as it is' if stacked.layers == network.layers else ' | '.join(filled)}",
        )
    yield from _layers()
    yield from _trusted()
    yield from _limits()


def _layers() -> Iterator[tuple[str, str]]:
    random = np.random.default_rng(3)
    for name, network in CHAINS.items():
        layer = network.conv_layers[-1]
        channels = 2 if name in ("two colours", "grouped") else 1
        for how in ({}, {"stacked": True}, {"images": random.random((3, channels, 14, 13))}):
            account = Counted()

            def one(
                network: Network = network,
                layer: ConvLayer = layer,
                how: Any = how,
                account: Account = account,
            ) -> str:
                made = compose_layer(network, layer, account=account, **how)
                facts = (
                    made.layer.title,
                    made.layer.name,
                    made.layer.index,
                    made.layer.conv_index,
                    made.layer.flip_filters,
                    made.layer.type,
                )
                return f"{told(made.layer.W)} {facts}: {' | '.join(made.sentences)} {made.remarks}"

            yield f"{name}, as a layer with {', '.join(how)}", f"{said(one)}; {account}"


def _trusted() -> Iterator[tuple[str, str]]:
    for name in (
        "two",
        "in steps",
        "pooled",
        "silent",
        "silent altogether",
        "linear",
        "image of open channels",
    ):
        network = CHAINS[name]
        layer = network.conv_layers[-1]
        found = compose(network, layer)
        for n in (1, 4):
            for size in ((14, 13), found.templates.shape[2:], (2, 20), (40, 31)):
                shown = np.random.default_rng(5).random((n, 1, *size))
                yield (
                    f"{name}, shown {shown.shape}",
                    said(lambda f=found, n=network, la=layer, s=shown: _trust(measure_fidelity(n, la, f, s))),
                )
        for seed in (0, 1):
            account = Counted()
            trust = said(
                lambda f=found, n=network, la=layer, s=seed, a=account: _trust(
                    measure_fidelity(n, la, f, None, s, a)
                )
            )
            yield f"{name}, shown noise {seed}", f"{trust}; {account}"
    for shape in (
        None,
        (None, 1, 9),
        (None, 1, None, 13),
        (None, 1, 4, 40),
        (None, 1, 5, 5),
        (None, 1, 30, 30),
        (None, 1, 3, 3),
        (None, 1, 90, 90),
    ):
        network = CHAINS["two"]
        first = replace(network.layers[0], output_shape=shape)
        known = replace(network, layers=(first, *network.layers[1:]))
        layer = known.conv_layers[-1]
        trust = said(lambda n=known, la=layer: _trust(measure_fidelity(n, la, compose(n, la))))
        yield f"noise for images of {shape}", trust
    some = np.array([[1, 2, 4, 3], [1, 2, np.inf, 3], [5, 5, 5, 5], [np.nan, 1, 2, 0]]).T[:, :, None, None]
    for name, units in (("these", some), ("none that is not finite", np.nan_to_num(some, posinf=9.0))):
        first = np.broadcast_to(some[:, :1], units.shape)
        yield f"correlations with {name}", numbers(_correlations(first, units))
    for values in ([], [np.nan], [0.5], [0.5, np.nan], [0.1, 0.9, 0.3], [np.nan] * 3):
        found = Fidelity(correlations=np.array(values), stimuli="2 images", responses=7)
        yield f"trust of {values}", f"{found.median} {found.sentence}"


def _trust(found: Fidelity) -> str:
    return f"{numbers(np.round(found.correlations, 6))} of {found.responses}: {found.sentence}"


def _limits() -> Iterator[tuple[str, str]]:
    """One less than it takes is refused."""
    network = CHAINS["pooled"]
    layer = network.conv_layers[-1]
    for what, work in (
        ("composing", lambda account: _filters(compose(network, layer, account))),
        ("trusting", lambda account: str(compose_layer(network, layer, account=account).sentences)),
        (
            "stacking",
            lambda account: repr(linear_stack(CHAINS["two"], CHAINS["two"].conv_layers[-1], account)),
        ),
    ):
        full = Counted()
        work(full)
        needed = full.begun["work"] - full.left["work"]
        for less in (0, 1):
            account = Account({"work": needed - less, "pixels": 1})
            try:
                answer = work(account)[:120].partition("stages")[0]
            except FiltvizError as error:
                answer = str(error)
            yield (
                f"{what} with {less} less than it takes",
                f"{answer} {account.left['work']} {account.left_out}",
            )
