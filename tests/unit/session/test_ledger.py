"""The audit as the loop uses it: rows told in the log, operations in their order, notices that are not lost."""

import asyncio
import dataclasses
import threading
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


def folder_in_the_way(audit: AuditLog) -> Path:
    """Keep the audit from being opened; return the folder that stands in its place."""
    audit._path.mkdir()
    return audit._path


async def settled(ledger: Ledger) -> None:
    """Wait until nothing is written in the background."""
    while ledger._writing:
        await asyncio.wait(ledger._writing)


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


async def test_a_notice_waits_until_the_audit_can_be_written(audit: AuditLog, ledger: Ledger) -> None:
    """Its row goes before that of the next operation."""
    obstacle = folder_in_the_way(audit)
    ledger.note(notice(NoticeKind.OUTCOME_LEARNT))
    await settled(ledger)
    obstacle.rmdir()
    ticket = await ledger.begin(Operation("verify"))
    await ledger.finish(ticket, "done", tries_before=None, tries_after=None)
    assert [row.operation for row in written(audit)] == ["code.outcomeLearnt", "verify"]


async def test_a_notice_that_waits_is_written_at_the_end(audit: AuditLog) -> None:
    """Also if no operation follows."""
    ledger = Ledger(audit)
    obstacle = folder_in_the_way(audit)
    ledger.note(notice(NoticeKind.OUTCOME_LEARNT))
    await settled(ledger)
    obstacle.rmdir()
    await ledger.close()
    assert [row.operation for row in written(audit)] == ["code.outcomeLearnt"]


async def test_notices_that_there_is_no_room_for_are_counted(audit: AuditLog) -> None:
    """Memory is bounded: the first 256 wait, and one row tells how many went with no row."""
    ledger = Ledger(audit)
    obstacle = folder_in_the_way(audit)
    for number in range(260):
        ledger.note(dataclasses.replace(notice(NoticeKind.OUTCOME_LEARNT), card_serial=str(number)))
    await settled(ledger)
    obstacle.rmdir()
    await ledger.close()
    found = written(audit)
    assert [row.card_serial for row in found[:-1]] == [str(number) for number in range(256)]
    assert (found[-1].operation, found[-1].more) == ("audit.notWritten", '{"notWritten":4}')


async def test_a_flood_of_notices_is_bounded(audit: AuditLog) -> None:
    """Of one card 20 in an hour get their rows, the others one together; another card's are not concerned."""
    seconds = Seconds()
    ledger = Ledger(audit, seconds)
    for _ in range(50):
        ledger.note(notice(NoticeKind.TRIES_LOST_ELSEWHERE))
    ledger.note(dataclasses.replace(notice(NoticeKind.TRIES_LOST_ELSEWHERE), card_serial="0002"))
    await settled(ledger)
    assert [row.card_serial for row in written(audit)] == ["0001"] * 20 + ["0002"]
    seconds.now = 3600.0
    ledger.note(notice(NoticeKind.TRIES_LOST_ELSEWHERE))
    await ledger.close()
    assert [(row.card_serial, row.more) for row in written(audit)[21:]] == [
        ("0001", '{"notWritten":30}'),
        ("0001", None),
    ]


async def test_a_refusal_has_its_row(audit: AuditLog) -> None:
    """With the caller and the rules, without the checklist's answers; repeated within the minute it is counted."""
    seconds = Seconds()
    ledger = Ledger(audit, seconds)
    asked = Operation("activate", 1000, 7, "a program", "a reader", "0001", checklist={"x": "y" * 5000})
    for _ in range(5):
        ledger.refused(asked, "activation.checklist", ("orderDate", "\N{BELL}", "x" * 200))
    ledger.refused(dataclasses.replace(asked, uid=1001), "request.denied")
    seconds.now = 60.0
    ledger.refused(asked, "activation.checklist", ("orderDate",))
    await ledger.close()
    told = [(row.uid, row.result, row.checklist, row.more) for row in written(audit)]
    assert told == [
        (1000, "activation.checklist", None, '{"rules":["orderDate"]}'),
        (1001, "request.denied", None, None),
        (1000, "activation.checklist", None, '{"notWritten":4,"rules":["orderDate"]}'),
        (1000, "activation.checklist", None, '{"rules":["orderDate"]}'),
    ]


async def test_what_is_cancelled_while_it_begins_is_abandoned(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that writes can't be stopped; nothing was sent, so the row must not say that nobody knows."""
    real, reached, go_on = audit.begin, threading.Event(), threading.Event()

    def slow(operation: Operation) -> object:
        reached.set()
        assert go_on.wait(10)
        return real(operation)

    monkeypatch.setattr(audit, "begin", slow)
    ledger = Ledger(audit)
    task = asyncio.create_task(ledger.begin(Operation("verify")))
    assert await asyncio.to_thread(reached.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await ledger.close()
    assert [(row.operation, row.result) for row in written(audit)] == [("verify", "abandoned")]
