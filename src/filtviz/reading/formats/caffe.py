"""Caffe's models of both generations: a protocol buffer with layers, their parameters and their blobs.

Fields are numbered as in ``caffe/proto/caffe.proto``. Layers feed each other through the names of their
results; one that works in place gives its result the name of what it was given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from filtviz.activations import Activation
from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.operations import (
    Concatenate,
    Convolution,
    Dense,
    Flatten,
    GlobalPooling,
    Identity,
    Input,
    LocalResponse,
    Merge,
    MergeKind,
    Normalisation,
    Operation,
    Pooling,
    PoolingKind,
    Reshape,
    Softmax,
    Untold,
)
from filtviz.parameter import Parameter, Shape
from filtviz.reading.arrays import AnyArray, parameter_of, shape_of, stored
from filtviz.reading.layering import add_layer, make_layer, shapes_of
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.protobuf import Message
from filtviz.reading.stretch import in_memory, view_of
from filtviz.text import printable, quoted

__all__ = ["open"]

Operations = tuple[Operation, ...]

_LAYERS, _OLD_LAYERS = 100, 2
_NET_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 100})
_FIRST_FORM, _FORM_BLOBS = 1, 50
"""Of a layer of the first generation: the form before it, a ``V0LayerParameter``, and the blobs of that."""

_FIRST_TYPES: Mapping[str, str] = {
    "concat": "Concat", "conv": "Convolution", "data": "Data", "dropout": "Dropout", "flatten": "Flatten",
    "innerproduct": "InnerProduct", "lrn": "LRN", "pool": "Pooling", "relu": "ReLU", "sigmoid": "Sigmoid",
    "softmax": "Softmax", "softmax_loss": "SoftmaxWithLoss", "split": "Split", "tanh": "TanH",
}  # fmt: skip
_OLD_TYPES: Mapping[int, str] = {
    3: "Concat", 4: "Convolution", 5: "Data", 6: "Dropout", 8: "Flatten", 14: "InnerProduct", 15: "LRN",
    17: "Pooling", 18: "ReLU", 19: "Sigmoid", 20: "Softmax", 21: "SoftmaxWithLoss", 22: "Split", 23: "TanH",
    25: "Eltwise", 33: "Slice", 39: "Deconvolution",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Fields:
    """The numbers of the fields of a layer, which differ between the generations."""

    name: int
    type: int
    bottom: int
    top: int
    blobs: int
    convolution: int
    pooling: int
    lrn: int
    concat: int
    eltwise: int
    relu: int
    batch_norm: int = 0


_NEW = _Fields(
    name=1, type=2, bottom=3, top=4, blobs=7, convolution=106, pooling=121, lrn=118, concat=104, eltwise=110,
    relu=123, batch_norm=139,
)  # fmt: skip
_OLD = _Fields(
    name=4,
    type=5,
    bottom=2,
    top=3,
    blobs=6,
    convolution=10,
    pooling=19,
    lrn=18,
    concat=9,
    eltwise=24,
    relu=30,
)


_FORM = replace(
    _OLD, name=1, type=2, blobs=_FORM_BLOBS, convolution=0, pooling=0, lrn=0, concat=0, eltwise=0, relu=0
)
"""Where a layer of the first form has what it says of itself; its inputs and outputs stand around it."""


def open(opened: Opened) -> Network | None:
    """Read the layers.

    Raises:
        UnsupportedFileError: it has layers and no weights.
        MalformedFileError: it is damaged, or says of itself what cannot be.
        LimitError: it has too many layers.
    """
    if not opened.start or opened.start[0] & 7 != 2 or opened.members is not None:
        return None
    net = Message(view_of(opened.data), opened.effort)
    try:
        if not net.fields.keys() <= _NET_FIELDS or not (net.has(_LAYERS) or net.has(_OLD_LAYERS)):
            return None
        new = net.has(_LAYERS)
        messages = net.messages(_LAYERS if new else _OLD_LAYERS)
        if not _is_layer(messages[0], new=new):
            return None
    except MalformedFileError:
        return None
    opened.limits.check("layers", len(messages), f"it has {len(messages):,} layers")
    reader = _Reader(opened, _NEW if new else _OLD, new=new)
    layers = reader.read(net, messages)
    if not any(layer.parameters for layer in layers):
        raise UnsupportedFileError("it is a Caffe model without weights; name the .caffemodel file")
    origin = origin_of(
        opened,
        "a Caffe model",
        objects=Objects(form="NetParameter" if new else "NetParameter of the first generation"),
        framework="Caffe",
        order="the order of the layers in the file",
    )
    return Network.of(layers, origin)


def _is_layer(message: Message, *, new: bool) -> bool:
    """Tell a layer by its name and type, both plain."""
    fields = _NEW if new else _OLD
    first = None if new else message.message(_FIRST_FORM)
    if first is not None:
        return first.text(_FORM.type) in _FIRST_TYPES and first.text(_FORM.name).isprintable()
    if new and not re.fullmatch(r"[A-Za-z]\w*", message.text(fields.type)):
        return False
    known = message.has(fields.type) and (message.has(fields.top) or message.has(fields.bottom))
    return known and message.text(fields.name).isprintable()


class _Reader:
    """Makes a layer of each layer of the file."""

    def __init__(self, opened: Opened, fields: _Fields, *, new: bool) -> None:
        self.opened = opened
        self.fields = fields
        self.new = new
        self.layers: list[Layer] = []
        self.giver: dict[str, int] = {}

    def read(self, net: Message, messages: Sequence[Message]) -> list[Layer]:
        """Return all layers."""
        dims = [n if n > 0 else None for n in net.integers(4)]
        shapes = [one.integers(1) for one in net.messages(8)]
        for place, name in enumerate(net.texts(3)):
            shape: Shape | None = tuple(dims[4 * place : 4 * place + 4]) or None
            if place < len(shapes):
                shape = tuple(n if n > 0 else None for n in shapes[place])
            self.giver[name] = self._add(Layer(name=name, type="Input", operations=(Input(shape=shape),)))
        for message in messages:
            self._layer(message)
        return self.layers

    def _layer(self, message: Message) -> None:
        fields, held = self.fields, message
        if self.new:
            kind = message.text(fields.type)
        elif (first := message.message(_FIRST_FORM)) is not None:
            fields, held = _FORM, first
            kind = _FIRST_TYPES.get(first.text(fields.type), first.text(fields.type))
        else:
            number = message.integer(fields.type)
            kind = _OLD_TYPES.get(number, f"type {number}")
        name = held.text(fields.name)
        blobs = [_blob(one, name, place) for place, one in enumerate(held.messages(fields.blobs))]
        given = tuple(self.giver[one] for one in message.texts(fields.bottom) if one in self.giver)
        operations = _operations(kind, held, fields, blobs, shapes_of(self.layers, given))
        place = self._add(
            make_layer(operations, name=name or None, type=kind, parameters=tuple(blobs), inputs=given)
        )
        for top in message.texts(fields.top):
            self.giver[top] = place

    def _add(self, layer: Layer) -> int:
        return add_layer(self.layers, layer, self.opened.effort, "its network has {:,} layers or more")


_NAMES = ("weights", "bias")


def _blob(blob: Message, layer: str, place: int) -> Parameter:
    """Read a blob: its shape, or four lengths, and its numbers."""
    inner = blob.message(7)
    lengths = inner.integers(1) if inner is not None else [blob.integer(field, 1) for field in (1, 2, 3, 4)]
    shape = shape_of(lengths)
    if shape is None:
        raise MalformedFileError(f"a blob of {quoted(layer, 40)} has a shape that is none")
    doubles = blob.has(8) and not blob.has(5)
    pieces = blob.pieces(8 if doubles else 5)
    present = sum(map(len, pieces))

    def read() -> memoryview | bytes:
        if len(pieces) == 1:
            return pieces[0]  # type: ignore[return-value]  # views of the file, in memory or on disk
        return b"".join(bytes(in_memory(one)) for one in pieces)

    dtype = np.dtype("<f8" if doubles else "<f4")
    array: AnyArray = stored(shape, dtype, False, present, read)
    name = _NAMES[place] if place < 2 else f"blob {place}"
    return parameter_of(name, array, f"{layer}/{place}")


def _pair(message: Message, repeated: int, rows: int, cols: int, default: int) -> tuple[int, int]:
    """Return a number for rows and columns, from one of the three ways in which Caffe says it."""
    if message.has(rows) or message.has(cols):
        return message.integer(rows, default), message.integer(cols, default)
    found = message.integers(repeated)
    if not found:
        return default, default
    return (found[0], found[0]) if len(found) == 1 else (found[0], found[1])


def _operations(
    kind: str, message: Message, fields: _Fields, blobs: Sequence[Parameter], shapes: Sequence[Shape | None]
) -> Operations:
    row = _BY_TYPE.get(kind) or (_convolution if _CONVOLVES.search(kind) else None)
    found = None if row is None else row(kind, message, fields, blobs, shapes)
    return found or (Untold(reason=f"filtviz does not follow layers of type {printable(kind, 40)}"),)


_Row = Callable[[str, Message, _Fields, Sequence[Parameter], Sequence[Shape | None]], Operations | None]


def _convolution(
    kind: str, message: Message, fields: _Fields, blobs: Sequence[Parameter], _: object
) -> Operations | None:
    is_form = fields is _FORM
    facts = message if is_form else message.message(fields.convolution)
    if not blobs or len(blobs[0].shape) != 4 or facts is None:
        return None
    transposed = "deconv" in kind.lower()
    groups = facts.integer(9 if is_form else 5, 1)
    if groups == 1 and "depthwise" in kind.lower() and blobs[0].shape[1] == 1:
        groups = blobs[0].shape[0]
    if is_form:
        stride, pad, dilation = _pair(facts, 10, 0, 0, 1), _pair(facts, 7, 0, 0, 0), (1, 1)
    else:
        stride, pad = _pair(facts, 6, 13, 14, 1), _pair(facts, 3, 9, 10, 0)
        dilation = _pair(facts, 18, 0, 0, 1)
    if min(*stride, *dilation) < 1 or min(pad) < 0:
        return None
    return (
        Convolution(
            weights=blobs[0],
            axes="iorc" if transposed else "oirc",
            flip_filters=False,
            bias=_vector(blobs[1]) if len(blobs) > 1 else None,
            stride=stride,
            pad=tuple((one, one) for one in pad),
            dilation=dilation if dilation != (1, 1) else (),
            groups=groups,
            transposed=transposed,
        ),
    )


_CONVOLVES = re.compile(r"(?i)conv")
"""In the names of the types that others have added: ``DepthwiseConvolution``, ``ConvolutionDepthwise``."""


def _vector(blob: Parameter) -> Parameter:
    """Return a bias that the first generation has as 1 x 1 x 1 x n."""
    if len(blob.shape) == 1:
        return blob
    return Parameter(
        name=blob.name,
        shape=(blob.size,),
        dtype=blob.dtype,
        read=lambda: blob.value.reshape(-1),
        source=blob.source,
    )


def _dense(
    _: str, __: Message, ___: _Fields, blobs: Sequence[Parameter], shapes: Sequence[Shape | None]
) -> Operations | None:
    if not blobs or len(blobs[0].shape) < 2:
        return None
    held = blobs[0]
    if held.size != math.prod(held.shape[-2:]):
        return None
    weights = held
    if len(held.shape) != 2:
        weights = Parameter(
            name=held.name,
            shape=held.shape[-2:],
            dtype=held.dtype,
            read=lambda: held.value.reshape(held.shape[-2:]),
            source=held.source,
        )
    flat: Operations = (Flatten(),) if shapes and shapes[0] is not None and len(shapes[0]) > 2 else ()
    bias = _vector(blobs[1]) if len(blobs) > 1 else None
    return (*flat, Dense(weights=weights, axes="oi", bias=bias, units=weights.shape[0]))


def _pooling(_: str, message: Message, fields: _Fields, __: object, ___: object) -> Operations | None:
    facts = message.message(fields.pooling)
    if fields is _FORM and message.integer(11) <= 1:
        of_form: PoolingKind = "mean" if message.integer(11) else "max"
        return _pooled(of_form, *(_pair(message, number, 0, 0, least) for number, least in _OF_POOLING))
    if facts is None or facts.integer(1) > 1:
        return None
    kind: PoolingKind = "mean" if facts.integer(1) else "max"
    if facts.integer(12):
        return (GlobalPooling(kind=kind), Reshape(lengths=((0,), (1,), 1, 1)))
    size, stride = _pair(facts, 2, 5, 6, 0), _pair(facts, 3, 7, 8, 1)
    pad = _pair(facts, 4, 9, 10, 0)
    return _pooled(kind, size, stride, pad, whole_windows=facts.integer(13) == 1)


_OF_POOLING = ((8, 0), (10, 1), (7, 0))
"""Fields of the first form: a window's size, its stride and the padding, and what they are by default."""


def _pooled(
    kind: PoolingKind,
    size: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    *,
    whole_windows: bool = False,
) -> Operations | None:
    if min(size) < 1 or min(stride) < 1 or min(pad) < 0:
        return None
    return (
        Pooling(
            kind=kind,
            size=size,
            stride=stride,
            pad=tuple((one, one) for one in pad),
            whole_windows=whole_windows,
            counts_pad=True,
        ),
    )


def _lrn(_: str, message: Message, fields: _Fields, __: object, ___: object) -> Operations | None:
    if fields is _FORM:
        n = max(message.integer(13, 5), 1)
        return (LocalResponse(alpha=message.real(14, 1.0) / n, k=1.0, beta=message.real(15, 0.75), n=n),)
    facts = message.message(fields.lrn) or Message(memoryview(b""), message.effort)
    if facts.integer(4):
        return None  # within a channel
    n = facts.integer(1, 5)
    alpha = facts.real(2, 1.0) / max(n, 1)
    return (LocalResponse(alpha=alpha, k=facts.real(5, 1.0), beta=facts.real(3, 0.75), n=n),)


def _concat(_: str, message: Message, fields: _Fields, __: object, ___: object) -> Operations | None:
    if fields is _FORM:
        return (Concatenate(axis=message.integer(102, 1)),)
    facts = message.message(fields.concat)
    axis = 1 if facts is None else facts.integer(2, facts.integer(1, 1))
    return (Concatenate(axis=axis),) if axis >= 0 else None


def _eltwise(_: str, message: Message, fields: _Fields, __: object, ___: object) -> Operations | None:
    facts = message.message(fields.eltwise)
    number = 1 if facts is None else facts.integer(1, 1)
    kinds: dict[int, MergeKind] = {0: "multiply", 1: "add", 2: "maximum"}
    coefficients = tuple(facts.reals(2)) if facts is not None else ()
    return (Merge(kind=kinds[number], coefficients=coefficients),) if number in kinds else None


def _normalisation(
    _: str, message: Message, fields: _Fields, blobs: Sequence[Parameter], __: object
) -> Operations | None:
    """Read BatchNorm: sums of means and variances, and by how much they are to be divided."""
    if len(blobs) != 3:
        return None
    mean, variance, factor = blobs
    facts = message.message(fields.batch_norm)

    def scaled(one: Parameter) -> Parameter:
        def read() -> np.ndarray:
            by = float(factor.value.ravel()[0])
            return one.value.reshape(-1) * (np.float32(1 / by) if by else np.float32(0))

        return Parameter(name=one.name, shape=(one.size,), dtype=one.dtype, read=read, source=one.source)

    epsilon = 1e-5 if facts is None else facts.real(3, 1e-5)
    return (Normalisation(mean=scaled(mean), spread=scaled(variance), spread_is="variance", epsilon=epsilon),)


def _scale(_: str, __: Message, ___: _Fields, blobs: Sequence[Parameter], ____: object) -> Operations | None:
    if not blobs or any(len(one.shape) != 1 for one in blobs):
        return None
    beta = blobs[1] if len(blobs) > 1 else None
    return (Normalisation(gamma=blobs[0], beta=beta, is_batch=False),)


def _activation(
    kind: str, message: Message, fields: _Fields, blobs: Sequence[Parameter], _: object
) -> Operations | None:
    if kind == "ReLU":
        facts = message.message(fields.relu)
        slope = facts.real(1) if facts is not None else 0.0
        found = (
            Activation(kind="leaky_rectify", name=kind, alpha=slope)
            if slope
            else Activation(kind="rectify", name=kind)
        )
        return (found,)
    if kind == "PReLU":
        slopes = blobs[0] if blobs and len(blobs[0].shape) == 1 else None
        return (
            Activation(
                kind="parametric_rectify" if slopes is not None else "untold", name=kind, slopes=slopes
            ),
        )
    return (Activation(kind="sigmoid" if kind == "Sigmoid" else "tanh", name=kind),)


def _softmax(*_: object) -> Operations | None:
    return (Softmax(),)


def _flatten(*_: object) -> Operations | None:
    return (Flatten(),)


def _input(*_: object) -> Operations | None:
    return (Input(shape=None),)


def _identity(kind: str, *_: object) -> Operations | None:
    return (Identity(what=kind),)


_BY_TYPE: Mapping[str, _Row] = {
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "InnerProduct": _dense,
    "Pooling": _pooling,
    "LRN": _lrn,
    "Concat": _concat,
    "Eltwise": _eltwise,
    "BatchNorm": _normalisation,
    "Scale": _scale,
    **dict.fromkeys(("ReLU", "PReLU", "Sigmoid", "TanH"), _activation),
    **dict.fromkeys(("Softmax", "SoftmaxWithLoss"), _softmax),
    "Flatten": _flatten,
    **dict.fromkeys(("Data", "HDF5Data", "ImageData", "MemoryData", "Input"), _input),
    **dict.fromkeys(("Dropout", "Split"), _identity),
}
"""Type → what reads a layer of it; one that gives None, or is not here, is `Untold`."""
