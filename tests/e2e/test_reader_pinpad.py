"""The reader's PIN pad through a real pcscd: the driver that was written apart from this code reads its structures."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.pinpad import PinBlock
from sithsd.reader.worker import CardConnection, ReaderWorker
from sithsd.simulator.stage import Stage

DEADLINE = 30.0
VERIFY, CHANGE = bytes.fromhex("00 20 00 01"), bytes.fromhex("00 24 00 01")
PADDED = PinBlock(min_length=6, max_length=8, stored_length=8, padding=0xFF, bcd=False)
PLAIN = PinBlock(min_length=6, max_length=8, stored_length=None, padding=None, bcd=False)


class Desk:
    """A reader with a pad, a card in it, and the worker."""

    def __init__(self, stage: Stage, card: Any, worker: ReaderWorker) -> None:
        self.stage = stage
        self.card = card
        self.worker = worker

    async def entry(self, operation: Callable[[CardConnection], int], *keys: str) -> int:
        """Carry out an operation while a person presses keys."""
        task = asyncio.create_task(self.worker.run(operation, patience=DEADLINE))
        async with asyncio.timeout(DEADLINE):
            while not self.card.pad.asking:
                assert not task.done(), task
                await asyncio.sleep(0.01)
            if keys:
                self.card.pad.press(*keys)
            else:
                await asyncio.to_thread(self.card.remove)
            return await task


@pytest.fixture
async def desk(set_stage: Callable[..., Stage], put_card: Callable[..., Any]) -> AsyncIterator[Desk]:
    """Return such a reader; its card answers 63C2 to everything."""
    stage = set_stage(2)
    stage.readers.fit_pad(0)
    card = put_card(stage, 0, lambda _: bytes.fromhex("63C2"))
    worker = ReaderWorker(stage.readers.name(0))
    worker.start()
    yield Desk(stage, card, worker)
    await asyncio.to_thread(worker.stop)


def verify(block: PinBlock) -> Callable[[CardConnection], int]:
    """Return the operation that verifies at the pad."""

    def operation(connection: CardConnection) -> int:
        assert connection.pad is not None
        try:
            return connection.pad.verify(VERIFY, block)
        except SithsdError as error:
            error.unanswered = connection.unanswered  # type: ignore[attr-defined] - for the test alone
            raise

    return operation


def change(connection: CardConnection) -> int:
    """Change a code at the pad."""
    assert connection.pad is not None
    return connection.pad.modify(CHANGE, PADDED, PADDED)


async def test_what_is_keyed_in_is_laid_into_the_command(desk: Desk) -> None:
    """The card gets the very command that it would get of codes from a keyboard, and its answer comes back."""
    assert await desk.entry(verify(PADDED), *"739154", "ok") == 0x63C2
    assert await desk.entry(verify(PLAIN), *"739154", "ok") == 0x63C2
    new = [*"8260471", "ok"]
    assert await desk.entry(change, *"739154", "ok", *new, *new) == 0x63C2
    assert desk.card.commands == [
        bytes.fromhex("00 20 00 01 08 37 33 39 31 35 34 FF FF"),
        bytes.fromhex("00 20 00 01 06 37 33 39 31 35 34"),
        bytes.fromhex("00 24 00 01 10 37 33 39 31 35 34 FF FF 38 32 36 30 34 37 31 FF"),
    ]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (["7", "cancel"], ErrorCode.PINPAD_CANCELLED),
        (["7", "timeout"], ErrorCode.PINPAD_TIMEOUT),
        ([*"73915", "ok"], ErrorCode.PINPAD_MALFORMED),
        ([*"739154682", "ok"], ErrorCode.PINPAD_MALFORMED),
    ],
)
async def test_an_entry_given_up_leaves_the_card_alone(desk: Desk, keys: list[str], code: ErrorCode) -> None:
    """The error names what the person did; no command went to the card, and that is known."""
    with pytest.raises(SithsdError) as caught:
        await desk.entry(verify(PADDED), *keys)
    assert caught.value.code is code
    assert not caught.value.unanswered  # type: ignore[attr-defined] - set above
    assert desk.card.commands == []


async def test_two_new_codes_that_differ(desk: Desk) -> None:
    """A confirmation that is another code is a mismatch, and nothing is changed."""
    with pytest.raises(SithsdError) as caught:
        await desk.entry(change, *"739154", "ok", *"826047", "ok", *"826048", "ok")
    assert caught.value.code is ErrorCode.PINPAD_MISMATCH
    assert desk.card.commands == []


async def test_a_card_taken_out_while_the_pad_asks(desk: Desk) -> None:
    """That is a removal, and nobody can tell whether the reader had sent the command."""
    with pytest.raises(SithsdError) as caught:
        await desk.entry(verify(PADDED))
    assert caught.value.code is ErrorCode.CARD_REMOVED
    assert caught.value.unanswered  # type: ignore[attr-defined] - set above


async def test_a_reader_without_a_pad(desk: Desk, put_card: Callable[..., Any]) -> None:
    """It has none, and its card can still be used."""
    put_card(desk.stage, 1)
    worker = ReaderWorker(desk.stage.readers.name(1, spot=1))
    worker.start()

    def operation(connection: CardConnection) -> tuple[bytes, int]:
        assert connection.pad is None
        return connection.transmit(VERIFY)

    try:
        assert await worker.run(operation, patience=DEADLINE) == (b"", 0x9000)
    finally:
        await asyncio.to_thread(worker.stop)
