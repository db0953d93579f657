"""The audit's commands: a verdict in both languages, rows for people and for scripts, and no daemon."""

import csv
import io
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sithsd.audit.log import AuditLog
from sithsd.audit.model import Event, Operation, Row
from sithsd.clock import FixedClock
from tests.unit.cli.conftest import FakeDaemon, Outcome

Run = Callable[..., Outcome]
NOW = datetime(2028, 1, 1, 12, tzinfo=UTC)
SERIAL = "9752269801234567897"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the audit is without --file."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    return tmp_path / "audit.sqlite"


@pytest.fixture
def written(path: Path) -> list[Row]:
    """Write an audit of four rows, an hour apart, and return them."""
    clock = FixedClock(NOW)
    audit = AuditLog.open(path, clock)
    found = []
    for hour, (operation, result, after) in enumerate(
        [
            (Operation("verify", 1000, 4711, "=klient", "Reader 1", SERIAL, "authentication", 3), "pin.wrong", 2),
            (Operation("activate", 0, 12, "sithsctl", "Reader 1", "77", None, 3, {"receipt": "2027-12-31"}), "done", 3),
            (
                Operation(Event.TRIES_LOST_ELSEWHERE.value, reader="Reader 1", card_serial=SERIAL, role="puk"),
                "unknown",
                9,
            ),
        ]
    ):
        clock.set(NOW + timedelta(hours=hour))
        row = audit.finish(audit.begin(operation), result, tries_after=after)
        assert row is not None
        found.append(row)
    clock.set(NOW + timedelta(hours=3))
    found.append(audit.note(Operation("change", program="\x1b[2J", role="signature"), "newer.result"))
    audit.close()
    return found


def change(path: Path, *statements: str) -> None:
    """Change the file behind the triggers' back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for statement in (
            *(f"DROP TRIGGER {name}" for name, _ in triggers),
            *statements,
            *(sql for _, sql in triggers),
        ):
            connection.execute(statement)


@pytest.mark.parametrize(
    ("lang", "sentences"),
    [
        ("en", ["The audit is in order: 4 rows, number 1 to 4.", "Hash of the last row:"]),
        ("sv", ["Granskningsloggen är i ordning: 4 rader, nummer 1 till 4.", "Sista radens hash:"]),
    ],
)
def test_an_audit_in_order_is_said_to_be(
    sithsctl: Run, daemon: FakeDaemon, written: list[Row], lang: str, sentences: list[str]
) -> None:
    """Status 0, the numbers, and the last hash to be noted elsewhere; the daemon is not asked."""
    outcome = sithsctl("audit", "verify", lang=lang)
    assert (outcome.status, outcome.err) == (0, "")
    assert all(sentence in outcome.out for sentence in sentences)
    assert written[-1].hash in outcome.out
    assert daemon.requests == []


@pytest.mark.parametrize(
    ("statement", "finding", "number", "sentences"),
    [
        (
            *("UPDATE rows SET result = 'done' WHERE number = 1", "changed", 1),
            {"en": "Row 1 of the audit has been changed.", "sv": "Rad 1 i granskningsloggen har ändrats."},
        ),
        (
            *("DELETE FROM rows WHERE number = 3", "missing", 3),
            {"en": "Row 3 of the audit is missing.", "sv": "Rad 3 i granskningsloggen saknas."},
        ),
        (
            *("UPDATE head SET number = 3", "added", 4),
            {"en": "Row 4 of the audit was not written by", "sv": "Rad 4 i granskningsloggen är inte skriven av"},
        ),
        (
            *("DELETE FROM head", "changed", None),
            {"en": "beside its rows has been changed", "sv": "vid sidan av raderna har ändrats"},
        ),
        (
            *("DROP TABLE head", "fileForeign", None),
            {"en": "The file is no audit", "sv": "Filen är ingen granskningslogg"},
        ),
    ],
)
@pytest.mark.parametrize("lang", ["en", "sv"])
def test_what_is_wrong_is_said_first(  # noqa: PLR0913, PLR0917 - pytest gives each by its name
    sithsctl: Run,
    written: list[Row],
    path: Path,
    lang: str,
    statement: str,
    finding: str,
    number: int | None,
    sentences: dict[str, str],
) -> None:
    """Status 1, the first bad row by its number, for people on stderr in their language and for scripts in JSON."""
    assert written
    change(path, statement)
    outcome = sithsctl("audit", "verify", lang=lang)
    assert (outcome.status, outcome.out) == (1, "")
    assert sentences[lang] in " ".join(outcome.err.splitlines()[0:2])
    told = sithsctl("audit", "verify", "--json")
    assert told.status == 1
    assert (told.json["ok"], told.json["finding"], told.json["number"]) == (False, finding, number)


def test_a_verdict_for_scripts(sithsctl: Run, written: list[Row]) -> None:
    """All that is known of a file in order."""
    assert sithsctl("audit", "verify", "--json").json == {
        "ok": True,
        "finding": "whole",
        "number": None,
        "detail": "",
        "rows": 4,
        "first": 1,
        "last": 4,
        "head": written[-1].hash,
        "removedTo": 0,
        "pending": 0,
    }


def test_a_hash_from_elsewhere_has_to_be_there(sithsctl: Run, written: list[Row]) -> None:
    """--hash with one of the journal's is the check that a rewritten file does not pass."""
    assert sithsctl("audit", "verify", "--hash", written[1].hash.upper()).status == 0
    outcome = sithsctl("audit", "verify", "--hash", "a" * 64)
    assert outcome.status == 1
    assert "No row of the audit has that hash" in outcome.err
    assert sithsctl("audit", "verify", "--hash", "nonsense").status == 2


def test_an_audit_without_rows_and_with_what_has_begun(sithsctl: Run, path: Path) -> None:
    """An empty audit is in order; what has begun and removals by policy are told."""
    clock = FixedClock(NOW)
    audit = AuditLog.open(path, clock)
    assert "in order; it has no rows yet" in sithsctl("audit", "verify").out
    audit.note(Operation("verify"), "done")
    audit.close()
    clock.set(NOW + timedelta(days=3))
    audit = AuditLog.open(path, clock, 1)
    audit.begin(Operation("verify"))
    told = sithsctl("audit", "verify").out
    assert "The audit is in order: one row, number 2." in told
    assert "The rows up to number 1 have been removed" in told
    assert "One operation has begun and has no row yet." in told
    audit.close()


@pytest.mark.parametrize(
    "command", [["verify"], ["show"], ["export"], ["show", "--json"], ["export", "--format", "jsonl"]]
)
def test_a_file_that_is_no_audit_is_told(sithsctl: Run, tmp_path: Path, command: list[str]) -> None:
    """No file, or one of something else: a sentence and a status that is no success."""
    text = tmp_path / "text"
    text.write_text("no database " * 1000)
    for file, sentence in ((tmp_path / "none", "There is no audit there."), (text, "can't be read")):
        outcome = sithsctl("audit", *command, "--file", str(file))
        assert outcome.status == (1 if command == ["verify"] else 3)
        if "--json" in command:
            assert outcome.json["error"]["code"] == "audit.unavailable"
        else:
            assert sentence in " ".join(outcome.err.split())


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            ["Verify, Authentication PIN", "wrong PIN", "Activate", "done", "Tries lost elsewhere, PUK", "not known"],
        ),
        ("sv", ["Prövning", "fel kod", "Aktivering", "klart", "Försök förbrukade av andra", "okänt"]),
    ],
)
def test_rows_for_people(sithsctl: Run, written: list[Row], lang: str, words: list[str], columns: int) -> None:
    """What, when, with what result, which card, who: in two lines or in a table, and harmless for a terminal."""
    assert written
    outcome = sithsctl("audit", "show", lang=lang, columns=columns)
    assert outcome.status == 0
    whole = " ".join(outcome.out.split())
    for text in (*words, "2028-01-01 12:00:00", "3 > 2", "? > 9", SERIAL, "Reader 1", "=klient (uid 1000, pid 4711)"):
        assert text in whole
    assert "newer.result" in whole
    assert "\x1b" not in outcome.out
    assert all(len(line) <= columns for line in outcome.out.splitlines())


@pytest.mark.parametrize("columns", [60, 200])
def test_what_was_signed_is_shown(sithsctl: Run, path: Path, columns: int) -> None:
    """A signature's row says what the person was told, harmless for a terminal."""
    audit = AuditLog.open(path, FixedClock(NOW))
    for more in ({"description": "Journal 7", "digest": "00"}, {"description": "\x1b[2Jgone"}, {"description": 7}):
        audit.note(Operation("sign", role="signature", more=more), "done")
    audit.close()
    shown = sithsctl("audit", "show", columns=columns).out
    assert "Sign, Signature PIN “Journal 7”" in " ".join(shown.split())
    assert "gone" in shown
    assert "\x1b[2J" not in shown


def test_rows_for_scripts_may_be_chosen(sithsctl: Run, written: list[Row]) -> None:
    """By time, card and number; a moment without an offset is local."""

    def numbers(*arguments: str) -> list[int]:
        return [row["number"] for row in sithsctl("audit", "show", "--json", *arguments).json["rows"]]

    assert sithsctl("audit", "show", "--json").json == {"rows": [row.as_json() for row in written]}
    assert numbers("--card", SERIAL) == [1, 3]
    assert numbers("--last", "2") == [3, 4]
    assert numbers("--since", "2028-01-01T13:00") == [2, 3, 4]
    assert numbers("--since", "2028-01-01T13:30+01:00", "--until", "2028-01-01T14:00Z") == [2]
    assert numbers("--until", "2028-01-01") == []
    assert sithsctl("audit", "show", "--until", "2028-01-01").out == "No rows.\n"
    assert sithsctl("audit", "show", "--since", "yesterday").status == 2
    assert sithsctl("audit", "show", "--last", "0").status == 2


def test_export_as_json_lines(sithsctl: Run, written: list[Row]) -> None:
    """An object a line, each the whole row."""
    for form in (["--format", "jsonl"], ["--json"]):
        outcome = sithsctl("audit", "export", *form)
        assert [json.loads(line) for line in outcome.out.splitlines()] == [row.as_json() for row in written]


def test_export_as_csv(sithsctl: Run, written: list[Row]) -> None:
    """A line for the names and one for each row; nothing that a spreadsheet would take for a formula."""
    found = list(csv.DictReader(io.StringIO(sithsctl("audit", "export").out)))
    assert [row["hash"] for row in found] == [row.hash for row in written]
    assert found[0]["program"] == "'=klient"
    assert found[1]["checklist"] == '{"receipt":"2027-12-31"}'
    assert (found[2]["triesBefore"], found[2]["uid"]) == ("", "")


def test_export_to_a_file(sithsctl: Run, written: list[Row], tmp_path: Path) -> None:
    """The file is new, and for its owner alone; one that is there is not written over."""
    target = tmp_path / "rows.csv"
    assert sithsctl("audit", "export", "--output", str(target), "--last", "1").out == ""
    assert written[-1].hash in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    before = target.read_bytes()
    outcome = sithsctl("audit", "export", "--output", str(target))
    assert outcome.status == 2
    assert "is there already" in outcome.err
    assert target.read_bytes() == before


def test_a_tampered_row_is_still_shown(sithsctl: Run, written: list[Row], path: Path) -> None:
    """Whoever looks for what was changed has to see it, whatever stands there now."""
    assert written
    change(path, "UPDATE rows SET time = 'then', checklist = '{', role = 'x', program = '\x1b[31m' WHERE number = 2")
    told = sithsctl("audit", "show")
    assert "then" in told.out
    assert "\x1b" not in told.out
    shown: list[dict[str, Any]] = sithsctl("audit", "show", "--json").json["rows"]
    assert shown[1]["checklist"] == "{"


@pytest.mark.parametrize("lang", ["en", "sv"])
@pytest.mark.parametrize("command", ["verify", "show", "export"])
def test_help_is_in_the_language(sithsctl: Run, lang: str, command: str) -> None:
    """Each command's help is whole, within 80 columns; the bare group shows its own and does not pretend success."""
    outcome = sithsctl("audit", command, "--help", lang=lang)
    assert outcome.status == 0
    assert {"en": "Options:", "sv": "Flaggor:"}[lang] in outcome.out
    assert "--file" in outcome.out
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    bare = sithsctl("audit", lang=lang)
    assert (bare.status, bare.out) == (2, "")
    assert command in bare.err
