"""The operators of TensorFlow's graphs, each with its attributes and in the cases where it is another."""

from __future__ import annotations

from typing import Any

from filtviz.reading.formats.tensorflow import nodes
from tests.reading.operators.asking import IMAGE, Told, array, asked, message, numbers, part
from tests.telling import told

__all__ = ["tensorflow"]


def _tf_attribute(value: Any) -> bytes:
    if isinstance(value, list):
        return part(1, b"".join(part(3, one) for one in value))
    if isinstance(value, bytes):
        return value
    return part(
        {float: 4, bool: 5, str: 2}[type(value)], value if not isinstance(value, bool) else int(value)
    )


def _tf(operator: str, *given: Any, shape: Any = IMAGE, **facts: Any):
    node = nodes.Node(
        operator=operator,
        attributes={name: message(_tf_attribute(value)) for name, value in facts.items()},
        constants=[None, *given],
        shapes=[shape],
    )
    row = nodes.BY_OPERATOR.get(operator)
    found = row(node) if row is not None else None
    more = {"shape": shape} if shape != IMAGE else {}
    return asked(operator, facts | more, *given), told(*found) if found else "nothing"


def tensorflow() -> Told:
    kernel = array(3, 2, 6, 4)
    yield _tf("Conv2D", kernel, padding="VALID", strides=[1, 2, 3, 1], dilations=[1, 2, 1, 1])
    yield _tf("Conv2D", kernel, padding="SAME", strides=[1, 1, 2, 3], data_format="NCHW")
    yield _tf("Conv2D", kernel, padding="SAME", strides=[1, 2, 2, 1], shape=None)
    yield _tf("Conv2D", kernel, padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 3, 4, 0, 0])
    yield _tf(
        "Conv2D", kernel, padding="EXPLICIT", explicit_paddings=[0, 0, 0, 0, 1, 2, 3, 4], data_format="NCHW"
    )
    yield _tf("Conv2D", kernel, padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2])
    yield _tf("Conv2D", array(3, 2, 3, 4), padding="VALID", strides=[1, 0, 1, 1])
    yield _tf("_FusedConv2D", kernel, padding="VALID")
    yield _tf("DepthwiseConv2dNative", kernel, padding="SAME", strides=[1, 2, 2, 1])
    for how in ("SAME", "VALID"):
        yield _tf("Conv2DBackpropInput", array(4, 3, 5, 6), padding=how, strides=[1, 2, 2, 1])
    yield _tf("Conv2D", None)
    yield _tf("Conv2D", array(3, 2))
    yield _tf("BiasAdd", array(6))
    yield _tf("BiasAdd", array(6, 1))
    yield _tf("BiasAdd", None)
    for operator in nodes._MERGES:
        yield _tf(operator)
        yield _tf(operator, array(6))
        yield _tf(operator, array(6, 1))
    for operator in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
        yield _tf(operator, *(array(6) for _ in range(4)), epsilon=0.25)
    yield _tf("FusedBatchNorm", *(array(6) for _ in range(4)))
    yield _tf("FusedBatchNorm", array(6), array(6), array(6))
    for operator in ("MaxPool", "AvgPool"):
        yield _tf(operator, ksize=[1, 2, 3, 1], strides=[1, 2, 1, 1], padding="SAME")
    yield _tf("MaxPool", ksize=[1, 1, 2, 3], strides=[1, 1, 2, 1], padding="VALID", data_format="NCHW")
    yield _tf("MaxPool", ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME", shape=None)
    for operator in ("Mean", "Max"):
        yield _tf(operator, numbers(1, 2))
        yield _tf(operator, numbers(-2, -3), keep_dims=True)
    yield _tf("Mean", numbers(2, 3))
    yield _tf("Mean", numbers(2, 3), data_format="NCHW")
    yield _tf("Mean", numbers(1, 2), shape=(1, 6))
    yield _tf("Mean", numbers(1, 2, dtype="float32"))
    yield _tf("MatMul", array(6, 5))
    yield _tf("MatMul", array(5, 6), transpose_b=True)
    yield _tf("MatMul", None)
    yield _tf("MatMul", array(5))
    for axis in (0, 1, 2, 3, -1):
        yield _tf("ConcatV2", None, numbers(axis))
    yield _tf("ConcatV2", None, numbers(-1), shape=(1, 6))
    yield _tf("ConcatV2", None, None)
    yield _tf("Concat", None)
    yield _tf("Pad", numbers(0, 0, 1, 2, 3, 4, 0, 0))
    for pads in ((0, 1, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 1), (0, 0, -1, 0, 0, 0, 0, 0), (0, 0, 1, 1)):
        yield _tf("Pad", numbers(*pads))
    yield _tf("Reshape", numbers(-1, 432))
    yield _tf("Reshape", numbers(-1, 432), shape=(1, 6))
    yield _tf("Reshape", numbers(-1, 2, 3))
    sizes = b"".join(part(2, part(1, n)) for n in (-1, 8, 9, 3))
    yield "Placeholder of an image", _placeholder(sizes)
    yield "Placeholder of two axes", _placeholder(part(2, part(1, -1)) + part(2, part(1, 5)))
    yield "Placeholder of any shape", _placeholder(part(3, 1))
    yield _tf("LeakyRelu", alpha=0.25)
    for operator in nodes.BY_OPERATOR:
        yield _tf(operator)
    yield from _with_arguments()


def _with_arguments() -> Told:
    """What is padded, resized and put in other axes, each in its ways and where it is another."""
    space, line = (None, 6, 5, 8, 9), (1, 6, 8)
    for operator in ("Conv3D", "Conv3DBackpropInputV2"):
        yield _tf(operator, array(3, 2, 1, 6, 4), padding="VALID", strides=[1, 1, 2, 3, 1], shape=space)
        yield _tf(operator, array(3, 2, 6, 4), padding="VALID", strides=[1, 1, 2, 3, 1], shape=space)
    for operator in ("MaxPool3D", "AvgPool3D"):
        for padding in ("SAME", "VALID"):
            facts = {"ksize": [1, 2, 3, 2, 1], "strides": [1, 2, 1, 3, 1], "padding": padding}
            yield _tf(operator, **facts, shape=space)
    pads, number = numbers(0, 0, 1, 2, 3, 4, 0, 0), numbers(2.5, dtype="float32")
    for values in ((number,), (None,), (numbers(1, 2, dtype="float32"),), ()):
        yield _tf("PadV2", pads, *values)
    for mode in ("REFLECT", "SYMMETRIC"):
        yield _tf("MirrorPad", pads, mode=mode)
        yield _tf("MirrorPad", numbers(0, 0, 1, 2), mode=mode)
    for axis in (0, 1, 2, 3, -1, -2, -3):
        yield _tf("ExpandDims", numbers(axis), shape=line)
        yield _tf("ExpandDims", numbers(axis))
    for gone in ([1, 2], [2, 1], [2, 3], [-3, -2], [1], [0, 1], [1, 2, 3]):
        yield _tf("Squeeze", squeeze_dims=gone, shape=(None, 6, 1, 1))
    yield _tf("Squeeze", squeeze_dims=[1], shape=line)
    for operator in ("ResizeNearestNeighbor", "ResizeBilinear", "ResizeBicubic"):
        for size in ((16, 27), (8, 9), (12, 27), (4, 9), (0, 9)):
            yield _tf(operator, numbers(*size))
        for facts in ({"align_corners": True}, {"half_pixel_centers": True}):
            yield _tf(operator, numbers(16, 27), **facts)
        yield _tf(operator, numbers(16, 27), align_corners=True, half_pixel_centers=True)
        yield _tf(operator, numbers(16, 27), shape=(None, 6, None, 9))
        yield _tf(operator, numbers(16), shape=line)
        yield _tf(operator, numbers(16, 27), shape=None)
    yield _tf("LRN", depth_radius=2.0, bias=2.0, alpha=0.5, beta=0.25)
    yield _tf("Pow", numbers(2, dtype="float32"))
    yield _tf("Pow", array(6))
    for axes in ((1,), (2,), (1, 2)):
        yield _tf("Mean", numbers(*axes), shape=line)
        yield _tf("Max", numbers(*axes), shape=line, keep_dims=True)
    for shape in ((-1, 6), (-1, 72, 6), (-1, 432), (-1, 8, 9, 6), (2, -1), (-1, -1), (-2, 3)):
        yield _tf("Reshape", numbers(*shape))
        yield _tf("Reshape", numbers(*shape), shape=line)


def _placeholder(shape: bytes) -> str:
    node = nodes.Node(
        operator="Placeholder", attributes={"shape": message(part(7, shape))}, constants=[], shapes=[]
    )
    return told(*nodes._placeholder(node))
