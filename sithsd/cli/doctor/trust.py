"""Checks of what the log-in is believed by: clock, certificates, their chain; and what was noticed.

All of them look at one certificate: the one that a log-in has the best hope with. Its reasons are sorted by what they
are about; a reason that no check knows, of a newer daemon, is the certificates'.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sithsd.cli.doctor.check import Check, Told, bad, good, skipped, unknown
from sithsd.cli.doctor.facts import Facts
from sithsd.cli.moments import moment
from sithsd.cli.replies import Certificate
from sithsd.cli.views.certificates import SOON_DAYS
from sithsd.values import Purpose

CLOCK, CERTIFICATES, CHAIN, NOTICES = "clock", "certificates", "chain", "notices"

SOON = timedelta(days=SOON_DAYS)
_GOOD, _BAD = "good", "bad"
_ORDER = (_GOOD, "unknown", _BAD)

# Reasons of a verdict, and what they are called here: those of the certificate itself, the most serious first.
_OWN = {
    "certificate.malformed": "malformed",
    "date.expired": "expired",
    "date.notYetValid": "notYetValid",
    "signature.md5": "weak",
    "signature.sha1": "weak",
    "key.short": "weak",
    "key.exponent3": "weak",
}
# Those of its chain that make it bad, and those that leave it unknown.
_CHAIN_BAD = {
    "environment.notConfigured": "notConfigured",
    "environment.conflict": "conflict",
    "chain.untrusted": "untrusted",
    "chain.invalid": "invalid",
    "chain.expired": "expired",
    "chain.notYetValid": "notYetValid",
}
_CHAIN_UNKNOWN = {
    "anchor.missing": "anchorMissing",
    "chain.issuerUnknown": "issuerUnknown",
    "chain.tooComplex": "tooComplex",
}
_CLOCK = "clock.implausible"
_REVOCATION = "revocation."
_REVOCATION_NOT_CHECKED = "revocation.notChecked"
# What evidence of revocation says beside these: of an issuer, or of the clock that the evidence is compared with.
_BY_EVIDENCE = frozenset({"chain.revoked", "clock.behind"})
_BEHIND = "clock.behind"


def clock(facts: Facts) -> Check:
    """Tell whether the clock can be right: after the release, and after the card's certificates began."""
    diagnosis, machine = facts.diagnosis.reply, facts.machine
    told: Told = {
        "now": diagnosis.now if diagnosis else machine.now.isoformat(timespec="seconds"),
        "plausibleFrom": diagnosis.plausible_from if diagnosis else None,
        "synchronised": machine.synchronised,
    }
    now = moment(diagnosis.now) if diagnosis else machine.now
    earliest = moment(diagnosis.plausible_from) if diagnosis else None
    implausible = now is not None and earliest is not None and min(now, machine.now) < earliest
    certificates = certificates_of(facts)
    if implausible or any(_CLOCK in one.verdict.reasons for one in certificates):
        return bad(CLOCK, "implausible", told)
    if any(_BEHIND in one.verdict.reasons for one in certificates):
        return bad(CLOCK, "behind", told)
    begins = [begin for one in certificates if (begin := moment(one.not_before)) is not None]
    # Of a clock that is in step with others it is the certificates that are early.
    if now is not None and begins and now < min(begins) and not machine.synchronised:
        return bad(CLOCK, "beforeCertificates", told)
    if machine.synchronised is None:
        return unknown(CLOCK, "untold", told)
    return good(CLOCK, told) if machine.synchronised else unknown(CLOCK, "unsynchronised", told)


def certificates(facts: Facts) -> Check:
    """Tell whether there is a certificate for log-ins, and whether something is wrong with it itself."""
    if not card_is_read(facts):
        return skipped(CERTIFICATES)
    found = certificates_of(facts)
    told: Told = {"certificates": [_told(one) for one in found]}
    one = best(found)
    if one is None:
        missing = "none" if not found else "transport" if all(each.transport for each in found) else "noLogIn"
        return bad(CERTIFICATES, missing, told)
    told |= {"count": len(_for_log_in(found)), "notAfter": one.not_after, "notBefore": one.not_before}
    known = _known(one.verdict.reasons, _OWN)
    refused = one.verdict.status == _BAD
    if known is not None and refused:
        return bad(CERTIFICATES, known, told)
    if refused and not any(_of_another_check(reason) for reason in one.verdict.reasons):
        return bad(CERTIFICATES, "refused", {**told, "reason": next(iter(one.verdict.reasons), "unknown")})
    end = moment(one.not_after)
    if end is not None and end - facts.machine.now < SOON:
        return good(CERTIFICATES, told, "endsSoon")
    return good(CERTIFICATES, told)


def chain(facts: Facts) -> Check:
    """Tell whether the certificate leads to a root that this computer trusts, and for which world."""
    one = best(certificates_of(facts)) if card_is_read(facts) else None
    if one is None:
        return skipped(CHAIN)
    told: Told = {"environment": one.environment, "anchor": one.anchor, "steps": len(one.path)}
    diagnosis = facts.diagnosis.reply
    if diagnosis is not None:
        told |= {
            "environments": list(diagnosis.environments),
            "anchors": [
                {"environment": each.environment, "fingerprint": each.fingerprint} for each in diagnosis.anchors
            ],
            "issuers": diagnosis.issuers,
        }
    wrong = _known(one.verdict.reasons, _CHAIN_BAD)
    if wrong is not None:
        return bad(CHAIN, wrong, told)
    open_end = _known(one.verdict.reasons, _CHAIN_UNKNOWN)
    if open_end is not None:
        return unknown(CHAIN, open_end, told)
    if one.anchor is None:
        return unknown(CHAIN, "untold", told)
    return good(CHAIN, told, one.environment if one.environment in {"test", "sim"} else "good")


def notices(facts: Facts) -> Check:
    """Tell whether something happened to this card's codes without our doing."""
    listing, found = facts.listing.reply, facts.reader
    if listing is None or found is None or found.card is None:
        return skipped(NOTICES)
    serial = found.card.serial
    ours = [one for one in listing.notices if serial is not None and one.card_serial == serial]
    told: Told = {
        "notices": [{"code": one.code, "at": one.at, "role": one.role, "triesAfter": one.tries_after} for one in ours]
    }
    lost = [one for one in ours if one.code == "code.triesLostElsewhere"]
    if lost:
        return bad(NOTICES, "triesLost", {**told, "role": lost[-1].role, "at": lost[-1].at}, hinders=False)
    if ours:
        return unknown(NOTICES, "some", {**told, "count": len(ours)})
    return good(NOTICES, told)


def best(found: Sequence[Certificate]) -> Certificate | None:
    """Return the certificate that a log-in has the best hope with: of good verdict, else of the fewest reasons."""
    return min(_for_log_in(found), key=_hopelessness, default=None)


def _hopelessness(one: Certificate) -> tuple[int, int]:
    status = one.verdict.status
    return _ORDER.index(status) if status in _ORDER else len(_ORDER), len(one.verdict.reasons)


def _for_log_in(found: Iterable[Certificate]) -> list[Certificate]:
    return [one for one in found if one.purpose == Purpose.AUTHENTICATION and not one.transport]


def card_is_read(facts: Facts) -> bool:
    """Tell whether the card that is looked at was read."""
    found = facts.reader
    return found is not None and found.state == "ready" and found.card is not None


def certificates_of(facts: Facts) -> list[Certificate]:
    """Return the card's certificates, as they are judged now, else as they were when it came."""
    if facts.validity.reply is not None:
        return facts.validity.reply.certificates
    found = facts.reader
    return found.card.certificates if found is not None and found.card is not None else []


def _known(reasons: Iterable[str], names: dict[str, str]) -> str | None:
    """Return what the most serious of `reasons` is called, in the order of `names`; None if none is among them."""
    found = frozenset(reasons)
    return next((name for reason, name in names.items() if reason in found), None)


def _of_another_check(reason: str) -> bool:
    return reason in _CHAIN_BAD or (of_revocation(reason) and reason != _REVOCATION_NOT_CHECKED)


def of_revocation(reason: str) -> bool:
    """Tell whether a reason is about revocation, or what is known of it."""
    return reason.startswith(_REVOCATION) or reason in _BY_EVIDENCE


def _told(one: Certificate) -> Told:
    return {
        "purpose": one.purpose,
        "identity": one.identity,
        "notBefore": one.not_before,
        "notAfter": one.not_after,
        "verdict": one.verdict.status,
        "reasons": list(one.verdict.reasons),
        "environment": one.environment,
        "transport": one.transport,
        "weaknesses": list(one.weaknesses),
        "key": one.key,
    }
