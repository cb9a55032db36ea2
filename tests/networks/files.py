"""What is written, replaced, removed and refused, whatever lies there; which files are a command's own.

``python -m tests.telling`` writes ``tests/told/networks/files.txt`` anew.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

import numpy as np

from filtviz.errors import OutputError
from filtviz.files import (
    PART_SUFFIX,
    Permissions,
    is_folder,
    is_regular,
    is_there,
    make_folder,
    reason,
    remove_file,
    remove_parts,
    replace_own,
    write_together,
    write_whole,
)
from filtviz.network import Network, Origin
from filtviz.sources import ENDS, Sources, is_result, paths_among

__all__ = ["files"]

MARK = b"filtviz-models %s:%s"
ONE, TWO = b"0" * 10, b"1" * 10


def _fill(folder: Path) -> None:
    (folder / "old").write_bytes(b"old")
    (folder / "old").chmod(0o640)
    (folder / "other").write_bytes(b"other")
    (folder / "other").chmod(0o604)
    (folder / "folder").mkdir()
    (folder / "folder" / "inside").write_bytes(b"in")
    (folder / "link").symlink_to("old")
    (folder / "dangling").symlink_to("nothing")
    (folder / "loop").symlink_to("loop")
    (folder / "to_folder").symlink_to("folder")
    os.link(folder / "old", folder / "twin")


def _listed(folder: Path) -> str:
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        name = f"*{PART_SUFFIX}" if name.endswith(PART_SUFFIX) and len(name) > 25 else name
        if path.is_symlink():
            found.append(f"{name}>{path.readlink()}")
        elif path.is_dir():
            found.append(f"{name}/")
        else:
            mode = path.stat().st_mode & 0o777
            found.append(f"{name}={path.read_bytes()[:12].decode(errors='replace')} {mode:o}")
    return " ".join(found)


class _Failure(Exception):
    pass


def _writes(content: bytes) -> Callable[[BinaryIO], object]:
    return lambda stream: stream.write(content)


def _fails(stream: BinaryIO) -> None:
    stream.write(b"half")
    raise _Failure


def _full(stream: BinaryIO) -> None:
    raise OSError(errno.ENOSPC, "it is full")


def _said(folder: Path, function: Any, *given: Any, **how: Any) -> str:
    try:
        found = function(*given, **how)
    except _Failure:
        found = "it failed"
    except OutputError as error:
        place = getattr(error, "path", None)
        found = f"{error} [{place and Path(place).name}]"
    shown = str(found).replace(f"{folder}{os.sep}", "").replace(str(folder), "there")
    return re.sub(r"n{30,}(… \(\d+ characters\))?", "n…", shown)


def _told(act: Callable[[Path], str]) -> str:
    before = os.umask(0o022)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(os.path.realpath(name))
            _fill(folder)
            return f"{act(folder)}; {_listed(folder)}"
    finally:
        os.umask(before)


def files() -> Iterator[tuple[str, str]]:
    yield from _written()
    yield from _together()
    yield from _taken()
    yield from _removed()
    yield from _asked()
    yield from _sources()
    yield from _marks()


def _own(folder: Path, *names: str) -> Sources:
    return Sources().including(*(folder / name for name in names))


PLACES = (
    "new",
    "old",
    "twin",
    "link",
    "dangling",
    "loop",
    "folder",
    "to_folder",
    "nowhere/new",
    "folder/new",
    "old/new",
    "n" * 300,
    "folder/../new",
    "nowhere/../new",
)


def _written() -> Iterator[tuple[str, str]]:
    for place in PLACES:
        shown = place[:20]
        yield (
            f"written to {shown}",
            _told(lambda f, p=place: _said(f, write_whole, f / p, _writes(b"new"), Sources())),
        )
        yield (
            f"written to {shown}, which is given",
            _told(lambda f, p=place: _said(f, write_whole, f / p, _writes(b"new"), _own(f, "old", p))),
        )
        yield (
            f"written to {shown}, beside old",
            _told(lambda f, p=place: _said(f, write_whole, f / p, _writes(b"new"), _own(f, "old"))),
        )
        yield (
            f"written to {shown} in vain",
            _told(lambda f, p=place: _said(f, write_whole, f / p, _fails, Sources())),
        )
        yield (
            f"own {shown}",
            _told(lambda f, p=place: _said(f, replace_own, f / p, _writes(b"new"), Sources(), run="run")),
        )
        yield (
            f"own {shown}, beside old",
            _told(
                lambda f, p=place: _said(f, replace_own, f / p, _writes(b"new"), _own(f, "old"), run="run")
            ),
        )
        yield (
            f"own {shown} in vain",
            _told(lambda f, p=place: _said(f, replace_own, f / p, _fails, Sources(), run="run")),
        )
        kept = Permissions(mode=0o611, owner=os.getuid(), group=os.getgid())
        yield (
            f"own {shown} with permissions",
            _told(
                lambda f, p=place, k=kept: _said(
                    f, replace_own, f / p, _writes(b"new"), Sources(), run="run", permissions=k
                )
            ),
        )
    ours, device = os.openpty()  # not the one of all, which a fault of the program would replace
    terminal = Path(os.ttyname(device))
    yield (
        "written to a terminal",
        _told(lambda f: _said(f, write_whole, terminal, _writes(b"new"), Sources())),
    )
    yield "what it took", repr(os.read(ours, 9))
    os.close(ours)
    os.close(device)
    yield "written where it is full", _told(lambda f: _said(f, write_whole, f / "old", _full, Sources()))

    def seen(f: Path) -> str:
        modes: list[str] = []

        def write(stream: BinaryIO) -> None:
            modes.append(f"{os.fstat(stream.fileno()).st_mode & 0o777:o} {_listed(f)}")

        write_whole(f / "old", write, Sources())
        write_whole(f / "new", write, Sources())
        return " | ".join(modes)

    def started(f: Path) -> str:
        modes: list[str] = []
        with patch.object(
            Permissions, "give", lambda _, open_: modes.append(f"{os.fstat(open_).st_mode & 0o777:o}")
        ):
            write_whole(f / "old", _writes(b"new"), Sources())
        return " ".join(modes)

    yield "while it is written", _told(seen)
    yield "before it has its permissions", _told(started)


def _together() -> Iterator[tuple[str, str]]:
    pairs = (
        ("new", "old"),
        ("old", "other"),
        ("old", "folder"),
        ("new", "folder"),
        ("folder", "old"),
        ("old", "nowhere/x"),
        ("new", "loop"),
        ("link", "other"),
        ("old", "twin"),
        ("dangling", "link"),
        ("new", "newer"),
    )
    for first, second in pairs:
        for name, write in (("", _writes(b"B")), (" in vain", _fails), (" where it is full", _full)):
            for given in ((), ("other",)):
                yield (
                    f"{first} and {second}{name} beside {given}",
                    _told(
                        lambda f, a=first, b=second, w=write, g=given: _said(
                            f, write_together, {f / a: _writes(b"A"), f / b: w}, _own(f, *g)
                        )
                    ),
                )


def _taken() -> Iterator[tuple[str, str]]:
    """Where a place is taken while files are written: what has its name already is put back."""

    def write(f: Path, *names: str) -> str:
        def taken(stream: BinaryIO) -> None:
            (f / names[-1]).mkdir()

        asked = {f / name: _writes(name.encode()) for name in names[:-1]}
        return _said(f, write_together, asked | {f / names[-1]: taken}, Sources())

    for names in (
        ("old", "x"),
        ("new", "x"),
        ("old", "new", "other", "x"),
        ("link", "x"),
        ("dangling", "x"),
        ("twin", "x"),
        ("x",),
    ):
        yield f"{names}, of which the last is taken", _told(lambda f, n=names: write(f, *n))


def _removed() -> Iterator[tuple[str, str]]:
    for place in PLACES:
        yield f"removed {place[:20]}", _told(lambda f, p=place: _said(f, remove_file, f / p, Sources()))
        yield (
            f"removed {place[:20]}, beside old",
            _told(lambda f, p=place: _said(f, remove_file, f / p, _own(f, "old"))),
        )

    def parts(f: Path, **how: Any) -> str:
        for name in (".a-1", ".a-2", ".b-1", ".a-b-1", ".-1", ".a", "a-1", ".a-"):
            (f / f"{name}{PART_SUFFIX}").write_bytes(b"p")
        (f / f".c-1{PART_SUFFIX}").mkdir()
        (f / f".d-1{PART_SUFFIX}").symlink_to("old")
        (f / ".a-1.other").write_bytes(b"p")
        held = _own(f, f".a-2{PART_SUFFIX}") if how.pop("held", False) else Sources()
        return _said(f, remove_parts, f, held, **how)

    for how in (
        {},
        {"run": "a"},
        {"run": "b"},
        {"run": "a-b"},
        {"run": ""},
        {"spared": ("a",)},
        {"spared": ("a", "b", "")},
        {"held": True},
        {"run": "a", "held": True},
        {"run": "a", "spared": ("a",)},
    ):
        yield f"parts removed with {how}", _told(lambda f, h=how: parts(f, **h))
    yield "parts removed nowhere", _told(lambda f: _said(f, remove_parts, f / "nowhere", Sources()))


def _asked() -> Iterator[tuple[str, str]]:
    for place in (*PLACES, "nowhere", "nowhere/a/b", "folder/a", "folder/inside"):
        for ask in (is_folder, is_there, is_regular):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(os.path.realpath(name))
                _fill(folder)
                yield f"{place[:20]} {ask.__name__}", _said(folder, ask, folder / place)
        yield f"folder made at {place[:20]}", _told(lambda f, p=place: _said(f, make_folder, f / p))

        def permissions(f: Path, p: str = place) -> str:
            found = Permissions.of(f / p)
            return "none" if found is None else f"{found.mode:o} {found.owner == os.getuid()}"

        yield f"permissions of {place[:20]}", _told(permissions)
    for error in (
        OSError(errno.ELOOP, "x"),
        OSError(errno.ENOENT, "x"),
        OSError("words"),
        OSError(0, "zero"),
        PermissionError(errno.EACCES, "x"),
    ):
        yield f"reason of {error.errno} {error}", reason(error)


def _sources() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        _fill(folder)
        model = folder / "model"
        for place in ("variables", "assets", "assets.extra", "others"):
            (model / place).mkdir(parents=True)
            (model / place / "part").write_bytes(b"p")
        (model / "saved").write_bytes(b"s")
        (model / "manifest.json").write_bytes(b"{}")
        (model / "result.png").write_bytes(b"png" + MARK % (ONE, TWO))
        (model / "variables" / "result.png").write_bytes(b"png" + MARK % (ONE, TWO))
        (folder / "images").mkdir()
        (folder / "images" / "a.png").write_bytes(b"a")
        (folder / "images" / "b.png").write_bytes(b"b" + MARK % (ONE, TWO))
        (folder / "images" / "deeper").mkdir()
        (folder / "images" / "deeper" / "c.png").write_bytes(b"c")
        of = {
            "a file": Sources.of([Network.of([], Origin(path=folder / "old"))]),
            "siblings": Sources.of(
                [
                    Network.of(
                        [],
                        Origin(
                            path=folder / "other",
                            siblings=(folder / "old",),
                            also_read=(folder / "folder" / "inside",),
                        ),
                    )
                ]
            ),
            "a folder": Sources.of([Network.of([], Origin(path=model, siblings=(model / "saved",)))]),
            "nothing": Sources.of([Network.of([])]),
            "a file and nothing": Sources.of([Network.of([], Origin(path=folder / "old")), Network.of([])]),
            "images": Sources.of([], folder / "images", folder / "other"),
            "what is not there": Sources.of(
                [Network.of([], Origin(path=folder / "new"))], folder / "nowhere"
            ),
            "two": Sources.of(
                [Network.of([], Origin(path=folder / "old")), Network.of([], Origin(path=folder / "other"))]
            ),
            "two and what was read with them": Sources.of(
                [
                    Network.of([], Origin(path=folder / "other", also_read=(folder / "old",))),
                    Network.of(
                        [],
                        Origin(
                            path=folder / "images" / "deeper" / "c.png",
                            siblings=(model / "saved",),
                            also_read=(folder / "folder" / "inside",),
                        ),
                    ),
                ]
            ),
            "two folders": Sources.of([], model, folder / "images"),
        }
        asked = [
            folder / one
            for one in (
                *PLACES,
                "other",
                "folder/inside",
                "model",
                "images",
                "images/a.png",
                "images/b.png",
                "images/deeper/c.png",
                "images/../old",
                "to_folder/inside",
            )
        ]
        asked += [
            model / one
            for one in (
                "saved",
                "manifest.json",
                "result.png",
                "variables/part",
                "variables/result.png",
                "assets/part",
                "assets.extra/part",
                "others/part",
            )
        ]
        for what, sources in of.items():
            held = [path.relative_to(folder).as_posix()[:20] for path in asked if sources.hold(path)]
            counts = f"{len(sources.identities)} {len(sources.names)} {bool(sources.mark)}"
            yield f"files of {what}", f"{counts}: {' '.join(held)}"
            for path in (folder / "old", model / "saved", folder / "new"):
                yield f"files of {what}, refusing {path.name}", _said(folder, sources.refuse, path)
        yield (
            "files by name alone",
            str(
                [
                    Sources(names=frozenset({str(folder / "old")})).hold(folder / one)
                    for one in ("old", "link", "twin", "new", "other")
                ]
            ),
        )
        marks = {what: sources.mark for what, sources in of.items()}
        (folder / "old").write_bytes(b"new content")
        again = Sources.of([Network.of([], Origin(path=folder / "old"))]).mark
        parts = [one.split(" ")[1].split(":") for one in (marks["a file"], again)]
        yield (
            "mark of a file that was trained on",
            f"{parts[0][0] == parts[1][0]} {parts[0][1] == parts[1][1]} {len(again)}",
        )
        yield "mark of a part that was trained on", str(_alike(marks["siblings"], _siblings(folder)))
        link = Sources.of([Network.of([], Origin(path=folder / "link"))]).mark
        yield "mark of a file by another name", str(_alike(again, link))
        marked = []
        for n in (200_000, 200_001):
            (folder / "old").write_bytes(b"a" * n)
            marked.append(Sources.of([Network.of([], Origin(path=folder / "old"))]).mark)
        yield "marks of files that differ in size alone", str(_alike(*marked))
        yield "marks", str([[a == b for b in marks.values()] for a in marks.values()])
    given: tuple[Any, ...] = (
        "a",
        Path("b"),
        ["c", 1, Path("d")],
        ("e",),
        np.ones(2),
        None,
        b"f",
        [["g"]],
        {"h": 1},
        [],
    )
    yield "paths among what is given", str([str(one) for one in paths_among(*given)])
    yield "paths among nothing", str(list(paths_among()))


def _siblings(folder: Path) -> str:
    origin = Origin(path=folder / "other", siblings=(folder / "old",))
    return Sources.of([Network.of([], origin)]).mark


def _alike(one: str, other: str) -> list[bool]:
    """Whether two marks tell the same paths, and the same content."""
    pairs = zip(one.split(" ")[1].split(":"), other.split(" ")[1].split(":"), strict=True)
    return [a == b for a, b in pairs]


def _marks() -> Iterator[tuple[str, str]]:
    mark = MARK % (ONE, TWO)
    contents = {
        "nothing": b"",
        "no mark": b"text",
        "at its beginning": mark + b"text",
        "at its end": b"text" + mark,
        "cut short": mark[:-1],
        "of other letters": mark.upper(),
        "of other models": MARK % (TWO, ONE),
        "of the same paths": MARK % (ONE, ONE),
        "of the same content": MARK % (TWO, TWO),
        "two": mark + MARK % (TWO, ONE),
        "two, the other first": MARK % (TWO, ONE) + mark,
        "within the first bytes": b"x" * (ENDS - len(mark)) + mark + b"x" * (2 * ENDS),
        "past the first bytes": b"x" * (ENDS - len(mark) + 1) + mark + b"x" * (2 * ENDS),
        "within the last bytes": b"x" * (2 * ENDS) + mark + b"x" * (ENDS - len(mark)),
        "before the last bytes": b"x" * (2 * ENDS) + mark + b"x" * (ENDS - len(mark) + 1),
        "in the middle of a small file": b"x" * ENDS + mark + b"x" * 10,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        for what, content in contents.items():
            path = folder / "result"
            path.write_bytes(content)
            others = [
                Sources(mark=own).are_not_in(path)
                for own in ("", mark.decode(), "nonsense", f"x {mark.decode()}")
            ]
            refused = _said(folder, Sources(mark=mark.decode()).refuse_others, path)
            yield f"a mark {what}", f"{is_result(path)} {others} {refused}"
        for what in (folder, folder / "nowhere", folder / "result" / "x"):
            yield (
                f"a mark of {what.name if what != folder else 'a folder'}",
                f"{is_result(what)} {Sources(mark=mark.decode()).are_not_in(what)}",
            )
