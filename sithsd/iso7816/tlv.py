"""BER-TLV data objects (ISO/IEC 7816-4:2020, 6.3; ISO/IEC 8825-1)."""

from collections.abc import Iterator
from dataclasses import dataclass

_MAX_TAG_BYTES = 3
_MAX_LENGTH_BYTES = 3
_SHORT_LENGTH = 0x80


class TlvError(ValueError):
    """The bytes are no well-formed BER-TLV."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object: `tag` as the integer of its encoded bytes (0x6F, 0x7F49), `value` without tag and length."""

    tag: int
    value: bytes

    @property
    def constructed(self) -> bool:
        """Whether the value is itself a row of data objects (bit 6 of the tag's first byte)."""
        first = self.tag
        while first > 0xFF:  # down to the first byte
            first >>= 8
        return bool(first & 0x20)

    def children(self) -> tuple["Tlv", ...]:
        """Return the data objects inside. Raises TlvError if the value is no row of them."""
        return tuple(parse(self.value))

    def find(self, tag: int) -> "Tlv | None":
        """Return the first child with `tag`, or None. Raises TlvError if the value is malformed."""
        return next((child for child in self.children() if child.tag == tag), None)


def read(data: bytes, start: int = 0) -> tuple[Tlv, int]:
    """Return the data object that begins at `start`, and the position after it.

    Definite lengths only, tags of at most 3 bytes, lengths of at most 3 bytes. Raises TlvError.
    """
    tag, position = _tag(data, start)
    length, position = _length(data, position)
    end = position + length
    if end > len(data):
        raise TlvError(f"tag {tag:X} promises {length} bytes, {len(data) - position} are there")
    return Tlv(tag, data[position:end]), end


def parse(data: bytes) -> Iterator[Tlv]:
    """Yield the data objects of `data`, which they must fill to the last byte. Raises TlvError."""
    position = 0
    while position < len(data):
        item, position = read(data, position)
        yield item


def header(data: bytes | bytearray, start: int = 0) -> tuple[int, int]:
    """Return (header length, value length) of the data object that begins at `start`, though its value is not all here.

    For reading a file of unknown size: its first bytes tell how much there is. Raises TlvError.
    """
    _, position = _tag(data, start)
    length, position = _length(data, position)
    return position - start, length


def encode(tag: int, value: bytes) -> bytes:
    """Return the data object's bytes, with the shortest length field.

    Raises TlvError for what `read` would not give back: a number that is no tag, a value past the bound on lengths.
    """
    if tag < 0:
        raise TlvError("a tag is not negative")
    written = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    if _tag(written, 0)[1] != len(written):
        raise TlvError(f"{tag:X} is not one tag")
    return written + encode_length(len(value)) + value


def encode_length(length: int) -> bytes:
    """Return a definite length field, as short as it can be. Raises TlvError for more than three bytes can tell."""
    if 0 <= length < _SHORT_LENGTH:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    if length < 0 or size > _MAX_LENGTH_BYTES:
        raise TlvError(f"a length of {length} is not supported")
    return bytes([_SHORT_LENGTH | size]) + length.to_bytes(size, "big")


def _tag(data: bytes | bytearray, start: int) -> tuple[int, int]:
    if start >= len(data):
        raise TlvError("a tag is missing")
    position = start + 1
    if data[start] & 0x1F == 0x1F:  # the tag goes on in the next byte
        while position < len(data) and data[position] & 0x80:
            position += 1
        position += 1
    if position > len(data) or position - start > _MAX_TAG_BYTES:
        raise TlvError("a tag is cut short or too long")
    return int.from_bytes(data[start:position], "big"), position


def _length(data: bytes | bytearray, position: int) -> tuple[int, int]:
    if position >= len(data):
        raise TlvError("a length is missing")
    first, position = data[position], position + 1
    if first < _SHORT_LENGTH:
        return first, position
    size = first & 0x7F
    if not 1 <= size <= _MAX_LENGTH_BYTES:
        raise TlvError(f"a length of {size} bytes is not supported")
    if position + size > len(data):
        raise TlvError("a length is cut short")
    return int.from_bytes(data[position : position + size], "big"), position + size
