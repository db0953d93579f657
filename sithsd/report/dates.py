"""Dates as people's lists have them.

ISO 8601 as Sweden writes them, with or without a time, and the numbers that a spreadsheet keeps dates as (days since
1899-12-30, with a decimal comma or point). A time without a zone is Sweden's. What could be two dates is none.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sithsd.report.model import Why

SWEDEN = ZoneInfo("Europe/Stockholm")
MAX_LENGTH = 40
_SPREADSHEET = re.compile(r"([2-7][0-9]{4})(?:[.,]([0-9]{1,12}))?")
_SPREADSHEET_BEGINS = date(1899, 12, 30)
_COMPACT = re.compile(r"(?:19|20)[0-9]{6}")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]((?:19|20)[0-9]{2})")
# As certificates and directories write it (RFC 5280, 4.1.2.5.2; RFC 4517, 3.3.13).
_GENERALIZED = re.compile(r"((?:19|20)[0-9]{6})([0-9]{6})(?:[.,]0+)?Z")
_LAST_MOMENT = time(23, 59, 59)
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


class DateError(ValueError):
    """No date that is understood; `why` names it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def swedish(at: datetime) -> datetime:
    """Return a moment by Sweden's clocks; near the calendar's ends, where there is no local time, a day further in.

    9999-12-31T23:59:59Z says "no end" (RFC 5280, 4.1.2.5).
    """
    return min(max(at, _FIRST), _LAST).astimezone(SWEDEN)


def first_moment(day: date) -> datetime:
    """Return the first second of a day in Sweden, in UTC. OverflowError at the calendar's ends."""
    return datetime.combine(day, time(), SWEDEN).astimezone(UTC)


def last_moment(day: date) -> datetime:
    """Return the last second of a day in Sweden, in UTC. OverflowError at the calendar's ends."""
    return datetime.combine(day, _LAST_MOMENT, SWEDEN).astimezone(UTC)


def moment(text: str, *, last: bool) -> datetime:
    """Return the moment that `text` tells, in UTC; of a day alone its first second, or with `last` its last one.

    Raises DateError.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise DateError(Why.DATE_UNREADABLE)
    try:
        found = _moment(text)
        if isinstance(found, datetime):
            return (found if found.tzinfo else found.replace(tzinfo=SWEDEN)).astimezone(UTC)
        return last_moment(found) if last else first_moment(found)
    except DateError:
        raise
    except (ValueError, OverflowError):
        raise DateError(Why.DATE_UNREADABLE) from None


def _moment(text: str) -> date | datetime:
    if match := _SPREADSHEET.fullmatch(text):
        day = _SPREADSHEET_BEGINS + timedelta(days=int(match[1]))
        if not int(match[2] or 0):
            return day
        seconds = round(float(f"0.{match[2]}") * 86400)
        return datetime.combine(day, time()) + timedelta(seconds=seconds)
    if _COMPACT.fullmatch(text):
        return date.fromisoformat(text)
    if match := _GENERALIZED.fullmatch(text):
        return datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=UTC)
    if match := _DAY_FIRST.fullmatch(text):
        first, second, year = (int(part) for part in match.groups())
        if first <= 12 and second <= 12 and first != second:
            raise DateError(Why.DATE_AMBIGUOUS)
        return date(year, second, first) if second <= 12 else date(year, first, second)
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
