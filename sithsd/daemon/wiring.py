"""Who knows whom: the parts of the daemon put together, started, and ended in the reverse order."""

import asyncio
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from sithsd import __version__
from sithsd.api.code_methods import Codes
from sithsd.api.diagnosis_methods import DaemonFacts, Diagnosis
from sithsd.api.interface import Interface
from sithsd.api.methods import Cards
from sithsd.api.rights import Rights, nobody_sits_here, unknown_names
from sithsd.api.server import Server
from sithsd.api.sockets import Sockets, open_sockets, usual_access
from sithsd.audit.log import AuditLog
from sithsd.audit.model import Row
from sithsd.card import profile
from sithsd.card.known import KnownCards
from sithsd.card.registry import Registry
from sithsd.certificate.tables import Tables
from sithsd.clock import Clock, SystemClock
from sithsd.daemon.alarm import ClockAlarm
from sithsd.daemon.fetching import FetchInformant
from sithsd.daemon.sessions import ActiveSessions
from sithsd.daemon.sightings import note_sightings
from sithsd.daemon.sleep import SleepWatch
from sithsd.errors import SithsdError
from sithsd.locations import AUDIT_FILE, CARDS_SOCKET, CODES_SOCKET, fetch_socket, pcscd_socket
from sithsd.policy import model as policy_file
from sithsd.policy import rights as rights_file
from sithsd.policy.model import Policy
from sithsd.policy.rights import ACTIVE_SESSION, Rules
from sithsd.reader import holders
from sithsd.reader.monitor import Monitor, PcscEvent
from sithsd.reader.trace import log_exchange
from sithsd.reader.worker import ReaderWorker
from sithsd.service import config
from sithsd.service.config import Settings
from sithsd.service.systemd import keep_watchdog, notify
from sithsd.service.trust import judge_by
from sithsd.session.adviser import Adviser
from sithsd.session.board import Board
from sithsd.session.budget import Budget
from sithsd.session.code_desk import CodeDesk, DeskTools
from sithsd.session.counters import Doubt
from sithsd.session.describe import may_be_kept
from sithsd.session.fault import fault
from sithsd.session.ledger import Ledger
from sithsd.session.notices import Herald
from sithsd.session.readers import Readers
from sithsd.session.tools import Tools, Worker
from sithsd.session.verdicts import Verdicts
from sithsd.validity import calendar as calendars
from sithsd.validity.calendar import Calendar, freezes
from sithsd.values import CodeState, Role

_SURVEY_SECONDS = 2.0
# For an operation under way when the daemon is told to end. One that takes longer, such as a person at a PIN pad, is
# left to the audit's next start: its outcome is unknown then.
_ENDING_SECONDS = 3.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)


async def serve(settings: Settings, runtime: Path, state: Path, clock: Clock | None = None) -> None:
    """Run the daemon until it is asked to stop.

    `state` may hold the folders `anchors` and `issuers` with certificate files, which are used beside those that the
    settings name. Raises PolicyError, ProfileError, CertificateFileError, TablesError and SocketError for what can't be
    used.
    """
    started = time.monotonic()
    log = structlog.get_logger("sithsd.daemon")
    clock = clock or SystemClock()
    rules = rights_file.load(None if settings.rights.file is None else Path(settings.rights.file))
    sessions = ActiveSessions() if ACTIVE_SESSION in rules.subjects else None
    rights = Rights.here(rules, nobody_sits_here if sessions is None else sessions.holds)
    policy = policy_file.load(None if settings.policy.file is None else Path(settings.policy.file))
    calendar = calendars.load(None if settings.calendar.file is None else Path(settings.calendar.file))
    site = profile.load_site_folder(Path(settings.drivers.site))
    registry = Registry(profile.in_order(profile.load_folder(profile.shipped_folder()), site))
    judge = judge_by(settings.validity, state)
    # Before there are sockets: a signal that comes in between must not leave them behind.
    stopping = _stop_on_signals()
    with open_sockets(runtime, usual_access(rights)) as sockets:
        # Not before: without the sockets another daemon may run, whose operations are not ours to end.
        audit = _open_audit(state, clock, policy)
        fetching, board = FetchInformant(fetch_socket(runtime)), Board()
        ledger = Ledger(audit, notices_per_hour=policy.audit.notices_per_hour)
        herald = Herald(board, clock, ledger.note)
        _remember(herald, audit)
        verdicts = Verdicts(judge, clock, fetching, settings.validity.log_in())
        tools = Tools(
            *(registry, verdicts, ClockAlarm(), clock, board, herald),
            Adviser(calendar, judge.policy.plausible_from),
            who_holds=_who_holds,
            tables=judge.tables,
            known=_memory_of_cards(settings, judge.tables),
        )
        readers = Readers(tools, _start_worker)
        desk = CodeDesk(readers, DeskTools(policy, Budget(policy.budget), ledger, clock, verdicts))
        cards = Cards(board, readers, rights, verdicts, clock, adviser=tools.adviser)
        diagnosis = Diagnosis(
            board,
            readers,
            judge,
            clock,
            DaemonFacts(__version__, clock.now(), str(pcscd_socket()), _changed(settings, policy, rules, calendar)),
            fetching=fetching,
        )
        server = _server(
            sockets, cards.interface(diagnosis.method(rights.status)), Codes(readers, desk, rights).interface()
        )
        watching = Watching(readers)
        watching.start()
        beside = [] if sessions is None else [asyncio.create_task(_watch_sessions(sessions))]
        await watching.survey()
        if sessions is not None:
            await _look_around(sessions)
        await server.start()
        beside += map(
            asyncio.create_task,
            (keep_watchdog(), _watch_sleep(readers, desk), _note(settings, policy, board, clock, state)),
        )
        _tell_strangers(rules)
        notify("READY=1")
        log.info("ready", version=__version__, pid=os.getpid(), seconds=round(time.monotonic() - started, 3))
        try:
            await stopping.wait()
        finally:
            notify("STOPPING=1")
            await _give_up(beside)
            await server.stop()
            await desk.idle(_ENDING_SECONDS)
            await watching.stop()
            await readers.close()
            await asyncio.to_thread(registry.close)
            await ledger.close()
            log.info("ended")


async def _give_up(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _tell_strangers(rules: Rules) -> None:
    for one in unknown_names(rules):
        structlog.get_logger("sithsd.daemon").warning(
            "the rights name somebody whom this machine does not know", subject=one
        )


async def _note(settings: Settings, policy: Policy, board: Board, clock: Clock, state: Path) -> None:
    """Note which cards are seen, if that is asked for."""
    if not settings.sightings.enabled:
        return
    keep_days, unit = policy.sightings.keep_days, settings.sightings.unit
    try:
        await note_sightings(board, clock, state, keep_days=keep_days, unit=unit)
    except Exception as error:  # noqa: BLE001 - the daemon goes on without, and says so
        fault(structlog.get_logger("sithsd.daemon"), error)


def _memory_of_cards(settings: Settings, tables: Tables | None) -> KnownCards | None:
    hours = settings.cards.keep_hours
    return KnownCards(hours * 3600, partial(may_be_kept, tables=tables)) if hours else None


async def _watch_sleep(readers: Readers, desk: CodeDesk) -> None:
    """Forget the cards when the machine goes to sleep, once what is under way has ended; read them when it wakes."""

    async def lie_down() -> None:
        readers.sleep()  # first: nothing new begins
        await desk.idle(_ENDING_SECONDS)

    try:
        await SleepWatch(lie_down, readers.wake).run()
    except Exception as error:  # noqa: BLE001 - the daemon goes on without, and says so
        fault(structlog.get_logger("sithsd.daemon"), error)


async def _watch_sessions(sessions: ActiveSessions) -> None:
    """Follow who sits at this machine."""
    try:
        await sessions.run()
    except Exception as error:  # noqa: BLE001 - the daemon goes on, and nobody has that right
        fault(structlog.get_logger("sithsd.daemon"), error)


async def _look_around(sessions: ActiveSessions) -> None:
    """Wait until it is known who sits here, so that the first client is not refused; not for long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(sessions.known.wait(), _SURVEY_SECONDS)


class Watching:
    """The monitor's thread, its events brought into the loop's thread in their order."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._loop = asyncio.get_running_loop()
        self._surveyed = asyncio.Event()
        self._monitor = Monitor(self._on_event, on_survey=self._on_survey)

    def start(self) -> None:
        """Begin to watch."""
        self._monitor.start()

    async def survey(self) -> None:
        """Wait until the readers that there are have been found, so that the first client is not told of none.

        Not for long: a service that does not answer keeps no client waiting.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._surveyed.wait(), _SURVEY_SECONDS)

    async def stop(self) -> None:
        """End the watch; its thread is waited for."""
        await asyncio.to_thread(self._monitor.stop)

    def _on_survey(self) -> None:
        self._loop.call_soon_threadsafe(self._surveyed.set)

    def _on_event(self, event: PcscEvent) -> None:
        self._loop.call_soon_threadsafe(self._readers.on_event, event)


def _server(sockets: Sockets, cards: Interface, codes: Interface) -> Server:
    return Server([(cards, sockets.listening[CARDS_SOCKET]), (codes, sockets.listening[CODES_SOCKET])])


def _changed(settings: Settings, policy: Policy, rules: Rules, calendar: Calendar) -> tuple[str, ...]:
    """Return the names of the values in the settings and the other files that are not the shipped ones."""
    return (
        *config.changed(settings, Settings()),
        *config.changed(policy, policy_file.shipped(), "policy."),
        *config.changed(rules, rights_file.shipped(), "rights."),
        *config.changed(calendar.file, freezes.shipped(), "calendar."),
    )


def _start_worker(reader: str) -> Worker:
    worker = ReaderWorker(reader, trace=log_exchange)
    worker.start()
    return worker


def _who_holds() -> str | None:
    return holders.tell(holders.others())


def _open_audit(state: Path, clock: Clock, policy: Policy) -> AuditLog:
    """Return the audit. One that can't be written keeps the daemon from no other work: it refuses operations."""
    audit = AuditLog(state / AUDIT_FILE, clock, keep_days=policy.audit.keep_days)
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        audit.prepare()
    except (SithsdError, OSError) as error:
        structlog.get_logger("sithsd.audit").error("audit.unavailable", detail=str(error))
    return audit


def _remember(herald: Herald, audit: AuditLog) -> None:
    """Take what a daemon that was killed left, now or when the audit can be opened.

    Before the operation begins for which it was opened: the card is compared before a code is sent to it.
    """
    loop = asyncio.get_running_loop()

    def told(rows: tuple[Row, ...]) -> None:
        loop.call_soon_threadsafe(_doubt, herald, rows)

    audit.watch_interrupted(told)


def _doubt(herald: Herald, rows: Iterable[Row]) -> None:
    """Note each operation of which nobody knows how it ended, the oldest first."""
    for row in rows:
        # Of an activation with transport PINs it is not even known which code was sent last.
        by_puk = row.operation == "unblock" or (row.operation == "activate" and row.tries_before is not None)
        if row.card_serial is None or (row.role is None and not by_puk):
            continue
        role = Role.PUK if by_puk else Role(row.role or "")
        herald.doubt(row.card_serial, Doubt(role, (CodeState(role, row.tries_before),)))


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOPPING:
        loop.add_signal_handler(number, stopping.set)
    return stopping
