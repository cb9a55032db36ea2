"""How many directions do the filters use, and do most of them share one?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from filtviz.budget import Account
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.measure import ALPHA, Finding, Measure, ShownMeasure
from filtviz.measures.verdicts import COLLAPSED
from filtviz.measures.work import EIGENVALUES, PRODUCT
from filtviz.text import percent

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject

__all__ = [
    "EffectiveRank",
    "FirstComponent",
    "SharedDirection",
    "effective_rank",
    "first_component",
    "significant_component",
]

_COLLAPSED_SHARE = 0.5
_FEWEST, _ALIKE = 5, 0.7
"""Filters that can collapse, and |cos| that most pairs of filters of a grey image must have."""
_DRAWS = 199
_LARGEST_SIDE = 200
"""Random directions are drawn in no larger number or dimension: with fewer the share is only the greater."""


class FirstComponent(Measure):
    """How much of the filters is one direction; it tells a collapsed layer from a structured one."""

    key = "first-component"
    title = "First principal component"
    meaning = (
        "Are most filters versions of a single one? A high share means that the layer has little variety: "
        "many of its filters do the same."
    )
    formula = "share of the first principal component of the filters, each brought to unit length"
    null = (
        "199 seeded draws of as many random directions (99 %: .311 for 20 filters of 1 channel, .091 for "
        "20x20, .045 for 40x40 of 3x3)"
    )
    short_null = "199 draws"
    counts_if = (
        "over .5 (this project's own cut) and p < .01, for a structured layer of five filters and more; "
        "where they look at a grey image, most pairs must have |cos| of .7 as well; never in depthwise layers"
    )
    supports = f'"{COLLAPSED}"'
    cannot_say = "Why. Too high a learning rate is one cause."
    source = "this project's cut"

    def take(self, subject: Subject) -> Finding | None:
        """Measure the share, and test it where it is large."""
        if min(subject.kernels.rows.shape) < 2:
            return None
        component = significant_component(subject.kernels, over=_COLLAPSED_SHARE, account=subject.account)
        found = component.p is not None and component.p < ALPHA and _nearly_repeat(subject)
        directions = "few directions" if found else "no collapse"
        return self.finding(
            value=component.share,
            p=component.p,
            level=ALPHA,
            threshold=_COLLAPSED_SHARE,
            found=found,
            text=f"holds {percent(component.share)} of the filters: {directions}",
        )


def _nearly_repeat(subject: Subject) -> bool:
    """Tell whether filters that share a direction repeat one another.

    A few always share one, and so do the two of a head that tells two classes apart. Filters of one channel
    have few weights, so that most pairs must be alike; those of depthwise layers each look at a channel of
    their own, where it is no loss that they do the same.
    """
    kernels = subject.kernels
    if kernels.n_filters < _FEWEST:
        return False
    if kernels.n_channels > 1:
        return True
    pairs = np.abs(kernels.cosines)[np.triu_indices(kernels.n_filters, k=1)]
    return subject.layer.conv_index == 0 and bool(np.median(pairs) >= _ALIKE)


class EffectiveRank(ShownMeasure):
    """How many directions the filters use."""

    key = "effective-rank"
    title = "Effective rank"
    meaning = (
        "How many really different filters there are: 40 filters of an effective rank of 9 could nearly "
        "be built out of nine."
    )
    formula = "exp of the entropy of the normalised singular values of the O x Cp matrix"
    supports = "a number of directions"
    cannot_say = "Whether fewer would do."
    source = "Roy & Vetterli 2007, EUSIPCO"

    def take(self, subject: Subject) -> Finding | None:
        """Count the directions."""
        value = effective_rank(subject.kernels)
        if value is None:
            return None
        return self.finding(value=value, text=f"of at most {min(subject.kernels.rows.shape)}")


class SharedDirection(NamedTuple):
    """The share of the first principal component, and the p-value where it was asked for."""

    share: float
    p: float | None


def first_component(rows: Floats) -> float:
    """Return the share of the first principal component of rows that are brought to unit length.

    ``rows`` is ``(filters, weights of a filter)``; rows of zeros do not count. NaN where there is no other.
    """
    return _first_share(Kernels.of(rows[:, :, np.newaxis, np.newaxis]))


def significant_component(
    kernels: Kernels, over: float, seed: int = 0, account: Account | None = None
) -> SharedDirection:
    """Compare the share with that of as many random directions of the same dimension (199 seeded draws).

    A few filters always share a direction: two of them give .5 or more.

    Args:
        kernels: The layer.
        over: Up to this share nothing is drawn, and p is None.
        seed: Of the draws.
        account: What drawing may take, once for each shape; None for as much as it takes.

    Raises:
        BudgetError: it would take more.
    """
    share = _first_share(kernels)
    if not share > over:
        return SharedDirection(share, None)
    shape = min(kernels.rows.shape[0], _LARGEST_SIDE), min(kernels.rows.shape[1], _LARGEST_SIDE)
    account = account or Account.unlimited()
    account.spend_once((_most_of_chance, shape), _work_of_bounds(shape), "drawing random directions")
    n_as_large = 0
    if share <= _most_of_chance(shape, seed):
        account.spend_once((first_component, shape), _work_of_shares(shape), "comparing random directions")
        n_as_large = sum(first_component(rows) >= share for rows in _draws(shape, seed))
    return SharedDirection(share, float((1 + n_as_large) / (1 + _DRAWS)))


def _work_of_bounds(shape: tuple[int, int]) -> int:
    filters, row = shape
    return int(_DRAWS * (100_000 + filters * row * (20 + min(shape) * PRODUCT)))


def _work_of_shares(shape: tuple[int, int]) -> int:
    filters, row = shape
    one = 200_000 + filters * row * 20 + filters**2 * (20 + row * PRODUCT) + filters**3 * EIGENVALUES
    return int(_DRAWS * one)


def _draws(shape: tuple[int, int], seed: int) -> Iterator[Floats]:
    random = np.random.default_rng(seed)
    return (random.standard_normal(shape) for _ in range(_DRAWS))


@lru_cache(maxsize=256)
def _most_of_chance(shape: tuple[int, int], seed: int) -> float:
    """Return what the share of no draw of random directions passes; layers of one shape share their draws.

    The largest eigenvalue of a matrix is at most its Frobenius norm, which is far quicker to have.
    """
    most = 0.0
    for rows in _draws(shape, seed):
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        small = units @ units.T if shape[0] <= shape[1] else units.T @ units
        most = max(most, float(np.linalg.norm(small)) / shape[0])
    return most * (1 + 1e-9)


def _first_share(kernels: Kernels) -> float:
    """Return the largest eigenvalue of the matrix of cosines over its trace."""
    alive = int((kernels.norms > 0).sum())
    return float(kernels.largest_shared / alive) if alive else float("nan")


def effective_rank(kernels: Kernels) -> float | None:
    """Return the exponential of the entropy of the singular values, in directions (Roy & Vetterli 2007)."""
    values = np.sqrt(kernels.eigenvalues)
    if values.sum() == 0:
        return None
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
