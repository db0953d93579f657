"""What is done with a code of the card in a reader: once, and what is learnt from how it ended.

Belongs to the asyncio loop's thread; what touches the card runs in the reader's worker thread.
"""

from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from sithsd.card import operations
from sithsd.card.code_operations import CERTAIN, Outcome, Trail
from sithsd.card.operations import Connection, ReadCard
from sithsd.errors import ErrorCode, SithsdError
from sithsd.session.aftermath import denied, in_doubt, is_clear_refusal
from sithsd.session.beginning import AbandonedError, Beginning
from sithsd.session.counters import Doubt
from sithsd.session.errands import Errands, forget_result
from sithsd.session.fault import fault
from sithsd.session.shown import Shown
from sithsd.session.tools import PAD_SECONDS, Done, Held, Tools
from sithsd.values import CodeState, Role


@dataclass(frozen=True, slots=True)
class Learning:
    """What a slot does with what an operation told.

    `note` takes what a failed one tells of the card, `read_again` reads the whole card again.
    """

    note: Callable[[SithsdError, int], None]
    read_again: Callable[[Held], None]


class CodeUse:
    """Uses the codes of the card in one reader. `uses` is how often."""

    def __init__(
        self, shown: Shown, errands: Errands, tools: Tools, learning: Learning, log: FilteringBoundLogger
    ) -> None:
        self._shown = shown
        self._errands = errands
        self._tools = tools
        self._learning = learning
        self._log = log
        self.uses = 0

    async def use(
        self, held: Held, trail: Trail, beginning: Beginning, operation: Callable[[Connection, ReadCard], Outcome]
    ) -> Done:
        """Do what is done with a code, once. Not to be cancelled: what has begun has to be told to the end.

        Raises SithsdError; AbandonedError if the caller gave it up before it began.
        """
        serial, herald = held.card.serial, self._tools.herald
        if held.insertion != self._shown.insertion:
            # Were it done after a reading that has begun, what that finds would be older than what is learnt here.
            raise self._shown.placed(self._shown.gone(), held.card)

        def once(connection: Connection) -> Outcome:
            beginning.begin()
            return operation(connection, held.read)

        self.uses += 1
        herald.using(serial, self._shown)
        seconds = PAD_SECONDS if trail.at_pad else self._tools.answer_seconds
        task = await self._errands.begun(once, held.patience, seconds)
        if not task.done():
            # From here on no code is sent; whether one was is known, and what became of it is not.
            trail.given_up = True
            error = self._overdue(trail)
            self._fail(held, trail, error)
            task.add_done_callback(lambda done: self._end_late(done, held, trail))
            raise await self._shown.refused(error, held.card)
        try:
            outcome = task.result()
        except AbandonedError:
            herald.ended(self._shown.view.name, serial, self._shown)
            raise
        except SithsdError as error:
            if error.code is ErrorCode.CARD_OUTCOME_UNKNOWN and isinstance(error.__cause__, Exception):
                self._log_bug(error.__cause__)
            self._fail(held, trail, error)
            herald.ended(self._shown.view.name, serial, self._shown)
            raise await self._shown.refused(error, held.card) from None
        return await self._succeeded(held, trail, outcome)

    async def _succeeded(self, held: Held, trail: Trail, outcome: Outcome) -> Done:
        """Take from an operation that the card did what it tells, unless the card's own counters deny it."""
        serial, herald = held.card.serial, self._tools.herald
        for one in trail.faults:
            fault(self._log, one)
        not_done = denied(trail, outcome.states or ())
        if not_done:
            trail.done = [role for role in trail.done if role not in not_done]
            detail = "the card said that it was done, its counter says no"
            denial = SithsdError(ErrorCode.CARD_OUTCOME_UNKNOWN, detail, role=trail.judged)
            self._fail(held, trail, denial)
            herald.ended(self._shown.view.name, serial, self._shown)
            raise await self._shown.refused(denial, held.card)
        herald.seen(self._shown.view.name, serial, trail.before.values(), self._shown)
        # At once: a look that comes later may be told of before the answers of operations in between.
        herald.used(serial, outcome.states or (outcome.state,))
        herald.ended(self._shown.view.name, serial, self._shown)
        states = outcome.states or await self._states_again(held)
        if outcome.state.tries_left is None:
            herald.used(serial, states)  # the profile does not know how many tries a right code gives back
        if not states:
            self._shown.learn_one(held.insertion, outcome.state)
        else:
            self._shown.learn(held.insertion, states)
        state = next((one for one in states if one.role == outcome.state.role), outcome.state)
        return Done(self._shown.view, state, serial, states, tuple(trail.done), signature=outcome.signature)

    def _log_bug(self, cause: Exception) -> None:
        if not isinstance(cause, SithsdError):
            fault(self._log, cause)

    def _fail(self, held: Held, trail: Trail, error: SithsdError) -> None:
        """Take from an operation that failed what it tells of the card, and what it leaves in doubt."""
        serial, herald = held.card.serial, self._tools.herald
        herald.seen(self._shown.view.name, serial, trail.before.values(), self._shown)
        if trail.judged is not None and error.code not in CERTAIN:
            herald.doubt(serial, Doubt(trail.judged, in_doubt(trail), refused=is_clear_refusal(error)))
        elif error.role is not None and error.tries_left is not None:
            herald.used(serial, [CodeState(Role(error.role), error.tries_left)])
        self._learning.note(error, held.insertion)

    def _overdue(self, trail: Trail) -> SithsdError:
        """Return what is told of an operation that a card does not answer."""
        if trail.judged is None:
            what = "it took the code, and gave no signature" if trail.done else "no code was sent to it"
            return SithsdError(ErrorCode.CARD_UNREADABLE, f"the card does not answer; {what}")
        return SithsdError(
            ErrorCode.CARD_OUTCOME_UNKNOWN, "a code was sent and the card does not answer", role=trail.judged
        )

    def _end_late(self, task: Future[Outcome], held: Held, trail: Trail) -> None:
        """Take note that an operation ended after its caller was told an end. The card itself tells how, when read."""
        forget_result(task)
        self._log.warning("code.answeredLate", judged=str(trail.judged))
        self._tools.herald.ended(self._shown.view.name, held.card.serial, self._shown)
        self._learning.read_again(held)

    async def _states_again(self, held: Held) -> tuple[CodeState, ...]:
        """Return the counters of a card that was reset to lock it, from a new transaction; none if it can't be had."""
        if held.insertion != self._shown.insertion:
            return ()
        try:
            return await self._errands.answered(lambda connection: operations.code_states(connection, held.read))
        except SithsdError as error:
            self._log.warning("codes.notRead", code=str(error.code))
            self._learning.note(error, held.insertion)
            return ()
