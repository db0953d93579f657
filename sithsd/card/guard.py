"""The guard: whether a code may be sent to the card. A transition table, no I/O.

The last try is never ours to spend. Before a code is sent its counter is read without using a try; then

    counter        not confirmed        confirmed (spendLastTry)
    two or more    allowed              allowed
    one            refused: last try    allowed
    none           refused: blocked     refused: blocked
    not known      refused: unknown     allowed
    not activated  refused              refused
"""

from enum import Enum

from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import CodeState, Role


class Counter(Enum):
    """What is known of the tries left."""

    PLENTY = "two or more"
    LAST = "one"
    NONE = "none"
    UNKNOWN = "not known"
    NOT_ACTIVATED = "not activated"


_PIN: dict[tuple[Counter, bool], ErrorCode | None] = {
    (Counter.PLENTY, False): None,
    (Counter.PLENTY, True): None,
    (Counter.LAST, False): ErrorCode.PIN_LAST_TRY,
    (Counter.LAST, True): None,
    (Counter.NONE, False): ErrorCode.PIN_BLOCKED,
    (Counter.NONE, True): ErrorCode.PIN_BLOCKED,
    (Counter.UNKNOWN, False): ErrorCode.PIN_TRIES_UNKNOWN,
    (Counter.UNKNOWN, True): None,
    (Counter.NOT_ACTIVATED, False): ErrorCode.PIN_NOT_ACTIVATED,
    (Counter.NOT_ACTIVATED, True): ErrorCode.PIN_NOT_ACTIVATED,
}
_FOR_PUK = {
    ErrorCode.PIN_LAST_TRY: ErrorCode.PUK_LAST_TRY,
    ErrorCode.PIN_BLOCKED: ErrorCode.PUK_BLOCKED,
    ErrorCode.PIN_TRIES_UNKNOWN: ErrorCode.PUK_TRIES_UNKNOWN,
    ErrorCode.PIN_NOT_ACTIVATED: ErrorCode.PUK_BLOCKED,
}


def classify(state: CodeState) -> Counter:
    """Return what a code's state tells of its tries. A contradictory state counts as not known."""
    if state.blocked:
        return Counter.NONE
    if state.activated is False:
        return Counter.NOT_ACTIVATED
    if state.tries_left is None or state.tries_left < 0:
        return Counter.UNKNOWN
    if state.tries_left == 0:
        return Counter.NONE
    return Counter.LAST if state.tries_left == 1 else Counter.PLENTY


def allow(state: CodeState, *, confirmed: bool) -> None:
    """Return if the code with this state may be sent now; `confirmed` is a person's word for the last try.

    Raises SithsdError (pin.lastTry, pin.blocked, pin.triesUnknown, pin.notActivated, or the PUK's own of them).
    """
    refusal = _PIN[classify(state), confirmed]
    if refusal is None:
        return
    if state.role == Role.PUK:
        refusal = _FOR_PUK[refusal]
    raise SithsdError(
        refusal,
        f"nothing was sent to the card: tries left are {classify(state).value}",
        tries_left=0 if classify(state) is Counter.NONE else state.tries_left,
        role=state.role,
    )
