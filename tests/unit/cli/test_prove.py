"""authenticate and sign: what is asked for, what a person sees before it, and what is never taken or overwritten."""

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sithsd.values import SignatureAlgorithm
from tests.unit.cli.conftest import (
    READER,
    SERIAL,
    Desk,
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
from tests.unit.client.signer import HSA_ID, Signer, signer

Run = Callable[..., Outcome]
Lines = Callable[..., str]
Start = Callable[..., Desk]
CANARY = "739146"
P256 = SignatureAlgorithm.ECDSA_SHA256
PLACE = {"reader": READER, "cardSerial": SERIAL}


@pytest.fixture(scope="session")
def mine(forge: Any) -> Signer:
    """Return the signer with the HSA-id."""
    return signer(forge)


@pytest.fixture(scope="session")
def personal(forge: Any) -> Signer:
    """Return the signer with the personal identity number."""
    return signer(forge, "191212121212", identity="personalIdentityNumber")


def honest(one: Signer, **more: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what answers calls of Authenticate and Sign as the daemon does."""

    def answer(call: dict[str, Any]) -> dict[str, Any]:
        if "challenge" in call:
            return one.proof(base64.b64decode(call["challenge"]), P256, **PLACE, **more)
        return one.signed(base64.b64decode(call["digest"]), P256, **PLACE, **more)

    return answer


@pytest.fixture
def inserted(daemon: FakeDaemon, mine: Signer, personal: Signer) -> FakeDaemon:
    """Script a card with both identities, that signs with the one that is asked for."""

    def answer(call: dict[str, Any]) -> dict[str, Any]:
        purpose = "authentication" if "challenge" in call else "signature"
        named = {one.certificate(purpose)["fingerprint"]: one for one in (mine, personal)}
        return honest(named.get(call["certificate"], mine))(call)

    shown = [one.certificate(purpose) for purpose in ("authentication", "signature") for one in (mine, personal)]
    daemon.script |= {
        "List": [listing(reader(card()))],
        "GetCodes": [codes_reply(code("authentication"), code("signature"), code("puk", 10))],
        "GetValidity": [certificates_reply(*shown)],
        "Authenticate": [answer],
        "Sign": [answer],
    }
    return daemon


def test_a_script_authenticates_with_one_call(inserted: FakeDaemon, sithsctl: Run, lines: Lines) -> None:
    """The call has a nonce of the program's own and what was said; the reply is printed as it came."""
    said = ("--identity", "hsaId", "--reader", READER, "--card-serial", SERIAL, "--expected-tries", "3")
    outcome = sithsctl("authenticate", *said, "--code-fd", lines(CANARY), "--json")
    assert (outcome.status, outcome.err) == (0, "")
    (call,) = inserted.calls("Authenticate")
    challenge = call.pop("challenge")
    assert len(base64.b64decode(challenge)) == 32
    assert call == {"identity": "hsaId", "code": CANARY, **PLACE, "expectedTries": 3}
    assert (outcome.json["challenge"], outcome.json["identityValue"]) == (challenge, HSA_ID)
    assert len(inserted.requests) == 1


def test_what_is_signed_comes_from_a_file(inserted: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path) -> None:
    """--challenge-file gives the bytes, and --out gets the signature, as bytes."""
    (tmp_path / "challenge").write_bytes(b"sixteen bytes or more")
    said = ("--challenge-file", str(tmp_path / "challenge"), "--out", str(tmp_path / "out"), "--algorithm", str(P256))
    outcome = sithsctl("authenticate", *said, "--description", "log in", "--code-fd", lines(CANARY), "--json")
    (call,) = inserted.calls("Authenticate")
    assert base64.b64decode(call["challenge"]) == b"sixteen bytes or more"
    assert (call["description"], call["algorithm"]) == ("log in", P256)
    assert (tmp_path / "out").read_bytes() == base64.b64decode(outcome.json["signature"])


@pytest.mark.parametrize("size", [0, 15, 32769])
def test_a_challenge_of_another_size_reaches_nobody(
    daemon: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path, size: int
) -> None:
    """Too few bytes could be guessed or repeated, too many don't fit: no PIN is read for them."""
    (tmp_path / "challenge").write_bytes(bytes(size))
    outcome = sithsctl("authenticate", "--challenge-file", str(tmp_path / "challenge"), "--code-fd", lines(CANARY))
    assert outcome.status == 2
    assert "16 to 32768 bytes" in " ".join(outcome.err.split())
    assert daemon.requests == []


@pytest.mark.parametrize("command", ["authenticate", "sign"])
def test_a_lie_is_neither_shown_nor_written(  # noqa: PLR0913, PLR0917 - two signers, one daemon, one program
    inserted: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path, mine: Signer, personal: Signer, command: str
) -> None:
    """A signature that is not that certificate's, or of something else: signature.invalid, status 1, no file."""
    (tmp_path / "letter").write_bytes(b"a letter")
    what = ("--digest", "ab" * 32, "--description", "x") if command == "sign" else ("--identity", "hsaId")
    purpose = "authentication" if command == "authenticate" else "signature"
    old = mine.signed(bytes(32), P256, **PLACE) if command == "sign" else mine.proof(b"yesterday", P256, **PLACE)
    for lie in (old, honest(personal, certificate=mine.certificate(purpose))):
        inserted.script[command.capitalize()] = [lie]
        out = ("--out", str(tmp_path / "out"), "--code-fd", lines(CANARY), "--json")
        outcome = sithsctl(command, *what, *out)
        assert (outcome.status, outcome.json["error"]["code"]) == (1, "signature.invalid")
        assert list(outcome.json) == ["error"]
        assert not (tmp_path / "out").exists()


STRANGER = {"status": "unknown", "reasons": ["chain.issuerUnknown", "revocation.notChecked"]}
BAD = {"status": "bad", "reasons": ["date.expired"]}


@pytest.mark.parametrize(
    ("verdict", "said", "status"),
    [
        (STRANGER, [], 7),
        (STRANGER, ["--require", "notBad"], 0),
        (STRANGER, ["--require", "good"], 7),
        (STRANGER, ["--accept-bad"], 0),
        (BAD, ["--require", "notBad"], 7),
        (BAD, ["--accept-bad"], 0),
    ],
)
def test_a_script_lets_no_stranger_in_by_default(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon, sithsctl: Run, lines: Lines, mine: Signer, verdict: dict[str, Any], said: list[str], status: int
) -> None:
    """Exit status 0 means a certificate that is known to be in order, unless less is asked for in so many words."""
    told = mine.certificate("authentication", verdict=verdict)
    daemon.script["Authenticate"] = [honest(mine, certificate=told)]
    outcome = sithsctl("authenticate", *said, "--code-fd", lines(CANARY), "--json")
    assert outcome.status == status
    if status:
        error = outcome.json["error"]
        assert (error["code"], error["rules"]) == ("certificate.bad", verdict["reasons"])
    assert daemon.calls("Authenticate")[0].get("acceptBad") == (True if "--accept-bad" in said else None)


UNCHECKED = {"status": "unknown", "reasons": ["revocation.notChecked"]}
UNREACHABLE = {"status": "unknown", "reasons": ["revocation.unreachable", "revocation.notChecked"]}
ANYHOW = ("--require", "goodOrRevocationUnchecked")


@pytest.mark.parametrize("verdict", [UNCHECKED, UNREACHABLE])
@pytest.mark.parametrize(
    ("command", "said", "status"),
    [
        ("authenticate", (), 7),
        ("authenticate", ANYHOW, 0),
        ("sign", (), 0),
        ("sign", ("--require", "good"), 7),
    ],
)
def test_a_log_in_requires_more_than_a_signature(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon,
    sithsctl: Run,
    lines: Lines,
    mine: Signer,
    verdict: dict[str, Any],
    command: str,
    said: tuple[str, ...],
    status: int,
) -> None:
    """Where nobody was asked about revocation, or nobody answered, one signs by default but does not log in."""
    purpose = "authentication" if command == "authenticate" else "signature"
    daemon.script[command.capitalize()] = [honest(mine, certificate=mine.certificate(purpose, verdict=verdict))]
    what = () if command == "authenticate" else ("--digest", "ab" * 32, "--description", "x")
    outcome = sithsctl(command, *what, *said, "--code-fd", lines(CANARY), "--json")
    assert outcome.status == status
    if status:
        error = outcome.json["error"]
        assert (error["code"], error["rules"]) == ("certificate.bad", verdict["reasons"])


@pytest.mark.parametrize(
    ("verdict", "lang", "words"),
    [
        (UNCHECKED, "en", "sudo systemctl start sithsd-fetch.socket"),
        (UNCHECKED, "sv", "Ingen har tillfrågats"),
        (UNREACHABLE, "en", "Connect the computer to the network"),
        (UNREACHABLE, "sv", "Anslut datorn till nätet"),
    ],
)
def test_a_person_is_told_what_to_do_where_only_an_answer_is_lacking(  # noqa: PLR0913, PLR0917 - two languages
    inserted: FakeDaemon, desk: Start, mine: Signer, verdict: dict[str, Any], lang: str, words: str
) -> None:
    """At a terminal that comes before a PIN is asked for, with the word that lets it pass all the same."""
    told = mine.certificate("authentication", verdict=verdict)
    inserted.script |= {"GetValidity": [certificates_reply(told)], "Authenticate": [honest(mine, certificate=told)]}
    session = desk("authenticate", lang=lang, columns=400)
    assert session.end() == 7
    assert words in session.seen
    assert "--require goodOrRevocationUnchecked" in session.seen
    assert "(6-8" not in session.seen
    assert inserted.calls("Authenticate") == []
    session = desk("authenticate", *ANYHOW, lang=lang, columns=400)
    session.answer("(6-8", CANARY)
    assert session.end() == 0


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "Its issuer's certificate is not known here."), ("sv", "Utfärdarens certifikat")]
)
def test_a_person_is_told_why_it_is_not_good_enough(  # noqa: PLR0913, PLR0917 - two languages
    daemon: FakeDaemon, sithsctl: Run, lines: Lines, mine: Signer, lang: str, words: str
) -> None:
    """The reasons stand under the refusal, which does not say that the card was not used: it was."""
    told = mine.certificate("authentication", verdict=STRANGER)
    daemon.script["Authenticate"] = [honest(mine, certificate=told)]
    outcome = sithsctl("authenticate", "--code-fd", lines(CANARY), lang=lang, columns=200)
    said = " ".join(outcome.err.split())
    assert words in said
    assert "--require" in said
    assert "was not used" not in said


def test_several_certificates_are_a_scripts_choices(daemon: FakeDaemon, sithsctl: Run, lines: Lines) -> None:
    """The error has the choices of the daemon; a person gets them in a line each."""
    choice = {"fingerprint": "cd" * 32, "identity": "hsaId", "subject": "CN=Tolvan", "notAfter": "2029-11-03T12:00:00Z"}
    daemon.script["Authenticate"] = [Refusal("certificate.ambiguous", {"choices": [choice]})]
    outcome = sithsctl("authenticate", "--code-fd", lines(CANARY), "--json")
    assert (outcome.status, outcome.json["error"]["choices"]) == (4, [choice])
    assert "cd" * 32 in sithsctl("authenticate", "--code-fd", lines(CANARY), columns=200).err


def test_a_file_is_hashed_and_signed(inserted: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path) -> None:
    """The hash is the file's, the description its name; the signature is a new file beside it."""
    letter = tmp_path / "brev\u202etill.txt"
    letter.write_bytes(b"x" * 3_000_000)
    outcome = sithsctl("sign", str(letter), "--code-fd", lines(CANARY), lang="sv")
    assert outcome.status == 0
    (call,) = inserted.calls("Sign")
    assert base64.b64decode(call["digest"]) == hashlib.sha256(b"x" * 3_000_000).digest()
    assert call["description"] == "brev\ufffdtill.txt"
    assert Path(f"{letter}.sig").exists()
    assert outcome.out.startswith("Underskrivet, med rätt underskriftskod. 3 försök är kvar.\n")
    assert HSA_ID in outcome.out


def test_a_hash_from_elsewhere_is_signed(inserted: FakeDaemon, sithsctl: Run, lines: Lines) -> None:
    """--digest takes what openssl prints; with --json no file is needed."""
    digest = hashlib.sha256(b"a letter").digest()
    said = ("--digest", digest.hex(":").upper(), "--description", "A letter", "--json")
    outcome = sithsctl("sign", *said, "--code-fd", lines(CANARY))
    assert outcome.status == 0
    (call,) = inserted.calls("Sign")
    assert (base64.b64decode(call["digest"]), call["description"]) == (digest, "A letter")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([], "one of them"),
        (["LETTER", "--digest", "ab" * 32], "one of them"),
        (["--digest", "ab" * 32], "--description is needed"),
        (["--digest", "ab" * 32, "--description", "x"], "an --out"),
        (["--digest", "ab" * 31], "The value of --digest does not fit."),
        (["--digest", "xy" * 32], "The value of --digest does not fit."),
        (["LETTER", "--certificate", "abc"], "The value of --certificate does not fit."),
        (["LETTER", "--description", "x" * 201], "The value of --description does not fit."),
        (["LETTER", "--description", "a\nb"], "The value of --description does not fit."),
        (["LETTER", "--require", "nothing"], "must be one of"),
        (["LETTER", "--identity", "none"], "must be one of"),
        (["FOLDER"], "no ordinary file"),
        (["PIPE"], "no ordinary file"),
        (["NOTHING"], "can't be read"),
        (["LETTER", "--out", "LETTER"], "is there already"),
        (["LETTER", "--out", "NOWHERE"], "can't be written"),
        (["LETTER", "--pin-pad"], "not both"),
    ],
)
def test_what_is_wrong_with_a_command_costs_no_pin(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path, said: list[str], words: str
) -> None:
    """Each is status 2 with its sentence, before anybody is asked for anything; no file is made or changed."""
    (tmp_path / "letter").write_bytes(b"a letter")
    os.mkfifo(tmp_path / "pipe")
    places = {
        "LETTER": tmp_path / "letter",
        "FOLDER": tmp_path,
        "PIPE": tmp_path / "pipe",
        "NOTHING": tmp_path / "nothing",
        "NOWHERE": tmp_path / "no" / "where",
    }
    outcome = sithsctl("sign", *[str(places.get(word, word)) for word in said], "--code-fd", lines(CANARY))
    assert outcome.status == 2
    assert words in " ".join(outcome.err.split())
    assert daemon.requests == []
    assert (tmp_path / "letter").read_bytes() == b"a letter"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter", "pipe"]


def test_a_file_is_overwritten_only_when_said(
    inserted: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path
) -> None:
    """--force replaces the whole of an older file, also one that is longer."""
    out = tmp_path / "out"
    out.write_bytes(b"x" * 10_000)
    said = ("authenticate", "--out", str(out), "--code-fd")
    assert sithsctl(*said, lines(CANARY)).status == 2
    assert out.read_bytes() == b"x" * 10_000
    outcome = sithsctl(*said, lines(CANARY), "--force", "--json")
    assert out.read_bytes() == base64.b64decode(outcome.json["signature"])
    assert len(inserted.requests) == 1


@pytest.mark.parametrize("answer", [Refusal("pin.wrong"), Refusal("internal"), Hangup(), {"nonsense": 1}])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_code_is_never_shown(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon, sithsctl: Run, lines: Lines, tmp_path: Path, answer: object, form: list[str]
) -> None:
    """Whatever the daemon answers, no code appears in what is printed, and there is an exit status for it."""
    daemon.script["Authenticate"] = daemon.script["Sign"] = [answer]
    out = str(tmp_path / "out")
    for command in (("authenticate",), ("sign", "--digest", "ab" * 32, "--description", "x", "--out", out)):
        outcome = sithsctl(*command, "--code-fd", lines(CANARY), *form)
        assert outcome.status != 0
        assert CANARY not in outcome.out + outcome.err
    assert daemon.calls("Authenticate")[0]["code"] == CANARY


def test_a_daemon_lost_in_the_middle_may_have_used_a_try(daemon: FakeDaemon, sithsctl: Run, lines: Lines) -> None:
    """Not retryable, and the person is told."""
    daemon.script["Authenticate"] = [Hangup()]
    outcome = sithsctl("authenticate", "--code-fd", lines(CANARY), "--json")
    assert (outcome.status, outcome.json["error"]["retryable"]) == (3, False)
    assert "a try may have been used" in " ".join(sithsctl("authenticate", "--code-fd", lines(CANARY)).err.split())


# At a terminal.


def test_a_person_sees_all_and_chooses_by_number(
    inserted: FakeDaemon, desk: Start, tmp_path: Path, mine: Signer, personal: Signer
) -> None:
    """File, size, hash, card and certificate come before the PIN; the call names that very card and certificate."""
    shown = [one.certificate("signature", verdict=UNCHECKED) for one in (mine, personal)]
    inserted.script["GetValidity"] = [certificates_reply(*shown)]
    inserted.script["Sign"] = [honest(personal, certificate=shown[1])]
    letter = tmp_path / "letter.txt"
    letter.write_bytes(b"a letter")
    session = desk("sign", str(letter), "--description", "My letter", columns=200)
    session.answer("Which one?", "3")
    session.answer("There is no such number.\nWhich one?", "2")
    session.wait_for("Signature PIN (6-8 digits, not shown):")
    assert not session.echoes
    for text in (
        "letter.txt, 8 bytes",
        hashlib.sha256(b"a letter").hexdigest(),
        "What for: My letter",
        "Tolvan Tolvansson",
        "Certificate: Signature, Personal id no.",
        "Unknown. Revocation has not been checked yet.",
        "Signature PIN: 3 tries left",
    ):
        assert text in session.seen
    session.answer("not shown):", CANARY)
    assert session.end() == 0
    assert CANARY.encode() not in session.raw
    fingerprint = personal.certificate("signature")["fingerprint"]
    (call,) = inserted.calls("Sign")
    assert (call["certificate"], call["reader"], call["cardSerial"]) == (fingerprint, READER, SERIAL)
    assert (call["expectedTries"], call["description"]) == (3, "My letter")
    # The last four digits are not for every eye.
    assert "Personal id no. 19121212-****" in session.seen
    assert "191212121212" not in session.seen.split("Signed, with")[1]


@pytest.mark.parametrize(("lang", "prompt"), [("en", "Which one?"), ("sv", "Vilket?")])
def test_who_does_not_choose_sends_nothing(inserted: FakeDaemon, desk: Start, lang: str, prompt: str) -> None:
    """Enter ends it, and says that nothing was sent."""
    session = desk("authenticate", lang=lang)
    session.answer(prompt, "")
    assert session.end() == 130
    assert inserted.calls("Authenticate") == []


def test_one_certificate_is_not_asked_about(inserted: FakeDaemon, desk: Start, mine: Signer) -> None:
    """What the options leave is used, by its fingerprint."""
    session = desk("authenticate", "--identity", "hsaId", columns=120)
    session.answer("Authentication PIN (6-8 digits, not shown):", CANARY)
    assert session.end() == 0
    assert "Which one?" not in session.seen
    assert "Proven." in session.seen
    fingerprint = mine.certificate("authentication")["fingerprint"]
    assert inserted.calls("Authenticate")[0]["certificate"] == fingerprint


@pytest.mark.parametrize(
    ("certificates", "status", "words"),
    [
        ([], 4, "No certificate on the card fits."),
        (["transport"], 4, "No certificate on the card fits."),
        (["bad"], 7, "It has expired."),
        (["stranger"], 7, "Its issuer's certificate is not known here."),
    ],
)
def test_no_pin_is_asked_for_in_vain(  # noqa: PLR0913, PLR0917 - a table
    inserted: FakeDaemon, desk: Start, mine: Signer, certificates: list[str], status: int, words: str
) -> None:
    """Where no certificate fits, or none is good enough, the person is told before a PIN is typed."""
    kinds = {"transport": {"transport": True}, "bad": {"verdict": BAD}, "stranger": {"verdict": STRANGER}}
    found = [mine.certificate("authentication", **kinds[name]) for name in certificates]
    inserted.script["GetValidity"] = [certificates_reply(*found)]
    session = desk("authenticate", columns=120)
    assert session.end() == status
    assert words in session.seen
    assert "not shown" not in session.seen
    assert inserted.calls("Authenticate") == []


def test_a_bad_one_is_taken_when_that_is_said(inserted: FakeDaemon, desk: Start, mine: Signer) -> None:
    """--accept-bad shows the verdict all the same."""
    told = mine.certificate("authentication", verdict=BAD)
    inserted.script |= {"GetValidity": [certificates_reply(told)], "Authenticate": [honest(mine, certificate=told)]}
    session = desk("authenticate", "--accept-bad", columns=120)
    session.answer("not shown):", CANARY)
    assert session.end() == 0
    assert session.seen.count("Bad. It has expired.") == 2
    assert inserted.calls("Authenticate")[0]["acceptBad"] is True


def test_what_changed_meanwhile_is_asked_anew(inserted: FakeDaemon, desk: Start, mine: Signer) -> None:
    """A try used elsewhere throws the PIN away; the person sees the new state and is asked again."""
    refusal = Refusal("pin.triesChanged", {"triesLeft": 2, "role": "authentication"})
    inserted.script["Authenticate"] = [refusal, honest(mine)]
    inserted.script["GetCodes"] = [codes_reply(code("authentication")), codes_reply(code("authentication", 2))]
    session = desk("authenticate", "--identity", "hsaId", columns=120)
    session.answer("not shown):", CANARY)
    session.wait_for("Authentication PIN: 2 tries left")
    session.wait_for("not shown):", times=2)
    session.press(b"112233\n")
    assert session.end() == 0
    assert [call["expectedTries"] for call in inserted.calls("Authenticate")] == [3, 2]


def test_the_last_try_needs_a_word(inserted: FakeDaemon, desk: Start) -> None:
    """At the last try nothing is asked for or sent without it; a blocked PIN is not asked for at all."""
    inserted.script["GetCodes"] = [codes_reply(code("authentication", 1))]
    session = desk("authenticate", "--identity", "hsaId", columns=120)
    session.answer("Type the word try to go on", "no")
    assert session.end() == 7
    inserted.script["GetCodes"] = [codes_reply(code("authentication", 0))]
    session = desk("authenticate", "--identity", "hsaId", columns=120)
    assert session.end() == 6
    assert inserted.calls("Authenticate") == []


def test_a_pin_is_pressed_at_the_pad(inserted: FakeDaemon, desk: Start) -> None:
    """With --pin-pad the person is sent to the reader, and the call has no code."""
    session = desk("authenticate", "--identity", "hsaId", "--pin-pad", columns=120)
    session.wait_for("Enter the authentication PIN at the reader's PIN pad now.")
    assert session.end() == 0
    (call,) = inserted.calls("Authenticate")
    assert call["pinPad"] is True
    assert "code" not in call


def test_another_card_meanwhile_is_shown_anew(inserted: FakeDaemon, desk: Start) -> None:
    """Certificates of another card than the one that was shown are not offered."""
    inserted.script["GetValidity"] = [{**certificates_reply(), "cardSerial": "99"}]
    session = desk("authenticate", columns=120)
    assert session.end() == 9
    assert inserted.calls("Authenticate") == []


@pytest.mark.parametrize(("said", "status"), [(["--card-serial", "99"], 9), (["--expected-tries", "2"], 7)])
def test_what_the_command_line_names_counts_at_a_terminal_too(
    inserted: FakeDaemon, desk: Start, said: list[str], status: int
) -> None:
    """Another card, or another number of tries, than the one that was named: no PIN is asked for."""
    session = desk("authenticate", "--identity", "hsaId", *said, columns=120)
    assert session.end() == status
    assert "not shown" not in session.seen
    assert inserted.calls("Authenticate") == []
