"""Whether an operation has begun: decided once, between the thread that has the card and the caller who may go away."""

import threading

from sithsd.errors import ErrorCode, SithsdError


class AbandonedError(SithsdError):
    """The caller had gone before the operation began: nothing was sent."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.READER_BUSY, "the caller had gone before the card was to be had")


class Beginning:
    """One operation's beginning. What has begun goes on to its end; what was abandoned before never begins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = False
        self._abandoned = False

    def begin(self) -> None:
        """Begin, in the thread that has the card. Raises AbandonedError if nobody waits any more."""
        with self._lock:
            if self._abandoned:
                raise AbandonedError
            self._begun = True

    def abandon(self) -> bool:
        """Give the operation up; False if it has begun."""
        with self._lock:
            self._abandoned = not self._begun
            return self._abandoned
