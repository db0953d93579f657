"""How a hash is signed through a module: what the host prepares, by which mechanism, and what becomes of the answer."""

from collections.abc import Collection
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sithsd.card import padding
from sithsd.card.backends.pkcs11 import messages
from sithsd.card.backends.pkcs11.cryptoki import Mechanism, Rv
from sithsd.card.backends.pkcs11.module import RefusedError
from sithsd.card.model import CardKey
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import KeyKind, Padding, SignatureAlgorithm

_NOT_THIS_WAY = frozenset({Rv.MECHANISM_INVALID, Rv.MECHANISM_PARAM_INVALID, Rv.FUNCTION_NOT_SUPPORTED})


@dataclass(frozen=True, slots=True)
class Way:
    """How one key signs by one algorithm: the mechanism, and whether the host pads the whole block itself."""

    mechanism: Mechanism
    raw: bool = False


def find_way(mechanisms: Collection[int], key: CardKey, algorithm: SignatureAlgorithm) -> Way:
    """Return how `key` signs by `algorithm` with what its token offers. Raises signature.unsupported."""
    if algorithm.key_kind is not key.kind:
        raise _unsupported(f"a key of the kind {key.kind} does not sign by {algorithm}")
    if key.kind is KeyKind.EC and Mechanism.ECDSA in mechanisms:
        return Way(Mechanism.ECDSA)
    if algorithm.padding is Padding.PKCS1 and Mechanism.RSA_PKCS in mechanisms:
        return Way(Mechanism.RSA_PKCS)
    if algorithm.padding is Padding.PSS and key.size is not None and not padding.fits(algorithm, key.size):
        raise _unsupported(f"a key of {key.size} bits is too short for {algorithm}")
    if algorithm.padding is Padding.PSS and Mechanism.RSA_PKCS_PSS in mechanisms:
        return Way(Mechanism.RSA_PKCS_PSS)
    if algorithm.padding is Padding.PSS and Mechanism.RSA_X_509 in mechanisms and key.size is not None:
        return Way(Mechanism.RSA_X_509, raw=True)
    raise _unsupported(f"the module does not sign by {algorithm} with this card")


def request(way: Way, key: CardKey, algorithm: SignatureAlgorithm, digest: bytes) -> messages.Sign:
    """Return what the module is asked. Of a hash longer than an EC key's field its left part counts (SEC 1, 4.1.3)."""
    if key.kind is KeyKind.EC:
        cut = digest if key.size is None else digest[: (key.size + 7) // 8]
        return messages.Sign(key=key.id, mechanism=way.mechanism, data=cut)
    if algorithm.padding is Padding.PKCS1:
        return messages.Sign(key=key.id, mechanism=way.mechanism, data=padding.digest_info(algorithm, digest))
    if way.raw and key.size is not None:
        block = padding.pss_block(algorithm, digest, key.size)
        return messages.Sign(key=key.id, mechanism=way.mechanism, data=block)
    return messages.Sign(
        key=key.id, mechanism=way.mechanism, data=digest, hash_name=algorithm.hash_name, salt=len(digest)
    )


def result(key: CardKey, value: bytes) -> bytes:
    """Return the signature: of RSA as it is, of ECDSA as DER (RFC 3279, 2.2.3). Raises card.unreadable."""
    if key.kind is KeyKind.EC:
        if not value or len(value) % 2:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, f"an ECDSA signature of {len(value)} bytes")
        half = len(value) // 2
        return encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
    if key.size is not None and len(value) != (key.size + 7) // 8:
        detail = f"a signature of {len(value)} bytes by a key of {key.size} bits"
        raise SithsdError(ErrorCode.CARD_UNREADABLE, detail)
    return value


def meaning(error: RefusedError) -> SithsdError:
    """Return the named error for a signature that the module did not make."""
    if error.refused.rv in _NOT_THIS_WAY:
        return _unsupported(f"the module does not sign this way: {error}")
    return SithsdError(ErrorCode.CARD_REFUSED, f"the module did not sign: {error}")


def _unsupported(detail: str) -> SithsdError:
    return SithsdError(ErrorCode.SIGNATURE_UNSUPPORTED, detail)
