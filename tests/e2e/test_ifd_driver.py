"""Our own reader driver in a real pcscd: events, plugs, pads, and simulators that misbehave."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from smartcard import scard

from sithsd.reader.events import CardInserted, CardMute, CardRemoved, ReaderAdded, ReaderRemoved
from sithsd.simulator.ifd import Ask, Tell
from sithsd.simulator.readers import GET_FEATURES, MODIFY_PIN, VERIFY_PIN
from sithsd.simulator.stage import Stage

READER_0, READER_1 = "SITHS-SIM Reader (0) 00 00", "SITHS-SIM Reader (1) 01 00"
SELECT, MARK = bytes.fromhex("00A40400"), bytes.fromhex("00CA0102")
DONE = bytes.fromhex("9000")
DEADLINE = 30.0
NOT_TRANSACTED, REMOVED, UNAVAILABLE, UNSUPPORTED = 0x80100016, 0x80100069, 0x80100017, 0x8010001F
UNKNOWN_READER = 0x80100009
TLV_PROPERTIES = 0x12
# PC/SC part 10: ASCII, 8 bytes filled with FF, 6 to 8 digits, ended by the key.
VERIFY = bytes.fromhex("1E 1E 82 08 00 0806 02 00 0904 00 000000 0D000000 0020000108 FFFFFFFFFFFFFFFF")
MODIFY = bytes.fromhex(
    "1E 1E 82 08 00 00 08 0806 03 02 03 0904 00 01 02 000000 15000000 0024000110 FFFFFFFFFFFFFFFF FFFFFFFFFFFFFFFF"
)


class Client:
    """A PC/SC program that has a reader's card, or the reader alone (`direct`)."""

    def __init__(self, reader: str = READER_0, *, direct: bool = False) -> None:
        code, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        assert code == 0
        mode = scard.SCARD_SHARE_DIRECT if direct else scard.SCARD_SHARE_SHARED
        protocols = 0 if direct else scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        code, self._card, _ = scard.SCardConnect(self._context, reader, mode, protocols)
        self.connected = code & 0xFFFFFFFF

    def transmit(self, command: bytes) -> tuple[int, bytes]:
        """Send a command; return PC/SC's code and the response."""
        code, answer = scard.SCardTransmit(self._card, scard.SCARD_PCI_T1, list(command))
        return code & 0xFFFFFFFF, bytes(answer)

    def control(self, control_code: int, structure: bytes = b"") -> tuple[int, bytes]:
        """Send a control code; return PC/SC's code and the answer."""
        code, answer = scard.SCardControl(self._card, control_code, list(structure))
        return code & 0xFFFFFFFF, bytes(answer)

    def close(self) -> None:
        """Let go of everything."""
        scard.SCardReleaseContext(self._context)


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connect to a card, with the arguments of `Client`."""
    with ExitStack() as stack:

        def make(*args: object, **options: object) -> Client:
            client = Client(*args, **options)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def stage(set_stage: Callable[..., Stage]) -> Stage:
    """Set up a stage with two readers."""
    return set_stage(2)


class Rogue:
    """A simulator that says what the test says."""

    def __init__(self, stage: Stage, reader: int = 0) -> None:
        self.wire = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.wire.settimeout(DEADLINE)
        self.wire.connect(str(stage.readers.place(reader) / "socket"))

    def say(self, *packet: int) -> None:
        """Send one packet."""
        self.wire.send(bytes(packet))

    def hear(self) -> bytes:
        """Return the driver's next packet; nothing when it has hung up."""
        try:
            return self.wire.recv(70000)
        except ConnectionResetError:
            return b""

    def insert(self) -> None:
        """Put a card in that gives its ATR, as a proper simulator does."""
        self.say(Tell.CARD_IN, 0)
        while (packet := self.hear())[0] != Ask.SEEN_IN:
            assert packet[0] in {Ask.POWER_ON, Ask.SEEN_OUT}
            if packet[0] == Ask.POWER_ON:
                self.wire.send(bytes([Tell.DONE, packet[1]]) + bytes.fromhex("3B800181"))


@pytest.fixture
def rogue() -> Iterator[Callable[..., Rogue]]:
    """Connect a rogue, with the arguments of `Rogue`."""
    with ExitStack() as stack:

        def make(*args: object) -> Rogue:
            made = Rogue(*args)
            stack.callback(made.wire.close)
            return made

        yield make


def in_background(work: Callable[[], Any]) -> Callable[[], Any]:
    """Start some work in a thread; what is returned waits for its result."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()

    def result() -> Any:
        thread.join(DEADLINE)
        assert not thread.is_alive()
        return results[0]

    return result


# Cards.


def test_an_insertion_is_an_event_and_no_poll(stage: Stage, put_card: Callable[..., Any]) -> None:
    """An insertion and a removal that are over before pcscd's next poll would be: both are counted."""
    before = _word(0)
    for _ in range(20):
        put_card(stage).remove()
    # 40 polls of 400 ms would have taken 16 s; that each event was seen is what counts, not the time.
    assert (_word(0) >> 16) - (before >> 16) == 40


@pytest.mark.parametrize("length", [0, 1, 2, 258, 65538])
def test_an_answer_has_the_length_that_the_card_gives_it(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client], length: int
) -> None:
    """No byte, one byte, a status word, and as much as an extended response is: all arrive as they are."""
    answer = bytes(length)
    put_card(stage, 0, lambda _: answer)
    assert connect().transmit(SELECT) == (0, answer)


def test_a_card_may_take_its_time(stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client]) -> None:
    """An answer that takes 5 s is waited for, and the other reader works meanwhile."""
    asked, answer = threading.Event(), threading.Event()

    def slow(_: bytes) -> bytes:
        asked.set()
        answer.wait(5)
        return DONE

    put_card(stage, 0, slow)
    put_card(stage, 1)
    first, second = connect(READER_0), connect(READER_1)
    result = in_background(lambda: first.transmit(SELECT))
    assert asked.wait(DEADLINE)
    assert second.transmit(SELECT) == (0, DONE)
    assert result() == (0, DONE)


def test_a_card_taken_out_in_flight_is_an_error(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    """The command fails, no command reaches the next card, and the removal is told."""
    put_card(stage, 0, lambda _: None)
    client = connect()
    assert client.transmit(SELECT) == (NOT_TRANSACTED, b"")
    _await_word(0, lambda word: not word & scard.SCARD_STATE_PRESENT)
    assert client.transmit(SELECT) == (REMOVED, b"")


def test_a_mute_card_is_told_as_such(stage: Stage, watch: Callable[..., Any], put_card: Callable[..., Any]) -> None:
    """A card without an answer to reset is in, and mute; the next one is not."""
    told = watch()
    mute = put_card(stage, mute=True)
    assert told.expect(CardMute).reader == READER_0
    mute.remove()
    assert told.expect(CardRemoved).reader == READER_0
    put_card(stage)
    assert told.expect(CardInserted).reader == READER_0


def test_a_quick_change_of_cards_is_a_removal_and_an_insertion(stage: Stage, rogue: Callable[..., Rogue]) -> None:
    """Out and in at once, told by one simulator: pcscd counts two events, though it may have been asleep."""
    driver = rogue(stage)
    driver.insert()
    before = _word(0) >> 16
    driver.say(Tell.CARD_OUT, 0)
    driver.insert()
    assert (_word(0) >> 16) - before == 2


# Simulators that misbehave.


@pytest.mark.parametrize("packet", [b"\x00", b"\x04\x01", b"\x7f\x00", b"\xff" * 65, b"\x80", bytes(66000)])
def test_a_simulator_that_babbles_is_cut_off(
    stage: Stage, rogue: Callable[..., Rogue], put_card: Callable[..., Any], packet: bytes
) -> None:
    """Its card is out, pcscd goes on, and a proper simulator is welcome."""
    driver = rogue(stage)
    driver.insert()
    driver.wire.send(packet)
    while driver.hear():
        pass
    _await_word(0, lambda word: not word & scard.SCARD_STATE_PRESENT)
    put_card(stage)
    assert stage.pcscd_pid is not None


@pytest.mark.parametrize(
    "packets", [[(Tell.DONE, 77)], [(Tell.NO_CARD, 200)], [(Tell.DONE, number) for number in range(256)]]
)
def test_answers_that_nobody_asked_for_are_passed_over(
    stage: Stage, rogue: Callable[..., Rogue], connect: Callable[..., Client], packets: list[tuple[int, int]]
) -> None:
    """They are not taken for the answer to the next command."""
    driver = rogue(stage)
    driver.insert()
    for packet in packets:
        driver.say(*packet)
    client = connect()
    result = in_background(lambda: client.transmit(SELECT))
    asked = driver.hear()
    assert (asked[0], asked[2:]) == (Ask.TRANSMIT, SELECT)
    driver.wire.send(bytes([Tell.DONE, asked[1] + 1 & 0xFF, 0x6A, 0x82]))
    driver.wire.send(bytes([Tell.DONE, asked[1]]) + DONE)
    assert result() == (0, DONE)


def test_a_simulator_that_dies_leaves_an_empty_reader(
    stage: Stage, rogue: Callable[..., Rogue], connect: Callable[..., Client], put_card: Callable[..., Any]
) -> None:
    """A command under way fails at once; the card is out; the next simulator's card is another one."""
    driver = rogue(stage)
    driver.insert()
    client = connect()
    result = in_background(lambda: client.transmit(SELECT))
    assert driver.hear()[0] == Ask.TRANSMIT
    driver.wire.close()
    assert result() == (NOT_TRANSACTED, b"")
    card = put_card(stage)
    assert client.transmit(MARK) == (REMOVED, b"")
    assert card.commands == []


def test_a_simulator_that_does_not_read_does_not_stop_pcscd(
    stage: Stage, rogue: Callable[..., Rogue], put_card: Callable[..., Any]
) -> None:
    """When the wire is full, it is cut."""
    driver = rogue(stage)
    driver.insert()
    # Each turn lets pcscd say what it has noticed; nobody listens.
    for _ in range(100000):
        try:
            driver.say(Tell.CARD_OUT, 0)
            driver.say(Tell.CARD_IN, 0)
        except OSError:
            break
    while driver.hear():
        pass
    put_card(stage)


def test_a_reader_has_one_simulator(stage: Stage, rogue: Callable[..., Rogue], connect: Callable[..., Client]) -> None:
    """The second one is hung up on, and the first one goes on."""
    first = rogue(stage)
    first.insert()
    assert rogue(stage).hear() == b""
    client = connect()
    result = in_background(lambda: client.transmit(SELECT))
    asked = first.hear()
    first.wire.send(bytes([Tell.DONE, asked[1]]) + DONE)
    assert result() == (0, DONE)


def test_the_socket_is_for_its_user_alone(stage: Stage) -> None:
    """Nobody else plays a card."""
    assert (stage.readers.place(0) / "socket").stat().st_mode & 0o777 == 0o600


# Plugs.


def test_a_reader_is_unplugged_and_plugged_in_again(
    stage: Stage, watch: Callable[..., Any], put_card: Callable[..., Any]
) -> None:
    """Pcscd drops it and its card, and has both again; the other reader is not touched."""
    told = watch()
    told.expect(ReaderAdded)
    told.expect(ReaderAdded)
    put_card(stage, 0)
    put_card(stage, 1)
    told.expect(CardInserted)
    told.expect(CardInserted)
    for _ in range(5):
        stage.readers.unplug(0)
        assert told.expect(ReaderRemoved).reader == READER_0
        stage.readers.plug(0)
        assert told.expect(ReaderAdded).reader == READER_0
        assert told.expect(CardInserted).reader == READER_0
    assert not any(isinstance(event, CardRemoved) and event.reader == READER_1 for event in told.events)


def test_a_reader_unplugged_in_flight(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client], watch: Callable[..., Any]
) -> None:
    """The command fails by the reader's absence, not after a time-out, and the reader is dropped."""
    told = watch()
    asked, answer = threading.Event(), threading.Event()

    def hang(_: bytes) -> bytes:
        asked.set()
        answer.wait(DEADLINE)
        return DONE

    put_card(stage, 0, hang)
    client = connect()
    result = in_background(lambda: client.transmit(SELECT))
    assert asked.wait(DEADLINE)
    stage.readers.unplug(0)
    assert result() == (UNAVAILABLE, b"")
    assert told.expect(ReaderRemoved).reader == READER_0
    answer.set()
    assert client.transmit(SELECT)[0] != 0
    stage.readers.plug(0)
    assert told.expect(CardInserted).reader == READER_0


def test_readers_that_are_unplugged_when_pcscd_comes(
    set_stage: Callable[..., Stage], watch: Callable[..., Any]
) -> None:
    """They are not there, until they are plugged in."""
    stage = set_stage(2, autostart=False)
    stage.readers.unplug(0)
    stage.start_pcscd()
    told = watch()
    assert told.expect(ReaderAdded).reader == stage.readers.name(1, spot=0)
    stage.readers.plug(0)
    assert told.expect(ReaderAdded).reader == stage.readers.name(0, spot=1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_card_outlives_pcscd(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client], how: signal.Signals
) -> None:
    """The card stays in its slot, and is there when pcscd is back."""
    card = put_card(stage)
    stage.stop_pcscd(how)
    resets = card.resets
    stage.start_pcscd()
    deadline = time.monotonic() + DEADLINE
    while card.resets == resets:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    _await_word(0, lambda word: bool(word & scard.SCARD_STATE_PRESENT))
    assert connect().transmit(SELECT) == (0, DONE)


# Pads.


def test_the_features_of_a_pad(stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client]) -> None:
    """A reader with a pad tells its features and properties, card or no card; one without tells nothing."""
    stage.readers.fit_pad(1)
    assert connect(READER_0, direct=True).control(GET_FEATURES)[0] == UNSUPPORTED
    client = connect(READER_1, direct=True)
    code, features = client.control(GET_FEATURES)
    assert code == 0
    told = {tag: number for tag, _, number in struct.iter_unpack(">BBI", features)}
    assert told == {0x06: VERIFY_PIN, 0x07: MODIFY_PIN, TLV_PROPERTIES: 0x42330012}
    code, properties = client.control(told[TLV_PROPERTIES])
    assert (code, properties) == (0, bytes.fromhex("01020000 020107 030100 060104 07010C"))
    put_card(stage, 0)
    assert connect(READER_0).control(VERIFY_PIN, VERIFY)[0] == UNSUPPORTED


def test_a_pin_keyed_in_goes_to_the_card_alone(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client]
) -> None:
    """The command that the pad makes reaches the card; the caller gets the card's status word."""
    stage.readers.fit_pad(0)
    card = put_card(stage, 0, lambda _: bytes.fromhex("63C2"))
    client = connect()
    for code, structure, keys in (
        (VERIFY_PIN, VERIFY, [*"123456", "ok"]),
        (MODIFY_PIN, MODIFY, [*"123456", "ok", *"918273", "ok", *"918273", "ok"]),
    ):
        result = in_background(lambda code=code, structure=structure: client.control(code, structure))
        _press(card, *keys)
        assert result() == (0, bytes.fromhex("63C2"))
    assert card.commands == [
        bytes.fromhex("0020000108 313233343536FFFF"),
        bytes.fromhex("0024000110 313233343536FFFF 393138323733FFFF"),
    ]


@pytest.mark.parametrize(("key", "word"), [("cancel", "6401"), ("timeout", "6400"), ("ok", "6403")])
def test_an_entry_given_up_sends_nothing(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client], key: str, word: str
) -> None:
    """The caller gets the pad's status word, the card no command."""
    stage.readers.fit_pad(0)
    card = put_card(stage)
    client = connect()
    result = in_background(lambda: client.control(VERIFY_PIN, VERIFY))
    _press(card, "1", key)
    assert result() == (0, bytes.fromhex(word))
    assert card.commands == []


@pytest.mark.parametrize("how", ["card", "reader", "in flight"])
def test_a_removal_ends_an_entry(
    stage: Stage, put_card: Callable[..., Any], connect: Callable[..., Client], how: str
) -> None:
    """The card or the reader goes while the pad asks, or while the card works: an error, in time."""
    stage.readers.fit_pad(0)
    card = put_card(stage, 0, lambda _: None)
    client = connect()
    result = in_background(lambda: client.control(VERIFY_PIN, VERIFY))
    _press(card, "1")
    if how == "card":
        card.remove()
    elif how == "reader":
        stage.readers.unplug(0)
    else:
        card.pad.press(*"23456", "ok")
    assert result() == (UNAVAILABLE if how == "reader" else NOT_TRANSACTED, b"")
    assert len(card.commands) == (how == "in flight")
    deadline = time.monotonic() + DEADLINE
    while card.pad.asking:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_simulator_killed_during_an_entry(
    stage: Stage, connect: Callable[..., Client], tmp_path: Any, put_card: Callable[..., Any]
) -> None:
    """The caller gets an error at once, and the reader is empty."""
    stage.readers.fit_pad(0)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom sithsd.simulator.ifd_reader import IfdReader\n"
        "class Chip:\n"
        "    def power_on(self): return bytes.fromhex('3B800181')\n"
        "    def power_off(self): pass\n"
        "    def respond(self, command): raise RuntimeError\n"
        "reader = IfdReader(Path(sys.argv[1]), Chip()).insert()\n"
        "print('in', flush=True)\n"
        "while not reader.pad.asking: time.sleep(0.01)\n"
        "print('asking', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(stage.readers.place(0))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as simulator:
        try:
            assert simulator.stdout.readline() == "in\n"
            client = connect()
            result = in_background(lambda: client.control(VERIFY_PIN, VERIFY))
            assert simulator.stdout.readline() == "asking\n"
        finally:
            os.kill(simulator.pid, signal.SIGKILL)
    assert result() == (NOT_TRANSACTED, b"")
    put_card(stage)


def _press(card: Any, *keys: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not card.pad.asking:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    card.pad.press(*keys)


def _word(reader: int) -> int:
    """Return a reader's state word as pcscd has it."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    assert code == 0
    try:
        code, states = scard.SCardGetStatusChange(context, 0, [((READER_0, READER_1)[reader], 0)])
        assert code == 0
        return states[0][1]
    finally:
        scard.SCardReleaseContext(context)


def _await_word(reader: int, reached: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached(_word(reader)):
        assert time.monotonic() < deadline
        time.sleep(0.005)
