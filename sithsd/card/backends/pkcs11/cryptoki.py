"""The names and numbers of PKCS#11 v2.40 (OASIS; pkcs11t.h) that both sides of the wire know."""

from enum import IntEnum, IntFlag
from typing import Final


class Rv(IntEnum):
    """What a function of a module returns (CKR_*, 5.1), as far as it is told apart."""

    OK = 0x000
    HOST_MEMORY = 0x002
    SLOT_ID_INVALID = 0x003
    GENERAL_ERROR = 0x005
    FUNCTION_FAILED = 0x006
    ARGUMENTS_BAD = 0x007
    DEVICE_ERROR = 0x030
    DEVICE_REMOVED = 0x032
    FUNCTION_CANCELED = 0x050
    FUNCTION_NOT_SUPPORTED = 0x054
    MECHANISM_INVALID = 0x070
    MECHANISM_PARAM_INVALID = 0x071
    PIN_INCORRECT = 0x0A0
    PIN_INVALID = 0x0A1
    PIN_LEN_RANGE = 0x0A2
    PIN_EXPIRED = 0x0A3
    PIN_LOCKED = 0x0A4
    SESSION_CLOSED = 0x0B0
    SESSION_HANDLE_INVALID = 0x0B3
    SESSION_READ_ONLY = 0x0B5
    TOKEN_NOT_PRESENT = 0x0E0
    TOKEN_NOT_RECOGNIZED = 0x0E1
    TOKEN_WRITE_PROTECTED = 0x0E2
    USER_ALREADY_LOGGED_IN = 0x100
    USER_NOT_LOGGED_IN = 0x101
    USER_PIN_NOT_INITIALIZED = 0x102
    USER_TYPE_INVALID = 0x103
    USER_ANOTHER_ALREADY_LOGGED_IN = 0x104
    USER_TOO_MANY_TYPES = 0x105
    FUNCTION_REJECTED = 0x200


class TokenFlag(IntFlag):
    """What a token says of itself (CKF_*, 3.2), as far as codes are concerned; USER is the PIN, SO the PUK."""

    USER_PIN_INITIALIZED = 0x00000008
    PROTECTED_AUTHENTICATION_PATH = 0x00000100
    TOKEN_INITIALIZED = 0x00000400
    USER_PIN_COUNT_LOW = 0x00010000
    USER_PIN_FINAL_TRY = 0x00020000
    USER_PIN_LOCKED = 0x00040000
    USER_PIN_TO_BE_CHANGED = 0x00080000
    SO_PIN_COUNT_LOW = 0x00100000
    SO_PIN_FINAL_TRY = 0x00200000
    SO_PIN_LOCKED = 0x00400000
    SO_PIN_TO_BE_CHANGED = 0x00800000


class User(IntEnum):
    """Whose code is given (CKU_*, 5.6)."""

    SECURITY_OFFICER = 0
    USER = 1
    CONTEXT_SPECIFIC = 2


class Mechanism(IntEnum):
    """How a hash is signed (CKM_*), as far as the host can't do it for the module."""

    RSA_PKCS = 0x0001
    RSA_X_509 = 0x0003
    RSA_PKCS_PSS = 0x000D
    ECDSA = 0x1041


TOKEN_LABEL_BYTES: Final = 32
SLOT_DESCRIPTION_BYTES: Final = 64


def name_of(value: int) -> str:
    """Return the name of a return value, in hexadecimal where it has none here."""
    try:
        return f"CKR_{Rv(value).name}"
    except ValueError:
        return f"CKR 0x{value:X}"
