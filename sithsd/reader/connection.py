"""The card, as an operation sees it: commands within one transaction."""

import time
from functools import cached_property
from typing import Final

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader import scard
from sithsd.reader.trace import HEADER_LENGTH, ExchangeTrace
from sithsd.reader.translation import translate

_STATUS_WORD_LENGTH: Final = 2


class CardConnection:
    """A card in a reader, for the time of one operation; implements `sithsd.iso7816.channel.Channel`.

    `protocol` is the transmission protocol in use, 0 or 1. With T=0 the commands are TPDUs (ISO/IEC 7816-3:2006, 12.2):
    no Le after a data field, 61XX and 6CXX come back as they are. Once an exchange has failed every further one fails
    with the same error: nothing is sent to a card that may be another one by now.
    """

    def __init__(self, handle: scard.CardHandle, trace: ExchangeTrace | None = None) -> None:
        self._handle = handle
        self._trace = trace
        self._failure: SithsdError | None = None
        self._ended = False
        self._unanswered = False
        self._disposition = scard.LEAVE_CARD
        self.protocol: Final = handle.protocol

    @cached_property
    def atr(self) -> bytes:
        """The answer to reset (ISO/IEC 7816-3:2006, 8.2)."""
        try:
            return self._handle.atr()
        except scard.PcscError as error:
            raise translate(error, begun=True) from error

    @property
    def unanswered(self) -> bool:
        """Whether a command was sent whose answer never came: it may have been carried out, or not."""
        return self._unanswered

    @property
    def disposition(self) -> int:
        """What is to be done with the card when the operation ends, as `scard` names it."""
        return self._disposition

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send one command; return the response's data field and SW1-SW2.

        Raises SithsdError `card.removed`, `card.changed` (reset by others), `card.unreadable` (no or a malformed
        answer), `pcsc.unavailable`; ValueError for a command that is shorter than a header.
        """
        if self._ended:
            raise RuntimeError("the operation that this connection was made for has ended")
        if self._failure is not None:
            raise self._failure
        if len(command) < HEADER_LENGTH:
            raise ValueError("a command has at least four bytes")
        begin = time.perf_counter()
        data, status_word = b"", None
        try:
            data, status_word = self._exchange(command)
        except SithsdError as error:
            self._failure = error
            raise
        finally:
            if self._trace is not None:
                seconds = time.perf_counter() - begin
                self._trace(command[:HEADER_LENGTH], len(command), len(data), status_word, seconds)
        return data, status_word

    def reset_on_release(self) -> None:
        """Have the card reset when the operation ends, however it does: verified codes count no more."""
        self._disposition = scard.RESET_CARD_ON_RELEASE

    def end(self) -> None:
        """Refuse further commands: the operation is over."""
        self._ended = True

    def _exchange(self, command: bytes) -> tuple[bytes, int]:
        self._unanswered = True
        try:
            response = self._handle.transmit(command)
        except scard.PcscError as error:
            raise translate(error, begun=True) from error
        if len(response) < _STATUS_WORD_LENGTH:
            # What vpcd's driver says for a card taken out in the midst; no card's answer is that short.
            raise SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out before it answered")
        self._unanswered = False
        if len(response) > scard.MAX_RESPONSE:
            raise SithsdError(
                ErrorCode.CARD_UNREADABLE, f"an answer of {len(response)} bytes is longer than any may be"
            )
        return response[:-_STATUS_WORD_LENGTH], int.from_bytes(response[-_STATUS_WORD_LENGTH:], "big")
