"""pam_sithsd.so before a real PAM client: pamtester under libpam-wrapper, and a daemon that may lie."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

CARDS, CODES = "io.sithsd.Cards", "io.sithsd.Codes"
HSA_ID, PIN = "SE2321000016-1AB2", "123456"
NOBODY = 65534
ROOT = Path(__file__).resolve().parents[3]
MODULE = ROOT / ".cache" / "pam" / "pam_sithsd.so"
SECONDS = 60
PIECE = 65536
# What pam_strerror says (Linux-PAM 1.5 and 1.7).
RESULTS = {
    "Authentication failure": "AUTH_ERR",
    "Authentication service cannot retrieve authentication info": "AUTHINFO_UNAVAIL",
    "Have exhausted maximum number of retries for service": "MAXTRIES",
    "User not known to the underlying authentication module": "USER_UNKNOWN",
    "Permission denied": "PERM_DENIED",
    "Conversation error": "CONV_ERR",
}


@dataclass(frozen=True)
class Answer:
    """What became of a log-in: "SUCCESS" or PAM's name for the failure, and all that the person was shown."""

    result: str
    shown: str
    seconds: float

    @property
    def session(self) -> dict[str, str]:
        """The environment that the session gets, and what PAM tells a program that it runs then."""
        return dict(re.findall(r"(SITHSD_CARD_SERIAL|PAM_USER)=(.*)", self.shown))

    @property
    def log(self) -> str:
        """What the module would have written into the system's log."""
        return "\n".join(line for line in self.shown.splitlines() if "SYSLOG" in line)

    @property
    def asked(self) -> bool:
        """Whether a PIN was asked for."""
        return re.search("(?<!the )PIN of the card", self.shown) is not None


class Client:
    """A program that lets people in by PAM. `folder` is the test's own."""

    def __init__(self, folder: Path, run: Path, *, account: str = "tolvan", identity: str = "") -> None:
        self.folder = folder
        self.run = run
        self.services = folder / "pam.d"
        self.services.mkdir()
        (self.services / "other").write_text("auth required pam_deny.so\n", encoding="utf-8")
        self.accounts = folder / "accounts"
        self.account = account
        self.options: tuple[str, ...] = ("environment=sim", "accept_unchecked")
        self.flags = ""
        self.control = "required"
        self.next = ""
        """The line of the service's file after the module's."""
        self.become: list[str] = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
        """The files and the daemon have to be root's: in a user namespace an ordinary user is."""
        self.allow(f"{account} {identity}" if identity else "")

    def allow(self, *lines: str, mode: int = 0o644) -> None:
        """Write the file of accounts."""
        self.accounts.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        self.accounts.chmod(mode)

    def run_as(self, uid: int, *folders: Path) -> None:
        """Be another user from now on, who may enter these folders too (root only; otherwise the test ends here)."""
        if os.geteuid() != 0:
            reason = "only root can become another user"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        self.become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        for folder in (self.folder, *self.folder.parents, *folders):
            if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o011)

    def log_in(
        self,
        *options: str,
        typed: str = "",
        user: str | None = None,
        first: str | None = None,
        meanwhile: Callable[[], None] | None = None,
        prompt: bool = True,
        **environment: str,
    ) -> Answer:
        """Log in; `typed` is what the person types, line by line, `meanwhile` what happens while the prompt waits.

        Without `prompt` it is not waited for (what asks for nothing may show what it shows late).
        `first` is the password that a module before this one asked for.
        """
        begun = time.monotonic()
        with self._client(options, user, first, environment) as client:
            shown = await_prompt(client) if meanwhile and prompt else ""
            if meanwhile:
                meanwhile()
            shown += client.communicate(typed, timeout=SECONDS)[0]
        return Answer(result_of(client.returncode, shown), shown, time.monotonic() - begun)

    @contextmanager
    def _client(
        self, options: tuple[str, ...], user: str | None, first: str | None, environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        places = [f"runtime_dir={self.run}", f"accounts={self.accounts}", *self.options]
        before = [] if first is None else [f"auth required {self._other('pam_set_items.so')}"]
        module = f"auth {self.control} {MODULE} {' '.join((*places, *options))}"
        after = "auth required pam_exec.so stdout /usr/bin/env"
        (self.services / "door").write_text("\n".join([*before, module, self.next, after, ""]), encoding="utf-8")
        variables = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "LD_PRELOAD": "libpam_wrapper.so",
            "PAM_WRAPPER": "1",
            "PAM_WRAPPER_SERVICE_DIR": str(self.services),
            "PAM_WRAPPER_DEBUGLEVEL": "2",
            **({} if first is None else {"PAM_AUTHTOK": first}),
            **environment,
        }
        call = ["pamtester", "door", self.account if user is None else user, f"authenticate{self.flags}", "setcred"]
        client = subprocess.Popen(
            [*self.become, *call],
            env=variables,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield client
        finally:
            client.kill()
            client.communicate()

    @staticmethod
    def _other(module: str) -> Path:
        (found,) = Path("/usr/lib").glob(f"*/pam_wrapper/{module}")
        return found


def await_prompt(client: subprocess.Popen[str]) -> str:
    """Read until the prompt for a PIN is shown; return what was shown."""
    assert client.stdout is not None
    shown = b""
    while not shown.endswith(b"left): "):
        piece = os.read(client.stdout.fileno(), 1)
        assert piece, f"it ended without a prompt: {shown!r}"
        shown += piece
    return shown.decode()


def result_of(status: int, shown: str) -> str:
    """Return PAM's name for how pamtester ended."""
    if status == 0:
        return "SUCCESS"
    return next((name for words, name in RESULTS.items() if f"pamtester: {words}" in shown), f"{status}: {shown}")


Reply = dict[str, Any] | bytes | None


@dataclass
class Liar:
    """A server on the daemon's two sockets that says what a test wants it to say.

    It holds one card with one certificate. `parts` are the replies' parameters by method; `answers` replaces a whole
    method: what it returns is sent (a dict as JSON, bytes as they are), None is silence until the client goes.
    """

    made: Any
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sithsd-liar-")))
    """Where its sockets are: a short path, as sockets need."""
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Callable[[dict[str, Any]], Reply]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    """How many bytes of answers that are bytes were taken."""
    listener: int | None = None
    """The user who listens, where that is another one."""

    def __post_init__(self) -> None:
        certificate = told_certificate(self.made)
        card = {
            "serial": "0102030405",
            "holder": {"displayName": "Tolvan Tolvansson", "hsaId": "SE2321000016-1AB2", "protected": None},
        }
        place = {"reader": "Reader", "cardSerial": "0102030405", "sequence": 1}
        code = {
            "role": "authentication",
            "triesLeft": 3,
            "blocked": False,
            "activated": True,
            "minLength": 6,
            "maxLength": 8,
        }
        self.parts = {
            "Monitor": {
                "event": "state",
                "sequence": 1,
                "service": True,
                "readers": [{"name": "Reader", "state": "ready", "card": card}],
            },
            "GetValidity": {**place, "certificates": [certificate]},
            "GetCertificates": {**place, "certificates": [certificate]},
            "GetGuidance": {**place, "codes": [code], "padVerify": False},
            "Authenticate": {
                **place,
                "triesLeft": 3,
                "certificate": certificate,
                "issuers": [],
                "identity": "hsaId",
                "identityValue": "SE2321000016-1AB2",
                "chosenBy": "fingerprint",
            },
        }

    def calls(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of a method."""
        return [call["parameters"] for call in self.asked if call["method"].endswith(f".{method}")]

    def proof(self, call: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Return the reply to Authenticate: true, but for what is `changed`."""
        challenge = base64.b64decode(call["challenge"])
        name, signature = signed(self.made.key, challenge)
        told = {"challenge": call["challenge"], "algorithm": name, "signature": base64.b64encode(signature).decode()}
        return {"parameters": {**self.parts["Authenticate"], **told, **changed}}

    def reply(self, call: dict[str, Any]) -> Reply:
        """Return what is said to a call."""
        self.asked.append(call)
        method = call["method"].rpartition(".")[2]
        if method in self.answers:
            return self.answers[method](call["parameters"])
        return self.proof(call["parameters"]) if method == "Authenticate" else {"parameters": self.parts[method]}

    @contextmanager
    def serving(self) -> Iterator["Liar"]:
        """Serve both sockets, until the folder goes."""
        self.folder.chmod(0o755)
        threads, listeners = [], []
        for name in (CARDS, CODES):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(self.folder / name))
            (self.folder / name).chmod(0o666)
            with as_user(self.listener):
                listener.listen()
            listeners.append(listener)
            threads.append(threading.Thread(target=self._accept, args=(listener,)))
            threads[-1].start()
        try:
            yield self
        finally:
            for listener in listeners:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(SECONDS)
                assert not thread.is_alive()
            shutil.rmtree(self.folder)

    def _accept(self, listener: socket.socket) -> None:
        # Closed also when a test's answer fails: then nobody waits for one.
        with listener, suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(ConnectionError):
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        received = b""
        connection.settimeout(SECONDS)
        while piece := connection.recv(65536):
            *calls, received = (received + piece).split(b"\0")
            for call in calls:
                said = self.reply(json.loads(call))
                if isinstance(said, dict):
                    connection.sendall(json.dumps(said).encode() + b"\0")
                elif said is not None:
                    for start in range(0, len(said), PIECE):
                        connection.sendall(said[start : start + PIECE])
                        self.sent += PIECE
                    if not said.endswith(b"\0"):
                        return


@contextmanager
def as_user(uid: int | None) -> Iterator[None]:
    """Be another user for a moment (root only): a socket's peer is who called listen()."""
    before = os.geteuid()
    if uid is not None:
        os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before)


def told_certificate(made: Any, **changed: Any) -> dict[str, Any]:
    """Return a certificate as the daemon tells of it."""
    fingerprint = x509.load_der_x509_certificate(made.der).fingerprint(hashes.SHA256()).hex()
    return {
        "purpose": "authentication",
        "identity": "hsaId",
        "fingerprint": fingerprint,
        "environment": "sim",
        "verdict": {"status": "unknown", "reasons": ["revocation.notChecked"]},
        "der": base64.b64encode(made.der).decode(),
        **changed,
    }


def signed(key: Any, challenge: bytes, name: str = "") -> tuple[str, bytes]:
    """Sign as a card would; return the algorithm's name on the wire, and the signature."""
    kinds = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    name = name or ("ecdsaSha256" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsaPkcs1Sha256")
    digest = kinds[name[-3:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return name, key.sign(challenge, ec.ECDSA(digest))
    assert isinstance(key, rsa.RSAPrivateKey)
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return name, key.sign(challenge, pss if "Pss" in name else padding.PKCS1v15(), digest)


def certificate(liar: Any, **changed: Any) -> dict[str, Any]:
    """Return the card's certificate as told, but for what is changed."""
    return told_certificate(liar.made, **changed)


def bytes_of(liar: Any, der: bytes) -> dict[str, Any]:
    """Return the card's certificate as told, with other bytes."""
    return certificate(liar, der=base64.b64encode(der).decode())


def judged(liar: Any, status: Any, *reasons: str, **more: Any) -> dict[str, Any]:
    """Return the card's certificate as told, with another verdict."""
    return certificate(liar, verdict={"status": status, "reasons": list(reasons)}, **more)


def wrong(left: int | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return an answer: the PIN was wrong."""
    told = {"code": "pin.wrong", "retryable": False, "triesLeft": left, "role": "authentication"}
    return lambda _: {"error": "io.sithsd.Codes.PinWrong", "parameters": told}


def refused(answer: Any, result: str) -> None:
    """Nobody is let in, the session gets no card, and the PIN is in nothing that was shown or logged."""
    assert answer.result == result, answer.shown
    assert "SITHSD_CARD_SERIAL" not in answer.session
    assert PIN not in answer.shown
