"""A new card's PINs get their first own values: by the PUK, or by the transport PIN, as the profile says."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from card_bench import (
    BOTH_WORDS,
    CHANGE,
    PUK,
    RESET_RETRY_COUNTER,
    WRONG,
    WRONG_PUK,
    Bench,
    Cut,
    Hand,
    Row,
    card,
    refused,
)

from sithsd.card.code_operations import Outcome
from sithsd.card.guard import Word
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE
TRANSPORT = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}
NEW = {AUTHENTICATION: b"246813", SIGNATURE: b"97531864"}
NO_WORDS: Mapping[Role, Word] = MappingProxyType({})


@dataclass(frozen=True)
class Way:
    """One way to activate: the fixture of a new card, and the command that gives a value."""

    row: Row
    instruction: int

    def activate(
        self, hand: Hand, new: Mapping[Role, bytes] = NEW, words: Mapping[Role, Word] = NO_WORDS, **wrong: object
    ) -> Outcome:
        """Activate by the right codes, or those in `wrong`."""
        right = {"puk": PUK} if self.instruction == RESET_RETRY_COUNTER else {"transport": TRANSPORT}
        return hand.activate(new, words=words, **right | wrong)


BY_PUK = Way(Row("inactive", "sim_pkcs15", 1), RESET_RETRY_COUNTER)
BY_TRANSPORT = Way(Row("transport", "sim_transport", 1), CHANGE)
WAYS = pytest.mark.parametrize("way", [BY_PUK, BY_TRANSPORT], ids=["puk", "transport"])


def _chosen(bench: Bench) -> set[Role]:
    """Return the PINs that have their new value, by giving them to a chip that has power again."""
    bench.channel.insert()
    return {role for role, pin in NEW.items() if bench.give(role, pin) == 0x9000}


@WAYS
def test_both(way: Way) -> None:
    """Both PINs get their value by one command each, and the card is locked afterwards."""
    bench = way.row.bench()
    read = way.row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        way.activate(hand)
    assert [sent.ins for sent in begun.codes_sent] == [way.instruction] * 2
    assert hand.trail.done == [AUTHENTICATION, SIGNATURE]
    assert {AUTHENTICATION, SIGNATURE} <= set(hand.trail.before)
    assert all(hand.trail.before[role].activated is False for role in NEW)
    assert bench.locked()
    assert _chosen(bench) == set(NEW)


@WAYS
def test_already(way: Way) -> None:
    """A card whose PINs are chosen needs no activation: nothing is sent."""
    bench = way.row.bench()
    read = way.row.read(bench)
    for expected in (None, ErrorCode.ACTIVATION_NOT_NEEDED):
        with bench.transaction() as begun:
            hand = Hand(begun, read)
            if expected is None:
                way.activate(hand)
            else:
                assert refused(lambda hand=hand: way.activate(hand)).code is expected
    assert begun.codes_sent == []


@WAYS
def test_half(way: Way) -> None:
    """Of a card that is half activated only the PIN that is left gets a value, although both are brought."""
    bench = way.row.bench()
    read = way.row.read(bench)
    first = {"puk": PUK} if way is BY_PUK else {"transport": TRANSPORT | {SIGNATURE: WRONG}}
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        if way is BY_TRANSPORT:
            assert refused(lambda: hand.activate(NEW, **first)).code is ErrorCode.PIN_WRONG
        else:
            # RESET RETRY COUNTER as another program sends it.
            data = PUK.ljust(8, b"\xff") + NEW[AUTHENTICATION].ljust(8, b"\xff")
            reference = read.contents.code(AUTHENTICATION).reference
            begun.transmit(bytes((0, RESET_RETRY_COUNTER, 0, reference, len(data))) + data)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        way.activate(hand, {AUTHENTICATION: b"111222", SIGNATURE: NEW[SIGNATURE]})
    assert len(begun.codes_sent) == 1
    assert hand.trail.done == [SIGNATURE]
    assert _chosen(bench) == set(NEW)


@WAYS
@pytest.mark.parametrize("left_out", NEW)
def test_a_pin_is_left_out(way: Way, left_out: Role) -> None:
    """A new value that is missing is request.invalid before a code is sent."""
    bench = way.row.bench()
    full = bench.tries()
    read = way.row.read(bench)
    with bench.transaction() as begun:
        new = {role: pin for role, pin in NEW.items() if role is not left_out}
        assert refused(lambda: way.activate(Hand(begun, read), new)).code is ErrorCode.REQUEST_INVALID
    assert begun.codes_sent == []
    assert bench.tries() == full


@WAYS
def test_the_means_are_missing(way: Way) -> None:
    """Without the PUK, or without one of the transport PINs, nothing is sent."""
    bench = way.row.bench()
    read = way.row.read(bench)
    missing = {"puk": None} if way is BY_PUK else {"transport": {AUTHENTICATION: TRANSPORT[AUTHENTICATION]}}
    with bench.transaction() as begun:
        assert refused(lambda: way.activate(Hand(begun, read), **missing)).code is ErrorCode.REQUEST_INVALID
    assert begun.codes_sent == []


@WAYS
@pytest.mark.parametrize("role", NEW)
def test_malformed(way: Way, role: Role) -> None:
    """A malformed new value of either PIN stops both: the card gets no command at all."""
    bench = way.row.bench()
    read = way.row.read(bench)
    with bench.transaction() as begun:
        error = refused(lambda: way.activate(Hand(begun, read), NEW | {role: b"12345"}))
    assert (error.code, error.role) == (ErrorCode.PIN_MALFORMED, role)
    assert begun.sent == []


def test_wrong_puk() -> None:
    """A wrong PUK costs one try and does nothing: the second PIN is not tried."""
    bench = BY_PUK.row.bench()
    read = BY_PUK.row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        error = refused(lambda: BY_PUK.activate(hand, puk=WRONG_PUK))
    assert (error.code, error.tries_left, error.more.done) == (ErrorCode.PUK_WRONG, 9, ())
    assert (hand.trail.judged, hand.trail.done) == (Role.PUK, [])
    assert hand.trail.before[Role.PUK].tries_left == 10
    assert len(begun.codes_sent) == 1
    assert bench.tries()[Role.PUK] == 9


def test_wrong_second_transport_code() -> None:
    """After a wrong transport code of the second PIN the first one's new value is told, and the card is locked."""
    bench = BY_TRANSPORT.row.bench()
    read = BY_TRANSPORT.row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        error = refused(lambda: BY_TRANSPORT.activate(hand, transport=TRANSPORT | {SIGNATURE: WRONG}))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, SIGNATURE, 2)
    assert error.more.done == ("authentication",)
    assert (hand.trail.judged, hand.trail.done) == (SIGNATURE, [AUTHENTICATION])
    assert set(hand.trail.before) == set(NEW)
    assert bench.locked(), "CHANGE REFERENCE DATA had left the first PIN verified"
    assert bench.tries() == {AUTHENTICATION: 3, SIGNATURE: 2, Role.PUK: 10}
    assert _chosen(bench) == {AUTHENTICATION}


@pytest.mark.parametrize("blocked", [{AUTHENTICATION: 0}, {SIGNATURE: 0}, {AUTHENTICATION: 0, SIGNATURE: 0}])
def test_a_blocked_transport_code(blocked: dict[Role, int]) -> None:
    """A blocked transport code is pin.blocked, not passed over: the other PIN is not activated without it."""
    bench = BY_TRANSPORT.row.bench(tries=blocked)
    read = BY_TRANSPORT.row.read(bench)
    with bench.transaction() as begun:
        error = refused(lambda: BY_TRANSPORT.activate(Hand(begun, read)))
    assert (error.code, begun.codes_sent) == (ErrorCode.PIN_BLOCKED, [])


@pytest.mark.parametrize(
    ("way", "role", "left", "word", "expected"),
    [
        (BY_PUK, Role.PUK, 9, Word(expected=10), ErrorCode.PUK_TRIES_CHANGED),
        (BY_PUK, Role.PUK, 1, Word(), ErrorCode.PUK_LAST_TRY),
        (BY_PUK, Role.PUK, 1, Word(last_try=True), ErrorCode.PUK_BELOW_FLOOR),
        (BY_PUK, Role.PUK, 0, BOTH_WORDS, ErrorCode.PUK_BLOCKED),
        (BY_TRANSPORT, AUTHENTICATION, 2, Word(expected=3), ErrorCode.PIN_TRIES_CHANGED),
        (BY_TRANSPORT, SIGNATURE, 2, Word(expected=3), ErrorCode.PIN_TRIES_CHANGED),
        (BY_TRANSPORT, AUTHENTICATION, 1, Word(), ErrorCode.PIN_LAST_TRY),
        (BY_TRANSPORT, SIGNATURE, 1, Word(), ErrorCode.PIN_LAST_TRY),
    ],
)
def test_the_guard_is_asked_for_every_code_first(
    way: Way, role: Role, left: int, word: Word, expected: ErrorCode
) -> None:
    """What the guard says of any code concerned is said before the first one is sent."""
    bench = way.row.bench(tries={role: left})
    before = bench.tries()
    read = way.row.read(bench)
    with bench.transaction() as begun:
        error = refused(lambda: way.activate(Hand(begun, read), words={role: word}))
    assert (error.code, error.role) == (expected, role)
    assert begun.codes_sent == []
    assert bench.tries() == before


@WAYS
@pytest.mark.parametrize("lost", [False, True], ids=["unsent", "unheard"])
def test_removal_at_every_command(way: Way, *, lost: bool) -> None:
    """Wherever the card is pulled out, what the error says was done was done, and what it is sure of is so."""
    whole = way.row.bench()
    read = way.row.read(whole)
    with whole.transaction() as begun:
        way.activate(Hand(begun, read))
    for commands in range(1 if lost else 0, len(begun.sent)):
        bench = way.row.bench()
        read = way.row.read(bench)
        error: SithsdError | None = None
        with bench.transaction(Cut(commands, lost)) as cut:
            hand = Hand(cut, read)
            try:
                way.activate(hand)
            except SithsdError as failed:
                error = failed
        bench.channel.insert()
        assert bench.locked()
        chosen = _chosen(bench)
        assert set(hand.trail.done) <= chosen
        answered = [sent for sent in cut.codes_sent if sent.status_word == 0x9000]
        assert len(hand.trail.done) == len(answered)
        if error is None:
            assert chosen == set(NEW)
            continue
        assert error.more.done == tuple(hand.trail.done)
        if error.code is ErrorCode.CARD_OUTCOME_UNKNOWN:
            assert chosen - set(hand.trail.done) <= {SIGNATURE if hand.trail.done else AUTHENTICATION}
            assert hand.trail.judged is not None
        else:
            assert error.code is ErrorCode.CARD_REMOVED
            assert set(hand.trail.done) == chosen
        assert len(cut.codes_sent) <= 2


@pytest.mark.parametrize("way", [BY_PUK, BY_TRANSPORT], ids=["puk", "transport"])
@pytest.mark.parametrize("role", NEW)
def test_a_pin_never_chosen_is_not_unblocked(way: Way, role: Role) -> None:
    """Unblocking is for PINs that the holder had chosen: pin.notActivated, and nothing is sent."""
    bench = Bench(card(way.row.fixture))
    read = way.row.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read, BOTH_WORDS)
        error = refused(lambda: hand.unblock(role, PUK))
    assert (error.code, error.role, begun.codes_sent) == (ErrorCode.PIN_NOT_ACTIVATED, role, [])


def test_a_profile_that_knows_no_way() -> None:
    """Where the profile does not know how the cards are activated it is pin.unsupported, and the card hears nothing."""
    row = Row("inactive", "pkcs15_generic", 1, alone=True)
    bench = row.bench()
    read = row.read(bench)
    with bench.transaction() as begun:
        assert refused(lambda: BY_PUK.activate(Hand(begun, read))).code is ErrorCode.PIN_UNSUPPORTED
    assert begun.sent == []
