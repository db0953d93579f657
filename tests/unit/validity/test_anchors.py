"""Roots by fingerprint, issuers by file, and everything that a file may be instead."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sithsd.certificate.read import read
from sithsd.validity.anchors import load_anchors, load_folder, load_issuers, pins
from sithsd.validity.files import CertificateFileError, read_certificates
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment

PRODUCTION = ValidityPolicy()
ALL = ValidityPolicy(environments=frozenset({Environment.PRODUCTION, Environment.TEST, Environment.SIM}))


def test_the_real_roots_are_pinned(pki_dir: Path) -> None:
    """The production root is an anchor, the TEST root one only where TEST is configured."""
    roots = [pki_dir / "sithseidrootcav2.pem", pki_dir / "testsithseidrootcav2.pem"]
    assert [anchor.environment for anchor in load_anchors(roots[:1], PRODUCTION)] == [Environment.PRODUCTION]
    assert [anchor.environment for anchor in load_anchors(roots, ALL)] == [Environment.PRODUCTION, Environment.TEST]
    with pytest.raises(CertificateFileError, match="is a root for test, which is not among the environments"):
        load_anchors(roots, PRODUCTION)


def test_an_issuing_ca_is_no_anchor(pki_dir: Path) -> None:
    """A real CA that is not pinned can't be trusted as a root by being in the list."""
    with pytest.raises(
        CertificateFileError, match=r"sithseidfunctioncav1\.pem: CN=SITHS e-id Function CA v1.* no pinned root"
    ):
        load_anchors([pki_dir / "sithseidfunctioncav1.pem"], ALL)


def test_a_sim_root_needs_its_fingerprint_and_the_environment(forge: Any, tmp_path: Path) -> None:
    """A SIM root is an anchor only if `sim` is configured and its fingerprint is listed, with or without colons."""
    root = forge.authority("SIM SITHS e-id Root CA v2")
    file = tmp_path / "root.pem"
    file.write_bytes(root.pem)
    fingerprint = read(root.der).fingerprint
    colons = ":".join(fingerprint[place : place + 2] for place in range(0, 64, 2)).upper()
    assert [anchor.environment for anchor in load_anchors([file], ALL, [colons])] == [Environment.SIM]
    with pytest.raises(CertificateFileError, match="no pinned root"):
        load_anchors([file], ALL)
    with pytest.raises(CertificateFileError, match="not among the environments"):
        load_anchors([file], PRODUCTION, [fingerprint])
    with pytest.raises(CertificateFileError, match="no SHA-256"):
        load_anchors([file], ALL, ["12:34"])


def test_a_pinned_root_can_not_be_made_a_sim_one(pki_dir: Path) -> None:
    """Listing the production root's fingerprint as SIM changes nothing about it."""
    root = pki_dir / "sithseidrootcav2.pem"
    fingerprint = read_certificates(root)[0].fingerprint
    assert load_anchors([root], ALL, [fingerprint])[0].environment is Environment.PRODUCTION


def test_bundles_and_der_are_read_and_doubles_told_once(forge: Any, tmp_path: Path) -> None:
    """A file is DER, or PEM with several certificates and text between."""
    one, two = forge.authority("One"), forge.authority("Two", path_length=0)
    bundle, single = tmp_path / "bundle.pem", tmp_path / "single.cer"
    bundle.write_bytes(b"One\n" + one.pem + b"\nTwo\n" + two.pem.replace(b"\n", b"\r\n"))
    single.write_bytes(one.der)
    assert load_issuers([bundle, str(single)]) == [one.der, two.der]


def test_issuers_are_cas(forge: Any, tmp_path: Path) -> None:
    """A person's certificate among the issuers is a mistake, told without the number in it."""
    file = tmp_path / "leaf.pem"
    file.write_bytes(forge.person("191212121212").pem)
    with pytest.raises(CertificateFileError, match="no CA certificate") as caught:
        load_issuers([file])
    assert "19121212-****" in str(caught.value)
    assert "191212121212" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither"),
        (b"hello", "neither"),
        (b"\x30\x03\x02\x01\x01", "not a readable certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "not a readable certificate"),
        (b"-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n", "malformed base64"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n", "neither"),
        (b"-----BEGIN CERTIFICATE-----\n" * 65, "more than 64"),
        (b"\x30" * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    """The error names the file and the reason on one line."""
    file = tmp_path / "some.pem"
    file.write_bytes(content)
    for load in (lambda: load_issuers([file]), lambda: load_anchors([file], ALL)):
        with pytest.raises(CertificateFileError) as caught:
            load()
        assert str(caught.value).startswith(f"{file}: ")
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    """A configured file that is not there is an error, never an empty list."""
    with pytest.raises(CertificateFileError, match=r"none\.pem: No such file"):
        load_anchors([tmp_path / "none.pem"], ALL)


def test_a_folder_holds_pinned_roots_of_worlds_to_come(pki_dir: Path, tmp_path: Path) -> None:
    """Of the pinned roots in the folder those count whose world is configured; a folder that is not there has none."""
    assert load_folder(tmp_path / "none", ALL) == []
    for name in ("sithseidrootcav2.pem", "testsithseidrootcav2.pem"):
        shutil.copy(pki_dir / name, tmp_path)
    (tmp_path / "half-written.new").write_bytes(b"no certificate")
    assert [anchor.environment for anchor in load_folder(tmp_path, PRODUCTION)] == [Environment.PRODUCTION]
    assert {anchor.environment for anchor in load_folder(tmp_path, ALL)} == {Environment.PRODUCTION, Environment.TEST}


def test_a_folder_takes_no_other_certificate(forge: Any, tmp_path: Path) -> None:
    """A root that is not pinned, a SIM one too, is told by file and name: nothing is trusted for lying there."""
    (tmp_path / "root.cer").write_bytes(forge.authority("SIM SITHS e-id Root CA v2").der)
    with pytest.raises(CertificateFileError, match=r"root\.cer: CN=SIM SITHS e-id Root CA v2.* no pinned root"):
        load_folder(tmp_path, ALL)


def test_each_pinned_root_is_fetched_from_a_host_of_its_own_world() -> None:
    """Where a root and its issuers are looked for is told apart by world: no host serves two."""
    worlds = {pin.environment: urlsplit(pin.source) for pin in pins().anchor}
    assert set(worlds) == set(pins().issuer_hosts) == {Environment.PRODUCTION, Environment.TEST}
    for world, place in worlds.items():
        assert (place.scheme, place.hostname) == ("http", *pins().issuer_hosts[world])
        assert pins().of(pins().anchor[0].fingerprint) is pins().anchor[0]
    assert len({place.hostname for place in worlds.values()}) == len(worlds)
    assert pins().of("0" * 64) is None
