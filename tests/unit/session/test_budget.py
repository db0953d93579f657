"""How many wrong codes may go through us, by user and by card."""

import pytest

from sithsd.errors import ErrorCode, SithsdError
from sithsd.policy.model import Budget as Terms
from sithsd.session import budget as budgets
from sithsd.session.budget import Budget, Reservation

UID, CARD = 1000, "0001"


class Time:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


@pytest.fixture
def time() -> Time:
    """Give a clock."""
    return Time()


def make(time: Time, user: int = 3, card: int = 100, minutes: int = 10) -> Budget:
    """Return a budget."""
    return Budget(Terms(wrong_codes_per_user=user, wrong_codes_per_card=card, minutes=minutes), time)


def refused(budget: Budget, uid: int = UID, serial: str | None = CARD) -> int:
    """Return after how many seconds it is worth to ask again."""
    with pytest.raises(SithsdError) as error:
        budget.reserve(uid, serial)
    assert error.value.code is ErrorCode.REQUEST_TOO_MANY_WRONG
    assert not error.value.retryable
    assert error.value.more.retry_after is not None
    return error.value.more.retry_after


def busy(budget: Budget) -> bool:
    """Tell whether the budget is taken by operations under way."""
    with pytest.raises(SithsdError) as error:
        budget.reserve(UID, CARD)
    return error.value.code is ErrorCode.READER_BUSY and error.value.retryable


def test_right_codes_cost_nothing(time: Time) -> None:
    """However many right codes are given, there is leave for the next."""
    budget = make(time)
    for _ in range(100):
        budget.reserve(UID, CARD).settle(wrong=False)


def test_wrong_codes_of_one_user(time: Time) -> None:
    """After so many wrong codes the user is refused with any card, others are not; each counts for its minutes."""
    budget = make(time)
    for second in (50.0, 60.0, 70.5):
        time.seconds = second
        budget.reserve(UID, f"card {second}").settle(wrong=True)
    time.seconds = 100.0
    assert refused(budget) == 550
    assert refused(budget, serial="another") == 550
    budget.reserve(UID + 1, CARD).settle(wrong=False)
    time.seconds = 649.5
    assert refused(budget) == 1
    time.seconds = 650.0
    budget.reserve(UID, CARD).settle(wrong=True)
    assert refused(budget) == 10
    time.seconds = 660.0
    budget.reserve(UID, CARD).settle(wrong=False)


@pytest.mark.parametrize("serial", [CARD, None])
def test_wrong_codes_of_one_card(time: Time, serial: str | None) -> None:
    """After so many wrong codes a card gets none from anybody; cards without a number count as one."""
    budget = make(time, user=100, card=2)
    budget.reserve(1, serial).settle(wrong=True)
    budget.reserve(2, serial).settle(wrong=True)
    assert refused(budget, 3, serial) == 600
    budget.reserve(1, "another").settle(wrong=True)


def test_many_at_once_get_no_further_than_one_after_the_other(time: Time) -> None:
    """What is under way may be wrong: the next one has to wait for it, and hears that, not that codes were wrong."""
    budget = make(time)
    under_way = [budget.reserve(UID, CARD) for _ in range(3)]
    assert busy(budget)
    under_way[0].settle(wrong=False)
    under_way.append(budget.reserve(UID, CARD))
    for one in under_way[1:]:
        one.settle(wrong=True)
    assert refused(budget) == 600


def test_a_refusal_costs_nothing(time: Time) -> None:
    """To be refused does not make it last longer."""
    budget = make(time)
    for _ in range(3):
        budget.reserve(UID, CARD).settle(wrong=True)
    for _ in range(50):
        refused(budget)
    time.seconds += 600
    for _ in range(3):
        budget.reserve(UID, CARD).settle(wrong=True)
    assert refused(budget) == 600


def test_who_is_forgotten(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded; what is under way is not forgotten, and settles where it was reserved."""
    monkeypatch.setattr(budgets, "_MOST_KEPT", 4)
    budget = make(time, user=1)
    open_one: Reservation = budget.reserve(UID, CARD)
    for uid in range(20):
        budget.reserve(uid, str(uid)).settle(wrong=True)
    assert len(budget._accounts) <= 4
    assert busy(budget)
    open_one.settle(wrong=True)
    assert refused(budget) == 600
