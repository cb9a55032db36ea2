"""Does structure survive where weights were set to 0, and the tests' own nulls do not hold?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from filtviz.budget import Account
from filtviz.measures.kernels import Kernels
from filtviz.measures.low_frequency import band_energies, layer_share
from filtviz.measures.sphericity import sign_sphericity
from filtviz.measures.spike import largest_eigenvalue

__all__ = ["survives_shuffling"]

_SHUFFLES = 39
_DEVIATIONS = 5.0
"""Standard deviations of the shuffles that a statistic must be off their mean, beyond all of them."""

_FEWEST = 500
"""Weights that are not 0; of fewer a test finds what shuffles seldom have, too often."""

_WORK = 100
"""Of each weight in each shuffle."""


def _share(kernels: Kernels) -> float | None:
    test = layer_share(kernels, band_energies(kernels))
    return None if test is None else test.z


def _sphericity(kernels: Kernels) -> float | None:
    test = sign_sphericity(kernels)
    return None if test is None else test.q


def _spike(kernels: Kernels) -> float | None:
    test = largest_eigenvalue(kernels)
    return None if test is None else test.s


_STATISTICS: dict[str, Callable[[Kernels], float | None]] = {
    "low-frequency": _share,
    "sphericity": _sphericity,
    "spike": _spike,
}


def survives_shuffling(kernels: Kernels, measure: str, account: Account, seed: int = 0) -> bool:
    """Tell whether a test finds more in a layer than in the same weights shuffled within each filter.

    Kernels of which most weights are 0 point along the axes: draws or not, no test of directions expects
    that. Shuffled, and with signs turned at random, they are as sparse and have no structure.

    Args:
        kernels: The layer.
        measure: The key of the test.
        account: What shuffling may take.
        seed: Of the shuffles.

    Raises:
        BudgetError: it would take more.
    """
    statistic = _STATISTICS[measure]
    found = statistic(kernels)
    if found is None or np.count_nonzero(kernels.flat) < _FEWEST:
        return False
    account.spend("work", _WORK * _SHUFFLES * kernels.size, "comparing with shuffled weights")
    random = np.random.default_rng(seed)
    chance = []
    for _ in range(_SHUFFLES):
        rows = random.permuted(kernels.rows, axis=1)
        rows *= random.choice([-1.0, 1.0], rows.shape)
        chance.append(statistic(Kernels(rows.reshape(kernels.shape))) or 0.0)
    spread = float(np.std(chance))
    off = np.abs(np.array(chance) - np.mean(chance)).max()
    return abs(found - float(np.mean(chance))) > max(_DEVIATIONS * spread, float(off))
