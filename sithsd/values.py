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


class KeyKind(StrEnum):
    """The mathematics of a key."""

    RSA = "rsa"
    EC = "ec"


class Padding(StrEnum):
    """How a hash becomes what an RSA key works on (RFC 8017: 9.2 and 9.1)."""

    PKCS1 = "pkcs1"
    PSS = "pss"


class SignatureAlgorithm(StrEnum):
    """How something is signed: by which kind of key, with which padding and hash."""

    RSA_PKCS1_SHA256 = "rsaPkcs1Sha256"
    RSA_PKCS1_SHA384 = "rsaPkcs1Sha384"
    RSA_PKCS1_SHA512 = "rsaPkcs1Sha512"
    RSA_PSS_SHA256 = "rsaPssSha256"
    RSA_PSS_SHA384 = "rsaPssSha384"
    RSA_PSS_SHA512 = "rsaPssSha512"
    ECDSA_SHA256 = "ecdsaSha256"
    ECDSA_SHA384 = "ecdsaSha384"
    ECDSA_SHA512 = "ecdsaSha512"

    @property
    def key_kind(self) -> KeyKind:
        """The kind of key that it takes."""
        return KeyKind.EC if self.value.startswith("ecdsa") else KeyKind.RSA

    @property
    def padding(self) -> Padding | None:
        """The padding, None for ECDSA. With PSS the salt is as long as the hash."""
        if self.key_kind is KeyKind.EC:
            return None
        return Padding.PSS if self.value.startswith("rsaPss") else Padding.PKCS1

    @property
    def hash_name(self) -> str:
        """The hash, by the name that `hashlib` has for it."""
        return f"sha{self.value[-3:]}"

    @property
    def digest_length(self) -> int:
        """How many bytes the hash has."""
        return int(self.value[-3:]) // 8


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

    `tries_left` is None when the card does not tell. `not_last` is True where it is known all the same that the next
    try is not the last one (a PKCS#11 module tells no number, but that). `blocked` is None when that is not known
    either. `activated` is False on a card whose holder has not chosen a code yet, None when not known. `verified` is
    True while the card holds the code as already given (by whichever process). `min_length` and `max_length` count
    digits.
    """

    role: Role
    tries_left: int | None = None
    blocked: bool | None = None
    activated: bool | None = None
    verified: bool = False
    max_tries: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    not_last: bool = False
