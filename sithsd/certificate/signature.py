"""Signatures: whether it is a certificate's key that signed."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sithsd.certificate.read import Certificate
from sithsd.values import KeyKind, Padding, SignatureAlgorithm

_HASHES: Final = MappingProxyType[str, Callable[[], hashes.HashAlgorithm]](
    {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
)
# By the size of the curve's field, in bits: the hash that is as strong as the curve (RFC 5480, 4).
_BY_CURVE: Final = (
    (256, SignatureAlgorithm.ECDSA_SHA256),
    (384, SignatureAlgorithm.ECDSA_SHA384),
    (521, SignatureAlgorithm.ECDSA_SHA512),
)


def key_kind(certificate: Certificate) -> KeyKind | None:
    """Return the kind of the certificate's key, None for one that sithsd can't check signatures of."""
    key = _key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return KeyKind.RSA
    return KeyKind.EC if isinstance(key, ec.EllipticCurvePublicKey) else None


def usual_algorithm(certificate: Certificate) -> SignatureAlgorithm | None:
    """Return the algorithm to sign by where nobody says which, None for a key that sithsd can't check."""
    key = _key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return SignatureAlgorithm.RSA_PKCS1_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey):
        return next((algorithm for size, algorithm in _BY_CURVE if key.key_size <= size), None)
    return None


def is_valid(certificate: Certificate, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> bool:
    """Tell whether `signature` is one over the hash `digest` by the certificate's key.

    ECDSA as the DER of ECDSA-Sig-Value (RFC 3279, 2.2.3), PSS with a salt as long as the hash. False for every input
    that is no such signature, a key of another kind included.
    """
    key, hashed = _key(certificate), _HASHES[algorithm.hash_name]()
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.padding is not None:
            padded: padding.AsymmetricPadding = padding.PKCS1v15()
            if algorithm.padding is Padding.PSS:
                padded = padding.PSS(padding.MGF1(hashed), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, digest, padded, Prehashed(hashed))
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.key_kind is KeyKind.EC:
            key.verify(signature, digest, ec.ECDSA(Prehashed(hashed)))
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _key(certificate: Certificate) -> object:
    """Return the public key, None for one that the library can't read."""
    try:
        return x509.load_der_x509_certificate(certificate.der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
