"""Notices: tries that others burnt, and what became of an answer that was lost; on the board, in log and audit."""

import asyncio

import pytest
from card_bench import PIN, PUK, WRONG, WRONG_PUK, Bench, card
from session_house import ALSO_CHOSEN, CHOSEN, READER, House, refused

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.session.counters import Doubt
from sithsd.session.model import Notice, NoticeKind, ReaderStatus
from sithsd.values import CodeState, Role

AUTHENTICATION, SIGNATURE, PUK_ROLE = Role.AUTHENTICATION, Role.SIGNATURE, Role.PUK
LOST, LEARNT = NoticeKind.TRIES_LOST_ELSEWHERE, NoticeKind.OUTCOME_LEARNT


def told(notice: Notice) -> tuple[object, ...]:
    """Return what a notice says of a code."""
    return notice.kind, notice.role, notice.tries_before, notice.tries_after, notice.happened


async def again(house: House, bench: Bench) -> None:
    """Put a card in again, and wait until it was read."""
    if house.sockets[READER].bench is not None:
        house.remove()
    await house.status(ReaderStatus.EMPTY)
    await house.ready(bench)


async def test_a_try_that_another_program_burnt_between_two_looks(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told once: on the board with reader, card, code and tries, as a line in the log, and as an audit row."""
    bench = await house.ready()
    serial = house.view().card.serial
    bench.give(SIGNATURE, WRONG)
    sequence = house.board.picture.sequence
    await house.slot().read_codes()
    await house.slot().read_codes()
    (notice,) = house.notices()
    assert told(notice) == (LOST, SIGNATURE, 3, 2, None)
    assert (notice.reader, notice.card_serial, notice.at) == (READER, serial, house.clock.now())
    assert notice.sequence > sequence
    (row,) = await house.rows()
    assert (row.operation, row.result, row.role) == ("code.triesLostElsewhere", "happened", "signature")
    assert (row.uid, row.reader, row.card_serial) == (None, READER, serial)
    assert (row.tries_before, row.tries_after) == (3, 2)
    lines = [line for line in capsys.readouterr().out.splitlines() if "code.triesLostElsewhere" in line]
    assert len(lines) == 1
    assert "warning" in lines[0]
    assert serial in lines[0]


@pytest.mark.parametrize("code", [PIN, WRONG])
@pytest.mark.parametrize("name", ["ordinary", "reserve"])
async def test_a_try_that_was_burnt_before_an_operation(house: House, name: str, code: bytes) -> None:
    """The counter that an operation reads first tells it, also where the operation itself changes it."""
    bench = await house.ready(name)
    bench.give(AUTHENTICATION, WRONG)
    await asyncio.gather(house.verify(code), return_exceptions=True)
    assert [told(notice) for notice in house.notices()] == [(LOST, AUTHENTICATION, 3, 2, None)]
    assert house.shown() == bench.tries()
    await house.slot().read_codes()
    assert len(house.notices()) == 1


async def test_a_try_that_was_burnt_before_a_refusal(house: House) -> None:
    """So does the one that the guard reads before it refuses."""
    bench = await house.ready()
    bench.give(AUTHENTICATION, WRONG)
    error = await refused(house.verify(word=Word(expected=3)))
    assert (error.code, error.tries_left) == (ErrorCode.PIN_TRIES_CHANGED, 2)
    assert [told(notice) for notice in house.notices()] == [(LOST, AUTHENTICATION, 3, 2, None)]
    assert house.sockets[READER].codes_sent == []


async def test_tries_that_were_burnt_while_the_card_was_elsewhere(house: House) -> None:
    """A card that comes back with fewer tries is told of, in whichever reader, whatever was there meanwhile."""
    bench = await house.ready()
    house.remove()
    other = await house.ready("second")
    house.remove()
    bench.channel.insert()
    bench.give(AUTHENTICATION, WRONG)
    bench.give(AUTHENTICATION, WRONG)
    bench.channel.remove()
    await house.ready(bench, "another reader")
    (notice,) = house.notices()
    assert told(notice) == (LOST, AUTHENTICATION, 3, 1, None)
    assert (notice.reader, notice.card_serial) == ("another reader", bench.card.image.serial.hex().upper())
    await again(house, other)
    assert len(house.notices()) == 1


async def test_our_own_doings_are_no_notice(house: House) -> None:
    """Whatever goes through us, right or wrong, in whatever order: no notice, also after the card was put in again."""
    bench = await house.ready()

    async def nothing() -> None:
        house.seconds += 3600
        await house.slot().read_codes()
        await again(house, bench)
        assert house.notices() == []
        assert house.shown() == bench.tries()

    await refused(house.verify(WRONG))
    await refused(house.change(WRONG))
    await nothing()
    await house.verify(word=Word(last_try=True))
    await house.change()
    for _ in range(2):
        await refused(house.verify(WRONG))
    await refused(house.verify(WRONG, word=Word(last_try=True)))
    await nothing()
    await refused(house.unblock(WRONG_PUK))
    await nothing()
    await house.unblock(new=CHOSEN)
    await refused(house.unblock(b"1234567"))
    await nothing()


@pytest.mark.parametrize("name", ["ordinary", "reserve"])
async def test_tries_that_we_gave_back_are_missed_when_others_burn_them(house: House, name: str) -> None:
    """After a right code of ours the counter is full: it is that one which the next look is compared with."""
    bench = await house.ready(name)
    await refused(house.verify(WRONG))
    await house.verify()
    bench.give(AUTHENTICATION, WRONG)
    await house.slot().read_codes()
    assert [told(notice) for notice in house.notices()] == [(LOST, AUTHENTICATION, 3, 2, None)]


@pytest.mark.parametrize("name", ["ordinary", "reserve", "ordinary-t0"])
async def test_our_own_doings_at_once_are_no_notice(house: House, name: str) -> None:
    """Looks and operations that come at once, from many callers, are not taken for one another's tries."""
    bench = await house.ready(name)
    calls = [house.verify(WRONG), house.slot().read_codes(), house.verify(), house.slot().read_codes()]
    calls += [house.verify(WRONG, SIGNATURE), house.slot().read_codes(), house.unblock(role=SIGNATURE, new=CHOSEN)]
    calls += [house.slot().read_codes(), house.change(), house.slot().read_codes(), house.verify(WRONG)]
    await asyncio.gather(*calls, return_exceptions=True)
    await house.slot().read_codes()
    assert house.notices() == []
    assert house.shown() == bench.tries()


@pytest.mark.parametrize("name", ["inactive", "transport"])
async def test_an_activation_is_no_notice(house: House, name: str) -> None:
    """Codes that got their first value, by the PUK or by their transport codes."""
    bench = await house.ready(name)
    transport = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}
    puk = PUK if name == "inactive" else None
    await house.activate(puk=puk, transport=transport)
    await again(house, bench)
    assert house.notices() == []
    states = {state.role: (state.tries_left, state.activated) for state in house.view().card.codes}
    assert states == {AUTHENTICATION: (3, True), SIGNATURE: (3, True), PUK_ROLE: (10, True)}


CASES = [
    # What is done, by which command, whether it arrives, the PIN's tries before, what is learnt afterwards.
    (lambda house: house.verify(), 0x20, True, 2, (AUTHENTICATION, 2, 3, True)),
    (lambda house: house.verify(), 0x20, False, 2, (AUTHENTICATION, 2, 2, False)),
    (lambda house: house.verify(WRONG), 0x20, True, 2, (AUTHENTICATION, 2, 1, False)),
    (lambda house: house.verify(), 0x20, True, 3, (AUTHENTICATION, 3, 3, None)),
    (lambda house: house.verify(WRONG), 0x20, True, 3, (AUTHENTICATION, 3, 2, False)),
    (lambda house: house.change(), 0x24, True, 2, (AUTHENTICATION, 2, 3, True)),
    (lambda house: house.change(), 0x24, False, 2, (AUTHENTICATION, 2, 2, False)),
    (lambda house: house.change(), 0x24, True, 3, (AUTHENTICATION, 3, 3, None)),
    (lambda house: house.change(), 0x24, False, 3, (AUTHENTICATION, 3, 3, None)),
    (lambda house: house.change(WRONG), 0x24, True, 3, (AUTHENTICATION, 3, 2, False)),
    (lambda house: house.unblock(), 0x2C, True, 0, (PUK_ROLE, 10, 10, True)),
    (lambda house: house.unblock(), 0x2C, False, 0, (PUK_ROLE, 10, 10, False)),
    (lambda house: house.unblock(), 0x2C, True, 2, (PUK_ROLE, 10, 10, True)),
    (lambda house: house.unblock(), 0x2C, True, 3, (PUK_ROLE, 10, 10, None)),
    (lambda house: house.unblock(WRONG_PUK), 0x2C, True, 0, (PUK_ROLE, 10, 9, False)),
]


@pytest.mark.parametrize(("call", "ins", "arrives", "tries", "learnt"), CASES)
async def test_an_answer_that_was_lost(  # noqa: PLR0913, PLR0917 - a row of the table
    house: House, call: object, ins: int, arrives: bool, tries: int, learnt: tuple[object, ...]
) -> None:
    """The card taken out with a code on its way: unknown, told as such; put in again, what its counters tell, once."""
    bench = Bench(card("ordinary", tries={AUTHENTICATION: tries}))
    await house.ready(bench)
    house.lose_answer(ins, arrives=arrives)
    error = await refused(call(house))
    assert (error.code, error.tries_left) == (ErrorCode.CARD_OUTCOME_UNKNOWN, None)
    assert error.role == str(learnt[0])
    (row,) = await house.rows()
    assert (row.result, row.tries_before, row.tries_after) == ("card.outcomeUnknown", learnt[1], None)
    assert house.notices() == []
    await again(house, bench)
    (notice,) = house.notices()
    assert told(notice) == (LEARNT, *learnt)
    (_, row) = await house.rows()
    result = {True: "happened", False: "didNotHappen", None: "unknown"}[learnt[3]]
    assert (row.operation, row.role, row.result) == ("code.outcomeLearnt", str(learnt[0]), result)
    await again(house, bench)
    await house.slot().read_codes()
    assert len(house.notices()) == 1


@pytest.mark.parametrize(
    ("arrives", "at", "done", "happened"),
    [
        (True, 1, (), True),
        (False, 1, (), False),
        (True, 2, ("authentication",), True),
        (False, 2, ("authentication",), False),
    ],
)
@pytest.mark.parametrize("name", ["inactive", "transport"])
async def test_an_activation_whose_answer_was_lost(  # noqa: PLR0913, PLR0917 - a row of the table
    house: House, name: str, arrives: bool, at: int, done: tuple[str, ...], happened: bool
) -> None:
    """At the first code or at the second: what is learnt is of that one, not of the one that was done before."""
    bench = await house.ready(name)
    ins = 0x2C if name == "inactive" else 0x24
    socket, count = house.sockets[READER], iter(range(1, 9))
    loop = asyncio.get_running_loop()

    def before(command: bytes) -> None:
        if command[1] == ins and len(command) > 5 and next(count) == at:

            def pull(_: bytes) -> None:
                socket.before = socket.after = lambda _: None
                house.pull()
                loop.call_soon_threadsafe(house.remove)

            if arrives:
                socket.after = pull
            else:
                pull(command)

    socket.before = before
    transport = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}
    error = await refused(house.activate(puk=PUK if name == "inactive" else None, transport=transport))
    assert (error.code, error.more.done) == (ErrorCode.CARD_OUTCOME_UNKNOWN, done)
    await again(house, bench)
    (notice,) = house.notices()
    assert (notice.kind, notice.happened) == (LEARNT, happened)
    judged = PUK_ROLE if name == "inactive" else (AUTHENTICATION if at == 1 else SIGNATURE)
    assert notice.role is judged


async def test_a_puk_that_got_its_tries_back_by_its_first_use(house: House) -> None:
    """The PUK's counter that went up with the first code says nothing of the second, whose command never arrived."""
    bench = Bench(card("inactive", tries={PUK_ROLE: 5}))
    await house.ready(bench)
    loop, socket, count = asyncio.get_running_loop(), house.sockets[READER], iter(range(1, 9))

    def before(command: bytes) -> None:
        if command[1] == 0x2C and next(count) == 2:
            house.pull()
            loop.call_soon_threadsafe(house.remove)

    socket.before = before
    error = await refused(house.activate())
    assert error.more.done == ("authentication",)
    socket.before = lambda _: None
    await again(house, bench)
    (notice,) = house.notices()
    assert (notice.kind, notice.role, notice.happened) == (LEARNT, PUK_ROLE, False)
    done = await house.activate({SIGNATURE: ALSO_CHOSEN})
    assert done.roles == (SIGNATURE,)


async def test_an_answer_that_means_nothing_is_a_doubt_too(house: House) -> None:
    """A status word that is no answer to a code: read again at once, and what became of it is told."""
    bench = await house.ready()
    real = bench.channel.transmit

    def nonsense(command: bytes) -> tuple[bytes, int]:
        data, status_word = real(command)
        return (data, 0x6F00) if command[1] == 0x20 and len(command) > 5 else (data, status_word)

    bench.channel.transmit = nonsense
    assert (await refused(house.verify(WRONG))).code is ErrorCode.CARD_REFUSED
    await house.until(lambda picture: bool(picture.notices))
    (notice,) = house.notices()
    assert told(notice) == (LEARNT, AUTHENTICATION, 3, 2, False)


@pytest.mark.parametrize(
    ("role", "before", "now", "happened"),
    [
        (AUTHENTICATION, 2, 3, True),
        (AUTHENTICATION, 2, 2, False),
        (AUTHENTICATION, 3, 2, False),
        (AUTHENTICATION, 3, 3, None),
        (AUTHENTICATION, None, 3, None),
        (PUK_ROLE, 10, 9, False),
        (PUK_ROLE, 10, 10, None),
    ],
)
async def test_what_a_daemon_that_was_killed_left(
    house: House, role: Role, before: int | None, now: int, happened: bool | None
) -> None:
    """A doubt from before this daemon's time, of which but one counter is known, is resolved at the first reading."""
    bench = Bench(card("ordinary", tries={role: now}))
    house.herald.doubt(bench.card.image.serial.hex().upper(), Doubt(role, (CodeState(role, before),)))
    await house.ready("second")
    assert house.notices() == []
    await again(house, bench)
    assert [told(notice) for notice in house.notices()] == [(LEARNT, role, before, now, happened)]


async def test_the_board_keeps_the_latest_32(house: House) -> None:
    """Of many notices the oldest go; each has a number of its own, in order."""
    bench = await house.ready()
    for _ in range(20):
        bench.give(AUTHENTICATION, WRONG)
        await house.slot().read_codes()
        before = house.board.picture.sequence
        bench.give(AUTHENTICATION, WRONG)
        await house.slot().read_codes()
        bench.give(AUTHENTICATION, PIN)
        bench.channel.reset()
        await house.slot().read_codes()
    notices = house.notices()
    assert len(notices) == 32
    numbers = [notice.sequence for notice in notices]
    assert numbers == sorted(set(numbers))
    assert before < notices[-1].sequence <= house.board.picture.sequence
    # The audit takes so many of one card in an hour, and counts the rest.
    assert len(await house.rows()) == 20
