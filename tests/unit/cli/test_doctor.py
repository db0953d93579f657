"""`sithsctl doctor`, against a scripted daemon on real sockets."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sithsd.cli.doctor.report import CHECKS
from tests.unit.cli.conftest import (
    READER,
    FakeDaemon,
    Hangup,
    Outcome,
    Refusal,
    card,
    certificates_reply,
    code,
    codes_reply,
    listing,
    reader,
)
from tests.unit.cli.doctor_facts import INFO, RIGHTS, diagnosis, examined

Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def good_day(daemon: FakeDaemon) -> dict[str, list[Any]]:
    """Script a daemon whose card is in order; return the script."""
    held = card(profile="sim_pkcs15")
    daemon.script |= {
        "GetInfo": [INFO],
        "GetRights": [RIGHTS],
        "Diagnose": [diagnosis()],
        "List": [listing(reader(held))],
        "GetValidity": [certificates_reply(*held["certificates"])],
        "GetCodes": [codes_reply(*held["codes"])],
    }
    return daemon.script


def finding(outcome: Outcome, name: str) -> str:
    """Return what a check found."""
    return next(one["finding"] for one in outcome.json["checks"] if one["name"] == f"doctor.{name}")


@pytest.mark.parametrize("lang", ["en", "sv"])
def test_a_healthy_card_fits_a_screen(sithsctl: Run, lang: str) -> None:
    """On 80 by 24 there is a line for each check and what to do next, without colours where none are seen."""
    outcome = sithsctl("doctor", lang=lang)
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in outcome.out
    told = {
        "en": ("Reader service", "3 tries left", "A log-in could work"),
        "sv": ("Läsartjänst", "3 försök kvar", "Inloggning kan gå"),
    }
    for text in (READER, "sim_pkcs15", "T=1, 372/12", "2029-11-03", *told[lang]):
        assert text in outcome.out


def test_nothing_but_looking_is_asked(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Six methods that look, and none of the interface that takes codes; the notices last, when all was looked at."""
    sithsctl("doctor")
    assert [one["method"] for one in daemon.requests] == [
        "org.varlink.service.GetInfo",
        "io.sithsd.Cards.GetRights",
        "io.sithsd.Cards.Diagnose",
        "io.sithsd.Cards.List",
        "io.sithsd.Cards.GetValidity",
        "io.sithsd.Cards.GetCodes",
        "io.sithsd.Cards.List",
    ]
    assert daemon.calls("GetCodes") == [{"reader": READER}]


def test_json_is_the_whole_report(sithsctl: Run) -> None:
    """All checks in the order of the chain, what to do next, and whether a log-in could work."""
    told = sithsctl("doctor", "--json").json
    assert list(told) == ["possible", "next", "checks"]
    assert [one["name"] for one in told["checks"]] == [f"doctor.{check.__name__}" for check in CHECKS]
    assert told["possible"] is True


def test_a_broken_link_gives_its_status_and_one_step(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A blocked PIN: 6, as from `verify`; the sentence to do next stands last, in the language asked for."""
    daemon.script["GetCodes"] = [codes_reply(code("authentication", 0), code("puk", 10))]
    outcome = sithsctl("doctor", lang="sv")
    assert outcome.status == 6
    assert "Inloggning går inte så här." in outcome.out
    assert " ".join(outcome.out.split()).endswith("--role authentication. Eller gå till en ID-administratör.")
    told = sithsctl("doctor", "--json").json
    assert (told["possible"], told["next"]["check"], told["next"]["finding"]) == (False, "doctor.codes", "blocked")


def test_what_can_not_be_looked_at_shares_a_line(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Without a reader there is no line for each thing that has no reader to be looked at in."""
    daemon.script["List"] = [listing()]
    daemon.script["Diagnose"] = [{**diagnosis(), "readers": []}]
    outcome = sithsctl("doctor")
    assert outcome.status == 4
    (shared,) = [line for line in outcome.out.splitlines() if "Not looked at" in line]
    assert "Power saving, In use" in shared
    assert len(outcome.out.splitlines()) < 16


@pytest.mark.parametrize(
    ("method", "answer", "told"),
    [
        ("GetInfo", Hangup(), ("daemon", "silent", 3)),
        ("GetInfo", {"version": 7}, ("daemon", "silent", 3)),
        ("GetRights", Refusal("request.invalid"), ("rights", "untold", 0)),
        ("Diagnose", Refusal("request.tooMany"), ("protocol", "untold", 0)),
        ("List", Refusal("request.denied"), ("rights", "statusDenied", 7)),
        ("List", Hangup(), ("daemon", "silent", 3)),
        ("GetValidity", Refusal("card.removed"), ("chain", "sim", 0)),
        ("GetCodes", Refusal("reader.busy", retryable=True), ("codes", "good", 0)),
    ],
)
def test_an_answer_that_does_not_come(
    daemon: FakeDaemon, sithsctl: Run, method: str, answer: object, told: tuple[str, str, int]
) -> None:
    """Each answer that fails is a fact like any other: the report is whole, and names it."""
    daemon.script[method] = [answer]
    outcome = sithsctl("doctor", "--json")
    check, found, status = told
    assert finding(outcome, check) == found
    assert (outcome.status, outcome.err) == (status, "")
    assert len(outcome.json["checks"]) == len(CHECKS)


def test_a_reader_by_its_name(daemon: FakeDaemon, sithsctl: Run) -> None:
    """With two cards in, the named one is looked at; without a name neither is guessed."""
    readers = listing(reader(card()), reader(card(codes=[code("authentication", 0)]), "Other"))
    daemon.script["List"] = [readers]
    daemon.script["Diagnose"] = [diagnosis(examined(), examined(name="Other"))]
    outcome = sithsctl("doctor", "--json")
    assert (outcome.status, finding(outcome, "reader")) == (4, "ambiguous")
    assert daemon.calls("GetCodes") == []
    assert finding(sithsctl("doctor", "--reader", "Other", "--json"), "reader") == "withoutPad"
    assert daemon.calls("GetCodes") == [{"reader": "Other"}]
    assert daemon.calls("Diagnose")[-1] == {"reader": "Other"}


def test_names_from_outside_can_not_drive_the_terminal(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A reader's or a program's name with control characters is shown harmless."""
    evil = "evil\x1b[2J\u202e"
    daemon.script["List"] = [listing(reader(card(), evil))]
    daemon.script["Diagnose"] = [diagnosis(examined(name=evil, refusal="reader.busy", holder=f"perhaps {evil}"))]
    outcome = sithsctl("doctor")
    assert outcome.status == 9
    assert "\x1b" not in outcome.out
    assert "\u202e" not in outcome.out


@pytest.mark.parametrize("lang", ["en", "sv"])
def test_a_bundle_is_told_of(sithsctl: Run, tmp_path: Path, lang: str) -> None:
    """After the report the person reads where it is, what is in it and what is not; it is for its owner alone."""
    path = tmp_path / "report.json"
    outcome = sithsctl("doctor", "--bundle", str(path), lang=lang)
    assert outcome.status == 0
    told = " ".join(outcome.out.split())
    assert str(path) in "".join(outcome.out.split())  # a long one goes on in the next line
    for text in {"en": ("settings", "Not in it: names"), "sv": ("inställningar", "I den står inte: namn")}[lang]:
        assert text in told
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text("utf-8"))["checks"]


def test_a_bundle_for_scripts(sithsctl: Run, tmp_path: Path) -> None:
    """With --json the report says where the bundle is and what it has; identities are in it by a clear word alone."""
    plain = sithsctl("doctor", "--json", "--bundle", str(tmp_path / "a")).json["bundle"]
    named = sithsctl("doctor", "--json", "--identities", "--bundle", str(tmp_path / "b")).json["bundle"]
    assert plain == {"path": str(tmp_path / "a"), "contents": ["versions", "settings", "checks", "card", "log"]}
    assert named["contents"] == [*plain["contents"], "identities"]
    assert "Tolvan" not in (tmp_path / "a").read_text("utf-8")
    assert "Tolvan" in (tmp_path / "b").read_text("utf-8")
    warned = sithsctl("doctor", "--identities", "--bundle", str(tmp_path / "c")).out
    assert "WHO THE HOLDER IS" in warned
    assert "Not in it" not in warned


def test_a_bundle_is_never_written_over(sithsctl: Run, tmp_path: Path) -> None:
    """A file that is there is left as it is: 2, with a sentence, and no report as if it had been done."""
    path = tmp_path / "report.json"
    path.write_text("mine")
    outcome = sithsctl("doctor", "--bundle", str(path))
    assert (outcome.status, outcome.out) == (2, "")
    assert "is there already" in outcome.err
    assert path.read_text() == "mine"
