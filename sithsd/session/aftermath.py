"""What follows from how an operation with a code ended: pure work on its trail, its error and the counters."""

from dataclasses import replace

from sithsd.card.code_operations import Trail
from sithsd.errors import SithsdError
from sithsd.values import CodeState, Role

# SW1 by which a card says that it did not carry the command out (ISO/IEC 7816-4:2020, table 5).
_NOT_CARRIED_OUT = frozenset({0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6D, 0x6E})


def is_clear_refusal(error: SithsdError) -> bool:
    """Tell whether the card said that it did not carry the command out. It may have compared the code all the same."""
    return error.status_word is not None and error.status_word >> 8 in _NOT_CARRIED_OUT


def denied(trail: Trail, states: tuple[CodeState, ...]) -> set[Role]:
    """Return the PINs whose success is denied by counters read in the same transaction.

    One that was taken or set is not blocked, and has no fewer tries. Not so the PUK: some cards count each use of it.
    """
    found: set[Role] = set()
    for state in states:
        was, left = trail.before.get(state.role), state.tries_left
        fell = was is not None and was.tries_left is not None and left is not None and left < was.tries_left
        if state.role in trail.done and state.role is not Role.PUK and (state.blocked or fell):
            found.add(state.role)
    return found


def in_doubt(trail: Trail) -> tuple[CodeState, ...]:
    """Return the states before the command whose answer was lost, without those that an earlier success changed."""
    before = (state for state in trail.before.values() if state.role is trail.judged or state.role not in trail.done)
    if not trail.done:
        return tuple(before)
    # The PUK may have got its tries back by its first use.
    return tuple(replace(state, tries_left=None) if state.role is Role.PUK else state for state in before)
