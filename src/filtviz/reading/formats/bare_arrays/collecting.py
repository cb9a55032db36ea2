"""The arrays of lists and dictionaries, in order, with the names that the file gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from filtviz.reading.arrays import StoredArray, object_items, value_of, variable_name
from filtviz.reading.opened import Opened
from filtviz.reading.pickle.records import Items, Record, attributes, elements, name_of, pairs
from filtviz.text import natural_key

__all__ = ["LONGEST_SOURCE", "Found", "NamedArray", "collect"]

Path = tuple[str, ...]

LONGEST_SOURCE = 1 << 10
STEPS_OF_AN_ARRAY = 16
STEPS_OF_A_LOOK = 4
"""What reading an array and its names takes, and looking at any other object, in steps of the machine."""

DEEPEST = 64
"""Lists in lists, up to which arrays are looked for: real files have seven, and each array keeps its path."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedArray:
    """One array: its ``number`` and ``source`` in the file, the ``layer`` and ``field`` that names tell.

    ``path`` are the keys and places that lead to it (``("conv1", "0")``); ``layer`` and ``field`` are None
    where no name tells them.
    """

    number: int
    path: tuple[str, ...]
    array: StoredArray
    layer: str | None = None
    field: str | None = None

    @cached_property
    def source(self) -> str:
        """Where the array lies, for messages and for ``--convs``; cut where keys are no names any more."""
        return "/".join(self.path)[:LONGEST_SOURCE]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The arrays of one object of the file, ``root``, in its order.

    ``empty`` are layers that a dictionary names and gives no arrays, each with the number of arrays before
    it. ``left_out`` are the keys of what lies beside the parameters.
    """

    root: Any
    arrays: tuple[NamedArray, ...]
    empty: tuple[tuple[int, str], ...] = ()
    left_out: tuple[str, ...] = ()


_PREFERRED = re.compile(
    r"(?i)((all|best|cnn|final|learned|model|net(work)?|saved|trained)[ _]?)?"
    r"(param(eter)?s?|weights?)([ _]?(values?|list|dict))?|values|state_dict"
)
"""Keys under which people keep the parameters among other things (``{"param values": […], "mean": …}``)."""

_FIELD = r"(?P<field>W|w|weights?|b|bias(?:es)?|beta|gamma|mean|inv_std|alpha)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<layer>.*[^._/ :-])[._/ :-]+{_FIELD}\Z",  # conv1.W, conv1_W, predictor/conv1/W
        r"(?P<prefix>.*[._/ :-])?(?P<field>[Wwb])_?(?P<layer>\d+)\Z",  # W1, b_2, final_W1
        r"(?P<layer>.+)[./](?P<field>[^./]+)\Z",  # gru1.W_hid_to_hidden, bn1/avg_mean
    )
)
_SEARCHED = frozenset({Record, Items, list, tuple, StoredArray})
_MAY_BE_ARRAYS = frozenset({Record, StoredArray})
_PLACE = re.compile(r"(arr_)?\d+\Z")
_ONLY_FIELD = re.compile(rf"{_FIELD}\Z")

_LIBRARIES = frozenset(
    {
        "__builtin__", "_codecs", "builtins", "collections", "copy_reg", "copyreg", "datetime", "functools",
        "itertools", "lasagne", "logging", "nolearn", "numpy", "pandas", "scipy", "sklearn", "theano",
        "torch", "types",
    }
)  # fmt: skip
"""Packages whose objects are not searched: what arrays they hold are no weights."""


def collect(opened: Opened, *, everything: bool = False) -> Found:
    """Return the arrays of the object in the file that has most weights (several pickles may lie in it).

    With ``everything``, what lies beside the usual keys for parameters is not left out.

    Pickles that hold the weights of one layer each, at most, are one list: Theano's tutorial dumps a network
    so, variable by variable (deeplearning.net, "Loading and Saving").
    """
    if len(opened.roots) == 1:
        return _collect_one(opened, [((), opened.roots[0])], everything)
    entries = [((f"#{number}",), root) for number, root in enumerate(opened.roots)]
    found = [_collect_one(opened, [entry], everything) for entry in entries]
    counts = [sum(len(named.array.shape) > 1 for named in one.arrays) for one in found]
    if max(counts) == 1 < sum(counts):
        return _collect_one(opened, entries, everything)
    best = max(range(len(found)), key=lambda place: (counts[place], len(found[place].arrays)))
    others = [f"pickle #{number}" for number, one in enumerate(found) if one.arrays and number != best]
    return replace(found[best], left_out=(*found[best].left_out, *others))


def _collect_one(opened: Opened, entries: Sequence[tuple[Path, Any]], everything: bool) -> Found:
    """Collect from what is kept under the usual keys, or from everything where no array lies there."""
    found = _Collector(opened, prefers=not everything).collect(entries)
    return found if found.arrays or everything else _Collector(opened, prefers=False).collect(entries)


class _Collector:
    """One walk through objects of the file, depth first in the file's order, without recursion.

    ``prefers`` tells whether what lies beside the usual keys for parameters is left out.
    """

    def __init__(self, opened: Opened, *, prefers: bool) -> None:
        self.opened = opened
        self.prefers = prefers
        self.arrays: list[NamedArray] = []
        self.empty: list[tuple[int, str]] = []
        self.left_out: list[str] = []
        self.too_deep = False
        self.seen: set[int] = set()

    def collect(self, entries: Sequence[tuple[Path, Any]]) -> Found:
        """Return what the objects hold, each of which has a path."""
        roots = [root for _, root in entries]
        stack = [iter(entries)]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
            elif len(stack) > DEEPEST:
                self.too_deep = True
                stack.pop()
            elif type(entry[1]) in _SEARCHED and id(entry[1]) not in self.seen:
                self.seen.add(id(entry[1]))
                stack.append(self._enter(*entry))
        if self.too_deep:
            self.left_out.append(f"what lies more than {DEEPEST} deep")
        return Found(
            root=roots[0] if len(roots) == 1 else roots,
            arrays=tuple(self.arrays),
            empty=tuple(self.empty),
            left_out=tuple(self.left_out),
        )

    def _enter(self, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
        """Note an array; return the parts of anything else with their paths."""
        self.opened.effort.spend(STEPS_OF_A_LOOK)
        array = value_of(value, self.opened.limits) if type(value) in _MAY_BE_ARRAYS else None
        if array is not None:
            layer, field = _name(path, variable_name(value))
            number = len(self.arrays)
            self.arrays.append(NamedArray(number=number, path=path, array=array, layer=layer, field=field))
            self._check()
            return iter(())
        items = elements(value)
        if items is not None and not items and path and not _PLACE.match(path[-1]):
            self.empty.append((len(self.arrays), path[-1]))
            self._check()
        return (((*path, key), part) for key, part in self._parts(value))

    def _check(self) -> None:
        """Pass silently where the arrays and the layers without any are not too many.

        Raises:
            LimitError: they are.
        """
        n_arrays, n_empty = len(self.arrays), len(self.empty)
        others = f" and names {n_empty:,} layers without any" if n_empty else ""
        self.opened.limits.check(
            "layers", n_arrays + n_empty, f"it holds {n_arrays:,} arrays{others} or more"
        )
        self.opened.effort.spend(STEPS_OF_AN_ARRAY)

    def _parts(self, value: Any) -> Iterable[tuple[str, Any]]:
        items = object_items(value)
        if items is None:
            entries = pairs(value, self.opened.effort)
            if entries is not None:
                # What an OrderedDict holds is an argument of its class; what other dictionaries do is set.
                return self._entries(entries, ordered=type(value) is Record and value.entries is None)
            items = elements(value)
        if items is not None:
            self.opened.effort.spend(len(items))
            return ((str(place), item) for place, item in enumerate(items))
        if not _is_users(value):
            return []
        state = list(attributes(value).items())
        self.opened.effort.spend(len(state))
        # A named tuple has no attributes: it is all that its class is called with.
        return self._entries(state, ordered=False) if state else [("0", value.args)]

    def _entries(self, entries: list[tuple[Any, Any]], *, ordered: bool) -> list[tuple[str, Any]]:
        """Return the entries by name, those that are kept under the usual key for parameters if there is one.

        Python 2 writes dictionaries and npz files in an order of its own: there the order of names is taken.
        """
        once: dict[str, str] = {}  # of one long key that comes again and again one copy is kept
        named = [
            (once.setdefault(name := _key(key, place), name), value)
            for place, (key, value) in enumerate(entries)
            if type(value) in _SEARCHED
        ]
        if not ordered and (self.opened.python == "2" or self.opened.is_npz):
            names = sorted(dict.fromkeys(name for name, _ in named), key=natural_key)
            places = {name: place for place, name in enumerate(names)}
            named.sort(key=lambda entry: places[entry[0]])
        preferred = [
            (name, value)
            for name, value in (named if self.prefers else [])
            if _PREFERRED.fullmatch(name) and value_of(value, self.opened.limits) is None
        ]
        if not preferred:
            return named
        self.left_out += [name for name, _ in named if not _PREFERRED.fullmatch(name)]
        return preferred


def _key(key: Any, place: int) -> str:
    """Return a dictionary's key as text; Theano programs use variables and numbers as keys too."""
    if type(key) is int and abs(key) < 1 << 63:
        return str(key)
    return name_of(key) or variable_name(key) or str(place)


def _is_users(value: Record) -> bool:
    return value.cls is not None and value.cls.module.partition(".")[0] not in _LIBRARIES


def _name(path: tuple[str, ...], variable: str | None) -> tuple[str | None, str | None]:
    """Return the layer and the field that an array is said to be, by its variable or the keys to it."""
    keys = [key for key in path if _may_name(key)]
    last = variable or (keys[-1] if keys else "")
    for pattern in _PATTERNS:
        if match := pattern.match(last):
            return (match.groupdict().get("prefix") or "") + match["layer"], _field(match["field"])
    above = next((key for key in reversed(keys[:-1]) if not _PLACE.match(key)), None)
    if _ONLY_FIELD.match(last):
        return above, _field(last)
    return (above, None) if keys and keys[-1].isdigit() else (None, None)


@lru_cache(maxsize=1 << 10)
def _may_name(key: str) -> bool:
    """Tell a key that can be the name of a layer; many arrays share those that lead to them."""
    return not _PREFERRED.fullmatch(key) and not key.startswith("#")


def _field(name: str) -> str:
    return {"w": "W", "weight": "W", "weights": "W", "bias": "b", "biases": "b"}.get(name, name)
