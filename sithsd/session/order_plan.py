"""From an order to what is done with the card, and to what the audit says of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, assert_never

from sithsd.card import code_operations, signature_operation
from sithsd.card.code_operations import FreshCode, Outcome, Trail, Turn
from sithsd.card.guard import Word
from sithsd.card.operations import Connection, ReadCard
from sithsd.errors import SithsdError
from sithsd.policy.model import Policy
from sithsd.secret import Secret
from sithsd.session.choice import Settled
from sithsd.session.orders import (
    ActivateOrder,
    ChangeOrder,
    Order,
    SignOrder,
    UnblockOrder,
    VerifyOrder,
    at_pad,
    name_of,
)
from sithsd.values import CodeState, Role


@dataclass(slots=True)
class Plan:
    """One operation, with codes of its own: the caller may go away and wipe the order's while it runs.

    Use it as a context manager: its codes are wiped at the end. `judged` is the code that the card compares, None where
    it is several. `trail` is filled in by `operation`. `told` is what the audit is to tell beside, from the beginning.
    """

    name: str
    role: Role | None
    judged: Role | None
    operation: Callable[[Connection, ReadCard], Outcome]
    trail: Trail
    checklist: dict[str, Any] | None = None
    settled: Settled | None = None
    told: dict[str, Any] = field(default_factory=dict)
    _codes: list[Secret] = field(default_factory=list, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for code in self._codes:
            code.wipe()

    def tries_before(self) -> int | None:
        """Return the tries that the judged code had before, None if that is not known."""
        compared = self._compared()
        state = None if compared is None else self.trail.before.get(compared)
        return None if state is None else state.tries_left

    def tries_after(self, states: tuple[CodeState, ...]) -> int | None:
        """Return the tries that the judged code has by these states, None if they don't tell."""
        return next((state.tries_left for state in states if state.role is self._compared()), None)

    def tries_left_by(self, error: SithsdError) -> int | None:
        """Return the tries that the judged code has by an error, None if it tells of another code, or of none."""
        return error.tries_left if error.role is not None and error.role == self._compared() else None

    def more(self) -> dict[str, Any] | None:
        """Return what the audit tells beside: the code that was compared, and the PINs that were set."""
        told: dict[str, Any] = {}
        if self.role is None or self._compared() is not self.role:
            told["judged"] = None if self._compared() is None else str(self._compared())
        if self.name == "activate":
            told["done"] = [str(role) for role in self.trail.done]
        return told or None

    def _compared(self) -> Role | None:
        return self.trail.judged or self.judged


@dataclass(frozen=True, slots=True)
class Turning:
    """What turns at the card have by the policy: the PUK's floor, and the lengths of new PINs."""

    trail: Trail
    floor: int
    lengths: tuple[int, int]

    def turn(self, connection: Connection, read: ReadCard, word: Word) -> Turn:
        """Return an operation's turn."""
        return Turn(connection, read, word, self.floor, self.trail, self.lengths)


def plan(order: Order, policy: Policy) -> Plan:
    """Return how an order is carried out under this policy."""
    floor, lengths = policy.puk.floor, (policy.new_code.min_length, policy.new_code.max_length)
    codes: list[Secret] = []

    def own(code: Secret | None) -> Secret | None:
        if code is None:
            return None
        codes.append(Secret(code.reveal()))
        return codes[-1]

    trail = Trail(at_pad=at_pad(order))
    match order:
        case VerifyOrder():
            made = _verify(order, own(order.code), trail)
        case ChangeOrder():
            made = _change(order, own(order.code), own(order.new_code), Turning(trail, floor, lengths))
        case UnblockOrder():
            made = _unblock(order, own(order.puk), own(order.new_code), Turning(trail, floor, lengths))
        case ActivateOrder():
            fresh = []
            for role, code in order.new_codes.items():
                new = own(code)
                if new is not None:
                    fresh.append(FreshCode(role, new, own(order.transport.get(role))))
            made = _activate(order, fresh, own(order.puk), trail, floor)
        case SignOrder():
            made = _sign(order, own(order.code), trail)
        case _:
            assert_never(order)
    made._codes = codes  # noqa: SLF001 - this function is the maker of plans
    return made


def _verify(order: VerifyOrder, code: Secret | None, trail: Trail) -> Plan:
    def operation(connection: Connection, read: ReadCard) -> Outcome:
        return code_operations.verify(Turn(connection, read, order.word, trail=trail), order.role, code)

    return Plan(name_of(order), order.role, order.role, operation, trail)


def _sign(order: SignOrder, code: Secret | None, trail: Trail) -> Plan:
    settled = order.settled
    if settled is None:
        raise ValueError("an order that was not settled")
    signing = settled.signing()

    def operation(connection: Connection, read: ReadCard) -> Outcome:
        return signature_operation.sign(Turn(connection, read, order.word, trail=trail), signing, code)

    fingerprint = settled.chosen.entry.certificate.fingerprint
    told = {"algorithm": str(settled.algorithm), "certificate": fingerprint, **told_of(order)}
    return Plan(name_of(order), order.role, order.role, operation, trail, settled=settled, told=told)


def told_of(order: Order) -> dict[str, str]:
    """Return what the audit tells of an order to sign: the person's hash and words for it, as the client brought them.

    What is signed to log in is of no use to anybody later.
    """
    if not isinstance(order, SignOrder):
        return {}
    digest = {"digest": order.message.hex()} if order.hashed else {}
    return digest | ({"description": order.description} if order.description else {})


def _change(order: ChangeOrder, code: Secret | None, new_code: Secret | None, turning: Turning) -> Plan:
    def operation(connection: Connection, read: ReadCard) -> Outcome:
        return code_operations.change(turning.turn(connection, read, order.word), order.role, code, new_code)

    return Plan(name_of(order), order.role, order.role, operation, turning.trail)


def _unblock(order: UnblockOrder, puk: Secret | None, new_code: Secret | None, turning: Turning) -> Plan:
    def operation(connection: Connection, read: ReadCard) -> Outcome:
        return code_operations.unblock(turning.turn(connection, read, order.word), order.role, puk, new_code)

    return Plan(name_of(order), order.role, Role.PUK, operation, turning.trail)


def _activate(order: ActivateOrder, fresh: list[FreshCode], puk: Secret | None, trail: Trail, floor: int) -> Plan:
    def operation(connection: Connection, read: ReadCard) -> Outcome:
        turn = Turn(connection, read, floor=floor, trail=trail)
        return code_operations.activate(turn, fresh, puk, order.words)

    answers = {
        name: answer if isinstance(answer, bool) else answer.isoformat() for name, answer in order.answers.items()
    }
    return Plan(name_of(order), None, None if puk is None else Role.PUK, operation, trail, answers)
