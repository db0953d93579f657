"""What is advised of a card, and what has to be known of the card for it. Every moment is aware, in UTC."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sithsd.values import CardKind


class Rule(StrEnum):
    """Why something is advised: the rules by their stable names, which are those on the wire and in freezes.toml."""

    ENDS_INSIDE = "freeze.endsInside"
    ENDS_AFTER = "freeze.endsAfter"
    COLLECT = "freeze.collect"
    RESERVE = "freeze.reserve"
    TOTAL_STOP = "freeze.totalStop"
    JOINS = "freeze.joins"
    ENDS_SOON = "card.endsSoon"
    ENDED = "card.ended"


class Action(StrEnum):
    """What a person has to do, the most urgent first. The sentences belong to the programs that show them."""

    ORDER_NOW = "order.now"  # order a new card at once, and before `by` where there is one
    RESERVE_GET = "reserve.get"  # a reserve card can be had, and is needed: before `by` where there is one
    RESERVE_FROM = "reserve.from"  # not even a reserve card can be had until `since`
    CARRY_CARD = "carry.card"  # from `since` until `by` nothing replaces a card that was left at home
    COLLECT_BEFORE = (
        "collect.before"  # a card that was ordered before the freeze is cancelled at `by` if it still lies there
    )
    RENEW_SOON = "renew.soon"  # the card ends at `by`: order a new one
    RESERVE_REPLACE = "reserve.replace"  # the reserve card ends at `by` (or has ended): it was for a while only
    ORDER_MAY_NOW = "order.mayNow"  # a new card may be ordered before `by`, and need not be
    ORDER_FROM = "order.from"  # a new card can be ordered from `since` on, and should be before `by` where there is one


@dataclass(frozen=True, slots=True)
class CardDates:
    """What the advice depends on. A card is valid up to its `not_after`, that second included (RFC 5280, 4.1.2.5)."""

    not_before: datetime
    not_after: datetime
    kind: CardKind

    def __post_init__(self) -> None:
        if any(one.utcoffset() != timedelta() for one in (self.not_before, self.not_after)):
            raise ValueError("a card's dates are moments in UTC")


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do, by when, and why."""

    rule: Rule
    """Why it is to be done."""
    action: Action
    """What is to be done."""
    by: datetime | None = None
    """Before when; of a card's own end and of `CARRY_CARD`, until when. Never a moment that has passed."""
    since: datetime | None = None
    """From when on it can be done or is of use; None: at once."""
    freeze: str | None = None
    """The name of the freeze that is the reason, or stands in the way."""
    freeze_begins: datetime | None = None
    """The first moment of that freeze."""
    freeze_ends: datetime | None = None
    """The first moment after that freeze."""
    months: int | None = None
    """How many calendar months at most an order is valid that is placed so, or a reserve card that is got so."""
