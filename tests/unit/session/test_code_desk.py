"""The desk for codes: what is refused before the card is touched, and what a person is told to do."""

from datetime import timedelta

import pytest
from card_bench import NEW_PIN, PIN, PUK, TODAY, WRONG, WRONG_PUK
from session_house import (
    ASKER,
    CHOSEN,
    HOLDER,
    READER,
    House,
    answers,
    last_row,
    refused,
    untouched,
)

from sithsd.card.guard import Word
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.session.orders import ChangeOrder, Order, UnblockOrder, VerifyOrder
from sithsd.values import Role

AUTHENTICATION, SIGNATURE = Role.AUTHENTICATION, Role.SIGNATURE
SPEND = Word(last_try=True)
TRANSPORT = {AUTHENTICATION: b"502814", SIGNATURE: b"739261"}


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        (b"12345", "length"),
        (b"123457890", "length"),
        (b"12a456", "digits"),
        (b"\xff\xff\xff\xff\xff\xff", "digits"),
        (PIN, "sameAsOld"),
        (b"777777", "allSame"),
        (b"345678", "ascending"),
        (b"890123", "ascending"),
        (b"987654", "descending"),
        (b"121212", "personalNumber"),
        (b"19121212", "birthDate"),
        (b"12121912", "birthDate"),
        (b"21212", "length"),
        (b"212121", "personalNumber"),
    ],
)
async def test_a_new_pin_that_breaks_a_rule(house: House, new: bytes, rule: str) -> None:
    """Each rule refuses by its name, in a change, an unblocking and an activation alike; the code is not echoed."""
    await house.ready()
    error = await untouched(house, house.change(PIN, new))
    assert error.code is ErrorCode.PIN_REFUSED
    assert rule in error.more.rules
    assert (error.role, error.where.reader) == ("authentication", READER)
    assert error.where.card_serial == house.view().card.serial
    if rule != "sameAsOld":
        error = await untouched(house, house.unblock(PUK, new))
        assert rule in error.more.rules
        error = await untouched(house, house.activate({AUTHENTICATION: CHOSEN, SIGNATURE: new}))
        assert rule in error.more.rules
        assert error.role == "signature"


async def test_a_part_of_the_holders_number_on_other_cards(house: House) -> None:
    """The holder's number is taken from the card itself: a card that has none refuses no part of it."""
    bench = await house.ready("protected")
    await house.change(PIN, b"212121")
    assert bench.tries()[AUTHENTICATION] == 3


async def test_a_warning_is_told_and_no_obstacle(house: House, strict: House) -> None:
    """Two PINs alike: done with a warning by the shipped policy, refused by a stricter one."""
    await house.ready("inactive")
    done = await house.activate({AUTHENTICATION: CHOSEN, SIGNATURE: CHOSEN})
    assert done.warnings == ("sameAsOther",)
    assert done.roles == (AUTHENTICATION, SIGNATURE)
    await strict.ready("inactive")
    error = await untouched(strict, strict.activate({AUTHENTICATION: CHOSEN, SIGNATURE: CHOSEN}))
    assert error.more.rules == ("sameAsOther",)
    assert (await strict.activate()).warnings == ()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ("holderPresent", "idDocument", "orderDate", "responsibilityLetter", "paymentApplies")),
        (answers(holderPresent=False), ("holderPresent",)),
        (answers(orderDate=TODAY.date() + timedelta(days=1)), ("orderDate",)),
        (answers(orderDate=TODAY.date() - timedelta(days=93)), ("orderDate",)),
        (answers(paymentApplies=True), ("receiptDate",)),
        (answers(paymentApplies=True, receiptDate=TODAY.date() - timedelta(days=367)), ("receiptDate",)),
        (answers(orderDate=True), ("orderDate",)),
    ],
)
async def test_a_checklist_that_is_not_fulfilled(house: House, given: dict, missing: tuple[str, ...]) -> None:
    """What is missing, refused or too old is named, item by item."""
    await house.ready("inactive")
    error = await untouched(house, house.activate(given=given))
    assert error.code is ErrorCode.ACTIVATION_CHECKLIST
    assert error.more.rules == missing


async def test_an_answer_to_no_question(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer to something that is not asked may be a number that nobody is to keep: refused, and not echoed."""
    await house.ready("inactive")
    error = await untouched(house, house.activate(given=answers(passport8765432=True)))
    assert error.code is ErrorCode.REQUEST_INVALID
    assert "8765432" not in str(error) + repr(error.more) + capsys.readouterr().out


async def test_what_only_a_desk_operator_may(house: House) -> None:
    """With a card that a desk unblocks, a holder is refused by name and told where to go; the rest is free."""
    bench = await house.ready("desk")
    for call in (house.unblock(asker=HOLDER), house.activate(asker=HOLDER)):
        error = await untouched(house, call)
        assert error.code is ErrorCode.UNBLOCK_DESK_ONLY
        assert error.more.advice == "unblock.atDesk"
    await house.verify(asker=HOLDER)
    await house.perform(ChangeOrder(AUTHENTICATION, Secret(PIN), Secret(NEW_PIN)), HOLDER)
    bench.give(AUTHENTICATION, WRONG)
    await house.unblock(new=CHOSEN, asker=ASKER)
    await house.verify(CHOSEN)


async def test_a_holder_unblocks_a_holders_card(house: House) -> None:
    """With other cards a holder may."""
    await house.ready()
    await house.unblock(asker=HOLDER)


async def test_pads_that_the_policy_forbids(strict: House, house: House) -> None:
    """Without pads by policy an order for one touches nothing; with them it is the reader that has none.

    Half at the pad and half in the order is no order at all.
    """
    absent, invalid = ErrorCode.PINPAD_ABSENT, ErrorCode.REQUEST_INVALID
    orders: list[tuple[Order, ErrorCode]] = [
        (VerifyOrder(AUTHENTICATION, None), absent),
        (ChangeOrder(AUTHENTICATION, None, None), absent),
        (ChangeOrder(AUTHENTICATION, Secret(PIN), None), invalid),
        (UnblockOrder(AUTHENTICATION, None, None), absent),
        (UnblockOrder(AUTHENTICATION, Secret(PUK), None), invalid),
    ]
    await strict.ready()
    await house.ready()
    for count, (order, expected) in enumerate(orders, start=1):
        assert (await untouched(strict, strict.perform(order))).code is absent
        assert (await refused(house.perform(order))).code is expected
        assert (await last_row(house, count)).result == expected
    assert house.sockets[READER].codes_sent == []


@pytest.mark.parametrize(
    ("name", "blocked", "dead", "near"),
    [
        ("ordinary", "unblock.withPuk", "card.orderNew", "letter.reorder"),
        ("desk", "unblock.atDesk", "card.orderNew", "unblock.atDesk"),
        ("reserve", "reserve.withPuk", "reserve.newCard", "reserve.newCard"),
    ],
)
async def test_advice_by_kind_of_card(house: House, name: str, blocked: str, dead: str, near: str) -> None:
    """What to do about a blocked PIN, a PUK that gets scarce, and a dead one depends on the card."""
    bench = await house.ready(name)
    for left in (2, 1):
        error = await refused(house.verify(WRONG))
        assert (error.tries_left, error.more.advice) == (left, None)
    assert (await refused(house.verify(WRONG))).more.advice is None
    assert (await refused(house.verify(WRONG, word=SPEND))).more.advice == blocked
    assert (await refused(house.verify())).more.advice == blocked
    for _ in range(8):
        give_wrong_puk(bench)
    error = await refused(house.unblock())
    assert (error.code, error.more.advice) == (ErrorCode.PUK_BELOW_FLOOR, near)
    give_wrong_puk(bench)
    error = await refused(house.unblock())
    assert (error.code, error.more.advice) == (ErrorCode.PUK_LAST_TRY, near)
    error = await refused(house.unblock(WRONG_PUK, word=Word(last_try=True, risk_card=True)))
    assert (error.code, error.tries_left, error.more.advice) == (ErrorCode.PUK_WRONG, 0, dead)
    error = await refused(house.unblock())
    assert (error.code, error.more.advice) == (ErrorCode.PUK_BLOCKED, dead)


def give_wrong_puk(bench: object) -> None:
    """Have another program give the card a wrong PUK."""
    terms = {terms.role: terms for terms in bench.card.image.codes}
    data = WRONG_PUK.ljust(terms["puk"].stored_length, b"\xff") + NEW_PIN.ljust(
        terms["authentication"].stored_length, b"\xff"
    )
    bench.channel.transmit(bytes((0, 0x2C, 0, terms["authentication"].reference, len(data))) + data)
