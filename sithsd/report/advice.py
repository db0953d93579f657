"""What is to be done with one card: the calendar's advice, or what follows where more than dates is wrong."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from sithsd.report.dates import swedish
from sithsd.report.model import Card, Standing, Step
from sithsd.validity.calendar.advise import Calendar
from sithsd.validity.calendar.model import Action, Advice, CardDates
from sithsd.values import CardKind

REVOKED: Final = "card.revoked"
"""The rule of a card that has been revoked: as one that has ended."""
BAD: Final = "card.bad"
"""The rule of a card that is not to be trusted for another reason than its dates."""
CHECK: Final = "card.check"
"""The action: find out why."""
JOINING: Final = "order.joining"
"""The action: order cards for people who are not on any list yet, because they begin to work inside a freeze."""
_EVERYBODY: Final = frozenset({Action.CARRY_CARD})
"""What is the same for everybody, and so is told once and not of each card."""
_KEPT: Final = 1 << 16


def advising(calendar: Calendar, at: datetime) -> Callable[[Card], tuple[Step, ...]]:
    """Return what tells of a card what is to be done with it at the moment `at`."""

    @lru_cache(_KEPT)
    def by_dates(not_before: datetime, not_after: datetime, kind: CardKind) -> tuple[Step, ...]:
        advice = calendar.advise(CardDates(not_before, not_after, kind), at)
        steps = [_step(one) for one in advice if one.action not in _EVERYBODY]
        # By the calendar what is worst comes first; on a list of things to do, what has to be done first.
        return tuple(sorted(steps, key=lambda step: step.by or step.since or at))

    def steps_of(card: Card) -> tuple[Step, ...]:
        if card.kind is CardKind.NOT_SITHS:
            return ()
        if card.standing is Standing.BAD:
            return (Step(rule=BAD, action=CHECK),)
        if card.standing is Standing.REVOKED:
            ended = min(card.not_after, at - timedelta(seconds=1))
            steps = by_dates(min(card.not_before or ended, ended), ended, card.kind)
            told = tuple(msgspec.structs.replace(step, rule=REVOKED) for step in steps)
            return told or (Step(rule=REVOKED, action=Action.ORDER_NOW.value),)
        return by_dates(card.not_before or min(at, card.not_after), card.not_after, card.kind)

    return steps_of


def for_everybody(calendar: Calendar, at: datetime) -> Iterator[Step]:
    """Yield what holds at the moment `at` whoever is on the lists.

    To carry the card during a total stop, and before a freeze to order for those who begin to work inside it.
    """
    far = datetime(at.year + 5, 7, 1, tzinfo=UTC)
    for one in calendar.advise(CardDates(at, far, CardKind.ORDINARY), at):
        if one.action in _EVERYBODY:
            yield _step(one)
    for freeze in calendar.freezes:
        for one in calendar.advise_joining(swedish(freeze.begins).date(), at):
            if one.action is Action.ORDER_NOW:
                yield msgspec.structs.replace(_step(one), action=JOINING)


def _step(advice: Advice) -> Step:
    return Step(
        rule=advice.rule.value,
        action=advice.action.value,
        by=advice.by,
        since=advice.since,
        freeze=advice.freeze,
        freeze_begins=advice.freeze_begins,
        freeze_ends=advice.freeze_ends,
        months=advice.months,
    )
