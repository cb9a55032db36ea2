"""What a network answers to images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from filtviz.activations import KINDS, Activation
from filtviz.budget import Budget
from filtviz.network import EngineName, Layer
from filtviz.operations import Softmax
from filtviz.responses.asking import Answer, Model, checked, network_of, probability_layer
from filtviz.running.inference import Runner

__all__ = ["Prediction", "answered", "classes_of", "predict", "right_answers", "threshold_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction(Answer):
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


@checked()
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
    runner = Runner(known, [last], engine=engine, dtype=dtype, device=device, by_image=True)
    account = (budget or Budget()).account(known)
    parts = runner.outputs(runner.take(images), account, batch, are_kept=True)
    outputs = np.concatenate([part[last.index] for part in parts])
    return Prediction(outputs=outputs, layer=last.title, labels=tuple(labels))


def classes_of(outputs: NDArray[Any]) -> NDArray[Any]:
    """Return outputs as ``(images, classes)``; maps are averaged over their places.

    Args:
        outputs: What the last layer gives, ``(images, classes, …)``.
    """
    n_classes = outputs.shape[1] if outputs.ndim > 1 else 1
    return np.asarray(outputs.reshape(len(outputs), n_classes, -1).mean(axis=2))


def answered(outputs: NDArray[Any], last: Layer) -> NDArray[np.intp]:
    """Return the class that is answered to each image: the strongest, or 0 and 1 of a lone output.

    Args:
        outputs: ``(images, classes)``.
        last: The layer that gives them, whose function tells in what range a lone output lies.
    """
    if outputs.shape[1] > 1:
        return np.asarray(outputs.argmax(axis=1))
    return np.asarray(outputs[:, 0] > threshold_of(last), np.intp)


def threshold_of(last: Layer) -> float:
    """Return above what a lone output is a 1: 0.5 of a probability, 0 of a number with a sign.

    Args:
        last: The layer that gives it.
    """
    functions = [each for each in last.operations if isinstance(each, Activation | Softmax)]
    if not functions:
        return 0.0
    last_one = functions[-1]
    return 0.0 if isinstance(last_one, Activation) and KINDS[last_one.kind].is_signed else 0.5


def right_answers(
    outputs: NDArray[Any], labels: Sequence[Any], names: Sequence[str], last: Layer
) -> NDArray[np.bool_] | None:
    """Return which images are answered as their labels say; None where no label is one of the classes.

    Args:
        outputs: ``(images, classes)``.
        labels: The class of each image, by number or name.
        names: The names of the classes; the two of a lone output have none.
        last: The layer that gives the outputs.
    """
    best = answered(outputs, last).tolist()
    n = max(outputs.shape[1], 2)
    by_name = names if outputs.shape[1] > 1 else ()
    known = {str(k) for k in range(n)} | {str(name) for name in by_name}
    told = [_as_text(label) for label in labels]
    if not known.issuperset(told):
        return None
    said = [{str(k), str(by_name[k])} if k < len(by_name) else {str(k)} for k in best]
    return np.array([one in names_ for one, names_ in zip(told, said, strict=True)], bool)


def _as_text(label: Any) -> str:
    """Return a label as text; 1.0 is the class 1."""
    number = label.item() if isinstance(label, np.generic) else label
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)
