"""A module's turn: what belongs to one operation on one card."""

from dataclasses import dataclass, field

from sithsd.card.backends.pkcs11.module import Module
from sithsd.values import CodeState, Role


@dataclass(slots=True)
class Turn:
    """The module of one reader, and what the guard was told of the codes in the operation under way."""

    module: Module
    begun: bool = False
    told: dict[Role, CodeState] = field(default_factory=dict)

    def end(self) -> None:
        """Let the module go of the card; the operation has ended."""
        self.begun = False
        self.told.clear()
        self.module.finish()
