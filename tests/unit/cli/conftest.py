"""A daemon that plays a script on real sockets, made-up cards, and a terminal of one's own."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sithsd.cli.main import run
from sithsd.cli.words import LANGUAGES, Words
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET, FETCH_SOCKET

PATIENCE = 20.0
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
READER = "Simulated Reader 00 00"
SERIAL = "0102030405060708"


def code(role: str, tries: int | None = 3, **more: Any) -> dict[str, Any]:
    """Return the state of one code."""
    lengths = {"minLength": 8, "maxLength": 8} if role == "puk" else {"minLength": 6, "maxLength": 8}
    blocked = None if tries is None else tries == 0
    return {
        "role": role,
        "triesLeft": tries,
        "blocked": blocked,
        "activated": True,
        "verified": False,
        **lengths,
        **more,
    }


def certificate(purpose: str, identity: str, **more: Any) -> dict[str, Any]:
    """Return one certificate of the made-up holder."""
    hsa = identity == "hsaId"
    issuer = "SIM SITHS e-id Person HSA-id 3 CA v1" if hsa else "SIM SITHS e-id Person ID 3 CA v1"
    serial = "SE2321000016-SIM1" if hsa else "19121212-****"
    return {
        "id": f"{len(purpose):02X}{len(identity):02X}",
        "purpose": purpose,
        "identity": identity,
        "subject": f"serialNumber={serial},GN=Tolvan,SN=Tolvansson,CN=Tolvan Tolvansson,O=Region Exempel,C=SE",
        "issuer": f"CN={issuer},O=SIM Inera AB,C=SE",
        "notBefore": "2024-11-04T08:00:00Z",
        "notAfter": "2029-11-03T12:00:00Z",
        "verdict": {"status": "unknown", "reasons": ["revocation.notChecked"]},
        "serialNumber": "0A1B2C3D4E5F60718293A4B5C6D7E8F9",
        "fingerprint": "AB" * 32,
        "environment": "sim",
        "levelOfAssurance": 3,
        "transport": False,
        "weaknesses": [],
        "key": "RSA 2048",
        "label": "Legitimering" if purpose == "authentication" else "Underskrift",
        "path": ["CN=Tolvan Tolvansson,C=SE", f"CN={issuer},C=SE", "CN=SIM SITHS e-id Root CA v2,C=SE"],
        "anchor": "0123456789abcdef" * 4,
        "checkedAt": "2026-11-22T11:59:59Z",
        "der": None,
        **more,
    }


def card(**more: Any) -> dict[str, Any]:
    """Return the made-up holder's ordinary card."""
    return {
        "serial": SERIAL,
        "profile": "pkcs15_generic",
        "environment": "sim",
        "kind": "ordinary",
        "cardNumber": "9752269801234567897",
        "levelOfAssurance": 3,
        "holder": {
            "displayName": "Tolvan Tolvansson",
            "hsaId": "SE2321000016-SIM1",
            "personalIdentityNumber": "19121212-****",
            "organization": "Region Exempel",
            "protected": None,
        },
        "codes": [code("authentication"), code("signature"), code("puk", 10)],
        "certificates": [
            certificate(purpose, identity)
            for identity in ("hsaId", "personalIdentityNumber")
            for purpose in ("authentication", "signature")
        ],
        "atr": "3B7F9600008031806520",
        "notes": [],
        "identifiedBy": "pkcs15",
        **more,
    }


def reader(inside: dict[str, Any] | None, name: str = READER, **more: Any) -> dict[str, Any]:
    """Return a reader with a card or without."""
    state = "empty" if inside is None else "ready"
    return {"name": name, "state": state, "sequence": 7, "card": inside, "reason": None, "detail": None, **more}


def listing(*readers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a reply of List."""
    return {"readers": list(readers), "sequence": 7, "service": True, **more}


def codes_reply(*codes: dict[str, Any], serial: str | None = SERIAL) -> dict[str, Any]:
    """Return a reply of GetCodes."""
    return {"reader": READER, "cardSerial": serial, "sequence": 7, "codes": list(codes)}


def notice(name: str = "code.triesLostElsewhere", **more: Any) -> dict[str, Any]:
    """Return a notice: somebody else used two tries of the authentication PIN."""
    return {
        "code": name,
        "at": "2026-11-22T11:30:00Z",
        "sequence": 8,
        "reader": READER,
        "cardSerial": SERIAL,
        "role": "authentication",
        "triesBefore": 3,
        "triesAfter": 1,
        "happened": None,
        **more,
    }


RULES = [
    {"rule": name, "level": "warn" if name == "sameAsOther" else "refuse"}
    for name in (
        "digits",
        "length",
        "sameAsOld",
        "allSame",
        "ascending",
        "descending",
        "personalNumber",
        "birthDate",
        "sameAsOther",
    )
]
CHECKLIST = [
    {"id": "present", "kind": "confirm", "sv": "Är innehavaren här?", "en": "Is the holder here?"},
    {"id": "pays", "kind": "question", "sv": "Betalas kortet?", "en": "Is the card paid for?"},
    {
        "id": "receipt",
        "kind": "date",
        "sv": "Kvittots datum?",
        "en": "The receipt's date?",
        "maxAgeMonths": 12,
        "when": "pays",
    },
]


def guidance(*codes: dict[str, Any], serial: str | None = SERIAL, **more: Any) -> dict[str, Any]:
    """Return a reply of GetGuidance: an ordinary card of a holder without a personal identity number."""
    return {
        **codes_reply(*codes, serial=serial),
        "kind": "ordinary",
        "activation": "puk",
        "toActivate": [],
        "unblocking": "holder",
        "mayUnblock": True,
        "pukFloor": 3,
        "rules": RULES,
        "minLength": 6,
        "maxLength": 8,
        "personalNumbers": [],
        "checklist": CHECKLIST,
        "padVerify": False,
        "padModify": False,
        **more,
    }


def certificates_reply(*certificates: dict[str, Any]) -> dict[str, Any]:
    """Return a reply of GetCertificates or GetValidity."""
    return {"reader": READER, "cardSerial": SERIAL, "sequence": 7, "certificates": list(certificates)}


def code_reply(role: str = "authentication", tries: int | None = 3) -> dict[str, Any]:
    """Return a reply of Verify, Change or Unblock."""
    return {"reader": READER, "cardSerial": SERIAL, "sequence": 7, "role": role, "triesLeft": tries}


def activate_reply(*done: str, **more: Any) -> dict[str, Any]:
    """Return a reply of Activate."""
    return {"reader": READER, "cardSerial": SERIAL, "sequence": 7, "done": list(done), "codes": [], **more}


@dataclass
class Refusal:
    """An error to answer with."""

    code: str
    parameters: dict[str, Any] = field(default_factory=dict)
    retryable: bool = False

    def message(self, interface: str) -> dict[str, Any]:
        """Return the varlink reply."""
        name = "".join(part[:1].upper() + part[1:] for part in self.code.split("."))
        parameters = {"code": self.code, "retryable": self.retryable, "triesLeft": None, "detail": "as scripted"}
        return {"error": f"{interface}.{name}", "parameters": {**parameters, **self.parameters}}


@dataclass
class Stream:
    """Replies of a call with `more`; `open_end` keeps the connection when they are told."""

    replies: list[dict[str, Any]]
    open_end: bool = True


class Hangup:
    """The connection closed in place of an answer."""


class FakeDaemon:
    """Plays scripted answers. `script` maps a method's last name to its answers: each once, the last for ever."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script: dict[str, list[Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listeners = [self._listen(name) for name in (CARDS_SOCKET, CODES_SOCKET, FETCH_SOCKET)]

    def calls(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of the calls of a method, without what was not said."""
        return [
            {name: value for name, value in request["parameters"].items() if value is not None}
            for request in self.requests
            if request["method"].endswith(f".{method}")
        ]

    def end(self) -> None:
        """Close everything, and wait for the threads."""
        self._ended.set()
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _listen(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.folder / name))
        listener.listen()
        self._start(self._accept, listener, name)
        return listener

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, interface: str) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, connection, interface)

    def _serve(self, connection: socket.socket, interface: str) -> None:
        with connection:
            connection.settimeout(0.05)
            pending = b""
            while not self._ended.is_set():
                try:
                    got = connection.recv(65536)
                except TimeoutError:
                    continue
                if not got:
                    return
                pending += got
                while b"\0" in pending:
                    message, pending = pending.split(b"\0", 1)
                    request = json.loads(message)
                    self.requests.append(request)
                    try:
                        if not self._answer(connection, interface, request):
                            return
                    except ConnectionError:  # the program has gone away, as some tests have it do
                        return

    def _answer(self, connection: socket.socket, interface: str, request: dict[str, Any]) -> bool:
        answers = self.script[request["method"].rpartition(".")[2]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Hangup):
            return False
        if callable(answer):  # what it is depends on the call
            answer = answer(request["parameters"])
        if isinstance(answer, Stream):
            for reply in answer.replies:
                connection.sendall(json.dumps({"parameters": reply, "continues": True}).encode() + b"\0")
            return answer.open_end
        message = answer.message(interface) if isinstance(answer, Refusal) else {"parameters": answer}
        connection.sendall(json.dumps(message).encode() + b"\0")
        return True


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    """Start a scripted daemon; its folder is short enough for the name of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="sithsctl-"))
    fake = FakeDaemon(folder)
    yield fake
    fake.end()
    shutil.rmtree(folder)


@pytest.fixture
def lines() -> Iterator[Callable[..., str]]:
    """Return a function that makes a pipe with lines in it, and gives the number of its reading end."""
    opened: list[int] = []

    def make(*content: str) -> str:
        reading, writing = os.pipe()
        os.write(writing, "".join(f"{line}\n" for line in content).encode())
        os.close(writing)
        opened.append(reading)
        return str(reading)

    yield make
    for descriptor in opened:
        os.close(descriptor)


@dataclass
class Outcome:
    """What a run of the program left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def spoken() -> dict[str, Words]:
    """Return the sentences of every language."""
    return {language: Words(language) for language in LANGUAGES}


@pytest.fixture
def sithsctl(
    daemon: FakeDaemon, spoken: dict[str, Words], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run the program in this process against the scripted daemon, at a fixed time, in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    # Reading the sentences takes most of a run's time, and they do not change.
    monkeypatch.setattr("sithsd.cli.main.Words", spoken.__getitem__)

    def call(*arguments: str, lang: str = "en", columns: int = 80) -> Outcome:
        monkeypatch.setenv("COLUMNS", str(columns))
        environment = {"LC_ALL": "sv_SE.UTF-8" if lang == "sv" else "en_GB.UTF-8"}
        status = run(["--runtime-dir", str(daemon.folder), *arguments], environment, now=lambda: NOW)
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


class Desk:
    """The program on a terminal of its own; `seen` is everything that the terminal showed."""

    def __init__(self, arguments: list[str], environment: dict[str, str], *, columns: int = 80) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        command = [sys.executable, "-m", "sithsd.cli.main", *arguments]
        # setsid -c makes the terminal on stdin the controlling one, so that it is the program's /dev/tty.
        self.process = subprocess.Popen(
            ["setsid", "-c", *command], stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        self._slave = slave
        self._raw = b""

    @property
    def seen(self) -> str:
        """What was shown so far, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self._raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    @property
    def raw(self) -> bytes:
        """The same, as bytes."""
        return self._raw

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read until the terminal has shown `text` so many times."""
        deadline = time.monotonic() + PATIENCE
        while self.seen.count(text) < times:
            assert time.monotonic() < deadline, f"never saw {text!r} in {self.seen!r}"
            self._read(0.1)

    def answer(self, prompt: str, text: str) -> None:
        """Wait for a prompt, forget what was shown up to its end, and type a line."""
        self.wait_for(prompt)
        os.write(self._master, text.encode() + b"\n")

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def end(self) -> int:
        """Read until the program ends; return its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on: {self.seen!r}"
            self._read(0.05)
        self._read(0.05)
        return self.process.returncode

    def read(self) -> None:
        """Read what is there, or comes in a moment."""
        self._read(0.1)

    def close(self) -> None:
        """Let go of the terminal; a program that still runs is ended."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        os.close(self._master)
        os.close(self._slave)

    def _read(self, seconds: float) -> None:
        while select.select([self._master], [], [], seconds)[0]:
            got = os.read(self._master, 65536)
            if not got:
                return
            self._raw += got
            seconds = 0


@pytest.fixture
def desk(daemon: FakeDaemon) -> Iterator[Callable[..., Desk]]:
    """Start the program on a terminal, against the scripted daemon."""
    started: list[Desk] = []

    def start(*arguments: str, lang: str = "en", columns: int = 80, **environment: str) -> Desk:
        surroundings = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            **environment,
        }
        one = Desk(["--runtime-dir", str(daemon.folder), "--lang", lang, *arguments], surroundings, columns=columns)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()
