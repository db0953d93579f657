"""A call that uses a code, before it is sent and after its reply has come: what both clients have in common."""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Generic, Literal, Self, TypedDict, TypeVar

from sithsd.api.code_wire import AuthenticateCall, SignCall
from sithsd.client.checks import Asked, Require, check
from sithsd.client.model import Authentication, Signature
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import IdentityKind, Purpose, SignatureAlgorithm

R = TypeVar("R", bound=Signature)
E = TypeVar("E", bound=StrEnum)

# In seconds: one call, and one during which a person presses keys at a reader's pad.
PATIENCE = 30.0
PAD_PATIENCE = 180.0
CHALLENGE_BYTES = 32
LONGEST_DESCRIPTION = 200

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_LONGEST_CODE = 64

Code = Secret | bytearray | bytes


class Options(TypedDict, total=False):
    """What may be said of a signature beside what is signed. Everything may be left out, but not both of the first two.

    code: the PIN's digits. A Secret and a bytearray are wiped, whatever comes of the call; of bytes only the copies.
    pin_pad: the PIN is pressed at the reader's own keys.
    identity, certificate: "hsaId" or "personalIdentityNumber", and the SHA-256 fingerprint of the very certificate.
        Where several certificates fit the error is certificate.ambiguous, and its `more.choices` lists them.
    algorithm: without one rsaPkcs1Sha256 for an RSA key; for an EC key the hash of the curve, or the one given.
    require: how good the verdict on the certificate has to be; otherwise `Require.usual`: to authenticate GOOD, to sign
        GOOD_OR_REVOCATION_UNCHECKED.
    reader, card_serial: which card; without a reader the only one that is in. With a serial number another card is
        refused (card.changed) before the PIN is sent.
    expected_tries: how many tries the person was shown; with another number nothing is sent (pin.triesChanged).
    spend_last_try: the last try may be used, and one of an unknown number.
    """

    code: Code
    pin_pad: bool
    identity: IdentityKind | Literal["hsaId", "personalIdentityNumber"] | None
    certificate: str | None
    algorithm: SignatureAlgorithm | str | None
    require: Require | str
    reader: str | None
    card_serial: str | None
    expected_tries: int | None
    spend_last_try: bool


@dataclass(frozen=True, slots=True)
class Order(Generic[R]):
    """One call: what is sent within how many seconds, and what its reply has to be.

    It is a context manager, after which the code is wiped.
    """

    method: str
    call: AuthenticateCall | SignCall
    reply_type: type[R]
    patience: float
    asked: Asked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.call.code is not None:
            self.call.code.wipe()

    def checked(self, reply: R) -> R:
        """Return a reply that is what was asked for; the errors are those of `checks.check`."""
        check(reply, self.asked)
        return reply


def authentication(challenge: bytes | None, description: str | None, options: Options) -> Order[Authentication]:
    """Return the order to sign a challenge: without one, a fresh nonce of 32 bytes."""

    def order(code: Secret | None) -> Order[Authentication]:
        asked = _asked(options, Purpose.AUTHENTICATION, _fresh() if challenge is None else challenge)
        sent = _base64(asked.message)
        call = AuthenticateCall(challenge=sent, description=description, **_told(options, asked), code=code)
        return Order("io.sithsd.Codes.Authenticate", call, Authentication, _patience(options), asked)

    return _made(options, order)


def signing(digest: bytes, description: str, options: Options) -> Order[Signature]:
    """Return the order to sign a hash, described as the person was shown it."""

    def order(code: Secret | None) -> Order[Signature]:
        asked = _asked(options, Purpose.SIGNATURE, digest)
        sent = _base64(asked.message)
        call = SignCall(digest=sent, description=description, **_told(options, asked), code=code)
        return Order("io.sithsd.Codes.Sign", call, Signature, _patience(options), asked)

    return _made(options, order)


def _made(options: Options, order: Callable[[Secret | None], Order[R]]) -> Order[R]:
    """Return an order; whatever is wrong with the options, the code in them is wiped."""
    code = _secret(options.get("code"))
    try:
        _refuse(options, code)
        return order(code)
    except BaseException:
        if code is not None:
            code.wipe()
        raise


def _refuse(options: Options, code: Secret | None) -> None:
    unknown = set(options) - Options.__optional_keys__
    if unknown:
        raise TypeError(f"there is no option {min(unknown)}")
    if (code is not None) == bool(options.get("pin_pad")):
        raise _bad("either a code or pin_pad is needed, and not both")
    if code is not None and not (0 < len(code) <= _LONGEST_CODE and code.reveal().isascii()):
        raise SithsdError(ErrorCode.PIN_MALFORMED, "this can be no code")


def _fresh() -> bytes:
    return secrets.token_bytes(CHALLENGE_BYTES)


def _asked(options: Options, purpose: Purpose, message: bytes) -> Asked:
    fingerprint = options.get("certificate")
    if fingerprint is not None:
        fingerprint = re.sub(r"[:\s]", "", fingerprint).lower()
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise _bad("certificate: a SHA-256 fingerprint has 64 hexadecimal digits")
    return Asked(
        purpose=purpose,
        message=memoryview(message).tobytes(),  # a number is no message, though bytes() would make zeros of it
        hashed=purpose is Purpose.SIGNATURE,
        require=_word(Require, options.get("require")) or Require.usual(purpose),
        identity=_word(IdentityKind, options.get("identity")),
        fingerprint=fingerprint,
        algorithm=_word(SignatureAlgorithm, options.get("algorithm")),
        reader=options.get("reader"),
        card_serial=options.get("card_serial"),
    )


class _Told(TypedDict):
    """The parameters that both methods have."""

    algorithm: SignatureAlgorithm | None
    identity: IdentityKind | None
    certificate: str | None
    accept_bad: bool | None
    pin_pad: bool | None
    reader: str | None
    card_serial: str | None
    spend_last_try: bool | None
    expected_tries: int | None


def _told(options: Options, asked: Asked) -> _Told:
    return {
        "algorithm": asked.algorithm,
        "identity": asked.identity,
        "certificate": asked.fingerprint,
        "accept_bad": asked.require is Require.NOTHING or None,
        "pin_pad": options.get("pin_pad") or None,
        "reader": asked.reader,
        "card_serial": asked.card_serial,
        "spend_last_try": options.get("spend_last_try") or None,
        "expected_tries": options.get("expected_tries"),
    }


def _secret(code: Code | None) -> Secret | None:
    """Return a code as a Secret; a bytearray is wiped at once."""
    if code is None or isinstance(code, Secret):
        return code
    if not isinstance(code, bytes | bytearray):
        raise TypeError("a code is given as bytes, bytearray or Secret: a str can't be wiped")
    secret = Secret(code)
    if isinstance(code, bytearray):
        code[:] = bytes(len(code))
    return secret


def _word(kind: type[E], word: str | None) -> E | None:
    if word is None:
        return None
    try:
        return kind(word)
    except ValueError:
        raise _bad(f"one of {', '.join(kind)} is expected") from None


def _patience(options: Options) -> float:
    return PAD_PATIENCE if options.get("pin_pad") else PATIENCE


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _bad(detail: str) -> SithsdError:
    return SithsdError(ErrorCode.REQUEST_INVALID, detail)
