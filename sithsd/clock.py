"""The time, as something that a test can set."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day."""

    def now(self) -> datetime:
        """Return the present moment, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is set.

    Raises ValueError for a moment without a timezone: it would mean something else on each machine.
    """

    def __init__(self, moment: datetime) -> None:
        self.set(moment)

    def now(self) -> datetime:
        """Return the moment the clock was last set to."""
        return self._moment

    def set(self, moment: datetime) -> None:
        """Move the clock to `moment` (timezone-aware)."""
        if moment.tzinfo is None:
            raise ValueError("the moment has no timezone")
        self._moment = moment.astimezone(UTC)
