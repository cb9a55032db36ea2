"""The tables on disk: Parquet files, a part at a time, each whole or not there.

A survey's folder has ``files.parquet``, ``layers.parquet`` and ``filters.parquet``, each a folder of parts
that pandas, DuckDB and Arrow read as one table. The rows of a file are in the parts of one number; that of
``files`` is written last, and where it is missing, those of the others count for nothing. So a survey that
was stopped goes on with the files that have no row yet.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from filtviz._version import __version__
from filtviz.errors import MissingExtraError, OutputError
from filtviz.files import (
    Permissions,
    is_folder,
    is_regular,
    make_folder,
    remove_file,
    remove_parts,
    replace_own,
)
from filtviz.sources import Sources
from filtviz.surveying.columns import TABLES, VERSION, Column
from filtviz.surveying.taking import LONGEST, FileRows, Rows
from filtviz.text import printable

if TYPE_CHECKING:
    import pyarrow

__all__ = ["MOST_FILES", "RUN", "Store", "arrow", "batches"]

RUN = "survey"
"""What the names of files that a survey is writing begin with."""

_VERSION_KEY, _OPTIONS_KEY = b"filtviz.survey", b"filtviz.options"
_PART = re.compile(r"part-(\d{6})\.parquet\Z")
MOST_FILES = 5_000
"""Rows of files in a part."""

LONGEST_METADATA = 64 << 20
MOST_ROWS, ROWS_A_BYTE = 2_000_000, 16
FEW_BYTES, RATIO = 256 << 20, 64
"""What a part that lies there may ask for: rows, and bytes of columns; or so many for each of its bytes."""

NEVER_NULL = ("file", "status", "size", "changed", "parts", "conv", "layer")
LENGTHS = {"kernel_sum": 9, "kernel_products": 81}
UNTOLD = r"[\x00-\x1f\x7f-\x9f\x{61c}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}]"
"""Characters that are escaped in all texts of the tables."""

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
            if self.path(name).is_symlink():
                raise OutputError(
                    f"{printable(self.path(name), 200)} is a link, which is not followed: survey to another "
                    "folder",
                    path=self.path(name),
                )
            make_folder(self.path(name))
        numbers = [self._numbers(name) for name in _ORDER]
        self._dropped: dict[str, Permissions] = {}
        """The permissions of parts whose rows are all out of date: those that replace them have the same."""
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
            if not is_regular(path):
                raise FileExistsError(errno.EEXIST, "it is no file")
            with path.open("rb") as stream:
                found = self._opened(stream)
                self._check(found.schema_arrow.metadata or {}, path)
                self._check_size(table, found, os.fstat(stream.fileno()).st_size)
                if not found.schema_arrow.equals(self._schemas[table]):
                    raise ValueError("it has other columns")
                texts = [column.name for column in TABLES[table] if column.type == "string"]
                rows = self._opened(stream, read_dictionary=texts).read(columns=columns)
            return self._checked(table, rows)
        except (OSError, ValueError, self._arrow.ArrowException) as error:
            raise OutputError(
                f"{printable(path, 200)} cannot be read as a part of a survey: remove it, or survey to "
                "another folder",
                path=path,
            ) from error

    def _opened(self, stream: BinaryIO, **how: Any) -> pyarrow.parquet.ParquetFile:
        """Open a part; as a dictionary, texts that are repeated are there once."""
        stream.seek(0)
        return self._arrow.parquet.ParquetFile(
            stream,
            thrift_string_size_limit=LONGEST_METADATA,
            thrift_container_size_limit=LONGEST_METADATA,
            **how,
        )

    def _check_size(self, table: str, found: pyarrow.parquet.ParquetFile, size: int) -> None:
        """Refuse what would fill more memory than a part of so many bytes does."""
        facts = found.metadata
        groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
        n_values = sum(group.num_rows for group in groups)
        inflated = sum(group.total_byte_size for group in groups)
        most = MOST_FILES if table == "files" else max(MOST_ROWS, ROWS_A_BYTE * size)
        if max(facts.num_rows, n_values) > most or inflated > max(FEW_BYTES, RATIO * size):
            raise ValueError("it asks for more than its bytes can hold")

    def _checked(self, table: str, rows: pyarrow.Table) -> pyarrow.Table:
        """Return rows with the columns and types of a survey, and with texts as they are written here."""
        compute, schema = self._arrow.compute, self._schemas[table]
        rows.validate(full=True)
        wanted = self._arrow.schema(
            [schema.field(name) for name in rows.schema.names], metadata=schema.metadata
        )
        for name in rows.schema.names:
            column = rows[name]
            if self._arrow.types.is_dictionary(column.type):
                for chunk in column.chunks:
                    texts = chunk.dictionary
                    longest = compute.max(compute.utf8_length(texts)).as_py() or 0
                    odd = compute.any(compute.match_substring_regex(texts, UNTOLD)).as_py()
                    if odd or longest > 2 * LONGEST:
                        raise ValueError(f"{name} has a text that no survey writes")
            if name in NEVER_NULL and column.null_count:
                raise ValueError(f"{name} is missing")
            if (length := LENGTHS.get(name)) is not None and not _all_of(compute, column, length):
                raise ValueError(f"{name} is not {length} numbers")
        return rows.cast(wanted)

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
            table = self._table(name, tables[name])
            self._write(name, self._next, table, sources, self._dropped.get(name))
        self._next += 1

    def _table(self, name: str, rows: Rows) -> pyarrow.Table:
        schema = self._schemas[name]
        return self._arrow.Table.from_pydict(
            {each: rows.get(each, []) for each in schema.names}, schema=schema
        )

    def _write(
        self,
        name: str,
        number: int,
        table: pyarrow.Table,
        sources: Sources,
        permissions: Permissions | None = None,
    ) -> None:
        def write(stream: Any) -> None:
            self._arrow.parquet.write_table(table, stream, compression="zstd", store_schema=True)

        replace_own(self.part(name, number), write, sources, run=RUN, permissions=permissions)

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
        permissions = {name: Permissions.of(self.part(name, number)) for name in _ORDER}
        for name in reversed(_ORDER):  # `files` first: the rest counts for nothing without it
            remove_file(self.part(name, number), sources)
        if kept["files"].num_rows:
            for name in _ORDER:
                self._write(name, self._next, kept[name], sources, permissions[name])
            self._next += 1
        else:
            self._dropped |= {name: own for name, own in permissions.items() if own is not None}

    def _others(self, table: pyarrow.Table, files: set[str]) -> pyarrow.Table:
        compute = self._arrow.compute
        dropped = compute.is_in(table["file"], value_set=self._arrow.array(sorted(files)))
        return table.filter(compute.invert(dropped))

    def tidy(self, sources: Sources) -> None:
        """Remove parts of a run that was stopped while it wrote them.

        Args:
            sources: The files that are surveyed.

        Raises:
            OutputError: there is something of that name that is none; nothing was removed.
        """
        whole = self._numbers("files")
        left = [self.part(name, number) for name in _ORDER for number in sorted(self._numbers(name) - whole)]
        for path in left:
            self._refuse_strangers(path)
        for path in left:
            remove_file(path, sources)
        for name in _ORDER:
            remove_parts(self.path(name), sources, run=RUN)

    def _refuse_strangers(self, path: Path) -> None:
        """Let no file be removed that is no part of a survey."""
        try:
            with path.open("rb") as stream:
                metadata = self._opened(stream).schema_arrow.metadata or {}
        except (OSError, self._arrow.ArrowException):
            metadata = {}
        if not is_regular(path) or metadata.get(_VERSION_KEY) is None:
            raise OutputError(
                f"{printable(path, 200)} is no part of a survey: survey to another folder", path=path
            )


def _all_of(compute: Any, lists: pyarrow.ChunkedArray, length: int) -> bool:
    """Say whether all lists that are there have so many numbers, none of them missing or beyond all sums."""
    right = compute.equal(compute.list_value_length(lists), length)
    if compute.all(right).as_py() is False:
        return False
    held = [chunk.flatten() for chunk in lists.chunks]
    small = (compute.all(compute.less(compute.abs(each), LARGEST_SUM)).as_py() for each in held)
    return all(each is not False for each in small) and not any(each.null_count for each in held)


LARGEST_SUM = 2.0**63
"""Of kernels whose weights are 1 at most."""


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
