"""What a deeper layer's filters amount to on the image, and how well that holds; pure numpy.

All between is taken as linear, and a stack of linear convolutions is a convolution with a larger kernel:
three layers of 3x3 make 7x7 filters on the image. Per layer, the templates of the layer below are shifted
to where each tap of the kernel looks and summed with its weights; a stride or a pooling spreads the taps of
all layers above ("dilates" them). The composed filters are a layer themselves, which the real responses are
held against.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
from filtviz.errors import BudgetError, CompositionError
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
from filtviz.parameter import Shape
from filtviz.running.inference import forward
from filtviz.running.numpy_engine import correlate
from filtviz.scaling import scale_of

__all__ = [
    "ASSUMED",
    "ComposedFilters",
    "ComposedLayer",
    "Fidelity",
    "assume_stacked",
    "compose",
    "compose_layer",
    "measure_fidelity",
]


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
            for operation in current.operations:
                account.spend("work", work_of_push(operation, found), what)
                found = (push(operation, found, current),)
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


N_RESPONSES = 400
"""Responses of each unit that a correlation rests on, where images are made: its standard error is .05."""

MIN_IMAGES, MAX_IMAGES = 4, 32

_DRAWN, _COPIED = 40, 4
"""The work to draw a number of an image, and to copy one into a window."""

_PICTURE, _SHOWN = 30_000_000, 1_000
"""What is kept for a picture of the composed filters, and of each of their numbers: it comes first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fidelity:
    """The correlation, filter by filter, of predicted and actual responses.

    ``correlations`` is ``(filters,)``; NaN for a unit that responded the same to everything. ``stimuli`` says
    what the network was shown, ``responses`` how many responses of each unit were compared: those whose
    template lies wholly inside the image, before the layer's own nonlinearity.
    """

    correlations: NDArray[np.float64]
    stimuli: str
    responses: int

    @property
    def median(self) -> float | None:
        """The median over the filters, or None where no unit ever changed its response."""
        known = self.correlations[np.isfinite(self.correlations)]
        return float(np.median(known)) if known.size else None

    @property
    def sentence(self) -> str:
        """Say it for a person."""
        known = self.correlations[np.isfinite(self.correlations)]
        silent = self.correlations.size - known.size
        if self.median is None:
            return f"shown {self.stimuli}, no unit ever changed its response: nothing can be said"
        beside = f"; {silent} never changed their response" if silent else ""
        return (
            f"shown {self.stimuli}, predicted and actual responses correlate at r = "
            f"{self.median:.2f} (median; {known.min():.2f} to {known.max():.2f}{beside})"
        )


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # as in the network, infinities are meant
def measure_fidelity(
    network: Network,
    layer: ConvLayer,
    composed: ComposedFilters,
    images: NDArray[np.floating] | None = None,
    seed: int = 0,
    account: Account | None = None,
) -> Fidelity:
    """Show the network images, or noise, and compare.

    Args:
        network: The network.
        layer: The convolution that ``composed`` was made for.
        composed: What `compose` returned.
        images: ``(images, channels, rows, cols)`` in the network's own units, at least as large as a
            composed filter; None for white noise, normal with variance 1.
        seed: Of the noise.
        account: What it may take; None for as much as it takes.

    Raises:
        BudgetError: it would take more.
        CompositionError: the images do not fit the network, or a layer's function is not known here.
    """
    account, stimuli = account or Account.unlimited(), "white noise"
    what = f"running the network up to {layer.title}"
    if images is None:
        size = _size_of_noise(composed, _input_shape(network))
        account.spend("work", math.prod(size) * (8 * BYTE + _DRAWN), what)
        images = np.random.default_rng(seed).standard_normal(size)
    else:
        stimuli = f"{len(images)} given image{'s'[: len(images) > 1]}"
    responses = forward(network, layer, images, account)
    # A composed filter is slid over the images as one large kernel.
    looked_at = math.prod(responses.shape[2:]) * len(images) * math.prod(composed.templates.shape[1:])
    account.hold(8 * looked_at, what)
    account.spend("work", looked_at * (_COPIED + len(composed.templates) // 2), what)
    predicted, inside = _predict(composed, np.asarray(images, np.float64), responses.shape[2:])
    found = responses[:, :, inside[0], inside[1]]
    n = found[:, 0].size
    return Fidelity(correlations=_correlations(predicted, found), stimuli=stimuli, responses=n)


def _input_shape(network: Network) -> Shape | None:
    return next((layer.output_shape for layer in network.layers if not layer.inputs), None)


def _size_of_noise(composed: ComposedFilters, declared: Shape | None) -> tuple[int, ...]:
    """Return the size of images: the network's own or, where no unit would see only image, a larger one.

    The larger one is the network's own and whole steps of the layer, since padding that was computed for the
    network's own size ("same", with a stride) leaves branches that do not fit at others.
    """
    n_channels, *size = composed.templates.shape[1:]
    lengths = []
    for axis in (0, 1):
        known = declared[axis + 2] if declared is not None and len(declared) == 4 else None
        step = composed.jump[axis]
        least = size[axis] + 7 * step
        if known is not None:
            least = known if known >= size[axis] else known + -(-(least - known) // step) * step
        lengths.append(least)
    places = [(n - k) // jump + 1 for n, k, jump in zip(lengths, size, composed.jump, strict=True)]
    wanted = -(-N_RESPONSES // (places[0] * places[1]))
    n_images = min(max(wanted, MIN_IMAGES), MAX_IMAGES)
    return (n_images, n_channels, *lengths)


def _predict(
    composed: ComposedFilters, images: NDArray[np.float64], n_units: tuple[int, ...]
) -> tuple[NDArray[np.float64], tuple[slice, slice]]:
    """Return the responses that the composed filters predict, and of which of the layer's units."""
    corner, inside = [], []
    for axis in (0, 1):
        start, jump = composed.start[axis], composed.jump[axis]
        first = max(0, -(start // jump))  # the first unit whose template begins inside the image
        places = (images.shape[2 + axis] - start - first * jump - composed.templates.shape[2 + axis]) // jump
        if places < 0:
            raise CompositionError(
                f"the images are smaller than the composed filters, which are "
                f"{composed.templates.shape[2]}x{composed.templates.shape[3]}: give larger ones"
            )
        if first >= n_units[axis]:
            raise CompositionError("each of its units sees some of the padding around the image")
        corner.append(start + first * jump)
        inside.append(slice(first, min(n_units[axis], first + places + 1)))
    predicted = correlate(images[:, :, corner[0] :, corner[1] :], composed.templates, composed.jump)
    rows, cols = (part.stop - part.start for part in inside)
    return predicted[:, :, :rows, :cols], (inside[0], inside[1])


def _correlations(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation per channel of two ``(images, channels, rows, cols)``."""
    flat = []
    for units in (a, b):
        rows = np.moveaxis(units, 1, 0).reshape(units.shape[1], -1)
        rows = np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0.0)
        rows = rows / scale_of(rows, 1)
        centred = rows - rows.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(centred, axis=1, keepdims=True)
        # What only rounding moves does not move.
        still = norms <= 1e-9 * np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
        flat.append(np.where(still, np.nan, centred / np.where(still, 1.0, norms)))
    return np.asarray((flat[0] * flat[1]).sum(axis=1))


ASSUMED = "assumed, since the file does not tell: stride 1 and no pooling between the convolutions"


@dataclass(frozen=True, kw_only=True, eq=False)
class ComposedLayer:
    """A layer whose weights are its filters composed down to the image.

    Attributes:
        layer: The layer, with weights ``(filters, image channels, rows, cols)`` as they match in the image.
        sentences: What was left out, what was assumed, and how well the composed filters predict responses.
        remarks: A few characters for each filter, its correlation with the responses; none where that was
            not measured.
    """

    layer: ConvLayer
    sentences: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def compose_layer(
    network: Network,
    layer: ConvLayer,
    *,
    stacked: bool = False,
    images: NDArray[Any] | None = None,
    account: Account | None = None,
) -> ComposedLayer:
    """Compose a layer's filters with all layers below.

    Args:
        network: The network that the layer is part of.
        layer: The layer to compose down to the image.
        stacked: Assume what a bare list of parameters does not tell, see `assume_stacked`.
        images: What to show the network to find how far the composed filters can be trusted, ``(images,
            channels, rows, cols)``; None for white noise.
        account: What it may take; None for as much as it takes.

    Raises:
        BudgetError: it would take more.
        CompositionError: something below the layer is no filter on the image.
    """
    account = account or Account.unlimited()
    known = assume_stacked(network) if stacked else network
    current = known.conv_layers[layer.conv_index]
    composed = compose(known, current, account)
    sentences = [_summary(composed, current), *composed.approximations]
    if stacked and not all(below.is_told for below in network.layers[: layer.index + 1]):
        sentences.append(ASSUMED)
    remarks: tuple[str, ...] = ()
    if composed.approximations or images is not None:
        with account.keeping("work", _PICTURE + _SHOWN * composed.templates.size):
            trust, remarks = _trust(known, current, composed, images, account)
        sentences.append(trust)
    else:
        sentences.append("nothing was left out: these are the units' exact answers to single pixels")
    seen = ConvLayer.of(
        composed.templates,
        flip_filters=False,
        type=current.type,
        name=current.name,
        label=current.label,
        index=current.index,
        conv_index=current.conv_index,
    )
    return ComposedLayer(layer=seen, sentences=tuple(sentences), remarks=remarks)


def _summary(composed: ComposedFilters, layer: ConvLayer) -> str:
    rows, cols = composed.templates.shape[2:]
    own = "x".join(map(str, layer.kernel_size))
    down, across = composed.jump
    step = f"{down} pixel{'s'[: down > 1]}" if down == across else f"{down} x {across} pixels"
    return f"its {own} kernels see {rows}x{cols} pixels of the image, in steps of {step}"


def _trust(
    network: Network,
    layer: ConvLayer,
    composed: ComposedFilters,
    images: NDArray[Any] | None,
    account: Account,
) -> tuple[str, tuple[str, ...]]:
    """Say how well the composed filters predict the units' responses, together and one by one."""
    try:
        found = measure_fidelity(network, layer, composed, images, account=account)
    except BudgetError as error:
        sentence = f"how far the composed filters of {layer.title} can be trusted was not measured: {error}"
        account.left_out.append(sentence)
        return sentence, ()
    except CompositionError as error:
        if images is not None:
            raise
        return f"how far they can be trusted is not known: {error}", ()
    remarks = tuple("silent" if np.isnan(r) else f"r {r:.2f}" for r in found.correlations)
    return f"r: {found.sentence}", remarks
