"""The report as JSON: names that stay the same in every language and release, and every card."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from sithsd.report.model import Card
from sithsd.report.summary import Summary, Unit


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return everything but the cards."""
    counts = {_camel(name): getattr(summary.counts, name) for name in summary.counts.__dataclass_fields__}
    return {
        "at": _time(summary.at),
        "warnDays": summary.warn_days,
        "revocationChecked": summary.revocation_checked,
        "unusedLists": summary.problems,
        "inputs": [
            {
                "file": one.name,
                "form": one.form,
                "entries": one.entries,
                "rejected": one.rejected,
                "withoutCertificate": one.without,
                "unusedColumns": len(one.unused),
            }
            for one in summary.inputs
        ],
        "counts": counts,
        "reasons": dict(summary.reasons),
        "rejects": {why.value: n for why, n in summary.rejects},
        "actions": [{"action": action, "cards": n, "firstBy": _time(by)} for action, n, by in summary.actions],
        "freezes": [
            {
                "name": one.name,
                "begins": _time(one.begins),
                "ends": _time(one.ends),
                "totalStopFrom": _time(one.stop_begins),
                "totalStopUntil": _time(one.stop_ends),
            }
            for one in summary.freezes
        ],
        "weeks": [
            {"monday": one.monday.isoformat(), "ends": one.ends, "inFreeze": one.in_freeze} for one in summary.weeks
        ],
        "later": summary.later,
        "units": [_unit(one) for one in summary.units],
    }


def pieces(summary: Summary, cards: Iterable[Card]) -> Iterator[str]:
    """Yield the whole report in pieces of text: an object with the summary's fields, and `cards` last, a line each."""
    whole = msgspec.json.encode(summary_json(summary)).decode()
    yield whole[:-1] + ',"cards":['
    separator = "\n"
    for card in cards:
        yield separator + msgspec.json.encode(card_json(card)).decode()
        separator = ",\n"
    yield "\n]}\n"


def card_json(card: Card) -> dict[str, Any]:
    """Return one card."""
    return {
        "file": card.place.file,
        "line": card.place.line,
        "unit": card.unit,
        "who": card.who,
        "notBefore": _time(card.not_before),
        "notAfter": _time(card.not_after),
        "kind": card.kind,
        "environment": card.environment,
        "level": card.level,
        "standing": card.standing,
        "reasons": card.reasons,
        "evidence": card.evidence,
        "certificates": card.certificates,
        "steps": card.steps,
    }


def _unit(unit: Unit) -> dict[str, Any]:
    return {"unit": unit.name, "cards": unit.cards, "acting": unit.acting, "firstBy": _time(unit.first_by)}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
