"""Whom a service trusts: the settings' files, the machine's folder, its own state."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from sithsd.service.trust import judge_by
from sithsd.validity.files import CertificateFileError
from sithsd.validity.policy import ValiditySettings
from sithsd.values import Environment


def test_the_machines_folder_is_beside_what_the_settings_name(pki_dir: Path, tmp_path: Path) -> None:
    """Roots of the folder, of the settings and of the state folder are trusted alike, each once."""
    folder, state = tmp_path / "anchors", tmp_path / "state"
    folder.mkdir()
    (state / "anchors").mkdir(parents=True)
    (state / "issuers").mkdir()
    shutil.copy(pki_dir / "sithseidrootcav2.pem", folder)
    shutil.copy(pki_dir / "sithseidrootcav2.pem", state / "anchors")
    shutil.copy(pki_dir / "sithseidfunctioncav1.pem", state / "issuers")
    settings = ValiditySettings(
        environments=(Environment.PRODUCTION, Environment.TEST),
        anchors=(str(pki_dir / "testsithseidrootcav2.pem"),),
        anchors_folder=str(folder),
    )
    judge = judge_by(settings, state)
    assert {anchor.environment for anchor in judge.anchors} == {Environment.PRODUCTION, Environment.TEST}
    assert (len(judge.anchors), judge.issuers) == (2, 1)
    assert judge_by(settings).issuers == 0


def test_a_root_in_the_folder_waits_for_its_world(pki_dir: Path, tmp_path: Path) -> None:
    """The TEST root may be installed before TEST is configured: it is not trusted, and keeps nothing from starting."""
    shutil.copy(pki_dir / "testsithseidrootcav2.pem", tmp_path)
    assert judge_by(ValiditySettings(anchors_folder=str(tmp_path))).anchors == ()


def test_a_folder_that_can_not_be_looked_into_is_said() -> None:
    """It is not taken for one without roots: nobody would learn why no card is trusted. So is a file in its place."""
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)  # as /etc/sithsd: the folder itself is what is closed
        folder, root = Path(above) / "anchors", os.geteuid() == 0
        folder.mkdir(mode=0o000)
        if root:
            os.seteuid(65534)  # whoever is root may look into everything
        try:
            with pytest.raises(CertificateFileError, match="anchors: Permission denied"):
                judge_by(ValiditySettings(anchors_folder=str(folder)))
        finally:
            if root:
                os.seteuid(0)
        folder.rmdir()
        folder.write_bytes(b"")
        with pytest.raises(CertificateFileError, match="anchors: Not a directory"):
            judge_by(ValiditySettings(anchors_folder=str(folder)))
