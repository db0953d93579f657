"""Simulated cards on the test's bench: fresh chips without a disk, transactions that keep a log, rows of backends."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import msgspec

from sithsd.card import code_operations, signature_operation
from sithsd.card import profile as profiles
from sithsd.card.code_operations import FreshCode, Outcome, Trail, Turn
from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.card.operations import ReadCard, read
from sithsd.card.profile import Profile
from sithsd.card.registry import Registry
from sithsd.card.signature_operation import Signing
from sithsd.clock import FixedClock
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import apdu, tlv
from sithsd.iso7816 import atr as answer_to_reset
from sithsd.reader.attributes import ReaderFacts
from sithsd.secret import Secret
from sithsd.simulator.card import Card
from sithsd.simulator.channel import InProcessChannel
from sithsd.simulator.image import CodeCounters, FileOnCard, Image, Memory
from sithsd.simulator.pkcs15 import PATHS
from sithsd.simulator.shelf import Shelf
from sithsd.values import Role

T = TypeVar("T")

TODAY = datetime(2024, 1, 15, 12, 30, tzinfo=UTC)
VERIFY, CHANGE, RESET_RETRY_COUNTER = 0x20, 0x24, 0x2C
PIN, OTHER_PIN, PUK = b"123456", b"654321", b"12345678"
RIGHT = {Role.AUTHENTICATION: PIN, Role.SIGNATURE: OTHER_PIN, Role.PUK: PUK}
WRONG, WRONG_PUK, NEW_PIN = b"111111", b"87654321", b"24681357"
_OCTET_STRING = 0x04
LAST_TRY, BOTH_WORDS = Word(last_try=True), Word(last_try=True, risk_card=True)
PINS = (Role.AUTHENTICATION, Role.SIGNATURE)


class VolatileMemory(Memory):
    """A chip's memory without a disk."""

    def save(self) -> None:
        """Keep nothing."""


@cache
def shelf() -> Shelf:
    """Return the shelf of this process, on which a card is personalised once."""
    folder = TemporaryDirectory(prefix="sithsd-cards-")
    made = Shelf(Path(folder.name), FixedClock(TODAY))
    made.keep = folder  # removed when the process ends
    return made


@cache
def _made(name: str) -> Memory:
    shelf().card(name)
    return Memory.load(shelf().folder / "cards" / name)


def image_of(name: str) -> Image:
    """Return what the card of this name is personalised with."""
    return _made(name).image


def card(name: str = "ordinary", *, image: Image | None = None, tries: dict[Role, int] | None = None) -> Card:
    """Return a fresh card with full counters (or those in `tries`), made from `image` if one is given."""
    memory = _made(name)
    counters: dict[int, CodeCounters] = copy.deepcopy(memory.counters)
    image = image or memory.image
    for terms in image.codes:
        if tries and Role(terms.role) in tries:
            counters[terms.reference].tries_left = tries[Role(terms.role)]
    return Card(VolatileMemory(memory.folder, image, counters))


def with_files(image: Image, change: Callable[[FileOnCard], FileOnCard | None]) -> Image:
    """Return the image with each file as `change` returns it; None takes the file away."""
    files = tuple(file for file in map(change, image.files) if file is not None)
    return msgspec.structs.replace(image, files=files)


def without_file(image: Image, path: bytes) -> Image:
    """Return the image without the file at `path`."""
    return with_files(image, lambda file: None if file.path == path else file)


def with_content(image: Image, path: bytes, content: bytes) -> Image:
    """Return the image with other bytes in the file at `path`."""
    return with_files(
        image, lambda file: FileOnCard(path=path, content=content, sfi=file.sfi) if file.path == path else file
    )


def without_serial(image: Image) -> Image:
    """Return the image with an EF.TokenInfo that tells no serial number (ISO/IEC 7816-15:2016, 8.3: optional)."""
    whole = next(file.content for file in image.files if file.path == PATHS["EF.TokenInfo"])
    (info,) = tlv.parse(whole)
    told = b"".join(tlv.encode(item.tag, item.value) for item in tlv.parse(info.value) if item.tag != _OCTET_STRING)
    return with_content(image, PATHS["EF.TokenInfo"], tlv.encode(info.tag, told))


class Sent(NamedTuple):
    """One command that reached the card: what of it may be kept, and the status word it got (None: no answer came)."""

    ins: int
    p1: int
    p2: int
    data_length: int
    status_word: int | None


@dataclass
class Cut:
    """The card is pulled out: after `commands` commands, the last of them answered or (`lost`) carried out unheard."""

    commands: int
    lost: bool = False


@dataclass
class Transaction:
    """A card inside one transaction; implements `sithsd.card.operations.Connection`."""

    channel: InProcessChannel
    cut: Cut | None = None
    answer: Callable[[bytes], tuple[bytes, int] | None] = lambda _: None
    sent: list[Sent] = field(default_factory=list)
    resets: bool = False
    unanswered: bool = False
    code_tried: bool = False
    """Whether a command with a code was given to the reader, heard by the card or not."""
    pad: object = None

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self.channel.atr

    @property
    def protocol(self) -> int:
        """The first protocol that the card offers."""
        return answer_to_reset.parse(self.atr).protocols[0]

    def reader_facts(self) -> ReaderFacts:
        """Tell the protocol, and nothing of a reader."""
        return ReaderFacts(self.protocol)

    def reset_on_release(self) -> None:
        """Note that the card is to be reset."""
        self.resets = True

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Send a command, unless the card is out by then."""
        if self.cut is not None and len(self.sent) >= self.cut.commands:
            self.channel.remove()
        command = bytes(command)  # what carries a code is overwritten by its maker
        parsed = apdu.decode(command)
        self.code_tried = self.code_tried or bool(parsed.ins in {VERIFY, CHANGE, RESET_RETRY_COUNTER} and parsed.data)
        given = self.answer(command)
        data, status_word = given if given is not None else self._channel_transmit(command)
        lost = self.cut is not None and self.cut.lost and len(self.sent) + 1 >= self.cut.commands
        seen = Sent(parsed.ins, parsed.p1, parsed.p2, len(parsed.data), None if lost else status_word)
        self.sent.append(seen)
        if lost:
            self.channel.remove()
            self.unanswered = True
            raise SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out before it answered")
        return data, status_word

    @property
    def ours(self) -> int:
        """How many commands went by our own connection: all."""
        return len(self.sent)

    def _channel_transmit(self, command: bytes) -> tuple[bytes, int]:
        try:
            return self.channel.transmit(command)
        except SithsdError:
            self.unanswered = True
            raise

    @property
    def codes_sent(self) -> list[Sent]:
        """The commands that carried a code."""
        return [sent for sent in self.sent if sent.ins in {VERIFY, CHANGE, RESET_RETRY_COUNTER} and sent.data_length]


class Bench:
    """One card in a reader, used by one transaction after the other."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.channel = InProcessChannel(card)
        self.history: list[Transaction] = []

    @contextmanager
    def transaction(
        self, cut: Cut | None = None, answer: Callable[[bytes], tuple[bytes, int] | None] = lambda _: None
    ) -> Iterator[Transaction]:
        """Begin a transaction; the card is reset at its end if that was asked for."""
        begun = Transaction(self.channel, cut, answer)
        self.history.append(begun)
        try:
            yield begun
        finally:
            if begun.resets and self.card.powered:
                self.channel.reset()

    @property
    def last(self) -> Transaction:
        """The latest transaction."""
        return self.history[-1]

    def tries(self) -> dict[Role, int]:
        """Return all counters, as a look into the chip would tell."""
        return {Role(terms.role): self.card.tries_left(terms.role) for terms in self.card.image.codes}

    def locked(self) -> bool:
        """Tell whether an empty VERIFY of each code is answered with a counter, or that it is blocked."""
        return all(
            self.channel.transmit(bytes((0, VERIFY, 0, terms.reference)))[1] != 0x9000
            for terms in self.card.image.codes
        )

    def give(self, role: Role, code: bytes) -> int:
        """Give a code to the card as another program would; return the status word."""
        terms = next(terms for terms in self.card.image.codes if terms.role == role)
        padded = code.ljust(terms.stored_length, b"\xff")
        return self.channel.transmit(bytes((0, VERIFY, 0, terms.reference, len(padded))) + padded)[1]


@cache
def shipped() -> tuple[Profile, ...]:
    """Return the profiles that come with sithsd."""
    return profiles.load_folder(profiles.shipped_folder())


def registry(*names: str, counter: profiles.Counter | None = None) -> Registry:
    """Return a registry of the shipped profiles of these names (all, without any), if given with another `counter`."""
    chosen: Sequence[Profile] = [one for one in shipped() if not names or one.name in names]
    if counter is not None:
        chosen = [
            msgspec.structs.replace(one, codes=msgspec.structs.replace(one.codes, counter=counter)) for one in chosen
        ]
    return Registry(chosen)


@dataclass(frozen=True)
class Row:
    """One backend in one situation: a simulated card, and the profile by which it is to be read.

    `alone`: only that profile is there, because the card would answer to another one first. `signs`: the profile knows
    how the card signs. `verified_is_full`: a PIN that is verified has all its tries, as far as the profile knows.

    What follows is how a backend differs from one that sends each command itself. `status_words`: the card's own word
    comes with an error. `looks_itself`: a module asks for counters too, by empty VERIFYs that nobody told it to send.
    `faults_seen`: what fails on the way to the card is the error's cause. `uncounted`: what a wrong code is that the
    card does not count aloud (6300). `follows_61xx`: a response that a code is answered with is fetched; one that does
    not takes 61XX for a success. `codes_for_consent`: how often the code of a key is given that wants it each time.
    `needs_token_info`: a card without EF.TokenInfo is none. `sends_unseen`: from the moment that it has the code nobody
    knows whether it went to the card. `counts`: counters are told as numbers; a module tells by flags that the last try
    has come, or not. `own_pad`: the reader's pad is used by us, not by a module on its own way, and `unblocks_at_pad`
    whether it unblocks there. `stride`: of moments to pull a card out at, and of looks at it, every how many is tried.
    """

    fixture: str
    profile: str
    protocol: int
    alone: bool = False
    signs: bool = True
    verified_is_full: bool = True
    status_words: bool = True
    looks_itself: bool = False
    faults_seen: bool = True
    uncounted: ErrorCode = ErrorCode.PIN_WRONG
    follows_61xx: bool = True
    codes_for_consent: int = 1
    needs_token_info: bool = False
    sends_unseen: bool = False
    counts: bool = True
    own_pad: bool = True
    unblocks_at_pad: bool = True
    stride: int = 1

    @property
    def title(self) -> str:
        """The row's name in test reports."""
        return f"{self.profile}-{self.fixture}"

    def bench(self, **how: object) -> Bench:
        """Return a bench with a fresh card."""
        return self.bench_of(card(self.fixture, **how))

    def bench_of(self, card: Card) -> Bench:
        """Return a bench with this card."""
        return Bench(card)

    def registry(self, counter: profiles.Counter | None = None) -> Registry:
        """Return the registry by which the card is read."""
        return registry(*([self.profile] if self.alone else []), counter=counter)

    def told(self, tries: int, role: Role = Role.AUTHENTICATION) -> int | None:
        """Return what is told of so many tries left: without a counter none and one alone, and nothing of the PUK."""
        return tries if self.counts or (tries < 2 and role is not Role.PUK) else None

    def states(self, tries: Mapping[Role, int]) -> dict[Role, int | None]:
        """Return what is told of all counters."""
        return {role: self.told(left, role) for role, left in tries.items()}

    def shown(self, word: Word) -> Word:
        """Return the word of a person who was shown what this row tells."""
        return word if word.expected is None else replace(word, expected=self.told(word.expected))

    @property
    def for_puk(self) -> Word:
        """The word that a PUK takes, however many tries it has: none, if they are known."""
        return NOTHING_SAID if self.counts else BOTH_WORDS

    def word(self, status_word: int) -> int | None:
        """Return what is told of the card's status word."""
        return status_word if self.status_words else None

    def looked(self, begun: Transaction) -> list[Sent]:
        """Return the commands about codes, but for those that a module sends by itself and that use no try."""
        about = [sent for sent in begun.sent if sent.ins == VERIFY]
        return [sent for sent in about if sent.data_length] if self.looks_itself else about

    def read(self, bench: Bench, counter: profiles.Counter | None = None) -> ReadCard:
        """Read the card on the bench."""
        with bench.transaction() as begun:
            return read(begun, self.registry(counter), lambda _: True)


# A further backend is one more row; those that need a real pcscd are in module_bench.
ROWS = (
    Row("ordinary", "sim_pkcs15", 1),
    Row("ordinary-t0", "sim_pkcs15", 0),
    Row("reserve", "pkcs15_generic", 0, signs=False, verified_is_full=False),
    Row("ordinary", "pkcs15_generic", 1, alone=True, signs=False, verified_is_full=False),
)


def _code(digits: bytes | None) -> Secret | None:
    return None if digits is None else Secret(digits)


@dataclass
class Hand:
    """What gives codes to the card of one transaction. A code that is None is entered at the reader's PIN pad."""

    begun: Transaction
    read: ReadCard
    word: Word = NOTHING_SAID
    floor: int = 0
    trail: Trail = field(default_factory=Trail)

    @property
    def turn(self) -> Turn:
        """The turn at the card."""
        return Turn(self.begun, self.read, self.word, self.floor, self.trail)

    def verify(self, role: Role, digits: bytes | None) -> Outcome:
        """Give a PIN."""
        return code_operations.verify(self.turn, role, _code(digits))

    def change(self, role: Role, digits: bytes | None, new: bytes | None = NEW_PIN) -> Outcome:
        """Change a PIN."""
        return code_operations.change(self.turn, role, _code(digits), _code(new))

    def unblock(self, role: Role, puk: bytes | None, new: bytes | None = NEW_PIN) -> Outcome:
        """Unblock a PIN."""
        return code_operations.unblock(self.turn, role, _code(puk), _code(new))

    def sign(self, signing: Signing, digits: bytes | None) -> Outcome:
        """Sign something."""
        return signature_operation.sign(self.turn, signing, _code(digits))

    def activate(
        self,
        new: Mapping[Role, bytes],
        puk: bytes | None = None,
        transport: Mapping[Role, bytes] = MappingProxyType({}),
        words: Mapping[Role, Word] = MappingProxyType({}),
    ) -> Outcome:
        """Give the PINs their first own values."""
        fresh = [FreshCode(role, Secret(pin), _code(transport.get(role))) for role, pin in new.items()]
        return code_operations.activate(self.turn, fresh, _code(puk), words)


def refused(action: Callable[[], object]) -> SithsdError:
    """Return the error that an action ends with."""
    try:
        action()
    except SithsdError as error:
        return error
    raise AssertionError("it was not refused")
