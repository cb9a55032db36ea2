"""Small files of every format, each with one place changed: what is told of each, a line for each.

The files are fixtures, those in ``fixtures/made`` once written by tests. Which changes are made stands in
``tests/told/varied/`` itself, in the words of `variations.variations`: each notices a change of a reader that
those before it do not. ``python -m tests.telling`` tells them anew.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import filtviz
from tests import telling
from tests.building import put
from tests.reading.variations import variations

__all__ = ["FOLDER", "held", "lines_of", "retold"]

FOLDER = telling.GOLDEN / "varied"
SHOWN = 200


def held() -> list[str]:
    """The names of the texts."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def lines_of(name: str) -> list[str]:
    """What is told now, in the words of a text."""
    return list(retold((FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()))


def retold(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines with their outcomes told anew: below a file's name stands what is changed in its files."""
    seeds: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("==== "):
            seeds[line] = []
        else:
            seeds[next(reversed(seeds))].append(line.partition(" => ")[0])
    for line, changes in seeds.items():
        yield line
        yield from _told(line.removeprefix("==== "), changes)


def _told(seed: str, changes: Sequence[str]) -> Iterator[str]:
    """Yield for each change its line: what is read of the file that is changed so."""
    path = telling.FIXTURES / seed
    beside = [one for one in path.parent.iterdir() if one.is_file()] if _is_alone(path) else [path]
    with tempfile.TemporaryDirectory() as folder:
        for one in beside:
            shutil.copyfile(one, Path(folder) / one.name)
        before = _lines(Path(folder) / path.name)
        pairs = [change.rpartition("| ")[::2] for change in changes]
        wanted: dict[str, set[str]] = {}
        for name, words in pairs:
            wanted.setdefault(name or path.name, set()).add(words)
        whole = {name: (Path(folder) / name).read_bytes() for name in wanted}
        made = {name: _made(whole[name], words) for name, words in wanted.items()}
        last = next(iter(wanted), "")
        for name, words in pairs:
            changed = name or path.name
            if last != changed:  # what was changed before is as it was
                put(Path(folder) / last, whole[last])
            put(Path(folder) / changed, made[changed][words])
            told = _outcome(before, _lines(Path(folder) / path.name))
            yield f"{name}{'| ' if name else ''}{words} => {told}"
            last = changed


def _made(data: bytes, wanted: set[str]) -> dict[str, bytes]:
    """The files that some changes make of one, all met on one way through it."""
    found: dict[str, bytes] = {}
    for place, make in variations(data):
        words = _plain(place)
        if words in wanted and words not in found:
            found[words] = make()
            if len(found) == len(wanted):
                break
    return found


def _is_alone(path: Path) -> bool:
    """Whether a file has its folder for itself and what belongs to it."""
    return path.relative_to(telling.FIXTURES).parts[0] == "made" or path.parent.name in (
        "darknet_new", "pd_graph", "pd_infer", "external_one", "sharded", "sharded_bin", "keras_sharded",
        "listed", "subclass", "tf_ckpt", "slim",
    )  # fmt: skip


def _lines(path: Path) -> list[str]:
    try:
        network = filtviz.load(path)
        text = telling.origin_of(network) + telling.layers_of(network)
    except filtviz.FiltvizError as error:
        text = telling.refused(error)
    text = text.replace(f"{os.fspath(path.parent)}/", "")
    return [_plain(line) for line in text.splitlines() if not line.startswith("size: ")]


def _plain(text: str) -> str:
    return text.encode("unicode_escape").decode()


def _outcome(before: Sequence[str], after: Sequence[str]) -> str:
    """What is told now and was not told before, and the sum of all."""
    if len(after) == 1:
        return after[0]
    new = " ".join(line.strip() for line in after if line not in before) or f"{len(after)} lines"
    shown = new if len(new) <= SHOWN else f"{new[:SHOWN]}..."
    return f"{shown} ({zlib.crc32(chr(10).join(after).encode()):08x})"
