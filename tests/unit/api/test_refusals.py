"""What is logged of callers who are refused: each once in a while, and never without end."""

import structlog
from structlog.testing import capture_logs

from sithsd.api.peer import Caller
from sithsd.api.refusals import Refusals


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


def caller(uid: int) -> Caller:
    """Return a caller."""
    return Caller(uid=uid, gid=uid, pid=uid + 1, groups=frozenset({uid}))


def test_the_first_of_each_matter_and_then_a_number() -> None:
    """Each user's first refusal for a method is told at once, the others as a count when the minute is over."""
    clock = Hand()
    with capture_logs() as lines:
        refusals = Refusals(structlog.get_logger(), clock)
        for _ in range(1000):
            refusals.note("denied", caller(1000), "a.B.Verify")
        refusals.note("denied", caller(1000), "a.B.Change")
        refusals.note("denied", caller(1001), "a.B.Verify")
        refusals.note("too many connections", caller(1001))
        clock.seconds = 61.0
        refusals.note("denied", caller(1002), "a.B.Verify")
    said = [(line["event"], line["uid"], line.get("method"), line.get("times")) for line in lines]
    assert said == [
        ("denied", 1000, "a.B.Verify", None),
        ("denied", 1000, "a.B.Change", None),
        ("denied", 1001, "a.B.Verify", None),
        ("too many connections", 1001, None, None),
        ("denied", 1000, "a.B.Verify", 999),
        ("denied", 1002, "a.B.Verify", None),
    ]
    assert {line["log_level"] for line in lines} == {"warning"}


def test_many_users_get_no_further_than_a_bound() -> None:
    """However many users are refused, so many lines a minute and no more; how many were left out is told."""
    clock = Hand()
    with capture_logs() as lines:
        refusals = Refusals(structlog.get_logger(), clock)
        for uid in range(5000):
            refusals.note("denied", caller(uid), "a.B.Verify")
        assert len(lines) == 200
        clock.seconds = 61.0
        refusals.note("denied", caller(1), "a.B.Verify")
    assert lines[200:] == [
        {"event": "refusals not written", "lines": 4800, "log_level": "warning"},
        {"event": "denied", "uid": 1, "pid": 2, "method": "a.B.Verify", "log_level": "warning"},
    ]
