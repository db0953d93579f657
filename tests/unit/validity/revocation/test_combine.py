"""Which of several answers about one certificate counts."""

from datetime import UTC, datetime, timedelta

import pytest

from sithsd.validity.revocation.combine import combine
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus

NOW = datetime(2028, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def good(hours: int = 0, fingerprint: str = "aa") -> Evidence:
    """Make a good answer of so many hours ago."""
    return Evidence(fingerprint, 1, RevocationStatus.GOOD, this_update=NOW - hours * HOUR)


def revoked(hours: int = 0, reason: str | None = None) -> Evidence:
    """Make a revocation that was told so many hours ago."""
    return Evidence("aa", 1, RevocationStatus.REVOKED, this_update=NOW - hours * HOUR, revocation_reason=reason)


def failed(failure: Failure) -> Evidence:
    """Make an answer that is none."""
    return Evidence("aa", 1, RevocationStatus.UNKNOWN, failure=failure)


def test_revoked_beats_all() -> None:
    """However old it is, and whatever else was said since."""
    old = revoked(hours=100, reason="keyCompromise")
    assert combine([good(), old, failed(Failure.NOT_KNOWN_THERE)]) is old
    assert combine([old, revoked(hours=1, reason="certificateHold"), good()]) is old


def test_a_hold_ends_by_a_later_good_answer_alone() -> None:
    """A good answer from before the hold, or from the same moment, does not end it."""
    held = revoked(hours=2, reason="certificateHold")
    assert combine([held, good(hours=1)]) == good(hours=1)
    for older in (good(hours=2), good(hours=3)):
        assert combine([older, held]) is held


def test_the_freshest_good_answer_counts() -> None:
    """Before every failure."""
    assert combine([good(hours=2), good(hours=1), failed(Failure.NOT_KNOWN_THERE)]) == good(hours=1)


def test_the_most_telling_failure_is_told() -> None:
    """What a responder has said goes before what nobody has."""
    order = [
        Failure.NOT_KNOWN_THERE,
        Failure.STALE,
        Failure.INVALID,
        Failure.UNREACHABLE,
        Failure.NO_SOURCE,
        Failure.CHAIN_UNKNOWN,
    ]
    assert set(order) == set(Failure)
    for place in range(len(order)):
        assert combine([failed(one) for one in reversed(order[place:])]).failure is order[place]


def test_answers_are_about_one_certificate() -> None:
    """None, or two certificates' mixed, is a mistake of the caller."""
    for answers in ([], [good(), good(fingerprint="bb")]):
        with pytest.raises(ValueError, match="one certificate"):
            combine(answers)
