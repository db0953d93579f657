"""The guard over whole lives of cards: no sequence of calls spends a try that nobody gave."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sithsd.card import guard
from sithsd.card.guard import Word
from sithsd.errors import SithsdError
from sithsd.values import CodeState, Role


class Code:
    """A counter as a chip keeps it."""

    def __init__(self, left: int, full: int) -> None:
        self.left = left
        self.full = full

    def give(self, *, right: bool) -> None:
        """Take a code."""
        if self.left:
            self.left = self.full if right else self.left - 1


class LifeOfACode(RuleBasedStateMachine):
    """Right and wrong codes through the guard, confirmed and not, with counters that can be read and that can't."""

    @initialize(left=st.integers(0, 15), role=st.sampled_from(Role))
    def make(self, left: int, role: Role) -> None:
        """Begin with any counter."""
        self.role = role
        self.code = Code(left, max(left, 3))
        self.confirmations = 0
        self.at_the_edge = 0

    @rule(right=st.booleans(), confirmed=st.booleans(), readable=st.booleans())
    def give(self, *, right: bool, confirmed: bool, readable: bool) -> None:
        """Give a code, if the guard lets it through."""
        before = self.code.left
        state = CodeState(self.role, tries_left=before if readable else None, blocked=before == 0 if readable else None)
        try:
            guard.allow(state, Word(last_try=confirmed, risk_card=confirmed))
        except SithsdError:
            return
        self.code.give(right=right)
        self.confirmations += confirmed
        if before <= 1:
            self.at_the_edge += 1
            assert confirmed, "the last try went without a person's word"
        assert readable or confirmed, "a try went although nobody knew how many there were"

    @invariant()
    def blocked_only_by_somebodys_word(self) -> None:
        """Count: no more last tries were spent than words were given."""
        if hasattr(self, "code"):
            assert self.at_the_edge <= self.confirmations


LifeOfACode.TestCase.settings = settings(deadline=None)
TestLifeOfACode = LifeOfACode.TestCase


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40), st.integers(1, 15))
def test_wrong_codes_unasked_never_block(calls: list[tuple[bool, bool]], left: int) -> None:
    """However many codes are given without a person's word, at least one try is left."""
    code = Code(left, left)
    for right, _ in calls:
        try:
            guard.allow(CodeState(Role.AUTHENTICATION, tries_left=code.left))
        except SithsdError:
            break
        code.give(right=right)
    assert code.left >= 1
