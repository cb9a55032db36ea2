"""The parts of a survey one by one, of facts that vary one at a time, as lines of text.

``python -m tests.telling`` writes ``tests/told/survey_parts.txt`` anew.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
from tests.surveying.steps_told import rows_for, said, somewhere
from tests.surveying.summed_told import components, few, layers_of

from filtviz import surveying
from filtviz.budget import Budget
from filtviz.errors import FiltvizError, OutputError
from filtviz.files import PART_SUFFIX
from filtviz.reading import Hints, Limits
from filtviz.sources import Sources
from filtviz.surveying import page, parquet, summing
from filtviz.surveying.columns import column_of_measure

__all__ = ["PARTS", "all_lines"]

NONE = Sources()


# ---- the tables


def short(text: str) -> str:
    """A sentence in which a long name is short."""
    return re.sub(r"x{30,}", "x…x", text)


def strangers() -> Iterator[str]:
    """Yield which parts are those of this survey, and what is left where one is not."""
    with somewhere() as folder:
        for length in (200, 201):
            name = "x" * (length - len("/files.parquet"))
            top = Path(name)
            store = parquet.TableStore(top, "these")
            version, options = parquet._VERSION_KEY, parquet._OPTIONS_KEY
            stamp = store._stamp
            for metadata in (
                {}, {options: b"these"}, {version: b"0 of 0"}, {version: b"0 of 0", options: b"these"},
                {version: stamp}, {version: stamp, options: b""}, {version: stamp, options: b"those"},
                {version: stamp, options: b"these"},
            ):  # fmt: skip
                told = said(lambda s=store, m=metadata, t=top: s._check(m, t / "files.parquet"))
                keys = {key.decode(): value.replace(stamp, b"S").decode() for key, value in metadata.items()}
                yield short(f"{length}, {keys}: {told}")
            wide = parquet.TableStore(Path("x" * length), "these")
            for metadata in ({version: b"0"}, {version: stamp}):
                yield short(f"{length} wide: {said(lambda s=wide, m=metadata: s._check(m, Path('p')))}")
            bad = Path(f"{name}y")
            bad.mkdir()
            (bad / "filters.parquet").symlink_to(folder)
            yield short(f"{length}, a link: {said(lambda b=bad: parquet.TableStore(b, 'these'))}")
        store = parquet.TableStore(folder, "these")
        for name in ("a", "b", "c"):
            store.add([rows_for(name, 1)], NONE)
        for number in (0, 2):
            store.part("files", number).unlink()

        def there() -> list[str]:
            return [path.relative_to(folder).as_posix()[:-8] for path in sorted(folder.glob("*/part*"))]

        kept = store.part("layers", 2).read_bytes()
        for odd in (b"text", None, kept):
            if odd is None:
                store.part("layers", 2).unlink()
                store.part("layers", 2).mkdir()
            else:
                if store.part("layers", 2).is_dir():
                    store.part("layers", 2).rmdir()
                store.part("layers", 2).write_bytes(odd)
            yield f"left as {odd and odd[:4]}: {said(lambda: store.tidy(NONE), folder)} {there()}"
        yield f"next {store._next} {parquet.TableStore(folder, 'these')._next}"
        path, written = store.part("layers", 1), parquet.arrow().parquet
        whole = written.read_table(path)
        names = whole.schema.names
        for name, other in (
            ("whole", whole), ("a column less", whole.drop_columns(names[-1:])),
            ("another order", whole.select(names[::-1])),
            ("another name", whole.rename_columns([*names[:-1], "mine"])),
            ("another type", whole.set_column(2, names[2], whole[names[2]].cast("int64"))),
        ):  # fmt: skip
            written.write_table(other.replace_schema_metadata(whole.schema.metadata), path)
            try:
                told = f"{store.read('layers', 1).num_rows} row"
            except OutputError as error:
                told = f"{error} {error.path == path}".replace(f"{folder}/", "")
            yield f"{name}: {told}"


def texts() -> Iterator[str]:
    """Yield what is found of texts, lists and numbers in tables."""
    arrow = parquet.arrow()
    plain = arrow.array(["b", None, "é", "b"])
    words = plain.dictionary_encode()
    held = arrow.ListArray.from_arrays(arrow.array([0, 2, 2, 4]), words)
    lists = arrow.array([["x"], None, [], ["y", None]])
    numbers = arrow.array([1, None, 3])
    for name, array in (
        ("texts", plain), ("words", words), ("lists of words", held), ("lists", lists), ("numbers", numbers),
        ("doubles in lists", arrow.array([[0.5], [], None])),
    ):  # fmt: skip
        for part in (array, array[1:], array[1:2]):
            column = arrow.chunked_array([part, part[:1]])
            found = [each.to_pylist() for each in parquet._dictionaries(arrow, column)]
            lengths = list(parquet._lengths(arrow, arrow.table({"n": column})))
            values = parquet.values_of(column), parquet.values_of(part)
            yield f"{name} {len(part)}: {values} {found} {lengths}"
    yield f"rows: {parquet.rows_of(arrow.table({'a': words, 'b': plain}))}"
    most = parquet.LARGEST_SUM
    below = float(np.nextafter(most, 0))
    for values in (
        [[1.0] * 3], [[1.0] * 2], [[1.0] * 4], [[1.0] * 3, [1.0] * 2], [None, [1.0] * 3], [None], [],
        [[1.0, None, 1.0]], [[1.0, float("nan"), 1.0]], [[1.0, most, 1.0]], [[1.0, below, 1.0]],
        [[1.0, -most, 1.0]], [[1.0, -below, 1.0]], [[float("inf"), 1.0, 1.0]],
    ):  # fmt: skip
        column = arrow.chunked_array([arrow.array(values, arrow.list_(arrow.float64()))])
        yield f"lists of three {values}: {parquet._all_of(arrow.compute, column, 3)}"
    for tables in ([], [{}], [{}, {"a": [1], "b": [2]}], [{"a": [1]}, {"a": [2, 3], "b": [4]}, {}]):
        yield f"joined {tables}: {parquet._joined(tables)} {parquet._columns_of(tables[-1:])}"  # type: ignore[arg-type]


def checked() -> Iterator[str]:
    """Yield which columns no survey writes."""
    arrow = parquet.arrow()
    with somewhere() as folder:
        store = parquet.TableStore(folder, "these")
        longest = 2 * parquet.LONGEST

        def of(**given: Any) -> Any:
            return arrow.table({
                name: arrow.array(values).dictionary_encode()
                if values and isinstance(values[-1], str)
                else arrow.array(values, arrow.list_(arrow.float64()) if name.startswith("kernel_") else None)
                for name, values in given.items()
            })  # fmt: skip

        nine, many = [0.5] * 9, [0.5] * 81
        for name, table in {
            "as usual": of(file=["a", "b"], code=[None, "c"], reason=[None, "r"]),
            "as long as may be": of(kind=["x" * longest]), "too long": of(kind=["x" * (longest + 1)]),
            "as long, of larger letters": of(kind=["é" * longest]), "no letters": no_letters(arrow),
            "a control character": of(kind=["a", "a\x1bb"]), "turned writing": of(kind=["a\u202eb"]),
            "a letter": of(kind=["é\u0304"]), "no name": of(file=[None, "a"]),
            "no kind": of(kind=[None, "a"]),
            "no size": of(size=[1, None]), "no layer": of(layer=[None, "x"]), "no rows": of(rows=[1, None]),
            "rows alone": of(rows=[1, None], cols=[1, 2]), "neither": of(rows=[1, None], cols=[2, None]),
            "a code alone": of(code=[None, "c"], reason=["r", "r"]),
            "kernels": of(kernels=[2, None], kernel_sum=[nine, None], kernel_products=[many, None]),
            "no sum": of(kernels=[2, 1], kernel_sum=[nine, None], kernel_products=[many, many]),
            "no kernels": of(kernels=[2, None], kernel_sum=[nine, nine], kernel_products=[many, many]),
            "eight": of(kernel_sum=[nine[:8]]), "eighty": of(kernel_products=[many, many[:80]]),
        }.items():  # fmt: skip
            try:
                told = str(store._check_rows(table))
            except ValueError as error:
                told = f"ValueError: {error if type(error) is ValueError else 'of Arrow'}"
            yield f"{name}: {told}"
        for n in range(2):
            rows = [rows_for(f"{name}{n}", own) for name, own in (("a", 3), ("b", 1), ("c", 2))]
            rows[0].layers["verdict"] = ["initial"]
            rows[1].layers.update({"kernels": [None], "kernel_sum": [None], "kernel_products": [None]})
            store.add(rows[: 3 - n], NONE)
        for at_once in (1, 2, 1 << 14):
            with patch.object(summing, "_AT_ONCE", at_once):
                layers, moments = summing._read_layers(store)
            told = {
                name: (n, few(total[:2]), few(product[0, :2]))
                for name, (n, total, product) in moments._sums.items()
            }
            yield f"read {at_once} at once: {len(layers)} {layers.texts} {told}"


def no_letters(arrow: Any) -> Any:
    """A column of texts of which one is no UTF-8."""
    texts = arrow.array([b"a", b"\xff"]).view(arrow.string())
    return arrow.table({"kind": arrow.DictionaryArray.from_arrays(arrow.array([0, 1], arrow.int32()), texts)})


# ---- what is summed up


def summed() -> Iterator[str]:
    """Yield what is summed up of groups, models and runs at the ends of what is shown."""
    most = summing.MOST_GROUPS
    for n in (most - 1, most, most + 1):
        names = [f"g{place % n:02}" for place in range(2 * n)]
        found = summing._grouped(names, lambda each: -len(each[1]))
        yield f"{n} groups: {len(found)} {list(found)[-1]}"
    column = column_of_measure(summing.MEASURED[0])
    for n, spread in ((summing.FEWEST_MODELS, 1e-5), (60, 1e-9), (summing.FEWEST_MODELS - 1, 1.0)):
        layers = layers_of(0, n)
        for name in summing._NUMBERS:
            layers.numbers[name] = np.full(n, np.nan)
        layers.numbers[column] = np.arange(n) * spread
        layers.numbers[column][n // 2 :] += 99.0 * (np.arange(n - n // 2) % 3 > 1)
        layers.texts["file"] = [f"f{place:02}" for place in range(n)]
        found_ = summing._standouts(layers)
        yield f"{n} models {spread} apart: {len(found_)} {[(one.file, few(one.z)) for one in found_[:3]]}"
    moments = summing._Moments()
    for n_runs, n_layers in ((3, 3), (summing.MOST_HISTORIES + 1, summing.MOST_LINES + 1)):
        rows = [
            {
                "status": "read",
                "epoch": epoch,
                "run": f"r{run:02}",
                "network": "n",
                "file": f"r{run:02}-{epoch}",
                "parameters": epoch,
            }
            for run in reversed(range(n_runs))
            for epoch in (3, 1, 2)
        ]
        names = [(row["file"], f"c{place}") for row in rows for place in range(n_layers)]
        layers = layers_of(1, len(names))
        layers.texts["file"], layers.texts["layer"] = [list(each) for each in zip(*names, strict=True)]
        held = summing._histories(rows, layers)
        last = held[-1]
        yield f"{n_runs} runs of {n_layers} layers: {len(held)} {last.epochs} {last.files} {len(last.lines)}"
        read = Mock(return_value=(layers, moments))
        with patch.multiple(summing, batches=Mock(return_value=[rows]), rows_of=list, _read_layers=read):
            content = summing.sum_up(None)  # type: ignore[arg-type]
        counts = (content.n_histories, content.parameters, content.layers, dict(content.statuses))
        yield f"  in all {counts}: {[one.run for one in content.histories]}"
        for measure, lines in list(held[0].lines.items())[:1]:
            kinds = {type(value).__name__ for line in lines for value in line.values}
            yield f"  {measure}: {len(lines)} {lines[-1].layer} {few(lines[-1].values)} {kinds}"
    rows = [{"status": "read", "epoch": n, "run": "r", "network": "n", "file": f"f{n}"} for n in (2, 0, 1)]
    layers = layers_of(3, 6)
    layers.texts["file"] = ["f0", "f0", "f1", "f1", "f2", "f2"]
    layers.texts["layer"] = [f"layer {n}" for n in range(6)]
    (history,) = summing._histories(rows, layers)
    yield f"names of the first state: {[line.layer for line in next(iter(history.lines.values()))]}"
    for one in components():
        strongest = one.basis.reshape(9, 9)[np.arange(9), np.abs(one.basis.reshape(9, 9)).argmax(axis=1)]
        yield f"signs of {one.name}: {(strongest > 0).tolist()}"
    layers = layers_of(2, 9)
    for at in (0.0, 1 / 3, 0.33, 2 / 3, 0.67, 1.0):
        layers.numbers["depth"][:] = at
        yield f"depth {at:.3f}: {list(summing._kinds(layers)['depth'])}"
    for row, col in ((3.0, 1.0), (np.nan, 3.0), (1.0, 7.0)):
        layers.numbers["rows"][:], layers.numbers["cols"][:] = row, col
        yield f"size {row}x{col}: {list(summing._kinds(layers)['kernel size'])}"


def answers() -> Iterator[str]:
    """Yield what the page says first, and where its marks lie."""
    bare = summing.SurveyContent(
        statuses=Counter(), parameters=0, layers=0, filters=0, shares={}, distributions=(), standouts=(),
        components=(), histories=(), n_histories=0, failures=(),
    )  # fmt: skip

    def shares(**facts: Any) -> summing.Shares:
        usual: dict[str, Any] = {
            "name": "g", "layers": 9, "filters": 9, "verdicts": Counter(), "dead": 0, "decayed": 0,
            "duplicate": 0, "nonfinite": 0,
        }  # fmt: skip
        return summing.Shares(**(usual | facts))

    def stands(file: str) -> summing.Standout:
        return summing.Standout(file, "rms", 1.0, 2.0, 3.0)

    for n in (0, 1, 2):
        for facts in (
            {}, {"verdicts": Counter(initial=n)}, {"verdicts": Counter(collapsed=n)}, {"dead": n},
            {"duplicate": n}, {"nonfinite": n}, {"decayed": n},
            {"dead": n, "duplicate": 2 - n, "nonfinite": n}, {"verdicts": Counter(initial=n, collapsed=1)},
        ):  # fmt: skip
            content = replace(
                bare, statuses={"read": n, "failed": 5}, layers=200, filters=n, parameters=1234 * n,
                shares={"depth": (shares(**facts), shares()), "framework": (shares(dead=77),)},
            )  # fmt: skip
            yield f"{n} of {facts}: {list(page._answer(content))[1:]}"
        found = replace(content, standouts=tuple(map(stands, ("a", "b", "a")[:n])), shares={})
        yield f"{n}: {list(page._answer(found))}"
    two = summing.SurveyContent(**{**vars(bare), "standouts": (stands("a"), stands("b"), stands("a"))})
    yield f"two stand out: {list(page._answer(two))[-1]}"
    for low, high in ((0.0, 1.0), (-2.0, 2.0), (1.0, 1.5)):
        distribution = summing.Distribution("m", "t", "x", low, high, {})
        group = summing.LayerGroup("g", 3, (-3.0, 0.0, 0.25, 1.0, 9.0), (), ())
        yield f"box from {low} to {high}: {page.box(group, distribution)}"
    for n in (page.MOST_FAILURES, page.MOST_FAILURES + 2):
        failed = tuple(summing.FailedFile(f"{place}", f"failure {place}") for place in range(n))
        text = page.render_survey(replace(bare, failures=failed))
        more = [line for line in text.splitlines() if "more: the table" in line]
        yield f"{n} failures: {text.count('<li>failure')} {more}"
    place = summing.Place("f", "l", 1.0)
    for lowest, highest in (((), ()), ((place,), ()), ((place,), (place,))):
        ends = page.ends(replace(group, lowest=lowest, highest=highest))
        yield f"ends: {[(words, len(places)) for words, places in ends]}"
    for values in ((1.0, 2.0, 4.0), (np.nan, 2.0, 4.0), (3.0, 3.0, 3.0), (-1.0, np.inf, 0.5)):
        line = summing.LayerHistory("c", values)
        history = summing.History("r", (1, 3, 10), ("a", "b", "c"), {})
        axis = page.limits((line, summing.LayerHistory("d", (0.0, np.nan, 3.0))))
        drawn = [str(page.points(line, history, own)) for own in (axis, page.limits((line,)))]
        yield f"line {values}: {axis} {drawn}"
    for name, basis in (
        ("zeros", np.zeros((9, 3, 3))),
        ("one below zero", np.tile([[-4.0, 1.0, 0.0]], (9, 3, 1))),
        ("signs", np.where(np.eye(9), 1.0, -0.5).reshape(9, 3, 3)),
    ):
        found_ = page.tiles(summing.KernelComponents("k", 5, basis, np.linspace(1, 0, 9)))
        squares = [len({square["fill"] for square in each["squares"]}) for each in found_]
        corner = [
            (each["number"], each["share"], each["squares"][5]["x"], each["squares"][5]["y"])
            for each in found_
        ]
        yield f"tiles of {name}: {squares} {corner[:3]}"


# ---- all of it


def stopped() -> Iterator[str]:
    """Yield what a survey has written that was stopped, and what the next one does."""
    with somewhere() as folder:
        Path("zoo").mkdir()
        for n in range(3):
            equal = np.full((2, 1, 2, 2), n + 1, "f4")
            np.savez(f"zoo/{n}.npz", w=equal, v=equal[:, :, :1])
        Path("zoo/text.txt").write_text("text")

        def run(until: int = 0, **how: Any) -> str:
            told: list[str] = []

            def progress(each: Any) -> None:
                told.append(f"{each.done}/{each.known} {each.file}")
                if each.done == until:
                    raise KeyboardInterrupt

            try:
                found = surveying.survey("zoo", "out", jobs=1, progress=progress, **how)
            except (KeyboardInterrupt, FiltvizError) as end:
                store = parquet.arrow().parquet
                held = [
                    store.read_table(path)["file"].to_pylist()
                    for path in sorted(Path("out").glob("files*/*"))
                ]
                return f"{type(end).__name__} {end} {told} {held} {Path('out', surveying.PAGE).exists()}"
            counts = (
                found.measured,
                found.kept,
                found.passed_over,
                found.layers,
                found.filters,
                found.complete,
            )
            models = [(each.file, each.status) for each in found.models]
            return f"{counts} {models} {told} {found.page} {sorted(found.tables)}"

        for until in (2, 0):
            yield f"until {until}: {run(until)}".replace(f"{folder}/", "")
        for name in (parquet.RUN, "another"):
            Path("out", f".{name}-0{PART_SUFFIX}").touch()
        for table in ("filters", "layers", "files"):
            Path("out", f"{table}.parquet", f".{parquet.RUN}-0{PART_SUFFIX}").touch()
        Path("zoo/3.npz").write_bytes(b"PK\x03\x04")
        os.utime("zoo/0.npz", ns=(5, 5))
        yield f"one is new, one another: {run()}".replace(f"{folder}/", "")
        for how in (
            {"limits": Limits(), "hints": Hints(), "budget": Budget()},
            {"hints": Hints(like="out/survey.html")},
            {"budget": Budget(work=5)}, {"hints": Hints(weights="ema")}, {"limits": Limits(members=5)},
        ):  # fmt: skip
            yield f"with {sorted(how)}: {run(**how)}".replace(f"{folder}/", "")
        held = [path.read_bytes()[:4] for path in sorted(Path("out").glob("files*/*"))]
        rows = [parquet.arrow().parquet.read_table(path) for path in sorted(Path("out").glob("files*/*"))]
        told = [part["file"].to_pylist() for part in rows]
        inner = sorted(path.name for path in Path("out").glob("*/*"))
        yield f"left: {sorted(path.name for path in Path('out').iterdir())} {inner} {told} {held}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "strangers": strangers,
    "texts": texts,
    "checked": checked,
    "summed": summed,
    "answers": answers,
    "stopped": stopped,
}
"""Those that need pyarrow are the first three and the last."""

TABLES = ("strangers", "texts", "checked", "stopped")


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/survey_parts.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
