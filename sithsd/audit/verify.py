"""Is the audit as it was written? Finds the first row that was changed, removed, added or moved.

What a whole chain proves, and what not: `sithsd.audit.chain`.
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from sithsd.audit.chain import ALL_COLUMNS, COLUMNS, GENESIS, row_hash
from sithsd.audit.model import Event
from sithsd.audit.reading import PIECE, ReadingError, reading

_RESTARTS = 5
_NAMES = ", ".join(ALL_COLUMNS)
_HASH, _PREVIOUS = ALL_COLUMNS.index("hash"), ALL_COLUMNS.index("previous")


class Finding(StrEnum):
    """What a verdict says, in one name."""

    WHOLE = "whole"
    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    HASH_ABSENT = "hashAbsent"
    FILE_ABSENT = "fileAbsent"
    FILE_FOREIGN = "fileForeign"
    FILE_UNREADABLE = "fileUnreadable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in an audit's file.

    `number` is the first row that was changed, is missing or was added; `detail` is for logs and developers. `rows` is
    how many rows were found whole, `first` and `last` the numbers of the first and last of them, `head` the last one's
    hash. `removed_to` is the number up to which rows have been removed by policy (0: none), `pending` how many
    operations have begun and not ended.
    """

    finding: Finding
    number: int | None = None
    detail: str = ""
    rows: int = 0
    first: int | None = None
    last: int | None = None
    head: str | None = None
    removed_to: int = 0
    pending: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding is Finding.WHOLE


def verify(path: Path, expected: str | None = None) -> Verdict:
    """Return what is to be said of the file; `expected` is a row's hash that has to be in the chain. Raises nothing.

    A row's hash that was removed by policy counts if it is that of the last one removed.
    """
    try:
        with reading(path) as connection:
            for _ in range(_RESTARTS):
                walk = _Walk(connection, expected)
                verdict = walk.verdict()
                if verdict is not None:
                    return verdict
            return Verdict(Finding.FILE_UNREADABLE, detail="rows are being removed all the time")
    except ReadingError as error:
        finding = Finding.FILE_UNREADABLE
        if error.absent or error.foreign:
            finding = Finding.FILE_ABSENT if error.absent else Finding.FILE_FOREIGN
        return Verdict(finding, detail=error.detail)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a chain goes on from, by somebody's word: the number and hash before its first row."""

    number: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class _Ends:
    """What stands beside the rows, at the moment of one piece."""

    head: _Start | None
    removed: _Start | None
    sequence: int | None
    first: int | None
    pending: int


class _Walk:
    """One way through the chain."""

    def __init__(self, connection: sqlite3.Connection, expected: str | None) -> None:
        self._connection = connection
        self._expected = expected
        self._seen = expected is None
        self._rows = 0
        self._before: _Start | None = None
        self._start = self._told = _Start()
        self._first: int | None = None
        self._ends: _Ends | None = None

    def verdict(self) -> Verdict | None:
        """Return what was found; None if rows were removed by policy meanwhile, ahead of the walk."""
        while True:
            self._connection.execute("BEGIN")
            try:
                ends = self._read_ends()
                after = -(2**63) if self._before is None else self._before.number
                piece = self._connection.execute(
                    f"SELECT {_NAMES} FROM rows WHERE number > ? ORDER BY number LIMIT ?",  # noqa: S608 - own names
                    (after, PIECE),
                ).fetchall()
            finally:
                self._connection.execute("ROLLBACK")
            if self._before is not None and ends.first is not None and ends.first > self._before.number + 1:
                return None
            self._ends = ends
            if self._before is None:
                self._begin(piece, ends)
            broken = self._follow(piece)
            if broken is not None:
                return self._as_of_start(broken)
            if len(piece) < PIECE:
                return self._as_of_start(self._at_end(ends))

    def _read_ends(self) -> _Ends:
        head = self._connection.execute("SELECT number, hash, removed_to, removed_hash FROM head").fetchone()
        whole = head is not None and [type(value) for value in head] == [int, str, int, str]
        sequence = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
        (first,) = self._connection.execute("SELECT min(number) FROM rows").fetchone()
        (pending,) = self._connection.execute("SELECT count(*) FROM pending").fetchone()
        return _Ends(
            head=_Start(head[0], head[1]) if whole else None,
            removed=_Start(head[2], head[3]) if whole else None,
            sequence=sequence[0] if sequence is not None and isinstance(sequence[0], int) else None,
            first=first,
            pending=pending,
        )

    def _begin(self, piece: list[tuple[Any, ...]], ends: _Ends) -> None:
        """Take the first row's own word for what was before it; whether that is so is asked at the end."""
        start = ends.removed or _Start()
        if piece:
            self._first, previous = piece[0][0], piece[0][_PREVIOUS]
            if self._first != start.number + 1:
                start = _Start(piece[0][0] - 1, previous if isinstance(previous, str) else "")
        self._before = self._start = start
        self._found(start.hash)

    def _follow(self, piece: list[tuple[Any, ...]]) -> Verdict | None:
        """Return what is wrong with the first bad row of these, None if all of them follow."""
        for row in piece:
            before = self._before or _Start()
            number = row[0]
            if number != before.number + 1:
                return self._verdict(Finding.MISSING, before.number + 1, f"row {number} follows row {before.number}")
            if not _sound(row):
                return self._verdict(Finding.CHANGED, number, "its hash is not that of its content")
            if row[_PREVIOUS] != before.hash:
                if number == self._first:
                    return self._verdict(Finding.CHANGED, number, "it does not go on from where the chain begins")
                if self._vouched(number, row[_HASH]):
                    # It is as it was written, with the hash that the row before had then.
                    return self._verdict(Finding.CHANGED, before.number, f"row {number} knows another hash of it")
                return self._verdict(Finding.CHANGED, number, "it does not go on from the row before")
            if row[2] == Event.RETENTION.value:
                self._told = _removal(row[COLUMNS.index("more")]) or self._told
            self._before = _Start(number, row[_HASH])
            self._rows += 1
            self._found(row[_HASH])
        return None

    def _at_end(self, ends: _Ends) -> Verdict:
        last = self._before or _Start()
        if ends.head is None:
            return self._verdict(Finding.CHANGED, None, "what stands beside the rows was changed or removed")
        highest = max(ends.head.number, ends.sequence or 0)
        found: tuple[Finding, int | None, str] = (Finding.WHOLE, None, "")
        if highest > last.number:
            found = (Finding.MISSING, last.number + 1, f"rows up to {highest} have been written")
        elif ends.head.number < last.number:
            found = (Finding.ADDED, ends.head.number + 1, f"the last row written is {ends.head.number}")
        elif ends.head.hash != last.hash:
            found = (Finding.CHANGED, last.number or None, "another hash was noted of it")
        elif last.number and ends.sequence != last.number:
            found = (Finding.CHANGED, None, "SQLite's own sequence was changed")
        elif not self._seen:
            found = (Finding.HASH_ABSENT, None, "no row has the hash asked for")
        return self._verdict(*found)

    def _vouched(self, number: int, its_hash: str) -> bool:
        """Whether what comes after a row knows it by this hash."""
        after = self._connection.execute("SELECT previous FROM rows WHERE number = ?", (number + 1,)).fetchone()
        if after is None:
            after = self._connection.execute("SELECT hash FROM head WHERE number = ?", (number,)).fetchone()
        return after is not None and after[0] == its_hash

    def _as_of_start(self, verdict: Verdict) -> Verdict:
        """Return a verdict on the chain's beginning if that is what is wrong first, else the one given.

        The chain has to begin at row 1, or where its last row on a removal by policy says. If that row can't be trusted
        since the chain breaks, the head's word is enough: then the break is what is wrong first.
        """
        ends = self._ends
        if self._first is None or ends is None:
            return verdict
        broken = verdict.number is not None
        removed_to = max(self._told.number, ends.removed.number if broken and ends.removed else 0)
        expected = removed_to + 1
        if self._first < expected:
            return replace(verdict, finding=Finding.ADDED, number=self._first, detail=f"the chain begins at {expected}")
        if self._first > expected:
            return replace(verdict, finding=Finding.MISSING, number=expected, detail=f"the first is {self._first}")
        if verdict.ok and self._start.hash != self._told.hash:
            return replace(verdict, finding=Finding.CHANGED, number=self._first, detail="another one was removed")
        return verdict

    def _found(self, some_hash: object) -> None:
        self._seen = self._seen or some_hash == self._expected

    def _verdict(self, finding: Finding, number: int | None, detail: str) -> Verdict:
        last = self._before or _Start()
        return Verdict(
            finding,
            number,
            detail,
            rows=self._rows,
            first=self._first if self._rows else None,
            last=last.number if self._rows else None,
            head=last.hash if self._rows else None,
            removed_to=self._told.number,
            pending=self._ends.pending if self._ends else 0,
        )


def _sound(row: tuple[Any, ...]) -> bool:
    """Whether a row's hash is that of its content. A value of another kind than was written is none of its content."""
    *content, previous, noted = row
    if not all(value is None or isinstance(value, (int, str)) for value in content) or not isinstance(previous, str):
        return False
    try:
        return bool(row_hash(previous, tuple(content)) == noted)
    except UnicodeEncodeError:
        return False


def _removal(more: str | None) -> _Start | None:
    """Return up to where a row on a removal says that rows were removed."""
    try:
        told = json.loads(more or "")
        return _Start(int(told["removedTo"]), str(told["removedHash"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
