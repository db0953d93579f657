"""lock-on-removal: which card is followed, and what is done to the session, told in lines."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from queue import Empty
from typing import Any

import pytest

from sithsd.api.client import Client
from sithsd.cli.commands import lock
from sithsd.cli.commands.lock import Guard, Wanted
from sithsd.cli.failure import CommandError, failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.output import Output
from sithsd.cli.replies import MonitorReply, read
from sithsd.cli.session import Action, SessionError
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from tests.unit.cli.conftest import PATIENCE, SERIAL, FakeDaemon, Hangup, Refusal, Stream, card, listing, reader

IN, OUT = listing(reader(card())), listing(reader(None))
SWAPPED, NO_SERVICE = listing(reader(card(serial="99"))), listing(service=False)
LOST = failure(ErrorCode.DAEMON_UNAVAILABLE, "lost")
WAIT = "until then nothing comes"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Told:
    """Pictures as a test wants them, and then the person's Ctrl-C."""

    def __init__(self, *script: dict[str, Any] | CommandError | str) -> None:
        self._script = list(script)

    def next(self, until: float | None) -> MonitorReply | CommandError:
        """Return the next one; WAIT raises Empty until the moment is over, once if there is none."""
        if not self._script:
            raise KeyboardInterrupt
        if self._script[0] == WAIT:
            if until is None or until <= lock.time.monotonic():
                self._script.pop(0)
            raise Empty
        told = self._script.pop(0)
        assert not isinstance(told, str)
        return told if isinstance(told, CommandError) else read({**told, "event": "changed"}, MonitorReply)


class Ended:
    """Keeps what was done to which session; `fails` times it is not done."""

    def __init__(self, fails: int = 0) -> None:
        self.done: list[tuple[Action, str | None]] = []
        self.fails = fails

    def __call__(self, action: Action, session: str | None) -> str | None:
        """Take note."""
        if self.fails:
            self.fails -= 1
            raise SessionError("logind: not today")
        self.done.append((action, session))
        return None if action is Action.NOTHING else session or "c2"


Follow = Callable[..., tuple[list[dict[str, Any]], list[Action]]]


@pytest.fixture
def follow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Return what follows the card through a script, and returns what was told as JSON and what was done."""
    monkeypatch.setattr(lock, "_ACT_AGAIN", 0.01)
    monkeypatch.setattr("sithsd.cli.removal.BLINK_SECONDS", 0.05)

    def run(
        *script: Any,
        action: Action = Action.LOCK,
        fails: int = 0,
        session: str | None = None,
        grace: float = 600.0,
    ) -> tuple[list[dict[str, Any]], list[Action]]:
        words = Words("en")
        invocation = Invocation(words, Output(words), Client, lambda: NOW, as_json=True)
        ended = Ended(fails)
        guard = Guard(invocation, Wanted(None, action, grace, session), SERIAL, ended)
        with pytest.raises(KeyboardInterrupt):
            guard.follow(Told(*script))  # type: ignore[arg-type] - it stands in for Pictures
        assert {given for _, given in ended.done} <= {session}
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert events.pop(0) == {"event": "following", "cardSerial": SERIAL, "action": action.value}
        return events, [done for done, _ in ended.done]

    return run


def names(events: list[dict[str, Any]]) -> list[str]:
    """Return what happened."""
    return [one["event"] for one in events]


@pytest.mark.parametrize(("gone", "how"), [((OUT, WAIT), "removed"), ((SWAPPED,), "exchanged")])
@pytest.mark.parametrize("action", Action)
def test_each_removal_is_acted_on_once(follow: Follow, gone: tuple[Any, ...], how: str, action: Action) -> None:
    """What was asked for is done when the card goes, and again when it has been back in between."""
    events, done = follow(IN, *gone, OUT, IN, *gone, action=action)
    assert names(events) == ["there", how, "done", "there", how, "done"]
    assert done == [action, action]
    session = None if action is Action.NOTHING else "c2"
    assert events[2] == {"event": "done", "action": action.value, "session": session}


def test_the_session_that_was_named(follow: Follow) -> None:
    """--session decides which one."""
    events, _ = follow(IN, SWAPPED, session="7")
    assert events[-1]["session"] == "7"


@pytest.mark.parametrize(
    ("action", "done"),
    [(Action.LOCK, Action.LOCK), (Action.LOGOUT, Action.LOCK), (Action.NOTHING, Action.NOTHING)],
)
@pytest.mark.parametrize("unknown", [LOST, NO_SERVICE])
def test_what_stays_unknown_locks_and_never_logs_out(
    follow: Follow, action: Action, done: Action, unknown: Any
) -> None:
    """A service that failed must not leave an open screen, nor cost a person the work that is open on it."""
    events, acted = follow(IN, unknown, WAIT, LOST, OUT, grace=0.05)
    assert names(events) == ["there", "unknown", "missing", "done"]
    assert acted == [Action.LOCK]
    events, acted = follow(IN, unknown, WAIT, IN, SWAPPED, action=action, grace=0.05)
    assert names(events) == ["there", "unknown", "missing", "done", "there", "exchanged", "done"]
    assert acted == [done, action]


def test_what_is_known_again_in_time_is_nothing(follow: Follow) -> None:
    """A restart of daemon or pcscd with the card in."""
    events, done = follow(IN, LOST, IN, NO_SERVICE, listing(), IN)
    assert names(events) == ["there", "unknown", "there", "unknown", "there"]
    assert done == []


def test_a_lock_that_is_not_taken_is_tried_again(follow: Follow) -> None:
    """Until it is done: the screen is open meanwhile. Pictures in between change nothing."""
    events, done = follow(IN, SWAPPED, WAIT, OUT, LOST, WAIT, fails=2)
    assert names(events) == ["there", "exchanged", "failed", "failed", "done"]
    assert events[2] == {"event": "failed", "action": "lock", "detail": "logind: not today"}
    assert done == [Action.LOCK]


def test_a_card_that_is_back_needs_no_lock(follow: Follow) -> None:
    """What was not done in time is not done to somebody who is there."""
    events, done = follow(IN, SWAPPED, IN, fails=1)
    assert names(events) == ["there", "exchanged", "failed", "there"]
    assert done == []


def test_a_card_that_was_named_and_is_not_in(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out between the log-in and the first look: as soon as that is certain."""
    monkeypatch.setattr("sithsd.cli.removal.SETTLE_SECONDS", 0.05)
    assert follow(OUT, WAIT) == (
        [{"event": "unknown"}, {"event": "removed"}, {"event": "done", "action": "lock", "session": "c2"}],
        [Action.LOCK],
    )


@pytest.mark.parametrize(
    ("lang", "lines", "complaint"),
    [
        (
            "en",
            [
                f"When card {SERIAL} is taken out the screen is locked.",
                "The card is in.",
                "Whether the card is in can't be seen at the moment.",
                "The card is in.",
                "The card was taken out.",
                "The screen of session c2 was locked.",
            ],
            "sithsctl: The screen could not be locked. It is tried again soon. logind: not today",
        ),
        (
            "sv",
            [
                f"När kortet {SERIAL} tas ut låses skärmen.",
                "Kortet sitter i.",
                "Just nu syns det inte om kortet sitter i.",
                "Kortet sitter i.",
                "Kortet togs ut.",
                "Skärmen för sessionen c2 har låsts.",
            ],
            "sithsctl: Skärmen kunde inte låsas. Nytt försök görs snart. logind: not today",
        ),
    ],
)
def test_people_are_told_in_sentences(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    lang: str,
    lines: list[str],
    complaint: str,
) -> None:
    """One line for each thing that happens, in both languages; what fails goes to stderr."""
    monkeypatch.setattr(lock, "_ACT_AGAIN", 0.01)
    monkeypatch.setattr("sithsd.cli.removal.BLINK_SECONDS", 0.05)
    words = Words(lang)
    invocation = Invocation(words, Output(words), Client, lambda: NOW)
    with pytest.raises(KeyboardInterrupt):
        Guard(invocation, Wanted(None, Action.LOCK, 9.0, None), SERIAL, Ended(1)).follow(
            Told(IN, LOST, IN, OUT, WAIT, WAIT)  # type: ignore[arg-type] - it stands in for Pictures
        )
    said = capsys.readouterr()
    assert said.out.splitlines() == lines
    assert " ".join(said.err.split()) == complaint


def test_every_event_has_its_sentences() -> None:
    """In both languages, for every action."""
    for lang in ("en", "sv"):
        words = Words(lang)
        for action in Action:
            for event in ("following", "done", "failed"):
                given = {"action": action.value, "cardSerial": "1", "session": "2", "detail": "3"}
                assert words.say(f"removal-{event}", **given)
        for event in ("there", "unknown", "removed", "exchanged", "missing", "none", "several"):
            assert words.say(f"removal-{event}")


# The program, on a scripted daemon.


@pytest.fixture
def program(daemon: FakeDaemon) -> Iterator[Callable[..., "subprocess.CompletedProcess[str]"]]:
    """Return what runs the program to its end."""

    def run(*options: str, lang: str = "en_GB", **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "sithsd.cli.main", "--runtime-dir", str(daemon.folder), "lock-on-removal"]
        given = {"PATH": os.environ["PATH"], "LC_ALL": f"{lang}.UTF-8", "PYTHONUTF8": "1", **environment}
        return subprocess.run(
            [*command, *options], capture_output=True, text=True, check=False, env=given, timeout=PATIENCE
        )

    return run  # type: ignore[return-value] - a fixture's value


Program = Callable[..., "subprocess.CompletedProcess[str]"]


SEVERAL = listing(reader(card()), reader(card(serial="99"), "Other"))


def shown(*pictures: dict[str, Any]) -> list[Stream]:
    """Return the script of a daemon that shows these."""
    return [Stream([{**one, "event": "changed"} for one in pictures])]


def test_with_several_cards_and_none_named_it_ends(daemon: FakeDaemon, program: Program) -> None:
    """Status 4, by name; a card that is still being read is waited for, and a reader service that is not there."""
    daemon.script["Monitor"] = shown(NO_SERVICE, listing(reader(card(serial=None), state="reading")), SEVERAL)
    for_script = program("--json")
    assert (for_script.returncode, json.loads(for_script.stdout)["error"]["code"]) == (4, "reader.ambiguous")
    assert "Several cards are in. Name the one to follow with --card-serial" in " ".join(program().stderr.split())
    assert "Flera kort sitter i." in program(lang="sv_SE").stderr


def test_without_a_card_it_ends(daemon: FakeDaemon, program: Program) -> None:
    """Status 4, when none has been found for a while."""
    daemon.script["Monitor"] = shown(OUT, OUT)
    ended = program(lang="sv_SE")
    assert ended.returncode == 4
    assert "Inget kort sitter i, så det finns inget att följa." in " ".join(ended.stderr.split())


def test_a_daemon_that_refuses_or_is_not_there(daemon: FakeDaemon, program: Program) -> None:
    """Who may not look is told so at once; a daemon that does not answer is waited for, as long as the grace."""
    daemon.script["Monitor"] = [Refusal("request.denied")]
    assert program().returncode == 7
    gone = Refusal("daemon.unavailable", retryable=True)
    daemon.script["Monitor"] = [gone, Hangup(), *shown(SEVERAL)]
    assert program().returncode == 4  # asked again until it answered
    daemon.script["Monitor"] = [gone]
    ended = program("--grace", "1", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (3, "daemon.unavailable")
    daemon.script["Monitor"] = shown(NO_SERVICE)
    assert program(SITHSD_REMOVAL_GRACE="1").returncode == 3


@pytest.mark.parametrize(
    "environment", [{"SITHSD_REMOVAL_ACTION": "explode"}, {"SITHSD_REMOVAL_GRACE": "0"}, {"SITHSD_REMOVAL_GRACE": "x"}]
)
def test_settings_that_can_not_be_used(program: Program, environment: dict[str, str]) -> None:
    """Status 2: nothing is guarded by a setting that nobody understands."""
    assert program(**environment).returncode == 2
