"""Which private keys a token has, as far as that is seen without a code: by its certificates and its key objects."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sithsd.card.backends.pkcs11 import messages
from sithsd.card.model import CardKey
from sithsd.values import KeyKind, Role


def of_token(objects: messages.Objects, role: Role) -> list[CardKey]:
    """Return the keys behind the PIN of one token, one for each certificate that has one.

    Private keys are hidden until the PIN was given, their public halves mostly are not: where a token shows any, a
    certificate without one (a CA's) has no key here. What kind of key it is, and how long, the certificate says.
    """
    shown = set(objects.keys)
    found: list[CardKey] = []
    for one in objects.certificates:
        if shown and one.id not in shown:
            continue
        kind = _kind(one.der)
        if kind is not None and all(one.id != key.id for key in found):
            found.append(CardKey(one.id, role, *kind))
    return found


def _kind(der: bytes) -> tuple[KeyKind, int] | None:
    """Return kind and size of a certificate's key; None of another kind, or where the certificate can't be read."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        return KeyKind.RSA, key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return KeyKind.EC, key.curve.key_size
    return None


def merged(keys: Sequence[CardKey]) -> tuple[CardKey, ...]:
    """Return the keys of all tokens by their ids, each that two tokens show under the first one's PIN alone."""
    found: dict[bytes, CardKey] = {}
    for key in keys:
        found.setdefault(key.id, key)
    return tuple(found[identifier] for identifier in sorted(found))
