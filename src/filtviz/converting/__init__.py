"""``filtviz convert``: the weights, or all of the network, in another format.

::

    network ─┬─ collected ─► named arrays ─ archives ─► .npz, .safetensors, .pt
             └─ shaped ────► steps ─┬─ onnx_graph ────► .onnx ─┬─► verifying
                                    └─ module_source ─► .py ───┘

What is written is data that we make ourselves; no format's own program is asked to write it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from numpy.typing import NDArray

from filtviz._version import __version__
from filtviz.budget import BYTE, Account, Budget
from filtviz.converting.archives import write_npz, write_pt, write_safetensors
from filtviz.converting.collected import Collected, Layout, attribute, member, plain, stored, torch_layout
from filtviz.converting.verifying import (
    Verification,
    compared,
    expected,
    has_onnxruntime,
    module_outputs,
    onnx_outputs,
)
from filtviz.errors import ArgumentError, BudgetError
from filtviz.files import write_together, write_whole
from filtviz.given import LiveModel, Model, check_path, expect, load
from filtviz.network import Network
from filtviz.operations import Convolution, LocallyConnected, Operation
from filtviz.reading import Hints, Limits
from filtviz.running.choosing import has_torch
from filtviz.sources import Sources
from filtviz.text import described, plural, printable

__all__ = ["ConversionResult", "Verification", "convert"]

Write: TypeAlias = Callable[[BinaryIO], object]


@dataclass(frozen=True, kw_only=True, eq=False)
class ConversionResult:
    """What `filtviz.convert` wrote.

    Attributes:
        network: The network in the file.
        files: The files that were written.
        arrays: The names of the arrays in it, in their order.
        remarks: A sentence for each thing that is worth knowing: what has another name, what was left out.
        verification: How far it answers from the network here, where that was looked at.
    """

    network: Network
    files: tuple[Path, ...]
    arrays: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    verification: Verification | None = None

    def __repr__(self) -> str:
        what = plural(len(self.arrays), "array") if self.arrays else "the whole network"
        return f"<ConversionResult {printable(self.files[0], 200)}: {what}>"


_ARRAYS: Mapping[str, tuple[Callable[..., None], Callable[[str], str]]] = {
    ".npz": (write_npz, member),
    ".safetensors": (write_safetensors, plain),
    ".pt": (write_pt, plain),
    ".pth": (write_pt, plain),
}
"""Suffix → what writes arrays so, and what makes their names harmless there."""

_TORCHS = (".pt", ".pth")
_ONNX = ".onnx"
SUFFIXES = (*_ARRAYS, _ONNX)
"""What can be written."""


def convert(
    model: Model | LiveModel,
    path: str | PathLike[str],
    *,
    layout: Layout | None = None,
    turned: bool | None = None,
    module: str | PathLike[str] | None = None,
    verify: bool | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ConversionResult:
    """Write a model in another format, which the end of the path says.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        path: The file to write: ``.npz``, ``.safetensors``, ``.pt`` or ``.onnx``. The last has all of the
            network, and needs a file that tells its graph, or ``hints`` with another one that does.
        layout: ``stored`` for exactly the arrays of the file and their names, ``torch`` for kernels, matrices
            and statistics as PyTorch has them; None for ``torch`` where it is PyTorch's own format, and
            ``stored`` elsewhere.
        turned: Whether kernels are stored turned by 180 degrees, for files that do not tell.
        module: Beside a ``.pt`` file: where to write the source of an ``nn.Module`` that loads it, ``.py``.
        verify: Whether what is written is run on noise, and compared with the network here; None where what
            it takes is installed.
        budget: How much work it may be.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        ConversionError: the format cannot say what is in it; the sentence names the layer. Or what was made
            answers otherwise.
        MissingExtraError: the package onnx is not installed, or what ``verify`` asks for.
        OutputError: the file cannot be written, or is one of those given.
        BudgetError: it would be too much work.
        ArgumentError: the format or the layout is none.
    """
    target = Path(check_path(path, "a file to write"))
    suffix = _suffix(target)
    chosen = _layout(layout, suffix)
    source = _module_path(module, suffix, chosen)
    if verify and suffix != _ONNX and source is None:
        raise ArgumentError("verify is for what can be run: an .onnx file, or a .pt with its module")
    network = _settled(load(model, limits=limits, hints=hints), turned)
    sources = Sources.of([network])
    sources.refuse(target)
    account = (expect(budget, Budget, "budget") or Budget()).account(network)
    if source is not None:
        sources.refuse(source)
        return _with_module(network, (target, source), sources, account, verify=verify, budget=budget)
    if suffix == _ONNX:
        return _whole(network, target, sources, account, verify=verify, budget=budget)
    write, make = _ARRAYS[suffix]
    collected = torch_layout(network, attribute) if chosen == "torch" else stored(network, make)
    _pay(account, collected)
    facts = {"format": "pt" if chosen == "torch" else "np", **_facts(network, chosen, collected.facts)}
    write_whole(target, partial(_written, write, collected, facts), sources)
    return ConversionResult(
        network=network,
        files=(target,),
        arrays=tuple(one.name for one in collected.arrays),
        remarks=collected.remarks,
    )


def _pay(account: Account, collected: Collected) -> None:
    n_bytes = sum(one.size * one.dtype.itemsize for one in collected.arrays)
    account.spend("work", BYTE * n_bytes, f"writing {plural(len(collected.arrays), 'array')}")


def _module_path(module: str | PathLike[str] | None, suffix: str, layout: str) -> Path | None:
    if module is None:
        return None
    path = Path(check_path(module, "a module's source"))
    if path.suffix != ".py" or suffix not in _TORCHS or layout != "torch":
        raise ArgumentError("a module is a file that ends in .py, beside a .pt file in the layout of PyTorch")
    return path


def _settled(network: Network, turned: bool | None) -> Network:
    """Return a network in which it is told whether kernels are stored turned, as far as a person says it."""
    if turned is None:
        return network
    layers = tuple(
        replace(layer, operations=tuple(_told(each, turned) for each in layer.operations))
        for layer in network.layers
    )
    return replace(network, layers=layers)


def _told(operation: Operation, turned: bool) -> Operation:
    if isinstance(operation, Convolution | LocallyConnected) and operation.flip_filters is None:
        return replace(operation, flip_filters=turned)
    return operation


def _supposed(network: Network) -> list[str]:
    """Say it where kernels are taken for turned of which the file does not tell it."""
    kernels = [
        each
        for layer in network.layers
        for each in layer.operations
        if isinstance(each, Convolution | LocallyConnected) and max(each.kernel_size, default=1) > 1
    ]
    if all(each.flip_filters is not None for each in kernels):
        return []
    return [
        "the file does not tell whether kernels are turned: they are taken to be, as Lasagne usually does; "
        "--not-turned says otherwise"
    ]


def _with_module(
    network: Network,
    paths: tuple[Path, Path],
    sources: Sources,
    account: Account,
    *,
    verify: bool | None,
    budget: Budget | None,
) -> ConversionResult:
    """Write the arrays and the module that loads them, once it has been seen to answer alike."""
    from filtviz.converting.module_source import printed_module

    target, source = paths
    text, collected = printed_module(network, target.name)
    _pay(account, collected)
    facts = {"format": "pt", **_facts(network, "torch", {"module": True})}
    write = partial(_written, write_pt, collected, facts)
    verification, remarks = None, _supposed(network)
    if verify or (verify is None and has_torch()):
        try:
            noise, ours = expected(network, budget)
            theirs = module_outputs(text, write, noise)
            single = partial(_single, network, budget)
            verification = compared(ours, theirs, len(noise[0]), "PyTorch", single)
        except BudgetError as error:
            if verify:
                raise
            remarks.append(f"not verified: {error}")
    elif verify is None:
        remarks.append("not verified: PyTorch is not installed (pip install torch)")
    write_together({target: write, source: lambda stream: stream.write(text.encode("ascii"))}, sources)
    return ConversionResult(
        network=network,
        files=paths,
        arrays=tuple(one.name for one in collected.arrays),
        remarks=tuple(remarks),
        verification=verification,
    )


def _single(network: Network, budget: Budget | None) -> list[NDArray[Any]]:
    return expected(network, budget, "float32")[1]


def _whole(
    network: Network,
    target: Path,
    sources: Sources,
    account: Account,
    *,
    verify: bool | None,
    budget: Budget | None,
) -> ConversionResult:
    """Write a network as ONNX, once it has been seen to answer alike."""
    from filtviz.converting.onnx_graph import onnx_model

    model = onnx_model(network, _texts(_facts(network, "onnx", {})), account)
    verification, remarks = None, _supposed(network)
    if verify or (verify is None and has_onnxruntime()):
        try:
            verification = _verified(network, model, budget)
        except BudgetError as error:
            if verify:
                raise
            remarks.append(f"not verified: {error}")
    elif verify is None:
        remarks.append("not verified: ONNX Runtime is not installed (pip install onnxruntime)")
    write_whole(target, lambda stream: stream.write(model), sources)
    return ConversionResult(
        network=network, files=(target,), remarks=tuple(remarks), verification=verification
    )


def _verified(network: Network, model: bytes, budget: Budget | None) -> Verification:
    noise, ours = expected(network, budget)
    return compared(
        ours,
        onnx_outputs(model, noise),
        len(noise[0]),
        "ONNX Runtime",
        partial(_single, network, budget),
    )


def _texts(facts: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}


def _written(
    write: Callable[..., None], collected: Collected, facts: Mapping[str, Any], stream: BinaryIO
) -> None:
    write(stream, collected.arrays, facts)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ArgumentError(
            f"{printable(path.name, 80)} ends in no format that can be written: end it in "
            f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        )
    return suffix


def _layout(layout: Layout | None, suffix: str) -> Layout:
    if layout is not None and suffix == _ONNX:
        raise ArgumentError("a layout is for files of arrays: an .onnx file has that of ONNX")
    usual: Layout = "torch" if suffix in _TORCHS else "stored"
    if layout not in (None, "stored", "torch"):
        raise ArgumentError(f"the layout is 'stored' or 'torch', not {described(layout)}")
    return layout or usual


def _facts(network: Network, layout: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was converted: names and digests of files, never where they lie."""
    origin = network.origin
    files = [path for path in (origin.path, *origin.siblings) if path is not None and path.is_file()]
    return {
        "converter": f"filtviz {__version__}",
        "kind": origin.kind,
        "layout": layout,
        "files": {printable(path.name, 200): f"sha256:{_digest(path)}" for path in files},
        **more,
    }


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
