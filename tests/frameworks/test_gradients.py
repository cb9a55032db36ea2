"""Saliency and what units want to see: slopes against Theano's and small differences, and by their rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import filtviz
from filtviz import RunningError
from filtviz.network import Network
from filtviz.operations import Dense, Flatten, Input, Softmax
from filtviz.parameter import Parameter
from tests.building import as_layer, conv, image, pool

torch = pytest.importorskip("torch", reason="torch is not installed (the extra torch)")

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "mission-trained.pkl"
RNG = np.random.default_rng(0)
IMAGE = RNG.random((1, 10, 10))


@pytest.fixture(scope="module")
def network() -> Network:
    dense = Dense(weights=Parameter.of("W", 0.3 * RNG.standard_normal((3 * 16, 4))), units=4)
    return Network.of(
        [
            image(1, 10, 10),
            conv(RNG.standard_normal((3, 1, 3, 3)), RNG.standard_normal(3), below=0),
            pool(2, below=1),
            as_layer(Flatten(), dense, Softmax(), below=2),
        ]
    )


def test_the_slopes_are_theanos() -> None:
    """Of the logarithm of the probability, in double precision, on images where nothing ties."""
    with np.load(Path(__file__).parent / "theano-slopes.npz") as truth:
        for shown, expected in zip(truth["images"], truth["slopes"], strict=True):
            found = filtviz.saliency(EXAMPLE, shown, signed=True)
            assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("of", ["log-probability", "output"])
def test_slopes_are_what_small_differences_tell(network: Network, of: Any) -> None:
    found = filtviz.saliency(network, IMAGE, target=2, of=of, signed=True).values

    def ask(shown: np.ndarray) -> float:
        answer = network.run(shown[None], engine="numpy")[0, 2]
        return float(np.log(answer) if of == "log-probability" else answer)

    for row, col in [(0, 0), (4, 5), (9, 9), (7, 2)]:
        step = np.zeros_like(IMAGE)
        step[0, row, col] = 1e-6
        slope = (ask(IMAGE + step) - ask(IMAGE - step)) / 2e-6
        assert found[0, row, col] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_without_a_sign_it_is_the_size_of_the_slopes(network: Network) -> None:
    signed = filtviz.saliency(network, IMAGE, signed=True)
    np.testing.assert_allclose(filtviz.saliency(network, IMAGE), np.abs(signed))


def test_integrated_gradients_add_up_to_the_change_of_the_output(network: Network) -> None:
    found = filtviz.saliency(network, IMAGE, "integrated", 1, "output", True).values
    ends = network.run(np.stack([IMAGE, 0 * IMAGE]), engine="numpy")[:, 1]
    assert found.sum() == pytest.approx(ends[0] - ends[1], rel=0.05)


def test_rectifiers_let_back_what_their_rule_says() -> None:
    """One unit, -1 times the pixel, behind a rectifier, with a weight of either sign."""
    kernel, weight = np.full((1, 1, 1, 1), -1.0), np.array([[-2.0, 2.0]])
    dense = as_layer(Flatten(), Dense(weights=Parameter.of("W", weight), units=2), below=1)
    network = Network.of([image(1, 1, 1), conv(kernel, below=0), dense])

    def slope(pixel: float, method: Any, target: int) -> float:
        shown = np.full((1, 1, 1), pixel)
        return float(filtviz.saliency(network, shown, method, target, "output", True).values[0, 0, 0])

    assert [slope(-1.0, method, 0) for method in ("gradient", "guided", "deconvnet")] == [2.0, 0.0, 0.0]
    assert [slope(-1.0, method, 1) for method in ("gradient", "guided", "deconvnet")] == [-2.0, -2.0, -2.0]
    assert [slope(1.0, method, 1) for method in ("gradient", "guided", "deconvnet")] == [0.0, 0.0, -2.0]


def test_smoothgrad_is_seeded(network: Network) -> None:
    one, same, other = (filtviz.saliency(network, IMAGE, "smoothgrad", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_gradcam_weighs_the_maps_of_a_layer(network: Network) -> None:
    found = filtviz.saliency(network, IMAGE, "gradcam").values
    assert found.shape == IMAGE.shape
    assert found.min() >= 0
    with pytest.raises(RunningError, match="has no maps over the image: choose a convolution"):
        filtviz.saliency(network, IMAGE, "gradcam", layer=network.layers[-1].title)


def test_what_is_asked_wrong_is_one_sentence(network: Network) -> None:
    with pytest.raises(
        RunningError, match="there is no saliency 'lrp' of 'log-probability': take one of gradient"
    ):
        filtviz.saliency(network, IMAGE, "lrp")  # type: ignore[arg-type]
    with pytest.raises(RunningError, match="there is no class 4: the network has 4, from 0"):
        filtviz.saliency(network, IMAGE, target=4)


def test_an_array_like_the_image_comes_back() -> None:
    shape = (None, 3, 6, 6)
    entrance = as_layer(Input(shape=shape, channels_last=True), output_shape=shape)
    dense = Dense(weights=Parameter.of("W", RNG.standard_normal((108, 2))), units=2)
    network = Network.of([entrance, as_layer(Flatten(), dense, Softmax(), below=0)])
    shown = RNG.random((1, 6, 6, 3))
    assert filtviz.saliency(network, shown).values.shape == (6, 6, 3)
    assert filtviz.saliency(network, shown[0]).values.shape == (6, 6, 3)


def test_an_image_is_made_that_a_unit_answers(network: Network) -> None:
    made = filtviz.maximise(network, 1, 0, steps=40)
    assert made.images.shape == (1, 1, 10, 10)
    assert made.answers[-1, 0] > made.answers[0, 0] + 0.5
    assert 0 <= made.images.min() <= made.images.max() <= 1
    both = filtviz.maximise(network, [1, 2], 0, steps=40)
    np.testing.assert_allclose(made.images[0], both.images[0], atol=1e-4)
    assert both.answers.shape == (41, 2)


def test_an_image_is_changed_until_the_network_is_fooled(network: Network) -> None:
    before = network.run(IMAGE[None], engine="numpy")[0]
    target = int(before.argmin())
    made = filtviz.maximise(network, target, images=IMAGE, steps=60, rate=0.02)
    after = network.run(made.images, engine="numpy")[0]
    assert after[target] > before[target]
    np.testing.assert_array_equal(made.start, IMAGE)


def test_there_is_no_such_unit(network: Network) -> None:
    with pytest.raises(RunningError, match="conv1 has 3 units, counted from 0: there is no 3"):
        filtviz.maximise(network, 3, 0)
