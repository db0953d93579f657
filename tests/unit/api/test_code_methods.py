"""The methods of io.sithsd.Codes: what a program is told before it asks a person, and what it gets back."""

from dataclasses import replace

import pytest
from both_interfaces import DESK, HOLDER, ORDINARY, Socket, open_daemon
from card_bench import NEW_PIN, PIN, PUK, WRONG, WRONG_PUK
from session_house import ALSO_CHOSEN, CHOSEN, READER, policy_with, refused

from sithsd.api import code_wire, wire
from sithsd.api.message import error_parameters
from sithsd.errors import ErrorCode
from sithsd.policy.new_code import Level, Rule
from sithsd.secret import Secret
from sithsd.validity.judge import Judge
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE
ITEMS = ("holderPresent", "idDocument", "orderDate", "responsibilityLetter", "paymentApplies", "receiptDate")


def given(**other: bool | str) -> list[code_wire.Answer]:
    """Return answers to the shipped checklist as a client gives them."""
    said: dict[str, bool | str] = {
        "holderPresent": True,
        "idDocument": True,
        "orderDate": "2024-01-10",
        "responsibilityLetter": True,
        "paymentApplies": True,
        "receiptDate": "2023-12-24",
    } | other
    return [
        code_wire.Answer(id=name, date=answer)
        if isinstance(answer, str)
        else code_wire.Answer(id=name, confirmed=answer)
        for name, answer in said.items()
    ]


def chosen() -> dict[str, Secret]:
    """Return the holder's PINs."""
    return {"new_authentication": Secret(CHOSEN), "new_signature": Secret(ALSO_CHOSEN), "puk": Secret(PUK)}


# Guidance.


async def test_guidance_for_a_ready_card(daemon: Socket) -> None:
    """All that is needed to ask a person: codes read now, rules, lengths, the checklist, who may do what."""
    bench = await daemon.house.ready()
    bench.give(SIGNATURE, WRONG)
    reply = await daemon.call("GetGuidance", DESK)
    assert (reply["reader"], reply["cardSerial"]) == (READER, bench.card.image.serial.hex().upper())
    assert reply["sequence"] == daemon.house.view().sequence
    assert (reply["kind"], reply["activation"], reply["toActivate"]) == ("ordinary", "puk", [])
    assert {code["role"]: code["triesLeft"] for code in reply["codes"]} == bench.tries()
    assert (reply["unblocking"], reply["mayUnblock"], reply["pukFloor"]) == ("holder", True, 3)
    assert {rule["rule"]: rule["level"] for rule in reply["rules"]} == {
        str(rule): "warn" if rule is Rule.SAME_AS_OTHER else "refuse" for rule in Rule
    }
    assert (reply["minLength"], reply["maxLength"]) == (6, 8)
    assert reply["personalNumbers"] == ["191212121212"]
    assert [item["id"] for item in reply["checklist"]] == list(ITEMS)
    assert reply["checklist"][2]["maxAgeMonths"] == 3
    assert reply["checklist"][5]["when"] == "paymentApplies"
    assert all(item["sv"] and item["en"] for item in reply["checklist"])
    assert (reply["padVerify"], reply["padModify"]) == (False, False)
    assert daemon.house.sockets[READER].codes_sent == []


@pytest.mark.parametrize(
    ("name", "activation", "due"),
    [
        ("inactive", "puk", ["authentication", "signature"]),
        ("transport", "transport-pin", ["authentication", "signature"]),
        ("ordinary", "puk", []),
    ],
)
async def test_guidance_for_a_new_card(daemon: Socket, name: str, activation: str, due: list[str]) -> None:
    """Which PINs wait for their first value, and what gives it to them."""
    await daemon.house.ready(name)
    reply = await daemon.call("GetGuidance", DESK)
    assert reply["toActivate"] == due
    assert reply["activation"] == activation


async def test_guidance_is_of_one_card(daemon: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card changed in the midst of it is told as that: never one card's person with another one's codes."""
    house = daemon.house
    await house.ready()
    slot = house.slot()
    read_codes = slot.read_codes

    async def changed_before() -> object:
        monkeypatch.undo()
        house.remove()
        await house.ready("reserve")
        return await read_codes()

    monkeypatch.setattr(type(slot), "read_codes", lambda _: changed_before())
    error = await refused(daemon.call("GetGuidance", DESK))
    assert error.code is ErrorCode.CARD_CHANGED
    assert error.where.card_serial == house.view().card.serial
    assert (await daemon.call("GetGuidance", DESK))["cardSerial"] == house.view().card.serial


async def test_guidance_by_caller_and_holder(daemon: Socket) -> None:
    """Who may unblock at a desk's card is told; numbers to those who may see them, a protected person's to nobody."""
    await daemon.house.ready("desk")
    assert (await daemon.call("GetGuidance", DESK))["mayUnblock"] is True
    assert (await daemon.call("GetGuidance", HOLDER))["mayUnblock"] is False
    assert (await daemon.call("GetGuidance", DESK))["personalNumbers"] == ["191212121212"]
    assert (await daemon.call("GetGuidance", HOLDER))["personalNumbers"] == []
    slot = daemon.house.slot()
    view = slot.view
    holder = replace(view.card.facts.holder, protected=True)
    slot._shown.view = replace(view, card=replace(view.card, facts=replace(view.card.facts, holder=holder)))
    assert (await daemon.call("GetGuidance", DESK))["personalNumbers"] == []


async def test_guidance_follows_the_policy(judge: Judge) -> None:
    """Rules that are off are not named, the site's lengths and floor are told."""
    levels = {Rule.ASCENDING: Level.WARN, Rule.BIRTH_DATE: Level.OFF}
    policy = policy_with(new_code={"levels": levels, "min_length": 7}, puk={"floor": 5}, pin_pad={"enabled": False})
    async with open_daemon(judge, policy) as daemon:
        await daemon.house.ready()
        reply = await daemon.call("GetGuidance", DESK)
    assert reply["rules"] == [
        {"rule": "digits", "level": "refuse"},
        {"rule": "length", "level": "refuse"},
        {"rule": "ascending", "level": "warn"},
    ]
    assert (reply["minLength"], reply["maxLength"], reply["pukFloor"]) == (7, 8, 5)


# The operations.


async def test_change(daemon: Socket) -> None:
    """The new value counts from then on; the reply is as for any operation."""
    bench = await daemon.house.ready()
    serial = bench.card.image.serial.hex().upper()
    parameters = {"role": AUTHENTICATION, "code": Secret(PIN), "new_code": Secret(NEW_PIN), "card_serial": serial}
    reply = await daemon.call("Change", DESK, **parameters, expected_tries=3)
    assert reply == {
        "reader": READER,
        "cardSerial": serial,
        "sequence": daemon.house.view().sequence,
        "role": "authentication",
        "triesLeft": 3,
        "warnings": [],
    }
    error = await refused(daemon.call("Verify", HOLDER, role=AUTHENTICATION, code=Secret(PIN)))
    assert (error.code, error.tries_left) == (ErrorCode.PIN_WRONG, 2)
    await daemon.call("Verify", HOLDER, role=AUTHENTICATION, code=Secret(NEW_PIN))


async def test_activate(daemon: Socket) -> None:
    """One call sets both PINs; the row has the caller, its program, and the answers."""
    bench = await daemon.house.ready("inactive")
    reply = await daemon.call("Activate", DESK, **chosen(), answers=given())
    assert (reply["done"], reply["warnings"]) == (["authentication", "signature"], [])
    assert {code["role"]: code["activated"] for code in reply["codes"]} == dict.fromkeys(map(str, Role), True)
    (row,) = await daemon.house.rows()
    assert (row.uid, row.pid, row.program) == (DESK.uid, DESK.pid, "program 2")
    assert row.checklist is not None
    assert '"receiptDate":"2023-12-24"' in row.checklist
    await daemon.call("Verify", DESK, role=SIGNATURE, code=Secret(ALSO_CHOSEN))
    assert bench.locked()


async def test_activate_by_transport_codes(daemon: Socket) -> None:
    """The same with the codes that the card came with."""
    await daemon.house.ready("transport")
    codes = {"transport_authentication": Secret(b"502814"), "transport_signature": Secret(b"739261")}
    parameters = {"new_authentication": Secret(CHOSEN), "new_signature": Secret(ALSO_CHOSEN)} | codes
    expected = [
        code_wire.ExpectedTries(role=AUTHENTICATION, tries_left=3),
        code_wire.ExpectedTries(role=SIGNATURE, tries_left=2),
    ]
    error = await refused(daemon.call("Activate", DESK, **parameters, answers=given(), expected=expected))
    assert (error.code, error.role) == (ErrorCode.PIN_TRIES_CHANGED, "signature")
    assert daemon.house.sockets[READER].codes_sent == []
    reply = await daemon.call("Activate", DESK, **parameters, answers=given(), expected=expected[:1])
    assert reply["done"] == ["authentication", "signature"]


@pytest.mark.parametrize(
    "answers",
    [
        [*given(), code_wire.Answer(id="idDocument", confirmed=True)],
        [code_wire.Answer(id="holderPresent")],
        [code_wire.Answer(id="holderPresent", confirmed=True, date="2024-01-10")],
        given(orderDate="10/1 2024"),
        given(orderDate="20240110"),
        given(orderDate="2024-W02-3"),
        given(orderDate="2024-02-30"),
        given(orderDate=""),
        given(passport="2024-01-10"),
    ],
)
async def test_answers_that_make_no_sense(daemon: Socket, answers: list[code_wire.Answer]) -> None:
    """Twice, neither, both, no date, or to no question: request.invalid, nothing sent, no row, and no echo."""
    await daemon.house.ready("inactive")
    sent = len(daemon.house.sockets[READER].sent)
    error = await refused(daemon.call("Activate", DESK, **chosen(), answers=answers))
    assert error.code is ErrorCode.REQUEST_INVALID
    assert not any(str(answer.date) in error.detail for answer in answers if answer.date)
    assert "passport" not in error.detail
    assert len(daemon.house.sockets[READER].sent) == sent
    assert await daemon.house.rows() == []


@pytest.mark.parametrize(
    ("method", "codes"),
    [("Verify", ["code"]), ("Change", ["code", "new_code"]), ("Unblock", ["puk", "new_code"])],
)
async def test_codes_at_the_pad_or_in_the_call(daemon: Socket, method: str, codes: list[str]) -> None:
    """A code that is missing is request.invalid, and so is one given beside pinPad, by which the pad is asked for."""
    await daemon.house.ready()
    whole = {name: Secret(b"739154") for name in codes}
    for name in codes:
        parameters: dict[str, object] = {other: code for other, code in whole.items() if other != name}
        error = await refused(daemon.call(method, DESK, role=AUTHENTICATION, **parameters))
        assert (error.code, "missing" in error.detail) == (ErrorCode.REQUEST_INVALID, True)
        error = await refused(daemon.call(method, DESK, role=AUTHENTICATION, pin_pad=True, **{name: whole[name]}))
        assert error.code is ErrorCode.REQUEST_INVALID
    assert await daemon.house.rows() == []
    error = await refused(daemon.call(method, DESK, role=AUTHENTICATION, pin_pad=True))
    assert error.code is ErrorCode.PINPAD_ABSENT
    assert daemon.house.sockets[READER].codes_sent == []


# What errors tell.


async def test_what_errors_tell_beside_their_code(daemon: Socket) -> None:
    """Rules, advice, what was done, and when to come back are fields of the error on the wire."""
    bench = await daemon.house.ready()
    change = {"role": AUTHENTICATION, "code": Secret(PIN), "new_code": Secret(b"111111")}
    said = wire.to_json(error_parameters(await refused(daemon.call("Change", DESK, **change))))
    assert (said["code"], said["rules"], said["role"]) == ("pin.refused", ["allSame"], "authentication")
    assert (said["reader"], said["cardSerial"]) == (READER, bench.card.image.serial.hex().upper())
    unblock = {"role": AUTHENTICATION, "puk": Secret(WRONG_PUK), "new_code": Secret(CHOSEN)}
    said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", DESK, **unblock, expected_tries=9))))
    assert (said["code"], said["triesLeft"], said["role"]) == ("puk.triesChanged", 10, "puk")
    for left in range(9, 3, -1):
        said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", DESK, **unblock))))
        assert (said["code"], said["triesLeft"]) == ("puk.wrong", left)
    said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", DESK, **unblock))))
    assert (said["code"], said["retryAfter"], said["triesLeft"]) == ("request.tooManyWrong", 900, None)
    daemon.house.seconds += 900
    for left in (3, 2):
        said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", DESK, **unblock))))
        assert said["triesLeft"] == left
    said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", DESK, **unblock, spend_last_try=True))))
    assert (said["code"], said["advice"]) == ("puk.belowFloor", "letter.reorder")
    said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", DESK, **unblock, risk_card=True))))
    assert (said["code"], said["triesLeft"]) == ("puk.wrong", 1)


async def test_what_a_half_done_activation_tells(daemon: Socket) -> None:
    """The roles whose PIN was set before the error."""
    await daemon.house.ready("transport")
    codes = {"transport_authentication": Secret(b"502814"), "transport_signature": Secret(WRONG)}
    parameters = {"new_authentication": Secret(CHOSEN), "new_signature": Secret(ALSO_CHOSEN)} | codes
    error = await refused(daemon.call("Activate", DESK, **parameters, answers=given()))
    said = wire.to_json(error_parameters(error))
    assert (said["code"], said["role"], said["done"]) == ("pin.wrong", "signature", ["authentication"])


async def test_a_desks_work_is_for_the_desk(daemon: Socket) -> None:
    """Who sits at the machine uses cards, and does not do what only a desk may."""
    await daemon.house.ready("desk")
    await daemon.call("Verify", HOLDER, role=AUTHENTICATION, code=Secret(PIN))
    unblock = {"role": AUTHENTICATION, "puk": Secret(PUK), "new_code": Secret(CHOSEN)}
    said = wire.to_json(error_parameters(await refused(daemon.call("Unblock", HOLDER, **unblock))))
    assert (said["code"], said["advice"]) == ("unblock.deskOnly", "unblock.atDesk")
    error = await refused(daemon.call("Activate", HOLDER, **chosen(), answers=given()))
    assert error.code is ErrorCode.UNBLOCK_DESK_ONLY
    await daemon.call("Unblock", DESK, **unblock)


# Notices.


async def test_notices_in_list_and_stream(daemon: Socket) -> None:
    """A try that others burnt is in List from then on, and in a stream that runs exactly once."""
    bench = await daemon.house.ready()
    serial = bench.card.image.serial.hex().upper()
    stream = daemon.stream(ORDINARY)
    assert (await anext(stream))["notices"] == []
    bench.give(AUTHENTICATION, WRONG)
    await daemon.call("GetCodes", ORDINARY)
    seen = [await anext(stream)]
    (notice,) = (await daemon.call("List", ORDINARY))["notices"]
    assert notice == {
        "code": "code.triesLostElsewhere",
        "at": "2024-01-15T12:30:00Z",
        "sequence": notice["sequence"],
        "reader": READER,
        "cardSerial": serial,
        "role": "authentication",
        "triesBefore": 3,
        "triesAfter": 2,
        "happened": None,
    }
    daemon.house.remove()
    seen.append(await anext(stream))
    daemon.house.insert(bench)
    seen.append(await anext(stream))
    await stream.aclose()
    assert [one for reply in seen for one in reply["notices"]] == [notice]
    later = daemon.stream(ORDINARY)
    assert (await anext(later))["notices"] == [notice]
    await later.aclose()


async def test_a_slow_taker_gets_every_notice_once(daemon: Socket) -> None:
    """However seldom a client reads, up to 32 notices between two replies none is lost, and none comes twice."""
    bench = await daemon.house.ready()
    stream = daemon.stream(ORDINARY)
    await anext(stream)
    got = []
    for burst in (1, 2, 16):
        for _ in range(burst):
            for _ in range(2):
                bench.give(AUTHENTICATION, WRONG)
                await daemon.call("GetCodes", ORDINARY)
            bench.give(AUTHENTICATION, PIN)
            bench.channel.reset()
            await daemon.call("GetCodes", ORDINARY)
        got += (await anext(stream))["notices"]
    await stream.aclose()
    assert [one["triesAfter"] for one in got] == [2, 1] * 19
    numbers = [one["sequence"] for one in got]
    assert numbers == sorted(set(numbers))
