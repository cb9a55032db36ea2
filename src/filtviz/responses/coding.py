"""Images where their codes are: what a hidden layer makes of each, laid out in a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.errors import MissingExtraError, RunningError
from filtviz.given import LayerChoice
from filtviz.network import EngineName, Layer, Network
from filtviz.operations import Dense
from filtviz.responses.asking import Answer, Model, checked, choose_layer, network_of
from filtviz.responses.predicting import classes_of
from filtviz.running.inference import Runner
from filtviz.text import plural, quoted

__all__ = ["Codes", "Plane", "codes"]

Plane = Literal["pca", "tsne"]


OF_PCA, OF_TSNE = 4, 15_000_000
"""The work of a singular value decomposition, a number and the shorter length; of t-SNE, an image."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes(Answer):
    """What a hidden layer makes of images.

    Attributes:
        layer: What the layer is called.
        codes: ``(images, units)``.
        places: ``(images, 2)``: where each image lies in the plane.
        plane: ``pca`` or ``tsne``.
        explained: With ``pca``: the share of the codes' variance along both axes; else None.
    """

    layer: str
    codes: NDArray[np.float64]
    places: NDArray[np.float64]
    plane: Plane
    explained: tuple[float, float] | None = None


@checked()
def codes(
    network: Model,
    images: NDArray[Any],
    layer: LayerChoice | None = None,
    plane: Plane = "pca",
    *,
    seed: int = 0,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> Codes:
    """Return what a hidden layer makes of images, and places in a plane where similar ones are near.

    Args:
        network: A path, or a network.
        images: ``(images, …)`` in the network's own axes, two or more.
        layer: A convolution by number, or any layer by name; None for the last hidden layer, which the last
            dense layer reads. Maps are averaged over their places.
        plane: ``pca``, the two directions of the largest variance, or ``tsne`` (needs scikit-learn).
        seed: Of ``tsne``.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Raises:
        RunningError: the network cannot be run so far, or there are too few images.
        MissingExtraError: ``tsne`` is asked for, and scikit-learn is not installed.
        BudgetError: it would be too much work.
    """
    if plane not in ("pca", "tsne"):
        raise RunningError(f"there is no plane {quoted(plane, 30)}: take pca or tsne")
    known = network_of(network)
    chosen = _last_hidden(known) if layer is None else choose_layer(known, layer)
    runner = Runner(known, [chosen], engine=engine, device=device, by_image=True)
    shown = runner.take(images)
    if len(shown) < 2:
        raise RunningError("codes lie near or far from each other: give two images or more")
    account = (budget or Budget()).account(known)
    parts = runner.outputs(shown, account, batch, are_kept=True)
    rows = np.concatenate([_row(part[chosen.index]) for part in parts]).astype(np.float64)
    if not np.isfinite(rows).all():
        raise RunningError(f"{chosen.title} gives numbers that are not finite")
    n, n_units = rows.shape
    work = OF_TSNE * n if plane == "tsne" else OF_PCA * n * n_units * min(n, n_units)
    account.spend("work", work, f"laying out {n:,} images by {plural(n_units, 'number')} each")
    if plane == "tsne":
        return Codes(layer=chosen.title, codes=rows, places=_tsne(rows, seed), plane=plane)
    places, explained = _pca(rows)
    return Codes(layer=chosen.title, codes=rows, places=places, plane="pca", explained=explained)


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is told as one sentence
def _row(units: NDArray[Any]) -> NDArray[Any]:
    return classes_of(units)


def _last_hidden(network: Network) -> Layer:
    """Return the layer that the last dense layer reads."""
    for layer in reversed(network.layers):
        if any(isinstance(each, Dense) for each in layer.operations) and layer.inputs:
            return network.layers[layer.inputs[0]]
    raise RunningError("the network has no dense layer: choose the layer whose codes are wanted")


def _pca(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    centred = rows - rows.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(rows), 2))
    n = min(2, len(strengths))
    places[:, :n] = left[:, :n] * strengths[:n]
    # A direction has no sign of its own: the largest place is positive.
    largest = np.abs(places).argmax(axis=0)
    places *= np.where(places[largest, [0, 1]] < 0, -1.0, 1.0)
    total = float((strengths**2).sum()) or 1.0
    shares = [*(strengths**2 / total), 0.0, 0.0]
    return places, (float(shares[0]), float(shares[1]))


def _tsne(rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise MissingExtraError(
            "t-SNE needs scikit-learn, which is not installed: pip install scikit-learn, or take pca"
        ) from None
    perplexity = min(30.0, max(1.0, (len(rows) - 1) / 3))
    made = TSNE(perplexity=perplexity, random_state=seed, init="pca" if min(rows.shape) > 1 else "random")
    return np.asarray(made.fit_transform(rows), np.float64)
