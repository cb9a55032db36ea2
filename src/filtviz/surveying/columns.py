"""The tables of a survey: every column with its type and what it means, in one place.

`filtviz.surveying.parquet` makes Arrow's schema of it, and `docs/survey.md` is written from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from filtviz.measures.measure import filter_facts
from filtviz.measures.table import MEASURES

__all__ = ["FILES", "FILTERS", "LAYERS", "TABLES", "VERSION", "TableColumn", "column_of_measure", "document"]

VERSION = 1
"""Goes up when a column changes its name, its type or its meaning; a new one leaves it as it is."""


@dataclass(frozen=True)
class TableColumn:
    """A column: its name, its type in Arrow's words, and what it holds."""

    name: str
    type: str
    meaning: str


def column_of_measure(measure: str) -> str:
    """Return the name of the column of a measure's value: its key, as a name for queries.

    Args:
        measure: Its key in `filtviz.measures.table.MEASURES`.
    """
    return measure.replace("-", "_")


_OF_FILE = (
    TableColumn(
        "file", "string", "path of the model file, as it was found from where the survey was started"
    ),
    TableColumn(
        "digest", "string", "SHA-256 of its bytes; of a model in several files, of all of them in turn"
    ),
)

_OF_LAYER = (
    *_OF_FILE,
    TableColumn("conv", "int32", "number of the convolution in the file, from 0"),
    TableColumn("layer", "string", "its name"),
)

FILES: tuple[TableColumn, ...] = (
    *_OF_FILE,
    TableColumn("status", "string", "`read`; `no-filters`: it has no convolution with weights; `failed`"),
    TableColumn("code", "string", "a word for why it failed"),
    TableColumn("reason", "string", "the same in a sentence that begins with the file's name"),
    TableColumn("parts", "list<string>", "files beside it, or in it, that hold a part of the model"),
    TableColumn("size", "int64", "bytes on disk"),
    TableColumn("changed", "int64", "time of its last change, in nanoseconds since 1970"),
    TableColumn("kind", "string", "what the file holds, in words"),
    TableColumn("framework", "string", "the library that made the model, where that is told"),
    TableColumn("producer", "string", "the program that wrote the file, where that is told"),
    TableColumn(
        "run", "string", "what states of one training share: the folder, and the name but for its number"
    ),
    TableColumn("epoch", "int64", "epochs or steps that the file tells, or else the last number in its name"),
    TableColumn("network", "string", "the same for files with the same convolutions: names and shapes"),
    TableColumn("convolutions", "int32", "convolutions in it"),
    TableColumn("parameters", "int64", "weights of these"),
    TableColumn("trained", "list<string>", "what in the file only a training leaves"),
    TableColumn("left_out", "list<string>", "what would have been too much work, a sentence each"),
    TableColumn("seconds_reading", "double", "processor seconds for reading and for the digest"),
    TableColumn("seconds_measuring", "double", "processor seconds for measuring"),
)
"""One row for each model file, good or bad."""


_NEEDS_ANOTHER_FILE = ("change",)


def _measure_columns() -> Iterator[TableColumn]:
    for key, measure in MEASURES.items():
        if key in _NEEDS_ANOTHER_FILE:
            continue
        name = column_of_measure(key)
        yield TableColumn(name, "double", f"{measure.title}: {measure.formula}")
        yield TableColumn(f"{name}_p", "double", f"p-value of {key}, where it has one")
        yield TableColumn(f"{name}_found", "bool", f"whether {key} came out")


LAYERS: tuple[TableColumn, ...] = (
    *_OF_LAYER,
    TableColumn("type", "string", "the framework's word for the layer"),
    TableColumn("framework", "string", "as in the table of files"),
    TableColumn("depth", "double", "place among the file's convolutions: 0 is the first, 1 the last"),
    TableColumn("filters", "int32", "filters"),
    TableColumn("channels", "int32", "input channels that a filter sees"),
    TableColumn("rows", "int32", "rows of a kernel"),
    TableColumn("cols", "int32", "columns of a kernel"),
    TableColumn("groups", "int32", "groups of channels; null where it is not known"),
    TableColumn("dtype", "string", "type of the weights as stored"),
    TableColumn(
        "verdict",
        "string",
        "`initial`, `updated`, `structured`, `collapsed`, `undecided`; or null",
    ),
    TableColumn("reason", "string", "why it was not judged"),
    TableColumn("seen", "string", "what is to be seen, in a few words"),
    TableColumn("drawn_by", "string", "what drew its first weights, or `unknown`"),
    TableColumn(
        "residue_at_least", "double", "the least that `residue` can be, where that alone can be told"
    ),
    TableColumn("dead_filters", "int32", "filters that never fire"),
    TableColumn("decayed_filters", "int32", "filters that are next to nothing"),
    TableColumn("duplicate_filters", "int32", "filters that another one of the layer repeats"),
    TableColumn("nonfinite_filters", "int32", "filters with NaN or infinity"),
    TableColumn("kernels", "int64", "3x3 kernels that are not zero, each brought to a peak of 1; else null"),
    TableColumn("kernel_sum", "list<double>", "their sum, 9 numbers by rows"),
    TableColumn("kernel_products", "list<double>", "the sum of their outer products, 81 numbers by rows"),
    *_measure_columns(),
)
"""One row for each convolution."""

FILTERS: tuple[TableColumn, ...] = (
    *_OF_LAYER,
    *(
        TableColumn("filter" if name == "index" else name, fact.type, fact.meaning)
        for name, fact in filter_facts().items()
        if fact.type
    ),
)
"""One row for each filter."""

TABLES: dict[str, tuple[TableColumn, ...]] = {"files": FILES, "layers": LAYERS, "filters": FILTERS}
"""Name → columns. A survey's folder has each as ``NAME.parquet``."""


def document() -> str:
    """Return the tables' columns as Markdown, which ``docs/survey.md`` ends with."""
    texts = []
    for name, columns in TABLES.items():
        rows = "".join(f"| `{each.name}` | {each.type} | {_cell(each.meaning)} |\n" for each in columns)
        texts.append(f"\n## Columns of `{name}.parquet`\n\n| column | type | holds |\n|---|---|---|\n{rows}")
    return "".join(texts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
