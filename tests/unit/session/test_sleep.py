"""Suspend and resume, and cards that other programs hold: what is shown, what is refused, and who is named."""

import asyncio
import threading

import pytest
from card_bench import WRONG
from session_house import LONG, READER, House, refused

from sithsd.errors import ErrorCode
from sithsd.session.model import NoticeKind, ReaderStatus
from sithsd.values import Role

AUTHENTICATION = Role.AUTHENTICATION


async def test_a_card_is_forgotten_for_the_night_and_read_in_the_morning(house: House) -> None:
    """Asleep nothing of the card is shown and nothing is sent; awake it is read anew, whichever it is by then."""
    bench = await house.ready()
    socket = house.sockets[READER]
    house.readers.sleep()
    view = house.view()
    assert (view.status, view.card.serial, view.card.codes) == (ReaderStatus.READING, None, ())
    sent = len(socket.sent)
    assert (await refused(house.verify())).code is ErrorCode.READER_BUSY
    assert (await refused(house.slot().read_codes())).code is ErrorCode.READER_BUSY
    assert len(socket.sent) == sent
    assert await house.rows() == []
    house.readers.wake()
    view = await house.status(ReaderStatus.READY)
    assert view.card.serial == bench.card.image.serial.hex().upper()
    await house.verify()


async def test_a_card_that_was_swapped_in_the_night(house: House) -> None:
    """Without any event: the card that is there is the one that is shown, by its own ATR."""
    await house.ready()
    house.readers.sleep()
    other = house.swap_unseen("reserve")
    house.readers.wake()
    view = await house.status(ReaderStatus.READY)
    assert view.card.serial == other.card.image.serial.hex().upper()
    assert view.card.atr == other.channel.atr


async def test_a_card_that_went_in_the_night(house: House) -> None:
    """The reader's own event counts, also while asleep; an empty reader wakes empty."""
    await house.ready()
    house.readers.sleep()
    house.remove()
    assert house.view().status is ReaderStatus.EMPTY
    house.readers.wake()
    assert house.view().status is ReaderStatus.EMPTY
    assert (await refused(house.verify())).code is ErrorCode.CARD_ABSENT


async def test_tries_that_went_in_the_night_are_told(house: House) -> None:
    """The card is forgotten, its counters are not: what another program burnt meanwhile is noticed."""
    bench = await house.ready()
    house.readers.sleep()
    bench.give(AUTHENTICATION, WRONG)
    house.readers.wake()
    await house.until(lambda picture: bool(picture.notices))
    (notice,) = house.notices()
    assert (notice.kind, notice.tries_before, notice.tries_after) == (NoticeKind.TRIES_LOST_ELSEWHERE, 3, 2)


async def test_an_operation_that_the_night_falls_into(house: House) -> None:
    """What has begun ends, with its row and no notice; what is read in the morning is what the chip has."""
    bench = await house.ready()
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> None:
        if command[1] == 0x20 and len(command) > 5:
            at.set()
            assert on.wait(LONG)

    socket.before = wait
    call = asyncio.ensure_future(house.verify(WRONG))
    assert await asyncio.to_thread(at.wait, LONG)
    house.readers.sleep()
    on.set()
    assert (await refused(call)).code is ErrorCode.PIN_WRONG
    socket.before = lambda _: None
    assert house.view().status is ReaderStatus.READING
    assert house.view().card.codes == ()
    house.readers.wake()
    await house.status(ReaderStatus.READY)
    assert house.shown() == bench.tries()
    assert house.shown()[AUTHENTICATION] == 2
    assert [row.result for row in await house.rows()] == ["pin.wrong"]
    assert house.notices() == []


async def test_an_activation_that_the_night_falls_into(house: House) -> None:
    """The reading that follows an activation waits for the morning."""
    await house.ready("inactive")
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> None:
        if command[1] == 0x2C:
            at.set()
            assert on.wait(LONG)

    socket.before = wait
    call = asyncio.ensure_future(house.activate())
    assert await asyncio.to_thread(at.wait, LONG)
    house.readers.sleep()
    on.set()
    assert (await call).roles == (AUTHENTICATION, Role.SIGNATURE)
    sent = len(socket.sent)
    assert house.slot()._reading is None
    house.readers.wake()
    await house.status(ReaderStatus.READY)
    assert len(socket.sent) > sent
    assert all(code.activated for code in house.view().card.codes)
    assert house.notices() == []


async def test_a_reading_that_the_night_falls_into(house: House) -> None:
    """A reading is given up for the night, and what it found is not shown."""
    house.plug()
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def wait(_: bytes) -> None:
        at.set()
        assert on.wait(LONG)

    socket.before = wait
    house.insert()
    assert await asyncio.to_thread(at.wait, LONG)
    house.readers.sleep()
    sequence = house.board.picture.sequence
    on.set()
    socket.before = lambda _: None
    await house.slot()._worker.run(lambda connection: connection.atr)
    assert house.board.picture.sequence == sequence
    house.readers.wake()
    await house.status(ReaderStatus.READY)


# Cards that others hold.


@pytest.mark.parametrize("holder", ["firefox (pid 123)", None])
async def test_who_holds_a_card_that_comes(hasty: House, holder: str | None) -> None:
    """The program is named in the view's detail and in each error, where it can be seen; nothing is sent meanwhile."""
    hasty.holder = holder
    hasty.plug().held.acquire()
    hasty.insert()
    view = await hasty.status(ReaderStatus.BUSY)
    assert view.reason is ErrorCode.READER_BUSY
    said = "another program holds the card" + (f": {holder}" if holder else "")
    assert view.detail == said
    for call in (hasty.verify(WRONG), hasty.slot().read_codes()):
        error = await refused(call)
        assert (error.code, error.detail, error.more.holder) == (ErrorCode.READER_BUSY, said, holder)
        assert error.retryable
    assert hasty.sockets[READER].sent == []
    assert await hasty.rows() == []
    hasty.sockets[READER].held.release()
    await hasty.status(ReaderStatus.READY)


async def test_who_holds_a_card_that_was_read(hasty: House) -> None:
    """The same for a card that is held when an operation or a look comes; the operation has its row."""
    bench = await hasty.ready()
    hasty.holder = "one of firefox (pid 1), scdaemon (pid 2)"
    hasty.sockets[READER].held.acquire()
    for call in (hasty.verify(WRONG), hasty.slot().read_codes()):
        error = await refused(call)
        assert (error.code, error.more.holder) == (ErrorCode.READER_BUSY, hasty.holder)
        assert error.where.card_serial == bench.card.image.serial.hex().upper()
    (row,) = await hasty.rows()
    assert (row.result, row.tries_before, row.tries_after) == ("reader.busy", 3, None)
    hasty.sockets[READER].held.release()
    await hasty.slot().read_codes()
    assert hasty.sockets[READER].codes_sent == []


async def test_nobody_is_named_for_another_failure(hasty: House) -> None:
    """A program that uses PC/SC is not to blame for a card that is not there."""
    hasty.holder = "firefox (pid 123)"
    hasty.plug()
    error = await refused(hasty.verify())
    assert (error.code, error.more.holder) == (ErrorCode.CARD_ABSENT, None)
