"""Asking about revocation: how often, how long, about what; and what a verdict is by what was told."""

import asyncio
from datetime import timedelta

import pytest
from session_house import LONG, House, Judge, answer, no_answer, told

from sithsd.certificate.read import Certificate
from sithsd.session.informant import Told
from sithsd.session.model import JudgedCertificate
from sithsd.session.verdicts import Verdicts
from sithsd.validity.revocation.model import Failure, RevocationStatus
from sithsd.values import Status

HOUR = timedelta(hours=1)


async def entries_of(house: House, name: str = "ordinary") -> tuple[JudgedCertificate, ...]:
    """Put a card in, and return its certificates; nobody watches over it, and nobody was asked yet."""
    await house.ready(name)
    watch = house.slot()._vigil.end()
    assert watch is not None
    await asyncio.wait([watch])
    assert house.informant.asked == []
    return house.slot().certificates()


def all_good(house: House, judge: Judge) -> None:
    """Have whoever knows say that nothing is revoked, at each moment anew."""
    house.informant.answers = lambda certificate: told(judge, certificate, house.clock.now())


def verdicts_of(house: House, entries: tuple[JudgedCertificate, ...]) -> set[tuple[str, ...]]:
    """Return each different verdict, as its status and reasons."""
    found = [entry.assessment.verdict for entry in house.verdicts.judged(entries)]
    return {(str(one.status), *one.reasons) for one in found}


async def test_the_three_answers(sure_house: House, sure: Judge) -> None:
    """Nobody: not checked. Somebody: good, revoked, or why it is not known."""
    house = sure_house
    entries = await entries_of(house)
    assert verdicts_of(house, entries) == {("unknown", "revocation.notChecked")}
    house.informant.answers = lambda certificate: Told((no_answer(certificate),))
    await house.verdicts.ask(entries)
    assert verdicts_of(house, entries) == {("unknown", "revocation.unreachable", "revocation.notChecked")}
    all_good(house, sure)
    await house.verdicts.ask(entries)
    assert verdicts_of(house, entries) == {("good",)}
    revoked = {"status": RevocationStatus.REVOKED, "revoked_at": house.clock.now()}
    house.informant.answers = lambda certificate: told(sure, certificate, house.clock.now(), **revoked)
    await house.verdicts.ask(entries)
    assert verdicts_of(house, entries) == {("bad", "revocation.revoked")}


async def test_one_question_for_each_certificate_and_for_all_who_ask(sure_house: House, sure: Judge) -> None:
    """Callers who ask at the same time share the questions, and each of them gets the answers."""
    house = sure_house
    entries = await entries_of(house)
    all_good(house, sure)
    house.informant.go.clear()
    callers = [asyncio.ensure_future(house.verdicts.ask(entries, seconds=LONG)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    house.informant.go.set()
    await asyncio.gather(*callers)
    assert sorted(house.informant.asked) == sorted((entry.certificate.fingerprint, False) for entry in entries)
    assert verdicts_of(house, entries) == {("good",)}
    assert house.verdicts._asking == {}


async def test_nobody_is_waited_for_longer_than_said(sure_house: House, sure: Judge) -> None:
    """Who does not answer holds a caller up for so many seconds and no more; what it tells later is kept, and heard."""
    house = sure_house
    entries = await entries_of(house)
    all_good(house, sure)
    house.informant.go.clear()
    heard = house.verdicts.listen()
    async with asyncio.timeout(LONG):
        await house.verdicts.ask(entries, seconds=0.01)
    assert verdicts_of(house, entries) == {("unknown", "revocation.notChecked")}
    assert not heard.is_set()
    house.informant.go.set()
    async with asyncio.timeout(LONG):
        while verdicts_of(house, entries) != {("good",)}:
            await heard.wait()
            heard.clear()
    house.verdicts.unlisten(heard)
    assert heard not in house.verdicts._listeners


async def test_a_caller_who_goes_takes_nobodys_answer_away(sure_house: House, sure: Judge) -> None:
    """A question goes on when one of those who asked it has gone."""
    house = sure_house
    entries = await entries_of(house)
    all_good(house, sure)
    house.informant.go.clear()
    gone, stays = (asyncio.ensure_future(house.verdicts.ask(entries, seconds=LONG)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    house.informant.go.set()
    await stays
    assert verdicts_of(house, entries) == {("good",)}


async def test_fresh_answers_are_had_once_in_a_while(sure_house: House, sure: Judge) -> None:
    """Behind each fresh answer is somebody else's server: it is asked for once in ten seconds, else it is as any."""
    house = sure_house
    entries = (await entries_of(house))[:1]
    all_good(house, sure)
    for seconds, fresh in ((0.0, True), (9.9, False), (0.2, True), (1.0, False)):
        house.seconds += seconds
        house.informant.asked.clear()
        await house.verdicts.ask(entries, fresh=True)
        assert house.informant.asked == [(entries[0].certificate.fingerprint, fresh)], seconds
    house.seconds += 100.0
    house.informant.asked.clear()
    await house.verdicts.ask(entries)
    assert house.informant.asked == [(entries[0].certificate.fingerprint, False)]


async def test_nobody_asks_where_an_answer_changes_nothing(sure_house: House, sure: Judge) -> None:
    """An expired certificate stays bad; one that is revoked may have been on hold, and is asked about."""
    house = sure_house
    assert {entry.assessment.verdict.status for entry in await entries_of(house, "expired")} == {Status.BAD}
    await house.verdicts.ask(house.slot().certificates())
    assert house.informant.asked == []
    assert not house.verdicts.may_ask(house.slot().certificates())
    house.remove()
    entries = await entries_of(house)
    revoked = {"status": RevocationStatus.REVOKED, "revocation_reason": "certificateHold"}
    house.informant.answers = lambda certificate: told(sure, certificate, house.clock.now(), **revoked)
    await house.verdicts.ask(entries)
    entries = house.verdicts.judged(entries)
    house.clock.set(house.clock.now() + timedelta(minutes=1))
    all_good(house, sure)
    await house.verdicts.ask(entries)
    assert verdicts_of(house, entries) == {("good",)}


async def test_who_knows_enough_asks_nobody(sure_house: House, sure: Judge) -> None:
    """For a log-in somebody is asked where the evidence at hand falls short: none, outlived, a failure; else not."""
    house = sure_house
    entries = await entries_of(house)
    all_good(house, sure)
    await house.verdicts.ask_if_unknown(entries)
    assert len(house.informant.asked) == len(entries)
    house.informant.asked.clear()
    await house.verdicts.ask_if_unknown(entries)
    assert house.informant.asked == []
    house.clock.set(house.clock.now() + 2 * HOUR)
    assert verdicts_of(house, entries) == {("unknown", "revocation.stale")}
    await house.verdicts.ask_if_unknown(entries)
    assert len(house.informant.asked) == len(entries)
    assert verdicts_of(house, entries) == {("good",)}


async def test_a_bug_of_the_informants_is_no_end(sure_house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """It is logged without its words; the caller goes on, and nothing is known."""
    house = sure_house
    entries = await entries_of(house)

    def broken(_: Certificate) -> Told:
        raise KeyError("words of its own")

    house.informant.answers = broken
    await house.verdicts.ask(entries)
    assert verdicts_of(house, entries) == {("unknown", "revocation.notChecked")}
    said = capsys.readouterr()
    assert "KeyError" in said.out + said.err
    assert "words of its own" not in said.out + said.err


async def test_without_an_informant(sure_house: House, sure: Judge) -> None:
    """A daemon that has nobody to ask judges all the same."""
    entries = await entries_of(sure_house)
    alone = Verdicts(sure, sure_house.clock)
    await alone.ask(entries)
    assert {entry.assessment.verdict.reasons for entry in alone.judged(entries)} == {("revocation.notChecked",)}
    assert not alone.may_ask(entries)
    await alone.close()


async def test_issuers_that_were_found_help(sure_house: House, sure: Judge) -> None:
    """A CA that card and machine lack, and that was found by the certificate's own word, makes the path whole."""
    house = sure_house
    entries = await entries_of(house)
    path = sure.issuer_path(entries[0].certificate)
    assert path is not None
    lacking = Judge(sure.anchors, [], sure.policy)
    verdicts = Verdicts(lacking, house.clock, house.informant)
    house.informant.answers = lambda certificate: Told(
        (answer(certificate, house.clock.now()), answer(path[1], house.clock.now())), (path[1],)
    )
    before = verdicts.judged(entries[:1])[0].assessment
    assert (before.anchor, "chain.issuerUnknown" in before.verdict.reasons) == (None, True)
    await verdicts.ask(entries[:1])
    after = verdicts.judged(entries[:1])[0].assessment
    assert (after.verdict.status, after.anchor) == (Status.GOOD, path[-1].fingerprint)
    assert after.issuers == (path[1].der,)
    assert verdicts.next_check(entries) is None


async def test_an_answer_about_no_certificate_of_the_path_counts_for_nothing(sure_house: House, sure: Judge) -> None:
    """Good answers about others leave this one unknown."""
    house = sure_house
    first, second, *_ = await entries_of(house)
    house.informant.answers = lambda _: told(sure, second.certificate, house.clock.now())
    await house.verdicts.ask([first])
    (found,) = house.verdicts.judged([first])
    assert found.assessment.verdict.reasons == ("revocation.notChecked",)
    house.informant.answers = lambda certificate: Told((no_answer(certificate, Failure.NO_SOURCE),))
    await house.verdicts.ask([first])
    (found,) = house.verdicts.judged([first])
    assert "revocation.noSource" in found.assessment.verdict.reasons
