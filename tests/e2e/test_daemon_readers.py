"""Readers as the daemon sees them: unplugged, plugged in again, and with a PIN pad."""

import threading
from collections.abc import Callable

import pytest
from e2e_household import CODES, NEW_PIN, PIN, PUK, WRONG_PIN, Household, code
from e2e_model_card import carries_code

# A pad has one range of lengths for PUK and new PIN: a PIN of the PUK's length is in it however that is chosen.
LONG_PIN = "91827364"


def test_an_unplugged_reader_is_shown_no_longer(house: Household) -> None:
    """Its card goes with it, the other reader stays; plugged in again it is there with its card."""
    house.insert("ordinary")
    house.insert("second", reader=1)
    house.unplug()
    refused = house.verify(PIN, "--reader", house.readers[0])
    assert refused.error["code"] == "reader.unknown"
    assert house.await_reader("ready", house.readers[1])["card"]["serial"] == house.serial("second")
    house.plug()
    assert house.await_reader("ready", serial=house.serial("ordinary"))["name"] == house.readers[0]
    assert house.verify(PIN, "--reader", house.readers[0]).status == 0


def test_all_readers_unplugged_and_back(house: Household) -> None:
    """A pcscd without a reader is waited for like any other."""
    house.unplug(1)
    house.unplug(0)
    house.plug(0)
    house.plug(1)
    house.insert("ordinary", reader=1)
    assert house.verify(PIN).json["reader"] == house.readers[1]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_reader_unplugged_in_the_midst_of_verify(house: Household, moment: str) -> None:
    """The call ends, nothing is sent twice, and the card tells its counter when the reader is back."""
    reached = threading.Event()

    def unplug(command: bytes) -> bool:
        if carries_code(command) and not reached.is_set():
            reached.set()
            house.stage.readers.unplug(0)
            unplugged.wait(30)
        return False

    unplugged = threading.Event()
    model = house.model("ordinary", **{moment: unplug})
    model.insert()
    house.await_reader("ready")
    answer = house.verify(WRONG_PIN)
    assert answer.status != 0
    assert answer.error["code"] in {"card.outcomeUnknown", "card.removed"}
    unplugged.set()
    house.stage.readers.plug(0)
    shown = house.await_reader("ready")
    assert code(shown)["triesLeft"] == house.tries("ordinary") == 2
    assert model.codes_sent == 1


@pytest.fixture
def pad_call(house: Household) -> Callable[..., tuple[str | None, dict]]:
    """Call a method that has codes entered at the first reader's pad, and press keys; return error and parameters."""
    house.fit_pad()

    def call(method: str, *keys: str) -> tuple[str | None, dict]:
        with house.wire(CODES) as wire:
            wire.ask(f"{CODES}.{method}", {"role": "authentication", "pinPad": True})
            house.press(*keys)
            reply = wire.receive()
        return reply.get("error"), reply["parameters"]

    return call


def test_codes_entered_at_the_pad(house: Household, pad_call: Callable[..., tuple[str | None, dict]]) -> None:
    """Verified, changed, blocked and unblocked, and none of the codes came to the daemon."""
    house.insert("ordinary")
    assert pad_call("Verify", PIN, "ok")[0] is None
    assert pad_call("Change", PIN, "ok", NEW_PIN, "ok", NEW_PIN, "ok")[0] is None
    error, told = pad_call("Verify", PIN, "ok")
    assert (error, told["code"], told["triesLeft"]) == (f"{CODES}.PinWrong", "pin.wrong", 2)
    assert pad_call("Unblock", PUK, "ok", LONG_PIN, "ok", LONG_PIN, "ok")[0] is None
    assert pad_call("Verify", LONG_PIN, "ok")[0] is None
    assert not any(each in house.log.read_text() for each in (PIN, NEW_PIN, LONG_PIN, PUK))


@pytest.mark.parametrize(
    ("keys", "told"),
    [(["1", "cancel"], "pinpad.cancelled"), (["timeout"], "pinpad.timeout"), (["123", "ok"], "pinpad.malformed")],
)
def test_an_entry_given_up_costs_nothing(
    house: Household, pad_call: Callable[..., tuple[str | None, dict]], keys: list[str], told: str
) -> None:
    """Each has its name, and the card was sent no code."""
    house.insert("ordinary")
    error, said = pad_call("Verify", *keys)
    assert error is not None
    assert said["code"] == told
    assert house.tries("ordinary") == 3


def test_sixteen_readers(new_house: Callable[..., Household]) -> None:
    """As many as pcscd has are shown, and the last one works like the first."""
    house = new_house(16)
    house.start()
    house.await_picture(lambda seen: {one["name"] for one in seen["readers"]} == set(house.readers))
    house.insert("ordinary", reader=15)
    assert house.verify(PIN).json["reader"] == house.readers[15]
