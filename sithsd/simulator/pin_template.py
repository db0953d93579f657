"""PIN_VERIFY and PIN_MODIFY structures as a pad reads them, and the command it makes of them and of what was keyed in.

PC/SC specification part 10 v2.02.09, 2.5.2 and 2.5.3; the formats are those of the USB CCID specification rev. 1.1,
6.1.11. Numbers of more than one byte are in the host's byte order, which is little-endian wherever this runs.
"""

import struct
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Final, Self

_VERIFY: Final = struct.Struct("<BBBBBHBBHB3sI")
_MODIFY: Final = struct.Struct("<BBBBBBBHBBBHBBB3sI")
_HEADER = 4
_LC = 5
_BCD, _ASCII = 1, 2
_BITS = 8


class TemplateError(ValueError):
    """The structure asks for something that can't be (the pad answers 6B80)."""


class Until(IntFlag):
    """bEntryValidationCondition: what ends the entry of a PIN."""

    MAX_LENGTH = 1
    KEY = 2
    TIME_OUT = 4


@dataclass(frozen=True, slots=True)
class Block:
    """How digits are laid into the data field: bmFormatString, bmPINBlockString, bmPINLengthFormat.

    `position`, `length_position` and `length_bits` are in bits; `size` in bytes, 0 for a block as long as its PIN.
    """

    encoding: int
    right: bool
    position: int
    size: int
    length_bits: int
    length_position: int

    @classmethod
    def parse(cls, form: int, block: int, length: int) -> Self:
        """Read the three bytes. Raises TemplateError for an encoding that is neither BCD nor ASCII."""
        encoding = form & 0x03
        if encoding not in {_BCD, _ASCII}:
            raise TemplateError("PINs are coded in BCD or ASCII")
        unit, length_unit = (_BITS if form & 0x80 else 1), (_BITS if length & 0x10 else 1)
        return cls(
            encoding=encoding,
            right=bool(form & 0x04),
            position=(form >> 3 & 0x0F) * unit,
            size=block & 0x0F,
            length_bits=block >> 4,
            length_position=(length & 0x0F) * length_unit,
        )

    def lay(self, digits: str, data: bytearray, offset: int) -> None:
        """Put `digits` into `data`, `offset` bytes from its beginning; what they don't cover stays as it is.

        A block that reaches past the end makes the data longer, filled with FF. Raises TemplateError if the digits
        don't fit the block or the position is no whole byte.
        """
        if self.position % _BITS:
            raise TemplateError("a PIN begins at a whole byte")
        begin = offset + self.position // _BITS
        per_digit = 4 if self.encoding == _BCD else _BITS
        needed = -(-len(digits) * per_digit // _BITS)
        size = self.size or needed
        if needed > size:
            raise TemplateError("the PIN is longer than its block")
        if len(data) < begin + size:
            data.extend(b"\xff" * (begin + size - len(data)))
        first = (size * _BITS // per_digit - len(digits)) if self.right else 0
        for number, digit in enumerate(digits, first):
            if self.encoding == _ASCII:
                data[begin + number] = ord(digit)
            else:
                _set_bits(data, begin * _BITS + number * 4, 4, int(digit))
        if self.length_bits:
            _set_bits(data, offset * _BITS + self.length_position, self.length_bits, len(digits))


def _set_bits(data: bytearray, position: int, count: int, value: int) -> None:
    end = -(-(position + count) // _BITS)
    if value >> count or end > len(data):
        raise TemplateError("a number does not fit its place in the data")
    shift = end * _BITS - position - count
    whole = int.from_bytes(data[:end], "big")
    mask = ((1 << count) - 1) << shift
    data[:end] = (whole & ~mask | value << shift).to_bytes(end, "big")


@dataclass(frozen=True, slots=True)
class PinTemplate:
    """What one call asks of the pad.

    `old_offset` and `new_offset` count bytes from the data field's beginning; a verification has its PIN at
    `old_offset` 0. `seconds` and `seconds_after_key` are 0 for the pad's own.
    """

    seconds: int
    seconds_after_key: int
    block: Block
    min_length: int
    max_length: int
    until: Until
    asks_old: bool
    asks_new: bool
    confirms: bool
    old_offset: int
    new_offset: int
    command: bytes = field(repr=False)

    @classmethod
    def verify(cls, structure: bytes) -> Self:
        """Read a PIN_VERIFY structure. Raises TemplateError."""
        fields, command = _unpack(_VERIFY, structure)
        seconds, after, form, block, length, extra, until, _messages, _language, _index, _prologue, _size = fields
        return cls(
            **_common(seconds, after, Block.parse(form, block, length), extra, until, command),
            asks_old=True, asks_new=False, confirms=False, old_offset=0, new_offset=0,
        )  # fmt: skip

    @classmethod
    def modify(cls, structure: bytes) -> Self:
        """Read a PIN_MODIFY structure. Raises TemplateError."""
        fields, command = _unpack(_MODIFY, structure)
        seconds, after, form, block, length, old, new, extra, confirm, until, *_ = fields
        if confirm & ~0x03:
            raise TemplateError("bConfirmPIN has bits that mean nothing")
        return cls(
            **_common(seconds, after, Block.parse(form, block, length), extra, until, command),
            asks_old=bool(confirm & 0x02), asks_new=True, confirms=bool(confirm & 0x01), old_offset=old, new_offset=new,
        )  # fmt: skip

    def apdu(self, old: str, new: str = "") -> bytes:
        """Return the command with these digits in it and an Lc that fits. Raises TemplateError if they don't fit."""
        data = bytearray(self.command[_LC:])
        if self.asks_old:
            self.block.lay(old, data, self.old_offset)
        if self.asks_new:
            self.block.lay(new, data, self.new_offset)
        if len(data) > 0xFF:
            raise TemplateError("the command would be too long")
        return self.command[:_HEADER] + bytes([len(data)]) + bytes(data)


def _unpack(layout: struct.Struct, structure: bytes) -> tuple[tuple[int, ...], bytes]:
    if len(structure) < layout.size:
        raise TemplateError("the structure is cut short")
    fields = layout.unpack_from(structure)
    command = structure[layout.size :]
    if fields[-1] != len(command):
        raise TemplateError("ulDataLength is not the data's length")
    if len(command) < _HEADER or (len(command) > _HEADER and command[_HEADER] != len(command) - _LC):
        raise TemplateError("the template is no command with a data field")
    return fields, command


def _common(  # noqa: PLR0913, PLR0917 - the fields that both structures have
    seconds: int, after: int, block: Block, extra: int, until: int, command: bytes
) -> dict[str, Any]:
    shortest, longest = extra >> _BITS, extra & 0xFF
    if longest == 0 or shortest > longest:
        raise TemplateError("wPINMaxExtraDigit leaves no length for a PIN")
    if not until or until & ~0x07:
        raise TemplateError("bEntryValidationCondition says not when the entry ends")
    return {
        "seconds": seconds, "seconds_after_key": after, "block": block, "min_length": shortest,
        "max_length": longest, "until": Until(until), "command": command,
    }  # fmt: skip
