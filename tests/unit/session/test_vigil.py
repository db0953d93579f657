"""While a card stays in: what changes its verdicts, who hears of it, and that nothing waits for anything else."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from session_house import LONG, READER, House, Judge, no_answer, open_house, told

from sithsd.certificate.read import Certificate
from sithsd.session.informant import Told
from sithsd.session.model import Picture, ReaderStatus
from sithsd.validity.revocation.model import RevocationStatus

UNREACHABLE = ("unknown", "revocation.unreachable", "revocation.notChecked")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def shown(picture: Picture) -> set[tuple[str, ...]]:
    """Return each different verdict on the card in the first reader, as its status and reasons."""
    (reader,) = picture.readers
    entries = reader.card.certificates if reader.card else ()
    return {(str(one.assessment.verdict.status), *one.assessment.verdict.reasons) for one in entries}


async def until(house: House, *verdict: str) -> Picture:
    """Wait for the event by which all of a card's certificates have this verdict."""
    return await house.until(lambda picture: shown(picture) == {verdict})


def tell(house: House, judge: Judge, lives: timedelta = HOUR, **more: object) -> None:
    """Have whoever knows give answers of this moment; they will be asked again when half of their life is over."""

    def answers(certificate: Certificate) -> Told:
        now = house.clock.now()
        return told(judge, certificate, now, next_update=now + lives, next_check=now + lives / 2, **more)

    house.informant.answers = answers


def fall_silent(house: House, again: timedelta | None = None) -> None:
    """Cut the network."""
    house.informant.answers = lambda certificate: Told(
        (no_answer(certificate, next_check=None if again is None else house.clock.now() + again),)
    )


async def test_shown_at_once_and_again_with_the_evidence(sure_house: House, sure: Judge) -> None:
    """A card is ready before anybody has answered; the answers are an event."""
    house = sure_house
    tell(house, sure)
    house.informant.go.clear()
    await house.ready()
    assert shown(house.board.picture) == {("unknown", "revocation.notChecked")}
    before = house.view().sequence
    house.informant.go.set()
    picture = await until(house, "good")
    assert (picture.changed, picture.sequence > before) == (READER, True)
    (reader,) = picture.readers
    assert (reader.status, reader.sequence > before) == (ReaderStatus.READY, True)
    assert all(len(entry.assessment.evidence) == 2 for entry in reader.card.certificates)
    assert sorted(house.informant.asked) == sorted(
        (one.certificate.fingerprint, False) for one in reader.card.certificates
    )


async def test_a_card_that_is_put_in_again_has_its_evidence_at_once(sure_house: House, sure: Judge) -> None:
    """What was proven is known before anybody is asked again, as long as it is fresh; stale it shows as stale."""
    house = sure_house
    tell(house, sure)
    await house.ready()
    await until(house, "good")
    house.remove()
    house.informant.go.clear()
    await house.ready()
    assert shown(house.board.picture) == {("good",)}
    house.remove()
    house.clock.set(house.clock.now() + 2 * HOUR)
    await house.ready()
    assert shown(house.board.picture) == {("unknown", "revocation.stale")}
    house.informant.go.set()
    await until(house, "good")


async def test_revoked_while_it_is_in(sure_house: House, sure: Judge) -> None:
    """When new evidence is due somebody is asked, and a revocation is told at once to those who listen."""
    house = sure_house
    tell(house, sure)
    await house.ready()
    await until(house, "good")
    due = house.clock.now() + HOUR / 2
    assert await house.alarm.next_wait() == due
    house.informant.asked.clear()
    since = house.clock.now()
    tell(house, sure, status=RevocationStatus.REVOKED, revoked_at=since, revocation_reason="keyCompromise")
    house.clock.set(due - timedelta(seconds=1))
    assert house.informant.asked == []
    house.clock.set(due)
    picture = await until(house, "bad", "revocation.revoked")
    (reader,) = picture.readers
    evidence = reader.card.certificates[0].assessment.evidence[0]
    assert (evidence.revoked_at, evidence.revocation_reason) == (since, "keyCompromise")
    assert len(house.informant.asked) == 4


async def test_expires_while_it_is_in(sure_house: House, sure: Judge) -> None:
    """Time alone makes it bad, at the moment of its end, whatever its issuer says; then nobody is asked any more."""
    house = sure_house
    tell(house, sure, lives=timedelta(days=5))
    await house.ready()
    await until(house, "good")
    ends = {entry.certificate.not_after for entry in house.slot().certificates()}
    (end,) = ends
    # Day by day, as it passes: answers come and go.
    tell(house, sure, lives=2 * (end - house.clock.now()))
    while (moment := await house.alarm.next_wait()) <= end:
        await come(house, moment)
    house.clock.set(end)
    assert shown(house.board.picture) == {("good",)}
    house.informant.asked.clear()
    assert moment - end < MINUTE
    await come(house, moment)
    assert shown(house.board.picture) == {("bad", "date.expired")}
    assert house.informant.asked == []


async def test_answers_that_outlive_their_time(sure_house: House, sure: Judge) -> None:
    """Without a network the last good answer counts until its next update, and is stale then: an event of its own."""
    house = sure_house
    tell(house, sure)
    await house.ready()
    await until(house, "good")
    begun = house.clock.now()
    fall_silent(house, again=10 * MINUTE)
    moments = []
    while (moment := await house.alarm.next_wait()) <= begun + HOUR:
        moments.append(moment - begun)
        await come(house, moment)
        assert shown(house.board.picture) == {("good",)}
    assert moments == [30 * MINUTE, 40 * MINUTE, 50 * MINUTE, HOUR]
    assert moment - begun - HOUR < MINUTE
    house.clock.set(moment)
    await until(house, "unknown", "revocation.stale")
    tell(house, sure)
    house.clock.set(await house.alarm.next_wait())
    await until(house, "good")


async def test_what_somebody_else_asked_for(sure_house: House, sure: Judge) -> None:
    """An answer that another caller was given is everybody's: the card's verdict changes, and nobody is asked twice."""
    house = sure_house
    fall_silent(house, again=10 * HOUR)
    await house.ready()
    await until(house, "unknown", "revocation.unreachable", "revocation.notChecked")
    await house.alarm.next_wait()
    house.informant.asked.clear()
    tell(house, sure)
    await house.verdicts.ask(house.slot().certificates())
    await until(house, "good")
    assert len(house.informant.asked) == 4


async def test_new_evidence_that_changes_no_verdict_is_no_event(sure_house: House, sure: Judge) -> None:
    """The list of the next hour is shown to those who look, and wakes nobody."""
    house = sure_house
    tell(house, sure)
    await house.ready()
    await until(house, "good")
    sequence, first = house.board.picture.sequence, house.clock.now()
    await come(house, await house.alarm.next_wait())
    evidence = house.view().card.certificates[0].assessment.evidence[0]
    assert evidence.this_update == house.clock.now() > first
    assert house.board.picture.sequence == sequence
    assert house.board.reader(READER) == house.view() == house.slot().view


async def test_nothing_waits_without_a_card(sure_house: House, sure: Judge) -> None:
    """No timer, no task and no listener before a card, after it, while the machine sleeps, and without a reader."""
    house = sure_house
    tell(house, sure)
    house.plug()
    at_rest(house)
    for end in (house.remove, house.readers.sleep, house.unplug):
        await house.ready()
        await until(house, "good")
        await house.alarm.next_wait()
        assert len(house.alarm.waited_for) == 1
        end()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        at_rest(house)
        if end == house.readers.sleep:
            house.remove()


def at_rest(house: House) -> None:
    """Look that nothing waits."""
    assert house.alarm.waited_for == []
    assert house.verdicts._listeners == set()
    assert house.verdicts._asking == {}


async def test_awake_again(sure_house: House, sure: Judge) -> None:
    """After a night the card is read and judged by the time that it is then."""
    house = sure_house
    tell(house, sure)
    await house.ready()
    await until(house, "good")
    house.readers.sleep()
    fall_silent(house)
    house.clock.set(house.clock.now() + 8 * HOUR)
    house.readers.wake()
    await until(house, "unknown", "revocation.stale")


async def test_the_clock_is_set(sure: Judge) -> None:
    """A clock that was wrong and is put right: what was judged by the old one is judged anew at once."""
    async with open_house(sure) as house:
        right = house.clock.now()
        house.clock.set(right - timedelta(days=600))
        tell(house, sure)
        await house.ready()
        await until(house, "unknown", "clock.implausible")
        await house.alarm.next_wait()
        house.clock.jump(right)
        await until(house, "good")


async def test_how_often_it_asks_in_vain(sure_house: House) -> None:
    """Who is not there is asked again after a minute, then after twice as long each time, an hour at most."""
    house = sure_house
    await house.ready()
    pauses = [await pause(house) for _ in range(9)]
    assert pauses == [MINUTE, *(timedelta(minutes=minutes) for minutes in (2, 4, 8, 16, 32, 60, 60, 60))]


async def test_it_is_not_driven_to_ask_without_end(sure_house: House, sure: Judge) -> None:
    """Whatever whoever knows says of the next time, it is not asked again within twenty seconds."""
    house = sure_house

    def now_or_never(certificate: Certificate) -> Told:
        return told(
            sure, certificate, house.clock.now(), next_check=datetime.min.replace(tzinfo=house.clock.now().tzinfo)
        )

    house.informant.answers = now_or_never
    await house.ready()
    await until(house, "good")
    assert [await pause(house) for _ in range(3)] == 3 * [timedelta(seconds=20)]


async def test_a_bug_of_the_watch_leaves_the_card_in_use(
    sure_house: House, sure: Judge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is logged, and the card can be worked with."""
    house = sure_house
    tell(house, sure)

    async def broken(_: datetime) -> None:
        raise OSError(24, "words of its own")

    monkeypatch.setattr(house.alarm, "wait_until", broken)
    await house.ready()
    await until(house, "good")
    await house.verify()
    watch = house.slot()._vigil.end()
    assert watch is not None
    await asyncio.wait([watch])
    assert house.verdicts._listeners == set()
    said = capsys.readouterr()
    assert "OSError" in said.out + said.err
    assert "words of its own" not in said.out + said.err


async def test_a_card_of_another_issuer_is_nobodys_business(sure_house: House) -> None:
    """Of a card that is not SITHS's nobody is asked anything."""
    house = sure_house
    house.plug()
    house.insert("foreign")
    await house.status(ReaderStatus.UNSUPPORTED)
    await asyncio.sleep(0)
    assert house.informant.asked == []
    at_rest(house)


async def test_codes_that_change_meanwhile(sure_house: House, sure: Judge) -> None:
    """What is learnt of a code while the verdicts are made is not overwritten by them."""
    house = sure_house
    tell(house, sure)
    house.informant.go.clear()
    bench = await house.ready()
    bench.give(house.view().card.codes[0].role, b"111111")
    house.informant.go.set()
    await asyncio.gather(house.slot().read_codes(), until(house, "good"))
    assert house.shown() == bench.tries()


async def pause(house: House) -> timedelta:
    """Let time pass until somebody is asked again; return how long that was."""
    asked, begun = len(house.informant.asked), house.clock.now()
    while len(house.informant.asked) == asked:
        await come(house, await house.alarm.next_wait())
    return house.clock.now() - begun


async def come(house: House, moment: datetime) -> None:
    """Let the moment come that the watch waits for, and wait until it waits again."""
    resting = house.slot()._vigil.resting
    resting.clear()
    house.clock.set(moment)
    async with asyncio.timeout(LONG):
        await resting.wait()


def advised(picture: Picture) -> list[str]:
    """Return what is to be done because of the card in the first reader."""
    (reader,) = picture.readers
    return [str(one.action) for one in reader.card.advice] if reader.card else []


async def test_advice_changes_as_midnight_and_noon_pass(sure_house: House) -> None:
    """Each boundary of the freeze of 2023/24 is an event, at the second at which it passes in Sweden and not before."""
    house = sure_house
    fall_silent(house, again=timedelta(days=400))
    await house.ready("expired")
    boundaries = [
        (datetime(2024, 1, 22, 23, tzinfo=UTC), ["reserve.get", "order.from"]),
        (datetime(2024, 1, 23, 11, tzinfo=UTC), ["reserve.from", "order.from"]),
        (datetime(2024, 1, 25, 11, tzinfo=UTC), ["reserve.get", "order.from"]),
        (datetime(2024, 1, 25, 23, tzinfo=UTC), ["order.now"]),
    ]
    before = ["reserve.get", "collect.before", "order.from"]
    for moment, after in boundaries:
        assert advised(house.board.picture) == before
        assert await house.alarm.next_wait() == moment
        sequence = house.view().sequence
        house.clock.set(moment - timedelta(seconds=1))
        assert house.view().sequence == sequence
        house.clock.set(moment)
        picture = await house.until(lambda picture, after=after: advised(picture) == after)
        assert picture.sequence > sequence
        before = after


async def test_a_card_that_lasts_hears_of_the_total_stop(sure_house: House) -> None:
    """A week before, from midnight on, and no more when it is over; no verdict changes by it."""
    house = sure_house
    fall_silent(house, again=timedelta(days=400))
    await house.ready()
    await until(house, *UNREACHABLE)
    for moment, after in (
        (datetime(2024, 1, 15, 23, tzinfo=UTC), ["carry.card"]),
        (datetime(2024, 1, 25, 11, tzinfo=UTC), []),
    ):
        assert await house.alarm.next_wait() == moment
        house.clock.set(moment)
        await house.until(lambda picture, after=after: advised(picture) == after)
    assert shown(house.board.picture) == {UNREACHABLE}


async def test_a_clock_that_is_set_back_takes_advice_back(sure_house: House) -> None:
    """What holds is what holds by the clock as it is now."""
    house = sure_house
    fall_silent(house, again=timedelta(days=400))
    await house.ready()
    await house.alarm.next_wait()
    house.clock.set(datetime(2024, 1, 16, tzinfo=UTC))
    await house.until(lambda picture: advised(picture) == ["carry.card"])
    await house.alarm.next_wait()
    house.alarm.jump(datetime(2024, 1, 15, 12, tzinfo=UTC))
    await house.until(lambda picture: advised(picture) == [])
