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


def _placeholder(shape: bytes) -> str:
    node = nodes.Node(
        operator="Placeholder", attributes={"shape": message(part(7, shape))}, constants=[], shapes=[]
    )
    return told(*nodes._placeholder(node))
