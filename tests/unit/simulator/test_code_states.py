"""Any row of code commands leaves the card in the state that a simple model predicts."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sithsd.simulator import codes
from sithsd.simulator.card import Card
from sithsd.simulator.image import CodeTerms, Image, Memory, Role

POOL = (b"111111", b"222222", b"3333333")
PUKS = (b"99999999", b"88888888")
LENGTHS = {"min_length": 6, "max_length": 8, "stored_length": 8}
ATR = bytes.fromhex("3BF51800008131FE454D794549449A")


def _image() -> Image:
    pin = CodeTerms(reference=1, role=Role.AUTHENTICATION, max_tries=3, unblocked_by=3, **LENGTHS)
    puk = CodeTerms(reference=3, role=Role.PUK, max_tries=4, changeable=False, **LENGTHS)
    return Image(name="model", protocol=1, atr=ATR, serial=b"", codes=(pin, puk))


def _quick(code: bytes, salt: bytes) -> bytes:
    return hashlib.sha256(salt + code).digest()


class CodeMachine(RuleBasedStateMachine):
    """A card with one PIN and a PUK, beside the few variables that tell what it must answer."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(codes, "digest", _quick)
        self.folder = tempfile.TemporaryDirectory()
        first = {1: codes.fresh(POOL[0].decode(), 3), 3: codes.fresh(PUKS[0].decode(), 4)}
        self.place = Path(self.folder.name) / "card"
        self.card = Card(Memory.create(self.place, _image(), first))
        self.card.power_on()
        self.pin, self.tries, self.puk_tries, self.verified = POOL[0], 3, 4, False

    def teardown(self) -> None:
        """Give back the slow hash and the folder."""
        self.patch.undo()
        self.folder.cleanup()

    def send(self, ins: int, *given: bytes) -> int:
        """Send a code command for the PIN, and return the status word."""
        data = b"".join(code.ljust(8, b"\xff") for code in given)
        return self.card.transmit(bytes([0, ins, 0, 1, len(data)]) + data)[1]

    @rule(code=st.sampled_from(POOL))
    def verify(self, code: bytes) -> None:
        """VERIFY with any of the codes."""
        status = self.send(0x20, code)
        if self.tries == 0:
            assert status == 0x6983
        elif code == self.pin:
            assert status == 0x9000
            self.tries, self.verified = 3, True
        else:
            self.tries, self.verified = self.tries - 1, False
            assert status == 0x63C0 | self.tries

    @rule(old=st.sampled_from(POOL), new=st.sampled_from(POOL))
    def change(self, old: bytes, new: bytes) -> None:
        """CHANGE REFERENCE DATA with any pair of codes."""
        status = self.send(0x24, old, new)
        if self.tries == 0:
            assert status == 0x6983
        elif old == self.pin:
            assert status == 0x9000
            self.pin, self.tries, self.verified = new, 3, True
        else:
            self.tries, self.verified = self.tries - 1, False
            assert status == 0x63C0 | self.tries

    @rule(puk=st.sampled_from(PUKS), new=st.sampled_from(POOL))
    def unblock(self, puk: bytes, new: bytes) -> None:
        """RESET RETRY COUNTER with the right PUK or a wrong one."""
        status = self.send(0x2C, puk, new)
        if self.puk_tries == 0:
            assert status == 0x6983
        elif puk == PUKS[0]:
            assert status == 0x9000
            self.pin, self.tries, self.puk_tries, self.verified = new, 3, 4, False
        else:
            self.puk_tries -= 1
            assert status == 0x63C0 | self.puk_tries

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
        if self.tries == 0:
            assert pin == 0x6983
        else:
            assert pin == (0x9000 if self.verified else 0x63C0 | self.tries)
        assert puk == (0x63C0 | self.puk_tries if self.puk_tries else 0x6983)


class TestCodeStates(CodeMachine.TestCase):
    """The counters follow the model through every row of commands."""

    settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
