"""Whom a service trusts: what its settings name, what lies in the machine's folder of anchors, and in its own state."""

from pathlib import Path

import msgspec

from sithsd.validity.anchors import load_folder
from sithsd.validity.files import certificate_files
from sithsd.validity.judge import Judge
from sithsd.validity.policy import ValiditySettings


def judge_by(settings: ValiditySettings, state: Path | None = None) -> Judge:
    """Return the judge by these settings.

    Anchors are the files that the settings name, the pinned roots in `anchors_folder` for the worlds that are
    configured, and, where a state folder is given, the files in its folder `anchors`; issuers likewise those named,
    and the files in its folder `issuers`. Raises CertificateFileError, TablesError.
    """
    anchors, issuers = settings.anchors, settings.issuers
    if state is not None:
        anchors = (*anchors, *map(str, certificate_files(state / "anchors")))
        issuers = (*issuers, *map(str, certificate_files(state / "issuers")))
    whole = msgspec.structs.replace(settings, anchors=anchors, issuers=issuers)
    return Judge.from_settings(whole, load_folder(Path(settings.anchors_folder), settings.policy()))
