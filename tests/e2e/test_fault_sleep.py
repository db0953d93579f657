"""Suspend and resume, told by a played logind on a bus of the test's own, to a daemon with a card."""

from collections.abc import Callable, Iterator

import pytest
from e2e_fault_bench import USES, Stop, Use, Witness, ask, assert_locked, assert_pin, begin, every_use, picture, told
from e2e_household import CODES, Household, code
from e2e_machine import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine whose logind runs."""
    made = Machine(tmp_path_factory.mktemp("bus"))
    made.start_logind()
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_house(shared_houses: Callable[[str], Household], machine: Machine) -> Household:
    """Return the module's house, its daemon on that bus."""
    house = shared_houses("ifd")
    house.stop()
    house.environment["DBUS_SYSTEM_BUS_ADDRESS"] = machine.address
    house.start()
    return house


@pytest.fixture
def awake(own_house: Household, machine: Machine) -> Iterator[Household]:
    """Return the house, awake, with the daemon's lock held: it will be asked before the machine sleeps."""
    machine.await_held(1)
    yield own_house
    own_house.tidy()


def go_to_sleep(house: Household, machine: Machine) -> None:
    """Say that the machine is about to sleep, and wait until nothing keeps it awake and the card is forgotten."""
    machine.say(sleeps=True)
    machine.await_held(0)
    shown = picture(house)["readers"][0]
    assert (shown["state"], shown["card"]["serial"]) == ("reading", None)


def wake_up(machine: Machine) -> None:
    """Say that the machine is awake again."""
    machine.say(sleeps=False)
    machine.await_held(1)


@every_use
def test_a_card_is_forgotten_at_sleep_and_read_when_awake(awake: Household, machine: Machine, use: Use) -> None:
    """In between a call is refused by name, and nothing is sent; afterwards all is as it was."""
    house = awake
    model = house.model(use.card)
    model.insert()
    house.await_reader("ready")
    witness = Witness(house)
    go_to_sleep(house, machine)
    error = ask(house, use, wrong=True)
    assert (error["code"], error["retryable"]) == ("reader.busy", True)
    assert model.codes_sent == 0
    wake_up(machine)
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full
    assert (witness.rows(), witness.notices()) == ([], [])
    assert "code" not in ask(house, use, wrong=False)
    assert_pin(house, use, done=True)
    assert witness.is_whole()


@every_use
def test_what_is_under_way_ends_before_the_machine_sleeps(awake: Household, machine: Machine, use: Use) -> None:
    """The sleep waits until the card has answered: the caller gets its word, nothing is in doubt."""
    house, stop = awake, Stop()
    model = house.model(use.card, after=stop)
    model.insert()
    house.await_reader("ready")
    witness = Witness(house)
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=True)
        stop.await_it()
        machine.say(sleeps=True)
        witness.await_log("the machine is about to sleep")
        assert machine.held() == 1
        stop.go.set()
        reply = told(wire.receive())
    assert (reply["code"], reply["triesLeft"]) == ("puk.wrong" if use.judged == "puk" else "pin.wrong", use.full - 1)
    machine.await_held(0)
    wake_up(machine)
    assert code(house.await_reader("ready"), use.judged)["triesLeft"] == use.full - 1
    witness.the_row(use, reply["code"], before=use.full, after=use.full - 1)
    assert (model.codes_sent, witness.notices()) == (1, [])
    assert_locked(house, use, use.full - 1)
    assert witness.is_whole()


def test_a_card_changed_during_the_sleep(awake: Household, machine: Machine) -> None:
    """Without any event of the reader: the other card is read and shown, and gets no code meant for the first."""
    house, use = awake, USES[0]
    model = house.model(use.card)
    model.insert()
    first = house.await_reader("ready")["card"]["serial"]
    go_to_sleep(house, machine)
    model.exchange(house.chip("second"))
    wake_up(machine)
    house.await_reader("ready", serial=house.serial("second"))
    assert ask(house, use, wrong=True, cardSerial=first)["code"] == "card.changed"
    assert model.codes_sent == 0


def test_a_card_taken_out_during_the_sleep(awake: Household, machine: Machine) -> None:
    """The reader is shown empty."""
    house = awake
    house.insert("ordinary")
    go_to_sleep(house, machine)
    house.remove()
    wake_up(machine)
    assert house.await_reader("empty")["card"] is None
