"""Moments, where some that were read are at the ends of the calendar."""

from datetime import UTC, datetime, timedelta

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def later(moment: datetime, by: timedelta) -> datetime:
    """Return the moment `by` after `moment` (in UTC), or the first or the last one there is."""
    return moment + max(min(by, LAST - moment), FIRST - moment)
