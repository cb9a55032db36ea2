"""Receptive fields against what a real network's units answer to: one bright pixel after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz.receptive_field import receptive_fields

from .networks import DilatedConv2DLayer, T, ll, theano


def build_strided() -> Any:
    net = ll.Conv2DLayer(ll.InputLayer((None, 1, 25, 23)), 1, (3, 5), stride=(2, 1), pad=(1, 2))
    net = ll.MaxPool2DLayer(net, (3, 2), stride=(2, 2))
    net = ll.Conv2DLayer(net, 1, (2, 3), pad="same")
    return ll.Pool2DLayer(net, 2, stride=1, mode="average_inc_pad")


def build_dilated() -> Any:
    net = ll.Conv2DLayer(ll.InputLayer((None, 1, 25, 23)), 1, 3, stride=2)
    return DilatedConv2DLayer(ll.NonlinearityLayer(net), 1, (3, 3), dilation=(2, 3))


def build_branches() -> Any:
    image = ll.InputLayer((None, 1, 25, 23))
    wide = ll.Conv2DLayer(ll.Conv2DLayer(image, 1, (5, 3), pad="same"), 1, 3, pad="same")
    return ll.MaxPool2DLayer(ll.ConcatLayer([wide, ll.Conv2DLayer(image, 1, (1, 9), pad="same")]), 2)


def light_up(layers: list[Any], rows: int, cols: int) -> list[np.ndarray]:
    """Return each layer's answers to single bright pixels, ``(row, col, channel, y, x)``.

    All weights are positive, biases zero and the image dark: a unit answers exactly if it sees the pixel.
    """
    for parameter in ll.get_all_params(layers[-1]):
        positive = parameter.name.endswith("W")
        parameter.set_value(np.full_like(parameter.get_value(), float(positive)))
    images = T.tensor4("images")
    answer = theano.function([images], [ll.get_output(layer, images) for layer in layers])
    impulses = np.eye(rows * cols, dtype=theano.config.floatX).reshape(-1, 1, rows, cols)
    return [np.asarray(a).reshape(rows, cols, *a.shape[1:]) for a in answer(impulses)]


@pytest.mark.parametrize("build", [build_strided, build_dilated, build_branches])
def test_units_see_exactly_their_receptive_field(
    build: Callable[[], Any], tmp_path: Path, dump: Callable[..., Path]
) -> None:
    net = build()
    layers = ll.get_all_layers(net)
    fields = receptive_fields(filtviz.load(dump(net, tmp_path / "net.pkl")))
    compared = 0
    for layer, field, answers in zip(layers, fields, light_up(layers, 25, 23), strict=True):
        assert field is not None, layer
        for y, x in np.ndindex(answers.shape[3:]):
            seen = np.argwhere(answers[:, :, :, y, x].any(axis=2))
            for axis, unit in enumerate((y, x)):
                first = field.start[axis] + unit * field.jump[axis]
                last = first + field.size[axis] - 1
                if first < 0 or last >= (25, 23)[axis]:
                    continue  # the border cuts the field
                assert (seen[:, axis].min(), seen[:, axis].max()) == (first, last), (layer, y, x)
                compared += 1
    assert compared > 500
