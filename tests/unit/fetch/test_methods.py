"""io.sithsd.Fetch: what its methods take, and what they tell."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from issuing import OCSP, ROOT_CRL, Gate

from sithsd.api.fetch_evidence import from_wire
from sithsd.api.fetch_wire import CheckRevocationReply, FetchAnchorReply, StateReply
from sithsd.api.interface import Method
from sithsd.api.peer import Caller
from sithsd.certificate.read import read
from sithsd.errors import ErrorCode, SithsdError
from sithsd.fetch.methods import FetchMethods
from sithsd.fetch.web import WebError
from sithsd.validity.revocation.model import Failure, RevocationStatus

DAEMON = Caller(uid=54321, gid=54321, pid=1, groups=frozenset({54321}))
ROOT = "http://aia.siths.se:80/sithseidrootcav2.cer"


def text(der: bytes) -> str:
    """Return base64."""
    return base64.b64encode(der).decode()


@pytest.fixture
def call(bench: Any) -> Any:
    """Return what calls a method as the server does."""
    aside = datetime(2026, 1, 2, tzinfo=UTC)
    methods = FetchMethods(bench.inquiry, bench.tools, anchors=1, set_aside=aside).interface()

    async def call(name: str, **parameters: object) -> Any:
        method = methods.methods[name]
        assert isinstance(method, Method)
        return await method.call(method.parameters(**parameters), DAEMON)

    return call


async def test_evidence_and_issuers_are_told(bench: Any, call: Any) -> None:
    """The reply has the evidence of the whole path, and the CAs that a server may lack."""
    bench.web[OCSP] = bench.office.respond()
    bench.web[ROOT_CRL] = bench.office.list(signer=bench.office.root)
    reply = await call(
        "CheckRevocation", certificate=text(bench.office.leaf.der), others=[text(bench.office.issuer.der)]
    )
    assert isinstance(reply, CheckRevocationReply)
    evidence = [from_wire(one) for one in reply.evidence]
    assert [one.status for one in evidence] == [RevocationStatus.GOOD] * 2
    assert evidence[0].next_check is not None
    assert [base64.b64decode(one) for one in reply.issuers] == [bench.office.issuer.der]


async def test_without_time_what_is_kept_is_told(bench: Any, call: Any) -> None:
    """A wait of 0 asks nobody."""
    reply = await call(
        "CheckRevocation",
        certificate=text(bench.office.leaf.der),
        others=[text(bench.office.issuer.der)],
        wait_milliseconds=0,
    )
    assert from_wire(reply.evidence[0]).failure is Failure.UNREACHABLE
    assert not bench.web.asked


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"certificate": "not base64!"}, "certificate: no certificate that can be read"),
        ({"certificate": text(b"secret words")}, "certificate: no certificate that can be read"),
        ({"others": [text(b"\x30\x00")]}, "others: no certificate that can be read"),
        ({"wait_milliseconds": -1}, "waitMilliseconds: from 0 to 3000"),
        ({"wait_milliseconds": 3001}, "waitMilliseconds: from 0 to 3000"),
    ],
)
async def test_what_has_not_its_form_is_refused(bench: Any, call: Any, parameters: Any, said: str) -> None:
    """A parameter that is none is told by its name alone, and nobody is asked."""
    with pytest.raises(SithsdError) as caught:
        await call("CheckRevocation", **{"certificate": text(bench.office.leaf.der), **parameters})
    assert (caught.value.code, caught.value.detail) == (ErrorCode.REQUEST_INVALID, said)
    assert not bench.web.asked


async def test_the_pinned_root_is_fetched(bench: Any, call: Any, pki_dir: Path) -> None:
    """The real root comes from its pinned place in DER or PEM, and is told only if it is the pinned one."""
    pem = (pki_dir / "sithseidrootcav2.pem").read_bytes()
    for content in (pem, *(base64.b64decode(part) for part in [b"".join(pem.split(b"-----")[2].split())])):
        bench.web[ROOT] = content
        reply = await call("FetchAnchor", environment="production")
        assert isinstance(reply, FetchAnchorReply)
        root = read(base64.b64decode(reply.certificate))
        assert root.fingerprint == "8767260ac829d833c30af23857cbf8a2304bfda445303dfce5043afa73e584c1"
        bench.tick[0] += 60


async def test_another_root_is_not_told(bench: Any, call: Any, pki_dir: Path) -> None:
    """What is at the place and is not the pinned root, a real one too, is refused by name; so is no answer."""
    for content, said in (
        ((pki_dir / "testsithseidrootcav2.pem").read_bytes(), "not the pinned root"),
        (bench.office.root.der, "not the pinned root"),
        (b"garbage", "not the pinned root"),
        (WebError("no connection"), "no connection"),
    ):
        bench.web[ROOT] = content
        with pytest.raises(SithsdError, match=said) as caught:
            await call("FetchAnchor", environment="production")
        assert (caught.value.code, caught.value.retryable) == (ErrorCode.FETCH_FAILED, True)
        bench.tick[0] += 60


@pytest.mark.parametrize("environment", ["sim", "unknown", "", "http://aia.siths.se/"])
async def test_only_a_pinned_root_can_be_fetched(bench: Any, call: Any, environment: str) -> None:
    """No place can be named: only a world with a pinned root."""
    with pytest.raises(SithsdError) as caught:
        await call("FetchAnchor", environment=environment)
    assert caught.value.code is ErrorCode.REQUEST_INVALID
    assert not bench.web.asked


async def test_the_state_tells_what_a_doctor_wants_to_know(bench: Any, call: Any) -> None:
    """How much is kept, what is waited for, and what fails until when."""
    bench.web[OCSP] = gate = Gate(bench.office.respond())
    bench.web[ROOT_CRL] = WebError("no connection")
    before = await call("GetState")
    assert isinstance(before, StateReply)
    assert (before.stored, before.bytes, before.last_success, before.waiting, before.failing) == (0, 0, None, 0, [])
    assert (before.started, before.anchors, before.set_aside) == ("2028-01-01T00:00:00Z", 1, "2026-01-02T00:00:00Z")
    await bench.check(wait=0)  # the path is known from here on
    await bench.check(wait=0.01)
    await gate.reached.wait()
    assert (await call("GetState")).waiting >= 1
    gate.opened.set()
    await bench.check()
    after = await call("GetState")
    assert (after.stored, after.last_success, after.waiting) == (2, "2028-01-01T00:00:00Z", 0)
    assert after.bytes > len(bench.office.issuer.der)
    (failing,) = after.failing
    assert (failing.url, failing.failures, failing.detail) == (ROOT_CRL, 1, "no connection")
    assert failing.next_try is not None
