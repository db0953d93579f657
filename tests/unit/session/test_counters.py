"""What follows from counters alone: tries that went without us, and what became of an answer that was lost."""

from dataclasses import replace

import pytest

from sithsd.session.counters import CounterMemory, Doubt, Learnt, LostElsewhere
from sithsd.values import CodeState, Role

AUTHENTICATION, SIGNATURE, PUK = Role
SERIAL = "0001"


def pin(tries: int | None, role: Role = AUTHENTICATION, *, activated: bool | None = True) -> CodeState:
    """Return a PIN's state; the most that it has is three tries."""
    return CodeState(role, tries, None if tries is None else tries == 0, activated, max_tries=3)


def puk(tries: int | None) -> CodeState:
    """Return a PUK's state; the most that it has is ten tries."""
    return CodeState(PUK, tries, None if tries is None else tries == 0, True, max_tries=10)


NEW = pin(None, activated=False)
NEW_SIGNATURE = pin(None, SIGNATURE, activated=False)


@pytest.mark.parametrize(
    ("before", "now", "happened"),
    [
        # A PIN alone: verified or changed.
        ((pin(2),), (pin(3),), True),
        ((pin(1),), (pin(3),), True),
        ((pin(3),), (pin(3),), None),
        ((pin(2),), (pin(2),), False),
        ((pin(3),), (pin(2),), False),
        ((pin(1),), (pin(0),), False),
        ((pin(None),), (pin(None),), None),
        ((pin(None),), (pin(3),), None),
        ((pin(2),), (pin(None),), None),
        ((pin(3),), (replace(pin(3), max_tries=None),), None),
        ((replace(pin(2), max_tries=None),), (replace(pin(2), max_tries=None),), None),
        ((), (pin(3),), None),
    ],
)
def test_what_became_of_a_pin(before: tuple[CodeState, ...], now: tuple[CodeState, ...], happened: bool | None) -> None:
    """More tries: it was done. Fewer, or as few as before: it was not. All of them before and after: nobody knows."""
    memory = CounterMemory()
    memory.seen(SERIAL, before)
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, before))
    left = before[0].tries_left if before else None
    assert memory.seen(SERIAL, now) == [Learnt(AUTHENTICATION, left, now[0].tries_left, happened)]
    assert memory.seen(SERIAL, now) == []


@pytest.mark.parametrize(
    ("before", "now", "happened"),
    [
        # Unblocked by the PUK.
        ((pin(0), puk(10)), (pin(3), puk(10)), True),
        ((pin(1), puk(10)), (pin(3), puk(10)), True),
        ((pin(0), puk(10)), (pin(0), puk(9)), False),
        ((pin(0), puk(10)), (pin(0), puk(10)), False),
        ((pin(3), puk(10)), (pin(3), puk(9)), False),
        ((pin(3), puk(10)), (pin(3), puk(10)), None),
        ((pin(3), puk(5)), (pin(3), puk(10)), True),
        # Not every card gives a PUK its tries back for having been right.
        ((pin(3), puk(5)), (pin(3), puk(5)), None),
        ((pin(0), puk(None)), (pin(3), puk(None)), True),
        ((pin(0), puk(None)), (pin(0), puk(None)), False),
        ((pin(None), puk(None)), (pin(None), puk(None)), None),
        ((puk(5),), (pin(3), puk(5)), None),
        ((puk(5),), (pin(3), puk(4)), False),
        # The first value.
        ((NEW, puk(10)), (pin(3), puk(10)), True),
        ((NEW, puk(10)), (NEW, puk(10)), False),
        ((NEW, puk(10)), (NEW, puk(9)), False),
        ((NEW, NEW_SIGNATURE, puk(10)), (pin(3), NEW_SIGNATURE, puk(10)), True),
    ],
)
def test_what_became_of_a_code_by_the_puk(
    before: tuple[CodeState, ...], now: tuple[CodeState, ...], happened: bool | None
) -> None:
    """What the PUK was to do tells whether it was done; the PUK's own counter tells a wrong one."""
    memory = CounterMemory()
    memory.seen(SERIAL, before)
    memory.doubt(SERIAL, Doubt(PUK, before))
    (learnt,) = memory.seen(SERIAL, now)
    assert isinstance(learnt, Learnt)
    assert (learnt.role, learnt.happened) == (PUK, happened)


def test_a_try_that_went_elsewhere() -> None:
    """A counter that fell between two looks is told once, with before and after."""
    memory = CounterMemory()
    assert memory.seen(SERIAL, [pin(3), puk(10)]) == []
    assert memory.seen(SERIAL, [pin(3), puk(10)]) == []
    assert memory.seen(SERIAL, [pin(1), puk(9)]) == [LostElsewhere(AUTHENTICATION, 3, 1), LostElsewhere(PUK, 10, 9)]
    assert memory.seen(SERIAL, [pin(1), puk(9)]) == []
    assert memory.seen(SERIAL, [pin(3), puk(10)]) == []
    assert memory.seen(SERIAL, [pin(2), puk(10)]) == [LostElsewhere(AUTHENTICATION, 3, 2)]


def test_our_own_tries_are_no_news() -> None:
    """What the card said after an operation of ours is what the next look is compared with."""
    memory = CounterMemory()
    memory.seen(SERIAL, [pin(3)])
    memory.used(SERIAL, [CodeState(AUTHENTICATION, 2)])
    assert memory.seen(SERIAL, [pin(2)]) == []
    memory.used(SERIAL, [CodeState(AUTHENTICATION, 1)])
    assert memory.seen(SERIAL, [pin(0)]) == [LostElsewhere(AUTHENTICATION, 1, 0)]


def test_what_is_not_known_is_compared_with_nothing() -> None:
    """A counter that the card does not tell is no loss; the next one it tells is compared with the last one it told."""
    memory = CounterMemory()
    assert memory.seen(SERIAL, [pin(None)]) == []
    memory.seen(SERIAL, [pin(3)])
    assert memory.seen(SERIAL, [pin(None)]) == []
    memory.used(SERIAL, [pin(None)])
    assert memory.seen(SERIAL, [pin(1)]) == [LostElsewhere(AUTHENTICATION, 3, 1)]


def test_a_card_that_is_seen_elsewhere_while_its_code_is_used() -> None:
    """What another reader reads before the answer is in is kept: it is our own wrong try, told once and as ours."""
    memory, slot, other = CounterMemory(), object(), object()
    memory.seen(SERIAL, [pin(3)], slot)
    memory.using(SERIAL, slot)
    assert memory.seen(SERIAL, [pin(2)], other) == []
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(3),)))
    assert memory.ended(SERIAL, slot) == [Learnt(AUTHENTICATION, 3, 2, happened=False)]
    assert memory.seen(SERIAL, [pin(2)], other) == []
    memory.using(SERIAL, slot)
    assert memory.seen(SERIAL, [pin(1)], slot) == [LostElsewhere(AUTHENTICATION, 2, 1)]
    assert memory.ended(SERIAL, slot) == []


def test_a_clear_refusal_is_told_only_if_it_cost_a_try() -> None:
    """A command that the card says it did not carry out leaves nothing to learn, unless a counter fell all the same."""
    memory = CounterMemory()
    memory.seen(SERIAL, [pin(3)])
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(3),), refused=True))
    assert memory.seen(SERIAL, [pin(3)]) == []
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(3),), refused=True))
    assert memory.seen(SERIAL, [pin(2)]) == [Learnt(AUTHENTICATION, 3, 2, happened=False)]


def test_doubts_about_two_codes_are_both_cleared_up() -> None:
    """A card may have several operations whose end nobody knows: each code's is told."""
    memory = CounterMemory()
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(3),)))
    memory.doubt(SERIAL, Doubt(SIGNATURE, (pin(3, SIGNATURE),)))
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(2),)))
    assert {(one.role, one.before, one.after) for one in memory.seen(SERIAL, [pin(2), pin(3, SIGNATURE)])} == {
        (AUTHENTICATION, 3, 2),
        (SIGNATURE, 3, 3),
    }


def test_a_doubt_is_about_its_own_code() -> None:
    """A loss of another code is told beside what was learnt; the doubtful code's own is not told twice."""
    memory = CounterMemory()
    memory.seen(SERIAL, [pin(3), pin(3, SIGNATURE)])
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(3),)))
    assert memory.seen(SERIAL, [pin(2), pin(2, SIGNATURE)]) == [
        Learnt(AUTHENTICATION, 3, 2, happened=False),
        LostElsewhere(SIGNATURE, 3, 2),
    ]


def test_a_doubt_waits_for_its_code() -> None:
    """Until the code itself was looked at nothing is learnt of it."""
    memory = CounterMemory()
    memory.doubt(SERIAL, Doubt(AUTHENTICATION, (pin(2),)))
    assert memory.seen(SERIAL, [pin(3, SIGNATURE)]) == []
    assert memory.seen(SERIAL, [pin(3)]) == [Learnt(AUTHENTICATION, 2, 3, happened=True)]


def test_cards_are_told_apart_and_those_without_a_number_are_not_remembered() -> None:
    """One card's counters are never compared with another's."""
    memory = CounterMemory()
    memory.seen(SERIAL, [pin(3)])
    assert memory.seen("0002", [pin(1)]) == []
    memory.seen(None, [pin(3)])
    memory.doubt(None, Doubt(AUTHENTICATION, (pin(3),)))
    memory.used(None, [pin(3)])
    assert memory.seen(None, [pin(1)]) == []


def test_memory_is_bounded_and_keeps_the_latest() -> None:
    """Of many cards those used last are remembered."""
    memory = CounterMemory()
    for number in range(600):
        memory.seen(str(number), [pin(3)])
        memory.seen("often", [pin(3)])
    assert len(memory._cards) == 512
    assert memory.seen("0", [pin(2)]) == []
    assert memory.seen("599", [pin(2)]) == [LostElsewhere(AUTHENTICATION, 3, 2)]
    assert memory.seen("often", [pin(2)]) == [LostElsewhere(AUTHENTICATION, 3, 2)]
