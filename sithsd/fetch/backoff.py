"""Places that fail: how often in a row, and when each is asked again unasked. Nothing here waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sithsd.clock import Clock

FIRST = timedelta(seconds=30)
LONGEST = timedelta(hours=6)
_MOST_KEPT = 256


@dataclass(frozen=True, slots=True)
class Failure:
    """A place that failed `times` in a row, at last because of `detail`; it is not asked unasked before `next_try`."""

    url: str
    times: int
    next_try: datetime
    detail: str


class Backoff:
    """Doubles the pause after each failure of a place, up to `LONGEST`; a success ends it.

    The second half of each pause is left to chance, so that many machines that lost the same responder at the same
    moment do not come back at the same moment.
    """

    def __init__(self, clock: Clock, chance: Random) -> None:
        self._clock = clock
        self._chance = chance
        self._failures: dict[str, Failure] = {}

    def failed(self, url: str, detail: str) -> None:
        """Note a failure of the place at `url`."""
        before = self._failures.pop(url, None)
        times = before.times + 1 if before else 1
        # No power of two is larger than it has to be: 30 s double ten times to more than six hours.
        pause = min(FIRST * 2 ** min(times - 1, 16), LONGEST) * self._chance.uniform(0.5, 1)
        self._failures[url] = Failure(url, times, self._clock.now() + pause, detail)
        if len(self._failures) > _MOST_KEPT:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, url: str) -> None:
        """Note that the place answered as it should."""
        self._failures.pop(url, None)

    def next_try(self, url: str) -> datetime | None:
        """Return when the place may be asked again unasked; None if it has not failed."""
        failure = self._failures.get(url)
        return failure.next_try if failure else None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All places that fail, the one that failed last at the end."""
        return tuple(self._failures.values())


@dataclass(frozen=True, slots=True)
class Pace:
    """How long before an answer's next update a newer one is asked for: a part of its life that is left to chance."""

    chance: Random
    earliest: float = 0.6
    latest: float = 0.85
    shortest: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=24)

    def after(self, now: datetime, next_update: datetime) -> datetime:
        """Return when to ask again; an answer that lives long is asked for once a day all the same."""
        life = min(max(next_update - now, self.shortest), self.longest / self.latest)
        return now + max(life * self.chance.uniform(self.earliest, self.latest), self.shortest)

    def overdue(self, now: datetime) -> datetime:
        """Return when to ask for what should have been asked for while nobody was there to do it."""
        return now + self.shortest * self.chance.uniform(0, 1)
