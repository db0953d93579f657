"""The desk for codes: the row of each operation, and no operation without its row."""

import asyncio
import json

import pytest
from card_bench import NEW_PIN, PIN, PUK, WRONG, WRONG_PUK
from session_house import (
    ALSO_CHOSEN,
    ASKER,
    CHOSEN,
    HOLDER,
    READER,
    House,
    answers,
    last_row,
    refused,
)

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.session import order_plan
from sithsd.session.orders import Asker, ChangeOrder, Order, UnblockOrder, VerifyOrder
from sithsd.session.tools import Done
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE
SPEND = Word(last_try=True)
TRANSPORT = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}


async def test_every_operation_has_one_row(house: House) -> None:
    """Each with who, where, which card, which code, the result, and the judged code's tries before and after."""
    bench = await house.ready()
    serial = house.view().card.serial
    someone = Asker(uid=77, pid=78, program="/usr/bin/some\nthing", desk=True)
    changed = Word(expected=2)
    steps: list[tuple[Order, Asker, tuple[object, ...], dict[str, object] | None]] = [
        (VerifyOrder(AUTHENTICATION, Secret(PIN)), ASKER, ("verify", "authentication", "done", 3, 3), None),
        (VerifyOrder(SIGNATURE, Secret(WRONG)), someone, ("verify", "signature", "pin.wrong", 3, 2), None),
        (VerifyOrder(SIGNATURE, Secret(WRONG)), someone, ("verify", "signature", "pin.wrong", 2, 1), None),
        (VerifyOrder(SIGNATURE, Secret(WRONG)), ASKER, ("verify", "signature", "pin.lastTry", 1, 1), None),
        (VerifyOrder(SIGNATURE, Secret(WRONG), SPEND), ASKER, ("verify", "signature", "pin.wrong", 1, 0), None),
        (VerifyOrder(SIGNATURE, Secret(PIN)), ASKER, ("verify", "signature", "pin.blocked", 0, 0), None),
        (
            VerifyOrder(AUTHENTICATION, Secret(b"1")),
            ASKER,
            ("verify", "authentication", "pin.malformed", 3, None),
            None,
        ),
        (
            VerifyOrder(AUTHENTICATION, Secret(PIN), changed),
            ASKER,
            ("verify", "authentication", "pin.triesChanged", 3, 3),
            None,
        ),
        (
            ChangeOrder(AUTHENTICATION, Secret(PIN), Secret(NEW_PIN)),
            ASKER,
            ("change", "authentication", "done", 3, 3),
            None,
        ),
        (
            ChangeOrder(AUTHENTICATION, Secret(PIN), Secret(CHOSEN)),
            ASKER,
            ("change", "authentication", "pin.wrong", 3, 2),
            None,
        ),
        (
            UnblockOrder(SIGNATURE, Secret(WRONG_PUK), Secret(CHOSEN)),
            HOLDER,
            ("unblock", "signature", "puk.wrong", 10, 9),
            {"judged": "puk"},
        ),
        (
            UnblockOrder(SIGNATURE, Secret(PUK), Secret(CHOSEN)),
            HOLDER,
            ("unblock", "signature", "done", 9, 10),
            {"judged": "puk"},
        ),
        (VerifyOrder(Role.PUK, Secret(PUK)), ASKER, ("verify", "puk", "pin.unsupported", 10, None), None),
    ]
    for number, (order, asker, expected, more) in enumerate(steps, start=1):
        house.seconds += 3600
        (outcome,) = await asyncio.gather(house.perform(order, asker), return_exceptions=True)
        row = await last_row(house, number)
        assert (row.operation, row.role, row.result, row.tries_before, row.tries_after) == expected
        assert (row.uid, row.pid) == (asker.uid, asker.pid)
        assert row.program == asker.program.replace("\n", "\N{REPLACEMENT CHARACTER}")
        assert (row.reader, row.card_serial) == (READER, serial)
        assert row.time == "2024-01-15T12:30:00.000000Z"
        assert row.checklist is None
        assert (row.more and json.loads(row.more)) == more
        assert row.result == ("done" if isinstance(outcome, Done) else outcome.code)
    assert bench.locked()


async def test_the_row_of_an_activation(house: House) -> None:
    """It has the checklist's answers as they were given, what was done, and the PUK's tries."""
    await house.ready("inactive")
    error = await refused(house.activate(puk=WRONG_PUK))
    assert (error.code, error.more.done) == (ErrorCode.PUK_WRONG, ())
    row = await last_row(house, 1)
    assert (row.operation, row.role, row.result, row.tries_before, row.tries_after) == (
        "activate",
        None,
        "puk.wrong",
        10,
        9,
    )
    assert json.loads(row.more) == {"judged": "puk", "done": []}
    done = await house.activate()
    assert {state.role: state.activated for state in done.states} == {
        AUTHENTICATION: True,
        SIGNATURE: True,
        Role.PUK: True,
    }
    row = await last_row(house, 2)
    assert (row.result, row.tries_before, row.tries_after) == ("done", 9, 10)
    assert json.loads(row.checklist) == answers(orderDate="2024-01-15")
    assert json.loads(row.more) == {"judged": "puk", "done": ["authentication", "signature"]}
    await house.verify(CHOSEN)
    assert (await refused(house.activate())).code is ErrorCode.ACTIVATION_NOT_NEEDED
    assert house.notices() == []


async def test_the_row_of_an_activation_that_stopped_half_way(house: House) -> None:
    """A wrong transport PIN of the second code: the first is done, and error, row and board say so."""
    bench = await house.ready("transport")
    wrong = TRANSPORT | {SIGNATURE: WRONG}
    error = await refused(house.activate(puk=None, transport=wrong))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, "signature", 2)
    assert error.more.done == ("authentication",)
    row = await last_row(house, 1)
    assert (row.result, row.tries_before, row.tries_after) == ("pin.wrong", 3, 2)
    assert json.loads(row.more) == {"judged": "signature", "done": ["authentication"]}
    await house.slot().settled()
    states = {state.role: state.activated for state in house.view().card.codes}
    assert (states[AUTHENTICATION], states[SIGNATURE]) == (True, False)
    done = await house.activate({SIGNATURE: ALSO_CHOSEN}, None, {SIGNATURE: TRANSPORT[SIGNATURE]})
    assert done.roles == (SIGNATURE,)
    await house.verify(CHOSEN)
    await house.verify(ALSO_CHOSEN, SIGNATURE)
    assert house.shown() == bench.tries()
    assert house.notices() == []


async def test_tries_before_and_after_are_of_one_code(house: House) -> None:
    """An error about the PIN in an operation that was to be judged by the PUK tells no tries of the PUK afterwards."""
    await house.ready("transport")
    error = await refused(house.unblock())
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_NOT_ACTIVATED, "authentication", 3)
    row = await last_row(house, 1)
    assert (row.result, row.tries_before, row.tries_after) == ("pin.notActivated", 10, None)
    assert json.loads(row.more) == {"judged": "puk"}


async def test_no_code_is_in_the_audit_or_the_log(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither file nor log has any digit of a code that was given, right or wrong."""
    await house.ready()
    await house.verify()
    await refused(house.verify(b"718293"))
    await house.change(PIN, b"40718293")
    await house.unblock(PUK, b"508172")
    await refused(house.unblock(b"99887766", CHOSEN))
    await house.rows()
    said = house.audit_file.read_bytes().decode("latin-1") + "".join(capsys.readouterr())
    for code in ("718293", "508172", "12345678", "99887766", CHOSEN.decode()):
        assert code not in said
    assert "123456" not in said.replace(house.view().card.serial, "")


async def test_without_an_audit_nothing_is_sent(house: House) -> None:
    """While the audit can't be written every operation is refused by name; looking goes on; then all is as before."""
    bench = await house.ready()
    house.audit.close()
    kept = house.audit_file.with_suffix(".kept")
    house.audit_file.rename(kept)
    house.audit_file.mkdir()
    sent = len(house.sockets[READER].sent)
    for call in (house.verify(WRONG), house.change(), house.unblock(), house.activate()):
        error = await refused(call)
        assert error.code is ErrorCode.AUDIT_UNAVAILABLE
        assert (error.where.reader, error.where.card_serial) == (READER, house.view().card.serial)
    assert len(house.sockets[READER].sent) == sent
    await house.slot().read_codes()
    house.audit_file.rmdir()
    kept.rename(house.audit_file)
    assert (await refused(house.verify(WRONG))).code is ErrorCode.PIN_WRONG
    assert bench.tries()[AUTHENTICATION] == 2
    assert len(await house.rows()) == 1


async def test_a_bug_has_a_row_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks in an operation is "internal" for the caller and in the row, without its words."""
    await house.ready()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("123456")

    with monkeypatch.context() as patch:
        patch.setattr(order_plan.code_operations, "verify", broken)
        error = await refused(house.verify())
    assert error.code is ErrorCode.INTERNAL
    assert "123456" not in str(error)
    assert (await last_row(house, 1)).result == "internal"
