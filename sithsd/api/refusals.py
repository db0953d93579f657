"""What is logged of callers who are refused.

Every local user may connect, and ask for what is denied as often as the machine can: the log is not theirs to fill.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from sithsd.api.peer import Caller
from sithsd.session.throttle import Throttle

_SECONDS = 60.0
_MOST_OF_ALL = 200


@dataclass(frozen=True, slots=True)
class _Refusal:
    event: str
    caller: Caller
    method: str | None


class Refusals:
    """Logs the first refusal of a user for one matter in a minute, and later how many followed.

    Whoever can be many users at once (subuid(5)) gets no further than 200 lines in that minute. `tell_seconds` is a
    clock that only goes on.
    """

    def __init__(
        self, log: structlog.typing.FilteringBoundLogger, tell_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._each: Throttle[_Refusal] = Throttle(1, _SECONDS, tell_seconds)
        self._all: Throttle[None] = Throttle(_MOST_OF_ALL, _SECONDS, tell_seconds)

    def note(self, event: str, caller: Caller, method: str | None = None) -> None:
        """Take note of a refusal; `method` is what was called."""
        for earlier, times in self._each.ended():
            self._write(earlier, times)
        refusal = _Refusal(event, caller, method)
        if self._each.passes((caller.uid, event, method), refusal):
            self._write(refusal)

    def _write(self, refusal: _Refusal, times: int | None = None) -> None:
        for _, unwritten in self._all.ended():
            self._log.warning("refusals not written", lines=unwritten)
        if not self._all.passes(None, None):
            return
        more: dict[str, object] = {} if refusal.method is None else {"method": refusal.method}
        if times is not None:
            more["times"] = times
        self._log.warning(refusal.event, uid=refusal.caller.uid, pid=refusal.caller.pid, **more)
