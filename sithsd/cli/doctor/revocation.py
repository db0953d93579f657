"""Checks of what is known of revocation: does somebody ask, does somebody answer, and what is the answer worth."""

from urllib.parse import urlsplit

from sithsd.cli.doctor.check import Check, Told, bad, good, skipped, unknown
from sithsd.cli.doctor.facts import Facts
from sithsd.cli.doctor.trust import best, card_is_read, certificates_of, of_revocation
from sithsd.cli.replies import Certificate, Evidence, FetchDiagnosis

FETCH, REVOCATION = "fetch", "revocation"

_BAD = "bad"
# What leaves it unknown, the most telling first: by a reason of the verdict, and what is found.
_UNKNOWN = {
    "revocation.notKnown": "notKnown",
    "revocation.invalid": "invalid",
    "revocation.stale": "stale",
    "revocation.unreachable": "unreachable",
    "revocation.noSource": "noSource",
    "revocation.notChecked": "notChecked",
}


def fetch(facts: Facts) -> Check:
    """Tell whether the program that asks about revocation runs, trusts somebody, and is answered."""
    diagnosis = facts.diagnosis.reply
    if diagnosis is None:
        return skipped(FETCH)
    found = diagnosis.fetch
    told: Told = {"socket": diagnosis.fetch_socket, "running": found is not None}
    if diagnosis.fetch_socket is None:
        return unknown(FETCH, "untold", told)
    if found is None:
        return bad(FETCH, "absent", told, hinders=False)
    told |= _told(found)
    return _answers(found, told)


def revocation(facts: Facts) -> Check:
    """Tell whether somebody looked if the certificate was revoked, and what came of it."""
    one = best(certificates_of(facts)) if card_is_read(facts) else None
    if one is None:
        return skipped(REVOCATION)
    reasons = [reason for reason in one.verdict.reasons if of_revocation(reason)]
    told: Told = {
        "reasons": reasons,
        "nextCheck": one.next_check,
        "evidence": [_evidence(each, one) for each in one.evidence],
    }
    if not reasons:
        return good(REVOCATION, told)
    told["reason"] = reasons[0]
    if one.verdict.status == _BAD and any(reason not in _UNKNOWN for reason in reasons):
        return bad(REVOCATION, "refused", told)
    finding = next((name for reason, name in _UNKNOWN.items() if reason in reasons), "untold")
    if finding == "stale":
        hours = [each.stale_hours for each in one.evidence if each.stale_hours is not None]
        finding, told = ("stale", {**told, "hours": max(hours)}) if hours else ("untold", told)
    return unknown(REVOCATION, finding, told)


def _evidence(found: Evidence, one: Certificate) -> Told:
    """Return what support gets of a piece of evidence: nothing that tells whose certificate it is."""
    return {
        "own": found.fingerprint == one.fingerprint,
        "status": found.status,
        "failure": found.failure,
        "source": found.source,
        "place": _host(found.url or ""),
        "staleHours": found.stale_hours,
    }


def _answers(found: FetchDiagnosis, told: Told) -> Check:
    if not found.anchors:
        return bad(FETCH, "noAnchors", told, hinders=False)
    if found.failing:
        worst = max(found.failing, key=lambda one: one.failures)
        place = {"place": _host(worst.url), "failures": worst.failures, "count": len(found.failing)}
        return bad(FETCH, "failing" if found.last_success else "failingAll", {**told, **place}, hinders=False)
    return good(FETCH, {**told, "at": found.last_success}) if found.last_success else good(FETCH, told, "idle")


def _told(found: FetchDiagnosis) -> Told:
    return {
        "startedAt": found.started,
        "lastSuccess": found.last_success,
        "stored": found.stored,
        "waiting": found.waiting,
        "anchors": found.anchors,
        "failingPlaces": [
            {"place": _host(one.url), "failures": one.failures, "nextTry": one.next_try} for one in found.failing
        ],
    }


def _host(url: str) -> str:
    """Return whom a URL asks."""
    try:
        return urlsplit(url).netloc or "?"
    except ValueError:
        return "?"
