"""Sign with a key of the card: its PIN, one signature, and the card locked again, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sithsd.card import guard
from sithsd.card.code_operations import Outcome, Turn, Use, check, pin
from sithsd.card.model import CardKey
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import SignatureAlgorithm

# By these names it is told that no code was used, and they may be tried again. After the PIN that is not so any more.
_BEFORE_THE_CODE = frozenset({ErrorCode.CARD_CHANGED, ErrorCode.MODULE_FAILED, ErrorCode.MODULE_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Signing:
    """What is signed: a hash, by a key of the card. `is_valid` tells whether a signature is the certificate's key's."""

    key: CardKey
    algorithm: SignatureAlgorithm
    digest: bytes
    is_valid: Callable[[bytes], bool]


def sign(turn: Turn, signing: Signing, digits: Secret | None) -> Outcome:
    """Give the key's PIN to the card, once, and have it sign, once. The PIN is entered at the reader's pad if None.

    All or nothing: there is no outcome without a signature that was checked. Whatever fails once the PIN was given
    leaves the card reset. Raises what `code_operations.verify` does, and signature.invalid, signature.unsupported, and
    card.unreadable where card or module were lost after the PIN.
    """
    backend = turn.card.backend
    code = pin(turn.card.contents, signing.key.role)
    check((digits, code))
    use = Use(turn)
    backend.check_signing(use.channel, signing.key, signing.algorithm)
    guard.allow(use.look_at(code), turn.word)
    if digits is None:
        pad = use.pad(modify=False)
        state = use.send(code, lambda: backend.verify_at_pad(use.channel, pad, code))
    else:
        state = use.send(code, lambda: backend.verify(use.channel, code, digits))
    # The PIN was right, which is certain whatever becomes of the signature.
    turn.trail.judged = None
    try:
        signature = _checked(signing, backend.sign(use.channel, signing.key, signing.algorithm, signing.digest))
    except BaseException as error:
        turn.connection.reset_on_release()
        if isinstance(error, SithsdError) and error.code in _BEFORE_THE_CODE:
            detail = f"the code was right, and no signature came: {error.detail}"
            raise SithsdError(ErrorCode.CARD_UNREADABLE, detail) from error
        raise
    return replace(use.lock(state, code), signature=signature)


def _checked(signing: Signing, signature: bytes) -> bytes:
    if not signing.is_valid(signature):
        raise SithsdError(ErrorCode.SIGNATURE_INVALID, "what the card gave was not signed by the certificate's key")
    return signature
