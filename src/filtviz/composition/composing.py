"""The filter on the image that a deeper layer amounts to, where all between is taken as linear.

A stack of linear convolutions is a convolution with a larger kernel: three layers of 3x3 make 7x7 filters on
the image. Per layer, the templates of the layer below are shifted to where each tap of the kernel looks and
summed with its weights; a stride or a pooling spreads the taps of all layers above ("dilates" them).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import BYTE, Account
from filtviz.composition.linear_map import (
    Approximation,
    LinearMap,
    MapError,
    Pair,
    approximation_of,
    identity,
    kernels_on_image,
    push,
    scale_of_channels,
    work_of_push,
)
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    Convolution,
    Dense,
    Identity,
    Input,
    LocallyConnected,
    Normalisation,
    Operation,
    Untold,
)
from filtviz.shapes import output_shape

__all__ = ["ComposedFilters", "assume_stacked", "compose"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ComposedFilters:
    """What the units of a layer match in the image.

    ``templates`` is ``(filters, channels, rows, cols)``, to be laid on the image as it is (correlated).
    ``jump`` is the distance in input pixels between two neighbouring units, ``start`` where the first unit's
    template begins (negative: in the padding), both per axis. ``approximations`` has one sentence for each
    thing that was left out or replaced; where it is empty, the composed filter is the unit's exact linear
    part wherever it lies wholly inside the image.
    """

    templates: NDArray[np.float64]
    jump: Pair
    start: Pair
    approximations: tuple[str, ...] = ()


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # as in the network, infinities are meant
def compose(network: Network, layer: ConvLayer, account: Account | None = None) -> ComposedFilters:
    """Compose the weights of ``layer`` through all that lies between it and the image.

    A stride and a pooling spread the taps above them, mean pooling is a convolution, batch normalisation
    scales, inputs that are added or joined are added or joined; all this is exact. Maximum pooling is taken
    as the mean over its window and nonlinearities are left out; ``approximations`` says so. The layer's own
    nonlinearity is not part of its filter.

    Args:
        network: The network that the layer is part of.
        layer: The convolution.
        account: What it may take; None for as much as it takes.

    Raises:
        BudgetError: it would take more.
        CompositionError: something below the layer is no filter on the image, or the file does not tell it.
    """
    account, what = account or Account.unlimited(), f"composing {layer.title}"
    chain = network.ancestors(layer)
    last_readers = {i: place for place, current in enumerate(chain) for i in current.inputs}
    maps: dict[int, LinearMap] = {}
    for place, current in enumerate(chain):
        found = tuple(maps[i] for i in current.inputs)
        try:
            found = found or (_image(chain[place:], account, what),)
            shapes = [network.layers[i].output_shape for i in current.inputs]
            for operation in current.operations:
                account.spend("work", work_of_push(operation, found), what)
                found = (push(operation, found, current, shapes[0] if shapes else None),)
                shapes = [output_shape(operation, shapes)]
        except MapError as error:
            raise CompositionError(f"{layer.title} cannot be composed: at {current.title}, {error}") from None
        except CompositionError as error:
            raise CompositionError(f"{layer.title} cannot be composed: {error}") from None
        maps[current.index] = found[0]
        for index in {i for i in current.inputs if last_readers[i] == place}:
            del maps[index]  # nothing above needs it, and a deep network has hundreds
    composed = maps[layer.index]
    return ComposedFilters(
        templates=composed.templates,
        jump=composed.jump,
        start=composed.start,
        approximations=tuple(_approximations(chain[:-1], layer)),
    )


def _image(above: Sequence[Layer], account: Account, what: str) -> LinearMap:
    """Return the map of the image that enters at ``above[0]`` to itself."""
    channels = _image_channels(above)
    account.spend("work", 8 * BYTE * channels**2, what)
    return identity(channels)


def assume_stacked(network: Network) -> Network:
    """Return the network with what its file does not tell filled in: each convolution follows the one before.

    For bare lists of parameters, which tell neither stride, padding nor pooling: stride 1, no padding, and
    what has no parameters does nothing. Whoever calls this must say so; what the file tells is kept.
    """
    return replace(network, layers=tuple(_stacked(layer) for layer in network.layers))


def _stacked(layer: Layer) -> Layer:
    if layer.is_told:
        return layer
    below = layer.inputs or ((layer.index - 1,) if layer.index else ())
    operations = tuple(_assumed(operation, layer) for operation in layer.operations)
    return replace(layer, inputs=below, operations=operations)


def _assumed(operation: Operation, layer: Layer) -> Operation:
    if isinstance(operation, Convolution | LocallyConnected) and operation.stride is None:
        n = len(operation.kernel_size)
        return replace(operation, stride=(1,) * n, pad=((0, 0),) * n)
    # Where all that is not known is what feeds a layer, it is the one before; a name without a class may be
    # anything.
    if isinstance(operation, Untold) and (operation.of_input or not layer.parameters):
        return Identity(what=layer.type)
    return operation


def _image_channels(above: Sequence[Layer]) -> int:
    """Return how many channels the image has that enters at ``above[0]``, as the lowest layer tells that can.

    An input layer may leave it open, and a bare list of parameters has no input layer.
    """
    for layer in above:
        for operation in layer.operations:
            match operation:
                case Input():
                    if operation.channels is not None:
                        return operation.channels
                case Normalisation():
                    return len(scale_of_channels(operation, layer)[0])
                case Convolution() | LocallyConnected():
                    return kernels_on_image(operation, layer).n_channels
                case Dense(per_position=True, weights=weights) if weights is not None:
                    return weights.shape[0]
    raise MapError("the file does not tell how many channels the image has")


def _approximations(below: Sequence[Layer], layer: ConvLayer) -> Iterable[str]:
    """Say what was left out or replaced, one sentence for each kind."""
    done: dict[Approximation, list[str]] = {}
    for current in below:
        for operation in current.operations:
            if approximation := approximation_of(operation):
                done.setdefault(approximation, []).append(current.title)
    for approximation in sorted(done, key=lambda each: not each.is_left_out):
        yield approximation.sentence(_listed(done[approximation]))
    unknown = [c.title for c in (*below, layer) if isinstance(c, ConvLayer) and c.flip_filters is None]
    if unknown:
        verbs = "convolves or correlates" if len(unknown) == 1 else "convolve or correlate"
        yield f"the file does not say whether {_listed(unknown)} {verbs}: taken to convolve"


def _listed(names: Sequence[str]) -> str:
    """Join names: "a", "a and b", "a, b and 3 more"."""
    if len(names) > 4:
        names = (*names[:3], f"{len(names) - 3} more")
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
