"""The screen locked when the card goes: a real daemon and a simulated card, and a played logind that takes note."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from e2e_household import DEADLINE, Household
from e2e_machine import Machine
from e2e_seats import Seats

from sithsd.simulator import control

SESSION = "c7"
LOCKED, LOGGED_OUT = ("LockSession", SESSION), ("TerminateSession", SESSION)
FOR_EVER = "3600"  # no test waits until this grace is over


class Followed:
    """The program under way, and what it tells, an event at a time."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self._told: Queue[dict[str, Any]] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._told.put(json.loads(line))

    def next(self) -> dict[str, Any]:
        """Return the next event."""
        return self._told.get(timeout=DEADLINE)

    def tells(self, *events: str) -> dict[str, Any]:
        """Check what comes next; return the last."""
        found: dict[str, Any] = {}
        for event in events:
            found = self.next()
            assert found["event"] == event, found
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine whose logind runs, and knows the session on this user's screen."""
    made = Machine(tmp_path_factory.mktemp("bus"))
    made.start_logind()
    Seats(made).show(SESSION, os.getuid())
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
def seated(own_house: Household) -> Iterator[Household]:
    """Return the house, as a test may find it."""
    yield own_house
    own_house.tidy()


@pytest.fixture
def logind(machine: Machine) -> Seats:
    """Return the played logind, which takes note of what is done to sessions; it has done nothing yet."""
    seats = Seats(machine)
    seats.forget()
    return seats


@pytest.fixture
def follow(seated: Household) -> Callable[..., Followed]:
    """Return what starts the program, and waits until it has seen the card."""

    def start(*options: str, there: bool = True, **environment: str) -> Followed:
        command = [*seated.program("sithsctl"), "lock-on-removal", "--json", *options]
        one = Followed(seated.background(command, text=True, env={**seated.environment, **environment}))
        assert one.next()["event"] == "following"
        if there:
            one.tells("there")
        return one

    return start


def test_the_only_card_is_followed(seated: Household, logind: Seats, follow: Callable[..., Followed]) -> None:
    """The session on the screen is locked each time the card is taken out, and another card's going is nothing."""
    house = seated
    house.insert("ordinary")
    one = follow()
    house.insert("second", reader=1)
    house.remove(reader=1)
    assert logind.ended() == []
    house.remove()
    told = one.tells("removed", "done")
    assert (told["action"], told["session"]) == ("lock", SESSION)
    assert logind.ended() == [LOCKED]
    house.insert("ordinary")
    one.tells("there")
    house.remove()
    one.tells("removed", "done")
    assert logind.ended() == [LOCKED, LOCKED]


@pytest.mark.parametrize("fast", [False, True])
def test_another_card_in_its_place(
    seated: Household, logind: Seats, follow: Callable[..., Followed], fast: bool
) -> None:
    """A swap is a removal; one that the reader never sees is noticed as soon as the card is asked for anything."""
    seated.insert("ordinary")
    one = follow("--grace", FOR_EVER)
    seated.swap("second", fast=fast)
    if fast:
        seated.ctl("codes", "--json")
    told = one.next()
    while told["event"] == "unknown":  # while the second card is read
        told = one.next()
    assert told["event"] in {"removed", "exchanged"}
    one.tells("done")
    assert logind.ended() == [LOCKED]


def test_the_card_of_the_log_in(seated: Household, logind: Seats, follow: Callable[..., Followed]) -> None:
    """The one that the log-in named, with others in; and one that is gone already when the session begins."""
    house = seated
    house.insert("second")
    house.insert("ordinary", reader=1)
    one = follow(SITHSD_CARD_SERIAL=house.serial("ordinary"))
    house.remove()
    house.remove(reader=1)
    one.tells("removed", "done")
    assert logind.ended() == [LOCKED]
    follow(there=False, SITHSD_CARD_SERIAL=house.serial("ordinary")).tells("unknown", "removed", "done")
    assert logind.ended() == [LOCKED, LOCKED]


def test_log_out_and_nothing(seated: Household, logind: Seats, follow: Callable[..., Followed]) -> None:
    """As the policy says, by option or by variable; a session may be named."""
    house = seated
    house.insert("ordinary")
    leaving = follow("--action", "logout")
    watching = follow(SITHSD_REMOVAL_ACTION="nothing")
    other = follow("--session", "c9")
    house.remove()
    for one in (leaving, watching, other):
        one.tells("removed", "done")
    assert sorted(logind.ended()) == [("LockSession", "c9"), LOGGED_OUT]


def test_a_restart_is_no_removal(seated: Household, logind: Seats, follow: Callable[..., Followed]) -> None:
    """The daemon, in order or killed, and pcscd: unknown until the card is seen again, and the screen stays open."""
    house = seated
    house.insert("ordinary")
    one = follow("--grace", FOR_EVER)
    for stop in (house.stop, house.kill):
        stop()
        one.tells("unknown")
        house.start()
        one.tells("there")
    house.stage.stop_pcscd()
    one.tells("unknown")
    house.stage.start_pcscd()
    one.tells("there")
    assert logind.ended() == []
    house.remove()
    one.tells("removed", "done")
    assert logind.ended() == [LOCKED]


def test_a_removal_while_the_daemon_is_away(seated: Household, logind: Seats, follow: Callable[..., Followed]) -> None:
    """It is noticed as soon as the daemon is back."""
    house = seated
    house.insert("ordinary")
    one = follow("--grace", FOR_EVER)
    house.stop()
    one.tells("unknown")
    house.order(control.Remove(reader=0))
    house.start()
    one.tells("removed", "done")
    assert logind.ended() == [LOCKED]


@pytest.mark.parametrize("action", ["lock", "logout"])
def test_a_daemon_that_stays_away(
    seated: Household, logind: Seats, follow: Callable[..., Followed], action: str
) -> None:
    """After the grace the screen is locked, and nobody is logged out for it; the card counts again when it is seen."""
    house = seated
    house.insert("ordinary")
    one = follow("--grace", "1", "--action", action)
    house.stop()
    one.tells("unknown", "missing", "done")
    assert logind.ended() == [LOCKED]
    house.start()
    one.tells("there")
    house.remove()
    told = one.tells("removed", "done")
    assert told["action"] == action
    assert logind.ended() == [LOCKED, LOCKED if action == "lock" else LOGGED_OUT]


def test_a_reader_that_is_unplugged(seated: Household, logind: Seats, follow: Callable[..., Followed]) -> None:
    """For a moment it is nothing, with the card in; for good it is a removal."""
    house = seated
    house.insert("ordinary")
    patient = follow("--grace", FOR_EVER)
    house.unplug()
    patient.tells("unknown")
    house.plug()
    patient.tells("there")
    assert logind.ended() == []
    one = follow("--grace", "1")
    house.unplug()
    one.tells("unknown", "missing", "done")
    patient.tells("unknown")
    assert logind.ended() == [LOCKED]


def test_the_machine_sleeps(
    seated: Household, machine: Machine, logind: Seats, follow: Callable[..., Followed]
) -> None:
    """Awake again with the card in nothing is done; with the card taken out meanwhile the screen is locked."""
    house = seated
    house.insert("ordinary")
    one = follow("--grace", FOR_EVER)
    machine.await_held(1)  # the daemon's lock: it will hear of the sleep
    machine.say(sleeps=True)
    one.tells("unknown")
    machine.await_held(0)
    machine.say(sleeps=False)
    one.tells("there")
    assert logind.ended() == []
    machine.await_held(1)
    machine.say(sleeps=True)
    one.tells("unknown")
    machine.await_held(0)
    house.order(control.Remove(reader=0))
    machine.say(sleeps=False)
    one.tells("removed", "done")
    assert logind.ended() == [LOCKED]


def test_a_logind_that_is_not_there(seated: Household, follow: Callable[..., Followed], tmp_path: Path) -> None:
    """The screen is open meanwhile: it is tried again until logind has taken it."""
    seated.insert("ordinary")
    with closing(Machine(tmp_path)) as machine:
        one = follow(DBUS_SYSTEM_BUS_ADDRESS=machine.address)
        seated.remove()
        told = one.tells("removed", "failed")
        assert told["detail"].startswith("logind: ")
        machine.start_logind()
        seats = Seats(machine)
        seats.show(SESSION, os.getuid())
        while (told := one.next())["event"] == "failed":
            pass
        assert (told["event"], seats.ended()) == ("done", [LOCKED])
