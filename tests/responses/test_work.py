"""What a small file asks for by the size of its images is bounded: nobody has said how often it is run."""

from __future__ import annotations

import numpy as np
import pytest

from filtviz.budget import Budget
from filtviz.errors import BudgetError
from filtviz.network import Network
from filtviz.responses import maximise, occlusion
from tests.building import conv, image


def network(side: int, channels: int = 1) -> Network:
    kernels = np.random.default_rng(0).standard_normal((2, channels, 3, 3)).astype("f4")
    return Network.of([image(channels, side, side), conv(kernels, below=0)])


def test_an_image_of_very_many_squares_is_refused_and_a_smaller_one_is_not() -> None:
    assert occlusion(network(12), np.zeros((1, 12, 12)), target=0).shape == (12, 12)
    with pytest.raises(BudgetError, match="raise --max-work"):
        occlusion(network(300), np.zeros((1, 300, 300)), target=0)
    assert occlusion(network(300), np.zeros((1, 300, 300)), target=0, stride=100).shape == (3, 3)


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
