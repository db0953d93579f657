"""Keeping what a monitor tells, and waiting for more of it."""

import threading
import time
from collections.abc import Callable
from typing import Any

from sithsd.reader.monitor import Monitor, PcscEvent

DEADLINE = 30.0


class Listener:
    """A monitor (not started) and what it has told. `hold` stops it inside the next event of that type."""

    def __init__(self, **options: Any) -> None:
        self._changed = threading.Condition()
        self._seen = 0
        self.events: list[PcscEvent] = []
        self.held = threading.Event()
        self.go_on = threading.Event()
        self._hold: type | None = None
        self.monitor = Monitor(self._note, **options)

    def hold(self, kind: type) -> None:
        """Let the monitor's thread stand in its next event of this type: `held` is set then, until `go_on` is."""
        self._hold = kind

    def expect(self, kind: type, matching: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the next event of this type, and forget it and those before it. Fails after a generous time."""
        deadline = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                for place in range(self._seen, len(self.events)):
                    if isinstance(self.events[place], kind) and matching(self.events[place]):
                        self._seen = place + 1
                        return self.events[place]
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {kind.__name__} within {DEADLINE} s, only {self.events[self._seen :]}")

    def _note(self, event: PcscEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()
        if self._hold is not None and isinstance(event, self._hold):
            self._hold = None
            self.held.set()
            self.go_on.wait(DEADLINE)
