"""status, codes, validity and certificates, against a scripted daemon on real sockets."""

import base64
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.conftest import (
    READER,
    FakeDaemon,
    Hangup,
    Outcome,
    Refusal,
    card,
    certificate,
    certificates_reply,
    code,
    codes_reply,
    listing,
    reader,
)

Run = Callable[..., Outcome]


def test_status_for_scripts_is_the_reply(daemon: FakeDaemon, sithsctl: Run) -> None:
    """--json prints the reply of List as it came, fields of newer daemons included."""
    reply = listing(reader({**card(), "newer": [1, None, "å"]}), reader(None, "Other"))
    daemon.script["List"] = [reply]
    outcome = sithsctl("status", "--json")
    assert (outcome.status, outcome.json, outcome.err) == (0, reply, "")
    assert outcome.out.count("\n") == 1
    assert daemon.calls("List") == [{}]


def test_json_stands_on_either_side_of_the_command(daemon: FakeDaemon, sithsctl: Run) -> None:
    """`sithsctl --json status` and `sithsctl status --json` are the same."""
    daemon.script["List"] = [listing()]
    assert sithsctl("--json", "status").json == sithsctl("status", "--json").json == listing()


def test_the_runtime_directory_may_stand_behind_the_command(daemon: FakeDaemon, sithsctl: Run) -> None:
    """--runtime-dir after the command wins over the one before it."""
    daemon.script["List"] = [listing()]
    outcome = sithsctl("--runtime-dir", "/nowhere", "status", "--runtime-dir", str(daemon.folder), "--json")
    assert outcome.json == listing()


@pytest.mark.parametrize("lang", ["en", "sv"])
@pytest.mark.parametrize("columns", [80, 120])
def test_status_for_people_tells_everything(daemon: FakeDaemon, sithsctl: Run, lang: str, columns: int) -> None:
    """Holder, numbers, environment, codes, certificates with issuer, dates and verdict; no line is too long."""
    daemon.script["List"] = [listing(reader(card()))]
    told = sithsctl("status", lang=lang, columns=columns).out
    whole = " ".join(told.split())
    for text in (
        *(READER, "*** SIM ***", "Tolvan Tolvansson", "SE2321000016-SIM1", "9752269801234567897", "19121212-****"),
        *("Region Exempel", "2024-11-04", "2029-11-03"),
        *{
            "en": ("SIMULATED card", "Ordinary card", "3 tries left", "10 tries left", "Authentication", "Signature"),
            "sv": (
                "SIMULERAT kort",
                "Ordinarie kort",
                "3 försök kvar",
                "10 försök kvar",
                "Legitimering",
                "Underskrift",
            ),
        }[lang],
        {"en": "Unknown. Revocation has not", "sv": "Okänt. Spärrkontroll"}[lang] if columns == 80 else "3",
    ):
        assert text in whole
    assert all(len(line) <= columns and line == line.rstrip() for line in told.splitlines())


def test_piped_text_has_no_boxes_and_no_colours(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A pipe and a screen reader get letters only."""
    daemon.script["List"] = [listing(reader(card()))]
    told = sithsctl("status", lang="sv").out
    assert "\x1b" not in told
    assert not set(told) & set("╭╮╰╯│─━┃")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"codes": [code("authentication", 0)]}, "BLOCKED: unblock it with the PUK"),
        ({"codes": [code("puk", 0)]}, "USED UP: the card can't be unblocked"),
        ({"codes": [code("signature", 1)]}, "1 try left: the last one"),
        ({"codes": [code("signature", None)]}, "tries left not known"),
        ({"codes": [code("signature", activated=False)]}, "not chosen yet"),
        ({"codes": [code("signature", verified=True)]}, "3 tries left, given"),
        ({"codes": [code("newer")]}, "newer"),
        ({"codes": []}, "No codes."),
        ({"certificates": []}, "No certificates."),
        ({"environment": "test"}, "*** TEST *** TEST card: identifies no real person"),
        ({"environment": "production"}, "Real card"),
        ({"environment": "mars"}, "mars"),
        ({"kind": "reserve"}, "Reserve card"),
        ({"kind": "golden"}, "golden"),
        ({"notes": ["cardNumber.conflict"]}, "The certificates disagree about the card number."),
        ({"notes": ["newer.note"]}, "newer.note"),
        ({"holder": None}, "not known"),
        ({"cardNumber": None, "levelOfAssurance": None}, "Card number      not known"),
    ],
)
def test_what_is_remarkable_is_said(daemon: FakeDaemon, sithsctl: Run, state: dict[str, Any], sentence: str) -> None:
    """Each state of a card, also one of a newer daemon, has its words."""
    daemon.script["List"] = [listing(reader(card(**state)))]
    assert sentence in sithsctl("status").out


def test_unknown_is_never_shown_as_good(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A verdict that this program does not know is shown by its own name."""
    strange = certificate("authentication", "hsaId", verdict={"status": "perhaps", "reasons": ["newer.reason"]})
    daemon.script["List"] = [listing(reader(card(certificates=[strange])))]
    told = sithsctl("status").out
    assert "perhaps. newer.reason" in told
    assert "Good" not in told


def test_a_protected_identity_is_not_shown(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Of a holder whose identity is protected nothing is shown, even if a daemon should send it."""
    holder = {**card()["holder"], "protected": True}
    daemon.script["List"] = [listing(reader(card(holder=holder, certificates=[])))]
    told = sithsctl("status", lang="sv").out
    assert "Skyddad identitet" in told
    assert not any(text in told for text in ("Tolvan", "SIM1", "19121212", "Exempel"))


# What the daemon tells of a card that it can't read.
EMPTY = {"serial": None, "profile": None, "environment": "unknown", "kind": "unknown", "atr": "3B00"}


@pytest.mark.parametrize(
    ("readers", "sentence"),
    [
        ([], "No card reader is connected."),
        ([reader(None)], "No card in the reader"),
        ([reader(None, state="busy", reason="reader.busy")], "Another program is using the card"),
        ([reader(None, state="mute", reason="card.unreadable")], "The card does not answer"),
        (
            [reader(EMPTY, state="unsupported", reason="card.unsupported")],
            "Not a card that sithsd works with\n  ATR  3B00",
        ),
        ([reader(None, state="dreaming", reason="newer.reason")], "dreaming (newer.reason)"),
    ],
)
def test_readers_without_a_card_say_why(
    daemon: FakeDaemon, sithsctl: Run, readers: list[dict[str, Any]], sentence: str
) -> None:
    """An empty reader, a busy one and a silent card are three things."""
    daemon.script["List"] = [listing(*readers)]
    outcome = sithsctl("status")
    assert sentence in outcome.out
    assert outcome.status == 0


def test_no_pcscd_is_not_no_readers(daemon: FakeDaemon, sithsctl: Run) -> None:
    """While pcscd can't be reached, nobody is told that no reader is connected."""
    daemon.script["List"] = [listing(service=False)]
    for lang, sentence, other in (
        ("en", "(pcscd) does not answer", "No card reader"),
        ("sv", "(pcscd) svarar inte", "Ingen kortläsare"),
    ):
        outcome = sithsctl("status", lang=lang)
        assert outcome.status == 0
        assert sentence in outcome.out
        assert other not in outcome.out
    assert sithsctl("status", "--json").json["service"] is False


def test_a_hostile_card_does_not_drive_the_terminal(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Control characters and bidi overrides in any field are neutralised in every view, JSON included."""
    evil = "x\x1b]0;owned\x07\u202e\x9b2J[bold]y[/]"
    holder = dict.fromkeys(card()["holder"], evil) | {"protected": None}
    lines = certificate("authentication", "hsaId")
    text = {name: evil for name, value in lines.items() if isinstance(value, str)}
    bad = {
        **lines,
        **text,
        "path": [evil],
        "verdict": {"status": evil, "reasons": [evil]},
        "weaknesses": [evil],
        "der": "",
    }
    insides = card(
        holder=holder,
        cardNumber=evil,
        kind=evil,
        environment=evil,
        notes=[evil],
        codes=[code(evil)],
        certificates=[bad],
    )
    daemon.script["List"] = [listing(reader(insides, evil), reader(None, evil, state=evil, reason=evil))]
    daemon.script["GetCodes"] = [codes_reply(code(evil))]
    for method in ("GetCertificates", "GetValidity"):
        daemon.script[method] = [certificates_reply(bad)]
    for command in ("status", "codes", "certificates", "validity"):
        for form in ([], ["--json"]):
            for columns in (80, 200):
                told = sithsctl(command, *form, columns=columns).out
                assert not set(told) & {"\x1b", "\x07", "\u202e", "\x9b"}, command
    assert "[bold]y[/]" in sithsctl("status", columns=400).out


def test_unmasked_is_asked_for_only_when_said(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Personal identity numbers come masked unless --unmasked asks the daemon for them."""
    daemon.script["List"] = [listing()]
    sithsctl("status")
    sithsctl("status", "--unmasked")
    assert daemon.calls("List") == [{}, {"unmasked": True}]


def test_codes_are_asked_of_the_card(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Codes calls GetCodes for the reader named, and shows each code."""
    daemon.script["GetCodes"] = [codes_reply(code("puk", 10), code("authentication", 2))]
    told = sithsctl("codes", "--reader", READER).out
    assert daemon.calls("GetCodes") == [{"reader": READER}]
    assert told.index("Authentication PIN  2 tries left") < told.index("PUK                 10 tries left")
    assert sithsctl("codes", "--json").json == codes_reply(code("puk", 10), code("authentication", 2))


def test_validity_gives_reasons_path_and_time(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Each verdict comes with its reasons as sentences, the way to the anchor and when it was judged."""
    bad = certificate("authentication", "hsaId", verdict={"status": "bad", "reasons": ["date.expired", "key.short"]})
    daemon.script["GetValidity"] = [certificates_reply(bad)]
    told = sithsctl("validity").out
    for text in (
        *("Bad", "It has expired.", "Its key is short, which is weak.", "SIM SITHS e-id Root CA v2"),
        "2026-11-22 11:59:59",
    ):
        assert text in told
    assert sithsctl("validity", "--json").json == certificates_reply(bad)


def test_validity_tells_what_does_not_fit_together(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Certificates of one card that have two card numbers are remarked upon before the verdicts; without notes not."""
    reply = certificates_reply(certificate("authentication", "hsaId"))
    daemon.script["GetValidity"] = [{**reply, "notes": ["cardNumber.conflict"]}, reply]
    told = sithsctl("validity").out
    sentence = "The certificates disagree about the card number."
    assert told.index(sentence) < told.index("Authentication")
    assert sentence not in sithsctl("validity").out


def test_an_end_that_is_near_is_counted(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A desk sees at once that a card is to be replaced; a far end is not counted."""
    near = certificate("authentication", "hsaId", notAfter="2026-12-22T12:00:00Z")
    daemon.script["List"] = [listing(reader(card(certificates=[near, certificate("signature", "hsaId")])))]
    for columns in (80, 140):
        assert sithsctl("status", lang="sv", columns=columns).out.count("(30 dagar kvar)") == 1


DER = ssl.PEM_cert_to_DER_cert(
    "-----BEGIN CERTIFICATE-----\n"
    + base64.b64encode(b"\x30\x03\x02\x01\x05" * 30).decode()
    + "\n-----END CERTIFICATE-----\n"
)


def three() -> dict[str, Any]:
    """Return a reply with three certificates and their bytes."""
    der = base64.b64encode(DER).decode()
    return certificates_reply(
        certificate("authentication", "hsaId", id="AB01", der=der),
        certificate("signature", "hsaId", id="AB02", der=der),
        certificate("issuer", "none", id="AB03", der=der),
    )


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], ["AB01", "AB02", "AB03"]),
        (["--id", "ab02"], ["AB02"]),
        (["--purpose", "issuer"], ["AB03"]),
        (["--purpose", "signature", "--id", "AB02"], ["AB02"]),
    ],
)
def test_certificates_are_selected(daemon: FakeDaemon, sithsctl: Run, options: list[str], ids: list[str]) -> None:
    """--id and --purpose keep what fits, in JSON, as PEM and for people."""
    daemon.script["GetCertificates"] = [three()]
    reply = sithsctl("certificates", *options, "--json").json
    assert [one["id"] for one in reply["certificates"]] == ids
    assert {**reply, "certificates": []} == {**three(), "certificates": []}
    pem = sithsctl("certificates", *options, "--pem").out
    assert pem == ssl.DER_cert_to_PEM_cert(DER) * len(ids)
    told = sithsctl("certificates", *options, columns=200).out
    assert [one for one in ("AB01", "AB02", "AB03") if one in told] == ids


@pytest.mark.parametrize("options", [["--id", "FF"], ["--purpose", "other"], ["--pem", "--id", "FF"]])
def test_no_certificate_that_fits_is_an_error(daemon: FakeDaemon, sithsctl: Run, options: list[str]) -> None:
    """A pipe to another program is not fed with nothing as if that were an answer."""
    daemon.script["GetCertificates"] = [three()]
    outcome = sithsctl("certificates", *options)
    assert (outcome.status, outcome.out) == (4, "")
    assert sithsctl("certificates", *options, "--json").json["error"]["code"] == "certificate.absent"


@pytest.mark.parametrize("der", ["", "no base64!"])
def test_pem_without_bytes_is_an_error(daemon: FakeDaemon, sithsctl: Run, der: str) -> None:
    """A certificate whose bytes are empty or broken is never written, nor is half of the answer before it."""
    whole = three()["certificates"][0]
    daemon.script["GetCertificates"] = [certificates_reply(whole, certificate("signature", "hsaId", der=der))]
    outcome = sithsctl("certificates", "--pem")
    assert (outcome.status, outcome.out) == (10, "")


def two_withheld() -> dict[str, Any]:
    """Return a reply as an ordinary person gets it: without the bytes of what carries a personal identity number."""
    hidden = [
        certificate("authentication", "personalIdentityNumber", id="CD01"),
        certificate("signature", "personalIdentityNumber", id="CD02"),
    ]
    return certificates_reply(*three()["certificates"], *hidden)


@pytest.mark.parametrize(
    ("lang", "left_out", "names"),
    [
        ("en", "personal identity number", ("Authentication, Personal id no.", "Signature, Personal id no.")),
        ("sv", "personnummer", ("Legitimering, Personnummer", "Underskrift, Personnummer")),
    ],
)
def test_pem_leaves_out_what_was_withheld(
    daemon: FakeDaemon, sithsctl: Run, lang: str, left_out: str, names: tuple[str, str]
) -> None:
    """What the daemon gave is written; each withheld one is named on stderr, and stdout stays clean for a pipe."""
    daemon.script["GetCertificates"] = [two_withheld()]
    outcome = sithsctl("certificates", "--pem", lang=lang)
    assert (outcome.status, outcome.out) == (0, ssl.DER_cert_to_PEM_cert(DER) * 3)
    told = outcome.err.splitlines()
    assert len(told) == 2
    for sentence, name, wanted_id in zip(told, names, ("CD01", "CD02"), strict=True):
        assert left_out in sentence
        assert f"{name} (id {wanted_id})" in sentence


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--id", "cd01"], ["CD01"]), (["--id", "CD02", "--purpose", "signature"], ["CD02"])],
)
def test_pem_of_a_withheld_certificate_is_denied(
    daemon: FakeDaemon, sithsctl: Run, options: list[str], named: list[str]
) -> None:
    """Whoever asks for one certificate that they may not have is refused, not told of a fault in the program."""
    daemon.script["GetCertificates"] = [two_withheld()]
    outcome = sithsctl("certificates", "--pem", *options)
    assert (outcome.status, outcome.out) == (7, "")
    assert [one for one in ("AB01", "AB02", "AB03", "CD01", "CD02") if one in outcome.err] == named
    assert "You may not do this." in outcome.err


def test_pem_with_nothing_left_is_denied(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A pipe is not fed with nothing when all that fits was withheld; each is named still."""
    daemon.script["GetCertificates"] = [certificates_reply(*two_withheld()["certificates"][3:])]
    outcome = sithsctl("certificates", "--pem")
    assert (outcome.status, outcome.out) == (7, "")
    assert "CD01" in outcome.err
    assert "CD02" in outcome.err


def test_pem_of_an_id_that_two_share_is_denied_when_one_is_withheld(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A card may give two certificates one id; half of what --id asked for is no answer."""
    shared = certificate("signature", "personalIdentityNumber", id="AB02")
    daemon.script["GetCertificates"] = [certificates_reply(*three()["certificates"], shared)]
    outcome = sithsctl("certificates", "--pem", "--id", "AB02")
    assert (outcome.status, outcome.out) == (7, "")


def test_a_refusal_for_scripts_keeps_all_it_tells(daemon: FakeDaemon, sithsctl: Run) -> None:
    """The error object has code, triesLeft and retryable always, the rest where it is known, and goes to stdout."""
    parameters = {"statusWord": 0x6983, "reader": READER, "cardSerial": "01", "sequence": 9, "detail": "SW 6983"}
    daemon.script["GetCodes"] = [Refusal("reader.busy", parameters, retryable=True)]
    outcome = sithsctl("codes", "--json")
    assert outcome.json == {"error": {"code": "reader.busy", "retryable": True, "triesLeft": None, **parameters}}
    assert (outcome.status, outcome.err) == (9, "")


def test_a_refusal_for_people_goes_to_stderr(daemon: FakeDaemon, sithsctl: Run) -> None:
    """Stdout stays empty; the sentence says what to do, in the person's language."""
    daemon.script["GetCodes"] = [Refusal("reader.busy")]
    outcome = sithsctl("codes", lang="sv")
    assert outcome.out == ""
    assert outcome.err == "sithsctl: Ett annat program använder kortet. Vänta en stund och försök igen.\n"


def test_an_error_of_a_newer_daemon_keeps_its_name(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A code that this release does not know is told by name; the status is that of "refused"."""
    daemon.script["GetCodes"] = [Refusal("card.melted")]
    outcome = sithsctl("codes", "--json")
    assert (outcome.status, outcome.json["error"]["code"]) == (1, "card.melted")
    assert "Error: card.melted" in sithsctl("codes").err


def test_a_daemon_that_is_not_there_is_named(sithsctl: Run) -> None:
    """Without a socket the person is told how to start the daemon, and a script may retry."""
    outcome = sithsctl("status", "--runtime-dir", "/nowhere/at/all", "--json")
    assert outcome.status == 3
    assert outcome.json["error"]["code"] == "daemon.unavailable"
    assert outcome.json["error"]["retryable"] is True
    assert "systemctl start sithsd" in sithsctl("status", "--runtime-dir", "/nowhere/at/all").err


@pytest.mark.parametrize("answer", [Hangup(), {}, {"readers": 5}])
def test_a_daemon_that_answers_nonsense_is_named(daemon: FakeDaemon, sithsctl: Run, answer: Any) -> None:
    """A broken reply is an error by name, never a trace."""
    daemon.script["List"] = [answer]
    outcome = sithsctl("status")
    assert outcome.status in {3, 10}
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


def test_a_fault_has_a_name_a_status_and_a_trace(
    daemon: FakeDaemon, sithsctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the program itself is never taken for a card's refusal."""
    daemon.script["List"] = [listing()]
    monkeypatch.setattr("sithsd.cli.commands.look.read", lambda *_: 1 / 0)
    outcome = sithsctl("status")
    assert outcome.status == 10
    assert "ZeroDivisionError" in outcome.err
    assert "journalctl" in outcome.err
