"""What a client checks of a signature that the daemon gave it, with the certificate and what was asked for alone.

The daemon has checked the signature too. This code is no copy of its: a mistake made in both would hide itself.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sithsd.client.model import Authentication, Certificate, Signature, Verdict
from sithsd.errors import ErrorCode, More, SithsdError
from sithsd.values import IdentityKind, Padding, Purpose, SignatureAlgorithm, Status

REVOCATION_UNCHECKED: Final = frozenset({"revocation.notChecked", "revocation.unreachable"})
"""Nobody was asked, or nobody answered. An answer that is too old or proves nothing is another matter."""

_HASHES: Final = MappingProxyType[str, type[hashes.HashAlgorithm]](
    {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
)


class Require(StrEnum):
    """How good the daemon's verdict on the certificate has to be.

    GOOD: nothing is left unknown, and that it is not revoked is known by an answer that is fresh enough. How long one
    counts when no newer one can be had, the daemon's settings say (`log_in_grace_hours`).
    GOOD_OR_REVOCATION_UNCHECKED: as good, but that nobody was asked about revocation, or nobody answered. Path, dates
    and environment are known to be in order. Not one whose last answer is too old, or proves nothing.
    NOT_BAD: nothing speaks against it, but it may be anybody's, from an authority that nobody has heard of. For
    programs that check the path themselves, or send the certificate to a server that does.
    NOTHING: also one that is known to be bad (expired, revoked). For looking into what is wrong.
    """

    GOOD = "good"
    GOOD_OR_REVOCATION_UNCHECKED = "goodOrRevocationUnchecked"
    NOT_BAD = "notBad"
    NOTHING = "nothing"

    @classmethod
    def usual(cls, purpose: Purpose) -> "Require":
        """Return what is required unless something else is said: for a signature less than for a log-in.

        Whoever is let in is in, and nobody looks at the certificate afterwards: what is not known lets nobody in. A
        person signs with the own card, and whoever relies on the signature asks then whether the certificate was
        revoked: that nobody could be asked when it was made is no reason not to sign.
        """
        return cls.GOOD_OR_REVOCATION_UNCHECKED if purpose is Purpose.SIGNATURE else cls.GOOD

    def is_met_by(self, verdict: Verdict) -> bool:
        """Tell whether a verdict is good enough. One that this release does not know is unknown."""
        match self:
            case Require.GOOD:
                return verdict.status == Status.GOOD
            case Require.GOOD_OR_REVOCATION_UNCHECKED:
                unchecked = bool(verdict.reasons) and REVOCATION_UNCHECKED.issuperset(verdict.reasons)
                return verdict.status == Status.GOOD or (verdict.status == Status.UNKNOWN and unchecked)
            case Require.NOT_BAD:
                return verdict.status != Status.BAD
            case Require.NOTHING:
                return True


class RequirementError(SithsdError):
    """The certificate is not as good as required: certificate.bad; `more.rules` are the reasons of `verdict`."""

    def __init__(self, require: Require, verdict: Verdict) -> None:
        reasons = ", ".join(verdict.reasons) or "no reason"
        super().__init__(
            ErrorCode.CERTIFICATE_BAD, f"{require} is required, and the verdict is {verdict.status}: {reasons}"
        )
        self.verdict = verdict
        self.more = More(rules=verdict.reasons)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a signature was asked for.

    `message` is what is signed, or, where it is `hashed`, its hash. `fingerprint` is SHA-256 in lower-case hexadecimal.
    None: not said.
    """

    purpose: Purpose
    message: bytes
    hashed: bool
    require: Require
    identity: IdentityKind | None = None
    fingerprint: str | None = None
    algorithm: SignatureAlgorithm | None = None
    reader: str | None = None
    card_serial: str | None = None


def check(reply: Signature, asked: Asked) -> None:
    """Return if `reply` is what was asked for.

    Raises signature.invalid where it is not: another challenge, card, certificate, identity or algorithm, or a
    signature that is not the certificate's. Raises RequirementError where the certificate is not as good as required.
    """
    if isinstance(reply, Authentication) and reply.challenge != asked.message:
        raise _invalid("another challenge was signed than the one that was sent")
    certificate, der = reply.certificate, reply.certificate.der
    if der is None or hashlib.sha256(der).hexdigest() != certificate.fingerprint:
        raise _invalid("the certificate is not the one that its fingerprint tells")
    for what, wanted, got in (
        ("certificate", asked.fingerprint, certificate.fingerprint),
        ("purpose", asked.purpose, certificate.purpose),
        ("identity", asked.identity, reply.identity),
        ("identity", reply.identity, certificate.identity),
        ("algorithm", asked.algorithm, reply.algorithm),
        ("reader", asked.reader, reply.reader),
        ("card", asked.card_serial, reply.card_serial),
    ):
        if wanted is not None and wanted != got:
            raise _invalid(f"it is of another {what} than was asked for")
    _check_key(reply, der, asked)
    check_verdict(certificate, asked.require)


def check_verdict(certificate: Certificate, require: Require) -> None:
    """Return if the verdict on a certificate is as good as required, else raise RequirementError."""
    if not require.is_met_by(certificate.verdict):
        raise RequirementError(require, certificate.verdict)


def _check_key(reply: Signature, der: bytes, asked: Asked) -> None:
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        serials = certificate.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid("the certificate can't be read") from None
    if not _signed(key, reply, asked):
        raise _invalid("the signature is not the certificate's key's")
    value = reply.identity_value
    if (asked.identity is not None and value is None) or (
        value is not None and not any(_same_identity(str(one.value), value) for one in serials)
    ):
        raise _invalid("the identity is not the one in the certificate")


def _signed(key: object, reply: Signature, asked: Asked) -> bool:
    algorithm, hashed = reply.algorithm, _HASHES[reply.algorithm.hash_name]()
    digest = asked.message if asked.hashed else hashlib.new(algorithm.hash_name, asked.message).digest()
    try:
        match key, algorithm.padding:
            case rsa.RSAPublicKey(), Padding.PKCS1:
                key.verify(reply.signature, digest, padding.PKCS1v15(), Prehashed(hashed))
            case rsa.RSAPublicKey(), Padding.PSS:
                # The salt is as long as the hash, and nothing else is taken (RFC 8017, 9.1).
                pss = padding.PSS(padding.MGF1(hashed), padding.PSS.DIGEST_LENGTH)
                key.verify(reply.signature, digest, pss, Prehashed(hashed))
            case ec.EllipticCurvePublicKey(), None:
                key.verify(reply.signature, digest, ec.ECDSA(Prehashed(hashed)))
            case _:
                return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _same_identity(written: str, told: str) -> bool:
    """Tell whether the subject's serialNumber is the identity: as it is, or a personal identity number's digits.

    A certificate may write the number with a sign in it, and "PNOSE-" before it (ETSI EN 319 412-1, 5.1.3).
    """
    if written.strip() == told:
        return True
    digits = re.sub(r"[^0-9]", "", re.sub(r"^\s*[A-Z]{3}SE-", "", written))
    return told.isdecimal() and digits == told


def _invalid(detail: str) -> SithsdError:
    return SithsdError(ErrorCode.SIGNATURE_INVALID, detail)
