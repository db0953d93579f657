"""The entries of a CRL (RFC 5280, 5.1.2.6), found by serial number in a list of half a million of them.

The list has been read by cryptography before, so it is DER; here the places of its entries are put in order, in eight
bytes each, because a dictionary of as many numbers would take a hundred.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from asn1crypto import crl as structures
from cryptography.x509 import ReasonFlags

from sithsd.validity.revocation.authority import UnprovenError
from sithsd.validity.revocation.reason_names import by_name

MAX_BYTES = 32 * 1024 * 1024  # half a million entries with reasons are 26 MB

_PLACE_BITS = 25  # holds MAX_BYTES
_KEY_MASK = (1 << (64 - _PLACE_BITS)) - 1
_PLACE_MASK = (1 << _PLACE_BITS) - 1
_SEQUENCE, _INTEGER = 0x30, 0x02
_CRITICAL = b"\x01\x01\xff"
_MAX_SEEN = 1024

# Understood, or harmless to pass over (RFC 5280, 5.3). A certificate issuer makes the list an indirect one.
_UNDERSTOOD = frozenset({"crl_reason", "invalidity_date", "hold_instruction_code"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: since when a certificate is revoked, and why."""

    revoked_at: datetime
    reason: ReasonFlags | None

    @property
    def removed(self) -> bool:
        """Whether it takes a certificate off the list that a delta goes with (removeFromCRL)."""
        return self.reason is ReasonFlags.remove_from_crl


class Entries:
    """The lines of one list."""

    def __init__(self, content: bytes) -> None:
        """Take the content of revokedCertificates. Raises UnprovenError if one has a critical extension not known."""
        self._content = content
        places = _places(content)
        places.sort()
        self._index = array("Q", places)

    @classmethod
    def within(cls, signed: bytes) -> Self:
        """Return the lines of the TBSCertList `signed` (DER). Raises UnprovenError."""
        return cls(_revoked_certificates(signed))

    def __len__(self) -> int:
        return len(self._index)

    def parts(self) -> "tuple[bytes, array[int]]":
        """Return the bytes of the lines, and the index of eight bytes for each of them."""
        return self._content, self._index

    def of(self, serial_number: int) -> list[Entry]:
        """Return the lines about this serial number. Raises UnprovenError for one that can't be read."""
        return [self._entry(place) for place in self._places_of(serial_number)]

    def __contains__(self, serial_number: int) -> bool:
        return any(True for _ in self._places_of(serial_number))

    def serial_numbers(self) -> Iterator[int]:
        """Yield the serial numbers, in no order that means anything."""
        for key in self._index:
            yield self._serial(key & _PLACE_MASK)

    def _places_of(self, serial_number: int) -> Iterator[int]:
        key = serial_number & _KEY_MASK
        at = bisect_left(self._index, key << _PLACE_BITS)
        while at < len(self._index) and self._index[at] >> _PLACE_BITS == key:
            place = self._index[at] & _PLACE_MASK
            if self._serial(place) == serial_number:
                yield place
            at += 1

    def _serial(self, place: int) -> int:
        start, _ = _header(self._content, place)
        return int.from_bytes(self._content[start + 2 : start + 2 + self._content[start + 1]], "big", signed=True)

    def _entry(self, place: int) -> Entry:
        _, stop = _header(self._content, place)
        try:
            line = structures.RevokedCertificate.load(self._content[place:stop], strict=True)
            reason = line.crl_reason_value
            return Entry(line["revocation_date"].native, by_name(reason.native) if reason is not None else None)
        except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field
            raise UnprovenError(f"the certificate's entry can't be read ({type(error).__name__})") from None


def _places(content: bytes) -> list[int]:
    """Return for each entry the end of its serial number with its place below it. This runs half a million times."""
    found: list[int] = []
    seen: set[bytes] = set()
    place, end, critical = 0, len(content), _find(content, 0)
    try:
        while place < end:
            length = content[place + 1]
            start, stop = (place + 2, place + 2 + length) if length < 0x80 else _header(content, place)
            octets = content[start + 1]
            after = start + 2 + octets
            fits = content[place] == _SEQUENCE and content[start] == _INTEGER and octets < 0x80 and after < stop <= end
            if not fits:
                raise UnprovenError("an entry is malformed")
            if critical < stop:
                extensions = content[after + 2 + content[after + 1] : stop]
                if extensions not in seen:
                    _check_critical(content[place:stop])
                    if len(seen) < _MAX_SEEN:
                        seen.add(extensions)
                critical = _find(content, stop)
            serial = int.from_bytes(content[start + 2 : after], "big", signed=True)
            found.append((serial & _KEY_MASK) << _PLACE_BITS | place)
            place = stop
    except IndexError:
        raise UnprovenError("an entry is malformed") from None
    return found


def _find(content: bytes, place: int) -> int:
    """Return where the next bytes are that mark something as critical, or the end: without them nothing is."""
    found = content.find(_CRITICAL, place)
    return len(content) if found < 0 else found


def _revoked_certificates(signed: bytes) -> bytes:
    start, stop = _header(signed, 0)
    fields: list[tuple[int, int, int]] = []
    while start < stop:
        content, end = _header(signed, start)
        fields.append((signed[start], content, end))
        start = end
    # The version, which may lack, the algorithm, the issuer and one moment or two come before (RFC 5280, 5.1.2).
    sequences = [(content, end) for tag, content, end in fields if tag == _SEQUENCE]
    return signed[slice(*sequences[2])] if len(sequences) > 2 else b""


def _header(content: bytes, place: int) -> tuple[int, int]:
    """Return where the content of the element at `place` begins and ends."""
    length = content[place + 1]
    if length < 0x80:
        return place + 2, place + 2 + length
    octets = length & 0x7F
    if not 1 <= octets <= 4:
        raise UnprovenError("a length is malformed")
    start = place + 2 + octets
    return start, start + int.from_bytes(content[place + 2 : start], "big")


def _check_critical(entry: bytes) -> None:
    try:
        unknown = structures.RevokedCertificate.load(entry, strict=True).critical_extensions - _UNDERSTOOD
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field
        raise UnprovenError(f"an entry is malformed ({type(error).__name__})") from None
    if unknown:
        raise UnprovenError(f"an entry has a critical extension that is not known ({min(unknown)})")
