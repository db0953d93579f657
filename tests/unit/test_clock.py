"""The clock that a test can set."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sithsd.clock import FixedClock, SystemClock

MORNING = datetime(2024, 1, 23, 11, 0, tzinfo=UTC)


def test_the_systems_clock_tells_utc_and_moves() -> None:
    """The moment is timezone-aware, in UTC, and no earlier than the one before."""
    first = SystemClock().now()
    assert first.tzinfo is UTC
    assert SystemClock().now() >= first


def test_a_fixed_clock_stands_still_until_it_is_set() -> None:
    """Two looks at it give one moment; after `set` it gives the other one."""
    clock = FixedClock(MORNING)
    assert clock.now() == clock.now() == MORNING
    clock.set(MORNING + timedelta(days=30))
    assert clock.now() == MORNING + timedelta(days=30)


def test_a_fixed_clock_answers_in_utc() -> None:
    """Noon in Stockholm is told as eleven in UTC, so that dates are compared in one zone."""
    stockholm = timezone(timedelta(hours=1))
    clock = FixedClock(datetime(2024, 1, 23, 12, 0, tzinfo=stockholm))
    assert clock.now() == MORNING
    assert clock.now().tzinfo is UTC
    clock.set(datetime(2024, 1, 23, 13, 0, tzinfo=stockholm))
    assert clock.now().tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    """It would be taken for the machine's own zone, and a card would expire an hour off on some machines."""
    naive = datetime(2024, 1, 23, 12, 0)  # noqa: DTZ001 - what is refused
    with pytest.raises(ValueError, match="timezone"):
        FixedClock(naive)
    with pytest.raises(ValueError, match="timezone"):
        FixedClock(MORNING).set(naive)
