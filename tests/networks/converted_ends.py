"""What is nearly another thing when a network is written: kernels of one column, biases of two axes.

``python -m tests.telling`` writes ``tests/told/networks/converted_ends.txt`` anew.
"""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from filtviz.activations import Activation
from filtviz.converting import _facts, _settled, _supposed, _texts, onnx_graph
from filtviz.converting.archives import write_safetensors
from filtviz.converting.collected import attribute, stored, torch_layout
from filtviz.converting.module_source import printed_module
from filtviz.converting.shaped import steps
from filtviz.converting.verifying import compared, expected
from filtviz.network import Layer, Network, Origin
from filtviz.operations import (
    Convolution,
    Dense,
    Flatten,
    Identity,
    Input,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Reshape,
    Slice,
    Standardisation,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter, Shape
from tests.building import as_layer
from tests.interpreters.cases import drawn
from tests.networks.converted import _arrays, _whole, _with_arrays, named
from tests.networks.refused import _both, _local
from tests.networks.walks import said
from tests.reading.operators.graphs import written

__all__ = ["converted_ends"]


def converted_ends() -> Iterator[tuple[str, str]]:
    yield from _turned()
    yield from _of_files()
    yield from _for_torch()
    yield from _written()
    yield from _steps()
    yield from _compared()


def _entrance(name: str, shape: Shape, **more: Any) -> Layer:
    return Layer(name=name, operations=(Input(shape=shape),), output_shape=shape, **more)


def _after(shape: Shape, *operations: Operation) -> Network:
    return Network.of([_entrance("in", shape), as_layer(*operations, below=0, name="it")])


def _kernel(*size: int, flips: bool | None = None) -> Convolution:
    return Convolution(weights=drawn(2, 4, *size), flip_filters=flips)


def _turned() -> Iterator[tuple[str, str]]:
    """Where it is supposed that kernels are turned, and what a person's word changes."""
    local = _local(2, "oircyx")
    for words, operations in {
        "3x1": (_kernel(3, 1),),
        "1x3": (_kernel(1, 3),),
        "1x1": (_kernel(1, 1),),
        "1x1, then 2x2": (_kernel(1, 1), _kernel(2, 2)),
        "told, then not": (_kernel(2, 2, flips=True), _kernel(2, 2)),
        "told": (_kernel(2, 2, flips=False), _kernel(3, 3, flips=True)),
        "local": (local,),
        "local, told": (replace(local, flip_filters=False),),
        "none": (Activation(kind="tanh"),),
    }.items():
        network = Network.of([as_layer(*operations)])
        told = [
            [getattr(one, "flip_filters", "-") for one in _settled(network, turned).layers[0].operations]
            for turned in (None, True, False)
        ]
        yield f"kernels {words}", f"{told} {len(_supposed(network))}"


def _of_files() -> Iterator[tuple[str, str]]:
    """What is told of the files that were converted, and how facts are written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("a.bin", "b.bin", "c.bin"):
            (folder / file).write_bytes(file.encode())
        siblings = tuple(folder / one for one in ("b.bin", "gone", "c.bin", "."))
        for words, path in (("a file", folder / "a.bin"), ("a folder", folder), ("nothing", None)):
            network = Network.of([as_layer(Identity())], Origin(path=path, siblings=siblings, kind="a test"))
            facts = _facts(network, "stored", {"more": 1})
            yield f"facts of {words}", str({key: facts[key] for key in facts if key != "converter"})
    held = {"text": "x", "none": None, "list": [1, True, "a"], "inside": {"a": 1.5, "b": 'c"'}}
    yield "facts as texts", str(_texts(held))
    for told in ({}, {"kind": ""}, {"a": None}):
        stream = io.BytesIO()
        write_safetensors(stream, [Parameter.of("w", np.ones(1, "f4"))], told)
        yield f"a header of {told}", ascii(stream.getvalue())
    for n in (293, 294, 300, 301, 556):  # headers of 384 and 640 bytes would begin as pickles do
        stream = io.BytesIO()
        write_safetensors(stream, [Parameter.of("w" * n, np.ones(1, "f4"))], {"kind": "test"})
        held_bytes = stream.getvalue()
        yield f"a header of a name of {n}", f"{held_bytes[:8].hex()} {zlib.crc32(held_bytes):08x}"


def _for_torch() -> Iterator[tuple[str, str]]:
    """Arrays in the layout of PyTorch's."""
    of_torch = Origin(framework="PyTorch")
    dense = Dense(weights=named("W", 4, 2))
    for n in (5, 6, 8):
        more = tuple(named(f"p{i}", 1) for i in range(n))
        yield f"{n} beside, of PyTorch", said(_left_out, _with_arrays(dense, extra=more, origin=of_torch))
    empty = _with_arrays(Identity(), extra=(named("e", 0), named("f", 2), named("g", 0, 3)))
    yield "arrays of no numbers", _arrays(stored(empty, attribute))
    names = ("num_batches_tracked", "num_batches", "num_features", "Num_batches_tracked")
    counters = tuple(Parameter.of(one, np.array(7)) for one in names)
    yield "counters, of PyTorch", said(_left_out, _with_arrays(dense, extra=counters, origin=of_torch))
    for framework in ("PyTorch", "pytorch", "PyTorch Lightning", ""):
        for kind in ("a Torch7 file", "a net"):
            origin = Origin(framework=framework, kind=kind)
            network = _with_arrays(Untold(reason="unknown"), extra=(named("W", 2),), origin=origin)
            yield f"{kind} of {framework!r}", said(_left_out, network)
    for words, operation in {
        "a bias of two axes": Convolution(
            weights=named("W", 2, 3, 2), axes="oic", bias=named("b", 2, 4), flip_filters=False
        ),
        "groups in three axes": Convolution(
            weights=named("W", 2, 1, 3, 4, 2), axes="drcgo", flip_filters=True
        ),
        "a mean alone": Normalisation(mean=named("mean", 3), gamma=named("gamma", 3), is_batch=False),
    }.items():
        yield words, said(lambda one=operation: _arrays(torch_layout(_with_arrays(one), attribute)))
    for dtype in ("f2", "f4", "f8"):
        spread = Parameter.of("std", np.array([0.5, 1.5, 2.0], dtype))
        network = _with_arrays(Normalisation(mean=named("mean", 3), spread=spread, spread_is="std"))
        yield f"a deviation in {dtype}", said(lambda held=network: _arrays(torch_layout(held, attribute)))


def _left_out(network: Network) -> str:
    found = torch_layout(network, attribute)
    return f"{[one.name for one in found.arrays]} {found.remarks}"


def _written() -> Iterator[tuple[str, str]]:
    """Operations as ONNX and as a module."""
    row, units, deep = (None, 4, 6), (None, 4, 6, 6), (None, 2, 3, 4, 5, 3)
    three = {"mean": drawn(4), "spread": drawn(4, low=0.1)}
    one_is_0 = Parameter.of("beta", np.array([0.0, 1.0, 0.0, 2.0], "f4"))
    window = {"stride": (1,), "pad": ((0, 0),), "flip_filters": False}
    for words, shape, operation in (
        ("a bias for each place of a row", row, Convolution(
            weights=drawn(2, 4, 3), axes="oic", bias=drawn(2, 4), **window)),
        ("a bias of units in places", row, Dense(weights=drawn(4, 3), bias=drawn(3, 1), per_position=True)),
        ("clipped at no number", units, Activation(kind="clipped_rectify", alpha=float("nan"))),
        ("clipped at less", units, Activation(kind="clipped_rectify", alpha=-1.0)),
        ("a third power", units, Activation(kind="power", alpha=3.0)),
        ("a second power", units, Activation(kind="power", alpha=2.0)),
        ("a frame that takes away at an end", units, Pad(pad=((0, -1), (0, 0)), mode="edge")),
        ("a frame that takes away of zeros", units, Pad(pad=((0, 0), (0, -1)))),
        ("numbers made flat", (None,), Flatten()),
        ("up to 0", units, Slice(axis=2, start=-3, stop=0)),
        ("from 0 up to 1", units, Slice(axis=2, start=0, stop=1)),
        ("pooling of four axes", deep, Pooling(
            kind="max", size=(1,) * 4, stride=(1,) * 4, pad=((0, 0),) * 4)),
        ("moments that are no batch's", units, Normalisation(**three, spread_is="variance", is_batch=False)),
        ("moments of a batch", units, Normalisation(**three, spread_is="variance")),
        ("a shift of some", units, Normalisation(gamma=drawn(4), beta=one_is_0, is_batch=False)),
        ("an epsilon of many digits", units, Standardisation(groups=2, epsilon=1.23456789e-05)),
        ("places of an epsilon of many digits", units, Standardisation(axes=(1,), epsilon=1.23456789e-05)),
        ("no shift", units, Normalisation(gamma=drawn(4), is_batch=False)),
    ):  # fmt: skip
        yield words, said(lambda s=shape, o=operation: _both(_after(s, o)))
    for words, shapes, join in (
        ("a turned product of rows", (row, row), MatrixProduct(turned=(False, True))),
        ("a turned product of numbers", ((6, 6), (6, 6)), MatrixProduct(turned=(True, False))),
        ("a turned product of boxes", (deep[:5],) * 2, MatrixProduct(turned=(True, True))),
        ("a sum of cropped channels", (units, (None, 6, 6, 6)), Merge(
            kind="add", cropping=(None, "center", None, None))),
        ("a sum of cropped rows", (units, (None, 4, 9, 6)), Merge(
            kind="add", cropping=("None", None, "lower", "None"))),
        ("a sum of cropped images", ((4, 2), (7, 2)), Merge(kind="add", cropping=("upper", None))),
    ):  # fmt: skip
        ends = [_entrance(name, one) for name, one in zip("ab", shapes, strict=True)]
        both = Network.of([*ends, as_layer(join, below=(0, 1), name="it")])
        yield words, said(lambda held=both: _both(held))
        turned = Network.of([*ends, as_layer(join, below=(1, 0), name="it")])
        yield f"{words}, turned", said(lambda held=turned: _both(held))
    wide = _after((None, 1500, 2, 2), Upscale(scale=(2, 2), dilates=True))
    with patch.object(onnx_graph, "MOST_ONES", 1499):
        yield "1500 channels of 1499", said(lambda: written(wide))
    four = _entrance("a", (4, 2))
    again = as_layer(Reshape(lengths=(4, -1)), below=0, name="again")
    source = said(lambda: printed_module(Network.of([four, again]), "w.pt")[0])
    yield "images of four", source.partition("Images are ")[2].partition("\n")[0]


def _steps() -> Iterator[tuple[str, str]]:
    """What stands in the way of steps, and which shape counts."""
    first = _entrance("in", (None, 3))
    for words, operations in {
        "untold": (Untold(reason="one"),),
        "untold behind": (Activation(kind="tanh"), Untold(reason="one")),
        "untold twice": (Untold(reason="one"), Untold(reason="other")),
        "told": (Activation(kind="tanh"),),
    }.items():
        network = Network.of([first, as_layer(*operations, name="alone")])
        yield f"a layer that nothing feeds, {words}", said(lambda held=network: len(list(steps(held))))
    two = Layer(name="in", operations=(Input(shape=(None, 3)),), output_shape=(None, 5))
    yield "an input of two shapes", said(lambda: [one.shape for one in steps(Network.of([two]))])
    for words, n in (("open", None), ("closed", 48)):
        ends = [_entrance("a", (None, n)), _entrance("b", (None, 3))]
        fits = as_layer(Dense(weights=drawn(48, 2)), below=0)  # noise of 32 numbers does not
        found = said(lambda held=[*ends, fits]: [one.shape for one in expected(Network.of(held), None)[0]])
        yield f"two inputs, one of 48 numbers that is {words}", found


def _compared() -> Iterator[tuple[str, str]]:
    """Answers that are no numbers on one side, and differences of large and of small ones."""
    one, large = np.array([0.0, 1.0]), np.array([0.0, 1e6])
    for words, ours, theirs in (
        ("infinite there", one, np.array([0.0, np.inf])),
        ("large ones that differ by 10", large, np.add(large, [10.0, 0])),
        ("large ones that differ by 200", large, np.add(large, [200.0, 0])),
        ("small ones that differ", one * 1e-6, np.add(one * 1e-6, [1e-9, 0])),
        ("twice as large there", one * 1e-3, one * 2e-3),
    ):
        for single in (None, 1 / 1024):
            how = None if single is None else (lambda held=ours, by=single: [held * (1 + by)])
            yield (
                f"{words}, single precision {single}",
                said(lambda a=ours, b=theirs, h=how: _whole(compared([a], [b], 2, "it", h))),
            )
