"""Status words (ISO/IEC 7816-4:2020, 5.6, tables 6 to 8)."""

from enum import IntEnum


class StatusWord(IntEnum):
    """The status words that sithsd tells apart; any other value is kept as the integer it is."""

    SUCCESS = 0x9000
    END_OF_FILE = 0x6282
    FILE_DEACTIVATED = 0x6283
    NO_INFORMATION = 0x6300
    MEMORY_FAILURE = 0x6581
    WRONG_LENGTH = 0x6700
    LOGICAL_CHANNEL_UNSUPPORTED = 0x6881
    SECURE_MESSAGING_UNSUPPORTED = 0x6882
    COMMAND_INCOMPATIBLE = 0x6981
    SECURITY_STATUS_NOT_SATISFIED = 0x6982
    AUTHENTICATION_METHOD_BLOCKED = 0x6983
    REFERENCE_DATA_NOT_USABLE = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    NO_CURRENT_FILE = 0x6986
    INCORRECT_DATA = 0x6A80
    FUNCTION_NOT_SUPPORTED = 0x6A81
    FILE_NOT_FOUND = 0x6A82
    INCORRECT_P1_P2 = 0x6A86
    LC_INCONSISTENT = 0x6A87
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    OFFSET_OUTSIDE_FILE = 0x6B00
    INSTRUCTION_NOT_SUPPORTED = 0x6D00
    CLASS_NOT_SUPPORTED = 0x6E00
    NO_PRECISE_DIAGNOSIS = 0x6F00


_COUNTER = 0x63C0
_BYTES_REMAINING = 0x6100
_EXACT_LENGTH = 0x6C00


def tries_left(status_word: int) -> int | None:
    """Return the counter X of 63CX (0 to 15), None for every other status word."""
    return status_word & 0xF if status_word & 0xFFF0 == _COUNTER else None


def bytes_remaining(status_word: int) -> int | None:
    """Return how many bytes GET RESPONSE may fetch after 61XX (256 for 6100), None for every other status word."""
    return (status_word & 0xFF or 256) if status_word & 0xFF00 == _BYTES_REMAINING else None


def exact_length(status_word: int) -> int | None:
    """Return the Le to repeat the command with after 6CXX (256 for 6C00), None for every other status word."""
    return (status_word & 0xFF or 256) if status_word & 0xFF00 == _EXACT_LENGTH else None


def counter(tries: int) -> int:
    """Return the status word 63CX that tells `tries` (0 to 15) tries left. Raises ValueError outside that range."""
    if not 0 <= tries <= 0xF:
        raise ValueError("a counter has the values 0 to 15")
    return _COUNTER | tries
