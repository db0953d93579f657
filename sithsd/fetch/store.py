"""The file of what was fetched (SQLite): crash safe, bounded in bytes and rows, and begun anew if it is damaged.

It is a cache: whatever is lost is fetched again, and whatever is in it has to prove itself again before it is used.
So a file that can't be trusted is put aside under a name that says so, and nobody has to mend it. Not thread-safe.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sithsd.fetch.model import Entry, Kind
from sithsd.guarded import GuardedFile, UnfitFileError, transaction

APPLICATION_ID = 0x53464554  # "SFET"
VERSION = 1
MOST_ROWS = 4096
_PAGE = 4096
_BUSY_SECONDS = 5.0
_COLUMNS = "key, kind, url, fetched_at, asked_at, this_update, next_update, number, nonce, size"
# The bytes stand last: the columns before them are read without them.
_SCHEMA = """CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    this_update INTEGER,
    next_update INTEGER,
    number TEXT,
    nonce BLOB,
    size INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT"""
_OF_THE_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


class StoreError(Exception):
    """The file can't be used, or not be written now; the message is one line."""


class _DamagedError(Exception):
    """The file is none that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file that was put aside: where it is now, and why."""

    path: Path
    reason: str


class Store:
    """An open file of at most `most_bytes` of answers. `set_aside` tells of one that was damaged."""

    def __init__(self, path: Path, most_bytes: int, most_rows: int = MOST_ROWS) -> None:
        """Open the file, made if it is not there. Raises StoreError."""
        self._most_bytes = most_bytes
        self._most_rows = most_rows
        self.set_aside: SetAside | None = None
        try:
            try:
                self._file, self._connection = _open(path, most_bytes)
            except _DamagedError as error:
                self.set_aside = SetAside(_put_aside(path), str(error))
                self._file, self._connection = _open(path, most_bytes)
        except (sqlite3.Error, OSError, UnfitFileError, _DamagedError) as error:
            raise StoreError(f"{path}: {_words(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database, then the file."""
        self._connection.close()
        self._file.close()

    def entries(self) -> list[Entry]:
        """Return all that is kept. Raises StoreError."""
        with self._told():
            return [_entry(row) for row in self._connection.execute(f"SELECT {_COLUMNS} FROM answers")]  # noqa: S608 - own names

    def content(self, key: str) -> bytes | None:
        """Return the bytes of an answer, None if there is none. Raises StoreError."""
        with self._told():
            found = self._connection.execute("SELECT content FROM answers WHERE key = ?", (key,)).fetchone()
            return None if found is None else bytes(found[0])

    def put(self, entry: Entry, content: bytes) -> list[str]:
        """Keep an answer in the place of the one with its key; return the keys that had to go. Raises StoreError."""
        if len(content) > self._most_bytes:
            raise StoreError(f"an answer of {len(content)} bytes is more than all may have")
        with self._transaction():
            gone = self._make_room(entry.key, len(content))
            self._connection.execute(
                f"INSERT OR REPLACE INTO answers ({_COLUMNS}, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - own names
                (*_values(entry), len(content), content),
            )
        return gone

    def asked(self, keys: Iterable[str], at: datetime) -> None:
        """Note that these answers were asked for. Raises StoreError."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE answers SET asked_at = ? WHERE key = ?", [(_seconds(at), key) for key in keys]
            )

    def drop(self, keys: Iterable[str]) -> None:
        """Forget answers. Raises StoreError."""
        with self._transaction():
            self._connection.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in keys])

    def _make_room(self, key: str, size: int) -> list[str]:
        """Remove what was not asked for the longest, until there is room for one more of this size."""
        count, total = self._connection.execute(
            "SELECT count(*), ifnull(sum(size), 0) FROM answers WHERE key <> ?", (key,)
        ).fetchone()
        gone: list[str] = []
        oldest = self._connection.execute(
            "SELECT key, size FROM answers WHERE key <> ? ORDER BY asked_at, fetched_at", (key,)
        )
        while count + 1 > self._most_rows or total + size > self._most_bytes:
            removed, its_size = oldest.fetchone()
            gone.append(removed)
            count, total = count - 1, total - its_size
        oldest.close()
        self._connection.executemany("DELETE FROM answers WHERE key = ?", [(one,) for one in gone])
        return gone

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told(), transaction(self._connection, self._file):
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnfitFileError) as error:
            raise StoreError(f"the store: {_words(error)}") from error


def _open(path: Path, most_bytes: int) -> tuple[GuardedFile, sqlite3.Connection]:
    """Open and look through. Raises _DamagedError for what is to be put aside."""
    file = GuardedFile(path)
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _prepare(connection, most_bytes)
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        file.close()
        if error.sqlite_errorcode & 0xFF in _OF_THE_DISK:
            raise
        raise _DamagedError(_words(error)) from error
    except BaseException:
        file.close()
        raise
    return file, connection


def _prepare(connection: sqlite3.Connection, most_bytes: int) -> None:
    run = connection.execute
    run(f"PRAGMA page_size = {_PAGE}")
    run("PRAGMA auto_vacuum = FULL")
    run("PRAGMA journal_mode = TRUNCATE")
    run("PRAGMA synchronous = FULL")
    run("PRAGMA temp_store = MEMORY")
    run("PRAGMA trusted_schema = OFF")
    # A second bound, should the sum of the answers ever be wrong: rows, trees and what an exchange needs beside.
    run(f"PRAGMA max_page_count = {2 * most_bytes // _PAGE + 2 * MOST_ROWS}")
    if (said := run("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
        raise _DamagedError(" ".join(str(said).split()))
    mark, version = (int(run(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version"))
    made = [str(sql) for (sql,) in run("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]
    if (mark, version, made) == (0, 0, []):
        run("BEGIN IMMEDIATE")
        run(_SCHEMA)
        run(f"PRAGMA application_id = {APPLICATION_ID}")
        run(f"PRAGMA user_version = {VERSION}")
        run("COMMIT")
    elif mark != APPLICATION_ID:
        raise _DamagedError("it is a database of something else")
    elif version != VERSION:
        raise _DamagedError(f"it has schema {version}; this release knows {VERSION}")
    elif made != [_SCHEMA]:
        raise _DamagedError("its tables are others")
    for row in run(f"SELECT {_COLUMNS} FROM answers"):  # noqa: S608 - own names
        _entry(row)


def _put_aside(path: Path) -> Path:
    """Give a file another name, in the place of one that was put aside before; its journal goes. Raises OSError."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return aside


def _values(entry: Entry) -> tuple[str | int | bytes | None, ...]:
    return (
        entry.key,
        str(entry.kind),
        entry.url,
        _seconds(entry.fetched_at),
        _seconds(entry.asked_at),
        None if entry.this_update is None else _seconds(entry.this_update),
        None if entry.next_update is None else _seconds(entry.next_update),
        None if entry.number is None else str(entry.number),
        entry.nonce,
    )


def _entry(row: tuple[str, str, str, int, int, int | None, int | None, str | None, bytes | None, int]) -> Entry:
    key, kind, url, fetched_at, asked_at, this_update, next_update, number, nonce, size = row
    try:
        return Entry(
            key=key,
            kind=Kind(kind),
            url=url,
            fetched_at=_moment(fetched_at),
            asked_at=_moment(asked_at),
            this_update=None if this_update is None else _moment(this_update),
            next_update=None if next_update is None else _moment(next_update),
            number=None if number is None else int(number),
            nonce=nonce,
            size=size,
        )
    except (ValueError, OverflowError, OSError) as error:
        raise _DamagedError(f"it holds an answer that can't be read ({type(error).__name__})") from error


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
