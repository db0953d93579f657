"""CHANGE REFERENCE DATA: a PIN's new value, by every backend, over every row of the guard's table."""

import pytest
from card_bench import (
    CHANGE,
    LAST_TRY,
    NEW_PIN,
    PINS,
    RIGHT,
    WRONG,
    Bench,
    Cut,
    Hand,
    Row,
    refused,
)

from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.card.profile import Counter
from sithsd.errors import ErrorCode
from sithsd.values import Role

ROLE = Role.SIGNATURE


def _change(bench: Bench, row: Row, old: bytes, word: Word = NOTHING_SAID, new: bytes = NEW_PIN) -> ErrorCode:
    """Try to change a PIN in a transaction of its own; return the name of the error that this ends with."""
    read = row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read, word)
        return refused(lambda: hand.change(ROLE, old, new)).code


@pytest.mark.parametrize("role", PINS)
def test_right(row: Row, role: Role) -> None:
    """The new value is the PIN's and the old one is not; one command; everything is locked and counted afterwards."""
    bench = row.bench(tries={role: 2})
    read = row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        outcome = hand.change(role, RIGHT[role])
    assert (outcome.state.role, outcome.state.verified) == (role, False)
    assert [sent.ins for sent in begun.codes_sent] == [CHANGE]
    assert (hand.trail.judged, hand.trail.done, hand.trail.before[role].tries_left) == (role, [role], row.told(2))
    assert bench.tries() == {Role.AUTHENTICATION: 3, Role.SIGNATURE: 3, Role.PUK: 10}
    assert bench.locked()
    assert bench.give(role, NEW_PIN) == 0x9000
    assert bench.give(role, RIGHT[role]) == 0x63C2
    other = next(pin for pin in PINS if pin is not role)
    assert bench.give(other, RIGHT[other]) == 0x9000


@pytest.mark.parametrize("role", PINS)
def test_wrong_old(row: Row, role: Role) -> None:
    """A wrong present value is pin.wrong, costs one try of that PIN, and changes nothing."""
    bench = row.bench()
    full = bench.tries()
    read = row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        error = refused(lambda: hand.change(role, WRONG))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, role, row.told(2))
    assert len(begun.codes_sent) == 1
    assert (hand.trail.judged, hand.trail.done) == (role, [])
    assert bench.tries() == full | {role: 2}
    assert bench.locked()
    assert bench.give(role, RIGHT[role]) == 0x9000


@pytest.mark.parametrize("new", [b"", b"12345", b"123456789", b"12345x", b"123456\xff\xff"])
def test_malformed(row: Row, new: bytes) -> None:
    """A malformed old or new value is refused before the card gets any command."""
    bench = row.bench()
    for old, value in ((RIGHT[ROLE], new), (new, NEW_PIN)):
        assert _change(bench, row, old, LAST_TRY, value) is ErrorCode.PIN_MALFORMED
        assert bench.last.sent == []


@pytest.mark.parametrize(
    ("tries", "word", "expected"),
    [
        (3, NOTHING_SAID, None),
        (2, NOTHING_SAID, None),
        (2, Word(expected=2), None),
        (2, Word(expected=3), ErrorCode.PIN_TRIES_CHANGED),
        (2, Word(last_try=True, expected=1), ErrorCode.PIN_TRIES_CHANGED),
        (1, NOTHING_SAID, ErrorCode.PIN_LAST_TRY),
        (1, Word(risk_card=True), ErrorCode.PIN_LAST_TRY),
        (1, Word(last_try=True, expected=2), ErrorCode.PIN_TRIES_CHANGED),
        (1, LAST_TRY, None),
        (0, NOTHING_SAID, ErrorCode.PIN_BLOCKED),
        (0, LAST_TRY, ErrorCode.PIN_BLOCKED),
    ],
)
def test_every_row_of_the_guard(row: Row, tries: int, word: Word, expected: ErrorCode | None) -> None:
    """What the guard refuses sends nothing, not even the right code; what it allows is sent once."""
    if not row.counts and expected is ErrorCode.PIN_TRIES_CHANGED:
        assert word.expected != row.told(tries)  # no number was shown: whoever names one has seen another card
    else:
        word = row.shown(word)
    bench = row.bench(tries={ROLE: tries})
    assert _change(bench, row, WRONG, word) is (expected or (ErrorCode.PIN_WRONG if tries > 1 else _at_the_end(bench)))
    assert len(bench.last.codes_sent) == (expected is None)
    assert bench.tries()[ROLE] == tries - (expected is None)
    bench = row.bench(tries={ROLE: tries})
    read = row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read, word)
        if expected is None:
            hand.change(ROLE, RIGHT[ROLE])
        else:
            assert refused(lambda: hand.change(ROLE, RIGHT[ROLE])).code is expected
            assert hand.trail.judged is None
    assert bench.tries()[ROLE] == (3 if expected is None else tries)


def test_a_counter_that_can_not_be_read(row: Row) -> None:
    """Where no counter can be read it takes a person's word, and one who was shown a number has seen another card."""
    bench = row.bench()
    read = row.read(bench, Counter.UNKNOWN)
    for word, expected in (
        (NOTHING_SAID, ErrorCode.PIN_TRIES_UNKNOWN),
        (Word(last_try=True, expected=3), ErrorCode.PIN_TRIES_CHANGED),
        (LAST_TRY, ErrorCode.PIN_WRONG),
    ):
        with bench.transaction() as begun:
            hand = Hand(begun, read, word)
            assert refused(lambda hand=hand: hand.change(ROLE, WRONG)).code is expected
        assert len(begun.codes_sent) == (expected is ErrorCode.PIN_WRONG)
    assert bench.tries()[ROLE] == 2


def test_a_pin_never_chosen() -> None:
    """A PIN without a value, and one with its transport value, is not changed but activated: nothing is sent."""
    for name in ("inactive", "transport"):
        row = Row(name, "", 1)
        bench = row.bench()
        assert _change(bench, row, WRONG, LAST_TRY) is ErrorCode.PIN_NOT_ACTIVATED
        assert bench.last.codes_sent == []


@pytest.mark.parametrize("old", [RIGHT[ROLE], WRONG])
def test_a_lost_answer(row: Row, old: bytes) -> None:
    """An answer that never came is card.outcomeUnknown, whether the chip took the code or not; it was one command."""
    whole = row.bench()
    read = row.read(whole)
    with whole.transaction() as begun:
        Hand(begun, read).change(ROLE, RIGHT[ROLE])
    at = 1 + next(number for number, sent in enumerate(begun.sent) if sent.ins == CHANGE)
    bench = row.bench()
    read = row.read(bench)
    with bench.transaction(Cut(at, lost=True)) as begun:
        hand = Hand(begun, read)
        error = refused(lambda: hand.change(ROLE, old))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.CARD_OUTCOME_UNKNOWN, ROLE, None)
    assert (hand.trail.judged, hand.trail.done) == (ROLE, [])
    assert len(begun.codes_sent) == 1
    assert begun.resets
    bench.channel.insert()
    assert bench.locked()
    assert bench.tries()[ROLE] == (3 if old == RIGHT[ROLE] else 2)


def _at_the_end(bench: Bench) -> ErrorCode:
    """Return the name of a wrong code at the last try: the card says 63C0 or 6983."""
    return ErrorCode.PIN_WRONG if bench.last.codes_sent[-1].status_word == 0x63C0 else ErrorCode.PIN_BLOCKED
