"""For how long an answer about revocation counts, and what its falling short is called."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sithsd.validity import reasons
from sithsd.validity.moments import later
from sithsd.validity.policy import DESK, UsePolicy
from sithsd.validity.revocation.combine import combine
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus

_REASONS = {
    Failure.CHAIN_UNKNOWN: reasons.REVOCATION_NOT_CHECKED,
    Failure.NO_SOURCE: reasons.REVOCATION_NO_SOURCE,
    Failure.UNREACHABLE: reasons.REVOCATION_UNREACHABLE,
    Failure.INVALID: reasons.REVOCATION_INVALID,
    Failure.NOT_KNOWN_THERE: reasons.REVOCATION_NOT_KNOWN,
    Failure.STALE: reasons.REVOCATION_STALE,
}


def fresh_until(evidence: Evidence, use: UsePolicy, *, issuer: bool = False) -> datetime | None:
    """Return until when an answer counts for this use, the moment itself included; None if it never did.

    `issuer`: it is about a CA.
    """
    if evidence.this_update is None:
        return None
    due = use.due(evidence.this_update, evidence.next_update)
    longest = use.longest_age_of_issuers if issuer else use.longest_age
    return min(later(due, use.grace), later(evidence.this_update, longest))


def stale_by(evidence: Evidence, now: datetime, use: UsePolicy = DESK) -> timedelta | None:
    """Return how long ago newer information than this was due (`UsePolicy.due`), None if it is not due yet or unknown.

    A grace changes nothing about it.
    """
    if evidence.this_update is None:
        return None
    due = use.due(evidence.this_update, evidence.next_update)
    return now - due if now > due else None


def reason(evidence: Evidence | None, at: datetime, use: UsePolicy, *, issuer: bool = False) -> str | None:
    """Return the reason that an answer gives a verdict, None if it is good and counts. `issuer`: it is about a CA."""
    if evidence is None:
        return reasons.REVOCATION_NOT_CHECKED
    if evidence.status is RevocationStatus.REVOKED:
        return reasons.CHAIN_REVOKED if issuer else reasons.REVOCATION_REVOKED
    if evidence.this_update is not None and evidence.this_update > later(at, use.skew):
        return reasons.CLOCK_BEHIND
    if evidence.failure is not None:
        return _REASONS[evidence.failure]
    until = fresh_until(evidence, use, issuer=issuer)
    if until is None:
        return reasons.REVOCATION_INVALID
    return reasons.REVOCATION_STALE if at > until else None


def choose(answers: Sequence[Evidence], at: datetime, use: UsePolicy, *, issuer: bool = False) -> Evidence | None:
    """Return the answer that counts of those about one certificate, None for none.

    As `combine` says; but where one counts at `at`, no other failure or outdated answer stands in its way.
    """
    if not answers:
        return None
    counting = [answer for answer in answers if reason(answer, at, use, issuer=issuer) is None]
    revoked = [answer for answer in answers if answer.status is RevocationStatus.REVOKED]
    return combine([*revoked, *counting] if counting else answers)


def turning_points(evidence: Evidence, use: UsePolicy, *, issuer: bool = False) -> tuple[datetime, ...]:
    """Return the moments from which on the answer may mean something else, in no order."""
    if evidence.this_update is None:
        return ()
    points = [later(evidence.this_update, -use.skew)]
    if (until := fresh_until(evidence, use, issuer=issuer)) is not None:
        points.append(later(until, datetime.resolution))
    return tuple(points)
