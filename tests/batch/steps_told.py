"""What an export plans, hands out, keeps, notes and tells, run after run, as lines of text.

Pictures hold what they would show in place of pixels. ``python -m tests.telling`` writes
``tests/told/exports.txt`` anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

import numpy as np

import filtviz
from filtviz import Budget, DrawingOptions, ExportOptions, Hints, Network, __version__
from filtviz.batch import jobs, planning, workplace
from filtviz.batch.locking import announce_run
from filtviz.errors import FiltvizError, UnknownFileError

__all__ = ["PARTS", "all_lines"]

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def model(path: str, *shapes: tuple[int, ...], seed: int = 0, **arrays: Any) -> Path:
    """A file of parameters: each convolution with its bias, and what else is given."""
    rng = np.random.default_rng(seed)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    held: dict[str, Any] = {}
    for n, shape in enumerate(shapes):
        held[f"c{n}.W"] = rng.standard_normal(shape).astype("f4")
        held[f"c{n}.b"] = np.zeros(shape[0], "f4")
    with Path(path).open("wb") as stream:
        np.savez(stream, **held, **arrays)
    return Path(path)


SMALL = ((3, 1, 3, 3), (2, 3, 3, 3))


def write_words(pictures: Iterable[Any], suffix: str, options: DrawingOptions, stream: BinaryIO) -> None:
    """Write what a picture shows in its place."""
    shown = [f"{type(each).__name__} of {getattr(each, 'channel', '-')}" for each in pictures]
    words = f"{suffix} {shown} {options.view} {options.dpi:g}"
    stream.write(b"\x89PNG\r\n\x1a\n" + words.encode())


class Runs:
    """Exports in one folder, told one after another; times of files count as old unless said otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: dict[str, int] = {}
        self.digests: dict[str, int] = {}

    def cleaned(self, text: str) -> str:
        text = text.replace(f"{self.folder}{os.sep}", "").replace(str(self.folder), "HERE")
        text = re.sub(r"\(\[Errno \d+\]", "([Errno", text)
        return re.sub(r"\b[0-9a-f]{16}\b", "RUN", text)

    def run(
        self,
        models: Any,
        out: str = "out",
        *,
        recent: int = -(10**19),
        until: int = 0,
        draws: int = -1,
        **how: Any,
    ) -> Iterator[str]:
        """Export, and yield all that is told and written."""
        progress: list[str] = []

        def note(each: filtviz.batch.Progress) -> None:
            done = each.finished and each.finished.place
            progress.append(f"{each.done}/{each.known}{f' {done}' if done else ''}")
            if len(progress) == until:
                raise KeyboardInterrupt

        left = [draws]

        def write(*given: Any) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            write_words(*given)

        options = ExportOptions(**how)
        try:
            with patch.object(workplace, "RECENT", recent), patch.object(jobs, "write_pages", write):
                result = filtviz.export(models, out, options, jobs=1, progress=note)
        except FiltvizError as error:
            yield f"  {type(error).__name__}: {self.cleaned(str(error))}"
            return
        except KeyboardInterrupt:
            yield f"  stopped after {progress}"
            yield from self.manifest(Path(out))
            yield from self.written(Path(out))
            return
        yield f"  {result!r} {result.complete} {len(result.pictures)} | {' '.join(progress)}"
        for each in (*result.models, *result.passed_over):
            facts = [each.status, each.drawn, each.kept, each.is_read, each.code, each.names_file]
            folder = each.folder.relative_to(self.folder).as_posix()
            yield self.cleaned(f"    {each.place} ({each.path}) in {folder}: {facts} {each.reason or ''}")
            yield from (f"      {note}" for note in each.notes)
        for failure in result.failures:
            yield self.cleaned(f"    failed: {failure.path} {failure.code} {failure.names_file}")
        yield from self.manifest(Path(out))
        yield from self.written(Path(out))

    def manifest(self, out: Path) -> Iterator[str]:
        told = json.loads((out / "manifest.json").read_bytes())
        assert told.pop("version") == __version__
        yield f"    manifest: {told['program']} {told['complete']} {len(told['options'])} options"
        for record in told["models"]:
            asked = self.asked.setdefault(record.pop("asked"), len(self.asked))
            files = [f"{name} {size > 0}" for name, size, *_ in record.pop("files")]
            yield self.cleaned(f"    noted: {list(record.values())} asked {asked} of {files}")
        for entry in told["pictures"]:
            digest = self.digests.setdefault(entry.pop("sha256"), len(self.digests))
            assert entry.pop("version") == __version__
            low, high = entry.pop("range") or (None, None)
            spread = None if low is None else f"{low:.3g} to {high:.3g}"
            yield f"    picture: {list(entry.values())} {spread} digest {digest}"

    def written(self, out: Path) -> Iterator[str]:
        for path in sorted(out.rglob("*")):
            if path.is_file() and path.name != "manifest.json" and not path.name.endswith(".npz"):
                words = path.read_bytes().removeprefix(b"\x89PNG\r\n\x1a\n").decode(errors="replace")
                mode = path.stat().st_mode & 0o777
                shown = "" if mode == 0o644 else f" {mode:o}"
                yield f"    {path.relative_to(out).as_posix()}: {words[:90]}{shown}"


@contextmanager
def runs() -> Iterator[Runs]:
    """A folder, in which one is."""
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(chdir(name))
        stack.enter_context(patch.object(jobs, "write_pages", write_words))
        stack.callback(os.umask, os.umask(0o022))
        yield Runs(Path(os.path.realpath(name)))


def options() -> Iterator[str]:
    """Yield what is drawn with options."""
    with runs() as at:
        model("a.npz", *SMALL)
        sheet = DrawingOptions(view="sheet", dpi=50)
        for name, how in (
            ("nothing", {}),
            ("a layer", {"layers": (1,)}),
            ("layers by name, one of them twice", {"layers": ("c1", 1, "c0")}),
            ("layers that are not there", {"layers": ("c7", 5, 0)}),
            ("channels", {"channels": ((1, 2),)}),
            ("a channel", {"channels": 0}),
            ("a PDF", {"format": "pdf"}),
            ("a sheet", {"drawing": sheet}),
            ("a sheet of channels", {"drawing": sheet, "channels": ((0, 0), (2, 2)), "layers": (1,)}),
            ("little work", {"budget": Budget(pixels=1)}),
            ("work for one", {"budget": Budget(pixels=400_000)}),
        ):
            yield f"== {name}"
            yield from at.run("a.npz", f"out of {name}", **how)


def models() -> Iterator[str]:
    """Yield what becomes of models of all kinds, and of what is none."""
    with runs() as at:
        model("zoo/a.npz", SMALL[0])
        model("zoo/deep/a.npz", SMALL[0], seed=1)
        model("zoo/deep/a.pth", SMALL[0], seed=2)
        (at.folder / "zoo" / "notes.txt").write_text("MIT License")
        (at.folder / "zoo" / "cut.pkl").write_bytes(b"\x80\x02}q\x00(U\x01a")
        model("dense.npz", W=np.ones((3, 4), "f4"))
        model("volumes.npz", W=np.ones((3, 4, 3, 3, 3), "f4"))
        model("both.npz", SMALL[0], V=np.ones((3, 4, 3, 3, 3), "f4"))
        model("odd.npz", (2, 1, 1, 1), (2, 1, 2, 2), zeros=np.zeros((2, 2, 3, 3), "f4"))
        bad = np.full((2, 1, 3, 3), np.nan, "f4")
        model("nan.npz", W=bad)
        for name, given in (
            ("a folder", "zoo"),
            ("a folder and a file in it", ["zoo/deep", "zoo/a.npz", "zoo"]),
            ("a file, twice", ["zoo/a.npz", at.folder / "zoo" / "a.npz"]),
            ("what is no model", ["zoo/notes.txt", "zoo/a.npz", "zoo/cut.pkl"]),
            ("nothing to draw", ["dense.npz", "volumes.npz", "both.npz"]),
            ("odd ones", ["odd.npz", "nan.npz"]),
            ("what is not there", ["gone.npz", "zoo/a.npz"]),
            ("no model", []),
            ("a network", filtviz.load("zoo/a.npz")),
        ):
            yield f"== {name}"
            yield from at.run(given, f"out of {name}")
        shutil.copytree(FIXTURES / "modern" / "sharded", "parts")
        for again in ("", " again"):
            yield f"== a model in several files{again}"
            yield from at.run("parts", "out of parts")
        shard = "parts/model-00001-of-00002.safetensors"
        index = "parts/model.safetensors.index.json"
        for given in (["parts", shard], [shard, "parts"], [index, shard]):
            yield f"== a part that is named: {given}"
            yield from at.run(given, f"out of {len(given[0])}", layers=(0,))
        for place in ("parts", index):
            planner = planning.Planner([Path(place)], at.folder, ExportOptions())
            named = len(planner.workplace.sources.names)
            for _ in planner.jobs():
                pass
            kept = sorted(Path(name).name for name in planner.workplace.sources.names)
            yield f"protected of {place}: {named}, then {kept}"
            for lock in list(planner.workplace._locks):
                planner.workplace.leave(lock)
        for again in ("", " again"):
            yield f"== results among models{again}"
            yield from at.run("zoo", "zoo")


def again() -> Iterator[str]:
    """Yield what runs keep of those before."""
    with runs() as at:
        model("a.npz", *SMALL)
        model("b.npz", SMALL[0], seed=1)
        model("dense.npz", W=np.ones((3, 4), "f4"))
        both = ["a.npz", "b.npz", "dense.npz"]

        def step(name: str, act: Callable[[], object] = lambda: None, given: Any = both, **how: Any) -> Any:
            act()
            yield f"== {name}"
            yield from at.run(given, **how)

        yield from step("first")
        yield from step("as it was")
        told = json.loads(Path("out/manifest.json").read_bytes())
        told["models"][0]["files"].append(["\ud800", 1, 2, 3])
        told["models"][1]["files"].append(["gone", 1, 2, 3])
        Path("out/manifest.json").write_text(json.dumps(told))
        yield from step("of files that are not there, one of a name that no system has")
        yield from step("what is so new that its times tell nothing", recent=10**19)
        yield from step("one is gone", lambda: Path("out/a/c0.png").unlink())
        yield from step("one is another", lambda: model("b.npz", SMALL[0], seed=2))
        kept = Path("out/a/c0.png").read_bytes()
        Path("out/a/c1-ch1.png").unlink()
        Path("out/a/c0.png").write_bytes(b"a stranger's")
        yield from step("one is gone, and a stranger's is in another's place", given=["a.npz"])
        Path("out/a/c0.png").write_bytes(kept)
        yield from step("another is added", lambda: model("c.npz", SMALL[0], seed=3), ["c.npz", "a.npz"])
        yield from step("all are drawn again", force=True, given=["a.npz"])
        yield from step("otherwise", drawing=DrawingOptions(dpi=50), given=["a.npz"])
        yield from step("otherwise, one layer", drawing=DrawingOptions(dpi=70), given=["a.npz"], layers=(0,))
        yield from step("one that failed", lambda: Path("b.npz").write_bytes(b"PK\x03\x04"))
        yield from step("one that fails no more", lambda: model("b.npz", SMALL[0], seed=2))
        Path("out/a/c0.png").write_bytes(b"no picture")
        yield from step("a stranger's file in its place", given=["a.npz"], force=True)
        Path("out/a/c0.png").unlink()
        Path("elsewhere").write_bytes(b"mine")
        Path("out/a/c0.png").symlink_to(Path("elsewhere").absolute())
        yield from step("a link in its place", given=["a.npz"])
        yield f"  {Path('elsewhere').read_bytes()!r} {Path('out/a/c0.png').is_symlink()}"
        Path("elsewhere").chmod(0o600)
        Path("out/a/c0.png").unlink()
        Path("out/a/c0.png").symlink_to(Path("elsewhere").absolute())
        Path("out/a/c1-ch1.png").chmod(0o640)
        yield from step(
            "a link in its place, drawn otherwise", given=["a.npz"], drawing=DrawingOptions(dpi=8)
        )
        yield from step("stopped", lambda: model("d.npz", *SMALL), ["d.npz", "b.npz"], until=1)
        yield from step("stopped again", given=["d.npz", "b.npz"], until=4)
        Path("out/d/c0.png").unlink()
        Path("out/d/c1-ch1.png").unlink()
        yield from step("stopped while it draws", given=["d.npz", "b.npz"], draws=1)
        yield from step("at its end", given=["d.npz", "b.npz"])
        Path("out/e").mkdir()
        first = announce_run(Path("out/e"), "first")
        yield from step(
            "another run draws it for the first time", lambda: model("e.npz", SMALL[0]), ["e.npz"]
        )
        first.release()
        other = announce_run(Path("out/a"), "other")
        yield from step(
            "another run draws otherwise", given=["a.npz", "b.npz"], drawing=DrawingOptions(dpi=9)
        )
        Path("out/a/c1-ch0.png").unlink()
        yield from step("another run is about to draw one", given=["b.npz"], drawing=DrawingOptions(dpi=9))
        other.release()
        yield from step("it has ended", given=["b.npz"], drawing=DrawingOptions(dpi=9))


def graphs() -> Iterator[str]:
    """Yield what is drawn of weights that get their graph elsewhere."""
    with runs() as at:
        rng = np.random.default_rng(0)
        for name in ("bare", "like", "other"):
            np.savez(f"{name}.npz", **{"x.W": rng.standard_normal((2, 1, 3, 3)), "x.b": np.zeros(2)})
        text = filtviz.architecture_template("bare.npz")
        for wrong, right in (("stride", "1"), ("pad", "1"), ("flip", "false"), ("activation", '"relu"')):
            text = text.replace(f'{wrong} = "?"', f"{wrong} = {right}")
        Path("text.toml").write_text(text)
        Path("text2.toml").write_text(text.replace("pad = 1", "pad = 0"))

        one = Hints(architecture="text.toml")

        def with_text(path: str) -> Network:
            return filtviz.load("bare.npz", architecture=path)

        for name, given, how in (
            ("a text", lambda: with_text("text.toml"), {}),
            ("the same", lambda: with_text("text.toml"), {}),
            ("another text", lambda: with_text("text2.toml"), {}),
            ("none", lambda: "bare.npz", {}),
            ("one of all", lambda: "bare.npz", {"hints": one}),
            ("its own and one of all", lambda: with_text("text2.toml"), {"hints": one}),
            ("two models", lambda: [with_text("text.toml"), "other.npz"], {}),
        ):  # fmt: skip
            yield f"== {name}"
            try:
                yield from at.run(given(), **how)
            except FiltvizError as error:
                yield f"  {error}"


def planned() -> Iterator[str]:
    """Yield jobs as they are handed out."""
    with runs() as at:
        model("a.npz", (2, 40, 3, 3), (3, 2, 3, 3))
        model("b.npz", SMALL[0], seed=1)
        Path("out").mkdir()
        for name, seconds, give_up in (
            ("usual", 0.0, None),
            ("read slowly", planning.SLOW, None),
            ("read too slowly", planning.SLOW + 0.01, None),
            ("given up", 0.0, 0),
            ("read as long as it is drawn", 42 / planning.TIMES_READ, None),
            ("read longer than it is drawn", 42 / planning.TIMES_READ + 0.01, None),
        ):
            shutil.rmtree("out")
            Path("out").mkdir()
            clock = iter([0.0, seconds] * 9)
            a_page = 1.0 if "drawn" in name else planning.SECONDS_A_PAGE
            with (
                patch.object(planning, "process_time", lambda c=clock: next(c)),
                patch.object(planning, "SECONDS_A_PAGE", a_page),
            ):
                plan = planning.Planner([Path("a.npz"), Path("b.npz")], Path("out"), ExportOptions())
                yield f"== {name}: {plan.places} {[str(each) for each in plan.models]}"
                for job in plan.jobs():
                    if isinstance(job, jobs.Done):
                        yield f"  done: {job.outcome}"
                        continue
                    files = [
                        (file.path.name, file.conv_index, len(file.channels), file.first, file.pages)
                        for file in job.files
                    ]
                    told = files if len(files) < 5 else [*files[:2], "…", *files[-2:]]
                    is_own = job.run_name == plan.workplace.run and job.sources is plan.workplace.sources
                    source = job.source.path.relative_to(at.folder)
                    yield f"  {job.model} {source} {job.suffix} {len(files)} {told} {is_own}"
                    if give_up is not None:
                        plan.give_up(give_up)
                plans = [(each.pages, each.kept, each.is_drawn_here) for each in plan.plans]
                yield f"  {plan.pages} {plans}"
            at_work = [len(plan.workplace._locks)]
            for n in (1, 0, 0):
                plan.close(n, "drawn", None, 1)
                at_work.append(len(plan.workplace._locks))
            yield f"  at work in {at_work}"
        for error in (OSError(13, "no"), FiltvizError("so"), UnknownFileError("odd", path=Path("a.npz"))):
            for given in ("a.npz", "."):
                with patch.object(planning, "load", side_effect=error):
                    plan = planning.Planner([Path(given)], Path("out"), ExportOptions())
                    list(plan.jobs())
                told = [(each.status, each.reason, each.failures) for each in plan.plans[:1]]
                yield f"== reading {plan.models[0]} of {given} fails: {told}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "options": options,
    "models": models,
    "again": again,
    "graphs": graphs,
    "planned": planned,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/exports.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
