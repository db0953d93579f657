"""The codes of a card: counters that fall before the comparison, and never lie."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sithsd.simulator import codes as module
from sithsd.simulator.card import Card
from sithsd.simulator.image import Role
from sithsd.simulator.shelf import Shelf

PIN, SIGNATURE_PIN, PUK = b"123456", b"654321", b"12345678"
WRONG, NEW = b"000000", b"7777777"
AUTHENTICATION_REF, SIGNATURE_REF, PUK_REF = 1, 2, 3


def padded(code: bytes) -> bytes:
    """Return the code as VERIFY carries it."""
    return code.ljust(8, b"\xff")


def send(card: Card, ins: int, reference: int, *codes: bytes, p1: int = 0) -> int:
    """Send a code command, and return the status word."""
    data = b"".join(padded(code) for code in codes)
    body = bytes([len(data)]) + data if data else b""
    answer, status = card.transmit(bytes([0, ins, p1, reference]) + body)
    assert answer == b""
    return status


def verify(card: Card, reference: int, code: bytes | None = None) -> int:
    """VERIFY a code, or ask for its state."""
    return send(card, 0x20, reference, *([] if code is None else [code]))


def unblock(card: Card, reference: int, puk: bytes, new: bytes) -> int:
    """RESET RETRY COUNTER with PUK and new code."""
    return send(card, 0x2C, reference, puk, new)


def block(card: Card) -> None:
    """Spend the authentication PIN's three tries."""
    for _ in range(3):
        verify(card, AUTHENTICATION_REF, WRONG)


def test_an_empty_verify_tells_the_counter_and_spends_no_try(card: Callable[..., Card]) -> None:
    """ISO 7816-4, 11.6.6: without data field VERIFY answers 63CX, however often it is asked."""
    taken = card()
    for _ in range(5):
        assert verify(taken, AUTHENTICATION_REF) == 0x63C3
        assert verify(taken, SIGNATURE_REF) == 0x63C3
        assert verify(taken, PUK_REF) == 0x63CA


def test_three_wrong_codes_block_the_pin(card: Callable[..., Card]) -> None:
    """Each wrong code answers the counter that is left, the last one 63C0; then it is 6983, right code or not."""
    taken = card()
    assert [verify(taken, AUTHENTICATION_REF, WRONG) for _ in range(3)] == [0x63C2, 0x63C1, 0x63C0]
    assert verify(taken, AUTHENTICATION_REF, WRONG) == 0x6983
    assert verify(taken, AUTHENTICATION_REF, PIN) == 0x6983
    assert verify(taken, AUTHENTICATION_REF) == 0x6983
    assert verify(taken, SIGNATURE_REF) == 0x63C3


def test_a_right_code_raises_the_counter_and_is_remembered(card: Callable[..., Card]) -> None:
    """After the right code an empty VERIFY answers 9000, and all tries are back."""
    taken = card()
    verify(taken, AUTHENTICATION_REF, WRONG)
    assert verify(taken, AUTHENTICATION_REF, PIN) == 0x9000
    assert verify(taken, AUTHENTICATION_REF) == 0x9000
    assert taken.tries_left(Role.AUTHENTICATION) == 3


def test_a_wrong_code_withdraws_the_right_one(card: Callable[..., Card]) -> None:
    """A wrong VERIFY after a right one leaves the code not verified."""
    taken = card()
    verify(taken, AUTHENTICATION_REF, PIN)
    assert verify(taken, AUTHENTICATION_REF, WRONG) == 0x63C2
    assert verify(taken, AUTHENTICATION_REF) == 0x63C2


@pytest.mark.parametrize("forget", ["reset", "power", "p1", "logout", "logout all"])
def test_what_withdraws_a_code(card: Callable[..., Card], forget: str) -> None:
    """Reset, loss of power, VERIFY with P1 = FF and LOGOUT withdraw a code; the counter stays as it is."""
    taken = card()
    verify(taken, AUTHENTICATION_REF, PIN)
    match forget:
        case "reset":
            taken.reset()
        case "power":
            taken.power_off()
            taken.power_on()
        case "p1":
            assert send(taken, 0x20, AUTHENTICATION_REF, p1=0xFF) == 0x9000
        case "logout":
            assert send(taken, 0x2E, AUTHENTICATION_REF) == 0x9000
        case _:
            assert send(taken, 0x2E, 0) == 0x9000
    assert verify(taken, AUTHENTICATION_REF) == 0x63C3


def test_the_puk_gives_a_blocked_pin_a_new_value(card: Callable[..., Card]) -> None:
    """RESET RETRY COUNTER sets the new code and all tries, verifies nothing, and the old code is wrong."""
    taken = card()
    block(taken)
    assert unblock(taken, AUTHENTICATION_REF, PUK, NEW) == 0x9000
    assert verify(taken, AUTHENTICATION_REF) == 0x63C3
    assert verify(taken, AUTHENTICATION_REF, PIN) == 0x63C2
    assert verify(taken, AUTHENTICATION_REF, NEW) == 0x9000
    assert taken.tries_left(Role.PUK) == 10


def test_a_wrong_puk_costs_a_try_of_the_puk_only(card: Callable[..., Card]) -> None:
    """The status word tells the PUK's own counter, the PIN's stays."""
    taken = card()
    block(taken)
    assert unblock(taken, AUTHENTICATION_REF, b"00000000", NEW) == 0x63C9
    assert verify(taken, PUK_REF) == 0x63C9
    assert verify(taken, AUTHENTICATION_REF) == 0x6983


def test_a_dead_puk_is_dead_for_ever(shelf: Callable[..., Shelf]) -> None:
    """After ten wrong PUKs the right one answers 6983, also after loss of power and in another process's eyes."""
    own = shelf("ordinary")
    taken = own.card("ordinary")
    taken.power_on()
    block(taken)
    answers = [unblock(taken, AUTHENTICATION_REF, b"00000000", NEW) for _ in range(10)]
    assert answers == [0x63C0 | left for left in range(9, -1, -1)]
    again = own.card("ordinary")
    again.power_on()
    for dead in (taken, again):
        assert unblock(dead, AUTHENTICATION_REF, PUK, NEW) == 0x6983
        assert verify(dead, PUK_REF) == 0x6983
        assert verify(dead, AUTHENTICATION_REF) == 0x6983


def test_change_takes_the_old_code_and_the_new_one(card: Callable[..., Card]) -> None:
    """CHANGE REFERENCE DATA with the right old code sets the new one; a wrong old code costs a try."""
    taken = card()
    assert send(taken, 0x24, AUTHENTICATION_REF, WRONG, NEW) == 0x63C2
    assert send(taken, 0x24, AUTHENTICATION_REF, PIN, NEW) == 0x9000
    taken.reset()
    assert verify(taken, AUTHENTICATION_REF, PIN) == 0x63C2
    assert verify(taken, AUTHENTICATION_REF, NEW) == 0x9000


@pytest.mark.parametrize("new", [b"12345", b"12a456", b"", b"1234 6", b"123\xff456"])
def test_a_malformed_new_code_is_refused_before_any_try(card: Callable[..., Card], new: bytes) -> None:
    """Too short, not digits, or with padding in the middle: 6A80, and neither counter falls."""
    taken = card()
    assert send(taken, 0x24, AUTHENTICATION_REF, PIN, new) == 0x6A80
    assert unblock(taken, AUTHENTICATION_REF, PUK, new) == 0x6A80
    assert (verify(taken, AUTHENTICATION_REF), verify(taken, PUK_REF)) == (0x63C3, 0x63CA)


@pytest.mark.parametrize("data", [b"123456", b"123456\xff\xff\xff", b"1"])
def test_a_data_field_of_the_wrong_length_costs_no_try(card: Callable[..., Card], data: bytes) -> None:
    """A code that is not padded to its stored length is refused 6700."""
    taken = card()
    for ins in (0x20, 0x24, 0x2C):
        assert taken.transmit(bytes([0, ins, 0, 1, len(data)]) + data) == (b"", 0x6700)
    assert (verify(taken, AUTHENTICATION_REF), verify(taken, PUK_REF)) == (0x63C3, 0x63CA)


@pytest.mark.parametrize(
    ("ins", "p1", "p2", "codes", "status"),
    [
        (0x20, 0x00, 9, [], 0x6A88),
        (0x20, 0x01, 1, [], 0x6A86),
        (0x20, 0xFF, 1, [PIN], 0x6A86),
        (0x24, 0x01, 1, [PIN], 0x6A86),
        (0x24, 0x00, 9, [PIN, NEW], 0x6A88),
        (0x24, 0x00, PUK_REF, [PUK, b"87654321"], 0x6985),
        (0x2C, 0x01, 1, [PUK], 0x6A86),
        (0x2C, 0x03, 1, [], 0x6A86),
        (0x2C, 0x00, 9, [PUK, NEW], 0x6A88),
        (0x2C, 0x00, PUK_REF, [PUK, b"87654321"], 0x6A88),
        (0x2E, 0x00, 9, [], 0x6A88),
        (0x2E, 0x01, 0, [], 0x6A86),
        (0x2E, 0x00, 0, [PIN], 0x6700),
    ],
)
def test_refusals_have_their_own_status_words(  # noqa: PLR0913, PLR0917 - a table's columns
    card: Callable[..., Card], ins: int, p1: int, p2: int, codes: list[bytes], status: int
) -> None:
    """Unknown reference, unsupported mode, a code nobody may change: each is told apart, none costs a try."""
    taken = card()
    assert send(taken, ins, p2, *codes, p1=p1) == status
    assert (verify(taken, AUTHENTICATION_REF), verify(taken, PUK_REF)) == (0x63C3, 0x63CA)


def test_a_card_that_is_not_activated_answers_6984_until_the_puk_sets_a_code(card: Callable[..., Card]) -> None:
    """Both PINs have no value before RESET RETRY COUNTER gives them one; no try of theirs is spent."""
    taken = card("inactive")
    for reference in (AUTHENTICATION_REF, SIGNATURE_REF):
        assert verify(taken, reference) == 0x6984
        assert verify(taken, reference, PIN) == 0x6984
        assert send(taken, 0x24, reference, PIN, NEW) == 0x6984
    assert unblock(taken, AUTHENTICATION_REF, PUK, NEW) == 0x9000
    assert verify(taken, AUTHENTICATION_REF, NEW) == 0x9000
    assert verify(taken, SIGNATURE_REF) == 0x6984
    assert unblock(taken, SIGNATURE_REF, PUK, NEW) == 0x9000
    assert verify(taken, SIGNATURE_REF, NEW) == 0x9000


def test_a_blocked_fixture_is_blocked_from_the_start(card: Callable[..., Card]) -> None:
    """The card "blocked" has no try of its authentication PIN left, and its other codes all of theirs."""
    taken = card("blocked")
    assert verify(taken, AUTHENTICATION_REF) == 0x6983
    assert verify(taken, SIGNATURE_REF) == 0x63C3
    assert unblock(taken, AUTHENTICATION_REF, PUK, NEW) == 0x9000


def test_the_try_is_spent_durably_before_the_comparison(
    shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that loses its power in the middle of a comparison has one try fewer, even with the right code."""
    own = shelf("ordinary")
    taken = own.card("ordinary")
    taken.power_on()

    def power_cut(_code: bytes, _salt: bytes) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "digest", power_cut)
    with pytest.raises(KeyboardInterrupt):
        verify(taken, AUTHENTICATION_REF, PIN)
    assert own.card("ordinary").tries_left(Role.AUTHENTICATION) == 2


def test_counters_survive_a_killed_process(shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    """A process that is killed with SIGKILL right after an answer leaves the counter that it answered."""
    shelf("ordinary")
    program = (
        "import os, pathlib, signal, sys\n"
        "from sithsd.simulator.shelf import Shelf\n"
        "card = Shelf(pathlib.Path(sys.argv[1])).card('ordinary')\n"
        "card.power_on()\n"
        "assert card.transmit(bytes.fromhex('0020000108') + b'000000\\xff\\xff')[1] == 0x63C2\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert ended.returncode == -9
    assert Shelf(tmp_path).card("ordinary").tries_left(Role.AUTHENTICATION) == 2


def test_no_code_is_readable_in_the_cards_memory(shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    """Neither the first codes nor a chosen one stand in any file of the card, nor in its repr."""
    own = shelf("ordinary")
    taken = own.card("ordinary")
    taken.power_on()
    canary = b"90718263"
    assert unblock(taken, AUTHENTICATION_REF, PUK, canary) == 0x9000
    for path in (tmp_path / "simulator" / "cards").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(code in content for code in (PIN, SIGNATURE_PIN, PUK, canary))
    assert canary.decode() not in repr(taken)


def test_codes_without_padding_are_sent_as_they_are(made: Shelf, tmp_path: Path) -> None:
    """On a card whose AODF asks for no padding a code of 6 to 8 bytes verifies bare, and another length is 6700."""
    fixture = tmp_path / "bare.toml"
    fixture.write_text('codes = { padded = false }\nidentities = ["hsaId"]\n')
    taken = made.renew(str(fixture))
    taken.power_on()
    assert taken.transmit(bytes.fromhex("0020000106") + PIN) == (b"", 0x9000)
    assert taken.transmit(bytes.fromhex("0020000108") + padded(PIN)) == (b"", 0x63C2)
    assert taken.transmit(bytes.fromhex("0020000105") + PIN[:5]) == (b"", 0x6700)
