"""The numbers and strings that a pickle writes as text or in bytes of variable length."""

from __future__ import annotations

from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.records import Blob, unescape

__all__ = ["LONG_STRING", "binary_long", "protocol_0_string", "protocol_0_unicode", "text_float", "text_int"]

LONG_STRING = 1024
"""Bytes from which on a string stays in the file as a `Blob`: names are shorter, arrays are longer."""

LONG_NUMBER = 300
"""Digits, or bytes, from which on a number stays in the file: reading digits takes quadratic time."""


def text_int(line: memoryview) -> Any:
    """Read ``INT`` or ``LONG``: ``5``, ``5L``, and the ``00`` and ``01`` that are False and True."""
    if len(line) > LONG_NUMBER:
        return Blob(line, "int")
    digits = bytes(line).strip()
    if digits in (b"00", b"01"):
        return digits == b"01"
    return int(digits.removesuffix(b"L"))


def text_float(line: memoryview) -> float:
    """Read ``FLOAT``: ``0.5``, ``nan``, ``-inf``."""
    if len(line) > LONG_NUMBER:
        raise MalformedFileError("a floating-point number in it has more than 300 characters")
    return float(bytes(line))


def binary_long(view: memoryview) -> Any:
    """Read ``LONG1`` or ``LONG4``: little-endian, two's complement."""
    if len(view) > LONG_NUMBER:
        return Blob(view, "int")
    return int.from_bytes(view, "little", signed=True)


def protocol_0_string(line: memoryview) -> Any:
    """Read ``STRING``: a Python 2 string with its quotes and escapes, which may hold an array's bytes."""
    start, stop = 0, len(line)
    while stop > start and line[stop - 1] in b" \r":
        stop -= 1
    if stop - start < 2 or line[start] != line[stop - 1] or line[start] not in b"'\"":
        raise MalformedFileError("a string in it has no closing quote")
    quoted = line[start + 1 : stop - 1]
    if len(quoted) > LONG_STRING:
        return Blob(quoted, "escape")
    return unescape(bytes(quoted)).decode("latin-1")


def protocol_0_unicode(line: memoryview) -> Any:
    """Read ``UNICODE``: text with ``\\u`` escapes, which may stand for an array's bytes."""
    if len(line) > LONG_STRING:
        return Blob(line, "raw-unicode-escape")
    return str(line, "raw-unicode-escape")
