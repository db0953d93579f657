"""The words that several rooms share, as they appear on the wire."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a code is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    PUK = "puk"


class Purpose(StrEnum):
    """What a certificate is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    OTHER = "other"


class IdentityKind(StrEnum):
    """Which of a person's two identities a certificate carries."""

    HSA_ID = "hsaId"
    PERSONAL_IDENTITY_NUMBER = "personalIdentityNumber"
    NONE = "none"


class Environment(StrEnum):
    """Which world a card belongs to; only `PRODUCTION` identifies a real person."""

    PRODUCTION = "production"
    TEST = "test"
    SIM = "sim"
    UNKNOWN = "unknown"


class CardKind(StrEnum):
    """What sort of card it is, as far as its certificates tell."""

    ORDINARY = "ordinary"
    RESERVE = "reserve"
    OLD = "old"
    NOT_SITHS = "notSiths"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """Three answers, never two."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """May something be trusted, and why not.

    `reasons` are stable dotted names ("date.expired", "revocation.notChecked"), most serious first; empty only with
    `Status.GOOD`: ValueError otherwise.
    """

    status: Status
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status is not Status.GOOD and not self.reasons:
            raise ValueError(f"a verdict that is {self.status} needs a reason")


@dataclass(frozen=True, slots=True)
class CodeState:
    """What is known of one code without using a try.

    `tries_left` is None when the card does not tell. `blocked` is None when that is not known either. `activated` is
    False on a card whose holder has not chosen a code yet, None when not known. `verified` is True while the card
    holds the code as already given (by whichever process). `min_length` and `max_length` count digits.
    """

    role: Role
    tries_left: int | None = None
    blocked: bool | None = None
    activated: bool | None = None
    verified: bool = False
    max_tries: int | None = None
    min_length: int | None = None
    max_length: int | None = None
