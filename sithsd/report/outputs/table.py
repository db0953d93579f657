"""The cards as a table for spreadsheets, and the rows that were not used: CSV (RFC 4180).

UTF-8 with a byte order mark, without which Excel takes it for something else; semicolons in Swedish, as Excel has it
there. No cell begins like a formula.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO

from sithsd.report.model import Card, Reject
from sithsd.report.phrases import day_of, told
from sithsd.report.words import Words
from sithsd.spreadsheet import cell

_HEAD = (
    *("unit", "who", "ends", "standing", "what", "by", "when", "why"),
    *("kind", "environment", "level", "reasons", "file", "line"),
)
_REJECTS_HEAD = ("file", "line", "reject", "name")


def write_table(file: BinaryIO, cards: Iterable[Card], at: datetime, words: Words) -> None:
    """Write cards, a row each, as they stand at the moment `at`."""
    rows = _Rows(file, words, _HEAD)
    for card in cards:
        steps = [told(step, at, words) for step in card.steps]
        first = steps[0] if steps else None
        rows.write(
            (
                card.unit,
                card.who,
                day_of(card.not_after).isoformat(),
                words.name("report-standing", card.standing),
                "; ".join(step.what for step in steps),
                first.day.isoformat() if first and first.day else "",
                first.when if first else "",
                first.why if first else "",
                words.name("report-kind", card.kind),
                card.environment.value,
                card.level,
                "; ".join(words.name("reason", reason) for reason in card.reasons),
                card.place.file,
                card.place.line,
            )
        )
    rows.close()


def write_rejects(file: BinaryIO, rejects: Iterable[Reject], words: Words) -> None:
    """Write the rows that were not used: file, line, reason in words and by name. Nothing of the row itself."""
    rows = _Rows(file, words, _REJECTS_HEAD)
    for reject in rejects:
        place = reject.place
        rows.write((place.file, place.line, words.name("report-reject", reject.why), reject.why.value))
    rows.close()


class _Rows:
    def __init__(self, file: BinaryIO, words: Words, head: Iterable[str]) -> None:
        self._text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=False)
        self._writer = csv.writer(self._text, delimiter=words.say("report-csv-separator"))
        self._writer.writerow([words.say(f"report-column-{name}") for name in head])

    def write(self, values: Iterable[Any]) -> None:
        self._writer.writerow([cell(value) for value in values])

    def close(self) -> None:
        self._text.flush()
        self._text.detach()
