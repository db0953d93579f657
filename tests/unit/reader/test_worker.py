"""The worker against a card in memory: what must not depend on luck."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
import structlog

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader import scard
from sithsd.reader.connection import CardConnection
from sithsd.reader.worker import ReaderWorker

DEADLINE = 20.0
COMMAND = bytes.fromhex("00 20 00 81")


class Card:
    """A card, its reader and the service, in one: what is called is kept, what shall fail is told beforehand.

    `free` is the lock of the transaction: cleared, SCardBeginTransaction blocks until it is set.
    """

    protocol = 1

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self.waiting = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def fail(self, call: str, *codes: int) -> None:
        """Let the next calls of this name fail, one per code."""
        self.failures[call] = [scard.PcscError(code, call) for code in codes]

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.failures.get(call):
            raise self.failures[call].pop(0)

    def establish(self) -> "Card":
        """Make a context."""
        self._note("establish")
        return self

    def connect(self, reader: str) -> "Card":
        """Connect to the card."""
        assert reader == "A"
        self._note("connect")
        return self

    def begin_transaction(self) -> None:
        """Take the card, once it is free."""
        self.waiting.set()
        assert self.free.wait(DEADLINE)
        self._note("begin")

    def transmit(self, command: bytes) -> bytes:
        """Answer with the command itself."""
        self._note("transmit")
        return command + b"\x90\x00"

    def end_transaction(self, disposition: int) -> None:
        """Let the card go."""
        self._note("end reset" if disposition else "end")

    def disconnect(self, disposition: int) -> None:
        """Close the connection."""
        self._note("disconnect reset" if disposition else "disconnect")

    def release(self) -> None:
        """Close the context."""
        self._note("release")


@pytest.fixture
def card() -> Card:
    """Return a card that works."""
    return Card()


@pytest.fixture
def worker(card: Card) -> Iterator[ReaderWorker]:
    """Return a worker on `card`, started; stopped when the test ends."""
    it = ReaderWorker("A", establish=card.establish)
    it.start()
    yield it
    card.free.set()
    assert it.stop(DEADLINE)


def transmit(card: CardConnection) -> tuple[bytes, int]:
    """Send one command."""
    return card.transmit(COMMAND)


async def run_refused(worker: ReaderWorker, operation: Callable[[CardConnection], object] = transmit) -> ErrorCode:
    """Return the code that the operation is refused with."""
    with pytest.raises(SithsdError) as caught:
        await worker.run(operation)
    return caught.value.code


async def test_an_operation_in_one_transaction(card: Card, worker: ReaderWorker) -> None:
    """Connect, begin, operate, end, disconnect; the context is kept for the next one."""
    assert await worker.run(transmit) == (COMMAND, 0x9000)
    assert await worker.run(transmit) == (COMMAND, 0x9000)
    once = ["connect", "begin", "transmit", "end", "disconnect"]
    assert card.calls == ["establish", *once, *once]


async def test_a_given_up_operation_never_takes_place(card: Card, worker: ReaderWorker) -> None:
    """The lock comes after patience ended: it is given back, and nothing was sent, for this job and the one behind."""
    card.free.clear()
    impatient = [asyncio.create_task(worker.run(transmit, patience=0.01)) for _ in range(2)]
    for task in impatient:
        with pytest.raises(SithsdError) as caught:
            await task
        assert caught.value.code is ErrorCode.READER_BUSY
        assert caught.value.retryable
    card.free.set()
    assert await worker.run(lambda _: "next") == "next"
    assert "transmit" not in card.calls
    assert card.calls == ["establish", *["connect", "begin", "end", "disconnect"] * 2]


async def test_who_gave_up_leaves_nothing_behind(card: Card, worker: ReaderWorker) -> None:
    """However many gave up while the thread hangs, what they wanted is forgotten; who waits on has his turn."""
    card.free.clear()
    patient = asyncio.create_task(worker.run(lambda _: "patient", patience=None))
    assert await asyncio.to_thread(card.waiting.wait, DEADLINE)
    behind = asyncio.create_task(worker.run(lambda _: "behind", patience=None))

    class Wanted:
        def __call__(self, _: CardConnection) -> None: ...

    wanted: weakref.WeakSet[Wanted] = weakref.WeakSet()

    async def one(patience: float | None) -> ErrorCode | None:
        operation = Wanted()
        wanted.add(operation)
        try:
            await worker.run(operation, patience=patience)
        except SithsdError as error:
            return error.code
        return None

    cancelled = asyncio.create_task(one(None))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert set(await asyncio.gather(*[one(0.001) for _ in range(50)])) == {ErrorCode.READER_BUSY}
    assert cancelled.cancelled()
    del cancelled
    gc.collect()
    assert len(wanted) == 0
    card.free.set()
    assert await asyncio.gather(patient, behind) == ["patient", "behind"]


async def test_an_operation_that_has_begun_is_waited_for(worker: ReaderWorker) -> None:
    """Patience is for getting the card; what has begun takes the time it takes."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: CardConnection) -> str:
        begun.set()
        assert go_on.wait(DEADLINE)
        return "done"

    running = asyncio.create_task(worker.run(slow, patience=0.01))
    assert await asyncio.to_thread(begun.wait, DEADLINE)
    await asyncio.sleep(0.05)  # patience is over by now, at the latest when this ends
    assert not running.done()
    go_on.set()
    assert await running == "done"


@pytest.mark.parametrize("rounds", [300])
async def test_busy_means_not_sent_however_close_it_is(card: Card, worker: ReaderWorker, rounds: int) -> None:
    """The card is had at the very moment patience ends: either the caller gets the result, or nothing was sent."""
    for number in range(rounds):
        card.free.clear()
        card.waiting.clear()
        card.calls.clear()
        running = asyncio.create_task(worker.run(transmit, patience=0.001))
        await asyncio.to_thread(card.waiting.wait, 0.0005 + (number % 10) / 10_000)
        card.free.set()
        (answer,) = await asyncio.gather(running, return_exceptions=True)
        await worker.run(lambda _: None, patience=None)
        if isinstance(answer, SithsdError):
            assert answer.code is ErrorCode.READER_BUSY
            assert "transmit" not in card.calls
        else:
            assert answer == (COMMAND, 0x9000)
            assert card.calls.count("transmit") == 1


async def test_a_cancelled_caller_who_waits_is_sent_nothing_for(card: Card, worker: ReaderWorker) -> None:
    """A task cancelled before its operation began takes the operation with it."""
    card.free.clear()
    running = asyncio.create_task(worker.run(transmit, patience=None))
    assert await asyncio.to_thread(card.waiting.wait, DEADLINE)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    card.free.set()
    await worker.run(lambda _: None)
    assert "transmit" not in card.calls


@pytest.mark.parametrize(
    ("outcome", "said"), [(None, "ok"), (SithsdError(ErrorCode.PIN_WRONG, "x"), "pin.wrong"), (KeyError(), "KeyError")]
)
async def test_what_has_begun_ends_though_its_caller_is_gone(
    worker: ReaderWorker, outcome: Exception | None, said: str
) -> None:
    """An operation runs to its end after its caller was cancelled, and the log tells how it ended."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(card: CardConnection) -> None:
        begun.set()
        assert go_on.wait(DEADLINE)
        card.transmit(COMMAND)
        if outcome is not None:
            raise outcome

    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(worker.run(slow))
        assert await asyncio.to_thread(begun.wait, DEADLINE)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        go_on.set()
        await worker.run(lambda _: None)
    assert [line["outcome"] for line in lines if "outcome" in line] == [said]


async def test_a_reset_before_anything_was_sent_is_no_error(card: Card, worker: ReaderWorker) -> None:
    """The holder before us reset the card: connect again, begin again."""
    card.fail("begin", scard.RESET_CARD, scard.RESET_CARD)
    assert await worker.run(transmit) == (COMMAND, 0x9000)
    assert card.calls == [
        "establish",
        *["connect", "begin", "disconnect"] * 2,
        "connect",
        "begin",
        "transmit",
        "end",
        "disconnect",
    ]


async def test_a_card_that_is_always_reset_is_given_up(card: Card, worker: ReaderWorker) -> None:
    """There is an end to beginning again."""
    card.fail("begin", *[scard.RESET_CARD] * 5)
    assert await run_refused(worker) is ErrorCode.CARD_CHANGED
    assert card.calls.count("connect") == 5


async def test_nothing_is_retried_once_something_was_sent(card: Card, worker: ReaderWorker) -> None:
    """A reset in the midst of an operation is an error, and the command is not sent again."""
    card.fail("transmit", scard.RESET_CARD)
    assert await run_refused(worker) is ErrorCode.CARD_CHANGED
    assert card.calls.count("transmit") == 1


@pytest.mark.parametrize("code", [scard.NO_SERVICE, scard.INVALID_HANDLE, scard.COMM_ERROR])
async def test_a_dead_context_is_replaced(card: Card, worker: ReaderWorker, code: int) -> None:
    """The service was restarted since the last operation: a new context, and the operation takes place."""
    await worker.run(transmit)
    card.calls.clear()
    card.fail("connect", code)
    assert await worker.run(transmit) == (COMMAND, 0x9000)
    assert card.calls[:4] == ["connect", "release", "establish", "connect"]


async def test_without_a_service_the_operation_is_refused(card: Card, worker: ReaderWorker) -> None:
    """One new context is tried, not more."""
    card.fail("establish", scard.NO_SERVICE, scard.NO_SERVICE)
    assert await run_refused(worker) is ErrorCode.PCSC_UNAVAILABLE
    assert card.calls == ["establish", "establish"]


async def test_a_reader_held_exclusively_is_tried_again(card: Card, worker: ReaderWorker) -> None:
    """SCardConnect refuses at once; within the caller's patience it is tried again."""
    card.fail("connect", scard.SHARING_VIOLATION, scard.SHARING_VIOLATION)
    assert await worker.run(transmit, patience=None) == (COMMAND, 0x9000)
    assert card.calls.count("connect") == 3


async def test_a_connection_that_does_not_end_takes_the_context_with_it(card: Card, worker: ReaderWorker) -> None:
    """What can't be disconnected is freed with its context, reset having been tried both ways."""
    card.fail("end reset", scard.REMOVED_CARD)
    card.fail("disconnect reset", scard.INVALID_HANDLE)
    await worker.run(lambda it: it.reset_on_release())
    assert card.calls[-4:] == ["begin", "end reset", "disconnect reset", "release"]


async def test_the_result_comes_after_the_card_was_let_go(card: Card, worker: ReaderWorker) -> None:
    """When `run` returns, or raises, others can have the card already."""

    def fail(_: CardConnection) -> None:
        raise ValueError("made up")

    await worker.run(transmit)
    assert card.calls[-2:] == ["end", "disconnect"]
    with pytest.raises(ValueError, match="made up"):
        await worker.run(fail)
    assert card.calls[-2:] == ["end", "disconnect"]


async def test_an_unexpected_error_reaches_the_caller(card: Card, worker: ReaderWorker) -> None:
    """An error that no rule knows ends the operation, not the worker."""
    card.failures["begin"] = [TypeError("made up")]
    with pytest.raises(TypeError, match="made up"):
        await worker.run(transmit)
    assert card.calls[-1] == "disconnect"
    assert await worker.run(transmit) == (COMMAND, 0x9000)


async def test_stop_gives_up_what_waits(card: Card, worker: ReaderWorker) -> None:
    """A stopped worker refuses what has not begun, at once, though its thread hangs; the thread sends nothing more."""
    card.free.clear()
    waiting = [asyncio.create_task(worker.run(transmit, patience=None)) for _ in range(2)]
    assert await asyncio.to_thread(card.waiting.wait, DEADLINE)
    assert worker.stop(0.01) is False
    for task in waiting:
        with pytest.raises(SithsdError) as caught:
            await task
        assert caught.value.code is ErrorCode.READER_UNKNOWN
    assert await run_refused(worker) is ErrorCode.READER_UNKNOWN
    card.free.set()
    worker._thread.join(DEADLINE)
    assert "transmit" not in card.calls
    assert card.calls[-3:] == ["end", "disconnect", "release"]


async def test_stop_need_not_wait(card: Card, worker: ReaderWorker) -> None:
    """Without any grace it only says so, without a warning; the end is waited for in another thread."""
    card.free.clear()
    waiting = asyncio.create_task(worker.run(transmit, patience=None))
    assert await asyncio.to_thread(card.waiting.wait, DEADLINE)
    with structlog.testing.capture_logs() as lines:
        assert worker.stop(0) is False
        assert lines == []
        assert await asyncio.to_thread(worker.join, 0.01) is False
        assert len(lines) == 1
    with pytest.raises(SithsdError):
        await waiting
    card.free.set()
    assert await asyncio.to_thread(worker.join, DEADLINE)
    assert worker.stop(0) is True
    assert "transmit" not in card.calls


async def test_a_worker_that_was_never_started(card: Card) -> None:
    """It refuses, and can be stopped."""
    worker = ReaderWorker("A", establish=card.establish)
    assert await run_refused(worker) is ErrorCode.READER_UNKNOWN
    assert worker.stop()
    assert card.calls == []
