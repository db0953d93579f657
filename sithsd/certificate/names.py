"""Distinguished names (X.501; RFC 5280, 4.1.2.4), read leniently and written for people.

Old certificates may carry Latin-1 in TeletexString, which strict readers refuse: here every name in well-formed DER
can be read, because a name that is not understood must not hide a card. Characters that would steer a terminal or turn
the order of a line (control and format characters) become U+FFFD.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMMON_NAME = "2.5.4.3"
SURNAME = "2.5.4.4"
SERIAL_NUMBER = "2.5.4.5"
LOCALITY = "2.5.4.7"
ORGANIZATION = "2.5.4.10"
GIVEN_NAME = "2.5.4.42"

# RFC 4514, 3 names the first nine; the others are what RFC 4519 and people call them.
_KEYWORDS = {
    COMMON_NAME: "CN",
    LOCALITY: "L",
    "2.5.4.8": "ST",
    ORGANIZATION: "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
    SURNAME: "SN",
    SERIAL_NUMBER: "serialNumber",
    "2.5.4.12": "title",
    GIVEN_NAME: "GN",
    "1.2.840.113549.1.9.1": "emailAddress",
}

_SEQUENCE, _SET, _OBJECT_IDENTIFIER = 0x30, 0x31, 0x06
_TELETEX_STRING, _UNIVERSAL_STRING, _BMP_STRING = 0x14, 0x1C, 0x1E
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class NameMalformedError(ValueError):
    """The bytes are no distinguished name."""


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """A name as in the certificate: relative names in order, each a tuple of (OID, value), usually a single one."""

    relative_names: tuple[tuple[tuple[str, str], ...], ...] = ()

    def first(self, oid: str) -> str | None:
        """Return the first value of the attribute type `oid` that is not blank, or None."""
        for kind, value in (pair for relative in self.relative_names for pair in relative):
            if kind == oid and value.strip():
                return value
        return None

    def text(self, change: Callable[[str, str], str] | None = None) -> str:
        """Return the string of RFC 4514, the last relative name first; `change` (OID, value) rewrites values."""
        return ",".join(
            "+".join(
                f"{_KEYWORDS.get(oid, oid)}={_escape(change(oid, value) if change else value)}" for oid, value in rdn
            )
            for rdn in reversed(self.relative_names)
        )


def issuer_and_subject(tbs_certificate: bytes) -> tuple[DistinguishedName, DistinguishedName]:
    """Return the two names of a TBSCertificate (RFC 5280, 4.1). Raises NameMalformedError."""
    fields = list(_elements(_whole(tbs_certificate)))
    if fields and fields[0][0] == 0xA0:  # the version is written only when it is not v1
        del fields[0]
    if len(fields) < 6:
        raise NameMalformedError("the certificate ends before its subject")
    _, _, (issuer_tag, issuer), _, (subject_tag, subject), *_ = fields  # serial, algorithm, issuer, validity, subject
    if issuer_tag != _SEQUENCE or subject_tag != _SEQUENCE:
        raise NameMalformedError("a name is not where it should be")
    return _name(issuer), _name(subject)


def normalized(name: str) -> str:
    """Return `name` as it is compared: without regard to case and to the number of spaces (RFC 5280, 7.1)."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _name(content: bytes) -> DistinguishedName:
    relatives = _items(content, _SET)
    return DistinguishedName(tuple(tuple(_attribute(pair) for pair in _items(rdn, _SEQUENCE)) for rdn in relatives))


def _attribute(content: bytes) -> tuple[str, str]:
    parts = list(_elements(content))
    if len(parts) != 2 or parts[0][0] != _OBJECT_IDENTIFIER:
        raise NameMalformedError("an attribute is not a type and a value")
    return _dotted(parts[0][1]), _decoded(*parts[1])


def _decoded(tag: int, content: bytes) -> str:
    if tag == _BMP_STRING:
        text = content.decode("utf-16-be", errors="replace")
    elif tag == _UNIVERSAL_STRING:
        text = content.decode("utf-32-be", errors="replace")
    elif tag == _TELETEX_STRING:
        text = content.decode("latin-1")  # not T.61, but what issuers put there
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return "".join("\ufffd" if unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise NameMalformedError("an attribute type is malformed")
    numbers: list[int] = []
    number = 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    top = min(numbers[0] // 40, 2)
    return ".".join(map(str, (top, numbers[0] - 40 * top, *numbers[1:])))


def _escape(value: str) -> str:
    # RFC 4514, 2.4
    escaped = re.sub(r'([\\",+<>;])', r"\\\1", value)
    if escaped.endswith(" ") and escaped != " ":
        escaped = escaped[:-1] + "\\ "
    return "\\" + escaped if escaped.startswith(("#", " ")) else escaped


def _whole(der: bytes) -> bytes:
    elements = list(_elements(der))
    if len(elements) != 1 or elements[0][0] != _SEQUENCE:
        raise NameMalformedError("not a sequence")
    return elements[0][1]


def _items(content: bytes, tag: int) -> Iterator[bytes]:
    for found, value in _elements(content):
        if found != tag:
            raise NameMalformedError(f"tag {found:02X} where {tag:02X} belongs")
        yield value


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    # One-byte tags and definite lengths are all that a name and the fields before it use (X.690, 8.1, 10.1).
    position = 0
    while position < len(content):
        header = content[position : position + 2]
        if len(header) < 2:
            raise NameMalformedError("cut off in the middle of a header")
        tag, length = header
        position += 2
        if length & 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4 or position + octets > len(content):
                raise NameMalformedError("a length is malformed")
            length = int.from_bytes(content[position : position + octets], "big")
            position += octets
        if position + length > len(content):
            raise NameMalformedError("a length goes past the end")
        yield tag, content[position : position + length]
        position += length
