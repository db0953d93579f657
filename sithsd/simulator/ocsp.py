"""OCSP, the authorities' side: requests read, responses signed (RFC 6960)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import OCSPExtensionOID

from sithsd.simulator.chair import Signer
from sithsd.simulator.pki import Authority
from sithsd.simulator.register import Entry, State

LONGEST_NONCE: Final = 128
"""What a nonce may have at most (RFC 9654, 2.1), in bytes."""
_GENERALIZED_TIME = b"\x18\x0f"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said of a certificate: good, revoked by `entry`, or unknown."""

    request: ocsp.OCSPRequest
    serial_number: int
    status: ocsp.OCSPCertStatus
    entry: Entry | None = None


def read(request: bytes) -> ocsp.OCSPRequest:
    """Read a request for one certificate. Raises ValueError for everything else."""
    try:
        return ocsp.load_der_ocsp_request(request)
    except NotImplementedError as error:  # cryptography's word for a request for several certificates
        raise ValueError(str(error)) from None


def nonce_of(request: ocsp.OCSPRequest) -> bytes | None:
    """Return the nonce in a request, None without one. Raises ValueError for one that is too long, or empty."""
    try:
        nonce = request.extensions.get_extension_for_oid(OCSPExtensionOID.NONCE).value
    except x509.ExtensionNotFound:
        return None
    if not isinstance(nonce, x509.OCSPNonce) or not 1 <= len(nonce.nonce) <= LONGEST_NONCE:
        raise ValueError("the nonce has a length that none has")
    return nonce.nonce


def look_up(request: ocsp.OCSPRequest, authority: Authority, known: State) -> Answer:
    """Return what is known. What is not of this authority, or was never issued, is unknown."""
    serial = request.serial_number
    if not _is_about(request, authority) or serial not in known.issued:
        return Answer(request, serial, ocsp.OCSPCertStatus.UNKNOWN)
    entry = known.revoked.get(serial)
    status = ocsp.OCSPCertStatus.GOOD if entry is None else ocsp.OCSPCertStatus.REVOKED
    return Answer(request, serial, status, entry)


def unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    """Return a response without an answer (4.2.1)."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def respond(answer: Answer, signer: Signer, period: tuple[datetime, datetime], nonce: bytes | None) -> bytes:
    """Return a signed response in DER, made at the beginning of its period (thisUpdate to nextUpdate)."""
    request, entry = answer.request, answer.entry
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=request.issuer_name_hash,
        issuer_key_hash=request.issuer_key_hash,
        serial_number=answer.serial_number,
        algorithm=request.hash_algorithm,
        cert_status=answer.status,
        this_update=period[0],
        next_update=period[1],
        revocation_time=entry.at if entry else None,
        revocation_reason=entry.flag if entry else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if signer.enclosed:
        builder = builder.certificates([signer.certificate])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return _made_at(builder.sign(signer.key, hashes.SHA256()), signer.key, period[0])


def _is_about(request: ocsp.OCSPRequest, authority: Authority) -> bool:
    # Hashed is the key's BIT STRING (4.1.1), which for an RSA key holds its PKCS#1 form.
    key = authority.key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    name = authority.certificate.subject.public_bytes()
    digests = (_digest(content, request.hash_algorithm) for content in (name, key))
    return (request.issuer_name_hash, request.issuer_key_hash) == tuple(digests)


def _digest(content: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(content)
    return digest.finalize()


def _made_at(response: ocsp.OCSPResponse, key: rsa.RSAPrivateKey, moment: datetime) -> bytes:
    """Return the response as made at another moment: cryptography's producedAt is always the machine's present one."""
    told, wanted = (
        _GENERALIZED_TIME + each.strftime("%Y%m%d%H%M%SZ").encode("ascii")
        for each in (response.produced_at_utc, moment)
    )
    before = response.tbs_response_bytes
    after = before.replace(told, wanted, 1)  # the first of its times: only names come before it
    signature = key.sign(after, padding.PKCS1v15(), hashes.SHA256())
    whole = response.public_bytes(Encoding.DER)
    return whole.replace(before, after, 1).replace(response.signature, signature, 1)
