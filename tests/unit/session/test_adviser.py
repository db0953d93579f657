"""The calendar asked about the card that is in: a simulated one, whose certificates tell its dates."""

from datetime import UTC, datetime, timedelta

import pytest
from card_bench import TODAY, Bench, card, registry

from sithsd.card import operations
from sithsd.session.adviser import Adviser
from sithsd.session.describe import inserted_card, is_ours
from sithsd.session.model import InsertedCard
from sithsd.validity.calendar import Action, Calendar
from sithsd.validity.calendar.freezes import shipped
from sithsd.validity.judge import Judge

EARLY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def adviser() -> Adviser:
    """Return an adviser with the freezes as shipped, who believes every clock here."""
    return Adviser(Calendar(shipped()), EARLY)


def inserted(name: str, judge: Judge) -> InsertedCard:
    """Read a simulated card."""
    bench = Bench(card(name))
    with bench.transaction() as begun:
        read = operations.read(begun, registry(), is_ours)
    return inserted_card(b"\x3b\x00", read, judge, TODAY)


def test_an_expired_card_inside_the_freeze(judge: Judge, adviser: Adviser) -> None:
    """On 15 January 2024 its holder can have no new one but what was ordered before, and a reserve card."""
    there = inserted("expired", judge)
    expected = [Action.RESERVE_GET, Action.COLLECT_BEFORE, Action.ORDER_FROM]
    assert [one.action for one in adviser.of(there, TODAY)] == expected
    assert adviser.next_change(there, TODAY) == datetime(2024, 1, 22, 23, tzinfo=UTC)


def test_a_card_that_lasts_needs_nothing(judge: Judge, adviser: Adviser) -> None:
    """Until the holder is reminded of the total stop, from midnight in Sweden a week before."""
    there = inserted("ordinary", judge)
    assert adviser.of(there, TODAY) == ()
    assert adviser.next_change(there, TODAY) == datetime(2024, 1, 15, 23, tzinfo=UTC)


def test_a_card_that_is_not_ours_is_no_business_of_ours(judge: Judge, adviser: Adviser) -> None:
    """Nothing is advised of a card of another issuer, and that never changes."""
    there = inserted("foreign", judge)
    assert (adviser.of(there, TODAY), adviser.next_change(there, TODAY)) == ((), None)


def test_a_card_that_was_not_read_says_nothing(adviser: Adviser) -> None:
    """Only its ATR is known."""
    assert (adviser.of(InsertedCard(b"\x3b\x00"), TODAY), adviser.next_change(InsertedCard(b""), TODAY)) == ((), None)


def test_a_clock_that_is_not_believed_tells_no_dates(judge: Judge) -> None:
    """By a clock before the program was made nobody is sent anywhere, until it can be right."""
    late = Adviser(Calendar(shipped()), TODAY + timedelta(days=2))
    expired, ordinary = inserted("expired", judge), inserted("ordinary", judge)
    assert late.of(expired, TODAY) == ()
    assert late.next_change(expired, TODAY) == TODAY + timedelta(days=2)
    assert late.of(expired, TODAY + timedelta(days=2)) != ()
    later = Adviser(Calendar(shipped()), datetime(2024, 1, 26, tzinfo=UTC))
    change = later.next_change(ordinary, TODAY)
    assert change is not None
    assert change > datetime(2024, 1, 26, tzinfo=UTC)
    assert later.of(ordinary, change - timedelta(microseconds=1)) == () != later.of(ordinary, change)
