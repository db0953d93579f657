"""The checklist: each kind of item, each boundary date."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.clock import FixedClock
from sithsd.policy.checklist import (
    Answer,
    Item,
    Kind,
    asked,
    contradiction,
    months_later,
    open_items,
    today_in_sweden,
)
from sithsd.policy.model import load

TODAY = date(2026, 11, 24)
ITEMS = load().activation.checklist
ENOUGH: dict[str, Answer] = {
    "holderPresent": True,
    "idDocument": True,
    "orderDate": date(2026, 10, 1),
    "responsibilityLetter": True,
    "paymentApplies": True,
    "receiptDate": date(2026, 9, 1),
}


def item(name: str, kind: Kind, *, months: int | None = None, when: str | None = None) -> Item:
    """Return an item."""
    return Item(id=name, kind=kind, sv="?", en="?", max_age_months=months, when=when)


def test_nothing_is_open_when_all_is_answered() -> None:
    """With every answer as it should be the activation may go on."""
    assert open_items(ITEMS, ENOUGH, TODAY) == ()


def test_everything_is_open_at_first() -> None:
    """Without answers each item that counts is named, in the order in which it is asked."""
    assert open_items(ITEMS, {}, TODAY) == (
        "holderPresent",
        "idDocument",
        "orderDate",
        "responsibilityLetter",
        "paymentApplies",
    )


@pytest.mark.parametrize("name", list(ENOUGH))
def test_each_item_matters(name: str) -> None:
    """One answer left out is one item open, by its name."""
    answers = {key: value for key, value in ENOUGH.items() if key != name}
    assert open_items(ITEMS, answers, TODAY) == (name,)


@pytest.mark.parametrize("name", ["holderPresent", "idDocument", "responsibilityLetter"])
def test_a_no_is_not_enough(name: str) -> None:
    """What has to be confirmed is open when it is denied, or answered by a date."""
    assert open_items(ITEMS, {**ENOUGH, name: False}, TODAY) == (name,)
    assert open_items(ITEMS, {**ENOUGH, name: TODAY}, TODAY) == (name,)


def test_a_question_decides_what_else_is_asked() -> None:
    """Where no payment applies nobody asks for a receipt, and an old one does not matter."""
    without = {**ENOUGH, "paymentApplies": False, "receiptDate": date(2001, 1, 1)}
    assert open_items(ITEMS, without, TODAY) == ()
    assert "receiptDate" not in [one.id for one in asked(ITEMS, without)]
    assert open_items(ITEMS, {**ENOUGH, "paymentApplies": TODAY}, TODAY) == ("paymentApplies",)


def test_a_question_that_does_not_count_brings_nothing() -> None:
    """An item behind a question behind a denied question is not asked, whatever was answered to it."""
    items = [
        item("first", Kind.QUESTION),
        item("second", Kind.QUESTION, when="first"),
        item("third", Kind.CONFIRM, when="second"),
    ]
    assert open_items(items, {"first": False, "second": True}, TODAY) == ()
    assert open_items(items, {"first": True, "second": True}, TODAY) == ("third",)


@pytest.mark.parametrize(
    ("name", "day", "enough"),
    [
        ("receiptDate", date(2025, 11, 23), False),
        ("receiptDate", date(2025, 11, 24), True),
        ("receiptDate", date(2026, 11, 24), True),
        ("receiptDate", date(2026, 11, 25), False),
        ("orderDate", date(2026, 8, 23), False),
        ("orderDate", date(2026, 8, 24), True),
        ("orderDate", date(2026, 11, 24), True),
        ("orderDate", date(2026, 11, 25), False),
    ],
)
def test_boundary_dates(name: str, day: date, enough: bool) -> None:
    """A receipt counts for 12 months and an order for 3, the last day included; neither can be from tomorrow."""
    assert (open_items(ITEMS, {**ENOUGH, name: day}, TODAY) == ()) is enough


def test_a_date_without_an_age() -> None:
    """Without a greatest age any day that has come is enough, a yes is not."""
    items = [item("day", Kind.DATE)]
    assert open_items(items, {"day": date(1900, 1, 1)}, TODAY) == ()
    assert open_items(items, {"day": TODAY + timedelta(1)}, TODAY) == ("day",)
    assert open_items(items, {"day": True}, TODAY) == ("day",)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 8, 31), 3, date(2026, 11, 30)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2023, 11, 30), 3, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 10, 31), 2, date(2026, 12, 31)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(9999, 12, 1), 1, date.max),
    ],
)
def test_calendar_months(day: date, months: int, later: date) -> None:
    """Months are the calendar's; a day that a month lacks is its last one."""
    assert months_later(day, months) == later


@given(day=st.dates(max_value=date(2500, 1, 1)), months=st.integers(1, 1200))
def test_months_keep_the_day(day: date, months: int) -> None:
    """The day of the month stays, or is the last of a shorter month; the number of months is exact."""
    later = months_later(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(1)).day == 1)


@given(ages=st.tuples(st.integers(0, 800), st.integers(0, 800)), months=st.integers(1, 24))
def test_older_never_counts_longer(ages: tuple[int, int], months: int) -> None:
    """If a date is too old, every earlier one is."""
    older, newer = (TODAY - timedelta(days=age) for age in (max(ages), min(ages)))
    items = [item("day", Kind.DATE, months=months)]
    assert len(open_items(items, {"day": older}, TODAY)) >= len(open_items(items, {"day": newer}, TODAY))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 24, 22, 59, tzinfo=UTC), date(2026, 11, 24)),
        (datetime(2026, 11, 24, 23, 0, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 6, 30, 21, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_today_is_the_desks(moment: datetime, day: date) -> None:
    """The day changes at midnight in Sweden, an hour before UTC's in winter and two in summer."""
    assert today_in_sweden(FixedClock(moment)) == day


def test_lists_that_can_not_be_asked() -> None:
    """An id twice, a condition that is no question or comes later, and an age of what is no date are told."""
    first, date_item = item("first", Kind.QUESTION), item("day", Kind.DATE)
    assert contradiction([first, first]) == "two items have the id 'first'"
    assert contradiction([item("second", Kind.CONFIRM, when="first"), first]) is not None
    assert contradiction([date_item, item("second", Kind.CONFIRM, when="day")]) is not None
    assert contradiction([first, item("second", Kind.CONFIRM, when="first"), date_item]) is None
    with pytest.raises(ValueError, match="max_age_months"):
        item("first", Kind.CONFIRM, months=3)
