"""Which engine runs a network: numpy, always there, or PyTorch, where it is installed and pays."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from filtviz.errors import RunningError
from filtviz.network import EngineName
from filtviz.operations import Operation
from filtviz.text import printable, quoted

if TYPE_CHECKING:
    from filtviz.running.torch_engine import TorchEngine

__all__ = ["Engine", "choose_engine", "has_torch", "torch_engine"]

MUCH = 20_000_000_000
"""The work from which on importing PyTorch, which takes seconds, pays."""


class Engine(Protocol):
    """An interpreter of operations."""

    name: str
    memory: int
    """Bytes that what is made of a batch should fill at most: more images at once are not faster."""
    dtype: np.dtype[Any]
    keeps: bool
    is_small: bool

    def calm(self) -> AbstractContextManager[object]:
        """Return what keeps the engine from starting threads that do not pay."""

    def take(self, images: NDArray[Any]) -> Any:
        """Return images as the engine has them."""

    def give(self, units: Any) -> NDArray[Any]:
        """Return units as an array."""

    def apply(self, operation: Operation, below: Sequence[Any]) -> Any:
        """Return what an operation makes of its inputs."""


def has_torch() -> bool:
    """Tell whether PyTorch is installed."""
    return "torch" in sys.modules or find_spec("torch") is not None


def choose_engine(name: str | None, work: int, dtype: DTypeLike, device: str | None) -> Engine:
    """Return an engine.

    Args:
        name: ``numpy``, ``torch``, or None for the one that pays.
        work: Roughly what there is to do, see `filtviz.budget`.
        dtype: ``float64`` or ``float32``.
        device: Where PyTorch computes; None for the processor.

    Raises:
        MissingExtraError: PyTorch is asked for, and not installed.
        RunningError: there is no such engine, or type.
    """
    kind = _type(dtype)
    if name not in (None, *get_args(EngineName)):
        raise RunningError(f"there is no engine {quoted(name, 40)}: take numpy or torch")
    if name == "numpy" and device is not None:
        raise RunningError("the engine numpy has no device: leave it out, or take the engine torch")
    pays = device is not None or "torch" in sys.modules or (work > MUCH and has_torch())
    if name == "torch" or (name is None and pays):
        return torch_engine(kind, device)
    from filtviz.running.numpy_engine import NumpyEngine

    return NumpyEngine(kind)


def _type(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):
        kind = np.dtype(object)
    if kind not in (np.float64, np.float32):
        raise RunningError(f"networks are run in float64 or float32, not in {printable(dtype, 40)}")
    return kind


def torch_engine(dtype: DTypeLike, device: str | None = None, **how: Any) -> TorchEngine:
    """Return the engine that computes with PyTorch.

    Args:
        dtype: ``float64`` or ``float32``.
        device: Where to compute; None for the processor.
        how: More for the engine.

    Raises:
        MissingExtraError: it is not installed.
        RunningError: there is no such device.
    """
    from filtviz.running.torch_engine import TorchEngine

    try:
        return TorchEngine(np.dtype(dtype), device, **how)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = printable(str(error).partition("\n")[0], 100)
        raise RunningError(f"PyTorch cannot compute on {quoted(device, 40)}: {reason}") from None
