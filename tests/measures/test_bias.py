"""Biases, and the batch normalisation in their place, that have left their start."""

from __future__ import annotations

import numpy as np
from tests.chains import batch_norm

from filtviz.measures.bias import normalisation_moved
from filtviz.network import Layer, Network


def test_normalisation_that_moved_is_noticed(make_conv, make_chain, glorot) -> None:
    def network(layer: Layer) -> Network:
        return make_chain(make_conv(glorot((4, 1, 3, 3))), layer)

    assert not normalisation_moved(network(batch_norm(4)), network(batch_norm(4)).conv_layers[0])
    moved = network(batch_norm(4, beta=np.arange(4.0)))
    assert normalisation_moved(moved, moved.conv_layers[0])
