"""The file of sightings: one row a card, the last time that it was seen; what is too old is removed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import msgspec

from sithsd.sightings.model import Sighting

SIGHTINGS_FILE = "sightings.sqlite"
MAX_CARDS = 100_000
"""Cards in the file at most; those that were not seen for longest give way."""
_APPLICATION_ID = 0x53534947  # "SSIG"
_VERSION = 1
_MODE = 0o600
_COLUMNS = ("card", "seen", "not_before", "not_after", "kind", "environment", "unit")
_TABLE = """CREATE TABLE sightings (
    card TEXT PRIMARY KEY,
    seen TEXT NOT NULL,
    not_before TEXT,
    not_after TEXT NOT NULL,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    unit TEXT
) STRICT, WITHOUT ROWID"""


class SightingsError(Exception):
    """A file of sightings that can't be used; the message says why. `absent`: there is none."""

    def __init__(self, detail: str, *, absent: bool = False) -> None:
        super().__init__(detail)
        self.absent = absent


class Store:
    """The file, as the daemon writes it, for one thread at a time. Errors: sqlite3's, OSError, SightingsError."""

    def __init__(self, path: Path, *, keep_days: int) -> None:
        """Open the file `path`, made if it is not there. Rows of cards not seen for `keep_days` days are removed."""
        self._keep = timedelta(days=keep_days)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _MODE))
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA secure_delete = ON")
            if not _fits(self._connection):
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(_TABLE)
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")
                self._connection.execute("COMMIT")
        except BaseException:
            self._connection.close()
            raise

    def record(self, sighting: Sighting) -> None:
        """Take note of a card, in place of what was known of it, and forget what is too old."""
        values = [msgspec.to_builtins(getattr(sighting, column)) for column in _COLUMNS]
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                f"INSERT OR REPLACE INTO sightings ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - own names
                values,
            )
            self._purge(sighting.seen)
            self._connection.execute(
                "DELETE FROM sightings WHERE card IN (SELECT card FROM sightings ORDER BY seen DESC LIMIT -1 OFFSET ?)",
                (MAX_CARDS,),
            )

    def purge(self, today: date) -> None:
        """Forget what is too old."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._purge(today)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _purge(self, today: date) -> None:
        self._connection.execute("DELETE FROM sightings WHERE seen < ?", ((today - self._keep).isoformat(),))


def read(path: Path) -> Iterator[Sighting]:
    """Return the sightings in the file, the latest first; a daemon may write meanwhile. Raises SightingsError."""
    if not path.exists():
        raise SightingsError("it is not there", absent=True)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as found:
            found.execute("PRAGMA trusted_schema = OFF")
            if not _fits(found):
                raise SightingsError("it is empty")
            order = f"SELECT {', '.join(_COLUMNS)} FROM sightings ORDER BY seen DESC, card LIMIT ?"  # noqa: S608 - own names
            for row in found.execute(order, (MAX_CARDS,)):
                yield msgspec.convert(
                    {msgspec.structs.fields(Sighting)[at].encode_name: value for at, value in enumerate(row)}, Sighting
                )
    except (sqlite3.Error, UnicodeError) as error:
        raise SightingsError(getattr(error, "sqlite_errorname", type(error).__name__)) from error
    except msgspec.ValidationError as error:
        raise SightingsError("it holds something else than sightings") from error


def _fits(connection: sqlite3.Connection) -> bool:
    """Whether the file has our table; False for an empty one. Raises SightingsError for any other."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    made = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'")]
    if mark == version == 0 and not made:
        return False
    if mark != _APPLICATION_ID or version != _VERSION or made != [_TABLE]:
        raise SightingsError("it is no file of sightings that this release knows")
    return True
