"""What sithsd does with a card inside one transaction without using a code: read it, prove it, look at its counters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sithsd.card.backends.base import Backend, Pad
from sithsd.card.known import KnownCards
from sithsd.card.model import CardContents
from sithsd.card.registry import Identified, Registry
from sithsd.card.transport import CardChannel, CountingChannel, stack
from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.attributes import ReaderFacts
from sithsd.values import CodeState


class Connection(CardChannel, Protocol):
    """A card inside a transaction."""

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        ...

    @property
    def protocol(self) -> int:
        """The transmission protocol in use: 0 for T=0, 1 for T=1."""
        ...

    @property
    def unanswered(self) -> bool:
        """Whether a command was sent whose answer never came: it may have been carried out, or not."""
        ...

    @property
    def pad(self) -> Pad | None:
        """The reader's PIN pad, None if it has none."""
        ...

    def reader_facts(self) -> ReaderFacts:
        """Return what the reader tells of itself and of its link to the card. The card is not asked."""
        ...

    def reset_on_release(self) -> None:
        """Reset the card when the transaction ends, which clears its security status."""
        ...


@dataclass(frozen=True, slots=True)
class ReadCard:
    """A card that was identified and read; `commands`, `sent` and `received` tell what that cost (bytes).

    `ours` tells whether it is a card whose codes may be asked about; if not, `codes` is empty. `known` tells that it
    was read before, and proved to be unchanged.
    """

    identified: Identified
    contents: CardContents
    ours: bool
    codes: tuple[CodeState, ...]
    commands: int
    sent: int
    received: int
    known: bool = False

    @property
    def backend(self) -> Backend:
        """The backend that reads this card."""
        return self.identified.backend


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a card: the state of its codes, and what the reader's PIN pad can do."""

    states: tuple[CodeState, ...]
    pad_verify: bool
    pad_modify: bool


def read(  # noqa: PLR0913 - a reading asks for as much
    connection: Connection,
    registry: Registry,
    ours: Callable[[CardContents], bool],
    atr: bytes | None = None,
    known: KnownCards | None = None,
    *,
    anew: bool = False,
) -> ReadCard:
    """Identify the card and read it, and the state of its codes if `ours` says that it is a card of ours.

    `atr` is the card's, if it is known already; else the connection is asked for it. A card among those `known` is not
    read again if it proves that it is unchanged, unless it is to be read `anew`; one that was read is known then.

    A card that is not gets no command about its codes, not even one that asks for a counter. Raises card.unsupported,
    card.unreadable, card.removed.
    """
    counting = CountingChannel(connection)
    channel = stack(counting, connection.protocol)
    atr = connection.atr if atr is None else atr
    again = None if known is None or anew else known.recognise(channel, atr)
    if again is not None:
        codes = again.identified.backend.code_states(channel, again.contents.codes, again.place)
        counts = counting.commands, counting.sent, counting.received
        return ReadCard(again.identified, again.contents, True, codes, *counts, known=True)
    identified = registry.identify(channel, atr)
    contents = identified.backend.read(channel, protocol=connection.protocol, selected=identified.selected)
    is_ours = ours(contents)
    codes = _states(channel, identified.backend, contents) if is_ours else ()
    if known is not None and is_ours:
        known.keep(atr, identified, contents)
    return ReadCard(identified, contents, is_ours, codes, counting.commands, counting.sent, counting.received)


def code_states(connection: Connection, card: ReadCard) -> tuple[CodeState, ...]:
    """Return the state of every code of the card, without using a try. Raises card.changed if it is another card."""
    channel = stack(connection, connection.protocol)
    prove_same(channel, card, connection.protocol)
    return _states(channel, card.backend, card.contents)


def look(connection: Connection, card: ReadCard) -> Look:
    """Return the state of every code, and what the reader's pad can do. Raises as `code_states` does."""
    pad = connection.pad
    can_verify, can_modify = (False, False) if pad is None else (pad.can_verify, pad.can_modify)
    return Look(code_states(connection, card), can_verify, can_modify)


def prove_same(channel: CardChannel, card: ReadCard, protocol: int) -> None:
    """Select the application and prove by the serial number that this is the card that was read.

    A card without a serial number is proven by everything that was read from it. Raises card.changed.
    """
    try:
        same = card.backend.serial(channel) == card.contents.serial
    except SithsdError as error:
        if error.code is not ErrorCode.CARD_UNSUPPORTED:
            raise
        same = False  # the card that was read had this application
    if same and card.contents.serial is None:
        same = card.backend.read(channel, protocol=protocol, selected=True) == card.contents
    if not same:
        raise SithsdError(ErrorCode.CARD_CHANGED, "another card is in the reader")


def _states(channel: CardChannel, backend: Backend, contents: CardContents) -> tuple[CodeState, ...]:
    return backend.code_states(channel, contents.codes)
