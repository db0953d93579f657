"""Lists of the revoked, whole and as deltas (RFC 5280, 5)."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.simulator.pki import Authority
from sithsd.simulator.register import State


@dataclass(frozen=True, slots=True)
class Edition:
    """A list's number, and its thisUpdate and nextUpdate."""

    number: int
    this_update: datetime
    next_update: datetime


def full(authority: Authority, known: State, edition: Edition, deltas: str | None = None) -> bytes:
    """Return the whole list, in DER; `deltas` is the URL of those to it (5.2.6), if there are any."""
    builder = _begun(authority, edition)
    if deltas is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(deltas)], None, None, None)
        builder = builder.add_extension(x509.FreshestCRL([point]), critical=False)
    for number, entry in known.revoked.items():
        builder = builder.add_revoked_certificate(_line(number, entry.at, entry.flag))
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def delta(authority: Authority, before: State, known: State, base: int, edition: Edition) -> bytes:
    """Return what has changed since the list with the number `base` said `before` (5.2.4), in DER."""
    builder = _begun(authority, edition).add_extension(x509.DeltaCRLIndicator(base), critical=True)
    for number, entry in known.revoked.items():
        if before.revoked.get(number) != entry:
            builder = builder.add_revoked_certificate(_line(number, entry.at, entry.flag))
    for number in before.revoked.keys() - known.revoked.keys():
        lifted = _line(number, edition.this_update, x509.ReasonFlags.remove_from_crl)
        builder = builder.add_revoked_certificate(lifted)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _begun(authority: Authority, edition: Edition) -> x509.CertificateRevocationListBuilder:
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(edition.this_update)
        .next_update(edition.next_update)
        .add_extension(authority.key_identifier, critical=False)
        .add_extension(x509.CRLNumber(edition.number), critical=False)
    )


def _line(number: int, at: datetime, reason: x509.ReasonFlags | None) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(at)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    return builder.build()
