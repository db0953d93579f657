"""The days by which something has to be done, as a calendar (iCalendar, RFC 5545): an event a unit and day."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO, Final

from icalendar import Alarm, Calendar, Event

from sithsd.report.model import Card
from sithsd.report.phrases import day_of, told
from sithsd.report.words import Words

_NAMED: Final = 50
"""So many people are named in one event."""
_EARLIER: Final = timedelta(days=7)
"""So long before its day the alarm of an event goes off; at once where that has passed."""
_END: Final = b"END:VCALENDAR\r\n"
_PRODUCT: Final = "-//sithsd//report//"


class Agenda:
    """Gathers cards into events. Only as many names are held as are written."""

    def __init__(self, at: datetime, words: Words) -> None:
        """Take the moment for which the report is made."""
        self._at = at
        self._words = words
        self._days: dict[tuple[date, str, str], tuple[int, list[str]]] = {}

    def add(self, cards: Iterable[Card]) -> None:
        """Take cards with something to do. What has no last day stands on the report's day, or when it can be done."""
        for card in cards:
            if not card.steps:
                continue
            step, since = told(card.steps[0], self._at, self._words), card.steps[0].since
            begins = day_of(max(since, self._at) if since else self._at)
            day = begins if step.at_once or step.day is None else step.day
            count, names = self._days.get((day, card.unit or "", step.what), (0, []))
            if len(names) < _NAMED:
                names.append(card.who or self._words.say("report-row", file=card.place.file, line=card.place.line))
            self._days[day, card.unit or "", step.what] = count + 1, names

    def write(self, file: BinaryIO) -> None:
        """Write the calendar."""
        calendar = Calendar()
        calendar.add("prodid", f"{_PRODUCT}{self._words.language.upper()}")
        calendar.add("version", "2.0")
        calendar.add("method", "PUBLISH")
        calendar.add("x-wr-calname", self._words.say("report-title"))
        head = calendar.to_ical().removesuffix(_END)
        file.write(head)
        # One after the other: there may be tens of thousands.
        file.writelines(event.to_ical() for event in self._events())
        file.write(_END)

    def _events(self) -> Iterator[Event]:
        words = self._words
        for (day, unit, what), (count, names) in sorted(self._days.items(), key=lambda one: one[0]):
            event = Event()
            # The same unit, day and thing to do is the same event in the next report: the newer one takes its place.
            digest = hashlib.sha256(f"{day}\n{unit.casefold()}\n{what}".encode()).hexdigest()[:32]
            event.add("uid", f"{digest}@sithsd.report")
            event.add("dtstamp", self._at.astimezone(UTC))
            event.add("dtstart", day)
            event.add("dtend", day + timedelta(days=1))
            event.add("transp", "TRANSPARENT")
            summary = words.say("report-event", what=what, count=count, unit=unit or words.say("report-no-unit"))
            event.add("summary", summary)
            more = [words.say("report-event-more", count=count - len(names))] if count > len(names) else []
            event.add("description", "\n".join([*names, *more]))
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", summary)
            alarm.add("trigger", -_EARLIER)
            event.add_component(alarm)
            yield event
