"""What beside a convolution's own weights tells of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.chains import batch_norm

from filtviz import diagnose
from filtviz.measures.training import signs_of_training, touched_by
from filtviz.network import Layer, Network, Origin
from filtviz.operations import Dense
from filtviz.parameter import Parameter


@pytest.fixture
def untouched(make_conv, glorot):
    return make_conv(glorot((4, 1, 3, 3)))


def dense(bias: np.ndarray) -> Layer:
    weights = Parameter.of("W", np.zeros((50, len(bias))))
    return Layer(
        type="DenseLayer", name="fc", operations=(Dense(weights=weights, bias=Parameter.of("b", bias)),)
    )


def test_nothing_tells_of_an_untouched_network(make_chain, untouched) -> None:
    assert signs_of_training(make_chain(untouched, batch_norm(4), dense(np.zeros(3)))) == ()


@pytest.mark.cases("all")
@pytest.mark.parametrize("field", ["beta", "gamma", "mean", "inv_std"])
@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_the_shifts_of_a_normalisation_tell_where_there_are_two_or_more(
    make_chain, untouched, field: str, n: int
) -> None:
    """Images alone move its statistics, and DCGAN draws its factors at random."""
    norm = batch_norm(n)
    (operation,) = norm.operations
    values = Parameter.of(field, np.linspace(0.5, 1.5, n))
    moved = replace(operation, **{"spread" if field == "inv_std" else field: values})
    network = make_chain(untouched, replace(norm, name="bn1", operations=(moved,)))
    tells, is_data = n > 1 and field == "beta", n > 1 and field in ("mean", "inv_std")
    assert signs_of_training(network) == (("batch normalisation has left its start in bn1",) if tells else ())
    assert touched_by(network) == (
        "images went through it (the statistics of bn1 have left their start)" if is_data else ""
    )
    without = replace(norm, name="bn1", operations=(replace(moved, beta=None),))
    expected = n > 1 and field != "beta"
    assert bool(signs_of_training(make_chain(untouched, without))) is expected
    assert touched_by(make_chain(untouched, without)) == ""


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("gamma", "beta", "mean", "told"),
    [
        ([1, 0, 1, 1], 0, 0, "channels were switched off (some factors of bn1 are 0)"),
        ([1, 0, 0, 0], 0, 0, "channels were switched off (some factors of bn1 are 0)"),
        ([0, 0, 0, 0], 0, 0, ""),
        ([1, 1, 1, 1], 0, 0, ""),
        ([1, 0, 1, 1], [1, 2, 3, 4], 0, ""),  # it has moved
        (
            [1, 0, 1, 1],
            0,
            [1, 2, 3, 4],
            "images went through it (the statistics of bn1 have left their start) and channels were switched "
            "off (some factors of bn1 are 0)",
        ),
    ],
)
def test_some_factors_of_zero_were_set_and_all_may_be_a_start(
    make_chain, untouched, gamma, beta, mean, told
) -> None:
    values = {"gamma": gamma, "beta": beta, "mean": mean}
    arrays = {name: np.broadcast_to(np.array(each, float), 4) for name, each in values.items()}
    network = make_chain(untouched, replace(batch_norm(4, **arrays), name="bn1"))
    assert touched_by(network) == told
    assert bool(signs_of_training(network)) is (beta != 0)


def test_a_plain_scale_is_no_statistic(make_chain, untouched) -> None:
    norm = batch_norm(4, beta=np.arange(4.0))
    (operation,) = norm.operations
    plain = replace(norm, operations=(replace(operation, is_batch=False),))
    assert signs_of_training(make_chain(untouched, plain)) == ()


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    ("framework", "bias", "tells"),
    [
        ("Lasagne", 0.1 * np.linspace(-1, 1, 20), True),
        ("PyTorch", 0.1 * np.linspace(-1, 1, 20), False),  # within 1/√50, evenly spread
        ("PyTorch", 0.3 * np.linspace(-1, 1, 20), True),
        ("", 0.1 * np.linspace(-1, 1, 20), False),
        ("", 0.3 * np.linspace(-1, 1, 20), True),
        ("Lasagne", np.full(20, 0.1), False),
    ],
)
def test_biases_of_dense_layers_tell(
    make_chain, untouched, framework: str, bias: np.ndarray, tells: bool
) -> None:
    network = make_chain(untouched, dense(bias))
    network = replace(network, origin=Origin(framework=framework))
    assert signs_of_training(network) == (("the biases of fc have left their start",) if tells else ())


def _weights(kind: str) -> np.ndarray:
    random = np.random.default_rng(0)
    drawn, normal = random.uniform(-0.1, 0.1, (300, 100)), random.normal(0, 0.1, (300, 100))
    return {
        "trained": drawn + random.normal(0, 0.02, drawn.shape),
        "uniform": drawn,
        "normal": normal,
        "cut": normal[np.abs(normal) < 0.2][:28_000].reshape(280, 100),
        "of few weights": (drawn + random.normal(0, 0.02, drawn.shape))[:9],
        "pruned": np.where(np.abs(normal) < 0.05, 0, normal),
        "rounded": np.round(normal * 20) / 20 + 0.01,
        "one number": np.full((300, 100), 0.1),
        "not finite": np.where(normal > 0.3, np.nan, normal),
        "half": drawn.astype("f2"),
    }[kind]


@pytest.mark.cases("all")
@pytest.mark.parametrize(
    "kind",
    ["trained", "uniform", "normal", "cut", "of few weights", "pruned", "rounded", "one number", "not finite",
     "half"],
)  # fmt: skip
def test_weights_of_a_dense_layer_tell_where_no_initialiser_draws_such(make_chain, untouched, kind) -> None:
    layer = Layer(type="Linear", name="fc", operations=(Dense(weights=Parameter.of("W", _weights(kind))),))
    told = ("no initialiser draws such weights as those of fc",) if kind == "trained" else ()
    assert signs_of_training(make_chain(untouched, layer)) == told


def test_the_last_dense_layers_are_looked_at(make_chain, untouched) -> None:
    uniform = np.random.default_rng(0).uniform(-0.1, 0.1, (50, 20))
    values = {"uniform": uniform, "trained": 0.1 * np.sign(uniform) + 0.1 * uniform}

    def fc(name: str, kind: str) -> Layer:
        dense = Dense(weights=Parameter.of("W", values[kind]))
        return Layer(type="Linear", name=name, operations=(dense,))

    drawn = [fc(f"drawn{place}", "uniform") for place in range(7)]
    told = "no initialiser draws such weights as those of"
    assert signs_of_training(make_chain(untouched, fc("a", "trained"), *drawn)) == (f"{told} a",)
    assert signs_of_training(make_chain(untouched, *drawn, fc("z", "trained"))) == (f"{told} z",)
    early = make_chain(untouched, fc("a", "trained"), *drawn, fc("drawn", "uniform"))
    assert signs_of_training(early) == ()


def test_what_the_reader_found_tells(make_chain, untouched) -> None:
    origin = Origin(training=("it holds the state of an optimiser",), epoch=12)
    network: Network = replace(make_chain(untouched), origin=origin)
    assert signs_of_training(network) == ("it holds the state of an optimiser", "it was saved after epoch 12")
    assert signs_of_training(replace(network, origin=Origin(epoch=0))) == ()


def test_what_tells_of_training_decides_of_a_layer_that_could_not_show_it(make_chain, make_conv) -> None:
    drawn = np.random.default_rng(1).normal(0, 0.1, (8, 3, 3, 3)).astype("float32")
    network: Network = make_chain(make_conv(drawn))
    for epoch, verdict in ((None, "initial"), (0, "initial"), (1, "undecided"), (12, "undecided")):
        assert diagnose(replace(network, origin=Origin(epoch=epoch))).layers[0].verdict == verdict
