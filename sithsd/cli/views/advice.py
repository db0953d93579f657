"""What a person has to do because of a card's dates: what, when, and why.

Cards are ordered, collected and handed out in Sweden, so the times are those of its clocks, wherever the machine is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from sithsd.cli.moments import in_sweden, moment
from sithsd.cli.replies import Advice
from sithsd.cli.views.layout import CAUTION, HEADING, Row, facts, indented, section
from sithsd.cli.words import Words

# Of these a person has to know; the others are for those who plan ahead, and no alarm.
_CALM = frozenset({"order.mayNow", "order.from"})
# Something lasts until then, and is not to be done before.
_LASTING = frozenset({"carry.card"})
_DAY = timedelta(days=1)


def advice_view(advice: Sequence[Advice], words: Words) -> RenderableType:
    """Return what is to be done, the most urgent first as the daemon has it; what is not known here is shown as is."""
    parts: list[RenderableType] = []
    for one in advice:
        style = HEADING if one.action in _CALM else CAUTION
        rows: list[Row] = [
            (words.say(f"label-{label}"), Text(value))
            for label, value in (("when", when(one, words)), ("why", why(one, words)), ("mind", mind(one, words)))
            if value
        ]
        parts += [Text(words.name("action", one.action), style=style), indented(facts(rows))]
    return section(words.say("label-to-do"), Group(*parts))


def short(one: Advice, words: Words) -> str:
    """Return what is to be done and when, in a line."""
    told, moments = words.name("action", one.action), when(one, words)
    return f"{told} ({moments})" if moments else told


def when(one: Advice, words: Words) -> str:
    """Return from when and until when; empty where no moment is told."""
    since, by = _moment(one.since), _moment(one.by)
    told = [] if since is None else [_since(since, words)]
    if by is not None:
        told.append(_by(by, words, "until" if one.action in _LASTING else "by"))
    return ", ".join(told)


def why(one: Advice, words: Words) -> str:
    """Return the rule as a sentence, with the freeze that it is about."""
    told = [words.name("why", one.rule)]
    begins, ends = _moment(one.freeze_begins), _moment(one.freeze_ends)
    if begins is not None and ends is not None:
        days = {"from": in_sweden(begins).date().isoformat(), "to": _last_day(ends)}
        told.append(words.say("freeze-days", **days))
    return " ".join(told)


def mind(one: Advice, words: Words) -> str:
    """Return for how long such an order or such a card is valid; empty where it is not told."""
    key = "reserve-months" if one.action.startswith("reserve.") and one.action != "reserve.replace" else "order-months"
    return "" if one.months is None else words.say(key, months=one.months)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _since(at: datetime, words: Words) -> str:
    clock = in_sweden(at)
    if clock.strftime("%H:%M:%S") == "00:00:00":
        return words.say("since-day", day=clock.date().isoformat())
    return words.say("since-time", day=clock.date().isoformat(), time=clock.strftime("%H:%M"))


def _by(at: datetime, words: Words, what: str) -> str:
    """Tell a deadline by its last day where it is a day's end: "before 1 December, 00:00" is read as that day."""
    clock = in_sweden(at)
    if clock.strftime("%H:%M:%S") in {"00:00:00", "23:59:59"}:
        return words.say(f"{what}-day", day=_last_day(at))
    return words.say(f"{what}-time", day=clock.date().isoformat(), time=clock.strftime("%H:%M"))


def _last_day(ends: datetime) -> str:
    """Return the last day before a moment."""
    clock = in_sweden(ends)
    day = clock.date() - _DAY if clock.strftime("%H:%M:%S") == "00:00:00" else clock.date()
    return day.isoformat()
