"""What a report's certificates are judged by: the settings that the daemon has, and files named beside them."""

import base64
import binascii
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sithsd.certificate.tables import TablesError
from sithsd.policy.site_file import PolicyError
from sithsd.report.model import InputError
from sithsd.service.config import ConfigError, load
from sithsd.validity.anchors import load_anchors, load_folder, load_issuers
from sithsd.validity.bulk.rows import BulkSetup
from sithsd.validity.calendar import advise
from sithsd.validity.calendar.advise import Calendar
from sithsd.validity.files import CertificateFileError
from sithsd.validity.revocation.entries import MAX_BYTES

_PEM = re.compile(rb"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where it comes from: the settings (None: the daemon's, if there are any), and files beside what these name."""

    settings: Path | None = None
    anchors: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    freezes: Path | None = None


def setup_of(sources: Sources, at: datetime, *, present: bool) -> BulkSetup:
    """Return what certificates are judged by at the moment `at`. Raises InputError.

    Not `present`: `at` was named by a person, and is no clock that could be wrong.
    """
    try:
        wanted = load(sources.settings).validity
        policy = wanted.policy()
        if not present:
            policy = replace(policy, plausible_from=min(at, policy.plausible_from))
        roots = load_anchors([*wanted.anchors, *sources.anchors], policy, wanted.sim_fingerprints)
        of_folder = load_folder(Path(wanted.anchors_folder), policy)
        unique = {one.certificate.fingerprint: one for one in (*roots, *of_folder)}
        between = load_issuers([*wanted.issuers, *sources.issuers])
        tables = wanted.tables()
        lists = tuple(_list(Path(one)) for one in sources.lists)
    except (ConfigError, CertificateFileError, TablesError) as error:
        raise InputError("report-trust", str(error), reason=str(error)) from error
    return BulkSetup(tuple(unique.values()), tuple(between), policy, at, tables, lists)


def _list(path: Path) -> bytes:
    """Return the DER of the CRL in a file of DER or PEM (RFC 7468, 6); whether it is one is for the judges to say."""
    try:
        with path.open("rb") as file:
            content = file.read(2 * MAX_BYTES)
    except OSError as error:
        raise InputError("report-trust", f"{path}: {error.strerror}", reason=f"{path}: {error.strerror}") from error
    found = _PEM.fullmatch(content.strip())
    if found is None:
        return content
    try:
        return base64.b64decode(b"".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise InputError("report-trust", f"{path}: malformed base64", reason=f"{path}: malformed base64") from error


def calendar_of(sources: Sources) -> Calendar:
    """Return the calendar, with a site's freezes as they are named, or the daemon has them. Raises InputError."""
    try:
        named = load(sources.settings).calendar.file
        return advise.load(sources.freezes or (None if named is None else Path(named)))
    except (ConfigError, PolicyError) as error:
        raise InputError("report-trust", str(error), reason=str(error)) from error
