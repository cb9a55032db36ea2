"""Model files in which one fact is another: a name, a number, an entry that is missing, doubled or elsewhere.

A file is taken apart as what it is (JSON, a zip, a pickle, a protocol buffer, an array, lines of text), one
place is changed, and it is put together again, so that what lies behind the first checks is met.
"""

from __future__ import annotations

import io
import json
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

__all__ = ["Variation", "variations", "varint"]

Make = Callable[[], bytes]
Variation = tuple[str, Make]
"""In which words a place is changed, and what makes the file."""


def variations(data: bytes) -> Iterator[Variation]:
    """Yield every change of one place of a file."""
    if data.startswith(b"PK\x03\x04"):
        yield from _of_zip(data)
    elif data.startswith(b"\x93NUMPY"):
        yield from _of_array(data)
    elif data[:1] in b"{[" and _is_json(data):
        yield from _of_json(data)
    elif len(data) > 9 and data[8:9] == b"{" and _is_json(_header(data)):
        yield from _of_safetensors(data)
    elif data[4:8] == b"TFL3" or data.startswith((b"\x89HDF", b"GGUF")) or data[:8] in _MXNET:
        yield from _of_bytes(data)
    elif (operations := _operations(data)) is not None:
        yield from _of_pickle(data, operations)
    elif data.isascii() and b"\n" in data:
        yield from _of_lines(data)
    elif (fields := _fields(data)) is not None:
        yield from _of_fields(fields, "")
    else:
        yield from _of_bytes(data)


_MXNET = (struct.pack("<Q", 0x112),)


# Values of any format

LONG = "_long" * 14
"""Behind a name, what makes it longer than any sentence shows."""


def _others(value: Any, words: Sequence[str]) -> Iterator[Any]:
    """What may stand in the place of a number, a word or a truth."""
    if isinstance(value, bool):
        yield from (not value, None, 2)
    elif isinstance(value, int):
        yield from dict.fromkeys((value + 1, value - 1, 0, -1, 2, 1 << 40, None, "x"))
    elif isinstance(value, float):
        yield from (value + 1, 0.0, -1.0, None, float("inf"))
    elif isinstance(value, str):
        place = words.index(value) if value in words else 0
        yield from (f"{value}_", "", None, 3)
        yield from (words[(place + step) % len(words)] for step in (1, 2, 5)) if words else ()
        yield f"{value}{LONG}"
    elif value is None:
        yield from (1, "x", False, [])


# Zips, and what lies in them


def _of_zip(data: bytes) -> Iterator[Variation]:
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        members = [(entry.filename, read.read(entry)) for entry in read.infolist()]
    for place, (name, held) in enumerate(members):
        before, after = members[:place], members[place + 1 :]
        yield f"without {name}", _zipped([*before, *after])
        yield f"{name} renamed", _zipped([*before, (f"{name}_", held), *after])
        yield f"{name} last", _zipped([*before, *after, (name, held)])
        yield f"{name} is empty", _zipped([*before, (name, b""), *after])
        yield f"{name} lacks a byte", _zipped([*before, (name, held[:-1]), *after])
        if len(held) < _LARGEST_PART and (not name.rsplit("/", 1)[-1].isdigit()):
            for words, make in variations(held):
                yield f"{name}: {words}", _zipped([*before, (name, make), *after])


_LARGEST_PART = 1 << 16


def _zipped(members: Sequence[tuple[str, bytes | Make]]) -> Make:
    def make() -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as file:
            for name, held in members:
                file.writestr(zipfile.ZipInfo(name), held if isinstance(held, bytes) else held())
        return written.getvalue()

    return make


# JSON


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _of_json(data: bytes) -> Iterator[Variation]:
    root = json.loads(data)
    words = sorted(set(_words(root)))
    for place, put in _of_value(root, "", words):
        yield place, lambda put=put: json.dumps(put()).encode()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(one)


def _of_value(value: Any, path: str, words: Sequence[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each value that is `value` with one place changed."""
    if isinstance(value, dict):
        for key, held in value.items():
            rest = {name: one for name, one in value.items() if name != key}
            yield f"{path}.{key} missing", lambda rest=rest: rest
            yield f"{path}.{key} renamed", lambda rest=rest, key=key, held=held: {**rest, f"{key}_": held}
            yield f"{path}.{key} = {{}}", lambda value=value, key=key: {**value, key: {}}
            for place, put in _of_value(held, f"{path}.{key}", words):
                yield place, lambda value=value, key=key, put=put: {**value, key: put()}
    elif isinstance(value, list):
        yield f"{path} = []", list
        yield f"{path} = None", lambda: None
        for i, held in enumerate(value):
            yield f"{path}[{i}] missing", lambda value=value, i=i: value[:i] + value[i + 1 :]
            yield f"{path}[{i}] doubled", lambda value=value, i=i: value[:i] + value[i : i + 1] + value[i:]
            if i + 1 < len(value):
                turned = [*value[:i], value[i + 1], value[i], *value[i + 2 :]]
                yield f"{path}[{i}] and its next turned", lambda turned=turned: turned
            for place, put in _of_value(held, f"{path}[{i}]", words):
                yield place, lambda value=value, i=i, put=put: [*value[:i], put(), *value[i + 1 :]]
    else:
        for other in _others(value, words):
            yield f"{path} = {_brief(other)}", lambda other=other: other


def _header(data: bytes) -> bytes:
    return data[8 : 8 + int.from_bytes(data[:8], "little")]


def _of_safetensors(data: bytes) -> Iterator[Variation]:
    header = _header(data)
    rest = data[8 + len(header) :]
    for words, make in _of_json(header):
        yield words, lambda make=make: _framed(make(), rest)
    yield "a byte less", lambda: data[:-1]
    yield "a byte more", lambda: data + b"\0"


def _framed(header: bytes, rest: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + rest


# Arrays of numpy's


def _of_array(data: bytes) -> Iterator[Variation]:
    size = int.from_bytes(data[8:10], "little")
    header, rest = data[10 : 10 + size].decode("latin-1"), data[10 + size :]
    for found in re.finditer(r"'descr': '([^']+)'", header):
        for other in ("<f8", ">f4", "<f2", "<i4", "|u1", "|O", "<U4", "<V2", "|b1"):
            yield f"type {other}", _numpys(header.replace(found[1], other), rest)
    for old, new in (("False", "True"), ("True", "False"), ("fortran_order", "order")):
        if old in header:
            yield f"{new} for {old}", _numpys(header.replace(old, new), rest)
    if (found := re.search(r"'shape': \(([^)]*)\)", header)) is not None:
        shape = list(map(int, re.findall(r"\d+", found[1])))
        for words, put in _of_value(shape, "shape", ()):
            text = str(tuple(put() or ()))
            yield words, _numpys(header.replace(found[0], f"'shape': {text}"), rest)
        for other in (shape[::-1], [*shape, 1], [1, *shape], [0, *shape]):
            yield f"shape {other}", _numpys(header.replace(found[0], f"'shape': {tuple(other)}"), rest)
    yield "a byte less", lambda: data[:-1]
    yield "version 2", lambda: b"\x93NUMPY\x02\0" + struct.pack("<I", size) + data[10:]


def _numpys(header: str, rest: bytes) -> Make:
    text = header.rstrip().encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return lambda: b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + rest


# Pickles

_Operation = tuple[Any, Any, int, int]
_INTS = frozenset({"BININT", "BININT1", "BININT2", "INT", "LONG1"})
_TEXTS = frozenset({"BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "STRING"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})


def _operations(data: bytes) -> list[_Operation] | None:
    """What a pickle does, and from where to where each of it is written; None for what is none."""
    try:
        found = list(pickletools.genops(data))
    except Exception:  # whatever pickletools thinks of it
        return None
    stops = [place for _, _, place in found[1:]] + [len(data)]
    stops[-1] = (found[-1][2] or 0) + 1
    return [(code, arg, start or 0, stop or 0) for (code, arg, start), stop in zip(found, stops, strict=True)]


def _of_pickle(data: bytes, operations: list[_Operation]) -> Iterator[Variation]:
    end = operations[-1][3]
    later = data[end:]
    yield "a byte less", lambda: data[: end - 1] + later
    words = sorted({arg for code, arg, *_ in operations if code.name in _TEXTS and len(arg) < 60})
    classes = sorted({arg for code, arg, *_ in operations if code.name == "GLOBAL"})
    for code, arg, start, stop in operations:
        for said, put in _other_operations(code.name, arg, words, classes):
            yield (
                f"{said} at {start}",
                lambda start=start, stop=stop, put=put: data[:start] + put + data[stop:],
            )
    for name, first, last, after in _parts(operations):
        start, stop = operations[first][2], operations[last][3]
        shown = str(operations[first][1])[:40]
        yield f"{name} {shown} missing at {start}", lambda start=start, stop=stop: data[:start] + data[stop:]
        yield f"{name} {shown} doubled at {start}", lambda start=start, stop=stop: data[:stop] + data[start:]
        if after is not None:
            far = operations[after][3]
            yield (
                f"{name} {shown} and its next turned at {start}",
                lambda start=start, stop=stop, far=far: (
                    data[:start] + data[stop:far] + data[start:stop] + data[far:]
                ),
            )


def _other_operations(
    name: str, arg: Any, words: Sequence[str], classes: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    if name in _TEXTS or name in _INTS or name in ("NEWTRUE", "NEWFALSE", "NONE", "BINFLOAT"):
        value = {"NEWTRUE": True, "NEWFALSE": False, "NONE": None}.get(name, arg)
        for other in _others(value, words):
            yield f"{_brief(other)} for {_brief(value)}", _pickled(other)
    elif name == "GLOBAL":
        place = classes.index(arg)
        module, _, last = arg.partition(" ")
        others = (
            classes[(place + 1) % len(classes)],
            classes[place - 1],
            f"{module} {last}_",
            f"{module}_ {last}",
        )
        for other in dict.fromkeys(others):
            yield f"{other} for {arg}", f"c{other.replace(' ', chr(10))}\n".encode()
    elif name in ("EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT"):
        yield f"another for {name}", {"EMPTY_TUPLE": b"]", "EMPTY_LIST": b")", "EMPTY_DICT": b"]"}[name]
    elif name in ("TUPLE2", "TUPLE3"):
        yield f"one less in {name}", {"TUPLE2": b"\x85", "TUPLE3": b"\x86"}[name]
    elif name in ("BINBYTES", "SHORT_BINBYTES") and len(arg) < _LARGEST_PART:
        yield "a byte less in bytes", b"B" + struct.pack("<I", len(arg) - 1) + arg[:-1] if arg else b"N"
        yield "None for bytes", b"N"


def _pickled(value: Any) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return f"I{value}\n".encode()
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, list):
        return b"]"
    text = str(value).encode()
    return b"X" + struct.pack("<I", len(text)) + text


def _parts(operations: list[_Operation]) -> Iterator[tuple[str, int, int, int | None]]:
    """Yield entries of dictionaries and elements of lists: a kind, its operations, the end of the next."""
    stack: list[list[int] | None] = []
    for place, (code, _, _, _) in enumerate(operations):
        if code.name in _PUTS and stack and stack[-1] is not None:
            stack[-1][1] = place
            continue
        if code.name == "MARK":
            stack.append(None)
            continue
        taken: list[list[int]] = []
        start = place
        for kind in reversed(code.stack_before):
            if kind is pickletools.stackslice:
                continue
            if kind is pickletools.markobject:
                while stack and (top := stack.pop()) is not None:
                    taken.append(top)
            elif stack and (top := stack.pop()) is not None:
                taken.append(top)
        taken.reverse()
        inner = taken[1:] if code.name in ("APPENDS", "SETITEMS", "APPEND", "SETITEM") else taken
        step = 2 if code.name in ("SETITEMS", "SETITEM", "DICT") else 1
        if code.name in ("APPENDS", "APPEND", "SETITEMS", "SETITEM", "TUPLE", "LIST", "DICT"):
            groups = [inner[i : i + step] for i in range(0, len(inner) - step + 1, step)]
            for i, group in enumerate(groups):
                after = groups[i + 1][-1][1] if i + 1 < len(groups) else None
                yield "entry" if step == 2 else "element", group[0][0], group[-1][1], after
        if taken:
            start = min(start, taken[0][0])
        stack += [[start, place] for _ in code.stack_after]


# Protocol buffers


def varint(number: int) -> bytes:
    if 0 <= number < 128:
        return bytes((number,))
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


_Field = tuple[int, int, Any]


def _fields(data: bytes, depth: int = 0) -> list[_Field] | None:
    """The fields of a message, those that are messages taken apart as well; None for what is no message."""
    found: list[_Field] = []
    place = 0
    while place < len(data):
        key, place = _number(data, place)
        number, wire = key >> 3, key & 7
        if place < 0 or not number or number > 1 << 16:
            return None
        if wire == 0:
            value, place = _number(data, place)
            if place < 0:
                return None
            found.append((number, wire, value))
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            found.append((number, wire, data[place : place + size]))
            place += size
        elif wire == 2:
            size, place = _number(data, place)
            if place < 0 or place + size > len(data):
                return None
            held = data[place : place + size]
            inner = _fields(held, depth + 1) if 1 < size < _LARGEST_PART and depth < 9 else None
            found.append((number, wire, inner if inner and not _is_text(held) else held))
            place += size
        else:
            return None
    return found if place == len(data) else None


def _is_text(data: bytes) -> bool:
    return all(32 <= one < 127 for one in data)


def _number(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < 70:
        value |= (data[place] & 127) << shift
        shift += 7
        place += 1
        if data[place - 1] < 128:
            return value, place
    return 0, -1


def _written(fields: Sequence[_Field]) -> bytes:
    out = []
    for number, wire, value in fields:
        out.append(varint(number << 3 | wire))
        if wire == 0:
            out.append(varint(value))
        elif wire == 2:
            held = value if isinstance(value, bytes) else _written(value)
            out.append(varint(len(held)) + held)
        else:
            out.append(value)
    return b"".join(out)


def _of_fields(fields: Sequence[_Field], path: str) -> Iterator[Variation]:
    for place, (number, wire, value) in enumerate(fields):
        before, after = fields[:place], fields[place + 1 :]
        here = f"{path}{number}"
        several = sum(one[0] == number for one in fields)
        here += f"[{sum(one[0] == number for one in before)}]" if several > 1 else ""
        yield f"{here} missing", lambda before=before, after=after: _written([*before, *after])
        yield (
            f"{here} doubled",
            lambda fields=fields, place=place: _written([*fields[: place + 1], *fields[place:]]),
        )
        if after:
            turned = [*before, after[0], fields[place], *after[1:]]
            yield f"{here} and its next turned", lambda turned=turned: _written(turned)
        if isinstance(value, list):
            for words, make in _of_fields(value, f"{here}."):
                yield (
                    words,
                    lambda before=before, after=after, number=number, make=make: _written(
                        [*before, (number, 2, make()), *after]
                    ),
                )
            continue
        for other in _other_fields(wire, value):
            yield (
                f"{here} = {_brief(other)}",
                lambda before=before, after=after, number=number, wire=wire, other=other: _written(
                    [*before, (number, wire, other), *after]
                ),
            )


def _brief(value: Any) -> str:
    whole = repr(value)
    return whole if len(whole) <= 40 else f"{whole[:30]}~{zlib.crc32(whole.encode()):08x}"


def _other_fields(wire: int, value: Any) -> Iterator[Any]:
    if wire == 0:
        yield from dict.fromkeys((value + 1, max(value - 1, 0), 0, 2, 1 << 40, (1 << 64) - 1))
    elif wire == 5:
        yield from (bytes(4), struct.pack("<f", 2.5), struct.pack("<i", 2))
    elif wire == 1:
        yield from (bytes(8), struct.pack("<d", 2.5))
    else:
        yield from (b"", value + b"_", value[:-1], value + LONG.encode())


# Lines of text, and bytes


def _of_lines(data: bytes) -> Iterator[Variation]:
    lines = data.splitlines(keepends=True)
    for place, line in enumerate(lines):
        before, after = lines[:place], lines[place + 1 :]
        shown = line.decode().strip()[:40]
        yield f"line {place} missing", lambda before=before, after=after: b"".join([*before, *after])
        yield (
            f"line {place} doubled",
            lambda before=before, line=line, after=after: b"".join([*before, line, line, *after]),
        )
        for found in re.finditer(rb"-?\d+(\.\d+)?|[A-Za-z_]\w*", line):
            others = (
                (b"0", b"-1", b"2", b"7", b"1.5", b"x") if found[0][:1] in b"-0123456789" else (b"x", b"")
            )
            for other in others:
                put = line[: found.start()] + other + line[found.end() :]
                yield (
                    f"line {place} ({shown}): {other.decode()} for {found[0].decode()}",
                    lambda before=before, put=put, after=after: b"".join([*before, put, *after]),
                )


def _of_bytes(data: bytes) -> Iterator[Variation]:
    """Words of letters, and small whole numbers of four bytes and of one, where no words are."""
    inside = set()
    for found in re.finditer(rb"[A-Za-z_/:.\"\[\]{}, 0-9-]{3,}", data):
        inside.update(range(*found.span()))
        for word in re.finditer(rb"[A-Za-z_]+|\d+", found[0]):
            start = found.start() + word.start()
            for put in _other_words(word[0]):
                yield f"{put.decode()} for {word[0].decode()[:40]} at {start}", _put(data, start, put)
    for start in range(0, len(data) - 3, 4):
        if inside.isdisjoint(range(start, start + 4)):
            (number,) = struct.unpack_from("<i", data, start)
            if -(1 << 16) < number < 1 << 16 and (number or data[start - 4 : start] != bytes(4)):
                for other in dict.fromkeys((number + 1, number - 1, 0, -1, number + 4)):
                    yield f"{other} for {number} at {start}", _put(data, start, struct.pack("<i", other))
            elif any(byte < 12 for byte in data[start : start + 4]):
                for place in range(start, start + 4):
                    yield f"a byte more at {place}", _put(data, place, bytes([(data[place] + 1) % 256]))
    yield "a byte less", lambda: data[:-1]


def _other_words(word: bytes) -> Iterator[bytes]:
    if word.isdigit():
        yield from dict.fromkeys(
            (b"0" * len(word), b"1".rjust(len(word), b"0"), b"9" * len(word), b"2" + word[1:])
        )
    else:
        yield from (word[:-1] + (b"x" if word[-1:] != b"x" else b"y"), word.swapcase())


def _put(data: bytes, start: int, put: bytes) -> Make:
    return lambda: data[:start] + put + data[start + len(put) :]
