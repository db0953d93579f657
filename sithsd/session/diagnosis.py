"""What a doctor wants to know of a reader and its card, beyond what is on the board. Nothing is sent to the card."""

from dataclasses import dataclass

from sithsd.card.operations import Connection
from sithsd.errors import SithsdError
from sithsd.iso7816 import atr as answer_to_reset
from sithsd.iso7816.atr import Atr
from sithsd.reader.attributes import ReaderFacts
from sithsd.session.model import ReaderStatus, ReaderView
from sithsd.session.slot import Slot

# In these there is no card that a connection could be made with.
_WITHOUT_CARD = frozenset({ReaderStatus.EMPTY, ReaderStatus.MUTE})


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader told, once its card was had: attributes, and whether its pad gives and changes codes."""

    facts: ReaderFacts
    pad_verify: bool
    pad_modify: bool


@dataclass(frozen=True, slots=True)
class Examination:
    """One reader: as it is shown, and what it told. `told` is None where it could not be asked; `refusal` says why.

    A reader without a card is not asked: `refusal` is None then, too. `atr` is None where it is none, or malformed.
    """

    view: ReaderView
    told: Told | None = None
    refusal: SithsdError | None = None

    @property
    def atr(self) -> Atr | None:
        """The answer to reset of the card, taken apart."""
        try:
            return answer_to_reset.parse(self.view.card.atr) if self.view.card else None
        except answer_to_reset.AtrError:
            return None


async def examine(slot: Slot) -> Examination:
    """Ask one reader about itself. It takes the card as an operation does, at most as long as a caller's patience."""
    if slot.view.status in _WITHOUT_CARD:
        return Examination(slot.view)
    try:
        told = await slot.ask_reader(_told)
    except SithsdError as refusal:
        return Examination(slot.view, refusal=refusal)
    return Examination(slot.view, told)


def _told(connection: Connection) -> Told:
    pad = connection.pad
    return Told(
        facts=connection.reader_facts(),
        pad_verify=pad is not None and pad.can_verify,
        pad_modify=pad is not None and pad.can_modify,
    )
