"""How a network differs from an earlier file of it: better evidence than any estimate from one file."""

from __future__ import annotations

import numpy as np

from filtviz.measures.comparison import relative_change, squared_cosine
from filtviz.measures.kernels import Floats, Kernels, nonfinite_filters
from filtviz.measures.low_frequency import band_energies, filter_shares, layer_share
from filtviz.measures.measure import Change, FilterChange, Measure
from filtviz.network import ConvLayer, Network
from filtviz.scaling import scale_of

__all__ = ["SinceBefore", "changes_from", "is_of_another"]

_LEVEL = 0.05

_BY_CHANCE = 16.0
"""Of cos² over its standard error: under it two states may be independent."""


class SinceBefore(Measure):
    """How a layer and its filters differ from an earlier file; `changes_from` takes it."""

    key = "change"
    title = "Change from an earlier file (--before)"
    meaning = (
        "How much of a layer was there in an earlier file, and what was added since. This is measured, "
        "where other numbers estimate."
    )
    scope = ("layer", "filter")
    formula = (
        "cos² of the weights before and after; ‖after − before‖/‖before‖; F of what was added: after less "
        "its projection on before"
    )
    null = "F's own: the added part against white noise"
    short_null = "normal"
    counts_if = "none; p is shown"
    supports = (
        '"x % of the visible variance still is what was there before", "what was added is smooth (rough)"'
    )
    cannot_say = "Whether the change is for the better. It beats every estimate made from one file."
    source = "the cosine; low-frequency, above"


def is_of_another(change: Change, n: int) -> bool:
    """Tell whether a layer has no more in common with an earlier file than two draws have by chance.

    Then (n-1)·cos²/(1-cos²) is about the square of Student's t, and χ² of one degree of freedom for many
    weights: over 16 in one of 16,000 pairs. Few weights that are the same pass it, too.

    Args:
        change: How it differs.
        n: The number of its weights.
    """
    return change.cos2 is not None and change.cos2 * (n - 1) < _BY_CHANCE * (1 - change.cos2)


def changes_from(before: Network, name: str, layer: ConvLayer) -> Change:
    """Compare a layer with the same one of an earlier file, which is known there as ``name``.

    The same is the convolution of the same label and shape, else that of the same number and shape. Where one
    of the two convolves and the other correlates, the earlier kernels are turned. That one is stored in fewer
    bits, as a copy in half precision is, is no change.

    Args:
        before: The earlier network.
        name: What to call it, such as its file's name.
        layer: A layer of the later one.
    """
    earlier = before.counterpart(layer)
    if earlier is None:
        shape = "x".join(map(str, layer.filters.shape))
        return Change(before=name, reason=f"it has no convolution of shape {shape} in that place")
    if len(nonfinite_filters(earlier)):
        return Change(before=name, reason="its weights there are not finite")
    turned = {earlier.flip_filters, layer.flip_filters} == {True, False}
    before_it = earlier.filters[..., ::-1, ::-1] if turned else earlier.filters
    return _compare(*_but_for_rounding(Kernels.of(before_it), Kernels.of(layer.filters)), name)


def _but_for_rounding(earlier: Kernels, later: Kernels) -> tuple[Floats, Floats]:
    """Return two states of a layer; where types differ, what rounding explains is as it was."""
    if earlier.mantissa == later.mantissa:
        return earlier.weights, later.weights
    steps = earlier.steps(earlier.weights) + later.steps(later.weights)
    moved = np.abs(later.weights - earlier.weights) > steps
    return earlier.weights, np.where(moved, later.weights, earlier.weights)


def _compare(earlier: Floats, later: Floats, name: str) -> Change:
    share = share_p = significant = None
    kernels = Kernels.of(_added(earlier, later))
    low = band_energies(kernels)
    test = layer_share(kernels, low)
    if test is not None:
        share, share_p = test.mean, test.p
        ps = filter_shares(kernels, low).p
        significant = float((ps[np.isfinite(ps)] < _LEVEL).mean())
    return Change(
        before=name,
        cos2=squared_cosine(earlier, later),
        relative_change=relative_change(earlier, later),
        share=share,
        share_p=share_p,
        significant=significant,
        filters=tuple(
            FilterChange(index=i, cos2=squared_cosine(a, b), relative_change=relative_change(a, b))
            for i, (a, b) in enumerate(zip(earlier, later, strict=True))
        ),
    )


def _added(earlier: Floats, later: Floats) -> Floats:
    """Return ``later`` less its projection on ``earlier``; rounding is not taken for a change."""
    unit = earlier / scale_of(earlier)
    energy = np.vdot(unit, unit)
    added = later - (np.vdot(unit, later) / energy) * unit if energy > 0 else later
    return np.where(np.abs(added) > 1e-7 * np.abs(later).max(), added, 0.0)
