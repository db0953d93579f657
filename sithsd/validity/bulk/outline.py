"""The outline of an ordinary certificate: its shape, and what differs between certificates of one shape.

Certificates that one CA issues to people are alike: version, algorithms, issuer, and all extensions but a few. That is
their shape. Two certificates of one shape differ in serial number, dates, subject, key, key identifier, alternative
names, card number and signature, and in nothing else, to the byte.

Only the ordinary has an outline: strict DER throughout (X.690, 10.1: each length in its shortest form), and in each of
the parts that differ nothing but what is listed here. What is unusual, malformed or weak has none, and has to be looked
at carefully. So every rule here may be stricter than those who read certificates carefully, and must never be laxer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sithsd.certificate.names import (
    COMMON_NAME,
    GIVEN_NAME,
    LOCALITY,
    ORGANIZATION,
    SERIAL_NUMBER,
    SURNAME,
    DistinguishedName,
)

_SEQUENCE, _SET, _INTEGER, _BIT_STRING = 0x30, 0x31, 0x02, 0x03
_EXTENSIONS = 0xA3
_VERSION_3 = bytes.fromhex("a003020102")
_MAX_BYTES = 4096  # what is learnt is kept, so it has to be small
_MAX_SERIAL = 20  # octets (RFC 5280, 4.1.2.2)

# RFC 5280, 4.1.2.5.1: until 2049 as UTCTime.
_VALIDITY = re.compile(rb"\x30\x1e\x17\x0d([0-9]{12})Z\x17\x0d([0-9]{12})Z")

_ATTRIBUTE_TYPE = bytes.fromhex("06035504")
_ATTRIBUTES = {
    0x03: COMMON_NAME,
    0x04: SURNAME,
    0x05: SERIAL_NUMBER,
    0x06: "2.5.4.6",
    0x07: LOCALITY,
    0x0A: ORGANIZATION,
    0x0B: "2.5.4.11",
    0x2A: GIVEN_NAME,
}
_UTF8_STRING, _PRINTABLE_STRING = 0x0C, 0x13
# The letters of Europe's west and north: nothing that comparing names would map or refuse (RFC 4518, 2).
UTF8_TEXT = re.compile("[ -~\u00c0-\u017e]+")
_PRINTABLE_TEXT = re.compile(rb"[A-Za-z0-9 '()+,\-./:=?]+")

# Keys with the bytes before the modulus (RFC 3279, 2.3.1), by the length of all; e is 65537.
_RSA_KEYS = {
    294: bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"),
    422: bytes.fromhex("308201a2300d06092a864886f70d01010105000382018f003082018a0282018100"),
    550: bytes.fromhex("30820222300d06092a864886f70d01010105000382020f003082020a0282020100"),
}
_RSA_EXPONENT = bytes.fromhex("0203010001")
# And before an uncompressed point of P-256 and P-384 (RFC 5480, 2).
_EC_KEYS = {
    91: bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    120: bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"),
}

_KEY_IDENTIFIER = bytes.fromhex("0603551d0e04")
_ALTERNATIVE_NAMES = bytes.fromhex("0603551d11")
_CARD_NUMBER = bytes.fromhex("06062a8570220201")
_CRITICAL = bytes.fromhex("0101ff")
_DIGITS = re.compile(rb"[0-9]{1,64}")
# Both end in a domain whose labels are no A-labels (RFC 5890, 2.3.2.1): those would be decoded, and may be malformed.
_MAILBOX = re.compile(
    rb"[A-Za-z0-9._%+\-]{1,64}@(?:(?![Xx][Nn]--)[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}"
)
_PRINCIPAL = bytes.fromhex("060a2b060104018237140203a0")  # user principal name
_PRINCIPAL_TEXT = re.compile(rb"[!-~]{1,100}")


class _ExtraordinaryError(Exception):
    """It has no outline."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a certificate consists of. `shape` is the same for all certificates that are alike, and only for these."""

    shape: tuple[bytes, ...]
    algorithm: bytes
    """The signature's AlgorithmIdentifier (DER); it stands in both places."""
    issuer: bytes
    """The issuer's name (DER)."""
    serial_number: int
    not_before: datetime
    not_after: datetime
    subject: DistinguishedName
    key: bytes
    """SubjectPublicKeyInfo (DER) of a key that has no weakness."""
    card_number: str | None
    signed: bytes
    """TBSCertificate (DER): what is signed."""
    signature: bytes
    is_rewritten: bool
    """Whether a length ends in the byte 0x80: asn1crypto writes such a certificate anew (`sithsd.validity.path`)."""


def outline(der: bytes) -> Outline | None:
    """Return the outline of the certificate in `der`, None if it is not an ordinary one."""
    try:
        return _outline(der)
    except (_ExtraordinaryError, IndexError, ValueError):
        return None


def _outline(der: bytes) -> Outline:
    if len(der) > _MAX_BYTES:
        raise _ExtraordinaryError
    tbs = _content(der, 0, _SEQUENCE, len(der))
    at = _content(der, tbs, _SEQUENCE)
    algorithm_at = _end(der, tbs)
    signature_at = _end(der, algorithm_at)
    if der[at : at + 5] != _VERSION_3:
        raise _ExtraordinaryError
    serial_at = at + 5
    inner_at = _end(der, serial_at)
    issuer_at = _end(der, inner_at)
    validity_at = _end(der, issuer_at)
    subject_at = _end(der, validity_at)
    key_at = _end(der, subject_at)
    extensions_at = _end(der, key_at)
    algorithm, issuer, key = der[inner_at:issuer_at], der[issuer_at:validity_at], der[key_at:extensions_at]
    if der[algorithm_at:signature_at] != algorithm:
        raise _ExtraordinaryError
    validity = _VALIDITY.fullmatch(der, validity_at, subject_at)
    signature = _content(der, signature_at, _BIT_STRING, len(der))
    if validity is None or der[signature] != 0:
        raise _ExtraordinaryError
    listed = _content(der, extensions_at, _EXTENSIONS, algorithm_at)
    shapes, card_number = _extensions(der, _content(der, listed, _SEQUENCE, algorithm_at), algorithm_at)
    return Outline(
        shape=(algorithm, issuer, _key(key), *shapes),
        algorithm=algorithm,
        issuer=issuer,
        serial_number=_serial_number(der[_content(der, serial_at, _INTEGER) : inner_at]),
        not_before=_moment(validity[1]),
        not_after=_moment(validity[2]),
        subject=_name(der, _content(der, subject_at, _SEQUENCE), key_at),
        key=key,
        card_number=card_number,
        signed=der[tbs:algorithm_at],
        signature=der[signature + 1 :],
        is_rewritten=der[tbs - 1] == 0x80 or der[at - 1] == 0x80,
    )


def _end(der: bytes, at: int) -> int:
    """Return where the element at `at` ends."""
    length = der[at + 1]
    if length < 0x80:
        return at + 2 + length
    if length == 0x81:
        length = der[at + 2]
        if length >= 0x80:
            return at + 3 + length
    elif length == 0x82:
        length = der[at + 2] << 8 | der[at + 3]
        if length >= 0x100:
            return at + 4 + length
    raise _ExtraordinaryError


def _content(der: bytes, at: int, tag: int, end: int | None = None) -> int:
    """Return where the content of the element at `at` begins; the element must end at `end`, if one is given."""
    if der[at] != tag or (end is not None and _end(der, at) != end):
        raise _ExtraordinaryError
    length = der[at + 1]
    return at + 2 if length < 0x80 else at + 3 if length == 0x81 else at + 4


def _serial_number(content: bytes) -> int:
    number = int.from_bytes(content, "big", signed=True)
    if number <= 0 or len(content) > _MAX_SERIAL or (content[0] == 0 and content[1] < 0x80):
        raise _ExtraordinaryError
    return number


def _moment(text: bytes) -> datetime:
    year, month, day, hour, minute, second = (int(text[place : place + 2]) for place in range(0, 12, 2))
    return datetime(2000 + year if year < 50 else 1900 + year, month, day, hour, minute, second, tzinfo=UTC)


def _name(der: bytes, at: int, end: int) -> DistinguishedName:
    """Return a name of relative names of one known attribute each, no type twice."""
    names: dict[str, str] = {}
    while at < end:
        pair_at = _content(der, at, _SET)
        at = _end(der, at)
        type_at = _content(der, pair_at, _SEQUENCE, at)
        value_at = type_at + 5
        kind = _ATTRIBUTES.get(der[type_at + 4])
        content = der[_content(der, value_at, der[value_at], at) : at]
        if kind is None or kind in names or der[type_at : type_at + 4] != _ATTRIBUTE_TYPE:
            raise _ExtraordinaryError
        if der[value_at] == _PRINTABLE_STRING:
            if _PRINTABLE_TEXT.fullmatch(content) is None:
                raise _ExtraordinaryError
        elif der[value_at] != _UTF8_STRING:
            raise _ExtraordinaryError
        names[kind] = text = content.decode()
        if UTF8_TEXT.fullmatch(text) is None:
            raise _ExtraordinaryError
    if at != end or not names:
        raise _ExtraordinaryError
    return DistinguishedName(tuple((pair,) for pair in names.items()))


def _key(key: bytes) -> bytes:
    """Return what the shape has of a key that has no weakness."""
    length = len(key)
    if (start := _RSA_KEYS.get(length)) is not None:
        if key.startswith(start) and key[len(start)] & 0x80 and key[-6] & 1 and key.endswith(_RSA_EXPONENT):
            return b"RSA"
    elif (start := _EC_KEYS.get(length)) is not None and key.startswith(start):
        try:
            load_der_public_key(key)  # not every point is on the curve
        except (ValueError, UnsupportedAlgorithm):
            raise _ExtraordinaryError from None
        return start
    raise _ExtraordinaryError


def _extensions(der: bytes, at: int, end: int) -> tuple[list[bytes], str | None]:
    """Return what the shape has of the extensions, and the card number.

    An extension in the shape is either whole or the bytes before what differs: these alone end in the middle.
    """
    shapes: list[bytes] = []
    card_number = None
    while at < end:
        content = _content(der, at, _SEQUENCE)
        next_at = _end(der, at)
        if der.startswith(_KEY_IDENTIFIER, content):
            value = content + 6
            # The OCTET STRING of the extension, and that of the identifier (RFC 5280, 4.2.1.2), both short.
            if der[value] != next_at - value - 1 or der[value + 1] != 0x04 or der[value + 2] != next_at - value - 3:
                raise _ExtraordinaryError
            shapes.append(der[at : value + 3])
        elif der.startswith(_ALTERNATIVE_NAMES, content):
            shapes.append(_alternative_names(der, content + 5, next_at))
        elif der.startswith(_CARD_NUMBER, content):
            start = content + 8
            shape = der[content:start]
            if der.startswith(_CRITICAL, start):
                shape, start = shape + _CRITICAL, start + 3
            digits = der[start + 4 : next_at]
            if der[start : start + 4] != bytes((0x04, len(digits) + 2, _PRINTABLE_STRING, len(digits))):
                raise _ExtraordinaryError
            if _DIGITS.fullmatch(digits) is None:
                raise _ExtraordinaryError
            shapes.append(shape)
            card_number = digits.decode()
        else:
            shapes.append(der[at:next_at])
        at = next_at
    if at != end:
        raise _ExtraordinaryError
    return shapes, card_number


def _alternative_names(der: bytes, at: int, end: int) -> bytes:
    """Return which sorts of names there are (RFC 5280, 4.2.1.6): addresses, and user principal names."""
    shape = _ALTERNATIVE_NAMES
    if der.startswith(_CRITICAL, at):
        shape, at = shape + _CRITICAL, at + 3
    at = _content(der, _content(der, at, 0x04, end), _SEQUENCE, end)
    while at < end:
        start, next_at = _content(der, at, der[at]), _end(der, at)
        if der[at] == 0x81:
            if _MAILBOX.fullmatch(der, start, next_at) is None:
                raise _ExtraordinaryError
        elif der[at] == 0xA0 and der.startswith(_PRINCIPAL, start):
            value = _content(der, start + len(_PRINCIPAL) - 1, 0xA0, next_at)
            if _PRINCIPAL_TEXT.fullmatch(der, _content(der, value, _UTF8_STRING, next_at), next_at) is None:
                raise _ExtraordinaryError
        else:
            raise _ExtraordinaryError
        shape += der[at : at + 1]
        at = next_at
    if at != end:
        raise _ExtraordinaryError
    return shape
