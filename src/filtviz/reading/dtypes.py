"""The closed table of element types: no other type of a file ever becomes an array."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from filtviz.reading.records import Record, class_name, elements, text

__all__ = ["ElementType", "dtype_of_code", "dtype_of_record"]

ElementType = np.dtype[Any]

OBJECT: ElementType = np.dtype(object)
"""The mark of an array whose items are objects of the pickle; it is never given to numpy as memory."""

_CODES = {
    **{f"f{size}": f"f{size}" for size in (2, 4, 8)},
    **{f"{kind}{size}": f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)},
    **{"b1": "b1", "?": "b1", "O": "O", "O4": "O", "O8": "O"},
    **{"e": "f2", "f": "f4", "d": "f8", "b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4"},
    **{"q": "i8", "Q": "u8"},
}
"""The code of a type in a file → numpy's own: ``f4`` and its like, and the one-letter codes."""

_ORDERS = {"<": "<", ">": ">", "=": "=", "|": "=", "": "="}
_DESCR = re.compile(r"([<>|=]?)([A-Za-z?]\d{0,2})\Z")


def dtype_of_code(descr: str) -> ElementType | None:
    """Return the type that ``descr`` names (``<f4``, ``|O``), or None where the table has it not."""
    match = _DESCR.match(descr)
    if match is None or match[2] not in _CODES:
        return None
    code = _CODES[match[2]]
    return OBJECT if code == "O" else np.dtype(f"{_ORDERS[match[1]]}{code}")


def dtype_of_record(value: Any) -> ElementType | None:
    """Return the type that a pickled `numpy.dtype` names, or None where the table has it not.

    The pickle holds ``dtype("f4", 0, 1)`` and, as its state, ``(3, "<", …)``: version and byte order.
    """
    if type(value) is not Record or class_name(value) != "dtype" or not value.args:
        return None
    code, state = text(value.args[0]), elements(value.state) or []
    order = text(state[1]) if len(state) > 1 else "|"
    if code is None or order not in ("<", ">", "|", "="):
        return None
    return dtype_of_code(order + code.lstrip("<>|="))
