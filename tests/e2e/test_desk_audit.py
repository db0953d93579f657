"""The audit of a daemon that runs: a true row for each operation, and no operation that can't be written."""

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from e2e_desk import NEW_SIGNATURE_PIN, activate, another, change, rows, told
from e2e_household import NEW_PIN, PIN, PUK, READER_0, SIGNATURE_PIN, WRONG_PIN, WRONG_PUK, Household


def head(house: Household) -> int:
    """Return the number of the last row, 0 if there is none."""
    last = rows(house, "--last", "1")
    return last[0]["number"] if last else 0


def since(house: Household, number: int) -> list[dict[str, Any]]:
    """Return the rows after one."""
    return [row for row in rows(house) if row["number"] > number]


def tamper(file: Path, *statements: str) -> None:
    """Change the audit behind its triggers' back, as somebody does who may write it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)


def test_each_operation_has_one_true_row(house: Household) -> None:
    """Who did what to which code of which card, how it ended and what it cost, whether the card was touched or not."""
    house.insert("ordinary")
    before, log_before = head(house), len(house.log_lines())
    house.verify(WRONG_PIN)
    house.verify(PIN)
    house.verify("12345")
    change(house, SIGNATURE_PIN, NEW_SIGNATURE_PIN, role="signature")
    for _ in range(2):
        house.verify(WRONG_PIN)
    house.verify(WRONG_PIN)
    house.verify(WRONG_PIN, "--spend-last-try")
    house.verify(PIN)
    house.unblock(WRONG_PUK, NEW_PIN)
    house.unblock(PUK, NEW_PIN)
    house.ctl("codes")
    found = since(house, before)
    assert [told(row) for row in found] == [
        ("verify", "authentication", "pin.wrong", 3, 2),
        ("verify", "authentication", "done", 2, 3),
        ("verify", "authentication", "pin.malformed", 3, None),
        ("change", "signature", "done", 3, 3),
        ("verify", "authentication", "pin.wrong", 3, 2),
        ("verify", "authentication", "pin.wrong", 2, 1),
        ("verify", "authentication", "pin.lastTry", 1, 1),
        ("verify", "authentication", "pin.wrong", 1, 0),
        ("verify", "authentication", "pin.blocked", 0, 0),
        ("unblock", "authentication", "puk.wrong", 10, 9),
        ("unblock", "authentication", "done", 9, 10),
    ]
    who = {"uid": os.geteuid(), "program": "sithsctl", "reader": READER_0, "cardSerial": house.serial("ordinary")}
    assert all(row.items() >= who.items() for row in found)
    assert len({row["pid"] for row in found}) == len(found)
    assert [row["number"] for row in found] == list(range(before + 1, before + len(found) + 1))
    assert [row["time"] for row in found] == sorted({row["time"] for row in found})
    assert [row["previous"] for row in found[1:]] == [row["hash"] for row in found[:-1]]
    logged = [line for line in house.log_lines()[log_before:] if line["event"] == "audit.row"]
    assert [(line["number"], line["hash"]) for line in logged] == [(row["number"], row["hash"]) for row in found]


def test_the_audit_as_commands(house: Household, tmp_path: Path) -> None:
    """While the daemon runs: whole, with the journal's hash in it; rows as a table, as JSON lines and as CSV."""
    house.insert("ordinary")
    house.verify(WRONG_PIN)
    house.verify(PIN)
    (*_, last) = rows(house)
    for lang, whole in (("en", "The audit is in order:"), ("sv", "Granskningsloggen är i ordning:")):
        verdict = house.ctl("audit", "verify", "--lang", lang, "--hash", last["hash"])
        assert verdict.status == 0
        assert whole in verdict.out
        assert last["hash"] in "".join(verdict.out.split())
    assert house.ctl("audit", "verify", "--hash", "ab" * 32).status == 1
    shown = house.ctl("audit", "show", "--lang", "sv", "--last", "2").out
    assert "fel kod" in shown
    assert "klart" in shown
    mine = ("--card", house.serial("ordinary"), "--last", "2")
    lines = house.ctl("audit", "export", "--format", "jsonl", *mine).out.splitlines()
    assert [json.loads(line) for line in lines] == rows(house, *mine)
    file = tmp_path / "export.csv"
    assert house.ctl("audit", "export", "--output", str(file), *mine).status == 0
    table = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [(one["operation"], one["result"], one["hash"]) for one in table] == [
        (row["operation"], row["result"], row["hash"]) for row in rows(house, *mine)
    ]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE {table} SET result = 'done' WHERE number = {at}", "changed"),
        ("UPDATE {table} SET uid = 4711 WHERE number = {at}", "changed"),
        ("DELETE FROM {table} WHERE number = {at}", "missing"),
    ],
    ids=["result", "uid", "removed"],
)
def test_tampering_is_found(house: Household, tmp_path: Path, statement: str, finding: str) -> None:
    """In a copy of the running daemon's file: the first row that is not as it was written is named."""
    house.insert("ordinary")
    at = head(house) + 2
    for digits in (PIN, WRONG_PIN, PIN):
        house.verify(digits)
    copy = tmp_path / "copy.sqlite"
    shutil.copy(house.state / "audit.sqlite", copy)
    assert house.ctl("audit", "verify", "--file", str(copy)).status == 0
    with closing(sqlite3.connect(copy)) as connection:
        (table,) = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%tries_after%'"
        ).fetchone()
    tamper(copy, statement.format(at=at, table=table))
    verdict = house.ctl("audit", "verify", "--json", "--file", str(copy))
    assert (verdict.status, verdict.json["ok"], verdict.json["finding"]) == (1, False, finding)
    assert verdict.json["number"] == at
    people = house.ctl("audit", "verify", "--lang", "en", "--file", str(copy))
    assert f"{at}" in people.err
    assert house.ctl("audit", "verify").status == 0


def test_the_audit_taken_away_is_no_audit(new_house: Callable[..., Household]) -> None:
    """A file that somebody removed or moved under the daemon is not written on unseen: nothing is sent to the card."""
    house = new_house(1)
    house.start()
    model = house.model("ordinary")
    model.insert()
    house.await_reader("ready")
    assert house.verify(PIN).status == 0
    (house.state / "audit.sqlite").rename(house.state / "elsewhere.sqlite")
    sent = model.codes_sent
    refused = house.verify(WRONG_PIN)
    assert (refused.status, refused.error["code"], refused.error["retryable"]) == (3, "audit.unavailable", False)
    assert (model.codes_sent, house.tries("ordinary")) == (sent, 3)
    (house.state / "elsewhere.sqlite").rename(house.state / "audit.sqlite")
    assert house.verify(PIN).status == 0
    assert [row["result"] for row in rows(house)] == ["done", "done"]


def test_a_full_disk_stops_operations_before_the_card(new_house: Callable[..., Household], tmp_path: Path) -> None:
    """On a file system without a byte to spare nothing is sent to the card; with room it goes on; no row is lost."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        reason = "no mount namespace can be had here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    house = new_house(1)
    disk = tmp_path / "disk"
    disk.mkdir()
    plain = house.command
    # The small disk is the daemon's alone: it is mounted in a namespace of the daemon's own.
    script = 'mount -t tmpfs -o size=1m,mode=700 tmpfs "$0" && exec "$@"'
    house.command = lambda: [*own, "sh", "-c", script, str(disk), *plain(), "--state-dir", str(disk)]  # type: ignore[method-assign]
    house.start()
    assert house.daemon is not None
    seen = Path(f"/proc/{house.daemon.pid}/root{disk}")
    model = house.model("ordinary")
    model.insert()
    house.await_reader("ready")
    assert house.verify(WRONG_PIN).error["code"] == "pin.wrong"
    filler = seen / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    # What the file has free in itself is still given away, each time with the room of its row.
    taken = 0
    while (answer := house.verify(PIN)).status == 0:
        taken += 1
        assert taken < 50, "a full disk takes everything"
    sent = model.codes_sent
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (3, "audit.unavailable", False)
    assert answer.error["cardSerial"] == house.serial("ordinary")
    for lang, sentence in (("en", "The audit can't be written"), ("sv", "Granskningsloggen går inte att skriva")):
        given = ("verify", "--role", "authentication", "--code-fd", "0", "--lang", lang)
        people = house.ctl(*given, codes=(WRONG_PIN,))
        assert (people.status, sentence in people.err) == (3, True)
    assert house.unblock(WRONG_PUK, NEW_PIN).error["code"] == "audit.unavailable"
    assert (model.codes_sent, house.tries("ordinary"), house.tries("ordinary", "puk")) == (sent, 3, 10)
    assert [one["triesLeft"] for one in house.ctl("codes", "--json").json["codes"]] == [3, 3, 10]
    filler.unlink()
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    copy = tmp_path / "copy.sqlite"
    shutil.copy(seen / "audit.sqlite", copy)  # SQLite itself would follow the link to a root of another namespace
    assert house.ctl("audit", "verify", "--file", str(copy)).status == 0
    found = [row["result"] for row in house.ctl("audit", "show", "--json", "--file", str(copy)).json["rows"]]
    assert found == ["pin.wrong", *["done"] * taken, "pin.wrong"]


def test_others_may_not_read_it(house: Household, become: list[str]) -> None:
    """The file is its owner's alone: another user is told so, and not what stands in it."""
    house.insert("ordinary")
    house.verify(PIN)
    assert (house.state / "audit.sqlite").stat().st_mode & 0o777 == 0o600
    if any("dac_read_search" in part for part in become):
        pytest.skip("here another user's programs can't be run without the right to read every file")
    refused = another(house, become)("audit", "show", "--json")
    assert (refused.status, refused.error["code"]) == (3, "audit.unavailable")


def test_no_code_is_in_any_file(house: Household) -> None:
    """Of all that was done here, no code is found in the audit, nor in any other file that the daemon wrote."""
    wrong, other, wrong_puk = "583047", "27364519", "93640182"
    house.insert("inactive")
    assert activate(house, PUK).status == 0
    assert change(house, NEW_PIN, other).status == 0
    assert house.verify(wrong).error["code"] == "pin.wrong"
    assert house.unblock(wrong_puk, NEW_PIN).error["code"] == "puk.wrong"
    files = [
        file
        for file in [*house.state.rglob("*"), house.log, *house.run.rglob("*")]
        # The simulated cards themselves know their codes.
        if file.is_file() and "simulator" not in file.relative_to(house.folder).parts
    ]
    assert house.state / "audit.sqlite" in files
    for file in files:
        content = file.read_bytes()
        for digits in (PUK, NEW_PIN, NEW_SIGNATURE_PIN, wrong, other, wrong_puk):
            assert digits.encode() not in content, file
