"""What was asked for lately is fetched anew in time; with a clock that stands still until it is set."""

import asyncio
import gc
from datetime import timedelta
from typing import Any

import pytest
from issuing import CRL, DAY, HOUR, OCSP, REVOKED, ROOT_CRL
from structlog.testing import capture_logs

from sithsd.certificate.read import Certificate, read
from sithsd.fetch.backoff import LONGEST
from sithsd.fetch.prefetch import Prefetch
from sithsd.fetch.web import WebError
from sithsd.validity.revocation.model import RevocationStatus

MINUTE = timedelta(minutes=1)


class Days:
    """Lets time go by whenever the prefetch wants to wait, until `until`; notes for how long it wanted to."""

    def __init__(self, bench: Any, for_long: timedelta) -> None:
        self._bench = bench
        self._until = bench.clock.now() + for_long
        self.naps: list[float | None] = []
        self.over = asyncio.Event()

    async def __call__(self, _disturbed: asyncio.Event, seconds: float | None) -> None:
        """Wait in no time."""
        self.naps.append(seconds)
        if seconds is None or self._bench.clock.now() >= self._until:
            self.over.set()
            await asyncio.Event().wait()
        self._bench.later(timedelta(seconds=seconds or 0))


async def pass_time(bench: Any, for_long: timedelta) -> Days:
    """Let so much time go by, with the prefetch running."""
    days = Days(bench, for_long)
    bench.prefetch._wait = days
    running = asyncio.create_task(bench.prefetch.run())
    async with asyncio.timeout(60):
        await asyncio.wait([running, asyncio.create_task(days.over.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert not running.done() or running.result() is None
    running.cancel()
    await asyncio.wait([running])
    return days


def published(bench: Any, url: str, make: Any) -> None:
    """Have a place answer with what is made at the moment of asking."""

    async def answer(_content: bytes | None) -> bytes:
        return bytes(make())

    bench.web[url] = answer


async def test_while_nothing_is_kept_nothing_is_waited_for(bench: Any) -> None:
    """An idle program has no time to wake up at."""
    days = await pass_time(bench, DAY)
    assert days.naps == [None]


async def test_what_was_asked_for_is_fetched_anew_before_it_is_over(bench: Any) -> None:
    """For days after one question the answers never outlive their next update, and a revocation is noticed unasked."""
    published(bench, OCSP, bench.office.respond)
    published(
        bench, ROOT_CRL, lambda: bench.office.list(signer=bench.office.root, number=int(bench.tick[0]), lasts=7 * DAY)
    )
    evidence = (await bench.check())[0]
    assert bench.clock.now() < evidence.next_check < evidence.next_update
    await pass_time(bench, 5 * DAY)
    kept = (await bench.check(wait=0))[0]
    assert kept.status is RevocationStatus.GOOD
    assert kept.next_update > bench.clock.now()
    # A response lives for a day, and is fetched after six to eight and a half tenths of it; a list once a day.
    assert 6 <= bench.web.asked[OCSP] <= 10
    assert 5 <= bench.web.asked[ROOT_CRL] <= 9
    published(bench, OCSP, lambda: bench.office.respond(REVOKED))
    await pass_time(bench, DAY)
    assert (await bench.check(wait=0))[0].status is RevocationStatus.REVOKED


async def test_what_nobody_asks_for_any_more_is_left_alone(bench: Any) -> None:
    """Thirty days after the last question nothing is fetched, and there is nothing to wake up for."""
    published(bench, OCSP, bench.office.respond)
    published(bench, ROOT_CRL, lambda: bench.office.list(signer=bench.office.root))
    await bench.check()
    days = await pass_time(bench, 60 * DAY)
    assert days.naps[-1] is None
    asked = bench.web.asked.total()
    assert asked < 120
    bench.later(DAY)
    await pass_time(bench, DAY)
    assert bench.web.asked.total() == asked


async def test_no_nap_is_longer_than_an_hour(bench: Any) -> None:
    """A machine that slept is found out soon: the wait for a moment is cut into hours."""
    bench.web[OCSP] = bench.office.respond()
    await bench.check()
    days = await pass_time(bench, 6 * HOUR)
    assert max(one for one in days.naps if one is not None) <= 3600
    assert min(one for one in days.naps if one is not None) >= 1


async def test_a_place_that_fails_is_asked_less_and_less(bench: Any) -> None:
    """Failure after failure the pauses grow to six hours; the first success brings the usual pace back."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list()
    await bench.check(certificate=read(leaf.der))
    bench.web[CRL] = WebError("no connection")
    await pass_time(bench, 10 * DAY)
    asked = bench.web.asked[CRL]
    # Some ten while the pause grows; then every three to six hours.
    assert 10 + 30 <= asked <= 14 + 81
    (failing,) = [one for one in bench.tools.backoff.failures if one.url == CRL]
    assert failing.times == asked - 1
    assert failing.next_try - bench.clock.now() + 6 * HOUR >= LONGEST / 2
    published(bench, CRL, lambda: bench.office.list(number=2))
    await pass_time(bench, DAY)
    assert CRL not in {one.url for one in bench.tools.backoff.failures}
    assert (await bench.check(certificate=read(leaf.der), wait=0))[0].next_update > bench.clock.now()


async def test_a_server_that_repeats_itself_is_not_asked_all_the_time(bench: Any) -> None:
    """The same list again and again, until after its end, is a place that fails more and more."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list()
    await bench.check(certificate=read(leaf.der))
    await pass_time(bench, 5 * DAY)
    assert bench.web.asked[CRL] < 60
    assert "outlived its next update" in {one.url: one.detail for one in bench.tools.backoff.failures}[CRL]


async def test_lists_are_followed_after_a_new_start_and_holders_are_not(bench: Any, reopen: Any, tmp_path: Any) -> None:
    """Lists are kept up to date from the start on; who was asked about is known to nobody who did not ask again."""
    leaf = bench.office.person("SE2321000016-2BC3", responders=[OCSP], lists=[CRL])
    bench.web[OCSP] = bench.office.respond(about=leaf)
    await bench.check(certificate=read(leaf.der))
    bench.web[OCSP] = WebError("no connection")
    bench.web[CRL] = bench.office.list()
    await bench.check(certificate=read(leaf.der), fresh=True)
    bench.tick[0] += 60
    await bench.check(certificate=read(leaf.der), fresh=True)
    open_bench, close_bench = reopen
    await close_bench(bench)
    bench.later(2 * DAY)
    content = (tmp_path / "fetched.sqlite").read_bytes()
    assert b"Tolvan" not in content
    assert b"SE2321000016-2BC3" not in content
    again = await open_bench(bench.office, tmp_path / "fetched.sqlite", bench.office.judge)
    try:
        published(again, CRL, lambda: bench.office.list(number=2))
        days = await pass_time(again, 20 * MINUTE)
        # Not all machines at once after a power cut: within some minutes.
        assert days.naps[0] is not None
        assert days.naps[0] <= 300
        assert again.web.asked == {CRL: 1}
    finally:
        await close_bench(again)


async def test_lists_of_issuers_that_are_trusted_no_more_are_left_alone(bench: Any, reopen: Any, tmp_path: Any) -> None:
    """With the anchor gone the place that its certificates named is not asked again."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list()
    await bench.check(certificate=read(leaf.der))
    open_bench, close_bench = reopen
    await close_bench(bench)
    bench.later(2 * DAY)
    other = type(bench.office)(bench.office.forge)
    other.now = bench.office.now
    again = await open_bench(other, tmp_path / "fetched.sqlite", other.judge)
    try:
        days = await pass_time(again, DAY)
        assert days.naps[-1] is None
        assert not again.web.asked
    finally:
        await close_bench(again)


@pytest.mark.parametrize("days", [0])
async def test_no_days_are_no_prefetch(bench: Any, days: int) -> None:
    """Where the settings say so nothing is ever asked unasked."""
    quiet = Prefetch(bench.tools, bench.prefetch._pace, days)
    bench.tools.library.changed = quiet.plan
    bench.web[OCSP] = bench.office.respond()
    await bench.check()
    assert quiet._seconds() is None


def holders_in_memory(fingerprint: str) -> int:
    """Return how often the certificate with this fingerprint is in memory, with its holder's name in it."""
    gc.collect()
    return sum(isinstance(one, Certificate) and one.fingerprint == fingerprint for one in gc.get_objects())


async def test_who_is_followed_no_more_is_forgotten(bench: Any) -> None:
    """A holder's certificate is in memory for as long as its responses are fetched anew, and no longer."""
    leaf = bench.office.person("SE2321000016-2BC3", responders=[OCSP])  # one that no other test has seen
    published(bench, OCSP, lambda: bench.office.respond(about=leaf))
    fingerprint = read(leaf.der).fingerprint
    await bench.check(certificate=read(leaf.der))
    await pass_time(bench, DAY)
    assert holders_in_memory(fingerprint) == 1
    await pass_time(bench, 32 * DAY)
    assert holders_in_memory(fingerprint) == 0


async def test_who_is_not_followed_is_not_remembered(bench: Any) -> None:
    """Where nothing is fetched anew no holder's certificate stays in memory once it was told about."""
    quiet = Prefetch(bench.tools, bench.prefetch._pace, 0)
    bench.tools.library.changed = quiet.plan
    bench.inquiry._asked = quiet.asked
    leaf = bench.office.person("SE2321000016-2BC3", responders=[OCSP])  # one that no other test has seen
    published(bench, OCSP, lambda: bench.office.respond(about=leaf))
    fingerprint = read(leaf.der).fingerprint
    assert (await bench.check(certificate=read(leaf.der)))[0].status is RevocationStatus.GOOD
    await asyncio.sleep(0)
    assert holders_in_memory(fingerprint) == 0
    assert (await bench.check(certificate=read(leaf.der), wait=0))[0].status is RevocationStatus.GOOD


async def test_a_fault_of_ours_ends_nothing(bench: Any) -> None:
    """A list over which the program itself stumbles is left for later, is told, and keeps no other from coming."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    published(bench, CRL, bench.office.list)
    published(bench, ROOT_CRL, lambda: bench.office.list(signer=bench.office.root, number=int(bench.tick[0])))
    await bench.check(certificate=read(leaf.der))
    before, crl = bench.web.asked[ROOT_CRL], bench.tools.asker.crl

    async def stumbles(issuer: Any, url: str) -> Any:
        if url == CRL:
            raise RuntimeError("what nobody thought of")
        return await crl(issuer, url)

    bench.tools.asker.crl = stumbles
    with capture_logs() as log:
        days = await pass_time(bench, 3 * DAY)
    assert bench.web.asked[ROOT_CRL] >= before + 2
    assert len(days.naps) < 3 * 24 * 12 + 100
    assert {one["error"] for one in log if one["event"] == "fault"} == {"RuntimeError"}


async def test_a_clock_that_was_ahead_puts_nothing_off(bench: Any) -> None:
    """What was planned by a clock that was years ahead is fetched soon once the clock is right."""
    right = bench.clock.now()
    bench.web[OCSP] = bench.office.respond()
    await bench.check()
    key = next(iter(bench.prefetch._due))
    bench.prefetch._due[key] = right + 900 * DAY
    asked = bench.web.asked[OCSP]
    await pass_time(bench, 2 * HOUR)
    assert bench.web.asked[OCSP] > asked
    assert bench.prefetch.next_check(key) < right + 2 * DAY
