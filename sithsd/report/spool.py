"""Everything that was found, on the disk while the report is made: a list may have a million rows.

SQLite's own temporary file, which has no name and is gone with the process. Here entries become cards: the certificates
of one card are one, and of a person's cards the one counts that serves longest. What is older is counted as replaced.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Self

import msgspec

from sithsd.certificate.personal import mask
from sithsd.report.model import Card, Evidence, Finding, Place, Reject, Step, Why
from sithsd.report.phrases import at_once
from sithsd.report.standing import RANK_OF, RANKS, SERVES
from sithsd.values import CardKind, Environment

_PIECE: Final = 2000
_DAY: Final = 86400

_TABLES: Final = """
CREATE TABLE units (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, name TEXT NOT NULL);
CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE rejects (file INTEGER, line INTEGER, why TEXT);
CREATE TABLE found (
    id INTEGER PRIMARY KEY, file INTEGER, line INTEGER, unit INTEGER, who TEXT, holder TEXT, card TEXT,
    not_before INTEGER, not_after INTEGER, kind TEXT, environment TEXT, level INTEGER, rank INTEGER, reasons TEXT,
    evidence TEXT
);
"""
_GROUPED: Final = f"""
CREATE TABLE cards AS
WITH keyed AS (
    SELECT *, coalesce('c' || card, 'h' || holder || '/' || (not_after / {_DAY}), 'r' || id) AS card_key
    FROM found
), placed AS (
    SELECT *,
        row_number() OVER (PARTITION BY card_key ORDER BY rank DESC, not_after, id) AS place,
        count(*) OVER (PARTITION BY card_key) AS certificates,
        max(holder) OVER (PARTITION BY card_key) AS person,
        max(who) OVER (PARTITION BY card_key) AS named
    FROM keyed
)
SELECT id, file, line, unit, coalesce(who, named) AS who, not_before, not_after, kind, environment, level, rank,
    reasons, evidence, certificates, row_number() OVER (
        PARTITION BY coalesce(person, 'r' || id) ORDER BY rank > {SERVES}, not_after DESC, id
    ) = 1 AS current, NULL AS steps, NULL AS action, NULL AS by
FROM placed WHERE place = 1
"""  # noqa: S608 - own numbers


class Spool:
    """The findings and rejects of one report. For one thread; close it."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA temp_store = FILE; {_TABLES} BEGIN;")
        self._units: dict[str, int] = {}
        self._files: dict[str, int] = {}
        self._waiting: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def take(self, item: Finding | Reject) -> None:
        """Take note of what was found of an entry, or of a row that is not used."""
        if isinstance(item, Reject):
            values = (self._file(item.place), item.place.line, item.why.value)
            self._connection.execute("INSERT INTO rejects VALUES (?, ?, ?)", values)
            return
        entry = item.entry
        who = entry.email or entry.name
        self._waiting.append(
            (
                self._file(entry.place),
                entry.place.line,
                self._unit(entry.unit),
                mask(who) if who else None,
                entry.holder,
                item.card,
                _seconds(item.not_before),
                _seconds(item.not_after),
                item.kind.value,
                item.environment.value,
                item.level,
                RANK_OF[item.standing],
                " ".join(item.reasons),
                entry.evidence.value,
            )
        )
        if len(self._waiting) >= _PIECE:
            self._write()

    def group(self) -> None:
        """Make cards of what was found. To be called once, when all is there."""
        self._write()
        self._connection.execute(_GROUPED)
        self._connection.execute("CREATE UNIQUE INDEX cards_by_id ON cards (id)")
        self._connection.execute("CREATE INDEX ends ON cards (not_after, rank) WHERE current")
        self._connection.execute("CREATE INDEX acting ON cards (unit, by) WHERE steps IS NOT NULL")

    def advise(self, steps_of: Callable[[Card], Iterable[Step]], at: datetime) -> None:
        """Ask of each card that counts what is to be done at the moment `at`."""
        reading = self._connection.execute(f"{_SELECT} WHERE current ORDER BY cards.id")
        while rows := reading.fetchmany(_PIECE):
            told = []
            for row in rows:
                steps = tuple(steps_of(_card(row)))
                if steps:
                    by = None if at_once(steps[0], at) else _seconds(steps[0].by or steps[0].since)
                    told.append((msgspec.json.encode(steps).decode(), steps[0].action, by, row[0]))
            self._connection.executemany("UPDATE cards SET steps = ?, action = ?, by = ? WHERE id = ?", told)

    def one(self, statement: str, *values: Any) -> Any:  # noqa: ANN401 - any number or text
        """Return the only value that a statement finds."""
        return self._connection.execute(statement, values).fetchone()[0]

    def rows(self, statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - as above
        """Return the rows that a statement finds."""
        yield from self._connection.execute(statement, values)

    def cards(
        self,
        condition: str = "current",
        *values: Any,  # noqa: ANN401 - as above
        order: str = "cards.id",
    ) -> Iterator[Card]:
        """Return cards, those that count unless another condition is given."""
        for row in self._connection.execute(f"{_SELECT} WHERE {condition} ORDER BY {order}", values):
            yield _card(row)

    def rejects(self) -> Iterator[Reject]:
        """Return the rows that were not used, in the order in which they were read."""
        found = self._connection.execute(
            "SELECT files.name, line, why FROM rejects JOIN files ON files.id = file ORDER BY rejects.rowid"
        )
        for name, line, why in found:
            yield Reject(Place(name, line), Why(why))

    def _write(self) -> None:
        marks = ", ".join("?" for _ in range(14))
        statement = f"INSERT INTO found VALUES (NULL, {marks})"  # noqa: S608 - own names
        self._connection.executemany(statement, self._waiting)
        self._waiting.clear()

    def _file(self, place: Place) -> int:
        if place.file not in self._files:
            self._files[place.file] = len(self._files)
            self._connection.execute("INSERT INTO files VALUES (?, ?)", (self._files[place.file], place.file))
        return self._files[place.file]

    def _unit(self, unit: str | None) -> int | None:
        if unit is None:
            return None
        key = unit.casefold()
        if key not in self._units:
            self._units[key] = len(self._units)
            self._connection.execute("INSERT INTO units VALUES (?, ?, ?)", (self._units[key], key, mask(unit)))
        return self._units[key]


_SELECT: Final = """SELECT cards.id, files.name, line, units.name, who, not_before, not_after, kind, environment, level,
    rank, reasons, evidence, certificates, steps
FROM cards JOIN files ON files.id = file LEFT JOIN units ON units.id = unit"""


def _card(row: tuple[Any, ...]) -> Card:
    _, file, line, unit, who, not_before, not_after, *more = row
    kind, environment, level, rank, reasons, evidence, entries, steps = more
    return Card(
        place=Place(file, line),
        unit=unit,
        who=who,
        not_before=None if not_before is None else _moment(not_before),
        not_after=_moment(not_after),
        kind=CardKind(kind),
        environment=Environment(environment),
        level=level,
        standing=RANKS[rank],
        reasons=tuple(reasons.split()),
        evidence=Evidence(evidence),
        certificates=entries,
        steps=() if steps is None else msgspec.json.decode(steps, type=tuple[Step, ...]),
    )


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
