"""Cards that are known again: what proves it, what it costs, what is kept and for how long."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import structlog
from card_bench import Bench, Cut, card, image_of, registry, with_content
from structlog.testing import capture_logs

from sithsd.card import known as module
from sithsd.card.known import KnownCards
from sithsd.card.model import CardContents
from sithsd.card.operations import ReadCard, read
from sithsd.card.profile import Freshness
from sithsd.card.registry import Registry
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import tlv
from sithsd.simulator.image import Image
from sithsd.simulator.pkcs15 import PATHS

HOUR = 3600.0
CERTIFICATES = [bytes.fromhex(f"3F00501543{number:02X}") for number in range(0x31, 0x35)]


class Memory:
    """What is kept, in hands that can turn the clock and choose the certificate that is looked at."""

    def __init__(self, fit: Callable[[CardContents], bool] = lambda _: True) -> None:
        self.seconds = 0.0
        self.look_at = 0
        self.known = KnownCards(HOUR, fit, choose=lambda count: self.look_at % count, tell_seconds=lambda: self.seconds)
        self.registry = registry()

    def read(self, bench: Bench, **how: Any) -> ReadCard:
        """Read a card that has just come."""
        bench.channel.insert()
        with bench.transaction() as begun:
            seen = read(begun, self.registry, lambda _: True, known=self.known, **how)
        assert seen.commands == begun.ours
        return seen


@pytest.fixture
def memory() -> Memory:
    """Return an empty one."""
    return Memory()


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """Return what is logged."""
    structlog.reset_defaults()
    with capture_logs() as entries:
        yield entries


def content(image: Image, path: bytes) -> bytes:
    """Return what a file holds."""
    return next(file.content for file in image.files if file.path == path)


def altered(image: Image, path: bytes, at: int) -> Image:
    """Return the image with one bit of a file changed."""
    changed = bytearray(content(image, path))
    changed[at] ^= 1
    return with_content(image, path, bytes(changed))


def of(bench: Bench, image: Image) -> Bench:
    """Return the bench with the card as a desk left it."""
    return Bench(card(bench.card.name, image=image))


@pytest.mark.parametrize("name", ["ordinary", "ordinary-t0", "second", "desk"])
def test_a_card_that_comes_again_costs_six_commands(memory: Memory, name: str) -> None:
    """The same is known of it as by reading it whole, its codes' counters as they are now, under T=0 too."""
    bench = Bench(card(name))
    first, again = memory.read(bench), memory.read(bench)
    assert (first.known, again.known) == (False, True)
    assert again.commands == 6 < first.commands
    assert again.received < first.received / 10
    assert (again.contents, again.codes, again.identified) == (first.contents, first.codes, first.identified)
    bench.give(first.codes[0].role, b"000000")
    assert memory.read(bench).codes[0].tries_left == 2


def test_each_certificate_is_looked_at_some_time() -> None:
    """Whichever it is, a change in it is seen, though lastUpdate has not moved."""
    for number, path in enumerate(CERTIFICATES):
        bench = Bench(card("ordinary"))
        mine = Memory()
        mine.read(bench)
        mine.look_at = number
        changed = of(bench, altered(bench.card.image, path, 20))
        assert not mine.read(changed).known
        assert mine.read(changed).contents.certificates[number].der == content(changed.card.image, path)


def test_a_desk_that_leaves_last_update_is_caught_in_the_end(memory: Memory, logged: list[Any]) -> None:
    """If it renews some certificates alone, when one of these is looked at; that card is never believed again."""
    bench = Bench(card("ordinary"))
    memory.read(bench)
    changed = of(bench, altered(bench.card.image, CERTIFICATES[2], 20))
    assert [memory.read(changed).known for memory.look_at in range(4)] == [True, True, False, False]
    assert [memory.read(changed).known for _ in range(3)] == [False] * 3
    (told,) = [one for one in logged if one["event"] == "card.notKept"]
    assert "lastUpdate did not move" in told["detail"]


def test_any_change_of_token_info_is_a_change(memory: Memory) -> None:
    """A lastUpdate that moves by a second, back or forth, or another serial number: the card is read whole."""
    bench = Bench(card("ordinary"))
    memory.read(bench)
    whole = content(bench.card.image, PATHS["EF.TokenInfo"])
    for at in (whole.index(b"2024") + 13, whole.index(b"SIM") + 5):
        changed = of(bench, altered(bench.card.image, PATHS["EF.TokenInfo"], at))
        assert not memory.read(changed).known
        assert memory.read(changed).known


def test_cards_of_one_atr_are_told_apart(memory: Memory) -> None:
    """Each is known as itself, also where one has more certificates; another one costs two commands more."""
    benches = [Bench(card(name)) for name in ("ordinary", "second")]
    alone = [memory.read(bench).commands for bench in benches]
    for memory.look_at in range(6):
        seen = [memory.read(bench) for bench in benches]
        assert [one.known for one in seen] == [True, True]
        assert [one.contents.serial for one in seen] == [bench.card.image.serial.hex().upper() for bench in benches]
    stranger = memory.read(Bench(card("expired")))
    assert not stranger.known
    assert stranger.commands == alone[0] + 2


def test_another_atr_costs_nothing(memory: Memory) -> None:
    """A card is not asked for what it can't prove."""
    memory.read(Bench(card("ordinary")))
    first = memory.read(Bench(card("desk"))).commands
    assert first == Memory().read(Bench(card("desk"))).commands


def test_a_card_may_be_read_whole_though_it_is_known(memory: Memory) -> None:
    """When there is doubt about it; and then it is known again."""
    bench = Bench(card("ordinary"))
    whole = memory.read(bench)
    assert memory.read(bench, anew=True).commands == whole.commands
    assert memory.read(bench).known


@pytest.mark.parametrize("commands", range(6))
def test_a_card_that_goes_meanwhile_is_gone(memory: Memory, commands: int) -> None:
    """It is no unknown card: card.removed, after each of the six commands, and what was known stays."""
    bench = Bench(card("ordinary"))
    memory.read(bench)
    bench.channel.insert()
    with bench.transaction(Cut(commands)) as begun, pytest.raises(SithsdError) as gone:
        read(begun, memory.registry, lambda _: True, known=memory.known)
    assert gone.value.code is ErrorCode.CARD_REMOVED
    assert memory.read(bench).known


def without_short_identifier(image: Image) -> Image:
    """Return the image of a card that knows EF.TokenInfo by no short identifier."""
    files = tuple(
        msgspec.structs.replace(file, sfi=None) if file.path == PATHS["EF.TokenInfo"] else file for file in image.files
    )
    return msgspec.structs.replace(image, files=files)


def test_a_card_that_can_not_prove_it_is_asked_once(memory: Memory, logged: list[Any]) -> None:
    """Then it is read whole, without those commands."""
    bench = Bench(card("ordinary", image=without_short_identifier(image_of("ordinary"))))
    whole = memory.read(bench).commands
    assert memory.read(bench).commands == whole + 3
    assert memory.read(bench).commands == whole
    assert [one["event"] for one in logged].count("card.notKept") == 1


def without_last_update(image: Image) -> Image:
    """Return the image of a card that does not tell when it was written to."""
    (info,) = tlv.parse(content(image, PATHS["EF.TokenInfo"]))
    told = b"".join(tlv.encode(item.tag, item.value) for item in tlv.parse(info.value) if item.tag != 0xA5)
    return with_content(image, PATHS["EF.TokenInfo"], tlv.encode(info.tag, told))


@pytest.mark.parametrize("name", ["inactive", "transport", "reserve", "old"])
def test_what_is_read_whole_each_time(memory: Memory, name: str) -> None:
    """Cards whose PINs have no value yet, and those of which it is not known that lastUpdate moves."""
    if name == "old":
        memory.registry = Registry([_profile(freshness=Freshness.UNKNOWN)])
    bench = Bench(card(name))
    assert memory.read(bench).commands == memory.read(bench).commands > 6
    assert len(memory.known) == 0


def _profile(**changes: object) -> Any:
    (profile,) = [each for each, _ in registry("sim_pkcs15")._entries]
    return msgspec.structs.replace(profile, **changes)


def test_a_card_that_tells_no_last_update_is_read_whole(memory: Memory) -> None:
    """There is nothing that would prove it unchanged."""
    bench = Bench(card("ordinary", image=without_last_update(image_of("ordinary"))))
    assert [memory.read(bench).known for _ in range(3)] == [False] * 3
    assert len(memory.known) == 0


def test_a_card_that_is_not_ours_is_not_kept(memory: Memory) -> None:
    """Nor one that is not fit."""
    bench = Bench(card("ordinary"))
    bench.channel.insert()
    with bench.transaction() as begun:
        read(begun, memory.registry, lambda _: False, known=memory.known)
    assert len(memory.known) == 0
    picky = Memory(lambda _: False)
    assert [picky.read(bench).known for _ in range(2)] == [False, False]


def test_its_time_is_counted_from_the_whole_reading(memory: Memory) -> None:
    """Being known again does not make it longer; when it is over, nothing is kept."""
    bench = Bench(card("ordinary"))
    memory.read(bench)
    memory.seconds = HOUR - 1
    assert memory.read(bench).known
    memory.seconds = HOUR
    assert len(memory.known) == 0
    assert not memory.read(bench).known


def test_the_clock_goes_on_while_the_machine_sleeps() -> None:
    """By the clock of the time since the start, suspends included."""
    known = KnownCards(HOUR, lambda _: True)
    memory = Memory()
    memory.known = known
    bench = Bench(card("ordinary"))
    assert [memory.read(bench).known for _ in range(2)] == [False, True]


def test_the_number_of_cards_is_bounded(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was not seen for longest goes."""
    monkeypatch.setattr(module, "MOST_CARDS", 2)
    benches = {name: Bench(card(name)) for name in ("ordinary", "second", "expired")}
    for name in ("ordinary", "second", "ordinary", "expired"):
        memory.read(benches[name])
    assert len(memory.known) == 2
    assert memory.read(benches["ordinary"]).known
    assert not memory.read(benches["second"]).known


def test_the_bytes_are_bounded(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that alone is too much is not kept."""
    bench = Bench(card("ordinary"))
    monkeypatch.setattr(module, "MOST_BYTES", 8000)
    memory.read(bench)
    assert len(memory.known) == 1
    monkeypatch.setattr(module, "MOST_BYTES", 4000)
    memory.read(bench, anew=True)
    assert len(memory.known) == 0


def test_cards_of_one_atr_without_a_place_in_common(memory: Memory) -> None:
    """The later one is kept: before it is known which came, one place has to do for all."""
    bench = Bench(card("ordinary"))
    first = memory.read(bench)
    marks = first.contents.marks
    assert marks is not None
    elsewhere = tuple((replace(place, path=b"\x3f\x00\x50\x15\x99\x99"), head) for place, head in marks.heads[:1])
    other = replace(first.contents, serial="02", marks=replace(marks, token=b"other", heads=elsewhere))
    memory.known.keep(bench.card.atr, first.identified, other)
    assert len(memory.known) == 1
    assert not memory.read(bench).known
    assert memory.read(bench).known


def test_nothing_of_it_is_shown(memory: Memory) -> None:
    """What proves a card unchanged is in no repr: certificates are in it."""
    contents = memory.read(Bench(card("ordinary"))).contents
    assert contents.marks is not None
    assert "marks" not in repr(contents)
