"""What commands print for scripts of results that are made up, as lines of text.

``python -m tests.telling`` writes ``tests/told/json.txt`` anew.
"""

from __future__ import annotations

import io
import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from tests.cli.screens_told import model_of, networks

from filtviz.batch import ExportResult, ModelResult
from filtviz.cli import json_data
from filtviz.measures.measure import Diagnosis
from filtviz.network import Network, Origin
from filtviz.results import FileFailure, LayerFailure
from filtviz.summary import summarize

__all__ = ["PARTS", "all_lines"]

FAILURES = tuple(LayerFailure(layer=f"l{i}", code=f"c{i}", reason=f"it fails {i}") for i in range(2))


def text(value: Any) -> str:
    """Strict JSON on a line; of a long one its beginning and a sum."""
    found = json.dumps(value, allow_nan=False)
    return found if len(found) < 1500 else f"{found[:300]} … {len(found)} {zlib.crc32(found.encode()):08x}"


def failing() -> Iterator[str]:
    """Yield what is told of pictures and comparisons, however many failed."""
    for n in range(3):
        for left_out in ((), ("a is left out", "b is, too")):
            files = [SimpleNamespace(path=Path(f"out/{i}.png"), kept=bool(i)) for i in range(n)]
            plot: Any = SimpleNamespace(
                failures=FAILURES[:n], left_out=left_out, files=files, cautions=("take care",) * (2 - n)
            )
            yield f"drawn {n} {len(left_out)}: {text(json_data.plot_data('m.pkl', plot))}"
        changes = [
            SimpleNamespace(
                label=f"conv{i}", total_change=(math.nan, 0.5)[i], total_cosine=(0.25, math.inf)[i],
                relative_change=np.array([0.5, np.nan, i]), cosine=np.array([np.inf, 0.75, -i]),
            )
            for i in range(n)
        ][:2]  # fmt: skip
        found: Any = SimpleNamespace(comparisons=changes, cautions=("odd",) * n, failures=FAILURES[:n])
        for models in (["a"], ["a", "b"]):
            yield f"compared {n} {len(models)}: {text(json_data.comparison_data(models, found))}"


def exported() -> Iterator[str]:
    """Yield what is told of exports."""
    here = Path.cwd()

    def model(status: Any, place: str, **facts: Any) -> ModelResult:
        return ModelResult(
            path=Path("z") / place, place=place, folder=here / "out" / place[0], status=status, **facts
        )

    models = (
        model("drawn", "a.pkl", drawn=2, notes=("odd",)), model("kept", "b.pkl", kept=3),
        model("drawn", "c.pkl", drawn=1, kept=4),
        model("no-filters", "d.pkl", code="no-filters", reason="none"),
        model("failed", "e.pkl", drawn=1, kept=1, code="c", reason="it fails"),
    )  # fmt: skip
    others = (model("no-model", "n.txt", reason="text"), model("part", "p.bin"))
    pictures = tuple(
        {"model": place, "options": {"dpi": dpi}, "file": f"{dpi}.png"}
        for place, dpi in (("a.pkl", 50), ("c.pkl", 70), ("a.pkl", 70))
    )
    for shown, drawn, passed in (
        ((), (), ()),
        (models, pictures, others),
        (models[:4], pictures[:1], others[1:]),
    ):
        result = ExportResult(
            folder=Path("out"),
            manifest=Path("out/manifest.json"),
            models=shown,
            pictures=drawn,
            passed_over=passed,
        )
        yield f"exported {len(shown)}: {json.dumps(json_data.export_data(result))}"


def diagnosed() -> Iterator[str]:
    """Yield what is told of diagnoses, and the rows of their filters."""
    made = [model_of(seed, n) for seed, n in ((0, 0), (1, 1), (2, 2), (3, 3), (4, 2))]
    made.append(replace(made[0], left_out=("a measure", "another")))
    made.append(replace(made[1], left_out=("a measure",), checks={"dead": ("a", "b"), "unused": ()}))
    for each in made:
        yield f"became of {len(each.layers)}, {len(each.left_out)}: {text(json_data._outcome(each))}"
        for with_filters in (False, True):
            data = json_data.diagnosis_data(each, with_filters)
            yield f"  filters {with_filters}: {text({**data, 'layers': len(data['layers'])})}"
            for layer in data["layers"]:
                yield f"    {text(layer)}"
    failure = FileFailure("bad.pkl", "bad.pkl: it is bad", "odd")
    for models in ([], [failure], made[1:2], [made[1], failure], made[1:3], [failure, *made[1:4]]):
        data = json_data.diagnoses_data(models, with_filters=False)
        told = [(each["file"], each["status"], each["code"], each["reason"]) for each in data["models"]]
        kept = {name: value for name, value in data.items() if name != "models"}
        yield f"diagnosed {len(models)}: {told} {text(kept)} {[sorted(each) for each in data['models'][:1]]}"
    yield from rows(made)


def rows(made: list[Diagnosis]) -> Iterator[str]:
    """Yield tables as spreadsheets have them."""
    stream = io.StringIO()
    json_data.write_rows(made, stream)
    yield from (f"  {line!a}" for line in stream.getvalue().splitlines())
    longest = json_data.LONGEST_CELL
    values = [
        "x" * longest,
        "x" * (longest + 1),
        "=1",
        "a,b",
        'a"b',
        True,
        3,
        0.5,
        None,
        math.inf,
        (1, 2),
        (),
        "é→",
    ]
    for encoding in ("utf-8", "ascii"):
        raw = io.BytesIO()
        written = io.TextIOWrapper(raw, encoding=encoding, newline="")
        json_data.write_csv([values, ["y"]], written)
        written.flush()
        told = raw.getvalue()
        yield f"{encoding}: {len(told)} {told[longest - 9 : longest + 40]!r} {told[-60:]!r}"


@dataclass(frozen=True)
class Facts:
    """Something of fields."""

    a: Any = math.nan
    b: Any = (1, 2)


def told() -> Iterator[str]:
    """Yield what is told of networks, and how values are."""
    for name, network in networks():
        data = json_data.network_data(network, summarize(network))
        layers = data.pop("layers")
        yield f"{name}: {text(data)}"
        for row in layers[:4]:
            yield f"  {text(row)}"
    bare = Network.of([], Origin())
    yield f"bare: {text(json_data.network_data(bare, summarize(bare)))}"
    for value in (1, True, None, "nan", math.nan, -math.inf, 0.5, (1, 2), (1, True), (1, 0.5),
                  [math.nan, [1]], {"a": math.inf, 2: (math.nan,)}, Facts(),
                  Facts(Facts(), [Facts(b=None)]), ()):  # fmt: skip
        yield f"finite {value!r}: {json_data.finite(value)!r}"


def reported() -> Iterator[str]:
    """Yield what is told of a page."""
    network = Network.of([], Origin(path=Path("n.pkl")))
    file: Any = SimpleNamespace(
        diagnosis=model_of(1, 1), label="n (1)", network=network, summary=summarize(network)
    )
    failures = [FileFailure("bad.pkl", "it is bad", "odd"), FileFailure("worse.pkl", "it is worse", "c")]
    for n, left_out in ((0, ()), (1, ("a picture",)), (2, ())):
        content: Any = SimpleNamespace(
            failures=failures[:n], files=[file] * (n != 1), title="A title", sections=[],
            notes=("a note", "b"), left_out=left_out,
        )  # fmt: skip
        data = json_data.report_data(content)
        for each in data["models"]:
            each.pop("diagnosis", None)
        yield f"reported {n}: {text(data)}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "failing": failing,
    "exported": exported,
    "diagnosed": diagnosed,
    "told": told,
    "reported": reported,
}


def all_lines() -> Iterator[str]:
    """Yield what ``tests/told/json.txt`` holds."""
    for name, lines in PARTS.items():
        yield f"#### {name}"
        yield from lines()
