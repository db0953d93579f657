"""The library for log-in clients, both halves of it: on a daemon that is in order, and on those that are not."""

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sithsd.api.exchange import REPLY_BYTES
from sithsd.client import (
    AsyncClient,
    Client,
    DaemonError,
    ErrorCode,
    LostError,
    Require,
    RequirementError,
    SithsdError,
    orders,
)
from sithsd.values import SignatureAlgorithm
from tests.unit.client.signer import Signer, line, signer

FAKE_DAEMON = Path(__file__).parent / "fake_daemon.py"
PIN = b"112233"
# Of the fake daemon's certificates nobody was asked whether they are revoked.
UNCHECKED = Require.GOOD_OR_REVOCATION_UNCHECKED
CARDS, CODES = "io.sithsd.Cards", "io.sithsd.Codes"


class Blocking:
    """Asks `Client`, in a thread as a program without asyncio is."""

    def __init__(self, folder: Path) -> None:
        self._client = Client(folder)

    async def ask(self, method: str, *given: Any, **more: Any) -> Any:
        """Call a method."""
        return await asyncio.to_thread(getattr(self._client, method), *given, **more)

    async def watch(self) -> AsyncIterator[Any]:
        """Follow the changes."""
        with closing(self._client.watch()) as changes:
            while (change := await asyncio.to_thread(next, changes)) is not None:
                yield change


class Awaited:
    """Asks `AsyncClient`."""

    def __init__(self, folder: Path) -> None:
        self._client = AsyncClient(folder)

    async def ask(self, method: str, *given: Any, **more: Any) -> Any:
        """Call a method."""
        return await getattr(self._client, method)(*given, **more)

    async def watch(self) -> AsyncIterator[Any]:
        """Follow the changes."""
        async with aclosing(self._client.watch()) as changes:
            async for change in changes:
                yield change


@pytest.fixture(params=[Blocking, Awaited])
def library(request: pytest.FixtureRequest, folder: Path) -> Any:
    """Give one client, then the other."""
    return request.param(folder)


@pytest.fixture
def daemon(folder: Path) -> Iterator[Any]:
    """Start a daemon with the real interface texts."""
    process = subprocess.Popen([sys.executable, str(FAKE_DAEMON), str(folder)], stdin=-1, stdout=-1, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.communicate()


class Liar:
    """A daemon that answers with what `reply` makes of a call; `gone` is set when the client has closed."""

    def __init__(self, path: Path, reply: Callable[[dict[str, Any]], bytes | None]) -> None:
        self.calls: list[dict[str, Any]] = []
        self.heard = threading.Event()
        self.gone = threading.Event()
        self._reply = reply
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _address = self._listening.accept()
        with connection:
            received = b""
            while not received.endswith(b"\0"):
                if not (more := connection.recv(100_000)):
                    self.gone.set()
                    return
                received += more
            self.calls.append(json.loads(received[:-1]))
            self.heard.set()
            answer = self._reply(self.calls[0])
            if answer is None:
                connection.shutdown(socket.SHUT_WR)
                return
            try:
                connection.sendall(answer)
                while connection.recv(100_000):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough
            self.gone.set()

    def end(self) -> None:
        """Wait for the client to have gone."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._listening.close()


@contextmanager
def lying(path: Path, reply: Callable[[dict[str, Any]], bytes | None]) -> Iterator[Liar]:
    """Serve one connection with `reply`; None hangs up."""
    liar = Liar(path, reply)
    try:
        yield liar
    finally:
        liar.end()


@pytest.fixture(scope="session")
def mine(forge: Any) -> Signer:
    """Return the signer that an honest daemon would have."""
    return signer(forge)


@pytest.mark.usefixtures("daemon")
async def test_it_looks(library: Any) -> None:
    """Readers, cards, certificates with their bytes, verdicts and tries come in their shapes."""
    picture = await library.ask("readers")
    (card,) = picture.cards
    assert (picture.service, card.holder.hsa_id) == (True, "SE0000000000-SIM1")
    got = await library.ask("certificates", picture.readers[0].name)
    assert (got.card_serial, got.certificates[0].der) == (card.serial, b"0\0")
    assert (await library.ask("validity")).certificates[0].verdict.reasons == ("revocation.notChecked",)
    assert (await library.ask("codes")).codes[0].tries_left == 3
    with pytest.raises(DaemonError) as caught:
        await library.ask("codes", "no such reader")
    assert caught.value.code is ErrorCode.READER_UNKNOWN


async def test_it_watches(library: Any, daemon: Any) -> None:
    """The state first, then a change; the loop can be left, and other calls made meanwhile."""
    seen = []
    async for change in library.watch():
        seen.append((change.event, change.reader))
        if len(seen) == 2:
            break
        assert (await library.ask("readers")).sequence == change.sequence
        daemon.stdin.write("change\n")
        daemon.stdin.flush()
    assert seen == [("state", None), ("changed", "Fake Reader 00 00")]


@pytest.mark.usefixtures("daemon")
async def test_it_proves_and_signs(library: Any) -> None:
    """A proof over a nonce of the client's own or of the program's, and a signature; by PIN or at the pad."""
    pin = bytearray(PIN)
    proof = await library.ask("authenticate", identity="hsaId", code=pin, require=UNCHECKED)
    assert (len(proof.challenge), proof.identity_value, pin) == (32, "SE0000000000-SIM1", bytearray(6))
    more = {"description": "once more", "pin_pad": True, "require": UNCHECKED}
    again = await library.ask("authenticate", proof.challenge, **more)
    assert again.challenge == proof.challenge
    signed = await library.ask("sign", bytes(32), "a letter", code=PIN)
    assert signed.certificate.purpose == "signature"


@pytest.mark.usefixtures("daemon")
async def test_a_wrong_pin_is_the_daemons_error(library: Any) -> None:
    """Code, tries left and whether to try again are those of the daemon."""
    with pytest.raises(DaemonError) as caught:
        await library.ask("authenticate", code=b"000000")
    error = caught.value
    assert (error.code, error.tries_left, error.role, error.retryable) == ("pin.wrong", 2, "authentication", False)


@pytest.mark.usefixtures("daemon")
async def test_what_is_required_is_asked_of_the_verdict(library: Any) -> None:
    """A daemon that says "unknown" satisfies who requires good-but-for-revocation, and nobody who requires good.

    To authenticate that is required unless something else is said, and to sign the former.
    """
    digest = bytes(32)
    for method, given, said in (
        ("authenticate", (), {}),
        ("authenticate", (), {"require": Require.GOOD}),
        ("sign", (digest, "a letter"), {"require": Require.GOOD}),
    ):
        with pytest.raises(RequirementError) as caught:
            await library.ask(method, *given, code=PIN, **said)
        assert caught.value.more.rules == ("revocation.notChecked",)
    assert (await library.ask("sign", digest, "a letter", code=PIN)).certificate.verdict.status == "unknown"
    proof = await library.ask("authenticate", code=PIN, require=UNCHECKED)
    assert proof.certificate.verdict.status == "unknown"


async def lied_to(library: Any, folder: Path, reply: Callable[[dict[str, Any]], bytes | None]) -> SithsdError:
    """Return the error that an authentication ends with, when a daemon answers so."""
    with lying(folder / CODES, reply), pytest.raises(SithsdError) as caught:
        await library.ask("authenticate", identity="hsaId", code=PIN)
    return caught.value


async def test_a_hostile_daemon_gets_nobody_in(library: Any, folder: Path, mine: Signer, forge: Any) -> None:
    """A replayed proof, another key's signature, another key's certificate: each is signature.invalid."""
    algorithm = SignatureAlgorithm.ECDSA_SHA256
    other = signer(forge)

    def challenge(call: dict[str, Any]) -> bytes:
        return base64.b64decode(call["parameters"]["challenge"])

    def replayed(_call: dict[str, Any]) -> bytes:
        return line({"parameters": mine.proof(b"the nonce of yesterday's proof", algorithm)})

    def forged(call: dict[str, Any]) -> bytes:
        told = {"certificate": mine.certificate("authentication")}
        return line({"parameters": other.proof(challenge(call), algorithm, **told)})

    def swapped(call: dict[str, Any]) -> bytes:
        told = {"certificate": other.certificate("authentication")}
        return line({"parameters": mine.proof(challenge(call), algorithm, **told)})

    for lie in (replayed, forged, swapped):
        assert (await lied_to(library, folder, lie)).code is ErrorCode.SIGNATURE_INVALID, lie
        (folder / CODES).unlink()
    with lying(folder / CODES, lambda call: line({"parameters": mine.proof(challenge(call), algorithm)})):
        assert (await library.ask("authenticate", identity="hsaId", code=PIN)).identity_value == mine.value


@pytest.mark.parametrize(
    "answer", [b"xx\0", b"[]\0", b'{"parameters":{"reader":5}}\0', b"x" * (REPLY_BYTES + 1), b"[" * 60_000 + b"\0"]
)
async def test_a_reply_that_is_none_is_internal(library: Any, folder: Path, answer: bytes) -> None:
    """A daemon that is none, or not ours, is an error by name, within bounds."""
    assert (await lied_to(library, folder, lambda _call: answer)).code is ErrorCode.INTERNAL


async def test_a_daemon_that_is_lost_is_not_one_that_was_not_there(library: Any, folder: Path) -> None:
    """With the PIN on its way a try may be gone: not retryable. Where nobody was asked, it is."""
    for reply in (lambda _call: None, lambda _call: b'{"para'):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(orders, "PATIENCE", 0.2)
            error = await lied_to(library, folder, reply)
        assert isinstance(error, LostError)
        assert (error.code, error.retryable) == (ErrorCode.DAEMON_UNAVAILABLE, False)
        (folder / CODES).unlink()
    with pytest.raises(SithsdError) as caught:
        await library.ask("authenticate", identity="hsaId", code=PIN)
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.DAEMON_UNAVAILABLE, True)


async def test_the_reason_of_a_refused_connection_is_read(library: Any, folder: Path) -> None:
    """A daemon that refuses the connection says why before it closes; that is told, and no broken pipe."""
    told = {"code": "request.tooMany", "retryable": True, "detail": ""}
    message = line({"error": f"{CARDS}.RequestTooMany", "parameters": told})
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / CARDS))
        listening.listen()

        def refuse() -> None:
            connection, _address = listening.accept()
            connection.sendall(message)
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(DaemonError) as caught:
            await library.ask("readers")
        thread.join(30)
    assert caught.value.code is ErrorCode.REQUEST_TOO_MANY


async def test_a_daemon_that_accepts_nobody_is_unavailable(library: Any, folder: Path) -> None:
    """A queue of connections that is full is an error by name too: nothing was sent, so it may be tried again."""
    with pytest.MonkeyPatch.context() as patch, socket.socket(socket.AF_UNIX) as listening:
        patch.setattr(orders, "PATIENCE", 0.2)
        listening.bind(str(folder / CODES))
        listening.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(folder / CODES))
            with pytest.raises(SithsdError) as caught:
                await library.ask("authenticate", code=PIN)
    assert caught.value.code is ErrorCode.DAEMON_UNAVAILABLE


async def test_a_call_that_is_too_long_is_not_sent(library: Any, folder: Path) -> None:
    """The daemon's cap is known to the client."""
    with pytest.raises(SithsdError) as caught:
        await library.ask("authenticate", bytes(60_000), code=PIN)
    assert caught.value.code is ErrorCode.REQUEST_INVALID
    assert await asyncio.to_thread(os.listdir, folder) == []


async def test_a_cancelled_call_is_given_up(folder: Path) -> None:
    """Whoever cancels an awaited call has closed its connection, which is how the daemon knows; the PIN is wiped."""
    pin = bytearray(PIN)
    with lying(folder / CODES, lambda _call: b"") as liar:
        call = asyncio.ensure_future(AsyncClient(folder).authenticate(identity="hsaId", code=pin))
        await asyncio.to_thread(liar.heard.wait, 30)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(liar.gone.wait, 30)
    assert pin == bytearray(6)


@pytest.mark.usefixtures("daemon")
async def test_calls_go_on_at_once(folder: Path) -> None:
    """Several tasks share a client, and the loop goes on while a stream waits."""
    client = AsyncClient(folder)
    async with aclosing(client.watch()) as changes:
        assert (await anext(changes)).event == "state"
        waiting = asyncio.ensure_future(anext(changes))
        proofs = await asyncio.gather(*(client.authenticate(code=PIN, require=UNCHECKED) for _ in range(5)))
        assert len({proof.challenge for proof in proofs}) == 5
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_watcher_that_leaves_has_hung_up(library: Any, folder: Path) -> None:
    """To end the iteration is to end the stream."""
    state = {"event": "state", "sequence": 1, "readers": []}
    with lying(folder / CARDS, lambda _call: line({"parameters": state, "continues": True})) as liar:
        async with aclosing(library.watch()) as changes:
            assert (await anext(changes)).event == "state"
        assert await asyncio.to_thread(liar.gone.wait, 30)
        assert liar.calls[0]["more"] is True
