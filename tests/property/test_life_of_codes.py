"""Codes through whole lives: callers, other programs, removals, resets and dying clients in every order.

The invariant: the wrong codes that a card ever saw from the daemon are no more than those that callers gave it, and the
last try is never among them unless a caller said so. What the daemon tells of each call agrees with the chip.
"""

import asyncio
import base64
import os
import shutil
import tempfile
from collections import Counter as Count
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog
from card_bench import RIGHT, Bench, card
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from life_house import LifeHouse, Seen, Trap, quick_digest

from sithsd.audit.verify import Finding
from sithsd.audit.verify import verify as verify_audit
from sithsd.policy.model import load as load_policy
from sithsd.simulator import codes as chip_codes
from sithsd.values import Role

RULES = int(os.environ.get("SITHSD_LIFE_RULES", "10000"))
STEPS = 50
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it: thousands of rows, each made durable
FLOOR = 3
CARDS = ("ordinary", "second", "inactive", "transport", "desk")
TRANSPORT = {Role.AUTHENTICATION: b"502814", Role.SIGNATURE: b"739261"}
PINS = (Role.AUTHENTICATION, Role.SIGNATURE)
CODES = "io.sithsd.Codes."
# The errors after which a code may have reached the card, or has.
SENT = {"pin.wrong", "puk.wrong", "pin.blocked", "puk.blocked", "card.outcomeUnknown", "card.refused"}
# Of these the ones that are the chip's own word.
TOLD = {"pin.wrong", "puk.wrong"}
# What callers are told at some time in enough lives.
EXPECTED = (
    "done",
    "pin.wrong",
    "puk.wrong",
    "pin.lastTry",
    "puk.belowFloor",
    "pin.triesChanged",
    "pin.triesUnknown",
    "card.changed",
    "card.outcomeUnknown",
    "request.tooManyWrong",
    "reader.busy",
)
DIGEST = base64.b64encode(bytes(32)).decode()
ANSWERS = [
    {"id": "holderPresent", "confirmed": True},
    {"id": "idDocument", "confirmed": True},
    {"id": "orderDate", "date": "2024-01-10"},
    {"id": "responsibilityLetter", "confirmed": True},
    {"id": "paymentApplies", "confirmed": False},
]

roles = st.sampled_from(PINS)
sometimes = st.sampled_from([False, False, False, True])
words = st.fixed_dictionaries({"spend": sometimes, "risk": sometimes})
shown = st.sampled_from(["none", "true", "other"])
deaths = st.sampled_from(["lives", "lives", "lives", "dies at once", "dies later"])


@dataclass
class Call:
    """One call of a client: what a person said with it, and what the chip got because of it.

    One that `signs` may fail after its code, which was right then.
    """

    judged: set[bytes]
    spend: bool
    risk: bool
    expected: int | None
    fits_card: bool
    wanted: int = 1
    signs: bool = False
    reply: dict[str, Any] | None = None
    seen: list[Seen] = field(default_factory=list)

    @property
    def doubt_that_sent(self) -> int:
        """How little the reply speaks for it that the chip got the code: 0 it did, 1 nobody knows, 2 it did not."""
        if self.reply is None:
            return 1
        code = self.reply.get("code")
        told = code is None or code in TOLD or bool(self.reply.get("done")) or self.reply.get("statusWord") is not None
        return 0 if told else 1 if code in SENT or self.signs else 2

    @property
    def lowered(self) -> int:
        """How many tries this call cost."""
        return sum(after < seen.before[role] for seen in self.seen for role, after in seen.after.items())


class LifeOfCodes(RuleBasedStateMachine):
    """A desk, its clients, and an adversary."""

    rules_run: ClassVar[int] = 0
    replies: ClassVar[Count[str]] = Count()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="sithsd-life-", dir=MEMORY if MEMORY.is_dir() else None))
        self.number = 0
        self.calls: list[Call] = []
        self.known: dict[str, dict[Role, int]] = {}
        self.candidates: dict[str, set[bytes]] = {}
        self.theirs = False
        self.spent: list[float] = []
        self.checked = 0
        self.holding = False
        self.removals = 0

    def run(self, coroutine: Any) -> Any:
        """Run something in the daemon's loop to its end."""
        LifeOfCodes.rules_run += 1
        return self.loop.run_until_complete(coroutine)

    @initialize(
        name=st.sampled_from(CARDS),
        blind=st.sampled_from([False, False, False, True]),
        wrong_codes=st.sampled_from([2, 3, 4, 10, 1000, 1000, 1000, 1000]),
        puk_left=st.sampled_from([10, 10, 3, 2, 1]),
    )
    def begin(self, name: str, wrong_codes: int, puk_left: int, *, blind: bool) -> None:
        """Start a daemon, with a card in its reader."""
        self.puk_left = puk_left
        budget = f"wrong_codes_per_user = {wrong_codes}\nwrong_codes_per_card = {wrong_codes}\n"
        (self.folder / "policy.toml").write_text(f"[puk]\nfloor = {FLOOR}\n[budget]\n{budget}")
        policy = load_policy(self.folder / "policy.toml")
        self.blind = blind
        self.house = LifeHouse(self.folder, policy, blind=blind)
        self.loop.run_until_complete(self.house.open())
        self.insert(name)

    def teardown(self) -> None:
        """End the daemon, and look into its audit."""
        try:
            if hasattr(self, "house"):
                self.release()
                self.loop.run_until_complete(self.house.close())
                self.check_audit()
        finally:
            self.loop.close()
            shutil.rmtree(self.folder)

    # Cards.

    @property
    def bench(self) -> Bench | None:
        """The card in the reader."""
        return self.house.hardware.bench

    def name(self) -> str:
        """Return the name of the card in the reader."""
        assert self.bench is not None
        return self.bench.card.name

    def chosen(self, name: str) -> Bench:
        """Return a card of this life, its codes hashed the quick way."""
        fresh = name not in self.house.cards
        bench = self.house.card(name)
        if fresh:
            memory = bench.card._memory
            for terms in memory.image.codes:
                state = memory.counters[terms.reference]
                if terms.role == Role.PUK:
                    state.tries_left = self.puk_left
                if state.digest is not None:
                    value = TRANSPORT[Role(terms.role)] if state.transport else RIGHT[Role(terms.role)]
                    state.digest = quick_digest(value, state.salt)
            self.candidates[name] = {*RIGHT.values(), *TRANSPORT.values()}
        return bench

    def right(self, role: Role) -> bytes | None:
        """Return the value that a code of the card in the reader has now, None before it has any."""
        assert self.bench is not None
        memory = self.bench.card._memory
        reference = next(terms.reference for terms in memory.image.codes if terms.role == role)
        state = memory.counters[reference]
        found = [code for code in self.candidates[self.name()] if quick_digest(code, state.salt) == state.digest]
        return found[0] if found else None

    @rule(name=st.sampled_from(CARDS))
    def insert(self, name: str) -> None:
        """Put a card in; the one that is there is taken out first."""

        async def act() -> None:
            if self.bench is not None:
                self.house.hardware.pull()
                await self.house.tell_removed()
            self.theirs = False
            self.house.hardware.put(self.chosen(name))
            await self.house.tell_inserted()

        self.run(act())
        self.look_at_all()

    @rule()
    def remove(self) -> None:
        """Take the card out."""
        if self.bench is None:
            return

        async def act() -> None:
            self.house.hardware.pull()
            await self.house.tell_removed()

        self.theirs = False
        self.run(act())

    # The adversary.

    @rule(role=st.sampled_from([*PINS, Role.PUK]))
    def burn(self, role: Role) -> None:
        """Another program gives a wrong code."""
        if self.bench is None or self.holding:
            return
        LifeOfCodes.rules_run += 1
        self.bench.give(role, b"000000")

    @rule(role=roles)
    def open_up(self, role: Role) -> None:
        """Another program gives a right code, and leaves the card open."""
        if self.bench is None or self.holding:
            return
        LifeOfCodes.rules_run += 1
        right = self.right(role)
        if right is not None and self.bench.tries()[role] > 0:
            self.bench.give(role, right)
            self.theirs = True

    @rule()
    def reset(self) -> None:
        """Another program resets the card."""
        if self.bench is None:
            return
        LifeOfCodes.rules_run += 1
        self.bench.channel.reset()
        self.theirs = False

    @rule(really=sometimes)
    def hold(self, *, really: bool) -> None:
        """Another program takes the card for itself, until a client was told so."""
        if self.holding or not really:
            return
        LifeOfCodes.rules_run += 1
        self.house.hardware.held.acquire()
        self.holding = True

    def release(self) -> None:
        """Let the card go again, as that other program."""
        if self.holding:
            self.holding = False
            self.house.hardware.held.release()

    @rule(
        commands=st.none() | st.integers(1, 24),
        after=st.booleans(),
        how=st.sampled_from(["pull", "reset", "swap"]),
    )
    def lay_a_trap(self, commands: int | None, how: str, *, after: bool) -> None:
        """At one of the next commands, or the next code, the card is pulled out, reset, or swapped for another one."""
        if self.bench is None:
            return
        LifeOfCodes.rules_run += 1
        hardware = self.house.hardware
        other = self.chosen("second" if self.name() != "second" else "ordinary")

        def act() -> None:
            if how == "reset" and hardware.bench is not None:
                hardware.bench.channel.reset()
                return
            hardware.pull()
            if how == "swap":
                hardware.put(other)

        hardware.trap = Trap(None if commands is None else hardware.commands + commands, after, act)

    @rule(minutes=st.integers(1, 20))
    def wait(self, minutes: int) -> None:
        """Time goes by."""
        LifeOfCodes.rules_run += 1
        self.house.seconds += 60 * minutes

    @rule()
    def restart(self) -> None:
        """End the daemon, and start it again."""
        if self.holding:
            return

        async def act() -> None:
            await self.house.close()
            self.house.hardware.trap = None
            await self.house.open()
            await self.house.settle()

        self.run(act())
        self.spent.clear()  # the budget is the daemon's own memory, as is what it has seen of counters
        self.known.clear()

    # The clients.

    def unique(self, head: str, digits: int) -> bytes:
        """Return a code that was never used before."""
        self.number += 1
        return f"{head}{self.number * 7919 % 10**digits:0{digits}}".encode()

    def said(self, given: dict[str, bool], expected: str, judged: Role) -> tuple[dict[str, Any], int | None]:
        """Return what goes with a call, and how many tries the caller was shown."""
        said: dict[str, Any] = {"spendLastTry": given["spend"]}
        if expected == "none" or self.bench is None:
            return said, None
        left = self.bench.tries()[judged] + (expected == "other")
        return {**said, "expectedTries": left}, left

    async def ask(self, method: str, parameters: dict[str, Any], call: Call, death: str) -> None:
        """Call as a client that lives to hear the answer, or not."""
        self.known.clear()  # what the daemon has seen of this card's counters is no longer certain
        self.calls.append(call)
        wire = await self.house.connect()
        await wire.send(CODES + method, parameters)
        if death == "lives":
            call.reply = await wire.receive()
        elif death == "dies later":
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        wire.die()

    def finish(self) -> None:
        """Let everything come to its end, tell the daemon what the adversary did to the card, and check it all."""
        self.release()

        async def act() -> None:
            await self.house.settle()
            # What a dead client asked for may still be on its way from the socket.
            for _ in range(5):
                await asyncio.sleep(0)
            await self.house.settle()
            hardware = self.house.hardware
            view = self.house.board.reader("A reader 00")
            shown_card = view.card if view is not None else None
            if hardware.bench is None and shown_card is not None:
                await self.house.tell_removed()
            elif hardware.bench is not None and hardware.removals != self.removals:
                await self.house.tell_removed()
                await self.house.tell_inserted()
            self.removals = hardware.removals

        self.loop.run_until_complete(act())
        self.check_calls()

    removals = 0

    @rule(
        role=roles,
        right=st.booleans(),
        given=words,
        expected=shown,
        fits=st.sampled_from([True, True, False]),
        death=deaths,
    )
    def verify(self, role: Role, given: dict[str, bool], expected: str, death: str, *, right: bool, fits: bool) -> None:  # noqa: PLR0913 - what a call says
        """Verify a PIN, as a client."""
        if self.bench is None:
            return
        code = (self.right(role) if right else None) or self.unique("7", 6)
        said, left = self.said(given, expected, role)
        serial = self.bench.card.image.serial.hex().upper() if fits else "00FF"
        call = Call({code}, given["spend"], given["risk"], left, fits)
        parameters = {"role": role, "code": code.decode(), "cardSerial": serial, **said}
        self.run(self.ask("Verify", parameters, call, death))
        self.finish()

    @rule(role=roles, right=st.booleans(), given=words, expected=shown, death=deaths)
    def sign(self, role: Role, given: dict[str, bool], expected: str, death: str, *, right: bool) -> None:
        """Have something signed, as a client."""
        if self.bench is None:
            return
        code = (self.right(role) if right else None) or self.unique("7", 6)
        said, left = self.said(given, expected, role)
        call = Call({code}, given["spend"], given["risk"], left, fits_card=True, signs=True)
        parameters = {"identity": "hsaId", "code": code.decode(), **said}
        if role is Role.SIGNATURE:
            self.run(self.ask("Sign", parameters | {"digest": DIGEST, "description": "A document"}, call, death))
        else:
            self.run(self.ask("Authenticate", parameters, call, death))
        self.finish()

    @rule(role=roles, right=st.booleans(), given=words, expected=shown, death=deaths)
    def change(self, role: Role, given: dict[str, bool], expected: str, death: str, *, right: bool) -> None:
        """Change a PIN, as a client."""
        if self.bench is None:
            return
        code = (self.right(role) if right else None) or self.unique("7", 6)
        new = self.unique("58", 6)
        self.candidates[self.name()].add(new)
        said, left = self.said(given, expected, role)
        call = Call({code}, given["spend"], given["risk"], left, fits_card=True)
        parameters = {"role": role, "code": code.decode(), "newCode": new.decode(), **said}
        self.run(self.ask("Change", parameters, call, death))
        self.finish()

    @rule(role=roles, right=st.booleans(), given=words, expected=shown, death=deaths)
    def unblock(self, role: Role, given: dict[str, bool], expected: str, death: str, *, right: bool) -> None:
        """Unblock a PIN, as a client."""
        if self.bench is None:
            return
        puk = RIGHT[Role.PUK] if right else self.unique("9", 7)
        new = self.unique("58", 6)
        self.candidates[self.name()].add(new)
        said, left = self.said(given, expected, Role.PUK)
        call = Call({puk}, given["spend"], given["risk"], left, fits_card=True)
        parameters = {"role": role, "puk": puk.decode(), "newCode": new.decode(), "riskCard": given["risk"], **said}
        self.run(self.ask("Unblock", parameters, call, death))
        self.finish()

    @rule(right=st.booleans(), given=words, death=deaths, listed=st.sampled_from([True, True, True, False]))
    def activate(self, given: dict[str, bool], death: str, *, right: bool, listed: bool) -> None:
        """Activate a card, as a client."""
        if self.bench is None:
            return
        codes = {role: self.unique("58", 6) for role in PINS}
        self.candidates[self.name()] |= set(codes.values())
        puk = RIGHT[Role.PUK] if right else self.unique("9", 7)
        transport = {role: TRANSPORT[role] if right else self.unique("7", 5) for role in PINS}
        judged = set(transport.values()) if self.name() == "transport" else {puk}
        call = Call(judged, given["spend"], given["risk"], None, fits_card=listed, wanted=2)
        parameters: dict[str, Any] = {
            "newAuthentication": codes[Role.AUTHENTICATION].decode(),
            "newSignature": codes[Role.SIGNATURE].decode(),
            "answers": ANSWERS if listed else ANSWERS[:2],
            "spendLastTry": given["spend"],
            "riskCard": given["risk"],
        }
        if self.name() == "transport":
            parameters["transportAuthentication"] = transport[Role.AUTHENTICATION].decode()
            parameters["transportSignature"] = transport[Role.SIGNATURE].decode()
        else:
            parameters["puk"] = puk.decode()
        self.run(self.ask("Activate", parameters, call, death))
        self.finish()

    @rule(role=roles, count=st.integers(2, 4), right=st.booleans(), given=words)
    def many_at_once(self, role: Role, count: int, given: dict[str, bool], *, right: bool) -> None:
        """Several clients verify at the same time."""
        if self.bench is None:
            return
        asked = []
        for _ in range(count):
            code = (self.right(role) if right else None) or self.unique("7", 6)
            call = Call({code}, given["spend"], given["risk"], None, fits_card=True)
            parameters = {"role": role, "code": code.decode(), "spendLastTry": given["spend"]}
            asked.append(self.ask("Verify", parameters, call, "lives"))

        async def act() -> None:
            await asyncio.gather(*asked)

        self.run(act())
        self.finish()

    @rule(garbage=st.binary(max_size=40))
    def babble(self, garbage: bytes) -> None:
        """Send what is no call, as a client, and die."""

        async def act() -> None:
            reader, writer = await asyncio.open_unix_connection(self.house.socket)
            writer.write(garbage)
            writer.transport.abort()
            del reader

        self.run(act())

    @rule()
    def look(self) -> None:
        """Ask for the counters, as a client: they are the chip's, and a try that went elsewhere is told."""
        if self.bench is None:
            return
        before = self.house.board.picture.notices

        async def act() -> dict[str, Any]:
            wire = await self.house.connect()
            await wire.send(CODES + "GetGuidance", {})
            reply = await wire.receive()
            wire.die()
            return reply

        trapped = self.house.hardware.trap is not None
        reply = self.run(act())
        self.finish()
        if "codes" in reply and not trapped and not self.blind and not self.theirs and self.bench is not None:
            told = {Role(one["role"]): one["triesLeft"] for one in reply["codes"] if one["activated"] is not False}
            chip = self.bench.tries()
            assert told == {role: chip[role] for role in told}
            known = self.known.get(self.name(), {})
            if any(chip[role] < known[role] for role in told if role in known):
                assert self.house.board.picture.notices != before, "tries went elsewhere, and nobody was told"
        self.look_at_all()

    def look_at_all(self) -> None:
        """Remember what the daemon has seen of the card's counters, where it is certain that it has."""
        if self.bench is None:
            return
        self.known.pop(self.name(), None)
        view = self.house.board.reader("A reader 00")
        if view is None or view.card is None or self.blind or self.theirs or view.card.read is None:
            return
        seen = {state.role: state.tries_left for state in view.card.codes if state.activated is not False}
        chip = self.bench.tries()
        if view.card.serial == self.bench.card.image.serial.hex().upper() and all(
            seen[role] == chip[role] for role in seen
        ):
            self.known[self.name()] = {role: chip[role] for role in seen}

    # What has to be true.

    def check_calls(self) -> None:
        """Every code that a chip got belongs to one call, which said what had to be said."""
        codes = self.house.hardware.codes
        for seen in codes[self.checked :]:
            given = seen.data[:8].rstrip(b"\xff")
            assert given.isdigit(), "something malformed was sent"
            assert all(one.rstrip(b"\xff").isdigit() for one in (seen.data[:8], seen.data[8:] or b"0"))
            # A right code may have been given by several at once: it is of one who was told so, else of one who died.
            owners = [call for call in self.calls if given in call.judged and len(call.seen) < call.wanted]
            assert owners, "a code was sent that no caller gave, or once more than it was given"
            owner = min(owners, key=lambda call: (call.doubt_that_sent, call.expected is not None))
            assert not owner.seen or owner.lowered == 0, "a code was sent after one that was wrong"
            owner.seen.append(seen)
            self.check_word(owner, seen)
            if any(after < seen.before[role] for role, after in seen.after.items()):
                self.spent.append(self.house.seconds)
        self.checked = len(codes)
        for call in self.calls:
            self.check_reply(call)
        # Those that died may still be begun, never by a later rule: `finish` waited for them.
        self.calls.clear()
        self.check_budget()
        if self.bench is not None and not self.theirs and not self.house.hardware.held.locked():
            assert self.bench.locked(), "the card stayed open"

    def check_word(self, call: Call, seen: Seen) -> None:
        """Check that the last try, an unknown number and a PUK below its floor took a person's word."""
        assert call.fits_card, "a code went to a card that was not meant, or past the checklist"
        is_puk = seen.ins == 0x2C
        lowered = [role for role, after in seen.after.items() if after < seen.before[role]]
        concerned = [Role.PUK] if is_puk else lowered
        for role in concerned:
            left = seen.before[role]
            assert left >= 1 or self.blind  # that another program used it up is not to be seen there
            assert call.spend or (left > 1 and not self.blind), "the last try went unasked"
            if is_puk:
                assert call.risk or (left >= FLOOR and not self.blind), "the card was risked unasked"
            if call.expected is not None:
                assert call.expected == left, "a code was used although the counter was another one"

    def check_reply(self, call: Call) -> None:
        """Check that what a caller was told is what happened."""
        if call.reply is None:
            return
        code = call.reply.get("code")
        LifeOfCodes.replies[code or "done"] += 1
        assert code != "internal", call.reply
        if code is None:
            assert call.lowered == 0
            assert not call.signs or call.reply["signature"]
            assert len(call.seen) == (len(call.reply["done"]) if "done" in call.reply else 1)
        elif code in {"pin.wrong", "puk.wrong"}:
            assert call.lowered == 1
        elif code not in SENT and not call.reply.get("done") and call.reply.get("statusWord") is None:
            taken = call.signs and call.lowered == 0
            assert not call.seen or taken, f"the caller was told {code}, but a code was sent"

    def check_budget(self) -> None:
        """No more wrong codes in a quarter of an hour than the policy allows one user."""
        terms = self.house.policy.budget
        recent = [moment for moment in self.spent if moment > self.house.seconds - 60 * terms.minutes]
        assert len(recent) <= terms.wrong_codes_per_user

    def check_audit(self) -> None:
        """Check that the chain is whole."""
        verdict = verify_audit(self.folder / "audit.sqlite")
        assert verdict.finding is Finding.WHOLE, verdict


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Log nothing: thousands of cards come and go."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("critical"), cache_logger_on_first_use=False
    )
    yield
    structlog.configure(**before)


def test_the_life_of_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The invariant holds over 10,000 rules or more (SITHSD_LIFE_RULES), in lives in which something happens."""
    for name in CARDS:
        card(name)  # made once in a process, for other tests too: by the true hash
    monkeypatch.setattr(chip_codes, "digest", quick_digest)
    LifeOfCodes.rules_run = 0
    LifeOfCodes.replies = Count()
    terms = settings(
        deadline=None,
        # In one run: where CI is set hypothesis plays the same lives in each run.
        max_examples=max(RULES // 25, 50),
        stateful_step_count=STEPS,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    while LifeOfCodes.rules_run < RULES:
        run_state_machine_as_test(LifeOfCodes, settings=terms)
    # A life in which little happens proves little.
    never = [reply for reply in EXPECTED if not LifeOfCodes.replies[reply]]
    assert never == [], LifeOfCodes.replies
