"""Who sits at the machine, on a real bus with a logind that is played by python-dbusmock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from e2e_machine import PATH, Machine
from e2e_seats import Seats
from jeepney import HeaderFields, Message
from structlog.testing import capture_logs

from sithsd import bus
from sithsd.bus import Bus
from sithsd.daemon import sessions
from sithsd.daemon.sessions import ActiveSessions
from sithsd.simulator.stage import end

DEADLINE = 30.0
ANNA, BERTIL, CECILIA = 1001, 1002, 1003


class Watched:
    """A watch under way."""

    def __init__(self, address: str) -> None:
        self.sessions = ActiveSessions(address)
        self.task = asyncio.create_task(self.sessions.run())

    @property
    def users(self) -> set[int]:
        """Who sits there, of those whom the tests know."""
        return {uid for uid in (ANNA, BERTIL, CECILIA) if self.sessions.holds(uid)}

    async def until(self, *users: int) -> None:
        """Wait until these and no others sit there."""
        async with asyncio.timeout(DEADLINE):
            while self.users != set(users):
                assert not self.task.done(), self.task
                await asyncio.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine with a bus, logind not yet started."""
    made = Machine(tmp_path)
    yield made
    made.close()


@pytest.fixture
def seats(machine: Machine) -> Seats:
    """Return the seats of a machine whose logind runs."""
    machine.start_logind()
    return Seats(machine)


@pytest.fixture
async def watch(machine: Machine) -> AsyncIterator[Callable[[], Any]]:
    """Start a watch, and wait until it has looked around."""
    started: list[Watched] = []

    async def start() -> Watched:
        started.append(Watched(machine.address))
        async with asyncio.timeout(DEADLINE):
            await started[-1].sessions.known.wait()
        return started[-1]

    yield start
    for one in started:
        one.task.cancel()
        with suppress(asyncio.CancelledError):
            await one.task


async def test_who_was_there_before(seats: Seats, watch: Callable[[], Any]) -> None:
    """As soon as the first look has ended it is known who sits at each seat."""
    seats.log_in("1", ANNA)
    seats.log_in("2", BERTIL, "seat1")
    one = await watch()
    assert one.users == {ANNA, BERTIL}


async def test_users_who_come_switch_and_go(seats: Seats, watch: Callable[[], Any]) -> None:
    """The session in front decides: who is put behind another loses the right, and has it again when brought back."""
    one = await watch()
    assert one.users == set()
    seats.log_in("1", ANNA)
    await one.until(ANNA)
    seats.log_in("2", BERTIL)
    await one.until(BERTIL)
    seats.bring("1")
    await one.until(ANNA)
    seats.bring(None)
    await one.until()
    seats.bring("2")
    await one.until(BERTIL)
    seats.log_out("2")
    await one.until()


async def test_seats_come_and_go(seats: Seats, watch: Callable[[], Any]) -> None:
    """Each seat has a user of its own; with the seat the right goes."""
    one = await watch()
    seats.log_in("1", ANNA)
    seats.add_seat("seat1")
    seats.log_in("2", BERTIL, "seat1")
    await one.until(ANNA, BERTIL)
    seats.remove_seat("seat1")
    await one.until(ANNA)


@pytest.mark.parametrize(
    "otherwise",
    [
        {"Remote": ("b", True)},
        {"Class": ("s", "greeter")},
        {"Class": ("s", "lock-screen")},
        {"Class": ("s", "background")},
        {"Class": ("s", "manager")},
        {"Active": ("b", False)},
        {"State": ("s", "closing")},
        {"User": ("s", "1001")},
    ],
    ids=["remote", "greeter", "lock screen", "background", "manager", "not active", "closing", "another form"],
)
async def test_sessions_that_do_not_count(
    seats: Seats, watch: Callable[[], Any], otherwise: dict[str, tuple[str, Any]]
) -> None:
    """Over the network, of the log-in screen, in the background, ending, or not as it is known: nobody's right."""
    one = await watch()
    seats.log_in("1", ANNA, **otherwise)
    seats.log_in("2", BERTIL, "seat1")  # told of later, so the first has been looked at by then
    await one.until(BERTIL)


async def test_a_session_that_is_nowhere_in_front(seats: Seats, watch: Callable[[], Any]) -> None:
    """Being logged in ("online") is no right, however many sessions there are."""
    seats.log_in("1", ANNA)
    seats.log_in("2", CECILIA)
    seats.log_in("3", BERTIL)
    one = await watch()
    assert one.users == {BERTIL}


async def test_a_locked_session_keeps_the_right(seats: Seats, watch: Callable[[], Any]) -> None:
    """The card may be what unlocks the screen; a session that begins to end loses the right."""
    one = await watch()
    seats.log_in("1", ANNA)
    await one.until(ANNA)
    seats.change("1", LockedHint=("b", True), IdleHint=("b", True))
    seats.log_in("2", BERTIL, "seat1")
    await one.until(ANNA, BERTIL)
    seats.change("1", State=("s", "closing"))
    await one.until(BERTIL)


async def test_only_logind_is_believed(machine: Machine, seats: Seats, watch: Callable[[], Any]) -> None:
    """A signal that another client of the bus sends to the watch alone changes nothing."""
    seats.log_in("1", ANNA)
    before = set(machine.clients())
    one = await watch()
    for client in sorted(set(machine.clients()) - before):
        machine.lie(client, "SeatRemoved", "string:seat0", f"objpath:{PATH}/seat/seat0")
        machine.lie(client, "SessionRemoved", "string:1", f"objpath:{PATH}/session/1")
    seats.log_in("2", BERTIL, "seat1")
    seen: list[set[int]] = []
    while BERTIL not in (users := one.users):
        seen.append(users)
        await asyncio.sleep(0.001)
    assert all(ANNA in users for users in seen)
    assert one.users == {ANNA, BERTIL}


async def test_a_logind_that_comes_and_goes(machine: Machine, watch: Callable[[], Any]) -> None:
    """Without it nobody sits there; a new one is asked for everything."""
    one = await watch()
    first = machine.start_logind()
    Seats(machine).log_in("1", ANNA)
    await one.until(ANNA)
    end(first)
    await one.until()
    machine.start_logind()
    Seats(machine).log_in("1", BERTIL)
    await one.until(BERTIL)


async def test_a_session_that_can_not_be_asked_about(seats: Seats, watch: Callable[[], Any]) -> None:
    """A seat that tells of a session which is not there any more has no user."""
    seats.log_in("1", ANNA)
    one = await watch()
    seats.bring("ghost")
    await one.until()
    seats.bring("1")
    await one.until(ANNA)


async def test_a_logind_that_hangs(seats: Seats, watch: Callable[[], Any], tmp_path: Path) -> None:
    """What was known of a seat is forgotten before it is looked at anew, however long the answer takes."""
    seats.log_in("1", ANNA)
    one = await watch()
    assert one.users == {ANNA}
    go_on = tmp_path / "go on"
    hanging = asyncio.create_task(asyncio.to_thread(seats.hang_after_telling, go_on))
    try:
        await one.until()
        assert not hanging.done()
    finally:
        go_on.touch()
        await hanging
    await one.until(ANNA)


async def test_a_logind_that_answers_too_late(
    seats: Seats, watch: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sits there meanwhile, and logind is asked again until it answers: no signal will come."""
    monkeypatch.setattr(sessions, "_FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(sessions, "_LONGEST_PAUSE_SECONDS", 0.1)
    seats.log_in("1", ANNA)
    one = await watch()
    assert one.users == {ANNA}
    monkeypatch.setattr(bus, "_SECONDS", 0.2)
    go_on = tmp_path / "go on"
    hanging = asyncio.create_task(asyncio.to_thread(seats.hang_after_telling, go_on))
    try:
        with capture_logs() as lines:
            async with asyncio.timeout(DEADLINE):
                while len([line for line in lines if line.get("error") == "no answer in time"]) < 3:
                    assert not hanging.done()
                    await asyncio.sleep(0.02)
        assert one.users == set()
    finally:
        monkeypatch.setattr(bus, "_SECONDS", DEADLINE)
        go_on.touch()
        await hanging
    await one.until(ANNA)


async def test_a_session_that_can_be_asked_about_later(
    seats: Seats, watch: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seat whose session was not told is asked about again, and nobody else's; and no more, once all is known."""
    monkeypatch.setattr(sessions, "_FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(sessions, "_LONGEST_PAUSE_SECONDS", 0.02)
    seats.log_in("1", ANNA)
    seats.log_in("2", BERTIL, "seat1")
    one = await watch()
    asked: list[str] = []
    call = Bus.call

    async def counted(self: Bus, message: Message) -> tuple[Any, ...]:
        asked.append(message.header.fields[HeaderFields.path])
        return await call(self, message)

    monkeypatch.setattr(Bus, "call", counted)
    seats.bring("ghost")
    async with asyncio.timeout(DEADLINE):
        while asked.count(f"{PATH}/session/ghost") < 3:
            assert BERTIL in one.users
            await asyncio.sleep(0.01)
    assert one.users == {BERTIL}
    assert set(asked) == {f"{PATH}/seat/seat0", f"{PATH}/session/ghost"}
    await asyncio.to_thread(seats.appear, "ghost", CECILIA)
    await one.until(BERTIL, CECILIA)
    asked.clear()
    await asyncio.sleep(0.2)
    assert asked == []


async def test_a_logind_that_does_not_tell_its_seats(
    machine: Machine, seats: Seats, watch: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again, with longer and longer pauses, up to a bound."""
    monkeypatch.setattr(sessions, "_FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(sessions, "_LONGEST_PAUSE_SECONDS", 0.3)
    seats.log_in("1", ANNA)
    told = f"ret = [('seat0', dbus.ObjectPath('{PATH}/seat/seat0'))]"
    machine.method("ListSeats", "", "a(so)", "raise dbus.exceptions.DBusException('not today')")
    pauses: list[float] = []
    with capture_logs() as lines:
        one = await watch()
        async with asyncio.timeout(DEADLINE):
            while len(pauses) < 4:
                await asyncio.sleep(0.01)
                pauses = [line["again"] for line in lines if "again" in line]
    assert pauses[:4] == [0.1, 0.2, 0.3, 0.3]
    assert one.users == set()
    machine.method("ListSeats", "", "a(so)", told)
    await one.until(ANNA)


async def test_a_stranger_takes_nobodys_right(machine: Machine, seats: Seats, watch: Callable[[], Any]) -> None:
    """Signals that another client sends to the watch, many and large, cost neither the connection nor who is known."""
    seats.log_in("1", ANNA)
    before = set(machine.clients())
    one = await watch()
    (watcher,) = set(machine.clients()) & set(machine.clients()) - before  # whoever asks is gone the next time
    for _ in range(3):
        flood = asyncio.create_task(asyncio.to_thread(machine.flood, watcher))
        while not flood.done():  # calls are under way while they come
            await asyncio.to_thread(seats.bring, "1")
        await flood
    seats.log_in("2", BERTIL, "seat1")
    await one.until(ANNA, BERTIL)
    assert watcher in machine.clients()


async def test_a_bus_that_is_lost(
    machine: Machine, seats: Seats, watch: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has the right then; whoever asks for it in vain has the bus looked for again."""
    monkeypatch.setattr(sessions, "_PAUSE_SECONDS", 0.05)
    seats.log_in("1", ANNA)
    one = await watch()
    assert one.users == {ANNA}
    machine.close()
    await one.until()
    with closing(Machine(tmp_path)) as again:
        again.start_logind()
        Seats(again).log_in("1", BERTIL)
        await one.until(BERTIL)


async def test_a_machine_without_a_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One warning however often it is asked, and nobody has the right."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    monkeypatch.setattr(sessions, "_PAUSE_SECONDS", 0.0)
    attempts: list[str | None] = []
    connect = Bus.connect

    async def counted(address: str | None = None) -> Bus:
        attempts.append(address)
        return await connect(address)

    monkeypatch.setattr(Bus, "connect", counted)
    with capture_logs() as lines:
        one = ActiveSessions()
        task = asyncio.create_task(one.run())
        async with asyncio.timeout(DEADLINE):
            await one.known.wait()
            await asyncio.sleep(0.1)
            assert len(attempts) == 1  # nobody has asked
            while len(attempts) < 5:
                assert not one.holds(ANNA)
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert [line["log_level"] for line in lines] == ["warning"]
