"""What the flags of a token tell of its codes (PKCS#11 v2.40, 3.2, CK_TOKEN_INFO): no number, but the last try."""

from sithsd.card.backends.pkcs11.cryptoki import TokenFlag
from sithsd.card.model import CodeReference
from sithsd.card.profile import Activation, Profile
from sithsd.values import CodeState, Role


def from_flags(code: CodeReference, flags: int, profile: Profile) -> CodeState:
    """Return what a token's flags tell of a PIN, or of the PUK, which is the security officer's PIN.

    CKF_..._FINAL_TRY: a wrong code locks it, so one try is left. CKF_..._COUNT_LOW without it: there was a wrong code,
    and more than one try is left. That no flag is set tells something only where the profile says so.
    """
    if code.role is Role.PUK:
        low, final = TokenFlag.SO_PIN_COUNT_LOW, TokenFlag.SO_PIN_FINAL_TRY
        locked, chosen = TokenFlag.SO_PIN_LOCKED, None
    else:
        low, final = TokenFlag.USER_PIN_COUNT_LOW, TokenFlag.USER_PIN_FINAL_TRY
        locked, chosen = TokenFlag.USER_PIN_LOCKED, _chosen(flags, profile)
    left: int | None = None
    if flags & locked:
        left = 0
    elif flags & final:
        left = 1
    settings = profile.pkcs11
    # The flags of the security officer's PIN are set by few modules that set the user's.
    told = bool(flags & low) or (code.role is not Role.PUK and settings is not None and settings.flags_tell)
    rules = profile.codes
    return CodeState(
        role=code.role,
        tries_left=left,
        blocked=left == 0 if left is not None or told else None,
        activated=chosen,
        max_tries=rules.puk_max_tries if code.role is Role.PUK else rules.max_tries,
        min_length=code.min_length,
        max_length=code.max_length,
        not_last=told and left is None,
    )


def _chosen(flags: int, profile: Profile) -> bool | None:
    """Tell whether a PIN has a value that its holder chose, None where the flags don't tell.

    They are looked at only where the profile knows how the cards are activated: of many cards they mean nothing. A
    module may show a PIN without a value as initialised, because the card's files say so.
    """
    initialized = bool(flags & TokenFlag.USER_PIN_INITIALIZED)
    if profile.activation is Activation.TRANSPORT_PIN:
        return initialized and not flags & TokenFlag.USER_PIN_TO_BE_CHANGED
    return False if profile.activation is Activation.PUK and not initialized else None
