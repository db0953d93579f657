"""The one port at the bottom of the house."""

from typing import Protocol

# A command: one that carries a code comes in a buffer that its maker overwrites.
Octets = bytes | bytearray


class Channel(Protocol):
    """Something that answers command APDUs: a card in a reader, a simulated card, a replayed transcript."""

    def transmit(self, command: Octets) -> tuple[bytes, int]:
        """Send one command APDU; return the response's data field and its status word SW1-SW2 as an integer.

        A bytearray may carry a code: whoever copies it overwrites the copy. Raises `sithsd.errors.SithsdError` when
        no answer comes back: the card was removed, the reader is gone.
        """
        ...
