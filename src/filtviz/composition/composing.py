"""The filter on the image that a deeper layer amounts to, where all between is taken as linear.

A stack of linear convolutions is a convolution with a larger kernel: three layers of 3x3 make 7x7 filters on
the image. Per layer, the templates of the layer below are shifted to where each tap of the kernel looks and
summed with its weights; a stride or a pooling spreads the taps of all layers above ("dilates" them).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from filtviz.composition.steps import (
    Affine,
    Concatenate,
    Correlate,
    Enter,
    Pad,
    Pair,
    Pointwise,
    Pool,
    Step,
    Sum,
    ancestors,
    naming,
    steps_of,
)
from filtviz.errors import CompositionError
from filtviz.network import ConvLayer, Layer, Network, Window

__all__ = ["ComposedFilters", "assume_stacked", "compose"]

MAX_ELEMENTS = 2**28
"""Of one layer's templates: 2 GiB; a deep network's filters on a large image can ask for far more."""


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


def compose(network: Network, layer: ConvLayer) -> ComposedFilters:
    """Compose the weights of ``layer`` through all that lies between it and the image.

    A stride and a pooling spread the taps above them, mean pooling is a convolution, batch normalisation
    scales, inputs that are added or joined are added or joined; all this is exact. Maximum pooling is taken
    as the mean over its window and nonlinearities are left out; ``approximations`` says so. The layer's own
    nonlinearity is not part of its filter.

    Raises:
        CompositionError: something below the layer is no filter on the image, or the file does not tell it.
    """
    chain = ancestors(network, layer)
    maps: dict[int, _LinearMap] = {}
    for place, current in enumerate(chain):
        found = tuple(maps[i] for i in current.inputs)
        try:
            found = found or (_identity(_image_channels(chain[place:])),)
            for step in steps_of(current):
                found = (_push(step, found),)
        except _MisfitError as error:
            raise CompositionError(
                f"{naming(layer)} cannot be composed: at {naming(current)}, {error}"
            ) from None
        except CompositionError as error:
            raise CompositionError(f"{naming(layer)} cannot be composed: {error}") from None
        maps[current.index] = found[0]
        _forget(maps, chain[place + 1 :])
    composed = maps[layer.index]
    return ComposedFilters(
        templates=composed.templates,
        jump=composed.jump,
        start=composed.start,
        approximations=tuple(_approximations(chain[:-1], layer)),
    )


def assume_stacked(network: Network) -> Network:
    """Return the network with what its file does not tell filled in: each convolution follows the one before.

    For bare lists of parameters, which tell neither stride, padding nor pooling: stride 1, no padding, and
    what has no parameters does nothing. Whoever calls this must say so; what the file tells is kept.
    """
    return replace(network, layers=tuple(_stacked(layer) for layer in network.layers))


def _stacked(layer: Layer) -> Layer:
    if layer.geometry_known:
        return layer
    below = layer.inputs or ((layer.index - 1,) if layer.index else ())
    known = replace(layer, geometry_known=True, inputs=below)
    if isinstance(known, ConvLayer):
        n = len(known.kernel_size)
        return replace(known, window=Window(size=known.kernel_size, stride=(1,) * n, pad=((0, 0),) * n))
    if known.type == "Layer" and not known.parameters:  # a name without a class: it may be anything
        return replace(known, type="IdentityLayer")
    return known


@dataclass(frozen=True, kw_only=True, eq=False)
class _LinearMap:
    """From the image to units: unit (y, x) of channel o is the sum of ``templates[o]`` times the image.

    The template's corner lies at ``start + jump * (y, x)``.
    """

    templates: NDArray[np.float64]
    jump: Pair
    start: Pair


class _MisfitError(ValueError):
    """The maps below do not fit a step; the text completes "at conv2, …"."""


def _identity(channels: int) -> _LinearMap:
    return _LinearMap(templates=np.eye(channels)[:, :, None, None], jump=(1, 1), start=(0, 0))


def _image_channels(above: Sequence[Layer]) -> int:
    """Return how many channels the image has that enters at ``above[0]``, as the lowest layer tells that can.

    An input layer may leave it open, and a bare list of parameters has no input layer.
    """
    for layer in above:
        for step in steps_of(layer):
            match step:
                case Enter(channels=int(n)):
                    return n
                case Affine(scale=scale):
                    return len(scale)
                case Correlate(templates=templates):
                    return int(templates.shape[1])
    raise _MisfitError("the file does not tell how many channels the image has")


def _forget(maps: dict[int, _LinearMap], still_to_come: Sequence[Layer]) -> None:
    """Drop the maps that nothing above needs: a deep network has hundreds."""
    needed = {i for layer in still_to_come for i in layer.inputs}
    for index in list(maps):
        if index not in needed and still_to_come:
            del maps[index]


@singledispatch
def _push(step: Step, below: Sequence[_LinearMap]) -> _LinearMap:
    raise NotImplementedError(type(step))


@_push.register
def _(step: Enter | Pointwise, below: Sequence[_LinearMap]) -> _LinearMap:  # noqa: ARG001
    return below[0]


@_push.register
def _(step: Correlate, below: Sequence[_LinearMap]) -> _LinearMap:
    (source,) = below
    n_filters, n_channels, *size = step.templates.shape
    n_below, n_image = source.templates.shape[:2]
    groups, rest = divmod(n_below, n_channels)
    if rest or n_filters % max(groups, 1):
        raise _MisfitError(f"it looks at {n_channels} channels, and the layer below gives {n_below}")
    spread = _times(step.dilation, source.jump)
    grown = [(taps - 1) * gap for taps, gap in zip(size, spread, strict=True)]
    lengths = [a + b for a, b in zip(source.templates.shape[2:], grown, strict=True)]
    _check_size(n_filters, n_image, *lengths)
    composed = np.zeros((n_filters, n_image, *lengths))
    for group in range(groups):
        filters = slice(group * n_filters // groups, (group + 1) * n_filters // groups)
        channels = slice(group * n_channels, (group + 1) * n_channels)
        _add_shifted(composed[filters], step.templates[filters], source.templates[channels], spread)
    return _looking_through(step, replace(source, templates=composed))


def _add_shifted(
    total: NDArray[np.float64], taps: NDArray[np.float64], below: NDArray[np.float64], spread: Pair
) -> None:
    """Add to ``total`` what lies below, at each tap's place and with its weights."""
    rows, cols = below.shape[2:]
    for i in range(taps.shape[2]):
        for j in range(taps.shape[3]):
            y, x = i * spread[0], j * spread[1]
            total[:, :, y : y + rows, x : x + cols] += np.tensordot(taps[:, :, i, j], below, axes=1)


def _looking_through(step: Correlate | Pool, seen: _LinearMap) -> _LinearMap:
    """Return the map as seen through a window's stride and padding."""
    before = (step.pad[0][0], step.pad[1][0])
    moved = _times(before, seen.jump)
    start = (seen.start[0] - moved[0], seen.start[1] - moved[1])
    return replace(seen, jump=_times(seen.jump, step.stride), start=start)


def _times(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0], a[1] * b[1]


def _check_size(*shape: int) -> None:
    if (n := int(np.prod(shape, dtype=object))) > MAX_ELEMENTS:
        sizes = "x".join(map(str, shape))
        raise _MisfitError(
            f"the filters on the image would be {sizes} ({n:,} numbers), more than {MAX_ELEMENTS:,}"
        )


@_push.register
def _(step: Pool, below: Sequence[_LinearMap]) -> _LinearMap:
    (source,) = below
    lengths = [
        length + (taps - 1) * jump
        for length, taps, jump in zip(source.templates.shape[2:], step.size, source.jump, strict=True)
    ]
    _check_size(*source.templates.shape[:2], *lengths)
    # The mean is separable: along the rows, then along the columns.
    mean = source.templates
    for axis, (taps, jump) in enumerate(zip(step.size, source.jump, strict=True), start=2):
        mean = _running_mean(mean, taps, jump, axis)
    return _looking_through(step, replace(source, templates=mean))


def _running_mean(array: NDArray[np.float64], taps: int, gap: int, axis: int) -> NDArray[np.float64]:
    shape = list(array.shape)
    length = shape[axis]
    shape[axis] += (taps - 1) * gap
    total = np.zeros(shape)
    along = np.moveaxis(total, axis, 0)
    for tap in range(taps):
        along[tap * gap : tap * gap + length] += np.moveaxis(array, axis, 0)
    return total / taps


@_push.register
def _(step: Affine, below: Sequence[_LinearMap]) -> _LinearMap:
    (source,) = below
    if len(step.scale) != len(source.templates):
        raise _MisfitError(
            f"it scales {len(step.scale)} channels, and the layer below gives {len(source.templates)}"
        )
    return replace(source, templates=source.templates * step.scale[:, None, None, None])


@_push.register
def _(step: Pad, below: Sequence[_LinearMap]) -> _LinearMap:
    (source,) = below
    before = _times((step.pad[0][0], step.pad[1][0]), source.jump)
    return replace(source, start=(source.start[0] - before[0], source.start[1] - before[1]))


@_push.register
def _(step: Sum, below: Sequence[_LinearMap]) -> _LinearMap:
    fitted = _on_one_canvas(below)
    if len({m.templates.shape for m in fitted}) > 1:
        raise _MisfitError("inputs with different numbers of channels are added")
    total = sum(c * m.templates for c, m in zip(step.coefficients, fitted, strict=True))
    return replace(fitted[0], templates=np.asarray(total))


@_push.register
def _(step: Concatenate, below: Sequence[_LinearMap]) -> _LinearMap:  # noqa: ARG001
    fitted = _on_one_canvas(below)
    return replace(fitted[0], templates=np.concatenate([m.templates for m in fitted]))


def _on_one_canvas(maps: Sequence[_LinearMap]) -> list[_LinearMap]:
    """Put zeros around templates until all begin and end at the same place."""
    if len({m.jump for m in maps}) > 1:
        raise _MisfitError("inputs meet whose units lie differently far apart")
    start = (min(m.start[0] for m in maps), min(m.start[1] for m in maps))
    end = [max(m.start[a] + m.templates.shape[2 + a] for m in maps) for a in (0, 1)]
    _check_size(*maps[0].templates.shape[:2], end[0] - start[0], end[1] - start[1])
    fitted = []
    for m in maps:
        margins = [(m.start[a] - start[a], end[a] - m.start[a] - m.templates.shape[2 + a]) for a in (0, 1)]
        padded = np.pad(m.templates, [(0, 0), (0, 0), *margins])
        fitted.append(replace(m, templates=padded, start=start))
    return fitted


def _approximations(below: Sequence[Layer], layer: ConvLayer) -> Iterable[str]:
    """Say what was left out or replaced, one sentence for each kind."""
    left_out: dict[str, list[str]] = {}
    pooled = []
    for current in below:
        for step in steps_of(current):
            if isinstance(step, Pointwise):
                left_out.setdefault(step.name, []).append(naming(current))
            elif isinstance(step, Pool) and step.maximum and step.size != (1, 1):
                pooled.append(naming(current))
    for name, layers in left_out.items():
        yield f"{name} after {_listed(layers)} was left out, as if every unit were active"
    if pooled:
        yield f"the maximum of {_listed(pooled)} was taken as the mean over its window"
    unknown = [naming(c) for c in (*below, layer) if isinstance(c, ConvLayer) and c.flip_filters is None]
    if unknown:
        verbs = "convolves or correlates" if len(unknown) == 1 else "convolve or correlate"
        yield f"the file does not say whether {_listed(unknown)} {verbs}: taken to convolve"


def _listed(names: Sequence[str]) -> str:
    """Join names: "a", "a and b", "a, b and 3 more"."""
    if len(names) > 4:
        names = (*names[:3], f"{len(names) - 3} more")
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
