"""When did each layer of a network stop moving? Several states of one training, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from filtviz.budget import Account
from filtviz.measures.comparison import relative_change
from filtviz.measures.kernels import nonfinite_filters
from filtviz.network import ConvLayer, Network

__all__ = ["LayerTrajectory", "Trajectory", "follow", "in_order", "number_in"]

_AT_REST = 0.01
"""The change of a step, as a share of the weights' norm, under which a layer rests."""

_WORK = 20
"""For each weight of each state."""


@dataclass(frozen=True, kw_only=True)
class LayerTrajectory:
    """How a layer moved from state to state.

    ``steps`` are ‖after - before‖/‖before‖ of each, None where one of the two is not finite, or zero before.
    ``rests_after`` is the place of the first state from which on every step is under .01, None where the last
    step is not.
    """

    name: str
    steps: tuple[float | None, ...]

    @property
    def rests_after(self) -> int | None:
        """The first state from which on the layer hardly moves."""
        moving = [place for place, step in enumerate(self.steps) if step is None or step >= _AT_REST]
        last = moving[-1] + 1 if moving else 0
        return last if last < len(self.steps) else None


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """The states of a training in order, by the places at which they were given, and how each layer moved.

    ``ordered_by`` says what tells the order.
    """

    order: tuple[int, ...]
    ordered_by: str
    layers: tuple[LayerTrajectory, ...]


def in_order(networks: Sequence[Network]) -> tuple[tuple[int, ...], str] | None:
    """Return the order of several states of one network, and what tells it, or None where nothing does.

    They must have the same convolutions. The epoch in the files tells it, or else the last number in names
    that differ in it only.

    Args:
        networks: The states.
    """
    shapes = {tuple((each.label, each.axes, each.weights.shape) for each in n.conv_layers) for n in networks}
    if len(shapes) != 1 or not networks[0].conv_layers:
        return None
    epochs = [each.origin.epoch for each in networks]
    if None not in epochs and len(set(epochs)) == len(epochs):
        return _sorted(epochs), "the epoch in the files"
    numbers = [None if each.origin.path is None else number_in(each.origin.path) for each in networks]
    told = [each for each in numbers if each is not None]
    if len(told) == len(networks) and len({rest for rest, _ in told}) == 1 and len(set(told)) == len(told):
        return _sorted([number for _, number in told]), "the number in their names"
    return None


def _sorted(keys: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(sorted(range(len(keys)), key=lambda place: keys[place] or 0))


def number_in(path: Path) -> tuple[str, int] | None:
    """Return a file's name without its last number, and that number; None where it has none.

    Args:
        path: The file.
    """
    found = re.fullmatch(r"(.*?)(\d{1,12})(\D*)", path.name, re.DOTALL)
    return None if found is None else (f"{found[1]}#{found[3]}", int(found[2]))


def follow(networks: Sequence[Network], account: Account | None = None) -> Trajectory | None:
    """Follow the convolutions of a network through the states of its training.

    Args:
        networks: The states, in any order.
        account: What it may take; None for as much as it takes.

    Returns:
        None where nothing tells the order of the states.

    Raises:
        BudgetError: it would take more.
    """
    found = in_order(networks)
    if found is None:
        return None
    order, ordered_by = found
    states = [networks[place] for place in order]
    account = account or Account.unlimited()
    layers = []
    for place, first in enumerate(states[0].conv_layers):
        account.spend("work", _WORK * first.weights.size * len(states), f"following {first.title}")
        own = [state.conv_layers[place] for state in states]
        steps = [_step(before, after) for before, after in pairwise(own)]
        layers.append(LayerTrajectory(name=first.label, steps=tuple(steps)))
    return Trajectory(order=order, ordered_by=ordered_by, layers=tuple(layers))


def _step(before: ConvLayer, after: ConvLayer) -> float | None:
    if before.why_not_drawn or after.why_not_drawn:
        return None
    if len(nonfinite_filters(before)) or len(nonfinite_filters(after)):
        return None
    change = relative_change(*(np.asarray(each.filters, dtype=np.float64) for each in (before, after)))
    return change if change is not None and np.isfinite(change) else None
