"""Any row of code commands, and any loss of power in one, leaves the card in the state that a simple model predicts."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sithsd.simulator import codes, durable
from sithsd.simulator.card import Card
from sithsd.simulator.image import CodeTerms, Image, Memory, Role

POOL = (b"111111", b"222222", b"3333333")
PUKS = (b"99999999", b"88888888")
PIN_TRIES, PUK_TRIES = 3, 4
LENGTHS = {"min_length": 6, "max_length": 8, "stored_length": 8}
ATR = bytes.fromhex("3BF51800008131FE454D794549449A")
VERIFY, CHANGE, RESET_RETRY_COUNTER = 0x20, 0x24, 0x2C


def _image() -> Image:
    pin = CodeTerms(reference=1, role=Role.AUTHENTICATION, max_tries=PIN_TRIES, unblocked_by=3, **LENGTHS)
    puk = CodeTerms(reference=3, role=Role.PUK, max_tries=PUK_TRIES, changeable=False, **LENGTHS)
    return Image(name="model", protocol=1, atr=ATR, serial=b"", codes=(pin, puk))


def _quick(code: bytes, salt: bytes) -> bytes:
    return hashlib.sha256(salt + code).digest()


class PowerCutError(Exception):
    """The card was pulled out in the middle of a command."""


@dataclass(frozen=True)
class Cut:
    """Power goes at the command's write number `write`: not begun, half done, or just done."""

    write: int
    how: str


CUTS = st.none() | st.builds(Cut, st.integers(1, 3), st.sampled_from(["not begun", "half done", "done"]))


@dataclass(frozen=True)
class State:
    """What the chip has to remember. Without a `pin` the code has no value yet."""

    pin: bytes | None
    transport: bool
    tries: int = PIN_TRIES
    puk_tries: int = PUK_TRIES


class UnsavedMemory(Memory):
    """A copy that forgets what is done to it."""

    def save(self) -> None:
        """Keep nothing."""


class CodeMachine(RuleBasedStateMachine):
    """A card with one PIN and a PUK, beside the few variables that tell what it must answer.

    Each command is a row of states, one for each write to the chip's memory, and a status word.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(codes, "digest", _quick)
        self.folder = tempfile.TemporaryDirectory()
        self.place = Path(self.folder.name) / "card"

    @initialize(state=st.sampled_from([State(POOL[0], False), State(POOL[0], True), State(None, False)]))
    def begin(self, state: State) -> None:
        """Begin with a chosen code, a transport code, or none."""
        value = None if state.pin is None else state.pin.decode()
        pin = codes.fresh(value, state.tries, transport=state.transport)
        puk = codes.fresh(PUKS[0].decode(), state.puk_tries)
        self.card = Card(Memory.create(self.place, _image(), {1: pin, 3: puk}))
        self.card.power_on()
        self.state, self.verified = state, False

    def teardown(self) -> None:
        """Give back the slow hash and the folder."""
        self.patch.undo()
        self.folder.cleanup()

    def run(self, ins: int, given: tuple[bytes, ...], states: list[State], status: int, cut: Cut | None) -> None:
        """Send a code command; expect `states` one after the other, and at the end `status`, unless it is cut."""
        data = b"".join(code.ljust(8, b"\xff") for code in given)
        command = bytes([0, ins, 0, 1, len(data)]) + data
        if cut is None or cut.write > len(states):
            assert self.card.transmit(command)[1] == status
            self.state = states[-1] if states else self.state
            return
        with _losing_power(cut), pytest.raises(PowerCutError):
            self.card.transmit(command)
        self.state = [self.state, *states][cut.write if cut.how == "done" else cut.write - 1]
        self.card, self.verified = Card(Memory.load(self.place)), False
        self.card.power_on()

    def compared(self, code: bytes) -> tuple[list[State], int]:
        """Return the states that comparing the PIN brings, and the status word."""
        if self.state.pin is None:
            return [], 0x6984
        if self.state.tries == 0:
            return [], 0x6983
        spent = replace(self.state, tries=self.state.tries - 1)
        if code != self.state.pin:
            return [spent], 0x63C0 | spent.tries
        return [spent, replace(self.state, tries=PIN_TRIES)], 0x9000

    @rule(code=st.sampled_from(POOL), cut=CUTS)
    def verify(self, code: bytes, cut: Cut | None) -> None:
        """VERIFY with any of the codes."""
        states, status = self.compared(code)
        if states:
            self.verified = status == 0x9000 and not self.state.transport
        if status == 0x9000 and self.state.transport:
            status = 0x6985
        self.run(VERIFY, (code,), states, status, cut)

    @rule(old=st.sampled_from(POOL), new=st.sampled_from(POOL), cut=CUTS)
    def change(self, old: bytes, new: bytes, cut: Cut | None) -> None:
        """CHANGE REFERENCE DATA with any pair of codes: cut, the old code or the new one is there, never neither."""
        states, status = self.compared(old)
        if status == 0x9000:
            states.append(replace(self.state, pin=new, transport=False, tries=PIN_TRIES))
        if states:
            self.verified = status == 0x9000
        self.run(CHANGE, (old, new), states, status, cut)

    @rule(puk=st.sampled_from(PUKS), new=st.sampled_from(POOL), cut=CUTS)
    def unblock(self, puk: bytes, new: bytes, cut: Cut | None) -> None:
        """RESET RETRY COUNTER with the right PUK or a wrong one."""
        left = self.state.puk_tries
        if left == 0:
            self.run(RESET_RETRY_COUNTER, (puk, new), [], 0x6983, cut)
            return
        states = [replace(self.state, puk_tries=left - 1)]
        if puk != PUKS[0]:
            self.run(RESET_RETRY_COUNTER, (puk, new), states, 0x63C0 | left - 1, cut)
            return
        states += [replace(self.state, puk_tries=PUK_TRIES), State(new, False)]
        self.verified = False
        self.run(RESET_RETRY_COUNTER, (puk, new), states, 0x9000, cut)

    @rule()
    def reset(self) -> None:
        """Reset the card: the code counts as given no longer."""
        self.card.reset()
        self.verified = False

    @precondition(lambda self: not self.verified)
    @rule()
    def load_again(self) -> None:
        """Go on with a card that was loaded from its files."""
        self.card = Card(Memory.load(self.place))
        self.card.power_on()

    @invariant()
    def the_card_tells_the_state(self) -> None:
        """Empty VERIFY commands tell what the model knows."""
        pin = self.card.transmit(bytes.fromhex("00200001"))[1]
        puk = self.card.transmit(bytes.fromhex("00200003"))[1]
        if self.state.pin is None:
            assert pin == 0x6984
        elif self.state.tries == 0:
            assert pin == 0x6983
        else:
            assert pin == (0x9000 if self.verified else 0x63C0 | self.state.tries)
        left = self.state.puk_tries
        assert puk == (0x63C0 | left if left else 0x6983)

    @precondition(lambda self: self.state.pin is not None and self.state.tries > 0)
    @invariant()
    def one_code_is_the_right_one(self) -> None:
        """On a copy of the card exactly the model's code is accepted, as chosen or as transport code."""
        for code in POOL:
            saved = Memory.load(self.place)
            copy = Card(UnsavedMemory(saved.folder, saved.image, saved.counters))
            copy.power_on()
            status = copy.transmit(bytes.fromhex("0020000108") + code.ljust(8, b"\xff"))[1]
            if code == self.state.pin:
                assert status == (0x6985 if self.state.transport else 0x9000)
            else:
                assert status == 0x63C0 | self.state.tries - 1


@contextmanager
def _losing_power(cut: Cut) -> Iterator[None]:
    write, count = durable.replace, 0

    def losing(path: Path, content: bytes) -> None:
        nonlocal count
        count += 1
        if count == cut.write and cut.how != "done":
            if cut.how == "half done":
                path.with_suffix(".new").write_bytes(content[: len(content) // 2])
            raise PowerCutError
        write(path, content)
        if count == cut.write:
            raise PowerCutError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "replace", losing)
        yield


class TestCodeStates(CodeMachine.TestCase):
    """The counters follow the model through every row of commands."""

    settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
