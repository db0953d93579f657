"""Orders to sign: what is refused before the card is touched, what comes back, and what the audit keeps."""

import asyncio
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from card_bench import OTHER_PIN, PIN, WRONG, Bench, card
from session_house import (
    ASKER,
    LONG,
    READER,
    House,
    Judge,
    last_row,
    no_answer,
    refused,
    spy_on_plans,
    told,
    untouched,
    wiped,
)

from sithsd.audit.log import AuditLog
from sithsd.audit.reading import Wanted
from sithsd.audit.reading import rows as rows_of
from sithsd.card.backends.pkcs15.backend import Pkcs15Backend
from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.certificate import signature
from sithsd.certificate.read import Certificate
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.session.choice import ChosenBy, Wish
from sithsd.session.informant import Told
from sithsd.session.orders import SignOrder
from sithsd.session.tools import Done
from sithsd.validity.revocation.model import RevocationStatus
from sithsd.values import IdentityKind, Purpose, Role, SignatureAlgorithm, Status, Verdict

HSA_ID = IdentityKind.HSA_ID
LOG_IN, SIGN = Wish(Purpose.AUTHENTICATION, HSA_ID), Wish(Purpose.SIGNATURE, HSA_ID)
NONCE = b"a nonce of a client"
DIGEST = hashlib.sha384(b"a document").digest()


def log_in(code: bytes = PIN, wish: Wish = LOG_IN, word: Word = NOTHING_SAID, **more: object) -> SignOrder:
    """Return an order to sign a nonce."""
    return SignOrder(wish, NONCE, Secret(code), word=word, **more)


def sign(code: bytes = OTHER_PIN, message: bytes = DIGEST, **more: object) -> SignOrder:
    """Return an order to sign a document's hash."""
    return SignOrder(SIGN, message, Secret(code), hashed=True, description="A document", **more)


def good(done: Done, message: bytes, *, hashed: bool = False) -> bool:
    """Tell whether what came back is the certificate's signature, by a library."""
    settled = done.settled
    digest = message if hashed else hashlib.new(settled.algorithm.hash_name, message).digest()
    return signature.is_valid(settled.chosen.entry.certificate, settled.algorithm, digest, done.signature)


async def test_a_proof_of_possession(house: House) -> None:
    """A nonce, one PIN, one signature of the certificate that was asked for; the card is locked, the counters full."""
    bench = await house.ready(Bench(card(tries={Role.AUTHENTICATION: 2})))
    done = await house.perform(log_in())
    assert good(done, NONCE)
    assert done.settled.algorithm is SignatureAlgorithm.RSA_PKCS1_SHA256
    assert done.settled.chosen.entry.certificate.identity is HSA_ID
    assert done.settled.chosen.by is ChosenBy.IDENTITY
    assert (done.state.role, done.state.tries_left) == (Role.AUTHENTICATION, 3)
    assert bench.locked()
    assert house.sockets[READER].codes_sent == [0x20]
    row = await last_row(house, 1)
    assert (row.operation, row.role, row.result) == ("authenticate", "authentication", "done")
    assert (row.tries_before, row.tries_after) == (2, 3)
    fingerprint = done.settled.chosen.entry.certificate.fingerprint
    assert json.loads(row.more) == {"algorithm": "rsaPkcs1Sha256", "certificate": fingerprint}


async def test_a_signature_over_a_hash(house: House) -> None:
    """The signature key signs the hash as it came; hash and words for it stand in the audit."""
    await house.ready()
    done = await house.perform(sign())
    assert good(done, DIGEST, hashed=True)
    assert done.settled.algorithm is SignatureAlgorithm.RSA_PKCS1_SHA384
    row = await last_row(house, 1)
    assert (row.operation, row.role, row.result) == ("sign", "signature", "done")
    more = json.loads(row.more)
    assert (more["digest"], more["description"]) == (DIGEST.hex(), "A document")


async def test_each_signature_takes_its_pin(house: House) -> None:
    """After one signature the card gives no other: the PIN is sent again for the next."""
    bench = await house.ready()
    for _ in range(2):
        assert good(await house.perform(sign()), DIGEST, hashed=True)
        assert bench.locked()
    assert house.sockets[READER].codes_sent == [0x20, 0x20]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (log_in(wish=Wish(Purpose.AUTHENTICATION)), ErrorCode.CERTIFICATE_AMBIGUOUS),
        (log_in(wish=Wish(Purpose.AUTHENTICATION, fingerprint="0" * 64)), ErrorCode.CERTIFICATE_ABSENT),
        (log_in(algorithm=SignatureAlgorithm.ECDSA_SHA256), ErrorCode.SIGNATURE_UNSUPPORTED),
        (sign(message=bytes(20)), ErrorCode.REQUEST_INVALID),
        (sign(algorithm=SignatureAlgorithm.RSA_PSS_SHA256), ErrorCode.REQUEST_INVALID),
    ],
    ids=str,
)
async def test_what_is_refused_before_the_card(house: House, order: SignOrder, code: ErrorCode) -> None:
    """An order that can't be carried out sends nothing to the card, not even a look at its counters."""
    await house.ready()
    error = await untouched(house, house.perform(order))
    assert error.code is code
    assert error.where.reader == READER


async def test_a_certificate_that_expired_since_the_card_came(house: House) -> None:
    """It is judged at the moment of the call; the refusal has its row in the audit."""
    await house.ready()
    house.clock.set(house.clock.now() + timedelta(days=365 * 6))
    error = await refused(house.perform(log_in()))
    assert error.code is ErrorCode.CERTIFICATE_BAD
    assert "date.expired" in error.more.rules
    assert house.sockets[READER].codes_sent == []
    row = await last_row(house, 1)
    assert (row.operation, row.result) == ("authenticate", "certificate.bad")
    wish = Wish(Purpose.AUTHENTICATION, HSA_ID, accept_bad=True)
    assert good(await house.perform(log_in(wish=wish)), NONCE)


async def test_a_wrong_pin(house: House) -> None:
    """A wrong PIN gives no signature, costs one try and counts in the budget like any."""
    bench = await house.ready()
    error = await refused(house.perform(log_in(WRONG)))
    assert (error.code, error.tries_left) == (ErrorCode.PIN_WRONG, 2)
    assert bench.tries()[Role.AUTHENTICATION] == 2
    assert (await last_row(house, 1)).result == "pin.wrong"
    assert house.shown()[Role.AUTHENTICATION] == 2


async def test_a_card_that_can_not_sign_is_no_wrong_pin(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong after the right PIN is told as that: no try in doubt, no notice, nothing in the budget."""
    bench = await house.ready()
    real = bench.card.transmit

    def refusing(command: bytes) -> tuple[bytes, int]:
        return (b"", 0x6985) if command[1] == 0x2A else real(command)

    monkeypatch.setattr(bench.card, "transmit", refusing)
    error = await refused(house.perform(log_in()))
    assert (error.code, error.status_word) == (ErrorCode.CARD_REFUSED, 0x6985)
    row = await last_row(house, 1)
    assert (row.result, row.tries_before) == ("card.refused", 3)
    assert bench.locked()
    assert house.notices() == []


async def test_a_signature_by_another_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that signs with another key than the certificate's proves nothing: signature.invalid, no success."""
    bench = await house.ready()
    real = bench.card.transmit

    def forging(command: bytes) -> tuple[bytes, int]:
        answer = real(command)
        return (bytes(256), 0x9000) if command[1] == 0x2A else answer

    monkeypatch.setattr(bench.card, "transmit", forging)
    error = await refused(house.perform(log_in()))
    assert error.code is ErrorCode.SIGNATURE_INVALID
    assert (await last_row(house, 1)).result == "signature.invalid"
    assert bench.locked()


@pytest.mark.parametrize("code", [ErrorCode.CARD_CHANGED, ErrorCode.MODULE_FAILED, ErrorCode.MODULE_TIMEOUT])
async def test_what_is_lost_after_the_pin(house: House, monkeypatch: pytest.MonkeyPatch, code: ErrorCode) -> None:
    """Names that tell that nothing was sent, and that it may be tried again, are not told once the PIN was taken."""

    def lost(*_: object) -> bytes:
        raise SithsdError(code, "it was lost")

    monkeypatch.setattr(Pkcs15Backend, "sign", lost)
    bench = await house.ready()
    error = await refused(house.perform(sign()))
    assert (error.code, error.retryable) == (ErrorCode.CARD_UNREADABLE, False)
    assert house.sockets[READER].codes_sent == [0x20]
    assert bench.locked()
    assert (await last_row(house, 1)).result == "card.unreadable"
    assert house.notices() == []


async def test_codes_of_a_plan_are_wiped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The PIN is in memory no longer than the operation, whatever its end."""
    plans = spy_on_plans(monkeypatch)
    await house.ready()
    await house.perform(log_in())
    await refused(house.perform(sign(WRONG)))
    assert len(plans) == 2
    assert wiped(plans)


async def test_the_issuers_come_along(house: House) -> None:
    """The issuing authority comes with the certificate, and the root does not."""
    await house.ready()
    done = await house.perform(log_in(), ASKER)
    (issuer,) = done.settled.chosen.entry.assessment.issuers
    assert b"SIM SITHS e-id Person HSA-id 3 CA v1" in issuer


async def test_what_is_signed_is_in_the_audit_from_the_beginning(house: House) -> None:
    """A daemon that is killed in the midst leaves a row that says what was signed with what, and what for."""
    await house.ready()
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> None:
        if command[1] == 0x2A:
            at.set()
            assert on.wait(LONG)

    house.sockets[READER].before = wait
    task = asyncio.ensure_future(house.perform(sign()))
    assert await asyncio.to_thread(at.wait, LONG)
    killed = house.audit_file.with_name("killed")
    killed.mkdir()
    for file in house.audit_file.parent.glob("audit.sqlite*"):
        shutil.copy(file, killed)
    on.set()
    done = await task
    AuditLog.open(killed / "audit.sqlite", house.clock).close()
    (row,) = rows_of(killed / "audit.sqlite", Wanted())
    more = json.loads(row.more)
    assert (row.operation, row.result, more["event"]) == ("sign", "unknown", "daemon.interrupted")
    assert (more["digest"], more["description"]) == (DIGEST.hex(), "A document")
    assert more["certificate"] == done.settled.chosen.entry.certificate.fingerprint


async def test_what_was_not_signed_is_in_the_audit(house: House) -> None:
    """The row of a refused signature says what it would have been."""
    await house.ready()
    house.clock.set(house.clock.now() + timedelta(days=365 * 6))
    assert (await refused(house.perform(sign()))).code is ErrorCode.CERTIFICATE_BAD
    more = json.loads((await last_row(house, 1)).more)
    assert (more["digest"], more["description"]) == (DIGEST.hex(), "A document")
    assert "date.expired" in more["rules"]


# Whether the certificate is revoked.


def ordered(house: House) -> list[str]:
    """Return a list that is filled with what happens: a question, and each command that goes to the card."""
    happened: list[str] = []
    house.sockets[READER].before = lambda _: happened.append("card")
    answers = house.informant.answers

    def asked(certificate: Certificate) -> Told | None:
        happened.append("asked")
        return answers(certificate)

    house.informant.answers = asked
    return happened


async def at_rest(house: House) -> None:
    """Put a card in, and wait until it was asked about, in vain."""
    await house.ready()
    await house.alarm.next_wait()
    house.informant.asked.clear()


async def test_somebody_is_asked_before_the_card_is_touched(sure_house: House, sure: Judge) -> None:
    """Without evidence it is asked for first, and only of certificates of that purpose; the proof tells the verdict."""
    house = sure_house
    await at_rest(house)
    house.informant.answers = lambda certificate: told(sure, certificate, house.clock.now())
    happened = ordered(house)
    done = await house.perform(log_in())
    assert happened[:2] == ["asked", "asked"]
    assert set(happened[2:]) == {"card"}
    assert done.settled.chosen.entry.assessment.verdict == Verdict(Status.GOOD, ())
    purposes = {one.certificate.fingerprint: one.certificate.purpose for one in house.slot().certificates()}
    assert {purposes[fingerprint] for fingerprint, _ in house.informant.asked} == {Purpose.AUTHENTICATION}


async def test_nobody_is_asked_where_enough_is_known(sure_house: House, sure: Judge) -> None:
    """With fresh evidence at hand a log-in waits for nobody."""
    house = sure_house
    house.informant.answers = lambda certificate: told(sure, certificate, house.clock.now())
    await at_rest(house)
    house.informant.go.clear()
    done = await house.perform(log_in())
    assert house.informant.asked == []
    assert done.settled.chosen.entry.assessment.verdict.status is Status.GOOD


@pytest.mark.parametrize("order", [log_in, sign])
async def test_a_revoked_certificate_is_refused(
    sure_house: House, sure: Judge, order: Callable[..., SignOrder]
) -> None:
    """certificate.bad with the reason, in time: it is learnt now; the card is not touched, no try is used."""
    house = sure_house
    await at_rest(house)
    revoked = {"status": RevocationStatus.REVOKED, "revoked_at": house.clock.now()}
    house.informant.answers = lambda certificate: told(sure, certificate, house.clock.now(), **revoked)
    error = await untouched(house, house.perform(order()))
    assert (error.code, error.more.rules) == (ErrorCode.CERTIFICATE_BAD, ("revocation.revoked",))


async def test_a_revoked_certificate_that_is_wanted_all_the_same(sure_house: House, sure: Judge) -> None:
    """Who says so gets the proof, and the verdict with it."""
    house = sure_house
    await at_rest(house)
    revoked = {"status": RevocationStatus.REVOKED, "revoked_at": house.clock.now()}
    house.informant.answers = lambda certificate: told(sure, certificate, house.clock.now(), **revoked)
    done = await house.perform(log_in(wish=replace(LOG_IN, accept_bad=True)))
    assert done.settled.chosen.entry.assessment.verdict.reasons == ("revocation.revoked",)


async def test_what_is_not_known_is_told_as_not_known(sure_house: House) -> None:
    """Without an answer the card is used, and the verdict says why it is unknown: who lets in decides."""
    house = sure_house
    await at_rest(house)
    house.informant.answers = lambda certificate: Told((no_answer(certificate),))
    done = await house.perform(log_in())
    verdict = done.settled.chosen.entry.assessment.verdict
    assert (verdict.status, verdict.reasons[0]) == (Status.UNKNOWN, "revocation.unreachable")


async def test_a_card_that_is_exchanged_while_somebody_is_asked(sure_house: House) -> None:
    """Nothing goes to the card that is in its place by then."""
    house = sure_house
    await at_rest(house)
    house.informant.go.clear()
    call = asyncio.ensure_future(house.perform(log_in()))
    while not house.verdicts._asking:  # noqa: ASYNC110 - there is no event of a question's having been asked
        await asyncio.sleep(0)
    house.remove()
    await house.ready("second")
    house.informant.go.set()
    sent = len(house.sockets[READER].codes_sent)
    assert (await refused(call)).code is ErrorCode.CARD_CHANGED
    assert len(house.sockets[READER].codes_sent) == sent == 0


async def test_a_caller_who_goes_while_somebody_is_asked(sure_house: House) -> None:
    """Nothing begins for somebody who has gone."""
    house = sure_house
    await at_rest(house)
    house.informant.go.clear()
    call = asyncio.ensure_future(house.perform(log_in()))
    while not house.verdicts._asking:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    house.informant.go.set()
    assert house.sockets[READER].codes_sent == []
    assert await house.rows() == []
