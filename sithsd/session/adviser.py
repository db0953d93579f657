"""What a person has to do because of the dates of the card that is in, and until when that holds."""

from datetime import datetime

from sithsd.session.model import InsertedCard
from sithsd.validity.calendar import Advice, Calendar, CardDates, card_dates
from sithsd.values import CardKind


class Adviser:
    """The calendar, asked about cards. By a clock before `plausible_from` nothing is advised: it tells no dates."""

    def __init__(self, calendar: Calendar, plausible_from: datetime) -> None:
        self._calendar = calendar
        self._plausible_from = plausible_from

    def of(self, card: InsertedCard, at: datetime) -> tuple[Advice, ...]:
        """Return what is to be done because of a card at a moment, the most urgent first."""
        dates = _dates(card)
        return () if dates is None or at < self._plausible_from else self._calendar.advise(dates, at)

    def next_change(self, card: InsertedCard, at: datetime) -> datetime | None:
        """Return the first moment after `at` at which time alone makes it something else; None if there is none."""
        dates = _dates(card)
        if dates is None:
            return None
        if at >= self._plausible_from:
            return self._calendar.next_change(dates, at)
        if self._calendar.advise(dates, self._plausible_from):
            return self._plausible_from
        return self._calendar.next_change(dates, self._plausible_from)


def _dates(card: InsertedCard) -> CardDates | None:
    kind = card.facts.kind if card.facts is not None else CardKind.UNKNOWN
    return card_dates([entry.certificate for entry in card.certificates], kind)
