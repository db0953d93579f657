"""The audit, as the daemon writes it.

An operation begins with a record on the disk that keeps room for its row, before the card is touched: if that can't be
written the operation is refused. The row follows when it has ended; a full disk does not keep it from being written. A
row that can't be written all the same (a file system gone read-only) is held in memory and goes first, before any
operation begins again. What a daemon that was killed had begun gets its row, with the result "unknown", when the file
is opened next.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog

from sithsd.audit.model import INTERRUPTED, UNKNOWN, Event, Operation, Row, bounded, json_object, moment
from sithsd.audit.schema import UnfitDatabaseError
from sithsd.audit.store import Store, row_values
from sithsd.clock import Clock
from sithsd.errors import ErrorCode, SithsdError
from sithsd.guarded import UnfitFileError

_BUSY_SECONDS = 2.0
_DAY = timedelta(days=1)
# A clock that is wrong must not remove everything: it is not followed over a gap without any row, and no removal takes
# more than so many days of rows.
_MOST_AT_ONCE = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Ticket:
    """An operation that has begun, and has no row yet."""

    number: int
    operation: Operation


@dataclass(frozen=True, slots=True)
class _Ended:
    """A row that waits for its place in the chain."""

    ticket: int
    values: tuple[Any, ...]


class AuditLog:
    """The audit's file. Every method may be called from any thread, and blocks it while the disk works.

    Rows that no call returns (of removals by policy, of interrupted operations, late ones) are told in the log as
    "audit.row", with number and hash, as the caller is to tell the others.
    """

    def __init__(
        self, path: Path, clock: Clock, *, keep_days: int | None = None, busy_seconds: float = _BUSY_SECONDS
    ) -> None:
        """Take the file `path`, which is opened by `prepare`, or by the first call that needs it.

        Rows older than `keep_days` days are removed when the file is opened and then once a day; None or 0: never. Each
        time the oldest 35 days of them at most, and nothing while the newest row is more than 35 days older than the
        clock: then the clock may be wrong (audit.retentionPutOff in the log).
        `busy_seconds` is how long others, who read the file, may hold up a call.
        """
        self._path = path
        self._clock = clock
        self._keep_days = keep_days
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._open: set[int] = set()
        self._waiting: list[_Ended] = []
        self._swept: datetime | None = None
        self._interrupted: tuple[Row, ...] = ()
        self._on_interrupted: Callable[[tuple[Row, ...]], None] = lambda _: None
        self._log = structlog.get_logger("sithsd.audit")

    @classmethod
    def open(cls, path: Path, clock: Clock, keep_days: int | None = None) -> Self:
        """Return the audit with its file open. Raises SithsdError: audit.unavailable."""
        audit = cls(path, clock, keep_days=keep_days)
        audit.prepare()
        return audit

    def prepare(self) -> None:
        """Open the file, if it is not open. Raises SithsdError: audit.unavailable."""
        with self._lock, self._by_name():
            self._ready()

    @property
    def interrupted(self) -> tuple[Row, ...]:
        """The rows of what an earlier daemon had begun and not ended: nobody knows whether it happened."""
        with self._lock:
            return self._interrupted

    def watch_interrupted(self, told: Callable[[tuple[Row, ...]], None]) -> None:
        """Have `told` called with the rows of what an earlier daemon had begun, the oldest first.

        Now, if there are any; and where the file can only be opened later, then, in the thread that opens it and before
        its call returns. It must not call the audit.
        """
        with self._lock:
            self._on_interrupted = told
            if self._interrupted:
                told(self._interrupted)

    def begin(self, operation: Operation) -> Ticket:
        """Note on the disk what is about to be done, with room for its row.

        Raises SithsdError: audit.unavailable, and then the card is not to be touched; ValueError for a checklist that
        is no JSON or too long.
        """
        fields = _fields(operation)
        with self._lock, self._by_name():
            store = self._ready()
            self._write_waiting(store)
            self._sweep_daily(store, store.newest)
            store.keep_journal()
            with store.transaction():
                number = store.add_pending((moment(self._clock.now()), *fields))
            self._open.add(number)
        return Ticket(number, operation)

    def finish(
        self,
        ticket: Ticket,
        result: str,
        tries_before: int | None = None,
        tries_after: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Row | None:
        """Write the row of an operation that has ended, and return it.

        `tries_before` None leaves what `begin` was told. None is returned for a row that can't be written now: it is
        told in the log (audit.rowNotWritten), kept, and written before the next operation begins. Raises ValueError for
        a ticket that is not open.
        """
        with self._lock:
            if ticket.number not in self._open:
                raise ValueError(f"ticket {ticket.number} is not open")
            self._open.remove(ticket.number)
            before = ticket.operation.tries_before if tries_before is None else tries_before
            told = self._told(_together(ticket.operation, more))
            values = self._values(ticket.operation, result, before, tries_after, told)
            self._waiting.append(_Ended(ticket.number, values))
            try:
                with self._by_name():
                    rows = self._write_waiting(self._ready(), quiet=values)
            except SithsdError as error:
                self._log.error("audit.rowNotWritten", detail=error.detail, waiting=len(self._waiting))
                return None
            return rows[-1]

    def note(
        self,
        operation: Operation,
        result: str,
        tries_before: int | None = None,
        tries_after: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Row:
        """Write the row of something that nobody had to be asked for, and return it.

        Raises SithsdError: audit.unavailable; ValueError as `begin` does.
        """
        before = operation.tries_before if tries_before is None else tries_before
        values = self._values(operation, result, before, tries_after, json_object(_together(operation, more)))
        with self._lock, self._by_name():
            store = self._ready()
            self._write_waiting(store)
            with store.transaction():
                return store.append(values)

    def close(self) -> None:
        """Write what waits, if it can be, and close the file.

        What has begun and not ended is "unknown" at the next opening.
        """
        with self._lock:
            store, self._store = self._store, None
            if store is None:
                return
            try:
                with self._by_name():
                    self._write_waiting(store)
            except SithsdError as error:
                self._log.error("audit.rowNotWritten", detail=error.detail, waiting=len(self._waiting))
            finally:
                store.close()

    def _ready(self) -> Store:
        """Return the open file; opened now if it was not, with a row for each interrupted operation."""
        if self._store is None:
            store = Store(self._path, busy_seconds=self._busy_seconds)
            try:
                newest = store.newest()
                interrupted = self._write_interrupted(store)
                store.keep_journal()
            except BaseException:
                store.close()
                raise
            self._store = store
            self._interrupted += interrupted
            if interrupted:
                self._on_interrupted(interrupted)
            self._sweep_daily(store, lambda: newest)
        return self._store

    def _write_interrupted(self, store: Store) -> tuple[Row, ...]:
        rows = []
        known = self._open | {ended.ticket for ended in self._waiting}
        now = moment(self._clock.now())
        with store.transaction():
            for ticket, pending in store.pending():
                if ticket not in known:
                    more = self._told({**_object(pending["more"]), "begun": pending["time"], "event": INTERRUPTED})
                    store.drop_pending(ticket)
                    rows.append(store.append(row_values(pending, now, UNKNOWN, None, more)))
        self._tell(rows)
        return tuple(rows)

    def _write_waiting(self, store: Store, quiet: tuple[Any, ...] | None = None) -> list[Row]:
        """Write the rows that wait, and tell of each but the one with the values `quiet`. All stay if it fails."""
        if not self._waiting:
            return []
        with store.transaction():
            rows = []
            for ended in self._waiting:
                # First: the row takes the pages that this gives free.
                store.drop_pending(ended.ticket)
                rows.append(store.append(ended.values))
        self._tell(row for row, ended in zip(rows, self._waiting, strict=True) if ended.values is not quiet)
        self._waiting.clear()
        return rows

    def _sweep_daily(self, store: Store, tell_newest: Callable[[], str | None]) -> None:
        """Remove rows that are too old, once a day. That it fails (a full disk) keeps no operation from beginning.

        `tell_newest` gives the time of the last row: at the opening, of the last that an earlier daemon wrote.
        """
        now = self._clock.now()
        if not self._keep_days or (self._swept is not None and self._swept <= now < self._swept + _DAY):
            return
        self._swept = now
        try:
            newest = tell_newest()
            if newest is not None and _long_before(newest, now):
                self._log.warning("audit.retentionPutOff", newest=newest, now=moment(now))
                return
            row = self._sweep(store, now, timedelta(days=self._keep_days))
        except (sqlite3.Error, OSError, ValueError) as error:
            self._log.warning("audit.retentionFailed", detail=_said(error))
        else:
            self._tell([row] if row else [])

    def _sweep(self, store: Store, now: datetime, keep: timedelta) -> Row | None:
        oldest = store.oldest()
        if oldest is None:
            return None
        try:
            limit = min(now - keep, datetime.fromisoformat(oldest) + _MOST_AT_ONCE)
        except OverflowError:
            return None
        with store.transaction():
            last = store.older_than(moment(limit))
            if last is None:
                return None
            number, last_hash = last
            more = json_object({"removedTo": number, "removedHash": last_hash})
            row = store.append(self._values(Operation(Event.RETENTION.value), "done", None, None, more))
            store.remove_to(number, last_hash)
        store.overwrite_journal()
        return row

    def _values(
        self, operation: Operation, result: str, before: int | None, after: int | None, more: str | None
    ) -> tuple[Any, ...]:
        *who, _, checklist, _ = _fields(operation)
        return (moment(self._clock.now()), *who, bounded(result), before, after, checklist, more)

    def _told(self, more: Mapping[str, Any] | None) -> str | None:
        try:
            return json_object(more)
        except ValueError as error:
            # The row of what a card was sent is worth more than what else there is to say of it.
            self._log.error("audit.moreLeftOut", detail=str(error))
            return json_object({"leftOut": str(error)})

    def _tell(self, rows: Iterator[Row] | list[Row]) -> None:
        for row in rows:
            self._log.info("audit.row", number=row.number, hash=row.hash)

    @contextmanager
    def _by_name(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeError, OSError, UnfitFileError, UnfitDatabaseError) as error:
            raise SithsdError(ErrorCode.AUDIT_UNAVAILABLE, f"the audit {self._path}: {_said(error)}") from error


def _fields(operation: Operation) -> tuple[str | int | None, ...]:
    """Return the values of an operation, in the order of the table `pending`, but for the time."""
    return (
        bounded(operation.operation),
        operation.uid,
        operation.pid,
        bounded(operation.program),
        bounded(operation.reader),
        bounded(operation.card_serial),
        bounded(operation.role),
        operation.tries_before,
        json_object(operation.checklist),
        json_object(operation.more),
    )


def _together(operation: Operation, more: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what an operation brought to be told, and what became known of it, None for nothing."""
    return {**(operation.more or {}), **(more or {})} or None


def _object(text: object) -> dict[str, Any]:
    """Return a JSON object that was kept as text; nothing for what somebody put in its place."""
    try:
        given = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        given = None
    return given if isinstance(given, dict) else {}


def _long_before(time: str, now: datetime) -> bool:
    try:
        return time < moment(now - _MOST_AT_ONCE)
    except OverflowError:
        return False


def _said(error: Exception) -> str:
    if isinstance(error, (sqlite3.Error, UnicodeError)):
        return getattr(error, "sqlite_errorname", type(error).__name__)
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
