"""Texts of ``--architecture`` that say nearly what others say: words like others, layers in each place."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from filtviz.activations import ActivationKind
from filtviz.errors import FiltvizError, MalformedFileError
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Convolution, Untold, parameters_of
from filtviz.parameter import Parameter
from filtviz.reading.architecture import build
from filtviz.reading.architecture.kinds import _ALIASES, activation_of
from filtviz.reading.architecture.template import template
from filtviz.reading.limits import Limits
from tests.building import put
from tests.reading.operators.architecture import _table
from tests.reading.operators.architecture_keys import _once
from tests.reading.operators.asking import Told, array
from tests.reading.operators.odd_architecture import _text, _toml
from tests.telling import refused, told

__all__ = ["near_architectures"]


# Words for functions


def _words() -> Told:
    known = (*get_args(ActivationKind), *_ALIASES, "softmax")
    near = ("soft", "softma", "softmaxx", "softmax_", "Softmax", "log_softmax", "relu7", "leaky", "selux", "")
    for word in (*known, *near):
        for said in (word, {"kind": word, "alpha": 0}):
            yield f"activation = {_toml(said)}", _function(said)
    for said in (
        {"kind": "clipped_rectify"}, {"kind": "relu6"}, {"kind": "relu6", "alpha": 3}, {"alpha": 0},
        {"kind": "tanh", "scale_in": 2}, {"kind": "selu", "alpha": 2}, {"kind": "selu", "scale": 0},
        {"kind": "elu", "alpha": True}, {}, 0, False, True, [], ["relu"], 1.0,
    ):  # fmt: skip
        yield f"activation = {_toml(said)}", _function(said)


def _function(said: Any) -> str:
    """What is made of it in a layer's own table, and where it stands above all, if that differs."""
    text = f"activation = {_toml(said)}"
    found = []
    for name in ("it", ""):
        try:
            made = activation_of(_table(text, name), _table("", "own"))
            found.append("nothing" if made is None else told(made))
        except MalformedFileError as error:
            found.append(_LISTED.sub("one of …", str(error)))
    return " | above: ".join(dict.fromkeys(found))


_LISTED = re.compile(r"one of (\w+, )+\w+")
"""The words that may be said, which other tables hold."""


# Layers in their places

_SHAPES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "First": {"k": (4, 3, 3, 3), "b": (4,)},
    "Second": {"m": (24, 2), "two": (2,)},
    "Third": {"line": (4, 3, 5), "k4": (4, 4, 1, 1), "twice": (2,), "other": (2,), "rows": (1, 3, 1)},
    "Rest": {"s": (4,), "twice": (4,), "n": (), "f": (), **{f"left{i}": (7, i) for i in range(7)}},
}


def _weights() -> Network:
    """Four layers of which two have an array of one name, and one an array that counts."""
    layers = [
        Layer(
            type=kind,
            operations=(Untold(reason="?"),),
            parameters=tuple(
                Parameter.of(name, np.ones(shape, "i8" if name == "n" else "f4"), name)
                for name, shape in held.items()
            ),
        )
        for kind, held in _SHAPES.items()
    ]
    origin = Origin(
        kind="an npz of ours", inferred=("something",), path=Path("m.npz"), siblings=(Path("/beside.npy"),),
        guess="a guess", order="from the end", notes=("a note",), framework="Ours",
    )  # fmt: skip
    return Network.of(layers, origin)


_CONV = {"type": "convolution", "weights": "k", "bias": "b", "stride": 1, "pad": 1, "flip": True}
_DENSE = {"type": "dense", "weights": "m", "bias": "two"}
_NORM = {"type": "normalisation", "mean": "b", "std": "s"}
_NONE, _S = {"type": "dropout"}, {"weights": "s"}
_UP: dict[str, dict[str, Any]] = {
    "dense of an image": {"input": [3, 2, 4], "a": _DENSE},
    "dense of a line": {"input": [3, 8], "a": _DENSE},
    "dense of units": {"input": [24], "a": _DENSE},
    "dense without a bias": {"input": [3, 2, 4], "a": {**_DENSE, "bias": None}},
    "dense with an array of another layer": {"input": [3, 2, 4], "a": {**_DENSE, "bias": "other"}},
    "flat, then dense": {"input": [3, 2, 4], "f": {"type": "flatten"}, "a": _DENSE},
    "convolution": {"input": [3, 8, 9], "a": _CONV},
    "convolution with an array of another layer": {"input": [3, 8, 9], "a": {**_CONV, "bias": "s"}},
    "convolution, normalised": {"input": [3, 8, 9], "a": _CONV, "b": _NORM},
    "convolution, normalised elsewhere": {"input": [3, 8, 9], "a": _CONV, "b": {**_NORM, "from": "a"}},
    "convolution, then nothing": {"input": [3, 8, 9], "a": _CONV, "b": _NONE},
    "normalised, then convolution": {"input": [4, 8, 9], "b": _NORM, "a": {**_CONV, "weights": "k4"}},
    "normalised behind a pool": {"input": [4, 8, 9], "p": {"type": "pool", "size": 2}, "b": _NORM},
    "convolution, pooled": {"input": [3, 8, 9], "a": {**_CONV, "pool": 2}, "b": {**_NONE, "from": "a"}},
    "two from the image": {"input": [4, 8, 9], "a": _NONE, "b": {"type": "softmax", "from": []}},
    "convolution over a line": {"input": [3, 8], "a": {**_CONV, "weights": "line"}},
    **{
        f"convolution {axes} of {c}": {"input": [c, 8, 9], "a": {**_CONV, "axes": axes, "bias": None}}
        for axes, c in (
            ("oghw", 3), ("oghw", 1), ("oghw", 6), ("ohhw", 3), ("oghhw", 3), ("ghwo", 3), ("iohw", 4),
            ("OIHW", 3), ("oiwh", 3), ("hwio", 3), ("ighw", 3),
        )
    },
    "scale, prelu": {"input": [4, 8, 9], "a": {"type": "scale", **_S}, "b": {"type": "prelu", **_S}},
    "prelu of an open image": {"input": [0, 0], "a": {"type": "prelu", **_S}},
    "prelu, a slope for each row": {"input": [4, 3, 5], "a": {"type": "prelu", "weights": "rows"}},
    "prelu of too many axes": {"input": [3, 8, 9], "a": {"type": "prelu", "weights": "k"}},
    "a name that is there twice": {"input": [4, 8, 9], "a": {"type": "scale", "weights": "twice"}},
    "a number": {"input": [4, 8, 9], "a": {"type": "scale", "weights": "f"}},
    "from below": {"input": [4, 8, 9], "a": _NONE, "b": {"type": "add", "from": ["a", "c"]}, "c": _NONE},
    "of an open image": {"input": [3, 0, 0], "a": _CONV, "b": {"type": "flatten"}},
    "of an open image, pooled": {"input": [3, 0, 0], "a": _CONV, "b": {"type": "global-pool"}},
}  # fmt: skip


def _built() -> Told:
    weights = _weights()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"

        def built(text: dict[str, Any]) -> str:
            put(path, _text(text))
            return _or_why(lambda: _told(build(weights, path, Limits()))).replace(folder, "")

        for name, text in _UP.items():
            usual, last = (
                built({**text, "activation": "relu", "channels_last": one}) for one in (False, True)
            )
            yield name, usual
            if last != usual:
                yield f"{name}, channels behind", last
        for key, value in (("stride", 1), ("pad", 0), ("flip", True), ("activation", "tanh"), ("odd", 1)):
            yield f"{key} above what has none", built({"input": [3], key: value, "a": {"type": "dropout"}})
        for n in (1, 2, 3):
            put(
                path,
                _text({"input": [3], "stride": 1, "a": _NONE, "activation": {"kind": "tanh"}, "b": _NONE}),
            )
            yield (
                f"two tables, at most {n}",
                _or_why(lambda n=n: _told(build(weights, path, Limits(layers=n)))).replace(folder, ""),
            )
        put(path, _text({"input": [3], "a": {"type": "dropout"}}))
        found = build(weights, path, Limits()).origin
        beside = [each.name for each in found.siblings]
        yield "whence", f"{found.kind}; {found.graph} {found.order!r} {found.guess!r} {found.notes} {beside}"


def _or_why(make: Callable[[], str]) -> str:
    try:
        return make()
    except FiltvizError as error:
        return refused(error)


def _told(network: Network) -> str:
    layers = (
        f"{one.name}:{one.type}{list(one.inputs)}{list(one.output_shape or ())}"
        f"({' '.join(p.source for p in one.parameters)}) {told(*(one.operations if one.index else ()))}"
        for one in network.layers
    )
    return f"{'; '.join(layers)}; {network.origin.inferred[0]}"


def _templates() -> Told:
    """What is printed of convolutions of which the first, or another, has its channels behind."""
    first, last = Convolution(weights=array(4, 3, 2, 5)), Convolution(weights=array(2, 5, 3, 4), axes="rcio")
    for words, several in (("first", (first, last)), ("last", (last, first)), ("last alone", (last,))):
        layers = [Layer(operations=(one,), parameters=tuple(parameters_of(one))) for one in several]
        lines = template(Network.of(layers, Origin(inferred=("something",)))).splitlines()
        yield (
            f"a template, channels {words}",
            " ".join(one[:22] for one in lines if one[:5] in ("input", "chann")),
        )


def near_architectures() -> Told:
    yield from _once("", _words())
    yield from _built()
    yield from _templates()
