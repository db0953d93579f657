"""A simulated card in a real pcscd, for backends whose modules find their own way to it.

The chip is in this process, so the bench sees each command that comes to it, whoever sent it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace

import msgspec
from card_bench import CHANGE, RESET_RETRY_COUNTER, VERIFY, Bench, Cut, Row, Sent, shipped

from sithsd.card.profile import AtrHint, Clearing, Counter, KnownCode, Profile, VerifiedMeans
from sithsd.card.registry import Registry
from sithsd.errors import ErrorCode
from sithsd.iso7816 import apdu
from sithsd.reader import scard
from sithsd.reader.attributes import ReaderFacts
from sithsd.reader.connection import CardConnection
from sithsd.simulator.card import Card
from sithsd.simulator.channel import InProcessChannel
from sithsd.simulator.ifd import IfdError, Tell
from sithsd.simulator.ifd_reader import IfdReader
from sithsd.simulator.stage import Stage
from sithsd.values import Role

# What the simulated card's own files say of its codes (fixtures/README.md), which a module does not tell.
KNOWN = [
    KnownCode(
        role=role,
        reference=reference,
        min_length=shortest,
        max_length=8,
        stored_length=8,
        padding=0xFF,
        unblocked_by=None if role is Role.PUK else 3,
    )
    for role, reference, shortest in ((Role.AUTHENTICATION, 1, 6), (Role.SIGNATURE, 2, 6), (Role.PUK, 3, 8))
]

Answer = Callable[[bytes], tuple[bytes, int] | None]


@dataclass
class ReaderTransaction:
    """A card inside one transaction at a real pcscd; `sent` is what came to its chip, from us or from a module."""

    connection: CardConnection
    cut: Cut | None = None
    answer: Answer = lambda _: None
    sent: list[Sent] = field(default_factory=list)
    code_tried: bool = False
    pad: object = None
    ours: int = 0
    """How many commands went by our own connection."""
    _asked: bool = False

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self.connection.atr

    @property
    def protocol(self) -> int:
        """The protocol in use."""
        return self.connection.protocol

    @property
    def reader(self) -> str:
        """The reader's name."""
        return self.connection.reader

    @property
    def unanswered(self) -> bool:
        """Whether an answer never came."""
        return self.connection.unanswered

    @property
    def resets(self) -> bool:
        """Whether the card is to be reset."""
        return self.connection.disposition == scard.RESET_CARD_ON_RELEASE

    @property
    def codes_sent(self) -> list[Sent]:
        """The commands that carried a code."""
        return [sent for sent in self.sent if sent.ins in {VERIFY, CHANGE, RESET_RETRY_COUNTER} and sent.data_length]

    def reader_facts(self) -> ReaderFacts:
        """Tell what the reader tells."""
        return self.connection.reader_facts()

    def reset_on_release(self) -> None:
        """Have the card reset at the end."""
        self.connection.reset_on_release()

    def lent(self) -> AbstractContextManager[None]:
        """Lend the card."""
        return self.connection.lent()

    def note_code(self) -> None:
        """Note a code."""
        self.connection.note_code()

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Have something called at the end."""
        self.connection.at_end(farewell)

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send a command; what is to be answered in the card's place, or to fail, is so here."""
        self.ours += 1
        command = bytes(command)
        given = self.answer(command)
        if given is not None:
            self._saw(command, given[1])
            return given
        self._asked = True
        try:
            return self.connection.transmit(command)
        finally:
            self._asked = False

    def at_chip(self, chip: "Contacts", command: bytes) -> bytes | Tell:
        """Answer what came to the chip, as this transaction has it. In the reader's thread."""
        parsed = apdu.decode(command)
        self.code_tried = self.code_tried or bool(parsed.ins in {VERIFY, CHANGE, RESET_RETRY_COUNTER} and parsed.data)
        if self.cut is not None and len(self.sent) >= self.cut.commands:
            return Tell.NO_CARD
        try:
            given = None if self._asked else self.answer(command)
        except Exception:  # noqa: BLE001 - what is a fault of ours on our own way is silence on another's
            return Tell.NO_ANSWER
        data, status_word = chip.transmit(command) if given is None else given
        lost = self.cut is not None and self.cut.lost and len(self.sent) + 1 >= self.cut.commands
        self._saw(command, None if lost else status_word)
        return Tell.NO_CARD if lost else data + status_word.to_bytes(2, "big")

    def _saw(self, command: bytes, status_word: int | None) -> None:
        parsed = apdu.decode(command)
        self.sent.append(Sent(parsed.ins, parsed.p1, parsed.p2, len(parsed.data), status_word))


class Contacts:
    """What the reader touches: a chip, and the transaction that looks at what comes to it."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.begun: ReaderTransaction | None = None

    def power_on(self) -> bytes:
        """Give the chip power, or reset it."""
        return self._card.power_on()

    def power_off(self) -> None:
        """Take its power away."""
        self._card.power_off()

    def respond(self, command: bytes) -> bytes | Tell:
        """Answer a command."""
        if self.begun is None:
            data, status_word = self.transmit(command)
            return data + status_word.to_bytes(2, "big")
        return self.begun.at_chip(self, command)

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Have the chip answer."""
        return self._card.transmit(command)


class Needles(InProcessChannel):
    """A second way to the chip, past its reader: what another program does to it, and the hand that takes it out."""

    def __init__(self, card: Card, seat: "Seat", bench: "ReaderBench") -> None:
        super().__init__(card)
        self._seat = seat
        self._bench = bench

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send a command; a chip that its reader let fall asleep is woken."""
        if not self._card.powered and self._seat.holds(self._bench):
            self._card.power_on()
        return super().transmit(command)

    def insert(self) -> None:
        """Put the card in again; it has lost its power in any case."""
        self._seat.take_out()
        self._seat.put_in(self._bench)
        self._card.power_on()

    def remove(self) -> None:
        """Take the card out."""
        self._seat.take_out()


class Seat:
    """The one reader, in which one bench's card is at a time."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.name = stage.reader_names[0]
        self._context: scard.Context | None = None
        self._reader: IfdReader | None = None
        self._bench: ReaderBench | None = None

    def holds(self, bench: "ReaderBench") -> bool:
        """Tell whether this bench's card is in."""
        return self._bench is bench

    def put_in(self, bench: "ReaderBench") -> None:
        """Have this bench's card in the reader."""
        if self._bench is bench:
            return
        self.take_out()
        reader = IfdReader(self.stage.readers.place(0), bench.contacts)
        while True:
            try:
                reader.insert()
            except IfdError:
                if self.stage.pcscd_pid is None:
                    raise
            else:
                break
        self._reader, self._bench = reader, bench

    def take_out(self) -> None:
        """Have no card in the reader."""
        reader, self._reader, self._bench = self._reader, None, None
        if reader is not None:
            reader.remove()

    @contextmanager
    def fingers(self, *keys: str) -> Iterator[None]:
        """Press keys of the reader's PIN pad, which it has for the length of the block, as soon as it asks."""
        reader = self._reader
        assert reader is not None
        over = threading.Event()

        def press() -> None:
            while not reader.pad.asking:
                if over.wait(0.005):
                    return
            reader.pad.press(*(key for given in keys for key in (given if given.isdigit() else [given])))

        hand = threading.Thread(target=press)
        self.stage.readers.fit_pad(0)
        hand.start()
        try:
            yield
        finally:
            over.set()
            hand.join()
            self.stage.readers.take_pad(0)

    def connect(self) -> scard.CardHandle:
        """Connect to the card that is in."""
        if self._context is None:
            self._context = scard.Context.establish()
        return self._context.connect(self.name)

    def close(self) -> None:
        """Leave everything empty."""
        self.take_out()
        if self._context is not None:
            self._context.release()
            self._context = None


class ReaderBench(Bench):
    """One card at a real pcscd, used by one transaction after the other."""

    def __init__(self, card: Card, seat: Seat) -> None:
        self.card = card
        self.contacts = Contacts(card)
        self.channel = Needles(card, seat, self)
        self.history: list[ReaderTransaction] = []
        self._seat = seat

    @contextmanager
    def transaction(self, cut: Cut | None = None, answer: Answer = lambda _: None) -> Iterator[ReaderTransaction]:
        """Begin a transaction, as the reader's worker does, and end it."""
        self._seat.put_in(self)
        handle = self._seat.connect()
        handle.begin_transaction()
        connection = CardConnection(handle, reader=self._seat.name)
        begun = ReaderTransaction(connection, cut, answer)
        self.history.append(begun)
        self.contacts.begun = begun
        try:
            yield begun
        finally:
            connection.end()
            with suppress(scard.PcscError):  # the card was taken out
                handle.end_transaction(connection.disposition)
            with suppress(scard.PcscError):
                handle.disconnect(scard.LEAVE_CARD)
            self.contacts.begun = None
            if begun.cut is not None and not self.card.powered:
                self._seat.take_out()


@dataclass(frozen=True)
class ModuleRow(Row):
    """OpenSC's module on a simulated card in a real pcscd."""

    native: bool = True
    seat: Seat | None = field(default=None, compare=False)
    made: dict[object, Registry] = field(default_factory=dict, compare=False, hash=False)

    @property
    def title(self) -> str:
        """The row's name in test reports."""
        return f"{super().title}-{'native' if self.native else 'flags'}"

    def on(self, seat: Seat) -> "ModuleRow":
        """Return the row with the reader that its cards are put in."""
        return replace(self, seat=seat)

    def bench_of(self, card: Card) -> Bench:
        """Return a bench with this card."""
        assert self.seat is not None
        return ReaderBench(card, self.seat)

    def close(self) -> None:
        """End the modules' processes."""
        for registry in self.made.values():
            registry.close()
        self.made.clear()

    def registry(self, counter: Counter | None = None) -> Registry:
        """Return the registry by which the card is read; the same one each time, so that its module's process stays."""
        if counter not in self.made:
            self.made[counter] = Registry([self._profile(counter)])
        return self.made[counter]

    def _profile(self, counter: Counter | None) -> Profile:
        """Return the shipped profile with what is known of the simulated card."""
        found = next(one for one in shipped() if one.name == "opensc_pkcs11")
        assert found.pkcs11 is not None
        return msgspec.structs.replace(
            found,
            atr=[AtrHint(value="3B F5 18 00 00 81 31 FE 45 4D 79 45 49 44 9A")],
            pkcs11=msgspec.structs.replace(
                found.pkcs11, serial="token-info", flags_tell=not self.native and counter is None
            ),
            codes=msgspec.structs.replace(
                found.codes,
                counter=counter or (Counter.EMPTY_VERIFY if self.native else Counter.UNKNOWN),
                when_verified=VerifiedMeans.FULL,
                clearing=Clearing.LOGOUT,
                max_tries=3,
                puk_max_tries=10,
                known=KNOWN,
            ),
        )


_OPENSC = {
    "status_words": False,
    "looks_itself": True,
    "faults_seen": False,
    "uncounted": ErrorCode.CARD_OUTCOME_UNKNOWN,
    "follows_61xx": False,
    "codes_for_consent": 2,
    "needs_token_info": True,
    "sends_unseen": True,
    "own_pad": False,
    "unblocks_at_pad": False,
}
MODULE_ROWS = (
    ModuleRow("ordinary", "opensc_pkcs11", 1, **_OPENSC),
    ModuleRow("ordinary", "opensc_pkcs11", 1, native=False, counts=False, stride=7, **_OPENSC),
)
