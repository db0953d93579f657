"""Notices: what happened to codes without the daemon's doing, in status and in monitor."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from sithsd.cli.replies import MonitorReply, Notice, read
from sithsd.cli.views.changes import Changes
from sithsd.cli.views.notices import notice_words
from sithsd.cli.words import LANGUAGES, Words
from tests.unit.cli.conftest import READER, FakeDaemon, Outcome, card, code, listing, notice, reader

Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let local time be UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def words_of(told: dict[str, Any], language: str = "en") -> str:
    """Return a notice in words."""
    return notice_words(read(told, Notice), Words(language))


@pytest.mark.parametrize(
    ("lang", "parts"),
    [
        (
            "en",
            ["Notices", "2026-11-22 11:30:00", "Authentication PIN: tries were used, not through sithsd", "left: 1"],
        ),
        ("sv", ["Meddelanden", "2026-11-22 11:30:00", "försök har använts, men inte genom sithsd", "kvar: 1"]),
    ],
)
def test_status_shows_them_under_the_readers(daemon: FakeDaemon, sithsctl: Run, lang: str, parts: list[str]) -> None:
    """When, where, which code, and how many tries are left; scripts get them as they came."""
    daemon.script["List"] = [listing(reader(card()), notices=[notice()])]
    told = " ".join(sithsctl("status", lang=lang).out.split())
    for part in (*parts, READER):
        assert part in told
    assert told.index("Tolvan Tolvansson") < told.index(parts[0])
    assert sithsctl("status", "--json").json["notices"] == [notice()]


def test_without_notices_there_is_no_heading(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Nothing is said where nothing happened; and what happened is told although pcscd has gone."""
    daemon.script["List"] = [listing(reader(card()))]
    assert "Notices" not in sithsctl("status").out
    daemon.script["List"] = [listing(service=False, notices=[notice()])]
    out = sithsctl("status").out
    assert "pcscd" in out
    assert "not through sithsd" in " ".join(out.split())


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"happened": True}, "has been done"),
        ({"happened": False}, "has not been done"),
        ({"happened": None}, "do not tell whether it was done"),
    ],
)
def test_what_was_learnt_of_a_lost_answer(more: dict[str, Any], sentence: str) -> None:
    """Three answers: it happened, it did not, nobody knows."""
    assert sentence in words_of(notice("code.outcomeLearnt", **more))


def test_what_is_not_known_is_said() -> None:
    """Counters that nobody could read are told as not known; a newer kind of notice by its name."""
    unknown = words_of(notice(triesBefore=None, triesAfter=None))
    assert "left: not known" in unknown
    assert "before" not in unknown
    assert words_of(notice("code.newer")) == "code.newer"
    for language in LANGUAGES:
        told = {words_of(notice("code.outcomeLearnt", happened=value), language) for value in (True, False, None)}
        assert len(told) == 3


def monitored(*replies: dict[str, Any]) -> list[list[str]]:
    """Return the lines that each of several replies gives."""
    changes = Changes(Words("en"))
    return [changes.lines(read(reply, MonitorReply)) for reply in replies]


def test_monitor_tells_each_once() -> None:
    """Those from before the stream come with their own time, later ones without a second line for the same change."""
    state = {**listing(reader(card()), notices=[notice()]), "event": "state", "reader": None}
    fewer = card(codes=[code("authentication", 1), code("signature"), code("puk", 10)])
    same = {**listing(reader(card()), notices=[notice()]), "event": "changed", "reader": READER}
    changed = {**listing(reader(fewer), notices=[notice()]), "event": "changed", "reader": READER}
    first, second, third = monitored(state, same, changed)
    assert len(first) == 2
    assert first[1].startswith(f"2026-11-22 11:30:00  {READER}: Authentication PIN: tries were used")
    assert second == [f"{READER}: {words_of(notice())}"]
    assert third[0].endswith("Authentication PIN: 1 try left: the last one")
    assert third[1:] == second


def test_a_notice_of_a_hostile_reader_is_harmless() -> None:
    """The name of a reader does not drive the terminal here either."""
    state = {**listing(notices=[notice(reader="x\x1b[2J")]), "event": "state", "reader": None}
    assert "\x1b" not in "".join(monitored(state)[0])
