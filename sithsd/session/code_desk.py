"""The desk for codes: everything between a caller's order and the card.

In this order, and each before the card is touched: is it this card, may this caller, do the new PINs keep the rules, is
the checklist fulfilled, is there budget for a wrong code, is the audit's row sure to be written. Then the operation,
once; then its row. Whoever has gone meanwhile: what has begun goes on to its row.

Belongs to the asyncio loop's thread.
"""

import asyncio
from dataclasses import dataclass, replace

import structlog

from sithsd.audit.log import Ticket
from sithsd.audit.model import Operation
from sithsd.card.code_operations import Trail
from sithsd.clock import Clock
from sithsd.errors import ErrorCode, SithsdError
from sithsd.policy.model import Occasion, Policy
from sithsd.session import order_check
from sithsd.session.beginning import AbandonedError, Beginning
from sithsd.session.budget import Budget
from sithsd.session.fault import fault
from sithsd.session.ledger import Ledger
from sithsd.session.model import InsertedCard, JudgedCertificate
from sithsd.session.order_plan import Plan, plan, told_of
from sithsd.session.orders import ActivateOrder, Asker, Order, SignOrder, name_of
from sithsd.session.readers import Readers
from sithsd.session.signing import settle
from sithsd.session.slot import Slot
from sithsd.session.tools import Done, Held
from sithsd.session.verdicts import Verdicts
from sithsd.values import CardKind, Purpose

_ABANDONED = "abandoned"
# Refusals of what a person may or should not do. Slips of the fingers are not among them.
_TOLD_TO_AUDIT = frozenset(
    {
        ErrorCode.UNBLOCK_DESK_ONLY,
        ErrorCode.ACTIVATION_CHECKLIST,
        ErrorCode.REQUEST_DENIED,
        ErrorCode.CERTIFICATE_BAD,
        ErrorCode.REQUEST_TOO_MANY_WRONG,
    }
)
_BLOCKED = frozenset({ErrorCode.PIN_BLOCKED, ErrorCode.PIN_WRONG})
_PUK_NEEDED = frozenset({ErrorCode.PUK_LAST_TRY, ErrorCode.PUK_BELOW_FLOOR, ErrorCode.PUK_TRIES_UNKNOWN})


@dataclass(frozen=True, slots=True)
class DeskTools:
    """What the desk works with."""

    policy: Policy
    budget: Budget
    ledger: Ledger
    clock: Clock
    verdicts: Verdicts


class CodeDesk:
    """Carries out orders, one after the other for each reader."""

    def __init__(self, readers: Readers, tools: DeskTools) -> None:
        self._readers = readers
        self._tools = tools
        self._running: set[asyncio.Task[Done]] = set()
        self._log = structlog.get_logger("sithsd.session")

    @property
    def policy(self) -> Policy:
        """The policy by which orders are judged."""
        return self._tools.policy

    async def perform(self, reader: str | None, order: Order, asker: Asker) -> Done:
        """Carry out an order with the card in a reader (None: in the only one that holds a card).

        Raises SithsdError; its `where` and `more` say what is known. A caller whose task is cancelled gives up what has
        not begun; the rest goes on.
        """
        slot = self._readers.slot(reader)
        held = await slot.card(order.serial)
        try:
            if isinstance(order, SignOrder):
                # Before the card is had: nothing of it is held while somebody else's server is waited for.
                await self._tools.verdicts.ask_if_unknown(_of_purpose(held.card, order.wish.purpose))
                order = settle(order, held, self._tools.verdicts, self._tools.clock.now())
            warnings = order_check.check(order, held, asker, self._tools.policy, self._tools.clock)
            reservation = self._tools.budget.reserve(asker.uid, held.card.serial)
        except SithsdError as error:
            self._log.info("order.refused", code=str(error.code), uid=asker.uid, pid=asker.pid, rules=error.more.rules)
            if error.code in _TOLD_TO_AUDIT:
                refused = _asked(slot, held, order, asker)
                self._tools.ledger.refused(refused, str(error.code), error.more.rules)
            raise slot.placed(self._advised(error, held), held.card) from None
        beginning = Beginning()
        made = plan(order, self._tools.policy)
        task = asyncio.get_running_loop().create_task(self._carry_out(slot, held, made, beginning, asker))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        trail = made.trail
        task.add_done_callback(lambda done: reservation.settle(wrong=_counts_as_wrong(done, trail)))
        try:
            done = await asyncio.shield(task)
        except asyncio.CancelledError:
            beginning.abandon()
            raise
        return replace(done, warnings=warnings, settled=made.settled)

    async def idle(self, seconds: float) -> None:
        """Wait until no operation is under way, but no longer than so many seconds."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def _carry_out(self, slot: Slot, held: Held, made: Plan, beginning: Beginning, asker: Asker) -> Done:
        with made:
            try:
                ticket = await self._tools.ledger.begin(_operation(slot, held, made, asker))
            except SithsdError as error:
                raise slot.placed(error, held.card) from None
            result: str | None = str(ErrorCode.INTERNAL)
            after: int | None = None
            try:
                done = await slot.use(held, made.trail, beginning, made.operation)
            except AbandonedError:
                result = _ABANDONED
                raise
            except SithsdError as error:
                result, after = str(error.code), made.tries_left_by(error)
                if made.name == "activate":
                    error.more = replace(error.more, done=tuple(made.trail.done))
                raise self._advised(error, held) from None
            except asyncio.CancelledError:
                # The daemon ends. What has begun has an end that nobody hears of: its row is written at the next start.
                result = _ABANDONED if beginning.abandon() else None
                raise
            except Exception as error:  # noqa: BLE001 - a bug of ours is an answer to the caller, like any error
                raise fault(self._log, error) from None
            else:
                result, after = "done", made.tries_after(done.states or (done.state,))
                return done
            finally:
                if _gave_first_value(made.trail):
                    slot.read_again(held)
                if result is not None:
                    await self._record(ticket, made, result, after, asker)

    async def _record(self, ticket: Ticket, made: Plan, result: str, after: int | None, asker: Asker) -> None:
        """Tell the log and the audit how an operation ended."""
        role = None if made.role is None else str(made.role)
        self._log.info(f"code.{made.name}", result=result, role=role, tries_left=after, uid=asker.uid, pid=asker.pid)
        before = made.tries_before()
        await self._tools.ledger.finish(ticket, result, tries_before=before, tries_after=after, more=made.more())

    def _advised(self, error: SithsdError, held: Held) -> SithsdError:
        """Say what the person has to do now, where the policy knows."""
        occasion = _occasion(error)
        if occasion is not None and error.more.advice is None:
            unblocking = str(held.read.identified.profile.unblocking)
            advice = self._tools.policy.advise(occasion, kind_of(held.card), unblocking)
            error.more = replace(error.more, advice=str(advice))
        return error


def kind_of(card: InsertedCard) -> CardKind:
    """Return the kind of a card, as far as it is known."""
    return card.facts.kind if card.facts is not None else CardKind.UNKNOWN


def _of_purpose(card: InsertedCard, purpose: Purpose) -> list[JudgedCertificate]:
    return [entry for entry in card.certificates if entry.certificate.purpose is purpose]


def _occasion(error: SithsdError) -> Occasion | None:
    if error.code is ErrorCode.PUK_BLOCKED or (error.code is ErrorCode.PUK_WRONG and error.tries_left == 0):
        return Occasion.PUK_DEAD
    if error.code in _PUK_NEEDED or error.code is ErrorCode.PUK_WRONG:
        return Occasion.PUK_LOST
    if error.code is ErrorCode.UNBLOCK_DESK_ONLY or (error.code in _BLOCKED and error.tries_left == 0):
        return Occasion.PIN_BLOCKED
    return None


def _counts_as_wrong(task: "asyncio.Task[Done]", trail: Trail) -> bool:
    """Tell whether a code went to the card and was not taken, or nobody knows. Takes the task's error off its hands."""
    failed = task.cancelled() or task.exception() is not None
    return failed and trail.judged is not None


def _gave_first_value(trail: Trail) -> bool:
    """Tell whether a PIN was set that its holder had not chosen before: then the card's files have changed."""
    return any(role in trail.before and trail.before[role].activated is False for role in trail.done)


def _operation(slot: Slot, held: Held, made: Plan, asker: Asker) -> Operation:
    return Operation(
        operation=made.name,
        uid=asker.uid,
        pid=asker.pid,
        program=asker.program,
        reader=slot.view.name,
        card_serial=held.card.serial,
        role=None if made.role is None else str(made.role),
        checklist=made.checklist,
        tries_before=_last_seen(held.card, made),
        more=made.told or None,
    )


def _asked(slot: Slot, held: Held, order: Order, asker: Asker) -> Operation:
    """Return what the audit says of an order that was refused before there was a plan for it."""
    return Operation(
        operation=name_of(order),
        uid=asker.uid,
        pid=asker.pid,
        program=asker.program,
        reader=slot.view.name,
        card_serial=held.card.serial,
        role=None if isinstance(order, ActivateOrder) else str(order.role),
        more=told_of(order) or None,
    )


def _last_seen(card: InsertedCard, made: Plan) -> int | None:
    """Return what was last seen of the judged code's tries: all there is to say if nobody learns more."""
    state = None if made.judged is None else card.code(made.judged)
    return None if state is None else state.tries_left
