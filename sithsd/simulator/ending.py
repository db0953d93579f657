"""An orderly end for programs that set a stage: a signal to end, as an exception that unwinds what was set up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """For the time of the block, raise SystemExit(128 + n) in it at the first SIGTERM or SIGHUP (n: the signal).

    Later ones are passed over, so that what the first one began to clear away is cleared away whole. A signal that
    this process was told to ignore (nohup) stays ignored. To be used in the main thread; raises ValueError elsewhere.
    """
    leaving = False

    def leave(number: int, _frame: FrameType | None) -> None:
        nonlocal leaving
        if not leaving:
            leaving = True
            raise SystemExit(128 + number)

    # Not SIG_IGN for the later ones: what is started while clearing away would inherit that.
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    caught = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    try:
        for number in caught:
            signal.signal(number, leave)
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])
