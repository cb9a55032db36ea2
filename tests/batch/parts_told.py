"""The parts of an export one by one, of facts that vary one at a time, as lines of text.

``python -m tests.telling`` writes ``tests/told/export_parts.txt`` anew.
"""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from tests.batch.steps_told import SMALL, model, runs, write_words
from tests.building import conv, image

from filtviz import DrawingOptions, ExportOptions, Network
from filtviz.batch import _Tally, jobs, locking, manifest, planning, workplace
from filtviz.batch.jobs import ModelFile, Outcome, PictureFile, PicturesJob, Reason
from filtviz.batch.locking import announce_run, hold, live_runs
from filtviz.errors import FiltvizError, MalformedFileError, OutputError
from filtviz.sources import Sources

__all__ = ["PARTS", "all_lines"]

NONE = Sources()


def said(act: Callable[[], Any]) -> str:
    """What something gives, or the sentence with which it ends; of a long name that it was cut."""
    try:
        found = f"{act()}"
    except FiltvizError as error:
        found = f"{type(error).__name__}: {error} [{getattr(error, 'path', None) is not None}]"
    return re.sub(r"x{30,}", "x…x", found.replace(f"{Path.cwd()}/", ""))


@contextmanager
def somewhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name, chdir(name):
        yield Path(os.path.realpath(name))


def named(length: int, end: str) -> Path:
    """A relative path of so many characters, whose folder is there."""
    rest = length - len(end) - 1
    folder = Path(f"{'x' * 99}/{'x' * (rest - 100)}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / end


def held_by_another(path: Path) -> Any:
    """Hold a lock until the next folder."""
    return locking._try_lock(path, 9.0)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def sentences() -> Iterator[str]:
    """Yield what is said of files of long names, at the length from which names are cut."""

    def refuse(*_: Any) -> Any:
        raise MemoryError

    for length in (200, 201):
        with somewhere():
            path = named(length, "manifest.json")
            path.write_bytes(b"{}")
            yield f"no manifest, {length}: {said(lambda p=path: manifest.read_manifest(p.parent))}"
            with patch.object(manifest, "_parse", refuse):
                yield f"no memory, {length}: {said(lambda p=path: manifest.read_manifest(p.parent))}"
            with patch.object(manifest, "LARGEST", 1):
                told = said(
                    lambda p=path: manifest.write_manifest(p.parent, manifest.Contents(), NONE, complete=True)
                )
                yield f"too much, {length}: {told}"
            path.unlink()
            path.symlink_to("elsewhere")
            yield f"a link, {length}: {said(lambda p=path: manifest.read_manifest(p.parent))}"
            path = named(length, locking.LOCK)
            with patch.object(locking, "PATIENCE", 0.0):
                lock = held_by_another(path)
                yield f"held, {length}: {said(lambda p=path: hold(p.parent, NONE).__enter__())}"
                lock.release()
            path.symlink_to("elsewhere")
            yield f"a link for a lock, {length}: {said(lambda p=path: hold(p.parent, NONE).__enter__())}"
            own = locking.RUN_SUFFIX
            path = named(length, f".run{own}")
            path.mkdir()
            yield f"no lock for a run, {length}: {said(lambda p=path: announce_run(p.parent, 'run'))}"
    some = Network.of([conv(np.ones((2, 2, 3, 3)), name=f"c{n}", below=n - 1) for n in range(3)])
    for reasons in ({2: "last", 0: "first"}, {1: "so"}, {2: "c", 1: "b", 0: "a"}):
        yield f"too much: {planning._left_out(some, reasons)}"
    for n in (20, 21):
        yield f"a format of {n}: {said(lambda n=n: ExportOptions(format='y' * n))}"
    for n in (40, 41):
        plan = planning.ModelPlan()
        solids = [conv(np.ones((2, 2, 3, 3, 3)), axes="oidrc", name=name) for name in ("x" * n, "two")]
        network = Network.of(solids)
        yield f"a name of {n}: {planning._choose_layers(network, (), plan)} {said(lambda p=plan: p.reason)}"
    yield from _refused()


def _refused() -> Iterator[str]:
    """Yield over what no pictures are drawn."""
    with somewhere() as folder:
        for length, of in ((200, "/a/p.png"), (201, "/a/p.png"), (200, "/a"), (201, "/a")):
            top = folder / ("x" * (length - len(str(folder)) - len(of) - 1))
            top.mkdir()
            (top / "a").mkdir()
            place = workplace.Workplace(top, NONE)
            picture = PictureFile(path=top / "a" / "p.png", conv_index=0, channels=[0], first=0, pages=1)
            entry = {"file": "a/p.png", "model": "m.npz"}
            for name, owner, kind in (
                ("nothing", None, ""), ("a text", None, "text"), ("its own", "m.npz", "picture"),
                ("another's", "y" * length, "picture"), ("a link", None, "link"),
                ("a folder", None, "folder"),
            ):  # fmt: skip
                if picture.path.is_dir() and not picture.path.is_symlink():
                    picture.path.rmdir()
                picture.path.unlink(missing_ok=True)
                if kind == "link":
                    picture.path.symlink_to("gone")
                elif kind == "folder":
                    picture.path.mkdir()
                elif kind:
                    picture.path.write_bytes(b"\x89PNG\r\n\x1a\n" if kind == "picture" else b"text")
                place._manifest._owners = {} if owner is None else {"a": owner}
                told = said(lambda p=place, t=top, f=picture, e=entry: p._refuse(t / "a", [(f, e)]))
                told = re.sub("y{30,}", "y…y", told).replace(str(folder), "HERE")
                yield f"over {name}, {of} {length}: {told}"
            told = said(lambda p=place, t=top, f=picture, e=entry: p._refuse(t / "b", [(f, e)]))
            (top / "b").symlink_to("a")
            other = said(lambda p=place, t=top, f=picture, e=entry: p._refuse(t / "b", [(f, e)]))
            yield f"into a link, {of} {length}: {told} then {other}".replace(str(folder), "HERE")


def locks() -> Iterator[str]:
    """Yield which runs are alive, and what is left of their files."""
    with somewhere():
        there = Path("out")
        there.mkdir()
        Path("way").symlink_to("out")
        place = workplace.Workplace(Path("way"), NONE)
        yield f"by a link: {said(lambda: place.folder)} {place.folder.is_absolute()} {len(place.run)}"
        lock = announce_run(there, "one")
        (there / f".dead{locking.RUN_SUFFIX}").touch()
        (there / f".given{locking.RUN_SUFFIX}").touch()
        (there / f".link{locking.RUN_SUFFIX}").symlink_to("gone")
        (there / f".folder{locking.RUN_SUFFIX}").mkdir()
        (there / f"shown{locking.RUN_SUFFIX}").touch()
        sources = NONE.including(there / f".given{locking.RUN_SUFFIX}")
        for own in ("one", "own"):
            alive = sorted(live_runs(there, own, sources))
            yield f"alive beside {own}: {alive} {sorted(path.name for path in there.iterdir())}"
        os.write(lock.descriptor, b"somebody's")
        lock.release()
        alive = sorted(live_runs(there, "own", sources))
        yield f"released: {alive} {sorted(path.name for path in there.iterdir())}"
        ends = os.pipe()
        with patch.object(locking, "_held", {*ends, 987_654}):
            locking._forget_in_child()
            yield f"a child: {locking._held} {[said(lambda end=end: is_open(end)) for end in ends]}"
        for content in (b"", b"somebody's"):
            Path("kept").write_bytes(content)
            again = locking._try_lock(Path("kept"), 9.0)
            assert again is not None
            told = [locking._is_at(os.fstat(again.descriptor), Path(name)) for name in ("kept", "gone")]
            Path("link").unlink(missing_ok=True)
            Path("link").symlink_to("kept")
            told.append(locking._is_at(os.fstat(again.descriptor), Path("link")))
            second = locking._try_lock(Path("kept"), 9.0)
            again.release()
            told += [Path("kept").exists(), again.descriptor in locking._held]
            yield f"lock of {content!r}: {told} {second}"


def folders() -> Iterator[str]:
    """Yield how folders of pictures are called beside other models and folders."""
    with somewhere() as folder:
        Path("out").mkdir()
        for place in (
            "a.npz",
            "a.pth",
            "a/b.npz",
            "c.npz",
            "c/d.txt",
            "e.npz",
            "E.pkl",
            ".e.npz",
            "deep/c.npz",
        ):
            model(place, SMALL[0]) if place.endswith("npz") else Path(place).parent.mkdir(exist_ok=True)
            Path(place).touch()
        for most in (planning.MOST_ENTRIES, 0):
            with patch.object(planning, "MOST_ENTRIES", most):
                for given in (["."], ["a.npz", "c.npz"], ["deep"], ["gone/x.npz"]):
                    planner = planning.Planner(list(map(Path, given)), folder / "out", ExportOptions())
                    found = {
                        place: planner.folder(n).relative_to(folder / "out").as_posix()
                        for n, place in enumerate(planner.places)
                    }
                    named_ = len(planner.workplace.sources.names)
                    yield f"{given} of {most > 0}: {found} {named_}"


def again() -> Iterator[str]:
    """Yield what is kept of models that are links to others, and of those given beside a folder."""
    with runs() as at:
        model("zoo/a.npz", SMALL[0])
        Path("b.npz").symlink_to("zoo/a.npz")
        model("zoo/c.npz", SMALL[0], seed=1)
        for name in ("first", "as it was"):
            yield f"== {name}"
            yield from at.run(["b.npz", "zoo"])
        os.utime("zoo/c.npz", ns=(5, 5))
        yield "== one is as old as nobody is"
        yield from at.run("zoo")
        Path("zoo/c.npz").unlink()
        yield "== one is gone"
        yield from at.run("zoo")


def described() -> Iterator[str]:
    """Yield how pictures and ranges of weights are described."""
    filters = np.arange(-6.0, 6.0).reshape(2, 3, 1, 2)
    odd = filters.copy()
    odd[:, 0], odd[0, 1], odd[1, 2, 0, 0] = np.nan, np.inf, -np.inf
    whole = conv(filters.astype("f2"), name="one", type="Own")
    for name, layer in (("whole", whole), ("odd", conv(odd))):
        found = Network.of([image(3), layer]).conv_layers[0]
        ranges = manifest.value_ranges(found)
        yield f"{name}: {ranges.tolist()} {ranges.dtype}"
        for channels in ([0], [1], [2], [0, 2], [0, 1, 2]):
            entry = manifest.describe_picture(
                "f.png", {"model": "m", "sha256": "s"}, found, channels, ranges, {"o": 1}
            )
            yield f"  {channels}: { {key: value for key, value in entry.items() if key != 'version'} }"
    options = DrawingOptions(figsize=(2.0, 3.0), view="sheet")
    yield f"options: {manifest.describe_options(options)}"


def work() -> Iterator[str]:
    """Yield what jobs write, and what becomes of those that fail."""
    with somewhere(), patch.object(jobs, "write_pages", write_words):
        path = model("m.npz", (2, 7, 2, 2), (2, 2, 2, 2))
        source = ModelFile.of(path, None, None)

        def job(*files: tuple[int, int, int], **facts: Any) -> PicturesJob:
            pictures = tuple(
                PictureFile(path=Path(f"{n}.png"), conv_index=place, channels=range(2 if place else 7),
                            first=first, pages=pages)
                for n, (place, first, pages) in enumerate(files)
            )  # fmt: skip
            usual: dict[str, Any] = {
                "model": 3, "source": source, "files": pictures, "suffix": "png", "options": DrawingOptions(),
                "sources": NONE, "run_name": "run",
            }  # fmt: skip
            return PicturesJob(**(usual | facts))

        for files in (
            [(0, 0, 1), (0, 1, 2)], [(0, 2, 1), (0, 5, 2)], [(0, 1, 1), (1, 0, 1), (1, 1, 1)], [(0, 6, 9)],
            [],
        ):  # fmt: skip
            outcome = job(*files).run()
            written = [Path(f"{n}.png").read_bytes()[8:].decode() for n in range(len(files))]
            yield f"{files}: {outcome} {written}"
        yield f"over itself: {job((0, 0, 1), sources=NONE.including(Path('0.png'))).run()}"
        yield f"lost: {job((0, 0, 1)).lost('it ended')} {jobs.Done(Outcome(model=1)).lost('so')}"
        for error in (MemoryError(), OutputError("no room")):

            def fail(*_: Any, e: Exception = error) -> None:
                raise e

            with patch.object(jobs, "write_pages", fail):
                yield f"fails: {job((0, 0, 1)).run()}"
        seen = ModelFile.of(path, None, None)
        odd = [
            replace(seen, path=each)._is_there() for each in (path.absolute(), path / "x", Path("x" * 999))
        ]
        yield f"there, in a file, of too long a name: {odd}"
        for change in ("size", "time", "gone"):
            jobs.forget_models()
            seen = ModelFile.of(path, None, None)
            if change == "gone":
                with patch.object(jobs, "load", lambda *_, **__: (path.unlink(), "read")[1]):
                    yield f"changed, {change}: {said(seen.load)}"
                continue
            model("m.npz", (2, 3 if change == "size" else 7, 2, 2), (2, 2, 2, 2))
            os.utime(path, ns=(seen.changed, seen.changed + (change == "time")))
            yield f"changed, {change}: {said(seen.load)}"
        for n in range(4):
            jobs._remembered[:] = [(f"f{i}", i) for i in range(n)]  # type: ignore[misc]
            source.remember("own")  # type: ignore[arg-type]
            yield f"remembered beside {n}: {[network for _, network in jobs._remembered]} {source.load()}"
        jobs.forget_models()
        for failed, at in itertools.product(
            (
                MalformedFileError("bad", path=Path("m")),
                MalformedFileError("bad"),
                OutputError("full", path=Path("m")),
            ),
            (Path("m"), Path("n")),
        ):
            yield f"reason of {failed} at {at}: {Reason.of(failed, at)}"


def counted() -> Iterator[str]:
    """Yield what is made of outcomes."""
    one, two = Reason("c", "one fails"), Reason("d", "two fails", names_file=True)
    for status, kept, failures, reason in (
        (None, 0, [], None), (None, 2, [], None), (None, 0, [one], None), (None, 3, [one, two], None),
        ("no-filters", 0, [], Reason("no-filters", "none")), ("part", 0, [], None),
    ):  # fmt: skip
        for own in (
            [Outcome(model=0, last=True)], [Outcome(model=0, pages=2), Outcome(model=0, pages=1, last=True)],
            [Outcome(model=0, pages=1, failure=two), Outcome(model=0, failure=one),
             Outcome(model=0, last=True)],
        ):  # fmt: skip
            told: list[Any] = []
            plan: Any = planning.ModelPlan(
                status=status,
                kept=kept,
                failures=list(failures),
                reason=reason,
                notes=["odd"],
                is_read=kept < 3,
            )
            planner: Any = SimpleNamespace(
                plans=[plan], models=[Path("m.npz")], places=["m.npz"], folder=lambda _: Path("out/m"),
                workplace=SimpleNamespace(folder=Path("out")),
                give_up=lambda n, t=told: t.append(f"gave up {n}"), close=lambda *a, t=told: t.append(a),
            )  # fmt: skip
            tally = _Tally(planner)
            results = [tally.add(each) for each in own]
            text = (
                f"{status} {kept} {len(failures)}, {len(own)} outcomes: {results[:-1]} {results[-1]} {told}"
            )
            yield re.sub(r"\w+Path\(", "Path(", text)
            yield f"  {tally.pages} {tally.drawn} {tally.failure}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "sentences": sentences,
    "locks": locks,
    "folders": folders,
    "again": again,
    "described": described,
    "work": work,
    "counted": counted,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/export_parts.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
