"""Which manifests are read, and which are none of ours: one of ours with one value changed, as lines of text.

``python -m tests.telling`` writes ``tests/told/manifests.txt`` anew.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tests.building import conv

from filtviz.batch import manifest
from filtviz.batch.manifest import DEEPEST, INNERMOST, folder_of, number_options, read_manifest, relative
from filtviz.errors import OutputError

__all__ = ["all_lines"]

OURS: dict[str, Any] = {
    "program": "filtviz",
    "version": "0",
    "complete": True,
    "options": [{"dpi": 100.0, "figsize": [6.0, 6.0]}, {}],
    "models": [
        {"model": "m.pkl", "folder": "a/m", "status": "drawn", "asked": "1", "code": None, "reason": None,
         "pages": 1,
         "files": [["m.pkl", 1, 2, 3]], "pictures": ["one.png"]},
    ],
    "pictures": [
        {"file": "a/m/one.png", "model": "m.pkl", "sha256": "0" * 64, "layer": "one", "type": "Conv",
         "version": "0",
         "options": 1, "range": [0.5, -1], "channels": [0]},
    ],
}  # fmt: skip


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


VALUES: tuple[Any, ...] = (
    None, True, 0, 1, 2, -1, 1.5, "", "x", "x/y.png", "../x", "/x", ".x", "-x", "x/../y", "x//y", "x/.y/z",
    "x\0y", "x\n", "a/m/one.png", [], ["x"], [1], {}, {"x": 1}, 2**63, 2**63 - 1, -(2**63), 1 - 2**63,
    "0" * 63, "0" * 64, "filtviz", "/".join("x" * (DEEPEST + 1)), "/".join("x" * (DEEPEST + 2)),
    "/".join("x" * (DEEPEST + 3)), nested(INNERMOST - 1), nested(INNERMOST), nested(INNERMOST + 1),
    ["m.pkl", 1, 2], ["m\0", 1, 2, 3], ["m", 1, 2, 3, 4], ["m", 1.0, 2, 3], [0, 1, 2, 3], [["m", 1, 2, 3]],
    ["x.png", ".y"],
)  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value in a manifest."""
    if way:
        yield way
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*way, key))


def changed(way: tuple[Any, ...], value: Any) -> Any:
    """A manifest of ours with another value at a place."""
    made: Any = copy.deepcopy(OURS)
    inner = made
    for key in way[:-1]:
        inner = inner[key]
    if value is DROPPED:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return made


DROPPED = object()
LIKE_OTHERS = ("version", "complete", "reason", "figsize", "layer", "type", "status", "channels")
"""Keys that are looked at as those beside them."""


def _read(text: str) -> str:
    try:
        found = manifest._parse(text.encode())
    except (ValueError, KeyError, TypeError, RecursionError):
        return "no"
    return f"{len(found.entries)} {len(found.models)}"


def manifests() -> Iterator[str]:
    """Yield for each place the values with which a manifest is still one."""
    yield f"ours: {_read(json.dumps(OURS))}"
    for way in places(OURS):
        if way[-1] in LIKE_OTHERS:
            continue
        told = {}
        for value in VALUES:
            answer = _read(json.dumps(changed(way, value)))
            told.setdefault(answer, []).append("…" if len(str(value)) > 30 else value)
        told.setdefault(_read(json.dumps(changed(way, DROPPED))), []).append("left out")
        fine = {answer: values for answer, values in told.items() if answer != "no"}
        yield f"{'/'.join(map(str, way))}: {fine}, no {len(told.get('no', []))}"
    text = json.dumps(OURS)
    for name, other in (
        ("a key twice", text.replace('"version"', '"program"', 1)),
        ("NaN", text.replace("100.0", "NaN")),
        ("Infinity", text.replace("100.0", "-Infinity")),
        ("1e999", text.replace("100.0", "1e999")),
        ("a list", "[]"),
        ("nothing", ""),
        ("deep", "[" * 5000),
        ("a mark", "\ufeff" + text),
        ("two pictures", json.dumps({**OURS, "pictures": OURS["pictures"] * 2})),
        ("none", json.dumps({**OURS, "pictures": [], "models": []})),
        ("NaN beside them", text.replace("true", "NaN")),
        ("no lists", json.dumps({**OURS, "models": [{**OURS["models"][0], "files": {}, "pictures": {}}]})),
    ):
        yield f"{name}: {_read(other)}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield f"no file: {read_manifest(folder).entries}"
        (folder / "manifest.json").mkdir()
        try:
            read_manifest(folder)
        except OutputError as error:
            yield f"a folder: {str(error).replace(str(folder), 'HERE')}"


def parts() -> Iterator[str]:
    """Yield paths, and options by number."""
    for file in ("a/b/c.png", "c.png", "a/", ""):
        yield f"folder of {file!r}: {folder_of(file)!r}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for path in (folder / "a" / "b", folder, folder / "out" / "z"):
            yield f"{path.relative_to(folder)}: {relative(path, folder / 'out')}"
    one, two = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    entries = [
        {"file": name, "options": options}
        for name, options in (("z", one), ("a", {"a": 3}), ("m", two), ("b", one))
    ]
    yield f"{number_options(entries)}"
    held = np.array([[1, 2], [1, np.nan], [1, -3]], "f4").reshape(3, 2, 1, 1)
    layer = conv(np.concatenate([held, np.full_like(held[:, :1], np.inf)], axis=1), name="c")
    for channels in ([0], [1], [2], [0, 1], [2, 0]):
        entry = manifest.describe_picture("f", {}, layer, channels, manifest.value_ranges(layer), {})
        yield f"channels {channels}: {entry['channel']} {entry['channels']} {entry['range']}"


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/manifests.txt`` holds."""
    yield from manifests()
    yield from parts()
