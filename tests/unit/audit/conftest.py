"""What the audit's tests share: a file, a clock, and rows to look at."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sithsd.audit.log import AuditLog
from sithsd.audit.model import Operation, Row
from sithsd.clock import FixedClock

NOW = datetime(2028, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def operation(**values: Any) -> Operation:
    """Return an operation with all its fields, some of them difficult."""
    given = {
        "operation": "verify",
        "uid": 1000,
        "pid": 4711,
        "program": "Siths' klient|å",
        "reader": "Reader 00 00",
        "card_serial": "9752269801234567897",
        "role": "authentication",
        "tries_before": 3,
        "checklist": None,
    }
    return Operation(**{**given, **values})


def do(audit: AuditLog, result: str = "done", **values: Any) -> Row:
    """Do an operation that leaves its row, and return that."""
    row = audit.finish(audit.begin(operation(**values)), result, tries_after=3)
    assert row is not None
    return row


def tamper(path: Path, *statements: str | tuple[str, tuple[Any, ...]]) -> None:
    """Change the file as somebody does who may write it and knows SQL."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(*([statement] if isinstance(statement, str) else statement))
        for _, sql in triggers:
            connection.execute(sql)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the audit's file goes."""
    return tmp_path / "audit.sqlite"


@pytest.fixture
def clock() -> FixedClock:
    """Return a clock that stands still."""
    return FixedClock(NOW)


@pytest.fixture
def opened(path: Path, clock: FixedClock) -> Iterator[Callable[..., AuditLog]]:
    """Return what opens the audit; what is open at the end is closed."""
    logs = []

    def open_log(**settings: Any) -> AuditLog:
        audit = AuditLog(path, clock, **{"busy_seconds": 0.05, **settings})
        audit.prepare()
        logs.append(audit)
        return audit

    yield open_log
    for audit in logs:
        audit.close()
