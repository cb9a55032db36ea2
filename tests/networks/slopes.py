"""What `saliency` and `maximise` answer of small networks, however they are asked; PyTorch's part is numpy's.

``python -m tests.telling`` writes ``tests/told/networks/slopes.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.errors import FiltvizError
from filtviz.network import Layer, Network
from filtviz.operations import Dense, Flatten, GlobalPooling, Input, Operation, Reduction, Reshape, Softmax
from filtviz.parameter import Parameter
from filtviz.responses import maximise, saliency
from tests.accounts import Counted
from tests.building import as_layer, conv, image, pool
from tests.interpreters.tables import numbers, told

__all__ = ["slopes"]

RNG = np.random.default_rng(7)
IMAGE = np.round(RNG.random((1, 6, 6)), 3)
FIRST, SECOND, LAST = (
    np.round(RNG.standard_normal(shape), 3) for shape in ((3, 1, 3, 3), (4, 3, 2, 2), (12, 4))
)


def _network(*ends: Operation, units: int = 4, size: int | None = 6) -> Network:
    dense = Dense(weights=Parameter.of("W", 0.3 * LAST[:, :units]), units=units)
    return Network.of(
        [
            image(1, size, size, name="in"),
            conv(FIRST, np.array([0.1, -0.2, 0.3]), below=0, name="one"),
            pool(2, below=1, kind="mean", name="pool"),
            as_layer(Flatten(), dense, *ends, below=2, name="dense"),
        ]
    )


def _maps(*ends: Operation) -> Network:
    layers = [image(1, 6, 6), conv(FIRST, below=0, name="one"), conv(SECOND, below=1, name="two")]
    return Network.of([*layers, as_layer(*ends, below=2, name="end")] if ends else layers)


def _colours_last() -> Network:
    shape = (None, 1, 6, 6)
    entrance = Layer(output_shape=shape, operations=(Input(shape=shape, channels_last=True),))
    return Network.of([entrance, *_network(Softmax()).layers[1:]])


def _said(function: Any, *given: Any, **how: Any) -> str:
    try:
        found = function(*given, **how)
    except FiltvizError as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(found, np.ndarray):
        return told(np.round(found, 7))
    ends = numbers(found.answers[[0, -1]], 3)
    made = f"{told(found.images, 3)}; {told(np.round(found.start, 6))}"
    return f"{made}; {ends}; {found.layer} {found.units}"


def _asked(how: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in how.items())


def slopes() -> Iterator[tuple[str, str]]:
    from tests.running.numpy_autograd import with_gradients

    with with_gradients():
        yield from _saliencies()
        yield from _maximised()
        yield from _work()


def _saliencies() -> Iterator[tuple[str, str]]:
    rectify, sigmoid, linear = (Activation(kind=kind) for kind in ("rectify", "sigmoid", "linear"))
    ends: dict[str, Network] = {
        "softmax": _network(Softmax()),
        "softmax of the last axis": _network(Softmax(axis=-1)),
        "softmax of no axis": _network(Softmax(axis=2)),
        "one softmax": _network(Softmax(), units=1),
        "sigmoid": _network(sigmoid),
        "one sigmoid": _network(sigmoid, units=1),
        "hard sigmoid": _network(Activation(kind="hard_sigmoid")),
        "nothing": _network(),
        "nothing behind one": _network(units=1),
        "rectifier": _network(rectify),
        "rectifier and softmax": _network(rectify, Softmax()),
        "linear and softmax": _network(linear, Softmax()),
        "softmax and more": _network(Softmax(), Flatten()),
        "maps": _maps(),
        "means of maps": _maps(GlobalPooling(kind="mean"), Softmax()),
        "no classes": _maps(Reduction(kind="sum", axes=(1, 2, 3))),
    }
    for name, network in ends.items():
        for how in ({}, {"of": "output"}, {"target": 1, "signed": True}):
            yield f"saliency of {name} {_asked(how)}", _said(saliency, network, IMAGE, **how)
    network = ends["softmax"]
    for method in ("guided", "deconvnet", "integrated", "smoothgrad", "gradcam"):
        ways = ({}, {"of": "output", "target": 2, "signed": True}, {"seed": 3})
        for how in ways if method == "smoothgrad" else ways[:2]:
            yield f"saliency by {method} {_asked(how)}", _said(saliency, network, IMAGE, method, **how)
            yield (
                f"saliency of maps by {method} {_asked(how)}",
                _said(saliency, ends["maps"], IMAGE, method, **how),
            )
    for layer in (0, 1, -1, "one", "dense", "pool", 7):
        how = {"layer": layer, "signed": True}
        yield f"saliency of layer {layer}", _said(saliency, network, IMAGE, "gradcam", **how)
        yield f"saliency of maps of layer {layer}", _said(saliency, ends["maps"], IMAGE, "gradcam", **how)
    without = Network.of([network.layers[0], as_layer(Flatten(), below=0)])
    yield "saliency of no convolution", _said(saliency, without, IMAGE, "gradcam")
    five = Reshape(lengths=((0,), 1, 3, 4, 4))
    layers = [image(1, 6, 6), conv(FIRST, below=0), as_layer(five, below=1, name="five")]
    curves = Network.of([*layers, as_layer(Reduction(kind="mean", axes=(1, 3, 4)), below=2)])
    yield "saliency of maps of three axes", _said(saliency, curves, IMAGE, "gradcam", layer="five")
    for target in (0, 3, 4, -1):
        yield f"saliency of class {target}", _said(saliency, network, IMAGE, target=target)
    for how in ({"method": "lrp"}, {"of": "loss"}, {"budget": Budget(work=1_250_000)}):
        yield f"saliency {_asked(how)}", _said(saliency, network, IMAGE, **how)
    last = _colours_last()
    for shape in ((6, 6, 1), (1, 6, 6, 1), (1, 6, 6), (6, 6)):
        yield f"saliency of {shape}, colours last", _said(saliency, last, IMAGE.reshape(shape), signed=True)
    for shape in ((1, 1, 6, 6), (6, 6), (1, 36)):
        yield f"saliency of {shape}", _said(saliency, network, IMAGE.reshape(shape), signed=True)
    still = Network.of(
        [
            image(1, 1, 1),
            conv(np.ones((1, 1, 1, 1)), below=0),
            as_layer(Flatten(), Dense(weights=Parameter.of("W", np.array([[2.0, -2.0]])), units=2), below=1),
        ]
    )
    for method in ("gradient", "guided", "deconvnet"):
        for pixel in (1.0, -1.0, *[0.0] * (method != "gradient")):  # where small differences tell nothing
            given = still, np.full((1, 1, 1), pixel), method, 0, "output", True
            yield f"saliency by {method} of a pixel of {pixel}", _said(saliency, *given)
    mixed = _maps(Reduction(kind="sum", axes=(0,), keeps=True))
    yield "saliency of images together", _said(saliency, mixed, IMAGE, "smoothgrad", of="output")
    yield "saliency of two images", _said(saliency, network, np.stack([IMAGE, IMAGE]))


def _maximised() -> Iterator[tuple[str, str]]:
    network, few = _network(Softmax()), {"steps": 3}
    for units in (0, 3, (2, 0, 0), (), 4, -1, (0, 4)):
        yield f"maximised {units}", _said(maximise, network, units, **few)
    for layer in (0, "one", "dense", "pool", -1, 2, "in"):
        yield f"maximised of layer {layer}", _said(maximise, network, 1, layer, **few)
    for how in (
        {"steps": 0},
        {"steps": 1},
        {"rate": 0.1},
        {"jitter": 0},
        {"jitter": 2},
        {"decay": 0.0},
        {"decay": 0.5},
        {"blur": 0.0},
        {"blur": 1.5},
        {"bounds": (-1.0, 3.0)},
        {"bounds": (1.0, 0.0)},
        {"bounds": (0.5, 0.5)},
        {"seed": 4},
        {"image": IMAGE},
        {"image": IMAGE[None]},
        {"image": IMAGE[0]},
        {"size": (6, 6)},
        {"size": (8, 7)},
        {"budget": Budget(work=1_500_000)},
        {"batch": 1},
        {"batch": 2},
    ):
        shown = {key: np.shape(value) if key == "image" else value for key, value in how.items()}
        yield f"maximised with {_asked(shown)}", _said(maximise, network, (1, 2), **(few | how))
    open_size = _maps(GlobalPooling(kind="mean"))
    opened = Network.of([image(1, None, None), *open_size.layers[1:]])
    for how in ({}, {"size": (6, 7)}, {"size": (2, 2)}, {"image": IMAGE}):
        shown = {key: np.shape(value) for key, value in how.items()}
        yield f"maximised of open size with {_asked(shown)}", _said(maximise, opened, 1, **(few | how))
        yield (
            f"maximised maps of open size with {_asked(shown)}",
            _said(maximise, opened, 1, "two", **(few | how)),
        )
    colours = Network.of([image(2, 6, 6), conv(np.concatenate([FIRST, -2 * FIRST[::-1]], axis=1), below=0)])
    for blur in (0.0, 0.7):
        yield f"maximised in two colours, blurred by {blur}", _said(maximise, colours, 1, 0, blur=blur, **few)
    for units in (0, (0, 1, 2)):  # the bytes of all that are made, where ten operations allow one
        for work in (1_920_000, 1_919_999, 5_760_000, 5_759_999):
            for how in ({"size": (60, 50)}, {"image": np.zeros((1, 60, 50))}):
                given = {**how, "steps": 1, "budget": Budget(work=work)}
                shown = f"{units} of 60x50 from {list(how)} on {work:,}"
                yield f"maximised {shown}", _said(maximise, opened, units, "two", **given)
    still = Network.of([image(1, 6, 6), conv(np.zeros((2, 1, 3, 3)), below=0)])
    for units in (-1, 2, (0, -1), (0, 1)):
        yield f"maximised {units} of two", _said(maximise, still, units, **few)
    yield "maximised where nothing is to climb", _said(maximise, still, 1, **few)
    for axes, keeps in (((1, 2, 3), False), ((0, 1, 2, 3), False), ((1, 2, 3), True), ((0,), True)):
        one = _maps(Reduction(kind="sum", axes=axes, keeps=keeps))
        for units in (0, (0, 0)):
            if axes != (0,) or units != 0:  # whose slopes the stand-in for PyTorch does not know
                yield f"maximised {units} of sums over {axes} {keeps}", _said(maximise, one, units, **few)


def _work() -> Iterator[tuple[str, str]]:
    """What it takes: work by the shapes, and the memory that is filled at the most."""
    from filtviz.running.gradients import Saliency, climb, saliency_of

    network = _network(Softmax())
    for small in (False, True):
        for method in ("gradient", "integrated", "smoothgrad", "gradcam"):
            layer = network.layers[1] if method == "gradcam" else None
            account = Counted(small=small)
            saliency_of(network, IMAGE[None], Saliency(method=method, layer=layer), account)  # type: ignore[arg-type]
            yield f"work of a saliency by {method}{' of a small file' * small}", str(account)
    for n in (1, 5):  # images at once, of which the last are fewer
        account = Counted()
        account.room = n * 2112
        found = saliency_of(network, IMAGE[None], Saliency(method="smoothgrad"), account)
        yield f"a saliency by smoothgrad, {n} at once", f"{told(np.round(found, 7))}; {account}"
    for small in (False, True):
        for n, steps, batch in ((1, 2, None), (3, 2, 2), (3, 2, 3), (9, 5, None), (1, 0, None)):
            account = Counted(small=small)
            how = {"rate": 0.1, "jitter": 0, "decay": 0.0, "blur": 0.0, "bounds": (0.0, 1.0), "seed": 0}
            starts = np.repeat(IMAGE[None], n, axis=0)
            climb(network, network.layers[3], [0] * n, starts, account, steps=steps, batch=batch, **how)  # type: ignore[arg-type]
            at_once = f", {batch} at once" * (batch is not None)
            yield f"work of {n} images in {steps} steps{at_once}{' of a small file' * small}", str(account)
