"""Tracing of exchanges with a card, which by construction never sees a data field."""

from typing import Final, Protocol

import structlog

_log = structlog.get_logger()

HEADER_LENGTH: Final = 4


class ExchangeTrace(Protocol):
    """Is told of each command that was sent, after its answer."""

    def __call__(
        self,
        header: bytes,
        command_length: int,
        response_length: int,
        status_word: int | None,
        seconds: float,
    ) -> None:
        """Note one exchange.

        `header` is CLA INS P1 P2, `command_length` the whole command's length, `response_length` that of the response's
        data field, `status_word` SW1-SW2, or None if no answer came; `seconds` is the time it took.
        """
        ...


def log_exchange(
    header: bytes, command_length: int, response_length: int, status_word: int | None, seconds: float
) -> None:
    """Write the exchange to the debug log."""
    _log.debug(
        "exchange",
        header=header.hex(" ").upper(),
        command_length=command_length,
        response_length=response_length,
        status_word=None if status_word is None else f"{status_word:04X}",
        milliseconds=round(seconds * 1000, 3),
    )
