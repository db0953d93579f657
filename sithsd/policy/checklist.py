"""The checklist of an activation: what a desk asks before it hands over a card, and whether the answers are enough.

No number of a document is asked for or kept: an answer is yes, no, or a date.
"""

import calendar
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from sithsd.clock import Clock

Answer = bool | date

_MONTHS_A_YEAR = 12


class Kind(StrEnum):
    """How an item is answered."""

    CONFIRM = "confirm"
    QUESTION = "question"
    DATE = "date"


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item.

    "confirm" has to be answered yes, "question" either way, "date" by a day that is not to come and, with
    `max_age_months`, not older than that many calendar months. With `when` the item counts only if the question of that
    id was answered yes. `sv` and `en` are what the person at the desk reads.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][A-Za-z0-9]{0,31}$")]
    kind: Kind
    sv: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    en: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    max_age_months: Annotated[int, msgspec.Meta(ge=1, le=1200)] | None = None
    when: str | None = None

    def __post_init__(self) -> None:
        if self.max_age_months is not None and self.kind is not Kind.DATE:
            raise ValueError(f"item {self.id!r}: only a date has max_age_months")


def contradiction(items: Sequence[Item]) -> str | None:
    """Return why a list of items can't be asked, None if it can: ids are unique, `when` names a question before."""
    kinds: dict[str, Kind] = {}
    for item in items:
        if item.id in kinds:
            return f"two items have the id {item.id!r}"
        if item.when is not None and kinds.get(item.when) is not Kind.QUESTION:
            return f"item {item.id!r}: when names no question before it"
        kinds[item.id] = item.kind
    return None


def asked(items: Sequence[Item], answers: Mapping[str, Answer]) -> tuple[Item, ...]:
    """Return the items that count with these answers, in their order."""
    counting: list[Item] = []
    for item in items:
        # An item that hangs on a question which itself does not count does not count either.
        if item.when is None or (answers.get(item.when) is True and any(one.id == item.when for one in counting)):
            counting.append(item)
    return tuple(counting)


def open_items(items: Sequence[Item], answers: Mapping[str, Answer], today: date) -> tuple[str, ...]:
    """Return the ids of the items whose answer is missing, of the wrong kind, no, to come or too old; none: go on."""
    return tuple(item.id for item in asked(items, answers) if not fulfils(item, answers.get(item.id), today))


def fulfils(item: Item, answer: Answer | None, today: date) -> bool:
    """Tell whether an answer is enough for one item."""
    if item.kind is Kind.CONFIRM:
        return answer is True
    if item.kind is Kind.QUESTION:
        return isinstance(answer, bool)
    if not isinstance(answer, date) or answer > today:
        return False
    return item.max_age_months is None or today <= months_later(answer, item.max_age_months)


def months_later(day: date, months: int) -> date:
    """Return the same day of the month that many calendar months later; its last day where it has no such day."""
    year, month = divmod(day.year * _MONTHS_A_YEAR + day.month - 1 + months, _MONTHS_A_YEAR)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def today_in_sweden(clock: Clock) -> date:
    """Return the date at the desk, which is not UTC's for an hour or two of each day."""
    return clock.now().astimezone(ZoneInfo("Europe/Stockholm")).date()
