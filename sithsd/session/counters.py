"""What is remembered of the counters of cards, so that it is noticed when a try went without us.

Belongs to the asyncio loop's thread. Nothing is decided by what is remembered: before a code is sent the card itself is
asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sithsd.values import CodeState, Role

# Cards remembered: those of a day at a desk.
_MOST_CARDS = 512


@dataclass(frozen=True, slots=True)
class Doubt:
    """An operation of which nobody knows how it ended: the code that was judged, and the states before it.

    `refused`: the card said clearly that it did not carry the command out. It may have compared the code all the same,
    so the counters are looked at, but there is nothing to tell if they are as they were.
    """

    judged: Role
    before: tuple[CodeState, ...]
    refused: bool = False


@dataclass(frozen=True, slots=True)
class LostElsewhere:
    """A counter fell though nothing was sent from here."""

    role: Role
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of an operation whose answer was lost: `happened` if it was done, None if the counters don't tell.

    One that was not done may have cost a try: `before` and `after` are the judged code's.
    """

    role: Role
    before: int | None
    after: int | None
    happened: bool | None


Finding = LostElsewhere | Learnt


@dataclass(slots=True)
class _Card:
    left: dict[Role, int] = field(default_factory=dict)
    doubts: dict[Role, Doubt] = field(default_factory=dict)
    using: list[object] = field(default_factory=list)
    later: tuple[CodeState, ...] = ()


class CounterMemory:
    """The counters as they were seen last, by the cards' serial numbers. Cards without one are not remembered.

    A number that was once known stays until another one is: what the card does not tell changes nothing.
    """

    def __init__(self) -> None:
        self._cards: dict[str, _Card] = {}

    def seen(self, serial: str | None, states: Iterable[CodeState], source: object = None) -> list[Finding]:
        """Take what was read, nothing having been sent from here since the last call; return what is odd.

        `source` is who has read it. While somebody else uses a code of the same card (it was moved to another reader,
        and the answer is not in yet) nothing follows from what is read: it is kept until that has ended.
        """
        if serial is None:
            return []
        states = tuple(states)
        card = self._card(serial)
        if any(one is not source for one in card.using):
            card.later = states or card.later
            return []
        found: list[Finding] = []
        present = {state.role: state for state in states}
        doubts = [doubt for role, doubt in card.doubts.items() if role in present]
        for doubt in doubts:
            del card.doubts[doubt.judged]
            learnt = _outcome(doubt, present)
            if not (doubt.refused and learnt.before == learnt.after and learnt.happened is not True):
                found.append(learnt)
        concerned = {doubt.judged for doubt in doubts}
        for state in states:
            before, left = card.left.get(state.role), state.tries_left
            if left is None:
                continue
            if before is not None and left < before and state.role not in concerned:
                found.append(LostElsewhere(state.role, before, left))
            card.left[state.role] = left
        return found

    def using(self, serial: str | None, source: object) -> None:
        """Note that `source` is going to use a code of the card."""
        if serial is not None:
            self._card(serial).using.append(source)

    def ended(self, serial: str | None, source: object) -> list[Finding]:
        """Note that `source` has ended, and what became of it was told; return what others have seen meanwhile."""
        if serial is None:
            return []
        card = self._card(serial)
        card.using = [one for one in card.using if one is not source]
        if card.using:
            return []
        later, card.later = card.later, ()
        return self.seen(serial, later)

    def used(self, serial: str | None, states: Iterable[CodeState]) -> None:
        """Take what the card said after an operation of ours."""
        if serial is not None:
            card = self._card(serial)
            card.left |= {state.role: state.tries_left for state in states if state.tries_left is not None}

    def doubt(self, serial: str | None, doubt: Doubt) -> None:
        """Note that a code was sent to the card and it is not known what became of it.

        Of two doubts about one code the first is kept: it knows the counter from before both.
        """
        if serial is not None:
            self._card(serial).doubts.setdefault(doubt.judged, doubt)

    def _card(self, serial: str) -> _Card:
        card = self._cards.pop(serial, None) or _Card()
        self._cards[serial] = card  # the last one used is the last one
        if len(self._cards) > _MOST_CARDS:
            idle = next((one for one, kept in self._cards.items() if not kept.using), None)
            if idle is not None:
                del self._cards[idle]
        return card


def _outcome(doubt: Doubt, now: dict[Role, CodeState]) -> Learnt:
    """Return what the counters tell. A wrong code lowers one, a right one fills it up, or makes another code usable."""
    was = next((state for state in doubt.before if state.role is doubt.judged), None)
    left, present = None if was is None else was.tries_left, now[doubt.judged]
    pairs = [(state, now[state.role]) for state in doubt.before if state.role in now]
    happened: bool | None = None
    if any(_came_back(old, new) for old, new in pairs):
        happened = True
    elif (left is not None and present.tries_left is not None and present.tries_left < left) or any(
        _would_have_come_back(old, new) for old, new in pairs if old.role is not Role.PUK
    ):
        # Of a PUK that is as it was nothing follows: not every card fills its counter up.
        happened = False
    return Learnt(doubt.judged, left, present.tries_left, happened)


def _came_back(old: CodeState, new: CodeState) -> bool:
    """Tell whether a code can be used now that could not, or has more tries than it had."""
    more = old.tries_left is not None and new.tries_left is not None and new.tries_left > old.tries_left
    return more or bool(old.blocked and new.blocked is False) or bool(old.activated is False and new.activated)


def _would_have_come_back(old: CodeState, new: CodeState) -> bool:
    """Tell whether a code is as it was, though a success would have given it a value, or all its tries."""
    if old.activated is False and new.activated is False:
        return True
    most = new.max_tries
    full = most is None or old.tries_left is None or old.tries_left >= most
    return not full and old.tries_left == new.tries_left
