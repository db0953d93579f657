"""What a PC/SC return code means for a person with a card."""

from collections.abc import Mapping
from typing import Final

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader import scard

_MEANING: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    scard.NO_SMARTCARD: (ErrorCode.CARD_REMOVED, "there is no card in the reader"),
    scard.REMOVED_CARD: (ErrorCode.CARD_REMOVED, "the card was taken out"),
    scard.UNPOWERED_CARD: (ErrorCode.CARD_REMOVED, "the card lost its power"),
    scard.NOT_TRANSACTED: (ErrorCode.CARD_REMOVED, "the exchange with the card broke off"),
    scard.RESET_CARD: (ErrorCode.CARD_CHANGED, "the card was reset by another program, or swapped"),
    scard.UNRESPONSIVE_CARD: (ErrorCode.CARD_UNREADABLE, "the card does not answer"),
    scard.UNSUPPORTED_CARD: (ErrorCode.CARD_UNREADABLE, "the card's answer to reset can't be used"),
    scard.INVALID_ATR: (ErrorCode.CARD_UNREADABLE, "the card's answer to reset is malformed"),
    scard.PROTO_MISMATCH: (ErrorCode.CARD_UNREADABLE, "the card speaks neither T=0 nor T=1"),
    scard.TIMEOUT: (ErrorCode.CARD_UNREADABLE, "the card does not answer in time"),
    scard.COMM_DATA_LOST: (ErrorCode.CARD_UNREADABLE, "an answer of the card was lost"),
    scard.INSUFFICIENT_BUFFER: (ErrorCode.CARD_UNREADABLE, "the card's answer is longer than an answer can be"),
    scard.SHARING_VIOLATION: (ErrorCode.READER_BUSY, "another program holds the reader for itself"),
    scard.UNKNOWN_READER: (ErrorCode.READER_UNKNOWN, "there is no such reader"),
    scard.READER_UNAVAILABLE: (ErrorCode.READER_UNKNOWN, "the reader is gone or out of order"),
    scard.NO_READERS_AVAILABLE: (ErrorCode.READER_UNKNOWN, "there is no reader"),
    scard.NO_SERVICE: (ErrorCode.PCSC_UNAVAILABLE, "the PC/SC service does not run"),
    scard.SERVICE_STOPPED: (ErrorCode.PCSC_UNAVAILABLE, "the PC/SC service was stopped"),
    scard.COMM_ERROR: (ErrorCode.PCSC_UNAVAILABLE, "the connection to the PC/SC service broke"),
    scard.INVALID_HANDLE: (ErrorCode.PCSC_UNAVAILABLE, "the PC/SC service was restarted"),
    scard.NO_MEMORY: (ErrorCode.PCSC_UNAVAILABLE, "the PC/SC service has no room for another program"),
    scard.SERVER_TOO_BUSY: (ErrorCode.PCSC_UNAVAILABLE, "the PC/SC service is too busy"),
    scard.SECURITY_VIOLATION: (ErrorCode.PCSC_UNAVAILABLE, "the PC/SC service refuses this program"),
}

# Between connecting and the first command these codes mean something else than in the midst of an operation.
_BEFORE: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    scard.UNPOWERED_CARD: (ErrorCode.CARD_UNREADABLE, "the card does not answer to reset"),
}
_MIDST: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    # Connecting agreed on a protocol; only a reset makes the service forget it, and not every one is told.
    scard.PROTO_MISMATCH: (ErrorCode.CARD_CHANGED, "the card was reset by another program, or swapped"),
    scard.UNKNOWN_READER: (ErrorCode.CARD_REMOVED, "the reader was unplugged with its card"),
    scard.READER_UNAVAILABLE: (ErrorCode.CARD_REMOVED, "the reader was unplugged with its card"),
    scard.NO_READERS_AVAILABLE: (ErrorCode.CARD_REMOVED, "the reader was unplugged with its card"),
}


def translate(error: scard.PcscError, *, begun: bool) -> SithsdError:
    """Return the named error for `error`; `begun` tells whether an operation had the card already.

    The detail ends with the PC/SC function and its code. A code that no rule knows becomes `internal`.
    """
    special = _MIDST if begun else _BEFORE
    unexpected = (ErrorCode.INTERNAL, "PC/SC failed in an unexpected way")
    code, detail = special.get(error.code) or _MEANING.get(error.code, unexpected)
    return SithsdError(code, f"{detail} ({error})")
