"""What the daemon asks sithsd-fetch, what it takes of the answer, and what becomes of it when nobody answers."""

import asyncio
import socket
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sithsd.api.fetch_evidence import to_wire
from sithsd.api.fetch_wire import CheckRevocationCall, CheckRevocationReply, StateReply
from sithsd.api.interface import Interface, Method, interface_text
from sithsd.api.peer import Caller
from sithsd.api.rights import everyone
from sithsd.api.server import Server
from sithsd.certificate.read import Certificate, read
from sithsd.daemon.fetching import FetchInformant
from sithsd.errors import ErrorCode, SithsdError
from sithsd.locations import FETCH_SOCKET
from sithsd.session.informant import Told
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

LONG = 30.0
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
Answers = Callable[[CheckRevocationCall], CheckRevocationReply | Awaitable[CheckRevocationReply]]


@dataclass
class Program:
    """A program at the socket that answers as a test says, and keeps what it was asked."""

    answers: Answers
    asked: list[CheckRevocationCall] = field(default_factory=list)

    async def check(self, call: CheckRevocationCall, _caller: Caller) -> CheckRevocationReply:
        """Answer a question."""
        self.asked.append(call)
        answer = self.answers(call)
        return answer if isinstance(answer, CheckRevocationReply) else await answer


@asynccontextmanager
async def serving(folder: Path, answers: Answers) -> AsyncIterator[Program]:
    """Let a program listen in a folder."""
    program = Program(answers)
    path = folder / FETCH_SOCKET
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.setblocking(False)
        method = Method("CheckRevocation", CheckRevocationCall, everyone, program.check)
        server = Server([(Interface(interface_text(FETCH_SOCKET), [method]), listening)])
        await server.start()
        try:
            yield program
        finally:
            await server.stop()


@pytest.fixture
def leaf(forge: Any) -> Certificate:
    """Give a person's certificate."""
    return read(forge.person().der)


@pytest.fixture
def issuer(forge: Any) -> Certificate:
    """Give a CA's certificate."""
    return read(forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1").der)


def good(certificate: Certificate, **more: Any) -> Evidence:
    """Return a good answer."""
    made = Evidence(
        fingerprint=certificate.fingerprint,
        serial_number=certificate.serial_number,
        status=RevocationStatus.GOOD,
        source=Source.CRL,
        url="http://crl.example/a.crl",
        signer="CN=SIM",
        this_update=NOW,
        next_update=NOW,
        produced_at=NOW,
        fetched_at=NOW,
        next_check=NOW,
    )
    return replace(made, **more)


def reply(*evidence: Evidence, issuers: tuple[bytes, ...] = ()) -> CheckRevocationReply:
    """Return a reply as sithsd-fetch makes it."""
    told = [to_wire(one) for one in evidence]
    return CheckRevocationReply(evidence=told, issuers=[b64encode(der).decode() for der in issuers])


async def ask(informant: FetchInformant, leaf: Certificate, *others: Certificate, **more: Any) -> Told | None:
    """Ask, for three seconds if nothing else is said."""
    async with asyncio.timeout(LONG):
        return await informant.ask(leaf, others, **({"seconds": 3.0, "fresh": False} | more))


async def test_what_is_asked_and_what_is_told(tmp_path: Path, leaf: Certificate, issuer: Certificate) -> None:
    """The certificate, the card's CAs, how long and how fresh; back come the evidence and the CAs that were found."""
    failed = Evidence(issuer.fingerprint, issuer.serial_number, RevocationStatus.UNKNOWN, failure=Failure.UNREACHABLE)
    async with serving(tmp_path, lambda _: reply(good(leaf), failed, issuers=(issuer.der,))) as program:
        informant = FetchInformant(tmp_path / FETCH_SOCKET)
        told = await ask(informant, leaf, issuer, seconds=1.5, fresh=True)
        assert told == Told((good(leaf), failed), (issuer,))
        assert await ask(informant, leaf) == told
    first, second = program.asked
    assert b64decode(first.certificate) == leaf.der
    assert [b64decode(one) for one in first.others or []] == [issuer.der]
    assert (first.wait_milliseconds, first.fresh) == (1500, True)
    assert (second.others, second.wait_milliseconds, second.fresh) == (None, 3000, None)


async def test_nobody_is_there_and_then_somebody(
    tmp_path: Path, leaf: Certificate, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the program nothing is known, which is logged once; one that comes is asked, one that comes back too."""
    informant = FetchInformant(tmp_path / FETCH_SOCKET)
    for _ in range(3):
        assert await ask(informant, leaf) is None
    assert capsys.readouterr().out.count("sithsd-fetch does not answer") == 1
    async with serving(tmp_path, lambda _: reply(good(leaf))):
        assert await ask(informant, leaf) == Told((good(leaf),))
        assert await ask(informant, leaf) == Told((good(leaf),))
    assert capsys.readouterr().out.count("sithsd-fetch answers again") == 1
    assert await ask(informant, leaf) is None
    async with serving(tmp_path, lambda _: reply(good(leaf))):
        assert await ask(informant, leaf) == Told((good(leaf),))


async def test_an_error_is_no_answer(tmp_path: Path, leaf: Certificate) -> None:
    """Whatever name it has, nothing is known by it."""

    def refuse(_: CheckRevocationCall) -> CheckRevocationReply:
        raise SithsdError(ErrorCode.REQUEST_TOO_MANY, "too many")

    async with serving(tmp_path, refuse):
        assert await ask(FetchInformant(tmp_path / FETCH_SOCKET), leaf) is None


async def test_it_is_not_waited_for_without_end(tmp_path: Path, leaf: Certificate) -> None:
    """A program that hangs is given up soon after the time that it was given."""
    hanging = asyncio.Event()

    async def hang(_: CheckRevocationCall) -> CheckRevocationReply:
        await hanging.wait()
        return reply(good(leaf))

    async with serving(tmp_path, hang):
        assert await ask(FetchInformant(tmp_path / FETCH_SOCKET), leaf, seconds=0.0) is None
        hanging.set()


@pytest.mark.parametrize(
    "spoil",
    [
        {"status": "perhaps"},
        {"source": "hearsay"},
        {"failure": "bad luck"},
        {"status": "unknown"},
        {"failure": "stale"},
        {"thisUpdate": "yesterday"},
        {"thisUpdate": "2026-12-01T12:00:00+01:00"},
        {"serialNumber": "many"},
        {"serialNumber": "1" * 65},
        {"serialNumber": 7},
        {"fingerprint": "00" * 32},
        {"fingerprint": "0" * 2000},
        {"url": "http://" + "x" * 2000},
        {"signer": "x" * 2000},
        {"detail": "x" * 2000},
        {"revocationReason": "x" * 2000},
        {"url": ["a list"]},
    ],
)
async def test_what_is_no_evidence(tmp_path: Path, leaf: Certificate, spoil: dict[str, Any]) -> None:
    """An answer that can't be one is none: not even the part of it that can."""
    whole = msgspec.json.decode(msgspec.json.encode(reply(good(leaf), good(leaf))))
    whole["evidence"][0] |= spoil
    answer = msgspec.json.encode({"parameters": whole}) + b"\0"
    assert await _said(tmp_path, leaf, answer) is None


async def test_more_than_there_can_be(tmp_path: Path, leaf: Certificate, issuer: Certificate) -> None:
    """More answers than a path has certificates, and more CAs, are taken for what they are."""
    informant = FetchInformant(tmp_path / FETCH_SOCKET)
    async with serving(tmp_path, lambda _: reply(*17 * [good(leaf)])):
        assert await ask(informant, leaf) is None
    async with serving(tmp_path, lambda _: reply(good(leaf), issuers=9 * (issuer.der,))):
        assert await ask(informant, leaf) is None


async def test_certificates_that_are_no_issuers(tmp_path: Path, leaf: Certificate, issuer: Certificate) -> None:
    """Of what came from the network CAs' certificates alone are taken, and nothing that can't be read."""
    others = (leaf.der, b"", b"\x30\x03\x02\x01\x01", issuer.der[:-1])
    async with serving(tmp_path, lambda _: reply(good(leaf), issuers=(*others, issuer.der))):
        assert await ask(FetchInformant(tmp_path / FETCH_SOCKET), leaf) == Told((good(leaf),), (issuer,))


@pytest.mark.parametrize("said", [b"", b"\0", b"nonsense\0", b"{}\0", b'{"parameters":7}\0', b"[" * 5000 + b"\0"])
async def test_another_language(tmp_path: Path, leaf: Certificate, said: bytes) -> None:
    """Bytes that are no reply are none, and so is a connection that ends."""
    assert await _said(tmp_path, leaf, said) is None


async def test_a_card_full_of_certificates(tmp_path: Path, forge: Any, leaf: Certificate) -> None:
    """Of many or large CAs of the card as many are sent along as fit into a call."""
    many = [read(forge.authority(f"SIM CA {number}").der) for number in range(100)]
    async with serving(tmp_path, lambda _: reply(good(leaf))) as program:
        assert await ask(FetchInformant(tmp_path / FETCH_SOCKET), leaf, *many) == Told((good(leaf),))
    (call,) = program.asked
    assert 10 < len(call.others or []) < 100


async def test_many_questions_at_once(tmp_path: Path, leaf: Certificate) -> None:
    """No more of them are with the program at a time than it has places for; each is answered."""
    under_way, most = 0, 0

    async def answer(_: CheckRevocationCall) -> CheckRevocationReply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return reply(good(leaf))

    async with serving(tmp_path, answer):
        informant = FetchInformant(tmp_path / FETCH_SOCKET)
        told = await asyncio.gather(*(ask(informant, leaf) for _ in range(100)))
    assert told == 100 * [Told((good(leaf),))]
    assert most <= 16


async def test_how_it_fares(tmp_path: Path, leaf: Certificate) -> None:
    """What it tells of itself; nothing where it is not there, hangs for a second or tells something else."""
    informant = FetchInformant(tmp_path / FETCH_SOCKET)
    assert informant.place == str(tmp_path / FETCH_SOCKET)
    assert await informant.state() is None
    state = StateReply(started="2026-11-22T06:00:00Z", stored=1, bytes=2, last_success=None, waiting=0, anchors=1)
    for answer, told in ((state, state), ({"started": 7}, None)):
        said = msgspec.json.encode({"parameters": answer}) + b"\0"

        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = said) -> None:
            await reader.readuntil(b"\0")
            writer.write(said)
            writer.close()

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(await asyncio.start_unix_server(say, tmp_path / FETCH_SOCKET))
            assert await informant.state() == told
        (tmp_path / FETCH_SOCKET).unlink(missing_ok=True)
    async with serving(tmp_path, lambda _: reply(good(leaf))):  # knows no such method
        assert await informant.state() is None


async def _said(folder: Path, leaf: Certificate, answer: bytes) -> Told | None:
    """Ask a program that says these bytes, whatever it is asked."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        writer.write(answer)
        writer.close()

    async with AsyncExitStack() as stack:
        server = await asyncio.start_unix_server(say, folder / FETCH_SOCKET)
        await stack.enter_async_context(server)
        return await ask(FetchInformant(folder / FETCH_SOCKET), leaf)
