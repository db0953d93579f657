"""One CRL (RFC 5280, 5), read and proven once, and then asked as often as is needed."""

import warnings
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from sithsd.certificate.read import Certificate
from sithsd.validity.policy import REFUSED_WEAKNESSES
from sithsd.validity.revocation.authority import Authority, UnprovenError, check_strength
from sithsd.validity.revocation.entries import MAX_BYTES, Entries, Entry
from sithsd.validity.revocation.scope import Scope

# What tells nothing that would make a list's entries mean something else (RFC 5280, 5.2).
_HARMLESS = (
    x509.AuthorityKeyIdentifier,
    x509.IssuerAlternativeName,
    x509.FreshestCRL,
    x509.AuthorityInformationAccess,
)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list that its issuer has signed; whether it is in time, and for which certificates, is asked afterwards."""

    issuer: Certificate
    """The CA that has signed it."""
    this_update: datetime
    """When it was made."""
    next_update: datetime
    """When the next one will be there at the latest."""
    number: int | None
    """Its number; a higher one is newer."""
    base: int | None
    """With a delta: the number of the oldest complete list that it goes with. None for a complete list."""
    scope: Scope
    """Which certificates it is about."""
    entries: Entries = field(repr=False)
    """Its lines."""
    url: str | None = None
    """Where it was had."""
    fetched_at: datetime | None = None
    """When it was fetched."""

    def lookup(self, serial_number: int) -> Entry | None:
        """Return the line about a certificate of this issuer, None if there is none.

        Of several lines the one that was revoked first counts. Raises UnprovenError if a line can't be read.
        """
        found = self.entries.of(serial_number)
        staying = [entry for entry in found if not entry.removed]
        return min(staying or found, key=lambda entry: entry.revoked_at, default=None)


def parse(
    content: bytes,
    issuer: Certificate,
    *,
    url: str | None = None,
    fetched_at: datetime | None = None,
    refused: frozenset[str] = REFUSED_WEAKNESSES,
) -> RevocationList:
    """Return the list in `content` (DER), whose signature is that of `issuer`.

    Half a million entries take about a second and 25 MiB. Raises UnprovenError, whatever `content` is.
    """
    if len(content) > MAX_BYTES:
        raise UnprovenError(f"the list is larger than {MAX_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            # A serial number that isn't positive and the like: cryptography warns of it at each look.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return _proven(x509.load_der_x509_crl(content), Authority.of(issuer), url, fetched_at, refused)
    except UnprovenError:
        raise
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; it proves nothing then
        raise UnprovenError(f"the list is malformed ({type(error).__name__})") from None


def _proven(
    read: x509.CertificateRevocationList,
    issuer: Authority,
    url: str | None,
    fetched_at: datetime | None,
    refused: frozenset[str],
) -> RevocationList:
    _check_signed(read, issuer, refused)
    if read.next_update_utc is None:
        raise UnprovenError("the list has no next update")
    if read.next_update_utc < read.last_update_utc:
        raise UnprovenError("its next update is before its this update")
    number: int | None = None
    base: int | None = None
    point: x509.IssuingDistributionPoint | None = None
    for extension in read.extensions:
        match extension.value:
            case x509.CRLNumber() as value:
                number = value.crl_number
            case x509.DeltaCRLIndicator() as value:
                base = value.crl_number
            case x509.IssuingDistributionPoint() as value:
                point = value
            case value if extension.critical and not isinstance(value, _HARMLESS):
                raise UnprovenError(f"it has a critical extension that is not known ({extension.oid.dotted_string})")
    return RevocationList(
        issuer=issuer.certificate,
        this_update=read.last_update_utc,
        next_update=read.next_update_utc,
        number=number,
        base=base,
        scope=Scope.of(point, issuer.loaded.subject),
        entries=Entries.within(read.tbs_certlist_bytes),
        url=url,
        fetched_at=fetched_at,
    )


def _check_signed(read: x509.CertificateRevocationList, issuer: Authority, refused: frozenset[str]) -> None:
    if read.issuer != issuer.loaded.subject:
        raise UnprovenError("the list is another issuer's")
    use = issuer.der.key_usage_value
    if use is not None and "crl_sign" not in use.native:
        raise UnprovenError("the issuer may not sign lists")
    hashed = read.signature_hash_algorithm
    check_strength(hashed.name if hashed else "", refused)
    if not read.is_signature_valid(issuer.loaded.public_key()):  # type: ignore[arg-type]  # it raises TypeError for others
        raise UnprovenError("the signature is wrong")
