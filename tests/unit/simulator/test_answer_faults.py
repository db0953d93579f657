"""Faulty answers: each kind, at the command that was meant, before or after the chip has worked on it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sithsd.simulator.answer_faults import FaultyCard
from sithsd.simulator.card import Card
from sithsd.simulator.image import AnswerFault, AnswerKind, Moment, Role
from sithsd.simulator.shelf import Shelf

STATE = bytes.fromhex("00200001")
WRONG = bytes.fromhex("0020000108") + b"000000\xff\xff"
RIGHT = bytes.fromhex("0020000108") + b"123456\xff\xff"
SELECT = bytes.fromhex("00A4080C0450155032")
READ = bytes.fromhex("00B0000010")
UNKNOWN = bytes.fromhex("00FE0000")


@pytest.fixture
def whole(card: Callable[..., Card]) -> Card:
    """Give the ordinary card power, with EF.TokenInfo selected."""
    taken = card()
    taken.transmit(SELECT)
    return taken


def fault(kind: str, **fields: object) -> AnswerFault:
    """Return a fault of this kind."""
    return AnswerFault(kind=AnswerKind(kind), **fields)


def test_a_card_without_a_plan_answers_as_the_card_does(whole: Card) -> None:
    """Wrapping alone changes no byte, no name and no power."""
    faulty = FaultyCard(whole)
    content = whole.transmit(READ)[0]
    assert faulty.respond(READ) == content + b"\x90\x00"
    assert faulty.respond(WRONG) == b"\x63\xc2"
    assert (faulty.name, faulty.atr, faulty.powered) == (whole.name, whole.atr, True)
    faulty.power_off()
    assert not whole.powered
    with pytest.raises(RuntimeError, match="no power"):
        faulty.respond(READ)
    assert faulty.power_on() == whole.atr
    assert whole.powered


def test_the_kinds_of_answers_to_a_reading(whole: Card) -> None:
    """READ BINARY of 16 bytes, spoilt in each way that leaves an answer."""
    content = whole.transmit(READ)[0]
    assert len(content) == 16
    expected = {
        "torn": content + b"\x90",
        "empty": b"",
        "short": content[:8] + b"\x90\x00",
        "long": content + bytes(16) + b"\x90\x00",
        "6F00": b"\x6f\x00",
    }
    for kind, answer in expected.items():
        assert FaultyCard(whole, [fault(kind)]).respond(READ) == answer


def test_the_kinds_of_answers_without_data(whole: Card) -> None:
    """A status word alone is torn to one byte; a length that is wrong is one that nobody asked for."""
    expected = {"torn": b"\x63", "empty": b"", "short": b"\x90\x00", "long": bytes(16) + b"\x90\x00"}
    for kind, answer in expected.items():
        assert FaultyCard(whole, [fault(kind)]).respond(STATE) == answer


def test_a_long_answer_is_longer_than_what_was_asked_for(whole: Card) -> None:
    """Also where the file has less than Le bytes, and never longer than a frame to the reader can be."""
    assert len(FaultyCard(whole, [fault("long")]).respond(bytes.fromhex("00B0000000")) or b"") == 256 + 16 + 2
    assert len(FaultyCard(whole, [fault("long")]).respond(bytes.fromhex("00B00000000000")) or b"") == 0xFFFF


@pytest.mark.parametrize("kind", ["torn", "empty", "short", "long", "6F00", "mute"])
@pytest.mark.parametrize(("when", "tries"), [("before", 3), ("after", 2)])
def test_before_the_chip_never_gets_the_command(whole: Card, kind: str, when: str, tries: int) -> None:
    """A wrong code whose answer is spoilt costs its try if the fault comes after, and nothing if it comes before."""
    FaultyCard(whole, [fault(kind, when=Moment(when))]).respond(WRONG)
    assert whole.tries_left(Role.AUTHENTICATION) == tries


def test_a_mute_card_speaks_after_a_new_power_on(whole: Card) -> None:
    """Nothing is answered and nothing is carried out before the card gets power anew; then it is as before."""
    faulty = FaultyCard(whole, [fault("mute", ins="20", carries_data=True, nth=1)])
    assert faulty.respond(WRONG) is None
    assert faulty.respond(WRONG) is None
    assert faulty.respond(STATE) is None
    assert whole.tries_left(Role.AUTHENTICATION) == 2
    faulty.power_off()
    assert faulty.power_on() == whole.atr
    assert faulty.respond(STATE) == b"\x63\xc2"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_late_answer_is_right(whole: Card, when: str) -> None:
    """It waits as long as was asked for, before or after the chip's work, and is the chip's answer."""
    waits: list[tuple[float, int]] = []

    def wait(seconds: float) -> None:
        waits.append((seconds, whole.tries_left(Role.AUTHENTICATION)))

    faulty = FaultyCard(whole, [fault("late", seconds=5, when=Moment(when))], wait)
    assert faulty.respond(WRONG) == b"\x63\xc2"
    assert waits == [(5, 3 if when == "before" else 2)]


@pytest.mark.parametrize(("when", "tries"), [("before", 3), ("after", 2)])
def test_a_late_card_that_is_taken_out_answers_nothing(whole: Card, when: str, tries: int) -> None:
    """What it had not begun it does not do any more."""
    faulty = FaultyCard(whole, [fault("late", seconds=5, when=Moment(when))], lambda _: True)
    assert faulty.respond(WRONG) is None
    assert whole.tries_left(Role.AUTHENTICATION) == tries


def test_a_late_card_that_loses_its_power_does_nothing(whole: Card) -> None:
    """Its reader may take the power while it waits to begin."""
    late = fault("late", seconds=5, when=Moment.BEFORE)
    faulty = FaultyCard(whole, [late], lambda _: whole.power_off())
    assert faulty.respond(WRONG) is None
    assert whole.tries_left(Role.AUTHENTICATION) == 3


def test_the_fault_comes_to_the_command_that_was_meant(whole: Card) -> None:
    """Instruction, data field and number have to fit; the commands around it are answered."""
    faulty = FaultyCard(whole, [fault("empty", ins="20", carries_data=True, nth=2)])
    answers = [faulty.respond(command) for command in (STATE, RIGHT, READ, STATE, WRONG, WRONG, STATE)]
    assert answers[0] == b"\x63\xc3"
    assert answers[1] == b"\x90\x00"
    assert answers[3] == b"\x90\x00"
    assert answers[4] == b""
    assert answers[5:] == [b"\x63\xc1", b"\x63\xc1"]


def test_commands_without_data_can_be_meant(whole: Card) -> None:
    """`carries_data` false leaves those that hold a code alone."""
    faulty = FaultyCard(whole, [fault("6F00", ins="20", carries_data=False)])
    assert [faulty.respond(command) for command in (WRONG, STATE, STATE)] == [b"\x63\xc2", b"\x6f\x00", b"\x6f\x00"]


def test_counting_goes_on_over_a_reset(whole: Card) -> None:
    """The third command is the third since the card was put in, so that a fault does not come again and again."""
    faulty = FaultyCard(whole, [fault("empty", ins="20", nth=3)])
    answers = []
    for _ in range(4):
        faulty.power_on()
        answers.append(faulty.respond(STATE))
    assert answers == [b"\x63\xc3", b"\x63\xc3", b"", b"\x63\xc3"]


def test_each_fault_counts_for_itself_and_the_first_of_two_happens(whole: Card) -> None:
    """Two faults of one command: the first in the plan, and the other one has seen the command too."""
    faulty = FaultyCard(whole, [fault("empty", ins="20", nth=1), fault("6F00", nth=1), fault("torn", nth=2)])
    assert [faulty.respond(STATE) for _ in range(3)] == [b"", b"\x63", b"\x63\xc3"]


def test_what_is_no_command_is_left_to_the_card(whole: Card) -> None:
    """Less than a header, and lengths that do not fit: the card's refusal, with no fault that asks for data."""
    faulty = FaultyCard(whole, [fault("empty", carries_data=True), fault("torn", ins="FE")])
    assert faulty.respond(b"\x00\x20") == b"\x67\x00"
    assert faulty.respond(bytes.fromhex("0020000108") + b"123") == b"\x67\x00"
    assert faulty.respond(UNKNOWN) == b"\x6d"


def test_a_fixture_plans_its_faults(made: Shelf, tmp_path: Path) -> None:
    """The plan stands in the card's image, also after the card was loaded again; the others' is empty."""
    path = tmp_path / "slow.toml"
    path.write_text(
        'identities = []\n[[answers]]\nins = "2c"\ncarries_data = true\nnth = 1\nkind = "late"\nseconds = 5\n'
        '[[answers]]\nkind = "mute"\nwhen = "before"\nnth = 7\n'
    )
    made.renew(str(path))
    assert made.card(str(path)).image.answers == (
        AnswerFault(kind=AnswerKind.LATE, ins="2c", carries_data=True, nth=1, seconds=5),
        AnswerFault(kind=AnswerKind.MUTE, when=Moment.BEFORE, nth=7),
    )
    assert made.card("ordinary").image.answers == ()
