"""The authorities' web server: what simulated certificates name as places of lists, responses and issuers."""

import threading
from collections import deque
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from types import TracebackType
from typing import Final, Self

import structlog

from sithsd.clock import Clock, SystemClock
from sithsd.simulator.pki import Pki
from sithsd.simulator.publisher import Manner, Publisher, Reply
from sithsd.simulator.reply_faults import FaultPlan, ReplyFault, ReplyKind

_HOST: Final = "127.0.0.1"
_LONGEST_BODY = 65536
_IDLE_SECONDS = 30.0
_REMEMBERED = 10000
_ELSEWHERE = "/elsewhere"
_PIECE = bytes(65536)
_HUGE_PIECES = 4096


class ResponderError(Exception):
    """The responder can't listen; the message says why."""


class Responder:
    """Serves what the authorities of `pki` publish, on loopback, in threads of its own.

    Use it as a context manager. `port` None is the one that the simulated certificates name, 0 takes a free one. What
    is recorded in the authorities' register is true from the next request on, by whichever process it was recorded.
    """

    def __init__(
        self, pki: Pki, *, port: int | None = None, clock: Clock | None = None, manner: Manner | None = None
    ) -> None:
        self._pki = pki
        self._wanted = pki.port if port is None else port
        self._clock = clock or SystemClock()
        self._manner = manner or Manner()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.faults = FaultPlan(pki.folder)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._wanted if self._server is None else self._server.server_port

    @property
    def url(self) -> str:
        """What the URL of everything it serves begins with."""
        return f"http://{_HOST}:{self.port}"

    @property
    def requests(self) -> tuple[str, ...]:
        """The requests that came, each as method and path, in order: the last ten thousand."""
        return () if self._server is None else tuple(self._server.seen)

    def __enter__(self) -> Self:
        try:
            self._server = _Server(self._wanted, self.faults)
        except OSError as error:
            raise ResponderError(f"nothing can listen on {self.url}: {error.strerror}") from None
        self._server.publisher = Publisher(self._pki, self._clock, self._manner)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="responder", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.ending.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # one who asks may take his time
    publisher: Publisher

    def __init__(self, port: int, faults: FaultPlan) -> None:
        super().__init__((_HOST, port), _Conversation)
        self.faults = faults
        self.seen: deque[str] = deque(maxlen=_REMEMBERED)
        self.ending = threading.Event()
        self.desk = threading.Lock()


class _Conversation(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sithsd-sim"
    timeout = _IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(None)

    def do_POST(self) -> None:
        """Answer a POST, which has to tell its length."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_BODY:
            self.close_connection = True
            self._send(
                Reply(HTTPStatus.BAD_REQUEST, "text/plain", b"the length of the request is not told, or too much\n")
            )
            return
        self._answer(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log as the rest of the simulator does."""
        structlog.get_logger().debug("http", said=format % args)

    def _answer(self, body: bytes | None) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        fault = None if self.path.startswith(_ELSEWHERE) else self.server.faults.due(self.path)
        path = self.path.removeprefix(_ELSEWHERE)
        with self.server.desk:
            reply = self.server.publisher.reply(path, body, fault.kind if fault else None)
        try:
            if fault is None or reply.status != HTTPStatus.OK:
                self._send(reply)
            else:
                self._send_faulty(fault, reply)
        except OSError:  # it went away; of a faulty answer that is what many do
            self.close_connection = True

    def _send_faulty(self, fault: ReplyFault, reply: Reply) -> None:
        match fault.kind:
            case ReplyKind.SLOW:
                self.server.ending.wait(fault.seconds)
                self._send(reply)
            case ReplyKind.DRIPPING:
                self._head(reply, len(reply.content))
                self._pour(reply.content[at : at + 1] for at in self._paced(len(reply.content), fault.seconds))
            case ReplyKind.HUGE:
                self._head(reply, len(reply.content) + _HUGE_PIECES * len(_PIECE))
                self.wfile.write(reply.content)
                self._pour(repeat(_PIECE, _HUGE_PIECES))
            case ReplyKind.ENDLESS:
                self._head(reply, None)
                self.wfile.write(reply.content)
                self._pour(repeat(_PIECE))
            case ReplyKind.TORN:
                self._head(reply, len(reply.content))
                self.wfile.write(reply.content[: len(reply.content) // 2])
                self.close_connection = True
            case ReplyKind.REDIRECT:
                self.send_response(HTTPStatus.FOUND)
                self.send_header("Location", f"{_ELSEWHERE}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case ReplyKind.ERROR:
                self._send(Reply(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"something went wrong\n"))
            case ReplyKind.CLOSED:
                self.close_connection = True
            case _:  # wrong in what it says
                self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.status == HTTPStatus.OK and self.headers.get("If-None-Match") == reply.tag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", reply.tag)
            self.end_headers()
            return
        self._head(reply, len(reply.content))
        self.wfile.write(reply.content)

    def _head(self, reply: Reply, length: int | None) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        if length is None:
            self.close_connection = True  # its end is the connection's
        else:
            self.send_header("Content-Length", str(length))
        if reply.status == HTTPStatus.OK:
            self.send_header("ETag", reply.tag)
        self.end_headers()

    def _pour(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            if self.server.ending.is_set():
                break
            self.wfile.write(piece)
        self.close_connection = True

    def _paced(self, count: int, seconds: float) -> Iterator[int]:
        for position in range(count):
            if self.server.ending.wait(seconds):
                return
            yield position
