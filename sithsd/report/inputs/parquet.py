"""Lists as Parquet, read by pyarrow in batches. pyarrow is an extra: without it the refusal names it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sithsd.report.columns import columns
from sithsd.report.extra import pyarrow
from sithsd.report.model import Entry, InputError, Place, Reject
from sithsd.report.rows import Value, entry_of

_BATCH: Final = 2048
_MAX_GROUP: Final = 1 << 31
"""Bytes of the largest group of rows, unpacked: pyarrow unpacks a column of one whole."""


class Parquet:
    """The rows of one file."""

    def __init__(self, path: Path, name: str) -> None:
        """Take the file and its name. Raises InputError: it is no Parquet, or has no certificates and no last days."""
        self._name = name
        arrow, parquet = pyarrow()
        # pyarrow's own, those of its file system, and of texts that are none.
        self._errors = (arrow.ArrowException, OSError, ValueError)
        try:
            self._file = parquet.ParquetFile(path)
            names = list(self._file.schema_arrow.names)
            groups = [self._file.metadata.row_group(one).total_byte_size for one in range(self._file.num_row_groups)]
        except self._errors as error:
            raise InputError("report-input-parquet", f"no Parquet: {type(error).__name__}") from error
        if max(groups, default=0) > _MAX_GROUP:
            raise InputError("report-input-large", "a group of rows is too large")
        self.rows = int(self._file.metadata.num_rows)
        self.columns = columns(names)
        if not self.columns.enough:
            raise InputError("report-input-head", "no column with a certificate or a last day")
        self._read = {field: names[at] for field, at in self.columns.of.items()}
        self.number = 0
        """Rows read so far."""

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of the columns that are not read."""
        return self.columns.unused

    def __iter__(self) -> Iterator[Entry | Reject]:
        for rows, columns_of in self._batches():
            for at in range(rows):
                self.number += 1
                yield self._entry(columns_of, at)

    def _batches(self) -> Iterator[tuple[int, dict[str, list[Any]]]]:
        try:
            for batch in self._file.iter_batches(_BATCH, columns=list(self._read.values())):
                yield batch.num_rows, {name: batch.column(column).to_pylist() for name, column in self._read.items()}
        except (*self._errors, OverflowError) as error:  # a moment beyond the calendar's ends
            raise InputError("report-input-parquet", f"damaged Parquet: {type(error).__name__}") from error

    def _entry(self, columns_of: dict[str, list[Any]], at: int) -> Entry | Reject:
        def value(field: str) -> Value:
            column = columns_of.get(field)
            return None if column is None else column[at]

        return entry_of(Place(self._name, self.number), value)
