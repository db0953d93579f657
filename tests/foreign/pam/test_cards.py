"""What the readers hold, and what the daemon thinks of it: told before a PIN is asked for."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pam_bench import HSA_ID, PIN, certificate, judged, refused, told_certificate

LATE = 30.0


def picture(liar: Any, *states: str, **more: Any) -> dict[str, Any]:
    """Return the readers' state; a ready reader holds the card."""
    (ready,) = liar.parts["Monitor"]["readers"]
    readers = [
        {**ready, "state": state, "name": ready["name"] if number == 0 else f"Reader {number}"}
        if state == "ready"
        else {"name": f"Reader {number}", "state": state, "card": None}
        for number, state in enumerate(states)
    ]
    return {"parameters": {**liar.parts["Monitor"], "readers": readers, **more}}


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([], "no card reader"),
        (["empty", "empty"], "No card is in the reader"),
        (["empty", "busy"], "Another program"),
        (["unsupported"], "none that can be used"),
        (["unreadable"], "can't be read"),
        (["mute"], "can't be read"),
        (["something new"], "can't be read"),
    ],
)
def test_why_there_is_no_card(stage: Any, states: list[str], words: str) -> None:
    """Each state of the readers has its sentence, and none asks for a PIN."""
    liar, client = stage
    liar.answers["Monitor"] = lambda _: picture(liar, *states)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert words in answer.shown
    assert not answer.asked


def test_no_pcscd(stage: Any) -> None:
    """Without pcscd what the readers held before counts for nothing."""
    liar, client = stage
    liar.answers["Monitor"] = lambda _: picture(liar, "ready", service=False)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "pcscd" in answer.shown


def test_a_card_that_is_being_read_is_waited_for(stage: Any) -> None:
    """Who is quick gets in all the same."""
    liar, client = stage
    news = [picture(liar, "reading", "empty"), picture(liar, "ready", "empty")]
    liar.answers["Monitor"] = lambda _: b"".join(json.dumps(one).encode() + b"\0" for one in news)
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.result == "SUCCESS"
    assert "Insert" not in answer.shown


def test_a_card_can_be_waited_for(stage: Any) -> None:
    """wait=: the person is told to insert one; without one the log-in ends."""
    liar, client = stage
    news = [picture(liar, state) for state in ("empty", "empty", "reading", "ready")]
    liar.answers["Monitor"] = lambda _: b"".join(json.dumps(one).encode() + b"\0" for one in news)
    answer = client.log_in("wait=60", typed=f"{PIN}\n")
    assert answer.result == "SUCCESS"
    assert answer.shown.count("Insert your card.") == 1
    liar.answers["Monitor"] = lambda _: json.dumps(news[0]).encode() + b"\0"
    vain = client.log_in("wait=1", typed=f"{PIN}\n")
    refused(vain, "AUTHINFO_UNAVAIL")
    assert 1.0 <= vain.seconds < LATE
    assert "No card is in the reader" in vain.shown


def test_two_cards_for_one_account_are_not_guessed_between(stage: Any) -> None:
    """The person is asked to leave one."""
    liar, client = stage
    liar.answers["Monitor"] = lambda _: picture(liar, "ready", "ready")
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "Several cards" in answer.shown
    assert not answer.asked


def test_of_two_certificates_the_accepted_one_is_used(stage: Any, forge: Any, authority: Any) -> None:
    """A card with an expired certificate and a renewed one, both for the account, opens by the renewed one."""
    liar, client = stage
    old = told_certificate(
        forge.person(HSA_ID, issuer=authority[1]), verdict={"status": "bad", "reasons": ["date.expired"]}
    )
    liar.parts["GetCertificates"]["certificates"] = [old, certificate(liar)]
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    liar.parts["GetCertificates"]["certificates"] = [certificate(liar, purpose="signature")]
    refused(client.log_in(typed=f"{PIN}\n"), "AUTH_ERR")


def test_bytes_that_are_not_for_this_user_are_done_without(stage: Any) -> None:
    """A certificate known by its fingerprint alone is asked for by that; its bytes come with the proof."""
    liar, client = stage
    client.allow(f"tolvan sha256:{certificate(liar)['fingerprint']}")
    liar.parts["GetCertificates"]["certificates"] = [certificate(liar, der=None)]
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"


def test_a_card_changed_meanwhile_is_told(stage: Any) -> None:
    """Every answer has to be of the card that was seen first."""
    liar, client = stage
    for method in ("GetCertificates", "GetGuidance"):
        liar.parts[method]["cardSerial"] = "FF"
        answer = client.log_in(typed=f"{PIN}\n")
        refused(answer, "AUTHINFO_UNAVAIL")
        assert "another card" in answer.shown
        liar.parts[method]["cardSerial"] = "0102030405"


CHECKS = [
    (("good",), [], "SUCCESS", ""),
    (("good",), ["environment=production"], "AUTH_ERR", "another environment"),
    (("unknown", "revocation.notChecked"), [], "SUCCESS", ""),
    (("unknown", "revocation.unreachable"), [], "SUCCESS", ""),
    (("unknown", "revocation.unreachable", "revocation.notChecked"), [], "SUCCESS", ""),
    (("unknown", "revocation.notChecked", "chain.issuerUnknown"), [], "AUTHINFO_UNAVAIL", "revocation.notChecked"),
    (("unknown", "revocation.stale"), [], "AUTHINFO_UNAVAIL", "revocation.stale"),
    (("unknown", "revocation.stale", "revocation.unreachable"), [], "AUTHINFO_UNAVAIL", "revocation.stale"),
    (("unknown", "revocation.invalid", "revocation.notChecked"), [], "AUTHINFO_UNAVAIL", "revocation.invalid"),
    (("unknown", "revocation.notKnown"), [], "AUTHINFO_UNAVAIL", "revocation.notKnown"),
    (("unknown", "revocation.noSource"), [], "AUTHINFO_UNAVAIL", "revocation.noSource"),
    (("unknown", "clock.implausible"), [], "AUTHINFO_UNAVAIL", "clock.implausible"),
    (("unknown",), [], "AUTHINFO_UNAVAIL", "not known"),
    (("bad", "date.expired", "revocation.notChecked"), [], "AUTH_ERR", "expired"),
    (("bad", "date.notYetValid"), [], "AUTH_ERR", "not valid yet"),
    (("bad", "revocation.revoked"), [], "AUTH_ERR", "revoked"),
    (("bad", "chain.revoked", "revocation.unreachable"), [], "AUTH_ERR", "chain.revoked"),
    (("bad", "environment.notConfigured"), [], "AUTH_ERR", "another environment"),
    (("bad", "chain.untrusted"), [], "AUTH_ERR", "chain.untrusted"),
    (("bad",), [], "AUTH_ERR", "not accepted"),
]


@pytest.mark.parametrize(("judgement", "options", "result", "words"), CHECKS)
def test_a_verdict_is_heeded_before_a_pin_is_asked_for(
    stage: Any, judgement: tuple[str, ...], options: list[str], result: str, words: str
) -> None:
    """Good opens, bad never does, unknown only where revocation alone was not looked at, and that is allowed."""
    liar, client = stage
    liar.parts["GetCertificates"]["certificates"] = [judged(liar, *judgement)]
    answer = client.log_in(*options, typed=f"{PIN}\n")
    if result == "SUCCESS":
        assert answer.result == result
        return
    refused(answer, result)
    assert words in answer.shown
    assert not answer.asked


def test_what_is_known_of_revocation_is_asked_for_first(stage: Any) -> None:
    """The daemon is asked to look before its verdict is heeded: once, about the card that was found."""
    liar, client = stage
    liar.parts["GetCertificates"]["certificates"] = [judged(liar, "unknown", "revocation.stale")]

    def look(_: dict[str, Any]) -> dict[str, Any]:
        liar.parts["GetCertificates"]["certificates"] = [judged(liar, "good")]
        return {"parameters": liar.parts["GetValidity"]}

    liar.answers["GetValidity"] = look
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    assert liar.calls("GetValidity") == [{"reader": "Reader"}]


def test_a_card_whose_key_can_not_be_used(stage: Any) -> None:
    """Its PIN is not asked for; a daemon that does not tell is believed to have looked."""
    liar, client = stage
    for told, result in ((True, "SUCCESS"), (None, "SUCCESS"), (False, "AUTHINFO_UNAVAIL")):
        liar.parts["GetCertificates"]["certificates"] = [certificate(liar, canSign=told)]
        answer = client.log_in(typed=f"{PIN}\n")
        assert answer.result == result
    assert "none that can be used here" in answer.shown
    assert not answer.asked
    other = certificate(liar, fingerprint="ab" * 32, der=None, canSign=False)
    client.allow(f"tolvan sha256:{certificate(liar)['fingerprint']}", f"tolvan sha256:{'ab' * 32}")
    liar.parts["GetCertificates"]["certificates"] = [other, certificate(liar, canSign=True)]
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"


def test_without_leave_an_unchecked_certificate_opens_nothing(stage: Any) -> None:
    """accept_unchecked is off where it is not written."""
    liar, client = stage
    client.options = ("environment=sim",)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "revoked was not checked" in answer.shown
    assert not answer.asked
    client.options = ("accept_unchecked",)
    refused(client.log_in(typed=f"{PIN}\n"), "AUTH_ERR")
    liar.parts["GetCertificates"]["certificates"] = [judged(liar, "good", environment="production")]
    liar.parts["Authenticate"]["certificate"] = judged(liar, "good", environment="production")
    client.options = ()
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"


def test_the_path_to_an_anchor_can_be_demanded(stage: Any, forge: Any, authority: Any) -> None:
    """anchors=: the issuers of the answer have to lead to one, by OpenSSL's judgement."""
    liar, client = stage
    root, issuer = authority
    anchors = client.folder / "anchors.pem"
    anchors.write_bytes(forge.authority("SIM Root").pem)
    anchors.chmod(0o644)
    option = f"anchors={anchors}"
    liar.parts["Authenticate"]["issuers"] = [base64.b64encode(issuer.der).decode()]
    refused(client.log_in(option, typed=f"{PIN}\n"), "AUTH_ERR")
    anchors.write_bytes(root.pem)
    assert client.log_in(option, typed=f"{PIN}\n").result == "SUCCESS"
    for issuers in ([], ["AAAA"], [7], None):
        liar.parts["Authenticate"]["issuers"] = issuers
        refused(client.log_in(option, typed=f"{PIN}\n"), "AUTH_ERR")
    liar.parts["Authenticate"]["issuers"] = [base64.b64encode(issuer.der).decode()]
    anchors.chmod(0o666)
    refused(client.log_in(option, typed=f"{PIN}\n"), "AUTH_ERR")


def test_a_path_over_a_weak_issuer_leads_nowhere(serve: Callable[..., Any], forge: Any) -> None:
    """anchors=: a CA with a key of 1024 bits vouches for nobody, whatever the daemon thinks."""
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - what has to be refused
    root = forge.authority("SIM Root")
    issuer = forge.authority("SIM Person CA", issuer=root, key=weak)
    liar, client = serve(forge.person(HSA_ID, issuer=issuer))
    anchors = client.folder / "anchors.pem"
    anchors.write_bytes(root.pem)
    anchors.chmod(0o644)
    liar.parts["Authenticate"]["issuers"] = [base64.b64encode(issuer.der).decode()]
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    refused(client.log_in(f"anchors={anchors}", typed=f"{PIN}\n"), "AUTH_ERR")
