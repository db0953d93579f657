"""The audit, for people: a verdict in sentences, and rows in a table or, where that has no room, two lines each."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sithsd.audit.model import Row
from sithsd.audit.verify import Finding, Verdict
from sithsd.cli.moments import local_time
from sithsd.cli.views.layout import BAD, CAUTION, GOOD, LABEL, columns, indented, outside
from sithsd.cli.words import Words

_NOTHING = "-"


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict for a script."""
    return {
        "ok": verdict.ok,
        "finding": str(verdict.finding),
        "number": verdict.number,
        "detail": verdict.detail,
        "rows": verdict.rows,
        "first": verdict.first,
        "last": verdict.last,
        "head": verdict.head,
        "removedTo": verdict.removed_to,
        "pending": verdict.pending,
    }


def verdict_sentences(verdict: Verdict, words: Words) -> list[str]:
    """Return what a person is told: first the verdict itself, then what else there is to know."""
    if verdict.ok:
        told = [_whole(verdict, words)]
    elif verdict.finding is Finding.CHANGED and verdict.number is None:
        told = [words.say("audit-changed-beside")]
    elif verdict.number is not None:
        told = [words.say(f"audit-{verdict.finding}", number=_number(verdict.number))]
    else:
        told = [words.say(f"audit-{verdict.finding}")]
    if not verdict.ok and verdict.first is not None and verdict.last is not None and verdict.number is not None:
        told.append(words.say("audit-good-before", first=_number(verdict.first), last=_number(verdict.last)))
    if verdict.removed_to:
        told.append(words.say("audit-removed", number=_number(verdict.removed_to)))
    if verdict.pending:
        told.append(words.say("audit-pending", count=verdict.pending))
    if verdict.ok and verdict.head is not None:
        told.append(words.say("audit-head", hash=verdict.head))
    return told


def rows_view(found: Sequence[Row], words: Words, *, wide: bool) -> RenderableType:
    """Return rows, the oldest first."""
    if not found:
        return Text(words.say("audit-none"))
    if not wide:
        return Group(*(_lines(row, words) for row in found))
    names = ("number", "time", "what", "result", "tries", "card", "reader", "who")
    headings = [words.say(f"audit-column-{name}") for name in names]
    return columns(headings, [_cells(row, words) for row in found])


def _whole(verdict: Verdict, words: Words) -> str:
    if verdict.first is None or verdict.last is None:
        return words.say("audit-whole-empty")
    return words.say("audit-whole", count=verdict.rows, first=_number(verdict.first), last=_number(verdict.last))


def _number(value: int) -> str:
    """Return a row's number: a name, which no language groups by thousands."""
    return str(value)


def _cells(row: Row, words: Words) -> list[RenderableType]:
    return [
        Text(str(row.number)),
        Text(local_time(str(row.time))),
        _what(row, words),
        _result(row, words),
        _tries(row),
        outside(str(row.card_serial or _NOTHING)),
        outside(str(row.reader or _NOTHING)),
        _who(row, words),
    ]


def _lines(row: Row, words: Words) -> RenderableType:
    first = Text.assemble(f"{row.number}  {local_time(str(row.time))}  ", _what(row, words), ": ", _result(row, words))
    if row.tries_before is not None or row.tries_after is not None:
        first.append(f"  ({words.say('audit-column-tries').lower()} ").append_text(_tries(row)).append(")")
    parts = [str(part) for part in (row.card_serial, row.reader) if part is not None]
    second = outside(", ".join(parts), LABEL)
    if row.uid is not None or row.program is not None:
        second.append(", " if parts else "").append_text(_who(row, words))
    return Group(first, indented(second, 4)) if second else first


def _what(row: Row, words: Words) -> Text:
    told = Text(words.name("audit-operation", str(row.operation)))
    if row.role is not None:
        told.append(f", {words.name('role', str(row.role))}")
    description = _description(row)
    return (
        told
        if description is None
        else told.append(" ").append_text(
            outside(f"\N{LEFT DOUBLE QUOTATION MARK}{description}\N{RIGHT DOUBLE QUOTATION MARK}")
        )
    )


def _description(row: Row) -> str | None:
    """Return what a client said that is signed, None where there is nothing of the sort."""
    more = row.as_json()["more"]
    description = more.get("description") if isinstance(more, dict) else None
    return description if isinstance(description, str) else None


def _result(row: Row, words: Words) -> Text:
    style = {"done": GOOD, "unknown": CAUTION, "happened": "", "didNotHappen": ""}.get(str(row.result), BAD)
    return Text(words.name("audit-result", str(row.result)), style=style)


def _tries(row: Row) -> Text:
    before, after = ("?" if value is None else str(value) for value in (row.tries_before, row.tries_after))
    return Text(_NOTHING if (before, after) == ("?", "?") else f"{before} > {after}")


def _who(row: Row, words: Words) -> Text:
    if row.uid is None and row.program is None:
        return Text(_NOTHING)
    return outside(words.say("audit-who", program=str(row.program or "?"), uid=str(row.uid), pid=str(row.pid)))
