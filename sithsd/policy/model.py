"""The policy file: what a site decides of codes, cards and the desk.

`default.toml` beside this module has everything; a site's own file (/etc/sithsd/policy.toml) names what it wants
otherwise, see `site_file`.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sithsd.policy import site_file
from sithsd.policy.checklist import Item, contradiction
from sithsd.policy.new_code import NewCodeRules
from sithsd.values import CardKind

SITE_FILE = Path("/etc/sithsd/policy.toml")
_SHIPPED = "default.toml"


class Occasion(StrEnum):
    """When a person is advised: a PIN is blocked, its PUK is not at hand, or the PUK's tries are used up."""

    PIN_BLOCKED = "pinBlocked"
    PUK_LOST = "pukLost"
    PUK_DEAD = "pukDead"


class Advice(StrEnum):
    """What a person has to do, by name. The sentences belong to the programs that show them."""

    UNBLOCK_WITH_PUK = "unblock.withPuk"
    UNBLOCK_AT_DESK = "unblock.atDesk"
    UNBLOCK_WITH_PUK_OR_AT_DESK = "unblock.withPukOrAtDesk"
    LETTER_REORDER = "letter.reorder"
    CARD_ORDER_NEW = "card.orderNew"
    RESERVE_WITH_PUK = "reserve.withPuk"
    RESERVE_NEW_CARD = "reserve.newCard"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Budget(_Table, frozen=True, kw_only=True):
    """[budget]: how many wrong codes one user may give, and one card may get, within so many minutes."""

    wrong_codes_per_user: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    wrong_codes_per_card: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]


class PukRules(_Table, frozen=True, kw_only=True):
    """[puk]: a PUK with fewer tries left than `floor`, or an unknown number, is sent only by a person's clear word."""

    floor: Annotated[int, msgspec.Meta(ge=1, le=15)]


class Audit(_Table, frozen=True, kw_only=True):
    """[audit]: how many days rows are kept (0: for ever), and how many notices of one card in an hour have one."""

    keep_days: Annotated[int, msgspec.Meta(ge=0, le=36500)]
    notices_per_hour: Annotated[int, msgspec.Meta(ge=1, le=100000)]


class Sightings(_Table, frozen=True, kw_only=True):
    """[sightings]: for how many days a card is remembered after it was last seen, where the settings have it noted."""

    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650)]


class PinPad(_Table, frozen=True, kw_only=True):
    """[pin_pad]: whether a reader's own pad is used where it has one."""

    enabled: bool


class Activation(_Table, frozen=True, kw_only=True):
    """[activation]: the checklist, in the order in which it is asked. ValueError: a list that can't be asked."""

    checklist: Annotated[tuple[Item, ...], msgspec.Meta(max_length=50)]

    def __post_init__(self) -> None:
        reason = contradiction(self.checklist)
        if reason is not None:
            raise ValueError(reason)


class AdviceRow(_Table, frozen=True, kw_only=True):
    """[[advice]]: on this occasion, for this kind of card and way to unblock it (left out: for any), say this."""

    occasion: Occasion
    say: Advice
    kind: CardKind | None = None
    unblocking: Literal["holder", "desk", "unknown"] | None = None


class Policy(_Table, frozen=True, kw_only=True):
    """The whole file. ValueError: there is an occasion on which some card would get no advice."""

    new_code: NewCodeRules
    budget: Budget
    puk: PukRules
    audit: Audit
    sightings: Sightings
    pin_pad: PinPad
    activation: Activation
    advice: Annotated[tuple[AdviceRow, ...], msgspec.Meta(max_length=100)]

    def __post_init__(self) -> None:
        for occasion in Occasion:
            if not any(row.occasion is occasion and row.kind is row.unblocking is None for row in self.advice):
                raise ValueError(f"advice: no row for {occasion.value!r} that holds for any card")

    def advise(self, occasion: Occasion, kind: CardKind, unblocking: str) -> Advice:
        """Return what to do, by the first row that fits; `unblocking` is "holder", "desk" or "unknown"."""
        return next(
            row.say
            for row in self.advice
            if row.occasion is occasion and row.kind in {None, kind} and row.unblocking in {None, unblocking}
        )


def shipped() -> Policy:
    """Return the policy that comes with sithsd."""
    return site_file.shipped(Policy, _SHIPPED)


def load(path: Path | None = None) -> Policy:
    """Read the policy: what comes with sithsd, and over it the site's file at `path`.

    With None the site's file is /etc/sithsd/policy.toml, if there is one. Raises PolicyError.
    """
    return site_file.load(Policy, _SHIPPED, path, SITE_FILE)
