"""Cards that come again: known if they prove that they are unchanged, and judged anew each time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from card_bench import TODAY, Bench, card, registry
from session_house import KEPT_SECONDS, READER, House

from sithsd.card import operations
from sithsd.card.known import KnownCards
from sithsd.card.model import CardContents
from sithsd.reader.monitor import ReaderRemoved
from sithsd.session.describe import is_ours, may_be_kept
from sithsd.session.model import ReaderStatus


def known_again(house: House, reader: str = READER) -> bool:
    """Return whether the card in the reader was known, and not read whole."""
    view = house.view(reader)
    assert view.card is not None
    assert view.card.read is not None
    return view.card.read.known


async def again(house: House, bench: Bench, reader: str = READER) -> None:
    """Take a card out and put it into a reader, and wait until it is shown."""
    house.remove()
    if reader not in house.sockets:
        house.plug(reader)
    house.insert(bench, reader)
    await house.status(ReaderStatus.READY, reader)


async def test_a_card_that_comes_again_is_known(house: House) -> None:
    """In any reader; what is shown of it is the same, and its verdict is of that moment."""
    bench = await house.ready()
    first = house.view().card
    assert first is not None
    assert not known_again(house)
    house.clock.set(TODAY + timedelta(days=3000))
    await again(house, bench, "Another reader 00")
    assert known_again(house, "Another reader 00")
    second = house.view("Another reader 00").card
    assert second is not None
    assert (second.facts, second.codes, second.serial) == (first.facts, first.codes, first.serial)
    assert "date.expired" in second.certificates[0].assessment.verdict.reasons
    assert "date.expired" not in first.certificates[0].assessment.verdict.reasons


async def test_after_sleep_a_card_is_read_whole(house: House) -> None:
    """Nobody knows what happened meanwhile; and so it is after an answer that leaves doubt."""
    bench = await house.ready()
    house.readers.sleep()
    house.readers.wake()
    await house.status(ReaderStatus.READY)
    assert not known_again(house)
    held = await house.slot().card(None)
    house.slot().read_again(held)
    await house.status(ReaderStatus.READING)
    await house.status(ReaderStatus.READY)
    assert not known_again(house)
    await again(house, bench)
    assert known_again(house)


async def test_what_is_kept_goes_when_its_time_is_over(house: House) -> None:
    """Though no card comes any more: the loop sees to it, once for all cards that went, until nothing is left."""
    known, loop = house.tools.known, asyncio.get_running_loop()
    assert known is not None
    bench = await house.ready()
    before = loop.time()
    house.remove()
    first = house.readers._forgetting
    assert first is not None
    assert before + KEPT_SECONDS <= first.when() <= loop.time() + KEPT_SECONDS
    await again(house, bench)
    house.remove()
    assert house.readers._forgetting is first
    house.readers._forget()  # as the loop does
    assert len(known) == 1
    assert house.readers._forgetting not in {None, first}
    house.seconds += KEPT_SECONDS
    house.readers._forget()
    assert (len(known), house.readers._forgetting) == (0, None)


async def test_each_card_goes_when_its_own_time_is_over(house: House) -> None:
    """The wait is for the card that was read longest ago: one read later does not stay until twice the time is over."""
    known, loop = house.tools.known, asyncio.get_running_loop()
    assert known is not None
    await house.ready()
    house.seconds += KEPT_SECONDS / 4
    house.remove()
    waiting = house.readers._forgetting
    assert waiting is not None
    assert waiting.when() <= loop.time() + KEPT_SECONDS * 3 / 4


async def test_a_reader_that_goes_with_its_card_leaves_nothing_for_ever(house: House) -> None:
    """What is kept goes too when the reader is pulled out, or pcscd ends, with the card still in it."""
    await house.ready()
    house.readers.on_event(ReaderRemoved(house.slot().view.name))
    assert house.readers._forgetting is not None


async def test_waking_forgets_what_is_too_old(house: House) -> None:
    """The machine may have slept through all of the time."""
    known = house.tools.known
    assert known is not None
    await house.ready()
    house.remove()
    house.seconds += KEPT_SECONDS
    house.readers.wake()
    assert not known._kept


async def test_nothing_is_kept_where_nothing_may_be(house: House) -> None:
    """Without a memory of cards each is read whole."""
    house.readers._tools = house.tools = replace(house.tools, known=None)
    bench = await house.ready()
    await again(house, bench)
    assert not known_again(house)


def contents_of(name: str) -> CardContents:
    """Return what is read of a card."""
    bench = Bench(card(name))
    with bench.transaction() as begun:
        return operations.read(begun, registry(), is_ours, known=KnownCards(1.0, lambda _: True)).contents


def test_a_protected_holder_leaves_nothing() -> None:
    """Nor may anything be kept of a card of which that is not known, since it has no holder."""
    contents = contents_of("protected")
    assert contents.marks is not None
    assert not may_be_kept(contents)
    assert may_be_kept(contents_of("ordinary"))
    assert not may_be_kept(replace(contents_of("ordinary"), certificates=()))


def test_certificates_younger_than_last_update_are_not_kept() -> None:
    """Whoever wrote them does not move lastUpdate, so it proves nothing."""
    contents = contents_of("ordinary")
    marks = contents.marks
    assert marks is not None
    issued = TODAY.replace(hour=0, minute=0) - timedelta(days=365)
    assert may_be_kept(replace(contents, marks=replace(marks, last_update=issued)))
    assert not may_be_kept(replace(contents, marks=replace(marks, last_update=issued - timedelta(seconds=1))))


def test_a_card_with_a_malformed_certificate_is_not_kept() -> None:
    """What can't be read can't be judged either."""
    contents = contents_of("ordinary")
    first, *others = contents.certificates
    assert not may_be_kept(replace(contents, certificates=(replace(first, der=b"\x30\x00"), *others)))
