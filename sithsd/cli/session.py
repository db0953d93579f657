"""The session on this screen, locked or ended by logind (org.freedesktop.login1(5))."""

import asyncio
import os
from enum import StrEnum
from typing import Final

from jeepney import new_method_call

from sithsd.bus import Bus, BusError, RefusedError
from sithsd.logind import MANAGER, NAME, values

_SECONDS: Final = 10.0


class Action(StrEnum):
    """What is done to a session when its user's card goes."""

    LOCK = "lock"
    LOGOUT = "logout"
    NOTHING = "nothing"


_METHODS: Final = {Action.LOCK: "LockSession", Action.LOGOUT: "TerminateSession"}


class SessionError(Exception):
    """It was not done; the message is English, for a log."""


def end_session(action: Action, session: str | None) -> str | None:
    """Do it to `session`, with None to the user's own on the screen; return which that was, None for Action.NOTHING.

    logind asks whoever locks the screens of that session to do so. Raises SessionError.
    """
    return asyncio.run(_end(_METHODS[action], session)) if action in _METHODS else None


async def _end(method: str, session: str | None) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            bus = await Bus.connect()
            try:
                own = session or await _on_screen(bus)
                await bus.call(new_method_call(MANAGER, method, "s", (own,)))
            finally:
                bus.close()
    except (BusError, RefusedError) as error:
        raise SessionError(f"logind: {error}") from error
    except TimeoutError as error:
        raise SessionError("logind: no answer in time") from error
    return own


async def _on_screen(bus: Bus) -> str:
    """Return the session that logind takes for the user's first one: the graphical one, where there is one."""
    answer = await bus.call(new_method_call(MANAGER, "GetUser", "u", (os.getuid(),)))
    match answer:
        case (str(path), *_):
            match (await values(bus, path, f"{NAME}.User")).get("Display"):
                case (str(session), str()) if session:
                    return session
    raise SessionError("logind: this user has no session")
