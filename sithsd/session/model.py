"""What is known of the readers and the cards in them: values that are replaced, never changed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sithsd.card.operations import ReadCard
from sithsd.card.registry import PassedOver
from sithsd.certificate.card import CardFacts
from sithsd.certificate.read import Certificate
from sithsd.errors import ErrorCode
from sithsd.validity.calendar import Advice
from sithsd.validity.judge import Assessment
from sithsd.values import CodeState, Role


class ReaderStatus(StrEnum):
    """What a reader holds, in one word."""

    EMPTY = "empty"
    READING = "reading"
    READY = "ready"
    BUSY = "busy"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class JudgedCertificate:
    """One certificate of a card with its meaning and whether it may be trusted.

    `id` is the card's own identifier of it (ISO/IEC 7816-15, iD), in upper-case hexadecimal. `can_sign`: its key is on
    the card, and can be used as far as is known.
    """

    id: str
    label: str | None
    certificate: Certificate
    assessment: Assessment
    can_sign: bool = False


@dataclass(frozen=True, slots=True)
class InsertedCard:
    """A card in a reader. `read` is None for a card that could not be read; then only the ATR is known of it.

    `passed_over` are the profiles that do not fit the card, as far as they were asked. `advice` is what its holder has
    to do because of its dates; time alone makes it something else at `advice_changes` (None: never).
    """

    atr: bytes
    read: ReadCard | None = None
    facts: CardFacts | None = None
    certificates: tuple[JudgedCertificate, ...] = ()
    codes: tuple[CodeState, ...] = ()
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    advice: tuple[Advice, ...] = ()
    advice_changes: datetime | None = None

    @property
    def serial(self) -> str | None:
        """The card's serial number, None if it could not be read.

        A card that has none is told by what is on it ("sha256:" and 16 hexadecimal digits): calls have to name the card
        that they mean.
        """
        if self.read is None:
            return None
        contents = self.read.contents
        if contents.serial is not None:
            return contents.serial
        whole = hashlib.sha256(b"".join(len(one.der).to_bytes(4, "big") + one.der for one in contents.certificates))
        return f"sha256:{whole.hexdigest()[:16].upper()}"

    def code(self, role: Role) -> CodeState | None:
        """Return the state of the code with that role, None if the card has none."""
        return next((code for code in self.codes if code.role == role), None)


@dataclass(frozen=True, slots=True)
class ReaderView:
    """One reader at one moment. `sequence` is the number of the event that made it so."""

    name: str
    status: ReaderStatus
    sequence: int
    card: InsertedCard | None = None
    reason: ErrorCode | None = None
    detail: str | None = None


class NoticeKind(StrEnum):
    """What a notice tells: tries that went without us, or what became of an operation whose answer was lost."""

    TRIES_LOST_ELSEWHERE = "code.triesLostElsewhere"
    OUTCOME_LEARNT = "code.outcomeLearnt"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person should know of a code.

    `happened` is of OUTCOME_LEARNT: whether what was asked for was done, None if the card can't tell.
    """

    kind: NoticeKind
    at: datetime
    reader: str
    card_serial: str | None
    role: Role
    tries_before: int | None = None
    tries_after: int | None = None
    happened: bool | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """All readers at one moment; `service` is False while pcscd can't be reached. `changed` names what changed last.

    `notices` are the latest, the oldest first.
    """

    sequence: int
    service: bool
    readers: tuple[ReaderView, ...]
    changed: str | None = None
    notices: tuple[Notice, ...] = ()
