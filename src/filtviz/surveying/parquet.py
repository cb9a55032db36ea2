"""The tables on disk: Parquet files, a part at a time, each whole or not there.

A survey's folder has ``files.parquet``, ``layers.parquet`` and ``filters.parquet``, each a folder of parts
that pandas, DuckDB and Arrow read as one table. The rows of a file are in the parts of one number; that of
``files`` is written last, and where it is missing, those of the others count for nothing. So a survey that
was stopped goes on with the files that have no row yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filtviz._version import __version__
from filtviz.errors import MissingExtraError, OutputError
from filtviz.files import is_folder, make_folder, remove_file, write_whole
from filtviz.sources import Sources
from filtviz.surveying.columns import TABLES, VERSION, Column
from filtviz.surveying.taking import FileRows, Rows
from filtviz.text import printable

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Store", "arrow", "batches"]

_VERSION_KEY, _OPTIONS_KEY = b"filtviz.survey", b"filtviz.options"
_PART = re.compile(r"part-(\d{6})\.parquet\Z")
_ORDER = ("filters", "layers", "files")
"""In which the parts of one number are written: the last tells that all are there."""


def arrow() -> Any:
    """Return the package pyarrow, with what reads, writes and filters tables.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            "a survey writes Parquet tables, which needs pyarrow: pip install pyarrow"
        ) from error
    return pyarrow


class Store:
    """The folder of a survey: reads what an earlier run has written, and adds parts."""

    def __init__(self, folder: Path, options: str) -> None:
        self.folder = folder
        self._arrow = arrow()
        self._options = options.encode()
        self._schemas = {name: self._schema(columns) for name, columns in TABLES.items()}
        for name in TABLES:
            make_folder(self.path(name))
        numbers = [self._numbers(name) for name in _ORDER]
        self._next = 1 + max((number for own in numbers for number in own), default=-1)

    def path(self, table: str) -> Path:
        """Return the folder of a table's parts.

        Args:
            table: Its name.
        """
        return self.folder / f"{table}.parquet"

    def part(self, table: str, number: int) -> Path:
        """Return the file of a part.

        Args:
            table: The table's name.
            number: The part's.
        """
        return self.path(table) / f"part-{number:06}.parquet"

    def parts(self) -> list[int]:
        """Return the numbers of the parts that are whole, in order."""
        return sorted(self._numbers("files"))

    def _numbers(self, table: str) -> set[int]:
        names = (entry.name for entry in self.path(table).iterdir()) if is_folder(self.path(table)) else ()
        return {int(found[1]) for found in map(_PART.match, names) if found}

    def read(self, table: str, number: int, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """Return a part.

        Args:
            table: The table's name.
            number: The part's.
            columns: Which columns; None is all.

        Raises:
            OutputError: it is no part of a survey, or was written in another way.
        """
        path = self.part(table, number)
        try:
            with path.open("rb") as stream:
                found = self._arrow.parquet.read_table(stream, columns=columns)
        except (OSError, self._arrow.ArrowException) as error:
            raise OutputError(
                f"{printable(path, 200)} cannot be read as a part of a survey: remove it, or survey to "
                "another folder",
                path=path,
            ) from error
        self._check(found.schema.metadata or {}, path)
        return found

    def _check(self, metadata: Mapping[bytes, bytes], path: Path) -> None:
        if metadata.get(_VERSION_KEY) is None:
            raise OutputError(
                f"{printable(path, 200)} is no part of a survey: survey to another folder", path=path
            )
        if metadata[_VERSION_KEY] != self._stamp:
            raise OutputError(
                f"{printable(self.folder, 200)} holds a survey by another version of filtviz, whose "
                "columns may mean something else: survey to another folder",
                path=path,
            )
        if metadata.get(_OPTIONS_KEY) != self._options:
            raise OutputError(
                f"{printable(self.folder, 200)} holds a survey with other options: repeat those, or survey "
                "to another folder",
                path=path,
            )

    @property
    def _stamp(self) -> bytes:
        return f"{VERSION} of {__version__}".encode()

    def _schema(self, columns: Sequence[Column]) -> pyarrow.Schema:
        types = {
            "list<string>": self._arrow.list_(self._arrow.string()),
            "list<double>": self._arrow.list_(self._arrow.float64()),
            "list<int32>": self._arrow.list_(self._arrow.int32()),
            "double": self._arrow.float64(),
            "bool": self._arrow.bool_(),
        }
        fields = [
            self._arrow.field(
                each.name,
                types.get(each.type) or getattr(self._arrow, each.type)(),
                metadata={"meaning": each.meaning},
            )
            for each in columns
        ]
        return self._arrow.schema(fields, metadata={_VERSION_KEY: self._stamp, _OPTIONS_KEY: self._options})

    def add(self, rows: Iterable[FileRows], sources: Sources) -> None:
        """Write the rows of files as the next parts.

        Args:
            rows: They are in memory together.
            sources: The files that are surveyed, over which nothing is written.

        Raises:
            OutputError: they cannot be written.
        """
        found = list(rows)
        tables = {
            "filters": _joined([each.filters for each in found]),
            "layers": _joined([each.layers for each in found]),
            "files": _columns_of([each.file for each in found]),
        }
        for name in _ORDER:
            self._write(name, self._next, self._table(name, tables[name]), sources)
        self._next += 1

    def _table(self, name: str, rows: Rows) -> pyarrow.Table:
        schema = self._schemas[name]
        return self._arrow.Table.from_pydict(
            {each: rows.get(each, []) for each in schema.names}, schema=schema
        )

    def _write(self, name: str, number: int, table: pyarrow.Table, sources: Sources) -> None:
        def write(stream: Any) -> None:
            self._arrow.parquet.write_table(table, stream, compression="zstd", store_schema=True)

        write_whole(self.part(name, number), write, sources)

    def drop(self, number: int, files: set[str], sources: Sources) -> None:
        """Leave the rows of some files out of a part, or remove it where none is left.

        Args:
            number: The part's number.
            files: What the files go by in the tables.
            sources: The files that are surveyed.

        Raises:
            OutputError: it cannot be written.
        """
        kept = {name: self._others(self.read(name, number), files) for name in _ORDER}
        for name in reversed(_ORDER):  # `files` first: the rest counts for nothing without it
            remove_file(self.part(name, number), sources)
        if kept["files"].num_rows:
            for name in _ORDER:
                self._write(name, self._next, kept[name], sources)
            self._next += 1

    def _others(self, table: pyarrow.Table, files: set[str]) -> pyarrow.Table:
        compute = self._arrow.compute
        dropped = compute.is_in(table["file"], value_set=self._arrow.array(sorted(files)))
        return table.filter(compute.invert(dropped))

    def tidy(self, sources: Sources) -> None:
        """Remove parts of a run that was stopped while it wrote them.

        Args:
            sources: The files that are surveyed.
        """
        whole = self._numbers("files")
        for name in _ORDER:
            for number in self._numbers(name) - whole:
                remove_file(self.part(name, number), sources)


def _joined(tables: Sequence[Rows]) -> Rows:
    names = next((list(each) for each in tables if each), [])
    return {name: [value for each in tables for value in each.get(name, ())] for name in names}


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> Rows:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def batches(store: Store, table: str, columns: Sequence[str] | None = None) -> Iterator[pyarrow.Table]:
    """Yield the whole table, a part at a time.

    Args:
        store: The survey.
        table: The table's name.
        columns: Which columns; None is all.
    """
    for number in store.parts():
        yield store.read(table, number, columns)
