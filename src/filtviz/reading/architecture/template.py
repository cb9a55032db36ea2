"""What was concluded of a file without a graph, as a TOML text for a person to correct."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from filtviz.errors import ArgumentError
from filtviz.network import Layer, Network
from filtviz.operations import Convolution, Dense, Normalisation
from filtviz.parameter import Parameter
from filtviz.reading.architecture.kinds import KINDS
from filtviz.text import printable

__all__ = ["template"]

_HEAD = """\
# What filtviz concluded of {name}.
#
# A table is a layer. They stand in network order (move them where they do not), and each takes what the one
# above it gives: from = "name" or from = ["a", "b"] names others, from = [] is the image. Write what is true
# where "?" stands, and add what has no weights: pool = 2 in a table, or a table of its own. Then:
#
#     filtviz layers {name} --architecture net.toml
#
# type:  {types}
# pool:  2, [2, 3], or {{ kind = "mean", size = 3, stride = 2, pad = 1, whole_windows = false }}

input = {image}  # of an image: channels, rows, columns; 0 where any length will do
channels_last = {channels_last}  # true for most Keras models, which take images with the channels behind

# These hold for all convolutions and dense layers that say nothing else in their own table.
"""

_STRIDE = 'stride = "?"      # 1, or [rows, columns]'
_PAD = 'pad = "?"         # 0, "same", [rows, columns], or [[before, after], [before, after]]'
_FLIP = (
    'flip = "?"        # true for Lasagne and Theano, which turn kernels by 180 degrees; false for all others'
)
_ACTIVATION = (
    'activation = "?"  # relu, tanh, { kind = "leaky_relu", alpha = 0.01 } …; behind a normalisation'
)


def template(network: Network) -> str:
    """Return a text that describes a network as far as its file tells it, with a question mark for the rest.

    Args:
        network: What a file holds that has no graph.

    Raises:
        ArgumentError: the file tells its own structure.
    """
    name = "MODEL" if network.origin.path is None else printable(network.origin.path.name, 80)
    if not network.has_no_graph:
        raise ArgumentError(
            f"{name} holds {network.origin.kind}, which tells its own structure: it needs no architecture, "
            "and gives its graph to other weights with --like"
        )
    layers = [layer for place, layer in enumerate(network.layers) if place or layer.parameters]
    head = _HEAD.format(
        name=name,
        types=_wrapped(list(KINDS)),
        image=_image(layers),
        channels_last=str(_has_channels_last(layers)).lower(),
    )
    convs = [each for layer in layers for each in layer.operations if isinstance(each, Convolution)]
    lines = [_STRIDE, _PAD, _flip(convs)] if convs else []
    names = _names(layers)
    weighing = [
        layer for layer in layers if any(isinstance(each, Convolution | Dense) for each in layer.operations)
    ]
    tables = [
        "\n".join(_table(layer, called, is_last=bool(weighing) and layer is weighing[-1]))
        for layer, called in zip(layers, names, strict=True)
    ]
    return head + "\n".join([*lines, _ACTIVATION]) + "\n\n" + "\n\n".join(tables) + "\n"


def _wrapped(words: Sequence[str]) -> str:
    return "\n#        ".join(textwrap.wrap(" ".join(words), 90, break_on_hyphens=False))


def _image(layers: Sequence[Layer]) -> str:
    """Return the lengths of an image as far as the first weights tell them."""
    for layer in layers:
        for each in layer.operations:
            if isinstance(each, Convolution):
                channels = each.n_channels * (each.groups or 1)
                return str([channels, *([0] * len(each.kernel_size))])
            if isinstance(each, Dense) and each.weights is not None:
                return str([each.weights.shape[each.axes.index("i")]])
    return '"?"'


def _has_channels_last(layers: Sequence[Layer]) -> bool:
    convs = [each for layer in layers for each in layer.operations if isinstance(each, Convolution)]
    return bool(convs) and convs[0].axes[0] in "drc"


def _flip(convs: Sequence[Convolution]) -> str:
    flips = {each.flip_filters for each in convs}
    known = flips.pop() if len(flips) == 1 else None
    return _FLIP if known is None else f"flip = {str(known).lower()}"


_WORDS = {Convolution: "conv", Dense: "dense", Normalisation: "norm"}


def _names(layers: Sequence[Layer]) -> list[str]:
    """Return a name for each layer, none twice."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        first = layer.operations[0] if layer.operations else None
        word = _WORDS.get(type(first), "layer")
        counts[word] = counts.get(word, 0) + 1
        name = layer.name or f"{word}{counts[word]}"
        while name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names


def _table(layer: Layer, name: str, *, is_last: bool) -> Iterator[str]:
    yield f"[{_key(name)}]"
    first = layer.operations[0] if layer.operations else None
    match first:
        case Convolution() | Dense():
            yield from _weighing(first)
            yield from ['activation = "?"'] if is_last else []
        case Normalisation():
            yield 'type = "normalisation"'
            yield from _normalisation(first)
        case _:
            yield f'type = "?"  # {_what(layer)}'
            yield from (f"# {_said(one)}" for one in layer.parameters)


def _what(layer: Layer) -> str:
    if not layer.parameters:
        return "it has no weights: pool, dropout, …; without effect it may be left out, table and all"
    return "the file does not tell what is done with these: weights = … and so on, or leave the table out"


def _weighing(operation: Convolution | Dense) -> Iterator[str]:
    if isinstance(operation, Dense):
        yield 'type = "dense"'
    else:
        is_turned = operation.transposed or operation.axes.startswith("io")
        yield f'type = "{"transposed-" * is_turned}convolution"'
    if operation.weights is not None:
        yield f"weights = {_text(operation.weights.source)}{_shape(operation.weights)}"
    if operation.bias is not None:
        yield f"bias = {_text(operation.bias.source)}{_shape(operation.bias)}"
    yield f'axes = "{operation.axes.replace("r", "h").replace("c", "w")}"'
    if isinstance(operation, Convolution):
        yield from _geometry(operation)


def _geometry(operation: Convolution) -> Iterator[str]:
    """Yield what the file does tell."""
    if operation.stride is not None:
        yield f"stride = {list(operation.stride)}"
    if operation.pad is not None:
        yield f"pad = {[list(pair) for pair in operation.pad]}"
    if operation.dilation:
        yield f"dilation = {list(operation.dilation)}"
    if operation.groups is not None and operation.groups > 1:
        yield f"groups = {operation.groups}"


def _normalisation(operation: Normalisation) -> Iterator[str]:
    parts = {
        "mean": operation.mean,
        operation.spread_is: operation.spread,
        "gamma": operation.gamma,
        "beta": operation.beta,
    }
    for key, one in parts.items():
        if one is not None:
            yield f"{key} = {_text(one.source)}{_shape(one)}"
    if operation.spread_is == "variance":
        yield f"epsilon = {operation.epsilon!r}  # the framework's own by default"


def _shape(parameter: Parameter) -> str:
    return f"  # {'x'.join(map(str, parameter.shape)) or 'one number'}"


def _said(parameter: Parameter) -> str:
    shape = "x".join(map(str, parameter.shape)) or "one number"
    return f"{printable(parameter.source or parameter.name, 80)} is {shape}"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _text(value: str) -> str:
    """Return a text as TOML has it, with nothing in it that a terminal would obey."""
    return '"' + "".join(map(_character, value)) + '"'


def _character(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    if one.isprintable():
        return one
    return f"\\u{ord(one):04x}" if ord(one) < 1 << 16 else f"\\U{ord(one):08x}"
