"""From a hash to what an RSA key works on (RFC 8017, 9), where the card does not do it itself.

Only the encoding: no key and no secret is in it. Whatever comes out is checked with the certificate's own key before
anybody is told of a signature.
"""

import hashlib
import secrets
from types import MappingProxyType
from typing import Final

from sithsd.values import SignatureAlgorithm

# DER of DigestInfo up to the hash itself (RFC 8017, 9.2, note 1).
_DIGEST_INFO: Final = MappingProxyType(
    {
        "sha256": bytes.fromhex("3031300D060960864801650304020105000420"),
        "sha384": bytes.fromhex("3041300D060960864801650304020205000430"),
        "sha512": bytes.fromhex("3051300D060960864801650304020305000440"),
    }
)
_TRAILER: Final = 0xBC


def digest_info(algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
    """Return the DER of DigestInfo for a hash (RFC 8017, 9.2), which a card pads by PKCS#1 v1.5.

    Raises ValueError if the hash has not the algorithm's length.
    """
    _check(algorithm, digest)
    return _DIGEST_INFO[algorithm.hash_name] + digest


def fits(algorithm: SignatureAlgorithm, bits: int) -> bool:
    """Tell whether a modulus of `bits` has room for a signature by a PSS algorithm with the salt used here."""
    return (bits - 1 + 7) // 8 >= 2 * algorithm.digest_length + 2


def pss_block(algorithm: SignatureAlgorithm, digest: bytes, bits: int, salt: bytes | None = None) -> bytes:
    """Return EMSA-PSS of a hash (RFC 8017, 9.1.1) for a modulus of `bits`, as many bytes as that has.

    The salt is random, and as long as the hash. Raises ValueError if the hash has not the algorithm's length, or the
    modulus is too short for it.
    """
    _check(algorithm, digest)
    salt = secrets.token_bytes(len(digest)) if salt is None else salt
    length = (bits - 1 + 7) // 8
    zeros = length - len(digest) - len(salt) - 2
    if zeros < 0:
        raise ValueError("the modulus is too short")
    hashed = hashlib.new(algorithm.hash_name, bytes(8) + digest + salt).digest()
    plain = bytes(zeros) + b"\x01" + salt
    masked = bytearray(a ^ b for a, b in zip(plain, _mask(algorithm.hash_name, hashed, len(plain)), strict=True))
    masked[0] &= 0xFF >> (8 * length - (bits - 1))
    block = bytes(masked) + hashed + bytes([_TRAILER])
    return block.rjust((bits + 7) // 8, b"\0")


def _mask(name: str, seed: bytes, length: int) -> bytes:
    """MGF1 (RFC 8017, B.2.1)."""
    size = hashlib.new(name).digest_size
    pieces = (hashlib.new(name, seed + count.to_bytes(4, "big")).digest() for count in range(-(-length // size)))
    return b"".join(pieces)[:length]


def _check(algorithm: SignatureAlgorithm, digest: bytes) -> None:
    if len(digest) != algorithm.digest_length:
        raise ValueError(f"a hash of {algorithm.hash_name} has {algorithm.digest_length} bytes")
