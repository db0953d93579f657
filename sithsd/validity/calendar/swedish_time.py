"""Days and clock times as they are in Sweden, whatever the machine's own time zone."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

SWEDEN: Final = ZoneInfo("Europe/Stockholm")

_MONTHS_A_YEAR = 12
# Near the ends of the calendar there is no local time, and no day before or after. A card that ends so far off (RFC
# 5280, 4.1.2.5: 99991231235959Z says "no end") is treated as if it ended on this side.
_FIRST: Final = datetime(1, 12, 31, tzinfo=UTC)
_LAST: Final = datetime(9998, 12, 31, tzinfo=UTC)


class ClockTimeError(ValueError):
    """A clock time that a day does not have, or has twice."""


def moment_of(local: datetime) -> datetime:
    """Return the moment, in UTC, of a date and clock time in Sweden.

    Raises ClockTimeError for one that there is not (clocks go forward) or that comes twice (they go back): which one
    is meant has to be said by another time.
    """
    first, second = (local.replace(tzinfo=SWEDEN, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    # In the hour that comes twice the first one has summer time, so it is the earlier; in the one that is left out the
    # reading with fold 0 has winter time.
    if first.astimezone(UTC) < second.astimezone(UTC):
        raise ClockTimeError(f"{local.isoformat()} comes twice in Sweden: clocks go back then")
    raise ClockTimeError(f"{local.isoformat()} does not exist in Sweden: clocks go forward then")


def day_begins(day: date) -> datetime:
    """Return the first moment of a day, in UTC. Raises ClockTimeError where that is not told by 00:00."""
    return moment_of(datetime.combine(day, time()))


def day_ends(day: date) -> datetime:
    """Return the first moment after a day, in UTC."""
    return day_begins(day + timedelta(days=1))


def day_of(moment: datetime) -> date:
    """Return the day that it is in Sweden at an aware moment."""
    return min(max(moment, _FIRST), _LAST).astimezone(SWEDEN).date()


def days_before(day: date, days: int) -> date:
    """Return the day so many days earlier; the calendar's first where there is none."""
    return date.fromordinal(max(day.toordinal() - days, _FIRST.toordinal()))


def first_order_day(use: date, months: int) -> date:
    """Return the first day on which an order can be placed that is still valid, so many months later, on `use`."""
    year, month = divmod(use.year * _MONTHS_A_YEAR + use.month - 1 - months, _MONTHS_A_YEAR)
    last = calendar.monthrange(year, month + 1)[1]
    # An order of the last day of a shorter month has lapsed by then: "three months after 28 February" is 28 May.
    return date(year, month + 1, use.day) if use.day <= last else date(year, month + 1, last) + timedelta(days=1)
