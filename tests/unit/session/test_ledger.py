"""The audit as the loop uses it: rows told in the log, operations in their order, notices that are not lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sithsd.audit.log import AuditLog
from sithsd.audit.model import Operation, Row
from sithsd.audit.reading import Wanted, rows
from sithsd.clock import FixedClock
from sithsd.session.ledger import Ledger
from sithsd.session.model import Notice, NoticeKind
from sithsd.values import Role

NOW = datetime(2024, 1, 15, tzinfo=UTC)


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[AuditLog]:
    """Give an audit."""
    tmp_path.chmod(0o700)
    made = AuditLog(tmp_path / "audit.sqlite", FixedClock(NOW))
    yield made
    made.close()


@pytest.fixture
async def ledger(audit: AuditLog) -> AsyncIterator[Ledger]:
    """Give its ledger."""
    made = Ledger(audit)
    yield made
    await made.close()


def written(audit: AuditLog) -> list[Row]:
    """Return the rows in the file."""
    return list(rows(audit._path, Wanted()))


def notice(kind: NoticeKind, happened: bool | None = None) -> Notice:
    """Return a notice."""
    return Notice(kind, NOW, "a reader", "0001", Role.PUK, 3, 2, happened)


async def test_operations_begin_in_the_order_of_the_calls(
    audit: AuditLog, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the disk takes for each: the first to call is the first to go on."""
    real = audit.begin

    def uneven(operation: Operation) -> object:
        time.sleep(0.02 if operation.pid in {0, 3} else 0)
        return real(operation)

    monkeypatch.setattr(audit, "begin", uneven)
    order: list[int] = []

    async def begin(pid: int) -> None:
        ticket = await ledger.begin(Operation("verify", pid=pid))
        order.append(pid)
        await ledger.finish(ticket, "done", tries_before=None, tries_after=None)

    await asyncio.gather(*(begin(pid) for pid in range(8)))
    assert order == list(range(8))


@pytest.mark.parametrize(
    ("kind", "happened", "result"),
    [
        (NoticeKind.TRIES_LOST_ELSEWHERE, None, "happened"),
        (NoticeKind.OUTCOME_LEARNT, True, "happened"),
        (NoticeKind.OUTCOME_LEARNT, False, "didNotHappen"),
        (NoticeKind.OUTCOME_LEARNT, None, "unknown"),
    ],
)
async def test_a_notice_has_its_row(
    audit: AuditLog, kind: NoticeKind, happened: bool | None, result: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With reader, card, role and tries, and without a caller; it is written before the ledger closes, and logged."""
    ledger = Ledger(audit)
    ledger.note(notice(kind, happened))
    await ledger.close()
    (row,) = written(audit)
    assert (row.operation, row.result, row.uid, row.role) == (str(kind), result, None, "puk")
    assert (row.reader, row.card_serial, row.tries_before, row.tries_after) == ("a reader", "0001", 3, 2)
    assert row.hash in capsys.readouterr().out


async def test_notices_keep_their_order(audit: AuditLog) -> None:
    """Many at once are written one after the other, none is lost."""
    ledger = Ledger(audit)
    kinds = [NoticeKind.OUTCOME_LEARNT, NoticeKind.TRIES_LOST_ELSEWHERE] * 10
    for kind in kinds:
        ledger.note(notice(kind))
    await ledger.close()
    assert [row.operation for row in written(audit)] == [str(kind) for kind in kinds]


async def test_a_notice_that_can_not_be_written_is_told_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for its row, so the log says that it is missing."""
    (tmp_path / "audit.sqlite").mkdir()
    ledger = Ledger(AuditLog(tmp_path / "audit.sqlite", FixedClock(NOW)))
    ledger.note(notice(NoticeKind.OUTCOME_LEARNT))
    await ledger.close()
    said = capsys.readouterr().out
    assert "audit.noticeNotWritten" in said
    assert "audit.unavailable" in said
