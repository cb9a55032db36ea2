"""What the units of a layer answer: their maps for an image, and over all images which never fire."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import RECTIFIERS, Activation
from filtviz.budget import Budget
from filtviz.errors import RunningError
from filtviz.given import LayerChoice
from filtviz.network import EngineName, Layer
from filtviz.operations import Softmax
from filtviz.responses.asking import (
    LARGEST,
    Answer,
    Model,
    answering,
    checked,
    choose_layer,
    network_of,
    whole,
)
from filtviz.running.inference import Runner

__all__ = ["Activity", "Counted", "activity", "ends_of", "function_of"]

NEAR = 0.01
"""How near to an end, by the range, a unit counts as saturated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Activity(Answer):
    """What the units of a layer answer.

    Attributes:
        layer: What the layer is called.
        maps: ``(units, rows, cols)`` for the image that was asked for; ``(units,)`` of a dense layer.
        image: The number of that image.
        n_images: How many images were shown.
        fires: ``(units,)``: the share of all places and images at which a unit answers more than zero.
        saturated: ``(units,)``: the share at which it is at an end of what its function can give; None where
            that has no end but zero.
        strongest: ``(units,)``: the largest answer over all images.
        function: The layer's nonlinearity, empty for none.
    """

    layer: str
    maps: NDArray[np.float64]
    image: int
    n_images: int
    fires: NDArray[np.float64]
    saturated: NDArray[np.float64] | None
    strongest: NDArray[np.float64]
    function: str = ""

    @property
    def rectifies(self) -> bool:
        """Whether a unit that never answers more than zero is dead."""
        return self.function in RECTIFIERS

    @property
    def dead(self) -> NDArray[np.intp]:
        """The units behind a rectifier that answered none of the images, anywhere."""
        silent = (self.fires == 0) & np.isfinite(self.strongest)
        return np.flatnonzero(silent) if self.rectifies else np.array([], np.intp)


@checked(image=partial(whole, least=-LARGEST))
def activity(
    network: Model,
    images: NDArray[Any],
    layer: LayerChoice = 0,
    image: int = 0,
    *,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> Activity:
    """Return what the units of a layer answer, behind its nonlinearity.

    Args:
        network: A path, or a network.
        images: ``(images, …)`` in the network's own axes; over all of them is counted which units fire.
        layer: A convolution by number, or any layer by name.
        image: The number of the image whose maps are wanted, counted from 0.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Raises:
        RunningError: the network cannot be run so far, or there is no such image.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
    """
    known = network_of(network)
    asked = choose_layer(known, layer)
    units = answering(known, asked)
    runner = Runner(known, [units], engine=engine, device=device, by_image=True)
    shown = runner.take(images)
    if not -len(shown) <= image < len(shown):
        raise RunningError(f"there is no image {image}: {len(shown)} were given, counted from 0")
    chosen = image % len(shown)
    function = function_of(units)
    counted = Counted(*ends_of(function))
    for part in runner.outputs(shown, (budget or Budget()).account(known), batch):
        counted.add(part[units.index], chosen)
    assert counted.maps is not None
    return Activity(
        layer=asked.title,
        maps=counted.maps,
        image=chosen,
        n_images=len(shown),
        fires=counted.positive / counted.n,
        saturated=None if counted.high is None else counted.at_end / counted.n,
        strongest=counted.strongest,
        function="softmax" if isinstance(function, Softmax) else function.kind if function else "",
    )


def function_of(layer: Layer) -> Activation | Softmax | None:
    """Return a layer's nonlinearity, the last where it has several."""
    found = [each for each in layer.operations if isinstance(each, Activation | Softmax)]
    return found[-1] if found else None


def ends_of(function: Activation | Softmax | None) -> tuple[float | None, float | None]:
    """Return the lowest and the highest that a function can give; None where there is no such end."""
    if isinstance(function, Softmax):
        return 0.0, 1.0
    return function.ends if function else (None, None)


class Counted:
    """Counts over batches what a layer's units answer."""

    def __init__(self, low: float | None, high: float | None) -> None:
        self.low, self.high = low, high
        self.n, self.seen = 0, 0
        self.maps: NDArray[np.float64] | None = None
        self.positive: Any = 0
        self.at_end: Any = 0
        self.strongest: Any = -np.inf

    def add(self, units: NDArray[Any], chosen: int) -> None:
        """Take a batch, ``(images, units, …)``, or ``(images,)`` of a layer of one unit."""
        units = units if units.ndim > 1 else units[:, np.newaxis]
        if self.seen <= chosen < self.seen + len(units):
            self.maps = np.asarray(units[chosen - self.seen], np.float64)
        self.seen += len(units)
        flat = units.reshape(*units.shape[:2], -1)
        self.n += len(units) * flat.shape[2]
        self.positive = self.positive + (flat > 0).sum(axis=(0, 2))
        self.strongest = np.maximum(self.strongest, flat.max(axis=(0, 2)))
        if self.high is not None:
            near = NEAR * (self.high - (self.low or 0.0))
            ends = flat >= self.high - near
            if self.low is not None:
                ends |= flat <= self.low + near
            self.at_end = self.at_end + ends.sum(axis=(0, 2))
