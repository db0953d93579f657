"""A card in a virtual reader: the wire, the counts, and a reader that goes away."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from sithsd.simulator.card import Card
from sithsd.simulator.slot import SlotError, Traffic, VirtualSlot

OFF, ON, RESET, ATR = b"\0", b"\1", b"\2", b"\4"
SELECT_MF = bytes.fromhex("00A4000C023F00")
VERIFY = bytes.fromhex("0020000108") + b"123456\xff\xff"
STATE = bytes.fromhex("00200001")


@pytest.fixture
def slot(card: Callable[..., Card], reader: Any) -> Any:
    """Put the ordinary card into the reader, without waiting for it."""
    put = VirtualSlot(card(), port=reader.port)
    put.card.power_off()
    put.start(wait=False)
    reader.accept()
    yield put
    put.stop()


def test_the_card_answers_its_atr_and_commands(slot: VirtualSlot, reader: Any) -> None:
    """Each poll asks for the ATR; after power-on APDUs are answered with data and status word."""
    assert reader.ask(ATR) == slot.card.atr
    reader.tell(ON)
    assert reader.ask(SELECT_MF) == bytes.fromhex("9000")
    assert reader.ask(ATR) == slot.card.atr
    assert len(reader.ask(bytes.fromhex("00CA01A014"))) == 22


@pytest.mark.parametrize("control", [RESET, ON, OFF + ON])
def test_contacts_reset_the_card(slot: VirtualSlot, reader: Any, control: bytes) -> None:
    """Reset, and power off and on again, make the card forget the code that was given."""
    reader.tell(ON)
    assert reader.ask(VERIFY) == bytes.fromhex("9000")
    assert reader.ask(STATE) == bytes.fromhex("9000")
    for value in control:
        reader.tell(bytes([value]))
    assert reader.ask(STATE) == bytes.fromhex("63C3")
    assert slot.card.powered


def test_without_power_an_apdu_fails(slot: VirtualSlot, reader: Any) -> None:
    """A command to a card without power is answered 6F00, and the card does not run it."""
    assert reader.ask(VERIFY) == bytes.fromhex("6F00")
    assert not slot.card.powered


def test_traffic_is_counted(slot: VirtualSlot, reader: Any) -> None:
    """Commands count with all their bytes, answers with their status word; control bytes do not count."""
    reader.ask(ATR)
    reader.tell(ON)
    reader.ask(SELECT_MF)
    reader.ask(bytes.fromhex("00CA01A014"))
    assert slot.traffic == Traffic(2, 7 + 5, 2 + 22)
    slot.reset_traffic()
    reader.ask(STATE)
    assert slot.traffic == Traffic(1, 4, 2)


@pytest.mark.usefixtures("slot")
def test_the_log_has_headers_and_no_data_fields(reader: Any) -> None:
    """No code stands in the log: an APDU is logged with four bytes, its length and the status word."""
    with capture_logs() as logged:
        reader.tell(ON)
        reader.ask(VERIFY)
    apdus = [entry for entry in logged if entry["event"] == "apdu"]
    assert [(entry["header"], entry["length"], entry["status"]) for entry in apdus] == [("00200001", 13, "9000")]
    assert "313233" not in str(logged)
    assert "123456" not in str(logged)


def test_stop_takes_the_card_out_of_a_waiting_reader(slot: VirtualSlot, reader: Any) -> None:
    """The wire is cut though nobody sends anything, and the card has no power."""
    reader.tell(ON)
    reader.ask(SELECT_MF)
    slot.stop()
    assert reader.gone()
    assert not slot.card.powered
    slot.stop()


def test_a_reader_that_comes_back_finds_the_card(slot: VirtualSlot, reader: Any) -> None:
    """When the reader's program ends the card loses its power; when it is back the card is there by itself."""
    reader.tell(ON)
    reader.ask(VERIFY)
    reader.drop()
    reader.accept()
    assert reader.ask(ATR) == slot.card.atr
    reader.tell(ON)
    assert reader.ask(STATE) == bytes.fromhex("63C3")


def test_an_absent_reader_is_noticed(slot: VirtualSlot, reader: Any) -> None:
    """`absent_since` tells from when on nobody has answered on the reader's port."""
    assert slot.absent_since is None
    reader.close()
    deadline = time.monotonic() + 10
    while slot.absent_since is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert slot.absent_since is not None


def test_no_reader_is_said_in_a_sentence(card: Callable[..., Card], reader: Any) -> None:
    """Without anybody on the port `start` fails at once and says where it looked."""
    reader.close()
    with pytest.raises(SlotError, match=rf"no virtual reader answers at 127\.0\.0\.1:{reader.port}"):
        VirtualSlot(card(), port=reader.port).start()


def test_a_reader_that_asks_nothing_holds_another_card(
    card: Callable[..., Card], reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vpcd takes one card a slot and leaves a second one waiting: that is told instead of waiting for ever."""
    monkeypatch.setattr("sithsd.simulator.slot._READY_SECONDS", 0.05)
    with pytest.raises(SlotError, match="another one in it"):
        VirtualSlot(card(), port=reader.port).start()


def test_start_waits_until_the_reader_has_noticed(card: Callable[..., Card], reader: Any) -> None:
    """With `wait`, `start` returns when the ATR was asked for; leaving the block takes the card out."""
    slot = VirtualSlot(card(), port=reader.port)
    polling = threading.Thread(target=lambda: (reader.accept(), reader.ask(ATR)))
    polling.start()
    with slot:
        polling.join()
        reader.tell(ON)
        assert reader.ask(SELECT_MF) == bytes.fromhex("9000")
    assert reader.gone()
    assert not slot.card.powered
    slot.start(wait=False)
    reader.accept()
    assert reader.ask(ATR) == slot.card.atr
    slot.stop()


def test_a_card_taken_out_during_an_answer_has_run_the_command(card: Callable[..., Card], reader: Any) -> None:
    """With a delay the answer is still on its way when the card is pulled: it never arrives, but the try is spent."""
    slot = VirtualSlot(card(), port=reader.port, delay=60).start(wait=False)
    reader.accept()
    reader.tell(ON)
    reader.tell(bytes.fromhex("0020000108") + b"000000\xff\xff")
    deadline = time.monotonic() + 10
    while slot.card.tries_left("authentication") == 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    slot.stop()
    assert reader.gone()
    assert slot.card.tries_left("authentication") == 2
