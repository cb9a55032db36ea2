"""Networks drawn by chance, as PyTorch's modules, as ONNX, and as named arrays.

``python -m tests.telling`` writes ``tests/told/networks/written.txt`` anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from filtviz.activations import KINDS, Activation
from filtviz.converting import _settled
from filtviz.converting.collected import attribute, identifier, member, stored, torch_layout
from filtviz.converting.verifying import expected
from filtviz.network import Layer, Network, Origin
from filtviz.operations import (
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocalResponse,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Upscale,
)
from filtviz.parameter import Parameter
from filtviz.shapes import output_shape
from tests.interpreters.cases import drawn
from tests.interpreters.tables import _short, layer_of, told
from tests.networks.printed import _lines
from tests.networks.walks import said
from tests.reading.operators.graphs import written

__all__ = ["drawn_network", "written_networks"]

Shape = tuple[int | None, ...]
NAMES = ("", "conv", "conv", "Conv", "a/b", "class", "weight", "x_1", "1", "conv_bias", "é")
KINDS_OF_POOLING = ("max", "mean", "sum")


def written_networks() -> Iterator[tuple[str, str]]:
    for n in range(140):
        network = drawn_network(n)
        words = "; ".join(
            f"{layer.name} {'+'.join(type(one).__name__ for one in layer.operations)} {layer.inputs}"
            for layer in network.layers
        )
        makers: tuple[tuple[str, Callable[[Network], str]], ...] = (
            ("ONNX", written),
            ("module", _lines),
            ("arrays", _arrays),
        )
        if len(network.layers[1].inputs) == 0:
            makers = (*makers, ("answers", _answers))
        for name, make in makers:
            yield f"{name} {n}: {words if name == 'ONNX' else ''}", _short(said(make, network))


def _arrays(network: Network) -> str:
    found = (
        stored(network, member),
        torch_layout(network, attribute),
        torch_layout(_settled(network, turned=True), identifier),
    )
    held = ("; ".join(f"{one.name} {one.shape}" for one in each.arrays) for each in found)
    return " | ".join([*held, *(f"{one.facts} {' '.join(one.remarks)}" for one in found)])


def _answers(network: Network) -> str:
    """What is shown to a network to verify it, and what it answers."""
    noise, found = expected(network, None)
    return " -> ".join("; ".join(told(one, 3) for one in each) for each in (noise, found))


def drawn_network(n: int) -> Network:
    """A network of some layers, whose inputs are any of those before them."""
    chance = Random(f"written {n}")
    layers = [_entrance(chance) for _ in range(chance.choice((1, 1, 1, 2)))]
    for _ in range(chance.randint(2, 5)):
        below = (len(layers) - 1,) if chance.random() < 0.75 else (chance.randrange(len(layers)),)
        alike = [i for i, one in enumerate(layers) if one.output_shape == layers[below[0]].output_shape]
        operations: list[Operation] = []
        shape: Shape = layers[below[0]].output_shape or ()
        if len(alike) > 1 and chance.random() < 0.5:
            below = tuple(chance.choice(alike) for _ in range(chance.choice((2, 2, 3))))
            operations.append(_join(chance, len(below)))
            shape = output_shape(operations[0], [shape] * len(below)) or ()
        for _ in range(chance.choice((0, 1, 1, 2))):
            made = _operation(chance, shape)
            after = output_shape(made, [shape])
            if after and len(after) > 1 and all(length is None or 0 < length < 30 for length in after[1:]):
                operations.append(made)
                shape = after
        layers.append(_layer(chance, operations, below, shape))
    framework = chance.choice(("PyTorch", "", "Lasagne"))
    return Network.of(layers, Origin(framework=framework))


def _entrance(chance: Random) -> Layer:
    rank, batch = chance.choice((2, 3, 4, 4, 4, 4, 5)), chance.choice((None, None, None, 1, 3))
    lengths = [chance.choice((1, 4, 5, 6, 7, None if rank == 4 else 8)) for _ in range(rank - 2)]
    shape = (batch, chance.choice((1, 2, 3, 4, 6)), *lengths)
    return Layer(name=chance.choice(NAMES), type="In", output_shape=shape, operations=(Input(shape=shape),))


def _layer(chance: Random, operations: Sequence[Operation], below: tuple[int, ...], shape: Shape) -> Layer:
    held = tuple(operations) or (Identity(),)
    if chance.random() < 0.15:
        held = (*held, Identity())
    made = layer_of(*held, below=below, name=chance.choice(NAMES), type="Some thing", output_shape=shape)
    counter = Parameter.of(chance.choice(("num_batches_tracked", "moves")), np.array(3))
    more = (replace(counter, source=chance.choice(("", "a.moves"))),) if chance.random() < 0.15 else ()
    return replace(made, parameters=(*made.parameters, *more))


def _join(chance: Random, n: int) -> Operation:
    if chance.random() < 0.3:
        return Concatenate(axis=chance.choice((1, 1, -1)))
    kind = chance.choice(("add", "mean", "subtract", "multiply", "divide", "maximum", "minimum"))
    coefficients = tuple(chance.choice((1.0, -1.0, 2.0)) for _ in range(n)) if kind == "add" else ()
    return Merge(kind=kind, coefficients=coefficients if chance.random() < 0.5 else ())


def _operation(chance: Random, shape: Shape) -> Operation:
    spatial, channels = len(shape) - 2, shape[1] if len(shape) > 1 else None
    makers: list[Callable[[Random, Shape], Operation]] = [_plain, _shaped]
    if channels is not None:
        makers += [_of_channels]
    if channels is not None and 1 <= spatial <= 3:
        makers += [_kernel, _pooling, _spatial]
    return chance.choice(makers)(chance, shape)


def _few(chance: Random, n: int, *from_: int) -> tuple[int, ...]:
    return tuple(chance.choice(from_) for _ in range(n))


def _pads(chance: Random, n: int, most: int) -> tuple[tuple[int, int], ...]:
    even = chance.random() < 0.5
    pads = (_few(chance, 2, *range(most + 1)) for _ in range(n))
    return tuple((a, a if even else b) for a, b in pads)


def _maybe(chance: Random, *shape: int) -> Parameter | None:
    return drawn(*shape, seed=chance.randrange(9)) if chance.random() < 0.5 else None


def _plain(chance: Random, shape: Shape) -> Operation:
    kind = chance.choice([*sorted(KINDS), "rectify", "leaky_rectify"])
    last = shape[-1] if shape else None
    slopes = drawn(last) if kind == "parametric_rectify" and last is not None else None
    return chance.choice(
        (
            Identity(),
            Softmax(axis=chance.choice((1, -1))),
            Activation(kind=kind, alpha=0.3, slopes=slopes, along=(-1,) if slopes else (1,)),
            Standardisation(axes=_few(chance, 1, 1, -1, len(shape) - 1)),
            Reduction(
                kind=chance.choice(("max", "min", "mean", "sum", "euclidean")),
                axes=_few(chance, 1, 1, -1, 2),
                keeps=chance.random() < 0.5,
            ),
        )
    )


def _shaped(chance: Random, shape: Shape) -> Operation:
    order: list[int | None] = [0, *chance.sample(range(1, len(shape)), len(shape) - 1)]
    if chance.random() < 0.3:
        order.insert(chance.randint(1, len(order)), None)
    ends = (None, None, 0, 1, 2, -1, -2, 9)
    part = Slice(
        axis=chance.choice((1, 2, 3, -1)),
        start=chance.choice(ends),
        stop=chance.choice(ends),
        step=chance.choice((None, 1, 2, -1, -1, -2)),
    )
    index = Slice(axis=chance.choice((1, -1)), index=chance.choice((0, 1, -1)))
    reshape = Reshape(lengths=((0,), *chance.choice((((1,), -1), (-1,), (1, -1), (2, -1), (-1, 1)))))
    pad = Pad(
        pad=_pads(chance, len(shape) - 1, 2),
        first_axis=1,
        value=chance.choice((0.0, 0.5)),
    )
    return chance.choice(
        (
            Transpose(order=tuple(order)),
            part,
            part,
            index,
            reshape,
            pad,
            Flatten(keep=chance.choice((1, 1, 2))),
        )
    )


def _of_channels(chance: Random, shape: Shape) -> Operation:
    n, rank = shape[1] or 1, len(shape)
    norm = Normalisation(
        mean=_maybe(chance, n),
        spread=drawn(n, low=chance.choice((0.1, -1.0))),
        spread_is=chance.choice(("inv_std", "std", "variance")),
        epsilon=chance.choice((1e-5, 0.25, 0.0)),
        gamma=_maybe(chance, n),
        beta=_maybe(chance, n),
    )
    scale = Normalisation(gamma=drawn(n), beta=_maybe(chance, n), is_batch=False)
    flat = 1
    for length in shape[1:]:
        flat *= length or 1
    oi = chance.random() < 0.5
    per_position = chance.random() < 0.4
    n_in = n if per_position else flat
    dense = Dense(
        weights=drawn(3, n_in) if oi else drawn(n_in, 3),
        axes="oi" if oi else "io",
        units=3,
        bias=_maybe(chance, 3),
        per_position=per_position,
    )
    last = shape[-1] or 1
    deep = Dense(weights=drawn(last, 2), units=2, leading_axes=rank - 1, bias=_maybe(chance, 2))
    slopes = Activation(kind="parametric_rectify", slopes=drawn(chance.choice((1, n))))
    groups = Standardisation(
        groups=chance.choice((0, 1, 2)), gamma=_maybe(chance, n), beta=_maybe(chance, n), epsilon=0.1
    )
    channels = ChannelPooling(kind=chance.choice(KINDS_OF_POOLING), size=chance.choice((1, 2, 3)))
    return chance.choice((norm, norm, scale, dense, dense, deep, slopes, groups, channels))


def _kernel(chance: Random, shape: Shape) -> Operation:
    n, channels = len(shape) - 2, shape[1] or 1
    groups = chance.choice((1, 1, 2, channels))
    per = max(channels // groups, 1)
    size, stride = _few(chance, n, 1, 2, 3), _few(chance, n, 1, 1, 2)
    letters = "drc"[-n:] if n != 1 else "c"
    common = {"stride": stride, "pad": _pads(chance, n, 1), "dilation": _few(chance, n, 1, 1, 2)}
    flips = chance.choice((None, True, False))
    if chance.random() < 0.3:
        weights = drawn(channels, 2, *size)
        return Convolution(
            weights=weights,
            axes=f"io{letters}",
            bias=_maybe(chance, 2),
            flip_filters=flips,
            transposed=True,
            groups=1,
            **common,
        )
    return Convolution(
        weights=drawn(2 * groups, per, *size),
        axes=f"oi{letters}",
        bias=_maybe(chance, 2 * groups),
        flip_filters=flips,
        groups=groups,
        **common,
    )


def _pooling(chance: Random, shape: Shape) -> Operation:
    n = len(shape) - 2
    if chance.random() < 0.2:
        return GlobalPooling(kind=chance.choice(KINDS_OF_POOLING))
    whole = chance.random() < 0.5
    return Pooling(
        kind=chance.choice(KINDS_OF_POOLING),
        size=_few(chance, n, 1, 2, 3) if whole else (3,) * n,
        stride=_few(chance, n, 1, 2, 3),
        pad=_pads(chance, n, chance.choice((0, 1, 2))),
        dilation=_few(chance, n, 1, 1, 1, 2),
        whole_windows=whole,
        counts_pad=chance.random() < 0.5,
    )


def _spatial(chance: Random, shape: Shape) -> Operation:
    n = len(shape) - 2
    how = chance.choice(("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"))
    size = Resize(size=_few(chance, n, 1, 3, 4, 8), scale=(), coordinates=how)
    scale = Resize(size=(), scale=tuple(chance.choice((0.5, 2.0, 1.5)) for _ in range(n)), coordinates=how)
    return chance.choice(
        (
            Crop(crop=_pads(chance, n, 1)),
            Pad(pad=_pads(chance, n, 2), mode=chance.choice(("constant", "reflect", "edge"))),
            Upscale(scale=_few(chance, n, 1, 2, 3), dilates=chance.random() < 0.5),
            size,
            scale,
            LocalResponse(alpha=0.4, k=2.0, beta=0.75, n=chance.choice((1, 2, 3, 5))),
        )
    )
