"""The command that follows the card with which somebody has logged in, and locks the screen when it goes."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from typing import Final

from sithsd.api.wire import ListCall
from sithsd.cli.commands.monitor import MONITOR
from sithsd.cli.daemon import Daemon
from sithsd.cli.failure import CommandError, failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.removal import SETTLE_SECONDS, Turn, Watch, cards_in
from sithsd.cli.replies import ListReply, MonitorReply, read
from sithsd.cli.session import Action, SessionError, end_session
from sithsd.errors import ErrorCode

_FIRST_PAUSE: Final = 0.5  # seconds before a daemon that is lost is asked again; then twice as long, and so on
_LONGEST_PAUSE: Final = 5.0
_ACT_AGAIN: Final = 5.0  # seconds after a lock that logind did not take
_MOST_WAITING: Final = 16

End = Callable[[Action, str | None], str | None]


@dataclass(frozen=True)
class Wanted:
    """What the command line says. `card_serial` None: the only card that is in. `session` None: the user's own."""

    card_serial: str | None
    action: Action
    grace: float
    session: str | None


class Pictures:
    """What the daemon tells, brought from a thread of its own. A daemon that is lost is asked again and again."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        # The daemon leaves out pictures for a listener that is slow, so that nothing heaps up anywhere.
        self._told: Queue[ListReply | Exception] = Queue(_MOST_WAITING)
        self._lost = False

    def start(self) -> None:
        """Begin to listen, until the program ends."""
        Thread(target=self._listen, name="pictures", daemon=True).start()

    def next(self, until: float | None) -> ListReply | CommandError:
        """Return the next picture, or why there is none: the daemon is lost. Raises queue.Empty at that moment.

        Moments are those of `time.monotonic`.
        """
        told = self._told.get(timeout=None if until is None else max(until - time.monotonic(), 0))
        if isinstance(told, ListReply | CommandError):
            return told
        raise told

    def _listen(self) -> None:
        pause = _FIRST_PAUSE
        try:
            while True:
                try:
                    for reply in self._daemon.listen(MONITOR, ListCall()):
                        self._told.put(read(reply, MonitorReply))
                        pause = _FIRST_PAUSE
                    raise failure(ErrorCode.DAEMON_UNAVAILABLE, "the daemon ended the stream")
                except CommandError as found:
                    self._told.put(found)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        except Exception as error:  # noqa: BLE001 - a fault ends the program, not a thread that nobody would miss
            self._told.put(error)


def lock_on_removal(invocation: Invocation, wanted: Wanted, end: End = end_session) -> None:
    """Follow the card until the person stops it. What happens is told in a line, and on stderr where it fails.

    A CommandError before that: "card.absent" or "reader.ambiguous" where no card is named and none, or several, are
    in; the daemon's error where it can't be asked.
    """
    pictures = Pictures(invocation.daemon)
    with suppress(KeyboardInterrupt):
        pictures.start()
        first: ListReply | None = None
        serial = wanted.card_serial
        if serial is None:
            serial, first = _only_card(pictures, time.monotonic() + wanted.grace)
        Guard(invocation, wanted, serial, end).follow(pictures, first)


def _only_card(pictures: Pictures, until: float) -> tuple[str, ListReply]:
    """Return the serial number of the only card that is in, and the picture that shows it.

    What is still being read is waited for, and for a moment also a card that has not been found yet.
    """
    error = failure(ErrorCode.PCSC_UNAVAILABLE, "the cards were not known in time")
    while True:
        try:
            told = pictures.next(until)
        except Empty:
            raise error from None
        if isinstance(told, CommandError):
            error = told
            if not told.parameters.retryable:
                raise told
            continue
        found = cards_in(told)
        if found is None:
            continue
        if len(found) == 1:
            return found[0], told
        if found:
            several = failure(ErrorCode.READER_AMBIGUOUS, f"{len(found)} cards are in")
            raise CommandError(several.parameters, key="removal-several")
        error = CommandError(failure(ErrorCode.CARD_ABSENT, "no card is in").parameters, key="removal-none")
        until = min(until, time.monotonic() + SETTLE_SECONDS)


class Guard:
    """One card, one session, and what is done to that when the card goes."""

    def __init__(self, invocation: Invocation, wanted: Wanted, serial: str, end: End) -> None:
        self._invocation = invocation
        self._wanted = wanted
        self._serial = serial
        self._end = end
        self._watch = Watch(serial, wanted.grace)
        self._action = wanted.action
        self._act_at: float | None = None  # when it is to be done, None if it need not be

    def follow(self, pictures: Pictures, first: ListReply | None = None) -> None:
        """Follow the card for ever. `first` is the newest picture, where one was taken already: no other may come."""
        self._tell("following", cardSerial=self._serial, action=self._wanted.action)
        if first is not None:
            self._take(self._watch.see(first, time.monotonic()))
        while True:
            moments = [moment for moment in (self._watch.due, self._act_at) if moment is not None]
            try:
                told = pictures.next(min(moments) if moments else None)
            except Empty:
                turn = self._watch.late(time.monotonic())
            else:
                turn = self._watch.see(None if isinstance(told, CommandError) else told, time.monotonic())
            self._take(turn)
            if self._act_at is not None and time.monotonic() >= self._act_at:
                self._act()

    def _take(self, turn: Turn | None) -> None:
        if turn is None:
            return
        self._tell(turn)
        if turn is Turn.THERE:
            self._act_at = None
        elif turn.removal:
            self._act_at = time.monotonic()
            self._action = self._wanted.action
            if turn is Turn.MISSING and self._action is Action.LOGOUT:
                # Nobody saw the card go: no work is to be lost for a service that failed. A locked screen is enough.
                self._action = Action.LOCK

    def _act(self) -> None:
        action = self._action
        try:
            session = self._end(action, self._wanted.session)
        except SessionError as error:
            # Until it is done, or the card is back: the screen is open.
            self._act_at = time.monotonic() + _ACT_AGAIN
            self._tell("failed", action=action, detail=str(error))
        else:
            self._act_at = None
            self._tell("done", action=action, session=session)

    def _tell(self, event: str, **more: str | None) -> None:
        """Say what happened: JSON for a script, else a sentence; a failure to people on stderr."""
        output, words = self._invocation.output, self._invocation.words
        if self._invocation.as_json:
            output.json_line({"event": event, **more})
            return
        sentence = words.say(f"removal-{event}", **{name: value or "" for name, value in more.items()})
        (output.complain if event == "failed" else output.line)(sentence)
