"""Files that decide what the daemon does: used only if nobody but root and the daemon's own user can write them."""

import os
import stat
from pathlib import Path

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_MOST_LINKS = 40


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


def library(path: Path) -> Path:
    """Return the file that is to be loaded as a program's code: the one that all links on the way lead to.

    Every folder, every link and the file itself have to be root's, and writable by root alone: whoever could exchange
    one of them could have any code run. In a folder where each may remove only what is his own (/tmp, with the sticky
    bit) root's entries are safe. Raises UntrustedFileError for the first that is not, ValueError for a path that is not
    absolute, OSError for one that is not there.
    """
    if not path.is_absolute():
        raise ValueError("the path is not absolute")
    here, links = Path("/"), 0
    ahead = list(reversed(path.parts[1:]))
    _check_root_alone(here, here.lstat())
    while ahead:
        step = ahead.pop()
        if step == "..":
            here = here.parent
            continue
        facts = (here / step).lstat()
        _check_root_alone(here / step, facts)
        if not stat.S_ISLNK(facts.st_mode):
            here /= step
            continue
        links += 1
        if links > _MOST_LINKS:
            raise UntrustedFileError("is a link without an end")
        target = (here / step).readlink()
        ahead += reversed(target.parts[1:] if target.is_absolute() else target.parts)
        here = Path("/") if target.is_absolute() else here
    if not stat.S_ISREG(here.lstat().st_mode):
        raise UntrustedFileError("is not a file")
    return here


def _check_root_alone(path: Path, facts: os.stat_result) -> None:
    link = stat.S_ISLNK(facts.st_mode)  # everybody may write to a link, which means nothing
    sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
    if facts.st_uid != 0 or (facts.st_mode & _OTHERS_WRITE and not link and not sticky):
        raise UntrustedFileError(f"{path} has to be root's, writable by root alone")


def _unfit(facts: os.stat_result, most: int) -> str | None:
    if not stat.S_ISREG(facts.st_mode):
        return "is not a file"
    if facts.st_size > most:
        return f"is larger than {most} bytes"
    if facts.st_uid not in {0, os.geteuid()} or facts.st_mode & _OTHERS_WRITE:
        return "has to be root's or the daemon's own user's, writable by its owner alone"
    return None
