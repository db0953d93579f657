"""HTTP with servers that mean harm: whatever they do, it ends in time, in bounds, and by name."""

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sithsd.fetch.places import Place
from sithsd.fetch.web import Bounds, Web, WebError

BOUNDS = Bounds(1000, 30)
SHORT = Bounds(1000, 0.3)
OK = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[Place]:
    """Serve each connection so, on a port of this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield Place("127.0.0.1", port, "/a", "")
    finally:
        listening.close()


def says(*pieces: bytes) -> Serve:
    """Return what reads a request and says this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return serve


async def ask(serve: Serve, bounds: Bounds = BOUNDS) -> bytes:
    """Ask such a server."""
    async with server(serve) as place, Web([(place.host, place.port)]) as web:
        return await web.get(place, bounds)


async def test_a_body_comes_as_it_was_sent() -> None:
    """A plain answer is its body, whatever its content type says."""
    assert await ask(says(OK, b"Content-Type: text/html\r\nContent-Length: 5\r\n\r\n", b"bytes")) == b"bytes"
    assert await ask(says(OK, b"Transfer-Encoding: chunked\r\n\r\n3\r\nbyt\r\n2\r\nes\r\n0\r\n\r\n")) == b"bytes"
    assert await ask(says(OK, b"Connection: close\r\n\r\nbytes")) == b"bytes"


async def test_what_is_asked_says_no_more_than_it_has_to() -> None:
    """A question has no cookie, no referrer, no wish for compression, and says what a responder needs."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4))
        writer.write(OK + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n")

    async with server(serve) as place, Web([(place.host, place.port)]) as web:
        for _ in range(2):
            await web.post(place, b"asks", "application/ocsp-request", BOUNDS)
    line, *headers = heard[1].split(b"\r\n\r\n", maxsplit=1)[0].decode().split("\r\n")
    assert line == "POST /a HTTP/1.1"
    assert {header.split(": ")[0] for header in headers} == {
        *("Host", "Accept", "Accept-Encoding", "User-Agent", "Content-Type", "Content-Length"),
        "Connection",
    }
    assert "Accept-Encoding: identity" in headers
    assert "Content-Type: application/ocsp-request" in headers
    assert heard[0] == heard[1]


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 303, 304, 307, 308, 401, 403, 404, 407, 429, 500])
async def test_only_a_plain_success_is_an_answer(status: int) -> None:
    """Every other status is told; a redirect is followed nowhere, not even to the same host."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await says(b"HTTP/1.1 %d No\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n" % status)(reader, writer)

    with pytest.raises(WebError, match=f"the answer is status {status}"):
        await ask(serve)
    assert asked == 1


@pytest.mark.parametrize(
    "pieces",
    [
        (b"Content-Length: 1001\r\n\r\n",),
        (b"Content-Length: 99999999999999\r\n\r\n",),
        (b"Connection: close\r\n\r\n", b"a" * 1001),
        (b"Transfer-Encoding: chunked\r\n\r\n", *([b"100\r\n" + b"a" * 256 + b"\r\n"] * 4)),
    ],
)
async def test_what_is_too_long_is_not_read(pieces: tuple[bytes, ...]) -> None:
    """An answer over the bound ends as soon as that is known, announced or not."""
    with pytest.raises(WebError, match="longer than 1000 bytes"):
        await ask(says(OK, *pieces))


async def test_an_answer_that_never_ends_is_not_read_to_its_end() -> None:
    """A server that sends for ever is left when the bound is passed, and can't fill the memory."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Connection: close\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()
            sent += 65536

    with pytest.raises(WebError, match="longer than 1000 bytes"):
        await ask(serve)
    assert sent < 64 * 1024 * 1024


@pytest.mark.parametrize("name", [b"gzip", b"deflate", b"br", b"zstd", b"x-unknown"])
async def test_nothing_is_unpacked(name: bytes) -> None:
    """A compressed answer, which nobody asked for, is refused as it is: a bomb stays folded."""
    bomb = gzip.compress(bytes(1024 * 1024))[:900]
    with pytest.raises(WebError, match="packed"):
        await ask(says(OK, b"Content-Encoding: " + name + b"\r\nConnection: close\r\n\r\n", bomb))


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (OK,),
        (OK, b"Content-Length: 5\r\n\r\n", b"by"),
        (OK, b"Transfer-Encoding: chunked\r\n\r\n5\r\nby"),
        (OK, b"Transfer-Encoding: chunked\r\n\r\nzz\r\nby"),
        (OK, b"Content-Length: -1\r\n\r\n"),
        (OK, b"Content-Length: five\r\n\r\nbytes"),
        (OK, b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nbytes"),
        (OK, b"no header\r\n\r\n"),
        (OK, b"A: " + b"a" * 100_000 + b"\r\n\r\n"),
        (OK, b"A: b\r\n" * 10_000, b"\r\n"),
        (b"\x00\x01\x02garbage\r\n\r\n",),
        (b"HTTP/1.1 999999 OK\r\n\r\n",),
        (b"SSH-2.0-OpenSSH_9.2\r\n",),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",),
    ],
)
async def test_what_is_no_whole_answer_is_told(pieces: tuple[bytes, ...]) -> None:
    """Garbage, lies about lengths, and a connection that ends too early are errors by name, quoting nothing."""
    with pytest.raises(WebError) as caught:
        await ask(says(*pieces))
    assert "garbage" not in str(caught.value)
    assert "aaaa" not in str(caught.value)


async def _silence(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def _half_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"Content-Length: 10\r\n\r\nby")
    await writer.drain()
    await asyncio.sleep(3600)


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"Content-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _drip_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)
    while True:
        writer.write(b"A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("serve", [_silence, _half_closed, _drip, _drip_headers])
async def test_a_server_that_takes_its_time_is_left(serve: Serve) -> None:
    """Silence, half an answer, and an answer byte by byte end when the time is up, each byte notwithstanding."""
    with pytest.raises(WebError, match=r"no whole answer in 0\.3 s|no answer that is HTTP"):
        await ask(serve, SHORT)


async def test_nobody_listens() -> None:
    """A closed port is told as what it is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Web([("127.0.0.1", port)]) as web:
        with pytest.raises(WebError, match=r"no connection \(Connect call failed"):
            await web.get(Place("127.0.0.1", port, "/", ""), BOUNDS)


async def test_a_name_that_leads_to_this_machine_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers for a name can't have us ask this machine or its link; networks of one's own may be asked."""
    addresses: list[str] = []

    def getaddrinfo(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for own in ("127.0.0.1", "127.8.8.8", "169.254.169.254", "0.0.0.0", "224.0.0.1"):  # noqa: S104 - an answer, not a place to listen
        addresses[:] = [own]
        async with Web() as web:
            with pytest.raises(WebError, match="this machine or its own link"):
                await web.get(Place("ocsp1.siths.se", 80, "/", ""), BOUNDS)
    async with server(says(OK, b"Content-Length: 5\r\n\r\nbytes")) as place:
        addresses[:] = ["127.0.0.1"]
        async with Web([("responder.sim", place.port)]) as web:
            assert await web.get(Place("responder.sim", place.port, "/", ""), BOUNDS) == b"bytes"


async def test_names_that_nobody_tells_hold_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """With name servers that say nothing, however many names are asked for: other work in threads goes on."""
    told = threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        told.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answers")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        async with Web() as web:
            places = [Place(f"crl{number}.example.org", 80, "/a", "") for number in range(50)]
            found = await asyncio.gather(*(web.get(place, SHORT) for place in places), return_exceptions=True)
            assert {type(one) for one in found} == {WebError}
            async with asyncio.timeout(30):
                assert await asyncio.to_thread(lambda: "done") == "done"
    finally:
        told.set()


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of proxies changes nothing."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert await ask(says(OK, b"Content-Length: 5\r\n\r\nbytes")) == b"bytes"
