"""Which kind of file an input is, told from what is in it; and how much of it has been read."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from sithsd.report.inputs.delimited import Delimited
from sithsd.report.inputs.ldif import Ldif
from sithsd.report.inputs.parquet import Parquet
from sithsd.report.inputs.sighted import Exported, Kept
from sithsd.report.model import Entry, InputError, Reject

_BEGINNING: Final = 4096
_PARQUET: Final = b"PAR1"
_SQLITE: Final = b"SQLite format 3\x00"
_UTF8_MARK: Final = b"\xef\xbb\xbf"


class Form(StrEnum):
    """The kinds of files that are read."""

    CSV = "csv"
    PARQUET = "parquet"
    LDIF = "ldif"
    SIGHTINGS = "sightings"


class _Rows(Protocol):
    @property
    def unused(self) -> tuple[str, ...]: ...

    def __iter__(self) -> Iterator[Entry | Reject]: ...


class Reading:
    """One input that is being read."""

    def __init__(self, form: Form, rows: _Rows, file: BinaryIO, size: int) -> None:
        self.form = form
        self._rows = rows
        self._file = file
        self._size = size

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of the columns that are not read."""
        return self._rows.unused

    @property
    def without(self) -> int:
        """Entries of a directory that have no certificate."""
        return self._rows.without if isinstance(self._rows, Ldif) else 0

    def share(self) -> float:
        """Return how much has been read, from 0 to 1."""
        if isinstance(self._rows, Parquet):
            return self._rows.number / max(self._rows.rows, 1)
        return self._file.tell() / max(self._size, 1)

    def __iter__(self) -> Iterator[Entry | Reject]:
        return iter(self._rows)


@contextmanager
def open_input(path: Path, name: str | None = None) -> Iterator[Reading]:
    """Open an input, told of by `name`. Raises InputError for a file that can't be read, or is none of the kinds."""
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
            size = file.seek(0, 2)
            file.seek(0)
            form, rows = _recognised(path, file, beginning, name or path.name)
            yield Reading(form, rows, file, size)
    except OSError as error:
        raise InputError("report-input-unreadable", f"{error.strerror}", reason=error.strerror or "?") from error


def _recognised(path: Path, file: BinaryIO, beginning: bytes, name: str) -> tuple[Form, _Rows]:
    if beginning.startswith(_PARQUET):
        return Form.PARQUET, Parquet(path, name)
    if beginning.startswith(_SQLITE):
        return Form.SIGHTINGS, Kept(path, name)
    text = beginning.removeprefix(_UTF8_MARK).lstrip()
    if not text:
        raise InputError("report-input-empty", "an empty file")
    if text.startswith(b"{"):
        return Form.SIGHTINGS, Exported(file, name)
    if text.startswith((b"-----BEGIN", b"0\x82")):
        raise InputError("report-input-certificate", "a certificate, and no list")
    if _first_word(text) in {b"dn", b"version"}:
        return Form.LDIF, Ldif(file, name)
    return Form.CSV, Delimited(file, name)


def _first_word(text: bytes) -> bytes | None:
    """Return what stands before the first colon of the first line that is no comment (RFC 2849)."""
    for line in text.splitlines():
        if line.strip() and not line.startswith((b"#", b" ")):
            return line.partition(b":")[0].lower()
    return None
