"""The worker on a real pcscd with virtual readers and a test card."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.events import CardInserted, CardMute, CardRemoved
from sithsd.reader.worker import CardConnection, ReaderWorker
from sithsd.simulator.stage import Stage, end
from sithsd.simulator.vpcd_conf import vpcd_names

READER_0, READER_1 = "SITHS-SIM Reader (0) 00 00", "SITHS-SIM Reader (1) 01 00"
SELECT = bytes.fromhex("00 A4 04 00")
MARK = bytes.fromhex("00 CA 01 02")
DEADLINE = 30.0


@pytest.fixture
def work(driver: str) -> Iterator[Callable[..., ReaderWorker]]:
    """Start a worker, with the arguments of `ReaderWorker`; it is stopped when the test ends."""
    first = READER_0 if driver == "ifd" else vpcd_names(1)[0]
    with ExitStack() as stack:

        def start(reader: str = first, **options: object) -> ReaderWorker:
            worker = ReaderWorker(reader, **options)
            stack.callback(worker.stop)
            worker.start()
            return worker

        yield start


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Let another process hold the first reader's card, "shared" (a transaction) or "exclusive"."""
    with ExitStack() as stack:

        def start(stage: Stage, mode: str) -> subprocess.Popen[str]:
            program = Path(__file__).with_name("card_holder.py")
            command = [sys.executable, str(program), READER_0, mode]
            holder = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=stage.environment, text=True
            )
            stack.callback(end, holder)
            assert holder.stdout.readline() == "held\n"
            return holder

        yield start


@pytest.fixture
def inserted(
    set_stage: Callable[..., Stage], watch: Callable[..., Any], put_card: Callable[..., Any]
) -> Callable[..., tuple[Stage, Any, Any]]:
    """Set up a stage with a card that is known to be in the first reader; returns both, and what tells of more."""

    def insert(*args: object, **options: object) -> tuple[Stage, Any, Any]:
        stage = set_stage(2)
        told = watch()
        card = put_card(stage, 0, *args, **options)
        told.expect(CardInserted)
        return stage, card, told

    return insert


def select(card: CardConnection) -> tuple[bytes, int]:
    """Do one thing with the card."""
    return card.transmit(SELECT)


def mark(card: CardConnection) -> tuple[bytes, int]:
    """Do another thing with the card."""
    return card.transmit(MARK)


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    async with asyncio.timeout(DEADLINE):
        while not true():  # noqa: ASYNC110 - another process's log, a thread's end
            await asyncio.sleep(0.01)


async def refusal(awaitable: Awaitable[object]) -> SithsdError:
    """Return the error that the call ends with."""
    with pytest.raises(SithsdError) as caught:
        await awaitable
    return caught.value


@pytest.mark.both_drivers
@pytest.mark.parametrize(("atr", "protocol"), [("3B800181", 1), ("3B00", 0)])
async def test_an_operation_has_the_card(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker], atr: str, protocol: int
) -> None:
    """An operation sees the ATR and the protocol, sends bytes and gets data and status word."""
    _, card, _ = inserted(lambda command: command[::-1] + b"\x62\x82", atr=bytes.fromhex(atr))
    seen = await work().run(lambda it: (it.atr, it.protocol, it.transmit(MARK)))
    assert seen == (bytes.fromhex(atr), protocol, (MARK[::-1], 0x6282))
    assert card.commands == [MARK]


async def test_operations_are_carried_out_one_after_the_other(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker]
) -> None:
    """Two operations called at once don't mix their commands."""
    _, card, _ = inserted()
    worker = work()

    def twice(command: bytes) -> Callable:
        return lambda it: (it.transmit(command), it.transmit(command))

    await asyncio.gather(worker.run(twice(SELECT)), worker.run(twice(MARK)))
    assert card.commands == [SELECT, SELECT, MARK, MARK]


async def test_two_readers_work_side_by_side(
    inserted: Callable[..., tuple[Stage, Any, Any]], put_card: Callable[..., Any], work: Callable[..., ReaderWorker]
) -> None:
    """While one reader's card takes its time, another one's answers."""
    answer = threading.Event()
    stage, slow, told = inserted(lambda _: b"\x90\x00" if answer.wait(DEADLINE) else None)
    quick = put_card(stage, 1)
    told.expect(CardInserted, lambda event: event.reader == READER_1)
    waiting = asyncio.create_task(work(READER_0).run(select))
    assert await work(READER_1).run(mark) == (b"", 0x9000)
    assert not waiting.done()
    answer.set()
    assert await waiting == (b"", 0x9000)
    assert (slow.commands, quick.commands) == ([SELECT], [MARK])


async def test_a_card_held_by_another_process_is_busy_and_is_sent_nothing_later(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    hold: Callable[..., subprocess.Popen[str]],
) -> None:
    """When patience ends while another process has a transaction, the operation never takes place, lock or no lock."""
    stage, card, _ = inserted()
    holder = hold(stage, "shared")
    worker = work()
    assert (await refusal(worker.run(select, patience=0.3))).code is ErrorCode.READER_BUSY
    assert (await refusal(worker.run(select, patience=0.1))).code is ErrorCode.READER_BUSY
    holder.stdin.close()
    assert await worker.run(mark, patience=DEADLINE) == (b"", 0x9000)
    assert card.commands == [MARK]


async def test_a_caller_who_is_cancelled_while_waiting_is_sent_nothing_for(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    hold: Callable[..., subprocess.Popen[str]],
) -> None:
    """An operation whose caller is cancelled before it began never takes place."""
    stage, card, _ = inserted()
    holder = hold(stage, "shared")
    worker = work()
    caller = asyncio.create_task(worker.run(select, patience=None))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    holder.stdin.close()
    await worker.run(mark, patience=None)
    assert card.commands == [MARK]


@pytest.mark.parametrize("farewell", ["", "reset"])
async def test_patience_without_end_waits_for_the_card(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    hold: Callable[..., subprocess.Popen[str]],
    farewell: str,
) -> None:
    """The card is had once the other process lets go, reset or not: nothing was sent before, so nothing is lost."""
    stage, _, _ = inserted()
    holder = hold(stage, "shared")
    waiting = asyncio.create_task(work().run(select, patience=None))
    await asyncio.sleep(0)
    holder.stdin.write(farewell)
    holder.stdin.close()
    assert await waiting == (b"", 0x9000)


async def test_the_card_of_a_killed_holder_is_had(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    hold: Callable[..., subprocess.Popen[str]],
) -> None:
    """A process that dies in its transaction leaves a card that was reset; the waiting operation gets it."""
    stage, _, _ = inserted()
    holder = hold(stage, "shared")
    waiting = asyncio.create_task(work().run(select, patience=None))
    await asyncio.sleep(0)
    holder.kill()
    assert await waiting == (b"", 0x9000)


async def test_a_reader_held_exclusively_is_busy_until_it_is_free(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    hold: Callable[..., subprocess.Popen[str]],
) -> None:
    """A program that has the reader for itself makes it busy; afterwards the next operation works."""
    stage, card, _ = inserted()
    holder = hold(stage, "exclusive")
    worker = work()
    assert (await refusal(worker.run(select, patience=0.2))).code is ErrorCode.READER_BUSY
    waiting = asyncio.create_task(worker.run(mark, patience=None))
    await asyncio.sleep(0)
    holder.stdin.close()
    assert await waiting == (b"", 0x9000)
    assert card.commands == [MARK]


@pytest.mark.both_drivers
async def test_a_card_taken_out_in_flight(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker]
) -> None:
    """A command without an answer is `card.removed`, its outcome unknown, and no further command is tried."""
    _, card, _ = inserted(lambda _: None)
    seen = []

    def twice(it: CardConnection) -> None:
        for command in (SELECT, MARK):
            try:
                it.transmit(command)
            except SithsdError as error:
                seen.append((error.code, it.unanswered))
        it.transmit(MARK)

    assert (await refusal(work().run(twice))).code is ErrorCode.CARD_REMOVED
    assert seen == [(ErrorCode.CARD_REMOVED, True)] * 2
    assert card.commands == [SELECT]


@pytest.mark.both_drivers
async def test_an_operation_works_again_after_a_removal(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker], put_card: Callable[..., Any]
) -> None:
    """A card put in after one was torn out is served by the same worker."""
    stage, card, told = inserted(lambda _: None)
    worker = work()
    await refusal(worker.run(select))
    card.remove()
    told.expect(CardRemoved)
    successor = put_card(stage)
    told.expect(CardInserted)
    assert await worker.run(mark, patience=DEADLINE) == (b"", 0x9000)
    assert successor.commands == [MARK]


@pytest.mark.parametrize(("answer", "told"), [(b"", ErrorCode.CARD_REMOVED), (b"\x90", ErrorCode.CARD_UNREADABLE)])
async def test_an_answer_without_a_status_word(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker], answer: bytes, told: ErrorCode
) -> None:
    """No byte is what vpcd says for a card taken out, one byte is no response APDU; neither is an answer."""
    inserted(lambda _: answer)
    seen = []

    def operation(it: CardConnection) -> None:
        try:
            it.transmit(SELECT)
        finally:
            seen.append(it.unanswered)

    assert (await refusal(work().run(operation))).code is told
    assert seen == [True]


async def test_a_very_long_answer(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker]
) -> None:
    """An extended response comes whole: 65533 bytes and a status word, the most that vpcd's length field can tell."""
    inserted(lambda _: bytes(65533) + b"\x90\x00")
    data, status_word = await work().run(select)
    assert (len(data), status_word) == (65533, 0x9000)


async def test_no_card_and_no_reader(set_stage: Callable[..., Stage], work: Callable[..., ReaderWorker]) -> None:
    """An empty reader is `card.removed`, a reader that is not there `reader.unknown`."""
    set_stage(2)
    assert (await refusal(work(READER_0).run(select))).code is ErrorCode.CARD_REMOVED
    assert (await refusal(work("no such reader").run(select))).code is ErrorCode.READER_UNKNOWN


@pytest.mark.both_drivers
async def test_a_mute_card_is_unreadable(
    set_stage: Callable[..., Stage],
    work: Callable[..., ReaderWorker],
    put_card: Callable[..., Any],
    watch: Callable[..., Any],
) -> None:
    """A card without an answer to reset is there, and unreadable."""
    stage = set_stage(2)
    told = watch()
    put_card(stage, mute=True)
    told.expect(CardMute)
    assert (await refusal(work().run(select))).code is ErrorCode.CARD_UNREADABLE


@pytest.mark.both_drivers
async def test_the_card_is_reset_if_the_operation_asks_for_it(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker]
) -> None:
    """`reset_on_release` resets the card when the operation has ended, also by an error; else it is left alone."""
    _, card, _ = inserted()
    worker = work()
    await worker.run(select)
    before = card.resets
    await worker.run(select)
    assert card.resets == before

    def fail(it: CardConnection) -> None:
        it.reset_on_release()
        raise ValueError("made up")

    with pytest.raises(ValueError, match="made up"):
        await worker.run(fail)
    assert card.resets == before + 1
    await worker.run(lambda it: it.reset_on_release())
    assert card.resets == before + 2


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restarted_service_is_used(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    put_card: Callable[..., Any],
    how: signal.Signals,
) -> None:
    """Without a service an operation is `pcsc.unavailable`; after its restart the same worker works again."""
    stage, card, told = inserted()
    worker = work()
    await worker.run(select)
    for _ in range(3):
        stage.stop_pcscd(how)
        assert (await refusal(worker.run(select))).code is ErrorCode.PCSC_UNAVAILABLE
        card.remove()
        stage.start_pcscd()
        card = put_card(stage)
        told.expect(CardInserted)
        assert await worker.run(mark, patience=DEADLINE) == (b"", 0x9000)


@pytest.mark.both_drivers
async def test_a_service_restarted_between_two_operations_is_not_noticed(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker], put_card: Callable[..., Any]
) -> None:
    """A worker whose context died with the old service makes a new one; its caller sees no error."""
    stage, card, told = inserted()
    worker = work()
    await worker.run(select)
    stage.stop_pcscd()
    card.remove()
    stage.start_pcscd()
    put_card(stage)
    told.expect(CardInserted)
    assert await worker.run(mark, patience=DEADLINE) == (b"", 0x9000)


async def test_the_service_dies_in_the_midst_of_an_operation(
    inserted: Callable[..., tuple[Stage, Any, Any]], work: Callable[..., ReaderWorker]
) -> None:
    """A command in flight when the service is killed is `pcsc.unavailable`, its outcome unknown."""
    reached, answer = threading.Event(), threading.Event()

    def wait(_: bytes) -> bytes | None:
        reached.set()
        answer.wait(DEADLINE)
        return None

    stage, _, _ = inserted(wait)
    seen = []

    def operation(it: CardConnection) -> None:
        try:
            it.transmit(SELECT)
        finally:
            seen.append(it.unanswered)

    running = asyncio.create_task(work().run(operation))
    assert await asyncio.to_thread(reached.wait, DEADLINE)
    stage.stop_pcscd(signal.SIGKILL)
    answer.set()
    assert (await refusal(running)).code is ErrorCode.PCSC_UNAVAILABLE
    assert seen == [True]


async def test_stop_returns_though_the_thread_hangs(
    inserted: Callable[..., tuple[Stage, Any, Any]],
    work: Callable[..., ReaderWorker],
    hold: Callable[..., subprocess.Popen[str]],
) -> None:
    """A worker stuck behind another process's transaction is left behind; it sends nothing and ends when it can."""
    stage, card, _ = inserted()
    holder = hold(stage, "shared")
    worker = work()
    waiting = asyncio.create_task(worker.run(select, patience=None))
    await until(lambda: "Waiting for release of lock" in (stage.folder / "pcscd.log").read_text(errors="replace"))
    assert worker.stop(0.1) is False
    assert (await refusal(waiting)).code is ErrorCode.READER_UNKNOWN
    holder.stdin.close()
    await until(lambda: not worker._thread.is_alive())
    assert card.commands == []
