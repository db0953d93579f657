"""What a module's refusal of a code means.

Only what the standard defines as the token's own word on the code (PKCS#11 v2.40, 5.1.6 and the lists at each function)
is taken for it. After everything else nobody knows whether the card got the code.
"""

from typing import Final

from sithsd.card.backends.pkcs11.cryptoki import Rv
from sithsd.card.backends.pkcs11.module import RefusedError
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import Role

# The module's clear word that it did not do what was asked, for a reason that is not the code's being wrong.
_NOT_DONE: Final = frozenset(
    {
        Rv.ARGUMENTS_BAD,
        Rv.FUNCTION_NOT_SUPPORTED,
        Rv.FUNCTION_REJECTED,
        Rv.PIN_EXPIRED,
        Rv.PIN_INVALID,
        Rv.PIN_LEN_RANGE,
        Rv.SESSION_READ_ONLY,
        Rv.TOKEN_WRITE_PROTECTED,
        Rv.USER_ALREADY_LOGGED_IN,
        Rv.USER_ANOTHER_ALREADY_LOGGED_IN,
        Rv.USER_TOO_MANY_TYPES,
        Rv.USER_TYPE_INVALID,
    }
)


def meaning(error: RefusedError, judged: Role, *, at_pad: bool) -> SithsdError:
    """Return the named error for a code that a module did not take; `judged` is the code that the card compares.

    pin.wrong, pin.blocked, pin.notActivated (or the PUK's), pinpad.cancelled, card.refused, and module.failed where it
    is not known what became of the code. Only at a pad (`at_pad`) was there a person who could cancel.
    """
    is_puk = judged is Role.PUK
    match error.refused.rv:
        case Rv.PIN_INCORRECT:
            return _named(error, ErrorCode.PUK_WRONG if is_puk else ErrorCode.PIN_WRONG, judged)
        case Rv.PIN_LOCKED:
            return _named(error, ErrorCode.PUK_BLOCKED if is_puk else ErrorCode.PIN_BLOCKED, judged, left=0)
        case Rv.USER_PIN_NOT_INITIALIZED:
            return _named(error, ErrorCode.PUK_BLOCKED if is_puk else ErrorCode.PIN_NOT_ACTIVATED, judged)
        case Rv.FUNCTION_CANCELED if at_pad:
            return _named(error, ErrorCode.PINPAD_CANCELLED, judged)
        case rv if rv in _NOT_DONE:
            return _named(error, ErrorCode.CARD_REFUSED, judged)
        case _:
            return _named(error, ErrorCode.MODULE_FAILED, judged)


def unreadable(error: RefusedError) -> SithsdError:
    """Return the named error for anything else that a module refuses: card.changed where the token is not there."""
    gone = error.refused.rv == Rv.TOKEN_NOT_PRESENT
    name = ErrorCode.CARD_CHANGED if gone else ErrorCode.CARD_UNREADABLE
    return SithsdError(name, f"the module refuses: {error}")


def _named(error: RefusedError, code: ErrorCode, role: Role, *, left: int | None = None) -> SithsdError:
    return SithsdError(code, f"the module says {error}", tries_left=left, role=role)
