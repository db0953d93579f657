"""The whole way from a call to the chip, over any sequence of calls: what was spent is what was confirmed."""

import importlib.util
import sys
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sithsd.card import operations
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import Role

if "card_bench" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "card_bench", Path(__file__).parents[1] / "contract" / "card_bench.py"
    )
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["card_bench"] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)

from card_bench import BOTH_WORDS, NOTHING_SAID, PINS, ROWS, Cut, Hand

CODES = (b"123456", b"654321", b"111111", b"24681357", b"12345", b"12345x", b"")
PUKS = (b"12345678", b"87654321", b"1234567")


class LifeOfACard(RuleBasedStateMachine):
    """Verify, change and unblock by sithsd, by others, removals; a model of the chip's counters beside it."""

    @initialize(
        row=st.sampled_from(ROWS),
        tries=st.fixed_dictionaries({role: st.integers(0, 3) for role in PINS} | {Role.PUK: st.integers(0, 10)}),
    )
    def insert(self, row: object, tries: dict[Role, int]) -> None:
        """Begin with any card and any counters."""
        self.bench = row.bench(tries=tries)
        self.read = row.read(self.bench)

    def _use(self, role: Role, judged: Role, cut: Cut | None, operation: object, *, confirmed: bool) -> None:
        before = self.bench.tries()
        error: SithsdError | None = None
        with self.bench.transaction(cut) as begun:
            try:
                operation(begun)
            except SithsdError as refused:
                error = refused
        after = self.bench.tries()
        assert len(begun.codes_sent) <= 1
        untouched = {Role.AUTHENTICATION, Role.SIGNATURE, Role.PUK} - {role, judged}
        assert all(after[one] == before[one] for one in untouched)
        if begun.codes_sent and before[judged] <= 1:
            assert confirmed, "the last try went without a person's word"
        if not begun.codes_sent:
            assert after == before
            assert error is not None
        lost = begun.code_tried and not any(sent.status_word is not None for sent in begun.codes_sent)
        assert lost is (error is not None and error.code is ErrorCode.CARD_OUTCOME_UNKNOWN)
        if error is None:
            assert after[role] == 3
        elif after[judged] < before[judged]:
            assert after[judged] == before[judged] - 1
            assert error.code in {ErrorCode.PIN_WRONG, ErrorCode.PUK_WRONG, ErrorCode.CARD_OUTCOME_UNKNOWN}
        if error is not None and error.tries_left is not None:
            assert error.role == judged
            assert error.tries_left == after[judged]
        if not self.bench.card.powered:
            self.bench.channel.insert()
        assert self.bench.locked()

    @rule(
        role=st.sampled_from(PINS),
        code=st.sampled_from(CODES),
        confirmed=st.booleans(),
        cut=st.none() | st.builds(Cut, st.integers(1, 12), st.booleans()),
    )
    def verify(self, role: Role, code: bytes, cut: Cut | None, *, confirmed: bool) -> None:
        """Give a PIN."""
        self._use(
            role,
            role,
            cut,
            lambda begun: Hand(begun, self.read, BOTH_WORDS if confirmed else NOTHING_SAID).verify(role, code),
            confirmed=confirmed,
        )

    @rule(
        role=st.sampled_from(PINS),
        codes=st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)),
        confirmed=st.booleans(),
        cut=st.none() | st.builds(Cut, st.integers(1, 12), st.booleans()),
    )
    def change(self, role: Role, codes: tuple[bytes, bytes], cut: Cut | None, *, confirmed: bool) -> None:
        """Change a PIN."""
        self._use(
            role,
            role,
            cut,
            lambda begun: Hand(begun, self.read, BOTH_WORDS if confirmed else NOTHING_SAID).change(role, *codes),
            confirmed=confirmed,
        )

    @rule(
        role=st.sampled_from(PINS),
        puk=st.sampled_from(PUKS),
        code=st.sampled_from(CODES),
        confirmed=st.booleans(),
        cut=st.none() | st.builds(Cut, st.integers(1, 12), st.booleans()),
    )
    def unblock(self, role: Role, puk: bytes, code: bytes, cut: Cut | None, *, confirmed: bool) -> None:
        """Unblock a PIN."""
        self._use(
            role,
            Role.PUK,
            cut,
            lambda begun: Hand(begun, self.read, BOTH_WORDS if confirmed else NOTHING_SAID).unblock(role, puk, code),
            confirmed=confirmed,
        )

    @rule(role=st.sampled_from(PINS))
    def look(self, role: Role) -> None:
        """Look at the codes: what is told is what the chip has."""
        with self.bench.transaction() as begun:
            states = {state.role: state for state in operations.code_states(begun, self.read)}
        assert states[role].tries_left == self.bench.tries()[role]
        assert states[role].blocked is (self.bench.tries()[role] == 0)

    @invariant()
    def never_unlocked(self) -> None:
        """Between operations the card is locked."""
        if hasattr(self, "bench"):
            assert self.bench.locked()


LifeOfACard.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
TestLifeOfACard = LifeOfACard.TestCase
