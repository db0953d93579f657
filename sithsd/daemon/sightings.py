"""Sightings, where the settings ask for them: which cards were here, for the reports of those who order new ones."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import structlog

from sithsd.clock import Clock
from sithsd.session.board import Board
from sithsd.session.model import InsertedCard, Picture, ReaderStatus
from sithsd.sightings.model import Sighting
from sithsd.sightings.pseudonym import KEY_FILE, KeyFileError, Pseudonyms
from sithsd.sightings.store import SIGHTINGS_FILE, SightingsError, Store
from sithsd.validity.calendar.card import card_dates
from sithsd.validity.calendar.swedish_time import day_of

_ERRORS = (sqlite3.Error, OSError, SightingsError, KeyFileError)


async def note_sightings(board: Board, clock: Clock, state: Path, *, keep_days: int, unit: str | None) -> None:
    """Note each card that is read, once a day, until this is cancelled.

    What can't be written is told in the log (sightings.unavailable), and is tried again at the next card.
    """
    book = _Book(state, keep_days)
    log = structlog.get_logger("sithsd.sightings")
    noted: dict[str, date] = {}
    try:
        await _attempt(log, book.open, day_of(clock.now()))
        async for picture in board.watch():
            today = day_of(clock.now())
            for serial, card in _cards(picture):
                sighting = None if noted.get(serial) == today else _sighting(card, today, unit)
                if sighting is not None and await _attempt(log, book.note, serial, sighting):
                    noted = {**{one: day for one, day in noted.items() if day == today}, serial: today}
    finally:
        book.close()


class _Book:
    """The file and the key: opened when they are needed first, or at the next card if that did not succeed."""

    def __init__(self, state: Path, keep_days: int) -> None:
        self._state = state
        self._keep_days = keep_days
        self._opened: tuple[Store, Pseudonyms] | None = None
        # A daemon that ends does not wait for a thread that writes.
        self._turn = threading.Lock()

    def open(self, today: date) -> None:
        """Open it, and forget what is too old."""
        with self._turn:
            self._ready()[0].purge(today)

    def note(self, serial: str, sighting: Callable[[str], Sighting]) -> None:
        """Note a card by its pseudonym."""
        with self._turn:
            store, pseudonyms = self._ready()
            store.record(sighting(pseudonyms.of(serial)))

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            if self._opened is not None:
                self._opened[0].close()
                self._opened = None

    def _ready(self) -> tuple[Store, Pseudonyms]:
        if self._opened is None:
            store = Store(self._state / SIGHTINGS_FILE, keep_days=self._keep_days)
            try:
                self._opened = store, Pseudonyms.open(self._state / KEY_FILE)
            except BaseException:
                store.close()
                raise
        return self._opened


async def _attempt(log: structlog.typing.FilteringBoundLogger, act: Callable[..., None], *values: object) -> bool:
    try:
        await asyncio.to_thread(act, *values)
    except _ERRORS as error:
        log.warning("sightings.unavailable", detail=f"{type(error).__name__}: {error}")
        return False
    return True


def _cards(picture: Picture) -> list[tuple[str, InsertedCard]]:
    found = [view.card for view in picture.readers if view.status is ReaderStatus.READY]
    return [(card.serial, card) for card in found if card is not None and card.serial is not None]


def _sighting(card: InsertedCard, today: date, unit: str | None) -> Callable[[str], Sighting] | None:
    """Return what makes the sighting of a card with its pseudonym; None for a card of which nothing is to be told."""
    if card.facts is None:
        return None
    facts, dates = card.facts, card_dates([one.certificate for one in card.certificates], card.facts.kind)
    if dates is None:
        return None
    return lambda pseudonym: Sighting(
        card=pseudonym,
        seen=today,
        not_before=day_of(dates.not_before),
        not_after=day_of(dates.not_after),
        kind=facts.kind,
        environment=facts.environment,
        unit=unit,
    )
