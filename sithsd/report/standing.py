"""The order of standings, from the best to the worst: the worst of a card's certificates speaks for the card."""

from types import MappingProxyType
from typing import Final

from sithsd.report.model import Standing

RANK_OF: Final = MappingProxyType(
    {Standing.VALID: 1, Standing.UNKNOWN: 2, Standing.EXPIRED: 3, Standing.BAD: 4, Standing.REVOKED: 5}
)
RANKS: Final = MappingProxyType({rank: standing for standing, rank in RANK_OF.items()})
SERVES: Final = RANK_OF[Standing.UNKNOWN]
"""Up to this rank a card can be used, as far as is known."""
