"""Layers whose attributes are of every wrong kind: the network is read, and its geometry is left open."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import filtviz
from filtviz.cli.json_data import network_data
from filtviz.network import Network
from filtviz.summary import summarize
from tests.attacks.graphs import ATTRIBUTES, LAYERS, VALUES, hostile_convolution, hostile_layer

TELLING = ("below zero", "two to the hundredth", "text")
"""What even the fast tests try."""

PARAMETERS = [
    pytest.param(value, id=name, marks=() if name in TELLING else pytest.mark.slow)
    for name, value in VALUES.items()
]


def read(folder: Path, data: bytes) -> Network:
    path = folder / "model.pkl"
    path.write_bytes(data)
    return filtviz.load(path)


def check_numbers(network: Network) -> None:
    """Each number of the table can be printed, and none is below zero."""
    for row in network_data(network, summarize(network))["layers"]:
        numbers = [
            row[key] or () for key in ("output_shape", "kernel", "stride", "dilation", "receptive_field")
        ]
        known = [number for group in numbers for number in group if number is not None]
        assert all(type(number) is int and 0 <= number < 1 << 31 for number in known), row
        assert all(c is None or 0 <= c <= 1 or math.isnan(c) for c in row["coverage"] or ()), row


@pytest.mark.parametrize("value", PARAMETERS)
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_convolution_survives_each_value_of_each_attribute(attribute, value, tmp_path):
    network = read(tmp_path, hostile_convolution(attribute, value))
    assert [layer.W.shape for layer in network.conv_layers] == [(2, 1, 3, 3)]
    check_numbers(network)


@pytest.mark.parametrize("value", PARAMETERS)
@pytest.mark.parametrize(
    ("cls", "attribute"), [(cls, attribute) for cls, attributes in LAYERS.items() for attribute in attributes]
)
def test_a_layer_survives_each_value_of_each_attribute(cls, attribute, value, tmp_path):
    network = read(tmp_path, hostile_layer(cls, attribute, value))
    assert [layer.W.shape for layer in network.conv_layers] == [(2, 1, 3, 3)] * 2
    check_numbers(network)
