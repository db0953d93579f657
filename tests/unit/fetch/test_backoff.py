"""When a place that failed is asked again, and when an answer is fetched anew: arithmetic, with chance given."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from sithsd.clock import FixedClock
from sithsd.fetch.backoff import FIRST, LONGEST, Backoff, Pace

NOW = datetime(2028, 1, 1, tzinfo=UTC)
URL = "http://ocsp1.siths.se/"


class Most(random.Random):
    """A chance that is always the most, or the least."""

    def __init__(self, part: float) -> None:
        super().__init__()
        self._part = part

    def uniform(self, a: float, b: float) -> float:
        """Return that part of the way."""
        return a + (b - a) * self._part


def pauses(part: float, times: int) -> list[timedelta]:
    """Fail so many times in a row; return the pauses."""
    clock = FixedClock(NOW)
    backoff = Backoff(clock, Most(part))
    found = []
    for _ in range(times):
        backoff.failed(URL, "no connection")
        next_try = backoff.next_try(URL)
        assert next_try is not None
        found.append(next_try - clock.now())
        clock.set(next_try)
    return found


def test_each_failure_doubles_the_pause_up_to_six_hours() -> None:
    """30 seconds, a minute, two ... and never more than six hours, however often it fails."""
    found = pauses(1, 40)
    assert found[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert found[9] == FIRST * 512
    assert set(found[10:]) == {LONGEST}
    assert timedelta(hours=6) == LONGEST


def test_half_of_each_pause_is_left_to_chance() -> None:
    """Machines that lost a place at the same moment come back over half of the pause, none of them at once."""
    assert pauses(0, 3) == [FIRST / 2, FIRST, 2 * FIRST]
    clock = FixedClock(NOW)
    tries = set()
    for seed in range(200):
        backoff = Backoff(clock, random.Random(seed))  # noqa: S311 - the same chance in each run
        backoff.failed(URL, "")
        tries.add(backoff.next_try(URL))
    assert len(tries) == 200
    assert max(tries) - min(tries) > FIRST / 3


def test_a_success_ends_the_pause() -> None:
    """After a success the place is no failing one, and the next failure begins anew."""
    clock = FixedClock(NOW)
    backoff = Backoff(clock, Most(1))
    for _ in range(5):
        backoff.failed(URL, "no connection")
    (failure,) = backoff.failures
    assert (failure.url, failure.times, failure.detail) == (URL, 5, "no connection")
    backoff.succeeded(URL)
    assert (backoff.failures, backoff.next_try(URL)) == ((), None)
    backoff.failed(URL, "again")
    assert backoff.next_try(URL) == NOW + FIRST


def test_what_is_remembered_of_failures_is_bounded() -> None:
    """However many places fail, the last few hundred are known."""
    backoff = Backoff(FixedClock(NOW), Most(1))
    for number in range(1000):
        backoff.failed(f"{URL}{number}", "")
    assert [one.url for one in backoff.failures] == [f"{URL}{number}" for number in range(744, 1000)]


@pytest.mark.parametrize("part", [0, 0.5, 1])
@pytest.mark.parametrize("life", [timedelta(minutes=10), timedelta(hours=12), timedelta(days=1)])
def test_an_answer_is_fetched_anew_before_its_next_update(part: float, life: timedelta) -> None:
    """Somewhere between three and seven eighths of its life a newer answer is asked for."""
    due = Pace(Most(part)).after(NOW, NOW + life)
    assert NOW + life * 0.5 <= due <= NOW + life * 0.85


def test_an_answer_that_lives_long_is_fetched_anew_once_a_day() -> None:
    """A list that is good for a year is looked at again within a day: what is revoked is in the next one."""
    assert NOW + timedelta(hours=16) < Pace(Most(0)).after(NOW, NOW + timedelta(days=366))
    assert Pace(Most(1)).after(NOW, NOW + timedelta(days=366)) == NOW + timedelta(hours=24)


@pytest.mark.parametrize("next_update", [NOW - timedelta(days=9), NOW, NOW + timedelta(seconds=1)])
def test_nothing_is_fetched_anew_all_the_time(next_update: datetime) -> None:
    """Also for an answer that is over already there are five minutes at least between two questions."""
    assert Pace(Most(0)).after(NOW, next_update) == NOW + timedelta(minutes=5)
    assert NOW <= Pace(Most(1)).overdue(NOW) <= NOW + timedelta(minutes=5)
