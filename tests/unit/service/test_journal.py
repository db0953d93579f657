"""Logs: JSON or text, and never the value of a variable."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.service import journal

CANARY = "83929174"


class Stream(io.StringIO):
    """Standard error, on a terminal or not."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._terminal


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def logged(
    monkeypatch: pytest.MonkeyPatch, form: str, *, level: str = "info", terminal: bool = False
) -> tuple[Stream, structlog.typing.FilteringBoundLogger]:
    """Set logs up; return where they go, and a logger."""
    stream = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    journal.set_up(level, form)
    return stream, structlog.get_logger("test")


@pytest.mark.parametrize(
    ("form", "stream", "terminal", "as_json"),
    [
        ("json", False, True, True),
        ("text", True, False, False),
        ("auto", False, False, True),
        ("auto", False, True, False),
        ("auto", True, True, True),
    ],
)
def test_which_form(monkeypatch: pytest.MonkeyPatch, form: str, *, stream: bool, terminal: bool, as_json: bool) -> None:
    """By itself: text on a terminal, JSON for the journal and for files."""
    if stream:
        monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
    end, log = logged(monkeypatch, form, terminal=terminal)
    log.info("card.read", reader="A reader 00", commands=23)
    line = end.getvalue()
    assert line.count("\n") == 1
    if as_json:
        entry = json.loads(line)
        assert (entry["event"], entry["reader"], entry["commands"], entry["level"]) == (
            "card.read",
            "A reader 00",
            23,
            "info",
        )
        assert entry["timestamp"].endswith("Z")
    else:
        assert "card.read" in line
        assert not line.startswith("{")


def test_no_colours_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that goes to a file has no escape sequences."""
    end, log = logged(monkeypatch, "text")
    log.warning("card.notRead", reader="A reader 00")
    assert "\x1b" not in end.getvalue()


def test_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is below the level is not written."""
    for level, expected in (("debug", 4), ("info", 3), ("warning", 2), ("error", 1)):
        end, log = logged(monkeypatch, "json", level=level)
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)("event")
        assert end.getvalue().count("\n") == expected


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_log_entry_is_one_line(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """A value with line feeds or escape sequences in it, such as a reader's name, makes no second entry."""
    end, log = logged(monkeypatch, form)
    log.info("reader.added", reader='evil\n{"event": "code.verified"}\n\x1b[2J')
    assert end.getvalue().count("\n") == 1
    assert "\x1b" not in end.getvalue()


def _fail(digits: Secret) -> None:
    code = bytes(digits.reveal()).decode()
    copies = {"code": code, "list": [code]}
    raise SithsdError(ErrorCode.INTERNAL, f"{len(copies)} copies of {digits!r}")


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("terminal", [False, True])
def test_tracebacks_show_no_values(monkeypatch: pytest.MonkeyPatch, form: str, *, terminal: bool) -> None:
    """An exception is logged with its places; the variables around it, codes among them, are not."""
    end, log = logged(monkeypatch, form, terminal=terminal)
    secret = Secret(CANARY.encode())
    local = CANARY
    try:
        _fail(secret)
    except SithsdError:
        log.exception("fault", secret=secret)
    text = end.getvalue()
    assert local == CANARY
    assert "_fail" in text
    assert "internal" in text
    assert CANARY not in text
    assert CANARY.encode().hex() not in text
