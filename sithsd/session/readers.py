"""All readers: from PC/SC's events to slots, and from a caller's words to the slot that is meant.

Belongs to the asyncio loop's thread.
"""

import asyncio
from collections.abc import Callable
from typing import assert_never

import structlog

from sithsd.errors import ErrorCode, SithsdError, Where
from sithsd.reader.monitor import (
    CardInserted,
    CardMute,
    CardRemoved,
    PcscEvent,
    ReaderAdded,
    ReaderRemoved,
    ServiceDown,
    ServiceUp,
)
from sithsd.session.model import ReaderStatus
from sithsd.session.slot import Slot
from sithsd.session.tools import Tools, Worker


class Readers:
    """The slots of all readers. `make_worker` starts the worker thread of a reader, by its name."""

    def __init__(self, tools: Tools, make_worker: Callable[[str], Worker]) -> None:
        self._tools = tools
        self._make_worker = make_worker
        self._slots: dict[str, Slot] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._forgetting: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger("sithsd.session")

    def on_event(self, event: PcscEvent) -> None:
        """Take one event of PC/SC."""
        match event:
            case ServiceUp():
                self._tools.board.set_service(up=True)
            case ServiceDown():
                for name in list(self._slots):
                    self._drop(name)
                self._tools.board.set_service(up=False)
            case ReaderAdded(reader):
                self._drop(reader)
                self._log.info("reader.added", reader=reader)
                self._slots[reader] = Slot(reader, self._make_worker(reader), self._tools)
            case ReaderRemoved(reader):
                self._log.info("reader.removed", reader=reader)
                self._drop(reader)
            case CardInserted(reader, atr):
                self._slots[reader].inserted(atr)
            case CardRemoved(reader):
                self._slots[reader].removed()
                self._forget_later()
            case CardMute(reader):
                self._slots[reader].mute()
            case _:
                assert_never(event)

    def slots(self) -> tuple[Slot, ...]:
        """Return the slots of all readers, by their names."""
        return tuple(self._slots[name] for name in sorted(self._slots))

    def slot(self, name: str | None) -> Slot:
        """Return the slot that a caller means: by its name, else the only one with a card.

        Raises pcsc.unavailable, reader.unknown, card.absent or reader.ambiguous.
        """
        picture = self._tools.board.picture
        if not picture.service:
            raise self._refusal(ErrorCode.PCSC_UNAVAILABLE, "pcscd can't be reached")
        if name is not None:
            slot = self._slots.get(name)
            if slot is None:
                raise self._refusal(ErrorCode.READER_UNKNOWN, "there is no such reader")
            return slot
        holding = [slot for slot in self._slots.values() if slot.view.status is not ReaderStatus.EMPTY]
        if not holding:
            raise self._refusal(ErrorCode.CARD_ABSENT, "there is no card in any reader")
        if len(holding) > 1:
            raise self._refusal(ErrorCode.READER_AMBIGUOUS, "several readers hold a card")
        return holding[0]

    def sleep(self) -> None:
        """Forget every card: the machine is going to sleep."""
        for slot in self._slots.values():
            slot.sleep()

    def wake(self) -> None:
        """Read every card again: the machine was asleep."""
        if self._tools.known is not None:
            self._tools.known.forget_old()
        for slot in self._slots.values():
            slot.wake()

    async def close(self) -> None:
        """End all slots and their workers, and what is still asked for them."""
        for name in list(self._slots):
            self._drop(name)
        if self._forgetting is not None:
            self._forgetting.cancel()
        if self._closing:
            await asyncio.wait(self._closing)
        await self._tools.verdicts.close()

    def _forget_later(self) -> None:
        """See to it that what is known of cards goes when its time is over, though no other card comes."""
        known = self._tools.known
        left = None if known is None or self._forgetting is not None else known.seconds_left()
        if left is not None:
            self._forgetting = asyncio.get_running_loop().call_later(left, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self._forget_later()

    def _drop(self, name: str) -> None:
        slot = self._slots.pop(name, None)
        if slot is None:
            return
        task = slot.end()
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._tools.board.drop(name)
        self._forget_later()

    def _refusal(self, code: ErrorCode, detail: str) -> SithsdError:
        """Return an error that names no reader: what a caller gave as a reader's name may be anything, also a code."""
        error = SithsdError(code, detail)
        error.where = Where(sequence=self._tools.board.picture.sequence)
        return error
