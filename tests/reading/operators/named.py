"""What is only named: files by what they begin with, zips and folders by the names in them."""

from __future__ import annotations

from filtviz.reading.formats import named as table
from tests.reading.operators.asking import Told

__all__ = ["named"]

EXAMPLES = (
    b"", b"\x08\x07\x12\x07pytorch", b"\0\0\x05\x08\x01\x12", b"\x08\x04\x12\x02ab\n", b"\x08\x01\x12\x81",
    b"\n\x05abc\x12\x03", bytes(300), bytes(10) + b"x", b"x" * 257 + b"ustar", b"x" * 256 + b"ustar",
    b"\xef\xbb\xbf  <HTML>", b"\r\n{\n", b"nothing of these",
)  # fmt: skip
"""What no table lists as it is."""


def named() -> Told:
    """Every beginning and name of the tables, and what follows no table."""
    for beginnings, _ in (*table._BEGINNINGS, *table._TEXTS):
        for one in (beginnings,) if isinstance(beginnings, bytes) else beginnings:
            yield repr(one), str(table._of_start(one + b" and more"))
    for beginnings, _ in table._JSON:
        for one in beginnings:
            yield repr(one), str(table._of_start(one + b" and more"))
    for one in EXAMPLES:
        yield f"{one[:12]!r} of {len(one)} bytes", str(table._of_start(one))
    for names, sentence in table.FOLDERS:
        yield f"a folder with {', '.join(names)}", sentence
    for members, sentence in table._ZIPS:
        yield f"a zip with {', '.join(sorted(members))}", sentence
    for suffix, name in table._CONVERTED.items():
        yield f"a file *{suffix}", name
