"""A card that is pulled out at every possible moment of every operation."""

from collections.abc import Callable

import pytest
from card_bench import BOTH_WORDS, PUK, RIGHT, WRONG, WRONG_PUK, Bench, Cut, Hand, Row, Transaction

from sithsd.card import operations
from sithsd.card.code_operations import Outcome
from sithsd.card.operations import ReadCard
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import Role

Operation = Callable[[Transaction, ReadCard], Outcome]


def _verify(code: bytes) -> Operation:
    return lambda begun, read: Hand(begun, read).verify(Role.AUTHENTICATION, code)


def _change(code: bytes) -> Operation:
    return lambda begun, read: Hand(begun, read).change(Role.AUTHENTICATION, code)


def _unblock(puk: bytes) -> Operation:
    return lambda begun, read: Hand(begun, read, BOTH_WORDS).unblock(Role.AUTHENTICATION, puk)


OPERATIONS = {
    "right": _verify(RIGHT[Role.AUTHENTICATION]),
    "wrong": _verify(WRONG),
    "change": _change(RIGHT[Role.AUTHENTICATION]),
    "wrong-old": _change(WRONG),
    "unblock": _unblock(PUK),
    "wrong-puk": _unblock(WRONG_PUK),
}


def _length(row: Row, operation: Operation) -> int:
    bench = row.bench()
    read = row.read(bench)
    with bench.transaction() as begun:
        _outcome(operation, begun, read)
    return len(begun.sent)


def _outcome(operation: Operation, begun: Transaction, read: ReadCard) -> SithsdError | None:
    try:
        operation(begun, read)
    except SithsdError as error:
        return error
    return None


@pytest.mark.parametrize("lost", [False, True], ids=["unsent", "unheard"])
def test_while_it_is_read(row: Row, *, lost: bool) -> None:
    """A card pulled out while it is read is card.removed, whichever command it was, and no counter changes."""
    whole = row.bench()
    row.read(whole)
    full = whole.tries()
    for commands in range(1 if lost else 0, len(whole.last.sent), row.stride):
        bench = row.bench()
        with bench.transaction(Cut(commands, lost)) as begun, pytest.raises(SithsdError) as error:
            operations.read(begun, row.registry(), lambda _: True)
        assert error.value.code is ErrorCode.CARD_REMOVED
        assert bench.tries() == full


@pytest.mark.parametrize("lost", [False, True], ids=["unsent", "unheard"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_while_a_code_is_used(row: Row, name: str, *, lost: bool) -> None:
    """A card pulled out while a code is used: success if the card had said so, and the code is counted once at most.

    Before the code it is card.removed; card.outcomeUnknown is for a code that the reader got and nobody answered, or
    that a module had, of which nobody knows whether it gave it to the reader.

    Once the card is back it is locked, and what it lost is at most the one try that the code cost.
    """
    operation = OPERATIONS[name]
    whole = row.bench()
    full = whole.tries()
    read = row.read(whole)
    for commands in range(1 if lost else 0, _length(row, operation), row.stride):
        bench = row.bench()
        with bench.transaction(Cut(commands, lost)) as begun:
            error = _outcome(operation, begun, read)
        assert len(begun.codes_sent) <= 1
        answered = bool(begun.codes_sent) and begun.codes_sent[0].status_word is not None
        if not answered:
            assert error is not None
            expected = ErrorCode.CARD_OUTCOME_UNKNOWN if begun.code_tried else ErrorCode.CARD_REMOVED
            careful = row.sends_unseen and error.code is ErrorCode.CARD_OUTCOME_UNKNOWN
            assert careful or error.code is expected
        elif name in {"right", "change", "unblock"}:
            assert error is None, "the card took the code before it was pulled out"
        lowered = sum(full[role] - left for role, left in bench.tries().items())
        assert lowered == (1 if begun.codes_sent and name.startswith("wrong") else 0)
        bench.channel.insert()
        assert bench.locked()


def test_a_card_that_came_back_is_proven_again(row: Row) -> None:
    """After a removal the same card is used on as if nothing had been: its serial number proves it."""
    bench = row.bench()
    read = row.read(bench)
    with bench.transaction(Cut(2)) as begun:
        assert _outcome(OPERATIONS["right"], begun, read) is not None
    bench.channel.insert()
    with bench.transaction() as begun:
        assert _outcome(OPERATIONS["right"], begun, read) is None
    assert bench.locked()


def test_nothing_more_is_sent_to_a_card_that_is_out(row: Row) -> None:
    """After the answer that did not come no further command is tried, but for the proof that nothing was left open."""
    bench: Bench = row.bench()
    read = row.read(bench)
    total = _length(row, OPERATIONS["wrong"])
    for commands in range(1, total):
        bench.channel.insert()
        with bench.transaction(Cut(commands, lost=True)) as begun:
            _outcome(OPERATIONS["wrong"], begun, read)
        assert len(begun.sent) == commands
        if bench.tries()[Role.AUTHENTICATION] == 1:
            bench = row.bench()
