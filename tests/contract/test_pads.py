"""Codes that are entered at the reader's PIN pad."""

from dataclasses import dataclass, field

import pytest
from card_bench import CHANGE, NEW_PIN, PUK, RESET_RETRY_COUNTER, RIGHT, VERIFY, Bench, Hand, Row, Transaction, refused

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.pinpad import PinBlock
from sithsd.values import Role

ROLE = Role.AUTHENTICATION
OPERATIONS = {"verify": VERIFY, "change": CHANGE, "unblock": RESET_RETRY_COUNTER}
NAMES = pytest.mark.parametrize("name", OPERATIONS)
AT_THE_PAD = (
    ErrorCode.PINPAD_ABSENT,
    ErrorCode.PINPAD_CANCELLED,
    ErrorCode.PINPAD_TIMEOUT,
    ErrorCode.PINPAD_MISMATCH,
    ErrorCode.PINPAD_MALFORMED,
    ErrorCode.PIN_UNSUPPORTED,
)


@dataclass
class Pad:
    """A pad that answers as it is told and keeps what it was asked; with a bench it sends the right codes."""

    answer: int | SithsdError = 0x9000
    bench: Bench | None = None
    can_verify: bool = True
    can_modify: bool = True
    asked: list[tuple[bytes, tuple[PinBlock, ...]]] = field(default_factory=list)

    def verify(self, header: bytes, block: PinBlock) -> int:
        """Answer VERIFY."""
        return self._answer(header, (block,), RIGHT[ROLE])

    def modify(self, header: bytes, old: PinBlock, new: PinBlock) -> int:
        """Answer CHANGE REFERENCE DATA and RESET RETRY COUNTER."""
        first = PUK if header[1] == RESET_RETRY_COUNTER else RIGHT[ROLE]
        return self._answer(header, (old, new), first, NEW_PIN)

    def _answer(self, header: bytes, blocks: tuple[PinBlock, ...], *codes: bytes) -> int:
        self.asked.append((header, blocks))
        if isinstance(self.answer, SithsdError):
            raise self.answer
        if self.bench is None:
            return self.answer
        data = b"".join(
            code.ljust(block.stored_length or 0, b"\xff") for code, block in zip(codes, blocks, strict=True)
        )
        return self.bench.channel.transmit(header + bytes([len(data)]) + data)[1]


def _use(hand: Hand, name: str) -> None:
    {
        "verify": lambda: hand.verify(ROLE, None),
        "change": lambda: hand.change(ROLE, None, None),
        "unblock": lambda: hand.unblock(ROLE, None, None),
    }[name]()


def _refused(row: Row, name: str, pad: Pad | None, **how: object) -> tuple[SithsdError, Transaction, Hand]:
    word = how.pop("word", Word())
    bench = row.bench(**how)
    read = row.read(bench)
    with bench.transaction() as begun:
        begun.pad = pad
        hand = Hand(begun, read, word)
        error = refused(lambda: _use(hand, name))
    return error, begun, hand


@NAMES
def test_a_code_that_is_taken(with_own_pad: Row, name: str) -> None:
    """The pad is asked once, with the right header and the codes' forms; no code goes through this program."""
    bench = with_own_pad.bench(tries={ROLE: 0} if name == "unblock" else None)
    read = with_own_pad.read(bench)
    with bench.transaction() as begun:
        begun.pad = pad = Pad(bench=bench)
        hand = Hand(begun, read)
        _use(hand, name)
    code, puk = read.contents.code(ROLE), read.contents.code(Role.PUK)
    ((header, blocks),) = pad.asked
    assert header == bytes((0, OPERATIONS[name], 0, code.reference))
    forms = {"verify": (code,), "change": (code, code), "unblock": (puk, code)}[name]
    assert [(block.min_length, block.max_length, block.stored_length) for block in blocks] == [
        (form.min_length, form.max_length, form.stored_length) for form in forms
    ]
    assert all((block.padding, block.bcd) == (0xFF, False) for block in blocks)
    assert begun.codes_sent == []
    assert hand.trail.done == [ROLE]
    assert bench.tries()[ROLE] == 3
    assert bench.locked()
    assert bench.give(ROLE, RIGHT[ROLE] if name == "verify" else NEW_PIN) == 0x9000


@NAMES
def test_no_pad(row: Row, name: str) -> None:
    """A reader without a pad, or with one that does only the other thing, is pinpad.absent: nothing was asked."""
    for pad in (None, Pad(can_verify=name != "verify", can_modify=name == "verify")):
        error, begun, hand = _refused(row, name, pad, word=row.for_puk if name == "unblock" else Word())
        assert error.code is ErrorCode.PINPAD_ABSENT
        assert hand.trail.judged is None
        assert not begun.resets
        assert pad is None or pad.asked == []


@NAMES
@pytest.mark.parametrize("code", AT_THE_PAD)
def test_what_ends_at_the_pad(with_own_pad: Row, name: str, code: ErrorCode) -> None:
    """What the pad itself ended sent nothing to the card: no code was judged, and no reset is needed."""
    error, begun, hand = _refused(with_own_pad, name, Pad(SithsdError(code, "at the pad")))
    assert error.code is code
    assert (hand.trail.judged, hand.trail.done) == (None, [])
    assert not begun.resets


@NAMES
def test_a_wrong_code(with_own_pad: Row, name: str) -> None:
    """63C2 from the card by way of the pad is a wrong code with two tries left, once."""
    pad = Pad(0x63C2)
    error, begun, hand = _refused(with_own_pad, name, pad)
    judged, code = (Role.PUK, ErrorCode.PUK_WRONG) if name == "unblock" else (ROLE, ErrorCode.PIN_WRONG)
    assert (error.code, error.role, error.tries_left, error.status_word) == (code, judged, 2, 0x63C2)
    assert hand.trail.judged is judged
    assert len(pad.asked) == 1
    assert not begun.resets


@NAMES
def test_a_lost_answer(with_own_pad: Row, name: str) -> None:
    """An exchange that failed after it was sent is card.outcomeUnknown, and the card is reset."""
    bench = with_own_pad.bench()
    read = with_own_pad.read(bench)

    class Torn(Pad):
        def _answer(self, header: bytes, blocks: tuple[PinBlock, ...], *codes: bytes) -> int:
            begun.unanswered = True
            return super()._answer(header, blocks, *codes)

    with bench.transaction() as begun:
        begun.pad = pad = Torn(SithsdError(ErrorCode.CARD_REMOVED, "gone"))
        hand = Hand(begun, read)
        error = refused(lambda: _use(hand, name))
    judged = Role.PUK if name == "unblock" else ROLE
    assert (error.code, error.role) == (ErrorCode.CARD_OUTCOME_UNKNOWN, judged)
    assert hand.trail.judged is judged
    assert begun.resets
    assert len(pad.asked) == 1


@NAMES
@pytest.mark.parametrize("left", [0, 1, 2])
def test_the_guard_comes_before_the_pad(row: Row, name: str, left: int) -> None:
    """A blocked code, the last try, and a counter that was not shown refuse before anybody is asked for a code."""
    judged = Role.PUK if name == "unblock" else ROLE
    pad = Pad()
    error, _, hand = _refused(row, name, pad, tries={judged: left}, word=Word(expected=3 if left == 2 else None))
    expected = {
        0: (ErrorCode.PIN_BLOCKED, ErrorCode.PUK_BLOCKED),
        1: (ErrorCode.PIN_LAST_TRY, ErrorCode.PUK_LAST_TRY),
        2: (ErrorCode.PIN_TRIES_CHANGED, ErrorCode.PUK_TRIES_CHANGED),
    }[left][judged is Role.PUK]
    if not row.counts and judged is Role.PUK and left < 2:
        expected = ErrorCode.PUK_TRIES_UNKNOWN  # of the PUK nothing is told: a word is asked for first
    assert (error.code, error.role) == (expected, judged)
    assert pad.asked == []
    assert hand.trail.judged is None


ENTRIES = {
    "verify": (RIGHT[ROLE],),
    "change": (RIGHT[ROLE], NEW_PIN, NEW_PIN),
    "unblock": (PUK, NEW_PIN, NEW_PIN),
}


def _keyed(name: str, *instead: bytes) -> list[str]:
    return [key for entry in (*instead, *ENTRIES[name][len(instead) :]) for key in (entry.decode(), "ok")]


def _at_modules_pad(row: Row, bench: Bench, name: str, *keys: str) -> tuple[SithsdError | None, Hand]:
    """Have a code entered at the pad that the module asks at; return how it ended."""
    read = row.read(bench)
    with row.seat.fingers(*keys), bench.transaction() as begun:
        begun.pad = begun.connection.pad
        hand = Hand(begun, read, row.for_puk if name == "unblock" else Word())
        try:
            _use(hand, name)
        except SithsdError as error:
            return error, hand
    return None, hand


@NAMES
def test_a_module_has_the_code_entered(with_modules_pad: Row, name: str) -> None:
    """By its protected authentication path the module has the codes go from the reader to the card, once."""
    bench = with_modules_pad.bench(tries={ROLE: 0} if name == "unblock" else None)
    error, hand = _at_modules_pad(with_modules_pad, bench, name, *_keyed(name))
    if name == "unblock" and not with_modules_pad.unblocks_at_pad:
        assert error is not None
        assert (error.code, bench.last.codes_sent) == (ErrorCode.UNBLOCK_NOT_BY_MODULE, [])
        return
    assert error is None
    assert [sent.ins for sent in bench.last.codes_sent] == [OPERATIONS[name]]
    assert hand.trail.done == [ROLE]
    assert bench.tries()[ROLE] == 3
    assert bench.locked()
    assert bench.give(ROLE, RIGHT[ROLE] if name == "verify" else NEW_PIN) == 0x9000


@pytest.mark.parametrize("name", ["verify", "change"])
def test_a_wrong_code_at_a_modules_pad(with_modules_pad: Row, name: str) -> None:
    """A wrong code costs one try, and is told as what it is."""
    bench = with_modules_pad.bench()
    error, _ = _at_modules_pad(with_modules_pad, bench, name, *_keyed(name, b"111111"))
    assert error is not None
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, ROLE, with_modules_pad.told(2))
    assert len(bench.last.codes_sent) == 1
    assert bench.tries()[ROLE] == 2
    assert bench.locked()


@pytest.mark.parametrize("name", ["verify", "change"])
def test_an_entry_that_is_cancelled_at_a_modules_pad(with_modules_pad: Row, name: str) -> None:
    """Who cancels has sent nothing: pinpad.cancelled, nothing was judged, and no counter has moved."""
    bench = with_modules_pad.bench()
    full = bench.tries()
    error, hand = _at_modules_pad(with_modules_pad, bench, name, "cancel")
    assert error is not None
    assert (error.code, hand.trail.judged) == (ErrorCode.PINPAD_CANCELLED, None)
    assert bench.last.codes_sent == []
    assert bench.tries() == full
