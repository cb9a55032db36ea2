"""What becomes of single files in a survey, and what is summed up of the largest numbers, as lines of text.

``python -m tests.telling`` writes ``tests/told/survey_files.txt`` anew.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
from tests.building import conv
from tests.surveying.parts_told import NONE, short
from tests.surveying.steps_told import rows_for, said, somewhere
from tests.surveying.summed_told import few

from filtviz import surveying
from filtviz.budget import Budget
from filtviz.errors import BudgetError, FileAccessError, FiltvizError, MalformedFileError, RunningError
from filtviz.network import Network, Origin
from filtviz.surveying import page, parquet, summing, taking
from filtviz.surveying.columns import column_of_measure
from filtviz.surveying.taking import FileJob

__all__ = ["PARTS", "TABLES", "all_lines"]


def taken() -> Iterator[str]:
    """Yield what becomes of files that fail, and what a file tells of its run."""
    path = Path("/models/m.npz")

    def fails(error: BaseException, **facts: Any) -> str:
        usual: dict[str, Any] = {
            "path": path, "file": "m\x1b.npz", "size": 5, "changed": 7, "is_found": True, "limits": None,
            "hints": None, "budget": None,
        }  # fmt: skip

        def load(*_: Any, **__: Any) -> Any:
            raise error

        with patch.object(taking, "load", load):
            found = FileJob(**(usual | facts)).run()
        return str({name: value for name, value in found.file.items() if value is not None})

    own, other = (MalformedFileError(f"{name}: it is cut", path=name) for name in (path, Path("o")))
    own.sentence = other.sentence = "it is cut"
    for error in (
        own, other,
        FiltvizError("it is so\nand so"), MemoryError(), FileAccessError("it is gone"),
        RunningError("it cannot be run"), too_much(),
    ):  # fmt: skip
        for is_found in (True, False):
            yield f"{type(error).__name__}, found {is_found}: {fails(error, is_found=is_found)}"
    for length in (200, 201):
        yield short(f"a name of {length}: {fails(MemoryError(), file='x' * length)}")
    for name in ("m.npz", "net-3.npz", "net_003.npz", "7.npz", "a/net-3.npz", "epoch3/net.npz", "net.3.npz"):
        for epoch in (None, 0, 9):
            network = Network.of(
                [conv(np.ones((2, 1, 3, 3)))], Origin(epoch=epoch, framework="F", producer="")
            )
            measured: Any = SimpleNamespace(training=("t",), left_out=("l\x1b",))
            found = taking._facts(network, measured, Path(name))
            shown = {key: found[key] for key in ("run", "epoch")}
            rest = {key: value for key, value in found.items() if key not in shown}
            yield f"{name} of {epoch}: {shown} {rest if name == 'm.npz' else ''}"
    with somewhere(), patch.object(taking, "_CHUNK", 2):
        Path("a").write_bytes(b"one")
        Path("d").mkdir()
        for paths in (["a"], ["a", "a"], ["d", "a"], ["d"], ["a", "go\x1bne"], ["a/b"]):
            yield f"digest of {paths}: {said(lambda p=paths: taking._digest(list(map(Path, p))))[:70]}"
    for rows in ([], [{"b": 1}], [{"a": 1}, {"b": 2, "c": 3}]):
        some: Any = [SimpleNamespace(name=name) for name in "ab"]
        yield f"columns of {rows}: {taking._by_columns(iter(rows), some)}"


def too_much() -> BudgetError:
    try:
        Budget(work=1).account().spend("work", 10**12, "it")
    except BudgetError as error:
        return error
    raise AssertionError


def timed() -> Iterator[str]:
    """Yield how long reading and measuring are said to take, and with which limits a file is read."""
    read: list[Any] = []
    really = taking.load

    def load(path: Path, **how: Any) -> Network:
        read.append((path.name, how))
        return really(path)

    def measure(_: Network, account: Any) -> Any:
        read.append(f"{account.left['work']:.1e}")
        return SimpleNamespace(layers=(), unjudged=(), training=(), left_out=())

    with somewhere():
        np.savez("m.npz", w=np.ones((2, 1, 2, 2), "f4"))
        for budget in (Budget(work=10**9), None):
            clock = iter((1000.0, 1003.0, 1010.0))
            job = FileJob(
                path=Path("m.npz").absolute(), file="m.npz", size=5, changed=7, is_found=True, budget=budget,
                limits="limits", hints="hints",  # type: ignore[arg-type]
            )  # fmt: skip
            with (
                patch.multiple(taking, load=load, measure=measure),
                patch.object(time, "process_time", lambda c=clock: next(c)),
            ):
                rows = job.run()
            times = [rows.file[f"seconds_{name}"] for name in ("reading", "measuring")]
            yield f"timed: {times} {read} {rows.status}"
            read.clear()


def extremes() -> Iterator[str]:
    """Yield what is summed up of numbers near the largest there are, of which nothing warns."""
    column = column_of_measure(summing.MEASURED[0])
    largest = float(np.finfo(float).max)
    for name, values in (
        ("of all sizes", [largest / 7 * n for n in range(-7, 8, 2)]),
        ("alike", [1e20] * 8), ("both ends", [-largest, largest] * 4),
    ):  # fmt: skip
        with somewhere() as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            store = parquet.TableStore(folder, "these")
            rows = [rows_for(f"f{n}", 1, parameters=n or None) for n in range(8)]
            for each, value in zip(rows, values, strict=True):
                each.layers.update({column: [value], "filters": [3], "depth": [0.5], "verdict": ["initial"]})
            failed = rows_for("bad", status="failed", code="c", reason="bad: it fails")
            store.add([*rows[:5], failed], NONE)
            store.add(rows[5:], NONE)
            found = summing.sum_up(store)
            text = page.render_survey(found)
        stands = [(one.file, few([one.value, one.z])) for one in found.standouts]
        axes = [few([each.low, each.high]) for each in found.distributions]
        counts = (dict(found.statuses), found.parameters, found.layers, found.filters, found.n_histories)
        yield f"{name}: {counts} {stands} {axes} {found.failures}"
        places = [
            [f"{at:.1f}" for at in page.box(group, each).values()]
            for each in found.distributions
            for group in each.groups["depth"]
        ]
        yield f"  boxes {places} {'nan' in text}"
    for low, high in ((0.0, 2.0), (1e20, 1e20), (-largest, largest), (0.0, 5e-324)):
        told = [f"{page._part(value, low, high):.4g}" for value in (low, high, 1.0, -largest, largest)]
        yield f"part of the way from {low:.3g} to {high:.3g}: {told}"
    ramp = np.arange(-4.0, 5).reshape(3, 3)
    basis = np.array([0 * ramp, ramp, ramp / 9])
    for tile in page.tiles(summing.KernelComponents("some", 3, basis, np.array([0.5, 0.25, 0]))):
        yield f"tile {tile['number']} {tile['share']}: {[one['fill'] for one in tile['squares']]}"


def beside() -> Iterator[str]:
    """Yield which files beside the parts of a table are parts, too."""
    with somewhere() as folder:
        store = parquet.TableStore(folder, "these")
        for name in (
            "part-7", "part-0000008", ".part-000009", "a-part-000010", "Part-000011", "part-000012.old",
            "part-000013.parquet", "part-00001x", "part-000002",
        ):  # fmt: skip
            store.path("files").joinpath(f"{name}.parquet").touch()
            yield f"beside {name}: {store.parts()} {parquet.TableStore(folder, 'these')._next}"
        arrow = parquet.arrow()
        for metadata in (
            None,
            {"pandas": "{}"},
            {parquet._OPTIONS_KEY: "these"},
            {parquet._VERSION_KEY: "0"},
        ):
            table = arrow.table({"a": [1]}).replace_schema_metadata(metadata)
            arrow.parquet.write_table(table, store.part("layers", 4))
            told = said(lambda: store.tidy(NONE), folder)
            following = parquet.TableStore(folder, "these")._next
            yield f"left of {metadata}: {told} {store.part('layers', 4).exists()}, then {following}"
        for values in (([[1.0]], [[2.0**63]]), ([[2.0**63]], [[1.0]]), ([[1.0]], [[1.0]])):
            column = arrow.chunked_array([arrow.array(each) for each in values])
            yield f"sums in two pieces {values}: {parquet._all_of(arrow.compute, column, 1)}"
    with somewhere():
        Path("zoo").mkdir()
        for name in ("zoo/a.npz", "zoo/b.npz"):
            np.savez(name, w=np.ones((2, 1, 2, 2), "f4"))
        Path("link.npz").symlink_to("zoo/a.npz")
        made = Mock(side_effect=KeyboardInterrupt)
        for given in (["link.npz"], ["zoo"], ["zoo", "link.npz"], ["zoo/b.npz", "zoo"]):
            with suppress(KeyboardInterrupt), patch.object(surveying, "_Writing", made):
                surveying.survey(given, "out", jobs=1)
            yield f"named of {given}: {sorted(Path(one).name for one in made.call_args.args[3])}"
        Path("zoo/a.npz").rename("a\x1b.npz")
        for _ in range(2):
            found = surveying.survey("a\x1b.npz", "of odd names", jobs=1)
            yield f"of odd names: {found.measured}, {found.kept} kept, {found.complete} {found.models}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "taken": taken,
    "timed": timed,
    "extremes": extremes,
    "beside": beside,
}

TABLES = ("extremes", "beside")


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/survey_files.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
