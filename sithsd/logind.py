"""logind on the system bus (org.freedesktop.login1(5)): its names, and the values of its objects."""

from collections.abc import Mapping
from typing import Any, Final

from jeepney import DBusAddress, Properties

from sithsd.bus import Bus

NAME: Final = "org.freedesktop.login1"
MANAGER: Final = DBusAddress("/org/freedesktop/login1", NAME, f"{NAME}.Manager")
SEAT: Final = f"{NAME}.Seat"
SESSION: Final = f"{NAME}.Session"


async def values(bus: Bus, path: str, interface: str) -> dict[str, Any]:
    """Return the properties of one of logind's objects, by their names. Raises RefusedError and BusError."""
    answer = await bus.call(Properties(DBusAddress(path, NAME, interface)).get_all())
    found = answer[0] if answer else None
    # Each value comes with its type (D-Bus specification, "Variant").
    return {str(name): value for name, (_, value) in found.items()} if isinstance(found, Mapping) else {}
