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
    there = adviser.advised(inserted("expired", judge), TODAY)
    expected = [Action.RESERVE_GET, Action.COLLECT_BEFORE, Action.ORDER_FROM]
    assert [one.action for one in there.advice] == expected
    assert there.advice_changes == datetime(2024, 1, 22, 23, tzinfo=UTC)


def test_a_card_that_lasts_needs_nothing(judge: Judge, adviser: Adviser) -> None:
    """Until the holder is reminded of the total stop, from midnight in Sweden a week before."""
    there = adviser.advised(inserted("ordinary", judge), TODAY)
    assert (there.advice, there.advice_changes) == ((), datetime(2024, 1, 15, 23, tzinfo=UTC))


def test_what_was_advised_before_is_forgotten(judge: Judge, adviser: Adviser) -> None:
    """Nothing of an earlier moment stays, neither by a right clock nor by one that is not believed."""
    before = adviser.advised(inserted("expired", judge), TODAY)
    after = adviser.advised(before, TODAY + timedelta(days=30))
    assert [one.action for one in after.advice] == [Action.ORDER_NOW]
    assert after.advice_changes is None
    assert adviser.advised(before, EARLY - timedelta(days=1)).advice == ()


def test_a_card_that_is_not_ours_is_no_business_of_ours(judge: Judge, adviser: Adviser) -> None:
    """Nothing is advised of a card of another issuer, and that never changes."""
    there = adviser.advised(inserted("foreign", judge), TODAY)
    assert (there.advice, there.advice_changes) == ((), None)


def test_a_card_that_was_not_read_says_nothing(adviser: Adviser) -> None:
    """Only its ATR is known."""
    assert adviser.advised(InsertedCard(b"\x3b\x00"), TODAY) == InsertedCard(b"\x3b\x00")


def test_a_clock_that_is_not_believed_tells_no_dates(judge: Judge) -> None:
    """By a clock before the program was made nobody is sent anywhere, until it can be right."""
    released = TODAY + timedelta(days=2)
    late = Adviser(Calendar(shipped()), released)
    there = late.advised(inserted("expired", judge), TODAY)
    assert (there.advice, there.advice_changes) == ((), released)
    assert late.advised(there, released).advice != ()
