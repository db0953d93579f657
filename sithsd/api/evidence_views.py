"""What a verdict on revocation rests on, as the wire tells it."""

import hashlib
from datetime import datetime, timedelta

from sithsd.api import wire
from sithsd.api.moments import moment_or_none
from sithsd.session.model import JudgedCertificate
from sithsd.validity.freshness import stale_by
from sithsd.validity.revocation.model import Evidence

_HOUR = timedelta(hours=1)


def told(entry: JudgedCertificate) -> list[wire.Evidence]:
    """Return the evidence about a certificate and its issuers, in the order of its path. Names are masked."""
    subjects = _subjects(entry)
    checked_at = entry.assessment.checked_at
    return [_one(one, subjects.get(one.fingerprint), checked_at) for one in entry.assessment.evidence]


def next_check(entry: JudgedCertificate) -> datetime | None:
    """Return when there is going to be more to know of a certificate, None if nobody says."""
    moments = (one.next_check for one in entry.assessment.evidence if one.next_check is not None)
    return min(moments, default=None)


def _subjects(entry: JudgedCertificate) -> dict[str, str]:
    """Return the masked subjects of a path's certificates by their fingerprints, as far as both are known."""
    path, issuers = entry.assessment.path, entry.assessment.issuers
    fingerprints = (entry.certificate.fingerprint, *(hashlib.sha256(der).hexdigest() for der in issuers))
    # An anchor at the end has a subject here, and no bytes.
    return dict(zip(fingerprints, path, strict=False))


def _one(evidence: Evidence, subject: str | None, checked_at: datetime) -> wire.Evidence:
    stale = stale_by(evidence, checked_at)
    return wire.Evidence(
        fingerprint=evidence.fingerprint,
        serial_number=f"{evidence.serial_number:X}",
        status=str(evidence.status),
        subject=subject,
        source=None if evidence.source is None else str(evidence.source),
        url=evidence.url,
        signer=evidence.signer,
        this_update=moment_or_none(evidence.this_update),
        next_update=moment_or_none(evidence.next_update),
        produced_at=moment_or_none(evidence.produced_at),
        fetched_at=moment_or_none(evidence.fetched_at),
        revoked_at=moment_or_none(evidence.revoked_at),
        revocation_reason=evidence.revocation_reason,
        failure=None if evidence.failure is None else str(evidence.failure),
        detail=evidence.detail,
        next_check=moment_or_none(evidence.next_check),
        stale_hours=None if stale is None else stale // _HOUR,
    )
