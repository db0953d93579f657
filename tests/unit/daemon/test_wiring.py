"""What the daemon takes over from one that was killed, and an audit that can't be opened."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sithsd.audit.model import Operation
from sithsd.clock import FixedClock
from sithsd.daemon.wiring import _open_audit, _remember
from sithsd.errors import ErrorCode, SithsdError
from sithsd.locations import AUDIT_FILE
from sithsd.policy import model as policies
from sithsd.policy.model import Policy
from sithsd.session.board import Board
from sithsd.session.ledger import Ledger
from sithsd.session.model import NoticeKind
from sithsd.session.notices import Herald
from sithsd.values import CodeState, Role

CLOCK = FixedClock(datetime(2024, 1, 15, tzinfo=UTC))


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """Give the shipped policy, whatever this machine has in /etc."""
    empty = tmp_path / "policy.toml"
    empty.touch()
    return policies.load(empty)


def operation(name: str, role: Role | None, tries: int | None, serial: str | None = "0001") -> Operation:
    """Return an operation of somebody's."""
    said = None if role is None else str(role)
    return Operation(name, 1000, 1, "a program", "a reader", serial, said, tries)


@pytest.mark.parametrize(
    ("begun", "now", "told"),
    [
        (operation("verify", Role.AUTHENTICATION, 3), (Role.AUTHENTICATION, 2), (3, 2, False)),
        (operation("verify", Role.AUTHENTICATION, 3), (Role.AUTHENTICATION, 3), (3, 3, None)),
        (operation("change", Role.SIGNATURE, 1), (Role.SIGNATURE, 3), (1, 3, True)),
        (operation("change", Role.SIGNATURE, 1), (Role.SIGNATURE, 1), (1, 1, False)),
        (operation("verify", Role.AUTHENTICATION, None), (Role.AUTHENTICATION, 3), (None, 3, None)),
        # The PUK is what an unblocking shows to the card.
        (operation("unblock", Role.AUTHENTICATION, 10), (Role.PUK, 9), (10, 9, False)),
        (operation("activate", None, 10), (Role.PUK, 9), (10, 9, False)),
        (operation("activate", None, None), (Role.PUK, 9), None),
        (operation("verify", Role.AUTHENTICATION, 3, None), (Role.AUTHENTICATION, 2), None),
        (operation("verify", Role.AUTHENTICATION, 3, "0002"), (Role.AUTHENTICATION, 2), None),
    ],
)
async def test_what_a_daemon_that_was_killed_left_is_compared(
    tmp_path: Path,
    policy: Policy,
    begun: Operation,
    now: tuple[Role, int],
    told: tuple[int | None, int, bool | None] | None,
) -> None:
    """An operation without an end is unknown in the audit, and what became of it is told when its card is read."""
    killed = _open_audit(tmp_path / "state", CLOCK, policy)
    killed.begin(begun)
    killed.close()  # with the operation open, as a process leaves it that is killed
    audit = _open_audit(tmp_path / "state", CLOCK, policy)
    assert [row.result for row in audit.interrupted] == ["unknown"]
    board = Board()
    herald = Herald(board, CLOCK)
    _remember(herald, audit)
    await asyncio.sleep(0)
    audit.close()
    role, tries = now
    herald.seen("a reader", "0001", [CodeState(role, tries, False, True, max_tries=10 if role is Role.PUK else 3)])
    found = [(one.tries_before, one.tries_after, one.happened) for one in board.picture.notices]
    assert found == ([] if told is None else [told])
    assert all(one.kind is NoticeKind.OUTCOME_LEARNT and one.role is role for one in board.picture.notices)


async def test_what_was_left_is_learnt_also_when_the_audit_opens_late(tmp_path: Path, policy: Policy) -> None:
    """The first operation that can begin is what opens it: before its ticket is there, the card is doubted."""
    state = tmp_path / "state"
    killed = _open_audit(state, CLOCK, policy)
    killed.begin(operation("verify", Role.AUTHENTICATION, 3))
    killed.close()
    (state / AUDIT_FILE).rename(state / "away")
    (state / AUDIT_FILE).mkdir()
    audit = _open_audit(state, CLOCK, policy)
    board = Board()
    herald, ledger = Herald(board, CLOCK), Ledger(audit)
    _remember(herald, audit)
    (state / AUDIT_FILE).rmdir()
    (state / "away").rename(state / AUDIT_FILE)
    await ledger.begin(operation("verify", Role.AUTHENTICATION, 2))
    herald.seen("a reader", "0001", [CodeState(Role.AUTHENTICATION, 2, False, True, max_tries=3)])
    await ledger.close()
    (found,) = board.picture.notices
    assert (found.kind, found.tries_before, found.happened) == (NoticeKind.OUTCOME_LEARNT, 3, False)


async def test_each_operation_that_was_left_is_doubted(tmp_path: Path, policy: Policy) -> None:
    """One had been sent when the daemon was killed, another waited for it: it is not known which."""
    killed = _open_audit(tmp_path / "state", CLOCK, policy)
    killed.begin(operation("verify", Role.AUTHENTICATION, 3))
    killed.begin(operation("verify", Role.AUTHENTICATION, 3))
    killed.begin(operation("verify", Role.SIGNATURE, 3))
    killed.close()
    audit = _open_audit(tmp_path / "state", CLOCK, policy)
    assert [(row.role, row.result) for row in audit.interrupted] == [
        ("authentication", "unknown"),
        ("authentication", "unknown"),
        ("signature", "unknown"),
    ]
    board = Board()
    herald = Herald(board, CLOCK)
    _remember(herald, audit)
    await asyncio.sleep(0)
    audit.close()
    states = [CodeState(role, 2, False, True, max_tries=3) for role in (Role.AUTHENTICATION, Role.SIGNATURE)]
    herald.seen("a reader", "0001", states)
    found = [(one.kind, one.role, one.happened) for one in board.picture.notices]
    assert found == [
        (NoticeKind.OUTCOME_LEARNT, Role.AUTHENTICATION, False),
        (NoticeKind.OUTCOME_LEARNT, Role.SIGNATURE, False),
    ]


def test_an_audit_that_can_not_be_opened(tmp_path: Path, policy: Policy, capsys: pytest.CaptureFixture[str]) -> None:
    """The daemon starts all the same, says so in its log, and refuses operations by name until it can be."""
    state = tmp_path / "state"
    (state / AUDIT_FILE).mkdir(parents=True)
    audit = _open_audit(state, CLOCK, policy)
    assert "audit.unavailable" in capsys.readouterr().out
    with pytest.raises(SithsdError) as error:
        audit.begin(Operation("verify"))
    assert error.value.code is ErrorCode.AUDIT_UNAVAILABLE
    (state / AUDIT_FILE).rmdir()
    audit.begin(Operation("verify"))
    audit.close()


def test_the_audits_folder_is_nobody_elses(tmp_path: Path, policy: Policy) -> None:
    """A folder that is made for it may be entered by the daemon's own user alone."""
    audit = _open_audit(tmp_path / "state", CLOCK, policy)
    audit.close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / AUDIT_FILE).stat().st_mode & 0o777 == 0o600
