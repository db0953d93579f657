"""The CA whose word about its certificates is believed, and whether a word is its own."""

import hashlib
import warnings
from dataclasses import dataclass

from asn1crypto import algos, x509
from cryptography import x509 as cx509
from cryptography.exceptions import InvalidSignature
from cryptography.utils import CryptographyDeprecationWarning
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from sithsd.certificate.read import Certificate
from sithsd.certificate.strength import WEAK_SIGNATURE_MD5, WEAK_SIGNATURE_SHA1
from sithsd.validity.path import load, objection

_WEAK = {"md5": WEAK_SIGNATURE_MD5, "sha1": WEAK_SIGNATURE_SHA1}
# A CertID only names: a second preimage of these is out of reach. MD5 is in no responder's use.
NAMING = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})
_MAX_TEXT = 256


def shortened(text: str) -> str:
    """Return a text that came from outside in a length for people."""
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}\N{HORIZONTAL ELLIPSIS}"


class UnprovenError(ValueError):
    """What came proves nothing; the message is one sentence for developers."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA, as three readers see its certificate."""

    certificate: Certificate
    der: x509.Certificate
    loaded: cx509.Certificate

    @classmethod
    def of(cls, certificate: Certificate) -> "Authority":
        """Return the CA of this certificate. Raises UnprovenError if it can't be read as one."""
        der = load(certificate)
        if der is None or not der.ca:
            raise UnprovenError("the issuer is no CA that can be read")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                return cls(certificate, der, cx509.load_der_x509_certificate(certificate.der))
        except ValueError:
            raise UnprovenError("the issuer's certificate can't be read") from None

    @classmethod
    def of_issuer(cls, issuer: Certificate, certificate: Certificate) -> "Authority":
        """Return the CA of `issuer`. Raises UnprovenError also if it has not issued `certificate`."""
        authority, issued = cls.of(issuer), load(certificate)
        if issued is None or issued.issuer != authority.der.subject or objection(issued, authority.der):
            raise UnprovenError("the certificate is not the issuer's")
        return authority

    def names(self, algorithm: str) -> tuple[bytes, bytes]:
        """Return the hashes, by an algorithm of `NAMING`, of its name and of its key (CertID; RFC 6960, 4.1.1)."""
        key = self.der.public_key["public_key"]
        return hashlib.new(algorithm, self.der.subject.dump()).digest(), hashlib.new(algorithm, bytes(key)).digest()


def check_strength(algorithm: str, refused: frozenset[str]) -> None:
    """Raise UnprovenError if a signature over a hash of this name ("sha1") is refused."""
    if (weakness := _WEAK.get(algorithm)) in refused:
        raise UnprovenError(f"it is signed weakly ({weakness})")


def check_signature(
    signed: bytes, signature: bytes, algorithm: algos.SignedDigestAlgorithm, signer: x509.Certificate
) -> None:
    """Raise UnprovenError unless `signature` over `signed` is by the key of `signer`."""
    try:
        DefaultSignatureValidator().validate_signature(
            signature=signature,
            signed_data=signed,
            public_key_info=signer.public_key,
            signature_algorithm=algorithm,
        )
    except InvalidSignature:
        raise UnprovenError("the signature is wrong") from None
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; it is not signed then
        raise UnprovenError(f"the signature can't be checked ({type(error).__name__})") from None
