"""What a person has to do because of the dates of the card that is in, and until when that holds."""

from dataclasses import replace
from datetime import datetime

from sithsd.session.model import InsertedCard
from sithsd.validity.calendar import Calendar, card_dates
from sithsd.values import CardKind


class Adviser:
    """The calendar, asked about cards. By a clock before `plausible_from` nothing is advised: it tells no dates."""

    def __init__(self, calendar: Calendar, plausible_from: datetime) -> None:
        self._calendar = calendar
        self._plausible_from = plausible_from

    def advised(self, card: InsertedCard, at: datetime) -> InsertedCard:
        """Return a card with what is to be done because of it at a moment, and until when that holds."""
        kind = card.facts.kind if card.facts is not None else CardKind.UNKNOWN
        dates = card_dates([entry.certificate for entry in card.certificates], kind)
        if dates is None:
            return replace(card, advice=(), advice_changes=None)
        if at < self._plausible_from:
            return replace(card, advice=(), advice_changes=self._plausible_from)
        changes = self._calendar.next_change(dates, at)
        return replace(card, advice=self._calendar.advise(dates, at), advice_changes=changes)
