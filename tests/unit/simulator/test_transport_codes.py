"""New cards: transport codes, codes without a value, and what EF.AODF says of each until the holder chose one."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from sithsd.iso7816 import tlv
from sithsd.simulator.card import Card
from sithsd.simulator.image import LateFile, Memory, Role
from sithsd.simulator.shelf import Shelf

AUTHENTICATION, SIGNATURE, PUK = 1, 2, 3
TRANSPORT = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}
PUK_VALUE, WRONG, NEW = b"12345678", b"000000", b"7777777"
VERIFY, CHANGE, RESET_RETRY_COUNTER = 0x20, 0x24, 0x2C
INITIALIZED = 4
"""The bit of PinFlags (ISO/IEC 7816-15:2016, 8.9.2)."""


def send(card: Card, ins: int, reference: int, *codes: bytes) -> int:
    """Send a code command, and return the status word."""
    data = b"".join(code.ljust(8, b"\xff") for code in codes)
    body = bytes([len(data)]) + data if data else b""
    return card.transmit(bytes([0, ins, 0, reference]) + body)[1]


def directory(card: Card) -> dict[int, set[int]]:
    """Read EF.AODF; return the bits of PinFlags of each code by its reference."""
    card.transmit(bytes.fromhex("00A4080C0450154401"))
    data, status = card.transmit(bytes.fromhex("00B0000000"))
    assert status == 0x9000
    codes = {}
    for entry in tlv.parse(data):
        attributes = next(tlv.parse(list(tlv.parse(entry.value))[-1].value))
        parts = list(tlv.parse(attributes.value))
        bits = "".join(f"{byte:08b}" for byte in parts[0].value[1:])
        (reference,) = next(part.value for part in parts if part.tag == 0x80)
        codes[reference] = {number for number, bit in enumerate(bits) if bit == "1"}
    return codes


def chosen(card: Card) -> set[int]:
    """Return the references of the codes that EF.AODF calls initialized."""
    return {reference for reference, bits in directory(card).items() if INITIALIZED in bits}


@pytest.mark.parametrize("reference", [AUTHENTICATION, SIGNATURE])
def test_a_transport_code_has_a_counter_like_any_other(card: Callable[..., Card], reference: int) -> None:
    """VERIFY without data tells 63CX, wrong codes count it down, and without tries the right code answers 6983 too."""
    taken = card("transport")
    assert send(taken, VERIFY, reference) == 0x63C3
    assert [send(taken, VERIFY, reference, WRONG) for _ in range(3)] == [0x63C2, 0x63C1, 0x63C0]
    assert send(taken, VERIFY, reference) == 0x6983
    assert send(taken, VERIFY, reference, TRANSPORT[reference]) == 0x6983
    assert send(taken, CHANGE, reference, TRANSPORT[reference], NEW) == 0x6983
    assert chosen(taken) == {PUK}


@pytest.mark.parametrize("reference", [AUTHENTICATION, SIGNATURE])
def test_the_right_transport_code_opens_nothing(card: Callable[..., Card], reference: int) -> None:
    """VERIFY with it answers 6985: the tries are back, no security status is set, and no signature is made."""
    taken = card("transport")
    assert send(taken, VERIFY, reference, WRONG) == 0x63C2
    assert send(taken, VERIFY, reference, TRANSPORT[reference]) == 0x6985
    assert send(taken, VERIFY, reference) == 0x63C3
    key = bytes.fromhex("4B01") if reference == AUTHENTICATION else bytes.fromhex("4B02")
    taken.transmit(bytes.fromhex("00A4080C025015"))
    environment = bytes.fromhex("8001028102") + key + bytes.fromhex("840100")
    assert taken.transmit(bytes.fromhex("002241B6") + bytes([len(environment)]) + environment)[1] == 0x9000
    digest_info = bytes.fromhex("3031300D060960864801650304020105000420") + bytes(32)
    command = bytes.fromhex("002A9E9A") + bytes([len(digest_info)]) + digest_info + b"\0"
    assert taken.transmit(command) == (b"", 0x6982)


@pytest.mark.parametrize("reference", [AUTHENTICATION, SIGNATURE])
def test_change_activates_a_transport_code(card: Callable[..., Card], reference: int) -> None:
    """From CHANGE REFERENCE DATA on it is an ordinary PIN with all its tries; the transport code is a wrong code."""
    taken = card("transport")
    assert send(taken, CHANGE, reference, WRONG, NEW) == 0x63C2
    assert chosen(taken) == {PUK}
    assert send(taken, CHANGE, reference, TRANSPORT[reference], NEW) == 0x9000
    taken.reset()
    assert send(taken, VERIFY, reference) == 0x63C3
    assert send(taken, VERIFY, reference, TRANSPORT[reference]) == 0x63C2
    assert send(taken, VERIFY, reference, NEW) == 0x9000
    assert chosen(taken) == {PUK, reference}


def test_each_transport_code_is_of_its_own_pin(card: Callable[..., Card]) -> None:
    """The one PIN's transport code is a wrong code for the other."""
    taken = card("transport")
    assert send(taken, CHANGE, AUTHENTICATION, TRANSPORT[SIGNATURE], NEW) == 0x63C2
    assert send(taken, CHANGE, SIGNATURE, TRANSPORT[AUTHENTICATION], NEW) == 0x63C2


def test_the_puk_activates_a_transport_code(card: Callable[..., Card]) -> None:
    """RESET RETRY COUNTER gives the PIN a value of the holder's own, also when the transport code's tries are spent."""
    taken = card("transport")
    for _ in range(3):
        send(taken, VERIFY, AUTHENTICATION, WRONG)
    assert send(taken, RESET_RETRY_COUNTER, AUTHENTICATION, PUK_VALUE, NEW) == 0x9000
    assert send(taken, VERIFY, AUTHENTICATION, NEW) == 0x9000
    assert send(taken, VERIFY, SIGNATURE, TRANSPORT[SIGNATURE]) == 0x6985


@pytest.mark.parametrize("name", ["inactive", "transport"])
@pytest.mark.parametrize("order", [(AUTHENTICATION, SIGNATURE), (SIGNATURE, AUTHENTICATION)])
def test_the_directory_tells_of_each_code_whether_it_was_chosen(
    shelf: Callable[..., Shelf], name: str, order: tuple[int, int]
) -> None:
    """PinFlags "initialized" follows each PIN by itself, at once and for good; no other flag changes."""
    own = shelf(name)
    taken = own.card(name)
    taken.power_on()
    first = directory(taken)
    done = {PUK}
    assert chosen(taken) == done
    for reference in order:
        assert send(taken, RESET_RETRY_COUNTER, reference, b"00000000", NEW) & 0xFFF0 == 0x63C0
        assert chosen(taken) == done
        assert send(taken, RESET_RETRY_COUNTER, reference, PUK_VALUE, NEW) == 0x9000
        done.add(reference)
        assert chosen(taken) == done
        again = own.card(name)
        again.power_on()
        assert chosen(again) == done
    assert {reference: bits - {INITIALIZED} for reference, bits in directory(taken).items()} == {
        reference: bits - {INITIALIZED} for reference, bits in first.items()
    }


def test_an_ordinary_card_has_chosen_codes_whatever_is_done(card: Callable[..., Card]) -> None:
    """Blocking and changing do not take "initialized" away."""
    taken = card("ordinary")
    assert chosen(taken) == {AUTHENTICATION, SIGNATURE, PUK}
    assert send(taken, CHANGE, AUTHENTICATION, b"123456", NEW) == 0x9000
    for _ in range(3):
        send(taken, VERIFY, SIGNATURE, WRONG)
    assert chosen(taken) == {AUTHENTICATION, SIGNATURE, PUK}


def test_a_card_without_the_directory_is_activated_all_the_same(shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    """A file that is not there does not come with the codes' being chosen, and the answer is the code's own."""
    shelf("transport")
    saved = Memory.load(tmp_path / "simulator" / "cards" / "transport")
    files = tuple(file for file in saved.image.files if not file.path.endswith(b"\x44\x01"))
    assert len(files) == len(saved.image.files) - 1
    image = msgspec.structs.replace(saved.image, files=files)
    taken = Card(Memory(saved.folder, image, saved.counters))
    taken.power_on()
    assert send(taken, CHANGE, AUTHENTICATION, TRANSPORT[AUTHENTICATION], NEW) == 0x9000
    assert taken.transmit(bytes.fromhex("00A4080C0450154401")) == (b"", 0x6A82)


def test_files_that_wait_for_every_code_come_with_the_last(shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    """A late file that names no code, such as a certificate, takes its place when all codes have been chosen."""
    shelf("transport")
    saved = Memory.load(tmp_path / "simulator" / "cards" / "transport")
    late = LateFile(path=bytes.fromhex("3F0050154331"), content=b"the other certificate")
    image = msgspec.structs.replace(saved.image, late_files=(late, *saved.image.late_files))
    taken = Card(Memory(saved.folder, image, saved.counters))
    taken.power_on()
    taken.transmit(bytes.fromhex("00A4080C0450154331"))
    read = bytes.fromhex("00B0000015")
    before = taken.transmit(read)
    assert send(taken, CHANGE, SIGNATURE, TRANSPORT[SIGNATURE], NEW) == 0x9000
    assert taken.transmit(read) == before
    assert send(taken, CHANGE, AUTHENTICATION, TRANSPORT[AUTHENTICATION], NEW) == 0x9000
    assert taken.transmit(read) == (b"the other certificate", 0x9000)


def test_a_transport_code_stands_in_no_file(shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    """The card's memory keeps a slow hash of it, as of any code."""
    shelf("transport")
    content = b"".join(path.read_bytes() for path in (tmp_path / "simulator" / "cards").rglob("*") if path.is_file())
    assert content
    assert not any(code in content for code in TRANSPORT.values())


def test_a_transport_state_survives_the_process(shelf: Callable[..., Shelf]) -> None:
    """A card that is loaded again has the state and the counter that it was left with."""
    own = shelf("transport")
    taken = own.card("transport")
    taken.power_on()
    send(taken, VERIFY, AUTHENTICATION, WRONG)
    send(taken, CHANGE, SIGNATURE, TRANSPORT[SIGNATURE], NEW)
    again = own.card("transport")
    again.power_on()
    assert again.tries_left(Role.AUTHENTICATION) == 2
    assert send(again, VERIFY, AUTHENTICATION, TRANSPORT[AUTHENTICATION]) == 0x6985
    assert send(again, VERIFY, SIGNATURE, NEW) == 0x9000
