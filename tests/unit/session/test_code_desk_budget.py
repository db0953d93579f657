"""The desk for codes: wrong codes by user and by card, whoever asks and however many at once."""

import asyncio

from card_bench import PIN, WRONG
from session_house import (
    HOLDER,
    READER,
    House,
    go_in_the_midst,
    refused,
)

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.session.orders import Asker, VerifyOrder
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE
SPEND = Word(last_try=True)
TRANSPORT = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}


async def test_one_user_with_many_cards(strict: House) -> None:
    """A user who spent the budget is refused with any card, and told for how long; others are not."""
    for number, name in enumerate(("ordinary", "second")):
        await strict.ready(name, f"reader {number}")
        order = VerifyOrder(AUTHENTICATION, Secret(WRONG))
        assert (await refused(strict.perform(order, reader=f"reader {number}"))).code is ErrorCode.PIN_WRONG
        strict.seconds += 60
    order = VerifyOrder(AUTHENTICATION, Secret(PIN))
    sent = len(strict.sockets["reader 0"].sent)
    error = await refused(strict.perform(order, reader="reader 0"))
    assert (error.code, error.more.retry_after) == (ErrorCode.REQUEST_TOO_MANY_WRONG, 15 * 60 - 120)
    assert len(strict.sockets["reader 0"].sent) == sent
    await strict.perform(order, HOLDER, reader="reader 0")
    strict.seconds += error.more.retry_after
    await strict.perform(order, reader="reader 0")
    results = [row.result for row in await strict.rows()]
    assert results == ["pin.wrong", "pin.wrong", "request.tooManyWrong", "done", "done"]


async def test_one_card_and_many_users(strict: House) -> None:
    """A card that got its share of wrong codes gets none from anybody, from whichever reader."""
    bench = await strict.ready()
    for uid, role in ((1, AUTHENTICATION), (2, SIGNATURE), (3, SIGNATURE)):
        order = VerifyOrder(role, Secret(WRONG))
        assert (await refused(strict.perform(order, Asker(uid, 1, "x")))).code is ErrorCode.PIN_WRONG
    strict.remove()
    await strict.ready(bench, "another reader")
    order = VerifyOrder(AUTHENTICATION, Secret(PIN))
    error = await refused(strict.perform(order, Asker(4, 1, "x"), reader="another reader"))
    assert error.code is ErrorCode.REQUEST_TOO_MANY_WRONG
    assert strict.sockets["another reader"].codes_sent == []


async def test_a_hundred_at_once(strict: House) -> None:
    """However many wrong codes come at once, the card gets no more than the budget allows, and not its last try."""
    bench = await strict.ready()
    calls = [strict.verify(WRONG, role) for role in (AUTHENTICATION, SIGNATURE) * 50]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert len(strict.sockets[READER].codes_sent) == 2
    assert sum(outcome.code is ErrorCode.PIN_WRONG for outcome in outcomes) == 2
    assert sum(outcome.code is ErrorCode.READER_BUSY for outcome in outcomes) == 98
    assert (await refused(strict.verify(WRONG))).code is ErrorCode.REQUEST_TOO_MANY_WRONG
    assert bench.tries() == {AUTHENTICATION: 2, SIGNATURE: 2, Role.PUK: 10}
    assert [row.result for row in await strict.rows()] == ["pin.wrong", "pin.wrong", "request.tooManyWrong"]


async def test_refusals_without_a_code_cost_no_budget(strict: House) -> None:
    """What the guard or the form refused was no wrong code: the budget is as it was."""
    bench = await strict.ready()
    bench.give(AUTHENTICATION, WRONG)
    bench.give(AUTHENTICATION, WRONG)
    for _ in range(4):
        assert (await refused(strict.verify(WRONG))).code is ErrorCode.PIN_LAST_TRY
        assert (await refused(strict.verify(b"12"))).code is ErrorCode.PIN_MALFORMED
    await strict.verify(word=SPEND)


async def test_callers_who_go_pay_for_what_was_sent(strict: House) -> None:
    """A caller who goes in the midst of a wrong code has used budget; one who goes before anything was sent has not."""
    await strict.ready()
    socket = strict.sockets[READER]
    socket.held.acquire()
    gone = [asyncio.ensure_future(strict.verify(WRONG)) for _ in range(2)]
    await asyncio.sleep(0.02)
    for call in gone:
        call.cancel()
    await asyncio.wait(gone)
    # They hold their places until it is certain that nothing will be sent.
    assert (await refused(strict.verify())).code is ErrorCode.READER_BUSY
    socket.held.release()
    await strict.rows()
    assert socket.codes_sent == []
    await go_in_the_midst(strict, strict.verify(WRONG))
    await go_in_the_midst(strict, strict.verify(WRONG, SIGNATURE))
    assert (await refused(strict.verify())).code is ErrorCode.REQUEST_TOO_MANY_WRONG
