"""Layers → boxes: what each is in a few words, and which stand in one box with the layer before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from filtviz.network import Layer, Network
from filtviz.operations import (
    Activation,
    ChannelPooling,
    Concatenate,
    Convolution,
    Crop,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocallyConnected,
    LocalResponse,
    MatrixProduct,
    Merge,
    Normalisation,
    Operation,
    Pad,
    Pooling,
    Recurrent,
    Reduction,
    Reshape,
    Resize,
    Slice,
    Softmax,
    Standardisation,
    Transpose,
    Untold,
    Upscale,
)
from filtviz.parameter import Shape
from filtviz.text import plural, printable

__all__ = ["KINDS", "Box", "Graph", "Kind", "graph_of"]

Kind = Literal[
    "input",
    "convolution",
    "dense",
    "recurrent",
    "pooling",
    "join",
    "normalisation",
    "activation",
    "shape",
    "unknown",
]

KINDS: Mapping[Kind, str] = {
    "input": "input",
    "convolution": "convolution",
    "dense": "dense, embedding",
    "recurrent": "recurrent",
    "pooling": "pooling, upscaling",
    "join": "sum, concatenation",
    "normalisation": "normalisation",
    "activation": "activation, dropout",
    "shape": "reshaping, slicing, padding",
    "unknown": "not told by the file",
}
"""Kind → its word in the legend; where a layer does several things, the first of these counts."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """One or several layers that follow each other.

    Attributes:
        kind: What colour it has.
        title: The first layer's name, or what it is where it has none.
        lines: What it does, in a few words a line.
        shape: The lengths of what it gives, channels first and without the batch; None where not told.
        layers: The places of its layers in network order.
        parameters: The numbers that they store.
    """

    kind: Kind
    title: str
    lines: tuple[str, ...]
    shape: Shape | None
    layers: tuple[int, ...]
    parameters: int

    @property
    def shape_text(self) -> str:
        """The shape as it stands on an edge: ``64×56×56``."""
        return "" if self.shape is None else "×".join("?" if n is None else str(n) for n in self.shape)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Boxes in network order, and ``links`` between their places; the file tells these where ``is_told``."""

    name: str
    summary: str
    boxes: tuple[Box, ...]
    links: tuple[tuple[int, int], ...]
    is_told: bool


def graph_of(network: Network, *, whole: bool = False) -> Graph:
    """Return a network as boxes.

    Args:
        network: The network.
        whole: A box for each layer; else normalisations, activations and dropout stand in the box of the
            layer that alone feeds them.
    """
    heads = _heads(network, whole=whole)
    members: dict[int, list[Layer]] = {}
    for layer in network.layers:
        members.setdefault(heads[layer.index], []).append(layer)
    places = {head: place for place, head in enumerate(members)}
    links = {
        (places[heads[below]], places[heads[layer.index]]): None
        for layer in network.layers
        for below in layer.inputs
        if heads[below] != heads[layer.index]
    }
    n = sum(layer.n_parameters for layer in network.layers)
    return Graph(
        name="network" if network.origin.path is None else printable(network.origin.path.name, 80),
        summary=f"{network.describe()}, {plural(n, 'parameter')}",
        boxes=tuple(_box(group) for group in members.values()),
        links=tuple(links),
        is_told=not network.has_no_graph,
    )


_FOLLOWING = ("normalisation", "activation")
"""What stands in the box of the layer before it."""


def _heads(network: Network, *, whole: bool) -> list[int]:
    """Return for each layer the one at the head of its box."""
    n_readers = [0] * len(network.layers)
    for layer in network.layers:
        for place in layer.inputs:
            n_readers[place] += 1
    kinds = [_kind(layer) for layer in network.layers]
    heads: list[int] = []
    for layer in network.layers:
        below = layer.inputs[0] if len(layer.inputs) == 1 else -1
        joins = (
            not whole
            and below >= 0
            and kinds[layer.index] in _FOLLOWING
            and n_readers[below] == 1
            and kinds[below] not in ("input", "unknown")
        )
        heads.append(heads[below] if joins else layer.index)
    return heads


def _box(layers: Sequence[Layer]) -> Box:
    first, last = layers[0], layers[-1]
    lines = [", ".join(_words(first, is_first=True)) or printable(first.type, 30)]
    if following := [
        *_words(first, is_first=False),
        *(word for layer in layers[1:] for word in _all_words(layer)),
    ]:
        lines.append(" · ".join(following))
    shape = last.output_shape
    return Box(
        kind=_kind(first),
        title=printable(first.shown_name or first.title, 60),
        lines=tuple(lines),
        shape=None if shape is None else shape[1:],
        layers=tuple(layer.index for layer in layers),
        parameters=sum(layer.n_parameters for layer in layers),
    )


def _all_words(layer: Layer) -> list[str]:
    return [word for each in layer.operations if (word := _word(each))]


def _words(layer: Layer, *, is_first: bool) -> list[str]:
    """Return what a layer does itself, or what follows it within the layer."""
    kinds = [_kind_of(each) in _FOLLOWING for each in layer.operations]
    own = kinds.index(False) if False in kinds else 0
    parts = list(zip(layer.operations, kinds, strict=True))
    wanted = [
        each for place, (each, follows) in enumerate(parts) if (place <= own or not follows) == is_first
    ]
    return [word for each in wanted if (word := _word(each))]


def _kind(layer: Layer) -> Kind:
    found = {_kind_of(each) for each in layer.operations}
    if "unknown" in found:  # an activation behind it does not make it one
        found -= {*_FOLLOWING}
    return next((kind for kind in KINDS if kind in found), "shape")


def _kind_of(operation: Operation) -> Kind:
    match operation:
        case Input():
            return "input"
        case Convolution() | LocallyConnected():
            return "convolution"
        case Dense() | Embedding():
            return "dense"
        case Recurrent():
            return "recurrent"
        case Pooling() | GlobalPooling() | ChannelPooling() | Upscale() | Resize() | Reduction():
            return "pooling"
        case Merge() | Concatenate() | MatrixProduct():
            return "join"
        case Normalisation() | Standardisation() | LocalResponse():
            return "normalisation"
        case Activation() | Softmax() | Identity():
            return "activation"
        case Pad() | Crop() | Slice() | Reshape() | Flatten() | Transpose():
            return "shape"
        case Untold():
            return "unknown"
    assert_never(operation)


_SHORT = {"rectify": "relu", "leaky_rectify": "leaky relu", "parametric_rectify": "prelu", "linear": ""}


def _word(operation: Operation) -> str:
    """Say what an operation does in a few words."""
    match operation:
        case Convolution() | LocallyConnected():
            return ", ".join(_of_kernels(operation))
        case Dense():
            return "dense" if operation.units is None else f"dense, {plural(operation.units, 'unit')}"
        case Recurrent():
            return printable(operation.kind, 20)
        case Pooling():
            how = _pooled(operation.kind, operation.name)
            return f"{how} pool {_by(operation.size)}, stride {_by(_short(operation.stride))}"
        case GlobalPooling():
            return f"{_pooled(operation.kind, operation.name)} over all positions"
        case ChannelPooling():
            return f"{_pooled(operation.kind, operation.name)} of {operation.size} channels"
        case Upscale():
            return f"upscale {_by(operation.scale)}"
        case Resize():
            return f"resize to {_by(operation.size)}" if operation.size else "resize"
        case Reduction():
            return f"{'root of squares' if operation.kind == 'euclidean' else operation.kind} over axes"
        case MatrixProduct():
            return "product of matrices"
        case Merge():
            return (
                printable(operation.name or "merge ?", 20) if operation.kind == "untold" else operation.kind
            )
        case Normalisation():
            return "norm" if operation.is_batch else "scale" if operation.gamma is not None else "shift"
        case Standardisation():
            return "norm of its own input"
        case Activation():
            if operation.kind == "untold":
                return printable(operation.name, 20) if operation.name else "activation ?"
            return _SHORT.get(operation.kind, operation.kind.replace("_", " "))
        case Identity():
            return printable(operation.what.lower(), 20)
        case LocalResponse():
            return "local response norm"
        case Input() | Embedding() | Concatenate() | Pad() | Crop() | Slice():
            return type(operation).__name__.lower()
        case Reshape() | Flatten() | Transpose() | Softmax():
            return type(operation).__name__.lower()
        case Untold():
            return ""
    assert_never(operation)


def _of_kernels(operation: Convolution | LocallyConnected) -> Iterator[str]:
    """Yield what is to know of a convolution: its size, its filters, how it moves."""
    word = "conv" if isinstance(operation, Convolution) else "locally connected"
    transposed = isinstance(operation, Convolution) and operation.transposed
    yield f"{'transposed ' * transposed}{word} {_by(operation.kernel_size)}"
    yield plural(operation.n_filters, "filter")
    if operation.stride is None:
        yield "stride ?"
    elif set(operation.stride) != {1}:
        yield f"stride {_by(_short(operation.stride))}"
    if isinstance(operation, Convolution):
        if set(operation.spacing) != {1}:
            yield f"dilation {_by(_short(operation.spacing))}"
        if (operation.groups or 1) > 1:
            yield f"{operation.groups:,} groups"


def _short(lengths: Sequence[int]) -> Sequence[int]:
    return lengths[:1] if len(set(lengths)) == 1 else lengths


def _by(lengths: Sequence[int]) -> str:
    return "×".join(map(str, lengths))


def _pooled(kind: str, name: str) -> str:
    return printable(name or "?", 20) if kind == "untold" else kind
