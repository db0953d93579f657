"""Both interfaces over the session room, called as the server calls them."""

import asyncio
import grp
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from session_house import LONG, House, open_house

from sithsd.api import wire
from sithsd.api.code_methods import Codes
from sithsd.api.diagnosis_methods import DaemonFacts, Diagnosis
from sithsd.api.fetch_wire import StateReply
from sithsd.api.interface import Interface, Method, StreamMethod
from sithsd.api.methods import Cards
from sithsd.api.peer import Caller
from sithsd.api.rights import Rights
from sithsd.policy.model import Policy
from sithsd.policy.rights import Rules
from sithsd.session.adviser import Adviser
from sithsd.validity.calendar import Calendar
from sithsd.validity.calendar.freezes import shipped
from sithsd.validity.judge import Judge

ORDINARY = Caller(uid=54321, gid=54321, pid=1, groups=frozenset({54321}))
DESK = Caller(uid=54322, gid=54322, pid=2, groups=frozenset({54322, grp.getgrnam("games").gr_gid}))
HOLDER = Caller(uid=54323, gid=54323, pid=3, groups=frozenset({54323}))
"""Sits at the machine."""
RULES = Rules(
    status=("everyone",),
    personal_numbers=("group:games",),
    codes=("group:games", "active-session"),
    authenticate=("group:games", "active-session"),
    sign=("group:games", "active-session"),
    desk=("group:games",),
)


@dataclass
class Fetching:
    """The program that asks about revocation; `told` is how it fares."""

    told: StateReply | None = None
    place: str = "/run/sithsd-fetch/io.sithsd.Fetch"

    async def state(self) -> StateReply | None:
        """Tell it."""
        return self.told


@dataclass
class Socket:
    """Both interfaces."""

    house: House
    cards: Interface
    codes: Interface
    rights: Rights
    fetching: Fetching

    async def call(self, name: str, caller: Caller, **parameters: object) -> dict[str, object]:
        """Call a method; return the reply as plain JSON values."""
        method = self.cards.methods.get(name) or self.codes.methods[name]
        assert isinstance(method, Method)
        call = method.parameters(**parameters)
        async with asyncio.timeout(LONG):
            return wire.to_json(await method.call(call, caller))

    async def stream(self, caller: Caller, **parameters: object) -> AsyncIterator[dict[str, object]]:
        """Monitor; yield the replies as plain JSON values."""
        method = self.cards.methods["Monitor"]
        assert isinstance(method, StreamMethod)
        replies = method.stream(method.parameters(**parameters), caller)
        try:
            async for reply in replies:
                yield wire.to_json(reply)
        finally:
            await replies.aclose()


@asynccontextmanager
async def open_daemon(
    judge: Judge, policy: Policy | None = None, calendar: Calendar | None = None
) -> AsyncIterator[Socket]:
    """Give a daemon without sockets."""
    rights = Rights(RULES, own_uid=1, sits_here=lambda uid: uid == HOLDER.uid)
    adviser = Adviser(calendar or Calendar(shipped()), datetime(2020, 1, 1, tzinfo=UTC))
    async with open_house(judge, policy=policy) as house:
        cards = Cards(house.board, house.readers, rights, house.verdicts, house.clock, adviser=adviser)
        codes = Codes(house.readers, house.desk, rights, lambda pid: f"program {pid}")
        facts = DaemonFacts("9.8.7", house.clock.now(), "/run/pcscd/pcscd.comm", ["rights.file"])
        fetching = Fetching()
        diagnosis = Diagnosis(house.board, house.readers, judge, house.clock, facts, fetching=fetching)
        yield Socket(house, cards.interface(diagnosis.method(rights.status)), codes.interface(), rights, fetching)
