"""What a report's certificates are judged by: the settings that the daemon has, and files named beside them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sithsd.policy.site_file import PolicyError
from sithsd.report.model import InputError
from sithsd.service.config import ConfigError, load
from sithsd.validity.anchors import load_anchors, load_folder, load_issuers
from sithsd.validity.bulk.rows import BulkSetup
from sithsd.validity.calendar import advise
from sithsd.validity.calendar.advise import Calendar
from sithsd.validity.files import CertificateFileError


def setup_of(
    at: datetime, *, settings: Path | None, anchors: Sequence[str], issuers: Sequence[str], present: bool
) -> BulkSetup:
    """Return what certificates are judged by at the moment `at`. Raises InputError.

    Not `present`: `at` was named by a person, and is no clock that could be wrong.
    """
    try:
        wanted = load(settings).validity
        policy = wanted.policy()
        if not present:
            policy = replace(policy, plausible_from=min(at, policy.plausible_from))
        roots = load_anchors([*wanted.anchors, *anchors], policy, wanted.sim_fingerprints)
        of_folder = load_folder(Path(wanted.anchors_folder), policy)
        unique = {one.certificate.fingerprint: one for one in (*roots, *of_folder)}
        between = load_issuers([*wanted.issuers, *issuers])
    except (ConfigError, CertificateFileError) as error:
        raise InputError("report-trust", str(error), reason=str(error)) from error
    return BulkSetup(anchors=tuple(unique.values()), issuers=tuple(between), policy=policy, at=at)


def calendar_of(path: Path | None) -> Calendar:
    """Return the calendar, with a site's freezes from `path` or from where the daemon has them. Raises InputError."""
    try:
        return advise.load(path)
    except PolicyError as error:
        raise InputError("report-trust", str(error), reason=str(error)) from error
