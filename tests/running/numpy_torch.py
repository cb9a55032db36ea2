"""The few functions of PyTorch that ``torch_engine.py`` calls, made of numpy: its calls are held without it.

That PyTorch gives the same is held by ``tests/frameworks/test_torch_engine.py``, where it is installed.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from filtviz.running import numpy_engine

__all__ = ["Tensor", "engine_module", "torch_module"]


class Tensor(np.ndarray):
    """An array with the methods of a tensor."""

    device = "cpu"

    def to(self, like: Any) -> Any:
        return self.astype(like.dtype) if isinstance(like, np.ndarray) else self

    def detach(self) -> Any:
        return self

    cpu = detach

    def numpy(self) -> Any:
        return self.view(np.ndarray)

    def movedim(self, start: int, end: int) -> Any:
        return np.moveaxis(self.view(np.ndarray), start, end).view(Tensor)

    def transpose(self, one: int, other: int) -> Any:
        return np.swapaxes(self.view(np.ndarray), one, other).view(Tensor)

    def unsqueeze(self, axis: int) -> Any:
        return np.expand_dims(self, axis)

    def permute(self, order: Sequence[int]) -> Any:
        return np.transpose(self.view(np.ndarray), order).view(Tensor)

    def flatten(self, start: int, end: int = -1) -> Any:
        end %= self.ndim
        return self.reshape(*self.shape[:start], -1, *self.shape[end + 1 :]) if start < self.ndim else self

    def select(self, axis: int, index: int) -> Any:
        return self.take(index, axis)

    def index_select(self, axis: int, places: Any) -> Any:
        return self.take(np.asarray(places), axis)

    def repeat_interleave(self, times: int, dim: int) -> Any:
        return self.repeat(times, dim)

    def new_zeros(self, shape: Sequence[int]) -> Any:
        return np.zeros(shape, self.dtype).view(Tensor)

    def abs(self) -> Any:
        return np.abs(self)

    def sqrt(self) -> Any:
        return np.sqrt(self)

    def max(self, dim: int) -> Any:
        return SimpleNamespace(values=np.max(self.view(np.ndarray), dim).view(Tensor))


def _along(function: Any) -> Any:
    def reduce(self: Tensor, dim: Any, keepdim: bool = False) -> Any:
        axes = tuple(dim) or None if isinstance(dim, list | tuple) else dim  # none stand for all
        return np.asarray(function(self.view(np.ndarray), axis=axes, keepdims=keepdim)).view(Tensor)

    return reduce


for _name, _function in (("amax", np.max), ("amin", np.min), ("mean", np.mean), ("sum", np.sum)):
    setattr(Tensor, _name, _along(_function))


def _pad(x: Tensor, margins: Sequence[int], value: float = 0.0) -> Any:
    """Pad, or cut where a margin is below 0; the numbers begin with the last axis."""
    for place in range(len(margins) // 2):
        axis, (before, after) = x.ndim - 1 - place, margins[2 * place : 2 * place + 2]
        wide = [(0, 0)] * x.ndim
        wide[axis] = (max(before, 0), max(after, 0))
        x = np.pad(x, wide, constant_values=value).view(Tensor)
        x = x[(slice(None),) * axis + (slice(max(-before, 0), x.shape[axis] - max(-after, 0)),)]
    return x


def _taps(size: Sequence[int], stride: Sequence[int], dilation: Sequence[int], lengths: Sequence[int]) -> Any:
    """Each tap of a window with the places that it sees, along all axes."""
    n = [(m - (k - 1) * d - 1) // s + 1 for m, k, s, d in zip(lengths, size, stride, dilation, strict=True)]
    for tap in itertools.product(*map(range, size)):
        at = zip(tap, dilation, n, stride, strict=True)
        yield tap, tuple(slice(t * d, t * d + (many - 1) * s + 1, s) for t, d, many, s in at)


def _conv(x: Tensor, weights: Tensor, bias: Tensor | None, *, stride: Any, dilation: Any, groups: int) -> Any:
    total: Any = 0
    n_filters, n_channels, *size = weights.shape
    own = weights.reshape(groups, n_filters // groups, n_channels, *size)
    for tap, seen in _taps(size, stride, dilation, x.shape[2:]):
        part = x[(slice(None), slice(None), *seen)]
        part = part.reshape(len(x), groups, n_channels, *part.shape[2:])
        total = total + np.einsum("bgc...,gfc->bgf...", part, own[(..., *tap)])
    made = np.asarray(total).reshape(len(x), n_filters, *total.shape[3:]).view(Tensor)
    return made if bias is None else made + bias.reshape(-1, *[1] * len(size))


def _conv_transpose(x: Tensor, weights: Tensor, *, stride: Any, dilation: Any, groups: int) -> Any:
    _, n_filters, *size = weights.shape
    lengths = [
        (n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(x.shape[2:], stride, size, dilation, strict=True)
    ]
    large = np.zeros((len(x), groups * n_filters, *lengths), x.dtype)
    parts = x.reshape(len(x), groups, -1, *x.shape[2:])
    own = weights.reshape(groups, -1, n_filters, *size)
    for tap, seen in _taps(size, stride, dilation, lengths):
        made = np.einsum("bgc...,gcf->bgf...", parts, own[(..., *tap)])
        large[(slice(None), slice(None), *seen)] += made.reshape(len(x), -1, *x.shape[2:])
    return large.view(Tensor)


def _max_pool(x: Tensor, size: Any, *, stride: Any, dilation: Any) -> Any:
    taps = _taps(size, stride, dilation, x.shape[2:])
    return np.max([x[(slice(None), slice(None), *seen)] for _, seen in taps], axis=0).view(Tensor)


_ALIKE = (
    "where", "maximum", "minimum", "sqrt", "logaddexp", "zeros_like", "einsum",
    "exp", "tanh", "log", "absolute", "sin", "cos", "expm1", "log1p",
)  # fmt: skip


def _tensor(function: Any) -> Any:
    return lambda *given, **how: np.asarray(function(*given, **how)).view(Tensor)


def torch_module() -> tuple[Any, Any]:
    """Return what stands for PyTorch and for its functions."""
    functions: Any = ModuleType("torch.nn.functional")
    functions.pad, functions.relu = _pad, lambda x: np.maximum(x, 0)
    for n in (1, 2, 3):
        setattr(functions, f"conv{n}d", _conv)
        setattr(functions, f"conv_transpose{n}d", _conv_transpose)
        setattr(functions, f"max_pool{n}d", _max_pool)
    torch: Any = ModuleType("torch")
    torch.nn = SimpleNamespace(functional=functions)
    torch.float32, torch.float64, torch.long = np.float32, np.float64, np.int64
    torch.device, torch.inference_mode = str, nullcontext
    torch.threads = 2
    torch.get_num_threads = lambda: torch.threads
    torch.set_num_threads = lambda n: setattr(torch, "threads", n)
    torch.from_numpy = lambda array: array.view(Tensor)
    torch.tensor = lambda numbers, dtype, device: np.array(numbers, dtype).view(Tensor)
    torch.zeros = lambda n, device: np.zeros(n).view(Tensor)
    torch.softmax = lambda x, dim: _tensor(special.softmax)(x, axis=dim)
    torch.cat = lambda parts, dim: _tensor(np.concatenate)(parts, axis=dim)
    torch.clamp, torch.sigmoid, torch.erf = map(_tensor, (np.clip, special.expit, special.erf))
    for name in _ALIKE:
        setattr(torch, name, _tensor(getattr(np, name)))
    return torch, functions


@cache
def engine_module() -> ModuleType:
    """Return ``torch_engine.py`` as it is where this is PyTorch."""
    torch, functions = torch_module()
    path = numpy_engine.__file__.replace("numpy_engine", "torch_engine")
    spec = importlib.util.spec_from_file_location("torch_engine_on_numpy", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    ours = {"torch": torch, "torch.nn": torch.nn, "torch.nn.functional": functions}
    before = {name: sys.modules.get(name) for name in ours}
    sys.modules.update(ours)
    try:
        spec.loader.exec_module(made)
    finally:
        for name, one in before.items():
            if one is None:
                del sys.modules[name]
            else:
                sys.modules[name] = one
    return made
