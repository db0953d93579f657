"""Notices: what happened to a code without our doing, or came to light later. Told to clients, the log and the audit.

Belongs to the asyncio loop's thread.
"""

from collections.abc import Callable, Iterable

import structlog

from sithsd.clock import Clock
from sithsd.session.board import Board
from sithsd.session.counters import CounterMemory, Doubt, Finding, LostElsewhere
from sithsd.session.model import Notice, NoticeKind
from sithsd.values import CodeState


class Herald:
    """Compares counters with what they were, and tells what is odd. `on_notice` is called with each notice."""

    def __init__(self, board: Board, clock: Clock, on_notice: Callable[[Notice], None] = lambda _: None) -> None:
        self._board = board
        self._clock = clock
        self._on_notice = on_notice
        self._memory = CounterMemory()
        self._log = structlog.get_logger("sithsd.session")

    def seen(self, reader: str, serial: str | None, states: Iterable[CodeState], source: object = None) -> None:
        """Take counters that `source` read from a card, nothing having been sent from here since the last time."""
        self._tell(reader, serial, self._memory.seen(serial, states, source))

    def using(self, serial: str | None, source: object) -> None:
        """Note that `source` is going to use a code of the card: what others read of it meanwhile has to wait."""
        self._memory.using(serial, source)

    def ended(self, reader: str, serial: str | None, source: object) -> None:
        """Note that `source` has ended, and what became of it was told here."""
        self._tell(reader, serial, self._memory.ended(serial, source))

    def _tell(self, reader: str, serial: str | None, findings: Iterable[Finding]) -> None:
        for finding in findings:
            elsewhere = isinstance(finding, LostElsewhere)
            notice = self._board.notify(
                Notice(
                    kind=NoticeKind.TRIES_LOST_ELSEWHERE if elsewhere else NoticeKind.OUTCOME_LEARNT,
                    at=self._clock.now(),
                    reader=reader,
                    card_serial=serial,
                    role=finding.role,
                    tries_before=finding.before,
                    tries_after=finding.after,
                    happened=None if isinstance(finding, LostElsewhere) else finding.happened,
                )
            )
            self._log.warning(
                str(notice.kind),
                reader=reader,
                card=serial,
                role=str(notice.role),
                tries_before=notice.tries_before,
                tries_after=notice.tries_after,
                happened=notice.happened,
            )
            self._on_notice(notice)

    def used(self, serial: str | None, states: Iterable[CodeState]) -> None:
        """Take what the card said of its counters after an operation of ours."""
        self._memory.used(serial, states)

    def doubt(self, serial: str | None, doubt: Doubt) -> None:
        """Note that nobody knows what became of a code that was sent to this card."""
        self._memory.doubt(serial, doubt)
