"""`sithsctl anchors`: only a pinned root is installed, whole or not at all, and what follows is said."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conftest import Forge
from tests.unit.cli.conftest import Outcome

Run = Callable[..., Outcome]
PRODUCTION = "8767260ac829d833c30af23857cbf8a2304bfda445303dfce5043afa73e584c1"
TEST = "217ee0fab01427c86988758e3a6b2297b18320d00e1fb7c75e52c41988755307"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the roots are installed."""
    return tmp_path / "etc" / "anchors"


def der(pem: Path) -> bytes:
    """Return a PEM file's certificate in DER."""
    return x509.load_pem_x509_certificate(pem.read_bytes()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("form", ["pem", "der"])
def test_a_pinned_root_is_installed(sithsctl: Run, folder: Path, pki_dir: Path, tmp_path: Path, form: str) -> None:
    """The root becomes one readable file with its usual name; it is said what to restart; and it is listed then."""
    given = pki_dir / "sithseidrootcav2.pem"
    if form == "der":
        given = tmp_path / "root"
        given.write_bytes(der(pki_dir / "sithseidrootcav2.pem"))
    outcome = sithsctl("anchors", "install", str(given), "--folder", str(folder))
    assert outcome.status == 0, outcome.err
    assert "SITHS e-id Root CA v2, for real cards" in outcome.out
    assert "systemctl restart sithsd sithsd-fetch" in outcome.out
    (installed,) = folder.iterdir()
    assert (installed.name, installed.stat().st_mode & 0o777) == ("sithseidrootcav2.cer", 0o644)
    assert installed.stat().st_uid == os.geteuid()
    assert installed.read_bytes() == der(pki_dir / "sithseidrootcav2.pem")
    listed = sithsctl("anchors", "list", "--folder", str(folder), "--json").json
    files = {row["fingerprint"]: row["file"] for row in listed["anchors"]}
    assert files == {PRODUCTION: str(installed), TEST: None}


def test_whatever_root_hides_from_others_the_services_can_read_it(sithsctl: Run, folder: Path, pki_dir: Path) -> None:
    """With a umask that lets nobody else read: folders that were made for the root may be looked into all the same."""
    before = os.umask(0o077)
    try:
        outcome = sithsctl("anchors", "install", str(pki_dir / "sithseidrootcav2.pem"), "--folder", str(folder))
    finally:
        os.umask(before)
    assert outcome.status == 0, outcome.err
    modes = [one.stat().st_mode & 0o777 for one in (folder.parent, folder, *folder.iterdir())]
    assert modes == [0o755, 0o755, 0o644]


def test_the_test_root_is_off_and_that_is_said(sithsctl: Run, folder: Path, pki_dir: Path) -> None:
    """Who installs the TEST root is told that nothing trusts it until the settings name TEST."""
    root = str(pki_dir / "testsithseidrootcav2.pem")
    for lang, said in (("en", 'names "test"'), ("sv", 'nämner "test"')):
        outcome = sithsctl("anchors", "install", root, "--folder", str(folder), "--lang", lang)
        assert outcome.status == 0
        assert said in outcome.out
    refused = sithsctl("anchors", "install", root, "--environment", "production", "--folder", str(folder))
    assert refused.status == 7


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("sithseidfunctioncav1.pem", "certificate.bad"),
        ("forged", "certificate.bad"),
        ("both", "certificate.bad"),
        ("garbage", "request.invalid"),
        ("empty", "request.invalid"),
        ("none", "request.invalid"),
    ],
)
def test_nothing_else_is_installed(sithsctl: Run, pki_dir: Path, tmp_path: Path, name: str, code: str) -> None:
    """A real CA, a root of the same name, one good beside one bad, and what is no certificate: nothing is written."""
    folder, forge = tmp_path / "anchors", Forge()
    made = {
        "forged": forge.authority("SITHS e-id Root CA v2").pem,
        "both": (pki_dir / "sithseidrootcav2.pem").read_bytes() + forge.authority("Other").pem,
        "garbage": os.urandom(500),
        "empty": b"",
    }
    given = pki_dir / name
    if name in made:
        given = tmp_path / name
        given.write_bytes(made[name])
    outcome = sithsctl("anchors", "install", str(given), "--folder", str(folder), "--json")
    assert outcome.json["error"]["code"] == code
    assert outcome.status != 0
    assert not folder.exists() or not list(folder.iterdir())


def test_the_root_is_fetched_by_the_program_with_the_network(
    sithsctl: Run, daemon: Any, folder: Path, pki_dir: Path
) -> None:
    """With --fetch sithsd-fetch is asked over its socket, and what it says is looked at here too."""
    root = der(pki_dir / "sithseidrootcav2.pem")
    daemon.script["FetchAnchor"] = [{"certificate": base64.b64encode(root).decode()}]
    outcome = sithsctl("anchors", "install", "--fetch", "--folder", str(folder), "--json")
    assert outcome.json["installed"][0]["fingerprint"] == PRODUCTION
    assert (folder / "sithseidrootcav2.cer").read_bytes() == root


def test_what_is_fetched_is_looked_at_here_too(sithsctl: Run, daemon: Any, folder: Path, forge: Any) -> None:
    """A sithsd-fetch that says another root is not believed."""
    other = forge.authority("SITHS e-id Root CA v2").der
    daemon.script["FetchAnchor"] = [{"certificate": base64.b64encode(other).decode()}]
    outcome = sithsctl("anchors", "install", "--fetch", "--folder", str(folder), "--json")
    assert outcome.json["error"]["code"] == "certificate.bad"
    assert not folder.exists()


def test_the_root_of_another_world_is_not_what_was_asked_for(
    sithsctl: Run, daemon: Any, folder: Path, pki_dir: Path
) -> None:
    """With --fetch and no environment the root for real cards is meant, and no other pinned one is installed."""
    daemon.script["FetchAnchor"] = [
        {"certificate": base64.b64encode(der(pki_dir / "testsithseidrootcav2.pem")).decode()}
    ]
    outcome = sithsctl("anchors", "install", "--fetch", "--folder", str(folder), "--json")
    assert outcome.json["error"]["code"] == "certificate.bad"
    assert not folder.exists()


def test_without_the_program_with_the_network_that_is_said(sithsctl: Run, folder: Path, tmp_path: Path) -> None:
    """Nobody at the socket: who is to be started is named, and it is not the daemon."""
    nowhere = str(tmp_path / "nowhere")
    outcome = sithsctl("anchors", "install", "--fetch", "--folder", str(folder), "--runtime-dir", nowhere)
    assert outcome.status == 3
    assert "systemctl start sithsd-fetch" in outcome.err


@pytest.mark.parametrize("arguments", [(), ("--fetch", "root.cer")])
def test_a_file_or_the_network(sithsctl: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    """It is said from where: one of the two."""
    outcome = sithsctl("anchors", "install", *arguments, "--folder", str(folder))
    assert outcome.status == 2
    assert "one of the two" in outcome.err


def test_a_folder_that_is_none_is_said(sithsctl: Run, pki_dir: Path, tmp_path: Path) -> None:
    """What can't be written is told, and leaves nothing half written."""
    (tmp_path / "file").write_bytes(b"")
    root = str(pki_dir / "sithseidrootcav2.pem")
    outcome = sithsctl("anchors", "install", root, "--folder", str(tmp_path / "file"), "--json")
    assert outcome.json["error"]["code"] == "request.invalid"


def test_a_folder_that_can_not_be_looked_into_is_not_an_empty_one(sithsctl: Run, tmp_path: Path) -> None:
    """Whoever asks what is installed is told that it can't be seen, in both languages."""
    (tmp_path / "file").write_bytes(b"")
    for lang, said in (("en", "can't be looked into"), ("sv", "innehåller")):
        outcome = sithsctl("anchors", "list", "--folder", str(tmp_path / "file"), "--lang", lang)
        assert outcome.status == 2
        assert said in outcome.err


def test_other_commands_load_nothing_that_reads_certificates() -> None:
    """The command line as a whole is made without the rooms that judge: nobody waits for them who does not ask."""
    script = (
        "import sys; from sithsd.cli.program import program; from sithsd.cli.words import Words; program(Words('en'));"
        "print([name for name in sys.modules if name.startswith(('sithsd.validity', 'pyhanko', 'cryptography'))])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert "sithsd.validity.anchors" not in said.stdout
