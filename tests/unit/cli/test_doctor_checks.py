"""The doctor's judgement: facts in, findings out; and the one thing to do next."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sithsd.cli import replies
from sithsd.cli.doctor import trust
from sithsd.cli.doctor.check import Check, Result, bad
from sithsd.cli.doctor.facts import Answer, Facts, Reach, UsbReader, chosen
from sithsd.cli.doctor.next_step import STEPS, exit_status, next_step, possible
from sithsd.cli.doctor.report import CHECKS, examine, report, sentence, step_sentence
from sithsd.cli.statuses import ExitStatus
from sithsd.cli.words import LANGUAGES, Words
from tests.unit.cli.conftest import READER, card, certificate, code, listing, notice, reader
from tests.unit.cli.doctor_facts import (
    CODES,
    PCSCD,
    RATE,
    RIGHTS,
    answered,
    diagnosis,
    examined,
    facts,
    fetching,
    machine,
    refused,
    seen,
    without_daemon,
)
from tests.unit.cli.test_words import messages

WORDS = {language: Words(language) for language in LANGUAGES}
OTHER = "Another Reader 01 00"
GOOD, BAD, UNKNOWN, NOTHING = Result.GOOD, Result.BAD, Result.UNKNOWN, Result.NOT_APPLICABLE
USB = UsbReader(1, 7, "on", 2000, "active")


@dataclass(frozen=True)
class Case:
    """Facts, and what a check has to find in them."""

    check: str
    finding: str
    result: Result
    facts: Facts
    hinders: bool = False

    def __str__(self) -> str:
        return f"{self.check}-{self.finding}"


def no_service(reach: Reach, socket: str = PCSCD.path, theirs: str = PCSCD.path) -> Facts:
    """Return facts of a daemon that does not reach pcscd, of which this program sees so much."""
    return facts(
        machine=machine(pcscd=replace(PCSCD, reach=reach, path=socket)),
        listing=answered(listing(service=False), replies.ListReply),
        diagnosis=answered({**diagnosis(service=False, serviceSocket=theirs), "readers": []}, replies.DiagnoseReply),
        card_codes=Answer(),
        validity=Answer(),
    )


def told(**more: Any) -> Facts:
    """Return facts with a reader that is told of otherwise."""
    return facts(diagnosis=answered(diagnosis(examined(**more)), replies.DiagnoseReply))


def in_state(state: str, inside: dict[str, Any] | None = None, **more: Any) -> Facts:
    """Return facts with the reader in this state."""
    unread = {"serial": None, "profile": None, "atr": "3B00", "holder": None, "codes": [], "certificates": []}
    held = None if state == "empty" else inside or card(**unread)
    asked = examined(state=state, profile=None, backend=None, identifiedBy=None, evidence=None, **more)
    return seen(reader(held, state=state), examined_as=asked)


def with_codes(*states: dict[str, Any]) -> Facts:
    """Return facts of a card with codes in these states."""
    return facts(card(codes=list(states)))


def judged(*reasons: str, status: str = "bad", **more: Any) -> dict[str, Any]:
    """Return a certificate for log-ins with this verdict."""
    return certificate("authentication", "hsaId", verdict={"status": status, "reasons": list(reasons)}, **more)


def with_certificates(*found: dict[str, Any], **more: Any) -> Facts:
    """Return facts of a card with these certificates."""
    return facts(card(certificates=list(found)), **more)


def with_notices(*found: dict[str, Any]) -> Facts:
    """Return facts of a card of which this was noticed."""
    return facts(listing=answered(listing(reader(card()), notices=list(found)), replies.ListReply))


def at(moment: str, *, synchronised: bool | None = False) -> Facts:
    """Return facts of a clock that says this moment."""
    now = datetime.fromisoformat(moment)
    return facts(
        machine=machine(now=now, synchronised=synchronised),
        diagnosis=answered(diagnosis(now=now.astimezone(UTC).isoformat()), replies.DiagnoseReply),
    )


PIN, SIGNATURE, PUK = code("authentication"), code("signature"), code("puk", 10)
NO_ANCHOR: dict[str, Any] = {"anchor": None, "path": []}
SLEEPER = examined(usbBus=1, usbDevice=7)


def plugged(device: UsbReader) -> Facts:
    """Return facts of a reader whose place on the USB is known."""
    return facts(
        machine=machine(usb_readers=(UsbReader(2, 7, "auto", 0, "suspended"), device)),
        diagnosis=answered(diagnosis(SLEEPER), replies.DiagnoseReply),
    )


STALE = "revocation.stale"
HOURS = [{"fingerprint": "AB" * 32, "status": "good", "staleHours": 7}, {"fingerprint": "CD" * 32, "status": "good"}]
FAILING = {"url": "http://crl.example:80/a.crl", "failures": 3, "nextTry": "2026-11-22T12:10:00Z"}


def with_diagnosis(**more: Any) -> Facts:
    """Return facts of which the daemon tells this, too."""
    return facts(diagnosis=answered(diagnosis(**more), replies.DiagnoseReply))


def with_fetch(*failing: dict[str, Any], **more: Any) -> Facts:
    """Return facts in which sithsd-fetch fares like this."""
    return with_diagnosis(fetch=fetching(*failing, **more))


CASES = [
    Case("daemon", "good", GOOD, facts()),
    Case("daemon", "absent", BAD, without_daemon(), hinders=True),
    Case("daemon", "denied", BAD, without_daemon(Reach.DENIED), hinders=True),
    Case("daemon", "notListening", BAD, without_daemon(Reach.NOT_LISTENING), hinders=True),
    Case("daemon", "silent", BAD, without_daemon(Reach.GOOD), hinders=True),
    Case("daemon", "silent", BAD, without_daemon(Reach.FAILED), hinders=True),
    Case("daemon", "silent", BAD, facts(listing=refused("daemon.unavailable")), hinders=True),
    Case("version", "good", GOOD, facts()),
    Case("version", "differs", BAD, facts(own_version="0.2.0")),
    Case("pcscd", "good", GOOD, facts()),
    Case("pcscd", "good", GOOD, facts(machine=machine(pcscd=replace(PCSCD, reach=Reach.DENIED)))),
    Case("pcscd", "absent", BAD, no_service(Reach.ABSENT), hinders=True),
    Case("pcscd", "absent", BAD, without_daemon(pcscd=replace(PCSCD, reach=Reach.ABSENT)), hinders=True),
    Case("pcscd", "notListening", BAD, no_service(Reach.NOT_LISTENING), hinders=True),
    Case("pcscd", "elsewhere", BAD, no_service(Reach.GOOD, "/run/mine.comm", "/run/theirs.comm"), hinders=True),
    Case("pcscd", "refusesDaemon", BAD, no_service(Reach.GOOD), hinders=True),
    Case("pcscd", "refusesDaemon", BAD, no_service(Reach.DENIED), hinders=True),
    Case("pcscd", "notAsked", UNKNOWN, without_daemon()),
    Case("rights", "good", GOOD, facts()),
    Case("rights", "denied", BAD, facts(codes=replace(CODES, reach=Reach.DENIED)), hinders=True),
    Case(
        "rights",
        "denied",
        BAD,
        facts(rights=answered({**RIGHTS, "authenticate": False}, replies.RightsReply)),
        hinders=True,
    ),
    Case("rights", "statusDenied", BAD, facts(listing=refused("request.denied")), hinders=True),
    Case("rights", "noSocket", BAD, facts(codes=replace(CODES, reach=Reach.ABSENT)), hinders=True),
    Case("rights", "noSocket", BAD, facts(codes=replace(CODES, reach=Reach.NOT_LISTENING)), hinders=True),
    Case("rights", "untold", UNKNOWN, facts(rights=refused("request.invalid"))),
    Case("reader", "withoutPad", GOOD, facts()),
    Case("reader", "withPad", GOOD, told(padVerify=True)),
    Case("reader", "good", GOOD, seen(reader(card()))),
    Case("reader", "none", BAD, seen(), hinders=True),
    Case("reader", "unknown", BAD, facts(wanted="No such"), hinders=True),
    Case("reader", "ambiguous", BAD, seen(reader(card()), reader(card(), OTHER)), hinders=True),
    Case("power", "notSeen", NOTHING, facts()),
    Case("power", "notSeen", NOTHING, seen(reader(card()), machine=machine(usb_readers=(USB,)))),
    Case("power", "awake", GOOD, plugged(USB)),
    Case("power", "awake", GOOD, plugged(replace(USB, control="auto", delay=-1))),
    Case("power", "awake", GOOD, facts(machine=machine(usb_readers=(USB,)))),
    Case("power", "maySleep", GOOD, plugged(replace(USB, control="auto"))),
    Case("power", "sleeps", BAD, plugged(replace(USB, control="auto", status="suspended"))),
    Case("power", "untold", UNKNOWN, plugged(replace(USB, status=None))),
    Case("busy", "good", GOOD, facts()),
    Case("busy", "heldBy", BAD, told(refusal="reader.busy", holder="perhaps firefox (pid 1)"), hinders=True),
    Case("busy", "held", BAD, told(refusal="reader.busy", holder=None), hinders=True),
    Case("busy", "held", BAD, seen(reader(card(), state="busy")), hinders=True),
    Case("busy", "untold", UNKNOWN, told(refusal="card.removed")),
    Case("busy", "untold", UNKNOWN, seen(reader(card()))),
    Case("card", "good", GOOD, facts()),
    Case("card", "absent", BAD, in_state("empty"), hinders=True),
    Case("card", "mute", BAD, in_state("mute"), hinders=True),
    Case("card", "unreadable", BAD, in_state("unreadable"), hinders=True),
    Case("card", "unsupported", BAD, in_state("unsupported"), hinders=True),
    Case("card", "foreign", BAD, in_state("unsupported", card(profile="pkcs15_generic")), hinders=True),
    Case("card", "reading", UNKNOWN, in_state("reading"), hinders=True),
    Case("card", "unread", UNKNOWN, in_state("busy"), hinders=True),
    Case("card", "unread", UNKNOWN, in_state("dreaming"), hinders=True),
    Case("profile", "good", GOOD, facts()),
    Case("profile", "good", GOOD, told(identifiedBy="application A0 00 00 00 63")),
    Case("profile", "assumed", UNKNOWN, told(evidence="assumed")),
    Case("profile", "none", BAD, in_state("unsupported"), hinders=True),
    Case(
        "profile",
        "hindered",
        BAD,
        in_state("unsupported", passedOver=[{"profile": "a"}, {"profile": "b", "obstacle": "its module is not there"}]),
        hinders=True,
    ),
    Case("profile", "untold", UNKNOWN, in_state("unreadable")),
    Case("profile", "untold", UNKNOWN, seen(reader(card()))),
    Case("protocol", "good", GOOD, facts()),
    Case("protocol", "good", GOOD, told(rate={"factor": 512, "divider": 32})),
    Case("protocol", "good", GOOD, told(offeredRate=None)),
    Case("protocol", "slower", BAD, told(rate={"factor": 372, "divider": 1})),
    Case("protocol", "slower", BAD, told(rate={"factor": 512, "divider": 16})),
    Case("protocol", "disagrees", BAD, told(toldProtocol=0)),
    Case("protocol", "rateUntold", UNKNOWN, told(rate=None)),
    Case("protocol", "offerUntold", UNKNOWN, told(rate=None, offeredRate=None)),
    Case("protocol", "untold", UNKNOWN, told(protocol=None)),
    Case("clock", "good", GOOD, facts()),
    Case("clock", "implausible", BAD, at("2026-10-31T23:59:59Z", synchronised=True), hinders=True),
    Case("clock", "implausible", BAD, facts(machine=machine(now=datetime(1970, 1, 1, tzinfo=UTC))), hinders=True),
    Case("clock", "implausible", BAD, with_certificates(judged("clock.implausible", status="unknown")), hinders=True),
    Case(
        "clock",
        "beforeCertificates",
        BAD,
        with_certificates(
            judged("date.notYetValid", notBefore="2027-01-01T00:00:00Z"), machine=machine(synchronised=False)
        ),
        hinders=True,
    ),
    Case("clock", "good", GOOD, with_certificates(judged("date.notYetValid", notBefore="2027-01-01T00:00:00Z"))),
    Case("clock", "unsynchronised", UNKNOWN, facts(machine=machine(synchronised=False))),
    Case("clock", "untold", UNKNOWN, facts(machine=machine(synchronised=None))),
    Case("codes", "good", GOOD, facts()),
    Case("codes", "good", GOOD, with_codes(code("authentication", 2), SIGNATURE, PUK)),
    Case("codes", "notLast", GOOD, with_codes(code("authentication", None, notLast=True), SIGNATURE, PUK)),
    Case("codes", "absent", BAD, with_codes(SIGNATURE, PUK), hinders=True),
    Case("codes", "notActivated", BAD, with_codes(code("authentication", None, activated=False), PUK), hinders=True),
    Case("codes", "blocked", BAD, with_codes(code("authentication", 0), PUK), hinders=True),
    Case("codes", "blocked", BAD, with_codes(code("authentication", None, blocked=True)), hinders=True),
    Case("codes", "blockedForGood", BAD, with_codes(code("authentication", 0), code("puk", 0)), hinders=True),
    Case("codes", "lastTry", BAD, with_codes(code("authentication", 1), PUK), hinders=True),
    Case("codes", "triesUnknown", UNKNOWN, with_codes(code("authentication", None), PUK), hinders=True),
    Case("codes", "pukUsedUp", BAD, with_codes(PIN, SIGNATURE, code("puk", 0))),
    Case("codes", "signatureBlocked", BAD, with_codes(PIN, code("signature", 0), PUK)),
    Case("codes", "signatureNotActivated", BAD, with_codes(PIN, code("signature", None, activated=False), PUK)),
    Case("codes", "signatureLastTry", BAD, with_codes(PIN, code("signature", 1), PUK)),
    Case("certificates", "good", GOOD, facts()),
    Case("certificates", "good", GOOD, with_certificates(judged("date.expired"), judged("a", status="unknown"))),
    Case("certificates", "good", GOOD, with_certificates(judged("chain.untrusted"))),
    Case("certificates", "good", GOOD, with_certificates(judged("clock.implausible", status="unknown"))),
    Case("certificates", "endsSoon", GOOD, with_certificates(judged(status="good", notAfter="2026-12-20T12:00:00Z"))),
    Case("certificates", "none", BAD, with_certificates(), hinders=True),
    Case("certificates", "transport", BAD, with_certificates(judged(status="good", transport=True)), hinders=True),
    Case("certificates", "noLogIn", BAD, with_certificates(certificate("signature", "hsaId")), hinders=True),
    Case("certificates", "malformed", BAD, with_certificates(judged("certificate.malformed")), hinders=True),
    Case("certificates", "expired", BAD, with_certificates(judged("signature.sha1", "date.expired")), hinders=True),
    Case("certificates", "notYetValid", BAD, with_certificates(judged("date.notYetValid")), hinders=True),
    *(
        Case("certificates", "weak", BAD, with_certificates(judged(reason)), hinders=True)
        for reason in ("signature.sha1", "signature.md5", "key.short", "key.exponent3")
    ),
    Case(
        "certificates", "refused", BAD, with_certificates(judged("newer.reason", "revocation.notChecked")), hinders=True
    ),
    Case("chain", "sim", GOOD, facts()),
    Case("chain", "test", GOOD, with_certificates(judged(status="good", environment="test"))),
    Case("chain", "good", GOOD, with_certificates(judged(status="good", environment="production"))),
    *(
        Case("chain", finding, UNKNOWN, with_certificates(judged(reason, status="unknown", **NO_ANCHOR)))
        for reason, finding in (
            ("anchor.missing", "anchorMissing"),
            ("chain.issuerUnknown", "issuerUnknown"),
            ("chain.tooComplex", "tooComplex"),
        )
    ),
    Case("chain", "untold", UNKNOWN, with_certificates(judged("newer.reason", status="unknown", **NO_ANCHOR))),
    *(
        Case("chain", finding, BAD, with_certificates(judged(reason, "revocation.notChecked")), hinders=True)
        for reason, finding in (
            ("environment.notConfigured", "notConfigured"),
            ("environment.conflict", "conflict"),
            ("chain.untrusted", "untrusted"),
            ("chain.invalid", "invalid"),
            ("chain.expired", "expired"),
            ("chain.notYetValid", "notYetValid"),
        )
    ),
    Case("revocation", "notChecked", UNKNOWN, facts()),
    Case("revocation", "good", GOOD, with_certificates(judged(status="good"))),
    Case("revocation", "refused", BAD, with_certificates(judged("revocation.revoked")), hinders=True),
    Case("revocation", "refused", BAD, with_certificates(judged("chain.revoked")), hinders=True),
    Case("revocation", "untold", UNKNOWN, with_certificates(judged("clock.behind", status="unknown"))),
    *(
        Case("revocation", finding, UNKNOWN, with_certificates(judged(reason, status="unknown")))
        for reason, finding in (
            ("revocation.unreachable", "unreachable"),
            ("revocation.invalid", "invalid"),
            ("revocation.notKnown", "notKnown"),
            ("revocation.noSource", "noSource"),
            ("revocation.newer", "untold"),
            (STALE, "untold"),
        )
    ),
    Case("revocation", "stale", UNKNOWN, with_certificates(judged(STALE, status="unknown", evidence=HOURS))),
    Case("fetch", "good", GOOD, facts()),
    Case("fetch", "idle", GOOD, with_fetch(lastSuccess=None)),
    Case("fetch", "absent", BAD, with_diagnosis(fetch=None)),
    Case("fetch", "untold", UNKNOWN, with_diagnosis(fetch=None, fetchSocket=None)),
    Case("fetch", "noAnchors", BAD, with_fetch(anchors=0)),
    Case("fetch", "failing", BAD, with_fetch(FAILING)),
    Case("fetch", "failingAll", BAD, with_fetch({"url": "http://[x", "failures": 1}, FAILING, lastSuccess=None)),
    Case("clock", "behind", BAD, with_certificates(judged("clock.behind", status="unknown")), hinders=True),
    Case("notices", "good", GOOD, facts()),
    Case("notices", "good", GOOD, with_notices(notice(cardSerial="FF"))),
    Case("notices", "triesLost", BAD, with_notices(notice("code.outcomeLearnt"), notice())),
    Case("notices", "some", UNKNOWN, with_notices(notice("code.outcomeLearnt"))),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def found(checks: list[Check], name: str) -> Check:
    """Return one of the checks."""
    return next(one for one in checks if one.name == name)


@every_case
def test_every_finding(case: Case) -> None:
    """Each check finds in its facts what is there: good, bad or unknown, and whether it hinders a log-in."""
    check = found(examine(case.facts), case.check)
    assert (check.finding, check.result, check.hinders) == (case.finding, case.result, case.hinders)
    assert check.full_name == f"doctor.{case.check}"


@every_case
def test_unknown_is_never_shown_as_good(case: Case) -> None:
    """What hinders is never good, and a check that finds nothing wrong hinders nothing."""
    for check in examine(case.facts):
        assert not (check.hinders and check.result in {GOOD, NOTHING})


@every_case
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_sentence(case: Case, language: str) -> None:
    """In both languages: one line, no name of the wire's, nothing that was not filled in."""
    words = WORDS[language]
    for check in examine(case.facts):
        told = sentence(check, words)
        assert told
        assert "{" not in told
        assert "\n" not in told
        assert len(told) < 100


def test_no_sentence_is_left_over_and_no_finding_without_a_case() -> None:
    """Every sentence of the locales is one of a finding above, so each finding is proven, and none is dead text."""
    prefix = {check.__name__: f"doctor-{check.__name__}-" for check in CHECKS}
    written = {
        (name, key.removeprefix(start))
        for key in messages("en")
        for name, start in prefix.items()
        if key.startswith(start)
    }
    assert written == {(case.check, case.finding) for case in CASES}
    steps = {key.removeprefix("doctor-step-") for key in messages("en") if key.startswith("doctor-step-")}
    assert steps == {f"{step.check}-{step.finding}" for step in STEPS}


DECIDING = [
    case
    for case in CASES
    if (case.check, case.finding) in {(step.check, step.finding) for step in STEPS}
    and (case.check == "daemon" or case.facts.info.reply is not None)
]


@pytest.mark.parametrize("case", DECIDING, ids=str)
def test_every_step_can_be_the_one(case: Case) -> None:
    """With one thing wrong, that is what a person is told to mend, in both languages, and the status is its own."""
    checks = examine(case.facts)
    chosen = next_step(checks)
    assert chosen is not None
    step, check = chosen
    assert (step.check, step.finding) == (case.check, case.finding)
    assert check is found(checks, case.check)
    sentences = {step_sentence(check, words) for words in WORDS.values()}
    assert len(sentences) == 2
    assert not any("{" in one for one in sentences)
    assert exit_status(checks) is (step.status if case.hinders else ExitStatus.DONE)
    assert possible(checks) is not case.hinders


def test_every_step_is_decided_by_a_case() -> None:
    """No step is there that no facts lead to; and what hinders always leads to one."""
    assert {(case.check, case.finding) for case in DECIDING} == {(step.check, step.finding) for step in STEPS}
    # That no profile fits is told as the card's.
    hindering = {(case.check, case.finding) for case in CASES if case.hinders and case.check != "profile"}
    assert hindering == {(step.check, step.finding) for step in STEPS if step.status is not ExitStatus.DONE}


def test_what_hinders_comes_before_what_does_not() -> None:
    """The steps are in two parts: while a log-in can't work, nobody is sent to mend something else."""
    hindering = [step.status is not ExitStatus.DONE for step in STEPS]
    assert hindering == sorted(hindering, reverse=True)


def test_the_first_broken_link_decides() -> None:
    """Of many broken links the first one of the table is told, whatever the order in which they were found."""
    for place, step in enumerate(STEPS):
        broken = [bad(one.check, one.finding) for one in reversed(STEPS[place:])]
        chosen = next_step(broken)
        assert chosen is not None
        assert chosen[0] is step


@pytest.mark.parametrize(
    ("first", "wrong"),
    [
        (("daemon", "absent"), without_daemon(pcscd=replace(PCSCD, reach=Reach.ABSENT))),
        (("pcscd", "absent"), replace(no_service(Reach.ABSENT), codes=replace(CODES, reach=Reach.DENIED))),
        (("rights", "denied"), replace(in_state("empty"), codes=replace(CODES, reach=Reach.DENIED))),
        (("busy", "heldBy"), in_state("busy", refusal="reader.busy", holder="perhaps x (pid 1)")),
        (("card", "unsupported"), in_state("unsupported")),
        (("clock", "implausible"), at("2026-10-01T00:00:00Z")),
        (
            ("certificates", "expired"),
            facts(card(codes=[code("authentication", 0)], certificates=[judged("date.expired")])),
        ),
        (
            ("codes", "blocked"),
            facts(card(codes=[code("authentication", 0)], certificates=[judged("chain.untrusted")])),
        ),
    ],
)
def test_links_that_break_together(first: tuple[str, str], wrong: Facts) -> None:
    """What lies behind a broken link is not blamed: a daemon that is down, a clock that is wrong, an expired card."""
    chosen = next_step(examine(wrong))
    assert chosen is not None
    assert (chosen[0].check, chosen[0].finding) == first


def test_a_good_day() -> None:
    """Nothing is wrong, nothing is to be done, and the status is 0; revocation is unknown and said so."""
    checks = examine(facts())
    assert [check.name for check in checks if check.result is UNKNOWN] == ["revocation"]
    assert (next_step(checks), possible(checks), exit_status(checks)) == (None, True, ExitStatus.DONE)


def test_without_anything_everything_is_answered() -> None:
    """With no daemon, no pcscd and no rights there is a whole report, and nothing in it is good."""
    checks = examine(without_daemon(pcscd=replace(PCSCD, reach=Reach.ABSENT), synchronised=None))
    assert len(checks) == len(CHECKS)
    assert not [check.name for check in checks if check.result is GOOD]


def test_a_newer_and_an_older_daemon() -> None:
    """Methods that an older daemon has not are unknown, never good; the rest is judged by what there is."""
    older = facts(rights=refused("request.invalid"), diagnosis=refused("request.invalid"))
    checks = examine(older)
    assert {check.name for check in checks if check.result is UNKNOWN} >= {"rights", "busy", "profile", "protocol"}
    assert found(checks, "codes").result is GOOD
    assert possible(checks)


def test_codes_that_could_not_be_asked_are_told_from_memory() -> None:
    """A card that was busy in that moment: what was seen last counts, and that it was not asked is among the facts."""
    checks = examine(replace(facts(), card_codes=refused("reader.busy")))
    codes = found(checks, "codes")
    assert (codes.finding, codes.facts["askedNow"]) == ("good", False)


def test_the_best_certificate_is_looked_at() -> None:
    """A good one goes before one of unknown verdict, that before a bad one; of equals the one with fewer reasons."""
    order = [
        judged(status="good"),
        judged("revocation.notChecked", status="unknown"),
        judged("anchor.missing", "revocation.notChecked", status="unknown"),
        judged("date.expired"),
        judged("date.expired", "chain.expired"),
        judged("x", status="newer"),
    ]
    shapes = [answered(one, replies.Certificate).reply for one in order]
    for place, best in enumerate(shapes):
        assert trust.best(list(reversed(shapes[place:]))) is best
    assert trust.best([]) is None


def test_which_reader_is_looked_at() -> None:
    """The named one; else the only one with a card, else the only one; among several cards none is guessed."""
    full, empty, other = (
        answered(one, replies.Reader).reply for one in (reader(card()), reader(None, "E"), reader(card(), OTHER))
    )
    assert chosen([empty, full], None) is full
    assert chosen([empty], None) is empty
    assert chosen([full, other], None) is None
    assert chosen([full, other], OTHER) is other
    assert chosen([full], "no such") is None
    assert chosen([], None) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_for_scripts(language: str) -> None:
    """The shape is as documented: possible, next, and of each check six fields, its sentence among them."""
    words = WORDS[language]
    told = report(examine(with_codes(code("authentication", 0), PUK)), words)
    assert list(told) == ["possible", "next", "checks"]
    assert told["possible"] is False
    assert (told["next"]["check"], told["next"]["finding"]) == ("doctor.codes", "blocked")
    assert "sithsctl unblock" in told["next"]["sentence"]
    assert [check["name"] for check in told["checks"]] == [f"doctor.{check.__name__}" for check in CHECKS]
    for check in told["checks"]:
        assert list(check) == ["name", "result", "finding", "hinders", "sentence", "facts"]
        assert check["result"] in {"good", "bad", "unknown", "notApplicable"}
    assert report(examine(facts()), words)["next"] is None


def test_the_facts_name_nobody() -> None:
    """No fact of any check tells who the holder is: name, HSA-id, numbers and serial numbers are in none."""
    for case in CASES:
        text = str([check.facts for check in examine(case.facts)])
        for secret in ("Tolvan", "SIM1", "9752269801234567897", "19121212", "0102030405060708", "0A1B2C3D4E5F"):
            assert secret not in text


def test_rates_are_told_as_they_are() -> None:
    """What the card offers, what is agreed on, and null where the reader does not tell."""
    protocol = found(examine(told(rate=None)), "protocol")
    assert (protocol.facts["offeredRate"], protocol.facts["rate"], protocol.facts["protocol"]) == (RATE, None, 1)
    slower = found(examine(told(rate={"factor": 372, "divider": 1})), "protocol")
    assert sentence(slower, WORDS["en"]) == "T=1, 372/1; the card offers 372/12, which is faster"


def test_passed_over_profiles_are_told_with_the_reason() -> None:
    """Each profile that does not fit: nothing where it is the ATR, else the card's answer, or what is missing here."""
    passed = [
        {"profile": "a", "application": None, "statusWord": None, "obstacle": None},
        {"profile": "b", "application": "A000", "statusWord": 0x6A82, "obstacle": None},
        {"profile": "c", "application": None, "statusWord": None, "obstacle": "the module is not installed"},
    ]
    profile = found(examine(told(passedOver=passed)), "profile")
    assert profile.facts["passedOver"] == [passed[0], {**passed[1], "statusWord": "6A82"}, passed[2]]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_reply_that_lacks_everything(check: Callable[[Facts], Check]) -> None:
    """Each check makes do with what a reply has, and has a sentence for it."""
    bare = facts(
        listing=answered({"readers": [{"name": READER, "state": "ready"}]}, replies.ListReply),
        diagnosis=answered({"readers": [{"name": READER}]}, replies.DiagnoseReply),
        info=answered({}, replies.InfoReply),
        rights=answered({}, replies.RightsReply),
        card_codes=Answer(),
        validity=Answer(),
    )
    for words in WORDS.values():
        assert sentence(check(bare), words)
