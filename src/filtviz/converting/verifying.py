"""What was written against what it was made of: both are shown the same noise, and must answer the same."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from filtviz.budget import Budget
from filtviz.converting.shaped import outputs
from filtviz.errors import ConversionError, MissingExtraError, RunningError
from filtviz.network import Layer, Network
from filtviz.operations import Input, Reshape, Slice
from filtviz.running.choosing import has_torch
from filtviz.running.inference import fixed_batch, run
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

SEED, IMAGES, LENGTHS = 0, 2, (32, 48, 64, 224)
"""Of the noise: its seed, how many images, and the sizes that are tried where the file does not tell it."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How far what was written is from what it was made of.

    Attributes:
        with_what: What ran the other side.
        absolute: The largest difference of two numbers.
        relative: The same over the largest number that an output has.
        images: How many images of noise were shown.
        rounding: How far single precision is from double precision here, relative as well; None where it was
            not asked for, since the difference is small.
    """

    with_what: str
    absolute: float
    relative: float
    images: int
    rounding: float | None = None

    def __str__(self) -> str:
        return (
            f"verified with {self.with_what} on {self.images} images of noise: the largest difference is "
            f"{self.absolute:.1e} ({self.relative:.1e} of the largest output){self._reservation()}"
        )

    def _reservation(self) -> str:
        if self.rounding is not None:
            return (
                f", where rounding to single precision alone makes {self.rounding:.1e}: noise cannot tell "
                "more of this network"
            )
        if self.relative > TOLERANCE:
            return "; its answers to noise are too small to tell more"
        return ""


def has_onnxruntime() -> bool:
    """Tell whether ONNX Runtime is installed."""
    return find_spec("onnxruntime") is not None


def expected(
    network: Network, budget: Budget | None, dtype: str = "float64"
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return noise for each input, with the channels in front, and what a network answers to it.

    Args:
        network: The network.
        budget: How much work an image may be.
        dtype: In which it is computed.

    Raises:
        ConversionError: it has no input.
        BudgetError: its images are too large.
        RunningError: it cannot be run.
    """
    entrances = [layer for layer in network.layers if _entrance(layer)]
    if not entrances:
        raise ConversionError("the network has no input that noise could be shown to: take --no-verify")
    is_open = any(_lengths(layer, LENGTHS[0]) != _lengths(layer, LENGTHS[1]) for layer in entrances)
    refused: RunningError | None = None
    for length in LENGTHS if is_open else LENGTHS[:1]:
        try:
            shapes = [_lengths(layer, length) for layer in entrances]
            return _answered(network, entrances, shapes, budget, dtype)
        except RunningError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def _answered(
    network: Network,
    entrances: Sequence[Layer],
    shapes: Sequence[Sequence[int]],
    budget: Budget | None,
    dtype: str,
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return noise of such shapes, and what a network answers to it."""
    n_images = fixed_batch(network, network.layers) or IMAGES
    account = (budget or Budget()).account(network)
    account.hold(16 * n_images * sum(map(math.prod, shapes)), "noise to verify it with")
    random = np.random.default_rng(SEED)
    noise = [random.random((n_images, *shape), np.float32) for shape in shapes]
    wanted = [layer.index for layer in outputs(network)]
    first = _entrance(entrances[0])
    if len(entrances) > 1:
        network, wanted = _with_one_input(network, shapes), [index + 1 for index in wanted]
        images = np.concatenate([each.reshape(n_images, -1) for each in noise], axis=1)
    else:
        images = np.moveaxis(noise[0], 1, -1) if first is not None and first.channels_last else noise[0]
    found = run(network, images, wanted, "numpy", dtype=dtype, budget=budget)
    return noise, [found[index] for index in wanted]


def _entrance(layer: Layer) -> Input | None:
    return next((each for each in layer.operations if isinstance(each, Input)), None)


def _lengths(layer: Layer, some: int) -> list[int]:
    """Return the axes of an input behind the images, ``some`` length for each that is open."""
    entrance = _entrance(layer)
    shape = (entrance and entrance.shape) or layer.output_shape or (None,)
    return [some if n is None else n for n in shape[1:]]


def _with_one_input(network: Network, shapes: Sequence[Sequence[int]]) -> Network:
    """Return a network that takes the numbers of all its inputs in a row, as engines run those with one."""
    sizes = [math.prod(shape) for shape in shapes]
    begins = itertools.accumulate(sizes, initial=0)
    parts = iter(zip(begins, sizes, shapes, strict=False))
    layers = [Layer(type="Input", name="all inputs", operations=(Input(shape=(None, sum(sizes))),))]
    for layer in network.layers:
        below, operations = tuple(i + 1 for i in layer.inputs), layer.operations
        if _entrance(layer):
            begin, size, shape = next(parts)
            taken = Slice(axis=1, start=begin, stop=begin + size), Reshape(lengths=((0,), *shape))
            kept = [each for each in operations if not isinstance(each, Input)]
            below, operations = (0,), (*taken, *kept)
        layers.append(replace(layer, inputs=below, operations=operations))
    return Network.of(layers, network.origin)


_NO_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "1")
"""Keeps ONNX Runtime from telling its makers of the models that it runs, and from a file of its own for that;
who has set the variable keeps what it says."""


def onnx_outputs(model: bytes, noise: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return what ONNX Runtime answers with a model.

    Args:
        model: Its bytes.
        noise: What each of its inputs is shown.

    Raises:
        MissingExtraError: it is not installed.
        ConversionError: it cannot run the model.
    """
    os.environ.setdefault(*_NO_TELEMETRY)
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
        found: list[NDArray[Any]] = session.run(
            None, {entrance.name: each for entrance, each in zip(session.get_inputs(), noise, strict=True)}
        )
    except Exception as error:  # its own classes, of no common base
        first = str(error).partition("\n")[0][:200]
        raise ConversionError(f"ONNX Runtime cannot run what was made of it: {first}") from None
    return found


_WATCH = """
import os, shutil, threading

def watch():
    os.read(0, 1)
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(1)

threading.Thread(target=watch, daemon=True).start()
"""
"""What a process of ours begins with: where the pipe at its stdin ends, because whoever started it has been
killed, it removes the folder that it works in, and ends."""

_RUN = """
import runpy, sys
import numpy as np
import torch

torch.set_num_threads(1)
network = runpy.run_path("net.py")["Net"]()
network.load_state_dict(torch.load("net.pt", weights_only=True))
network.eval()
with torch.no_grad():
    with np.load("noise.npz") as noise:
        found = network(*(torch.from_numpy(noise[f"arr_{place}"]) for place in range(len(noise.files))))
found = found if isinstance(found, tuple) else (found,)
np.savez("found.npz", *[one.numpy() for one in found])
"""

SECONDS = 600
"""How long a module may run."""


def module_outputs(
    source: str, write: Callable[[BinaryIO], object], noise: Sequence[NDArray[Any]]
) -> list[NDArray[Any]]:
    """Return what PyTorch answers with a printed module, in a process and a folder of its own.

    Args:
        source: The module's source, which we have written ourselves.
        write: Writes its arrays.
        noise: What each of its inputs is shown.

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
        np.savez(folder / "noise.npz", *noise)
        done = run_beside(_RUN, folder)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            last = said or f"it ended with status {done.returncode} and no word"
            raise ConversionError(f"PyTorch cannot run what was made of it: {printable(last, 200)}")
        with np.load(folder / "found.npz", allow_pickle=False) as held:
            return [held[f"arr_{place}"] for place in range(len(held.files))]


def run_beside(program: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program of ours in a process that works in ``folder``, and outlives this one in no case.

    Args:
        program: Its source.
        folder: Made for it, and removed with it.

    Raises:
        ConversionError: it takes too long.
    """
    command = [sys.executable, "-I", "-c", _WATCH + program]
    reading, writing = os.pipe()
    try:
        return subprocess.run(  # noqa: S603
            command, cwd=folder, stdin=reading, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ConversionError("PyTorch takes too long with what was made of it: --no-verify") from None
    finally:
        os.close(reading)
        os.close(writing)


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
    own = None
    if absolute > SMALLEST and relative > TOLERANCE:
        own = 0.0 if single is None else _apart(ours, single(), "single precision")[1]
        if relative > WORSE * own:
            raise ConversionError(
                f"what was made of it answers otherwise: {with_what} differs by {absolute:.1e} "
                f"({relative:.1e} of the largest output), and nothing was written"
            )
    return Verification(
        with_what=with_what, absolute=absolute, relative=relative, images=n_images, rounding=own
    )


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
