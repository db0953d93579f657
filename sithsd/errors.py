"""Every error by name.

An error of sithsd has a code that stays the same over releases, says whether the same call may be tried again
unchanged, and keeps what the card itself said (the status word, the tries left). The sentences that a person reads
belong to the programs that show them; `detail` here is for logs and developers.
"""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The stable names. Names are only ever added."""

    PIN_WRONG = "pin.wrong"
    PIN_BLOCKED = "pin.blocked"
    PIN_LAST_TRY = "pin.lastTry"
    PIN_TRIES_UNKNOWN = "pin.triesUnknown"
    PIN_MALFORMED = "pin.malformed"
    PIN_NOT_ACTIVATED = "pin.notActivated"
    PIN_UNSUPPORTED = "pin.unsupported"
    PIN_TRIES_CHANGED = "pin.triesChanged"
    PIN_REFUSED = "pin.refused"
    PUK_WRONG = "puk.wrong"
    PUK_BLOCKED = "puk.blocked"
    PUK_LAST_TRY = "puk.lastTry"
    PUK_TRIES_UNKNOWN = "puk.triesUnknown"
    PUK_TRIES_CHANGED = "puk.triesChanged"
    PUK_BELOW_FLOOR = "puk.belowFloor"
    PINPAD_ABSENT = "pinpad.absent"
    PINPAD_CANCELLED = "pinpad.cancelled"
    PINPAD_TIMEOUT = "pinpad.timeout"
    PINPAD_MISMATCH = "pinpad.mismatch"
    PINPAD_MALFORMED = "pinpad.malformed"
    UNBLOCK_DESK_ONLY = "unblock.deskOnly"
    UNBLOCK_NOT_BY_MODULE = "unblock.notByModule"
    ACTIVATION_CHECKLIST = "activation.checklist"
    ACTIVATION_NOT_NEEDED = "activation.notNeeded"
    CARD_ABSENT = "card.absent"
    CARD_REMOVED = "card.removed"
    CARD_CHANGED = "card.changed"
    CARD_UNSUPPORTED = "card.unsupported"
    CARD_UNREADABLE = "card.unreadable"
    CARD_REFUSED = "card.refused"
    CARD_OUTCOME_UNKNOWN = "card.outcomeUnknown"
    MODULE_FAILED = "module.failed"
    MODULE_TIMEOUT = "module.timeout"
    READER_BUSY = "reader.busy"
    READER_UNKNOWN = "reader.unknown"
    READER_AMBIGUOUS = "reader.ambiguous"
    PCSC_UNAVAILABLE = "pcsc.unavailable"
    CERTIFICATE_ABSENT = "certificate.absent"
    CERTIFICATE_AMBIGUOUS = "certificate.ambiguous"
    CERTIFICATE_BAD = "certificate.bad"
    SIGNATURE_INVALID = "signature.invalid"
    SIGNATURE_UNSUPPORTED = "signature.unsupported"
    REQUEST_DENIED = "request.denied"
    REQUEST_INVALID = "request.invalid"
    REQUEST_TOO_MANY = "request.tooMany"
    REQUEST_TOO_MANY_WRONG = "request.tooManyWrong"
    AUDIT_UNAVAILABLE = "audit.unavailable"
    FETCH_FAILED = "fetch.failed"
    DAEMON_UNAVAILABLE = "daemon.unavailable"
    INTERNAL = "internal"


# The same call, unchanged, may succeed later without a person's doing anything to the card or the call.
_RETRYABLE = frozenset(
    {
        ErrorCode.READER_BUSY,
        ErrorCode.PCSC_UNAVAILABLE,
        ErrorCode.REQUEST_TOO_MANY,
        ErrorCode.FETCH_FAILED,
        ErrorCode.DAEMON_UNAVAILABLE,
        ErrorCode.MODULE_FAILED,
        ErrorCode.MODULE_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class Where:
    """Which reader, card and event an error is about, as far as that is known."""

    reader: str | None = None
    card_serial: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several certificates that a call may mean: its fingerprint, and what tells it from the others.

    `subject` without a personal identity number, `not_after` RFC 3339 in UTC.
    """

    fingerprint: str
    identity: str
    subject: str
    not_after: str


@dataclass(frozen=True, slots=True)
class More:
    """What else some errors tell.

    `rules` names what was not kept (a new PIN's rules, items of the activation's checklist) or what is wrong (a
    certificate's verdict), `choices` the certificates to choose from, `advice` what a person has
    to do (a name of the policy's), `done` the roles whose PIN was set before the error, `holder` the program that may
    hold the card ("perhaps firefox (pid 123)"), `retry_after` in how many seconds it is worth to ask again.
    """

    rules: tuple[str, ...] = ()
    advice: str | None = None
    done: tuple[str, ...] = ()
    holder: str | None = None
    retry_after: int | None = None
    choices: tuple[Choice, ...] = ()


class SithsdError(Exception):
    """An operation that did not happen, or did not end as asked.

    `code` is the stable name, `detail` an English sentence without any secret, `tries_left` the number of tries the
    code at hand has left (None: not known, or no code involved), `role` the code concerned ("authentication",
    "signature", "puk"), `status_word` the card's SW1-SW2 as an integer (ISO 7816-4:2020, 5.6). `where` and `more` are
    filled in by the rooms that know.
    """

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        tries_left: int | None = None,
        role: str | None = None,
        status_word: int | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.tries_left = tries_left
        self.role = role
        self.status_word = status_word
        self.where = Where()
        self.more = More()

    @property
    def retryable(self) -> bool:
        """Whether the same call may be made again, unchanged, without harm and with hope."""
        return self.code in _RETRYABLE

    def __str__(self) -> str:
        words = f"{self.code}: {self.detail}"
        return words if self.status_word is None else f"{words} [SW {self.status_word:04X}]"
