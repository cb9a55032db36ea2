"""Darknet's ``.weights``: numbers without names or shapes, which the ``.cfg`` beside them tells.

The order is that of ``load_weights`` in ``src/parser.c``: of each convolution its biases, the three
vectors of its batch normalisation, and its kernels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from filtviz.activations import Activation, ActivationKind
from filtviz.errors import FileAccessError, MalformedFileError, UnsupportedFileError
from filtviz.network import ConvLayer, Layer, Network
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    Merge,
    Normalisation,
    Operation,
    Pooling,
    Reshape,
    Slice,
    Softmax,
    Untold,
    Upscale,
)
from filtviz.parameter import Parameter
from filtviz.reading.arrays import count, parameter_of, stored
from filtviz.reading.layering import add_layer
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.stretch import View, unpack, view_of
from filtviz.text import printable, quoted

__all__ = ["open"]

_STARTS = re.compile(rb"\0{4}[\x00-\x09]\0{3}[\x00-\x20]\0{3}.{4}", re.DOTALL)
_F4 = np.dtype("<f4")
_LARGEST_CFG = 1 << 20


def open(opened: Opened) -> Network | None:
    """Read the layers that the configuration beside the weights tells.

    Raises:
        UnsupportedFileError: there is no configuration beside them.
        MalformedFileError: the two do not fit each other.
        LimitError: it has too many layers.
    """
    if not _STARTS.match(opened.start) or not opened.path.name.endswith((".weights", ".conv", ".backup")):
        return None
    sections = _sections(_configuration(opened), opened)
    view = view_of(opened.data)
    (minor,) = unpack("<4xi", view, 0)
    start = 20 if minor >= 2 else 16
    reader = _Reader(opened, view, start)
    layers = reader.read(sections)
    rest = len(view) - reader.position
    notes = [f"{rest:,} bytes behind the last layer are not told by the configuration"] if rest else []
    origin = origin_of(
        opened,
        "Darknet weights",
        objects=Objects(form="Darknet weights and their .cfg"),
        framework="Darknet",
        order="the configuration beside the weights",
        notes=notes,
    )
    return Network.of(layers, origin)


def _configuration(opened: Opened) -> str:
    stem = PurePath(opened.path.name).stem
    for name in (
        f"{stem}.cfg",
        f"{stem.removesuffix('_final').removesuffix('_best').removesuffix('_last')}.cfg",
    ):
        try:
            data = opened.siblings.open(name, as_it_is=True)
        except FileAccessError:
            continue
        if len(data) > _LARGEST_CFG:
            raise MalformedFileError(f"the file {quoted(name, 60)} beside it is no configuration")
        return str(bytes(data), "utf-8", "replace")
    raise UnsupportedFileError(
        f"they are Darknet weights, whose shapes are in the configuration; put {printable(stem, 60)}.cfg "
        "beside them"
    )


@dataclass(frozen=True, kw_only=True)
class _Section:
    """A section of the configuration: its kind and its entries."""

    kind: str
    entries: Mapping[str, str] = field(default_factory=dict)

    def whole(self, name: str, default: int) -> int:
        """Return a whole number, which no layer has larger than a million."""
        try:
            found = int(self.entries.get(name, default))
        except ValueError:
            return default
        if not -1_000_000 <= found <= 1_000_000:
            raise MalformedFileError(f"its configuration says {name}={found}, which no layer has")
        return found

    def list(self, name: str) -> list[int]:
        """Return whole numbers with commas between them."""
        return [int(one) for one in re.findall(r"-?\d{1,6}", self.entries.get(name, ""))]


def _sections(text: str, opened: Opened) -> list[_Section]:
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines():
        opened.effort.spend(1)
        plain = line.split("#")[0].split(";")[0].strip()
        if plain.startswith("["):
            found.append((plain.strip("[]").strip().lower(), {}))
        elif "=" in plain and found:
            key, _, value = plain.partition("=")
            found[-1][1][key.strip()] = value.strip()
    sections = [_Section(kind=kind, entries=entries) for kind, entries in found]
    if not sections or sections[0].kind not in ("net", "network"):
        raise MalformedFileError("the configuration beside it does not begin with [net]")
    opened.limits.check("layers", len(sections), f"its configuration has {len(sections):,} sections")
    return sections


_ACTIVATIONS: Mapping[str, ActivationKind] = {
    "relu": "rectify", "leaky": "leaky_rectify", "logistic": "sigmoid", "tanh": "tanh", "elu": "elu",
    "swish": "swish", "gelu": "gelu_tanh", "selu": "selu", "relu6": "clipped_rectify",
}  # fmt: skip
_NUMBERS: Mapping[str, Mapping[str, float]] = {
    "leaky": {"alpha": 0.1},
    "relu6": {"alpha": 6.0},
    "selu": {"alpha": 1.6732, "scale": 1.0507},
}


class _Reader:
    """Makes a layer of each section, taking from the weights what it needs."""

    def __init__(self, opened: Opened, view: View, position: int) -> None:
        self.opened = opened
        self.view = view
        self.position = position
        self.layers: list[Layer] = []
        self.channels: list[int] = []

    def read(self, sections: Sequence[_Section]) -> list[Layer]:
        """Return the input and all layers."""
        net = sections[0]
        shape = (
            None,
            net.whole("channels", 3),
            net.whole("height", 0) or None,
            net.whole("width", 0) or None,
        )
        image = Layer(name="input", type="net", operations=(Input(shape=shape),))
        self._add(image, net.whole("channels", 3))
        for number, section in enumerate(sections[1:]):
            self._section(number, section)
        return self.layers

    def _section(self, number: int, section: _Section) -> None:
        name, last = f"{number}.{section.kind}", len(self.layers) - 1
        if section.kind in ("convolutional", "deconvolutional", "conv"):
            self._convolution(name, section, last)
            return
        inputs, operations, channels = self._plain(section, last)
        self._add(Layer(name=name, type=section.kind, operations=operations, inputs=inputs), channels)

    def _plain(self, section: _Section, last: int) -> tuple[tuple[int, ...], tuple[Operation, ...], int]:
        """Return what a layer without kernels is given, what it does, and how many channels it gives."""
        channels = self.channels[last]
        match section.kind:
            case "maxpool":
                return (last,), (_pooling(section),), channels
            case "avgpool":
                pooled = GlobalPooling(kind="mean")
                return (last,), (pooled, Reshape(lengths=((0,), (1,), 1, 1))), channels
            case "route":
                return self._route(section, last)
            case "shortcut":
                given = (last, *self._places(section.list("from"), last))
                return given, (Merge(kind="add"), *_activation(section)), channels
            case "upsample":
                scale = max(section.whole("stride", 2), 1)
                return (last,), (Upscale(scale=(scale, scale)),), channels
            case "dropout":
                return (last,), (Identity(what="dropout"),), channels
            case "softmax":
                return (last,), (Softmax(),), channels
            case "connected":
                return self._connected(section, last)
        return (last,), (Untold(reason=f"filtviz does not follow [{printable(section.kind, 30)}]"),), channels

    def _places(self, numbers: Sequence[int], last: int) -> tuple[int, ...]:
        """Return layers by their numbers in the configuration, of which negative ones count back."""
        places = [last + 1 + n if n < 0 else n + 1 for n in numbers]
        if not places or any(not 0 < place <= last for place in places):
            raise MalformedFileError("its configuration leads from a layer to one that is not there")
        return tuple(places)

    def _route(self, section: _Section, last: int) -> tuple[tuple[int, ...], tuple[Operation, ...], int]:
        places = self._places(section.list("layers"), last)
        channels = sum(self.channels[place] for place in places)
        groups, part = max(section.whole("groups", 1), 1), section.whole("group_id", 0)
        joined: tuple[Operation, ...] = (Concatenate(),) if len(places) > 1 else (Identity(what="route"),)
        if groups == 1:
            return places, joined, channels
        each = channels // groups
        return places, (*joined, Slice(axis=1, start=part * each, stop=(part + 1) * each)), each

    def _take(self, name: str, layer: str, *shape: int) -> Parameter:
        """Take the next numbers of the weights."""
        if min(shape) < 1:
            raise MalformedFileError("its configuration says of a layer what cannot be")
        size, start = 4 * count(shape), self.position
        if start + size > len(self.view):
            raise MalformedFileError(
                f"the weights end before those of the layer {layer!r}; put the files of one model together"
            )
        piece = self.view[start : start + size]
        self.position += size
        return parameter_of(name, stored(shape, _F4, False, size, lambda: piece), f"{layer}/{name}")

    def _convolution(self, name: str, section: _Section, last: int) -> None:
        filters, size, stride = (section.whole(key, 1) for key in ("filters", "size", "stride"))
        strides = (section.whole("stride_y", stride), section.whole("stride_x", stride))
        below, groups = self.channels[last], max(section.whole("groups", 1), 1)
        transposed = section.kind == "deconvolutional"
        padding = size // 2 if section.whole("pad", 0) else section.whole("padding", 0)
        dilation = section.whole("dilation", 1)
        if min(filters, size, dilation, *strides) < 1 or padding < 0 or below % groups:
            raise MalformedFileError(f"its configuration says of the layer {name!r} what cannot be")
        bias = self._take("biases", name, filters)
        norm = [
            self._take(one, name, filters)
            for one in ("scales", "rolling_mean", "rolling_variance")
            if section.whole("batch_normalize", 0)
        ]
        shape = (below, filters, size, size) if transposed else (filters, below // groups, size, size)
        weights = self._take("weights", name, *shape)
        convolution = Convolution(
            weights=weights,
            axes="iorc" if transposed else "oirc",
            flip_filters=False,
            bias=None if norm else bias,
            stride=strides,
            pad=((padding, padding),) * 2,
            dilation=(dilation, dilation) if dilation > 1 else (),
            groups=groups,
            transposed=transposed,
        )
        operations: tuple[Operation, ...] = (convolution,)
        if norm:
            scales, mean, variance = norm
            operations = (
                convolution,
                Normalisation(
                    mean=mean, spread=variance, spread_is="variance", epsilon=1e-6, gamma=scales, beta=bias
                ),
            )
        layer = ConvLayer(
            name=name,
            type=section.kind,
            operations=(*operations, *_activation(section)),
            parameters=(weights, bias, *norm),
            inputs=(last,),
        )
        self._add(layer, filters)

    def _connected(self, section: _Section, last: int) -> tuple[tuple[int, ...], tuple[Operation, ...], int]:
        """Read a dense layer, whose input must be of a known size."""
        shape, units = self.layers[last].output_shape, section.whole("output", 1)
        lengths = [n for n in (shape or ())[1:] if n is not None]
        if shape is None or len(lengths) != len(shape) - 1 or section.whole("batch_normalize", 0):
            raise MalformedFileError(
                "its configuration does not tell how many numbers a dense layer is given"
            )
        name = f"{len(self.layers) - 1}.connected"
        bias = self._take("biases", name, units)
        weights = self._take("weights", name, units, count(lengths))
        dense = Dense(weights=weights, axes="oi", bias=bias, units=units)
        return (last,), (Flatten(), dense, *_activation(section)), units

    def _add(self, layer: Layer, channels: int) -> None:
        add_layer(self.layers, layer, self.opened.effort, "its network has {:,} layers or more")
        self.channels.append(channels)


def _pooling(section: _Section) -> Operation:
    stride = max(section.whole("stride", 1), 1)
    size = max(section.whole("size", stride), 1)
    padding = max(section.whole("padding", size - 1), 0)
    pad = (padding // 2, padding - padding // 2)
    return Pooling(kind="max", size=(size, size), stride=(stride, stride), pad=(pad, pad))


def _activation(section: _Section) -> tuple[Operation, ...]:
    name = section.entries.get("activation", "linear" if section.kind == "shortcut" else "logistic")
    if name == "linear":
        return ()
    kind = _ACTIVATIONS.get(name, "untold")
    return (Activation.with_numbers(kind, name[:30], _NUMBERS.get(name, {})),)
