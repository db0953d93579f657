"""The file for support: what is in it, and what is in it in no form."""

import base64
import json
import os
import platform
import pwd
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sithsd.cli import replies
from sithsd.cli.doctor import bundle as bundles
from sithsd.cli.doctor.bundle import bundle, write
from sithsd.cli.doctor.daemon_log import MOST_EVENTS, events, latest
from sithsd.cli.doctor.facts import Facts
from sithsd.cli.doctor.pseudonyms import Pseudonyms
from sithsd.cli.doctor.report import examine
from sithsd.cli.failure import CommandError
from tests.unit.cli.conftest import READER, SERIAL, card, certificate, listing, notice, reader
from tests.unit.cli.doctor_facts import answered, examined, facts, machine, seen, without_daemon

NUMBER = "191212121212"
PERSONAL = (
    *("Tolvan", "Tolvansson", "SE2321000016-SIM1", "9752269801234567897", "1212-1212", NUMBER, SERIAL),
    *("Region Exempel", "0A1B2C3D4E5F60718293A4B5C6D7E8F9", "SN-5C9A1234"),
)
UNMASKED = {
    "displayName": "Tolvan Tolvansson",
    "hsaId": "SE2321000016-SIM1",
    "personalIdentityNumber": NUMBER,
    "organization": "Region Exempel",
}
WITH_SERIAL = "ACME Twin Reader [CCID Interface] (SN-5C9A1234) 00 00"


def all_forms(word: str) -> set[str]:
    """Return a word as it may hide: plain, in hexadecimal, and in base64 wherever it begins."""
    raw = word.encode()
    shifted = {
        # Of the first and the last letter some bits are the neighbours'.
        base64.b64encode(b"\0" * shift + raw).decode()[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        for shift in range(3)
    }
    return {word, word.lower(), raw.hex(), raw.hex().upper(), *shifted}


def leaks(text: str) -> list[str]:
    """Return what of the holder and the reader is in a text, in whatever form."""
    return [word for word in PERSONAL for form in all_forms(word) if form in text]


def telling() -> Facts:
    """Return facts in which everything is told in full, also where this release never puts it."""
    held = card(holder=UNMASKED, notes=[f"of Tolvan Tolvansson {SERIAL}"])
    told = examined(name=WITH_SERIAL, refusal="reader.busy", holder=f"perhaps {SERIAL}.py (pid 1)")
    return replace(
        seen(reader(held, WITH_SERIAL, detail=f"Tolvan Tolvansson, {NUMBER}"), reader(None, "Other"), examined_as=told),
        listing=answered(
            listing(
                reader(held, WITH_SERIAL, detail=f"Tolvan Tolvansson, {NUMBER}"),
                reader(None, "Other"),
                notices=[notice(reader=WITH_SERIAL)],
            ),
            replies.ListReply,
        ),
    )


def made(found: Facts, *, identities: bool = False, log: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Return a bundle."""
    return bundle(found, examine(found), log, identities=identities)


def test_nobody_is_named() -> None:
    """Names, HSA-id, personal identity number, card number and serial numbers are in no form in it."""
    found = telling()
    text = json.dumps(made(found), ensure_ascii=False)
    assert leaks(text) == []
    assert leaks(json.dumps([check.facts for check in examine(found)])), "the facts of this test are to tell something"


def test_the_search_finds_what_is_there() -> None:
    """Each form of each word is found where it is, so that finding none means something."""
    for word in PERSONAL:
        for shift in range(3):
            assert leaks(base64.b64encode(b"x" * shift + word.encode() + b"yyyy").decode()), (word, shift)
        assert leaks(word.encode().hex())
        assert leaks(f"before {word} after")


def test_the_same_word_has_the_same_stand_in() -> None:
    """Support can tell that two facts are of one card or reader, and not of whose."""
    known = Pseudonyms()
    assert known.add("card", "0102030405") == known.add("card", "0102030405") == "card-1"
    assert known.add("card", "0102030406") == "card-2"
    assert known.reader(WITH_SERIAL) == "ACME Twin Reader [CCID Interface] (serial-1) 00 00"
    assert known.reader("ACME Twin Reader (OTHER) 01 00") == "ACME Twin Reader (serial-2) 01 00"
    assert known.reader(WITH_SERIAL) == "ACME Twin Reader [CCID Interface] (serial-1) 00 00"
    assert known.reader("ACME Twin Reader 00 00") == "ACME Twin Reader 00 00"


def test_whole_words_are_hidden_wherever_they_stand() -> None:
    """A user called "card" is hidden in programs and sentences; our own names stay what they are, and fields too."""
    known = Pseudonyms()
    known.add("user", "card")
    known.add("holder", "Åsa Öberg")
    told = {"card": ["card", "of Card.", "card.py", "cards", "ÅSA ÖBERG"], "name": "doctor.card", "n": 1, "null": None}
    assert known.hidden(told) == {
        "card": ["user-1", "of user-1.", "user-1.py", "cards", "holder-1"],
        "name": "doctor.card",
        "n": 1,
        "null": None,
    }


@pytest.mark.parametrize("word", ["", "  ", "ab", "root", None])
def test_words_of_nobody_are_left(word: str | None) -> None:
    """Words too short to be anybody's, and root, have no stand-in."""
    assert Pseudonyms().add("user", word) is None


def test_this_user_and_machine_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither user, full name, folder nor host name is in it, where a fact has them."""
    anna = pwd.struct_passwd(("aandersson", "x", 4711, 4711, "Anna Andersson,,,", "/srv/aandersson", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: anna)
    monkeypatch.setattr(platform, "node", lambda: "klinik-17.example.org")
    holder = "perhaps aandersson (pid 7)"
    found = replace(
        facts(machine=machine(uid=4711, pcscd=replace(facts().machine.pcscd, path="/srv/aandersson/pcscd.comm"))),
        cards=replace(facts().cards, path="/srv/aandersson/run/io.sithsd.Cards"),
        diagnosis=answered(
            {
                "serviceSocket": "/srv/aandersson/pcscd.comm",
                "settings": ["on klinik-17", "klinik-17.example.org"],
                "readers": [examined(refusal="reader.busy", holder=holder)],
            },
            replies.DiagnoseReply,
        ),
    )
    text = json.dumps(made(found))
    for word in ("aandersson", "Anna", "4711", "klinik", "example.org"):
        assert word not in text, word
    assert '"elsewhere"' in text


def test_what_is_in_it() -> None:
    """Releases, names of settings, every check with its facts, the card under a made-up name, and the log's events."""
    told = made(facts(), log=[{"event": "card.read", "level": "info"}])
    assert (told["format"], told["formatVersion"]) == (bundles.FORMAT, 1)
    assert told["contents"] == list(bundles.CONTENTS)
    assert told["createdAt"] == "2026-11-22T12:00:00+00:00"
    assert set(told["versions"]) == {"sithsctl", "sithsd", "python", "kernel", "machine", "distribution"}
    assert (told["versions"]["sithsd"], told["settings"]) == ("0.1.0", ["rights.group"])
    assert (told["possible"], told["next"]) == (True, None)
    assert [check["name"] for check in told["checks"]][:3] == ["doctor.daemon", "doctor.version", "doctor.pcscd"]
    assert told["checks"][3]["facts"]["uid"] == "other"
    assert told["card"]["card"] == "card-1"
    assert (told["card"]["kind"], told["card"]["atr"]) == ("ordinary", "3B7F9600008031806520")
    assert told["log"] == [{"event": "card.read", "level": "info"}]


def test_dates_are_told_to_the_day() -> None:
    """To the second, the dates of a certificate may be those of one person's alone."""
    (check,) = [check for check in made(facts())["checks"] if check["name"] == "doctor.certificates"]
    assert check["facts"]["notAfter"] == "2029-11-03"
    assert {one["notBefore"] for one in check["facts"]["certificates"]} == {"2024-11-04"}


def test_a_bundle_of_a_machine_where_nothing_runs() -> None:
    """There is one without a daemon, a reader or a journal, too."""
    told = made(without_daemon())
    assert (told["settings"], told["card"], told["log"]) == (None, None, None)
    assert told["next"] == {"check": "doctor.daemon", "finding": "absent"}


def test_identities_are_told_by_a_clear_word() -> None:
    """Asked for, the holder is named, serial numbers stand as they are, and the contents say so."""
    told = made(telling(), identities=True)
    assert told["contents"] == [*bundles.CONTENTS, "identities"]
    assert told["identities"] == {
        "cardSerial": SERIAL,
        "cardNumber": "9752269801234567897",
        "displayName": "Tolvan Tolvansson",
        "hsaId": "SE2321000016-SIM1",
        "organization": "Region Exempel",
    }
    assert WITH_SERIAL in json.dumps(told)
    assert NUMBER not in json.dumps({**told, "checks": [], "card": None}), "the personal identity number never is"


def test_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    """It is made anew with mode 0600, whatever the umask, and holds JSON."""
    path = tmp_path / "report.json"
    before = os.umask(0)
    try:
        write(path, {"å": 1})
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text("utf-8")) == {"å": 1}


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "folder", "no folder"])
def test_nothing_is_written_over(tmp_path: Path, kind: str) -> None:
    """A file, a link (also to nothing) and a folder stay as they are; the error is named."""
    path = tmp_path / "report.json"
    if kind == "file":
        path.write_text("mine")
    elif kind in {"link", "dangling"}:
        target = tmp_path / "target"
        if kind == "link":
            target.write_text("mine")
        path.symlink_to(target)
    elif kind == "folder":
        path.mkdir()
    else:
        path = tmp_path / "none" / "report.json"
    with pytest.raises(CommandError) as caught:
        write(path, {})
    assert (caught.value.parameters.code, caught.value.key) == ("request.invalid", "doctor-bundle-bad")
    assert not (tmp_path / "target").exists() or (tmp_path / "target").read_text() == "mine"
    assert kind != "file" or path.read_text() == "mine"


def test_a_disk_that_is_full_leaves_no_half_file() -> None:
    """What could not be written whole is an error; /dev/full is such a disk."""
    with pytest.raises(CommandError):
        write(Path("/dev/full"), {})


def line(**message: Any) -> str:
    """Return a line of the journal."""
    return json.dumps({"MESSAGE": json.dumps(message), "_HOSTNAME": "klinik-17", "_CMDLINE": "sithsd"})


def test_the_log_is_told_by_names_alone() -> None:
    """Moment, level, event and error code; no sentence, reader, serial number or host."""
    entry = {"timestamp": "2026-11-22T12:00:00.123456Z", "level": "warning", "event": "card.notRead"}
    told = events(
        [
            line(**entry, code="card.unreadable", detail="of Tolvan", reader=READER, serial=SERIAL, uid=4711),
            line(level="info", event="a reader's thread is left behind", reader=READER),
            line(level="info", event="ready", code=f"serial {SERIAL}", timestamp="yesterday"),
            line(level="LOUD", event="card.read"),
        ]
    )
    assert told == [
        {"at": entry["timestamp"], "level": "warning", "event": "card.notRead", "code": "card.unreadable"},
        {"level": "info", "event": "ready"},
        {"event": "card.read"},
    ]


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "null", '{"MESSAGE": [1]}', '{"MESSAGE": "plain"}', '{"MESSAGE": "[]"}', "[" * 100000]
)
def test_lines_that_are_none(text: str) -> None:
    """Whatever else the journal has is passed over."""
    assert events([text]) == []


def test_the_log_is_bounded() -> None:
    """The latest events are kept, and no more of them than fit a report."""
    told = events(line(event=f"event{number}") for number in range(MOST_EVENTS + 5))
    assert (len(told), told[0]["event"]) == (MOST_EVENTS, "event5")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ([sys.executable, "-c", f"print({line(event='ready')!r})"], [{"event": "ready"}]),
        ([sys.executable, "-c", "import sys; print('{}'); sys.exit(1)"], None),
        (["/nonexistent/journalctl"], None),
        ([sys.executable, "-c", "print('x' * (5 << 20))"], None),
    ],
    ids=["readable", "refused", "not there", "endless"],
)
def test_a_journal_that_may_be_read_and_others(command: list[str], told: list[dict[str, str]] | None) -> None:
    """None is told for a journal that is not there, may not be read, or says too much."""
    assert latest(command) == told


def test_certificates_have_stand_ins_too() -> None:
    """Serial number and fingerprint of a certificate would name its holder in the issuer's register."""
    held = card(certificates=[certificate("authentication", "hsaId")], notes=["AB" * 32])
    assert "AB" * 32 not in json.dumps(made(facts(held)))
