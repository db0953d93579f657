"""When a card has to be replaced: order freezes, rules, and what a person is to do by when.

`load` reads the rules and the freezes, `Calendar.advise` applies them to one card at one moment. Nothing here looks at
a clock, a card or the machine's own time zone.
"""

from sithsd.validity.calendar.advise import Calendar, load
from sithsd.validity.calendar.card import card_dates
from sithsd.validity.calendar.model import Action, Advice, CardDates, Rule

__all__ = ["Action", "Advice", "Calendar", "CardDates", "Rule", "card_dates", "load"]
