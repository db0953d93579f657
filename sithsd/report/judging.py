"""From entries to findings: certificates by the judge of many, mere dates by the clock; nothing is lost on the way."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sithsd.report.model import Entry, Finding, Reject, Standing, Why
from sithsd.validity import reasons
from sithsd.validity.bulk.partitions import Deliver, judge_rows
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow, JudgedRow
from sithsd.values import Purpose, Status

NOT_SEEN: Final = "certificate.notSeen"
"""The reason of a card of which a list tells the dates alone: nobody has seen a certificate."""

Take = Callable[[Finding | Reject], None]


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judges: this process, or those of an executor; `deliver` is for those of other machines."""

    executor: Executor | None = None
    deliver: Deliver | None = None


def judge_all(
    items: Iterable[Entry | Reject],
    setup: BulkSetup,
    judges: Judges,
    take: Take,
    warn: Callable[[str], None],
) -> None:
    """Judge every entry and have `take` called with what is found of it, and with every reject: each exactly once.

    The order is that of the items among certificates, and among all others. `warn` is told which CRLs are not used.
    Raises BulkError if the processes that judge end.
    """
    waiting: dict[int, Entry] = {}

    def rows() -> Iterator[CertificateRow]:
        for number, item in enumerate(items):
            if isinstance(item, Reject):
                take(item)
            elif item.der is None:
                take(_dated(item, setup.at))
            else:
                waiting[number] = replace(item, der=None)
                yield CertificateRow(number, item.der)

    for chunk in judge_rows(rows(), setup, judges.executor, deliver=judges.deliver, warn=warn):
        for _, judged in chunk:
            take(_judged(waiting.pop(judged.line), judged))
    if waiting:
        raise RuntimeError(f"{len(waiting)} rows were not judged")


def _dated(entry: Entry, at: datetime) -> Finding | Reject:
    if entry.not_after is None:
        return Reject(entry.place, Why.EMPTY)
    found: tuple[str, ...] = (NOT_SEEN,)
    standing = Standing.UNKNOWN
    if at > entry.not_after:
        found, standing = (reasons.DATE_EXPIRED, NOT_SEEN), Standing.EXPIRED
    elif entry.not_before is not None and at < entry.not_before:
        found, standing = (reasons.DATE_NOT_YET_VALID, NOT_SEEN), Standing.BAD
    return Finding(
        entry, standing, found, entry.not_before, entry.not_after, entry.kind, entry.environment, card=entry.card
    )


def _judged(entry: Entry, judged: JudgedRow) -> Finding | Reject:
    if judged.rejected is not None or judged.not_after is None:
        return Reject(entry.place, Why.CERTIFICATE_UNREADABLE)
    if judged.purpose is Purpose.ISSUER:
        return Reject(entry.place, Why.CERTIFICATE_OF_ISSUER)
    named = replace(
        entry,
        name=entry.name or judged.holder,
        holder=entry.holder or (judged.hsa_id.casefold() if judged.hsa_id else None),
    )
    return Finding(
        named,
        _standing(judged),
        judged.reasons,
        judged.not_before,
        judged.not_after,
        judged.kind,
        judged.environment,
        judged.level,
        judged.card_number or entry.card,
    )


def _standing(judged: JudgedRow) -> Standing:
    """Return the one word for a verdict: what has expired and is nothing worse is told as such."""
    if judged.status is Status.GOOD:
        return Standing.VALID
    if judged.status is Status.UNKNOWN:
        return Standing.UNKNOWN
    if reasons.REVOCATION_REVOKED in judged.reasons:
        return Standing.REVOKED
    if reasons.DATE_EXPIRED not in judged.reasons:
        return Standing.BAD
    worse = [one for one in judged.reasons if one not in {reasons.DATE_EXPIRED, reasons.CHAIN_EXPIRED}]
    return Standing.BAD if reasons.verdict(worse).status is Status.BAD else Standing.EXPIRED
