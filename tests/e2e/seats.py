"""Seats and sessions of a played logind: people who log in, are put into the background, and log out."""

from pathlib import Path
from typing import Any

from e2e_machine import NAME, PATH, Machine
from jeepney import DBusAddress, Message, MessageType, Properties, new_method_call
from jeepney.io.blocking import open_dbus_connection

NO_SESSION = ("", "/")
MOCK = "org.freedesktop.DBus.Mock"


class Seats:
    """Tells the played logind of a machine who sits where. A session's number is a string, as logind has it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def log_in(self, session: str, uid: int, seat: str = "seat0", **otherwise: tuple[str, Any]) -> None:
        """Let a user log in, in front of all others of the seat; `otherwise` are the session's other properties."""
        self._mock(PATH, "AddSession", "ssusb", (session, seat, uid, f"user{uid}", True))
        if otherwise:
            self._update(f"{PATH}/session/{session}", f"{NAME}.Session", **otherwise)
            # Its seat told of it as it was at first.
            self.bring(session, seat)

    def bring(self, session: str | None, seat: str = "seat0") -> None:
        """Put a session in front, or none."""
        active = NO_SESSION if session is None else (session, f"{PATH}/session/{session}")
        address = DBusAddress(f"{PATH}/seat/{seat}", NAME, f"{NAME}.Seat")
        self._call(Properties(address).set("ActiveSession", "(so)", active))

    def change(self, session: str, **properties: tuple[str, Any]) -> None:
        """Change a session's properties, and tell so."""
        self._update(f"{PATH}/session/{session}", f"{NAME}.Session", **properties)

    def log_out(self, session: str, seat: str = "seat0") -> None:
        """End the session in front: nobody's is there then."""
        path = f"{PATH}/session/{session}"
        self._mock(PATH, "RemoveObject", "s", (path,))
        self.bring(None, seat)
        self.say("SessionRemoved", session, path)

    def say(self, member: str, name: str, path: str) -> None:
        """Let logind tell of a seat or session by one of its manager's signals."""
        self._mock(PATH, "EmitSignal", "sssav", (f"{NAME}.Manager", member, "so", [("s", name), ("o", path)]))

    def remove_seat(self, seat: str) -> None:
        """Unplug a seat."""
        path = f"{PATH}/seat/{seat}"
        self._mock(PATH, "RemoveObject", "s", (path,))
        self.say("SeatRemoved", seat, path)

    def add_seat(self, seat: str) -> None:
        """Plug a seat in; the play's own way tells nobody."""
        self._mock(PATH, "AddSeat", "s", (seat,))
        self.say("SeatNew", seat, f"{PATH}/seat/{seat}")

    def hang_after_telling(self, until: Path, seat: str = "seat0") -> None:
        """Let logind say that a seat's session in front has changed, and then nothing until a file is there."""
        code = (
            "import os, time\n"
            f"self.EmitSignal('org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{{sv}}as',"
            f" ['{NAME}.Seat', {{}}, ['ActiveSession']])\n"
            "[connection.flush() for connection, *_ in self.locations]\n"
            f"while not os.path.exists({str(until)!r}): time.sleep(0.01)\n"
        )
        path = f"{PATH}/seat/{seat}"
        self._mock(path, "AddMethod", "sssss", (f"{NAME}.Seat", "Hang", "", "", code))
        self._call(new_method_call(DBusAddress(path, NAME, f"{NAME}.Seat"), "Hang"))

    def appear(self, session: str, uid: int, seat: str = "seat0") -> None:
        """Let a session be there from now on, without a word."""
        properties = {
            "User": ("(uo)", (uid, f"{PATH}/user/{uid}")),
            "Seat": ("(so)", (seat, f"{PATH}/seat/{seat}")),
            "Class": ("s", "user"),
            "State": ("s", "active"),
            "Remote": ("b", False),
            "Active": ("b", True),
        }
        body = (f"{PATH}/session/{session}", f"{NAME}.Session", properties, [])
        self._mock(PATH, "AddObject", "ssa{sv}a(ssss)", body)

    def show(self, session: str, uid: int) -> None:
        """Let a session be what logind takes for the user's own on the screen."""
        # The play's own GetUser fails with every number.
        self._machine.method("GetUser", "u", "o", f"ret = '{PATH}/user/%d' % args[0]")
        self._mock(PATH, "AddUser", "usb", (uid, f"user{uid}", True))
        address = DBusAddress(f"{PATH}/user/{uid}", NAME, f"{NAME}.User")
        self._call(Properties(address).set("Display", "(so)", (session, f"{PATH}/session/{session}")))

    def ended(self) -> list[tuple[str, str]]:
        """Return which sessions were locked ("LockSession") or ended ("TerminateSession"), in their order."""
        found, *_ = self._mock(PATH, "GetCalls", "", ())
        names = ("LockSession", "TerminateSession")
        return [(name, arguments[0][1]) for _, name, arguments in found if name in names]

    def forget(self) -> None:
        """Forget what was done so far."""
        self._mock(PATH, "ClearCalls", "", ())

    def _update(self, path: str, interface: str, **properties: tuple[str, Any]) -> None:
        self._mock(path, "UpdateProperties", "sa{sv}", (interface, properties))

    def _mock(self, path: str, method: str, signature: str, body: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._call(new_method_call(DBusAddress(path, NAME, MOCK), method, signature, body))

    def _call(self, call: Message) -> tuple[Any, ...]:
        with open_dbus_connection(bus=self._machine.address) as connection:
            answer = connection.send_and_get_reply(call, timeout=30)
        assert answer.header.message_type is MessageType.method_return, answer.body
        return tuple(answer.body)
