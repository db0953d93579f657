"""What a person is told of revocation: since when and why, by whom, how old, and who did not answer."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.x509 import ReasonFlags

from tests.unit.cli.conftest import (
    FakeDaemon,
    Outcome,
    card,
    certificate,
    certificates_reply,
    listing,
    reader,
)

Run = Callable[..., Outcome]

LEAF, ISSUER = "AB" * 32, "CD" * 32
GOOD = {
    "fingerprint": LEAF,
    "serialNumber": "0A",
    "status": "good",
    "subject": "CN=Tolvan Tolvansson,C=SE",
    "source": "ocsp",
    "url": "http://ocsp.example/a",
    "thisUpdate": "2026-11-22T10:00:00Z",
    "nextUpdate": "2026-11-22T14:00:00Z",
}
LIST = {**GOOD, "fingerprint": ISSUER, "source": "crl", "subject": "CN=SIM Issuing CA v1,O=SIM Inera AB,C=SE"}
REVOKED = {
    **GOOD,
    "status": "revoked",
    "revokedAt": "2026-11-20T08:30:00Z",
    "revocationReason": "keyCompromise",
}
STALE = {**GOOD, "nextUpdate": "2026-11-20T10:00:00Z", "staleHours": 50}


def failed(failure: str, url: str | None = "http://ocsp.example/a") -> dict[str, Any]:
    """Return evidence that is none."""
    return {"fingerprint": LEAF, "serialNumber": "0A", "status": "unknown", "failure": failure, "url": url}


def one(*evidence: dict[str, Any], status: str = "good", reasons: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Return a certificate of this verdict and evidence."""
    verdict = {"status": status, "reasons": list(reasons)}
    return certificate("authentication", "hsaId", verdict=verdict, evidence=list(evidence), **more)


@pytest.fixture
def told(daemon: FakeDaemon, sithsctl: Run) -> Callable[..., str]:
    """Return what a command tells of a certificate, in one line."""

    def tell(found: dict[str, Any], command: str = "validity", lang: str = "en", columns: int = 80) -> str:
        daemon.script["GetValidity"] = daemon.script["GetCertificates"] = [certificates_reply(found)]
        daemon.script["List"] = [listing(reader(card(certificates=[found])))]
        outcome = sithsctl(command, lang=lang, columns=columns)
        assert outcome.status == 0
        assert all(len(line) <= columns for line in outcome.out.splitlines())
        return " ".join(outcome.out.split())

    return tell


def test_good_by_whom_and_until_when(told: Callable[..., str]) -> None:
    """Each certificate of the path has a line: what answered, from when it is, and until when it counts."""
    found = one(GOOD, LIST, nextCheck="2026-11-22T12:00:00Z")
    said = told(found)
    assert "Verdict Good" in said
    assert "Not revoked, by OCSP of 2026-11-22 10:00:00, good until 2026-11-22 14:00:00" in said
    assert "SIM Issuing CA v1: not revoked, by CRL of 2026-11-22 10:00:00, good until 2026-11-22 14:00:00" in said
    assert "Next check 2026-11-22 12:00:00" in said
    said = told(found, lang="sv")
    assert "Inte spärrat, enligt OCSP från 2026-11-22 10:00:00, gäller till 2026-11-22 14:00:00" in said
    assert "Nästa kontroll 2026-11-22 12:00:00" in said


@pytest.mark.parametrize("command", ["validity", "certificates", "status"])
def test_revoked_since_when_and_why(told: Callable[..., str], command: str) -> None:
    """Every command that shows a verdict says since when, and why as far as that is told."""
    found = one(REVOKED, LIST, status="bad", reasons=("revocation.revoked",))
    assert "It has been revoked since 2026-11-20 08:30:00: somebody else may have its key." in told(found, command)
    assert "Det är spärrat sedan 2026-11-20 08:30:00: någon annan kan ha nyckeln." in told(found, command, lang="sv")
    silent = {**REVOKED, "revocationReason": None}
    found = one(silent, status="bad", reasons=("revocation.revoked",))
    assert "It has been revoked since 2026-11-20 08:30:00." in told(found, command)
    assert "It has been revoked." in told(one(status="bad", reasons=("revocation.revoked",)), command)


def test_an_issuer_that_is_revoked(told: Callable[..., str]) -> None:
    """It is told which one, and that it is not the card's own certificate."""
    found = one(GOOD, {**REVOKED, **{name: LIST[name] for name in ("fingerprint", "subject")}}, status="bad",
                reasons=("chain.revoked",))  # fmt: skip
    said = told(found)
    assert "A certificate between it and the root has been revoked since 2026-11-20 08:30:00" in said
    assert "SIM Issuing CA v1: revoked since 2026-11-20 08:30:00 (somebody else may have its key)" in said


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "less than an hour"), (1, "1 hour"), (50, "50 hours"), (5000, "5,000 hours")]
)
def test_stale_by_so_many_hours(told: Callable[..., str], hours: int, words: str) -> None:
    """How much too old it is, as a reason and with the evidence."""
    found = one({**STALE, "staleHours": hours}, status="unknown", reasons=("revocation.stale",))
    said = told(found)
    assert f"What is known about its revocation is too old, since {words}." in said
    assert f"Not revoked, by OCSP of 2026-11-22 10:00:00, too old since {words}" in said
    assert f"too old, since {words}." in told(found, "status")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("unreachable", "No answer from ocsp.example"),
        ("invalid", "The answer from ocsp.example proves nothing"),
        ("notKnownThere", "It is not known at ocsp.example"),
        ("stale", "The answer from ocsp.example is too old"),
        ("noSource", "It names nobody who can be asked"),
        ("chainUnknown", "Nobody may be asked, as its way to a root is not known"),
        ("newer", "Not known"),
    ],
)
def test_why_nothing_is_known(told: Callable[..., str], failure: str, words: str) -> None:
    """Each failure has a sentence, with who was asked where somebody was; one of a newer daemon is not known."""
    assert words in told(one(failed(failure), status="unknown"))
    assert told(one(failed(failure, None), status="unknown"), lang="sv")


@pytest.mark.parametrize("lang", ["en", "sv"])
def test_every_reason_of_a_revocation_has_words(told: Callable[..., str], lang: str) -> None:
    """All that RFC 5280 names, but for that which names none; one of a newer daemon is shown as it is."""
    named = [flag.value for flag in ReasonFlags if flag.value not in {"unspecified", "removeFromCRL"}]
    assert len(named) == 8
    for name in named:
        said = told(
            one({**REVOKED, "revocationReason": name}, status="bad", reasons=("revocation.revoked",)), lang=lang
        )
        assert name not in said
    newer = one({**REVOKED, "revocationReason": "newerReason"}, status="bad", reasons=("revocation.revoked",))
    assert "newerReason" in told(newer, lang=lang)


def test_what_comes_from_outside_is_harmless(told: Callable[..., str]) -> None:
    """Nothing in evidence drives a terminal."""
    nasty = "\x1b[2J\u202e"
    found = one(
        {**LIST, "subject": f"CN={nasty}", "source": nasty, "thisUpdate": nasty},
        {**REVOKED, "revocationReason": nasty, "revokedAt": nasty},
        {**failed("unreachable"), "url": f"http://{nasty}/"},
        {**failed("unreachable"), "url": "http://[nonsense"},
        status="bad",
        reasons=("revocation.revoked",),
    )
    for command in ("validity", "certificates", "status"):
        assert not set(told(found, command)) & set(nasty[:1] + nasty[-1])


def test_a_key_that_can_not_be_used_is_told(told: Callable[..., str]) -> None:
    """It is a note of the certificate; where a daemon does not tell there is none."""
    sentence = "Its key is not on the card, or it is not known how this card signs."
    assert sentence in told(one(canSign=False), "certificates")
    for more in ({"canSign": True}, {"canSign": None}, {}):
        assert sentence not in told(one(**more), "certificates")


def test_fresh_answers_are_asked_for(daemon: FakeDaemon, sithsctl: Run) -> None:
    """--fresh is the daemon's, and nothing is sent of it otherwise."""
    daemon.script["GetValidity"] = [certificates_reply(one())]
    sithsctl("validity", "--json")
    sithsctl("validity", "--fresh", "--json")
    assert daemon.calls("GetValidity") == [{}, {"fresh": True}]


def test_scripts_get_all_of_it(daemon: FakeDaemon, sithsctl: Run) -> None:
    """--json has the evidence as it came."""
    reply = certificates_reply(one({**REVOKED, "newer": 1}, LIST, status="bad", reasons=("revocation.revoked",)))
    daemon.script["GetValidity"] = [reply]
    assert sithsctl("validity", "--json").json == reply
