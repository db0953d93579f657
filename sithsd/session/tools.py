"""What slots work with, and what they give to those who use them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sithsd.card.known import KnownCards
from sithsd.card.operations import Connection, ReadCard
from sithsd.card.registry import Registry
from sithsd.certificate.tables import Tables
from sithsd.clock import Clock
from sithsd.session.adviser import Adviser
from sithsd.session.board import Board
from sithsd.session.choice import Settled
from sithsd.session.model import InsertedCard, ReaderView
from sithsd.session.notices import Herald
from sithsd.session.verdicts import Verdicts
from sithsd.values import CodeState, Role

T = TypeVar("T")

# A caller is told within two seconds that somebody else has the card: this, and the look for who it is.
PATIENCE = 1.5
# For a card that has begun to answer, in seconds: far more than a slow one takes; and for a person at a PIN pad, three
# entries of half a minute with it.
ANSWER_SECONDS = 10.0
PAD_SECONDS = 120.0


class Worker(Protocol):
    """The thread that owns a reader; see `sithsd.reader.worker.ReaderWorker`."""

    async def run(self, operation: Callable[[Connection], T], *, patience: float | None = PATIENCE) -> T:
        """Run `operation` on the card inside one transaction; `patience` bounds the wait for the card, in seconds."""
        ...

    def stop(self, grace: float = ...) -> bool:
        """Give up what waits and end the thread; False if it has not ended after `grace` seconds (0: at once)."""
        ...

    def join(self, grace: float = ...) -> bool:
        """Wait for the thread's end; False if it hangs in a PC/SC call after `grace` seconds. For any thread."""
        ...


class Alarm(Protocol):
    """Tells when a moment of the clock has come; see `sithsd.daemon.alarm`."""

    async def wait_until(self, moment: datetime) -> None:
        """Return when that moment has come by the machine's clock, or when the clock was set."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every slot works with.

    `patience`: for how many seconds a caller waits for the card, at most; `answer_seconds`: for its answers, once it
    was had. `who_holds` names the programs that may hold a card, None if they can't be seen; it is called in a thread.
    `tables` tell what names of issuers and policies mean, None for the shipped ones.
    `known` are the cards that were read before, None if none are to be known again.
    """

    registry: Registry
    verdicts: Verdicts
    alarm: Alarm
    clock: Clock
    board: Board
    herald: Herald
    adviser: Adviser
    patience: float = PATIENCE
    answer_seconds: float = ANSWER_SECONDS
    who_holds: Callable[[], str | None] = lambda: None
    tables: Tables | None = None
    known: KnownCards | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A card that can be worked with, as it was found in the reader; `insertion` tells whether it is still that one.

    `patience` is what is left of the caller's, in seconds.
    """

    card: InsertedCard
    read: ReadCard
    insertion: int
    patience: float


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was done: with which card, the state of the code concerned and of all, the reader after it.

    By then the card may have been taken out, so `view` may show another one. `states` is empty where the card could not
    be asked once more. `roles` are the codes that it was done with, `warnings` the rules for new PINs that the policy
    only warns of. `signature` was made by what `settled` tells, where that was asked for.
    """

    view: ReaderView
    state: CodeState
    card_serial: str | None
    states: tuple[CodeState, ...] = ()
    roles: tuple[Role, ...] = ()
    warnings: tuple[str, ...] = ()
    signature: bytes | None = None
    settled: Settled | None = None
