"""Days and steps in words."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sithsd.report.dates import swedish
from sithsd.report.model import Step
from sithsd.report.words import Words

# Whoever has until midnight has until the day before; a card that ends at the last second of a day ends on that day.
_LEAST: Final = timedelta(microseconds=1)
_DAY_ENDS: Final = time(23, 59)
# The rules of cards that can't be used any more.
_USELESS: Final = frozenset({"card.ended", "card.revoked"})
# The moment of these is the card's own end, whose clock time is nobody's business.
_OWN_END: Final = frozenset({"renew.soon", "reserve.replace"})


@dataclass(frozen=True, slots=True)
class Told:
    """A step in words: what to do, when, why. `day` is the last day for it, None where there is none.

    `at_once`: whoever has the card can't use it any more, so no day is early enough.
    """

    what: str
    when: str
    why: str
    day: date | None
    at_once: bool


def day_of(at: datetime) -> date:
    """Return the day of a moment in Sweden."""
    return swedish(at).date()


def last_day(by: datetime) -> date:
    """Return the last day on which there is time left before `by`."""
    return day_of(by - _LEAST)


def told(step: Step, at: datetime, words: Words) -> Told:
    """Return a step in words, as it stands at the moment `at`."""
    why = words.name("report-rule", step.rule)
    if step.freeze is not None and step.freeze_begins is not None and step.freeze_ends is not None:
        why = words.say(
            "report-because-freeze",
            why=why,
            begins=day_of(step.freeze_begins).isoformat(),
            ends=last_day(step.freeze_ends).isoformat(),
        )
    return Told(
        what=words.name("report-action", step.action),
        when=_when(step, at, words),
        why=why,
        day=None if step.by is None else last_day(step.by),
        at_once=at_once(step, at),
    )


def at_once(step: Step, at: datetime) -> bool:
    """Tell whether a step is for somebody without a card that can be used, and can be taken now."""
    possible = step.since is None or step.since <= at
    return possible and (step.by is None or step.rule in _USELESS)


def _when(step: Step, at: datetime, words: Words) -> str:
    by = None if step.by is None else _by(step, step.by)
    if step.since is not None and step.since > at:
        since = _moment(step.since)
        return words.say("report-from-by", since=since, by=by) if by else words.say("report-from", since=since)
    if by is None:
        return words.say("report-at-once")
    return words.say("report-at-once-by" if at_once(step, at) else "report-by", by=by)


def _by(step: Step, by: datetime) -> str:
    return last_day(by).isoformat() if step.action in _OWN_END else _moment(by - _LEAST, _LEAST)


def _moment(at: datetime, more: timedelta = timedelta()) -> str:
    """Return the day, with the clock time where it is not a day's beginning or end."""
    local = swedish(at)
    if local.time() >= _DAY_ENDS or local.time() == time():
        return local.date().isoformat()
    return f"{(local + more):%Y-%m-%d %H:%M}"
