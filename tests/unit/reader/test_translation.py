"""PC/SC codes by name."""

import pytest
from smartcard import scard as winscard

from sithsd.errors import ErrorCode
from sithsd.reader import scard
from sithsd.reader.translation import translate

CODES = [
    (scard.REMOVED_CARD, ErrorCode.CARD_REMOVED, ErrorCode.CARD_REMOVED),
    (scard.NO_SMARTCARD, ErrorCode.CARD_REMOVED, ErrorCode.CARD_REMOVED),
    (scard.NOT_TRANSACTED, ErrorCode.CARD_REMOVED, ErrorCode.CARD_REMOVED),
    (scard.UNPOWERED_CARD, ErrorCode.CARD_UNREADABLE, ErrorCode.CARD_REMOVED),
    (scard.UNRESPONSIVE_CARD, ErrorCode.CARD_UNREADABLE, ErrorCode.CARD_UNREADABLE),
    (scard.PROTO_MISMATCH, ErrorCode.CARD_UNREADABLE, ErrorCode.CARD_CHANGED),
    (scard.INSUFFICIENT_BUFFER, ErrorCode.CARD_UNREADABLE, ErrorCode.CARD_UNREADABLE),
    (scard.RESET_CARD, ErrorCode.CARD_CHANGED, ErrorCode.CARD_CHANGED),
    (scard.SHARING_VIOLATION, ErrorCode.READER_BUSY, ErrorCode.READER_BUSY),
    (scard.UNKNOWN_READER, ErrorCode.READER_UNKNOWN, ErrorCode.CARD_REMOVED),
    (scard.READER_UNAVAILABLE, ErrorCode.READER_UNKNOWN, ErrorCode.CARD_REMOVED),
    (scard.NO_SERVICE, ErrorCode.PCSC_UNAVAILABLE, ErrorCode.PCSC_UNAVAILABLE),
    (scard.COMM_ERROR, ErrorCode.PCSC_UNAVAILABLE, ErrorCode.PCSC_UNAVAILABLE),
    (scard.INVALID_HANDLE, ErrorCode.PCSC_UNAVAILABLE, ErrorCode.PCSC_UNAVAILABLE),
    (scard.SECURITY_VIOLATION, ErrorCode.PCSC_UNAVAILABLE, ErrorCode.PCSC_UNAVAILABLE),
    (0x80100FFF, ErrorCode.INTERNAL, ErrorCode.INTERNAL),
]


@pytest.mark.parametrize(("code", "before", "midst"), CODES)
def test_each_code_has_its_meaning(code: int, before: ErrorCode, midst: ErrorCode) -> None:
    """A code means what it means where it came up: before the operation, or in its midst."""
    error = scard.PcscError(code, "SCardSomething")
    assert translate(error, begun=False).code is before
    assert translate(error, begun=True).code is midst


def test_the_raw_code_is_kept() -> None:
    """The detail names the function and the code, for whoever has to find out why."""
    error = translate(scard.PcscError(scard.REMOVED_CARD, "SCardTransmit"), begun=True)
    assert "SCardTransmit: 80100069" in error.detail


def test_our_numbers_are_the_librarys() -> None:
    """Each return code and state bit has the value that pyscard gives the same name."""
    checked = 0
    for name, value in vars(scard).items():
        for prefix in ("SCARD_S_", "SCARD_E_", "SCARD_F_", "SCARD_W_", "SCARD_"):
            theirs = getattr(winscard, prefix + name, None) if name.isupper() and isinstance(value, int) else None
            if theirs is not None and name != "RESET_CARD":
                assert theirs & 0xFFFFFFFF == value, name
                checked += 1
    assert checked >= 35
    assert (winscard.SCARD_W_RESET_CARD & 0xFFFFFFFF, winscard.SCARD_RESET_CARD) == (
        scard.RESET_CARD,
        scard.RESET_CARD_ON_RELEASE,
    )
