"""What does nothing: filters multiplied by nothing, or that nobody looks at, and channels not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from filtviz.activations import Activation
from filtviz.measures.coupling import reliance
from filtviz.measures.kernels import Floats, Kernels
from filtviz.measures.measure import Columns, FilterDiagnosis, Finding, Measure, ShownMeasure
from filtviz.operations import Normalisation
from filtviz.scaling import in_double, scale_of
from filtviz.text import listed

if TYPE_CHECKING:
    from filtviz.measures.subject import Subject
    from filtviz.network import ConvLayer, Network

__all__ = [
    "EXPORTED",
    "NormalisationScale",
    "Unused",
    "is_at_start_behind",
    "scale_behind",
    "unread_channels",
]

_NOTHING = 1e-4
"""The share of the median of those that are not 0 under which a factor or a norm is next to nothing."""

EXPORTED = ("ONNX", "TensorFlow Lite")
"""What is written with factors of 1 and shifts of 0 for a normalisation that has none."""


class NormalisationScale(ShownMeasure):
    """By what the batch normalisation behind a layer multiplies its filters."""

    key = "normalisation"
    title = "Scale of the batch normalisation"
    meaning = (
        "Batch normalisation multiplies each filter. A filter that looks strong may be scaled down behind "
        "it, and the reverse."
    )
    formula = "|gamma|/√(variance + ε) of each filter: the smallest, the median and the largest"
    supports = "how strong filters are beside one another, where their weights alone mislead"
    cannot_say = "Anything of a normalisation that was folded into the weights: it is in them."
    source = "Ioffe & Szegedy 2015"

    def take(self, subject: Subject) -> Finding | None:
        """Tell the span of the factors."""
        scale = subject.scale
        if scale is None:
            return None
        low, middle, high = np.min(scale), float(np.median(scale)), np.max(scale)
        text = f"the batch normalisation behind it multiplies its filters by {low:.3g} to {high:.3g}"
        return self.finding(value=middle, text=text)


class Unused(Measure):
    """Filters and channels that could be left out."""

    key = "unused"
    title = "Filters and channels without effect"
    meaning = (
        "Which filters and input channels could be cut out without any effect? Those that are next to "
        "nothing, or that nobody reads."
    )
    scope = ("filter",)
    formula = (
        "a filter whose normalisation scale, or whose ‖W_{l+1}[:, o]‖ in the one layer that follows, and an "
        "input channel whose ‖W[:, c]‖ is at most 1e-4 of the median of those that are not 0"
    )
    null = "none: next to nothing beside the others"
    short_null = "heuristic"
    counts_if = "any"
    supports = '"nothing would change without these"'
    cannot_say = (
        "Nothing about filters that several layers read. What is small but not next to nothing is not named."
    )
    source = "this project's cut; Liu et al. 2017, Network Slimming, for pruning by gamma"
    check = "a filter or an input channel is without effect: multiplied by 0, not looked at, or all 0"

    def each(self, subject: Subject) -> Columns:
        """Tell of each filter whether it is muted, or ignored by the layer that follows."""
        columns = {"muted": subject.scale, "ignored": _relied_on(subject)}
        return {
            name: _next_to_nothing(values).tolist() for name, values in columns.items() if values is not None
        }

    def sum_up(self, subject: Subject, filters: Sequence[FilterDiagnosis]) -> Finding:
        """Name them."""
        found: Mapping[str, Sequence[int]] = {
            "the batch normalisation behind it mutes filter": [each.index for each in filters if each.muted],
            "the following layer ignores filter": [each.index for each in filters if each.ignored],
            "it does not look at input channel": unread_channels(subject.kernels),
        }
        n = sum(map(len, found.values()))
        parts = [
            f"{what}{'s'[: len(places) > 1]} {listed([str(place) for place in places])}"
            for what, places in found.items()
            if places
        ]
        text = "; ".join(parts) or "nothing is without effect"
        return self.finding(value=float(n), threshold=0.0, found=n > 0, text=text)


def unread_channels(kernels: Kernels) -> tuple[int, ...]:
    """Return the input channels that a layer does not look at, by number."""
    return tuple(np.flatnonzero(_next_to_nothing(np.sqrt(kernels.energy.sum(axis=0)))).tolist())


def scale_behind(network: Network, layer: ConvLayer) -> Floats | None:
    """Return by what a batch normalisation directly behind a layer multiplies each filter, or None.

    Args:
        network: The network.
        layer: One of its convolutions.
    """
    norm = _norm_behind(network, layer)
    if norm is None:
        return None
    scale = np.abs(norm.scale_and_shift()[0]).reshape(-1)
    return scale if scale.size == layer.n_filters and np.isfinite(scale).all() else None


def _norm_behind(network: Network, layer: ConvLayer) -> Normalisation | None:
    """Return the batch normalisation directly behind a layer, whose numbers the file has.

    Where a file does not tell whether there is a function between, there mostly is none.
    """
    behind = layer.operations[layer.operations.index(layer.convolution) + 1 :]
    operations = [each for each in behind if not (isinstance(each, Activation) and each.kind == "untold")]
    readers = network.readers(layer)
    if not operations and len(readers) == 1:
        operations = list(readers[0].operations)
    first = next(iter(operations), None)
    return first if isinstance(first, Normalisation) and first.is_batch and first.is_told else None


def is_at_start_behind(network: Network, layer: ConvLayer) -> bool:
    """Tell whether the factors and shifts of a batch normalisation directly behind a layer are 1 and 0.

    A training moves them with the layer. Exporters write the same for a normalisation that has none.

    Args:
        network: The network.
        layer: One of its convolutions.
    """
    norm = _norm_behind(network, layer)
    if norm is None or norm.gamma is None or norm.beta is None or network.origin.framework in EXPORTED:
        return False
    gamma, beta = (np.asarray(each.value) for each in (norm.gamma, norm.beta))
    return bool((gamma == 1).all()) and not beta.any() and beta.size == layer.n_filters


def _relied_on(subject: Subject) -> Floats | None:
    if subject.following is None:
        return None
    weights = in_double(subject.following.filters)
    later = np.sqrt(reliance(weights / scale_of(weights)))
    return later if np.isfinite(later).all() else None


def _next_to_nothing(values: Floats) -> NDArray[np.bool_]:
    some = values[values > 0]
    usual = float(np.median(some)) if some.size else 0.0
    return np.asarray((values <= _NOTHING * usual) & (usual > 0))
