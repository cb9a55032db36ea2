"""What a small file asks for by the size of its images is bounded: nobody has said how often it is run."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.budget import Account, Budget
from filtviz.errors import BudgetError
from filtviz.network import Network
from filtviz.operations import Flatten
from filtviz.responses import codes, maximise, occlusion, predict
from filtviz.responses.examining import examine
from filtviz.running.inference import Runner, Walk
from filtviz.running.numpy_engine import NumpyEngine
from tests.building import as_layer, conv, image


def network(side: int, channels: int = 1) -> Network:
    kernels = np.random.default_rng(0).standard_normal((2, channels, 3, 3)).astype("f4")
    return Network.of([image(channels, side, side), conv(kernels, below=0)])


def test_an_image_of_very_many_squares_is_refused_and_a_smaller_one_is_not() -> None:
    assert occlusion(network(12), np.zeros((1, 12, 12)), target=0).shape == (12, 12)
    with pytest.raises(BudgetError, match="raise --max-work"):
        occlusion(network(160), np.zeros((1, 160, 160)), target=0)
    assert occlusion(network(160), np.zeros((1, 160, 160)), target=0, stride=60).shape == (3, 3)


def test_a_person_may_allow_the_squares_of_a_large_image() -> None:
    with pytest.raises(BudgetError):
        occlusion(network(24), np.zeros((1, 24, 24)), target=0, budget=Budget(work=2_000_000))
    shown = occlusion(network(24), np.zeros((1, 24, 24)), target=0, budget=Budget(work=40_000_000))
    assert shown.shape == (24, 24)


def test_images_are_not_made_that_fill_more_memory_than_is_allowed() -> None:
    pytest.importorskip("torch", reason="needs PyTorch")
    with pytest.raises(BudgetError, match="making 2 images takes 512 million bytes of memory"):
        maximise(network(1000, 4), [0, 1], 0)
    assert maximise(network(12), [0, 1], 0, steps=1).images.shape == (2, 1, 12, 12)


def test_answers_to_files_of_images_fill_what_these_and_the_model_may() -> None:
    small, images = network(40), np.zeros((60, 1, 40, 40))
    for ask in (predict, lambda *given, **how: codes(*given, 0, **how)):
        ask(small, images, budget=Budget(work=40_000_000))
        ask(small, images, budget=Budget(work=40_000_000, image_bytes=10_000_000))
        with pytest.raises(
            BudgetError, match=r"^keeping 173,280 answers to 60 images takes 11 million bytes"
        ):
            ask(small, images, budget=Budget(work=40_000_000, image_bytes=100_000))


def test_to_lay_out_images_by_very_many_numbers_is_work() -> None:
    small, images = network(12), np.random.default_rng(0).random((50, 1, 12, 12))
    assert codes(small, images, 0, budget=Budget(work=20_000_000)).places.shape == (50, 2)
    with pytest.raises(BudgetError, match="laying out 50 images by 2 numbers each takes 750 million"):
        codes(small, images, 0, "tsne", budget=Budget(work=20_000_000))


def test_images_that_do_not_fit_into_memory_together_are_made_one_after_another_and_are_the_same() -> None:
    pytest.importorskip("torch", reason="needs PyTorch")
    together = maximise(network(12), [0, 1, 0], 0, steps=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Walk, "fitting", 2)
        apart = maximise(network(12), [0, 1, 0], 0, steps=3)
    np.testing.assert_allclose(apart.images, together.images, atol=1e-6)
    np.testing.assert_allclose(apart.answers, together.answers, rtol=1e-5)


def test_what_gradients_keep_of_each_layer_counts_as_memory() -> None:
    kernels = np.random.default_rng(0).standard_normal((2, 2, 3, 3)).astype("f4")
    deep = Network.of([image(2, 60, 60), *(conv(kernels, below=place) for place in range(9))])
    walks = [
        Walk(Runner(deep, [deep.layers[-1]]), NumpyEngine(), Account.unlimited(), holds_all=holds)
        for holds in (False, True)
    ]
    for walk in walks:
        walk.through(np.zeros((1, 2, 60, 60)))
    made = sum(8 * 2 * side**2 for side in range(44, 60, 2))  # all but the last
    assert made < walks[1].peak - walks[0].peak + 8 * 2 * 60**2 < 2 * made


def test_the_work_of_a_plane_is_that_of_the_shorter_side() -> None:
    """Sixty images by 2,025 numbers are laid out by sixty directions at the most."""
    flat = Network.of([image(1, 45, 45), as_layer(Flatten(), name="flat", below=0)])
    images = np.random.default_rng(0).random((60, 1, 45, 45))
    assert codes(flat, images, "flat", budget=Budget(work=10_000_000)).codes.shape == (60, 2025)
    with pytest.raises(BudgetError, match="laying out 60 images by 2,025 numbers each takes 29 million"):
        codes(flat, images, "flat", budget=Budget(work=4_000_000))


def test_first_weights_of_very_many_layers_are_put_back_within_what_sixteen_may_take() -> None:
    def deep(seed: int) -> Network:
        weights = np.random.default_rng(seed).standard_normal((40, 1, 1, 1, 1))
        return Network.of([image(1, 4, 4), *(conv(one, None, below=i) for i, one in enumerate(weights))])

    shown, before = np.ones((2, 1, 4, 4)), ("first.npz", deep(1))
    found = examine(deep(0), shown, before=before, budget=Budget(work=54_000_000))
    assert found.not_compared == ""
    found = examine(deep(0), shown, before=before, budget=Budget(work=48_000_000))
    assert found.not_compared.startswith("running the network on all images takes 307 million operations")
