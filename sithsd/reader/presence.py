"""Waiting for the PC/SC service to come, on the filesystem and without polling.

pcscd listens on a Unix socket whose file it makes anew at each start, so its coming shows as an event in the socket's
folder. The folder may be missing too (it lies on a tmpfs), then the event comes from the nearest folder that exists.
"""

import math
import os
import select
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from inotify_simple import INotify, flags

_log = structlog.get_logger()

_GONE: Final = flags.DELETE_SELF | flags.MOVE_SELF
# pcscd binds (CREATE), listens, and then changes the file's mode (ATTRIB): the latter is the moment to connect.
_ENTRY: Final = flags.CREATE | flags.MOVED_TO | flags.ATTRIB

# How long to rest where the filesystem can't be watched (no inotify instance left, a folder that we may not read).
_BLIND_SECONDS: Final = 1.0


class ServicePresence:
    """Watches for the making of the file `socket`; a context manager. `wake` is a file descriptor that ends a wait.

    A symbolic link on the way is followed when `renew` is called; its later replacement is not noticed.
    """

    def __init__(self, socket: Path, wake: int) -> None:
        self._socket = socket
        self._wake = wake
        self._inotify: INotify | None = None
        self._entries: dict[int, str] = {}
        self._told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def renew(self) -> None:
        """Lay the watches anew. Call it before a try to connect, so that nothing between the try and `wait` is lost."""
        self._close()
        try:
            self._inotify = INotify()
            self._watch(self._inotify, Path(os.path.realpath(self._socket)))
        except OSError as error:
            if not self._told:
                _log.warning("can't watch for the PC/SC service", socket=str(self._socket), error=error.strerror)
            self._told = True
            self._close()

    def wait(self, seconds: float | None) -> bool:
        """Wait until something happened on the way to the socket; True if so, False after `seconds` or the wake."""
        if self._inotify is None:
            seconds = _BLIND_SECONDS if seconds is None else min(seconds, _BLIND_SECONDS)
        deadline = None if seconds is None else time.monotonic() + seconds
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        if self._inotify is not None:
            poller.register(self._inotify.fileno(), select.POLLIN)
        while ready := poller.poll(_milliseconds_until(deadline)):
            if any(descriptor == self._wake for descriptor, _ in ready):
                return False
            if self._relevant():
                return True
        return False

    def _watch(self, inotify: INotify, target: Path) -> None:
        # Downwards, each folder before the next one is looked for: what is made meanwhile shows in the one above. The
        # last folder that exists is watched for its next entry, those above it only for being moved or removed.
        entries = [*(path.name for path in reversed(target.parents)), target.name][1:]
        upper: Path | None = None
        for folder, entry in zip(reversed(target.parents), entries, strict=True):
            try:
                self._entries = {inotify.add_watch(folder, _ENTRY | _GONE | flags.ONLYDIR): entry}
            except (FileNotFoundError, NotADirectoryError):
                return
            except PermissionError:
                if folder == target.parent or not os.access(folder / entry, os.F_OK):
                    raise
                continue  # a folder that may be passed but not read, and the next one is there
            if upper is not None:
                inotify.add_watch(upper, _GONE | flags.ONLYDIR)
            upper = folder

    def _relevant(self) -> bool:
        # An event without a name is the folder's own: its mode changed, it was moved or removed, events were lost.
        events = self._inotify.read(timeout=0) if self._inotify else []
        return any(not event.name or event.name == self._entries.get(event.wd) for event in events)

    def _close(self) -> None:
        self._entries.clear()
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None


def _milliseconds_until(deadline: float | None) -> int | None:
    return None if deadline is None else max(0, math.ceil((deadline - time.monotonic()) * 1000))
