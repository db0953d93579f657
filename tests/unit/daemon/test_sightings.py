"""Noting cards: once a day, and nothing that goes wrong with it keeps the daemon from its work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from sithsd.certificate.card import describe
from sithsd.certificate.read import read
from sithsd.clock import FixedClock
from sithsd.daemon.sightings import note_sightings
from sithsd.session.board import Board
from sithsd.session.model import InsertedCard, JudgedCertificate, ReaderStatus, ReaderView
from sithsd.sightings.model import Sighting
from sithsd.sightings.store import SIGHTINGS_FILE, SightingsError
from sithsd.sightings.store import read as sightings

SECONDS = 20.0
MORNING = datetime(2026, 11, 27, 8, tzinfo=UTC)


class Seen(InsertedCard):
    """A card with a serial number of its own, that no reader has read."""

    serial = "0A1B2C3D"


@pytest.fixture
def card(forge: Any) -> InsertedCard:
    """Return a card with one certificate of a person."""
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1")
    certificate = read(forge.person(issuer=issuer).der)
    judged: Any = JudgedCertificate("45", None, certificate, assessment=None)  # type: ignore[arg-type]  # nobody looks
    return Seen(b"\x3b\x00", facts=describe([certificate]), certificates=(judged,))


@pytest.fixture
async def noting(tmp_path: Path) -> AsyncIterator[tuple[Board, FixedClock, Path]]:
    """Run what notes, beside a board; it has to go on until the end."""
    board, clock, state = Board(), FixedClock(MORNING), tmp_path / "state"
    task = asyncio.create_task(note_sightings(board, clock, state, keep_days=30, unit="A"))
    yield board, clock, state
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def show(board: Board, card: InsertedCard | None) -> None:
    """Show a reader with this card, or empty."""
    status = ReaderStatus.EMPTY if card is None else ReaderStatus.READY
    board.put(ReaderView("a reader", status, 0, card))


async def until(reached: Callable[[], bool]) -> None:
    """Wait for something."""
    async with asyncio.timeout(SECONDS):
        while not reached():  # noqa: ASYNC110 - a file tells nobody that it has changed
            await asyncio.sleep(0.01)


def kept(state: Path) -> list[Sighting]:
    """Return what is in the file, nothing while there is none."""
    try:
        return list(sightings(state / SIGHTINGS_FILE))
    except SightingsError:
        return []


async def test_a_card_is_noted_once_a_day(noting: tuple[Board, FixedClock, Path], card: InsertedCard) -> None:
    """Put in again on the same day nothing is written; on the next day the one row tells that day."""
    board, clock, state = noting
    show(board, card)
    await until(lambda: bool(kept(state)))
    (first,) = kept(state)
    assert (first.seen, first.not_before, first.not_after, first.unit) == (
        date(2026, 11, 27),
        date(2026, 1, 1),
        date(2031, 1, 1),
        "A",
    )
    before = (state / SIGHTINGS_FILE).stat().st_mtime_ns
    show(board, None)
    show(board, card)
    clock.set(datetime(2026, 11, 28, 8, tzinfo=UTC))
    assert (state / SIGHTINGS_FILE).stat().st_mtime_ns == before
    show(board, card)
    await until(lambda: [one.seen for one in kept(state)] == [date(2026, 11, 28)])


async def test_what_can_not_be_written_is_told_and_tried_again(tmp_path: Path, card: InsertedCard) -> None:
    """A folder that is a file, a key that others may read: the daemon goes on, says so, and notes the next card."""
    board, state = Board(), tmp_path / "state"
    state.write_text("in the way", "utf-8")
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(note_sightings(board, FixedClock(MORNING), state, keep_days=30, unit=None))
        await until(lambda: bool(logs))
        assert {entry["event"] for entry in logs} == {"sightings.unavailable"}
        state.unlink()
        show(board, card)
        await until(lambda: len(kept(state)) == 1)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
