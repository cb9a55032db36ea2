"""Where in an object of ``torch.save`` the weights lie: a state_dict, modules, a list; alone or under keys.

A checkpoint keeps weights under any key, beside an optimiser's moments, which have the shapes of filters and
are none, copies that are averages over training (EMA), losses, and objects of any class. What is found is a
`WeightSet` each; what is left out is named.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from filtviz.reading.arrays import AnyArray, StoredArray
from filtviz.reading.formats.torch.rebuilding import Lost, Rebuilder
from filtviz.reading.formats.torch.training_state import as_history, losses_in, moments_in, which_loss
from filtviz.reading.limits import Hints
from filtviz.reading.optimised import Moments
from filtviz.reading.pickle.records import Global, Items, Record, attributes, elements, pairs, text
from filtviz.reading.tensor_names import Tensor
from filtviz.text import listed, printable

__all__ = [
    "Choice",
    "WeightSet",
    "choose",
    "class_path",
    "find_sets",
    "is_module",
    "memory_of",
    "module_state",
]

DEEPEST = 16
"""Dictionaries and objects in one another, up to which weights are looked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightSet:
    """Weights that belong together, under the keys ``path``: named ``tensors``, or a ``module``'s.

    ``is_list`` tells that the names are only places in a list; ``lost`` are tensors without values.
    """

    path: tuple[str, ...]
    tensors: tuple[Tensor, ...] = ()
    module: Record | None = None
    is_list: bool = False
    lost: tuple[tuple[str, Lost], ...] = ()

    @property
    def name(self) -> str:
        """The keys, with dots between."""
        return ".".join(self.path)

    @property
    def has_filters(self) -> bool:
        """Whether there may be weights of a layer in it, and not only numbers and vectors."""
        return self.module is not None or any(len(one.array.shape) > 1 for one in self.tensors)

    @property
    def is_loose(self) -> bool:
        """Whether its tensors are no parameters by their names: a random vector that was kept, losses."""
        named = any("." in one.name or one.name in _ROLES for one in self.tensors)
        return self.module is None and not named


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The sets to read, in the file's order, and a sentence for what is ``left_out``.

    ``training`` and ``epoch`` are as in `filtviz.network.Origin`, ``history`` as a network has it;
    ``optimisers`` has the moments that each keeps.
    """

    sets: tuple[WeightSet, ...]
    left_out: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    epoch: int | None = None
    history: tuple[Mapping[str, Any], ...] = ()
    optimisers: tuple[Moments, ...] = ()


_ROLES = frozenset({"weight", "bias", "running_mean", "running_var", "weight_g", "weight_v", "weight_orig"})
_AVERAGED = re.compile(r"(?i)(\A|[._-])(e_?ma|swa|shadow|polyak|averaged?)([._-]|\d*\Z)|averaged_model")
"""Keys of copies that are averages over training."""

_AVERAGED_PREFIX = re.compile(r"(ema_model|model_ema|averaged_model|shadow|ema)[._]")
_TRAINING = re.compile(
    r"(?i)optimi[sz]er|schedule|(\A|[._-])(optims?|opts?|sched|scaler|grad_scaler|amp|rng|callbacks?|loops)([._-]|\d|\Z)"
)
"""Keys of what training needs beside the weights."""

_EPOCH = re.compile(r"(?i)epochs?|n_epochs?|last_epoch|cur(rent)?_epoch")
_NEAR, _MOST_EPOCHS = 2, 10**9
"""How deep a number of epochs may lie, and under what it is one."""

_LONGEST_KEY = 60
"""Characters of a key under which losses may be kept."""

_NOT_SEARCHED = (
    "torch.optim.", "torch.utils.", "torch.cuda.", "torch.amp.", "numpy.", "pandas.", "datetime.",
)  # fmt: skip
"""Packages whose objects hold no weights."""


_PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
"""What StyleGAN's pickles call to make a module of the source that they hold, which nobody runs here."""


def _persistent(record: Record) -> Mapping[str, Any]:
    """Return what such a pickle keeps of an object: its ``class_name`` and its ``state``."""
    if type(record.maker) is not Global or record.maker.path != _PERSISTENT or not record.args:
        return {}
    held = record.args[0]
    found = held.entries if type(held) is Record else held
    return found.by_name() if type(found) is Items else {}


def class_path(record: Record) -> str:
    """Return the full name of the class of an object, seen through what streams write beside a module's."""
    if own := text(_persistent(record).get("class_name")):
        return own
    maker: Any = record.cls
    if maker is None and type(record.maker) is Record and record.maker.args:
        told = elements(record.maker.args[0]) or ()
        maker = told[1] if len(told) > 1 and text(told[0]) == "module" else None
    return str(getattr(maker, "path", ""))


_QUANTISED = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "transposed",
    "output_padding", "groups", "padding_mode", "weight", "bias", "scale", "zero_point", "training",
)  # fmt: skip
"""What the state of a quantised convolution is, in order."""


def module_state(value: Any) -> Mapping[str, Any]:
    """Return the attributes of a module, ``{}`` of anything else.

    Of one of ``torch.fx`` they are an argument, and a quantised convolution keeps them as a tuple.
    """
    if type(value) is not Record:
        return {}
    found = attributes(value)
    if not found and value.args and type(value.args[0]) is Items:
        found = value.args[0].by_name()
    if type(kept := _persistent(value).get("state")) is Items:
        found = kept.by_name()
    state = value.state
    if type(state) is tuple and len(state) == len(_QUANTISED) and ".quantized." in class_path(value):
        found = dict(zip(_QUANTISED, state, strict=True))
        own = [part for name in ("weight", "bias") for part in (name, found.pop(name))]
        found |= {"_modules": Items([]), "_parameters": Items(own)}
    return found if "_modules" in found else {}


def is_module(value: Any) -> bool:
    """Tell an ``nn.Module``, of whatever class, by the dictionaries that each has."""
    state = module_state(value)
    return "_modules" in state and "_parameters" in state


def memory_of(array: AnyArray) -> tuple[Any, ...]:
    """Return what is equal for two tensors exactly where they are one."""
    if isinstance(array, StoredArray):
        return id(array.bytes), array.offset, array.shape, array.strides
    return (id(array),)


# Finding


@dataclass(kw_only=True, eq=False)
class _Search:
    rebuilder: Rebuilder
    sets: list[WeightSet] = field(default_factory=list)
    training: list[str] = field(default_factory=list)
    has_moments: bool = False
    optimisers: list[Moments] = field(default_factory=list)
    epoch: int | None = None
    losses: dict[str, list[float]] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def run(self, root: Any) -> None:
        """Look for weights depth first, in the file's order."""
        stack: list[tuple[tuple[str, ...], Any]] = [((), root)]
        while stack:
            path, value = stack.pop()
            if id(value) in self.seen or len(path) > DEEPEST:
                continue
            self.seen.add(id(value))
            self.rebuilder.effort.spend_text(sum(map(len, path)))
            stack.extend(reversed(list(self._enter(path, value))))

    def _enter(self, path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Note the weights of an object; yield what else is to be looked into."""
        if is_module(value):
            self.sets.append(WeightSet(path=path, module=value))
            return
        if self._is_of_training(path, value):
            self.training.append(printable(".".join(path), 60))
            self.has_moments = self.has_moments or self._holds_moments(value)
            self.optimisers += moments_in(value, self.rebuilder)
            return
        found: list[tuple[str, AnyArray | Lost]] = []
        if (alone := self.rebuilder.tensor(value)) is not None:
            found.append(("", alone))
        entries, is_list = self._parts(value) if alone is None else ([], True)
        for key, part in entries:
            if type(part) is int and len(path) < _NEAR and _EPOCH.fullmatch(key) and 0 <= part < _MOST_EPOCHS:
                self.epoch = part if self.epoch is None else self.epoch
            tensor = self.rebuilder.tensor(part)
            if tensor is None and self._keeps_losses((*path, key), part):
                continue
            if tensor is not None:
                self.rebuilder.effort.spend_text(len(key))  # of which the layer's name is made
                found.append((key, tensor))
            elif key.endswith("_packed_params"):
                found += self._packed(key, part)
            elif type(part) in (Record, Items, list, tuple):
                yield (*path, key), part
        if found:
            self.sets.append(_set_of(path, found, is_list=is_list))

    def _keeps_losses(self, path: tuple[str, ...], part: Any) -> bool:
        """Take note of a list of losses; tell whether it is one."""
        name = which_loss(path) if len(path) <= _NEAR and max(map(len, path)) <= _LONGEST_KEY else ""
        values = losses_in(part) if name else None
        if values is None:
            return False
        self.rebuilder.effort.spend(len(values))
        self.losses.setdefault(name, values)
        return True

    def _packed(self, key: str, value: Any) -> Iterator[tuple[str, AnyArray | Lost]]:
        """Yield the weights and biases of a quantised layer, which are kept as a pair."""
        stem = key.removesuffix("_packed_params").removesuffix("._packed_params.").rstrip(".")
        for name, part in zip(("weight", "bias"), elements(value) or (), strict=False):
            tensor = self.rebuilder.tensor(part)
            if tensor is not None:
                yield f"{stem}.{name}" if stem else name, tensor

    def _is_of_training(self, path: Sequence[str], value: Any) -> bool:
        """Tell an optimiser, alone or its state, a schedule, and what else training keeps."""
        if type(value) is Record and class_path(value).startswith("torch.optim."):
            return True
        if path and _TRAINING.search(path[-1]):
            return True
        entries = pairs(value, self.rebuilder.effort) if type(value) in (Record, Items) else None
        names = {key for key, _ in entries or () if type(key) is str}
        return {"state", "param_groups"} <= names

    def _holds_moments(self, value: Any) -> bool:
        """Tell whether an optimiser, or one in a list, has taken steps: before the first it keeps nothing."""
        if type(value) is list:
            return any(self._holds_moments(each) for each in value if type(each) is not list)
        state = attributes(value).get("state") if type(value) is Record else None
        if state is None and type(value) in (Record, Items):
            entries = pairs(value, self.rebuilder.effort) or ()
            state = next((part for key, part in entries if type(key) is str and key == "state"), None)
        return bool(pairs(state, self.rebuilder.effort)) if type(state) in (Record, Items) else False

    def _parts(self, value: Any) -> tuple[list[tuple[str, Any]], bool]:
        """Return the parts of an object with their keys, and whether these are only places."""
        entries = pairs(value, self.rebuilder.effort)
        if entries is not None:
            return [(_key(key, place), part) for place, (key, part) in enumerate(entries)], False
        items = elements(value)
        if items is not None:
            self.rebuilder.effort.spend(len(items))
            return [(str(place), item) for place, item in enumerate(items)], True
        if type(value) is not Record or class_path(value).startswith(_NOT_SEARCHED):
            return [], False
        state = attributes(value)
        self.rebuilder.effort.spend(len(state) + len(value.args))
        made_of = [(str(place), part) for place, part in enumerate(value.args)]
        return list(state.items()) or made_of, False


def _key(key: Any, place: int) -> str:
    if type(key) is int and abs(key) < 1 << 63:
        return str(key)
    return text(key) or str(place)


def _set_of(
    path: tuple[str, ...], found: Sequence[tuple[str, AnyArray | Lost]], *, is_list: bool
) -> WeightSet:
    tensors = [Tensor(name=name, array=one) for name, one in found if not isinstance(one, Lost)]
    lost = [(name, one) for name, one in found if isinstance(one, Lost)]
    return WeightSet(path=path, tensors=tuple(tensors), lost=tuple(lost), is_list=is_list)


def find_sets(root: Any, rebuilder: Rebuilder) -> Choice:
    """Find every set of weights in an object, and what lies beside them for training.

    Args:
        root: The object.
        rebuilder: What reads its tensors.
    """
    search = _Search(rebuilder=rebuilder)
    search.run(root)
    sets = [part for one in _joined(search.sets) for part in _without_averages(one)]
    n_arrays = sum(len(one.tensors) for one in sets)
    rebuilder.limits.check("layers", n_arrays, f"it holds {n_arrays:,} arrays")
    keys = [key for key in search.training if key]
    where = f", under {listed(keys)}" if keys else ""
    training = (f"what only training needs{where}",) if search.training else ()
    signs = ("it holds the state of an optimiser",) if search.has_moments else ()
    return Choice(
        sets=tuple(sets),
        left_out=training,
        training=signs,
        epoch=search.epoch,
        history=tuple(as_history(search.losses)),
        optimisers=tuple(search.optimisers),
    )


def _joined(sets: Sequence[WeightSet]) -> list[WeightSet]:
    """Join what is kept as a dictionary for each layer (``{"conv1": {"weight": …}}``) in one set."""
    layered = Counter(one.path[:-1] for one in sets if _is_one_layer(one))
    joined: list[list[WeightSet]] = []
    for one in sets:
        if not _is_one_layer(one) or layered[one.path[:-1]] < 2:
            joined.append([one])
            continue
        own = tuple(replace(each, name=f"{one.path[-1]}.{each.name}") for each in one.tensors)
        lost = tuple((f"{one.path[-1]}.{name}", each) for name, each in one.lost)
        one = replace(one, path=one.path[:-1], tensors=own, lost=lost)
        first = joined[-1][0] if joined else None
        if first is not None and first.path == one.path and first.module is None:
            joined[-1].append(one)
        else:
            joined.append([one])
    return [_together(parts) for parts in joined]


def _together(parts: Sequence[WeightSet]) -> WeightSet:
    """Return several sets of one path as one."""
    tensors = tuple(each for part in parts for each in part.tensors)
    lost = tuple(each for part in parts for each in part.lost)
    return replace(parts[0], tensors=tensors, lost=lost)


def _is_one_layer(one: WeightSet) -> bool:
    names = [each.name for each in one.tensors]
    return one.module is None and bool(one.path) and bool(names) and _ROLES.issuperset(names)


def _without_averages(one: WeightSet) -> Iterator[WeightSet]:
    """Split copies that are averages off a dictionary that has them beside the weights, under a prefix.

    They are copies only if each has the shape of a weight.
    """
    averaged = [each for each in one.tensors if _AVERAGED_PREFIX.match(each.name)]
    others = [each for each in one.tensors if not _AVERAGED_PREFIX.match(each.name)]
    large = Counter(each.array.shape for each in averaged if len(each.array.shape) > 1)
    if not large or large - Counter(each.array.shape for each in others):
        yield one
        return
    yield replace(one, tensors=tuple(others))
    prefix = _AVERAGED_PREFIX.match(averaged[0].name)
    assert prefix is not None, "it has just matched"
    yield WeightSet(path=(*one.path, prefix[1]), tensors=tuple(_named_as(averaged, others)))


def _named_as(averaged: Sequence[Tensor], others: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield averages under the names of what they are averages of: some are kept without the dots."""
    full = {_squashed(each.name.partition(".")[2]): each.name.partition(".")[2] for each in others}
    full |= {_squashed(each.name): each.name for each in others}
    for each in averaged:
        own = _AVERAGED_PREFIX.sub("", each.name, count=1)
        yield replace(each, name=own if "." in own else full.get(_squashed(own), own))


def _squashed(name: str) -> str:
    return name.replace(".", "").replace("_", "")


# Choosing


def choose(found: Choice, hints: Hints) -> Choice:
    """Choose the weights: those that a person asks for by a key, else all that are no averages.

    Args:
        found: What there is.
        hints: What a person says, the key of the weights among it (``--weights``).

    Raises:
        SelectionError: there is nothing under the key.
    """
    with_filters = [one for one in found.sets if one.has_filters]
    sets = [one for one in with_filters if not one.is_loose] or with_filters or list(found.sets)
    if wanted := hints.weights:
        chosen = [one for one in sets if one.name == wanted or one.name.startswith(f"{wanted}.")]
        if not chosen:
            raise hints.no_such_weights(one.name for one in sets if one.name)
    else:
        chosen = [one for one in sets if not any(_AVERAGED.search(key) for key in one.path)] or sets[:1]
    kept = set(map(id, chosen))
    n_under = Counter(one.path[:1] for one in sets)
    keys = [_key_of(one, n_under) for one in sets if id(one) not in kept]
    others = [f"the weights under {key} (--weights {key} shows them)" for key in dict.fromkeys(keys)]
    searched = set(map(id, sets))
    loose = [
        printable(".".join(filter(None, (*one.path, each.name))), 60)
        for one in found.sets
        if id(one) not in searched
        for each in one.tensors
        if len(each.array.shape) > 0
    ]
    beside = [f"arrays that are no layer's: {listed(loose)}"] if loose else []
    return replace(found, sets=tuple(chosen), left_out=(*others, *beside, *found.left_out))


def _key_of(one: WeightSet, n_under: Mapping[tuple[str, ...], int]) -> str:
    """Return the shortest key that chooses a set, or the sets of one outermost key that is all averages."""
    first = one.path[0] if one.path else ""
    return printable(first if n_under[one.path[:1]] == 1 or _AVERAGED.search(first) else one.name, 60)
