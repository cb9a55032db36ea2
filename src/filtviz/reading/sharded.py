"""A model in several files beside one another, and the JSON that says which tensor lies in which.

``{"metadata": {…}, "weight_map": {"conv1.weight": "model-00001-of-00002.safetensors", …}}``, as Hugging
Face's libraries write it for safetensors and for PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from filtviz.errors import MalformedFileError
from filtviz.reading.opened import Opened

__all__ = ["index_of", "parsed_object"]

_MAP = "weight_map"


def index_of(opened: Opened, ending: str) -> Mapping[str, str] | None:
    """Return name of a tensor → file, in the order of the index; None where it is none, or of other files.

    Args:
        opened: The file.
        ending: How the names of the files end.

    Raises:
        MalformedFileError: it is one, and damaged.
        LimitError: it names too many tensors.
    """
    if opened.start.lstrip()[:1] != b"{" or bytes(opened.data[-64:]).rstrip()[-1:] != b"}":
        return None
    if opened.data.find(f'"{_MAP}"'.encode()) < 0 or opened.data.find(ending.encode()) < 0:
        return None
    opened.limits.check_json(len(opened.data), "its JSON")
    found = parsed_object(bytes(opened.data)).get(_MAP)
    if not isinstance(found, dict) or not found or not all(isinstance(file, str) for file in found.values()):
        raise MalformedFileError("it is an index of tensors whose map names no files")
    opened.limits.check("layers", len(found), f"it names {len(found):,} tensors")
    return found if all(file.endswith(ending) for file in found.values()) else None


def parsed_object(text: bytes) -> dict[str, Any]:
    """Return a JSON object; one that says a key twice is refused, since two programs would see two files.

    Args:
        text: The JSON.

    Raises:
        MalformedFileError: it is damaged, nested too deep, or no object.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedFileError(
            "its JSON is damaged or says a name twice; copy or download it again"
        ) from error
    if not isinstance(found, dict):
        raise MalformedFileError("its JSON is no object; copy or download it again")
    return found


def _once(entries: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(entries)
    if len(found) != len(entries):
        raise ValueError("a key twice")
    return found
