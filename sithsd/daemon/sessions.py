"""Who sits at this machine: the user of each seat's active session, by logind (org.freedesktop.login1(5)).

What logind says is kept and followed by its signals, so that a right is decided from memory: a logind that is slow or
hangs holds up no client, and an idle daemon asks nothing. Whatever is not known for certain is nobody's: a seat's user
is forgotten before the seat is looked at anew, and all of them as soon as the bus or logind is lost. What logind did
not tell when it was asked is asked again after a pause, a longer one each time.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from jeepney import HeaderFields, Message, MessageType, new_method_call

from sithsd.bus import BUS, Bus, BusError, RefusedError
from sithsd.logind import MANAGER, NAME, SEAT, SESSION, values

_SEATS: Final = f"{MANAGER.object_path}/seat/"
_MATCHES: Final = (
    *(
        f"type='signal',sender='{NAME}',interface='{MANAGER.interface}',member='{member}'"
        for member in ("SeatNew", "SeatRemoved", "SessionRemoved")
    ),
    *(
        f"type='signal',sender='{NAME}',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
        f"arg0='{interface}'"
        for interface in (SEAT, SESSION)
    ),
)
# The sessions in which a person works (pam_systemd(8), class=). Not a greeter's, a lock screen's or a background job's.
_CLASSES: Final = frozenset({"user", "user-early", "user-light", "user-early-light"})
# What of a session decides, as far as logind tells when it changes.
_DECISIVE: Final = frozenset({"Active", "Class", "State"})
_NO_SESSION: Final = "/"
_MOST_SEATS: Final = 64
_PAUSE_SECONDS: Final = 10.0  # between one attempt to reach the bus and the next
_FIRST_PAUSE_SECONDS: Final = 1.0  # before logind is asked again for what it did not tell
_LONGEST_PAUSE_SECONDS: Final = 60.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Active:
    """A seat's active session; `user` is None where it gives nobody a right."""

    session: str
    user: int | None


class ActiveSessions:
    """The users of active sessions, as long as `run` runs. `address` is a D-Bus address, by default the system bus's.

    Local sessions on a seat count: not one over the network, not one that another has been put in front of, not a
    greeter. A session whose screen is locked counts: the card may be what unlocks it.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._owner: str | None = None
        self._seats: dict[str, _Active] = {}
        self._untold: set[str] = set()
        self._unlisted = False
        self._due: float | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._missed = asyncio.Event()
        self._watching = False
        self._complaint = ""
        self.known: Final = asyncio.Event()
        """Set once the first look has ended, with or without a bus."""

    def holds(self, uid: int) -> bool:
        """Tell whether an active session is this user's."""
        if not self._watching:
            self._missed.set()
        return any(active.user == uid for active in self._seats.values())

    async def run(self) -> None:
        """Watch until cancelled. A bus that is absent or lost is looked for again when the right is asked for."""
        loop = asyncio.get_running_loop()
        while True:
            next_attempt = loop.time() + _PAUSE_SECONDS
            try:
                await self._watch()
            except (BusError, RefusedError) as error:
                self._complain(error)
            self._missed.clear()
            self.known.set()
            await self._missed.wait()
            await asyncio.sleep(max(next_attempt - loop.time(), 0))

    async def _watch(self) -> None:
        bus = await Bus.connect(self._address)
        try:
            await self._subscribe(bus)
            self._watching, self._complaint = True, ""
            self.known.set()
            while True:
                try:
                    async with asyncio.timeout_at(self._due):
                        message = await bus.signal()
                except TimeoutError:
                    await self._ask_again(bus)
                else:
                    await self._take(bus, message)
        finally:
            self._watching, self._owner = False, None
            self._forget()
            bus.close()

    def _forget(self) -> None:
        self._seats.clear()
        self._untold.clear()
        self._unlisted, self._due, self._pause = False, None, _FIRST_PAUSE_SECONDS

    def _complain(self, error: Exception) -> None:
        if str(error) != self._complaint:
            self._complaint = str(error)
            _log.warning("nobody has the rights of an active session: no system bus", error=self._complaint)

    async def _subscribe(self, bus: Bus) -> None:
        self._owner = await bus.follow(NAME)
        for match in _MATCHES:
            await bus.call(new_method_call(BUS, "AddMatch", "s", (match,)))
        if self._owner is None:
            _log.warning("nobody has the rights of an active session: logind does not run")
        else:
            await self._look(bus)

    async def _take(self, bus: Bus, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is not MessageType.signal:
            return
        # Any user of the bus may send a signal to us alone; the sender's name is the bus's word.
        sender, path = fields.get(HeaderFields.sender), str(fields.get(HeaderFields.path))
        match fields.get(HeaderFields.member), message.body:
            case "NameOwnerChanged", (str(name), str(), str(owner)) if sender == BUS.bus_name and name == NAME:
                await self._follow(bus, owner or None)
            case _ if self._owner is None or sender != self._owner:
                return
            case "PropertiesChanged", (str(interface), dict(changed), list(invalid)):
                names = {*changed, *invalid}
                if interface == SEAT and "ActiveSession" in names:
                    await self._look_at(bus, path)
                elif interface == SESSION and names & _DECISIVE:
                    await self._look_again(bus, path)
            case "SeatNew", (str(), str(seat)):
                await self._look_at(bus, seat)
            case "SeatRemoved", (str(), str(seat)):
                self._seats.pop(seat, None)
                self._untold.discard(seat)
            case "SessionRemoved", (str(), str(session)):
                await self._look_again(bus, session)

    async def _follow(self, bus: Bus, owner: str | None) -> None:
        """Take note of a logind that came or went."""
        self._owner = owner
        self._forget()
        if owner is None:
            _log.info("nobody has the rights of an active session: logind ended")
        else:
            await self._look(bus)

    async def _look(self, bus: Bus) -> None:
        """Look at all seats."""
        self._unlisted = False
        try:
            answer = await bus.call(new_method_call(MANAGER, "ListSeats"))
        except RefusedError as error:
            self._unlisted = True
            again = self._later()
            _log.warning("the active sessions are not known: logind does not tell", error=str(error), again=again)
            return
        for seat in answer[0] if answer else ():
            match seat:
                case (str(), str(path)):
                    await self._look_at(bus, path)

    def _later(self) -> float:
        """Have logind asked again after a pause; return how many seconds are left of it."""
        now = asyncio.get_running_loop().time()
        if self._due is None:
            self._due = now + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        return round(max(self._due - now, 0.0), 1)

    async def _ask_again(self, bus: Bus) -> None:
        """Ask for what logind did not tell; who is known to sit at another seat keeps the right meanwhile."""
        self._due = None
        for seat in sorted(self._untold):
            await self._look_at(bus, seat)
        if self._unlisted:
            await self._look(bus)
        if self._due is None:
            self._pause = _FIRST_PAUSE_SECONDS

    async def _look_again(self, bus: Bus, session: str) -> None:
        """Look at the seats of which this is the active session; another one's changes matter to nobody here."""
        for seat in [path for path, active in self._seats.items() if active.session == session]:
            await self._look_at(bus, seat)

    async def _look_at(self, bus: Bus, seat: str) -> None:
        self._seats.pop(seat, None)
        self._untold.discard(seat)
        if not seat.startswith(_SEATS) or len(self._seats) >= _MOST_SEATS:
            return
        try:
            match (await values(bus, seat, SEAT)).get("ActiveSession"):
                case (str(), str(session)) if session != _NO_SESSION:
                    facts = await values(bus, session, SESSION)
                case _:
                    return
        except RefusedError as error:
            # Often it has just ended, and a signal that says so is on its way. But logind may be late, or out of order.
            if len(self._untold) < _MOST_SEATS:
                self._untold.add(seat)
            again = self._later()
            _log.info("the active session of a seat is not known", seat=seat, error=str(error), again=again)
            return
        match facts:
            case {"User": (int(uid), str()), "Class": str(kind), "Remote": False, "Active": True, "State": str(state)}:
                counts = kind in _CLASSES and state != "closing"
                self._seats[seat] = _Active(session, uid if counts else None)
                _log.info("active session", seat=seat, uid=uid, counts=counts)
            case _:
                self._seats[seat] = _Active(session, None)
