"""The door without a reader: a simulated card as a channel inside this process."""

from sithsd.errors import ErrorCode, SithsdError
from sithsd.simulator.card import Card


class InProcessChannel:
    """A `sithsd.iso7816.channel.Channel` to a card that is powered as long as it has not been taken out."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._card.power_on()
        self.commands: list[bytes] = []
        """Every command's header, in order of arrival: data fields may hold codes and are not kept."""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._card.atr

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send one command APDU; 61XX and 6CXX come back as they are. Raises SithsdError once the card is out."""
        if not self._card.powered:
            raise SithsdError(ErrorCode.CARD_REMOVED, "the simulated card was taken out")
        self.commands.append(command[:4])
        return self._card.transmit(command)

    def reset(self) -> None:
        """Reset the card: what was verified is verified no longer."""
        self._card.reset()

    def remove(self) -> None:
        """Take the card out."""
        self._card.power_off()

    def insert(self) -> None:
        """Put the card back in."""
        self._card.power_on()
