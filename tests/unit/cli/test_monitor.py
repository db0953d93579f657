"""monitor: a readable line for each change, and good ends."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sithsd.cli.replies import MonitorReply, read
from sithsd.cli.views.changes import Changes
from sithsd.cli.words import Words
from tests.unit.cli.conftest import (
    PATIENCE,
    READER,
    FakeDaemon,
    Outcome,
    Stream,
    card,
    certificate,
    code,
    listing,
    reader,
)

Run = Callable[..., Outcome]


def change(*readers: dict[str, Any], event: str = "changed", **more: Any) -> dict[str, Any]:
    """Return a reply of Monitor."""
    return {**listing(*readers), "event": event, "reader": None if event == "state" else READER, **more}


@pytest.fixture
def changes() -> Callable[..., list[str]]:
    """Return a function that says what the last of several replies adds."""

    def told(*replies: dict[str, Any], language: str = "en") -> list[str]:
        lines = Changes(Words(language))
        got: list[str] = []
        for reply in replies:
            got = lines.lines(read(reply, MonitorReply))
        return got

    return told


Told = Callable[..., list[str]]


def test_the_state_comes_first(changes: Told) -> None:
    """The first reply gives a line for each reader there is, or says that there is none."""
    assert changes(change(reader(None), reader(None, "Other"), event="state")) == [
        f"{READER}: No card in the reader",
        "Other: No card in the reader",
    ]
    assert changes(change(event="state")) == ["No card reader is connected."]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (None, card(), "The card is read, *** SIM ***, Tolvan Tolvansson, HSA-id SE2321000016-SIM1"),
        (card(), None, "the card was taken out"),
        (card(), card(codes=[code("authentication", 2), code("signature"), code("puk", 10)]), "2 tries left"),
        (card(), card(codes=[code("authentication", 0), code("signature"), code("puk", 10)]), "PIN: BLOCKED"),
        (card(), card(serial="FF", holder=None, environment="production"), "Ordinary card"),
        (card(), card(certificates=[]), "updated"),
    ],
)
def test_each_change_is_one_line(
    changes: Told, before: dict[str, Any] | None, after: dict[str, Any] | None, line: str
) -> None:
    """A card that comes, goes, is exchanged or loses a try is told in one line that names the reader."""
    (told,) = changes(change(reader(before), event="state"), change(reader(after)))
    assert told.startswith(f"{READER}: ")
    assert line in told


def test_a_verdict_that_changes_while_the_card_is_in(changes: Told) -> None:
    """It is told of which certificate, and why; the verdicts of a card that comes are not."""
    good, bad = {"status": "good", "reasons": []}, {"status": "bad", "reasons": ["revocation.revoked"]}
    mine = certificate("authentication", "hsaId", verdict=good)
    other = certificate("signature", "hsaId", verdict=good)
    before = card(certificates=[mine, other])
    after = card(certificates=[{**mine, "verdict": bad}, other])
    told = changes(change(reader(before), event="state"), change(reader(after)))
    assert told == [f"{READER}: Authentication, HSA-id: Bad. It has been revoked."]
    (came,) = changes(change(reader(None), event="state"), change(reader(after)))
    assert "revoked" not in came
    told = changes(change(reader(before), event="state"), change(reader(after)), language="sv")
    assert told == [f"{READER}: Legitimering, HSA-id: Underkänt. Det är spärrat."]


def test_only_what_changed_is_told(changes: Told) -> None:
    """A wrong PIN on one card says nothing of the other codes, nor of the neighbour's card."""
    other = reader(card(serial="02"), "Other")
    after = card(codes=[code("authentication", 2), code("signature"), code("puk", 10)])
    told = changes(change(reader(card()), other, event="state"), change(reader(after), other))
    assert told == [f"{READER}: Authentication PIN: 2 tries left"]


def test_a_missed_reply_does_no_harm(changes: Told) -> None:
    """Every reply is the whole picture: what changed in between is told too."""
    before, after = (
        change(reader(None), reader(None, "Other"), event="state"),
        change(reader(card()), reader(None, "New")),
    )
    assert changes(before, after)[1:] == [
        "New: reader connected, No card in the reader",
        "Other: the reader is gone",
    ]


def test_pcscd_going_and_coming_is_told(changes: Told) -> None:
    """A lost PC/SC service is not the same as readers being unplugged."""
    gone = change(service=False)
    assert "pcscd" in changes(change(reader(None), event="state"), gone)[0]
    assert "again" in changes(change(event="state", service=False), change(reader(None)))[0]


@pytest.fixture
def listening(daemon: FakeDaemon) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start `sithsctl monitor` with its stdout on a pipe."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "sithsd.cli.main", "--runtime-dir", str(daemon.folder), "monitor", *options]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "sv_SE.UTF-8", "PYTHONUTF8": "1", "TZ": "UTC"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


Listening = Callable[..., "subprocess.Popen[bytes]"]


def first_line(process: "subprocess.Popen[bytes]") -> bytes:
    """Return the first line, which must come although the stream goes on."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        assert waiting.select(PATIENCE), "no line came"
    return process.stdout.readline()


def test_each_reply_is_one_line_of_json_at_once(daemon: FakeDaemon, listening: Listening) -> None:
    """A script gets each reply as it came, on a line of its own, as soon as it is there."""
    replies = [change(reader(None), event="state"), change(reader(card()), newer=1)]
    daemon.script["Monitor"] = [Stream(replies)]
    process = listening("--json", "--unmasked")
    assert json.loads(first_line(process)) == replies[0]
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == replies[1]
    assert process.poll() is None
    assert daemon.calls("Monitor") == [{"unmasked": True}]
    assert daemon.requests[0]["more"] is True


def test_a_line_for_people_has_the_local_time(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Each line begins with date and time of the own clock; a daemon that ends the stream is an error."""
    daemon.script["Monitor"] = [Stream([change(reader(None), event="state")], open_end=False)]
    outcome = sithsctl("monitor", lang="sv")
    assert outcome.out == f"2026-11-22 12:00:00  {READER}: Inget kort i läsaren\n"
    assert outcome.status == 3
    assert "Korttjänsten (sithsd) svarar inte" in outcome.err


def test_ctrl_c_is_a_good_end(daemon: FakeDaemon, listening: Listening) -> None:
    """Ctrl-C ends the listening with status 0 and without a word."""
    daemon.script["Monitor"] = [Stream([change(reader(None), event="state")])]
    process = listening()
    first_line(process)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE) == (b"", b"")
    assert process.returncode == 0


def test_a_closed_pipe_is_a_good_end(daemon: FakeDaemon, listening: Listening) -> None:
    """`sithsctl monitor | head -1` ends when head does, not at the next change."""
    daemon.script["Monitor"] = [Stream([change(reader(None), event="state")])]
    process = listening("--json")
    first_line(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_a_pipe_that_nobody_reads_is_no_error(daemon: FakeDaemon, listening: Listening) -> None:
    """Whoever closes the pipe before the answer gets no trace; the status is that of the command."""
    daemon.script["Monitor"] = [Stream([change(reader(None), event="state")] * 50)]
    process = listening()
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
