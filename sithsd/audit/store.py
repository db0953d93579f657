"""The audit's database, as its one writer uses it: transactions, and the few statements in them.

Errors come out as they are: sqlite3.Error, OSError, UnfitFileError, UnfitDatabaseError. Not thread-safe.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sithsd.audit import schema
from sithsd.audit.chain import ALL_COLUMNS, COLUMNS, Value, as_value, row_hash
from sithsd.audit.model import MAX_JSON, Event, Row, row_of
from sithsd.guarded import GuardedFile, UnfitFileError, transaction

# Of a finished row, what a pending one has not: `more`, and the rest with both hashes. Three pages more for the trees.
_ROOM = MAX_JSON + 1024 + 3 * schema.PAGE
_PENDING = (
    *("time", "operation", "uid", "pid", "program", "reader", "card_serial", "role", "tries_before", "checklist"),
    "more",
)


class Store:
    """An open file. Durable at the end of each transaction; what a process that was killed had begun is rolled back."""

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        """Open the file, with its tables made if it is empty. Wait at most so long for others who read it."""
        self._journal = path.with_name(f"{path.name}-journal")
        self._file = GuardedFile(path)
        try:
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the database, then the file."""
        self._connection.close()
        self._file.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write what is done inside whole, or not at all."""
        with transaction(self._connection, self._file):
            yield

    def keep_journal(self) -> None:
        """Make the journal as long as any transaction of one row needs; it stays so on the disk."""
        if self._journal_bytes() < schema.JOURNAL_BYTES:
            self._fill_journal()

    def add_pending(self, values: tuple[Value, ...]) -> int:
        """Note an operation that begins, with room for its row; `values` as in `_PENDING`. Return its ticket."""
        columns, marks = ", ".join(_PENDING), ", ".join("?" for _ in _PENDING)
        statement = f"INSERT INTO pending ({columns}, room) VALUES ({marks}, zeroblob({_ROOM}))"  # noqa: S608 - own names
        return int(self._connection.execute(statement, values).lastrowid or 0)

    def drop_pending(self, ticket: int) -> None:
        """Give the room of an operation free for its row."""
        self._connection.execute("DELETE FROM pending WHERE ticket = ?", (ticket,))

    def pending(self) -> list[tuple[int, dict[str, Any]]]:
        """Return the operations that have begun: ticket, and values by column."""
        statement = f"SELECT ticket, {', '.join(_PENDING)} FROM pending ORDER BY ticket"  # noqa: S608 - own names
        return [
            (ticket, dict(zip(_PENDING, map(as_value, values), strict=True)))
            for ticket, *values in self._connection.execute(statement)
        ]

    def append(self, values: tuple[Value, ...]) -> Row:
        """Put a row at the end of the chain; `values` as in `COLUMNS`, but for the number."""
        head = self._connection.execute("SELECT number, hash FROM head").fetchone()
        number, previous = head or (None, None)
        if not isinstance(number, int) or not isinstance(previous, str):
            raise schema.UnfitDatabaseError("its head is gone")
        whole = (number + 1, *values)
        row = row_of((*whole, previous, row_hash(previous, whole)))
        marks = ", ".join("?" for _ in ALL_COLUMNS)
        self._connection.execute(
            f"INSERT INTO rows ({', '.join(ALL_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - own names
            (*whole, row.previous, row.hash),
        )
        self._connection.execute("UPDATE head SET number = ?, hash = ?", (row.number, row.hash))
        return row

    def newest(self) -> str | None:
        """Return the time of the last row, None if there is none."""
        return self._time("SELECT time FROM rows ORDER BY number DESC LIMIT 1")

    def oldest(self) -> str | None:
        """Return the time of the first row that tells of more than a removal, None if there is none."""
        return self._time("SELECT time FROM rows WHERE operation <> ? ORDER BY number LIMIT 1", Event.RETENTION.value)

    def older_than(self, time: str) -> tuple[int, str] | None:
        """Return number and hash of the last of the oldest rows, all from before `time`; None if there are none.

        Rows that only tell of earlier removals don't count alone: else each removal would be followed by one of itself.
        """
        (kept,) = self._connection.execute("SELECT min(number) FROM rows WHERE time >= ?", (time,)).fetchone()
        last = self._connection.execute(
            "SELECT number, hash FROM rows WHERE number < ifnull(?, number + 1) ORDER BY number DESC LIMIT 1", (kept,)
        ).fetchone()
        if last is None:
            return None
        (counted,) = self._connection.execute(
            "SELECT count(*) FROM rows WHERE number <= ? AND operation <> ?", (last[0], Event.RETENTION.value)
        ).fetchone()
        return (int(last[0]), str(last[1])) if counted else None

    def remove_to(self, number: int, last_hash: str) -> None:
        """Remove the rows up to `number`, whose hash is `last_hash`."""
        self._connection.execute("UPDATE head SET removed_to = ?, removed_hash = ?", (number, last_hash))
        self._connection.execute("DELETE FROM rows WHERE number <= ?", (number,))

    def overwrite_journal(self) -> None:
        """Overwrite what the journal still holds of removed rows."""
        self._fill_journal()

    def _prepare(self) -> None:
        if not self._file.in_place():
            raise UnfitFileError("it was exchanged while it was opened")
        run = self._connection.execute
        run(f"PRAGMA page_size = {schema.PAGE}")
        # The journal stays on the disk, so that a full one has room for it (https://www.sqlite.org/pragma.html).
        run("PRAGMA journal_mode = PERSIST")
        run(f"PRAGMA journal_size_limit = {schema.JOURNAL_BYTES}")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA secure_delete = ON")
        run("PRAGMA temp_store = MEMORY")
        run("PRAGMA trusted_schema = OFF")
        if not schema.fits(self._connection):
            with self.transaction():
                schema.create(self._connection)

    def _time(self, statement: str, *values: Value) -> str | None:
        found = self._connection.execute(statement, values).fetchone()
        return None if found is None else str(found[0])

    def _journal_bytes(self) -> int:
        try:
            return self._journal.stat().st_size
        except FileNotFoundError:
            return 0

    def _fill_journal(self) -> None:
        with self.transaction():
            # SQLite writes no page whose content stays the same.
            self._connection.execute("UPDATE reserve SET filler = randomblob(length(filler))")


def row_values(pending: dict[str, Any], time: str, result: str, after: int | None, more: str | None) -> tuple[Any, ...]:
    """Return the values of a row (`COLUMNS` without the number) from those of a pending operation."""
    given = {**pending, "time": time, "result": result, "tries_after": after, "more": more}
    return tuple(given[column] for column in COLUMNS[1:])
