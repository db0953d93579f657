"""The card, as an operation sees it: commands within one transaction."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Final

from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.channel import Octets
from sithsd.reader import scard
from sithsd.reader.attributes import ReaderFacts, ask_reader
from sithsd.reader.pinpad import GET_FEATURE_REQUEST, PinPad, parse_features, parse_properties
from sithsd.reader.trace import HEADER_LENGTH, ExchangeTrace
from sithsd.reader.translation import translate

_STATUS_WORD_LENGTH: Final = 2
# How often in a row a card may be reset by others while it is taken back after a loan.
_MAX_RESETS: Final = 5


class CardConnection:
    """A card in a reader, for the time of one operation; implements `sithsd.iso7816.channel.Channel`.

    `reader` is its reader's name, `protocol` the transmission protocol in use, 0 or 1. With T=0 the commands are TPDUs
    (ISO/IEC 7816-3:2006, 12.2): no Le after a data field, 61XX and 6CXX come back as they are. Once an exchange has
    failed every further one fails with the same error: nothing is sent to a card that may be another one by now.
    """

    def __init__(self, handle: scard.CardHandle, trace: ExchangeTrace | None = None, reader: str = "") -> None:
        self.reader: Final = reader
        self._handle = handle
        self._trace = trace
        self._failure: SithsdError | None = None
        self._ended = False
        self._unanswered = False
        self._exchanges = 0
        self._disposition = scard.LEAVE_CARD
        self._farewells: list[Callable[[], None]] = []
        self.protocol: Final = handle.protocol

    @cached_property
    def atr(self) -> bytes:
        """The answer to reset (ISO/IEC 7816-3:2006, 8.2)."""
        try:
            return self._handle.atr()
        except scard.PcscError as error:
            raise translate(error, begun=True) from error

    @cached_property
    def pad(self) -> PinPad | None:
        """The reader's PIN pad, None if it has none. The reader is asked once."""
        features = parse_features(self._ask_reader(GET_FEATURE_REQUEST))
        if features.verify is None and features.modify is None:
            return None
        told = b"" if features.properties is None else self._ask_reader(features.properties)
        return PinPad(features, parse_properties(told), self._enter_at_pad)

    def reader_facts(self) -> ReaderFacts:
        """Return what the reader tells of itself and of its link to the card; the card has no part in it."""
        return ask_reader(self._attribute, self.protocol)

    def _attribute(self, code: int) -> bytes | None:
        try:
            return self._handle.attribute(code)
        except scard.PcscError as error:
            raise translate(error, begun=True) from error

    @property
    def unanswered(self) -> bool:
        """Whether a command was sent whose answer never came, or was torn: it may have been carried out, or not.

        So it is after every failed exchange. Some return codes mostly come before anything reaches the card, but none
        of PC/SC part 5 promises it.
        """
        return self._unanswered

    @property
    def disposition(self) -> int:
        """What is to be done with the card when the operation ends, as `scard` names it."""
        return self._disposition

    def transmit(self, command: Octets) -> tuple[bytes, int]:
        """Send one command; return the response's data field and SW1-SW2.

        Raises SithsdError `card.removed`, `card.changed` (reset by others), `card.unreadable` (no or a malformed
        answer), `pcsc.unavailable`; ValueError for a command that is shorter than a header.
        """
        if len(command) < HEADER_LENGTH:
            raise ValueError("a command has at least four bytes")
        response = self._traced(bytes(command[:HEADER_LENGTH]), len(command), lambda: self._transmit(command))
        return response[:-_STATUS_WORD_LENGTH], int.from_bytes(response[-_STATUS_WORD_LENGTH:], "big")

    def _transmit(self, command: Octets) -> bytes:
        """Send one command, for which the protocol may have to be agreed on again, if it is the operation's first.

        A program that disconnects and resets the card lets go of it first, and then resets it (pcsc-lite's
        SCardDisconnect): a connection that is made in between is not told of the reset, and has no protocol after it.
        The service refuses a command then, before it comes to the reader. As nothing was sent before, nothing is lost;
        later in an operation a reset is its end.
        """
        try:
            return self._handle.transmit(command)
        except scard.PcscError as error:
            if self._exchanges > 1 or error.code != scard.PROTO_MISMATCH or self._handle.renegotiate() != self.protocol:
                raise
            return self._handle.transmit(command)

    def _ask_reader(self, code: int) -> bytes:
        """Return what the reader tells of itself, nothing if it refuses; the card has no part in it."""
        try:
            return self._handle.control(code, b"")
        except scard.PcscError as error:
            if error.code in scard.DEAD:
                raise translate(error, begun=True) from error
            return b""  # a reader without features refuses the question, each in its own way

    def _enter_at_pad(self, code: int, structure: bytes, header: bytes) -> bytes:
        """Have the reader ask the person and send the command; return its answer, data and status word."""
        return self._traced(header, len(structure), lambda: self._handle.control(code, structure))

    def _traced(self, header: bytes, length: int, exchange: Callable[[], bytes]) -> bytes:
        """Make one exchange, if none has failed before; tell the trace of it."""
        self._check()
        begin = time.perf_counter()
        response, status_word = b"", None
        try:
            response = self._exchange(exchange)
            status_word = int.from_bytes(response[-_STATUS_WORD_LENGTH:], "big")
        except SithsdError as error:
            self._failure = error
            raise
        finally:
            if self._trace is not None:
                seconds = time.perf_counter() - begin
                received = max(len(response) - _STATUS_WORD_LENGTH, 0)
                self._trace(header, length, received, status_word, seconds)
        return response

    def reset_on_release(self) -> None:
        """Have the card reset when the operation ends, however it does: verified codes count no more."""
        self._disposition = scard.RESET_CARD_ON_RELEASE

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let another program have the card until the block ends: our transaction ends, and begins again after it.

        For a library that speaks to the card by a connection of its own, and would wait for ours for ever. The card is
        left as it is and stays in its reader's slot: one that is taken out meanwhile is `card.removed` afterwards, one
        that was reset goes on, locked. Nothing else may be believed after a loan: any program of this machine could
        have come in between, and used tries, or the codes that were given.

        That the card can't be had back is told by the next exchange, not by the end of the block: what was done with
        the card until then is done. Raises what `transmit` does if it can't be lent.
        """
        self._check()
        try:
            self._handle.end_transaction(scard.LEAVE_CARD)
        except scard.PcscError as error:
            self._failure = translate(error, begun=True)
            raise self._failure from error
        try:
            yield
        finally:
            self._take_back()

    def note_code(self) -> None:
        """Note that a code goes to the card by another way than `transmit`: its answer is not seen here."""
        self._unanswered = True

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Have `farewell` called when the operation ends, however it does. It must not wait for anything."""
        self._farewells.append(farewell)

    def end(self) -> None:
        """Refuse further commands: the operation is over."""
        self._ended = True
        while self._farewells:
            self._farewells.pop()()

    def _take_back(self) -> None:
        """Begin the transaction again; blocks while another program has the card. Keeps the failure for the next."""
        self._exchanges = 0  # as at the beginning, the card may be reset without our being told
        for _ in range(_MAX_RESETS):
            try:
                self._handle.begin_transaction()
            except scard.PcscError as error:
                if error.code != scard.RESET_CARD:
                    self._failure = translate(error, begun=True)
                    return
                self._renegotiate()
                if self._failure is not None:
                    return
            else:
                return
        self._failure = SithsdError(ErrorCode.CARD_CHANGED, "other programs reset the card again and again")

    def _renegotiate(self) -> None:
        try:
            if self._handle.renegotiate() != self.protocol:
                self._failure = SithsdError(ErrorCode.CARD_CHANGED, "the card speaks by another protocol than before")
        except scard.PcscError as error:
            self._failure = translate(error, begun=True)

    def _check(self) -> None:
        """Raise what makes a further exchange impossible."""
        if self._ended:
            raise RuntimeError("the operation that this connection was made for has ended")
        if self._failure is not None:
            raise self._failure

    def _exchange(self, exchange: Callable[[], bytes]) -> bytes:
        self._unanswered = True
        self._exchanges += 1
        try:
            response = exchange()
        except scard.PcscError as error:
            raise translate(error, begun=True) from error
        if not response:
            # What vpcd's driver says for a card taken out in the midst; no card's answer is that short.
            raise SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out before it answered")
        if len(response) < _STATUS_WORD_LENGTH:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "the card's answer is torn")
        if len(response) > scard.MAX_RESPONSE:
            raise SithsdError(
                ErrorCode.CARD_UNREADABLE, f"an answer of {len(response)} bytes is longer than any may be"
            )
        self._unanswered = False
        return response
