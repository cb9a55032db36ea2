"""Fidelity: 1 where all is linear, less where it is not, and said when there is nothing to say."""

from __future__ import annotations

import numpy as np
import pytest
from tests import building

from filtviz.composition import _correlations, compose, measure_fidelity
from filtviz.errors import CompositionError
from filtviz.network import Network
from filtviz.operations import Merge

from .build import as_layer, conv, entrance, network, pool, weights


def stack(nonlinearity: str, bias: float = 0.0, side: int | None = 20) -> Network:
    return network(
        entrance(2, side, side),
        conv(
            0,
            weights(8, 2, 3, 3),
            stride=(2, 2),
            pad=(1, 1),
            nonlinearity=nonlinearity,
            bias=np.full(8, bias),
        ),
        conv(1, weights(4, 8, 3, 3, seed=1), pad=(1, 1), nonlinearity="rectify"),
    )


@pytest.mark.parametrize("side", [20, 3, None])
def test_a_linear_stack_is_predicted_exactly(side: int | None) -> None:
    net = stack("linear", bias=0.3, side=side)
    layer = net.conv_layers[1]
    found = measure_fidelity(net, layer, compose(net, layer))
    np.testing.assert_allclose(found.correlations, 1.0, atol=1e-12)
    assert found.median == pytest.approx(1.0)
    assert found.stimuli == "white noise"
    assert found.responses >= 200


def test_a_rectifier_costs_some() -> None:
    net = stack("rectify")
    layer = net.conv_layers[1]
    found = measure_fidelity(net, layer, compose(net, layer))
    assert ((found.correlations > 0.4) & (found.correlations < 0.99)).all()


def test_noise_larger_than_the_network_s_images_fits_branches_padded_for_their_size() -> None:
    behind = {
        "stride": (2, 2),
        "nonlinearity": "linear",
    }  # 3x3 with a pixel behind and 1x1: alike at even sizes alone
    net = network(
        entrance(1, 4, 4),
        building.conv(weights(3, 1, 3, 3), below=0, pad=((0, 1), (0, 1)), **behind),
        conv(0, weights(3, 1, 1, 1, seed=1), **behind),
        as_layer(Merge(kind="add"), below=(1, 2)),
        building.conv(weights(3, 3, 3, 3, seed=2), below=3, pad=((0, 1), (0, 1)), **behind),
        conv(3, weights(3, 3, 1, 1, seed=3), **behind),
        as_layer(Merge(kind="add"), below=(4, 5)),
        conv(6, weights(2, 3, 3, 3, seed=4), pad=(1, 1)),
    )
    layer = net.conv_layers[-1]
    found = measure_fidelity(net, layer, compose(net, layer))
    np.testing.assert_allclose(found.correlations, 1.0, atol=1e-12)


def test_given_images_are_used_and_counted() -> None:
    net = stack("rectify")
    layer = net.conv_layers[1]
    images = np.random.default_rng(1).standard_normal((3, 2, 21, 17))
    found = measure_fidelity(net, layer, compose(net, layer), images)
    assert found.stimuli == "3 given images"
    # a template of 7x7 every 2 pixels, begun at -3: units 2 to 8 of 11 rows, 2 to 6 of 9 columns
    assert found.responses == 3 * 7 * 5


def test_units_that_never_respond_are_counted_not_hidden() -> None:
    net = stack("rectify", bias=-1e6)
    layer = net.conv_layers[1]
    found = measure_fidelity(net, layer, compose(net, layer))
    assert np.isnan(found.correlations).all()
    assert found.median is None
    assert found.sentence == "shown white noise, no unit ever changed its response: nothing can be said"


def test_units_of_which_one_answer_is_lost_correlate_with_nothing() -> None:
    units = np.random.default_rng(0).normal(size=(3, 2, 4, 4))
    lost = units.copy()
    lost[1, 0, 2, 3] = np.inf
    assert np.allclose(_correlations(units, units), 1)
    assert np.isnan(_correlations(units, lost)).tolist() == [True, False]


def test_the_same_seed_gives_the_same_result() -> None:
    net = network(entrance(1, 16, 16), conv(0, weights(4, 1, 3, 3)), pool(1, 2), conv(2, weights(4, 4, 3, 3)))
    layer = net.conv_layers[1]
    a, b, c = (measure_fidelity(net, layer, compose(net, layer), seed=s) for s in (0, 0, 1))
    assert np.array_equal(a.correlations, b.correlations)
    assert not np.array_equal(a.correlations, c.correlations)


def test_images_that_are_too_small_are_refused() -> None:
    net = stack("linear")
    layer = net.conv_layers[1]
    with pytest.raises(CompositionError, match="smaller than the composed filters, which are 7x7"):
        measure_fidelity(net, layer, compose(net, layer), np.zeros((1, 2, 5, 5)))
