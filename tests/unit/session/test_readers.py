"""From PC/SC's events to slots, and from a caller's words to the reader that is meant."""

import asyncio

import pytest
from session_house import READER, House, refused

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.monitor import ReaderAdded, ServiceDown, ServiceUp
from sithsd.session.model import ReaderStatus


def error_of(house: House, name: str | None) -> SithsdError:
    """Return why no reader is meant."""
    with pytest.raises(SithsdError) as error:
        house.readers.slot(name)
    return error.value


async def test_which_reader_is_meant(house: House) -> None:
    """By name, or the only one that holds a card; otherwise the error says what is missing."""
    assert error_of(house, "nobody's").code is ErrorCode.READER_UNKNOWN
    assert error_of(house, None).code is ErrorCode.CARD_ABSENT
    house.plug("one")
    house.plug("two")
    assert error_of(house, None).code is ErrorCode.CARD_ABSENT
    assert house.readers.slot("one").view.name == "one"
    house.insert("ordinary", "two")
    assert house.readers.slot(None).view.name == "two"
    house.insert("strange", "one")
    assert error_of(house, None).code is ErrorCode.READER_AMBIGUOUS
    assert house.readers.slot("two").view.name == "two"
    house.remove("two")
    assert house.readers.slot(None).view.name == "one"


async def test_an_error_about_no_reader_echoes_nothing(house: House) -> None:
    """It has the number of the present picture; what the caller gave as a name may be a code in the wrong field."""
    house.plug("one")
    error = error_of(house, "123456")
    assert (error.where.reader, error.where.sequence) == (None, house.board.picture.sequence)
    assert "123456" not in str(error)


async def test_pcscd_goes_and_comes(house: House) -> None:
    """Without pcscd every call is pcsc.unavailable, which may be tried again; with it the readers come anew."""
    bench = await house.ready()
    house.readers.on_event(ServiceDown())
    assert not house.board.picture.service
    assert house.board.picture.readers == ()
    for name in (None, READER):
        error = error_of(house, name)
        assert error.code is ErrorCode.PCSC_UNAVAILABLE
        assert error.retryable
    house.readers.on_event(ServiceUp())
    assert house.board.picture.service
    house.readers.on_event(ReaderAdded(READER))
    await house.ready(bench)


async def test_a_reader_that_is_unplugged(house: House) -> None:
    """A reader that goes takes its card with it; calls that hold on to it are refused, and it stays off the board."""
    await house.ready()
    slot = house.slot()
    house.unplug()
    assert house.board.reader(READER) is None
    error = await refused(slot.read_codes())
    assert error.code is ErrorCode.READER_UNKNOWN
    error = await refused(house.verify())
    assert error.code is ErrorCode.READER_UNKNOWN
    assert house.board.reader(READER) is None


async def test_an_operation_under_way_does_not_bring_a_reader_back(house: House) -> None:
    """What is learnt from a reader that went in the meantime is not shown."""
    await house.ready()
    loop, socket = asyncio.get_running_loop(), house.sockets[READER]

    def before(command: bytes) -> None:
        if command[1] == 0x20 and len(command) > 5:
            asyncio.run_coroutine_threadsafe(unplug(), loop).result(5)

    async def unplug() -> None:
        house.readers._drop(READER)
        socket.before = lambda _: None

    socket.before = before
    call = house.verify(b"111111")
    assert (await refused(call)).code is ErrorCode.PIN_WRONG
    assert house.board.reader(READER) is None


async def test_a_reader_that_is_added_again(house: House) -> None:
    """A second "added" of the same name starts afresh: the old slot shows nothing any more."""
    await house.ready()
    old = house.slot()
    house.readers.on_event(ReaderAdded(READER))
    assert house.view().status is ReaderStatus.EMPTY
    old.removed()
    old.inserted(b"\x3b\x00")
    assert house.view().status is ReaderStatus.EMPTY


async def test_the_end(house: House) -> None:
    """At the end every worker's thread ends, a reading under way too."""
    house.plug("one")
    house.plug("two")
    house.insert("ordinary", "one")
    workers = [slot._worker for slot in house.readers._slots.values()]
    async with asyncio.timeout(10):
        await house.readers.close()
    assert house.board.picture.readers == ()
    assert all(worker.stop() for worker in workers)
