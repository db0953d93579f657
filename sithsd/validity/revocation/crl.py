"""What CRLs tell of a certificate (RFC 5280, 6.3): complete ones, partitions of them, and deltas.

A list counts if the CA that issued the certificate has signed it with the same key. Indirect lists, signed by others,
are refused: they would have to be proven by a path of their own, and no SITHS certificate is known to need them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography.x509 import ReasonFlags

from sithsd.certificate.names import normalized
from sithsd.certificate.read import Certificate
from sithsd.validity.moments import later
from sithsd.validity.policy import DESK, REFUSED_WEAKNESSES
from sithsd.validity.revocation.authority import Authority, UnprovenError, shortened
from sithsd.validity.revocation.combine import combine
from sithsd.validity.revocation.entries import Entry
from sithsd.validity.revocation.lists import RevocationList, parse
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source
from sithsd.validity.revocation.reason_names import ALL_REASONS, reason_name

__all__ = ["MAX_LISTS", "RevocationList", "UnprovenError", "examine", "parse", "weigh"]

MAX_LISTS = 16

_NOT_ALL = "the lists are not about all reasons"


@dataclass(frozen=True, slots=True)
class _Pair:
    """A complete list with the newest delta that goes with it."""

    complete: RevocationList
    delta: RevocationList | None

    def current(self, at: datetime, grace: timedelta) -> RevocationList | None:
        """Return the newer of the two that is in time, None if both have outlived their next update."""
        both = [one for one in (self.delta, self.complete) if one]
        in_time = [one for one in both if at <= one.next_update] or [
            one for one in both if at <= later(one.next_update, grace)
        ]
        return next(iter(in_time), None)

    def lookup(self, serial_number: int, at: datetime) -> tuple[Entry, RevocationList] | None:
        """Return the line that counts, and the list in which it stands (RFC 5280, 5.2.4 and 6.3.3 (i), (j)).

        Raises UnprovenError if the lines about the certificate make no sense.
        """
        listed = self.complete.lookup(serial_number)
        if listed is not None and listed.removed:
            raise UnprovenError("a complete list says that the certificate is removed from it")
        changed = self.delta.lookup(serial_number) if self.delta else None
        if changed is not None and self.delta is not None:
            if not changed.removed:
                return changed, self.delta
            # Only from a hold one comes back; what else is said to be removed has stayed what it was.
            if at <= self.delta.next_update and (listed is None or listed.reason is ReasonFlags.certificate_hold):
                return None
        return None if listed is None else (listed, self.complete)

    def check_made(self, at: datetime) -> None:
        """Raise UnprovenError if one of the two is from after `at`."""
        if any(one.this_update > later(at, DESK.skew) for one in (self.complete, self.delta) if one):
            raise UnprovenError("the list is from after this machine's clock")


def examine(  # noqa: PLR0913 - the lists, whom they are asked about, when, and where they come from
    lists: Sequence[bytes],
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    *,
    urls: Sequence[str | None] = (),
    fetched_at: datetime | None = None,
    refused: frozenset[str] = REFUSED_WEAKNESSES,
) -> Evidence:
    """Return what CRLs (DER) prove of `certificate`, which `issuer` has issued, at the moment `at` (aware).

    `urls` tell where each was had, in the same order. A list that proves nothing is passed over; it is told why if no
    other one helps. Who asks about several certificates parses once and calls `weigh`. Nothing is raised for any lists.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    proven: list[RevocationList] = []
    wrong: list[str] = []
    named = [*urls, *([None] * len(lists))]
    at = at.astimezone(UTC)
    try:
        Authority.of_issuer(issuer, certificate)
    except UnprovenError as error:
        return replace(_nothing(certificate), url=next(iter(urls), None), fetched_at=fetched_at, detail=str(error))
    for content, url in list(zip(lists, named, strict=False))[:MAX_LISTS]:
        try:
            proven.append(parse(content, issuer, url=url, fetched_at=fetched_at, refused=refused))
        except UnprovenError as error:
            wrong.append(str(error))
    evidence = weigh(proven, certificate, issuer, at)
    if evidence.failure is not Failure.INVALID:
        return evidence
    detail = shortened("; ".join(dict.fromkeys([*wrong, evidence.detail or ""])))
    return replace(evidence, detail=detail, url=evidence.url or next(iter(urls), None), fetched_at=fetched_at)


def weigh(
    lists: Sequence[RevocationList],
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    *,
    grace: timedelta = timedelta(0),
) -> Evidence:
    """Return what lists that have been parsed tell of `certificate` at the moment `at` (aware).

    It is good only where lists that are in time cover it for every reason there is, and no other one has a line about
    it that can't be read. Listed in an outdated one it stays revoked. A list is in time until `grace` after its next
    update: whether that counts is asked of the evidence, which tells the next update. That `issuer` has issued it is
    for the caller to know; here the names are compared. Nothing is raised for any lists.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    at = at.astimezone(UTC)
    nothing = _nothing(certificate)
    if normalized(certificate.issuer) != normalized(issuer.subject):
        return replace(nothing, detail="the certificate is not the issuer's")
    ours = [one for one in lists if one.issuer.fingerprint == issuer.fingerprint and one.scope.covers(certificate)]
    failed = [replace(nothing, detail="no list covers the certificate")]
    covered = frozenset[ReasonFlags]()
    good: list[Evidence] = []
    for told, reasons in _each(ours, certificate, at, grace):
        if told.status is RevocationStatus.REVOKED:
            return told
        if told.status is RevocationStatus.GOOD:
            covered |= reasons
            good.append(told)
        else:
            failed.insert(0, told)
    if covered >= ALL_REASONS and all(one.failure is Failure.STALE for one in failed[:-1]):
        return min(good, key=lambda evidence: evidence.next_update or at)
    if good and len(failed) == 1:
        return replace(good[0], status=RevocationStatus.UNKNOWN, failure=Failure.INVALID, detail=_NOT_ALL)
    return combine(failed)


def _each(
    lists: Sequence[RevocationList], certificate: Certificate, at: datetime, grace: timedelta
) -> Iterator[tuple[Evidence, frozenset[ReasonFlags]]]:
    """Yield what the deltas tell by themselves, then what each complete list with its delta does, for which reasons."""
    nothing = _nothing(certificate)
    try:
        if (listed := _listed_since(lists, certificate)) is not None:
            yield _revoked(nothing, *listed), ALL_REASONS
    except UnprovenError as error:
        yield replace(nothing, detail=shortened(str(error))), frozenset()
    for pair in _pairs(lists):
        yield _of_pair(pair, certificate, at, grace), pair.complete.scope.covers(certificate)


def _of_pair(pair: _Pair, certificate: Certificate, at: datetime, grace: timedelta) -> Evidence:
    nothing = _nothing(certificate)
    current = pair.current(at, grace)
    told = _told(nothing, current or pair.complete)
    try:
        found = pair.lookup(certificate.serial_number, at)
        if found is not None:  # which it stays, whatever the clock says
            return _revoked(nothing, *found)
        pair.check_made(at)
    except UnprovenError as error:
        return replace(told, detail=shortened(str(error)))
    if current is None:
        return replace(told, failure=Failure.STALE, detail="the list has outlived its next update")
    return replace(told, status=RevocationStatus.GOOD, failure=None)


def _pairs(lists: Sequence[RevocationList]) -> Iterator[_Pair]:
    """Yield the newest complete list of each scope, with the newest delta that goes with it."""
    newest: dict[object, RevocationList] = {}
    for one in lists:
        if one.base is None and (one.scope not in newest or _age(newest[one.scope]) < _age(one)):
            newest[one.scope] = one
    for complete in newest.values():
        fitting = (one for one in lists if _goes_with(one, complete))
        yield _Pair(complete, max(fitting, key=lambda one: one.number or 0, default=None))


def _listed_since(lists: Sequence[RevocationList], certificate: Certificate) -> tuple[Entry, RevocationList] | None:
    """Return the line of a delta by which the certificate was revoked after the complete lists, None if there is none.

    Whether that delta goes with one of them or not: it is as much the issuer's word, and the list that it begins with
    may not be at hand yet. A hold counts unless a later delta ends it. Raises UnprovenError if a line can't be read.
    """
    deltas = [one for one in lists if one.base is not None and not _is_outdated(one, lists, certificate)]
    found = [(one.lookup(certificate.serial_number), one) for one in sorted(deltas, key=_age)]
    lines = [(line, one) for line, one in found if line is not None]
    for line, one in lines:
        if not line.removed and line.reason is not ReasonFlags.certificate_hold:
            return line, one
    return None if not lines or lines[-1][0].removed else lines[-1]


def _is_outdated(delta: RevocationList, lists: Sequence[RevocationList], certificate: Certificate) -> bool:
    """Whether a complete list about at least the same is as new as `delta`: it has what the delta told."""
    told = delta.scope.covers(certificate)
    complete = (one for one in lists if one.base is None and _age(one) >= _age(delta))
    return any(one.scope.covers(certificate) >= told for one in complete)


def _age(complete: RevocationList) -> tuple[datetime, int]:
    return complete.this_update, complete.number or 0


def _goes_with(delta: RevocationList, complete: RevocationList) -> bool:
    """RFC 5280, 5.2.4: of one issuer and one scope, and begun no later than the complete list, which is older."""
    if delta.base is None or delta.number is None or complete.number is None or delta.scope != complete.scope:
        return False
    return delta.base <= complete.number < delta.number


def _nothing(certificate: Certificate) -> Evidence:
    return Evidence(
        certificate.fingerprint,
        certificate.serial_number,
        RevocationStatus.UNKNOWN,
        Source.CRL,
        failure=Failure.INVALID,
    )


def _told(nothing: Evidence, by: RevocationList) -> Evidence:
    return replace(
        nothing,
        url=by.url,
        signer=by.issuer.masked_subject,
        this_update=by.this_update,
        next_update=by.next_update,
        produced_at=by.this_update,
        fetched_at=by.fetched_at,
    )


def _revoked(nothing: Evidence, entry: Entry, by: RevocationList) -> Evidence:
    return replace(
        _told(nothing, by),
        status=RevocationStatus.REVOKED,
        failure=None,
        revoked_at=entry.revoked_at,
        revocation_reason=reason_name(entry.reason),
    )
