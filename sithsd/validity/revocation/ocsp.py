"""OCSP (RFC 6960): the request about one certificate, and what a response proves.

A response is read by cryptography, whose reader takes DER alone and nothing behind it; asn1crypto then shows the little
that cryptography does not.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asn1crypto import ocsp as structures
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import ocsp

from sithsd.certificate.read import Certificate
from sithsd.validity.moments import later
from sithsd.validity.policy import DESK, REFUSED_WEAKNESSES
from sithsd.validity.revocation.authority import (
    NAMING,
    Authority,
    UnprovenError,
    check_signature,
    check_strength,
    shortened,
)
from sithsd.validity.revocation.lists import RevocationList
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source
from sithsd.validity.revocation.reason_names import reason_name
from sithsd.validity.revocation.responder import Demands, find_signer

MAX_RESPONSE_BYTES = 64 * 1024
MAX_ANSWERS = 64
NONCE_BYTES = 32  # RFC 9654, 2.1: what a client sends, and every responder must take

# Understood, or harmless to pass over (RFC 6960, 4.4): the nonce; which CRL was asked; how long records are kept; that
# the extended definition of "revoked" is used.
_UNDERSTOOD = frozenset({"nonce", "crl", "archive_cutoff", "extended_revoke"})


@dataclass(frozen=True, slots=True)
class _Answer:
    """One SingleResponse about the certificate."""

    status: ocsp.OCSPCertStatus
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None
    reason: str | None


def request(certificate: Certificate, issuer: Certificate, nonce: bytes | None) -> bytes:
    """Return the DER of an OCSPRequest about `certificate` (RFC 6960, 4.1).

    The CertID is by SHA-1, which every responder knows and which only names here. A nonce has 1 to 128 bytes (RFC 9654,
    2.1); `NONCE_BYTES` random ones are right. Raises ValueError for another length, and UnprovenError for an unreadable
    issuer and for a negative serial number, which no request is made about.
    """
    if certificate.serial_number < 0:
        raise UnprovenError("the certificate's serial number is negative")
    if nonce is not None and not 1 <= len(nonce) <= 128:
        raise ValueError("a nonce has 1 to 128 bytes")
    named_by = hashes.SHA1()  # noqa: S303 - it names, and protects nothing
    name, key = Authority.of(issuer).names(named_by.name)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, certificate.serial_number, named_by)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(serialization.Encoding.DER)


def examine(  # noqa: PLR0913 - the answer, whom it is about, when, and what was asked
    response: bytes,
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    *,
    nonce: bytes | None = None,
    url: str | None = None,
    fetched_at: datetime | None = None,
    lists: Sequence[RevocationList] = (),
    refused: frozenset[str] = REFUSED_WEAKNESSES,
) -> Evidence:
    """Return what an OCSPResponse proves of `certificate`, which `issuer` has issued, at the moment `at` (aware).

    It has to be signed by the issuer or by whom it has delegated that to (RFC 6960, 4.2.2.2), be about this
    certificate, and be in time. A nonce that comes back has to be `nonce`; one may lack, since responses may be made in
    advance. `lists` are the issuer's CRLs, as far as they are at hand: a delegate without id-pkix-ocsp-nocheck is
    believed only if they prove that it is not revoked. `refused` are the weaknesses of a signature or key that are not
    accepted. Nothing is raised for any `response`.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    at = at.astimezone(UTC)
    about = Evidence(
        certificate.fingerprint,
        certificate.serial_number,
        RevocationStatus.UNKNOWN,
        Source.OCSP,
        url,
        fetched_at=fetched_at,
        failure=Failure.INVALID,
    )
    try:
        with warnings.catch_warnings():
            # A serial number that isn't positive and the like: cryptography warns of it at each look.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            demands = Demands(Authority.of_issuer(issuer, certificate), at, nonce, lists, refused)
            return _proven(response, certificate, about, demands)
    except UnprovenError as error:
        return replace(about, detail=shortened(str(error)))
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; it proves nothing then
        return replace(about, detail=f"the response is malformed ({type(error).__name__})")


def _proven(response: bytes, certificate: Certificate, about: Evidence, demands: Demands) -> Evidence:
    if len(response) > MAX_RESPONSE_BYTES:
        raise UnprovenError(f"the response is larger than {MAX_RESPONSE_BYTES} bytes")
    try:
        read = ocsp.load_der_ocsp_response(response)
        status = read.response_status
    except ValueError:
        raise UnprovenError("the response is malformed") from None
    if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:  # which nobody has signed (RFC 6960, 2.3)
        return replace(about, failure=Failure.UNREACHABLE, detail=f"the responder says {status.name.lower()}")
    basic = _basic(response)
    check_strength(_hash_name(basic), demands.refused)
    signer = find_signer(read, basic, demands)
    check_signature(read.tbs_response_bytes, read.signature, basic["signature_algorithm"], signer.der)
    _check_extensions(read, demands.nonce)
    answer = _choose(list(_answers(read, basic, certificate, demands.issuer)))
    told = replace(
        about,
        signer=shortened(signer.certificate.masked_subject),
        this_update=answer.this_update,
        next_update=answer.next_update,
        produced_at=read.produced_at_utc,
    )
    return _in_time(told, answer, demands.at)


def _basic(response: bytes) -> structures.BasicOCSPResponse:
    try:
        return structures.OCSPResponse.load(response, strict=True).basic_ocsp_response
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field
        raise UnprovenError(f"the response is malformed ({type(error).__name__})") from None


def _hash_name(basic: structures.BasicOCSPResponse) -> str:
    try:
        return str(basic["signature_algorithm"].hash_algo)
    except (ValueError, TypeError, KeyError):
        raise UnprovenError("the signature's algorithm is not known") from None


def _check_extensions(read: ocsp.OCSPResponse, nonce: bytes | None) -> None:
    try:
        extensions = list(read.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise UnprovenError("an extension is malformed") from None
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            if extension.value.nonce != nonce:
                raise UnprovenError("the nonce is not ours")
        elif extension.critical:
            raise UnprovenError(f"it has a critical extension that is not known ({extension.oid.dotted_string})")


def _answers(
    read: ocsp.OCSPResponse, basic: structures.BasicOCSPResponse, certificate: Certificate, issuer: Authority
) -> Iterator[_Answer]:
    """Yield the answers that are about the certificate."""
    raw = basic["tbs_response_data"]["responses"]
    if len(raw) > MAX_ANSWERS:
        raise UnprovenError(f"the response has more than {MAX_ANSWERS} answers")
    for single, beside in zip(read.responses, raw, strict=True):
        if single.serial_number != certificate.serial_number:
            continue
        if not _is_named(single, issuer):
            continue
        if unknown := _critical(beside) - _UNDERSTOOD:
            raise UnprovenError(f"it has a critical extension that is not known ({min(unknown)})")
        reason = reason_name(single.revocation_reason)
        yield _Answer(
            single.certificate_status,
            single.this_update_utc,
            single.next_update_utc,
            single.revocation_time_utc,
            reason,
        )


def _is_named(single: ocsp.OCSPSingleResponse, issuer: Authority) -> bool:
    """Tell whether an answer is about a certificate of this issuer, named by a usual hash."""
    try:
        named_by = single.hash_algorithm.name
    except UnsupportedAlgorithm:
        return False
    return named_by in NAMING and (single.issuer_name_hash, single.issuer_key_hash) == issuer.names(named_by)


def _critical(single: structures.SingleResponse) -> set[str]:
    try:
        return set(single.critical_extensions)
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field
        raise UnprovenError(f"an extension is malformed ({type(error).__name__})") from None


def _choose(answers: list[_Answer]) -> _Answer:
    """Return the answer that counts where there are several: the worst one, and of equal ones the newest."""
    if not answers:
        raise UnprovenError("the response is not about this certificate")
    worst = (ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN, ocsp.OCSPCertStatus.GOOD)
    return min(answers, key=lambda answer: (worst.index(answer.status), -answer.this_update.timestamp()))


def _in_time(told: Evidence, answer: _Answer, at: datetime) -> Evidence:
    if answer.next_update is not None and answer.next_update < answer.this_update:
        return replace(told, detail="its next update is before its this update")
    if answer.status is ocsp.OCSPCertStatus.REVOKED:  # which it stays, whatever the clock says
        revoked = replace(told, status=RevocationStatus.REVOKED, failure=None)
        return replace(revoked, revoked_at=answer.revoked_at, revocation_reason=answer.reason)
    soon = later(at, DESK.skew)
    if answer.this_update > soon or (told.produced_at is not None and told.produced_at > soon):
        return replace(told, detail="the response is from after this machine's clock")
    if answer.status is ocsp.OCSPCertStatus.UNKNOWN:
        return replace(told, failure=Failure.NOT_KNOWN_THERE)
    if at > DESK.due(answer.this_update, answer.next_update):
        return replace(told, failure=Failure.STALE, detail="the response has outlived its next update")
    return replace(told, status=RevocationStatus.GOOD, failure=None)
