"""PyTorch's modules and the calls of its exported programs, each with its arguments."""

from __future__ import annotations

from typing import Any

from filtviz.reading.formats import exported as programs
from filtviz.reading.formats.torch import torch_classes
from tests.reading.operators.asking import IMAGE, Told, array, asked
from tests.telling import told

__all__ = ["exported", "torch"]


def _call(operator: str, *, shape: Any = IMAGE, n: int = 1, weights: Any = None, **arguments: Any):
    node = programs._Node(
        operator=operator, arguments=arguments, parameters=weights or {}, shapes=[shape] * n
    )
    row = programs._BY_OPERATOR.get(operator)
    found = row(node) if row is not None else None
    more = ({"weights": weights} if weights else {}) | ({} if shape == IMAGE else {"shape": shape})
    return asked(operator, arguments | more | ({"inputs": n} if n > 1 else {})), told(
        *found or ()
    ) or "nothing"


def exported() -> Told:
    """Every operator, and each of its arguments."""
    kernel = {"weight": array(4, 3, 3, 2), "bias": array(4)}
    yield _call("conv2d", weights=kernel, stride=[2, 1], padding=[1, 0], dilation=[1, 2], groups=2)
    yield _call("conv2d", weights=kernel, stride=[2], padding=1, output_padding=[1, 1])
    yield _call("conv2d", weights=kernel, padding="same", dilation=[1, 2])
    yield _call("convolution", weights=kernel, transposed=True, output_padding=[1, 0])
    yield _call("convolution", weights=kernel, transposed=True, output_padding=[0, 0], padding=[1, 1])
    yield _call("convolution", weights=kernel, transposed=False)
    yield _call("conv2d", weights={"weight": array(4, 3)})
    for n, shape in ((1, (4, 3, 3)), (3, (4, 3, 3, 2, 2))):
        yield _call(f"conv{n}d", weights={"weight": array(*shape)}, stride=[2] * n)
        yield _call(f"conv_transpose{n}d", weights={"weight": array(*shape)})
    yield _call("conv_transpose2d", weights=kernel, stride=[2, 2])
    yield _call("linear", weights={"weight": array(5, 6), "bias": array(5)}, shape=(1, 6))
    yield _call("linear", weights={"weight": array(5, 6)}, shape=None)
    yield _call("linear", weights={"weight": array(5, 9)})
    yield _call("linear", weights={"weight": array(5)}, shape=(1, 6))
    held = {name: array(6) for name in ("weight", "bias", "running_mean", "running_var")}
    yield _call("batch_norm", weights=held, eps=0.25)
    yield _call("_native_batch_norm_legit_no_training", weights=held)
    for operator in ("max_pool2d", "avg_pool2d"):
        yield _call(operator, kernel_size=[3, 2], stride=[2, 1], padding=[1, 0], ceil_mode=True)
        yield _call(operator, kernel_size=[3], count_include_pad=False)
    yield _call("max_pool2d", kernel_size=[3, 3], dilation=[2, 1])
    yield _call("max_pool2d", kernel_size=[3, 0])
    for operator in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        yield _call(operator, output_size=[1, 1])
        yield _call(operator, output_size=[2, 1])
    yield _call("mean", dim=[-1, -2], keepdim=True)
    yield _call("mean", dim=[2, 3])
    yield _call("mean", dim=[2], shape=(1, 6, 8))
    yield _call("mean", dim=[1])
    yield _call("mean", dim=[], shape=(1, 6))
    yield _call("mean", dim=[2, 3], shape=None)
    for operator in programs._MERGES:
        yield _call(operator, n=2)
    yield _call("cat", dim=-1, n=2)
    yield _call("cat", n=2)
    yield _call("cat", dim=-1, n=2, shape=None)
    yield _call("flatten", start_dim=1)
    yield _call("flatten", start_dim=1, end_dim=2)
    yield _call("flatten", start_dim=-2)
    yield _call("view", size=[1, -1])
    yield _call("reshape", shape_=1)
    yield _call("reshape", size=[-2, 3])
    yield _call("leaky_relu", negative_slope=0.25)
    yield _call("elu", alpha=0.25)
    for low, high in ((0, 6), (-1, 1), (0, 0)):
        yield _call("hardtanh", min_val=low, max_val=high)
    yield _call("softmax", dim=-1)
    yield _call("softmax", dim=-1, shape=None)
    yield from _of_units(held)
    for operator in programs._BY_OPERATOR:
        yield _call(operator)
    yield _call("dream")


def _of_units(held: dict[str, Any]) -> Told:
    """Activations and normalisations, each in its ways; of several numbers one that cannot be."""
    kernel = {"weight": array(4, 6, 3, 2)}
    for wrong in ({"stride": [1, 0]}, {"stride": [0, 1]}, {"dilation": [1, 0]}, {"padding": [0, -1]}):
        yield _call("conv2d", weights=kernel, **wrong)
    yield _call("conv2d", weights=kernel, padding="valid", stride=[2, 3])
    for slopes in ({"weight": array(6)}, {"weight": array(1)}, {}):
        yield _call("prelu", weights=slopes)
    for how in ("none", "tanh", "else"):
        yield _call("gelu", approximate=how)
    for beta in (1.0, 2.0):
        yield _call("softplus", beta=beta)
    yield _call("leaky_relu_", negative_slope=0.5)
    yield _call("elu_", alpha=0.5)
    parts = {name: held[name] for name in ("weight", "bias")}
    for operator in ("group_norm", "layer_norm", "instance_norm"):
        yield _call(operator, weights=parts, num_groups=3, normalized_shape=[8, 9], eps=0.25)
        yield _call(
            operator, weights={"weight": held["weight"]}, num_groups=2, normalized_shape=[9], eps=-1.0
        )
    for shape in ([], [1] * 7, [1] * 8, 9):
        yield _call("layer_norm", normalized_shape=shape)
    yield _call("instance_norm", weights=held, eps=0.25)
    for factor in (2, 3, 0):
        yield _call("pixel_shuffle", upscale_factor=factor, shape=(1, 8, 5, 4))
    weights, bias = array(5, 6), array(5, name="b")
    for operator in ("addmm", "mm"):
        yield _call(operator, weights={"mat2": weights}, shape=(1, 5))
        yield _call(operator, weights={"mat2": weights, "self": bias}, shape=(1, 5))
        yield _call(operator, weights={"mat2": weights, "self": bias}, alpha=0.5, shape=(1, 5))
        yield _call(operator, weights={"mat2": weights, "self": bias}, beta=0.5, shape=(1, 5))
        yield _call(operator, weights={"mat2": weights, "mat1": weights}, shape=(1, 5))
        yield _call(operator, weights={"mat2": array(5)}, shape=(1, 5))


def _module(name: str, weights: Any = None, **facts: Any):
    path = name if "." in name else f"torch.nn.modules.here.{name}"
    module = torch_classes.Module(path=path, facts=facts, parameters=weights or {})
    more = {"weights": weights} if weights else {}
    return asked(name, facts | more), told(*torch_classes.operations_of_module(module)) or "nothing"


def torch() -> Told:
    """Every class, and each of its attributes."""
    kernel, turned = {"weight": array(4, 6, 3, 2), "bias": array(4)}, {"weight": array(6, 4, 3, 2)}
    usual: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    yield _module("Conv2d", kernel, **usual, groups=2)
    yield _module("Conv2d", kernel, stride=1, padding=0, dilation=1, groups=0)
    for word in ("same", "valid", "much", -1):
        yield _module("Conv2d", kernel, **usual | {"padding": word, "dilation": (2, 2)})
    yield _module("Conv2d", kernel, **usual, padding_mode="reflect")
    yield _module("Conv2d", kernel, stride=1, padding=0, padding_mode="circular")
    yield _module("Conv2d", kernel, stride=(2, 1, 1))
    yield _module("Conv2d", kernel, stride=(0, 1))
    yield _module("Conv2d", kernel)
    yield _module("Conv1d", {"weight": array(4, 6, 3)}, stride=(2,), padding=(1,))
    yield _module("Conv3d", {"weight": array(4, 6, 3, 2, 2)}, stride=1, padding=1)
    yield _module("Conv3d", kernel)
    yield _module("ConvTranspose2d", turned, **usual, transposed=True, output_padding=(1, 0), groups=1)
    yield _module("ConvTranspose2d", turned, stride=2, padding=0, transposed=True, output_padding=1)
    yield _module("ConvTranspose2d", {"weight": array(6, 1, 3, 3)}, stride=2, transposed=True, groups=6)
    yield _module("ConvTranspose2d", {"weight": array(1, 1, 3, 3)}, stride=2, transposed=True, groups=1)
    yield _module("own.Conv2d", kernel, **usual)
    yield _module("own.Strided", kernel, stride=(2, 2))
    yield _module("own.Thing", kernel)
    yield _module(
        "torchvision.ops.misc.FrozenBatchNorm2d", {n: array(6) for n in ("running_mean", "running_var")}
    )
    yield _module("Linear", {"weight": array(5, 6), "bias": array(5)}, out_features=9)
    yield _module("Linear", out_features=9)
    yield _module("Embedding", {"weight": array(5, 6)})
    yield _module("LSTM", hidden_size=7)
    held = {name: array(6) for name in ("weight", "bias", "running_mean", "running_var")}
    yield _module("BatchNorm2d", held, eps=0.25)
    yield _module("BatchNorm2d", held, eps=-1.0)
    yield _module("BatchNorm2d", held)
    yield _module("LocalResponseNorm", size=4, alpha=0.5, k=2, beta=0.25)
    yield _module("LocalResponseNorm", size=0)
    for n in (1, 2, 3):
        for kind in ("Max", "Avg"):
            yield _module(f"{kind}Pool{n}d", kernel_size=3, stride=2, padding=1, ceil_mode=True)
            yield _module(f"{kind}Pool{n}d", kernel_size=3, stride=None, padding=0, count_include_pad=False)
            yield _module(f"Adaptive{kind}Pool{n}d", output_size=1)
        for rule in ("Zero", "Constant", "Reflection"):
            yield _module(f"{rule}Pad{n}d", padding=tuple(range(1, 2 * n + 1)), value=0.5)
    yield _module("MaxPool2d", kernel_size=3, padding=0, dilation=(2, 1))
    yield _module("MaxPool2d", kernel_size=3, padding=-1)
    yield _module("MaxPool2d", kernel_size=(0, 3), padding=0)
    yield _module("AvgPool2d", kernel_size=3, padding=0, divisor_override=2)
    yield _module("AdaptiveAvgPool2d", output_size=(1, 2))
    yield _module("ZeroPad2d", padding=(1, 2, 3, -4))
    yield _module("LeakyReLU", negative_slope=0.25)
    yield _module("GroupNorm", {"weight": array(6), "bias": array(6)}, num_groups=2, eps=0.25)
    yield _module("GroupNorm", num_groups=0)
    yield _module("LayerNorm", {"weight": array(5, 4)}, normalized_shape=(5, 4))
    yield _module("LayerNorm", normalized_shape=())
    yield _module("InstanceNorm2d")
    yield _module("InstanceNorm2d", {"running_mean": array(6), "running_var": array(6)})
    yield _module("PReLU")
    yield _module("PReLU", {"weight": array(1)})
    yield _module("PReLU", {"weight": array(6)})
    for name in ("ELU", "CELU"):
        yield _module(name, alpha=0.5)
    yield _module("Softplus", beta=2)
    for low, high in ((0.0, 6.0), (-1.0, 1.0), (0.0, 0.0)):
        yield _module("Hardtanh", min_val=low, max_val=high)
    yield _module("Softmax", dim=1)
    yield _module("Flatten", start_dim=2)
    yield _module("Flatten", start_dim=1, end_dim=2)
    yield _module("Flatten", start_dim=-1)
    for facts in (
        {"scale_factor": 2.0},
        {"scale_factor": (2, 3)},
        {"scale_factor": 1.5},
        {"scale_factor": 0},
        {"scale_factor": (2, 0)},
        {"scale_factor": 1e300},
    ):
        yield _module("Upsample", mode="nearest", **facts)
        yield _module("Upsample", mode="bilinear", **facts)
    yield _module("Upsample", scale_factor=2, mode="bilinear")
    yield _module("Dropout", p=0.25)
    for name in torch_classes._BY_CLASS:
        yield _module(name)
    yield _module("Dream")
    yield _module("own.ReLU")
    for path in sorted(torch_classes.CHAINS):
        yield path, "its parts feed each other"
    for path in ("torch.nn.modules.loss.MSELoss", "torch.nn.modules.conv.Conv2d"):
        yield path, "a loss" if torch_classes.is_loss(path) else "no loss"
