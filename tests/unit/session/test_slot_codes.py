"""Codes through the session room: what is sent, what is shown afterwards, and who may go away when."""

import asyncio
import threading

import pytest
from card_bench import NEW_PIN, PIN, PUK, WRONG, WRONG_PUK, Bench, card, image_of, without_file
from session_house import LONG, READER, House, refused

from sithsd.card import operations
from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.reader import scard
from sithsd.secret import Secret
from sithsd.session.model import ReaderStatus
from sithsd.session.orders import ActivateOrder, ChangeOrder, UnblockOrder, VerifyOrder
from sithsd.session.tools import Done
from sithsd.simulator.pkcs15 import PATHS
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE


SPEND = Word(last_try=True)


def shown(house: House) -> dict[Role, int | None]:
    """Return the counters on the board."""
    return house.shown()


def is_verify(command: bytes) -> bool:
    """Tell whether a command gives a code."""
    return command[1] == 0x20 and len(command) > 5


@pytest.mark.parametrize("name", ["ordinary", "ordinary-t0", "reserve"])
async def test_what_is_shown_is_what_the_chip_has(house: House, name: str) -> None:
    """After each operation, good or bad, the counters on the board are the chip's, with a higher number than before."""
    bench = await house.ready(name)
    assert shown(house) == bench.tries()

    async def step(call: object, expected: ErrorCode | None) -> None:
        before = house.view().sequence
        tries = bench.tries()
        if expected is None:
            done = await call
            assert done.card_serial == bench.card.image.serial.hex().upper()
            assert done.view == house.view()
            assert done.state.tries_left == bench.tries()[done.state.role]
        else:
            error = await refused(call)
            assert error.code is expected
            assert error.where.reader == READER
            assert error.where.card_serial == bench.card.image.serial.hex().upper()
            assert error.where.sequence == house.view().sequence
        assert shown(house) == bench.tries()
        assert (house.view().sequence > before) is (bench.tries() != tries)
        assert not any(code.verified for code in house.view().card.codes)
        assert bench.locked()

    await step(house.verify(), None)
    await step(house.verify(WRONG), ErrorCode.PIN_WRONG)
    await step(house.verify(), None)
    await step(house.verify(WRONG), ErrorCode.PIN_WRONG)
    await step(house.verify(WRONG), ErrorCode.PIN_WRONG)
    await step(house.verify(WRONG), ErrorCode.PIN_LAST_TRY)
    await step(house.verify(WRONG, word=SPEND), ErrorCode.PIN_WRONG)
    await step(house.verify(word=SPEND), ErrorCode.PIN_BLOCKED)
    assert house.view().card.code(AUTHENTICATION).blocked is True
    await step(house.unblock(WRONG_PUK), ErrorCode.PUK_WRONG)
    await step(house.unblock(), None)
    await step(house.verify(NEW_PIN), None)
    await step(house.verify(b"12345"), ErrorCode.PIN_MALFORMED)


async def test_counters_that_others_lowered_are_learnt(house: House) -> None:
    """A try that another program spent is seen at the next look, and at a refusal by the guard."""
    bench = await house.ready()
    bench.give(SIGNATURE, WRONG)
    view, _ = await house.slot().read_codes()
    assert view.card.code(SIGNATURE).tries_left == 2
    bench.give(SIGNATURE, WRONG)
    assert (await refused(house.verify(role=SIGNATURE))).code is ErrorCode.PIN_LAST_TRY
    assert shown(house)[SIGNATURE] == 1


async def test_looking_changes_nothing_on_the_board(house: House) -> None:
    """A look that finds what is known already is no event."""
    await house.ready()
    before = house.board.picture
    await house.slot().read_codes()
    assert house.board.picture is before


async def test_another_card_than_the_caller_means(house: House) -> None:
    """A caller who names another card's serial number gets card.changed, and nothing is sent."""
    bench = await house.ready()
    sent = len(house.sockets[READER].sent)
    other = "0123456789"
    for order in (
        VerifyOrder(AUTHENTICATION, Secret(PIN), serial=other),
        ChangeOrder(AUTHENTICATION, Secret(PIN), Secret(NEW_PIN), serial=other),
        UnblockOrder(AUTHENTICATION, Secret(PUK), Secret(NEW_PIN), serial=other),
        ActivateOrder({AUTHENTICATION: Secret(NEW_PIN)}, Secret(PUK), serial=other),
    ):
        assert (await refused(house.perform(order))).code is ErrorCode.CARD_CHANGED
    assert len(house.sockets[READER].sent) == sent
    assert await house.rows() == []
    await house.verify(serial=bench.card.image.serial.hex().upper())


async def test_a_hidden_swap(house: House) -> None:
    """A card that was swapped without an event gets no code: card.changed, and the new card is read and shown."""
    await house.ready()
    socket = house.sockets[READER]
    house.pull()
    other = Bench(card("second"))
    socket.bench = other
    error = await refused(house.verify(WRONG, word=SPEND))
    assert error.code is ErrorCode.CARD_CHANGED
    assert socket.codes_sent == []
    view = await house.status(ReaderStatus.READY)
    assert view.card.serial == other.card.image.serial.hex().upper()
    await house.verify()


async def test_a_hidden_swap_for_a_card_of_another_kind(house: House) -> None:
    """A swap for a card without the application is card.changed too, and the reader shows an unsupported card."""
    await house.ready()
    house.pull()
    house.sockets[READER].bench = Bench(card("strange"))
    assert (await refused(house.slot().read_codes())).code is ErrorCode.CARD_CHANGED
    await house.status(ReaderStatus.UNSUPPORTED)


async def test_a_hidden_swap_of_cards_without_serial_numbers(house: House) -> None:
    """Cards without a serial number are told apart by what is on them."""

    def mute(name: str) -> Bench:
        return Bench(card(name, image=without_file(image_of(name), PATHS["EF.TokenInfo"])))

    await house.ready(mute("ordinary"))
    await house.verify()
    house.pull()
    other = mute("second")
    house.sockets[READER].bench = other
    house.sockets[READER].sent.clear()
    assert (await refused(house.verify(WRONG))).code is ErrorCode.CARD_CHANGED
    assert house.sockets[READER].codes_sent == []
    assert other.tries()[AUTHENTICATION] == 3


@pytest.mark.parametrize("code", [WRONG, PIN])
async def test_pulled_out_at_every_command(house: House, code: bytes) -> None:
    """At whichever command a card is pulled out: what is told is true, one try at most goes, and all is forgotten.

    card.removed is told where no code was on its way, card.outcomeUnknown where one was, else what the card said.

    Put in again it is read anew, and what is shown is what the chip has.
    """
    bench = await house.ready()
    socket, loop = house.sockets[READER], asyncio.get_running_loop()
    seen = set()
    for at in range(20):
        before, left = bench.tries()[AUTHENTICATION], iter(range(at))

        def pull(_: bytes, left: object = left) -> None:
            if next(left, None) is None:
                house.pull()
                loop.call_soon_threadsafe(house.remove)

        socket.sent.clear()
        socket.before = pull
        (outcome,) = await asyncio.gather(house.verify(code), return_exceptions=True)
        socket.before = lambda _: None
        if socket.bench is not None:
            break  # there are no more commands to be pulled out at
        assert len(socket.codes_sent) <= 1
        if isinstance(outcome, Done):
            assert code == PIN
            assert outcome.card_serial == bench.card.image.serial.hex().upper()
        else:
            told = {ErrorCode.CARD_REMOVED, ErrorCode.PIN_WRONG, ErrorCode.CARD_OUTCOME_UNKNOWN}
            assert outcome.code in told
            seen.add(outcome.code)
            assert (outcome.code is ErrorCode.PIN_WRONG) is bool(socket.codes_sent)
        await house.status(ReaderStatus.EMPTY)
        assert before - bench.tries()[AUTHENTICATION] == (1 if socket.codes_sent and code == WRONG else 0)
        bench.channel.insert()
        bench.give(AUTHENTICATION, PIN)
        await house.ready(bench)
        assert shown(house) == bench.tries()
        house.seconds += 3600
    else:
        raise AssertionError("the operation needs more commands than it should")
    assert at > 5
    assert {ErrorCode.CARD_REMOVED, ErrorCode.CARD_OUTCOME_UNKNOWN} <= seen


async def test_the_caller_goes_before_the_card_is_free(house: House) -> None:
    """A caller who goes while another program holds the card leaves nothing behind: no code is sent, ever."""
    bench = await house.ready()
    socket = house.sockets[READER]
    socket.held.acquire()
    call = asyncio.ensure_future(house.verify(WRONG))
    await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.wait([call])
    socket.held.release()
    await house.slot().read_codes()
    assert socket.codes_sent == []
    assert shown(house) == bench.tries()


@pytest.mark.parametrize("code", [PIN, WRONG])
@pytest.mark.parametrize("name", ["ordinary", "reserve"])
async def test_the_caller_goes_while_the_code_is_used(house: House, name: str, code: bytes) -> None:
    """A caller who goes in the midst, wiping the code, leaves a locked card, and the board learns what it cost."""
    bench = await house.ready(name)
    bench.give(AUTHENTICATION, WRONG)
    await house.slot().read_codes()
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> None:
        if is_verify(command):
            at.set()
            assert on.wait(LONG)

    socket.before = wait
    digits = Secret(code)
    call = asyncio.ensure_future(house.perform(VerifyOrder(AUTHENTICATION, digits)))
    assert await asyncio.to_thread(at.wait, LONG)
    call.cancel()
    await asyncio.wait([call])
    digits.wipe()
    assert shown(house)[AUTHENTICATION] == 2
    on.set()
    await house.until(lambda _: shown(house)[AUTHENTICATION] != 2)
    assert shown(house)[AUTHENTICATION] == (3 if code == PIN else 1)
    assert shown(house) == bench.tries()
    assert len(socket.codes_sent) == 1
    assert bench.locked()


async def test_the_caller_goes_and_so_does_the_reader(house: House) -> None:
    """What has not begun when caller and reader are gone is given up: nothing runs on, nothing was sent."""
    await house.ready()
    socket = house.sockets[READER]
    socket.held.acquire()
    call = asyncio.ensure_future(house.verify())
    await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.wait([call])
    house.unplug()
    socket.held.release()
    await house.readers.close()
    (row,) = await house.rows()
    assert row.result in {"reader.unknown", "card.removed", "abandoned"}
    assert house.desk._running == set()
    assert socket.codes_sent == []
    assert house.board.reader(READER) is None


async def test_two_callers_at_once(house: House) -> None:
    """Calls are done one after the other, and what is shown in the end is what the chip has."""
    bench = await house.ready()
    calls = [house.verify(WRONG), house.slot().read_codes(), house.verify(), house.verify(WRONG), house.verify()]
    calls += [house.verify(WRONG, SIGNATURE), house.verify(), house.slot().read_codes()]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(getattr(outcome, "code", None) is ErrorCode.PIN_WRONG for outcome in outcomes) == 3
    assert shown(house) == bench.tries() == {AUTHENTICATION: 3, SIGNATURE: 2, Role.PUK: 10}
    assert bench.locked()


async def test_an_answer_equal_to_what_the_caller_saw_first(house: House) -> None:
    """What is learnt is compared with what is shown now, not with what was shown when the call began."""
    bench = await house.ready()
    socket = house.sockets[READER]
    socket.held.acquire()
    first = asyncio.ensure_future(house.verify(WRONG))
    second = asyncio.ensure_future(house.verify())
    await asyncio.sleep(0.02)
    socket.held.release()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert outcomes[0].code is ErrorCode.PIN_WRONG
    assert isinstance(outcomes[1], Done)
    assert shown(house) == bench.tries()
    assert shown(house)[AUTHENTICATION] == 3


async def test_done_with_the_card_that_was_there(house: House) -> None:
    """A reply names the card that took the code, though another one is in the reader by the time it is written.

    And what was learnt of the one is not shown of the other.
    """
    bench = await house.ready()
    socket, loop = house.sockets[READER], asyncio.get_running_loop()

    async def swap() -> None:
        house.remove()
        house.insert("second")

    def before(command: bytes) -> None:
        if command[1] == 0x2E:
            socket.before = lambda _: None
            asyncio.run_coroutine_threadsafe(swap(), loop).result(LONG)

    socket.before = before
    done = await house.verify()
    assert done.card_serial == bench.card.image.serial.hex().upper()
    assert (done.view.status, done.view.card.codes) == (ReaderStatus.READING, ())
    view = await house.status(ReaderStatus.READY)
    assert view.card.serial != done.card_serial
    assert shown(house)[AUTHENTICATION] == 3


async def test_a_look_at_a_card_that_went(house: House) -> None:
    """A look whose card was taken out at its very end is card.removed, not a reader without codes."""
    await house.ready()
    real = operations.code_states

    async def remove() -> None:
        house.remove()

    loop = asyncio.get_running_loop()

    def late(connection: operations.Connection, read: operations.ReadCard) -> object:
        states = real(connection, read)
        asyncio.run_coroutine_threadsafe(remove(), loop).result(LONG)
        return states

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "code_states", late)
        error = await refused(house.slot().read_codes())
    assert error.code is ErrorCode.CARD_REMOVED


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ZeroDivisionError("123456"), ErrorCode.CARD_OUTCOME_UNKNOWN),
        (scard.PcscError(scard.TIMEOUT, "SCardTransmit"), ErrorCode.CARD_OUTCOME_UNKNOWN),
        (scard.PcscError(0x80100099, "SCardTransmit"), ErrorCode.CARD_OUTCOME_UNKNOWN),
        (scard.PcscError(scard.RESET_CARD, "SCardTransmit"), ErrorCode.CARD_OUTCOME_UNKNOWN),
    ],
)
async def test_an_answer_that_never_came(
    house: House, fault: Exception, expected: ErrorCode, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever breaks after a code was sent: a named error, the card reset and so locked, and read anew."""
    bench = await house.ready()
    socket = house.sockets[READER]

    def before(command: bytes) -> None:
        if is_verify(command):
            socket.before = lambda _: None
            bench.channel.transmit(command)
            raise fault

    socket.before = before
    error = await refused(house.verify(WRONG))
    assert error.code is expected
    assert error.where.reader == READER
    assert "123456" not in str(error) + capsys.readouterr().out
    assert socket.resets == 1
    await house.until(lambda _: house.view().status is ReaderStatus.READY and shown(house)[AUTHENTICATION] == 2)
    assert shown(house) == bench.tries()
    assert bench.locked()


async def test_a_card_that_answers_nonsense_to_a_code(house: House) -> None:
    """A status word that means nothing is card.refused; the card is reset and read anew."""
    bench = await house.ready()
    socket = house.sockets[READER]
    real = bench.channel.transmit

    def nonsense(command: bytes) -> tuple[bytes, int]:
        data, status_word = real(command)
        return (data, 0x6F00) if is_verify(command) else (data, status_word)

    bench.channel.transmit = nonsense
    error = await refused(house.verify())
    assert (error.code, error.status_word) == (ErrorCode.CARD_REFUSED, 0x6F00)
    assert socket.resets == 1
    await house.status(ReaderStatus.READY)
    assert bench.locked()


async def test_busy_while_another_program_holds_the_card(hasty: House) -> None:
    """A card that is held elsewhere is reader.busy, which may be tried again; nothing was and nothing will be sent."""
    bench = await hasty.ready()
    socket = hasty.sockets[READER]
    socket.held.acquire()
    error = await refused(hasty.verify(WRONG))
    assert error.code is ErrorCode.READER_BUSY
    assert error.retryable
    socket.held.release()
    await hasty.slot().read_codes()
    assert socket.codes_sent == []
    assert bench.tries()[AUTHENTICATION] == 3
    assert hasty.view().status is ReaderStatus.READY


async def test_the_counters_after_a_reset_can_not_be_had(hasty: House) -> None:
    """A code that was taken stays taken, though the card that was reset for it is held by others afterwards."""
    bench = await hasty.ready("reserve")
    socket = hasty.sockets[READER]
    real = socket.held

    class OnceOnly:
        """A lock that another program takes as soon as we let it go."""

        def acquire(self) -> bool:
            return real.acquire()

        def release(self) -> None:
            if socket.resets == 0:
                real.release()

    socket.held = OnceOnly()
    bench.give(AUTHENTICATION, WRONG)

    done = await hasty.verify()
    assert done.state.role is AUTHENTICATION
    assert not done.state.verified
    socket.held = real
    assert bench.tries()[AUTHENTICATION] == 3
