"""What is known of one certificate's revocation, and by what evidence."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RevocationStatus(StrEnum):
    """Three answers; `UNKNOWN` has a `Failure` that tells why."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """Where an answer was found."""

    OCSP = "ocsp"
    CRL = "crl"


class Failure(StrEnum):
    """Why nothing is known."""

    CHAIN_UNKNOWN = "chainUnknown"  # no valid path to an anchor, so nobody may be asked
    NO_SOURCE = "noSource"  # the certificate names nowhere to ask that may be asked
    UNREACHABLE = "unreachable"  # no answer could be had: no network, refused, an HTTP error, or too slow
    INVALID = "invalid"  # there was an answer that proves nothing: wrong signer, wrong certificate, malformed, replayed
    NOT_KNOWN_THERE = "notKnownThere"  # a proven answer: the responder does not know the certificate
    STALE = "stale"  # a proven answer that has outlived its next update


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer about one certificate, proven by a signature, or why there is none. Moments are aware, in UTC."""

    fingerprint: str
    """SHA-256 of the certificate that it is about, in lower-case hexadecimal."""
    serial_number: int
    """The certificate's serial number."""
    status: RevocationStatus
    """The answer. `GOOD` with a CRL means: not listed in a list that covers it."""
    source: Source | None = None
    """What answered, None if nothing did."""
    url: str | None = None
    """Where it was had, or was tried in vain at last."""
    signer: str | None = None
    """The subject of who signed the answer."""
    this_update: datetime | None = None
    """The moment at which the answer was known to be right (thisUpdate)."""
    next_update: datetime | None = None
    """When newer information will be there at the latest (nextUpdate); None if the answer does not tell."""
    produced_at: datetime | None = None
    """When the answer was signed (producedAt of OCSP; a CRL's thisUpdate)."""
    fetched_at: datetime | None = None
    """When it was fetched."""
    revoked_at: datetime | None = None
    """Since when the certificate is revoked."""
    revocation_reason: str | None = None
    """Why, by RFC 5280, 5.3.1 ("keyCompromise"); None if no reason is told."""
    failure: Failure | None = None
    """Why nothing is known, with `UNKNOWN` alone."""
    detail: str | None = None
    """A sentence for developers, without personal data."""
    next_check: datetime | None = None
    """When the same is going to be asked again without being told to; None if it is not."""

    def __post_init__(self) -> None:
        if (self.status is RevocationStatus.UNKNOWN) != (self.failure is not None):
            raise ValueError("a failure is told where nothing is known, and there alone")
