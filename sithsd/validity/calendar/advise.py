"""The rules applied: what a person has to do because of one card's dates, by when, and why.

Everything that is said follows from a card's `not_after` and kind, the moment and the file. It stays the same to the
letter until the moment that `Calendar.next_change` returns, so it may be kept until then.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from sithsd.validity.calendar.freezes import Freeze, FreezesFile, moments, read
from sithsd.validity.calendar.model import Action, Advice, CardDates, Rule
from sithsd.validity.calendar.swedish_time import day_begins, day_of, days_before, first_order_day
from sithsd.values import CardKind

_URGENCY: Final = {action: rank for rank, action in enumerate(Action)}
_LAST: Final = datetime.max.replace(tzinfo=UTC)
# A card is valid at its last moment, that one included; this is the least that a clock can be past it.
_LEAST: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Now:
    """A moment, the freeze that it is in, and those that are known then and still to come, the next one first."""

    at: datetime
    inside: Freeze | None
    ahead: tuple[Freeze, ...]


class Calendar:
    """Freezes and rules. It does no I/O, looks at no clock and changes nothing, so any thread or process may use it."""

    def __init__(self, file: FreezesFile) -> None:
        self.file = file
        self.freezes = moments(file)

    def advise(self, card: CardDates, at: datetime) -> tuple[Advice, ...]:
        """Return what is to be done because of `card` at the moment `at` (aware), the most urgent first."""
        now = self._now(at)
        return _in_order([*self._order(card, now), *self._reserve(card, now), *self._carry(card, now)])

    def advise_joining(self, joins: date, at: datetime) -> tuple[Advice, ...]:
        """Return what is to be done at `at` for somebody who begins to work, without a card, on the day `joins`."""
        now = self._now(at)
        known = [one for one in (now.inside, *now.ahead) if one is not None]
        freeze = next((one for one in known if one.begins <= day_begins(joins) < one.ends), None)
        if freeze is None or not self.file.rules.joins.enabled:
            return ()
        months = self.file.months.order
        if now.inside is freeze:
            found = [_order_from(Rule.JOINS, freeze, None, months), self._reserve_card(freeze, now.at, None)]
        elif now.inside is not None:
            found = [_order_from(Rule.JOINS, now.inside, freeze.begins, months)]
        else:
            # An order that has lapsed on the first day at work, or on the last for its card to be collected, is none.
            use = joins if freeze.collect_ends is None else min(joins, day_of(freeze.collect_ends - _LEAST))
            since = day_begins(first_order_day(use, months))
            since_told = since if since < freeze.begins else None
            found = [_advice(Rule.JOINS, Action.ORDER_NOW, freeze, by=freeze.begins, since=since_told, months=months)]
        if now.inside in {None, freeze} and freeze.collect_ends is not None and now.at < freeze.collect_ends:
            found.append(_advice(Rule.COLLECT, Action.COLLECT_BEFORE, freeze, by=freeze.collect_ends))
        return _in_order(found)

    def next_change(self, card: CardDates, at: datetime) -> datetime | None:
        """Return the first moment after `at` at which something else is advised of `card`; None if there is none."""
        told = self.advise(card, at)
        boundaries = {boundary for freeze in self.freezes for boundary in freeze.boundaries}
        boundaries.add(self._warned_from(card))
        boundaries.add(min(card.not_after, _LAST - _LEAST) + _LEAST)
        return next((one for one in sorted(boundaries) if one > at and self.advise(card, one) != told), None)

    def _now(self, at: datetime) -> _Now:
        if at.tzinfo is None:
            raise ValueError("a moment without a time zone")
        inside = next((one for one in self.freezes if one.begins <= at < one.ends), None)
        ahead = (one for one in self.freezes if at < one.begins and (one.announced is None or one.announced <= at))
        return _Now(at, inside, tuple(ahead))

    def _order(self, card: CardDates, now: _Now) -> Iterator[Advice]:
        """Tell when a new card is to be ordered, and when one that has been ordered is to be collected."""
        rules, ends, ended = self.file.rules, card.not_after, now.at > card.not_after
        following = next((one for one in now.ahead if one.begins <= ends < one.ends), None)
        if ended:
            if card.kind in rules.ended.kinds:
                yield self._order_ended(card, now)
        elif following is not None and card.kind in rules.ends_inside.kinds:
            yield self._order_before(following, now)
            if now.inside is None:
                yield from self._collect(card, following, now)
        elif now.inside is not None and ends < now.inside.ends and card.kind in rules.ends_inside.kinds:
            yield _order_from(Rule.ENDS_INSIDE, now.inside, None, self.file.months.order)
        else:
            if card.kind in rules.ends_soon.kinds and now.at >= self._warned_from(card):
                yield self._order_soon(card, now)
            if now.inside is None and card.kind in rules.ends_after.kinds:
                yield from self._order_early(card, now)
        if now.inside is not None:
            yield from self._collect(card, now.inside, now)

    def _order_ended(self, card: CardDates, now: _Now) -> Advice:
        coming = now.ahead[0] if now.ahead else None
        by = coming.begins if coming else None
        if now.inside is not None:
            return _order_from(Rule.ENDED, now.inside, by, self.file.months.order)
        action = Action.RESERVE_REPLACE if card.kind is CardKind.RESERVE else Action.ORDER_NOW
        return _advice(Rule.ENDED, action, coming, by=by, months=self.file.months.order)

    def _order_before(self, freeze: Freeze, now: _Now) -> Advice:
        months = self.file.months.order
        if now.inside is not None:
            return _order_from(Rule.ENDS_INSIDE, now.inside, freeze.begins, months)
        return _advice(Rule.ENDS_INSIDE, Action.ORDER_NOW, freeze, by=freeze.begins, months=months)

    def _order_soon(self, card: CardDates, now: _Now) -> Advice:
        ends, months = card.not_after, self.file.months.order
        if now.inside is not None:
            return _order_from(Rule.ENDS_SOON, now.inside, ends if ends >= now.inside.ends else None, months)
        action = Action.RESERVE_REPLACE if card.kind is CardKind.RESERVE else Action.RENEW_SOON
        return _advice(Rule.ENDS_SOON, action, None, by=ends, months=months)

    def _order_early(self, card: CardDates, now: _Now) -> Iterator[Advice]:
        freeze = next((one for one in now.ahead if one.ends <= card.not_after < one.reorder_ends), None)
        if freeze is not None:
            months = self.file.months.order
            yield _advice(Rule.ENDS_AFTER, Action.ORDER_MAY_NOW, freeze, by=freeze.begins, months=months)
            yield from self._collect(card, freeze, now)

    def _collect(self, card: CardDates, freeze: Freeze, now: _Now) -> Iterator[Advice]:
        """Tell until when a card that was ordered before `freeze` can be had; nobody here knows whether one was."""
        ends, last = card.not_after, freeze.collect_ends
        if last is None or now.at >= last or card.kind not in self.file.rules.collect.kinds:
            return
        if freeze.begins <= ends < freeze.reorder_ends:
            # Also of a card that ends sooner: until then it is kept, and cancelled no earlier.
            yield _advice(Rule.COLLECT, Action.COLLECT_BEFORE, freeze, by=last)

    def _reserve(self, card: CardDates, now: _Now) -> Iterator[Advice]:
        ended, freeze = now.at > card.not_after, now.inside
        if freeze is None or card.kind not in self.file.rules.reserve.kinds:
            return
        if ended or card.not_after < freeze.ends:
            yield self._reserve_card(freeze, now.at, None if ended else card.not_after)

    def _reserve_card(self, freeze: Freeze, at: datetime, serves: datetime | None) -> Advice:
        """Tell of reserve cards inside `freeze`; a card of one's own `serves` until a moment, None: there is none."""
        months, last, again = self.file.months.reserve, freeze.reserve_ends, freeze.reserve_again
        if last is None or again is None or at >= again:
            return _advice(Rule.RESERVE, Action.RESERVE_GET, freeze, by=serves, months=months)
        if at < last:
            sooner = last if serves is None else min(serves, last)
            return _advice(Rule.RESERVE, Action.RESERVE_GET, freeze, by=sooner, months=months)
        by = serves if serves is not None and serves >= again else None
        return _advice(Rule.RESERVE, Action.RESERVE_FROM, freeze, by=by, since=again, months=months)

    def _carry(self, card: CardDates, now: _Now) -> Iterator[Advice]:
        """Remind of a total stop those whose card serves when it begins."""
        if now.at > card.not_after or card.kind not in self.file.rules.total_stop.kinds:
            return
        for freeze in (now.inside, *now.ahead):
            if freeze is None or freeze.remind is None or freeze.stop_begins is None or freeze.stop_ends is None:
                continue
            if freeze.remind <= now.at < freeze.stop_ends and card.not_after >= freeze.stop_begins:
                yield _advice(Rule.TOTAL_STOP, Action.CARRY_CARD, freeze, by=freeze.stop_ends, since=freeze.stop_begins)

    def _warned_from(self, card: CardDates) -> datetime:
        """Return the beginning of the day on which the card's end is told for the first time."""
        rule = self.file.rules.ends_soon
        days = rule.reserve_days if card.kind is CardKind.RESERVE else rule.days
        return day_begins(days_before(day_of(card.not_after), days))


def load(path: Path | None = None) -> Calendar:
    """Read what is shipped, and the site's file at `path`; with None /etc/sithsd/freezes.toml, if there is one.

    Raises PolicyError.
    """
    return Calendar(read(path))


def _in_order(found: Iterable[Advice]) -> tuple[Advice, ...]:
    return tuple(sorted(found, key=lambda one: (_URGENCY[one.action], one.by or _LAST, one.rule)))


def _order_from(rule: Rule, inside: Freeze, by: datetime | None, months: int) -> Advice:
    """Tell that nothing can be ordered inside a freeze, and from when on it can."""
    return _advice(rule, Action.ORDER_FROM, inside, by=by, since=inside.ends, months=months)


def _advice(  # noqa: PLR0913 - an advice is what, why, when and for how long
    rule: Rule,
    action: Action,
    freeze: Freeze | None,
    *,
    by: datetime | None,
    since: datetime | None = None,
    months: int | None = None,
) -> Advice:
    return Advice(
        rule=rule,
        action=action,
        by=by,
        since=since,
        freeze=freeze.name if freeze else None,
        freeze_begins=freeze.begins if freeze else None,
        freeze_ends=freeze.ends if freeze else None,
        months=months,
    )
