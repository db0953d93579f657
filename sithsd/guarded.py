"""A database's file that is ours, for our eyes only, and used by one program at a time; and transactions in it."""

import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MODE = 0o600


class UnfitFileError(Exception):
    """A file that is not used; the message says why."""


class GuardedFile:
    """Holds the file open, and locked against other daemons, for as long as the database in it is used.

    It has to be closed after SQLite's own descriptors: closing any descriptor of a file ends this process's POSIX locks
    on it (https://www.sqlite.org/howtocorrupt.html, 2.2). The lock is flock's, which SQLite's don't meet.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`, made if it is not there. Raises UnfitFileError and OSError."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _MODE)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def in_place(self) -> bool:
        """Whether the file still stands where it was opened. Raises OSError where that can't be looked at."""
        try:
            there = os.lstat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    def _check(self) -> None:
        facts = os.fstat(self._descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise UnfitFileError("it is no file")
        if facts.st_uid != os.geteuid():
            raise UnfitFileError(f"it belongs to uid {facts.st_uid}")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnfitFileError("another daemon uses it") from None
        if stat.S_IMODE(facts.st_mode) != _MODE:
            os.fchmod(self._descriptor, _MODE)


@contextmanager
def transaction(connection: sqlite3.Connection, file: GuardedFile) -> Iterator[None]:
    """Write what is done inside whole, or not at all, into the database in `file`, if that is still in place.

    `connection` is in autocommit mode. Raises UnfitFileError, and sqlite3.Error and OSError as they come.
    """
    if not file.in_place():
        raise UnfitFileError("it was taken away")
    if connection.in_transaction:
        # An earlier one could not even be rolled back then: the disk gave errors.
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors (a full disk) SQLite itself has rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
