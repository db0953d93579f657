"""The guard's table, cell by cell."""

import itertools

import pytest

from sithsd.card import guard
from sithsd.card.guard import Counter
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import CodeState, Role

TRIES = (None, -1, 0, 1, 2, 3, 15)
FLAGS = (None, False, True)


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
    ],
)
def test_what_is_known_of_the_tries(state: CodeState, expected: Counter) -> None:
    """A state is classified by what it tells, and to the careful side where it contradicts itself."""
    assert guard.classify(state) is expected


def _refusal(state: CodeState, *, confirmed: bool) -> ErrorCode | None:
    try:
        guard.allow(state, confirmed=confirmed)
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
        (CodeState(Role.SIGNATURE, activated=False), ErrorCode.PIN_NOT_ACTIVATED, ErrorCode.PIN_NOT_ACTIVATED),
        (CodeState(Role.PUK, tries_left=2), None, None),
        (CodeState(Role.PUK, tries_left=1), ErrorCode.PUK_LAST_TRY, None),
        (CodeState(Role.PUK, tries_left=0), ErrorCode.PUK_BLOCKED, ErrorCode.PUK_BLOCKED),
        (CodeState(Role.PUK), ErrorCode.PUK_TRIES_UNKNOWN, None),
        (CodeState(Role.PUK, activated=False), ErrorCode.PUK_BLOCKED, ErrorCode.PUK_BLOCKED),
    ],
)
def test_the_table(state: CodeState, unasked: ErrorCode | None, confirmed: ErrorCode | None) -> None:
    """Each cell of the table in the guard's docstring, for PINs and for the PUK."""
    assert _refusal(state, confirmed=False) is unasked
    assert _refusal(state, confirmed=True) is confirmed


@pytest.mark.parametrize(
    ("role", "tries", "blocked", "activated", "verified"),
    list(itertools.product(Role, TRIES, FLAGS, FLAGS, (False, True))),
)
def test_every_state_has_an_answer_on_the_safe_side(
    role: Role, tries: int | None, blocked: bool | None, activated: bool | None, *, verified: bool
) -> None:
    """Unasked only with two tries known; with a person's word never to a code that is blocked or not activated."""
    state = CodeState(role, tries_left=tries, blocked=blocked, activated=activated, verified=verified)
    if _refusal(state, confirmed=False) is None:
        assert tries is not None
        assert tries >= 2
        assert not blocked
        assert activated is not False
        assert _refusal(state, confirmed=True) is None
    if _refusal(state, confirmed=True) is None:
        assert tries != 0
        assert not blocked
        assert activated is not False


def test_a_refusal_tells_the_tries_left() -> None:
    """The error of a blocked code says 0 tries, whatever the counter said; that of the last try says 1."""
    for state, left in (
        (CodeState(Role.PUK, tries_left=3, blocked=True), 0),
        (CodeState(Role.SIGNATURE, tries_left=1), 1),
        (CodeState(Role.SIGNATURE), None),
    ):
        with pytest.raises(SithsdError) as error:
            guard.allow(state, confirmed=False)
        assert error.value.tries_left == left
