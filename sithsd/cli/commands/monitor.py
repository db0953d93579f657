"""The command that listens."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation

from sithsd.api.wire import ListCall
from sithsd.cli.failure import failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.moments import clock_time
from sithsd.cli.replies import MonitorReply, read
from sithsd.cli.signals import interrupted_when_unread
from sithsd.cli.views.changes import Changes
from sithsd.errors import ErrorCode

MONITOR = "io.sithsd.Cards.Monitor"


def monitor(invocation: Invocation, *, unmasked: bool) -> None:
    """Write a line for each change, until the person stops it or nobody reads it: both are a good end.

    A CommandError ("daemon.unavailable") when the daemon ends the stream.
    """
    with suppress(KeyboardInterrupt), _until_unread():
        _listen(invocation, unmasked=unmasked)
        if not invocation.output.closed:
            raise failure(ErrorCode.DAEMON_UNAVAILABLE, "the daemon ended the stream")


def _listen(invocation: Invocation, *, unmasked: bool) -> None:
    changes = Changes(invocation.words)
    for reply in invocation.daemon.listen(MONITOR, ListCall(unmasked=unmasked or None)):
        if invocation.as_json:
            invocation.output.json_line(reply)
        else:
            at = clock_time(invocation.now())
            for line in changes.lines(read(reply, MonitorReply)):
                invocation.output.line(f"{at}  {line}")
        if invocation.output.closed:
            return


@contextmanager
def _until_unread() -> Iterator[None]:
    try:
        descriptor = sys.stdout.fileno()
    except UnsupportedOperation:
        # Not a file of the system's: nothing can close it behind our back.
        yield
        return
    with interrupted_when_unread(descriptor):
        yield
