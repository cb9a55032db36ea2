"""ONNX's operators, each with its attributes and in the cases where it is another."""

from __future__ import annotations

from typing import Any

import numpy as np

from filtviz.parameter import Parameter
from filtviz.reading.formats.onnx import cases
from filtviz.reading.formats.onnx import operators as onnx_operators
from tests.reading.operators.asking import IMAGE, Told, array, asked, message, numbers, part
from tests.telling import told

__all__ = ["onnx"]


def _onnx_attribute(value: Any) -> bytes:
    if isinstance(value, list):
        return b"".join(part(7 if isinstance(one, float) else 8, one) for one in value)
    return part({float: 2, int: 3, str: 4}[type(value)], value)


def _onnx(operator: str, *given: Any, shape: Any = IMAGE, opset: int = 17, output: int = 0, **facts: Any):
    """An operator behind ``shape`` and constants: arrays, (array, order), or None for one left out."""
    constants: list[Any] = [None]
    for one in given:
        held = one if isinstance(one, tuple) else (one, None)
        constants.append(None if one is None else cases.Constant(parameter=held[0], order=held[1]))
    case = cases.Case(
        operator=operator,
        attributes=cases.NodeAttributes({n: message(_onnx_attribute(v)) for n, v in facts.items()}),
        given=constants,
        shapes=[shape],
        opset=opset,
        output=output,
    )
    more = {"shape": shape} if shape != IMAGE else {}
    more |= {"opset": opset} if opset != 17 else {}
    more |= {"output": output} if output else {}
    return asked(operator, facts | more, *given), told(*onnx_operators.operations_of(case))


def onnx() -> Told:
    kernel, square = array(4, 6, 3, 2), [3, 3]
    yield _onnx(
        "Conv", kernel, array(4, name="b"), strides=[2, 1], dilations=[1, 2], group=2, pads=[0, 1, 2, 3]
    )
    yield _onnx("Conv", kernel, strides=[0, 1], dilations=[2], pads=[1, 1, 1])
    yield _onnx("Conv", kernel, pads=[-1, 0, 0, 0])
    for how in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
        yield _onnx("Conv", kernel, auto_pad=how, strides=[2, 2])
    for how in ("VALID", "NOTSET", "SAME_LOWER"):
        yield _onnx("Conv", kernel, auto_pad=how, pads=[1, 0, 2, 3])
        yield _onnx("MaxPool", kernel_shape=square, auto_pad=how, pads=[1, 0, 2, 3])
    yield _onnx("Conv", kernel, auto_pad="SAME_UPPER", strides=[2, 2], shape=None)
    yield _onnx("Conv", array(4, 6, 3))
    yield _onnx("Conv", array(4, 6, 3, 3, 3))
    yield _onnx("Conv", array(4, 6))
    yield _onnx("Conv", None)
    yield _onnx("Conv", (array(3, 2, 6, 4), (3, 2, 0, 1)), (array(4), (0,)))
    yield _onnx("ConvTranspose", array(6, 4, 3, 2), strides=[2, 2], pads=[1, 0, 1, 0], output_shape=[16, 18])
    yield _onnx("ConvTranspose", array(6, 4, 3, 2), output_padding=[1, 0])
    yield _onnx("ConvTranspose", array(6, 4, 3, 2), output_padding=[0, 0])
    for below in (None, (None, 6, 8, 9), (1, 6, None, 9), (None, 6, 8, None)):
        for more in ([1, 0], [0, 0]):
            yield _onnx("ConvTranspose", array(6, 4, 3, 2), output_padding=more, strides=[2, 2], shape=below)
    for below in ((6,), (1, 6), (2, 6, 3)):
        for slopes in ((6,), (1,), (), (1, 6), (6, 1)):
            yield _onnx("PRelu", array(*slopes), shape=below)
    yield _onnx("FusedConv", kernel, activation="LeakyRelu", activation_params=[0.25])
    yield _onnx("FusedConv", kernel, activation="Relu")
    yield _onnx("ConvInteger", kernel, array(4, name="b"))
    yield _onnx("QLinearConv", None, None, kernel, None, None, None, None, array(4, name="b"))
    yield _onnx("Gemm", array(6, 5), array(5, name="b"), shape=(1, 6))
    yield _onnx("Gemm", array(5, 6), array(1, 5), transB=1, shape=(1, 6))
    yield _onnx("Gemm", (array(5, 6), (1, 0)), shape=(1, 6))
    yield _onnx("Gemm", array(6, 5), transA=1, shape=(1, 6))
    yield _onnx("Gemm", array(5), shape=(1, 6))
    for added in ((5,), (1, 5), (1,), (), (5, 1), (6,)):
        yield _onnx("Gemm", array(6, 5), array(*added, name="b"), shape=(1, 6))
    yield _onnx("MatMul", array(6, 5), shape=(1, 6))
    yield _onnx("MatMul", array(6, 5), shape=None)
    yield _onnx("MatMul", array(9, 5))
    vectors = [array(6, name=name) for name in "gbmv"]
    yield _onnx("BatchNormalization", *vectors, epsilon=0.25)
    yield _onnx("BatchNormalization", *vectors)
    yield _onnx("BatchNormalization", *vectors[:3])
    for operator in ("Add", "Sum", "Sub", "Mul", "Div", "Max", "Min", "Mean", "Pow"):
        yield _onnx(operator)
        yield _onnx(operator, array(6, 1, 1))
    for operator in ("Sub", "Div", "Mul"):
        yield _onnx(operator, array(6, 1, 1))
        yield _onnx(operator, array())
    yield _onnx("Add", array(1, 6, 1, 1))
    yield _onnx("Add", array(6))
    yield _onnx("Add", array(9))
    yield _onnx("Add", array(6), shape=(1, 6))
    yield _onnx("Add", array(6), shape=None)
    yield _onnx("Add", numbers(2))
    yield _onnx("Add", array(6, 1, 1), array(6, 1, 1))
    yield _onnx("Gather", numbers(2), shape=(1, 6), axis=1)
    for index in (numbers(2), Parameter.of("n", np.array(2), "there")):
        yield _onnx("Gather", index, axis=-1)
    yield _onnx("Gather", Parameter.of("n", np.array(-1), "there"))
    yield _onnx("Gather", numbers(1, 2))
    for operator in ("LSTM", "GRU", "RNN"):
        yield _onnx(operator, hidden_size=7)
    yield _onnx("LSTM")
    for operator in ("MaxPool", "AveragePool"):
        yield _onnx(operator, kernel_shape=[2, 3], strides=[2, 1], pads=[0, 1, 1, 0], ceil_mode=1)
        yield _onnx(
            operator, kernel_shape=square, dilations=[2, 1], count_include_pad=1, auto_pad="SAME_LOWER"
        )
    yield _onnx("MaxPool", kernel_shape=[0, 2])
    yield _onnx("MaxPool")
    yield _onnx("MaxPool", kernel_shape=square, strides=[2, 2], auto_pad="SAME_UPPER", shape=None)
    for operator in ("GlobalAveragePool", "GlobalMaxPool"):
        yield _onnx(operator)
        yield _onnx(operator, shape=(1, 6, 8))
    for operator in ("ReduceMean", "ReduceMax", "ReduceSum"):
        yield _onnx(operator, axes=[2, 3])
        yield _onnx(operator, numbers(-1, -2), keepdims=0)
    yield _onnx("ReduceMean", axes=[1])
    yield _onnx("ReduceMean", axes=[2, 3], shape=None)
    yield _onnx("ReduceMean")
    yield _onnx("Concat", axis=-1)
    yield _onnx("Concat")
    yield _onnx("Flatten")
    yield _onnx("Flatten", axis=2)
    yield _onnx("Reshape", numbers(0, -1, 4))
    yield _onnx("Reshape", shape=[1, 54, 8])
    yield _onnx("Reshape", numbers(0, -2))
    yield _onnx("Reshape", None)
    yield _onnx("Reshape", numbers(1, float("nan"), dtype="float64"))
    yield _onnx("Reshape", numbers(*range(65)))
    yield _onnx("Transpose", perm=[0, 2, 3, 1])
    yield _onnx("Transpose", perm=[0, 0])
    yield _onnx("Transpose")
    yield _onnx("Unsqueeze", numbers(0, -1))
    yield _onnx("Unsqueeze", axes=[1], shape=(4, 5))
    yield _onnx("Unsqueeze", axes=[1], shape=None)
    yield _onnx("Unsqueeze", axes=list(range(65)))
    yield _onnx("Squeeze", axes=[-1, 0])
    yield _onnx("Squeeze", axes=[0], shape=None)
    yield _onnx("Pad", pads=[0, 0, 1, 2, 0, 0, 3, 4], value=0.5)
    yield _onnx("Pad", numbers(0, 0, 1, 2, 0, 0, 3, 4), numbers(2.5, dtype="float32"))
    for some in ((2.5, 1.5), ()):
        yield _onnx("Pad", numbers(0, 0, 1, 2, 0, 0, 3, 4), numbers(*some, dtype="float32"))
    yield _onnx("Pad", pads=[0, 0, 1, 2, 0, 0, 3, 4], mode="reflect")
    for pads in ([0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, -1], [0, 0, 0, 0], [0, 0, 1, 0, 0, 1]):
        yield _onnx("Pad", pads=pads)
    yield _onnx("Pad", paddings=[0, 0, 0, 1, 0, 0, 0, 1])
    yield _onnx("Slice", starts=[1, 0], ends=[3, 1 << 40], axes=[-1, 1])
    yield _onnx("Slice", numbers(0, 1), numbers(4, -1), None, numbers(2, 1))
    yield _onnx("Slice", starts=[1], ends=[3, 4])
    yield _onnx("Slice", starts=[1], ends=[3], axes=[0, 1])
    yield _onnx("Slice", starts=[1], ends=[3], shape=None)
    for output in (0, 1, 2):
        yield _onnx("Split", numbers(2, 4), axis=1, output=output)
    yield _onnx("Split", split=[2, -4], axis=-3)
    yield _onnx("Split")
    whole, uneven = numbers(1, 1, 2, 3, dtype="float32"), numbers(1, 1, 1.5, 2, dtype="float32")
    yield _onnx("Upsample", whole, mode="nearest", opset=9)
    yield _onnx("Upsample", scales=[1.0, 1.0, 2.0, 2.0], opset=7)
    yield _onnx("Resize", whole, opset=10)
    yield _onnx("Resize", None, whole, opset=11)
    yield _onnx("Resize", None, uneven)
    yield _onnx("Resize", None, whole, mode="linear")
    yield _onnx("Resize", None, numbers(1, 2, 2, 2, dtype="float32"))
    yield _onnx("Resize", None, numbers(1, 1, 0.5, 1, dtype="float32"))
    yield _onnx("Resize", None, numbers(1, 1, dtype="float32"))
    for axes in ([2, 3], [-1, 1], [3], [4, 0], [0, 0, 1]):
        yield _onnx("Pad", numbers(1, 2, 3, 4), None, numbers(*axes))
        yield _onnx("Pad", numbers(1, 2, 3, 4), None, numbers(*axes), shape=None)
    for size in ((1, 6, 16, 18), (1, 6, 5, 27), (1, 12, 16, 18), (16, 18)):
        for mode in ("nearest", "linear", "cubic"):
            yield _onnx("Resize", None, None, numbers(*size), mode=mode)
        for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "else"):
            facts = {"mode": "linear", "coordinate_transformation_mode": how}
            yield _onnx("Resize", None, None, numbers(*size), **facts)
    for how in ("half_pixel", "align_corners", "asymmetric"):
        yield _onnx("Resize", None, whole, mode="linear", coordinate_transformation_mode=how)
        yield _onnx("Resize", None, uneven, coordinate_transformation_mode=how)
    for operator in ("ReduceMin", "ReduceL2"):
        yield _onnx(operator, axes=[1, -1])
        yield _onnx(operator, axes=[1, -1], keepdims=0)
    for axis in (0, 1, -1):
        yield _onnx("LogSoftmax", axis=axis)
        yield _onnx("LpNormalization", axis=axis)
    for exponent in (2, 0.5, -1):
        yield _onnx("Pow", numbers(exponent, dtype="float32"))
    yield _onnx("Celu", alpha=0.5)
    yield _onnx("Softmax", opset=12)
    yield _onnx("Softmax", opset=13)
    yield _onnx("Softmax", axis=2)
    yield _onnx("LRN", size=4, alpha=0.5, beta=0.25, bias=2.0)
    yield _onnx("LRN", size=5)
    yield _onnx("Dropout", ratio=0.25)
    yield _onnx("Dropout")
    for slopes in (array(6, 1, 1), array(6), None):
        yield _onnx("PRelu", slopes)
    yield _onnx("LeakyRelu", alpha=0.25)
    yield _onnx("Elu", alpha=0.25)
    yield _onnx("Selu", alpha=1.5, gamma=1.25)
    yield _onnx("HardSigmoid", alpha=0.25)
    for norm in ("InstanceNormalization", "LayerNormalization"):
        yield _onnx(norm, array(6, name="scale"), array(6, name="B"), epsilon=0.25)
        yield _onnx(norm, None)
    yield _onnx("LayerNormalization", array(6), axis=1)
    yield _onnx("LayerNormalization", array(6), axis=1, shape=None)
    yield _onnx("GroupNormalization", array(6), array(6), num_groups=3)
    yield _onnx("GroupNormalization", array(6), array(6), num_groups=3, opset=21)
    yield _onnx("GroupNormalization", array(6), array(6), num_groups=0, opset=21)
    for mode in ("DCR", "CRD"):
        yield _onnx("DepthToSpace", blocksize=2, mode=mode, shape=(None, 8, 5, 4))
    yield _onnx("DepthToSpace", blocksize=2, shape=(None, 8, None, 4))
    yield _onnx("DepthToSpace", blocksize=3, shape=(None, 8, 5, 4))
    yield _onnx("DepthToSpace", blocksize=0)
    yield _onnx("HardSigmoid", beta=0.25)
    for ends in (
        {"min": 0.0, "max": 6.0},
        {"min": 0.0},
        {"max": 6.0},
        {"min": 0.0, "max": 0.0},
        {"min": -1.0, "max": 1.0},
    ):
        yield _onnx("Clip", **ends)
    zero, six = numbers(0, dtype="float32"), numbers(6, dtype="float32")
    yield _onnx("Clip", zero, six)
    yield _onnx("Clip", zero)
    yield _onnx("Clip", zero, (six, (0,)))
    yield from _of_several()
    yield _onnx("Dream")
    for operator in onnx_operators._BY_OPERATOR:
        if operator not in ("QLinearConv", "Upsample", "Resize", "Split"):
            yield _onnx(operator)


def _of_several() -> Told:
    """Constants beside what is combined, what is cropped on either side, and functions in their ways."""
    for how in ("none", "tanh", "else"):
        yield _onnx("Gelu", approximate=how)
    for how in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield _onnx("ConvTranspose", array(6, 4, 4, 2), strides=[1, 2], auto_pad=how)
        yield _onnx("ConvTranspose", array(6, 4, 2, 5), strides=[3, 2], auto_pad=how, shape=(1, 6, None, 9))
    for added in ([1, 0], [0, 1], [1, 1], [2, 2]):
        yield _onnx("ConvTranspose", array(6, 4, 3, 2), output_padding=added, strides=[3, 3])
        yield _onnx("ConvTranspose", array(6, 4, 3, 2), output_padding=added, shape=(1, 6, 8, None))
    for size in ([16, 18], [1, 4, 16, 18], [16], [16, 0], [0, 18]):
        yield _onnx("ConvTranspose", array(6, 4, 3, 2), strides=[2, 2], output_shape=size)
    yield _onnx("Concat", array(1, 6, 8, 9), axis=1)
    for wrong in ({"strides": [1, 0]}, {"dilations": [0, 1]}, {"pads": [0, 0, 0, -1]}):
        yield _onnx("Conv", array(4, 6, 3, 2), **wrong)
        yield _onnx("MaxPool", kernel_shape=[3, 3], **wrong)
    for shape in ((8, 9), (8, 1), (1, 9), (6, 8, 9), (6, 8, 8), (5, 1, 1), (2, 1, 6, 8, 9)):
        yield _onnx("Add", array(*shape))
        yield _onnx("Add", array(*shape), shape=None)
        yield _onnx("Mul", array(*shape), opset=6, axis=1)
    yield _onnx("Add", array(6), opset=6, axis=1)
    yield _onnx("Add", array(6), opset=6, axis=2)
