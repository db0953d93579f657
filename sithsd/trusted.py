"""Files that decide what the daemon does: read only if nobody but root and the daemon's own user can write them."""

import os
import stat
from pathlib import Path

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UntrustedFileError(Exception):
    """A file that is not to be followed; the text says why, without the path."""


def read(path: Path, most: int) -> bytes:
    """Return the content of a file of at most `most` bytes.

    It has to be a regular file of root's or of the user the daemon runs as, writable by its owner alone. What a link
    leads to is judged, not the link: configuration tools put links into /etc. Raises UntrustedFileError, OSError.
    """
    # A named pipe that nobody writes must not hold up the daemon's start.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        reason = _unfit(os.fstat(descriptor), most)
        if reason is not None:
            raise UntrustedFileError(reason)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise UntrustedFileError(f"is larger than {most} bytes")
    return content


def _unfit(facts: os.stat_result, most: int) -> str | None:
    if not stat.S_ISREG(facts.st_mode):
        return "is not a file"
    if facts.st_size > most:
        return f"is larger than {most} bytes"
    if facts.st_uid not in {0, os.geteuid()} or facts.st_mode & _OTHERS_WRITE:
        return "has to be root's or the daemon's own user's, writable by its owner alone"
    return None
