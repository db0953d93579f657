"""What is kept of what was fetched."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What an answer is. The words stand in the store's file."""

    OCSP = "ocsp"
    CRL = "crl"
    ISSUER = "issuer"


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer that was proven before it was kept, without its bytes. Moments are aware, in UTC, to the second.

    Nothing of a holder is in it but the certificate's fingerprint and serial number: names stay in memory.
    """

    key: str
    """What it answers: the kind, and what tells it from others of that kind."""
    kind: Kind
    """What it is."""
    url: str
    """Where it was had."""
    fetched_at: datetime
    """When it was fetched."""
    asked_at: datetime
    """When it was last asked for, about to the hour."""
    this_update: datetime | None = None
    """When it was made, of a kind that tells."""
    next_update: datetime | None = None
    """When a newer one is there at the latest, if that is told."""
    number: int | None = None
    """A CRL's number."""
    nonce: bytes | None = None
    """What was sent along with the question, for an OCSP response that may repeat it."""
    size: int = 0
    """How many bytes it has."""


def ocsp_key(fingerprint: str) -> str:
    """Return the key of the OCSP response about the certificate with this fingerprint."""
    return f"{Kind.OCSP} {fingerprint}"


def crl_key(url: str, issuer: str) -> str:
    """Return the key of the CRL at this URL that the issuer with this fingerprint has signed."""
    return f"{Kind.CRL} {issuer} {url}"


def issuer_key(fingerprint: str) -> str:
    """Return the key of the CA's certificate with this fingerprint."""
    return f"{Kind.ISSUER} {fingerprint}"


def is_older(new: Entry, kept: Entry, at: datetime) -> bool:
    """Whether `new` is from before what is kept: an old answer, played again.

    A CRL's number only grows (RFC 5280, 5.2.3). It counts as long as the kept list has not outlived its next update:
    an issuer that began to count anew is heard again then.
    """
    if new.this_update is None or kept.this_update is None:
        return False
    if new.this_update < kept.this_update:
        return True
    alive = kept.next_update is not None and at <= kept.next_update
    return alive and new.number is not None and kept.number is not None and new.number < kept.number
