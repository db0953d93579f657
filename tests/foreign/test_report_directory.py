"""Exports of directories as other people's tools write them: Samba's ldb tools, and the library `ldif`."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sithsd.report.inputs import Form, open_input
from sithsd.report.model import Entry
from tests.unit.report import staff

AT = staff.utc(2027, 1, 1)


@pytest.fixture
def people(forge: Any) -> list[staff.Person]:
    """Make up people with one to three certificates each."""
    made = staff.people(12, AT, units=("Åre & Söder", "Låtsaskliniken"))
    return [replace(one, ders=tuple(forge.person().der for _ in range(1 + one.number % 3))) for one in made]


def found(path: Path) -> dict[str, tuple[str | None, str | None, frozenset[bytes]]]:
    """Return what is read of an export: by address the name, the unit and the certificates."""
    certificates: dict[str, set[bytes]] = {}
    told: dict[str, tuple[str | None, str | None]] = {}
    with open_input(path) as reading:
        assert reading.form is Form.LDIF
        for entry in reading:
            assert isinstance(entry, Entry), entry
            assert entry.email is not None
            assert entry.der is not None
            told[entry.email] = (entry.name, entry.unit)
            certificates.setdefault(entry.email, set()).add(entry.der)
    return {email: (*told[email], frozenset(certificates[email])) for email in told}


def expected(people: list[staff.Person]) -> dict[str, tuple[str | None, str | None, frozenset[bytes]]]:
    """Return what has to be read of them."""
    return {one.email: (one.name, one.unit, frozenset(one.ders)) for one in people}


def test_what_the_library_ldif_writes_is_read(people: list[staff.Person], tmp_path: Path) -> None:
    """Names beyond ASCII, distinguished names in base64, several certificates: as its writer has them."""
    staff.ldif(people, tmp_path / "staff.ldif")
    assert found(tmp_path / "staff.ldif") == expected(people)


def test_what_ldbsearch_exports_from_a_directory_is_read(people: list[staff.Person], tmp_path: Path) -> None:
    """A directory filled by ldbadd and exported by ldbsearch: folded, with comments, in its own order of entries."""
    if shutil.which("ldbsearch") is None:
        reason = "there is no ldbsearch here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    staff.ldif(people, tmp_path / "in.ldif")
    directory = str(tmp_path / "directory.ldb")
    subprocess.run(["ldbadd", "-H", directory, str(tmp_path / "in.ldif")], capture_output=True, check=True)
    wanted = ["mail", "cn", "ou", "userCertificate;binary"]
    run = subprocess.run(
        ["ldbsearch", "-H", directory, "(mail=*)", *wanted],
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    (tmp_path / "out.ldif").write_bytes(run.stdout)
    assert b"\n " in run.stdout
    assert found(tmp_path / "out.ldif") == expected(people)
