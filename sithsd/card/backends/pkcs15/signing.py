"""The `pkcs15` backend, signatures: MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION (ISO/IEC 7816-8:2021).

The key's code was given before, in the same transaction. Which algorithm references a card has, and how it names its
keys, is in the profile's [signing].
"""

from dataclasses import dataclass

from asn1crypto.algos import DSASignature

from sithsd.card import padding
from sithsd.card.model import CardKey
from sithsd.card.profile import EcdsaForm, KeyName, RawWay, SigningRules
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import tlv
from sithsd.iso7816.apdu import MAX_SHORT_DATA, MAX_SHORT_LE, CommandApdu
from sithsd.iso7816.channel import Channel
from sithsd.iso7816.status import StatusWord
from sithsd.values import KeyKind, Padding, SignatureAlgorithm

_MANAGE, _SET, _PERFORM = 0x22, 0x41, 0x2A
# Control reference templates for digital signature and for confidentiality, and the data objects in them (10.2, 10.3).
_FOR_SIGNATURE, _FOR_CONFIDENTIALITY = 0xB6, 0xB8
_ALGORITHM, _FILE, _KEY = 0x80, 0x81, 0x84
_COMPUTE_SIGNATURE, _DECIPHER = (0x9E, 0x9A), (0x80, 0x86)
# Padding indicators by which a block comes in two pieces.
_FIRST_HALF, _SECOND_HALF = b"\x81", b"\x82"


@dataclass(frozen=True, slots=True)
class Way:
    """How one key signs by one algorithm: what MANAGE SECURITY ENVIRONMENT is told, and whether a block is halved."""

    template: int
    reference: int
    key_name: bytes
    halves: bool = False


def find_way(rules: SigningRules | None, key: CardKey, algorithm: SignatureAlgorithm) -> Way:
    """Return how `key` signs by `algorithm`. Raises signature.unsupported where it can't, or it is not known how."""
    if rules is None:
        raise _unsupported("it is not known how these cards sign")
    if algorithm.key_kind is not key.kind:
        raise _unsupported(f"a key of the kind {key.kind} does not sign by {algorithm}")
    name = _name(rules, key)
    if key.kind is KeyKind.EC and rules.ecdsa is not None:
        return Way(_FOR_SIGNATURE, rules.ecdsa, name)
    if algorithm.padding is Padding.PKCS1 and rules.pkcs1 is not None:
        return Way(_FOR_SIGNATURE, rules.pkcs1, name)
    if algorithm.padding is Padding.PSS and key.size is not None and not padding.fits(algorithm, key.size):
        raise _unsupported(f"a key of {key.size} bits is too short for {algorithm}")
    if algorithm.padding is Padding.PSS and rules.raw is not None and key.size is not None:
        if rules.raw_way is RawWay.DECIPHER_IN_HALVES:
            return Way(_FOR_CONFIDENTIALITY, rules.raw, name, halves=True)
        if key.size <= 8 * MAX_SHORT_DATA:
            return Way(_FOR_SIGNATURE, rules.raw, name)
    raise _unsupported(f"these cards do not sign by {algorithm}, as far as is known")


def sign(
    channel: Channel, rules: SigningRules | None, key: CardKey, algorithm: SignatureAlgorithm, digest: bytes
) -> bytes:
    """Return the signature over a hash: of RSA as long as the modulus, of ECDSA in DER.

    Raises signature.unsupported before anything is sent, card.refused, card.unreadable.
    """
    way = find_way(rules, key, algorithm)
    data = tlv.encode(_ALGORITHM, bytes([way.reference])) + way.key_name
    _, status_word = channel.transmit(CommandApdu(0, _MANAGE, _SET, way.template, data).encode())
    if status_word != StatusWord.SUCCESS:
        raise _refused("the card does not take the key or the algorithm", status_word)
    if key.kind is KeyKind.EC:
        form = EcdsaForm.PLAIN if rules is None else rules.ecdsa_form
        return _ecdsa(_perform(channel, _COMPUTE_SIGNATURE, _cut(digest, key), MAX_SHORT_LE), form)
    if algorithm.padding is Padding.PKCS1 or key.size is None:
        block = padding.digest_info(algorithm, digest)
    else:
        block = padding.pss_block(algorithm, digest, key.size)
    if not way.halves:
        return _whole(key, _perform(channel, _COMPUTE_SIGNATURE, block, _length(key)))
    half = len(block) // 2
    _perform(channel, _DECIPHER, _FIRST_HALF + block[:half], None)
    return _whole(key, _perform(channel, _DECIPHER, _SECOND_HALF + block[half:], _length(key)))


def _name(rules: SigningRules, key: CardKey) -> bytes:
    """Return the data object that names the key (10.3)."""
    if rules.name_key_by is KeyName.FILE and key.path:
        return tlv.encode(_FILE, key.path[-2:])
    if rules.name_key_by is KeyName.REFERENCE and key.reference is not None:
        return tlv.encode(_KEY, bytes([key.reference]))
    raise _unsupported(f"the card does not tell the key's {rules.name_key_by}")


def _cut(digest: bytes, key: CardKey) -> bytes:
    """Return what counts of a hash that is longer than the field: its leftmost bits (SEC 1, 4.1.3)."""
    return digest if key.size is None else digest[: (key.size + 7) // 8]


def _ecdsa(signature: bytes, form: EcdsaForm) -> bytes:
    if form is EcdsaForm.DER:
        return signature
    if not signature or len(signature) % 2:
        raise SithsdError(ErrorCode.CARD_UNREADABLE, f"an ECDSA signature of {len(signature)} bytes")
    der: bytes = DSASignature.from_p1363(signature).dump()
    return der


def _perform(channel: Channel, operation: tuple[int, int], data: bytes, le: int | None) -> bytes:
    """PERFORM SECURITY OPERATION (11): once, whatever the card says."""
    answer, status_word = channel.transmit(CommandApdu(0, _PERFORM, *operation, data, le).encode())
    if status_word != StatusWord.SUCCESS:
        raise _refused("the card did not sign", status_word)
    return answer


def _whole(key: CardKey, signature: bytes) -> bytes:
    if key.size is not None and len(signature) != (key.size + 7) // 8:
        detail = f"a signature of {len(signature)} bytes by a key of {key.size} bits"
        raise SithsdError(ErrorCode.CARD_UNREADABLE, detail)
    return signature


def _length(key: CardKey) -> int:
    """Return the Le of a command that is answered with a signature: what the modulus has, if a short Le can tell it."""
    length = MAX_SHORT_LE if key.size is None else (key.size + 7) // 8
    return min(length, MAX_SHORT_LE)


def _refused(detail: str, status_word: int) -> SithsdError:
    return SithsdError(ErrorCode.CARD_REFUSED, detail, status_word=status_word)


def _unsupported(detail: str) -> SithsdError:
    return SithsdError(ErrorCode.SIGNATURE_UNSUPPORTED, detail)
