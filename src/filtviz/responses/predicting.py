"""What a network answers to images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from filtviz.budget import Budget
from filtviz.network import EngineName
from filtviz.responses.asking import Model, network_of, probability_layer
from filtviz.running.inference import run

__all__ = ["Prediction", "predict"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What a network answers.

    Attributes:
        outputs: ``(images, classes)``, or with more axes where the last layer has maps.
        layer: What the last layer is called.
        labels: The names of the classes, as far as they were given.
    """

    outputs: NDArray[Any]
    layer: str
    labels: tuple[str, ...] = ()

    def label(self, place: int) -> str:
        """Return the name of a class, or its number.

        Args:
            place: The class, counted from 0.
        """
        return self.labels[place] if place < len(self.labels) else str(place)

    def top(self, n: int = 5) -> list[list[tuple[str, float]]]:
        """Return for each image the classes with the largest outputs, most first, each with its output.

        Args:
            n: How many.
        """
        rows = self.outputs.reshape(len(self.outputs), -1)
        order = np.argsort(-rows, axis=1, kind="stable")[:, :n]
        return [
            [(self.label(int(place)), float(row[place])) for place in places]
            for row, places in zip(rows, order, strict=True)
        ]


def predict(
    network: Model,
    images: NDArray[Any],
    *,
    labels: Sequence[str] = (),
    engine: EngineName | None = None,
    dtype: DTypeLike = "float64",
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> Prediction:
    """Return what the last layer of a network gives for images, as at test time.

    Args:
        network: A path, or a network.
        images: ``(images, …)`` in the network's own axes, see `Network.run`.
        labels: The names of the classes, in the network's order.
        engine: ``numpy`` or ``torch``; None chooses.
        dtype: ``float64`` or ``float32``.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Raises:
        RunningError: the network cannot be run on these images.
        BudgetError: it would be too much work.
    """
    known = network_of(network)
    last = probability_layer(known)
    outputs = run(known, images, None, engine, dtype=dtype, batch=batch, device=device, budget=budget)
    return Prediction(outputs=outputs, layer=last.title, labels=tuple(labels))
