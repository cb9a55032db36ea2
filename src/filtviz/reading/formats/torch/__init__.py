"""PyTorch's ``torch.save``: zips, the streams before 1.6, the tars before that, and plain pickles of tensors.

What it holds may be a state_dict, a checkpoint with one under some key, whole modules, a list of tensors, or
the index of a model in several files. TorchScript and ``torch.export`` write other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from filtviz.errors import MalformedFileError, SelectionError, UnsupportedFileError
from filtviz.network import Layer, Network
from filtviz.reading.formats.torch.effective import effective_tensors, without_prefixes
from filtviz.reading.formats.torch.modules import RecordReader, inner_module, layers_of_module
from filtviz.reading.formats.torch.older_files import (
    LEGACY_MAGIC,
    is_tar,
    read_stream,
    read_tar,
    read_tar_members,
)
from filtviz.reading.formats.torch.rebuilding import QUANTISED, Rebuilder
from filtviz.reading.formats.torch.storages import Saved
from filtviz.reading.formats.torch.weight_sets import (
    Choice,
    WeightSet,
    choose,
    class_path,
    find_sets,
    memory_of,
)
from filtviz.reading.formats.torch.zipped import is_torch_zip, read_zip
from filtviz.reading.opened import Objects, Opened, origin_of
from filtviz.reading.optimised import Held, Moved, moved_among
from filtviz.reading.pickle.records import Items, Record, pairs, text
from filtviz.reading.sharded import index_of
from filtviz.reading.stretch import Data
from filtviz.reading.tensor_names import PYTORCH, Tensor, named_by_order
from filtviz.reading.tensors import layers_of
from filtviz.reading.zips import ZIP_MAGIC, Member, read_members
from filtviz.text import listed, names_of_file, plural, printable, quoted

__all__ = ["ENTRIES", "open"]

HAS_WEIGHT_SETS = True
ENTRIES = ("pytorch_model.bin.index.json", "pytorch_model.bin")

_VERSION = re.compile(r"(?i)(?P<of>[a-z][a-z_-]*?)[_-]?version\Z")
_ORDERS = {
    "state_dict": "the order of registration in the state_dict",
    "module": "the order of registration in the module",
    "chain": "the order of the nn.Sequential",
    "list": "the order of the list",
    "dictionary": "the order of the dictionary",
}


def open(opened: Opened) -> Network | None:
    """Read any file of ``torch.save``.

    Raises:
        UnsupportedFileError: it holds no weights.
        MalformedFileError: it is damaged, or says of itself what cannot be.
        LimitError: it asks for too much.
        SelectionError: there are no such weights in it as a person asks for.
    """
    weight_map = index_of(opened, ".bin")
    if weight_map is not None:
        return _of_index(opened, weight_map)
    saved = _saved(opened)
    if saved is None:
        return None
    rebuilder = Rebuilder(saved.memory, opened.steps, opened.effort)
    found = find_sets(saved.root, rebuilder)
    if not found.sets and saved.form == _PLAIN:
        return None
    choice = choose(found, opened.hints)
    return _network(opened, saved, choice, rebuilder)


def _of_index(opened: Opened, weight_map: Mapping[str, str]) -> Network:
    """Read the state_dict of a model in several files, in the order of their index."""
    found: dict[str, dict[str, Tensor]] = {}
    rebuilders: list[Rebuilder] = []
    for file in dict.fromkeys(weight_map.values()):
        found[file], rebuilder = _of_shard(opened, file)
        rebuilders.append(rebuilder)
    tensors = []
    for name, file in weight_map.items():
        if name not in found[file]:
            raise MalformedFileError(
                f"the index says that {quoted(name, 60)} lies in {quoted(file, 60)}, which has no such tensor"
            )
        tensors.append(found[file][name])
    part = _of_state_dict(opened, WeightSet(path=(), tensors=tuple(tensors)), rebuilders, "")
    origin = origin_of(
        opened,
        f"an index of {plural(len(found), 'file')} of torch.save",
        objects=Objects(form="index of files of torch.save"),
        framework="PyTorch",
        order="the order of the index",
        inferred=part.inferred,
        guess=part.guess,
        notes=(*part.notes, f"its tensors lie in {listed([printable(file, 60) for file in found], 30)}"),
    )
    return Network.of(part.layers, origin)


def _of_shard(opened: Opened, file: str) -> tuple[dict[str, Tensor], Rebuilder]:
    data = opened.siblings.open(file)
    is_zip = bytes(data[: len(ZIP_MAGIC)]) == ZIP_MAGIC
    saved = _in_bytes(opened, data, read_members(data, opened.inflation) if is_zip else None)
    if saved is None:
        raise MalformedFileError(
            f"the file {quoted(file, 60)} beside it is no file of torch.save; copy or download it again"
        )
    rebuilder = Rebuilder(saved.memory, opened.steps, opened.effort)
    sets = find_sets(saved.root, rebuilder).sets
    return {one.name: one for each in sets for one in each.tensors}, rebuilder


_TAR_MEMBERS = frozenset({b"sys_info", b"pickle", b"tensors", b"storages"})
_PLAIN = "pickle of tensors"


def _saved(opened: Opened) -> Saved | None:
    """Return what the file holds, or None after a cheap look where it is of another kind."""
    found = _in_bytes(opened, opened.data, opened.members)
    if found is not None or opened.members is not None or not opened.roots:
        return found
    if not any(one.module.partition(".")[0] == "torch" for one in opened.globals):
        return None
    pickles = opened.objects.pickles
    assert pickles is not None, "it names classes"
    return Saved(root=opened.roots[0], pickles=pickles, memory=lambda _: None, form=_PLAIN)


def _in_bytes(opened: Opened, data: Data, members: Sequence[Member] | None) -> Saved | None:
    """Return what a zip, a stream or a tar holds, None for anything else."""
    if members is not None:
        return read_zip(members, opened.steps) if is_torch_zip(members) else None
    start = bytes(data[:300])
    if LEGACY_MAGIC.match(start):
        return read_stream(data, opened.steps)
    if is_tar(start) and start[:100].rstrip(b"\0").removeprefix(b"./") in _TAR_MEMBERS:
        inside = {member.name: member for member in read_tar_members(data, opened.limits)}
        if {"storages", "tensors", "pickle"} <= inside.keys():
            return read_tar(data, inside, opened.steps)
    return None


# The network


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The layers of one set of weights, and what is to be said of them."""

    layers: tuple[Layer, ...]
    order: str
    inferred: tuple[str, ...] = ()
    guess: str = ""
    notes: tuple[str, ...] = ()


def _network(opened: Opened, saved: Saved, choice: Choice, rebuilder: Rebuilder) -> Network:
    if not any(one.has_filters or one.tensors for one in choice.sets):
        raise UnsupportedFileError(_nothing(choice, ()))
    is_one = len(choice.sets) == 1
    parts = [_part(opened, one, rebuilder, "" if is_one else one.name) for one in choice.sets]
    layers: list[Layer] = []
    for part in parts:
        first = len(layers)
        layers += [replace(each, inputs=tuple(i + first for i in each.inputs)) for each in part.layers]
    notes = [note for part in parts for note in part.notes]
    inferred = [sentence for part in parts for sentence in part.inferred]
    if not any(layer.parameters for layer in layers):
        raise UnsupportedFileError(_nothing(choice, notes))
    if not any(one.size for layer in layers for one in layer.parameters):
        raise UnsupportedFileError(_EMPTY)
    moved = _moved(choice, parts, rebuilder)
    lost = [f"{printable(name, 60)} {one.reason}" for each in choice.sets for name, one in each.lost]
    origin = origin_of(
        opened,
        _kind(choice, rebuilder),
        objects=Objects(roots=(saved.root,), form=saved.form, pickles=saved.pickles),
        framework="PyTorch",
        versions=_versions(saved.root, rebuilder),
        order="; ".join(dict.fromkeys(part.order for part in parts)),
        training=choice.training,
        epoch=choice.epoch,
        moved=moved.moved,
        resting=moved.resting,
        left_out=(*choice.left_out, *([f"tensors without values: {listed(lost)}"] if lost else ())),
        inferred=tuple(dict.fromkeys(inferred)),
        guess="; ".join(dict.fromkeys(part.guess for part in parts if part.guess)),
        notes=tuple(notes),
    )
    return Network.of(layers, origin, choice.history)


def _moved(choice: Choice, parts: Sequence[_Part], rebuilder: Rebuilder) -> Moved:
    """Return the names of the layers that the optimisers beside the weights have moved, and of the others."""
    if not choice.optimisers or any(one.is_list for one in choice.sets):
        return Moved()
    is_one = len(choice.sets) == 1
    held = [
        list(_held_by(one, part, "" if is_one else f"{one.name}."))
        for one, part in zip(choice.sets, parts, strict=True)
    ]
    found = moved_among(held, choice.optimisers, rebuilder.effort)
    return Moved(
        *(
            frozenset(name.removesuffix(_WEIGHT) for name in names if name.endswith(_WEIGHT))
            for names in (found.moved, found.resting)
        )
    )


def _held_by(one: WeightSet, part: _Part, prefix: str) -> Iterator[Held]:
    """Yield the name and the shape of each array of a set, in the order that an optimiser is given."""
    if one.module is None:
        for each in without_prefixes(one.tensors)[0]:
            yield prefix + each.name, tuple(each.array.shape)
    else:
        for layer in part.layers:
            for held in layer.parameters:
                yield f"{layer.name}.{held.name}" if layer.name else held.name, held.shape


_WEIGHT = ".weight"


_EMPTY = (
    "it is a file of torch.save whose tensors are all empty, as each process of DeepSpeed's ZeRO-3 writes "
    "one; join them with `python -m deepspeed.utils.zero_to_fp32 FOLDER OUTPUT`, and name OUTPUT"
)


def _nothing(choice: Choice, notes: Sequence[str]) -> str:
    """Say why there is nothing to show."""
    lost = [(name, one) for each in choice.sets for name, one in each.lost]
    what = "that holds no tensors"
    if lost:
        name, one = lost[0]
        what = f"without weights that can be read: {printable(name, 60) or 'its tensor'} {one.reason}"
    elif notes or choice.left_out:
        what = f"that holds no weights: {next(iter((*notes, *choice.left_out)))}"
    return (
        f"it is a file of torch.save {what}; save the weights with "
        'torch.save(model.state_dict(), "model.pth")'
    )


def _part(opened: Opened, one: WeightSet, rebuilder: Rebuilder, prefix: str) -> _Part:
    if one.module is not None:
        return _of_module(opened, one.module, rebuilder, prefix)
    has_kernels = any(len(each.array.shape) == 4 for each in one.tensors)
    if one.is_list or (one.is_loose and has_kernels):
        return _of_list(opened, one, rebuilder, prefix)
    return _of_state_dict(opened, one, [rebuilder], prefix)


def _of_module(opened: Opened, module: Record, rebuilder: Rebuilder, prefix: str) -> _Part:
    if opened.hints.says_something:
        raise SelectionError(
            "the file holds whole modules, which tell their own structure; leave out --convs and --axes, "
            "which are for files that hold nothing but arrays"
        )
    found = layers_of_module(module, RecordReader(rebuilder), rebuilder.effort, opened.computing)
    layers = found.layers
    if prefix:
        layers = tuple(
            replace(each, name=f"{prefix}.{each.name}" if each.name else prefix) for each in layers
        )
    return _Part(
        layers=layers,
        order=_ORDERS["chain" if found.is_chain else "module"],
        inferred=(*found.inferred, *_read_otherwise([rebuilder])),
        notes=found.notes,
    )


def _of_list(opened: Opened, one: WeightSet, rebuilder: Rebuilder, prefix: str) -> _Part:
    """Read a list of tensors, or a dictionary whose keys say nothing: order and shapes tell what is what."""
    named = replace(one, tensors=tuple(named_by_order(one.tensors)))
    part = _of_state_dict(opened, named, [rebuilder], prefix)
    concluded = "a vector behind weights is taken for their bias, two or four for a normalisation"
    said = (concluded,) if len(one.tensors) > 1 else ()
    order = _ORDERS["list" if one.is_list else "dictionary"]
    return replace(part, order=order, inferred=(*said, *part.inferred))


def _of_state_dict(opened: Opened, one: WeightSet, rebuilders: Sequence[Rebuilder], prefix: str) -> _Part:
    stripped, words = without_prefixes(one.tensors)
    effective = effective_tensors(stripped, opened.computing, opened.effort)
    tensors = (
        effective.tensors if not prefix else [_renamed(each, f"{prefix}.") for each in effective.tensors]
    )
    made = layers_of(tensors, PYTORCH, opened.hints)
    notes = [f"every name began with {word!r}, which was left out" for word in words]
    return _Part(
        layers=made.layers,
        order=_ORDERS["state_dict"],
        inferred=(*made.inferred, *effective.sentences, *_read_otherwise(rebuilders)),
        guess=effective.guess,
        notes=(*notes, *_ties(one.tensors)),
    )


def _renamed(tensor: Tensor, prefix: str) -> Tensor:
    parts = tuple(replace(part, name=prefix + part.name) for part in tensor.parts)
    return replace(tensor, name=prefix + tensor.name, parts=parts)


def _ties(tensors: Sequence[Tensor]) -> Iterator[str]:
    """Say which names stand for one and the same memory."""
    owners: dict[tuple[Any, ...], str] = {}
    for each in tensors:
        if each.array.nbytes:
            owner = owners.setdefault(memory_of(each.array), each.name)
            if owner is not each.name:
                yield f"{printable(each.name, 60)} and {printable(owner, 60)} are one tensor: they are tied"


def _read_otherwise(rebuilders: Sequence[Rebuilder]) -> Iterator[str]:
    if any(one.quantised for one in rebuilders):
        yield QUANTISED
    if any(one.sparse for one in rebuilders):
        yield "sparse weights are shown with their zeros"


def _kind(choice: Choice, rebuilder: Rebuilder) -> str:
    """Say what the file holds."""
    one = choice.sets[0]
    if one.module is not None and len(choice.sets) == 1 and one.name in ("", "0"):
        path = class_path(inner_module(one.module, rebuilder.effort))
        return f"a PyTorch {printable(path.rpartition('.')[2] or 'module', 40)}"
    if len(choice.sets) == 1 and not one.path and one.module is None:
        if one.is_list:
            return "a tensor of PyTorch's" if one.tensors[0].name == "" else "a list of PyTorch's tensors"
        return "a PyTorch state_dict"
    names = [each.name for each in choice.sets if each.name]
    return f"a PyTorch checkpoint ({names_of_file(names, 4)})" if names else "a PyTorch checkpoint"


def _versions(root: Any, rebuilder: Rebuilder) -> Mapping[str, str]:
    """Return the versions that a checkpoint tells of libraries: ``pytorch-lightning_version``.

    OpenMMLab's keep them under ``meta``.
    """
    entries = list(pairs(root, rebuilder.effort) or () if type(root) in (Items, Record) else ())
    inner = [value for key, value in entries if text(key) == "meta" and type(value) is Items]
    entries += [entry for value in inner for entry in pairs(value, rebuilder.effort) or ()]
    found: dict[str, str] = {}
    for key, value in entries:
        match, version = _VERSION.match(text(key) or ""), text(value)
        if match and version and len(version) < 40:
            found[printable(match["of"], 40)] = printable(version, 40)
    return found
