"""What goes in and what comes out: rows of certificates, what all of them are judged by, and what was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sithsd.certificate.tables import Tables
from sithsd.validity.anchors import Anchor
from sithsd.validity.calendar import Advice, Calendar
from sithsd.validity.policy import REPORT, UsePolicy, ValidityPolicy
from sithsd.values import CardKind, Environment, Purpose, Status


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One certificate of an input, and whose it is by that input."""

    line: int
    """Where it stands in the input; told with what was found."""
    der: bytes = field(repr=False)
    """The certificate, or whatever stands where one should."""
    unit: str = ""
    """The unit of who holds it."""
    email: str = field(default="", repr=False)
    """How to reach who holds it."""


@dataclass(frozen=True, slots=True)
class BulkSetup:
    """What all rows of one run are judged by. It goes to other processes as it is."""

    anchors: tuple[Anchor, ...]
    """The roots that are trusted."""
    issuers: tuple[bytes, ...]
    """DER of the CAs between, which are trusted for nothing."""
    policy: ValidityPolicy
    """What is demanded."""
    at: datetime
    """The moment at which everything is judged (aware)."""
    tables: Tables | None = None
    """What the names of issuers and policies mean; the shipped tables if None."""
    lists: tuple[bytes | Path, ...] = field(default=(), repr=False)
    """CRLs (DER), or the files that they are in. Of an issuer without any, nobody was asked."""
    use: UsePolicy = REPORT
    """What is demanded of the lists."""
    calendar: Calendar | None = None
    """What there is to do because of a card's dates; without it, nothing is advised."""


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """What was found of one row. What is not known of a certificate that can't be read is None, or UNKNOWN."""

    line: int
    """The row's."""
    status: Status
    """The verdict: `BAD` for what can't be read."""
    reasons: tuple[str, ...]
    """The names of the verdict's reasons (`sithsd.validity.reasons`), the most serious first."""
    rejected: str | None = None
    """Why the row can't be read as a certificate, in one line; None if it can."""
    not_before: datetime | None = None
    """The first moment of the certificate (aware, in UTC)."""
    not_after: datetime | None = None
    """Its last moment."""
    kind: CardKind = CardKind.UNKNOWN
    """The kind of the card, as far as one certificate tells."""
    environment: Environment = Environment.UNKNOWN
    """The world that the certificate names."""
    level: int | None = None
    """The level of assurance."""
    purpose: Purpose = Purpose.OTHER
    """What the certificate is for."""
    serial_number: int | None = None
    """The certificate's serial number."""
    card_number: str | None = None
    """The number printed on the card."""
    hsa_id: str | None = None
    """The holder's HSA-id, if the certificate carries that identity."""
    holder: str | None = field(default=None, repr=False)
    """The holder's name, masked; None as well where the holder's identity looks protected."""
    revoked_at: datetime | None = None
    """Since when the certificate is revoked, None if no list says so."""
    revocation_reason: str | None = None
    """Why, by RFC 5280, 5.3.1; None if that is not told."""
    advice: tuple[Advice, ...] = ()
    """What there is to do, the most urgent first, as if this were the only certificate of its card."""


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """Some rows, one after the other as in the input, and what was found of each, in the same order."""

    rows: tuple[CertificateRow, ...]
    judged: tuple[JudgedRow, ...]

    def __iter__(self) -> Iterator[tuple[CertificateRow, JudgedRow]]:
        return zip(self.rows, self.judged, strict=True)

    def __len__(self) -> int:
        return len(self.rows)
