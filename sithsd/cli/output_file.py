"""A new file that a command writes text into, or stdout in its place."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.errors import ErrorCode


@contextmanager
def target(invocation: Invocation, output: str | None) -> Iterator[Callable[[str], object]]:
    """Open the file `output`, which must not be there yet, for its owner alone; stdout with None or "-".

    A CommandError ("request.invalid") for one that can't be written.
    """
    if output is None or output == "-":
        yield invocation.output.write
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            yield file.write
    except OSError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, f"the output file: {error.strerror}")
        raise CommandError(found, key="audit-output-bad") from error
