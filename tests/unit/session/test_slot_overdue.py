"""Cards that do not answer, and bugs after a code was taken: nobody waits for ever, and nobody is told a lie."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from card_bench import NEW_PIN, PIN, WRONG, Bench, card, image_of, without_file
from session_house import LONG, READER, House, Judge, open_house, refused

from sithsd.card.backends.pkcs15.backend import Pkcs15Backend
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.session.choice import Wish
from sithsd.session.model import ReaderStatus
from sithsd.session.orders import SignOrder
from sithsd.simulator.pkcs15 import PATHS
from sithsd.values import IdentityKind, Purpose, Role

AUTHENTICATION = Role.AUTHENTICATION
OTHER = "B reader 01"


@pytest.fixture
async def brief(judge: Judge) -> AsyncIterator[House]:
    """Give a house that waits a moment only for a card's answers."""
    async with open_house(judge, patience=0.1, answer_seconds=0.3) as made:
        yield made


def silence(house: House, *, before_code: bool) -> threading.Event:
    """Let the card be silent at its next code, or at the look at its counter before; the event lets it go on."""
    on = threading.Event()
    socket = house.sockets[READER]

    def wait(command: bytes) -> None:
        if command[1] == 0x20 and (before_code or len(command) > 5):
            socket.before = lambda _: None
            on.wait(LONG)

    socket.before = wait
    return on


async def test_a_card_that_does_not_answer_to_a_code(brief: House) -> None:
    """The caller hears that it is unknown, the audit too; when the card answers at last, its counter tells."""
    bench = await brief.ready()
    on = silence(brief, before_code=False)
    error = await refused(brief.verify(WRONG))
    assert (error.code, error.role) == (ErrorCode.CARD_OUTCOME_UNKNOWN, AUTHENTICATION)
    (row,) = await brief.rows()
    assert (row.result, row.tries_before) == ("card.outcomeUnknown", 3)
    on.set()
    await brief.until(lambda picture: bool(picture.notices))
    (notice,) = brief.board.picture.notices
    assert (notice.kind, notice.tries_before, notice.tries_after, notice.happened) == (
        "code.outcomeLearnt",
        3,
        2,
        False,
    )
    assert bench.tries()[AUTHENTICATION] == 2
    assert len(brief.sockets[READER].codes_sent) == 1


async def test_a_card_that_does_not_answer_after_a_code(brief: House) -> None:
    """The PIN was taken and the signature never came: nothing is in doubt, and it is not told that no code was sent."""
    bench = await brief.ready()
    on, socket = threading.Event(), brief.sockets[READER]
    socket.before = lambda command: on.wait(LONG) if command[1] == 0x2A else None
    wish = Wish(Purpose.AUTHENTICATION, IdentityKind.HSA_ID)
    error = await refused(brief.perform(SignOrder(wish, bytes(32), Secret(PIN))))
    assert error.code is ErrorCode.CARD_UNREADABLE
    assert "took the code" in error.detail
    on.set()
    await brief.status(ReaderStatus.READY)
    await brief.desk.idle(LONG)
    assert bench.locked()
    assert brief.board.picture.notices == ()


async def test_a_card_that_does_not_answer_before_a_code(brief: House) -> None:
    """The caller hears that no code was sent, and none is sent when the card answers at last."""
    bench = await brief.ready()
    on = silence(brief, before_code=True)
    error = await refused(brief.verify(WRONG))
    assert error.code is ErrorCode.CARD_UNREADABLE
    assert "no code was sent" in error.detail
    on.set()
    await brief.status(ReaderStatus.READY)
    await brief.desk.idle(LONG)
    assert brief.sockets[READER].codes_sent == []
    assert bench.tries()[AUTHENTICATION] == 3
    assert brief.board.picture.notices == ()


async def test_a_card_that_does_not_tell_its_counters(brief: House) -> None:
    """Whoever asks for the counters hears in time that the card does not answer."""
    await brief.ready()
    on = silence(brief, before_code=True)
    assert (await refused(brief.slot().read_codes())).code is ErrorCode.CARD_UNREADABLE
    on.set()


async def test_a_card_moved_to_another_reader_before_its_answer_is_in(house: House) -> None:
    """Our own wrong try, read in another reader first, is told once and as ours, never as lost elsewhere."""
    bench = await house.ready()
    house.plug(OTHER)
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def move(command: bytes) -> None:
        if command[1] == 0x20 and len(command) > 5:
            socket.after = lambda _: None
            house.pull(READER)
            at.set()
            on.wait(LONG)

    socket.after = move
    call = asyncio.ensure_future(house.verify(WRONG))
    assert await asyncio.to_thread(at.wait, LONG)
    house.insert(bench, OTHER)
    await house.status(ReaderStatus.READY, OTHER)
    assert house.board.picture.notices == ()
    on.set()
    assert (await refused(call)).code is ErrorCode.CARD_OUTCOME_UNKNOWN
    (notice,) = house.board.picture.notices
    assert (notice.kind, notice.tries_before, notice.tries_after) == ("code.outcomeLearnt", 3, 2)


async def test_a_bug_after_a_code_was_taken_is_no_failure(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The PIN was changed: the caller hears that, the card is locked by a reset, and the log has the bug."""
    bench = await house.ready()

    def break_down(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(Pkcs15Backend, "clear", break_down)
    done = await house.change(PIN, NEW_PIN)
    assert done.roles == (AUTHENTICATION,)
    assert house.sockets[READER].resets == 1
    assert bench.locked()
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert bench.give(AUTHENTICATION, NEW_PIN) == 0x9000


async def test_cards_without_a_serial_number_are_told_apart_by_callers(house: House) -> None:
    """A call names the card that it means by what is on it: to another one, as nameless, nothing is sent."""
    first = await house.ready(Bench(card(image=without_file(image_of("ordinary"), PATHS["EF.TokenInfo"]))))
    meant = house.view().card.serial
    assert meant.startswith("sha256:")
    await house.verify(PIN, serial=meant)
    house.remove()
    second = Bench(card("second", image=without_file(image_of("second"), PATHS["EF.TokenInfo"])))
    await house.ready(second)
    error = await refused(house.verify(WRONG, serial=meant))
    assert error.code is ErrorCode.CARD_CHANGED
    assert first.tries()[AUTHENTICATION] == second.tries()[AUTHENTICATION] == 3


@pytest.mark.parametrize(("status_word", "told"), [(0x6A80, 0), (0x6F00, 1)])
async def test_a_clear_refusal_leaves_nothing_to_learn(
    house: House, monkeypatch: pytest.MonkeyPatch, status_word: int, told: int
) -> None:
    """A card that says that it did not carry a command out is believed; one that says nothing is looked at again."""
    bench = await house.ready()
    transmit = bench.channel.transmit

    def refuse(command: bytes) -> tuple[bytes, int]:
        return (b"", status_word) if command[1] == 0x24 else transmit(command)

    monkeypatch.setattr(bench.channel, "transmit", refuse)
    error = await refused(house.change(PIN, NEW_PIN))
    assert (error.code, error.status_word) == (ErrorCode.CARD_REFUSED, status_word)
    await house.status(ReaderStatus.READY)
    assert len(house.board.picture.notices) == told
