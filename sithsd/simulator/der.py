"""The few DER values that EF contents of PKCS#15 are made of (ISO/IEC 8825-1)."""

from datetime import UTC, datetime

from sithsd.iso7816 import tlv

_BOOLEAN = 0x01
_INTEGER = 0x02
_BIT_STRING = 0x03
_OCTET_STRING = 0x04
_ENUMERATED = 0x0A
_UTF8_STRING = 0x0C
_GENERALIZED_TIME = 0x18
_SEQUENCE = 0x30
_CONTEXT = 0x80
_CONSTRUCTED = 0x20


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE (or SEQUENCE OF) of values that are encoded already."""
    return tlv.encode(_SEQUENCE, b"".join(parts))


def integer(value: int) -> bytes:
    """Return an INTEGER, which here is never negative."""
    return tlv.encode(_INTEGER, _magnitude(value))


def enumerated(value: int) -> bytes:
    """Return an ENUMERATED."""
    return tlv.encode(_ENUMERATED, _magnitude(value))


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN."""
    return tlv.encode(_BOOLEAN, b"\xff" if value else b"\0")


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv.encode(_OCTET_STRING, value)


def text(value: str) -> bytes:
    """Return a UTF8String."""
    return tlv.encode(_UTF8_STRING, value.encode())


def time(moment: datetime) -> bytes:
    """Return a GeneralizedTime in UTC, to the second."""
    return tlv.encode(_GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def flags(*bits: int) -> bytes:
    """Return a named-bit BIT STRING with these bits set; bit 0 is the first. Trailing zero bits are left out."""
    if not bits:
        return tlv.encode(_BIT_STRING, b"\0")
    length = max(bits) + 1
    size = (length + 7) // 8
    value = sum(1 << (8 * size - 1 - bit) for bit in set(bits))
    return tlv.encode(_BIT_STRING, bytes([8 * size - length]) + value.to_bytes(size, "big"))


def context(number: int, value: bytes, *, constructed: bool) -> bytes:
    """Return a context-specific value with the tag `number` (0 to 30) around or instead of a universal one."""
    return tlv.encode(_CONTEXT | number | (_CONSTRUCTED if constructed else 0), value)


def _magnitude(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
