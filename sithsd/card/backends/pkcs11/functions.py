"""The functions of a module that take codes, called as they are (PKCS#11 v2.40, 5.4 to 5.13).

python-pkcs11 hands a module copies of a code that nobody can overwrite, can't say "at the pad" (no code at all) to
C_SetPIN and C_InitPIN, leaves a session open behind a C_Login that failed, ends a failed signature by another call of
the module, and does not tell how long a PIN may be. So these few are called here, from the module's own list of
functions.
"""

import ctypes
from typing import Final

from sithsd.card.backends.pkcs11.cryptoki import Rv
from sithsd.secret import Secret

_ULONG: Final = ctypes.c_ulong
# Places in CK_FUNCTION_LIST (pkcs11f.h), which begins with the version.
_GET_TOKEN_INFO, _INIT_PIN, _SET_PIN, _CLOSE_SESSION, _LOGIN, _LOGOUT, _SIGN_INIT, _SIGN = 6, 10, 11, 13, 18, 19, 42, 43
_FUNCTIONS: Final = 68
# RSA of 8192 bits; every other signature is shorter.
_MAX_SIGNATURE: Final = 1024


class RefusedError(Exception):
    """A function of the module did not return CKR_OK: its name and what it returned."""

    def __init__(self, call: str, rv: int) -> None:
        super().__init__(call, rv)
        self.call = call
        self.rv = rv


class TokenInfo(ctypes.Structure):
    """CK_TOKEN_INFO (3.2)."""

    _fields_ = (
        ("label", ctypes.c_char * 32),
        ("manufacturer", ctypes.c_char * 32),
        ("model", ctypes.c_char * 16),
        ("serial", ctypes.c_char * 16),
        ("flags", _ULONG),
        ("session_counts", _ULONG * 4),
        ("max_pin_length", _ULONG),
        ("min_pin_length", _ULONG),
        ("memory", _ULONG * 4),
        ("versions", ctypes.c_ubyte * 4),
        ("time", ctypes.c_char * 16),
    )


class _Mechanism(ctypes.Structure):
    """CK_MECHANISM (3.5)."""

    _fields_ = (("mechanism", _ULONG), ("parameter", ctypes.c_void_p), ("length", _ULONG))


class _PssParameters(ctypes.Structure):
    """CK_RSA_PKCS_PSS_PARAMS (PKCS#11 mechanisms v2.40, 2.1.10): the hash, the mask's hash, the salt's length."""

    _fields_ = (("hash", _ULONG), ("mask", _ULONG), ("salt", _ULONG))


class _FunctionList(ctypes.Structure):
    _fields_ = (("version", ctypes.c_ubyte * 2), ("functions", ctypes.c_void_p * _FUNCTIONS))


class Functions:
    """The functions of the module at `path`, which is loaded already. Each raises RefusedError."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        found = ctypes.POINTER(_FunctionList)()
        _check("C_GetFunctionList", library.C_GetFunctionList(ctypes.byref(found)))
        self._list = found.contents

    def token_info(self, slot: int) -> TokenInfo:
        """Return what a token says of itself now (C_GetTokenInfo, 5.4)."""
        told = TokenInfo()
        self._call("C_GetTokenInfo", _GET_TOKEN_INFO, _ULONG(slot), ctypes.byref(told))
        return told

    def close_session(self, session: int) -> None:
        """End a session (C_CloseSession, 5.6); the last one of a token takes the login with it."""
        self._call("C_CloseSession", _CLOSE_SESSION, _ULONG(session))

    def login(self, session: int, user: int, code: Secret | None) -> None:
        """Give a code; None where the person gives it at the reader (C_Login, 5.6)."""
        self._call("C_Login", _LOGIN, _ULONG(session), _ULONG(user), *_buffer(code))

    def logout(self, session: int) -> None:
        """Take the login back (C_Logout, 5.6)."""
        self._call("C_Logout", _LOGOUT, _ULONG(session))

    def set_pin(self, session: int, old: Secret | None, new: Secret | None) -> None:
        """Change a PIN, in a session that may write (C_SetPIN, 5.5)."""
        self._call("C_SetPIN", _SET_PIN, _ULONG(session), *_buffer(old), *_buffer(new))

    def init_pin(self, session: int, new: Secret | None) -> None:
        """Set the user's PIN in a session of the security officer (C_InitPIN, 5.5)."""
        self._call("C_InitPIN", _INIT_PIN, _ULONG(session), *_buffer(new))

    def sign_init(self, session: int, key: int, mechanism: int, pss: tuple[int, int, int] | None) -> None:
        """Begin a signature with a private key (C_SignInit, 5.11); `pss` are the parameters of CKM_RSA_PKCS_PSS."""
        parameters = None if pss is None else _PssParameters(*pss)
        length = 0 if parameters is None else ctypes.sizeof(parameters)
        address = None if parameters is None else ctypes.cast(ctypes.byref(parameters), ctypes.c_void_p)
        how = _Mechanism(mechanism, address, length)
        self._call("C_SignInit", _SIGN_INIT, _ULONG(session), ctypes.byref(how), _ULONG(key))

    def sign(self, session: int, data: bytes) -> bytes:
        """Sign `data`, once, and return the signature (C_Sign, 5.11)."""
        room = (ctypes.c_ubyte * _MAX_SIGNATURE)()
        length = _ULONG(_MAX_SIGNATURE)
        self._call("C_Sign", _SIGN, _ULONG(session), data, _ULONG(len(data)), room, ctypes.byref(length))
        return bytes(room[: min(length.value, _MAX_SIGNATURE)])

    def _call(self, name: str, place: int, *arguments: object) -> None:
        address = self._list.functions[place]
        if not address:
            raise RefusedError(name, Rv.FUNCTION_NOT_SUPPORTED)
        function = ctypes.CFUNCTYPE(_ULONG)(address)
        _check(name, function(*arguments))


def _buffer(code: Secret | None) -> tuple[object, ctypes.c_ulong]:
    """Return a code as a module takes it: its very bytes, where they are, and their number."""
    if code is None:
        return None, _ULONG(0)
    raw = code.reveal()
    return (ctypes.c_ubyte * len(raw)).from_buffer(raw), _ULONG(len(raw))


def _check(name: str, rv: int) -> None:
    if rv != Rv.OK:
        raise RefusedError(name, rv & 0xFFFFFFFF)
