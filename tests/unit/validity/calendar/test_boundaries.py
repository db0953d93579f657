"""Cards that end exactly on a boundary, moments exactly on one, reserve cards, ends of months and years, two freezes.

"Exactly" is the second: a card is valid at its last second (RFC 5280, 4.1.2.5), an interval has its first moment and
not its last.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from advising import SECOND, actions, card, local, site, sweden, told

from sithsd.validity.calendar import Action, Calendar, CardDates, Rule
from sithsd.validity.calendar.freezes import shipped
from sithsd.values import CardKind

CALENDAR = Calendar(shipped())
TWO = """
[[freeze]]
name = "first"
first_day = 2028-03-01
last_day = 2028-03-20
collect_last_day = 2028-03-10
[[freeze]]
name = "second"
announced = 2028-02-01
first_day = 2028-04-03
last_day = 2028-04-20
collect_last_day = 2028-04-10
"""


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("2023-11-30T23:59:59", ["reserve.get", "order.from"]),
        ("2023-12-01T00:00:00", ["reserve.get", "collect.before", "order.from"]),
        ("2024-01-22T23:59:59", ["reserve.get", "collect.before", "order.from"]),
        ("2024-01-25T23:59:59", ["reserve.get", "collect.before", "order.from"]),
        ("2024-01-26T00:00:00", ["collect.before", "order.from"]),
        ("2024-02-29T23:59:59", ["collect.before", "order.from"]),
        ("2024-03-01T00:00:00", ["order.from"]),
    ],
)
def test_inside_the_freeze_by_the_card_s_last_second(ends: str, expected: list[str]) -> None:
    """On 10 January 2024: who needs a reserve card, who may have one to collect, who can only wait."""
    assert actions(CALENDAR, ends, "2024-01-10") == expected


def test_a_card_that_ends_as_the_freeze_does_is_ordered_then() -> None:
    """At its last second the freeze is over: nothing is lost, and the time to order is that one second."""
    at_the_end = [one for one in CALENDAR.advise(card("2024-01-26T00:00:00"), sweden("2024-01-10")) if one.since]
    assert [(one.rule, local(one.by), local(one.since)) for one in at_the_end] == [
        (Rule.ENDS_SOON, "2024-01-26T00:00:00", "2024-01-26T00:00:00")
    ]


def test_a_card_that_ends_as_the_total_stop_begins_is_carried_for_that_second() -> None:
    """It serves at noon on the 23rd and not a second later; one that ends before is no use in the stop."""
    for ends, carried in (("2024-01-23T11:59:59", False), ("2024-01-23T12:00:00", True)):
        assert ("carry.card" in actions(CALENDAR, ends, "2024-01-20")) is carried


def test_a_card_that_ends_as_the_total_stop_does() -> None:
    """In the stop nothing can be had; at noon on the 25th a reserve card can, which is when this one ends."""
    for ends, by in (("2024-01-25T11:59:59", None), ("2024-01-25T12:00:00", "2024-01-25T12:00:00")):
        (reserve,) = [one for one in CALENDAR.advise(card(ends), sweden("2024-01-24")) if one.rule is Rule.RESERVE]
        assert (reserve.action, local(reserve.by)) == (Action.RESERVE_FROM, by)


@pytest.mark.parametrize(
    ("ends", "first_day"),
    [
        ("2027-01-31", "2026-12-02"),  # over the end of a year
        ("2027-03-01", "2026-12-31"),
        ("2028-02-29", "2027-12-31"),  # a leap day
        ("2028-03-31", "2028-01-31"),  # with a leap day between
        ("2027-03-31", "2027-01-30"),
        ("2027-05-27", "2027-03-28"),  # the day on which clocks go forward
        ("2027-12-30", "2027-10-31"),  # the day on which they go back
        ("2026-05-10", "2026-03-11"),  # over a change
        ("2027-04-29T00:00:00", "2027-02-28"),
    ],
)
def test_sixty_days_ahead_are_days_of_the_calendar(ends: str, first_day: str) -> None:
    """The first day on which an end is told is 60 days before that day, from midnight in Sweden, whatever the hour."""
    begins = sweden(first_day)
    calendar = Calendar(shipped())
    assert calendar.advise(card(ends), begins - SECOND) == ()
    assert [one.action for one in calendar.advise(card(ends), begins)] == [Action.RENEW_SOON]
    assert calendar.next_change(card(ends), begins - SECOND) == begins
    assert (date.fromisoformat(ends[:10]) - date.fromisoformat(first_day)).days == 60


def test_a_card_s_last_second() -> None:
    """At it the card is still to be replaced soon; a microsecond later it has ended."""
    ends = sweden("2027-05-27T23:59:59")
    (at,), (after,) = (CALENDAR.advise(card(ends), moment) for moment in (ends, ends + timedelta(microseconds=1)))
    assert (at.rule, at.action, at.by) == (Rule.ENDS_SOON, Action.RENEW_SOON, ends)
    assert (after.rule, after.action, after.by) == (Rule.ENDED, Action.ORDER_NOW, None)
    assert CALENDAR.next_change(card(ends), ends) == ends + timedelta(microseconds=1)
    assert CALENDAR.next_change(card(ends), ends + timedelta(microseconds=1)) is None


def test_a_reserve_card_is_told_of_for_two_weeks_and_is_not_renewed() -> None:
    """It was for a while: its holder sees to an ordinary card, or another reserve card."""
    ends = "2027-05-27"
    assert actions(CALENDAR, ends, "2027-05-12T23:59:59", CardKind.RESERVE) == []
    for at in ("2027-05-13", "2027-05-28"):
        assert actions(CALENDAR, ends, at, CardKind.RESERVE) == ["reserve.replace"]
    assert actions(CALENDAR, "2024-01-10", "2024-01-11", CardKind.RESERVE) == [
        "reserve.get",
        "collect.before",
        "order.from",
    ]


@pytest.mark.parametrize("kind", list(CardKind))
def test_nothing_is_said_of_cards_that_are_not_ours(kind: CardKind) -> None:
    """Every other kind is told of, one that is not known too: SITHS's freezes hold for it if it is SITHS's."""
    assert bool(actions(CALENDAR, "2027-05-27", "2027-05-28", kind)) is (kind is not CardKind.NOT_SITHS)


def test_who_has_waited_too_long_is_told_the_next_freeze() -> None:
    """A card that has ended is replaced before the freeze that is known to come, not at some time."""
    assert told(CALENDAR.advise(card("2023-10-01"), sweden("2023-10-19T23:59:59"))) == [
        ("card.ended", "order.now", None, None)
    ]
    (advice,) = CALENDAR.advise(card("2023-10-01"), sweden("2023-10-20"))
    assert (advice.action, local(advice.by), advice.freeze) == (Action.ORDER_NOW, "2023-12-01T00:00:00", "2023/24")


def test_between_two_freezes_the_next_one_counts(tmp_path: Path) -> None:
    """Inside the first a card of the second can't be ordered: it can from the first's end, until the second begins."""
    calendar = site(tmp_path, TWO)
    in_second = card("2028-04-10")
    assert told(calendar.advise(in_second, sweden("2028-02-10"))) == [
        ("freeze.endsInside", "order.now", "2028-04-03T00:00:00", None),
        ("freeze.collect", "collect.before", "2028-04-11T00:00:00", None),
    ]
    # Its end lies within 35 days of the first freeze too, before which a new one may be collected.
    assert told(calendar.advise(in_second, sweden("2028-03-01"))) == [
        ("freeze.collect", "collect.before", "2028-03-11T00:00:00", None),
        ("freeze.endsInside", "order.from", "2028-04-03T00:00:00", "2028-03-21T00:00:00"),
    ]
    assert actions(calendar, "2028-04-10", "2028-03-21") == ["order.now", "collect.before"]
    ended = calendar.advise(card("2028-01-10"), sweden("2028-03-05"))
    assert told(ended)[-1] == ("card.ended", "order.from", "2028-04-03T00:00:00", "2028-03-21T00:00:00")
    # A freeze that is not announced yet is no reason for anything.
    assert "order.now" not in actions(calendar, "2028-04-10", "2028-01-31")


def test_nobody_is_told_in_one_freeze_what_may_be_done_before_the_next(tmp_path: Path) -> None:
    """What may be ordered early need not be spoken of while nothing can be ordered."""
    calendar = site(tmp_path, TWO)
    assert actions(calendar, "2028-05-20", "2028-02-29T23:59:59") == ["collect.before", "order.mayNow"]
    assert actions(calendar, "2028-05-20", "2028-03-20T23:59:59") == []
    assert actions(calendar, "2028-05-20", "2028-03-21") == ["collect.before", "renew.soon", "order.mayNow"]


def test_who_joins_in_the_second_of_two_freezes(tmp_path: Path) -> None:
    """Inside the first one no order can be placed and nothing is there to be collected; after it one can."""
    calendar, joins = site(tmp_path, TWO), date(2028, 4, 5)
    assert told(calendar.advise_joining(joins, sweden("2028-03-05"))) == [
        ("freeze.joins", "order.from", "2028-04-03T00:00:00", "2028-03-21T00:00:00")
    ]
    assert told(calendar.advise_joining(joins, sweden("2028-03-21"))) == [
        ("freeze.joins", "order.now", "2028-04-03T00:00:00", "2028-01-05T00:00:00"),
        ("freeze.collect", "collect.before", "2028-04-11T00:00:00", None),
    ]
    last, over = (calendar.advise_joining(joins, sweden(at)) for at in ("2028-04-10T23:59:59", "2028-04-11"))
    assert Action.COLLECT_BEFORE in {one.action for one in last}
    assert Action.COLLECT_BEFORE not in {one.action for one in over}


def test_an_order_that_would_lapse_has_no_first_day(tmp_path: Path) -> None:
    """In a freeze of more than three months an order placed before it has lapsed when the last ones begin to work."""
    calendar = site(tmp_path, '[[freeze]]\nname = "long"\nfirst_day = 2028-01-10\nlast_day = 2028-06-30\n')
    (early,) = calendar.advise_joining(date(2028, 4, 9), sweden("2028-01-09"))
    (late,) = calendar.advise_joining(date(2028, 4, 11), sweden("2028-01-09"))
    assert (local(early.since), late.since) == ("2028-01-09T00:00:00", None)


@pytest.mark.parametrize(
    ("ends", "ended"),
    [
        (datetime.min.replace(tzinfo=UTC), True),
        (datetime.max.replace(tzinfo=UTC), False),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), False),
    ],
)
def test_certificates_without_an_end_are_no_error(ends: datetime, ended: bool) -> None:
    """The ends of the calendar, which no local time has, are told like any other."""
    now = sweden("2026-11-28")
    assert [one.action for one in CALENDAR.advise(card(ends), now)] == [Action.ORDER_NOW] * ended
    assert (CALENDAR.next_change(card(ends), now) is None) is ended


def test_moments_have_a_zone() -> None:
    """A moment without one would mean something else on each machine, and a card's dates are in UTC."""
    with pytest.raises(ValueError, match="without a time zone"):
        CALENDAR.advise(card("2027-01-01"), datetime(2027, 1, 1))  # noqa: DTZ001 - that is the fault
    for dates in ((datetime(2027, 1, 1), sweden("2027-01-01")), (sweden("2027-01-01"), datetime(2027, 1, 1))):  # noqa: DTZ001 - as above
        with pytest.raises(ValueError, match="in UTC"):
            CardDates(*dates, CardKind.ORDINARY)
