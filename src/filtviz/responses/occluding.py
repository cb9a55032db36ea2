"""Where a network looks: what it answers where a part of the image is covered (Zeiler & Fergus 2013)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.errors import RunningError
from filtviz.network import EngineName
from filtviz.responses.asking import Model, network_of, one_image, probability_layer
from filtviz.responses.checking import checked, images
from filtviz.running.inference import Runner

__all__ = ["occlusion"]

AT_ONCE, MOST_BYTES = 256, 1 << 26
"""Covered images that are made at a time, and what they may fill together; one is made in any case."""


MOST_TIMES = 13
"""How often a small file's budget is added: what the network of the examples takes, with squares of 7x7."""


@checked(image=images)
def occlusion(
    network: Model,
    image: NDArray[Any],
    target: int | None = None,
    square: int = 7,
    nolearn: bool = False,
    *,
    stride: int = 1,
    fill: float = 0.0,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> NDArray[np.float64]:
    """Return the network's output for a class, with a square over each part of the image in turn.

    Args:
        network: A path, or a network.
        image: One image in the network's own axes, with or without the axis of images.
        target: The class; None for the one that the network answers to the whole image.
        square: The length of the square's sides, in pixels.
        nolearn: Cover what nolearn's ``occlusion_heatmap`` covers: a square of zeros of odd length, whose
            middle lies one row above and one column left of the pixel that it stands for.
        stride: Pixels from one square to the next.
        fill: What the square is filled with.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Covered images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Returns:
        ``(rows, cols)``, one number for each place of the square, which is centred on it: the probability
        of the class, where the network ends in probabilities.

    Raises:
        RunningError: the network cannot be run on the image, or has no such class.
        BudgetError: it would be too much work.
    """
    known = network_of(network)
    shown = np.asarray(one_image(known, image), np.float64)
    if nolearn and (square % 2 == 0 or stride != 1 or fill):
        raise RunningError("nolearn covers with squares of zeros of odd length, one at each pixel")
    rows, cols = (range(0, n, stride) for n in shown.shape[2:])
    runner = Runner(known, [probability_layer(known)], engine=engine, device=device, by_image=True)
    account = (budget or Budget()).account(known)
    n_passes = len(rows) * len(cols) + 1
    outputs: list[NDArray[Any]] = []
    for covered in _covered(shown, rows, cols, square, 1 if nolearn else 0, fill):
        # The first part pays for all of them.
        own, passes = account, n_passes
        if outputs:
            own, passes = (budget or Budget()).account(known), len(covered)
        for part in runner.outputs(covered, own, batch, passes=passes, most=MOST_TIMES):
            found = part[runner.wanted[0].index]
            outputs.append(
                found.reshape(len(found), found.shape[1] if found.ndim > 1 else 1, -1).mean(axis=2)
            )
    answers = np.concatenate(outputs)
    return answers[1:, _class_of(answers[0], target)].reshape(len(rows), len(cols))


def _covered(
    image: NDArray[np.float64], rows: range, cols: range, square: int, shift: int, fill: float
) -> Iterator[NDArray[np.float64]]:
    """Yield the image itself, then the covered ones, as many at a time as fit."""
    waiting, before = [image[0]], square // 2 + shift
    at_once = max(1, min(AT_ONCE, MOST_BYTES // max(image.nbytes, 1)))
    for row in rows:
        for col in cols:
            one = image[0].copy()
            top, left = max(row - before, 0), max(col - before, 0)
            one[:, top : max(row - before + square, 0), left : max(col - before + square, 0)] = fill
            if len(waiting) >= at_once:
                yield np.stack(waiting)
                waiting = []
            waiting.append(one)
    if waiting:
        yield np.stack(waiting)


def _class_of(answer: NDArray[Any], target: int | None) -> int:
    if target is None:
        return int(np.argmax(answer))
    if not 0 <= target < len(answer):
        raise RunningError(f"there is no class {target}: the network has {len(answer)}, from 0")
    return target
