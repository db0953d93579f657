"""One reader as the board shows it: what is known of the card in it, and what is told to those who ask for more.

Belongs to the asyncio loop's thread.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from sithsd.card.operations import ReadCard
from sithsd.errors import ErrorCode, More, SithsdError, Where
from sithsd.session.board import Board
from sithsd.session.model import InsertedCard, ReaderStatus, ReaderView
from sithsd.values import CodeState, Role


class Shown:
    """What is shown of a reader. `insertion` counts what was forgotten: it tells whether a card is still that one."""

    def __init__(self, name: str, board: Board, who_holds: Callable[[], str | None]) -> None:
        self._board = board
        self._who_holds = who_holds
        self._log = structlog.get_logger("sithsd.session").bind(reader=name)
        self.ended = False
        self.insertion = 0
        self.view = board.put(ReaderView(name, ReaderStatus.EMPTY, 0))

    def show(
        self,
        status: ReaderStatus,
        card: InsertedCard | None = None,
        reason: ErrorCode | None = None,
        detail: str | None = None,
    ) -> None:
        """Show the reader like this from now on, unless it is gone."""
        if not self.ended:
            self.view = self._board.put(ReaderView(self.view.name, status, 0, card, reason, detail))

    def replace_card(self, card: InsertedCard) -> None:
        """Show the card in the reader like this, and everything else as it is."""
        self.show(self.view.status, card, self.view.reason, self.view.detail)

    def renew_card(self, card: InsertedCard) -> None:
        """Show the card like this, which nobody needs to hear of."""
        if not self.ended:
            self.view = replace(self.view, card=card)
            self._board.renew(self.view)

    def is_still(self, insertion: int) -> bool:
        """Tell whether nothing was forgotten since that insertion, and there is a card."""
        return insertion == self.insertion and self.view.card is not None

    def learn_one(self, insertion: int, known: CodeState) -> None:
        """Show what is known of one code now, if the card is the same."""
        card = self.view.card
        if card is not None:
            self.learn(insertion, tuple(known if state.role == known.role else state for state in card.codes))

    def learn_tries(self, insertion: int, role: Role, tries_left: int) -> None:
        """Show how many tries a code has after a wrong one, if the card is the same."""
        state = None if self.view.card is None else self.view.card.code(role)
        if state is not None:
            blocked = tries_left == 0
            self.learn_one(insertion, replace(state, tries_left=tries_left, blocked=blocked, verified=False))

    def learn(self, insertion: int, states: tuple[CodeState, ...]) -> ReaderView:
        """Show what is known of the codes now, if the card is the same; against what is shown, which may be newer."""
        card = self.view.card
        if insertion == self.insertion and card is not None and states != card.codes:
            self.show(self.view.status, replace(card, codes=states))
        return self.view

    def known(self) -> tuple[InsertedCard, ReadCard]:
        """Return the card that was read. Raises card.absent, or why it could not be read."""
        view, card = self.view, self.view.card
        if card is None:
            raise self.placed(SithsdError(ErrorCode.CARD_ABSENT, "there is no card in the reader"), card)
        if card.read is None:
            code = view.reason or ErrorCode.READER_BUSY
            raise self.placed(SithsdError(code, view.detail or "the card is still being read"), card)
        return card, card.read

    def gone(self) -> SithsdError:
        """Return why a card that was held is to be had no more."""
        if self.ended:
            return SithsdError(ErrorCode.READER_UNKNOWN, "the reader is gone")
        if self.view.card is None:
            return SithsdError(ErrorCode.CARD_REMOVED, "the card was taken out")
        return SithsdError(ErrorCode.CARD_CHANGED, "the card was put in, or is being read, anew")

    async def holder(self) -> str | None:
        """Return the name of the program that may hold the card, None where that can't be seen."""
        try:
            return await asyncio.to_thread(self._who_holds)
        except OSError as error:
            self._log.warning("holder.notSeen", error=type(error).__name__)
            return None

    async def refused(self, error: SithsdError, card: InsertedCard | None) -> SithsdError:
        """Return the error with its place, and with the name of the program that holds the card, if one does."""
        if error.code is ErrorCode.READER_BUSY:
            error.more = More(holder=await self.holder())
        return self.placed(error, card)

    def placed(self, error: SithsdError, card: InsertedCard | None) -> SithsdError:
        """Return the error with its place: this reader, the card, and the latest event."""
        error.where = Where(self.view.name, card.serial if card else None, self.view.sequence)
        return error
