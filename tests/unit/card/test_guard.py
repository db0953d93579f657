"""The guard's table, cell by cell."""

import itertools

import pytest

from sithsd.card import guard
from sithsd.card.guard import Counter, Word
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import CodeState, Role

TRIES = (None, -1, 0, 1, 2, 3, 15)
FLAGS = (None, False, True)
FLOOR = 3
# Nothing said, spendLastTry, riskCard, both.
WORDS = (Word(), Word(last_try=True), Word(risk_card=True), Word(last_try=True, risk_card=True))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CodeState(Role.AUTHENTICATION), Counter.UNKNOWN),
        (CodeState(Role.AUTHENTICATION, tries_left=-1), Counter.UNKNOWN),
        (CodeState(Role.AUTHENTICATION, tries_left=0), Counter.NONE),
        (CodeState(Role.AUTHENTICATION, tries_left=1), Counter.LAST),
        (CodeState(Role.AUTHENTICATION, tries_left=2), Counter.PLENTY),
        (CodeState(Role.AUTHENTICATION, tries_left=15), Counter.PLENTY),
        (CodeState(Role.AUTHENTICATION, tries_left=3, blocked=True), Counter.NONE),
        (CodeState(Role.AUTHENTICATION, blocked=True, activated=False), Counter.NONE),
        (CodeState(Role.AUTHENTICATION, tries_left=0, blocked=False), Counter.NONE),
        (CodeState(Role.AUTHENTICATION, tries_left=3, activated=False), Counter.NOT_ACTIVATED),
        (CodeState(Role.AUTHENTICATION, verified=True), Counter.UNKNOWN),
        (CodeState(Role.AUTHENTICATION, tries_left=3, max_tries=3, verified=True), Counter.PLENTY),
        (CodeState(Role.AUTHENTICATION, not_last=True), Counter.PLENTY),
        (CodeState(Role.AUTHENTICATION, not_last=True, blocked=True), Counter.NONE),
        (CodeState(Role.AUTHENTICATION, not_last=True, activated=False), Counter.NOT_ACTIVATED),
        (CodeState(Role.AUTHENTICATION, tries_left=1, not_last=True), Counter.LAST),
        (CodeState(Role.AUTHENTICATION, tries_left=0, not_last=True), Counter.NONE),
        (CodeState(Role.AUTHENTICATION, tries_left=-1, not_last=True), Counter.UNKNOWN),
        (CodeState(Role.PUK, not_last=True), Counter.PLENTY),
    ],
)
def test_what_is_known_of_the_tries(state: CodeState, expected: Counter) -> None:
    """A state is classified by what it tells, and to the careful side where it contradicts itself."""
    assert guard.classify(state) is expected


@pytest.mark.parametrize(
    ("role", "tries", "floor", "expected"),
    [
        (Role.PUK, 1, 3, Counter.LAST),
        (Role.PUK, 2, 3, Counter.FEW),
        (Role.PUK, 3, 3, Counter.PLENTY),
        (Role.PUK, 2, 0, Counter.PLENTY),
        (Role.SIGNATURE, 2, 3, Counter.PLENTY),
        (Role.PUK, None, 3, Counter.FEW),
        (Role.PUK, None, 2, Counter.PLENTY),
        (Role.SIGNATURE, None, 3, Counter.PLENTY),
    ],
)
def test_the_floor_is_the_puks(role: Role, tries: int | None, floor: int, expected: Counter) -> None:
    """Fewer tries than the floor are few, for a PUK alone; the last one is the last one; "not the last" is two."""
    assert guard.classify(CodeState(role, tries_left=tries, not_last=tries is None), floor) is expected


def _refusal(state: CodeState, word: Word, floor: int = 0) -> ErrorCode | None:
    try:
        guard.allow(state, word, floor=floor)
    except SithsdError as error:
        return error.code if error.role == state.role else ErrorCode.INTERNAL
    return None


@pytest.mark.parametrize(
    ("state", "unasked", "confirmed"),
    [
        (CodeState(Role.SIGNATURE, tries_left=2), None, None),
        (CodeState(Role.SIGNATURE, tries_left=1), ErrorCode.PIN_LAST_TRY, None),
        (CodeState(Role.SIGNATURE, tries_left=0), ErrorCode.PIN_BLOCKED, ErrorCode.PIN_BLOCKED),
        (CodeState(Role.SIGNATURE), ErrorCode.PIN_TRIES_UNKNOWN, None),
        (CodeState(Role.SIGNATURE, not_last=True), None, None),
        (CodeState(Role.SIGNATURE, activated=False), ErrorCode.PIN_NOT_ACTIVATED, ErrorCode.PIN_NOT_ACTIVATED),
    ],
)
def test_the_pins_table(state: CodeState, unasked: ErrorCode | None, confirmed: ErrorCode | None) -> None:
    """Each row for PINs in the guard's docstring; riskCard and the floor are of no account there."""
    expected = [unasked, confirmed, unasked, confirmed]
    assert [_refusal(state, word, FLOOR) for word in WORDS] == expected


_FLOOR, _LAST = ErrorCode.PUK_BELOW_FLOOR, ErrorCode.PUK_LAST_TRY
_DEAD, _UNKNOWN = ErrorCode.PUK_BLOCKED, ErrorCode.PUK_TRIES_UNKNOWN


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CodeState(Role.PUK, tries_left=10), [None, None, None, None]),
        (CodeState(Role.PUK, tries_left=FLOOR), [None, None, None, None]),
        (CodeState(Role.PUK, tries_left=2), [_FLOOR, _FLOOR, None, None]),
        (CodeState(Role.PUK, tries_left=1), [_LAST, _FLOOR, _LAST, None]),
        (CodeState(Role.PUK, tries_left=0), [_DEAD, _DEAD, _DEAD, _DEAD]),
        (CodeState(Role.PUK), [_UNKNOWN, _FLOOR, _UNKNOWN, None]),
        (CodeState(Role.PUK, not_last=True), [_FLOOR, _FLOOR, None, None]),
        (CodeState(Role.PUK, activated=False), [_DEAD, _DEAD, _DEAD, _DEAD]),
    ],
)
def test_the_puks_table(state: CodeState, expected: list[ErrorCode | None]) -> None:
    """Each row for the PUK in the guard's docstring, by spendLastTry and riskCard."""
    assert [_refusal(state, word, FLOOR) for word in WORDS] == expected


def test_without_a_floor_two_tries_are_enough() -> None:
    """With the floor 0 the last try and the unknown number need both words all the same."""
    rows = {2: [None] * 4, 1: [_LAST, _FLOOR, _LAST, None], None: [_UNKNOWN, _FLOOR, _UNKNOWN, None]}
    for tries, expected in rows.items():
        assert [_refusal(CodeState(Role.PUK, tries_left=tries), word) for word in WORDS] == expected


@pytest.mark.parametrize("role", [Role.AUTHENTICATION, Role.PUK])
@pytest.mark.parametrize("word", [(False, False), (True, True)])
def test_another_counter_than_was_shown(role: Role, word: tuple[bool, bool]) -> None:
    """A code typed for another counter is not used, whatever was said; one with no tries left is blocked as ever."""
    changed = ErrorCode.PUK_TRIES_CHANGED if role is Role.PUK else ErrorCode.PIN_TRIES_CHANGED
    for tries, shown in itertools.product((None, 1, 2, 3), (0, 1, 2, 3)):
        state = CodeState(role, tries_left=tries)
        refusal = _refusal(state, Word(*word, expected=shown))
        assert refusal is (changed if tries != shown else _refusal(state, Word(*word))), (tries, shown)
    for state in (CodeState(role, tries_left=0), CodeState(role, tries_left=3, activated=False)):
        assert _refusal(state, Word(*word, expected=2)) is _refusal(state, Word(*word)) is not None


@pytest.mark.parametrize(
    ("role", "tries", "blocked", "activated", "verified"),
    list(itertools.product(Role, TRIES, FLAGS, FLAGS, (False, True))),
)
@pytest.mark.parametrize("not_last", [False, True])
def test_every_state_has_an_answer_on_the_safe_side(  # noqa: PLR0913 - what a state consists of
    role: Role, tries: int | None, blocked: bool | None, activated: bool | None, *, verified: bool, not_last: bool
) -> None:
    """Unasked only with two tries known; with a person's word never to a code that is blocked or not activated."""
    state = CodeState(
        role, tries_left=tries, blocked=blocked, activated=activated, verified=verified, not_last=not_last
    )
    tries = 2 if tries is None and not_last else tries
    for floor in (0, FLOOR):
        unasked, *others = (_refusal(state, word, floor) for word in WORDS)
        if unasked is None:
            assert tries is not None
            assert tries >= 2
            assert role is not Role.PUK or tries >= floor
            assert others == [None] * 3
        if None in others:
            assert tries != 0
            assert not blocked
            assert activated is not False
            assert others[-1] is None, "with both words everything goes that goes with one"


def test_a_refusal_tells_the_tries_left() -> None:
    """The error of a blocked code says 0 tries, whatever the counter said; that of the last try says 1."""
    for state, left in (
        (CodeState(Role.PUK, tries_left=3, blocked=True), 0),
        (CodeState(Role.SIGNATURE, tries_left=1), 1),
        (CodeState(Role.SIGNATURE), None),
    ):
        with pytest.raises(SithsdError) as error:
            guard.allow(state)
        assert error.value.tries_left == left
