"""What sithsctl's exit status says.

Numbers are stable: scripts build on them. `sithsctl --help` shows the same table.

| Status | Name | Meaning |
|---|---|---|
| 0 | DONE | done |
| 1 | REFUSED | the card refused or its signature is wrong, or an error that has no other number |
| 2 | USAGE | the command line, or the request made from it, is not in order |
| 3 | UNAVAILABLE | the daemon, the PC/SC service or a server on the network does not answer |
| 4 | NOTHING_THERE | no card, no such reader or certificate, or several readers to choose from |
| 5 | CODE_WRONG | the PIN or PUK was wrong |
| 6 | CODE_BLOCKED | the PIN or PUK is blocked |
| 7 | NOT_SENT | refused before the card: last try, malformed, not activated, not allowed |
| 8 | CARD_UNFIT | the card is unknown, unreadable, or lacks the code |
| 9 | DISTURBED | busy, taken out, exchanged, or the answer was lost: look, and try again |
| 10 | INTERNAL | a fault in sithsd |
| 130 | INTERRUPTED | Ctrl-C, as shells have it (128 + SIGINT) |
"""

from enum import IntEnum
from types import MappingProxyType

from sithsd.errors import ErrorCode


class ExitStatus(IntEnum):
    """The table above."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOTHING_THERE = 4
    CODE_WRONG = 5
    CODE_BLOCKED = 6
    NOT_SENT = 7
    CARD_UNFIT = 8
    DISTURBED = 9
    INTERNAL = 10
    INTERRUPTED = 130


STATUS_OF = MappingProxyType[str, ExitStatus](
    {
        ErrorCode.PIN_WRONG: ExitStatus.CODE_WRONG,
        ErrorCode.PIN_BLOCKED: ExitStatus.CODE_BLOCKED,
        ErrorCode.PIN_LAST_TRY: ExitStatus.NOT_SENT,
        ErrorCode.PIN_TRIES_UNKNOWN: ExitStatus.NOT_SENT,
        ErrorCode.PIN_MALFORMED: ExitStatus.NOT_SENT,
        ErrorCode.PIN_NOT_ACTIVATED: ExitStatus.NOT_SENT,
        ErrorCode.PIN_UNSUPPORTED: ExitStatus.CARD_UNFIT,
        ErrorCode.PUK_WRONG: ExitStatus.CODE_WRONG,
        ErrorCode.PUK_BLOCKED: ExitStatus.CODE_BLOCKED,
        ErrorCode.PUK_LAST_TRY: ExitStatus.NOT_SENT,
        ErrorCode.PUK_TRIES_UNKNOWN: ExitStatus.NOT_SENT,
        ErrorCode.CARD_ABSENT: ExitStatus.NOTHING_THERE,
        ErrorCode.CARD_REMOVED: ExitStatus.DISTURBED,
        ErrorCode.CARD_CHANGED: ExitStatus.DISTURBED,
        ErrorCode.CARD_UNSUPPORTED: ExitStatus.CARD_UNFIT,
        ErrorCode.CARD_UNREADABLE: ExitStatus.CARD_UNFIT,
        ErrorCode.CARD_REFUSED: ExitStatus.REFUSED,
        ErrorCode.READER_BUSY: ExitStatus.DISTURBED,
        ErrorCode.READER_UNKNOWN: ExitStatus.NOTHING_THERE,
        ErrorCode.READER_AMBIGUOUS: ExitStatus.NOTHING_THERE,
        ErrorCode.PCSC_UNAVAILABLE: ExitStatus.UNAVAILABLE,
        ErrorCode.REQUEST_DENIED: ExitStatus.NOT_SENT,
        ErrorCode.REQUEST_INVALID: ExitStatus.USAGE,
        ErrorCode.REQUEST_TOO_MANY: ExitStatus.DISTURBED,
        ErrorCode.DAEMON_UNAVAILABLE: ExitStatus.UNAVAILABLE,
        ErrorCode.FETCH_FAILED: ExitStatus.UNAVAILABLE,
        ErrorCode.INTERNAL: ExitStatus.INTERNAL,
        ErrorCode.PIN_TRIES_CHANGED: ExitStatus.NOT_SENT,
        ErrorCode.PIN_REFUSED: ExitStatus.NOT_SENT,
        ErrorCode.PUK_TRIES_CHANGED: ExitStatus.NOT_SENT,
        ErrorCode.PUK_BELOW_FLOOR: ExitStatus.NOT_SENT,
        ErrorCode.PINPAD_ABSENT: ExitStatus.NOT_SENT,
        ErrorCode.PINPAD_CANCELLED: ExitStatus.NOT_SENT,
        ErrorCode.PINPAD_TIMEOUT: ExitStatus.NOT_SENT,
        ErrorCode.PINPAD_MISMATCH: ExitStatus.NOT_SENT,
        ErrorCode.PINPAD_MALFORMED: ExitStatus.NOT_SENT,
        ErrorCode.UNBLOCK_DESK_ONLY: ExitStatus.NOT_SENT,
        ErrorCode.UNBLOCK_NOT_BY_MODULE: ExitStatus.NOT_SENT,
        ErrorCode.ACTIVATION_CHECKLIST: ExitStatus.NOT_SENT,
        ErrorCode.ACTIVATION_NOT_NEEDED: ExitStatus.NOT_SENT,
        ErrorCode.CARD_OUTCOME_UNKNOWN: ExitStatus.DISTURBED,
        ErrorCode.MODULE_FAILED: ExitStatus.DISTURBED,
        ErrorCode.MODULE_TIMEOUT: ExitStatus.DISTURBED,
        ErrorCode.REQUEST_TOO_MANY_WRONG: ExitStatus.NOT_SENT,
        ErrorCode.AUDIT_UNAVAILABLE: ExitStatus.UNAVAILABLE,
        ErrorCode.CERTIFICATE_ABSENT: ExitStatus.NOTHING_THERE,
        ErrorCode.CERTIFICATE_AMBIGUOUS: ExitStatus.NOTHING_THERE,
        ErrorCode.CERTIFICATE_BAD: ExitStatus.NOT_SENT,
        ErrorCode.SIGNATURE_INVALID: ExitStatus.REFUSED,
        ErrorCode.SIGNATURE_UNSUPPORTED: ExitStatus.CARD_UNFIT,
    }
)


def exit_status(code: str) -> ExitStatus:
    """Return the exit status of an error's name; one from a newer daemon is REFUSED."""
    return STATUS_OF.get(code, ExitStatus.REFUSED)
