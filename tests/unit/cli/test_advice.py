"""What a person has to do, as `sithsctl validity` tells it, against a scripted daemon."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from sithsd.cli.replies import Advice
from sithsd.cli.views.advice import when
from sithsd.cli.words import LANGUAGES, Words
from tests.unit.cli.conftest import (
    READER,
    FakeDaemon,
    Outcome,
    Stream,
    card,
    certificate,
    certificates_reply,
    listing,
    reader,
)

Run = Callable[..., Outcome]

FREEZE = {"freeze": "2023/24", "freezeBegins": "2023-11-30T23:00:00Z", "freezeEnds": "2024-01-25T23:00:00Z"}
ORDER_NOW = {"rule": "freeze.endsInside", "action": "order.now", "by": "2023-11-30T23:00:00Z", **FREEZE, "months": 3}
RESERVE = {"rule": "freeze.reserve", "action": "reserve.get", "by": "2024-01-23T11:00:00Z", **FREEZE, "months": 6}
CARRY = {
    "rule": "freeze.totalStop",
    "action": "carry.card",
    "by": "2024-01-25T11:00:00Z",
    "since": "2024-01-23T11:00:00Z",
    **FREEZE,
}
ORDER_FROM = {"rule": "card.ended", "action": "order.from", "since": "2024-01-25T23:00:00Z", **FREEZE, "months": 3}


def reply(*advice: dict[str, Any]) -> dict[str, Any]:
    """Return a reply of GetValidity."""
    return {**certificates_reply(certificate("authentication", "hsaId")), "advice": list(advice)}


def test_what_when_and_why(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Each has its sentence, its time and its reason, in the daemon's order and before the certificates."""
    daemon.script["GetValidity"] = [reply(RESERVE, CARRY, ORDER_FROM)]
    english = sithsctl("validity").out
    for text in (
        "What to do",
        "Get a reserve card.",
        "When  before 2024-01-23 at 12:00",
        "Order freeze: 2023-12-01 to 2024-01-25.",
        "A reserve card is valid for at most 6 months.",
        "Keep an eye on your card",
        "When  from 2024-01-23 at 12:00, until 2024-01-25 at 12:00",
        "Wait with ordering a new card",
        "When  from 2024-01-26",
        "An order is valid for 3 months.",
    ):
        assert text in english
    assert english.index("Get a reserve card") < english.index("Keep an eye") < english.index("Wait with ordering")
    assert english.index("Wait with ordering") < english.index("Authentication")


def test_the_same_in_swedish(daemon: FakeDaemon, sithsctl: Run) -> None:
    """In the words of those who announce a freeze; "senast" tells the last day, "före" a time."""
    daemon.script["GetValidity"] = [reply(ORDER_NOW, RESERVE)]
    swedish = sithsctl("validity", lang="sv").out
    for text in (
        "Att göra",
        "Beställ ett nytt kort genast.",
        "senast 2023-11-30",
        "Kortets giltighetstid går ut under beställningsstoppet.",
        "Beställningsstopp: 2023-12-01 till 2024-01-25.",
        "En beställning gäller i 3 månader.",
        "före 2024-01-23 kl. 12:00",
        "Ett reservkort gäller i högst 6 månader.",
    ):
        assert text in swedish


def test_what_lasts_is_told_until_its_end(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A card is carried until a stop ends, which nobody can do before; a deadline is one to keep."""
    whole_day = {**CARRY, "since": "2024-01-22T23:00:00Z", "by": "2024-01-24T23:00:00Z"}
    daemon.script["GetValidity"] = [reply(CARRY, whole_day)]
    swedish = sithsctl("validity", lang="sv").out
    assert "från 2024-01-23 kl. 12:00, till 2024-01-25 kl. 12:00" in swedish
    assert "från och med 2024-01-23, till och med 2024-01-24" in swedish
    assert "Ha koll på kort och pinkod" in swedish
    assert "före" not in swedish


def test_status_tells_it_in_a_line(daemon: FakeDaemon, sithsctl: Run) -> None:
    """What and when stand among what is told of the card; a card of which there is nothing to say has no such line."""
    daemon.script["List"] = [listing(reader(card(advice=[ORDER_NOW, ORDER_FROM]))), listing(reader(card()))]
    swedish = sithsctl("status", lang="sv", columns=140).out
    assert "Beställ ett nytt kort genast. (senast 2023-11-30)" in swedish
    assert "det går inte nu. (från och med 2024-01-26)" in swedish
    assert "Att göra" not in sithsctl("status", lang="sv").out


def test_monitor_tells_it_when_it_changes(daemon: FakeDaemon, sithsctl: Run) -> None:
    """As a boundary passes: what is new to do, once, and what was there before not again."""
    first = listing(reader(card(advice=[ORDER_NOW])), event="state")
    second = listing(reader(card(advice=[ORDER_NOW, CARRY]), sequence=8), event="changed", reader=READER)
    daemon.script["Monitor"] = [Stream([first, second], open_end=False)]
    lines = sithsctl("monitor").out.splitlines()
    assert [line.count("Order a new card now.") for line in lines if "What to do" in line] == [1, 0]
    assert "Keep an eye on your card" in lines[-1]


def test_for_scripts_it_is_the_reply(daemon: FakeDaemon, sithsctl: Run) -> None:
    """--json prints it as it came."""
    daemon.script["GetValidity"] = [reply(ORDER_NOW, {**CARRY, "newer": [1]})]
    assert sithsctl("validity", "--json").json == reply(ORDER_NOW, {**CARRY, "newer": [1]})


def test_nothing_to_do_is_not_told(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Neither by a daemon that has nothing to say nor by an older one."""
    daemon.script["GetValidity"] = [reply()]
    assert "What to do" not in sithsctl("validity").out
    daemon.script["GetValidity"] = [certificates_reply(certificate("authentication", "hsaId"))]
    assert "What to do" not in sithsctl("validity").out


def test_a_newer_daemon_s_advice_is_shown_as_it_is(daemon: FakeDaemon, sithsctl: Run) -> None:
    """An action and a rule of which this program knows no sentence, and a moment that is none, hide nothing else."""
    daemon.script["GetValidity"] = [
        reply({"rule": "moon.full", "action": "howl.\x1b[31mnow", "by": "soon"}, {**ORDER_NOW, "months": 1})
    ]
    told = sithsctl("validity").out
    assert "moon.full" in told
    assert "howl.[31mnow" in told.replace("�", "")
    assert "\x1b[31m" not in told
    assert "An order is valid for one month." in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_s_end_is_told_as_that_day(language: str) -> None:
    """Midnight belongs to the day that it ends: "before 1 December" must not send anybody there on the first."""
    words = Words(language)

    def told(by: str | None = None, since: str | None = None) -> str:
        return when(Advice(rule="", action="", by=by, since=since), words)

    assert told("2023-11-30T23:00:00Z") == told("2023-11-30T22:59:59Z") == words.say("by-day", day="2023-11-30")
    assert told("2024-06-30T22:00:00Z") == words.say("by-day", day="2024-06-30")
    assert told("2023-12-31T23:00:00Z") == words.say("by-day", day="2023-12-31")
    assert told("2023-11-30T23:00:01Z") == words.say("by-time", day="2023-12-01", time="00:00")
    assert told(since="2024-01-25T23:00:00Z") == words.say("since-day", day="2024-01-26")
    assert told(since="2024-03-31T01:00:00Z") == words.say("since-time", day="2024-03-31", time="03:00")
    assert told() == told("9999-99-99") == ""
    assert told("9999-12-31T23:59:59Z") != ""


@pytest.mark.parametrize("zone", ["UTC0", "HST10", "JST-9"])
def test_the_times_are_sweden_s_on_every_machine(
    zone: str, daemon: FakeDaemon, sithsctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine elsewhere, or one whose time zone was never set, tells the time on the wall of the desk."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        daemon.script["GetValidity"] = [reply(RESERVE)]
        assert "before 2024-01-23 at 12:00" in sithsctl("validity").out
    finally:
        monkeypatch.undo()
        time.tzset()
