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
from contextlib import suppress
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
from filtviz.surveying.columns import TABLES, VERSION, TableColumn
from filtviz.surveying.taking import LONGEST, FileRows, Rows
from filtviz.text import printable

if TYPE_CHECKING:
    import pyarrow

__all__ = ["LENGTHS", "MOST_FILES", "RUN", "TableStore", "arrow", "batches", "rows_of", "values_of"]

RUN = "survey"
"""What the names of files that a survey is writing begin with."""

_VERSION_KEY, _OPTIONS_KEY = b"filtviz.survey", b"filtviz.options"
_PART = re.compile(r"part-(\d{6})\.parquet\Z")
MOST_FILES = 5_000
"""Rows of files in a part."""

LONGEST_METADATA = 64 << 20
FEW_BYTES, RATIO = 256 << 20, 64
"""What a part that lies there may ask for: bytes of columns, or so many for each of its own."""

FEW_VALUES, VALUES_A_BYTE = 1 << 26, 64
"""The same of all parts of a table together: values, of which one that is repeated takes no bytes there."""

NEVER_NULL = ("file", "status", "size", "changed", "parts", "conv", "layer")
LENGTHS = {"kernel_sum": 9, "kernel_products": 81}
TOGETHER = (("kernels", "kernel_sum", "kernel_products"), ("rows", "cols"), ("code", "reason"))
"""Columns of which a row has all or none."""

UNTOLD = r"[\x00-\x1f\x7f-\x9f\x{61c}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}]"
"""Characters that are escaped in all texts of the tables."""

_TEXTS_AT_ONCE = 1 << 24
"""Bytes of a column's texts that are written at a time, where they are numbers of a dictionary till then."""

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
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a survey writes Parquet tables, which needs pyarrow: pip install pyarrow"
        ) from error
    except ImportError as error:  # one of its libraries, as where memory is short
        raise MissingExtraError(
            f"a survey writes Parquet tables, and pyarrow cannot be loaded: {printable(error, 200)}"
        ) from error
    return pyarrow


class TableStore:
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
        self._asked: dict[str, dict[int, tuple[int, int]]] = {name: {} for name in TABLES}
        """Table → number of a part that was read → its values and its bytes."""
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
        """Return a part, whose texts are numbers of a dictionary: one that is repeated is there once.

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
                self._check_size(table, number, found, os.fstat(stream.fileno()).st_size)
                if not found.schema_arrow.equals(self._schemas[table]):
                    raise ValueError("it has other columns")
                told = (found.schema.column(place) for place in range(len(found.schema)))
                texts = [column.path for column in told if column.physical_type == "BYTE_ARRAY"]
                rows = self._opened(stream, read_dictionary=texts).read(columns=columns)
            self._check_rows(rows)
            return rows
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

    def _check_size(self, table: str, number: int, found: pyarrow.parquet.ParquetFile, size: int) -> None:
        """Refuse what would fill more memory, or take longer, than parts of so many bytes do."""
        facts = found.metadata
        groups = [facts.row_group(place) for place in range(facts.num_row_groups)]
        inflated = sum(group.total_byte_size for group in groups)
        values = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
        asked = self._asked[table]
        asked[number] = max(values, facts.num_rows), size
        n_values, n_bytes = (sum(each) for each in zip(*asked.values(), strict=True))
        too_long = table == "files" and facts.num_rows > MOST_FILES
        too_much = n_values > max(FEW_VALUES, VALUES_A_BYTE * n_bytes)
        if too_long or too_much or inflated > max(FEW_BYTES, RATIO * size):
            raise ValueError("it asks for more than its bytes can hold")

    def _check_rows(self, rows: pyarrow.Table) -> None:
        """Refuse columns that no survey writes: texts, missing values, and sums."""
        compute = self._arrow.compute
        rows.validate(full=True)
        for name in rows.schema.names:
            column = rows[name]
            for texts in _dictionaries(self._arrow, column):
                longest = compute.max(compute.utf8_length(texts)).as_py() or 0
                odd = compute.any(compute.match_substring_regex(texts, UNTOLD)).as_py()
                if odd or longest > 2 * LONGEST:
                    raise ValueError(f"{name} has a text that no survey writes")
            if name in NEVER_NULL and column.null_count:
                raise ValueError(f"{name} is missing")
            if (length := LENGTHS.get(name)) is not None and not _all_of(compute, column, length):
                raise ValueError(f"{name} is not {length} numbers")
        for names in TOGETHER:
            held = [compute.is_valid(rows[name]) for name in names if name in rows.schema.names]
            if any(not each.equals(held[0]) for each in held[1:]):
                raise ValueError(f"some of {', '.join(names)} are missing")

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

    def _schema(self, columns: Sequence[TableColumn]) -> pyarrow.Schema:
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
            how = {"compression": "zstd", "store_schema": True}
            with self._arrow.parquet.ParquetWriter(stream, self._schemas[name], **how) as writer:
                for start in range(0, max(table.num_rows, 1), at_once):
                    writer.write_table(table.slice(start, at_once).cast(self._schemas[name]))

        longest = max(_lengths(self._arrow, table), default=0)
        at_once = max(_TEXTS_AT_ONCE // longest if longest else table.num_rows, 1)

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
        are_kept = [name not in files for name in values_of(table["file"])]
        kept = self._arrow.array(are_kept, self._arrow.bool_())
        return table.filter(kept)

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
        metadata: Mapping[bytes, bytes] = {}
        with suppress(OSError, self._arrow.ArrowException):
            if is_regular(path):  # whoever opens a pipe waits for what comes out of it
                with path.open("rb") as stream:
                    metadata = self._opened(stream).schema_arrow.metadata or {}
        if metadata.get(_VERSION_KEY) is None:
            raise OutputError(
                f"{printable(path, 200)} is no part of a survey: survey to another folder", path=path
            )


def _all_of(compute: Any, lists: pyarrow.ChunkedArray, length: int) -> bool:
    """Say whether all lists that are there have so many numbers, none of them missing or beyond all sums."""
    right = compute.equal(compute.list_value_length(lists), length)
    if compute.all(right).as_py() is False:
        return False
    held = [chunk.flatten() for chunk in lists.chunks]
    if any(each.null_count or compute.any(compute.is_nan(each)).as_py() for each in held):
        return False
    ends = [end for each in held if len(each) for end in compute.min_max(each).as_py().values()]
    return all(abs(end) < LARGEST_SUM for end in ends)


def _dictionaries(package: Any, column: pyarrow.ChunkedArray) -> Iterator[Any]:
    """Yield the dictionaries of texts of a column, or of lists of them."""
    for chunk in column.chunks:
        held = chunk.values if package.types.is_list(chunk.type) else chunk
        if package.types.is_dictionary(held.type):
            yield held.dictionary


def _lengths(package: Any, table: pyarrow.Table) -> Iterator[int]:
    """Yield the bytes of the longest text of each dictionary."""
    for name in table.schema.names:
        for texts in _dictionaries(package, table[name]):
            yield package.compute.max(package.compute.binary_length(texts)).as_py() or 0


def values_of(column: pyarrow.ChunkedArray | pyarrow.Array) -> list[Any]:
    """Return the values of a column; a text that is repeated is one object.

    Args:
        column: A column of a part that was read, or a piece of it.
    """
    return [value for chunk in getattr(column, "chunks", [column]) for value in _values_of(chunk)]


def _values_of(chunk: Any) -> Iterator[Any]:
    if hasattr(chunk, "offsets"):  # a list for each row
        held, edges = list(_values_of(chunk.values)), chunk.offsets.to_pylist()
        for place, is_there in enumerate(chunk.is_valid().to_pylist()):
            yield held[edges[place] : edges[place + 1]] if is_there else None
    elif hasattr(chunk, "dictionary"):
        texts = chunk.dictionary.to_pylist()
        yield from (None if place is None else texts[place] for place in chunk.indices.to_pylist())
    else:
        yield from chunk.to_pylist()


def rows_of(table: pyarrow.Table) -> list[dict[str, Any]]:
    """Return the rows of a table, each by its columns, as `values_of` has them.

    Args:
        table: A part that was read, or some columns of it.
    """
    columns = [values_of(table[name]) for name in table.schema.names]
    return [dict(zip(table.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


LARGEST_SUM = 2.0**63
"""Of kernels whose weights are 1 at most."""


def _joined(tables: Sequence[Rows]) -> Rows:
    names = next((list(each) for each in tables if each), [])
    return {name: [value for each in tables for value in each.get(name, ())] for name in names}


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> Rows:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def batches(store: TableStore, table: str, columns: Sequence[str] | None = None) -> Iterator[pyarrow.Table]:
    """Yield the whole table, a part at a time.

    Args:
        store: The survey.
        table: The table's name.
        columns: Which columns; None is all.
    """
    for number in store.parts():
        yield store.read(table, number, columns)
