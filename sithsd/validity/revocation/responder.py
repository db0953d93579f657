"""Who may answer for a CA (RFC 6960, 4.2.2.2): the CA itself, or whom it has given a certificate for that."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import ocsp as structures
from asn1crypto import x509
from cryptography.x509 import ocsp
from pyhanko_certvalidator.path import ValidationPath

from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.validity.path import as_anchor, load, problem
from sithsd.validity.revocation import crl
from sithsd.validity.revocation.authority import Authority, UnprovenError
from sithsd.validity.revocation.lists import RevocationList
from sithsd.validity.revocation.model import RevocationStatus

MAX_DELEGATES = 4


@dataclass(frozen=True, slots=True)
class Demands:
    """What an answer has to meet, whoever gives it."""

    issuer: Authority
    """The CA whose certificate is asked about."""
    at: datetime
    """The moment that counts."""
    nonce: bytes | None
    """The nonce that was sent."""
    lists: Sequence[RevocationList]
    """The issuer's CRLs that are at hand, for its delegates."""
    refused: frozenset[str]
    """The weaknesses that are not accepted."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key is to have signed a response, as it is read here and as the library reads it."""

    certificate: Certificate
    der: x509.Certificate


def find_signer(response: ocsp.OCSPResponse, basic: structures.BasicOCSPResponse, demands: Demands) -> Signer:
    """Return who says that it has signed, and may. Raises UnprovenError with the reason if that is nobody."""
    named = basic["tbs_response_data"]["responder_id"]
    issuer = demands.issuer
    if _is_named(issuer.der, named, response):
        return Signer(issuer.certificate, issuer.der)
    wrong: str | None = None
    for certificate, der in _enclosed(basic):
        if not _is_named(der, named, response):
            continue
        objected = _objection(certificate, der, demands)
        if objected is None:
            return Signer(certificate, der)
        wrong = wrong or objected
    raise UnprovenError(wrong or "who has signed it is not known")


def _enclosed(basic: structures.BasicOCSPResponse) -> Iterator[tuple[Certificate, x509.Certificate]]:
    for one in list(basic["certs"] or ())[:MAX_DELEGATES]:
        try:
            certificate = read(one.dump())
        except CertificateError:
            continue
        if (der := load(certificate)) is not None:
            yield certificate, der


def _is_named(der: x509.Certificate, named: structures.ResponderId, response: ocsp.OCSPResponse) -> bool:
    if named.name == "by_key":
        key = bytes(der.public_key["public_key"])
        return response.responder_key_hash == hashlib.sha1(key).digest()  # noqa: S324 - it names, and protects nothing
    return bool(der.subject == named.chosen)


def _objection(certificate: Certificate, der: x509.Certificate, demands: Demands) -> str | None:  # noqa: PLR0911 - each return is one rule
    """Return why the issuer's word is not for this certificate's key to give, or None."""
    usage = der.extended_key_usage_value
    if usage is None or "ocsp_signing" not in usage.native:
        return "it is signed by one that may not sign responses"
    use = der.key_usage_value
    if use is not None and not use.native & {"digital_signature", "non_repudiation"}:
        return "it is signed by one that may not sign"
    issuer = demands.issuer
    if der.issuer != issuer.der.subject or problem(ValidationPath(as_anchor(issuer.der), [], der)):
        return "it is signed by one that the issuer has not delegated that to"
    if not certificate.not_before <= demands.at <= certificate.not_after:
        return "the responder's certificate is out of date"
    if weak := demands.refused.intersection(certificate.weaknesses):
        return f"the responder's certificate is weak ({min(weak)})"
    if der.ocsp_no_check_value is None:
        found = crl.weigh(demands.lists, certificate, issuer.certificate, demands.at)
        if found.status is not RevocationStatus.GOOD:
            return f"whether the responder's certificate is revoked is not known ({found.detail or found.status})"
    return None
