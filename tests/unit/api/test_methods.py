"""The methods of both interfaces over the session room: what they say, to whom, and what never leaves them."""

import asyncio
import base64
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from both_interfaces import DESK, HOLDER, ORDINARY, Socket
from session_house import LONG, READER, Judge, refused, told

from sithsd.api import views
from sithsd.api.peer import Caller
from sithsd.api.rights import everyone
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.session.model import ReaderStatus
from sithsd.simulator.pkcs15 import PATHS
from sithsd.validity.revocation.model import RevocationStatus
from sithsd.values import Role

NUMBER = "191212121212"
# The number with or without its century, and with anything between date and the last four digits.
ANY_FORM = re.compile(r"(19)?121212\W?1212(?!\d)")


def text_of(reply: object) -> str:
    """Return a reply as it goes over the wire, with what base64 hides laid open."""
    text = json.dumps(reply, ensure_ascii=False)
    hidden = [base64.b64decode(found).decode("latin-1") for found in re.findall(r'"der": "([^"]+)"', text)]
    return text + "\n".join(hidden)


async def everything(daemon: Socket, caller: Caller, **parameters: object) -> str:
    """Return all that an interface says of the card to a caller."""
    replies = [
        await daemon.call(name, caller, **parameters) for name in ("List", "GetCertificates", "GetValidity", "GetCodes")
    ]
    stream = daemon.stream(caller, **parameters)
    replies.append(await anext(stream))
    await stream.aclose()
    return "\n".join(map(text_of, replies))


@pytest.mark.parametrize("name", ["ordinary", "reserve", "old", "second", "expired", "inactive", "protected"])
async def test_no_personal_identity_number_for_an_ordinary_caller(daemon: Socket, name: str) -> None:
    """Nobody without the right sees the number in any form, in any reply, or in any certificate's bytes."""
    await daemon.house.ready(name)
    said = await everything(daemon, ORDINARY)
    assert ANY_FORM.search(said) is None


async def test_the_number_for_those_who_may_see_it(daemon: Socket) -> None:
    """With the right, and on demand, the number is shown; with the right alone it stays masked where it can be."""
    await daemon.house.ready()
    reply = await daemon.call("List", DESK, unmasked=True)
    assert reply["readers"][0]["card"]["holder"]["personalIdentityNumber"] == NUMBER
    assert ANY_FORM.search(text_of(reply))
    masked = await daemon.call("List", DESK)
    assert masked["readers"][0]["card"]["holder"]["personalIdentityNumber"] == "19121212-****"
    assert ANY_FORM.search(text_of(masked)) is None
    subjects = [entry["subject"] for entry in (await daemon.call("GetValidity", DESK, unmasked=True))["certificates"]]
    assert any(NUMBER in subject for subject in subjects)
    stream = daemon.stream(DESK, unmasked=True)
    assert ANY_FORM.search(text_of(await anext(stream)))
    await stream.aclose()


async def test_unmasked_is_denied_to_others(daemon: Socket) -> None:
    """Asking for the number without the right is request.denied in every method, also where it would change nothing."""
    await daemon.house.ready()
    for name in ("List", "GetCertificates", "GetValidity", "GetCodes"):
        assert (await refused(daemon.call(name, ORDINARY, unmasked=True))).code is ErrorCode.REQUEST_DENIED
        await daemon.call(name, ORDINARY, unmasked=False)
    assert (await refused(anext(daemon.stream(ORDINARY, unmasked=True)))).code is ErrorCode.REQUEST_DENIED


async def test_one_callers_right_is_not_the_nexts(daemon: Socket) -> None:
    """What was put into words for a caller with the right is not shown to one without, nor the other way round."""
    await daemon.house.ready()
    for _ in range(3):
        assert ANY_FORM.search(text_of(await daemon.call("List", DESK, unmasked=True)))
        assert ANY_FORM.search(text_of(await daemon.call("List", ORDINARY))) is None


async def test_whose_certificates_are_handed_out(daemon: Socket) -> None:
    """Certificates with a personal identity number go whole only to those who may see it; others go to everybody."""
    bench = await daemon.house.ready()
    files = {file.content for file in bench.card.image.files if file.path not in PATHS.values()}
    mine = (await daemon.call("GetCertificates", ORDINARY))["certificates"]
    assert [entry.get("der") is not None for entry in mine] == [True, True, False, False]
    assert [entry["identity"] for entry in mine] == ["hsaId", "hsaId", *["personalIdentityNumber"] * 2]
    desk = (await daemon.call("GetCertificates", DESK))["certificates"]
    assert {base64.b64decode(entry["der"]) for entry in desk} == files
    for name in ("List", "GetValidity"):
        assert '"der": "' not in json.dumps(await daemon.call(name, DESK, unmasked=True))


async def test_list_names_reader_card_and_event(daemon: Socket) -> None:
    """The reply tells readers, their states, the card, its codes and certificates, and the number of the last event."""
    bench = await daemon.house.ready()
    reply = await daemon.call("List", ORDINARY)
    assert reply["service"] is True
    assert reply["sequence"] == daemon.house.board.picture.sequence
    (reader,) = reply["readers"]
    assert (reader["name"], reader["state"], reader["reason"]) == (READER, "ready", None)
    shown = reader["card"]
    assert shown["serial"] == bench.card.image.serial.hex().upper()
    assert (shown["profile"], shown["environment"], shown["kind"]) == ("sim_pkcs15", "sim", "ordinary")
    assert shown["levelOfAssurance"] == 3
    assert shown["holder"]["hsaId"] == "SE2321000016-SIM1"
    assert [(code["role"], code["triesLeft"], code["blocked"]) for code in shown["codes"]] == [
        ("authentication", 3, False),
        ("signature", 3, False),
        ("puk", 10, False),
    ]
    assert [entry["purpose"] for entry in shown["certificates"]] == ["authentication", "signature"] * 2
    assert {entry["verdict"]["status"] for entry in shown["certificates"]} == {"unknown"}
    assert shown["atr"] == bench.channel.atr.hex().upper()


async def test_states_without_a_card(daemon: Socket) -> None:
    """An empty reader has no card; one with an unreadable card has its ATR and the reason."""
    daemon.house.plug()
    (reader,) = (await daemon.call("List", ORDINARY))["readers"]
    assert (reader["state"], reader["card"]) == ("empty", None)
    daemon.house.insert("broken")
    await daemon.house.status(ReaderStatus.UNREADABLE)
    (reader,) = (await daemon.call("List", ORDINARY))["readers"]
    assert (reader["state"], reader["reason"]) == ("unreadable", "card.unreadable")
    assert reader["card"]["serial"] is None
    assert reader["card"]["kind"] == reader["card"]["environment"] == "unknown"
    assert reader["card"]["atr"]
    assert (await refused(daemon.call("GetCertificates", ORDINARY))).code is ErrorCode.CARD_UNREADABLE


async def test_monitor_tells_the_state_first_and_then_changes(daemon: Socket) -> None:
    """The first reply is the state, each later one the newest picture, with the reader that changed."""
    await daemon.house.ready()
    stream = daemon.stream(ORDINARY)
    first = await anext(stream)
    assert (first["event"], first["reader"]) == ("state", None)
    assert first["readers"][0]["state"] == "ready"
    daemon.house.remove()
    second = await anext(stream)
    assert (second["event"], second["reader"]) == ("changed", READER)
    assert second["readers"][0]["state"] == "empty"
    assert second["sequence"] > first["sequence"]
    await stream.aclose()
    assert daemon.house.board._listeners == set()


async def test_validity_is_judged_now(daemon: Socket) -> None:
    """GetValidity judges at the time of the call, the card's memory keeps the judgement of its insertion."""
    await daemon.house.ready()
    clock = daemon.house.tools.clock
    reply = await daemon.call("GetValidity", ORDINARY)
    assert all("date.expired" not in entry["verdict"]["reasons"] for entry in reply["certificates"])
    clock.set(clock.now() + timedelta(days=5 * 365))
    reply = await daemon.call("GetValidity", ORDINARY)
    assert {entry["verdict"]["status"] for entry in reply["certificates"]} == {"bad"}
    assert all("date.expired" in entry["verdict"]["reasons"] for entry in reply["certificates"])


async def test_validity_tells_what_is_to_be_done(daemon: Socket) -> None:
    """GetValidity tells it at the time of the call, by rule and action, and from when on it is something else."""
    await daemon.house.ready()
    clock = daemon.house.tools.clock
    clock.set(datetime(2024, 1, 15, 22, 59, 59, tzinfo=UTC))
    reply = await daemon.call("GetValidity", ORDINARY)
    assert (reply["advice"], reply["adviceChanges"]) == ([], "2024-01-15T23:00:00Z")
    clock.set(datetime(2024, 1, 15, 23, 0, 0, tzinfo=UTC))
    reply = await daemon.call("GetValidity", ORDINARY)
    assert reply["advice"] == [
        {
            "rule": "freeze.totalStop",
            "action": "carry.card",
            "by": "2024-01-25T11:00:00Z",
            "since": "2024-01-23T11:00:00Z",
            "freeze": "2023/24",
            "freezeBegins": "2023-11-30T23:00:00Z",
            "freezeEnds": "2024-01-25T23:00:00Z",
            "months": None,
        }
    ]
    assert reply["adviceChanges"] == "2024-01-25T11:00:00Z"
    # Where a card ends the change is told as the first whole second at which it has ended.
    not_after = datetime.fromisoformat(min(entry["notAfter"] for entry in reply["certificates"]))
    clock.set(not_after)
    reply = await daemon.call("GetValidity", ORDINARY)
    assert [one["action"] for one in reply["advice"]] == ["renew.soon"]
    assert reply["adviceChanges"] == views.moment(not_after + timedelta(seconds=1))
    clock.set(not_after + timedelta(seconds=1))
    reply = await daemon.call("GetValidity", ORDINARY)
    assert [one["action"] for one in reply["advice"]] == ["order.now"]
    assert reply["adviceChanges"] is None


async def test_what_is_remarkable_of_a_card_is_told_with_its_certificates(daemon: Socket) -> None:
    """The notes of the card are in the replies about its certificates too, as in List."""
    await daemon.house.ready("protected")
    listed = (await daemon.call("List", ORDINARY))["readers"][0]["card"]["notes"]
    assert listed == ["holder.protectedAssumed"]
    for name in ("GetValidity", "GetCertificates"):
        assert (await daemon.call(name, ORDINARY))["notes"] == listed


async def test_validity_asks_about_revocation(daemon: Socket, judge: Judge) -> None:
    """GetValidity asks and waits for the answer; what it learns is in memory for those who only look, and an event."""
    house = daemon.house
    await house.ready()
    await house.alarm.next_wait()
    stream = daemon.stream(ORDINARY)
    await anext(stream)
    revoked = {
        "status": RevocationStatus.REVOKED,
        "revoked_at": house.clock.now(),
        "revocation_reason": "keyCompromise",
    }
    house.informant.answers = lambda certificate: told(judge, certificate, house.clock.now(), **revoked)
    reply = await daemon.call("GetValidity", ORDINARY)
    for entry in reply["certificates"]:
        assert entry["verdict"]["status"] == "bad"
        assert entry["verdict"]["reasons"][0] == "revocation.revoked"
        assert [(one["status"], one["revocationReason"]) for one in entry["evidence"]] == [
            ("revoked", "keyCompromise"),
            ("good", None),
        ]
    async with asyncio.timeout(LONG):
        changed = await anext(stream)
    await stream.aclose()
    assert changed["event"] == "changed"
    shown = [entry["verdict"] for entry in changed["readers"][0]["card"]["certificates"]]
    assert shown == [entry["verdict"] for entry in reply["certificates"]]
    listed = (await daemon.call("List", ORDINARY))["readers"][0]["card"]["certificates"]
    assert [entry["evidence"] for entry in listed] == [entry["evidence"] for entry in reply["certificates"]]


async def test_fresh_answers_on_demand(daemon: Socket) -> None:
    """A caller may want the issuers asked anew; nobody else's question is more than an ordinary one."""
    house = daemon.house
    await house.ready()
    await house.alarm.next_wait()
    for call, fresh in (({}, False), ({"fresh": True}, True), ({"fresh": False}, False)):
        house.informant.asked.clear()
        await daemon.call("GetValidity", ORDINARY, **call)
        assert [one for _, one in house.informant.asked] == 4 * [fresh]
    house.informant.asked.clear()
    for name in ("List", "GetCertificates", "GetCodes"):
        await daemon.call(name, ORDINARY)
    assert house.informant.asked == []


async def test_a_card_that_goes_while_others_are_asked_about_it(daemon: Socket) -> None:
    """The reply names the card whose certificates are in it, not the one that is in its place by then."""
    house = daemon.house
    bench = await house.ready()
    await house.alarm.next_wait()
    house.informant.go.clear()
    asking = asyncio.ensure_future(daemon.call("GetValidity", ORDINARY))
    while not house.verdicts._asking:  # noqa: ASYNC110 - there is no event of a question's having been asked
        await asyncio.sleep(0)
    house.remove()
    await house.ready("second")
    house.informant.go.set()
    reply = await asking
    assert reply["cardSerial"] == bench.card.image.serial.hex().upper()
    assert {entry["fingerprint"] for entry in reply["certificates"]}.isdisjoint(
        entry.certificate.fingerprint for entry in house.slot().certificates()
    )


async def test_whose_key_can_be_used(daemon: Socket) -> None:
    """It is told of each certificate whether its key is on the card and the card's family is known to sign."""
    house = daemon.house
    await house.ready()
    found = (await daemon.call("GetCertificates", ORDINARY))["certificates"]
    assert [entry["canSign"] for entry in found] == 4 * [True]
    house.remove()
    await house.ready("reserve")  # of a family that is not known to sign
    found = (await daemon.call("GetCertificates", ORDINARY))["certificates"]
    assert {entry["canSign"] for entry in found} == {False}


async def test_a_card_that_is_being_read_is_waited_for(daemon: Socket) -> None:
    """A call for certificates that comes while the card is read is answered when it was."""
    daemon.house.plug()
    bench = daemon.house.insert()
    reply = await daemon.call("GetCertificates", ORDINARY, reader=READER)
    assert len(reply["certificates"]) == 4
    assert reply["cardSerial"] == bench.card.image.serial.hex().upper()


async def test_get_codes_reads_the_card(daemon: Socket) -> None:
    """The codes' state is read from the card at each call, so tries that others spent are told."""
    bench = await daemon.house.ready()
    bench.give(Role.SIGNATURE, b"111111")
    reply = await daemon.call("GetCodes", ORDINARY)
    assert {code["role"]: code["triesLeft"] for code in reply["codes"]} == {
        "authentication": 3,
        "signature": 2,
        "puk": 10,
    }


async def test_verify_and_unblock(daemon: Socket) -> None:
    """The reply tells reader, card, event, role and the tries that the code has now."""
    bench = await daemon.house.ready()
    serial = bench.card.image.serial.hex().upper()
    reply = await daemon.call("Verify", DESK, role=Role.AUTHENTICATION, code=Secret(b"123456"), card_serial=serial)
    assert reply == {
        "reader": READER,
        "cardSerial": serial,
        "sequence": daemon.house.view().sequence,
        "role": "authentication",
        "triesLeft": 3,
        "warnings": [],
    }
    for left in (2, 1):
        error = await refused(daemon.call("Verify", DESK, role=Role.SIGNATURE, code=Secret(b"111111")))
        assert (error.code, error.tries_left) == (ErrorCode.PIN_WRONG, left)
    error = await refused(daemon.call("Verify", DESK, role=Role.SIGNATURE, code=Secret(b"111111")))
    assert (error.code, error.tries_left) == (ErrorCode.PIN_LAST_TRY, 1)
    spend = daemon.call("Verify", DESK, role=Role.SIGNATURE, code=Secret(b"111111"), spend_last_try=True)
    assert (await refused(spend)).tries_left == 0
    reply = await daemon.call("Unblock", DESK, role=Role.SIGNATURE, puk=Secret(b"12345678"), new_code=Secret(b"246813"))
    assert (reply["role"], reply["triesLeft"]) == ("signature", 3)
    assert bench.locked()


async def test_who_may_call_what(daemon: Socket) -> None:
    """Looking takes the right to look, an operation that to codes, or to a key; what one may do is told to all."""
    for name, method in daemon.cards.methods.items():
        assert method.right == (everyone if name == "GetRights" else daemon.rights.status)
    own = {"Authenticate": daemon.rights.authenticate, "Sign": daemon.rights.sign}
    for name, method in daemon.codes.methods.items():
        assert method.right == own.get(name, daemon.rights.codes)


async def test_a_caller_is_told_its_rights(daemon: Socket) -> None:
    """Each right as it would be decided, and whether the caller sits at the machine."""
    assert await daemon.call("GetRights", ORDINARY) == rights("status")
    assert await daemon.call("GetRights", HOLDER) == rights("status", "codes", "authenticate", "sign", "activeSession")
    assert await daemon.call("GetRights", DESK) == rights(
        "status", "personalNumbers", "codes", "authenticate", "sign", "desk"
    )


def rights(*held: str) -> dict[str, bool]:
    """Return a reply in which these are true."""
    names = ("status", "personalNumbers", "codes", "authenticate", "sign", "desk", "activeSession")
    return {name: name in held for name in names}


async def test_the_log_tells_who_and_what_but_no_code(daemon: Socket, capsys: pytest.CaptureFixture[str]) -> None:
    """An operation is logged with role, tries, uid and pid, a refusal with its name; never a code, nor its length."""
    await daemon.house.ready()
    await daemon.call("Verify", DESK, role=Role.AUTHENTICATION, code=Secret(b"123456"))
    await refused(daemon.call("Verify", DESK, role=Role.AUTHENTICATION, code=Secret(b"864297")))
    said = capsys.readouterr()
    logged = said.out + said.err
    assert "code.verify" in logged
    assert "54322" in logged
    assert "pin.wrong" in logged
    assert "123456" not in logged
    assert "864297" not in logged
