"""Lists as CSV (RFC 4180), with whatever separates the fields in the country at hand."""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from sithsd.report.columns import MAX_COLUMNS, Columns, columns
from sithsd.report.inputs.lines import Lines
from sithsd.report.model import Entry, InputError, Place, Reject, Why
from sithsd.report.rows import entry_of

_SEPARATORS = (";", ",", "\t", "|")
_HEAD_WITHIN = 20
"""Lines that may stand before the head: a title, an empty line, Excel's `sep=;`."""


class Delimited:
    """The rows of one file."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Take the file and its name. Raises InputError for one in which no head is found."""
        self._name = name
        self._lines = Lines(file)
        self._text = iter(self._lines)
        self._separator, self.columns = self._head()

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of the columns that are not read."""
        return self.columns.unused

    def __iter__(self) -> Iterator[Entry | Reject]:
        # A field is at most csv.field_size_limit() long, 131072 characters unless a program sets it.
        rows = csv.reader(self._text, delimiter=self._separator)
        begins = self._lines.number + 1
        while True:
            place = Place(self._name, begins)
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error:
                begins = self._lines.number + 1
                yield Reject(place, Why.TOO_LONG)
                continue
            ends, begins = self._lines.number, self._lines.number + 1
            if self._lines.cut is not None and place.line <= self._lines.cut <= ends:
                yield Reject(place, Why.TOO_LONG)
            elif any(field.strip() for field in row):
                yield self._entry(place, row)

    def _entry(self, place: Place, row: list[str]) -> Entry | Reject:
        # Empty fields at the end are a spreadsheet's; others would stand under no name, or under a wrong one.
        if any(field.strip() for field in row[self.columns.count :]):
            return Reject(place, Why.COLUMNS)
        of = self.columns.of

        def value(field: str) -> str | None:
            at = of.get(field)
            return row[at] if at is not None and at < len(row) else None

        return entry_of(place, value)

    def _head(self) -> tuple[str, Columns]:
        for _, line in zip(range(_HEAD_WITHIN), self._text, strict=False):
            found = [(len(one.of), separator, one) for separator, one in self._readings(line) if one.enough]
            if found:
                _, separator, best = max(found, key=lambda one: one[0])
                return separator, best
        raise InputError("report-input-head", "no head with a certificate or a last day")

    def _readings(self, line: str) -> Iterator[tuple[str, Columns]]:
        for separator in _SEPARATORS:
            try:
                head = next(csv.reader([line], delimiter=separator), [])
            except csv.Error:
                continue
            if len(head) <= MAX_COLUMNS:
                yield separator, columns(head)
