"""Does anything in the file but a convolution's own weights tell that the network was trained?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from filtviz.measures.bias import bias_state
from filtviz.measures.catalogue import UNTOLD
from filtviz.network import Layer, Network
from filtviz.operations import Dense, Normalisation
from filtviz.scaling import in_double
from filtviz.text import listed

__all__ = ["signs_of_training"]

_MOST = 4
_MOST_VALUES = 10_000_000
"""Numbers of normalisations and biases that are looked at, in all."""


def signs_of_training(network: Network) -> tuple[str, ...]:
    """Return a few words for each thing that tells of training, such as "the file holds the state of Adam".

    A normalisation that has left its start, a dense layer's biases that no framework draws so, and what the
    reader found beside the weights. Which convolutions moved none of them tells: layers may be frozen.

    Args:
        network: The network.
    """
    return tuple(_signs(network))


def _signs(network: Network) -> Iterator[str]:
    yield from network.origin.training
    if network.origin.epoch:
        yield f"it was saved after epoch {network.origin.epoch}"
    left = _MOST_VALUES
    moved: dict[str, list[str]] = {"norm": [], "bias": []}
    for layer in network.layers:
        left -= sum(each.size for each in layer.parameters if len(each.shape) == 1)
        if left < 0:
            break
        if _has_moved_norm(layer):
            moved["norm"].append(layer.title)
        if any(isinstance(each, Dense) and _has_moved_bias(each, network) for each in layer.operations):
            moved["bias"].append(layer.title)
    if moved["norm"]:
        yield f"batch normalisation has left its start in {listed(moved['norm'], _MOST)}"
    if moved["bias"]:
        yield f"the biases of {listed(moved['bias'], _MOST)} have left their start"


def _has_moved_norm(layer: Layer) -> bool:
    return any(isinstance(each, Normalisation) and _is_moved(each) for each in layer.operations)


def _is_moved(norm: Normalisation) -> bool:
    """Tell whether a batch normalisation has left its start: beta 0, gamma 1, mean 0, variance 1."""
    if not norm.is_batch:
        return False
    stored = (norm.beta, norm.gamma, norm.mean, norm.spread)
    return any(each is not None and each.size > 1 and bool(np.ptp(each.value) != 0) for each in stored)


def _has_moved_bias(dense: Dense, network: Network) -> bool:
    if dense.bias is None or dense.weights is None or dense.bias.size < 2:
        return False
    fan_in = dense.weights.size // dense.bias.size
    may_be_drawn = network.origin.framework in ("PyTorch", *UNTOLD)
    bounds = [1 / np.sqrt(fan_in)] if may_be_drawn and fan_in else []
    return bias_state(in_double(dense.bias.value).reshape(-1), bounds) == "moved"
