"""The same layer in several files: how much each filter changed, and whether it kept its direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Account
from filtviz.errors import DrawingError
from filtviz.network import ConvLayer
from filtviz.scaling import in_double, scale_of
from filtviz.text import percent, plural, printable

__all__ = ["LayerComparison", "compare_layers", "pay_for_comparison", "relative_change", "squared_cosine"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerComparison:
    """One layer in several states, such as before and after training.

    Attributes:
        label: The layer's name.
        states: What each state is called.
        filters: ``(states, filters, channels, rows, cols)``, float64.
        relative_change: ``(filters,)``: the norm of last minus first over the norm of the first; infinite
            for a filter that was zero, 0 where nothing changed.
        cosine: ``(filters,)``: of the angle between first and last; NaN where one of them is zero.
        total_change: The relative change of the layer as a whole.
        total_cosine: The cosine of the layer as a whole.
    """

    label: str
    states: tuple[str, ...]
    filters: NDArray[np.float64]
    relative_change: NDArray[np.float64]
    cosine: NDArray[np.float64]
    total_change: float
    total_cosine: float

    def __repr__(self) -> str:
        return f"<LayerComparison of {self.label}: {self.sentence}>"

    def to_frame(self) -> Any:
        """Return a ``pandas.DataFrame`` with a row for each filter.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return import_module("filtviz.frames").comparison_frame(self)

    @property
    def sentence(self) -> str:
        """Say what changed, for a person."""
        between = f"from {self.states[0]} to {self.states[-1]}"
        if not (self.filters[0] != self.filters[-1]).any():
            return f"nothing changed {between}: all {self.filters[0].size:,} weights are the same"
        known = self.relative_change[np.isfinite(self.relative_change)]
        new = self.relative_change.size - known.size
        if not np.isfinite(self.total_change):
            which = f"{new:,} of the {known.size + new:,} filters" if known.size else "every filter"
            return f"{between} {which} changed: all weights were zero before"
        low, middle, high = np.percentile(known, [0, 50, 100])
        beside = f"; {plural(new, 'filter')} had been zero" if new else ""
        changed = (
            f"{between} the weights changed by {_times(self.total_change)} their norm "
            f"(filters: median {_times(middle, '')}, {_times(low, '')} to {_times(high, '')}{beside})"
        )
        if not self.filters[-1].any():
            return f"{changed}: all of them are zero now"
        return f"{changed}; the cosine of first and last is {self.total_cosine:.3f}"


_MOST_PERCENT = 100.0
"""Up to so many times their norm a change is said in percent."""


def _times(change: float, of: str = " of") -> str:
    return f"{percent(change)}{of}" if change <= _MOST_PERCENT else f"{change:.3g} times"


_WEIGHT, _FILTER = 1_000, 40_000
"""The work for a weight in each state, to compare it and to scale it for a picture; and for a filter."""


def pay_for_comparison(layers: Sequence[ConvLayer], account: Account) -> None:
    """Spend what it takes to compare a layer's states.

    Args:
        layers: The layer in each of its states, of which nothing has been read yet.
        account: What may be spent.

    Raises:
        BudgetError: it is more than may be spent.
    """
    drawable = [each for each in layers if each.why_not_drawn is None]  # others are refused for what they are
    work = sum(each.weights.size * _WEIGHT + each.n_filters * _FILTER for each in drawable)
    account.spend("work", work, f"comparing {layers[0].title}")


def compare_layers(layers: Sequence[ConvLayer], states: Sequence[str]) -> LayerComparison:
    """Compare the same layer of several networks, in the order given.

    Args:
        layers: The layer in each of its states.
        states: What each state is called.

    Raises:
        DrawingError: there are fewer than two, their weights have different shapes, or are not finite.
    """
    filters = _stack(layers, states)
    first, last = filters[0], filters[-1]
    pairs = list(zip(first, last, strict=True))
    return LayerComparison(
        label=printable(layers[0].label, 60),
        states=tuple(states),
        filters=filters,
        relative_change=np.array([_change(a, b) for a, b in pairs]),
        cosine=np.array([_cosine(a, b) for a, b in pairs]),
        total_change=_change(first, last),
        total_cosine=_cosine(first, last),
    )


def _stack(layers: Sequence[ConvLayer], states: Sequence[str]) -> NDArray[np.float64]:
    """Return the filters of all states, ``(states, filters, channels, rows, cols)``."""
    if len(layers) < 2:
        raise DrawingError("there is only one file: give two or more to compare")
    label = printable(layers[0].label, 40)
    for layer in layers:
        if layer.why_not_drawn is not None:
            raise DrawingError(f"{printable(layer.label, 40)} cannot be compared: {layer.why_not_drawn}")
    shapes = [layer.filters.shape for layer in layers]
    for state, shape in zip(states, shapes, strict=True):
        if shape != shapes[0]:
            raise DrawingError(
                f"{label} is {'x'.join(map(str, shapes[0]))} in {states[0]} and "
                f"{'x'.join(map(str, shape))} in {state}: only layers of one shape can be compared"
            )
    filters = np.stack([in_double(layer.filters) for layer in layers])
    if not np.isfinite(filters).all():
        raise DrawingError(f"{label} cannot be compared: some weights are not finite")
    return filters


def relative_change(first: NDArray[np.float64], last: NDArray[np.float64]) -> float | None:
    """Return the norm of the difference over the norm of the first; None where the first is all zero."""
    if not first.any():
        return None
    own, common = float(scale_of(first).max()), float(max(scale_of(first).max(), scale_of(last).max()))
    changed = float(np.linalg.norm(last / common - first / common))
    return changed / float(np.linalg.norm(first / own)) * (common / own)


def squared_cosine(first: NDArray[np.float64], last: NDArray[np.float64]) -> float | None:
    """Return the squared cosine of the angle between two arrays; None where one of them is all zero."""
    a, b = ((each / scale_of(each)).ravel() for each in (first, last))
    energies = float(a @ a) * float(b @ b)
    return float(a @ b) ** 2 / energies if energies > 0 else None


def _change(first: NDArray[np.float64], last: NDArray[np.float64]) -> float:
    """Return the relative change; infinite from zero to something, 0 from zero to zero."""
    change = relative_change(first, last)
    if change is None:
        return float("inf") if last.any() else 0.0
    return change


def _cosine(first: NDArray[np.float64], last: NDArray[np.float64]) -> float:
    """Return the cosine, with its sign; NaN where it is not defined."""
    squared = squared_cosine(first, last)
    if squared is None:
        return float("nan")
    direction = np.vdot(first / scale_of(first), last / scale_of(last))
    return float(np.copysign(np.sqrt(min(squared, 1.0)), direction))
