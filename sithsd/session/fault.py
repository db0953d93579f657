"""A bug of ours, met while a card was worked with: told by name, logged without its words."""

import traceback

from structlog.typing import FilteringBoundLogger

from sithsd.errors import ErrorCode, SithsdError


def fault(log: FilteringBoundLogger, error: Exception) -> SithsdError:
    """Log `error` by its type and places, and return the named error for it.

    Neither has its words, nor the variables around it: they may hold a code.
    """
    places = [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    log.error("fault", error=type(error).__name__, places=places)
    return SithsdError(ErrorCode.INTERNAL, "a fault in the daemon, see its log")
