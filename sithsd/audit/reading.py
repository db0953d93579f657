"""The audit's file, as it is read: nothing in it is changed, and a daemon may write meanwhile.

It is read in pieces, each within a short transaction, so that no reader holds up the daemon.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sithsd.audit import schema
from sithsd.audit.chain import ALL_COLUMNS, as_value
from sithsd.audit.model import Row, moment, row_of

PIECE = 500
_BUSY_SECONDS = 5.0
_MAX_LENGTH = 1 << 20
_NAMES = ", ".join(ALL_COLUMNS)


class ReadingError(Exception):
    """A file that can't be read as an audit.

    `absent`: there is none. `foreign`: it is no audit that this release knows.
    """

    def __init__(self, detail: str, *, absent: bool = False, foreign: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.absent = absent
        self.foreign = foreign


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: from `since` on, before `until`, about the card `serial`; of those the last `limit`. None: any."""

    since: datetime | None = None
    until: datetime | None = None
    serial: str | None = None
    limit: int | None = None


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for reading. Raises ReadingError, also for what goes wrong with SQLite or the file inside."""
    try:
        path.stat()
        with _connected(path) as connection:
            if not schema.fits(connection):
                raise ReadingError("it is empty", foreign=True)
            yield connection
    except FileNotFoundError as error:
        raise ReadingError("it is not there", absent=True) from error
    except OSError as error:
        raise ReadingError(error.strerror or type(error).__name__) from error
    except schema.UnfitDatabaseError as error:
        raise ReadingError(str(error), foreign=True) from error
    except (sqlite3.Error, UnicodeError) as error:  # Unicode's: a message of SQLite's that quotes damaged names
        raise ReadingError(getattr(error, "sqlite_errorname", type(error).__name__)) from error


def rows(path: Path, wanted: Wanted) -> Iterator[Row]:
    """Return the rows wanted, in the order of the chain. Raises ReadingError.

    A row that somebody changed may hold anything: texts for numbers, and the reverse.
    """
    conditions, values = ["number > ?"], []
    for condition, value in (
        ("time >= ?", wanted.since and moment(wanted.since)),
        ("time < ?", wanted.until and moment(wanted.until)),
        ("card_serial = ?", wanted.serial),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    found = f"SELECT {_NAMES} FROM rows WHERE {' AND '.join(conditions)} ORDER BY number"  # noqa: S608 - own names
    with reading(path) as connection:
        if wanted.limit is not None:
            last = connection.execute(f"{found} DESC LIMIT ?", (-1, *values, wanted.limit)).fetchall()
            yield from (row_of([as_value(value) for value in row]) for row in reversed(last))
            return
        after = -1
        while piece := connection.execute(f"{found} LIMIT ?", (after, *values, PIECE)).fetchall():
            yield from (row_of([as_value(value) for value in row]) for row in piece)
            after = piece[-1][0]


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(_connect(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema")
            yield connection
            return
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_READONLY_ROLLBACK":
            raise
    # A daemon was killed as it wrote, and what it had begun would have to be rolled back: in a copy, then.
    with tempfile.TemporaryDirectory(prefix="sithsd-audit-") as folder:
        copy = Path(folder, path.name)
        for suffix in ("", "-journal"):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(_connect(copy, "rw")) as connection:
            yield connection


def _connect(path: Path, mode: str = "ro") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    # Bytes that are no UTF-8 must neither be an error nor look like others.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_LENGTH)
    return connection
