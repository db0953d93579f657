"""The guard: whether a code may be sent to the card. A transition table, no I/O.

The last try is never ours to spend. Before a code is sent its counter is read without using a try; then, for a PIN

    counter            not confirmed        spendLastTry
    two or more        allowed              allowed
    one                refused: last try    allowed
    none               refused: blocked     refused: blocked
    not known          refused: unknown     allowed
    not activated      refused              refused

and for the PUK, whose end is the card's end, with a floor below which a second word is needed:

    counter            not confirmed        spendLastTry           riskCard             both
    floor or more      allowed              allowed                allowed              allowed
    two, under floor   refused: floor       refused: floor         allowed              allowed
    one                refused: last try    refused: floor         refused: last try    allowed
    none               refused: blocked     refused: blocked       refused: blocked     refused: blocked
    not known          refused: unknown     refused: floor         refused: unknown     allowed

A number that is not told is "not known", unless something else rules the last try out: then it is "two or more" of a
PIN, and "two, under floor" of a PUK whose floor is higher than that.

A counter that is another one than the person was shown refuses before all of that, unless no try is left at all: the
code that was typed for one state of the card is not used in another.
"""

from dataclasses import dataclass
from enum import Enum

from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import CodeState, Role


class Counter(Enum):
    """What is known of the tries left. FEW is of the PUK alone: two or more, but fewer than its floor."""

    PLENTY = "two or more"
    FEW = "few"
    LAST = "one"
    NONE = "none"
    UNKNOWN = "not known"
    NOT_ACTIVATED = "not activated"


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word, as the caller brings it.

    `last_try`: the last try, or one of an unknown number, may be used. `risk_card`: a try of a PUK with few left may.
    `expected`: how many tries the person was shown, None if the caller does not say.
    """

    last_try: bool = False
    risk_card: bool = False
    expected: int | None = None


NOTHING_SAID = Word()

# What is left where the next try is known not to be the last.
_AT_LEAST = 2

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
# By the counter, spendLastTry and riskCard.
_PUK: dict[tuple[Counter, bool, bool], ErrorCode | None] = {
    (Counter.PLENTY, False, False): None,
    (Counter.PLENTY, True, False): None,
    (Counter.PLENTY, False, True): None,
    (Counter.PLENTY, True, True): None,
    (Counter.FEW, False, False): ErrorCode.PUK_BELOW_FLOOR,
    (Counter.FEW, True, False): ErrorCode.PUK_BELOW_FLOOR,
    (Counter.FEW, False, True): None,
    (Counter.FEW, True, True): None,
    (Counter.LAST, False, False): ErrorCode.PUK_LAST_TRY,
    (Counter.LAST, True, False): ErrorCode.PUK_BELOW_FLOOR,
    (Counter.LAST, False, True): ErrorCode.PUK_LAST_TRY,
    (Counter.LAST, True, True): None,
    (Counter.NONE, False, False): ErrorCode.PUK_BLOCKED,
    (Counter.NONE, True, False): ErrorCode.PUK_BLOCKED,
    (Counter.NONE, False, True): ErrorCode.PUK_BLOCKED,
    (Counter.NONE, True, True): ErrorCode.PUK_BLOCKED,
    (Counter.UNKNOWN, False, False): ErrorCode.PUK_TRIES_UNKNOWN,
    (Counter.UNKNOWN, True, False): ErrorCode.PUK_BELOW_FLOOR,
    (Counter.UNKNOWN, False, True): ErrorCode.PUK_TRIES_UNKNOWN,
    (Counter.UNKNOWN, True, True): None,
    (Counter.NOT_ACTIVATED, False, False): ErrorCode.PUK_BLOCKED,
    (Counter.NOT_ACTIVATED, True, False): ErrorCode.PUK_BLOCKED,
    (Counter.NOT_ACTIVATED, False, True): ErrorCode.PUK_BLOCKED,
    (Counter.NOT_ACTIVATED, True, True): ErrorCode.PUK_BLOCKED,
}


def classify(state: CodeState, floor: int = 0) -> Counter:
    """Return what a code's state tells of its tries. A contradictory state counts as not known.

    `floor` is the PUK's: the number of tries below which it is risky to use one. It counts for a PUK only.
    """
    if state.blocked:
        return Counter.NONE
    if state.activated is False:
        return Counter.NOT_ACTIVATED
    left = _AT_LEAST if state.tries_left is None and state.not_last else state.tries_left
    if left is None or left < 0:
        return Counter.UNKNOWN
    if left == 0:
        return Counter.NONE
    if left == 1:
        return Counter.LAST
    return Counter.FEW if state.role is Role.PUK and left < floor else Counter.PLENTY


def allow(state: CodeState, word: Word = NOTHING_SAID, *, floor: int = 0) -> None:
    """Return if the code with this state may be sent now, by this word of a person.

    Raises SithsdError (pin.lastTry, pin.blocked, pin.triesUnknown, pin.notActivated, pin.triesChanged, or the PUK's own
    of them, and puk.belowFloor).
    """
    counter = classify(state, floor)
    is_puk = state.role is Role.PUK
    refusal = _PUK[counter, word.last_try, word.risk_card] if is_puk else _PIN[counter, word.last_try]
    if counter not in {Counter.NONE, Counter.NOT_ACTIVATED} and word.expected not in {None, state.tries_left}:
        refusal = ErrorCode.PUK_TRIES_CHANGED if is_puk else ErrorCode.PIN_TRIES_CHANGED
    if refusal is None:
        return
    raise SithsdError(
        refusal,
        f"nothing was sent to the card: tries left are {counter.value}",
        tries_left=0 if counter is Counter.NONE else state.tries_left,
        role=state.role,
    )
