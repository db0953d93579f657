"""Moments of the wire (RFC 3339, UTC) as a person here reads them: local time, ISO 8601 dates in both languages."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sithsd.cli.plain import plain

_SWEDEN: Final = ZoneInfo("Europe/Stockholm")


def moment(text: str) -> datetime | None:
    """Return the moment, None where `text` is none or has no offset."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None


def local(at: datetime) -> datetime:
    """Return the moment in this machine's time zone; as it is at the ends of the calendar, where there is none."""
    try:
        return at.astimezone()
    except (OverflowError, ValueError):
        return at


def in_sweden(at: datetime) -> datetime:
    """Return the moment as Sweden's clocks show it, wherever this machine is; see `local` for the calendar's ends."""
    try:
        return at.astimezone(_SWEDEN)
    except (OverflowError, ValueError):
        return at


def local_date(text: str) -> str:
    """Return the local date of a moment ("2029-05-01"); what can't be read stays as it is."""
    at = moment(text)
    return plain(text) if at is None else local(at).date().isoformat()


def local_time(text: str) -> str:
    """Return a moment in local time, to the second; what can't be read stays as it is."""
    at = moment(text)
    return plain(text) if at is None else clock_time(at)


def clock_time(at: datetime) -> str:
    """Return a moment as "2029-05-01 13:00:59", in local time."""
    return local(at).strftime("%Y-%m-%d %H:%M:%S")


def days_until(text: str, now: datetime) -> int | None:
    """Return how many whole local days are left until a moment; None when it has passed or can't be read."""
    at = moment(text)
    if at is None or at < now:
        return None
    return (local(at).date() - local(now).date()).days
