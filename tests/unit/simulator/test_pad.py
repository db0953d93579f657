"""The PIN pad: keys in, a command or one of the pad's own answers out."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sithsd.simulator.ifd import Tell
from sithsd.simulator.pad import Pad, PadError

DONE = bytes.fromhex("9000")
TIME_OUT, CANCELLED, MISMATCH = bytes.fromhex("6400"), bytes.fromhex("6401"), bytes.fromhex("6402")
WRONG_LENGTH, WRONG_STRUCTURE = bytes.fromhex("6403"), bytes.fromhex("6B80")
# PC/SC part 10: ASCII in blocks of 8 bytes, 6 to 8 digits, ended by the key; no time given (the pad's own).
VERIFY = bytes.fromhex("00 00 82 08 00 0806 02 00 0904 00 000000 0D000000 0020000108 FFFFFFFFFFFFFFFF")
MODIFY = bytes.fromhex(
    "00 00 82 08 00 00 08 0806 03 02 03 0904 00 01 02 000000 15000000 0024000110 FFFFFFFFFFFFFFFF FFFFFFFFFFFFFFFF"
)
SECONDS = 20.0


class Desk:
    """A pad that a thread asks for one PIN, and the card behind it."""

    def __init__(self, **options: Any) -> None:
        self.pad = Pad(**{"seconds": SECONDS, **options})
        self.commands: list[bytes] = []
        self.answer: bytes | Tell | None = None
        self.gone = False
        self.thread: threading.Thread | None = None

    def ask(self, structure: bytes, *, modify: bool = False) -> None:
        """Ask in a thread, and come back when the pad asks."""
        work = self.pad.modify if modify else self.pad.verify

        def run() -> None:
            self.answer = work(structure, self._card, lambda: self.gone)

        self.thread = threading.Thread(target=run)
        self.thread.start()
        while not self.pad.asking:
            assert self.thread.is_alive()

    def said(self) -> bytes | Tell | None:
        """Wait for the pad's answer."""
        assert self.thread is not None
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        return self.answer

    def _card(self, command: bytes) -> bytes:
        self.commands.append(command)
        return DONE


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    """Return a function that makes a desk; what still asks in the end is told that nobody waits."""
    made: list[Desk] = []

    def make(**options: Any) -> Desk:
        made.append(Desk(**options))
        return made[-1]

    yield make
    for each in made:
        each.gone = True
        if each.thread is not None:
            each.thread.join(SECONDS)


def test_a_pin_goes_to_the_card(desk: Callable[..., Desk]) -> None:
    """Digits and OK: the card gets the command once, and its answer is the pad's."""
    at = desk()
    at.ask(VERIFY)
    at.pad.press(*"123456", "ok")
    assert at.said() == DONE
    assert at.commands == [bytes.fromhex("0020000108 313233343536FFFF")]
    assert not at.pad.asking


def test_clear_begins_the_entry_anew(desk: Callable[..., Desk]) -> None:
    """What was keyed in before CLEAR is forgotten."""
    at = desk()
    at.ask(VERIFY)
    at.pad.press(*"99999", "clear", *"123456", "ok")
    assert at.said() == DONE
    assert at.commands == [bytes.fromhex("0020000108 313233343536FFFF")]


@pytest.mark.parametrize("before", ["", "1234", "123456"])
@pytest.mark.parametrize(("key", "answer"), [("cancel", CANCELLED), ("timeout", TIME_OUT)])
def test_an_entry_that_is_not_ended_sends_nothing(
    desk: Callable[..., Desk], key: str, answer: bytes, before: str
) -> None:
    """6401 for CANCEL, 6400 when the time is over; the card gets no command."""
    at = desk()
    at.ask(VERIFY)
    at.pad.press(*before, key)
    assert at.said() == answer
    assert at.commands == []


def test_the_time_runs_out_by_itself(desk: Callable[..., Desk]) -> None:
    """Without a key the pad's own time ends the entry, if the structure names none."""
    at = desk(seconds=0.01)
    at.ask(VERIFY)
    assert at.said() == TIME_OUT
    assert at.commands == []


def test_the_time_of_the_structure_is_kept(desk: Callable[..., Desk]) -> None:
    """The time bTimeOut counts until the first key, bTimeOut2 from each key on."""
    at = desk(seconds=1000.0)
    at.ask(b"\x01" + VERIFY[1:])
    assert at.said() == TIME_OUT
    at.ask(b"\x63\x01" + VERIFY[2:])
    at.pad.press("1")
    assert at.said() == TIME_OUT
    assert at.commands == []


@pytest.mark.parametrize("digits", ["", "12345", "123456789"])
def test_a_pin_of_a_wrong_length_sends_nothing(desk: Callable[..., Desk], digits: str) -> None:
    """6403 below the least and above the most digits of the structure."""
    at = desk()
    at.ask(VERIFY)
    at.pad.press(*digits, "ok")
    assert at.said() == WRONG_LENGTH
    assert at.commands == []


def test_the_pad_has_bounds_of_its_own(desk: Callable[..., Desk]) -> None:
    """A pad that takes at least 7 digits refuses 6, whatever the structure allows."""
    at = desk(shortest=7)
    at.ask(VERIFY)
    at.pad.press(*"123456", "ok")
    assert at.said() == WRONG_LENGTH
    assert at.commands == []


def test_the_longest_pin_may_end_the_entry(desk: Callable[..., Desk]) -> None:
    """With bEntryValidationCondition 01 the eighth digit is the last key; OK before it means nothing."""
    at = desk()
    at.ask(VERIFY[:7] + b"\x01" + VERIFY[8:])
    at.pad.press(*"123456", "ok", *"78")
    assert at.said() == DONE
    assert at.commands == [bytes.fromhex("0020000108 3132333435363738")]


@pytest.mark.parametrize(("digits", "answer"), [("123456", DONE), ("", TIME_OUT), ("123", WRONG_LENGTH)])
def test_the_time_may_end_the_entry(desk: Callable[..., Desk], digits: str, answer: bytes) -> None:
    """With bEntryValidationCondition 04, what was keyed in when the time is over counts, if anything was."""
    at = desk()
    at.ask(VERIFY[:7] + b"\x04" + VERIFY[8:])
    at.pad.press(*digits, "timeout")
    assert at.said() == answer
    assert len(at.commands) == (answer == DONE)


def test_a_change_asks_three_times(desk: Callable[..., Desk]) -> None:
    """The current PIN, the new one, the new one again: one command with both."""
    at = desk()
    at.ask(MODIFY, modify=True)
    at.pad.press(*"123456", "ok", *"918273", "ok", *"918273", "ok")
    assert at.said() == DONE
    assert at.commands == [bytes.fromhex("0024000110 313233343536FFFF 393138323733FFFF")]


@pytest.mark.parametrize("confirm", [0, 1, 2, 3])
def test_bconfirmpin_says_how_often_is_asked(desk: Callable[..., Desk], confirm: int) -> None:
    """As many entries as its bits say, and no one more; the rest of the keys is nobody's."""
    at = desk()
    at.ask(MODIFY[:9] + bytes([confirm]) + MODIFY[10:], modify=True)
    old, again = (["123456"] if confirm & 2 else []), (["918273"] if confirm & 1 else [])
    for entry in [*old, "918273", *again]:
        at.pad.press(*entry, "ok")
    assert at.said() == DONE
    first = "313233343536FFFF" if old else "FF" * 8
    assert at.commands == [bytes.fromhex("0024000110" + first + "393138323733FFFF")]


@pytest.mark.parametrize("again", ["918274", "91827", "9182733"])
def test_new_pins_that_differ_send_nothing(desk: Callable[..., Desk], again: str) -> None:
    """6402, or 6403 where the second one could be no PIN; the card keeps the PIN that it has."""
    at = desk()
    at.ask(MODIFY, modify=True)
    at.pad.press(*"123456", "ok", *"918273", "ok", *again, "ok")
    assert at.said() == (WRONG_LENGTH if len(again) < 6 else MISMATCH)
    assert at.commands == []


@pytest.mark.parametrize("entries", [0, 1, 2])
@pytest.mark.parametrize(("key", "answer"), [("cancel", CANCELLED), ("timeout", TIME_OUT)])
def test_a_change_given_up_anywhere_sends_nothing(
    desk: Callable[..., Desk], entries: int, key: str, answer: bytes
) -> None:
    """In the first, second or third entry: the card gets no command."""
    at = desk()
    at.ask(MODIFY, modify=True)
    for _ in range(entries):
        at.pad.press(*"123456", "ok")
    at.pad.press("1", key)
    assert at.said() == answer
    assert at.commands == []


def test_a_structure_without_sense_asks_nobody(desk: Callable[..., Desk]) -> None:
    """6B80 at once."""
    pad = Pad()
    at = desk()
    assert pad.verify(VERIFY[:-1], at._card, lambda: False) == WRONG_STRUCTURE
    assert at.commands == []


@pytest.mark.parametrize("digits", ["", "1234"])
def test_a_card_that_goes_ends_the_entry(desk: Callable[..., Desk], digits: str) -> None:
    """Nobody keys in a PIN for a card that is out."""
    at = desk()
    at.ask(VERIFY)
    at.pad.press(*digits)
    at.gone = True
    assert at.said() is Tell.NO_CARD
    assert at.commands == []


def test_keys_left_over_are_nobodys(desk: Callable[..., Desk]) -> None:
    """What was pressed beyond the end of one entry does not come into the next; without an entry no key works."""
    at = desk()
    at.ask(VERIFY)
    at.pad.press("cancel", *"123456", "ok")
    assert at.said() == CANCELLED
    with pytest.raises(PadError, match="asks for nothing"):
        at.pad.press("1")
    at.ask(VERIFY)
    at.pad.press("timeout")
    assert at.said() == TIME_OUT
    assert at.commands == []


@pytest.mark.parametrize("key", ["", "a", "12", "OK", "\u0661"])
def test_a_pad_has_few_keys(desk: Callable[..., Desk], key: str) -> None:
    """What is no digit and no key of the pad can't be pressed, and what was wrong is not repeated in the error."""
    at = desk()
    at.ask(VERIFY)
    with pytest.raises(PadError) as caught:
        at.pad.press("1", key)
    assert "12" not in str(caught.value)
