"""Where a certificate says that its revocation is told (RFC 5280, 4.2.1.13, 4.2.1.15, 4.2.2.1): http alone, bounded."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID

from sithsd.certificate.read import Certificate

MAX_URLS = 4
MAX_URL_LENGTH = 1024

_DistributionPoints = x509.CRLDistributionPoints | x509.FreshestCRL


@dataclass(frozen=True, slots=True)
class Sources:
    """URLs, all http, each once, in the certificate's order and at most `MAX_URLS` of a kind."""

    ocsp: tuple[str, ...] = ()
    """OCSP responders."""
    crls: tuple[str, ...] = ()
    """Complete CRLs, or the parts that a CRL was cut into."""
    delta_crls: tuple[str, ...] = ()
    """Delta CRLs."""
    issuers: tuple[str, ...] = ()
    """Where the issuing CA's certificate is."""


def of(certificate: Certificate) -> Sources:
    """Return where `certificate` says to ask. What it says is not proven: its path has to be.

    Other schemes than http (https would need what it is to prove; ldap), URLs with a user, a fragment or characters
    that belong into none, and whatever can't be read are left out.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            extensions = x509.load_der_x509_certificate(certificate.der).extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return Sources()
    ocsp: list[x509.GeneralName] = []
    issuers: list[x509.GeneralName] = []
    crls: list[x509.GeneralName] = []
    deltas: list[x509.GeneralName] = []
    for extension in extensions:
        match extension.value:
            case x509.AuthorityInformationAccess() as value:
                for description in value:
                    if description.access_method == AuthorityInformationAccessOID.OCSP:
                        ocsp.append(description.access_location)
                    elif description.access_method == AuthorityInformationAccessOID.CA_ISSUERS:
                        issuers.append(description.access_location)
            case x509.CRLDistributionPoints() as value:
                crls += _names(value)
            case x509.FreshestCRL() as value:
                deltas += _names(value)
    return Sources(_urls(ocsp), _urls(crls), _urls(deltas), _urls(issuers))


def _names(points: _DistributionPoints) -> Iterator[x509.GeneralName]:
    """Yield the names of the points whose list the certificate's own issuer signs: indirect ones are not used."""
    for point in points:
        if point.crl_issuer is None:
            yield from point.full_name or ()


def _urls(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    urls = (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
    return tuple(dict.fromkeys(url for url in urls if _usable(url)))[:MAX_URLS]


def _usable(url: str) -> bool:
    if len(url) > MAX_URL_LENGTH or not all("!" <= letter <= "~" for letter in url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and "#" not in url and "\\" not in url
    return parts.scheme == "http" and bool(parts.hostname) and plain and port != 0
