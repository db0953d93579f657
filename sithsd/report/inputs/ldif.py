"""Exports of a directory: LDIF (RFC 2849) of people with their certificates (userCertificate, RFC 4523, 4.1).

Read by a reader of our own, because an export is bounded here entry by entry: of the libraries that were looked at none
bounds a line or an entry, and the first bad entry ends their reading.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from sithsd.report.encoded import EncodingError, der_of
from sithsd.report.inputs.lines import MAX_LINE
from sithsd.report.model import Entry, Evidence, Place, Reject, Why
from sithsd.report.rows import LONGEST

MAX_CERTIFICATES: Final = 64
"""Certificates of one entry; people keep a few old ones."""
_CERTIFICATE: Final = "usercertificate"
# What a person's unit is called, the most telling first (RFC 4519; inetOrgPerson, RFC 2798; HSA and Active Directory).
_UNITS: Final = ("department", "ou", "departmentnumber", "physicaldeliveryofficename", "o", "company")
_NAMES: Final = ("displayname", "cn")
_MAILS: Final = ("mail", "userprincipalname")
_READ: Final = frozenset({"dn", _CERTIFICATE, *_UNITS, *_NAMES, *_MAILS})


@dataclass(slots=True)
class _Record:
    line: int
    values: dict[str, list[bytes]] = field(default_factory=dict)
    wrong: Why | None = None

    @property
    def is_entry(self) -> bool:
        """Whether it is an entry, and no `version:` or what ldapsearch writes below the last one."""
        if "dn" not in self.values and _CERTIFICATE in self.values:
            self.wrong = self.wrong or Why.MALFORMED
        return "dn" in self.values or self.wrong is not None

    def first(self, names: Iterable[str]) -> str | None:
        """Return the first value that one of the attributes has."""
        for name in names:
            for value in self.values.get(name, []):
                if text := " ".join(value.decode("utf-8", "replace").split())[:LONGEST]:
                    return text
        return None


class Ldif:
    """The certificates of one export. `without` counts the entries that have none: of groups, of machines."""

    unused = ()

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Take the file and its name."""
        self._file = file
        self._name = name
        self.without = 0

    def __iter__(self) -> Iterator[Entry | Reject]:
        for record in self._records():
            if record.wrong is not None:
                yield Reject(Place(self._name, record.line), record.wrong)
            else:
                yield from self._entries(record)

    def _entries(self, record: _Record) -> Iterator[Entry | Reject]:
        place = Place(self._name, record.line)
        certificates = record.values.get(_CERTIFICATE, [])
        if not certificates:
            self.without += 1
            return
        if len(certificates) > MAX_CERTIFICATES:
            yield Reject(place, Why.TOO_MANY)
            return
        unit = record.first(_UNITS) or _unit_of(record.first(["dn"]) or "")
        holder = (record.first(["dn"]) or "").casefold() or None
        name, email = record.first(_NAMES), record.first(_MAILS)
        for value in dict.fromkeys(certificates):
            try:
                der = der_of(value)
            except EncodingError as error:
                yield Reject(place, error.why)
                continue
            yield Entry(place, Evidence.CERTIFICATE, unit=unit, email=email, name=name, holder=holder, der=der)

    def _records(self) -> Iterator[_Record]:
        record: _Record | None = None
        for number, line in self._unfolded():
            if line == b"":
                if record is not None and record.is_entry:
                    yield record
                record = None
            elif line is None:
                record = record or _Record(number)
                record.wrong = Why.TOO_LONG
            elif not line.startswith(b"#"):
                record = record or _Record(number)
                _take(record, line)
        if record is not None and record.is_entry:
            yield record

    def _unfolded(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield each line with its number, what was folded put together; None for one that is too long."""
        begins, whole, too_long = 0, bytearray(), False
        number = 0
        while line := self._file.readline(MAX_LINE):
            number += 1
            cut = not line.endswith(b"\n") and self._skip()
            line = line.rstrip(b"\r\n")
            if line[:1] == b" " and whole:
                too_long = too_long or cut or len(whole) + len(line) > MAX_LINE
                if not too_long:
                    whole += line[1:]
                continue
            if begins:
                yield begins, None if too_long else bytes(whole)
            begins, whole, too_long = number, bytearray(line), cut
        if begins:
            yield begins, None if too_long else bytes(whole)

    def _skip(self) -> bool:
        """Read on to the end of a line that is too long; False if it was only the file's last one."""
        skipped = False
        while rest := self._file.readline(MAX_LINE):
            skipped = True
            if rest.endswith(b"\n"):
                break
        return skipped


def _take(record: _Record, line: bytes) -> None:
    name, colon, value = line.partition(b":")
    described = name.decode("ascii", "replace").casefold()
    attribute = described.split(";")[0].strip()
    if not colon or not attribute:
        record.wrong = record.wrong or Why.MALFORMED
        return
    if attribute not in _READ:
        return
    if value[:1] == b"<":
        # A file or an address to fetch from: an export that is a report's input has no business to name one.
        if attribute == _CERTIFICATE:
            record.wrong = record.wrong or Why.CERTIFICATE_ELSEWHERE
        return
    if value[:1] == b":":
        try:
            value = base64.b64decode(value[1:].strip(), validate=True)
        except binascii.Error:
            record.wrong = record.wrong or Why.MALFORMED
            return
    else:
        value = value.lstrip(b" ")
    if value:
        record.values.setdefault(attribute, []).append(value)


def _unit_of(dn: str) -> str | None:
    """Return the nearest organizational unit that a person's distinguished name tells (RFC 4514), None without one."""
    for part in dn.split(",")[1:]:
        kind, _, value = part.partition("=")
        if kind.strip().casefold() == "ou" and value.strip():
            return value.strip()[:LONGEST]
    return None
