"""While a card stays in: verdicts and advice are made anew when they are due to change, or there is more to know.

Belongs to the asyncio loop's thread. Without a card nothing waits; with one a single timer does, for the next moment.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from sithsd.session.fault import fault
from sithsd.session.model import JudgedCertificate
from sithsd.session.shown import Shown
from sithsd.session.tools import Tools

# Until those who know nothing, or are not there, are asked again: a longer time after each answer in vain.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
# Nobody is asked more often than this, whatever they say about the next time.
_LEAST_PAUSE = timedelta(seconds=20)


class Vigil:
    """Keeps the verdicts on the card in one reader, and what its holder is advised to do, true.

    A change of a verdict or its reasons, or of an advice, is an event.
    """

    def __init__(self, shown: Shown, tools: Tools, log: FilteringBoundLogger) -> None:
        self._shown = shown
        self._verdicts = tools.verdicts
        self._adviser = tools.adviser
        self._clock = tools.clock
        self._alarm = tools.alarm
        self._log = log
        self.resting = asyncio.Event()
        """Set while there is nothing to do but to wait for the next moment, or for news."""
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin with the card that is shown; the one before is forgotten."""
        self.end()
        self._task = asyncio.get_running_loop().create_task(self._keep(self._shown.insertion))

    def end(self) -> asyncio.Task[None] | None:
        """End: the card went, or is read anew. Returns the task that ends, if there was one."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task

    async def _keep(self, insertion: int) -> None:
        learnt = self._verdicts.listen()
        try:
            await self._watch(insertion, learnt)
        except Exception as error:  # noqa: BLE001 - a bug ends the watch, not the work with the card
            fault(self._log, error)
        finally:
            self._verdicts.unlisten(learnt)

    async def _watch(self, insertion: int, learnt: asyncio.Event) -> None:
        pause = _FIRST_PAUSE
        while self._shown.is_still(insertion):
            await self._verdicts.ask(self._entries)
            learnt.clear()
            await self._judge(insertion)
            now, next_check = self._clock.now(), self._verdicts.next_check(self._entries)
            ask_at = None
            if self._verdicts.may_ask(self._entries):
                ask_at = max(next_check or now + pause, now + _LEAST_PAUSE)
                pause = _FIRST_PAUSE if next_check else min(2 * pause, _LONGEST_PAUSE)
            while not await self._moment_came(ask_at, learnt):
                learnt.clear()
                await self._judge(insertion)
            # What time alone changes is told before anybody is asked.
            await self._judge(insertion)

    @property
    def _entries(self) -> tuple[JudgedCertificate, ...]:
        card = self._shown.view.card
        return () if card is None else card.certificates

    async def _moment_came(self, ask_at: datetime | None, learnt: asyncio.Event) -> bool:
        """Wait for the next moment that changes something or at which to ask; False if something was told before."""
        card = self._shown.view.card
        turns = [entry.assessment.changes_at for entry in self._entries]
        turns += [ask_at, None if card is None else card.advice_changes]
        moment = min((turn for turn in turns if turn is not None), default=None)
        waiting = {asyncio.ensure_future(learnt.wait())}
        alarm = None if moment is None else asyncio.ensure_future(self._alarm.wait_until(moment))
        self.resting.set()
        try:
            await asyncio.wait(waiting | ({alarm} if alarm else set()), return_when=asyncio.FIRST_COMPLETED)
            if alarm is None or not alarm.done():
                return False
            alarm.result()
            return True
        finally:
            self.resting.clear()
            for task in (*waiting, *((alarm,) if alarm else ())):
                task.cancel()

    async def _judge(self, insertion: int) -> None:
        """Judge the card's certificates anew; an event if a verdict, its way to a root or the advice is another one."""
        before = self._entries
        judged = await asyncio.to_thread(self._verdicts.judged, before)
        card = self._shown.view.card
        if card is None or not self._shown.is_still(insertion):
            return
        old, card = card, self._adviser.advised(replace(card, certificates=judged), self._clock.now())
        rejudged = [_told(entry) for entry in judged] != [_told(entry) for entry in before]
        if rejudged:
            self._log.info("card.judged", verdicts=[_words(entry) for entry in judged])
        if card.advice != old.advice:
            self._log.info("card.advised", actions=[str(one.action) for one in card.advice])
        if rejudged or card.advice != old.advice:
            self._shown.replace_card(card)
        elif card.advice_changes != old.advice_changes or any(
            _differ(*pair) for pair in zip(judged, before, strict=True)
        ):
            self._shown.renew_card(card)


def _told(entry: JudgedCertificate) -> tuple[object, ...]:
    found = entry.assessment
    return found.verdict, found.path, found.anchor


def _differ(entry: JudgedCertificate, before: JudgedCertificate) -> bool:
    """Tell whether there is anything new but the moment of the judgement."""
    return replace(entry.assessment, checked_at=before.assessment.checked_at) != before.assessment


def _words(entry: JudgedCertificate) -> str:
    verdict = entry.assessment.verdict
    return " ".join((str(verdict.status), *verdict.reasons))
