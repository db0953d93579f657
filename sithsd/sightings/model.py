"""One card that was seen: nothing of its holder, and no number of it."""

from datetime import date
from typing import Annotated

import msgspec

from sithsd.values import CardKind, Environment

PSEUDONYM_LENGTH = 32
MAX_UNIT = 200


class Sighting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A card as it was last seen.

    `card` is a pseudonym: the same card has the same one wherever the same key is used, and without the key nobody can
    tell which card it is. All dates are days in Sweden, since a moment would tell one card from all others; of a card's
    certificates the latest beginning and the earliest end count. `unit` is the desk's, as its settings name it.
    """

    card: Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{PSEUDONYM_LENGTH}}}$")]
    seen: date
    not_before: date | None
    not_after: date
    kind: CardKind
    environment: Environment
    unit: Annotated[str, msgspec.Meta(max_length=MAX_UNIT)] | None = None
