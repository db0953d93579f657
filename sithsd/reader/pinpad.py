"""PIN pads of readers: PC/SC part 10 (version 2.02.09), features asked for and PIN structures made.

The code goes from the keys of the reader to the card; this program sends the frame of the command and gets the status
word. Numbers of several bytes in the structures are little-endian: in the host's order, as the standard has it, on the
machines that this runs on.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sithsd.errors import ErrorCode, SithsdError

# SCARD_CTL_CODE(3400) of pcsc-lite's reader.h: how the features are asked for (part 10, 2.2).
GET_FEATURE_REQUEST: Final = 0x42000000 + 3400
_VERIFY_PIN_DIRECT: Final = 0x06
_MODIFY_PIN_DIRECT: Final = 0x07
_TLV_PROPERTIES: Final = 0x12
_CONTROL_CODE: Final = 4  # bytes, in network byte order
# Tags of FEATURE_TLV_PROPERTIES (2.6.14), each with the size of its value, in the host's byte order.
_LCD_LAYOUT, _ENTRY_VALIDATION, _MIN_PIN_SIZE, _MAX_PIN_SIZE = (0x01, 2), (0x02, 1), (0x06, 1), (0x07, 1)
_MOST_ENTRIES: Final = 64

_SECONDS: Final = 30
_SWEDISH: Final = 0x041D
_HEADER: Final = 4
_STATUS_WORD: Final = 2

# bmFormatString: system units are bytes, the PIN follows the header at once, left-justified (2.5.2, table).
_UNITS_ARE_BYTES: Final = 0x80
_BCD, _ASCII = 0x01, 0x02
_LONGEST_BLOCK: Final = 0x0F  # bmPINBlockString has four bits for it
# bEntryValidationCondition: the person ends the entry by the OK key; and all that may end it.
_BY_KEY, _ANY_END = 0x02, 0x07
# bConfirmPIN: ask for the present code, and for the new one twice. Three messages then (bNumberMessage).
_ASK_CURRENT_AND_CONFIRM: Final = 0x03
_MESSAGES_VERIFY, _MESSAGES_MODIFY = 1, 3

# What the reader says in the place of a card (part 10, 2.5.4); nothing went to the card then.
_OF_THE_PAD: Final = {
    0x6400: (ErrorCode.PINPAD_TIMEOUT, "nothing was entered at the reader in time"),
    0x6401: (ErrorCode.PINPAD_CANCELLED, "the person cancelled at the reader"),
    0x6402: (ErrorCode.PINPAD_MISMATCH, "the new code was not entered the same way twice"),
    0x6403: (ErrorCode.PINPAD_MALFORMED, "what was entered at the reader is too short or too long"),
    0x6B80: (ErrorCode.PINPAD_ABSENT, "the reader's pad does not do what was asked for"),
}


@dataclass(frozen=True, slots=True)
class PinBlock:
    """How a code is put into a command: lengths in digits, `stored_length` in bytes, None where it is not filled up."""

    min_length: int
    max_length: int
    stored_length: int | None
    padding: int | None
    bcd: bool


@dataclass(frozen=True, slots=True)
class Features:
    """The control codes of a reader's pad, None for what it can't do."""

    verify: int | None = None
    modify: int | None = None
    properties: int | None = None


@dataclass(frozen=True, slots=True)
class Properties:
    """What a pad tells of itself, None for what it does not: digits that it takes, what may end an entry, its display.

    `lcd_layout` is wLcdLayout: the number of lines in the upper byte, of characters in the lower one, 0 for no display.
    """

    min_pin_size: int | None = None
    max_pin_size: int | None = None
    entry_validation: int | None = None
    lcd_layout: int | None = None


def parse_features(answer: bytes) -> Features:
    """Return the features that a reader tells (2.2: a sequence of tag, length and control code).

    Entries of other lengths and tags are passed over; of a tag that comes twice the first counts.
    """
    codes = {
        tag: int.from_bytes(value, "big")
        for tag, value in reversed(tuple(_entries(answer)))
        if len(value) == _CONTROL_CODE
    }
    return Features(codes.get(_VERIFY_PIN_DIRECT), codes.get(_MODIFY_PIN_DIRECT), codes.get(_TLV_PROPERTIES))


def parse_properties(answer: bytes) -> Properties:
    """Return what a pad tells of itself by FEATURE_TLV_PROPERTIES (2.6.14), read as `parse_features` reads."""
    told = {(tag, len(value)): int.from_bytes(value, "little") for tag, value in reversed(tuple(_entries(answer)))}
    return Properties(
        min_pin_size=told.get(_MIN_PIN_SIZE),
        max_pin_size=told.get(_MAX_PIN_SIZE) or None,  # no pad takes nothing: one that says 0 has not said it
        entry_validation=(told.get(_ENTRY_VALIDATION) or 0) & _ANY_END or None,
        lcd_layout=told.get(_LCD_LAYOUT),
    )


def _entries(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tags and values, at most 64; one that is cut short ends them."""
    position = 0
    for _ in range(_MOST_ENTRIES):
        if position + 2 > len(answer):
            return
        tag, length = answer[position], answer[position + 1]
        value = answer[position + 2 : position + 2 + length]
        if len(value) < length:
            return
        yield tag, value
        position += 2 + length


def verify_structure(header: bytes, block: PinBlock, properties: Properties = Properties()) -> bytes:
    """Return PIN_VERIFY_STRUCTURE (2.5.2) for a command with `header` (CLA INS P1 P2).

    Raises pin.unsupported for a code that this pad can't take: of other lengths, or of too large a block.
    """
    command = _command(header, [block])
    return (
        struct.pack(
            "<BBBBBHBBHB3sI",
            _SECONDS,
            _SECONDS,
            _format_string(block),
            block.stored_length or 0,
            0,
            _extra_digits([block], properties),
            _end(properties),
            _MESSAGES_VERIFY,
            _SWEDISH,
            0,
            bytes(3),
            len(command),
        )
        + command
    )


def modify_structure(header: bytes, old: PinBlock, new: PinBlock, properties: Properties = Properties()) -> bytes:
    """Return PIN_MODIFY_STRUCTURE (2.5.3): the present code (or the PUK) first, the new one behind it.

    Raises pin.unsupported as `verify_structure` does, and for codes that are not filled up to a length: nobody could
    tell where the first one ends. Nor can a structure say two lengths of blocks or two encodings. It has one range of
    lengths for all entries: where PUK and PIN differ, it is the one that they have in common.
    """
    if old.stored_length is None or new.stored_length is None:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "codes without a fixed length can't be changed at a PIN pad")
    if (old.stored_length, old.padding, old.bcd) != (new.stored_length, new.padding, new.bcd):
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "codes of two forms can't be changed at a PIN pad")
    command = _command(header, [old, new])
    return (
        struct.pack(
            "<BBBBBBBHBBBHBBB3sI",
            _SECONDS,
            _SECONDS,
            _format_string(new),
            new.stored_length,
            0,
            0,
            old.stored_length,
            _extra_digits([old, new], properties),
            _ASK_CURRENT_AND_CONFIRM,
            _end(properties),
            _MESSAGES_MODIFY,
            _SWEDISH,
            0,
            1,
            2,
            bytes(3),
            len(command),
        )
        + command
    )


class PinPad:
    """The pad of the reader that holds the card, inside a transaction."""

    def __init__(
        self, features: Features, properties: Properties, control: Callable[[int, bytes, bytes], bytes]
    ) -> None:
        """Take what the reader can do; `control` sends a control code, a structure, and for the trace the header."""
        self._features = features
        self._properties = properties
        self._control = control

    @property
    def can_verify(self) -> bool:
        """Whether it does VERIFY."""
        return self._features.verify is not None

    @property
    def can_modify(self) -> bool:
        """Whether it does CHANGE REFERENCE DATA and RESET RETRY COUNTER."""
        return self._features.modify is not None

    def verify(self, header: bytes, block: PinBlock) -> int:
        """Have the person enter a code and the reader send it; return the card's SW1-SW2.

        Raises pinpad.cancelled, pinpad.timeout, pinpad.malformed, pinpad.absent, pin.unsupported (nothing went to the
        card), and what a failed exchange is.
        """
        if self._features.verify is None:
            raise SithsdError(ErrorCode.PINPAD_ABSENT, "the reader's pad does no VERIFY")
        return _status_word(
            self._control(self._features.verify, verify_structure(header, block, self._properties), header)
        )

    def modify(self, header: bytes, old: PinBlock, new: PinBlock) -> int:
        """Have the person enter the present code (or the PUK) and twice the new one; return the card's SW1-SW2.

        Raises as `verify` does, and pinpad.mismatch when the two entries of the new code differ.
        """
        if self._features.modify is None:
            raise SithsdError(ErrorCode.PINPAD_ABSENT, "the reader's pad changes no codes")
        return _status_word(
            self._control(self._features.modify, modify_structure(header, old, new, self._properties), header)
        )


def _command(header: bytes, blocks: list[PinBlock]) -> bytes:
    if len(header) != _HEADER:
        raise ValueError("a header has four bytes")
    lengths = [block.stored_length for block in blocks]
    if any(length is None for length in lengths):
        # The reader puts in the length of what is entered.
        return header + bytes([0])
    if any(length > _LONGEST_BLOCK for length in lengths if length is not None):
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "a PIN pad fills no block longer than 15 bytes")
    filling = b"".join(
        bytes([block.padding if block.padding is not None else 0]) * (block.stored_length or 0) for block in blocks
    )
    return header + bytes([len(filling)]) + filling


def _format_string(block: PinBlock) -> int:
    return _UNITS_ARE_BYTES | (_BCD if block.bcd else _ASCII)


def _extra_digits(blocks: list[PinBlock], properties: Properties) -> int:
    """Return wPINMaxExtraDigit: the least digits in the upper byte, the most in the lower one.

    A structure has one range for all its codes. It is the one that all of them have in common: a code of a wrong length
    would cost a try.
    """
    least = max(*(block.min_length for block in blocks), properties.min_pin_size or 0)
    most = min(*(block.max_length for block in blocks), properties.max_pin_size or 0xFF, 0xFF)
    if least > most:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the reader's pad takes no codes of this length")
    return least << 8 | most


def _end(properties: Properties) -> int:
    """Return bEntryValidationCondition: the OK key, unless the pad says that it ends entries otherwise."""
    told = properties.entry_validation
    return _BY_KEY if told is None or told & _BY_KEY else told


def _status_word(answer: bytes) -> int:
    status_word = int.from_bytes(answer[-_STATUS_WORD:], "big")
    if len(answer) == _STATUS_WORD and status_word in _OF_THE_PAD:
        code, detail = _OF_THE_PAD[status_word]
        raise SithsdError(code, detail, status_word=status_word)
    return status_word
