"""Biases, and the batch normalisation in their place, that have left their start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.chains import batch_norm

from filtviz.measures.bias import bias_state, normalisation_moved
from filtviz.network import Layer, Network
from filtviz.parameter import Parameter


def test_normalisation_that_moved_is_noticed(make_conv, make_chain, glorot) -> None:
    def network(layer: Layer) -> Network:
        return make_chain(make_conv(glorot((4, 1, 3, 3))), layer)

    assert not normalisation_moved(network(batch_norm(4)), network(batch_norm(4)).conv_layers[0])
    moved = network(batch_norm(4, beta=np.arange(4.0)))
    assert normalisation_moved(moved, moved.conv_layers[0])


@pytest.mark.parametrize(
    ("bias", "state"),
    [
        ([0.5], "moved"),  # a lone bias is as good as any two: nobody starts it there
        (None, "none"),
        ([], "none"),
        ([0.5, 0.5], "constant"),
        ([0.0], "zero"),
        ([0.0, 0.0], "zero"),
        ([0.5, 0.5, 0.5], "constant"),
        ([0.0, 1e-9], "moved"),
        ([0.5, -0.5], "moved"),
    ],
)
def test_what_biases_tell(bias: list[float] | None, state: str) -> None:
    assert bias_state(None if bias is None else np.array(bias)) == state


@pytest.mark.parametrize("field", ["beta", "gamma", "mean", "inv_std"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_each_of_three_statistics_tells_alone_where_there_are_two_or_more(
    make_conv, make_chain, glorot, field: str, n: int
) -> None:
    """The spread of what comes in differs from channel to channel from the first batch on."""
    norm = batch_norm(n)
    values = np.linspace(0.5, 1.5, n)
    parameters = {p.name: Parameter.of(p.name, values) if p.name == field else p for p in norm.parameters}
    (operation,) = norm.operations
    moved = replace(operation, **{"spread" if k == "inv_std" else k: p for k, p in parameters.items()})
    network = make_chain(make_conv(glorot((n, 1, 3, 3))), replace(norm, operations=(moved,)))
    assert normalisation_moved(network, network.conv_layers[0]) == (n > 1 and field != "inv_std")
