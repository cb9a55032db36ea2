"""Does anything in the file but a convolution's own weights tell that the network was trained?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from filtviz.measures.bias import bias_state
from filtviz.measures.initialiser import fit_draws, fit_free_scale
from filtviz.measures.initialiser_catalogue import UNTOLD, Draws
from filtviz.measures.kernels import Kernels
from filtviz.measures.stored import is_rounded
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import Dense, Normalisation
from filtviz.parameter import Parameter
from filtviz.scaling import in_double
from filtviz.text import listed

__all__ = ["has_moved_bias", "optimised_by", "signs_of_training", "touched_by"]

_MOST = 4
_MOST_DENSE, _ENOUGH, _LOOKED_AT = 8, 1000, 2**16
_NO_DRAWS = 1e-6
"""Dense layers that are looked at, the weights that one must have, so many of which are; and the p-value
under which they are no draws."""

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
        if _has_moved_dense(layer, network):
            moved["bias"].append(layer.title)
    if moved["norm"]:
        yield f"batch normalisation has left its start in {listed(moved['norm'], _MOST)}"
    if moved["bias"]:
        yield f"the biases of {listed(moved['bias'], _MOST)} have left their start"
    told = network.origin.training or network.origin.epoch or moved["norm"] or moved["bias"]
    strange = [] if told else _undrawn(network)
    if strange:
        yield f"no initialiser draws such weights as those of {listed(strange, _MOST)}"


def _undrawn(network: Network) -> list[str]:
    """Name those of the last dense layers whose weights are no draws."""
    dense = [
        (layer.title, each.weights)
        for layer in network.layers
        for each in layer.operations
        if isinstance(each, Dense) and each.weights is not None and each.weights.size >= _ENOUGH
    ]
    return [title for title, weights in dense[-_MOST_DENSE:] if _is_undrawn(weights)]


def _is_undrawn(weights: Parameter) -> bool:
    """Tell whether some of a layer's weights are draws of no law at any scale, as training leaves them.

    Those that were set to 0, rounded or made orthogonal are none either, and tell nothing.
    """
    values = weights.value.reshape(-1)[:: -(-weights.size // _LOOKED_AT)]
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        return False
    kernels = Kernels.of(values.reshape(-1, 1, 1, 1))
    if kernels.n_zeros or kernels.rms == 0 or is_rounded(kernels):
        return False
    return all(fit.p < _NO_DRAWS for fit in fit_free_scale(kernels)) and not _is_cut(kernels)


def _is_cut(kernels: Kernels) -> bool:
    """Tell whether weights may be normal draws that were cut at two standard deviations, of any scale."""
    draws = Draws("cut normal", kernels.rms)
    return fit_draws(kernels, np.sort(kernels.flat), draws) >= _NO_DRAWS


def has_moved_bias(network: Network) -> bool:
    """Tell whether the biases of a dense layer have left their start.

    Args:
        network: The network.
    """
    left = _MOST_VALUES
    for layer in network.layers:
        left -= sum(each.size for each in layer.parameters if len(each.shape) == 1)
        if left < 0 or _has_moved_dense(layer, network):
            return left >= 0
    return False


def optimised_by(network: Network, layer: ConvLayer) -> bool | None:
    """Tell whether the optimiser in the file has moved a layer's weights, or None where it does not tell.

    Args:
        network: The network.
        layer: One of its convolutions.
    """
    if layer.name in network.origin.moved:
        return True
    return False if layer.name in network.origin.resting else None


def _has_moved_dense(layer: Layer, network: Network) -> bool:
    return any(isinstance(each, Dense) and _has_moved_bias(each, network) for each in layer.operations)


def touched_by(network: Network) -> str:
    """Say what was done to a network that no training moved: it has seen images, channels were switched off.

    Empty where nothing was, or where the normalisation has moved altogether, which `signs_of_training` says.
    A few factors of 0 among others are set; where all of a layer's are, many residual branches begin so.

    Args:
        network: The network.
    """
    seen, cut = [], []
    left = _MOST_VALUES
    for layer in network.layers:
        left -= sum(each.size for each in layer.parameters if len(each.shape) == 1)
        if left < 0:
            break
        norms = [each for each in layer.operations if isinstance(each, Normalisation) and each.is_batch]
        norms = [each for each in norms if not _is_moved(each)]
        if any(_varies(values) for each in norms for values in _statistics(each)):
            seen.append(layer.title)
        if any(each.gamma is not None and _is_partly_zero(each.gamma) for each in norms):
            cut.append(layer.title)
    told = (
        [f"images went through it (the statistics of {listed(seen, _MOST)} have left their start)"]
        if seen
        else []
    )
    told += [f"channels were switched off (some factors of {listed(cut, _MOST)} are 0)"] if cut else []
    return " and ".join(told)


def _is_partly_zero(values: Parameter) -> bool:
    return 0 < int(np.count_nonzero(values.value)) < values.size


def _has_moved_norm(layer: Layer) -> bool:
    return any(isinstance(each, Normalisation) and _is_moved(each) for each in layer.operations)


def _is_moved(norm: Normalisation) -> bool:
    """Tell whether a training has moved a batch normalisation from its start: beta 0, gamma 1.

    Images alone move mean and variance. Some networks begin with gammas drawn at random, as DCGAN does: with
    betas all at 0 no training has moved them.
    """
    if not norm.is_batch:
        return False
    if norm.beta is not None and norm.beta.size > 1:
        return _varies(norm.beta)
    return any(map(_varies, (*_statistics(norm), *filter(None, [norm.gamma]))))


def _statistics(norm: Normalisation) -> list[Parameter]:
    return [each for each in (norm.mean, norm.spread) if each is not None]


def _varies(values: Parameter) -> bool:
    return values.size > 1 and bool(np.ptp(values.value) != 0)


def _has_moved_bias(dense: Dense, network: Network) -> bool:
    if dense.bias is None or dense.weights is None or dense.bias.size < 2:
        return False
    fan_in = dense.weights.size // dense.bias.size
    may_be_drawn = network.origin.framework in ("PyTorch", *UNTOLD)
    bounds = [1 / np.sqrt(fan_in)] if may_be_drawn and fan_in else []
    return bias_state(in_double(dense.bias.value).reshape(-1), bounds) == "moved"
