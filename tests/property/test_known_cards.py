"""Cards that come and go while desks renew them: what is shown is what is on the card, and a known one costs little.

Below the reading of cards is the simulated chip itself. A desk renews some or all certificates, for new keys or for the
same; it may leave lastUpdate as it was and renew them all. Cards are activated, swapped, pulled out in the middle of a
reading, and come back after hours.
"""

import os
from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache, partial
from random import Random

import msgspec
import pytest
from card_bench import OTHER_PIN, PIN, PUK, TODAY, WRONG, Bench, Cut, VolatileMemory, card, image_of, registry, shelf
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from life_house import quick_digest

from sithsd.card.known import KnownCards
from sithsd.card.model import CardCertificate, CardContents, Marks
from sithsd.card.operations import ReadCard, read
from sithsd.clock import FixedClock
from sithsd.errors import SithsdError
from sithsd.session.describe import may_be_kept
from sithsd.simulator import codes as chip_codes
from sithsd.simulator import fixture
from sithsd.simulator.card import Card
from sithsd.simulator.certificates import Issued, issue, orders
from sithsd.simulator.image import Image
from sithsd.simulator.personalise import card_number, chosen_codes, midnight, written
from sithsd.values import Role

RULES = int(os.environ.get("SITHSD_LIFE_RULES", "10000"))
STEPS = 50
HOURS = 12
MOST = 6
VARIANTS = 4
# Cards of one ATR, of another, under T=0; two that are not activated; one that tells no lastUpdate.
CARDS = ("ordinary", "second", "ordinary-t0", "inactive", "transport", "untold")
CODES = {1: PIN, 2: OTHER_PIN, 3: PUK}
TRANSPORT = {1: b"502814", 2: b"739261"}
APPLICATION = bytes.fromhex("00A4040C0CA000000063504B43532D3135")
# What has to come about in enough orders, or these tests would prove little.
EXPECTED = ("known", "renewed", "renewed silently", "pulled", "not believed", "lapsed", "activated", "never known")


def _fixture_of(name: str) -> fixture.CardFixture:
    if name != "untold":
        return fixture.load(name)
    return fixture.parse(b"serial = '53494D00000000000001'\n[chip]\nlast_update = false\n", name)


@cache
def _pool(name: str) -> tuple[tuple[Issued, ...], ...]:
    """Return, for each certificate of a card, those that a desk may put in its place: two for each of two keys."""
    image, made, pki = image_of("ordinary" if name == "untold" else name), _fixture_of(name), shelf().pki
    validity = midnight(FixedClock(TODAY)), TODAY + timedelta(days=365)
    number, pool = card_number(name, made), []
    for order, first, key in zip(orders(made), image.certificates, image.keys, strict=True):
        authority = pki.issuers[order.issuer]
        there = Issued(order, authority, x509.load_der_x509_certificate(first.content), key.pkcs8)
        other = issue(order, authority, made, number, validity)
        same = (issue(order, authority, made, number, validity, key=_key(one)) for one in (there, other))
        pool.append((there, other, *same))
    return tuple(pool)


def _may_be_kept(contents: CardContents) -> bool:
    """Return what the daemon would say; what a certificate means is worked out once."""
    assert contents.marks is not None
    return _judged(contents.certificates, contents.marks)


@lru_cache(maxsize=4096)
def _judged(certificates: tuple[CardCertificate, ...], marks: Marks) -> bool:
    return may_be_kept(CardContents(None, None, None, (), certificates, marks=marks))


def _key(issued: Issued) -> rsa.RSAPrivateKey:
    key = load_der_private_key(issued.pkcs8, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@dataclass
class Chip:
    """One card, in a reader or not, and what this test knows of it.

    `seen` is what was on the card when it was read last, and `until` when that is too old to be known. `liar` tells
    that a desk once wrote to it without saying so, `stale` that the chip's files are still to be written.
    """

    name: str
    bench: Bench = field(init=False)
    issued: list[int] = field(init=False)
    last_update: datetime = TODAY
    seen: tuple[tuple[int, ...], datetime] | None = None
    until: float = 0
    liar: bool = False
    stale: bool = False

    def __post_init__(self) -> None:
        self.issued = [0] * len(_pool(self.name))
        plain = "ordinary" if self.name == "untold" else self.name
        first = card(plain)
        for reference, counters in first.memory.counters.items():
            if counters.digest is not None:
                code = TRANSPORT[reference] if counters.transport else CODES[reference]
                counters.digest = quick_digest(code, counters.salt)
        self.bench = Bench(Card(VolatileMemory(first.memory.folder, image_of(plain), first.memory.counters)))
        self.stale = self.name == "untold"

    @property
    def image(self) -> Image:
        """What is on it."""
        return self.bench.card.image

    @property
    def now(self) -> tuple[tuple[int, ...], datetime]:
        """Which certificates are on it, and when it says that it was written to."""
        return tuple(self.issued), self.last_update

    @property
    def activated(self) -> bool:
        """Whether both PINs have a value of the holder's own."""
        return {1, 2} <= chosen_codes(self.bench.card.memory.counters)

    def chosen(self, role: Role) -> bool:
        """Tell whether a code has a value of the holder's own."""
        reference = next(terms.reference for terms in self.image.codes if Role(terms.role) is role)
        return reference in chosen_codes(self.bench.card.memory.counters)

    def write(self) -> None:
        """Write the files for the certificates that are to be on it, as a desk does."""
        memory, made = self.bench.card.memory, _fixture_of(self.name)
        there = [pool[number] for pool, number in zip(_pool(self.name), self.issued, strict=True)]
        bare = memory.image
        if made.serial is not None:
            bare = msgspec.structs.replace(bare, serial=bytes.fromhex(made.serial))
        image = written(
            bare, made, there, shelf().pki, chosen=chosen_codes(memory.counters), last_update=self.last_update
        )
        self.bench = Bench(Card(VolatileMemory(memory.folder, image, memory.counters)))
        self.stale = False

    def activate(self) -> None:
        """Have another program give both PINs a value, by the PUK or the transport codes."""
        for reference in (1, 2):
            new = b"918273\xff\xff"
            if self.name == "transport":
                command = bytes((0, 0x24, 0, reference, 16)) + TRANSPORT[reference] + b"\xff\xff" + new
            else:
                command = bytes((0, 0x2C, 0, reference, 16)) + PUK + new
            assert self.bench.channel.transmit(APPLICATION)[1] == 0x9000
            assert self.bench.channel.transmit(command)[1] == 0x9000


class Desk:
    """One reader, the cards, what is kept of them, and what came about; an order is one of its methods."""

    def __init__(self, came: Count[str]) -> None:
        self.came = came
        self.seconds = 0.0
        self.look_at = 0
        self.known = KnownCards(
            HOURS * 3600, _may_be_kept, choose=lambda count: self.look_at % count, tell_seconds=lambda: self.seconds
        )
        self.registry = registry()
        self.chips = {name: Chip(name) for name in CARDS}
        self.inside: Chip | None = None
        for chip in self.chips.values():
            chip.bench.channel.remove()

    def insert(self, name: str, look_at: int, pulled: int | None) -> None:
        """Put a card in, in the place of the one that is in; it may be pulled out after so many commands."""
        self.remove()
        chip, self.look_at = self.chips[name], look_at
        if chip.stale:
            chip.write()
        chip.bench.channel.insert()
        cut = None if pulled is None else Cut(pulled)
        seen = None
        with suppress(SithsdError), chip.bench.transaction(cut) as begun:
            seen = read(begun, self.registry, lambda _: True, known=self.known)
        if seen is None:
            assert cut is not None
            assert len(begun.sent) == cut.commands
            self.came["pulled"] += 1
            chip.bench.channel.remove()
            return
        self.inside = chip
        assert seen.commands == len(begun.sent)
        ders = [one.der for one in seen.contents.certificates]
        assert ders[: len(chip.issued)] == [one.content for one in chip.image.certificates]
        assert seen.contents.serial == chip.image.serial.hex().upper()
        told = {state.role: state.tries_left for state in seen.codes if state.activated}
        assert told == {role: left for role, left in chip.bench.tries().items() if chip.chosen(role)}
        self._judge_cost(chip, seen)
        if not seen.known:
            keepable = chip.activated and chip.name != "untold"
            chip.seen, chip.until = chip.now if keepable else None, self.seconds + HOURS * 3600

    def again(self, look_at: int) -> None:
        """Take the card out and put it in again."""
        if self.inside is not None:
            self.insert(self.inside.name, look_at, None)

    def _judge_cost(self, chip: Chip, seen: ReadCard) -> None:
        unchanged, lapsed = chip.seen == chip.now, self.seconds >= chip.until
        if seen.known:
            assert unchanged
            assert not lapsed
            assert seen.commands <= MOST
            self.came["known"] += 1
        elif chip.seen is None:
            self.came["never known"] += 1
        elif unchanged:
            # Only one that was written to without a word, or too long ago, is not known.
            assert lapsed or chip.liar
            self.came["lapsed" if lapsed else "not believed"] += 1
        else:
            self.came["renewed silently" if chip.seen[1] == chip.last_update else "renewed"] += 1

    def remove(self) -> None:
        """Take the card out."""
        if self.inside is not None:
            self.inside.bench.channel.remove()
            self.inside = None

    def renew(self, name: str, which: Iterable[int], step: int) -> None:
        """Take a card to a desk that renews some certificates; lastUpdate moves."""
        chip = self._taken(name)
        for number in which:
            chip.issued[number] = (chip.issued[number] + step) % VARIANTS
        chip.last_update += timedelta(seconds=1)
        chip.stale = True

    def renew_silently(self, name: str, step: int) -> None:
        """Take a card to a desk that renews every certificate and leaves lastUpdate as it was."""
        chip = self._taken(name)
        chip.issued = [(number + step) % VARIANTS for number in chip.issued]
        chip.liar = chip.stale = True

    def _taken(self, name: str) -> Chip:
        chip = self.chips[name]
        if self.inside is chip:
            self.remove()
        return chip

    def activate(self) -> None:
        """Have another program activate the card that is in."""
        if self.inside is not None and not self.inside.activated:
            self.inside.activate()
            self.came["activated"] += 1

    def waste(self, role: Role) -> None:
        """Have another program use a try of the card that is in, but not the last one."""
        if self.inside is not None and self.inside.chosen(role) and self.inside.bench.tries()[role] > 1:
            self.inside.bench.channel.transmit(APPLICATION)
            self.inside.bench.give(role, WRONG)

    def wait(self, hours: int) -> None:
        """Let hours go by."""
        self.seconds += hours * 3600


# Those that can be known come more often.
NAMES = (*CARDS, "ordinary", "ordinary", "ordinary", "second", "ordinary-t0")


def _orders(chance: Random) -> Iterator[Callable[[Desk], None]]:
    """Yield orders at random, each as often in every life as it should be."""
    for _ in range(STEPS):
        name, look_at, step = chance.choice(NAMES), chance.randrange(12), chance.randrange(1, VARIANTS)
        yield chance.choices(
            [
                partial(Desk.insert, name=name, look_at=look_at, pulled=None),
                partial(Desk.insert, name=name, look_at=look_at, pulled=chance.randrange(25)),
                partial(Desk.again, look_at=look_at),
                Desk.remove,
                partial(Desk.renew, name=name, which=chance.sample(range(4), chance.randrange(1, 5)), step=step),
                partial(Desk.renew_silently, name=name, step=step),
                Desk.activate,
                partial(Desk.waste, role=chance.choice([Role.AUTHENTICATION, Role.SIGNATURE])),
                partial(Desk.wait, hours=chance.randrange(1, 6)),
            ],
            weights=[5, 2, 3, 1, 2, 1, 1, 1, 1],
        )[0]


def test_no_order_of_renewals_shows_old_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown is on the card, always; a known card that is unchanged costs six commands at most, counters too."""
    for name in CARDS:
        _pool(name)  # made once in a process, for other tests too: by the true hash
    monkeypatch.setattr(chip_codes, "digest", quick_digest)
    came: Count[str] = Count()

    @settings(
        max_examples=max(RULES // STEPS, 20),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.integers(0, 2**64 - 1))
    def days(seed: int) -> None:
        desk = Desk(came)
        for order in _orders(Random(seed)):  # noqa: S311 - chance, not a secret
            note(str(order))
            order(desk)

    days()
    # Orders in which little happens prove little.
    assert not [what for what in EXPECTED if not came[what]], came
