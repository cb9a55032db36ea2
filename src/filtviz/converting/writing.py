"""``filtviz convert``: a model in, one file in another format out, and what is to be known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from filtviz._version import __version__
from filtviz.budget import BYTE, Budget
from filtviz.converting.archives import write_npz, write_pt, write_safetensors
from filtviz.converting.collected import Collected, Layout, stored, torch_layout
from filtviz.converting.identifiers import attribute, member, plain
from filtviz.errors import ArgumentError
from filtviz.files import write_whole
from filtviz.given import LiveModel, Model, check_path, load
from filtviz.network import Network
from filtviz.reading import Hints, Limits
from filtviz.sources import Sources
from filtviz.text import described, plural, printable

__all__ = ["SUFFIXES", "ConversionResult", "convert"]

Write: TypeAlias = Callable[[BinaryIO], object]


@dataclass(frozen=True, kw_only=True, eq=False)
class ConversionResult:
    """What `filtviz.convert` wrote.

    Attributes:
        network: The network in the file.
        files: The files that were written.
        arrays: The names of the arrays in it, in their order.
        remarks: A sentence for each thing that is worth knowing: what has another name, what was left out.
    """

    network: Network
    files: tuple[Path, ...]
    arrays: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<ConversionResult {printable(self.files[0], 200)}: {plural(len(self.arrays), 'array')}>"


_ARRAYS: Mapping[str, tuple[Callable[..., None], Callable[[str], str]]] = {
    ".npz": (write_npz, member),
    ".safetensors": (write_safetensors, plain),
    ".pt": (write_pt, plain),
    ".pth": (write_pt, plain),
}
"""Suffix → what writes arrays so, and what makes their names harmless there."""

_TORCHS = (".pt", ".pth")
SUFFIXES = tuple(_ARRAYS)
"""What can be written."""


def convert(
    model: Model | LiveModel,
    path: str | PathLike[str],
    *,
    layout: Layout | None = None,
    turned: bool | None = None,
    budget: Budget | None = None,
    limits: Limits | None = None,
    hints: Hints | None = None,
) -> ConversionResult:
    """Write a model in another format, which the end of the path says.

    Args:
        model: A path, a network, or a model in memory (an ``nn.Module``, a Keras model, a tree of arrays).
        path: The file to write: ``.npz``, ``.safetensors`` or ``.pt``.
        layout: ``stored`` for exactly the arrays of the file and their names, ``torch`` for kernels, matrices
            and statistics as PyTorch has them; None for ``torch`` where it is PyTorch's own format, and
            ``stored`` elsewhere.
        turned: Whether kernels are stored turned by 180 degrees, for files that do not tell.
        budget: How much work it may be.
        limits: How much the file may ask for, see `filtviz.load`.
        hints: What a person says about the arrays of a file that holds nothing but arrays.

    Raises:
        ReadError: the file does not give a network.
        ConversionError: the format cannot say what is in it; the sentence names the layer.
        OutputError: the file cannot be written, or is one of those given.
        BudgetError: it would be too much work.
        ArgumentError: the format or the layout is none.
    """
    target = Path(check_path(path, "a file to write"))
    suffix = _suffix(target)
    chosen = _layout(layout, suffix)
    network = load(model, limits=limits, hints=hints)
    sources = Sources.of([network])
    sources.refuse(target)
    write, make = _ARRAYS[suffix]
    if chosen == "torch":
        collected = torch_layout(network, attribute, turned=turned)
    else:
        collected = stored(network, make)
    account = (budget or Budget()).account(network)
    n_bytes = sum(one.size * one.dtype.itemsize for one in collected.arrays)
    account.spend("work", BYTE * n_bytes, f"writing {plural(len(collected.arrays), 'array')}")
    facts = _facts(network, chosen, collected)
    write_whole(target, partial(_written, write, collected, facts), sources)
    return ConversionResult(
        network=network,
        files=(target,),
        arrays=tuple(one.name for one in collected.arrays),
        remarks=collected.remarks,
    )


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
    usual: Layout = "torch" if suffix in _TORCHS else "stored"
    if layout not in (None, "stored", "torch"):
        raise ArgumentError(f"the layout is 'stored' or 'torch', not {described(layout)}")
    return layout or usual


def _facts(network: Network, layout: str, collected: Collected) -> dict[str, Any]:
    """Return what was converted: names and digests of files, never where they lie."""
    origin = network.origin
    files = [path for path in (origin.path, *origin.siblings) if path is not None and path.is_file()]
    return {
        "format": "pt" if layout == "torch" else "np",
        "converter": f"filtviz {__version__}",
        "kind": origin.kind,
        "layout": layout,
        "files": {printable(path.name, 200): f"sha256:{_digest(path)}" for path in files},
        **collected.facts,
    }


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
