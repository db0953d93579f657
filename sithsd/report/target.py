"""The files that a report is written into: whole or not at all, and for their owner's eyes alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sithsd.report.model import InputError

_MODE = 0o600


def check(path: Path, *, force: bool) -> None:
    """Return if the file could be written, so that no hour is spent in vain. Raises InputError."""
    if not force and os.path.lexists(path):
        raise InputError("report-output-there", "the file is there already", file=path.name)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError("report-output-unwritable", "the folder can't be written", file=path.name)


@contextmanager
def written(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Open a file to write; it takes its place when all is in it. Raises InputError for one that can't be written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            if force:
                beside.replace(path)
            else:
                os.link(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError as error:
        raise InputError("report-output-there", "the file is there already", file=path.name) from error
    except OSError as error:
        raise InputError("report-output-unwritable", f"{error.strerror}", file=path.name) from error
