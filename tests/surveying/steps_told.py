"""What a survey asks, takes, keeps and passes on at each of its steps, as lines of text.

``python -m tests.telling`` writes ``tests/told/surveys.txt`` anew.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from tests.building import conv, image

from filtviz import surveying
from filtviz.batch.jobs import FEW_JOBS
from filtviz.budget import Budget
from filtviz.errors import FiltvizError
from filtviz.network import ConvLayer, Layer, Network, Origin
from filtviz.operations import Dense, LocallyConnected
from filtviz.parameter import Parameter
from filtviz.reading import Hints
from filtviz.sources import Sources
from filtviz.surveying import columns, parquet, taking
from filtviz.surveying.parquet import MOST_FILES
from filtviz.surveying.taking import FileJob, FileRows

__all__ = ["PARTS", "all_lines"]


def said(act: Callable[[], Any], folder: Path | None = None) -> str:
    """What something gives, or the sentence that it ends with."""
    try:
        found = str(act())
    except FiltvizError as error:
        cause = error.__cause__
        found = f"{type(error).__name__}: {error}{f' ({type(cause).__name__})' if cause else ''}"
    return found if folder is None else found.replace(f"{folder}/", "").replace(str(folder), "HERE")


@contextmanager
def somewhere() -> Iterator[Path]:
    """A folder, in which one is."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        yield Path(os.path.realpath(name))


# ---- what is asked, and which files there are


def arguments() -> Iterator[str]:
    """Yield what is said of odd arguments."""
    for jobs in (None, 1, 2, 0, -1, True, 1.0, "2"):
        yield f"jobs {jobs!r}: {said(lambda j=jobs: surveying._check(j, None, None))}"
    for cluster in (None, "tcp://host:8786", "://", "host:8786", "", 3):
        yield f"cluster {cluster!r}: {said(lambda c=cluster: surveying._check(None, c, None))}"
    for progress in (None, print, 3):
        told = said(lambda p=progress: surveying._check(None, None, p))
        yield f"progress {type(progress).__name__}: {told}"
    for hints in (None, Hints(), Hints(like="a"), Hints(architecture="b"), Hints(weights="ema")):
        yield f"graphs: {[str(path) for path in surveying._told_graph(hints)]}"


def jobs_of() -> Iterator[str]:
    """Yield the jobs of files and folders that are given."""
    with somewhere() as folder:
        (folder / "zoo" / "deep").mkdir(parents=True)
        (folder / "out").mkdir()
        for place in ("zoo/b.npz", "zoo/a.npz", "zoo/deep/c.txt", "out/d.npz", "e.npz"):
            Path(place).write_bytes(place.encode())
            os.utime(place, ns=(5, 10**9 + len(place)))
        Path("link").symlink_to("e.npz")
        Path("zoo/link").symlink_to("b.npz")
        for given in (
            ["zoo"], ["e.npz", "zoo"], ["e.npz", "link"], ["link", "e.npz"], ["zoo/a.npz", "zoo"], ["out"],
            ["."], ["zoo", "gone"], [], ["zoo/deep", "zoo/deep/c.txt"],
        ):  # fmt: skip
            options: dict[str, Any] = {"limits": 1, "hints": 2, "budget": 3}
            try:
                found = list(surveying._jobs(list(map(Path, given)), folder / "out", options))
            except FiltvizError as error:
                yield f"jobs of {given}: {error} {getattr(error, 'path', None)}"
                continue
            yield f"jobs of {given}:"
            for job in found:
                facts = (job.size, job.changed, job.is_found, job.limits, job.hints, job.budget)
                yield f"  {job.file} {job.path.is_absolute()} {job.path.name} {facts}"


def pages() -> Iterator[str]:
    """Yield over which files a page is written."""
    mark = surveying._GENERATOR
    with somewhere() as folder:
        Path("target").write_bytes(b"mine")
        contents = {
            "nothing": None,
            "an empty file": b"",
            "a page": b"<html>" + mark + b'0">',
            "a page whose mark is late": b" " * (surveying._HEAD - len(mark)) + mark,
            "a page whose mark is too late": b" " * (surveying._HEAD - len(mark) + 1) + mark,
            "another page": b"<html>",
        }
        for name, content in contents.items():
            Path("survey.html").unlink(missing_ok=True)
            if content is not None:
                Path("survey.html").write_bytes(content)
            own = Sources().including(Path("survey.html"))
            for sources in (Sources(), own) if content == b"" else (Sources(),):
                told = said(lambda s=sources: surveying._refuse_another_page(Path("survey.html"), s), folder)
                yield f"page over {name}: {told}"
        Path("survey.html").unlink()
        Path("survey.html").symlink_to("target")
        yield f"page over a link: {surveying._refuse_another_page(Path('survey.html'), Sources())}"
        Path("survey.html").unlink()
        Path("survey.html").mkdir()
        yield (
            "page over a folder: "
            f"{said(lambda: surveying._refuse_another_page(Path('survey.html'), Sources()), folder)}"
        )


# ---- what an earlier run has left, and what this one gathers


def row(**facts: Any) -> dict[str, Any]:
    """A row of the table of files."""
    usual = {
        "file": "a",
        "size": 1,
        "changed": 2,
        "status": "read",
        "code": None,
        "reason": None,
        "parts": [],
    }
    return {**usual, **facts}


def known() -> Iterator[str]:
    """Yield which rows of an earlier run hold."""
    now = {"a": (1, 2), "b": (3, 4)}
    failed = {"status": "failed", "code": "why", "reason": "so"}
    for rows in (
        [row()], [row(), row()], [row(size=2)], [row(changed=3)], [row(file="z")], [row(file="z", size=9)],
        [row(**failed)], [row(**{**failed, "code": "worker-ended"})], [row(status="no-filters")],
        [row(status="failed")], [row(parts=["p", "q"]), row(file="b", size=3, changed=4)],
        [row(size=9), row()], [row(file="z", parts=["p"])], [row(file="z", **failed)],
        [row(file="z", code="worker-ended")],
    ):  # fmt: skip
        held = surveying._Known()
        taken = [held.take(each, now) for each in rows]
        parts = sorted(Path(part).name for part in held.parts)
        told = [{name: value for name, value in each.items() if row()[name] != value} for each in rows]
        yield f"known {told}: {taken} {sorted(held.done)} {parts} {held.failures} {held.models}"
    for read in ("measured", "kept"):
        for status in ("read", "failed", "no-filters"):
            for code in (None, "", "c"):
                found = surveying.SurveyedModel.of(row(status=status, code=code, reason=code), read)
                yield f"model {status} {code!r}: {found}"


class Store:
    """What is added to a store."""

    def __init__(self) -> None:
        self.added: list[str] = []

    def add(self, rows: list[FileRows], sources: Sources) -> None:
        names = [str(each.file["file"]) for each in rows]
        told = names if len(names) < 5 else f"{len(names)}, last {names[-1]}"
        self.added.append(f"{told} {len(sources.names)}")


def gathered() -> Iterator[str]:
    """Yield when rows are written, and what is counted of them."""
    most = surveying.MOST_FILTERS

    def rows(name: str, n: int = 0, layers: int = 0, **facts: Any) -> FileRows:
        filters, convs = {"filter": range(n)}, {"conv": range(layers)}
        return FileRows(file=row(file=name, **facts), layers=convs, filters=filters)  # type: ignore[arg-type]

    failed = {"status": "failed", "code": "why", "reason": "so"}
    for name, taken in (
        ("few filters", [rows("a", most - 1, 2), rows("b", 0, 1)]),
        ("as many as fit", [rows("a", most, 3)]),
        ("many in all", [rows("a", most - 1), rows("b", 1), rows("c", most - 1), rows("d")]),
        ("no model", [rows("a", status="no-model"), rows("b", 1, 1)]),
        ("a part", [rows("a", 1, 1, parts=["b", "c"]), rows("b", 7, 7), rows("d")]),
        ("a part that came first", [rows("b"), rows("a", parts=["b"])]),
        ("failures", [rows("a", **failed), rows("b", status="no-filters")]),
        ("a known part", [rows("known", 5, 5)]),
        ("a named part", [rows("named", 5, 5)]),
        ("nothing", []),
        ("many files", [rows(str(i)) for i in range(7)]),
    ):
        store = Store()
        parts, named = (
            {os.path.realpath(name) for name in names} for names in ({"known", "named"}, {"named"})
        )
        with patch.object(time, "monotonic", lambda: 0.0), patch.object(surveying, "MOST_FILES", 6):
            writing = surveying._Writing(store, Sources(), parts, named)  # type: ignore[arg-type]
            for each in taken:
                writing.take(each)
            before = list(store.added)
            writing.flush()
            writing.flush()
        counts = (writing.files, writing.passed_over, writing.layers, writing.filters)
        models = Counter(each.status for each in writing.models)
        yield f"gathered {name}: {before} then {store.added[len(before) :]} {counts} {dict(models)} " + str(
            writing.failures
        )
    store, clock = Store(), [0.0]
    with patch.object(time, "monotonic", lambda: clock[0]):
        writing = surveying._Writing(store, Sources(), set(), set())  # type: ignore[arg-type]
        for seconds in (0, 10, surveying.MOST_SECONDS, surveying.MOST_SECONDS + 1, 32, 61, 61.5, 99):
            clock[0] = seconds
            writing.take(rows(f"at {seconds}"))
    yield f"gathered as time goes: {store.added}"


# ---- who does the work


@dataclass(frozen=True)
class Job:
    """A job in place of a file's: it is lost as often as it says."""

    name: str
    lost_in: tuple[int, ...] = ()

    def run(self) -> FileRows:
        return FileRows(file={"file": self.name, "code": None})

    def lost(self, reason: str) -> FileRows:
        return FileRows(file={"file": self.name, "code": "worker-ended", "reason": reason})


def outcomes() -> Iterator[str]:
    """Yield who is asked to do jobs, and which are tried once more by themselves."""
    asked: list[str] = []

    def done(name: str) -> Callable[..., Iterator[FileRows]]:
        def run(jobs: Any, **how: Any) -> Iterator[FileRows]:
            held = list(jobs)
            client = how.pop("client", None)
            asked.append(f"{name} {[job.name for job in held]} {client or ''}{how or ''}")
            for job in held:
                turn = sum(job.name in each for each in asked) - 1
                yield job.lost("it ended") if turn in job.lost_in else job.run()

        return run

    with ExitStack() as stack:
        for name in ("run_jobs", "run_apart", "_run_on_cluster"):
            stack.enter_context(patch.object(surveying, name, done(name)))
        plain = [Job("a"), Job("b", (0,)), Job("c"), Job("d", (0, 1))]
        for client in (None, "CLIENT"):
            for jobs in ([], plain[:1], plain, plain[3:]):
                asked.clear()
                found = [
                    f"{rows.file['file']} {rows.file['code']}"
                    for rows in surveying._outcomes(jobs, 3, client)  # type: ignore[arg-type]
                ]
                yield f"outcomes of {[job.name for job in jobs]} for {client}: {found} {asked}"
    yield from _processes()


def _processes() -> Iterator[str]:
    """Yield how many processes are asked for where none can be started, and all is done here."""
    asked: list[Any] = []

    def refuse(*_: Any, **__: Any) -> None:
        asked.append(1)
        raise BlockingIOError(11, "no more processes")

    class Ends(Job):
        def run(self) -> FileRows:
            return super().lost("it ended") if not asked else super().run()

    with patch.object(subprocess, "Popen", refuse):
        for n in (1, 2):
            for jobs in ([Job("a")], [Ends("b")], [Job(str(i)) for i in range(FEW_JOBS + 1)]):
                asked.clear()
                found = [rows.file["code"] for rows in surveying._outcomes(jobs, n, None)]  # type: ignore[arg-type]
                yield f"{len(jobs)} jobs, {n} at most: {found}, {len(asked)} processes asked for"


class Client:
    """A cluster of so many threads."""

    def __init__(self, threads: dict[str, int], fails: dict[str, Exception]) -> None:
        self.threads, self.fails = threads, fails
        self.told: list[str] = []
        self.under_way = self.most = 0

    def nthreads(self) -> dict[str, int]:
        return self.threads

    def submit(self, function: Any, job: Job, **how: Any) -> Any:
        self.told.append(f"{function.__qualname__} {how}")
        self.under_way += 1
        self.most = max(self.most, self.under_way)

        def result() -> FileRows:
            self.under_way -= 1
            if job.name in self.fails:
                raise self.fails[job.name]
            return job.run()

        return SimpleNamespace(result=result, name=job.name)

    def cancel(self, futures: list[Any]) -> None:
        self.told.append(f"cancelled {[each.name for each in futures]}")


def clusters() -> Iterator[str]:
    """Yield how a cluster is used."""
    killed = type("KilledWorker", (Exception,), {})
    for threads in ({}, {"a": 1}, {"a": 2, "b": 1}):
        for fails in ({}, {"2": killed("x")}, {"2": ValueError("broken")}):
            client = Client(threads, fails)
            jobs = [Job(str(n)) for n in range(12)]
            found, names = [], []
            try:
                for rows in surveying._run_on_cluster(jobs, client):  # type: ignore[arg-type]
                    found.append(rows.file["code"] or "done")
                    names.append(rows.file["file"])
                    reason = rows.file.get("reason")
                    if reason:
                        found.append(reason)
            except ValueError as error:
                found.append(repr(error))
            in_order = names == [str(n) for n in range(len(names))]
            told = dict(Counter(client.told))
            yield f"cluster of {threads}, {fails}: {dict(Counter(found))} {in_order} {client.most} {told}"
    client = Client({"a": 1}, {})
    run = surveying._run_on_cluster((Job(str(n)) for n in itertools.count()), client)  # type: ignore[arg-type]
    next(run)
    run.close()
    yield f"cluster that is left: {client.told[-1]}"
    yield from _connected()


def _connected() -> Iterator[str]:
    class Remote:
        closed = False

        def __init__(self, address: str, timeout: float) -> None:
            self.told = f"{address} {timeout}"
            if "gone" in address:
                raise OSError("timed out")
            if "odd" in address:
                raise ValueError("no such protocol")

        def __enter__(self) -> Remote:
            return self

        def __exit__(self, *_: object) -> None:
            self.closed = True

    module: Any = ModuleType("distributed")
    module.Client = Remote

    def connected(address: str | None) -> str:
        with surveying._cluster(address) as client:
            told = None if client is None else f"{client.told} {client.closed}"
        return f"{told} {client and client.closed}"

    for held in (module, None):
        with patch.dict(sys.modules, {"distributed": held}):
            for address in (None, "tcp://here:1", "tcp://gone:1", "odd://x"):
                there = "with" if held else "without"
                yield f"{there} Dask, {address}: {said(lambda a=address: connected(a))}"


# ---- the rows of a file


def made() -> Iterator[tuple[str, Network]]:
    """Yield small networks."""
    rng = np.random.default_rng(0)

    def kernels(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype("f4")

    plain = conv(kernels(4, 3, 3, 3), np.zeros(4, "f4"), name="first", below=0)
    odd = kernels(5, 4, 3, 3)
    odd[1] = 0
    odd[2, 0, 0, 0] = np.nan
    odd[4] = odd[3]
    path = Path("/models/run/net-3.npz")
    told = Origin(
        path=path, kind="a network\n", framework="Own", producer="by \x1b", siblings=(
            path.parent / "w.bin", path.parent / "more" / "v.bin"
        ),
    )  # fmt: skip
    yield (
        "odd",
        Network.of(
            [
                image(3, 8, 8),
                plain,
                conv(odd, None, name="sec\nond\ud800é", type="Conv\x1b\ud800", below=1),
                conv(kernels(2, 5, 1, 1), below=2),
            ],
            told,
        ),
    )
    yield "volumes", Network.of([conv(kernels(3, 2, 3, 3, 3), axes="oidrc")])
    yield "curves", Network.of([conv(kernels(3, 2, 5), axes="oir")], Origin(epoch=4))
    own = LocallyConnected(weights=Parameter.of("W", np.zeros((2, 1, 3, 3, 2, 2), "f4")), axes="oircyx")
    local = ConvLayer(operations=(own,), type="Local", name="local")
    yield "groups", Network.of([conv(kernels(4, 1, 3, 3), axes="oirc"), ungrouped(), local])
    yield "no filters", Network.of([image(3, 8, 8), dense()], Origin(path=path, framework="", producer=""))


def ungrouped() -> ConvLayer:
    """A convolution of which only the weights are known."""
    return ConvLayer.of(np.ones((2, 2, 3, 3), "f8"), type="Own", name="bare")


def dense() -> Layer:
    weights = Parameter.of("W", np.ones((2, 3), "f4"))
    return Layer(type="Dense", operations=(Dense(weights=weights),), parameters=(weights,))


def cell(value: Any) -> str:
    """A value as the tables tell it, to a few digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list) and value and isinstance(value[0], float):
        return f"[{' '.join(f'{each + 0.0:.3g}' for each in value[:9])}{' …' if len(value) > 9 else ''}]"
    return ascii(value)


def taken() -> Iterator[str]:
    """Yield the rows of files, and of their layers and filters."""
    with somewhere():
        Path("run").mkdir()
        Path("run/net-3.npz").write_bytes(b"bytes")
        job = FileJob(
            path=Path("run/net-3.npz").absolute(), file="run/net-3.npz", size=5, changed=7, is_found=True,
            limits=None, hints=None, budget=None,
        )  # fmt: skip
        for name, network in sorted(made(), key=lambda each: each[0] == "odd"):
            with (
                patch.object(taking, "load", lambda *_, n=network, **__: n),
                patch.object(taking, "_digest", lambda paths: " ".join(Path(path).name for path in paths)),
            ):
                rows = job.run()
            yield f"== {name}: {rows.status} {rows.n_filters}"
            for key, value in rows.file.items():
                if value is not None and not key.startswith("seconds"):
                    yield f"  {key}: {cell(value)}"
            timed = [rows.file[f"seconds_{what}"] for what in ("reading", "measuring")]
            yield f"  timed: {all(isinstance(each, float) and 0 <= each < 60 for each in timed)}"
            for table in (rows.layers, rows.filters):
                for key, values in table.items():
                    if any(value is not None for value in values):
                        yield f"    {key}: {' | '.join(map(cell, values))}"
        with patch.object(taking, "load", lambda *_, **__: network), patch.object(taking, "_digest", str):
            poor = replace(job, budget=Budget(work=1)).run()
        yield f"too much: {poor.status} {poor.file['left_out']} {poor.layers['reason']} {poor.n_filters}"
    beside = Network.of([], Origin(path=Path("/a/b/c"), siblings=(Path("/a/b/d"), Path("/a/e"))))
    yield f"beside: {list(taking._beside(beside))} {list(taking._beside(Network.of([])))}"
    lost = job.lost("it ended")
    yield f"lost: { {key: value for key, value in lost.file.items() if value is not None} }"


def moments() -> Iterator[str]:
    """Yield what is summed of kernels, whatever is in them."""
    rng = np.random.default_rng(1)
    kernels = rng.normal(size=(3, 2, 3, 3))
    strange = kernels.copy()
    strange[0, 0] = 0
    strange[1, 0, 0, 0] = np.inf
    strange[1, 1, 2, 2] = np.nan
    for name, each in (
        ("usual", kernels), ("strange", strange), ("zeros", np.zeros((2, 1, 3, 3))),
        ("large", kernels * 1e300),
        ("small", kernels * 1e-310), ("five", rng.normal(size=(2, 1, 5, 5))), ("long", kernels[..., :1]),
    ):  # fmt: skip
        for at_once in (1, 2, 6, 1 << 16):
            with patch.object(taking, "_BEFORE_MOMENTS", at_once):
                found = taking._moments(conv(each))
            yield f"moments of {name}: { ({key: cell(value) for key, value in found.items()}) }"


# ---- the tables on disk


def rows_for(name: str, n: int = 0, **facts: Any) -> FileRows:
    """The rows of a file of one layer, which has so many filters."""
    job = FileJob(
        path=Path(name), file=name, size=5, changed=7, is_found=True, limits=None, hints=None, budget=None
    )
    head = {"file": name, "conv": 0, "layer": "one"}
    layer = {**head, "kernels": n, "kernel_sum": [0.5] * 9, "kernel_products": [1.5] * 81}
    filters = ({**head, "filter": i} for i in range(n))
    return FileRows(
        file=job._row(**{"status": "read", **facts}),
        layers=taking._by_columns(iter([layer]), columns.LAYERS),
        filters=taking._by_columns(filters, columns.FILTERS),
    )


def stores() -> Iterator[str]:
    """Yield what is on disk as parts are added, dropped and read."""
    with somewhere() as folder:
        store = parquet.TableStore(folder, "these")

        def told() -> str:
            found = []
            for path in sorted(folder.rglob("*.parquet")):
                if path.is_file():
                    groups = store._arrow.parquet.ParquetFile(path).metadata
                    mode = path.stat().st_mode & 0o777
                    held = list(map(groups.row_group, range(groups.num_row_groups)))
                    sizes = [group.num_rows for group in held]
                    assert {group.column(0).compression for group in held} == {"ZSTD"}
                    name = path.relative_to(folder).as_posix().replace(".parquet", "")
                    found.append(f"{name} {mode:o} {sizes}")
            return f"{store.parts()} {found}"

        def do(name: str, act: Callable[[], Any]) -> str:
            return f"{name}: {said(act, folder)}; {told()}"

        lists = store._arrow.types.is_list
        for table, schema in store._schemas.items():
            kinds = [f"[{each.value_type}]" if lists(each) else str(each) for each in schema.types]
            yield f"kinds of {table}: {' '.join(kinds)}"
        none = Sources()
        mask = os.umask(0o022)
        try:
            yield do("two files", lambda: store.add([rows_for("a", 3), rows_for("b", 2)], none))
            yield do("another", lambda: store.add([rows_for("c", 1, code="x", reason="y")], none))
            for name, mode in (("files", 0o640), ("layers", 0o604), ("filters", 0o600)):
                store.part(name, 0).chmod(mode)
            yield do("one dropped", lambda: store.drop(0, {"a", "nobody"}, none))
            with patch.object(parquet, "_TEXTS_AT_ONCE", 1):
                store.add([rows_for("d", 1), rows_for("e", 3)], none)
                yield do("one dropped, with long texts", lambda: store.drop(3, {"d"}, none))
            with patch.object(parquet, "_TEXTS_AT_ONCE", 11):
                store.add([rows_for(name * 5, 1) for name in "fghij"], none)
                yield do("of five one dropped, two at once", lambda: store.drop(5, {"hhhhh"}, none))
            store.part("layers", 2).chmod(0o660)
            yield do("all dropped", lambda: store.drop(2, {"b"}, none))
            yield do("what comes in its place", lambda: store.add([rows_for("b", 4)], none))
            yield do("no filters", lambda: store.add([rows_for("n")], none))
            for table, names in (
                ("files", ["file", "parts"]),
                ("filters", ["file", "filter"]),
                ("layers", []),
            ):
                yield f"read {table}: {said(lambda t=table, c=names: parquet.rows_of(store.read(t, 1, c)))}"
            for part in parquet.batches(store, "filters", ["file"]):
                yield f"a part of {part.num_rows}: {parquet.values_of(part['file'])}"
            store.part("files", 1).unlink()
            yield do("without files it counts for nothing", lambda: parquet.TableStore(folder, "these")._next)
            yield do("put in order", lambda: store.tidy(none))
            other = parquet.TableStore(folder, "others")
            yield do("with other options", lambda: other.read("files", other.parts()[0]))
            for length in (2 * parquet.LONGEST, 2 * parquet.LONGEST + 1):
                store.add([rows_for("k", code="x", reason="y" * length)], none)
                number = store.parts()[-1]
                for names in (None, ["reason"], ["file"]):
                    told_ = said(lambda n=number, c=names: store.read("files", n, c).num_rows, folder)
                    yield f"a text of {length}, {names}: {told_}"
        finally:
            os.umask(mask)
        yield from sizes(store)


def sizes(store: parquet.TableStore) -> Iterator[str]:
    """Yield what a part may ask for, at the ends."""

    def asked(table: str, rows: int, groups: list[tuple[int, list[int]]], size: int) -> str:
        held = [
            SimpleNamespace(
                total_byte_size=inflated,
                num_columns=len(values),
                column=lambda place, own=values: SimpleNamespace(num_values=own[place]),
            )
            for inflated, values in groups
        ]
        facts = SimpleNamespace(num_rows=rows, num_row_groups=len(held), row_group=lambda place: held[place])
        try:
            store._check_size(table, 0, SimpleNamespace(metadata=facts), size)  # type: ignore[arg-type]
        except ValueError as error:
            return str(error)
        return "fine"

    few, most = parquet.FEW_BYTES, parquet.FEW_VALUES
    large = few // parquet.RATIO
    many = most // parquet.VALUES_A_BYTE
    for table, rows, groups, size in (
        ("files", MOST_FILES, [], 1),
        ("files", MOST_FILES + 1, [], 1),
        ("layers", MOST_FILES + 1, [], 1),
        ("layers", 1, [(few, [1])], 1),
        ("layers", 1, [(few + 1, [1])], 1),
        ("layers", 1, [(few, [1]), (1, [1])], 1),
        ("layers", 1, [(few + parquet.RATIO, [1])], large + 1),
        ("layers", 1, [(few + parquet.RATIO + 1, [1])], large + 1),
        ("filters", most, [], 1),
        ("filters", most + 1, [], 1),
        ("filters", 1, [(1, [most - 1, 1])], 1),
        ("filters", 1, [(1, [most - 1, 1]), (1, [1])], 1),
        ("filters", 1, [(1, [most + parquet.VALUES_A_BYTE])], many + 1),
        ("filters", 1, [(1, [most + parquet.VALUES_A_BYTE + 1])], many + 1),
    ):
        store._asked = {name: {} for name in store._asked}
        yield f"asked of {table}: {rows} rows, {groups}, {size} bytes: {asked(table, rows, groups, size)}"
    store._asked = {name: {} for name in store._asked}
    store._asked["filters"] = {7: (most, 1)}
    store._asked["layers"] = {0: (1, 1)}
    for table in ("filters", "layers"):
        yield f"asked of {table}, beside others: {asked(table, 1, [(1, [1])], 1)}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "arguments": arguments,
    "jobs": jobs_of,
    "pages": pages,
    "known": known,
    "gathered": gathered,
    "outcomes": outcomes,
    "clusters": clusters,
    "taken": taken,
    "stores": stores,
    "moments": lambda: iter(dict.fromkeys(moments())),
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/surveys.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
