"""As much of PyTorch as ``gradients.py`` asks for, made of numpy: its slopes are small differences.

That PyTorch gives the same is held by ``tests/frameworks/test_gradients.py``, where it is installed.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

import filtviz.running
from filtviz.operations import Resize
from filtviz.running.numpy_engine import NumpyEngine
from tests.running.numpy_torch import Tensor, torch_module

__all__ = ["with_gradients"]

STEP = 1e-5
_NUMBERS = itertools.count()


class Traced:
    """Units, and what they were made of; each image is a row of its own, and all but sums keep them apart."""

    def __init__(self, value: Any, parents: Sequence[tuple[Traced, Callable[[Any], Any]]] = ()) -> None:
        self.value, self.parents, self.number = value.view(Tensor), parents, next(_NUMBERS)

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    nbytes = property(lambda self: self.value.nbytes)
    dtype = property(lambda self: self.value.dtype)
    device = "cpu"

    def detach(self) -> Any:
        return self.value

    def sum(self, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is not None:
            return traced(lambda x: x.sum(dim=dim, keepdim=keepdim), self)
        whole = np.asarray(self.value.view(np.ndarray).sum())
        return Traced(whole, [(self, lambda slope: np.full(self.shape, slope))])

    def reshape(self, *shape: Any) -> Any:
        made = self.value.reshape(*shape)
        return Traced(made, [(self, lambda slope: slope.reshape(self.shape))])

    def clamp(self, min: float) -> Any:
        return traced(lambda x: np.maximum(x, min), self)

    def __getitem__(self, key: Any) -> Any:
        def back(slope: Any) -> Any:
            whole = np.zeros(self.shape)
            np.add.at(whole, key, slope)
            return whole

        return Traced(np.asarray(self.value[key]), [(self, back)])

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **how: traced(lambda x: getattr(x, name)(*given, **how), self)


def _operator(name: str) -> Any:
    return lambda self, other: traced(lambda x: getattr(x, name)(other), self)


def _add(self: Traced, other: Any) -> Any:
    if not isinstance(other, Traced):
        return traced(lambda x: x + other, self)
    return Traced(self.value + other.value, [(self, lambda slope: slope), (other, lambda slope: slope)])


Traced.__add__ = _add  # type: ignore[attr-defined]
for _name in ("radd", "mul", "rmul", "sub", "truediv", "matmul", "pow"):
    setattr(Traced, f"__{_name}__", _operator(f"__{_name}__"))


def traced(function: Callable[[Any], Any], units: Traced) -> Traced:
    """What a function makes of units, and back: by small differences, of each image for itself."""

    def back(slope: Any) -> Any:
        found = np.zeros(units.shape)
        for image, own in zip(found, range(len(found)), strict=True):
            exact = np.asarray(units.value[own], np.float64)
            steps = STEP * np.eye(exact.size).reshape(-1, *exact.shape)
            ends = [np.asarray(function((exact + sign * steps).view(Tensor))) for sign in (1, -1)]
            apart = (ends[0] - ends[1]) / (2 * STEP)
            image[...] = np.tensordot(apart, np.asarray(slope)[own], axes=apart.ndim - 1).reshape(image.shape)
        return found

    return Traced(np.asarray(function(units.value)), [(units, back)])


def _grad(answer: Traced, units: Traced) -> tuple[Any]:
    slopes: dict[int, Any] = {answer.number: np.ones(answer.shape)}
    waiting = {answer.number: answer}
    while waiting:
        latest = waiting.pop(max(waiting))
        if latest is units:
            break
        for parent, back in latest.parents:
            slopes[parent.number] = slopes.get(parent.number, 0.0) + np.asarray(back(slopes[latest.number]))
            waiting[parent.number] = parent
    return (slopes[units.number].astype(units.dtype).view(Tensor),)


class _Function:
    """A function with slopes of its own."""

    @classmethod
    def apply(cls, units: Any) -> Any:
        context: Any = SimpleNamespace()
        context.save_for_backward = lambda *held: setattr(context, "saved_tensors", held)
        own: Any = cls
        if not isinstance(units, Traced):
            return own.forward(context, _Clamped(units))
        made = own.forward(context, _Clamped(units.value))
        return Traced(made, [(units, lambda slope: own.backward(context, _Clamped(slope)))])


class _Clamped(Tensor):
    def __new__(cls, array: Any) -> Any:
        return np.asarray(array).view(cls)

    def clamp(self, min: float) -> Any:
        return np.maximum(self, min)


def _lifted(function: Any) -> Any:
    """A function that takes traced units in its first place, too."""

    def call(*given: Any, **how: Any) -> Any:
        if given and isinstance(given[0], Traced):
            return traced(lambda x: function(x, *given[1:], **how), given[0])
        return function(*given, **how)

    return call


def _stack(parts: Sequence[Any]) -> Any:
    if not any(isinstance(one, Traced) for one in parts):
        return np.stack([np.asarray(one) for one in parts]).view(Tensor)
    values = np.stack([np.asarray(one.value) for one in parts])
    return Traced(values, [(one, lambda slope, at=at: slope[at]) for at, one in enumerate(parts)])


def _interpolate(units: Any, *, size: tuple[int, ...], mode: str, align_corners: bool) -> Any:
    assert (mode, align_corners) == ("bilinear", False)
    held = units.value if isinstance(units, Traced) else units
    return NumpyEngine(held.dtype).apply(Resize(size=size), [held.view(np.ndarray)]).view(Tensor)


@contextmanager
def with_gradients() -> Iterator[list[str]]:
    """Let ``filtviz.running.gradients`` be imported, where this is PyTorch; yield devices asked for."""
    torch, functions = torch_module()
    for module in (torch, functions):
        for name, one in list(vars(module).items()):
            if callable(one) and not name.startswith("_") and not isinstance(one, type):
                setattr(module, name, _lifted(one))
    functions.log_softmax = _lifted(
        lambda x, dim: np.asarray(special.log_softmax(np.asarray(x), axis=dim)).view(Tensor)
    )
    functions.logsigmoid = _lifted(lambda x: np.asarray(special.log_expit(np.asarray(x))).view(Tensor))
    functions.interpolate = _interpolate
    torch.autograd = SimpleNamespace(Function=_Function, grad=_grad)
    torch.no_grad, torch.stack = nullcontext, _stack
    devices: list[str] = []

    def device(name: str) -> str:
        devices.append(name)
        if name == "nowhere":
            kinds = "cpu, cuda, xpu, mkldnn, mps, meta, hpu"
            raise RuntimeError(
                f"Expected one of {kinds} device type at start of device string: {name}\nand more"
            )
        return name

    torch.device = device
    torch.Tensor = Traced  # for which scipy asks where there is PyTorch
    Tensor.requires_grad_ = lambda self, on: Traced(self) if on else self  # type: ignore[attr-defined]
    ours: dict[str, Any] = {"torch": torch, "torch.nn": torch.nn, "torch.nn.functional": functions}
    fresh = ("filtviz.running.torch_engine", "filtviz.running.gradients")
    before = {name: sys.modules.pop(name, None) for name in (*ours, *fresh)}
    held = {name: vars(filtviz.running).pop(name.rpartition(".")[2], None) for name in fresh}
    sys.modules.update(ours)
    try:
        yield devices
    finally:
        for name, one in before.items():
            sys.modules.pop(name, None)
            if one is not None:
                sys.modules[name] = one
        for name, module in held.items():
            vars(filtviz.running).pop(name.rpartition(".")[2], None)
            if module is not None:
                setattr(filtviz.running, name.rpartition(".")[2], module)
