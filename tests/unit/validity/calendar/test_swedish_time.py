"""Days and clock times in Sweden: the hour that is left out, the hour that comes twice, the ends of the calendar."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from sithsd.policy.checklist import months_later
from sithsd.validity.calendar.swedish_time import (
    ClockTimeError,
    day_begins,
    day_ends,
    day_of,
    days_before,
    first_order_day,
    moment_of,
)


def utc(text: str) -> datetime:
    """Return a moment that is told in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "moment"),
    [
        ("2024-01-23T12:00", "2024-01-23T11:00"),
        ("2024-07-01T12:00", "2024-07-01T10:00"),
        ("2024-03-31T01:59:59", "2024-03-31T00:59:59"),
        ("2024-03-31T03:00:00", "2024-03-31T01:00:00"),
        ("2024-10-27T01:59:59", "2024-10-26T23:59:59"),
        ("2024-10-27T03:00:00", "2024-10-27T02:00:00"),
    ],
)
def test_winter_and_summer_time(local: str, moment: str) -> None:
    """One hour ahead of UTC in winter and two in summer, on the nights of change up to the second."""
    assert moment_of(datetime.fromisoformat(local)) == utc(moment)


@pytest.mark.parametrize("local", ["2024-03-31T02:00:00", "2024-03-31T02:30", "2024-03-31T02:59:59"])
def test_a_time_that_does_not_exist_is_refused(local: str) -> None:
    """On the last Sunday of March there is no time between 02:00 and 03:00."""
    with pytest.raises(ClockTimeError, match="does not exist in Sweden"):
        moment_of(datetime.fromisoformat(local))


@pytest.mark.parametrize("local", ["2024-10-27T02:00:00", "2024-10-27T02:30", "2024-10-27T02:59:59"])
def test_a_time_that_comes_twice_is_refused(local: str) -> None:
    """On the last Sunday of October each time between 02:00 and 03:00 comes twice: which one is meant is not known."""
    with pytest.raises(ClockTimeError, match="comes twice in Sweden"):
        moment_of(datetime.fromisoformat(local))


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-03-30", 24), ("2024-03-31", 23), ("2024-10-27", 25), ("2024-12-31", 24)]
)
def test_a_day_has_23_to_25_hours(day: str, hours: int) -> None:
    """A day lasts from its 00:00 to the next day's, and the moments on both sides belong where they should."""
    this = date.fromisoformat(day)
    begins, ends = day_begins(this), day_ends(this)
    assert ends - begins == timedelta(hours=hours)
    assert [day_of(one) for one in (begins - timedelta(seconds=1), begins, ends - timedelta(seconds=1), ends)] == [
        this - timedelta(days=1),
        this,
        this,
        this + timedelta(days=1),
    ]


def test_the_ends_of_the_calendar_are_no_error() -> None:
    """Of a certificate without an end the last second of the year 9999 is told (RFC 5280, 4.1.2.5): it has a day."""
    for moment in (utc("9999-12-31T23:59:59"), datetime.max.replace(tzinfo=UTC)):
        assert day_of(moment).year == 9998
    assert day_of(datetime.min.replace(tzinfo=UTC)).year == 1
    assert days_before(day_of(datetime.min.replace(tzinfo=UTC)), 366) == date(1, 12, 31)


def test_the_first_day_to_order_is_the_first_that_holds() -> None:
    """An order of that day is valid on the day of use and one of the day before is not: every day of four years."""
    for months in (1, 3, 6, 12):
        for ordinal in range(date(2023, 1, 1).toordinal(), date(2027, 1, 1).toordinal()):
            use = date.fromordinal(ordinal)
            first = first_order_day(use, months)
            assert months_later(first, months) >= use > months_later(first - timedelta(days=1), months)
    assert first_order_day(date(2024, 5, 29), 3) == date(2024, 2, 29)
    assert first_order_day(date(2024, 5, 30), 3) == date(2024, 3, 1)
    assert first_order_day(date(2024, 1, 25), 3) == date(2023, 10, 25)


def test_the_machine_s_time_zone_does_not_matter() -> None:
    """A machine in Tokyo or Honolulu says the same of the same card at the same moment as one in Sweden."""
    program = """if True:
        from datetime import UTC, datetime
        from sithsd.validity.calendar import CardDates, load
        from sithsd.values import CardKind
        start, ends = datetime(2019, 1, 1, tzinfo=UTC), datetime(2024, 1, 24, 12, tzinfo=UTC)
        calendar, card, at = load(), CardDates(start, ends, CardKind.ORDINARY), start
        while at:
            print(at, calendar.advise(card, at))
            at = calendar.next_change(card, at)
    """
    said = {
        subprocess.run([sys.executable, "-c", program], env={"TZ": zone}, check=True, capture_output=True).stdout
        for zone in ("Europe/Stockholm", "Asia/Tokyo", "Pacific/Honolulu", "UTC")
    }
    assert len(said) == 1
    assert said.pop().count(b"\n") == 9
