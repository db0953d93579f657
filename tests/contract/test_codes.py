"""What every backend has to do with codes, and what it must never do."""

import pytest
from card_bench import (
    BOTH_WORDS,
    LAST_TRY,
    NEW_PIN,
    PINS,
    PUK,
    RESET_RETRY_COUNTER,
    RIGHT,
    VERIFY,
    WRONG,
    WRONG_PUK,
    Bench,
    Hand,
    Row,
    Transaction,
    card,
    image_of,
    refused,
    without_file,
    without_serial,
)

from sithsd.card import operations
from sithsd.card.code_operations import Outcome
from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.card.operations import ReadCard
from sithsd.card.profile import Counter
from sithsd.errors import ErrorCode, SithsdError
from sithsd.simulator.pkcs15 import PATHS
from sithsd.values import Role

MALFORMED = [
    b"",
    b"1",
    b"12345",
    b"123456789",
    b"1234567890123456789012345678901234567890",
    b"12345a",
    b"abcdef",
    b"12 456",
    b"123456\n",
    b"123456\x00",
    b"\xff" * 8,
    b"123456\xff\xff",
    "\uff11\uff12\uff13\uff14\uff15\uff16".encode(),
    "\u0663\u0664\u0665\u0666\u0667\u0668".encode(),
    b"-12345",
    b"+123456",
]


def verify(bench: Bench, read: ReadCard, role: Role, code: bytes, word: Word = NOTHING_SAID) -> Outcome:
    """Give a code in a transaction of its own."""
    with bench.transaction() as begun:
        return Hand(begun, read, word).verify(role, code)


def unblock(  # noqa: PLR0913 - two codes and a person's word
    bench: Bench, read: ReadCard, role: Role, puk: bytes = PUK, new: bytes = NEW_PIN, *, word: Word = NOTHING_SAID
) -> Outcome:
    """Unblock a code in a transaction of its own."""
    with bench.transaction() as begun:
        return Hand(begun, read, word).unblock(role, puk, new)


@pytest.mark.parametrize("role", PINS)
def test_right_code(row: Row, role: Role) -> None:
    """A right code is taken, sent once, and the card is locked afterwards with all counters full."""
    bench = row.bench()
    full = bench.tries()
    outcome = verify(bench, row.read(bench), role, RIGHT[role])
    assert outcome.state.role is role
    assert not outcome.state.verified
    assert [sent.ins for sent in bench.last.codes_sent] == [VERIFY]
    assert bench.tries() == full
    assert bench.locked()


def test_states_after_a_right_code_are_the_chips(row: Row) -> None:
    """The states that come with a code taken are read after it, or left to a new transaction after the reset."""
    bench = row.bench(tries={Role.AUTHENTICATION: 2, Role.SIGNATURE: 1})
    read = row.read(bench)
    outcome = verify(bench, read, Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION])
    assert (outcome.states is None) is bench.last.resets
    states = outcome.states
    if states is None:
        with bench.transaction() as begun:
            states = operations.code_states(begun, read)
    assert {state.role: state.tries_left for state in states} == row.states(bench.tries())
    assert bench.tries()[Role.AUTHENTICATION] == 3
    assert not any(state.verified for state in states)


@pytest.mark.parametrize("role", PINS)
def test_wrong_code(row: Row, role: Role) -> None:
    """A wrong code is pin.wrong with the tries left and the card's word, costs one try of that PIN and of no other."""
    bench = row.bench()
    full = bench.tries()
    error = refused(lambda: verify(bench, row.read(bench), role, WRONG))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, role, row.told(2))
    assert error.status_word == row.word(0x63C2)
    assert not error.retryable
    assert bench.tries() == full | {role: 2}
    assert len(bench.last.codes_sent) == 1
    assert bench.locked()


def test_the_last_try_is_kept(row: Row) -> None:
    """At the last try nothing is sent, not even the right code, unless somebody says so."""
    bench = row.bench(tries={Role.SIGNATURE: 1})
    read = row.read(bench)
    for code in (WRONG, RIGHT[Role.SIGNATURE]):
        error = refused(lambda code=code: verify(bench, read, Role.SIGNATURE, code))
        assert (error.code, error.tries_left, error.role) == (ErrorCode.PIN_LAST_TRY, 1, Role.SIGNATURE)
        assert bench.last.codes_sent == []
        assert bench.tries()[Role.SIGNATURE] == 1
    verify(bench, read, Role.SIGNATURE, RIGHT[Role.SIGNATURE], LAST_TRY)
    assert bench.tries()[Role.SIGNATURE] == 3


def test_three_wrong_codes_block_the_pin(row: Row) -> None:
    """Three wrong codes, the third with a person's word, block the PIN; then nothing is sent any more."""
    bench = row.bench()
    read = row.read(bench)
    role = Role.AUTHENTICATION
    assert refused(lambda: verify(bench, read, role, WRONG)).tries_left == row.told(2)
    assert refused(lambda: verify(bench, read, role, WRONG)).tries_left == 1
    assert refused(lambda: verify(bench, read, role, WRONG)).code is ErrorCode.PIN_LAST_TRY
    last = refused(lambda: verify(bench, read, role, WRONG, LAST_TRY))
    assert last.tries_left == 0
    assert last.code in {ErrorCode.PIN_WRONG, ErrorCode.PIN_BLOCKED}
    for confirmed in (False, True):
        error = refused(
            lambda confirmed=confirmed: verify(bench, read, role, RIGHT[role], LAST_TRY if confirmed else NOTHING_SAID)
        )
        assert (error.code, error.tries_left) == (ErrorCode.PIN_BLOCKED, 0)
        assert bench.last.codes_sent == []
    assert bench.tries()[Role.SIGNATURE] == 3


def test_a_counter_that_can_not_be_read(row: Row) -> None:
    """Where the profile knows no safe way to read a counter, a code is sent only with a person's word."""
    bench = row.bench()
    read = row.read(bench, Counter.UNKNOWN)
    assert all(state.tries_left is None and state.blocked is None for state in read.codes)
    error = refused(lambda: verify(bench, read, Role.AUTHENTICATION, WRONG))
    assert error.code is ErrorCode.PIN_TRIES_UNKNOWN
    error = refused(lambda: unblock(bench, read, Role.AUTHENTICATION, WRONG_PUK))
    assert error.code is ErrorCode.PUK_TRIES_UNKNOWN
    assert not any(row.looked(begun) for begun in bench.history)
    error = refused(lambda: verify(bench, read, Role.AUTHENTICATION, WRONG, LAST_TRY))
    assert error.code is ErrorCode.PIN_WRONG
    assert bench.tries()[Role.AUTHENTICATION] == 2


def test_a_pin_that_another_program_has_given(row: Row) -> None:
    """A verified PIN has no counter to read: it counts as full or as unknown, as the profile says."""
    bench = row.bench()
    read = row.read(bench)
    bench.give(Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION])
    if row.verified_is_full:
        verify(bench, read, Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION])
    else:
        error = refused(lambda: verify(bench, read, Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION]))
        assert error.code is ErrorCode.PIN_TRIES_UNKNOWN
        assert bench.last.codes_sent == []
        verify(bench, read, Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION], LAST_TRY)
    assert bench.locked()


@pytest.mark.parametrize("code", MALFORMED)
def test_malformed_codes_never_reach_the_card(row: Row, code: bytes) -> None:
    """A code with other things than digits, or of a wrong length, is refused before the card gets any command."""
    bench = row.bench()
    read = row.read(bench)
    before = bench.tries()
    for role in PINS:
        assert refused(lambda role=role: verify(bench, read, role, code, LAST_TRY)).code is ErrorCode.PIN_MALFORMED
        assert bench.last.sent == []
        error = refused(lambda role=role: unblock(bench, read, role, PUK, code, word=BOTH_WORDS))
        assert (error.code, error.role) == (ErrorCode.PIN_MALFORMED, role)
        assert bench.last.sent == []
        error = refused(lambda role=role: unblock(bench, read, role, code, NEW_PIN, word=BOTH_WORDS))
        assert (error.code, error.role) == (ErrorCode.PIN_MALFORMED, Role.PUK)
        assert bench.last.sent == []
    assert bench.tries() == before


def test_the_puk_is_no_pin(row: Row) -> None:
    """The PUK can't be given as a PIN is, nor unblocked: the card gets no command."""
    bench = row.bench()
    read = row.read(bench)
    assert refused(lambda: verify(bench, read, Role.PUK, PUK)).code is ErrorCode.PIN_UNSUPPORTED
    assert bench.last.sent == []
    assert refused(lambda: unblock(bench, read, Role.PUK)).code is ErrorCode.PIN_UNSUPPORTED
    assert bench.last.sent == []


@pytest.mark.parametrize("role", PINS)
def test_unblock(row: Row, role: Role) -> None:
    """The right PUK unblocks one PIN and sets its new value; the other PIN and the PUK keep theirs; all is locked."""
    bench = row.bench(tries={role: 0})
    read = row.read(bench)
    outcome = unblock(bench, read, role, word=row.for_puk)
    assert outcome.state.role is role
    assert outcome.state.blocked is False
    assert [sent.ins for sent in bench.last.codes_sent] == [RESET_RETRY_COUNTER]
    assert bench.locked()
    assert bench.tries() == {Role.AUTHENTICATION: 3, Role.SIGNATURE: 3, Role.PUK: 10}
    verify(bench, read, role, NEW_PIN)
    other = next(pin for pin in PINS if pin is not role)
    verify(bench, read, other, RIGHT[other])


def test_wrong_puk(row: Row) -> None:
    """A wrong PUK is puk.wrong with the PUK's own tries left; the PIN stays blocked and nothing else is touched."""
    bench = row.bench(tries={Role.AUTHENTICATION: 0})
    read = row.read(bench)
    error = refused(lambda: unblock(bench, read, Role.AUTHENTICATION, WRONG_PUK, word=row.for_puk))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PUK_WRONG, Role.PUK, row.told(9, Role.PUK))
    assert bench.tries() == {Role.AUTHENTICATION: 0, Role.SIGNATURE: 3, Role.PUK: 9}
    assert bench.locked()


def test_the_puks_last_try_is_kept(row: Row) -> None:
    """The PUK's last try is not spent unasked: a dead PUK is dead for ever."""
    bench = row.bench(tries={Role.AUTHENTICATION: 0, Role.PUK: 1})
    read = row.read(bench)
    for puk in (PUK, WRONG_PUK):
        error = refused(lambda puk=puk: unblock(bench, read, Role.AUTHENTICATION, puk))
        kept = ErrorCode.PUK_LAST_TRY if row.counts else ErrorCode.PUK_TRIES_UNKNOWN
        assert (error.code, error.role, error.tries_left) == (kept, Role.PUK, row.told(1, Role.PUK))
        assert bench.last.codes_sent == []
    unblock(bench, read, Role.AUTHENTICATION, PUK, word=BOTH_WORDS)
    assert bench.tries()[Role.AUTHENTICATION] == 3


def test_a_dead_puk(row: Row) -> None:
    """A dead PUK is puk.blocked, with or without a person's word, and nothing is sent."""
    bench = row.bench(tries={Role.AUTHENTICATION: 0, Role.PUK: 1})
    read = row.read(bench)
    error = refused(lambda: unblock(bench, read, Role.AUTHENTICATION, WRONG_PUK, word=BOTH_WORDS))
    assert error.tries_left in {0, row.told(0, Role.PUK)}
    assert error.code in {ErrorCode.PUK_WRONG, ErrorCode.PUK_BLOCKED}
    for confirmed in (False, True):
        error = refused(
            lambda confirmed=confirmed: unblock(
                bench, read, Role.AUTHENTICATION, PUK, word=BOTH_WORDS if confirmed else NOTHING_SAID
            )
        )
        # Who can't be told that it is dead has a word asked for, and then the card itself says so.
        unknown = not (row.counts or confirmed)
        assert error.code is (ErrorCode.PUK_TRIES_UNKNOWN if unknown else ErrorCode.PUK_BLOCKED)
        assert (error.role, error.tries_left) == (Role.PUK, None if unknown else 0)
        assert len(bench.last.codes_sent) == (confirmed and not row.counts)
    assert bench.tries()[Role.SIGNATURE] == 3


def test_nothing_is_sent_twice(row: Row) -> None:
    """Whatever the card says to a code, it hears that code once."""
    for status in (0x6300, 0x63C1, 0x6581, 0x6700, 0x6982, 0x6985, 0x6A80, 0x6A88, 0x6C08, 0x6CFF, 0x6D00, 0x6F00):
        bench = row.bench()
        read = row.read(bench)

        def answer(command: bytes, status: int = status) -> tuple[bytes, int] | None:
            return (b"", status) if command[1] in {VERIFY, RESET_RETRY_COUNTER} and len(command) > 5 else None

        for action in (
            lambda begun, read=read: Hand(begun, read, LAST_TRY).verify(Role.AUTHENTICATION, WRONG),
            lambda begun, read=read: Hand(begun, read, BOTH_WORDS).unblock(Role.AUTHENTICATION, WRONG_PUK),
        ):
            with pytest.raises(SithsdError) as error, bench.transaction(answer=answer) as begun:
                action(begun)
            assert len(begun.codes_sent) == 1, hex(status)
            assert error.value.status_word == row.word(status)
            if error.value.code in {ErrorCode.CARD_REFUSED, ErrorCode.CARD_OUTCOME_UNKNOWN}:
                assert begun.resets


def test_a_response_to_a_code_is_fetched_and_the_code_not_repeated(row: Row) -> None:
    """A 61XX to VERIFY is followed by GET RESPONSE, never by the code again."""
    bench = row.bench()
    read = row.read(bench)

    def answer(command: bytes) -> tuple[bytes, int] | None:
        if command[1] == VERIFY and len(command) > 5:
            return b"", 0x6102
        return (b"ok", 0x9000) if command[1] == 0xC0 else None

    with bench.transaction(answer=answer) as begun:
        Hand(begun, read).verify(Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION])
    assert len(begun.codes_sent) == 1
    assert [sent.ins for sent in begun.sent].count(0xC0) == row.follows_61xx


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), KeyError("a bug"), SithsdError(ErrorCode.INTERNAL, "?")])
@pytest.mark.parametrize("late", [False, True])
def test_whatever_fails_after_a_code_was_sent_leaves_the_card_locked(row: Row, fault: Exception, *, late: bool) -> None:
    """An answer that never came, or a bug of ours, after a code was sent: the card is reset, and so locked.

    Before the answer the outcome is unknown; after it the code was taken, and that is what the caller is told.
    """
    bench = row.bench()
    read = row.read(bench)
    given = False

    def answer(command: bytes) -> tuple[bytes, int] | None:
        nonlocal given
        if command[1] == VERIFY and len(command) > 5:
            given = True
            answered = bench.channel.transmit(command)
            if late:
                return answered
            raise fault
        if given:
            raise fault
        return None

    with bench.transaction(answer=answer) as begun:
        hand = Hand(begun, read)
        if late:
            assert hand.verify(Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION]).states is None
            # The generic profile locks by the reset alone: no command comes that could fail.
            unheard = isinstance(fault, SithsdError) or row.profile == "pkcs15_generic"
            assert hand.trail.faults == ([] if unheard else [fault])
        else:
            error = refused(lambda: hand.verify(Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION]))
            assert error.code is ErrorCode.CARD_OUTCOME_UNKNOWN
            assert (error.__cause__ is fault) is row.faults_seen
    assert begun.resets
    assert bench.locked()


@pytest.mark.parametrize("fat", [(b"x" * 200, 0x61FF), (b"", 0x61FF)], ids=["bytes", "fragments"])
def test_an_answer_without_end_to_a_code_leaves_the_outcome_unknown(row: Row, fat: tuple[bytes, int]) -> None:
    """A card that carried the code out and then answers without end: nobody knows, and nobody says "unreadable"."""
    bench = row.bench()
    read = row.read(bench)
    given = False

    def answer(command: bytes) -> tuple[bytes, int] | None:
        nonlocal given
        if command[1] == VERIFY and len(command) > 5:
            given = True
            bench.channel.transmit(command)
        return fat if given else None

    with bench.transaction(answer=answer) as begun:
        hand = Hand(begun, read)
        if row.follows_61xx:
            error = refused(lambda: hand.verify(Role.AUTHENTICATION, WRONG))
            assert (error.code, error.role) == (ErrorCode.CARD_OUTCOME_UNKNOWN, Role.AUTHENTICATION)
        else:
            assert hand.verify(Role.AUTHENTICATION, WRONG).states is None  # who believes it does not vouch for counters
    assert len(begun.codes_sent) == 1
    assert begun.resets
    assert bench.tries()[Role.AUTHENTICATION] == 2


def test_a_wrong_code_that_the_card_does_not_count_aloud(row: Row) -> None:
    """6300 means wrong, without a count (ISO/IEC 7816-4): pin.wrong, and the tries left are looked up."""
    bench = row.bench()
    read = row.read(bench)

    def answer(command: bytes) -> tuple[bytes, int] | None:
        if command[1] in {VERIFY, RESET_RETRY_COUNTER} and len(command) > 5:
            bench.channel.transmit(command)
            return b"", 0x6300
        return None

    known = row.uncounted is ErrorCode.PIN_WRONG
    with bench.transaction(answer=answer) as begun:
        error = refused(lambda: Hand(begun, read).verify(Role.AUTHENTICATION, WRONG))
    told = row.told(2) if known else None
    assert (error.code, error.tries_left, error.status_word) == (row.uncounted, told, row.word(0x6300))
    assert begun.resets is not known
    with bench.transaction(answer=answer) as begun:
        error = refused(lambda: Hand(begun, read, row.for_puk).unblock(Role.AUTHENTICATION, WRONG_PUK))
    assert error.role is Role.PUK
    assert (error.code, error.tries_left) == ((ErrorCode.PUK_WRONG, 9) if known else (row.uncounted, None))
    assert bench.tries() == {Role.AUTHENTICATION: 2, Role.SIGNATURE: 3, Role.PUK: 9}


def test_no_code_is_sent_once_the_caller_was_told_an_end(row: Row) -> None:
    """Whoever gave the operation up has heard that nothing was sent: so nothing is."""
    bench = row.bench()
    read = row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        hand.trail.given_up = True
        error = refused(lambda: hand.verify(Role.AUTHENTICATION, WRONG))
    assert (error.code, hand.trail.judged) == (ErrorCode.CARD_UNREADABLE, None)
    assert begun.codes_sent == []
    assert bench.tries()[Role.AUTHENTICATION] == 3


def test_a_card_that_lies_about_forgetting_is_reset(row: Row) -> None:
    """A card that answers LOGOUT with success and stays unlocked is reset."""
    bench = row.bench()
    read = row.read(bench)

    def answer(command: bytes) -> tuple[bytes, int] | None:
        return (b"", 0x9000) if command[1] == 0x2E else None

    with bench.transaction(answer=answer) as begun:
        outcome = Hand(begun, read).verify(Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION])
    assert outcome.states is None
    assert begun.resets
    assert bench.locked()


def _in_another_card(row: Row, other: Bench, read: ReadCard) -> list[Transaction]:
    error = refused(lambda: verify(other, read, Role.AUTHENTICATION, WRONG, LAST_TRY))
    assert error.code is ErrorCode.CARD_CHANGED, row.title
    error = refused(lambda: unblock(other, read, Role.AUTHENTICATION, WRONG_PUK, word=BOTH_WORDS))
    assert error.code is ErrorCode.CARD_CHANGED, row.title
    return other.history[-2:]


@pytest.mark.parametrize("name", ["second", "strange", "foreign"])
def test_another_card_gets_no_code(row: Row, name: str) -> None:
    """With another card in the reader, SITHS or not, with codes or not, it is card.changed and nothing is sent."""
    read = row.read(row.bench())
    other = row.bench_of(card(name))
    for begun in _in_another_card(row, other, read):
        assert begun.codes_sent == []
        assert row.looked(begun) == []


def test_cards_without_a_serial_number_are_told_apart(row: Row) -> None:
    """A card that has no serial number is proven by its certificates: another one gets no code."""
    mute = without_serial if row.needs_token_info else lambda image: without_file(image, PATHS["EF.TokenInfo"])
    bench = row.bench_of(card(row.fixture, image=mute(image_of(row.fixture))))
    read = row.read(bench)
    assert read.contents.serial is None
    verify(bench, read, Role.AUTHENTICATION, RIGHT[Role.AUTHENTICATION])
    other = row.bench_of(card("second", image=mute(image_of("second"))))
    for begun in _in_another_card(row, other, read):
        assert begun.codes_sent == []
