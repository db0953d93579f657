"""What is known of a certificate: by whom it is told, what is kept, and what is asked again."""

import asyncio
import threading
from typing import Any

import pytest
from cryptography.x509 import OCSPNonce
from cryptography.x509.ocsp import load_der_ocsp_request
from issuing import (
    CRL,
    DAY,
    DELTA,
    GOOD,
    HOUR,
    ISSUER,
    MIDDLE,
    OCSP,
    OCSP_TWO,
    REVOKED,
    ROOT_CRL,
    UNKNOWN,
    Gate,
    access,
)

from sithsd.certificate.read import read
from sithsd.fetch.inquiry import Patience
from sithsd.fetch.web import WebError
from sithsd.validity.revocation.model import Failure, RevocationStatus, Source


def statuses(evidence: list[Any]) -> list[tuple[Any, Any]]:
    """Return what each says, and by what."""
    return [(one.status, one.source or one.failure) for one in evidence]


BOTH_GOOD = [(RevocationStatus.GOOD, Source.OCSP), (RevocationStatus.GOOD, Source.CRL)]


async def test_each_certificate_of_the_path_is_asked_about(bench: Any) -> None:
    """The responder tells of the holder, the root's list of the issuer; nobody tells of the anchor."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    evidence, issuers = await bench.inquiry.check(bench.office.holder, bench.office.others, 300.0)
    assert statuses(evidence) == BOTH_GOOD
    path = [bench.office.holder, read(bench.office.issuer.der)]
    assert [one.fingerprint for one in evidence] == [one.fingerprint for one in path]
    assert [one.der for one in issuers] == [bench.office.issuer.der]
    assert evidence[0].url == OCSP
    assert bench.web.asked == {OCSP: 1, ROOT_CRL: 1}


async def test_what_is_fresh_is_not_asked_again(bench: Any) -> None:
    """As long as what is kept is in time nobody is asked; after its next update the issuer is."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root, lasts=30 * DAY)
    await bench.check()
    bench.later(22 * HOUR)
    assert statuses(await bench.check()) == BOTH_GOOD
    assert bench.web.asked == {OCSP: 1, ROOT_CRL: 1}
    bench.later(2 * HOUR)
    bench.web[OCSP] = bench.office.respond()
    assert statuses(await bench.check()) == BOTH_GOOD
    assert bench.web.asked == {OCSP: 2, ROOT_CRL: 1}


async def test_fresh_asks_the_issuers_whatever_is_kept(bench: Any) -> None:
    """Who asks for a fresh answer gets one, and learns what was revoked meanwhile."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    await bench.check()
    bench.later(HOUR)
    bench.web[OCSP] = bench.office.respond(REVOKED)
    assert statuses(await bench.check()) == BOTH_GOOD
    assert statuses(await bench.check(fresh=True))[0] == (RevocationStatus.REVOKED, Source.OCSP)
    assert bench.web.asked == {OCSP: 2, ROOT_CRL: 2}
    bench.later(HOUR)
    assert statuses(await bench.check())[0] == (RevocationStatus.REVOKED, Source.OCSP)


async def test_nobody_is_asked_when_nothing_is_waited_for(bench: Any) -> None:
    """With no time to wait, what is kept is told and nothing is sent, not even for an unknown issuer."""
    evidence = await bench.check(wait=0)
    assert statuses(evidence) == [(RevocationStatus.UNKNOWN, Failure.UNREACHABLE)] * 2
    assert evidence[0].detail == "nobody was asked"
    assert statuses(await bench.check(wait=0, others=[])) == statuses(evidence)  # the path is known now
    bench.web[OCSP] = bench.office.respond()
    await bench.check()
    asked = bench.web.asked.total()
    assert statuses(await bench.check(wait=0))[0] == (RevocationStatus.GOOD, Source.OCSP)
    assert bench.web.asked.total() == asked


@pytest.mark.parametrize("failed", [WebError("no connection"), b"garbage", b""])
async def test_the_list_answers_where_the_responder_does_not(bench: Any, failed: Any) -> None:
    """No answer and one that proves nothing are followed by the list, which is kept."""
    bench.web[OCSP] = failed
    bench.web[CRL] = bench.office.list()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    assert statuses(await bench.check()) == [(RevocationStatus.GOOD, Source.CRL)] * 2
    bench.later(HOUR)
    assert statuses(await bench.check())[0] == (RevocationStatus.GOOD, Source.CRL)
    assert bench.web.asked == {OCSP: 1, CRL: 1, ROOT_CRL: 1}


async def test_a_responder_that_takes_its_time_has_the_list_asked_beside(bench: Any) -> None:
    """A responder that is silent does not use up the time: the list is asked for after a head start."""
    bench.web[OCSP] = gate = Gate(bench.office.respond())
    bench.web[CRL] = bench.office.list(bench.office.leaf)
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    evidence = await bench.check()
    assert statuses(evidence)[0] == (RevocationStatus.REVOKED, Source.CRL)
    assert gate.reached.is_set()


async def test_the_second_responder_answers_where_the_first_does_not_know(bench: Any) -> None:
    """A responder that does not know the certificate is no end: the next one is asked."""
    leaf = bench.office.person("SE2321000016-2BC3", responders=[OCSP, OCSP_TWO])
    bench.web[OCSP] = bench.office.respond(UNKNOWN, about=leaf)
    bench.web[OCSP_TWO] = bench.office.respond(GOOD, about=leaf)
    evidence = await bench.check(certificate=read(leaf.der))
    assert (evidence[0].status, evidence[0].url) == (RevocationStatus.GOOD, OCSP_TWO)


async def test_a_responder_that_does_not_know_is_told(bench: Any) -> None:
    """Where nobody knows the certificate that is the answer, and it is not kept."""
    leaf = bench.office.person("SE2321000016-2BC3", responders=[OCSP])
    bench.web[OCSP] = bench.office.respond(UNKNOWN, about=leaf)
    evidence = await bench.check(certificate=read(leaf.der))
    assert statuses(evidence)[0][0] is RevocationStatus.UNKNOWN
    assert evidence[0].failure is Failure.NOT_KNOWN_THERE
    assert not [entry for entry in bench.tools.library.entries if entry.kind == "ocsp"]


async def test_a_late_answer_is_kept_for_the_next_question(bench: Any) -> None:
    """Who can't wait is told so; the answer that comes later is there for who asks next, and nobody is asked again."""
    bench.web[OCSP] = gate = Gate(bench.office.respond())
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    await bench.check(wait=0)  # the path is known from here on
    evidence = await bench.check(wait=0.05)
    assert (evidence[0].failure, evidence[0].detail) == (Failure.UNREACHABLE, "no answer in time; it is waited for")
    kept = asyncio.Event()
    bench.tools.library.changed = lambda entry: kept.set() if entry.kind == "ocsp" else None
    gate.opened.set()
    async with asyncio.timeout(30):
        await kept.wait()
    assert statuses(await bench.check(wait=0))[0] == (RevocationStatus.GOOD, Source.OCSP)
    assert bench.web.asked[OCSP] == 1


async def test_a_question_that_is_given_up_is_answered_for_the_next_one(bench: Any) -> None:
    """A caller that leaves takes nothing along: what was asked for it comes, and is kept."""
    bench.web[OCSP] = gate = Gate(bench.office.respond())
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    asking = asyncio.create_task(bench.check())
    await gate.reached.wait()
    asking.cancel()
    await asyncio.wait([asking])
    gate.opened.set()
    assert statuses(await bench.check()) == BOTH_GOOD
    assert bench.web.asked[OCSP] == 1


async def test_a_thousand_askers_are_one_fetch(bench: Any) -> None:
    """However many ask about one certificate at once, and right after, each place is asked once."""
    bench.web[OCSP] = gate = Gate(bench.office.respond())
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    asking = [asyncio.create_task(bench.check()) for _ in range(1000)]
    await gate.reached.wait()
    gate.opened.set()
    answers = await asyncio.gather(*asking)
    assert {tuple(statuses(one)) for one in answers} == {tuple(BOTH_GOOD)}
    await bench.check(fresh=True)
    assert bench.web.asked == {OCSP: 1, ROOT_CRL: 1}


async def test_many_holders_of_one_issuer_share_its_list(bench: Any) -> None:
    """One list answers for every certificate that it covers: it is fetched once, and read once."""
    bench.web[CRL] = bench.office.list(bench.office.leaf)
    leaves = [bench.office.person(f"SE2321000016-{number:04}", lists=[CRL]) for number in range(20)]
    answers = await asyncio.gather(*(bench.check(certificate=read(leaf.der)) for leaf in leaves))
    assert {one[0].status for one in answers} == {RevocationStatus.GOOD}
    assert bench.web.asked[CRL] == 1


async def test_an_older_answer_never_replaces_a_newer_one(bench: Any) -> None:
    """A good answer from before a revocation, played again, changes nothing: neither what is kept nor what is told."""
    replayed = bench.office.respond(made=-3 * HOUR)
    bench.web[OCSP] = bench.office.respond(REVOKED, made=-2 * HOUR)
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    await bench.check()
    bench.web[OCSP] = replayed
    bench.later(HOUR)
    evidence = await bench.check(fresh=True)
    assert evidence[0].status is RevocationStatus.REVOKED
    bench.later(HOUR)
    assert (await bench.check(wait=0))[0].status is RevocationStatus.REVOKED
    details = {one.url: one.detail for one in bench.tools.backoff.failures}
    assert details[OCSP] == "an older answer than the one that is kept"


@pytest.mark.parametrize("older", [{"made": -2 * HOUR, "number": 7}, {"made": -HOUR, "number": 6}])
async def test_an_older_list_never_replaces_a_newer_one(bench: Any, older: Any) -> None:
    """A list made earlier, or with a lower number, is a replay: the certificate stays revoked."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list(leaf, number=7)
    await bench.check(certificate=read(leaf.der))
    bench.web[CRL] = bench.office.list(**older)
    bench.tick[0] += 60
    evidence = await bench.check(certificate=read(leaf.der), fresh=True)
    assert evidence[0].status is RevocationStatus.REVOKED
    assert bench.web.asked[CRL] == 2


async def test_an_issuer_that_counts_anew_is_heard_when_its_last_list_is_over(bench: Any) -> None:
    """A lower number counts against a list as long as the kept one lives, not for ever."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list(number=700)
    await bench.check(certificate=read(leaf.der))
    bench.later(2 * DAY)
    bench.web[CRL] = bench.office.list(number=1)
    assert statuses(await bench.check(certificate=read(leaf.der)))[0] == (RevocationStatus.GOOD, Source.CRL)


async def test_a_delta_tells_what_the_list_does_not(bench: Any) -> None:
    """Where the certificate names changes to its list (freshest CRL), what they say counts."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL], deltas=[DELTA])
    bench.web[CRL] = bench.office.list(number=5)
    bench.web[DELTA] = bench.office.list(leaf, number=6, base=5)
    evidence = await bench.check(certificate=read(leaf.der))
    assert (evidence[0].status, evidence[0].url) == (RevocationStatus.REVOKED, DELTA)
    bench.later(HOUR)
    assert (await bench.check(certificate=read(leaf.der), wait=0))[0].status is RevocationStatus.REVOKED


async def test_what_is_kept_is_told_with_why_there_is_no_newer(bench: Any) -> None:
    """Without a network an outdated good answer is told as it was, with its next update, and why it is the last one."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    before = (await bench.check())[0]
    bench.later(3 * DAY)
    bench.web[OCSP] = bench.web[CRL] = WebError("no connection (Network is unreachable)")
    evidence = (await bench.check())[0]
    assert (evidence.status, evidence.next_update) == (RevocationStatus.GOOD, before.next_update)
    assert evidence.next_update < bench.clock.now()
    assert evidence.detail == "no newer answer: no connection (Network is unreachable)"


async def test_a_certificate_that_names_nowhere_has_no_source(bench: Any) -> None:
    """Nowhere named, or nowhere that may be asked: both are told, and nobody is asked."""
    elsewhere = ["http://127.0.0.1:35981/ocsp", "http://ocsp1.siths.se/", "http://localhost:35980/ocsp"]
    for leaf in (bench.office.person(), bench.office.person(responders=elsewhere, lists=elsewhere)):
        evidence = await bench.check(certificate=read(leaf.der))
        assert evidence[0].failure is Failure.NO_SOURCE
    assert not any(url in elsewhere for url in bench.web.asked)


async def test_a_stranger_s_word_is_not_followed(bench: Any, forge: Any) -> None:
    """What a certificate says that is on no path to an anchor is asked of nobody."""
    foreign = forge.authority("SIM SITHS e-id Root CA v2")
    leaf = bench.office.person(responders=[OCSP], lists=[CRL], issuer=foreign)
    evidence = await bench.check(certificate=read(leaf.der), others=[read(foreign.der)])
    assert statuses(evidence) == [(RevocationStatus.UNKNOWN, Failure.CHAIN_UNKNOWN)]
    assert not bench.web.asked


async def test_an_anchor_needs_no_evidence(bench: Any) -> None:
    """Nobody tells of what is trusted as it is."""
    assert await bench.inquiry.check(read(bench.office.root.der), [], 300.0) == ([], [])


async def test_what_is_kept_outlives_the_program(bench: Any, reopen: Any, tmp_path: Any) -> None:
    """After a new start what was kept is told, with the issuer that was on the card, and nobody is asked."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    await bench.check()
    open_bench, close_bench = reopen
    await close_bench(bench)
    again = await open_bench(bench.office, tmp_path / "fetched.sqlite", bench.office.judge)
    try:
        assert statuses(await again.check(others=[])) == BOTH_GOOD
        assert not again.web.asked
    finally:
        await close_bench(again)


async def test_what_an_anchor_no_longer_leads_to_is_not_told(bench: Any, reopen: Any, tmp_path: Any) -> None:
    """What was kept under an anchor that is gone proves nothing: it is as if it were not there."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    await bench.check()
    open_bench, close_bench = reopen
    await close_bench(bench)
    other = type(bench.office)(bench.office.forge)
    again = await open_bench(bench.office, tmp_path / "fetched.sqlite", other.judge)
    try:
        assert statuses(await again.check()) == [(RevocationStatus.UNKNOWN, Failure.CHAIN_UNKNOWN)]
    finally:
        await close_bench(again)


async def test_an_unknown_issuer_is_fetched_by_the_certificate_s_word(bench: Any) -> None:
    """An issuer that is neither on the card nor installed is fetched where AIA says, kept, and used from then on."""
    bench.web[ISSUER] = bench.office.issuer.der
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    evidence, issuers = await bench.inquiry.check(bench.office.holder, [], 300.0)
    assert statuses(evidence) == BOTH_GOOD
    assert [one.der for one in issuers] == [bench.office.issuer.der]
    other = bench.office.person("SE2321000016-2BC3", responders=[OCSP], issuers=[ISSUER])
    bench.web[OCSP] = bench.office.respond(about=other)
    assert (await bench.check(certificate=read(other.der), others=[]))[0].status is RevocationStatus.GOOD
    assert bench.web.asked[ISSUER] == 1


async def test_issuers_are_fetched_one_after_the_other(bench: Any, forge: Any) -> None:
    """A path of several unknown CAs is climbed, each by the word of the one below it."""
    middle = forge.authority("SIM Middle CA", bench.office.root)
    issuer = forge.authority("SIM SITHS e-id Person ID 3 CA v1", middle, extensions=[access([], [MIDDLE])])
    leaf = bench.office.person(issuers=[ISSUER], issuer=issuer)
    bench.web[ISSUER], bench.web[MIDDLE] = issuer.der, middle.der
    evidence, issuers = await bench.inquiry.check(read(leaf.der), [], 300.0)
    assert [one.failure for one in evidence] == [Failure.NO_SOURCE] * 3
    assert [one.der for one in issuers] == [issuer.der, middle.der]


@pytest.mark.parametrize("what", ["garbage", "another CA", "a CA of the same name", "the holder", "a foreign path"])
async def test_what_has_not_signed_the_certificate_is_no_issuer(bench: Any, forge: Any, what: str) -> None:
    """Whatever is at the place that AIA names is kept only if it signed the certificate and leads to an anchor."""
    office = bench.office
    root = forge.authority("Foreign root")
    same_name = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)
    leaf = office.leaf
    answers = {
        "garbage": b"\x30\x03abc",
        "another CA": office.root.der,
        "a CA of the same name": same_name.der,
        "the holder": office.leaf.der,
        "a foreign path": forge.authority("Foreign CA", root).der,
    }
    if what == "a foreign path":
        foreign = forge.authority("Foreign CA", root)
        leaf, answers[what] = office.person(issuers=[ISSUER], issuer=foreign), foreign.der
    bench.web[ISSUER] = answers[what]
    evidence = await bench.check(certificate=read(leaf.der), others=[])
    assert statuses(evidence) == [(RevocationStatus.UNKNOWN, Failure.CHAIN_UNKNOWN)]
    assert bench.tools.library.entries == ()
    assert set(bench.web.asked) == {ISSUER}


async def test_a_list_of_another_issuer_proves_nothing(bench: Any) -> None:
    """A list with the right name and the wrong signature is not kept, and the certificate stays unknown."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    forged = bench.office.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1")
    bench.web[CRL] = bench.office.list(signer=forged)
    evidence = await bench.check(certificate=read(leaf.der))
    assert (evidence[0].failure, evidence[0].detail) == (Failure.INVALID, "the signature is wrong")
    assert not [entry for entry in bench.tools.library.entries if entry.kind == "crl" and entry.url == CRL]


async def test_a_list_from_the_future_is_not_kept(bench: Any) -> None:
    """A list from after this machine's clock could keep every later one away: it is refused."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list(made=HOUR, number=9)
    assert (await bench.check(certificate=read(leaf.der)))[0].failure is Failure.INVALID
    assert not [entry for entry in bench.tools.library.entries if entry.url == CRL]


async def test_each_question_to_a_responder_has_a_nonce_of_its_own(bench: Any) -> None:
    """Two questions about one certificate differ; a response that repeats another nonce than ours proves nothing."""
    bench.web[OCSP] = bench.office.respond(nonce=b"not ours" * 4)
    assert (await bench.check())[0].status is RevocationStatus.UNKNOWN
    bench.later(HOUR)
    await bench.check()
    assert len(set(bench.web.requests)) == len(bench.web.requests) == 2


async def test_a_nonce_of_ours_is_known_again_after_a_new_start(bench: Any, reopen: Any, tmp_path: Any) -> None:
    """A kept response that repeats our nonce proves itself by the nonce that was kept with it."""

    async def echo(request: bytes | None) -> bytes:
        asked = load_der_ocsp_request(request or b"").extensions.get_extension_for_class(OCSPNonce)
        return bytes(bench.office.respond(nonce=asked.value.nonce))

    bench.web[OCSP] = echo
    assert (await bench.check())[0].status is RevocationStatus.GOOD
    open_bench, close_bench = reopen
    await close_bench(bench)
    again = await open_bench(bench.office, tmp_path / "fetched.sqlite", bench.office.judge)
    try:
        assert (await again.check(wait=0))[0].status is RevocationStatus.GOOD
    finally:
        await close_bench(again)


async def test_an_answer_that_comes_while_the_one_before_is_read_is_kept(bench: Any) -> None:
    """What is told meanwhile is one of the two, as it was proven; the newer one is not thrown away."""

    async def echo(request: bytes | None) -> bytes:
        asked = load_der_ocsp_request(request or b"").extensions.get_extension_for_class(OCSPNonce)
        return bytes(bench.office.respond(nonce=asked.value.nonce))

    bench.web[OCSP] = echo
    assert (await bench.check())[0].status is RevocationStatus.GOOD
    bench.later(2 * HOUR)
    store, begun, go_on = bench.tools.library._store, threading.Event(), threading.Event()
    put = store.put

    def slow(*what: Any) -> list[str]:
        begun.set()
        go_on.wait(60)
        return put(*what)

    store.put = slow
    asking = asyncio.create_task(bench.check(fresh=True))
    await asyncio.to_thread(begun.wait, 60)
    reading = asyncio.create_task(bench.check(wait=0))
    for _ in range(20):
        await asyncio.sleep(0)
    go_on.set()
    assert (await asking)[0].status is RevocationStatus.GOOD
    assert (await reading)[0].status is RevocationStatus.GOOD
    assert (await bench.check(wait=0))[0].status is RevocationStatus.GOOD


async def test_a_list_that_takes_long_to_read_holds_nobody_up(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked hears in time that nothing is known yet; the reading goes on, once, and the next one is told."""
    leaf = bench.office.person("SE2321000016-2BC3", lists=[CRL])
    bench.web[CRL] = bench.office.list(leaf)
    holder = read(leaf.der)
    assert (await bench.check(certificate=holder))[0].status is RevocationStatus.REVOKED
    gate, crl, begun = asyncio.Event(), bench.tools.library.crl, 0

    async def slow(key: str, issuer: Any) -> Any:
        nonlocal begun
        begun += 1
        await gate.wait()
        return await crl(key, issuer)

    monkeypatch.setattr(bench.tools.library, "crl", slow)
    monkeypatch.setattr(bench.inquiry, "_patience", Patience(last_look=0.05))
    async with asyncio.timeout(30):
        first = await bench.check(certificate=holder, wait=0)
        second = await bench.check(certificate=holder, wait=0)
    assert [first[0].failure, second[0].failure] == [Failure.UNREACHABLE, Failure.UNREACHABLE]
    before = begun
    monkeypatch.setattr(bench.inquiry, "_patience", Patience(last_look=300))
    gate.set()
    assert (await bench.check(certificate=holder, wait=0))[0].status is RevocationStatus.REVOKED
    assert before <= 2  # one for each certificate of the path
