"""Inert stand-ins for what a pickle describes: they hold facts and do nothing.

A pickle's lists and tuples become Python's own; everything else that Python code in the file could give a
behaviour becomes one of these. Dictionaries become `Items`, because hashing or comparing keys that a file
chose is behaviour too (a tuple nested a million deep ends the process when it is hashed).

No function here calls itself, and nothing here compares or hashes an object that came out of a file.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.limits import Spending
from filtviz.reading.stretch import Buffer, Stretch, View, in_memory

__all__ = [
    "MAY_WARN",
    "Blob",
    "Global",
    "Items",
    "Record",
    "attributes",
    "class_name",
    "elements",
    "name_of",
    "pairs",
    "raw_bytes",
    "string_of",
    "text",
    "unescape",
    "walk",
]

LONGEST_TEXT = 1 << 14
"""Bytes up to which a string is taken for text."""

LONGEST_NAME = 1 << 10
"""Characters that a name has at most where others are made of it: thousands of arrays may share one."""


class Global:
    """A class or function that the file names, as text: it is never imported.

    ``bare`` is its name without the classes around it.
    """

    __slots__ = ("bare", "module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name
        self.bare = name.rpartition(".")[2]

    @property
    def path(self) -> str:
        """The full name, such as ``lasagne.layers.conv.Conv2DLayer``."""
        return f"{self.module}.{self.name}"

    def __repr__(self) -> str:
        return f"Global({self.path!r})"


class Items:
    """A dictionary as the file lists it: ``flat`` is a key, its value, the next key, and so on."""

    __slots__ = ("_by_name", "_n_indexed", "flat")

    def __init__(self, flat: list[Any]) -> None:
        self.flat = flat
        self._by_name: dict[str, Any] | None = None
        self._n_indexed = 0

    def update(self, flat: list[Any]) -> None:
        """Add keys and values."""
        self.flat += flat

    def pairs(self) -> Iterable[tuple[Any, Any]]:
        """Return the entries in the file's order; a key that comes twice is there twice."""
        flat = self.flat
        return zip(flat[::2], flat[1::2], strict=False)

    def by_name(self) -> dict[str, Any]:
        """Return the entries whose keys are text, a later one in place of an earlier one."""
        found, flat, start = self._by_name, self.flat, self._n_indexed
        if found is None:
            found = self._by_name = {}
        if start < len(flat):  # only what is new: a file can have it looked at after each entry
            for key, value in zip(flat[start::2], flat[start + 1 :: 2], strict=False):
                if type(key) is str:
                    found[key] = value
            self._n_indexed = len(flat)
        return found


class Record:
    """One object of the file: what was called to make it, with what, and what was set on it afterwards.

    ``maker`` is what the file calls (a `Global`, where the file is sane), ``args`` the tuple that it is
    called with, ``state`` what BUILD sets, ``items`` what is appended, ``entries`` what is set by key.
    """

    __slots__ = ("args", "entries", "items", "keywords", "maker", "state")

    def __init__(self, maker: Any, args: Any, keywords: Any = None) -> None:
        self.maker = maker
        self.args = args if type(args) is tuple else ()
        self.keywords = keywords
        self.state: Any = None
        self.items: list[Any] | None = None
        self.entries: Items | None = None

    @property
    def cls(self) -> Global | None:
        """The class or function that the object comes from, seen through `copyreg`'s helpers."""
        maker = self.maker
        if type(maker) is not Global:
            return None
        if maker.module in _COPYREG and maker.name in _RECONSTRUCTORS and self.args:
            inner = self.args[0]
            return inner if type(inner) is Global else maker
        return maker

    def append(self, item: Any) -> None:
        """Note an item that the file appends."""
        if self.items is None:
            self.items = []
        self.items.append(item)

    def extend(self, items: list[Any]) -> None:
        """Note items that the file appends."""
        if self.items is None:
            self.items = []
        self.items += items

    def update(self, flat: list[Any]) -> None:
        """Note keys and values that the file sets."""
        if self.entries is None:
            self.entries = Items([])
        self.entries.update(flat)

    def build(self, state: Any) -> None:
        """Note the state that the file sets."""
        self.state = state

    def __repr__(self) -> str:
        return f"Record({self.maker.path if type(self.maker) is Global else '?'})"


class Blob:
    """A long string or number of the file, left where it is: ``view`` of the file, ``coding`` of its bytes.

    Codings: ``bytes`` (Python 3 bytes), ``latin-1`` (a Python 2 string), ``utf-8`` and ``raw-unicode-escape``
    (text), ``escape`` (a protocol 0 string between its quotes), ``int`` (a number too long to be one).
    """

    __slots__ = ("_decoded", "_text", "coding", "view")

    def __init__(self, view: View, coding: str) -> None:
        self.view = view
        self.coding = coding
        self._decoded: Buffer | None = None
        self._text: str | None = None

    def bytes(self) -> Buffer:
        """Return the bytes that it stands for, read and decoded once, as many may share one string.

        Raises:
            MalformedFileError: it has a broken escape.
            UnicodeError: it is text with characters that are no bytes.
        """
        if self.coding in ("bytes", "latin-1"):
            return self.view.held(0, len(self.view)) if isinstance(self.view, Stretch) else self.view
        if self._decoded is None:
            self._decoded = self._decode()
        return self._decoded

    def _decode(self) -> Buffer:
        if self.coding == "escape":
            return unescape(bytes(self.view))
        return str(in_memory(self.view), self.coding).encode("latin-1")

    def text(self) -> str:
        """Return it as text, with a mark in the place of what is none: one string for all who ask."""
        if self._text is None:
            is_text = self.coding in _TEXT_CODINGS
            written = in_memory(self.view) if is_text else self.bytes()
            self._text = str(written, self.coding if is_text else "latin-1", "replace")
        return self._text

    def __repr__(self) -> str:
        return f"Blob({len(self.view)} bytes, {self.coding})"


_COPYREG = frozenset({"copy_reg", "copyreg"})
_RECONSTRUCTORS = frozenset({"_reconstructor", "__newobj__", "__newobj_ex__"})
_BUILTINS = frozenset({"__builtin__", "builtins"})
_TEXT_CODINGS = frozenset({"utf-8", "raw-unicode-escape"})
_SEQUENCES = frozenset({"list", "tuple", "set", "frozenset", "deque"})


def class_name(value: Any) -> str:
    """Return the bare name of the class that an object comes from, ``""`` where it has none."""
    found = value.cls if type(value) is Record else None
    return "" if found is None else found.bare


def attributes(value: Any) -> Mapping[str, Any]:
    """Return an object's attributes: the state's dictionary, and what ``__slots__`` hold."""
    state = value.state if type(value) is Record else None
    if type(state) is Items:
        return state.by_name()
    if type(state) is tuple:
        return ChainMap(*(part.by_name() for part in reversed(state[:2]) if type(part) is Items))
    return {}


def pairs(value: Any, effort: Spending) -> list[tuple[Any, Any]] | None:
    """Return the entries of a dictionary or of an object that is one, or None where it is neither.

    Raises:
        LimitError: it takes too much, all that was looked at before included.
    """
    if type(value) is Items:
        effort.spend(len(value.flat))
        return list(value.pairs())
    if type(value) is not Record:
        return None
    found: list[tuple[Any, Any]] = []
    for arg in value.args[:2]:
        effort.spend(len(arg.flat) if type(arg) is Items else len(arg) if type(arg) is list else 0)
        if type(arg) is Items:
            found += arg.pairs()
        elif type(arg) is list and all(type(pair) in (list, tuple) and len(pair) == 2 for pair in arg):
            found += [(pair[0], pair[1]) for pair in arg]
    if value.entries is not None:
        effort.spend(len(value.entries.flat))
        found += value.entries.pairs()
    is_dict = "Dict" in class_name(value) or class_name(value) in ("dict", "Layers", "_dict")
    return found if found or is_dict else None


def elements(value: Any) -> Sequence[Any] | None:
    """Return the items of a list, a tuple, a set or an object that is one, or None where it is none."""
    if type(value) is list or type(value) is tuple:
        sequence: Sequence[Any] = value
        return sequence
    if type(value) is not Record:
        return None
    if value.items is not None:
        return value.items
    made_of = [arg for arg in value.args[:3] if type(arg) in (list, tuple)]
    maker = value.maker
    called = type(maker) is Global and maker.name in _SEQUENCES
    rebuilt = class_name(value) != getattr(maker, "name", "") and len(value.args) == 3
    return made_of[-1] if made_of and (called or rebuilt) else None


def text(value: Any) -> str | None:
    """Return an object as text, or None where it is no text, or longer than any name (16 kiB)."""
    if type(value) is str:
        return value
    if type(value) is bytes:
        return value.decode("latin-1")
    if type(value) is Blob and value.coding != "int" and len(value.view) <= LONGEST_TEXT:
        return value.text()
    return None


def name_of(value: Any) -> str | None:
    """Return an object as a name, the beginning of a long text, or None where it is no text."""
    found = text(value)
    return found if found is None else found[:LONGEST_NAME]


def unescape(quoted: bytes) -> bytes:
    r"""Undo the escapes of a Python 2 string (``\n``, ``\x00``, ``\\``)."""
    try:
        if MAY_WARN.search(quoted) is None:
            return codecs.escape_decode(quoted)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape is a matter of the file, not of this program
            return codecs.escape_decode(quoted)[0]
    except ValueError as error:
        raise MalformedFileError(f"a string in it has an escape that is none ({error})") from error


MAY_WARN = re.compile(rb"\\[^\n\\'\"abfnrtvx0-3]")
"""What may be an escape of which Python warns: one that it does not know, or more than a byte's."""


def raw_bytes(value: Any) -> Buffer | None:
    """Return the bytes that an object holds, or None where it holds none.

    Raises:
        MalformedFileError: it is text with characters that are no bytes, or has a broken escape.
    """
    held = string_of(value)
    try:
        if type(held) is str:
            return held.encode("latin-1")
        if type(held) is Blob and held.coding != "int":
            return held.bytes()
    except UnicodeError as error:
        raise MalformedFileError(
            f"text stands for bytes in it, but is none ({type(error).__name__})"
        ) from error
    return held if type(held) is bytes else None


def string_of(value: Any) -> Any:
    """Return the string from which a call makes bytes, or ``value`` itself where it is no such call.

    Python 3 writes bytes at protocols 0 to 2 as ``_codecs.encode(text, "latin1")``, and a ``bytearray`` as a
    call at protocols below 5, with that call in it.
    """
    for _ in range(2):
        if type(value) is Record and type(value.maker) is Global and _makes_bytes(value.maker):
            value = value.args[0] if value.args else b""
    return value


def _makes_bytes(maker: Global) -> bool:
    if maker.module in _BUILTINS:
        return maker.name in ("bytes", "bytearray")
    return maker.module == "_codecs" and maker.name == "encode"


def walk(
    roots: Iterable[Any], effort: Spending, is_leaf: Callable[[Any], bool] = lambda _: False
) -> Iterator[Any]:
    """Yield every object that the roots hold, breadth first, the roots too, each once.

    What ``is_leaf`` says of an object keeps the walk from going on into it.

    Raises:
        LimitError: it takes too much, all that was looked at before included.
    """
    queue = deque(roots)
    seen: set[int] = set()
    while queue:
        value = queue.popleft()
        if type(value) not in _COMPOUND or id(value) in seen:
            continue
        seen.add(id(value))
        if len(seen) % WALKED_AT_ONCE == 0:
            effort.spend(WALKED_AT_ONCE)
        yield value
        if not is_leaf(value):
            queue.extend(_parts(value))


WALKED_AT_ONCE = 256
"""Objects after which a walk takes of the effort, a step for each."""


def _parts(value: Any) -> Iterable[Any]:
    if type(value) is Items:
        return value.flat
    if type(value) is Record:
        return value.maker, value.args, value.keywords, value.state, value.items, value.entries
    parts: Iterable[Any] = value
    return parts


_COMPOUND = frozenset({list, tuple, Items, Record})
