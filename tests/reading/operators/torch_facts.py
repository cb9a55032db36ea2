"""PyTorch's classes, each with the same attributes, which are whole, odd, of another kind, or not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from filtviz.operations import LONGEST
from filtviz.reading.formats.torch import torch_classes
from tests.reading.operators.asking import Told, array
from tests.telling import told

__all__ = ["facts"]

NAMES = (
    "kernel_size", "stride", "padding", "dilation", "output_size", "output_padding", "groups", "out_features",
    "hidden_size", "num_groups", "size", "scale_factor", "start_dim", "dim", "normalized_shape", "eps", "p",
    "alpha", "beta", "k", "negative_slope", "min_val", "max_val", "value", "upscale_factor",
)  # fmt: skip


def _bundles(n: int) -> Mapping[str, Mapping[str, Any]]:
    """Attributes of a class of n axes."""
    lengths = dict.fromkeys(NAMES, (2, 1, 3)[:n])
    real = {
        "eps": 0.25,
        "p": 0.75,
        "alpha": 0.5,
        "beta": 2.0,
        "k": 3.0,
        "negative_slope": 0.125,
        "value": 1.5,
    }
    whole = dict.fromkeys(NAMES, 2) | {"min_val": 0, "max_val": 3, "dim": -2, "padding": 1}
    return {
        "whole": whole
        | {"ceil_mode": True, "mode": "bilinear", "approximate": "tanh", "padding_mode": "reflect"},
        "lengths": lengths | {"count_include_pad": False, "mode": "nearest", "align_corners": True},
        "more lengths": dict.fromkeys(NAMES, (1,) * (n + 1)),
        "twice the lengths": dict.fromkeys(NAMES, tuple(range(2 * n))) | {"mode": "trilinear"},
        "an odd length": dict.fromkeys(NAMES, (2, True, 1)[:n] if n > 1 else (True,)),
        "real": dict.fromkeys(NAMES, 2.5)
        | real
        | {"ceil_mode": 1, "count_include_pad": 0, "align_corners": 1},
        "real wholes": dict.fromkeys(NAMES, 1.0) | {"mode": "linear", "approximate": "none"},
        "true": dict.fromkeys(NAMES, True) | {"ceil_mode": False, "count_include_pad": True},
        "text": dict.fromkeys(NAMES, "same") | {"padding_mode": "circular", "mode": 3},
        "none": dict.fromkeys(NAMES),
        "zero": dict.fromkeys(NAMES, 0) | {"mode": "bilinear", "align_corners": False},
        "below zero": dict.fromkeys(NAMES, -1) | {"end_dim": -1, "mode": "bicubic"},
        "one": dict.fromkeys(NAMES, 1) | {"end_dim": 2, "transposed": True, "mode": "bilinear", "dim": 0},
        "a zero among lengths": dict.fromkeys(NAMES, (1, 0, 2)[-n:]) | {"transposed": True},
        "far": dict.fromkeys(NAMES, LONGEST) | {"mode": "nearest"},
        "nothing": {},
    }


def _weights(n: int) -> Mapping[str, Mapping[str, Any]]:
    kernel, vectors = array(4, 2, *(3, 2, 3)[:n]), ("weight", "bias", "running_mean", "running_var")
    return {
        "nothing held": {},
        "with a kernel": {"weight": kernel, "bias": array(4)},
        "with vectors": {name: array(6) for name in vectors},
        "with a mean": {"running_mean": array(6)},
        "with a variance": {"running_var": array(6)},
        "with a matrix": {"weight": array(5, 6)},
    }


def _asked(path: str, known: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    module = torch_classes.Module(path=path, facts=known, parameters=held)
    return told(*torch_classes.operations_of_module(module)) or "nothing"


def facts() -> Told:
    """Every class with each bundle of attributes, and with each bundle of weights; kernels of all sizes."""
    classes = [*torch_classes._BY_CLASS, "Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d", "Dream"]
    for name in classes:
        axes = re.search(r"([123])d", name)
        n = int(axes[1]) if axes else 2
        path, answers = f"torch.nn.modules.here.{name}", dict[str, list[str]]()
        held = _weights(n)["with a kernel" if "Conv" in name else "nothing held"]
        for words, known in _bundles(n).items():
            answers.setdefault(_asked(path, known, held), []).append(words)
        for words, held in _weights(n).items():
            answers.setdefault(_asked(path, {"padding": (1,) * n}, held), []).append(words)
        yield from ((f"{name} {', '.join(words)}", answer) for answer, words in answers.items())
    yield from _kernels()
    yield from _resized()


def _kernels() -> Told:
    for shape in (
        (4, 6, 32, 32),
        (4, 6, 33, 3),
        (4, 6, 3, 33),
        (40, 50, 3, 3),
        (4, 6, 3),
        (4, 6, 3, 3, 3),
        (4, 6),
        (6,),
    ):
        for path in (
            "mine.Own",
            "mine.Own2D",
            "mine.CONV",
            "mine.Conv1d",
            "torch.nn.Linear",
            "torch.nn.Odd",
            "",
        ):
            held = {"weight": array(*shape)}
            yield f"{path} of {shape}", _asked(path, {}, held)
            yield f"{path} of {shape} with steps", _asked(path, {"stride": (1,) * (len(shape) - 2)}, held)
    for groups in (1, 4, 6, 12, 0, -1, True, None, 2.0):
        for shape in ((6, 1, 3, 3), (6, 2, 3, 3), (1, 1, 3, 3), (12, 1, 1, 1)):
            for transposed in (False, True, 1):
                known = {"stride": 1, "padding": 0, "groups": groups, "transposed": transposed}
                words = f"{shape} in {groups} groups{' transposed' * (transposed is True)} {transposed!r}"
                yield words, _asked("torch.nn.modules.conv.Conv2d", known, {"weight": array(*shape)})
    for pad, more in ((0, 0), (1, 0), (1, 1), (0, 1), ((1, 2), (1, 2)), ((1, 2), (2, 1)), ((1, 2), (1, 3))):
        known = {"stride": 2, "padding": pad, "output_padding": more, "transposed": True, "groups": 1}
        yield f"padding {pad} {more}", _asked("torch.nn.Conv2d", known, {"weight": array(2, 3, 4, 4)})
    for size in (1, 2, 3, 4, 5):
        for far in (1, 2, 3):
            known = {"stride": 1, "padding": "same", "dilation": far}
            words = f"as large as before {size} {far}"
            yield words, _asked("torch.nn.Conv1d", known, {"weight": array(2, 3, size)})
    for mode in ("zeros", "reflect", "x" * 30, 5):
        for pad in (0, (0, 1)):
            known = {"stride": 1, "padding": pad, "padding_mode": mode}
            yield f"padding {pad} by {mode}", _asked("torch.nn.Conv2d", known, {"weight": array(2, 3, 4, 4)})


def _resized() -> Told:
    factors = (2, 2.0, 2.5, (2,), (2, 3), (2, 3, 4), (2.5, 3), (2, 0), 0, -1, LONGEST, LONGEST - 1, "2", True)
    for mode in ("nearest", "linear", "bilinear", "trilinear", "bicubic", "m" * 30, None):
        for name in ("Upsample", "UpsamplingBilinear2d"):
            answers: dict[str, list[str]] = {}
            for factor in factors:
                known = {"scale_factor": factor, "mode": mode, "align_corners": name != "Upsample"}
                answers.setdefault(_asked(f"torch.nn.{name}", known, {}), []).append(repr(factor))
            yield from ((f"{name} {mode} {' or '.join(one)}", answer) for answer, one in answers.items())
    for n in (0, 1, 7, 8, 9):
        for kind in (tuple, list):
            yield (
                f"{kind.__name__} of {n} axes",
                _asked("torch.nn.LayerNorm", {"normalized_shape": kind([2] * n)}, {}),
            )
    for low, high in ((0, 1), (0.0, 0.0), (0, -1), (0.5, 1), (-1, 1), (None, 1), (0, None)):
        yield f"between {low} and {high}", _asked("torch.nn.Hardtanh", {"min_val": low, "max_val": high}, {})
    for start, end in ((0, -1), (1, -1), (-1, -1), (2, 3), (True, -1), (1, True), (None, None)):
        yield f"from {start} to {end}", _asked("torch.nn.Flatten", {"start_dim": start, "end_dim": end}, {})
    for path in (
        "torch.nn.ReLU",
        "torchvision.ops.ReLU",
        "torch.ao.nn.ReLU",
        "torch.nn.quantized.ReLU",
        "torch.ReLU",
        "nn.ReLU",
        "ReLU",
    ):
        yield path or "nobody's", _asked(path, {}, {})
    yield "a long name", _asked("mine." + "x" * 50, {}, {})
