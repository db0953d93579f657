"""HTTP: the one module that uses the network (RFC 9110).

What comes is bounded in bytes and seconds, and is what was sent: no redirect is followed, nothing is unpacked, no proxy
of the environment is used, no cookie is kept. A content type is not looked at; what came has to prove itself anyway.
"""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from sithsd.fetch.places import Place

_CONNECT_SECONDS = 3.0
_MOST_CONNECTIONS = 16
_MOST_TO_ONE_HOST = 4
_MOST_LOOK_UPS = 16
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_PIECE = 64 * 1024
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "sithsd-fetch"}


# As getaddrinfo(3) tells an address: family, type, protocol, canonical name, and what connect(2) takes.
_Found = tuple[int, int, int, str, tuple[Any, ...]]


class WebError(Exception):
    """Nothing usable came; the message is one sentence for developers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most bytes that a body may have, and the most seconds that it may take, from the look-up of the name on."""

    most: int
    seconds: float


class Web:
    """Asks one place at a time for one body. Close it at the end.

    `listed`: hosts that may be where they like, even on this machine (simulated issuers).
    """

    def __init__(self, listed: Collection[tuple[str, int]] = ()) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Resolver(frozenset(host for host, _ in listed)),
                limit=_MOST_CONNECTIONS,
                limit_per_host=_MOST_TO_ONE_HOST,
                force_close=True,
            ),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            requote_redirect_url=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, place: Place, bounds: Bounds) -> bytes:
        """Return the body that is at `place`. Raises WebError."""
        return await self._ask("GET", place, bounds)

    async def post(self, place: Place, content: bytes, content_type: str, bounds: Bounds) -> bytes:
        """Return the body that `place` answers `content` with. Raises WebError."""
        return await self._ask("POST", place, bounds, data=content, headers={"Content-Type": content_type})

    async def _ask(self, method: str, place: Place, bounds: Bounds, **sent: Any) -> bytes:  # noqa: ANN401 - aiohttp's own
        try:
            return await self._answer(method, place, bounds, **sent)
        except TimeoutError:
            raise WebError(f"no whole answer in {bounds.seconds:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise WebError(f"no connection ({_reason(error.os_error)})") from None
        except aiohttp.ClientError as error:
            # Its words may quote what came; its name is enough.
            raise WebError(f"no answer that is HTTP ({type(error).__name__})") from None
        except (OSError, ValueError) as error:
            raise WebError(f"no answer ({type(error).__name__})") from None

    async def _answer(self, method: str, place: Place, bounds: Bounds, **sent: Any) -> bytes:  # noqa: ANN401 - as above
        url = URL.build(
            scheme="http", host=place.host, port=place.port, path=place.path, query_string=place.query, encoded=True
        )
        timeout = aiohttp.ClientTimeout(total=bounds.seconds, sock_connect=_CONNECT_SECONDS)
        async with (
            asyncio.timeout(bounds.seconds),
            self._session.request(method, url, allow_redirects=False, timeout=timeout, **sent) as response,
        ):
            if response.status != 200:
                raise WebError(f"the answer is status {response.status}")
            if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise WebError("the answer is packed, which was not asked for")
            if (response.content_length or 0) > bounds.most:
                raise WebError(f"the answer is longer than {bounds.most} bytes")
            body = bytearray()
            async for piece in response.content.iter_chunked(_PIECE):
                body += piece
                if len(body) > bounds.most:
                    raise WebError(f"the answer is longer than {bounds.most} bytes")
            return bytes(body)


class _Resolver(AbstractResolver):
    """Names to addresses, without those that belong to this machine or to its own link.

    getaddrinfo(3) can't be interrupted, and waits long for name servers that say nothing. So each look-up has a thread
    of its own, which keeps neither other work in threads waiting nor the program from ending.
    """

    def __init__(self, listed: frozenset[str]) -> None:
        self._listed = listed
        self._under_way = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=_NUMERIC)
            for kind, _, proto, _, address in await self._look_up(host, port, family)
        ]
        if host in self._listed:
            return found
        usable = [one for one in found if not _own(one["host"])]
        if found and not usable:
            raise OSError("the name leads to this machine or its own link")
        return usable

    async def close(self) -> None:
        """Do nothing: what is being looked up is waited for by nobody."""

    async def _look_up(self, host: str, port: int, family: int) -> Sequence[_Found]:
        if self._under_way >= _MOST_LOOK_UPS:
            raise OSError("too many names are being looked up")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[_Found]] = loop.create_future()

        def land(found: Sequence[_Found] | Exception) -> None:
            self._under_way -= 1
            if answer.done():
                return
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def look_up() -> None:
            found: Sequence[_Found] | Exception
            try:
                found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
                found = error
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(land, found)

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        self._under_way += 1
        return await answer


def _own(address: str) -> bool:
    """Whether an address is this machine's, its link's, or no single machine's."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
