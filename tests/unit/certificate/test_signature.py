"""Whether a certificate's key signed, for keys and signatures that a library made."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from sithsd.certificate import signature
from sithsd.certificate.read import Certificate, read
from sithsd.values import KeyKind, Padding, SignatureAlgorithm

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
MESSAGE = b"a nonce"
NOW = datetime(2024, 1, 15, tzinfo=UTC)


@cache
def key(name: str) -> Any:
    """Return a private key, made once."""
    made = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "other rsa": lambda: rsa.generate_private_key(65537, 2048),
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    return made[name]()


@cache
def certificate(name: str) -> Certificate:
    """Return a certificate of that key."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SIM Somebody")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(name).public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key("rsa"), hashes.SHA256())
    )
    return read(made.public_bytes(serialization.Encoding.DER))


def sign(name: str, algorithm: SignatureAlgorithm) -> bytes:
    """Let the library sign the message."""
    used = HASHES[algorithm.hash_name]
    if algorithm.key_kind is KeyKind.EC:
        return key(name).sign(MESSAGE, ec.ECDSA(used))
    pss = padding.PSS(padding.MGF1(used), algorithm.digest_length)
    return key(name).sign(MESSAGE, padding.PKCS1v15() if algorithm.padding is Padding.PKCS1 else pss, used)


def valid(name: str, algorithm: SignatureAlgorithm, given: bytes, message: bytes = MESSAGE) -> bool:
    """Ask about a signature over a message."""
    return signature.is_valid(certificate(name), algorithm, hashlib.new(algorithm.hash_name, message).digest(), given)


def usable(name: str) -> list[SignatureAlgorithm]:
    """Return the algorithms of the key's kind."""
    return [one for one in SignatureAlgorithm if one.key_kind is signature.key_kind(certificate(name))]


@pytest.mark.parametrize(
    ("name", "algorithm"), [(name, one) for name in ("rsa", "p256", "p384", "p521") for one in usable(name)]
)
def test_a_signature_and_what_is_none(name: str, algorithm: SignatureAlgorithm) -> None:
    """A signature is valid over its message, by its algorithm and whole, and in no other way."""
    given = sign(name, algorithm)
    assert valid(name, algorithm, given)
    assert not valid(name, algorithm, given, b"another nonce")
    assert not any(valid(name, other, given) for other in SignatureAlgorithm if other is not algorithm)
    for spoilt in (b"", given[:-1], given + b"\0", bytes(len(given)), bytes([given[0] ^ 1]) + given[1:]):
        assert not valid(name, algorithm, spoilt)


def test_the_signature_of_another_key() -> None:
    """It is the certificate's own key that has to have signed."""
    one = SignatureAlgorithm.RSA_PKCS1_SHA256
    assert not valid("rsa", one, sign("other rsa", one))
    assert valid("other rsa", one, sign("other rsa", one))


@pytest.mark.parametrize(
    ("name", "kind", "usual"),
    [
        ("rsa", KeyKind.RSA, SignatureAlgorithm.RSA_PKCS1_SHA256),
        ("p256", KeyKind.EC, SignatureAlgorithm.ECDSA_SHA256),
        ("p384", KeyKind.EC, SignatureAlgorithm.ECDSA_SHA384),
        ("p521", KeyKind.EC, SignatureAlgorithm.ECDSA_SHA512),
        ("ed25519", None, None),
    ],
)
def test_what_fits_a_key(name: str, kind: KeyKind | None, usual: SignatureAlgorithm | None) -> None:
    """The usual algorithm is one of the key's kind, as strong as its curve; for other keys there is none."""
    assert signature.key_kind(certificate(name)) is kind
    assert signature.usual_algorithm(certificate(name)) is usual
    if kind is None:
        assert not any(valid(name, one, key(name).sign(MESSAGE)) for one in SignatureAlgorithm)
