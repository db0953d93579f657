"""The desk for codes: who may go when, what goes on then, and where codes are wiped."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from card_bench import NEW_PIN, PIN, PUK, WRONG, WRONG_PUK
from session_house import (
    ALSO_CHOSEN,
    CHOSEN,
    LONG,
    READER,
    House,
    answers,
    codes_of,
    go_in_the_midst,
    last_row,
    refused,
    spy_on_plans,
    untouched,
    wiped,
)

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.session.orders import ActivateOrder, ChangeOrder, Order, UnblockOrder, VerifyOrder
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE
SPEND = Word(last_try=True)
TRANSPORT = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}


async def test_gone_before_it_began(house: House) -> None:
    """A caller who goes while another program holds the card: a row "abandoned", and nothing is sent, ever."""
    bench = await house.ready()
    socket = house.sockets[READER]
    sent = len(socket.sent)
    socket.held.acquire()
    call = asyncio.ensure_future(house.verify(WRONG))
    await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.wait([call])
    socket.held.release()
    row = await last_row(house, 1)
    assert (row.operation, row.result, row.tries_before, row.tries_after) == ("verify", "abandoned", 3, None)
    assert len(socket.sent) == sent
    assert bench.tries()[AUTHENTICATION] == 3
    await house.verify()


async def test_gone_while_the_audit_is_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who goes while the row's room is made on the disk: nothing is sent, and the row says so."""
    await house.ready()
    plans = spy_on_plans(monkeypatch)
    at, on = threading.Event(), threading.Event()
    real = house.audit.begin

    def slow(operation: object) -> object:
        at.set()
        assert on.wait(LONG)
        return real(operation)

    monkeypatch.setattr(house.audit, "begin", slow)
    call = asyncio.ensure_future(house.verify(WRONG))
    assert await asyncio.to_thread(at.wait, LONG)
    call.cancel()
    await asyncio.wait([call])
    on.set()
    assert (await last_row(house, 1)).result == "abandoned"
    assert house.sockets[READER].codes_sent == []
    assert wiped(plans)


@pytest.mark.parametrize(
    ("call", "ins", "end"),
    [
        (lambda house: house.verify(), 0x20, ("done", 3)),
        (lambda house: house.verify(WRONG), 0x20, ("pin.wrong", 1)),
        (lambda house: house.change(), 0x24, ("done", 3)),
        (lambda house: house.change(WRONG), 0x24, ("pin.wrong", 1)),
        (lambda house: house.unblock(), 0x2C, ("done", 3)),
        (lambda house: house.unblock(WRONG_PUK), 0x2C, ("puk.wrong", 2)),
    ],
)
async def test_gone_after_it_began(
    house: House,
    call: Callable[[House], Awaitable[object]],
    ins: int,
    end: tuple[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A caller who goes in the midst: one command, the true result in the row, codes wiped, the board as the chip."""
    bench = await house.ready()
    bench.give(AUTHENTICATION, WRONG)
    await house.slot().read_codes()
    plans = spy_on_plans(monkeypatch)
    await go_in_the_midst(house, call(house), ins)
    rows = [row for row in await house.rows() if row.uid is not None]
    assert [row.result for row in rows] == [end[0]]
    assert house.sockets[READER].codes_sent == [ins]
    assert bench.tries()[AUTHENTICATION] == end[1]
    assert house.shown() == bench.tries()
    assert bench.locked()
    assert wiped(plans)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("ordinary", VerifyOrder(AUTHENTICATION, Secret(PIN))),
        ("ordinary", VerifyOrder(AUTHENTICATION, Secret(WRONG))),
        ("ordinary", VerifyOrder(AUTHENTICATION, Secret(b"1"))),
        ("ordinary", ChangeOrder(AUTHENTICATION, Secret(PIN), Secret(NEW_PIN))),
        ("ordinary", UnblockOrder(AUTHENTICATION, Secret(PUK), Secret(NEW_PIN))),
        ("inactive", ActivateOrder({AUTHENTICATION: Secret(CHOSEN), SIGNATURE: Secret(ALSO_CHOSEN)}, Secret(PUK))),
    ],
)
async def test_codes_are_wiped_at_every_end(
    house: House, name: str, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Done, refused by card or form, without an audit, by a worker that was stopped: no copy stays."""
    plans = spy_on_plans(monkeypatch)
    if isinstance(order, ActivateOrder):
        order = ActivateOrder(order.new_codes, order.puk, answers=answers())
    given = [bytes(code.reveal()) for code in codes_of(order)]
    await house.ready(name)
    await asyncio.gather(house.perform(order), return_exceptions=True)
    assert wiped(plans)
    house.audit.close()
    house.audit_file.rename(house.audit_file.with_suffix(".kept"))
    house.audit_file.mkdir()
    assert (await refused(house.perform(order))).code is ErrorCode.AUDIT_UNAVAILABLE
    assert wiped(plans)
    house.audit_file.rmdir()
    house.audit_file.with_suffix(".kept").rename(house.audit_file)
    house.slot()._worker.stop()
    assert (await refused(house.perform(order))).code is ErrorCode.READER_UNKNOWN
    assert len(plans) == 3
    assert wiped(plans)
    assert [bytes(code.reveal()) for code in codes_of(order)] == given


async def test_the_daemon_ends_in_the_midst(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that is broken off with the daemon gets no made-up row: it is unknown at the next start."""
    await house.ready()
    plans = spy_on_plans(monkeypatch)
    socket = house.sockets[READER]
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> None:
        if command[1] == 0x20 and len(command) > 5:
            at.set()
            assert on.wait(LONG)

    socket.before = wait
    call = asyncio.ensure_future(house.verify(WRONG))
    assert await asyncio.to_thread(at.wait, LONG)
    (task,) = house.desk._running
    task.cancel()
    await asyncio.wait([call, task])
    assert wiped(plans)
    assert await house.rows() == []
    await asyncio.to_thread(house.audit.close)
    house.audit._open.clear()  # as in another process
    await asyncio.to_thread(house.audit.prepare)
    (row,) = await house.rows()
    assert (row.result, row.role, row.tries_before, row.tries_after) == ("unknown", "authentication", 3, None)
    assert house.audit.interrupted == (row,)
    on.set()


async def test_the_daemon_ends_before_it_began(house: House) -> None:
    """One that is broken off before anything was sent says so in its row."""
    await house.ready()
    house.sockets[READER].held.acquire()
    call = asyncio.ensure_future(house.verify(WRONG))
    async with asyncio.timeout(LONG):
        while not house.slot()._worker._pending:  # noqa: ASYNC110 - the worker has no event for what it waits for
            await asyncio.sleep(0.001)
    (task,) = house.desk._running
    task.cancel()
    await asyncio.wait([call, task])
    house.sockets[READER].held.release()
    assert (await last_row(house, 1)).result == "abandoned"
    await house.verify()
    assert house.sockets[READER].codes_sent == [0x20]


async def test_a_card_that_changed_meanwhile_is_not_used(house: House) -> None:
    """An operation whose card was put in anew before its turn came is refused: the code was for the other."""
    bench = await house.ready()
    real, loop = house.audit.begin, asyncio.get_running_loop()

    async def swap() -> None:
        house.remove()
        house.insert(bench)

    def begin(operation: object) -> object:
        asyncio.run_coroutine_threadsafe(swap(), loop).result(LONG)
        return real(operation)

    house.audit.begin = begin
    error = await refused(house.verify(WRONG))
    assert error.code is ErrorCode.CARD_CHANGED
    house.audit.begin = real
    assert (await last_row(house, 1)).result == "card.changed"
    assert house.sockets[READER].codes_sent == []


async def test_a_refused_order_makes_no_copy_that_stays(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused before the card is touched gets no plan, and so no codes of its own; the caller's stay his."""
    plans = spy_on_plans(monkeypatch)
    await strict.ready()
    order = ChangeOrder(AUTHENTICATION, Secret(PIN), Secret(b"111111"))
    await untouched(strict, strict.perform(order))
    for _ in range(2):
        await refused(strict.verify(WRONG, SIGNATURE))
    made = len(plans)
    await untouched(strict, strict.verify())
    assert made == len(plans) == 2
    assert [len(code) for code in codes_of(order)] == [6, 6]
