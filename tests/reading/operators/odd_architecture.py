"""A text of ``--architecture`` with one fact changed: what is built of it, and what is printed of arrays."""

from __future__ import annotations

import json
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from filtviz.network import Layer, Network, Origin
from filtviz.operations import Convolution, Dense, Flatten, Normalisation, Untold
from filtviz.parameter import Parameter
from filtviz.reading.architecture import build
from filtviz.reading.architecture.template import template
from filtviz.reading.limits import Limits
from tests.building import put
from tests.reading.operators.asking import Told, array
from tests.reading.operators.wholes import outcome
from tests.reading.variations import _of_value
from tests.telling import layers_of, origin_of

__all__ = ["odd_architectures"]

TEXT: dict[str, Any] = {
    "input": [3, 8, 9],
    "channels_last": False,
    "stride": 1,
    "pad": 0,
    "flip": True,
    "activation": "relu",
    "conv1": {"type": "convolution", "weights": "k", "bias": "b", "axes": "oihw", "pool": 2},
    "norm": {"type": "normalisation", "mean": "b", "std": "s", "gamma": "b"},
    "conv2": {
        "type": "convolution",
        "weights": "g",
        "groups": 2,
        "pad": "same",
        "dilation": [1, 1],
        "activation": {"kind": "leaky_relu", "alpha": 0.25},
    },
    "side": {"type": "transposed-convolution", "from": "norm", "weights": "t", "axes": "iohw", "flip": False},
    "sum": {
        "type": "add",
        "from": ["conv2", "side"],
        "pool": {"kind": "mean", "size": [2, 1], "stride": 1, "pad": 0, "whole_windows": False},
    },
    "scaled": {"type": "scale", "weights": "s", "bias": "b"},
    "flat": {"type": "flatten"},
    "dense": {"type": "dense", "weights": "m", "bias": "two", "axes": "io", "activation": "softmax"},
}
_SHAPES = {
    "k": (4, 3, 3, 3), "b": (4,), "s": (4,), "g": (4, 2, 3, 3), "t": (4, 4, 1, 1), "m": (24, 2), "two": (2,),
    "n": (), "left": (4, 4, 3),
}  # fmt: skip


def _weights() -> Network:
    """What a file holds without a graph: two layers, one of them with an array that counts batches."""
    held = [
        Parameter.of(
            "", np.arange(int(np.prod(shape)), dtype="f4" if name != "n" else "i8").reshape(shape), name
        )
        for name, shape in _SHAPES.items()
    ]
    layers = [
        Layer(name="one", type="First", operations=(Untold(reason="?"),), parameters=tuple(held[:2])),
        Layer(name="two", type="Second", operations=(Untold(reason="?"),), parameters=tuple(held[2:])),
    ]
    return Network.of(layers, Origin(kind="arrays", inferred=("something",), path=Path("m.npz")))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            f"{{ {', '.join(f'{json.dumps(k)} = {_toml(v)}' for k, v in value.items() if v is not None)} }}"
        )
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value if one is not None)}]"
    return "inf" if value == float("inf") else json.dumps(value)


def _text(text: dict[str, Any]) -> str:
    """A text of TOML, whose tables stand behind all else."""
    said = {key: value for key, value in text.items() if value is not None}
    tables = {key: one for key, one in said.items() if isinstance(one, dict) and key != "activation"}
    lines = [f"{json.dumps(key)} = {_toml(value)}" for key, value in said.items() if key not in tables]
    for name, one in tables.items():
        lines.append(f"[{json.dumps(name)}]")
        lines += [f"{json.dumps(key)} = {_toml(value)}" for key, value in one.items() if value is not None]
    return "\n".join(lines)


def _texts() -> Told:
    words = ["k", "norm", "conv1", "n", "add", "?"]
    weights = _weights()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.toml"

        def built(text: str, limits: Limits | None = None) -> str:
            put(path, text)
            return outcome(
                lambda: build(weights, path, limits or Limits()), lambda one: layers_of(one) + origin_of(one)
            ).replace(folder, "")

        before = built(_text(TEXT))
        yield "the text", before
        for place, (changed, make) in enumerate(_of_value(TEXT, "", words)):
            made = make()
            if place % 4 == 1 and isinstance(made, dict):
                told = built(_text(made))
                yield changed, "the same" if told == before else told
        for size in (2, [2], [2, 2]):
            lying = {key: one for key, one in TEXT.items() if key != "flat"}
            lying["dense"] = {**TEXT["dense"], "pool": size}
            yield f"a pool of {size} behind units", built(_text(lying))
        for n in (7, 8):
            yield f"at most {n} layers", built(_text(TEXT), Limits(layers=n))
        for text in ("", "input = [3]", "[conv1.bias]\nx = 1", "[conv1.pool]\nsize = 2"):
            yield f"the text {text!r}", built(text)


def _templates() -> Told:
    """What is printed of layers whose weights stand behind something else, or that are nothing."""
    kernel, matrix = array(4, 3, 2, 5), array(6, 5)
    conv = Convolution(weights=kernel, flip_filters=True)
    operations = {
        "a convolution": (conv,),
        "flattened": (Flatten(), conv),
        "dense": (Dense(weights=matrix, axes="io"),),
        "dense, flattened": (Flatten(), Dense(weights=matrix, axes="oi")),
        "normalised": (Normalisation(gamma=array(4)), conv),
        "nothing": (),
    }
    for (first, one), (second, other) in product(operations.items(), repeat=2):
        layers = [
            Layer(name="", type="input"),
            Layer(operations=one, parameters=(kernel,)),
            Layer(name="last", operations=other, parameters=(matrix,)),
        ]
        network = Network.of(layers, Origin(inferred=("something",)))
        lines = [line for line in template(network).splitlines() if line[:1] != "#"]
        yield f"a template of {first}, then {second}", " / ".join(filter(None, lines))


def odd_architectures() -> Told:
    yield from _texts()
    yield from _templates()
