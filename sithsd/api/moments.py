"""Moments as they stand on the wire: RFC 3339 in UTC, to the second."""

from datetime import UTC, datetime

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def moment(when: datetime) -> str:
    """Return a moment as RFC 3339 in UTC, to the second."""
    return when.astimezone(UTC).strftime(_FORM)


def moment_or_none(when: datetime | None) -> str | None:
    """Return the same, or None for none."""
    return None if when is None else moment(when)


def read_moment(text: str) -> datetime:
    """Return the moment that `moment` wrote. Raises ValueError for anything else."""
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)
