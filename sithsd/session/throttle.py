"""A bound on rows about one thing: so many in so many seconds, and the rest as one number.

Without it whoever can repeat something for nothing fills the audit's disk.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
# Things that are counted at once. One more ends the oldest early.
_MOST_KEPT = 512


@dataclass(slots=True)
class _Span(Generic[T]):
    since: float
    what: T
    taken: int = 0
    beyond: int = 0


class Throttle(Generic[T]):
    """Lets `most` of each key through in `seconds`, and counts what goes beyond; `what` stands for it later.

    `tell_seconds` is a clock that only goes on.
    """

    def __init__(self, most: int, seconds: float, tell_seconds: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._tell_seconds = tell_seconds
        self._spans: dict[Hashable, _Span[T]] = {}

    def passes(self, key: Hashable, what: T) -> bool:
        """Tell whether there is room for one more; if not, it is counted. Call `ended` first."""
        span = self._spans.setdefault(key, _Span(self._tell_seconds(), what))
        if span.taken < self._most:
            span.taken += 1
            return True
        span.beyond += 1
        span.what = what
        return False

    def ended(self, *, everything: bool = False) -> list[tuple[T, int]]:
        """Forget what is over (or everything), and return what was counted of it: the last one, and how many."""
        now = self._tell_seconds()
        surplus = max(len(self._spans) - _MOST_KEPT + 1, 0)
        over = [
            key
            for place, (key, span) in enumerate(self._spans.items())
            if everything or place < surplus or now >= span.since + self._seconds
        ]
        spans = [self._spans.pop(key) for key in over]
        return [(span.what, span.beyond) for span in spans if span.beyond]
