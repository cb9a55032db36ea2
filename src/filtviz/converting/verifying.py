"""What was written against what it was made of: both are shown the same noise, and must answer the same."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.converting.shaped import fixed_batch, outputs
from filtviz.errors import ConversionError, MissingExtraError
from filtviz.network import Network
from filtviz.operations import Input
from filtviz.running.choosing import has_torch
from filtviz.running.inference import run
from filtviz.text import printable

__all__ = [
    "TOLERANCE",
    "Verification",
    "compared",
    "expected",
    "has_onnxruntime",
    "module_outputs",
    "onnx_outputs",
]

TOLERANCE = 1e-4
"""The difference, relative to the largest number that is answered, over which a conversion has failed."""

SMALLEST = 1e-7
"""A difference that is none: single precision has no smaller ones of numbers about 1."""

WORSE = 10
"""How many times further from double precision the other side may be than single precision is here."""

SEED, IMAGES, LENGTH = 0, 2, 32
"""Of the noise: its seed, how many images, and the size of those of which the file does not tell it."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How far what was written is from what it was made of.

    Attributes:
        with_what: What ran the other side.
        absolute: The largest difference of two numbers.
        relative: The same over the largest number that an output has.
        images: How many images of noise were shown.
    """

    with_what: str
    absolute: float
    relative: float
    images: int

    def __str__(self) -> str:
        return (
            f"verified with {self.with_what} on {self.images} images of noise: the largest difference is "
            f"{self.absolute:.1e} ({self.relative:.1e} of the largest output)"
        )


def has_onnxruntime() -> bool:
    """Tell whether ONNX Runtime is installed."""
    return find_spec("onnxruntime") is not None


def expected(
    network: Network, budget: Budget | None, dtype: str = "float64"
) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """Return noise, with the channels in front, and what a network answers to it, in double precision.

    Args:
        network: The network, which has one input.
        budget: How much work an image may be.
        dtype: In which it is computed.

    Raises:
        ConversionError: it has several inputs.
        BudgetError: its images are too large.
        RunningError: it cannot be run.
    """
    inputs = [each for layer in network.layers for each in layer.operations if isinstance(each, Input)]
    if len(inputs) != 1:
        raise ConversionError(
            f"the network has {len(inputs)} inputs, and noise is shown to one: take --no-verify"
        )
    first = next(layer for layer in network.layers if inputs[0] in layer.operations)
    shape = inputs[0].shape or first.output_shape or (None,)
    lengths = [LENGTH if n is None else n for n in shape[1:]]
    n_images = fixed_batch(network) or IMAGES
    account = (budget or Budget()).account(network)
    account.hold(16 * n_images * math.prod(lengths), "noise to verify it with")
    noise = np.random.default_rng(SEED).random((n_images, *lengths), np.float32)
    images = np.moveaxis(noise, 1, -1) if inputs[0].channels_last else noise
    wanted = [layer.index for layer in outputs(network)]
    found = run(network, images, wanted, "numpy", dtype=dtype, budget=budget)
    return noise, [found[index] for index in wanted]


def onnx_outputs(model: bytes, noise: NDArray[Any]) -> list[NDArray[Any]]:
    """Return what ONNX Runtime answers with a model.

    Args:
        model: Its bytes.
        noise: What it is shown.

    Raises:
        MissingExtraError: it is not installed.
        ConversionError: it cannot run the model.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError(
            "verifying needs ONNX Runtime, which is not installed: pip install onnxruntime, or --no-verify"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        found: list[NDArray[Any]] = session.run(None, {session.get_inputs()[0].name: noise})
    except Exception as error:  # its own classes, of no common base
        first = str(error).partition("\n")[0][:200]
        raise ConversionError(f"ONNX Runtime cannot run what was made of it: {first}") from None
    return found


_RUN = """
import runpy, sys
import numpy as np
import torch

torch.set_num_threads(1)
network = runpy.run_path("net.py")["Net"]()
network.load_state_dict(torch.load("net.pt", weights_only=True))
network.eval()
with torch.no_grad():
    found = network(torch.from_numpy(np.load("noise.npy")))
found = found if isinstance(found, tuple) else (found,)
np.savez("found.npz", *[one.numpy() for one in found])
"""

SECONDS = 600
"""How long a module may run."""


def module_outputs(
    source: str, write: Callable[[BinaryIO], object], noise: NDArray[Any]
) -> list[NDArray[Any]]:
    """Return what PyTorch answers with a printed module, in a process and a folder of its own.

    Args:
        source: The module's source, which we have written ourselves.
        write: Writes its arrays.
        noise: What it is shown.

    Raises:
        MissingExtraError: PyTorch is not installed.
        ConversionError: it cannot run the module.
    """
    if not has_torch():
        raise MissingExtraError(
            "verifying needs PyTorch, which is not installed: pip install torch, or take --no-verify"
        )
    with TemporaryDirectory(prefix="filtviz-") as name:
        folder = Path(name)
        (folder / "net.py").write_text(source, encoding="ascii")
        with (folder / "net.pt").open("wb") as stream:
            write(stream)
        np.save(folder / "noise.npy", noise)
        command = [sys.executable, "-I", "-c", _RUN]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise ConversionError("PyTorch takes too long with what was made of it: --no-verify") from None
        if done.returncode:
            last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise ConversionError(f"PyTorch cannot run what was made of it: {printable(last, 200)}")
        with np.load(folder / "found.npz", allow_pickle=False) as held:
            return [held[f"arr_{place}"] for place in range(len(held.files))]


@np.errstate(over="ignore", invalid="ignore")
def compared(
    ours: list[NDArray[Any]],
    theirs: list[NDArray[Any]],
    n_images: int,
    with_what: str,
    single: Callable[[], list[NDArray[Any]]] | None = None,
) -> Verification:
    """Compare what both sides answer.

    Args:
        ours: What is computed here, in double precision.
        theirs: What the other side computes.
        n_images: How many images were shown.
        with_what: What the other side is.
        single: What is computed here in single precision, asked for where both differ: a network that this
            takes far from double precision does so elsewhere, too.

    Raises:
        ConversionError: they differ.
    """
    absolute, relative = _apart(ours, theirs, with_what)
    if absolute > SMALLEST and not relative <= TOLERANCE:
        own = 0.0 if single is None else _apart(ours, single(), "single precision")[1]
        if not relative <= WORSE * own:
            raise ConversionError(
                f"what was made of it answers otherwise: {with_what} differs by {absolute:.1e} "
                f"({relative:.1e} of the largest output), and nothing was written"
            )
    return Verification(with_what=with_what, absolute=absolute, relative=relative, images=n_images)


def _apart(ours: list[NDArray[Any]], theirs: list[NDArray[Any]], with_what: str) -> tuple[float, float]:
    """Return the largest difference, and the same over the largest number of an output."""
    absolute = relative = 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.shape != other.shape:
            raise ConversionError(f"{with_what} answers {other.shape}, and here it is {one.shape}")
        rounded = one.astype(np.float32).astype(np.float64)
        known = np.isfinite(rounded)
        alike = np.array_equal(rounded[~known], other[~known].astype(np.float64), equal_nan=True)
        if not alike or not np.isfinite(other[known]).all():
            raise ConversionError(f"{with_what} answers numbers where here are none, or the other way round")
        if not known.any():
            continue
        apart = float(np.abs(one[known] - other[known]).max())
        absolute = max(absolute, apart)
        relative = max(relative, apart / max(float(np.abs(one[known]).max()), 1e-30))
    return absolute, relative
