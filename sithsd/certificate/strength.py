"""How strong a certificate's key and signature are, in stable names."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

WEAK_KEY_EXPONENT = "key.exponent3"
WEAK_KEY_SHORT = "key.short"
KEY_UNREADABLE = "key.unreadable"
WEAK_SIGNATURE_SHA1 = "signature.sha1"
WEAK_SIGNATURE_MD5 = "signature.md5"

_MIN_RSA_BITS = 2048  # NIST SP 800-131A rev. 2: less than 112 bits of strength
_MIN_EC_BITS = 224
_WEAK_HASHES = {"sha1": WEAK_SIGNATURE_SHA1, "md5": WEAK_SIGNATURE_MD5}


def examine(certificate: x509.Certificate) -> tuple[str, tuple[str, ...]]:
    """Return what key a certificate has ("RSA 2048") and the names of its weaknesses."""
    key, weaknesses = _key(certificate)
    return key, (*weaknesses, *_signature(certificate))


def _key(certificate: x509.Certificate) -> tuple[str, tuple[str, ...]]:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", (KEY_UNREADABLE,)
    if isinstance(key, rsa.RSAPublicKey):
        short = (WEAK_KEY_SHORT,) if key.key_size < _MIN_RSA_BITS else ()
        exponent = (WEAK_KEY_EXPONENT,) if key.public_numbers().e == 3 else ()
        return f"RSA {key.key_size}", short + exponent
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}", (WEAK_KEY_SHORT,) if key.key_size < _MIN_EC_BITS else ()
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}", (WEAK_KEY_SHORT,) if key.key_size < _MIN_RSA_BITS else ()
    return type(key).__name__.removesuffix("PublicKey"), ()


def _signature(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        algorithm = certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return ()
    weakness = _WEAK_HASHES.get(algorithm.name) if algorithm else None
    return (weakness,) if weakness else ()
