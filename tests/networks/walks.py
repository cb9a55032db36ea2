"""Networks of all kinds, run on images of all kinds: what is answered, in what batches, and what is charged.

``python -m tests.telling`` writes ``tests/told/networks/walks.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.errors import FiltvizError
from filtviz.network import Layer, Network, Origin
from filtviz.operations import (
    Concatenate,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    Normalisation,
    Reduction,
    Reshape,
    Softmax,
    Transpose,
    Untold,
)
from filtviz.parameter import Parameter
from filtviz.running.choosing import choose_engine
from filtviz.running.inference import (
    Runner,
    Walk,
    ancestors,
    as_units,
    forward,
    input_of,
    joined,
    run,
    widened,
)
from tests.accounts import Counted
from tests.building import as_layer, conv, image, pool
from tests.interpreters.tables import digits_of, told

__all__ = ["NETWORKS", "said", "walks"]

RNG = np.random.default_rng(11)


def drawn(*shape: int) -> np.ndarray:
    return np.round(RNG.uniform(-1, 1, shape), 2)


def images(n: int, *shape: int) -> np.ndarray:
    return np.round(np.random.default_rng([n, *shape]).random((n, *shape)), 3)


def weights(*shape: int) -> Parameter:
    return Parameter.of("W", drawn(*shape))


def entrance(*shape: int | None, **facts: Any) -> Layer:
    return Layer(type="Input", name="in", output_shape=shape, operations=(Input(shape=shape, **facts),))


def _ends(n: int, below: int = 2) -> Layer:
    return as_layer(Flatten(), Dense(weights=weights(n, 4), units=4), Softmax(), below=below, name="dense")


FIRST = conv(drawn(3, 1, 3, 3), drawn(3), below=0, name="one")
PLAIN = Network.of([image(1, 6, 6, name="in"), FIRST, pool(2, below=1, name="pool"), _ends(12)])
NETWORKS: dict[str, Network] = {
    "plain": PLAIN,
    "branches": Network.of(
        [
            image(1, 6, 6, name="in"),
            FIRST,
            conv(drawn(3, 1, 3, 3), below=0, name="two", nonlinearity="linear"),
            as_layer(Merge(kind="add"), Activation(kind="tanh"), below=(1, 2), name="sum"),
            as_layer(Concatenate(), below=(3, 1, 1), name="joined"),
            _ends(144, 4),
        ]
    ),
    "two inputs": Network.of(
        [
            entrance(None, 1, 4, 4),
            entrance(None, 1, 4, 4),
            as_layer(Merge(kind="add"), below=(0, 1), name="sum"),
        ]
    ),
    "seven inputs": Network.of(
        [*(entrance(None, 1, 4, 4) for _ in range(7)), as_layer(Merge(kind="add"), below=tuple(range(7)))]
    ),
    "open size": Network.of(
        [
            image(None, None, None),
            replace(FIRST, output_shape=None),
            as_layer(GlobalPooling(kind="max"), below=1),
        ]
    ),
    "no entrance": Network.of([replace(FIRST, inputs=()), pool(2, below=0)]),
    "a lonely layer": Network.of(
        [image(1, 6, 6), as_layer(Identity(), name="lonely"), as_layer(Merge(kind="add"), below=(0, 1))]
    ),
    "a lonely layer that is untold": Network.of(
        [
            image(1, 6, 6),
            as_layer(Untold(reason="nobody knows"), name="lonely"),
            as_layer(Merge(kind="add"), below=(0, 1)),
        ]
    ),
    "untold": Network.of([image(1, 6, 6), as_layer(Untold(reason="nobody knows"), below=0, name="odd")]),
    "words": Network.of([entrance(None, 5), as_layer(Embedding(), below=0, name="words")]),
    "untold function": Network.of([image(1, 6, 6), as_layer(Activation(kind="untold"), below=0, name="odd")]),
    "two by two": Network.of(
        [
            entrance(2, 1, 4, 4),
            as_layer(Reshape(lengths=(2, -1)), below=0),
            as_layer(Dense(weights=weights(16, 3)), below=1),
        ]
    ),
    "two together": Network.of([entrance(2, 3), as_layer(Reshape(lengths=(2, 3)), Softmax(axis=0), below=0)]),
    "two by two, unless": Network.of([entrance(2, 1, 4, 4), as_layer(Reshape(lengths=((0,), -1)), below=0)]),
    "none by none": Network.of([entrance(0, 1, 4, 4), as_layer(Reshape(lengths=(0, -1)), below=0)]),
    "4096 at once": Network.of([entrance(4096, 1), as_layer(Reshape(lengths=(4096, 1, 1)), below=0)]),
    "4097 at once": Network.of([entrance(4097, 1), as_layer(Reshape(lengths=(4097, 1, 1)), below=0)]),
    "images behind": Network.of(
        [image(1, 6, 6), as_layer(Transpose(order=(1, 2, 3, 0)), below=0, name="turned")]
    ),
    "no images": Network.of(
        [image(1, 6, 6), as_layer(Reduction(kind="sum", axes=(0,)), below=0, name="all")]
    ),
    "one number": Network.of(
        [image(1, 6, 6), as_layer(Reduction(kind="sum", axes=(0, 1, 2, 3)), below=0, name="all")]
    ),
    "colours behind": Network.of(
        [entrance(None, 3, 6, 5, channels_last=True), conv(drawn(2, 3, 3, 3), below=0)]
    ),
    "numbers": Network.of([entrance(None, 6), as_layer(Dense(weights=weights(6, 2)), below=0)]),
    "curves": Network.of([entrance(None, 2, 9), as_layer(GlobalPooling(kind="mean"), below=0)]),
    "curves, colours behind": Network.of(
        [entrance(None, 2, 9, channels_last=True), as_layer(GlobalPooling(kind="mean"), below=0)]
    ),
    "volumes": Network.of([entrance(None, 1, 3, 3, 3), as_layer(GlobalPooling(kind="mean"), below=0)]),
    "arrays alone": Network.of(
        [replace(FIRST, inputs=()), pool(9, below=0)], Origin(inferred=("all of it",))
    ),
    "arrays with a graph": Network.of(
        [replace(FIRST, inputs=()), pool(9, below=0)], Origin(inferred=("all of it",), graph="a.json")
    ),
    "nothing left": Network.of([image(1, 6, 6), pool(7, below=0, whole_windows=True)]),
    "too small": Network.of([image(1, 6, 6), as_layer(Dense(weights=weights(35, 2)), below=0, name="dense")]),
    "no fit": Network.of([image(1, 6, 6), as_layer(Reshape(lengths=((0,), 5, 5)), below=0, name="shaped")]),
    "normalised": Network.of(
        [image(1, 6, 6), as_layer(Normalisation(gamma=weights(3), beta=weights(1), is_batch=False), below=0)]
    ),
    "no layers": Network.of([]),
}


def said(function: Any, *given: Any, **how: Any) -> str:
    """What a function gives, or in which words it refuses."""
    try:
        found = function(*given, **how)
    except FiltvizError as error:
        layer = getattr(error, "layer", None)
        return f"{type(error).__name__}: {error}" + ("" if layer is None else f" [{layer}]")
    if isinstance(found, dict):
        return "; ".join(f"{name} {told(one, digits_of(one))} {one.dtype}" for name, one in found.items())
    return f"{told(found, digits_of(found))} {found.dtype}" if isinstance(found, np.ndarray) else str(found)


def walks() -> Iterator[tuple[str, str]]:
    yield from _answers()
    yield from _given()
    yield from _batches()
    yield from _parts()
    yield from _engines()


def _shape_of(network: Network) -> tuple[int, ...]:
    entrance = input_of(network)
    shape = (None, 1, 6, 6) if entrance is None or entrance.shape is None else entrance.shape
    lengths = (shape[1] or 1, *(n or 6 for n in shape[2:]))
    return (*lengths[1:], lengths[0]) if entrance is not None and entrance.channels_last else lengths


def _answers() -> Iterator[tuple[str, str]]:
    for name, network in NETWORKS.items():
        shape = _shape_of(network)
        for n in (1, 3):
            yield f"{name}, {n} images", said(run, network, images(n, *shape))
        kinds = [None if one is None else (one.shape, one.channels_last) for one in [input_of(network)]]
        yield f"{name}, its input", str(kinds[0])
        below = [layer.index for layer in ancestors(network, network.layers[-1:])]
        yield f"{name}, what feeds its last layer", str(below)
    for layers in ([0], ["one", "dense"], [-1, 0], ["two"], [9], [], ["pool", -2]):
        yield f"plain, layers {layers}", said(run, PLAIN, images(2, 1, 6, 6), layers)
    for batch in (None, 0, 1, 2, 5, -1):
        yield f"plain, batches of {batch}", said(run, PLAIN, images(4, 1, 6, 6), batch=batch)
    for dtype in ("float64", "float32", "float16", "int", "odd", None, ">f8"):
        yield f"plain in {dtype}", said(run, PLAIN, images(2, 1, 6, 6), dtype=dtype)
    for how in (
        {"engine": "numpy"},
        {"engine": "other"},
        {"engine": "numpy", "device": "cpu"},
        {"engine": "numpy", "device": ""},
    ):
        yield f"plain with {how}", said(run, PLAIN, images(2, 1, 6, 6), **how)
    for work in (1_500_000, 1_750_000, 2_250_000, 5_750_000):
        yield f"plain with {work} operations", said(run, PLAIN, images(3, 1, 6, 6), budget=Budget(work=work))
    ends = Network.of([entrance(None, 3), as_layer(Softmax(), below=0)])
    yield "softmax of large numbers", said(run, ends, np.array([[1e4, 9999.0, -1e4], [-1e5, -1e5, -2e5]]))
    yield "large images", said(run, PLAIN, images(1, 1, 9, 7))
    number = Network.of(
        [image(1, 6, 6), as_layer(Reduction(kind="sum", axes=(0, 1, 2, 3)), Identity(), below=0)]
    )
    yield "one number, and what is done with it", said(run, number, images(1, 1, 6, 6))
    lost = Untold(reason="it takes words")
    for operations in ((lost, Identity()), (Identity(), lost), (lost, Untold(reason="x")), (Identity(),)):
        layers = [image(1, 6, 6), as_layer(*operations), as_layer(Merge(kind="add"), below=(0, 1))]
        asked = ", ".join(map(str, operations))
        yield f"nothing feeds {asked}", said(run, Network.of(layers), images(1, 1, 6, 6))
    yield "open size, other channels", said(run, NETWORKS["open size"], images(1, 2, 6, 6))


def _given() -> Iterator[tuple[str, str]]:
    whole = images(2, 1, 6, 6)
    odd: dict[str, Any] = {
        "bytes": (255 * whole).astype("u1"),
        "whole numbers": (9 * whole).astype("i4"),
        "truths": whole > 0.5,
        "single": whole.astype("f4"),
        "half": whole.astype("f2"),
        "complex": whole + 1j,
        "texts": np.array([["a"]]),
        "objects": np.array([None]),
        "NaN": np.where(whole > 0.9, np.nan, whole),
        "infinity": np.where(whole > 0.9, np.inf, whole),
        "NaN in the second": np.concatenate([whole[:1], np.full((1, 1, 6, 6), np.nan)]),
        "none": whole[:0],
        "both": np.where(whole > 0.9, np.inf, np.where(whole < 0.1, np.nan, whole)),
        "no rows": whole[:, :, :0],
        "lists": whole.tolist(),
        "one image": whole[0],
        "a picture": whole[0, 0],
        "colours": images(2, 3, 6, 6),
        "five axes": whole[None],
        "a row": whole[0, 0, 0],
        "a number": np.float64(3.0),
    }
    for what, array in odd.items():
        for name in ("plain", "open size", "no entrance", "numbers", "curves", "colours behind"):
            yield f"{name}, given {what}", said(as_units, NETWORKS[name], array)
    for name, shape in (
        ("numbers", (2, 5)),
        ("numbers", (6,)),
        ("numbers", (2, 6)),
        ("curves", (2, 9)),
        ("curves", (2, 3, 9)),
        ("volumes", (2, 3, 3, 3)),
        ("volumes", (2, 1, 3, 3, 3)),
        ("volumes", (1, 2, 3, 3, 3)),
        ("curves, colours behind", (2, 9, 2)),
        ("curves, colours behind", (2, 2, 9)),
        ("colours behind", (1, 6, 5, 3)),
        ("colours behind", (1, 3, 6, 5)),
        ("colours behind", (6, 5, 3)),
    ):
        yield f"{name}, given {shape}", said(as_units, NETWORKS[name], np.ones(shape))
    for name, shape in (
        ("plain", (1, 1, 6, 6)),
        ("plain", (1, 1, 7, 6)),
        ("plain", (1, 1, 6, 4)),
        ("open size", (1, 1, 7, 6)),
        ("no entrance", (1, 1, 2, 2)),
    ):
        network = NETWORKS[name]
        runner = Runner(network, [network.layers[-1]])
        runner.take(np.ones(shape))
        yield f"{name}, remark on {shape}", runner.remark or "none"
        yield f"{name}, run on {shape}", said(run, network, np.ones(shape))


def _batches() -> Iterator[tuple[str, str]]:
    for name in ("plain", "branches", "two by two", "open size"):
        network = NETWORKS[name]
        shape = _shape_of(network)
        for n in (1, 2, 5, 9):
            for how in (
                {},
                {"batch": 1},
                {"batch": 2},
                {"batch": 3, "are_kept": True},
                {"passes": 40},
                {"passes": 40, "most": 2},
                {"room": 15_000},
            ):
                for small in (False, True):
                    account = Counted(small=small)
                    account.room = how.get("room", account.room)
                    runner = Runner(network, [network.layers[-1], network.layers[1]], engine="numpy")
                    given: dict[str, Any] = {key: value for key, value in how.items() if key != "room"}
                    try:
                        parts = list(runner.outputs(images(n, *shape), account, **given))
                    except FiltvizError as error:
                        yield f"{name}, {n} images {how}{' small' * small}", str(error)
                        continue
                    sizes = [tuple(len(one) for one in part.values()) for part in parts]
                    yield f"{name}, {n} images {how}{' small' * small}", f"{sizes}; {account}"
    for name, network in NETWORKS.items():
        if network.layers and name not in ("two inputs", "seven inputs"):
            runner = Runner(network, [network.layers[-1]])
            yield f"{name}, rough work", str(runner.rough_work(images(1, 1, 6, 6)))
    for name in ("images behind", "no images", "one number", "plain"):
        runner = Runner(NETWORKS[name], [NETWORKS[name].layers[-1]], by_image=True)
        parts = runner.outputs(images(2, 1, 6, 6), Counted())
        yield f"{name}, by image", said(lambda parts=parts: sum(len(part) for part in parts))
    for sizes in ((1, 1), (2, 1), (3,), (1, 2), (2, 2)):
        for axis in (0, 1, -1):
            parts = [np.moveaxis(np.ones((n, 2, 4)), 0, axis) for n in sizes]
            yield f"joined {sizes} along {axis}", said(joined, parts, 3, PLAIN.layers[-1])


def _parts() -> Iterator[tuple[str, str]]:
    for holds_all in (False, True):
        for name in ("plain", "branches"):
            for stop in (None, *NETWORKS[name].layers[1:]):
                network, account = NETWORKS[name], Counted()
                runner = Runner(network, [network.layers[-1]], engine="numpy", stops=stop)
                walk = Walk(
                    runner,
                    choose_engine("numpy", 0, "float64", None),
                    account,
                    times=3,
                    runs=2,
                    holds_all=holds_all,
                )
                found = walk.through(images(2, 1, 6, 6))
                costs = sum(sum(cost) for cost in walk.costs.values())
                account.room = 40_000
                facts = f"{account}; once {walk.once}; peak {walk.peak}; {len(walk.costs)} costs of {costs}"
                facts += f"; {walk.fitting} fit"
                where = "" if stop is None else f", stopped at {stop.title}"
                yield (
                    f"walk through {name}{where}{', holding all' * holds_all}",
                    f"{told(found[network.layers[-1].index])}; {facts}",
                )
    for times, runs in ((1, None), (0, None), (2, 1), (0, 5)):
        account = Counted()
        walk = Walk(
            Runner(PLAIN, [PLAIN.layers[-1]]),
            choose_engine("numpy", 0, "float32", None),
            account,
            times=times,
            runs=runs,
        )
        walk.through(images(1, 1, 6, 6))
        walk.pay_for_runs(4)
        account.room = walk.peak * runs if runs else walk.peak - 1
        yield f"walk {times} times in {runs} runs", f"{account}; {walk.fitting}"
    for passes in (1, 8, 9, 16, 80):
        for most in (None, 1, 3):
            account = Counted(small=True)
            yield f"widened for {passes}, at most {most}", str(widened(account, passes, most))
    for name in ("plain", "branches", "open size", "colours behind"):
        for layer in NETWORKS[name].conv_layers:
            shape = (3, 6, 5) if name == "colours behind" else (1, 6, 6)
            yield f"{name}, forward to {layer.title}", said(forward, NETWORKS[name], layer, images(2, *shape))
    one = NETWORKS["plain"].conv_layers[0]
    yield "forward on what does not fit", said(forward, PLAIN, one, images(2, 3, 6, 6))
    account = Counted()
    forward(PLAIN, one, images(2, 1, 6, 6).astype("f4"), account)
    yield "forward, charged", str(account)


def _engines() -> Iterator[tuple[str, str]]:
    from tests.running.numpy_autograd import with_gradients

    def chosen(*given: Any) -> str:
        engine = choose_engine(*given)
        return f"{engine.name} {engine.dtype} {engine.keeps} {engine.memory}"

    with with_gradients():
        for name in (None, "numpy", "torch", "other"):
            for device in (None, "cpu"):
                for dtype in ("float64", "f4", "int8", "nothing"):
                    yield f"engine {name} on {device} in {dtype}", said(chosen, name, 0, dtype, device)
        yield "plain with PyTorch", said(run, PLAIN, images(3, 1, 6, 6), engine="torch", dtype="float32")
        yield "branches with PyTorch", said(run, NETWORKS["branches"], images(3, 1, 6, 6))
        yield "too small with PyTorch", said(run, NETWORKS["no fit"], images(3, 1, 6, 6))
