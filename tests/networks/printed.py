"""What a printed module is called and calls its parts, and how single precision excuses what differs.

``python -m tests.telling`` writes ``tests/told/networks/printed.txt`` anew.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from filtviz.activations import Activation
from filtviz.budget import Budget
from filtviz.converting import verifying
from filtviz.converting.archives import _member, write_npz
from filtviz.converting.module_source import printed_module
from filtviz.network import Layer, Network
from filtviz.operations import (
    Dense,
    Identity,
    Input,
    Merge,
    Normalisation,
    Pad,
    Softmax,
    Transpose,
)
from filtviz.parameter import Parameter
from tests.building import as_layer, conv
from tests.interpreters.cases import drawn
from tests.networks.verified import _process, _written
from tests.networks.walks import said

__all__ = ["printed"]


def printed() -> Iterator[tuple[str, str]]:
    yield from _heads()
    yield from _names()
    yield from _precision()
    yield from _comments()


def _entrance(name: str, *shape: int | None) -> Layer:
    return Layer(name=name, operations=(Input(shape=shape),), output_shape=shape)


def _head(network: Network, weights: str) -> str:
    head, _, _ = printed_module(network, weights)[0].partition('"""\n\nimport')
    return " ".join(head.partition("load_state_dict(")[2].split())


def _heads() -> Iterator[tuple[str, str]]:
    plain = Network.of([_entrance("in", None, 3, 4, 4), as_layer(Activation(kind="tanh"), below=0)])
    for weights in (
        "w.pt", "w", "a.b.pt", "a b.pt", ".pt", "class.pt", "_w.pt", "w_.pt", "9.pt", "é.pt", "w.PTH", "",
        'w".pt', "w\n.pt",
    ):  # fmt: skip
        yield f"the weights {weights!a}", _head(plain, weights)
    several = {
        "two inputs": [_entrance("a", None, 3), _entrance("b", 2, 5, 4, 4), as_layer(Identity(), below=0)],
        "an input of open lengths": [_entrance("a", None, 3, None, 7)],
        "an input of four": [_entrance("a", 4, 3)],
    }  # fmt: skip
    for name, layers in several.items():
        yield f"the head of {name}", said(lambda held=layers: _head(Network.of(held), "w.pt"))


def _lines(network: Network) -> str:
    source, collected = printed_module(network, "w.pt")
    lines = [line.strip() for line in source.partition("super().__init__()")[2].splitlines() if line.strip()]
    return f"{'; '.join(lines)} | {[(one.name, one.shape) for one in collected.arrays]}"


def _names() -> Iterator[tuple[str, str]]:
    """Yield modules of layers whose names, and those of their parts, would be the same."""
    slopes = Activation(kind="parametric_rectify", slopes=drawn(3))
    norm = Normalisation(mean=drawn(3), spread=drawn(3, low=0.1), along=(1,))
    odd = replace(norm, along=(3,))
    untied = conv(drawn(3, 3, 1, 1).value, drawn(3, 4, 3).value, flip_filters=False, nonlinearity="linear")
    first = _entrance("in", None, 3, 4, 3)
    dense = Dense(weights=drawn(3, 3), axes="oi", per_position=True)
    cases: dict[str, list[Layer]] = {
        "a part called as a layer": [
            as_layer(slopes, name="a"), as_layer(slopes, name="a_slopes"), as_layer(slopes, name="a"),
        ],
        "layers called as words of PyTorch": [
            as_layer(norm, name=name) for name in ("forward", "self", "F", "torch", "state_dict", "images")
        ],
        "several parts in a layer": [
            as_layer(norm, norm, slopes, slopes, odd, name="a"), as_layer(norm, name="a_1"),
        ],
        "biases for each place": [untied, replace(untied, name="a"), replace(untied, name="a_bias")],
        "the same in other letters": [
            as_layer(norm, name="A"), as_layer(norm, name="a"), as_layer(dense, name="Á"),
        ],
        "layers that do nothing": [as_layer(Identity(), name="a"), as_layer(Identity(), Softmax(), name="b")],
        "no names": [as_layer(norm, type="Norm"), as_layer(norm, type="Norm"), as_layer(slopes, type="1 x")],
        "padding along the first axes": [as_layer(Pad(pad=((1, 0), (0, 2), (0, 0)), first_axis=1), name="a")],
        "a turn and back": [as_layer(Transpose(order=(0, 1, 2, 3)), Transpose(order=(0, 2, 1, 3)), name="a")],
    }  # fmt: skip
    for name, layers in cases.items():
        held = [first, *(replace(layer, inputs=(place,)) for place, layer in enumerate(layers))]
        yield f"the names of {name}", said(lambda held=held: _lines(Network.of(held)))


def _precision() -> Iterator[tuple[str, str]]:
    """Yield what becomes of a network in which single precision loses all that is left of a difference."""
    near = np.array([[1e8]]), np.array([[1e8 + 1]])
    layers = [_entrance("in", None, 1)]
    layers += [as_layer(Dense(weights=Parameter.of("W", one)), below=0, name="d") for one in near]
    network = Network.of([*layers, as_layer(Merge(kind="subtract"), below=(2, 1), name="left")])

    for name, answer in {
        "as single precision does": lambda given: [np.zeros((2, 1), "f4")],
        "twice as far": lambda given: [2 * np.ones((2, 1), "f4")],
        "far away": lambda given: [100 * np.ones((2, 1), "f4")],
    }.items():
        with _process(answer):
            yield f"a difference, answered {name}", _written(network, {"verify": True})
    small = Budget(work=1)
    with _process(lambda given: [np.zeros((2, 1), "f4")]), patch.object(verifying, "Budget", lambda: small):
        for budget in (Budget(), None):
            told_of = _written(network, {"verify": True, "budget": budget})
            yield f"a difference, with{'' if budget else 'out'} a budget of one's own", told_of


def _comments() -> Iterator[tuple[str, str]]:
    """Yield how much of what was converted is kept where it is longer than a comment can be."""
    for n in (0, (1 << 31) - 4097, (1 << 31) - 4096, (1 << 31) - 4095):
        with zipfile.ZipFile(io.BytesIO(), "w") as archive:
            archive.writestr("first", b"xyz")
            with _member(archive, "a", n, aligned=64) as member:
                at = archive.fp.tell() % 64  # type: ignore[union-attr]
                member.write(b"x")
            yield f"a member of {n}", f"begins at {at}, {archive.getinfo('a').extra[:4]!r}"
    for n in (65_533, 65_534, 65_535, 65_536):
        text = "x" * (n - len(json.dumps({"a": ""})))
        stream = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write_npz(stream, [], {"a": text})
        yield f"a comment of {n}", str(len(zipfile.ZipFile(stream).comment))
