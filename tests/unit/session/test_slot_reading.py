"""From a card's coming to its being shown, and everything that can go wrong on the way."""

import asyncio
import threading

import msgspec
import pytest
from card_bench import Bench, card, image_of
from session_house import KEPT_SECONDS, LONG, READER, House, refused

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.reader import scard
from sithsd.session import slot as slots
from sithsd.session.model import ReaderStatus
from sithsd.values import CardKind, Environment, Role, Status


async def test_from_insertion_to_ready(house: House) -> None:
    """A card is shown as being read at once, and then with everything that is known of it."""
    house.plug()
    assert house.view().status is ReaderStatus.EMPTY
    bench = house.insert()
    assert house.view().status is ReaderStatus.READING
    assert house.view().card is not None
    view = await house.status(ReaderStatus.READY)
    assert view.card is not None
    assert view.card.serial == bench.card.image.serial.hex().upper()
    assert view.card.facts is not None
    assert view.card.facts.kind is CardKind.ORDINARY
    assert view.card.facts.environment is Environment.SIM
    assert [entry.assessment.verdict.status for entry in view.card.certificates] == [Status.UNKNOWN] * 4
    assert {code.role: code.tries_left for code in view.card.codes} == bench.tries()
    assert view.reason is None
    house.remove()
    assert house.view().status is ReaderStatus.EMPTY
    assert house.view().card is None


@pytest.mark.parametrize(
    "name", ["reserve", "old", "expired", "protected", "second", "ordinary-t0", "inactive", "blocked"]
)
async def test_every_siths_card_is_ready(house: House, name: str) -> None:
    """A card that SITHS issued is ready, whatever its age, kind, protocol, or the state of its codes."""
    bench = await house.ready(name)
    view = house.view()
    assert view.card is not None
    assert len(view.card.codes) == 3
    assert view.card.serial == bench.card.image.serial.hex().upper()
    assert house.sockets[READER].codes_sent == []


async def test_a_card_that_is_not_siths(house: House) -> None:
    """A good card of another issuer is unsupported; its certificates are shown, its codes are never asked about."""
    socket = house.plug()
    house.insert("foreign")
    view = await house.status(ReaderStatus.UNSUPPORTED)
    assert view.reason is ErrorCode.CARD_UNSUPPORTED
    assert view.card is not None
    assert view.card.certificates
    assert view.card.codes == ()
    for call in (
        house.slot().read_codes(),
        house.verify(word=Word(last_try=True)),
        house.change(),
        house.unblock(),
        house.activate(),
    ):
        assert (await refused(call)).code is ErrorCode.CARD_UNSUPPORTED
    assert [ins for ins, _ in socket.sent if ins in {0x20, 0x24, 0x2C}] == []


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("strange", ReaderStatus.UNSUPPORTED, ErrorCode.CARD_UNSUPPORTED),
        ("broken", ReaderStatus.UNREADABLE, ErrorCode.CARD_UNREADABLE),
    ],
)
async def test_cards_that_can_not_be_read(house: House, name: str, status: ReaderStatus, reason: ErrorCode) -> None:
    """A card without the application is unsupported, one with broken files unreadable; each call says so by name."""
    socket = house.plug()
    house.insert(name)
    view = await house.status(status)
    assert view.reason is reason
    assert view.detail
    assert view.card is not None
    assert view.card.serial is None
    assert (await refused(house.slot().read_codes())).code is reason
    assert [ins for ins, _ in socket.sent if ins == 0x20] == []


async def test_a_mute_card(house: House) -> None:
    """A card that does not answer to reset is mute, which is neither empty nor unsupported, and gets no command."""
    socket = house.plug()
    house.mute()
    assert house.view().status is ReaderStatus.MUTE
    assert (await refused(house.slot().read_codes())).code is ErrorCode.CARD_UNREADABLE
    assert socket.sent == []


async def test_no_card(house: House) -> None:
    """Calls on an empty reader are card.absent, with the reader and the number of the event in the error."""
    house.plug()
    error = await refused(house.slot().read_codes())
    assert error.code is ErrorCode.CARD_ABSENT
    assert error.where.reader == READER
    assert error.where.sequence == house.view().sequence
    assert error.where.card_serial is None


async def test_pulled_out_while_it_is_read(house: House) -> None:
    """At whichever command a card is pulled out, the reader ends up empty, and the next card is read."""
    socket = house.plug()
    bench = await house.ready()
    total = len(socket.sent)
    house.remove()
    loop = asyncio.get_running_loop()
    for at in range(total):
        house.seconds += KEPT_SECONDS  # or it would be known, and not read
        left = iter(range(at))

        def before(_: bytes, left: object = left) -> None:
            if next(left, None) is None:
                house.pull()
                loop.call_soon_threadsafe(house.remove)

        socket.before = before
        house.insert(bench)
        await house.status(ReaderStatus.EMPTY)
        socket.before = lambda _: None
        assert house.view().card is None
    assert bench.tries()[Role.AUTHENTICATION] == 3
    assert await house.ready(bench) is bench


async def test_an_exchange_that_breaks_off_with_the_card_still_there(hasty: House) -> None:
    """A broken exchange that no removal follows is no reason to show "reading" for ever: the card is read again."""
    socket = hasty.plug()
    failures = iter([True])

    def before(_: bytes) -> None:
        if next(failures, False):
            raise scard.PcscError(scard.NOT_TRANSACTED, "SCardTransmit")

    socket.before = before
    hasty.insert()
    await hasty.status(ReaderStatus.READY)


async def test_a_card_that_always_breaks_off(hasty: House) -> None:
    """If it breaks off each time the card is unreadable, with the reason, and not read for ever."""
    socket = hasty.plug()

    def before(_: bytes) -> None:
        raise scard.PcscError(scard.NOT_TRANSACTED, "SCardTransmit")

    socket.before = before
    hasty.insert()
    view = await hasty.status(ReaderStatus.UNREADABLE)
    assert view.reason is ErrorCode.CARD_REMOVED
    assert socket.sent == []


@pytest.mark.parametrize(
    ("resets", "status"), [(1, ReaderStatus.READY), (2, ReaderStatus.READY), (9, ReaderStatus.UNREADABLE)]
)
async def test_a_reset_by_others_while_it_is_read(house: House, resets: int, status: ReaderStatus) -> None:
    """A card that another program resets is read again, a few times."""
    socket = house.plug()
    left = iter(range(resets))

    def before(command: bytes) -> None:
        if command[1] == 0xB0 and next(left, None) is not None:
            raise scard.PcscError(scard.RESET_CARD, "SCardTransmit")

    socket.before = before
    house.insert()
    view = await house.status(status)
    assert view.reason is (ErrorCode.CARD_CHANGED if status is ReaderStatus.UNREADABLE else None)


async def test_held_by_another_program(hasty: House) -> None:
    """While another program holds the card it is busy, not unsupported; calls are reader.busy; then it is read."""
    socket = hasty.plug()
    socket.held.acquire()
    hasty.insert()
    view = await hasty.status(ReaderStatus.BUSY)
    assert view.reason is ErrorCode.READER_BUSY
    error = await refused(hasty.slot().read_codes())
    assert error.code is ErrorCode.READER_BUSY
    assert error.retryable
    assert socket.sent == []
    socket.held.release()
    await hasty.status(ReaderStatus.READY)


async def test_held_and_pulled_out(hasty: House) -> None:
    """A card that is pulled out while another program holds it leaves an empty reader, and no command was sent."""
    socket = hasty.plug()
    socket.held.acquire()
    hasty.insert()
    await hasty.status(ReaderStatus.BUSY)
    hasty.remove()
    assert hasty.view().status is ReaderStatus.EMPTY
    socket.held.release()
    await hasty.ready("second")
    assert hasty.view().card is not None


async def test_a_bug_while_reading_is_told_by_name(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expected makes the reader unreadable by "internal"; the next card is read."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("12345678")

    house.plug()
    with monkeypatch.context() as patch:
        patch.setattr(slots, "inserted_card", broken)
        house.insert()
        view = await house.status(ReaderStatus.UNREADABLE)
    assert view.reason is ErrorCode.INTERNAL
    assert "12345678" not in (view.detail or "")
    house.remove()
    await house.ready()


async def test_a_card_put_in_while_the_last_one_is_read(house: House) -> None:
    """The card that came last is the one that is shown, however long the reading of the one before takes."""
    socket = house.plug()
    pause, at = threading.Event(), threading.Event()

    def before(_: bytes) -> None:
        at.set()
        assert pause.wait(LONG)

    socket.before = before
    house.insert("ordinary")
    assert await asyncio.to_thread(at.wait, LONG)
    house.remove()
    bench = house.insert("second")
    socket.before = lambda _: None
    pause.set()
    view = await house.status(ReaderStatus.READY)
    assert view.card is not None
    assert view.card.serial == bench.card.image.serial.hex().upper()


async def test_the_atr_is_the_one_that_was_read(house: House) -> None:
    """A card that was read again after a hidden swap is shown with its own ATR, not with the one of the event."""
    await house.ready()
    house.pull()
    bench = house.sockets[READER].bench = Bench(card("reserve"))
    assert (await refused(house.slot().read_codes())).code is ErrorCode.CARD_CHANGED
    view = await house.status(ReaderStatus.READY)
    assert view.card is not None
    assert view.card.atr == bench.channel.atr


async def test_cards_without_readable_certificates(house: House) -> None:
    """A card that has certificates of which none can be read is unreadable, and its codes are not asked about."""
    image = image_of("ordinary")
    files = tuple(
        msgspec.structs.replace(file, content=b"\x30\x03\x02\x01\x01") if len(file.content) > 1000 else file
        for file in image.files
    )
    socket = house.plug()
    house.insert(Bench(card(image=msgspec.structs.replace(image, files=files))))
    view = await house.status(ReaderStatus.UNREADABLE)
    assert view.reason is ErrorCode.CARD_UNREADABLE
    assert [ins for ins, _ in socket.sent if ins == 0x20] == []


async def test_two_readers_at_once(house: House) -> None:
    """Cards in several readers are read side by side; each reader has its own card and its own number."""
    readers = [f"reader {number}" for number in range(4)]
    for reader in readers:
        house.plug(reader)
    names = ["ordinary", "second", "reserve", "old"]
    benches = {reader: house.insert(name, reader) for reader, name in zip(readers, names, strict=True)}
    picture = await house.until(lambda seen: all(view.status is ReaderStatus.READY for view in seen.readers))
    assert [view.name for view in picture.readers] == readers
    for view in picture.readers:
        assert view.card is not None
        assert view.card.serial == benches[view.name].card.image.serial.hex().upper()
    assert len({view.sequence for view in picture.readers}) == 4
