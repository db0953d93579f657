"""The file for support: one JSON object that a person can read through before sending it, with no secret in it.

What goes in is chosen field by field; names, numbers and serial numbers have no field, or a stand-in. Beyond that every
text is looked through for what the daemon tells of the card's holder, and for the names of this user and machine.
"""

import os
import platform
import pwd
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

from sithsd.cli.doctor.check import Check
from sithsd.cli.doctor.facts import Facts
from sithsd.cli.doctor.next_step import next_step, possible
from sithsd.cli.doctor.pseudonyms import Pseudonyms
from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.plain import json_text
from sithsd.cli.replies import Reader
from sithsd.errors import ErrorCode

FORMAT = "sithsctl doctor bundle"
FORMAT_VERSION = 1
# What a bundle has, in the words of the locales: "doctor-bundle-versions".
CONTENTS = ("versions", "settings", "checks", "card", "log")
IDENTITIES = "identities"

_RELEASES = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
# Paths below these name no user.
_SYSTEM_FOLDERS = ("/run/sithsd/", "/run/pcscd/")


def bundle(facts: Facts, checks: list[Check], log: list[dict[str, str]] | None, *, identities: bool) -> dict[str, Any]:
    """Return what support gets; with `identities` also who the holder is, and serial numbers as they are."""
    pseudonyms = _pseudonyms(facts)
    chosen, diagnosis, reader = next_step(checks), facts.diagnosis.reply, facts.reader
    body = {
        "format": FORMAT,
        "formatVersion": FORMAT_VERSION,
        "contents": [*CONTENTS, *([IDENTITIES] if identities else [])],
        "createdAt": facts.machine.now.astimezone(UTC).isoformat(timespec="seconds"),
        "versions": _versions(facts),
        "settings": list(diagnosis.settings) if diagnosis else None,
        "possible": possible(checks),
        "next": None if chosen is None else {"check": chosen[1].full_name, "finding": chosen[1].finding},
        "checks": [_check(one, pseudonyms, identities=identities) for one in checks],
        "card": _card(reader, pseudonyms) if reader else None,
        "log": log,
    }
    if identities:
        return body | {IDENTITIES: _identities(reader)}
    hidden: dict[str, Any] = pseudonyms.hidden(body)
    return hidden


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file for its owner alone. A CommandError ("request.invalid") where there is something already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, f"the bundle can't be written: {error.strerror}")
        raise CommandError(found, key="doctor-bundle-bad") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json_text(content, indent=2) + "\n")
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        found = parameters(ErrorCode.REQUEST_INVALID, f"the bundle can't be written: {error.strerror}")
        raise CommandError(found, key="doctor-bundle-bad") from error


def _versions(facts: Facts) -> dict[str, Any]:
    info = facts.info.reply
    return {
        "sithsctl": facts.own_version,
        "sithsd": info.version if info else None,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "distribution": _distribution(),
    }


def _distribution() -> str | None:
    for path in _RELEASES:
        with suppress(OSError):
            for line in path.read_text("utf-8", "replace").splitlines():
                if line.startswith("PRETTY_NAME="):
                    return line.partition("=")[2].strip('"')
    return None


def _check(check: Check, pseudonyms: Pseudonyms, *, identities: bool) -> dict[str, Any]:
    facts = dict(check.facts)
    if not identities:
        facts = {name: _impersonal(name, value, pseudonyms) for name, value in facts.items()}
    return {
        "name": check.full_name,
        "result": str(check.result),
        "finding": check.finding,
        "hinders": check.hinders,
        "facts": facts,
    }


def _impersonal(name: str, value: Any, pseudonyms: Pseudonyms) -> Any:  # noqa: ANN401 - a JSON value
    """Return a fact without what could tell of whom it is."""
    told = value
    match name, value:
        case "socket" | "daemonSocket", str():
            # The path of another place may name a user.
            told = value if value.startswith(_SYSTEM_FOLDERS) else "elsewhere"
        case "uid", int():
            told = "root" if value == 0 else "other"
        case "detail", _:
            told = None  # a developer's sentence, of what a card gave that nobody could read
        case "reader", str():
            told = pseudonyms.reader(value)
        case "readers", list():
            told = [pseudonyms.reader(one) for one in value]
        case "notBefore" | "notAfter", str():
            told = value.partition("T")[0]  # to the second it may be of one person alone
        case "certificates", list():
            told = [{part: _impersonal(part, what, pseudonyms) for part, what in one.items()} for one in value]
    return told


def _card(reader: Reader, pseudonyms: Pseudonyms) -> dict[str, Any] | None:
    card = reader.card
    if card is None:
        return None
    return {
        "card": pseudonyms.add("card", card.serial),
        "kind": card.kind,
        "environment": card.environment,
        "levelOfAssurance": card.level_of_assurance,
        "profile": card.profile,
        "atr": card.atr,
        "notes": list(card.notes),
    }


def _identities(reader: Reader | None) -> dict[str, Any]:
    card = reader.card if reader else None
    holder = card.holder if card else None
    return {
        "cardSerial": card.serial if card else None,
        "cardNumber": card.card_number if card else None,
        "displayName": holder.display_name if holder else None,
        "hsaId": holder.hsa_id if holder else None,
        "organization": holder.organization if holder else None,
    }


def _pseudonyms(facts: Facts) -> Pseudonyms:
    """Return stand-ins for all that the daemon tells of holders, and for this user and machine."""
    known = Pseudonyms()
    for reader in facts.readers:
        card = reader.card
        if card is None:
            continue
        known.add("card", card.serial)
        known.add("cardNumber", card.card_number)
        for certificate in card.certificates:
            known.add("certificate", certificate.serial_number)
            known.add("certificate", certificate.fingerprint)
        if card.holder is not None:
            known.add("holder", card.holder.display_name)
            for part in (card.holder.display_name or "").split():
                known.add("holder", part)
            known.add("hsaId", card.holder.hsa_id)
            known.add("personalIdentityNumber", card.holder.personal_identity_number)
            known.add("organization", card.holder.organization)
    user = _user()
    if user is not None:
        known.add("user", user.pw_name)
        known.add("user", user.pw_gecos.partition(",")[0])
    known.add("host", platform.node())
    known.add("host", platform.node().partition(".")[0])
    return known


def _user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:
        return None
