"""Facts as the doctor gathers them: those of a day on which nothing is wrong, and what may differ."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from sithsd.cli import replies
from sithsd.cli.doctor.facts import Answer, Facts, MachineFacts, Reach, Socket
from sithsd.cli.failure import parameters
from tests.unit.cli.conftest import NOW, READER, SERIAL, card, listing, reader

RELEASE = "0.1.0"
RATE = {"factor": 372, "divider": 12}
SIM = "0123456789abcdef" * 4


def examined(**more: Any) -> dict[str, Any]:
    """Return a reader as Diagnose tells of it."""
    return {
        "name": READER,
        "state": "ready",
        "padVerify": False,
        "padModify": False,
        "vendor": "ACME",
        "offeredProtocols": [1],
        "protocol": 1,
        "toldProtocol": 1,
        "offeredRate": RATE,
        "rate": RATE,
        "profile": "sim_pkcs15",
        "title": "Simulated card",
        "evidence": "judged",
        "backend": "pkcs15",
        "identifiedBy": "ATR and application A0 00 00 00 63",
        "passedOver": [{"profile": "sim_desk", "application": None, "statusWord": None}],
        **more,
    }


def fetching(*failing: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return how sithsd-fetch fares, and whom it asks in vain."""
    return {
        "started": "2026-11-22T06:00:00Z",
        "lastSuccess": "2026-11-22T11:30:00Z",
        "stored": 4,
        "waiting": 0,
        "anchors": 1,
        "failing": list(failing),
        **more,
    }


def diagnosis(*readers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a reply of Diagnose; without readers it has the usual one."""
    return {
        "version": RELEASE,
        "startedAt": "2026-11-22T06:00:00Z",
        "now": "2026-11-22T12:00:00Z",
        "plausibleFrom": "2026-11-01T00:00:00Z",
        "service": True,
        "serviceSocket": "/run/pcscd/pcscd.comm",
        "environments": ["production", "sim"],
        "anchors": [
            {"subject": "CN=SIM", "fingerprint": SIM, "environment": "sim", "notAfter": "2049-01-01T00:00:00Z"}
        ],
        "issuers": 4,
        "settings": ["rights.group"],
        "readers": list(readers or [examined()]),
        "fetchSocket": "/run/sithsd-fetch/io.sithsd.Fetch",
        "fetch": fetching(),
        **more,
    }


RIGHTS = {"status": True, "codes": True, "authenticate": True, "sign": True, "activeSession": True}
INFO = {"vendor": "sithsd", "product": "sithsd", "version": RELEASE, "interfaces": ["io.sithsd.Cards"]}
PCSCD = Socket("/run/pcscd/pcscd.comm", Reach.GOOD, 0o666, 0, 0)
CARDS = Socket("/run/sithsd/io.sithsd.Cards", Reach.GOOD, 0o666, 0, 0)
CODES = Socket("/run/sithsd/io.sithsd.Codes", Reach.GOOD, 0o660, 0, 0)


def answered(reply: Mapping[str, Any], shape: type[Any]) -> Answer[Any]:
    """Return a reply in its shape."""
    return Answer(reply=msgspec.convert(reply, shape))


def refused(code: str) -> Answer[Any]:
    """Return an error."""
    return Answer(error=parameters(code, "as made up"))


def machine(**more: Any) -> MachineFacts:
    """Return what is seen of a machine in order."""
    return replace(MachineFacts(now=NOW, uid=1000, pcscd=PCSCD, pcscd_pids=(77,), synchronised=True), **more)


def facts(inside: dict[str, Any] | None = None, **more: Any) -> Facts:
    """Return the facts of a good day, with the card `inside`; `more` are fields of Facts."""
    held = card(profile="sim_pkcs15") if inside is None else inside
    whole = Facts(
        own_version=RELEASE,
        machine=machine(),
        cards=CARDS,
        codes=CODES,
        info=answered(INFO, replies.InfoReply),
        rights=answered(RIGHTS, replies.RightsReply),
        listing=answered(listing(reader(held)), replies.ListReply),
        diagnosis=answered(diagnosis(), replies.DiagnoseReply),
        card_codes=answered(
            {"reader": READER, "cardSerial": SERIAL, "sequence": 7, "codes": held["codes"]}, replies.CodesReply
        ),
        validity=answered(
            {"reader": READER, "cardSerial": SERIAL, "sequence": 7, "certificates": held["certificates"]},
            replies.CertificatesReply,
        ),
    )
    return replace(whole, **more)


def seen(*readers: dict[str, Any], examined_as: dict[str, Any] | None = None, **more: Any) -> Facts:
    """Return facts with these readers on the list; a card in one of them is told by the list alone."""
    told = diagnosis(examined_as) if examined_as is not None else {**diagnosis(), "readers": []}
    return facts(
        listing=answered(listing(*readers), replies.ListReply),
        diagnosis=answered(told, replies.DiagnoseReply),
        card_codes=Answer(),
        validity=Answer(),
        **more,
    )


def without_daemon(reach: Reach = Reach.ABSENT, **more: Any) -> Facts:
    """Return facts of a machine whose daemon does not answer."""
    return Facts(
        own_version=RELEASE,
        machine=machine(**more),
        cards=replace(CARDS, reach=reach),
        codes=replace(CODES, reach=reach),
        info=refused("daemon.unavailable"),
    )
