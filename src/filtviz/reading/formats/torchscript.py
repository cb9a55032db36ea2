"""TorchScript: the weights of a scripted or traced module; its code is text that is never looked at.

``data.pkl`` holds modules as objects of classes that the file itself defines (``__torch__.net.Net``); a
frozen module has its weights as constants instead. Strides, padding and the graph stand in the code alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from filtviz.errors import MalformedFileError, UnsupportedFileError
from filtviz.network import Network
from filtviz.reading.formats.torch.rebuilding import QUANTISED, Lost, Rebuilder
from filtviz.reading.formats.torch.storages import Saved
from filtviz.reading.formats.torch.zipped import read_zip
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.pickle.records import Record, attributes, elements
from filtviz.reading.tensor_names import PYTORCH, Tensor, named_by_order
from filtviz.reading.tensors import layers_of

__all__ = ["open"]

_DEEPEST = 64
"""Modules in one another."""

_OPEN = "in TorchScript strides, padding and the graph are code, which filtviz never reads"


def open(opened: Opened) -> Network | None:
    """Read the parameters of the modules, or the constants of a frozen one.

    Raises:
        UnsupportedFileError: there are no weights in it.
        MalformedFileError: it is damaged, or says of itself what cannot be.
        LimitError: it has too many parameters.
    """
    members = opened.members or ()
    bare = {member.name.partition("/")[2] for member in members}
    if not ({"data.pkl", "constants.pkl"} <= bare and any(name.startswith("code/") for name in bare)):
        return None
    saved = read_zip(members, opened.steps)
    rebuilder = Rebuilder(saved.memory, opened.steps, opened.effort)
    reader = _Reader(opened, rebuilder)
    tensors = list(reader.parameters(saved.root))
    order = "the order of registration in the modules"
    if not any(len(one.array.shape) > 1 for one in tensors):
        saved, tensors = _constants(opened)
        order = "the order of the constants: the module is frozen, and its parameters have lost their names"
    if not any(len(one.array.shape) > 1 for one in tensors):
        raise UnsupportedFileError("it is a TorchScript module without weights")
    opened.limits.check("layers", len(tensors), f"it holds {len(tensors):,} tensors")
    made = layers_of(tensors, PYTORCH, opened.hints, known=reader.known)
    pickles = saved.pickles
    origin = origin_of(
        opened,
        "a TorchScript module",
        objects=Objects(roots=(saved.root,), form="zip of TorchScript", pickles=pickles),
        framework="PyTorch",
        order=order,
        left_out=("its code, which is never read",),
        inferred=(*made.inferred, *([QUANTISED] if rebuilder.quantised else []), _OPEN),
    )
    return Network.of(made.layers, origin)


class _Reader:
    """Goes through modules within modules."""

    def __init__(self, opened: Opened, rebuilder: Rebuilder) -> None:
        self.opened = opened
        self.rebuilder = rebuilder
        self.known: dict[str, dict[str, Any]] = {}
        self.seen: set[int] = set()

    def parameters(self, root: Any) -> Iterator[Tensor]:
        """Yield the tensors of all modules, named by the path to them, in order of registration."""
        stack: list[tuple[str, Any, int]] = [("", root, 0)]
        while stack:
            name, value, depth = stack.pop()
            self.opened.effort.spend(1)
            self.opened.effort.spend_text(len(name))
            if type(value) is not Record:
                continue
            found = self.rebuilder.tensor(value)
            if found is not None:
                if not isinstance(found, Lost):
                    yield Tensor(name=name, array=found)
                continue
            if id(value) in self.seen or not _class_of(value).startswith("__torch__."):
                continue
            self.seen.add(id(value))
            if depth > _DEEPEST:
                raise MalformedFileError(f"its modules lie more than {_DEEPEST} in one another")
            self._take_note(name, value)
            yield from self._packed(name, value)
            parts = [(key, part) for key, part in attributes(value).items() if type(key) is str]
            inner = [(f"{name}.{key}" if name else key, part, depth + 1) for key, part in parts]
            stack.extend(reversed(inner))

    def _packed(self, name: str, module: Record) -> Iterator[Tensor]:
        """Yield the weights and biases of a quantised module, whose state is no dictionary but a tuple."""
        state = elements(module.state) or ()
        self.opened.effort.spend(len(state))
        found = [self.rebuilder.tensor(one) for one in state]
        tensors = [one for one in found if one is not None and not isinstance(one, Lost)]
        weight = next((one for one in tensors if len(one.shape) > 1), None)
        if weight is None:
            return
        stem = name.removesuffix("._packed_params")
        yield Tensor(name=f"{stem}.weight", array=weight)
        bias = next((one for one in tensors if len(one.shape) == 1 and one.shape[0] in weight.shape), None)
        if bias is not None:
            yield Tensor(name=f"{stem}.bias", array=bias)
        facts = dict(zip(_QUANTISED, state, strict=False))
        stride, pad, gaps = (_wholes(facts.get(key)) for key in ("stride", "padding", "dilation"))
        if stride and len(stride) == len(pad) == len(gaps) == len(weight.shape) - 2:
            groups, transposed = facts.get("groups"), facts.get("transposed")
            told: dict[str, Any] = {"stride": stride, "pad": tuple((one, one) for one in pad)}
            told |= {"dilation": gaps} if max(gaps) > 1 else {}
            told |= {"groups": groups} if type(groups) is int and groups > 0 else {}
            told |= {"transposed": transposed} if type(transposed) is bool else {}
            self.known.setdefault(stem, {}).update(told)

    def _take_note(self, name: str, module: Record) -> None:
        """Remember a module's class, which tells a transposed convolution."""
        kind = _class_of(module).rpartition(".")[2]
        if ".torch.nn." in _class_of(module):
            self.known[name] = {"type": kind}
            if kind.startswith("Conv"):
                self.known[name]["transposed"] = "Transpose" in kind


_QUANTISED = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "transposed",
    "output_padding", "groups",
)  # fmt: skip
"""What the state of a quantised convolution begins with."""


def _wholes(value: Any) -> tuple[int, ...]:
    """Return a tuple of small numbers of the file, an empty one where it is none."""
    found = tuple(elements(value) or ())
    return found if all(type(one) is int and 0 <= one < _LARGEST for one in found) else ()


_LARGEST = 1 << 20


def _class_of(record: Record) -> str:
    return "" if record.cls is None else f"{record.cls.module}.{record.cls.name}"


def _constants(opened: Opened) -> tuple[Saved, list[Tensor]]:
    """Return the tensors among a module's constants, as far as their order tells what they are."""
    saved = read_zip(opened.members or (), opened.steps, pickle="constants.pkl", folder="constants")
    rebuilder = Rebuilder(saved.memory, opened.steps, opened.effort)
    found = []
    for place, value in enumerate(elements(saved.root) or ()):
        tensor = rebuilder.tensor(value)
        if tensor is not None and not isinstance(tensor, Lost):
            found.append(Tensor(name=f"c{place}", array=tensor))
    return saved, list(named_by_order(found))
