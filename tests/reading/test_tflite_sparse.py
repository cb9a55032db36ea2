"""Sparse tensors of TensorFlow Lite in every order and form, written by the plainest writer and read back."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from filtviz.errors import MalformedFileError
from filtviz.reading.formats.tflite.sparsity import densified
from filtviz.reading.limits import Limits
from tests.reading.test_tflite import Fields, dense_axis, sparse_axis


def written(
    dense: np.ndarray, order: list[int], forms: str, blocks: dict[int, int]
) -> tuple[Fields, list[float]]:
    """Go through the axes in an order, listing all places of one (``d``) or those that hold anything (``s``).

    ``blocks`` are the lengths of blocks by axis; each is an axis of its own, behind the others.
    """
    whole = dense
    for number, (axis, length) in enumerate(sorted(blocks.items())):
        split = list(whole.shape)
        split[axis : axis + 1] = [split[axis] // length, length]
        whole = np.moveaxis(whole.reshape(split), axis + 1, dense.ndim + number)
    turned = whole.transpose(order)
    nodes: list[tuple[int, ...]] = [()]
    dimensions = []
    for level, form in enumerate(forms):
        n = turned.shape[level]
        if form == "d":
            dimensions.append(dense_axis(n))
            nodes = [(*node, i) for node in nodes for i in range(n)]
            continue
        segments, places, inner = [0], [], []
        for node in nodes:
            held = [i for i in range(n) if turned[(*node, i)].any()]
            places += held
            inner += [(*node, i) for i in held]
            segments.append(len(places))
        dimensions.append(sparse_axis(segments, places))
        nodes = inner
    fields: Any = Fields(_0=order, _1=sorted(blocks), _2=dimensions)
    return fields, [float(turned[node]) for node in nodes]


def read(shape: tuple[int, ...], sparsity: Fields, values: list[float]) -> np.ndarray:
    data = np.array(values, "<f4").tobytes()
    return densified(shape, np.dtype("<f4"), memoryview(data), sparsity, Limits()).read()


def made(shape: tuple[int, ...], share: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.integers(1, 99, shape) * (rng.random(shape) < share)).astype("f4")


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)], ids=str)
def test_each_order_of_axes_and_each_form_is_read(shape) -> None:
    for seed, (order, forms) in enumerate(
        itertools.product(
            itertools.permutations(range(len(shape))), itertools.product("ds", repeat=len(shape))
        )
    ):
        dense = made(shape, 0.4, seed)
        sparsity, values = written(dense, list(order), "".join(forms), {})
        if values:
            assert np.array_equal(read(shape, sparsity, values), dense), (order, forms)


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("shape", "blocks"),
    [
        ((4, 6), {0: 2}),
        ((4, 6), {1: 3}),
        ((4, 6), {0: 2, 1: 3}),
        ((2, 4, 3), {1: 2}),
        ((4, 2, 2), {0: 2, 2: 2}),
    ],
    ids=str,
)
def test_blocks_stand_where_their_axis_says(shape, blocks) -> None:
    draw = random.Random(1)
    n = len(shape) + len(blocks)
    for seed in range(12):
        order = draw.sample(range(n), n)
        # Blocks are whole: their places are all there.
        forms = "".join(draw.choice("ds") if axis < len(shape) else "d" for axis in order)
        dense = made(shape, 0.5, seed)
        sparsity, values = written(dense, order, forms, blocks)
        assert np.array_equal(read(shape, sparsity, values), dense), (order, forms)


@pytest.mark.parametrize("segments", [[-1, 1], [0, -1], [0, 3]], ids=str)
def test_segments_that_lie_are_refused(segments) -> None:
    sparsity: Any = Fields(_0=[0], _1=[], _2=[sparse_axis(segments, [0, 1])])
    values = memoryview(np.ones(2, "f4").tobytes())
    with pytest.raises(MalformedFileError, match="its elements are where they cannot be"):
        densified((4,), np.dtype("f4"), values, sparsity, Limits()).read()
