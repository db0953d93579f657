"""pcscd absent, stopped, killed and back: the daemon finds its way by itself."""

import os
import signal
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import pytest
from e2e_household import CODES, DEADLINE, PIN, READER_0, WRONG_PIN, Household, code


def test_pcscd_is_absent_at_the_start(new_house: Callable[..., Household]) -> None:
    """The daemon is ready without it, says so, and shows readers and cards as soon as it is there."""
    house = new_house(autostart=False)
    house.start()
    status = house.ctl("status", "--json")
    assert (status.status, status.json["service"], status.json["readers"]) == (0, False, [])
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (3, "pcsc.unavailable", True)
    house.stage.start_pcscd()
    seen = house.await_picture(lambda seen: len(seen["readers"]) == 2)
    assert seen["service"] is True
    house.insert("ordinary")
    assert house.verify(PIN).status == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_pcscd_ends_and_comes_back(house: Household, how: signal.Signals) -> None:
    """Meanwhile there is no service and no reader; afterwards the card that is in is read again, counters and all."""
    house.insert("ordinary")
    assert house.verify(WRONG_PIN).error["triesLeft"] == 2
    house.stage.stop_pcscd(how)
    assert house.await_picture(lambda seen: seen["service"] is False)["readers"] == []
    answer = house.verify(WRONG_PIN)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (3, "pcsc.unavailable", True)
    named = house.verify(WRONG_PIN, "--reader", READER_0)
    assert named.error["code"] == "pcsc.unavailable"
    house.stage.start_pcscd()
    shown = house.await_reader("ready", serial=house.serial("ordinary"))
    assert code(shown)["triesLeft"] == 2
    assert house.verify(PIN).json["triesLeft"] == 3


def test_pcscd_is_restarted_again_and_again(house: Household) -> None:
    """Restarts with a card in leave one daemon with as many open files as before, and no thread for each."""
    house.insert("ordinary")
    house.stage.stop_pcscd()
    house.await_picture(lambda seen: seen["service"] is False)
    house.stage.start_pcscd()
    house.await_reader("ready")
    assert house.daemon is not None
    used = [Path(f"/proc/{house.daemon.pid}/{what}") for what in ("task", "fd")]
    # asyncio's threads for calls that block are made when they are needed, up to this many, and stay.
    pool = min(32, (os.cpu_count() or 1) + 4)
    most = [len(list(folder.iterdir())) + growth for folder, growth in zip(used, (pool, 0), strict=True)]
    for how in islice(cycle((signal.SIGKILL, signal.SIGTERM)), pool + 2):
        house.stage.stop_pcscd(how)
        house.await_picture(lambda seen: seen["service"] is False)
        house.stage.start_pcscd()
        house.await_reader("ready")
    deadline = time.monotonic() + DEADLINE
    while any(len(list(folder.iterdir())) > bound for folder, bound in zip(used, most, strict=True)):
        assert time.monotonic() < deadline, most
        time.sleep(0.05)  # the test's own connections are on their way out


def test_pcscd_is_killed_in_the_midst_of_verify(house: Household) -> None:
    """The call fails by a name that fits, is not repeated, and afterwards the true counter is shown."""
    killed = False

    def kill(command: bytes) -> bool:
        nonlocal killed
        if not killed and command[1] == 0x20 and len(command) > 5:
            killed = True
            house.stage.stop_pcscd(signal.SIGKILL)
        return False

    model = house.model("ordinary", after=kill)
    model.insert()
    house.await_reader("ready")
    answer = house.verify(WRONG_PIN)
    assert killed
    assert answer.status != 0
    assert answer.error["code"] == "card.outcomeUnknown"
    house.await_picture(lambda seen: seen["service"] is False)
    model.remove()
    house.stage.start_pcscd()
    house.await_reader("empty")
    model.insert()
    assert code(house.await_reader("ready"))["triesLeft"] == 2
    assert model.codes_sent == 1


def test_a_stream_lives_on_over_a_restart_of_pcscd(house: Household) -> None:
    """A monitoring client is told of the loss and of the return on the same stream, in growing numbers."""
    house.insert("ordinary")
    with house.wire() as stream:
        stream.ask("io.sithsd.Cards.Monitor", more=True)
        told = [stream.receive()["parameters"]]
        house.stage.stop_pcscd(signal.SIGKILL)
        while told[-1]["service"]:
            told.append(stream.receive()["parameters"])
        house.stage.start_pcscd()
        while not (told[-1]["readers"] and told[-1]["readers"][0]["state"] == "ready"):
            told.append(stream.receive()["parameters"])
    assert [one["sequence"] for one in told] == sorted({one["sequence"] for one in told})


def test_a_pcscd_that_hangs_does_not_keep_the_daemon_from_starting(new_house: Callable[..., Household]) -> None:
    """The daemon is ready and answers without it, and shows the readers when pcscd goes on."""
    house = new_house()
    pcscd = house.stage.pcscd_pid
    assert pcscd is not None
    os.kill(pcscd, signal.SIGSTOP)
    try:
        house.start()
        assert house.ctl("status", "--json").json["service"] is False
    finally:
        os.kill(pcscd, signal.SIGCONT)
    assert len(house.await_picture(lambda seen: len(seen["readers"]) == 2)["readers"]) == 2


def test_a_pcscd_that_hangs_does_not_hang_the_daemon(house: Household) -> None:
    """Status is answered, verify ends by reader.busy in its time, and all goes on when pcscd does."""
    house.insert("ordinary")
    pcscd = house.stage.pcscd_pid
    assert pcscd is not None
    os.kill(pcscd, signal.SIGSTOP)
    try:
        with house.wire(CODES) as wire:
            told = wire.call(f"{CODES}.Verify", {"role": "authentication", "code": WRONG_PIN})
            assert told["parameters"]["code"] == "reader.busy"
        assert house.ctl("status", "--json").json["readers"][0]["state"] == "ready"
    finally:
        os.kill(pcscd, signal.SIGCONT)
    assert house.verify(PIN).json["triesLeft"] == 3
    assert house.tries("ordinary") == 3
