"""For each filter the pieces of images that excite it most, cut at its true receptive field."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import KINDS, Activation
from filtviz.budget import Budget
from filtviz.errors import RunningError
from filtviz.given import LayerChoice
from filtviz.network import EngineName
from filtviz.receptive_field import ReceptiveField, receptive_fields
from filtviz.responses.asking import Answer, Model, answering, checked, choose_layer, network_of
from filtviz.running.inference import Runner

__all__ = ["Patches", "patches"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Patches(Answer):
    """The pieces of images that excite each filter of a layer most.

    Attributes:
        layer: What the layer is called.
        responses: ``(filters, top)``, the strongest first; -inf where there are fewer images.
        images: ``(filters, top)``: the number of the image in which each is, none twice for a filter.
        corners: ``(filters, top, 2)``: the row and column of the piece's upper left pixel; below zero in the
            padding.
        size: The receptive field, ``(rows, cols)``.
        shown: The images, ``(images, channels, rows, cols)``.
        rectifies: Whether an answer of zero is none.
    """

    layer: str
    responses: NDArray[np.float64]
    images: NDArray[np.intp]
    corners: NDArray[np.intp]
    size: tuple[int, int]
    shown: NDArray[Any] = field(repr=False)
    rectifies: bool = False

    def of(self, number: int) -> NDArray[np.float64]:
        """Return a filter's pieces, ``(top, channels, rows, cols)``; NaN beyond the image's border.

        Args:
            number: The filter, counted from 0.
        """
        n_channels, *lengths = self.shown.shape[1:]
        pieces = np.full((self.images.shape[1], n_channels, *self.size), np.nan)
        for place, (image, corner) in enumerate(zip(self.images[number], self.corners[number], strict=True)):
            if not np.isfinite(self.responses[number, place]):
                continue
            ends = [
                (max(first, 0), min(first + size, length))
                for first, size, length in zip(corner, self.size, lengths, strict=True)
            ]
            (top, bottom), (left, right) = ends
            if top < bottom and left < right:
                row, col = corner
                pieces[place, :, top - row : bottom - row, left - col : right - col] = self.shown[
                    image, :, top:bottom, left:right
                ]
        return pieces


@checked()
def patches(
    network: Model,
    images: NDArray[Any],
    layer: LayerChoice = 0,
    top: int = 8,
    *,
    engine: EngineName | None = None,
    batch: int | None = None,
    device: str | None = None,
    budget: Budget | None = None,
) -> Patches:
    """Return for each filter of a layer the pieces of images that excite it most, one of an image.

    Args:
        network: A path, or a network.
        images: ``(images, …)`` in the network's own axes; the more, the better.
        layer: A convolution by number, or any layer by name.
        top: Pieces for each filter.
        engine: ``numpy`` or ``torch``; None chooses.
        batch: Images at once at the most; None for as many as pay.
        device: Where PyTorch computes, such as ``cuda``.
        budget: How much work an image may be.

    Raises:
        RunningError: the network cannot be run so far, or what its units see is not known.
        SelectionError: there is no such layer.
        BudgetError: it would be too much work.
    """
    known = network_of(network)
    asked = choose_layer(known, layer)
    units = answering(known, asked)
    seen = receptive_fields(known)[units.index]
    if seen is None or len(seen.size) != 2:
        raise RunningError(f"what a unit of {asked.title} sees of the image is not known from the file")
    runner = Runner(known, [units], engine=engine, device=device, by_image=True)
    shown = runner.take(images)
    best = _Best(top, seen)
    for part in runner.outputs(shown, (budget or Budget()).account(known), batch):
        best.add(part[units.index], asked.title)
    rows, cols = (  # what has no place in the image sees more of a larger one
        size if jump else size + length - (whole or length)
        for size, jump, whole, length in zip(
            seen.size, seen.jump, seen.input_size, shown.shape[2:], strict=True
        )
    )
    return Patches(
        layer=asked.title,
        responses=best.responses,
        images=best.images,
        corners=best.corners,
        size=(rows, cols),
        shown=shown,
        rectifies=any(
            isinstance(each, Activation) and KINDS[each.kind].rectifies for each in units.operations
        ),
    )


class _Best:
    """Keeps the strongest answers of each filter, one of an image."""

    def __init__(self, top: int, seen: ReceptiveField) -> None:
        self.top, self.seen, self.n = top, seen, 0
        self.responses: NDArray[np.float64] = np.empty((0, top))
        self.images: NDArray[np.intp] = np.empty((0, top), np.intp)
        self.corners: NDArray[np.intp] = np.empty((0, top, 2), np.intp)

    def add(self, units: NDArray[Any], title: str) -> None:
        """Take a batch, ``(images, filters, rows, cols)`` or ``(images, units)``."""
        if units.ndim == 2:
            units = units[:, :, None, None]
        if units.ndim != 4:
            raise RunningError(f"{title} has no maps over the image: choose a convolution")
        n_images, n_filters, _, cols = units.shape
        if not len(self.responses):
            self.responses = np.full((n_filters, self.top), -np.inf)
            self.images = np.zeros((n_filters, self.top), np.intp)
            self.corners = np.zeros((n_filters, self.top, 2), np.intp)
        flat = np.where(np.isfinite(units), units, -np.inf).reshape(n_images, n_filters, -1)
        where = flat.argmax(axis=2)
        values = np.take_along_axis(flat, where[..., None], axis=2)[..., 0].T
        corners = np.stack([self._corner(where // cols, 0), self._corner(where % cols, 1)], axis=-1)
        numbers = np.broadcast_to(self.n + np.arange(n_images), values.shape)
        together = np.concatenate([self.responses, values], axis=1)
        order = np.argsort(-together, axis=1, kind="stable")[:, : self.top]
        self.responses = np.take_along_axis(together, order, axis=1)
        self.images = np.take_along_axis(np.concatenate([self.images, numbers], axis=1), order, axis=1)
        all_corners = np.concatenate([self.corners, corners.transpose(1, 0, 2)], axis=1)
        self.corners = np.take_along_axis(all_corners, order[..., None], axis=1)
        self.n += n_images

    def _corner(self, places: NDArray[np.intp], axis: int) -> NDArray[np.intp]:
        start, jump = self.seen.start[axis], self.seen.jump[axis]
        exact = {int(place): int((Fraction(start) + int(place) * jump) // 1) for place in np.unique(places)}
        return np.asarray(np.vectorize(exact.__getitem__, otypes=[np.intp])(places))
