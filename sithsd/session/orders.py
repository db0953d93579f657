"""Who asks for what: the operations with codes, as a caller orders them.

A code that is None is entered at the reader's PIN pad. Codes are the caller's to wipe, once the operation has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.policy.checklist import Answer
from sithsd.secret import Secret
from sithsd.session.choice import Settled, Wish
from sithsd.values import Purpose, Role, SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class Asker:
    """The process that asks: by the kernel's word. `desk`: it may do what only a desk operator may."""

    uid: int
    pid: int
    program: str
    desk: bool = True


@dataclass(frozen=True, slots=True)
class VerifyOrder:
    """Give a PIN to the card."""

    role: Role
    code: Secret | None
    word: Word = NOTHING_SAID
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """Change a PIN."""

    role: Role
    code: Secret | None
    new_code: Secret | None
    word: Word = NOTHING_SAID
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class UnblockOrder:
    """Unblock a PIN with the PUK; `word` is about the PUK."""

    role: Role
    puk: Secret | None
    new_code: Secret | None
    word: Word = NOTHING_SAID
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class ActivateOrder:
    """Give a new card the holder's PINs. `transport` are the PINs it has now, `words` those about each code."""

    new_codes: Mapping[Role, Secret]
    puk: Secret | None = None
    transport: Mapping[Role, Secret] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    words: Mapping[Role, Word] = field(default_factory=dict)
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class SignOrder:
    """Sign `message` with the key of a certificate that `wish` tells: to log in, or (a hash) to sign a document.

    `hashed`: the message is a hash already. `algorithm` None takes what fits the key. `description` is what it is for.
    `settled` is filled in at the desk, before the card is touched.
    """

    wish: Wish
    message: bytes
    code: Secret | None
    algorithm: SignatureAlgorithm | None = None
    hashed: bool = False
    description: str | None = None
    word: Word = NOTHING_SAID
    serial: str | None = None
    settled: Settled | None = None

    @property
    def role(self) -> Role:
        """The PIN that is given."""
        return self.wish.role


Order = VerifyOrder | ChangeOrder | UnblockOrder | ActivateOrder | SignOrder


def at_pad(order: Order) -> bool:
    """Tell whether a person enters codes at the reader's PIN pad."""
    match order:
        case VerifyOrder() | SignOrder():
            return order.code is None
        case ChangeOrder():
            return order.code is None or order.new_code is None
        case UnblockOrder():
            return order.puk is None or order.new_code is None
        case ActivateOrder():
            return False


def name_of(order: Order) -> str:
    """Return an operation's name, as the audit and the log have it."""
    match order:
        case VerifyOrder():
            return "verify"
        case ChangeOrder():
            return "change"
        case UnblockOrder():
            return "unblock"
        case ActivateOrder():
            return "activate"
        case SignOrder():
            return "sign" if order.wish.purpose is Purpose.SIGNATURE else "authenticate"
