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

    ``ordered_by`` says what tells the order; ``apart`` are the places of states that have none in it, such as
    the best of a training.
    """

    order: tuple[int, ...]
    ordered_by: str
    layers: tuple[LayerTrajectory, ...]
    apart: tuple[int, ...] = ()


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
    names = [each.origin.path.name for each in networks if each.origin.path is not None]
    numbers = _numbers_in(names) if len(names) == len(networks) else None
    return None if numbers is None else (_sorted(numbers), "the number in their names")


def _numbers_in(names: Sequence[str]) -> list[int] | None:
    """Return the number of each name that tells the order, or None.

    The names differ in numbers only. A number behind "epoch" or "step" tells it, else the last that differs
    in all; the other whole numbers must not fall, so that the names of two trainings have no order.
    """
    parts = [_NUMBER.split(name) for name in names]
    if len({tuple(each[::2]) for each in parts}) != 1:
        return None
    words, columns = parts[0][::2], list(zip(*(each[1::2] for each in parts), strict=True))
    whole = [i for i, column in enumerate(columns) if all(each.isdigit() for each in column)]
    telling = [i for i in whole if len({int(each) for each in columns[i]}) == len(names)]
    ranked = sorted(
        telling, key=lambda i: (not _IS_EPOCH.search(words[i]), not _IS_STEP.search(words[i]), -i)
    )
    if not ranked:
        return None
    numbers = [int(each) for each in columns[ranked[0]]]
    order = _sorted(numbers)
    for i in whole:
        values = [int(columns[i][place]) for place in order]
        if values != sorted(values) and not _IS_SCORE.search(words[i]):
            return None
    return numbers


_NUMBER = re.compile(r"(\d{1,12}(?:\.\d+)?)")
_IS_EPOCH = re.compile(r"(?i)(\A|[^a-z])e(p|pochs?)?[=_-]*\Z|epochs?[=_-]*\Z")
_IS_STEP = re.compile(r"(?i)(steps?|iter|iterations?|(\A|[^a-z])it)[=_-]*\Z")
_IS_SCORE = re.compile(r"(?i)(loss|acc|accuracy|score|f1|iou|auc|map|psnr|err|error)[=_-]*\Z")
"""What stands before a number in a name."""

_IS_APART = re.compile(r"(?i)(\A|[^a-z])(best|last|latest|final|swa|ema|averaged?)([^a-z]|\Z)")
"""Names of states that are copies of one of the others, or none of the training's own."""


def _sorted(keys: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(sorted(range(len(keys)), key=lambda place: keys[place] or 0))


_LAST = re.compile(r"(.*?)(\d{1,12})(?<!\.h5)(?<!\.hdf5)(\D*(?:\.h(?:df)?5\D*)?)", re.DOTALL)


def number_in(path: Path) -> tuple[str, int] | None:
    """Return a file's name without its last number, and that number; None where it has none.

    Args:
        path: The file; the 5 of ``.h5`` and ``.hdf5`` is no number.
    """
    found = _LAST.fullmatch(path.name)
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
    apart: tuple[int, ...] = ()
    found = in_order(networks)
    if found is None:
        apart = tuple(i for i, each in enumerate(networks) if _is_apart(each))
        rest = [i for i in range(len(networks)) if i not in apart]
        within = in_order([networks[i] for i in rest]) if apart and len(rest) > 1 else None
        found = within and (tuple(rest[place] for place in within[0]), within[1])
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
    return Trajectory(order=order, ordered_by=ordered_by, layers=tuple(layers), apart=apart)


def _is_apart(network: Network) -> bool:
    path = network.origin.path
    return path is not None and _IS_APART.search(path.stem) is not None


def _step(before: ConvLayer, after: ConvLayer) -> float | None:
    if before.why_not_drawn or after.why_not_drawn:
        return None
    if len(nonfinite_filters(before)) or len(nonfinite_filters(after)):
        return None
    change = relative_change(*(np.asarray(each.filters, dtype=np.float64) for each in (before, after)))
    return change if change is not None and np.isfinite(change) else None
