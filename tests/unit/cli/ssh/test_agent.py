"""What the agent answers, against a scripted daemon: whose keys, which signatures, and what the person is asked."""

import base64
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sithsd.api.client import Client
from sithsd.cli.invocation import Invocation
from sithsd.cli.output import Output
from sithsd.cli.ssh import protocol
from sithsd.cli.ssh.agent import Agent
from sithsd.cli.ssh.asking import CancelledError, NoWayError
from sithsd.cli.ssh.host_keys import has_signed
from sithsd.cli.ssh.keys import algorithm, public_key
from sithsd.cli.ssh.packing import Unpacker, string, uint32
from sithsd.cli.ssh.signing import Habits, Signing
from sithsd.cli.words import Words
from sithsd.secret import Secret
from tests.unit.cli import conftest as made_up
from tests.unit.cli.conftest import NOW, READER, SERIAL, FakeDaemon, Refusal

PIN, SESSION = "739146", bytes(range(32))
SHA1, SHA256, SHA512 = 0, 2, 4
KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "k1": ec.generate_private_key(ec.SECP256K1()),
}


def certificate_of(key: Any) -> bytes:
    """Return a certificate (DER) of a key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tolvan")])
    begins = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=1))
    return builder.sign(KEYS["rsa"], hashes.SHA256()).public_bytes(Encoding.DER)


DER = {name: certificate_of(key) for name, key in KEYS.items()}


def told(name: str, identity: str = "hsaId", **more: Any) -> dict[str, Any]:
    """Return an authentication certificate of a key, as the daemon tells it."""
    usual = {"fingerprint": name.rjust(64, "0"), "der": base64.b64encode(DER[name]).decode()}
    return made_up.certificate("authentication", identity, **{**usual, **more})


def blob(name: str) -> bytes:
    """Return a key's blob, as cryptography makes it."""
    line = KEYS[name].public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def log_in(name: str, how: str, session: bytes = SESSION) -> bytes:
    """Return what ssh has signed for a log-in."""
    parts = b"".join(map(string, (b"anna", b"ssh-connection", b"publickey")))
    return string(session) + b"\x32" + parts + b"\1" + string(how.encode()) + string(blob(name))


def request(name: str, how: str, flags: int = SHA256, data: bytes | None = None) -> bytes:
    """Return the request to sign a log-in, or `data`."""
    return bytes([13]) + string(blob(name)) + string(log_in(name, how) if data is None else data) + uint32(flags)


class Person:
    """Answers questions from lists, and keeps what was asked. An answer of None is a cancelled question."""

    def __init__(self) -> None:
        self.codes: list[str | None] = []
        self.words: list[bool] = []
        self.asked: list[str] = []
        self.told: list[str] = []
        self.absent = False
        self.given: list[Secret] = []

    def ask_code(self, lines: list[str], client: Any) -> Secret:  # noqa: ARG002 - as all askers take it
        """Give the next code."""
        if self.absent:
            raise NoWayError
        self.asked.append("\n".join(lines))
        code = self.codes.pop(0)
        if code is None:
            raise CancelledError
        self.given.append(Secret(code.encode()))
        return self.given[-1]

    def ask_yes(self, lines: list[str], client: Any) -> bool:  # noqa: ARG002 - as all askers take it
        """Give the next word."""
        if self.absent:
            raise NoWayError
        self.asked.append("\n".join(lines))
        return self.words.pop(0)

    def tell(self, lines: list[str]) -> None:
        """Keep what is told."""
        self.told.append("\n".join(lines))

    def telling(self, lines: list[str]) -> AbstractContextManager[None]:
        """Keep what is told."""
        self.tell(lines)
        return nullcontext()

    def close(self) -> None:
        """Do nothing."""


class Bench:
    """An agent, its daemon, and the person."""

    def __init__(self, daemon: FakeDaemon, client: socket.socket) -> None:
        self.daemon = daemon
        self.person = Person()
        self.reports: list[str] = []
        self.habits = Habits()
        self._client = client
        words = Words("en")
        self._invocation = Invocation(
            words=words, output=Output(words), connect=Client, now=lambda: NOW, folder=str(daemon.folder)
        )
        self.put(told("rsa"))
        self.tries(3)
        self.daemon.script["GetGuidance"] = [made_up.guidance(made_up.code("authentication"))]

    def put(self, *certificates: dict[str, Any], **card: Any) -> None:
        """Put a card into the reader."""
        inside = made_up.card(**card)
        self.daemon.script["List"] = [made_up.listing(made_up.reader(inside))]
        self.daemon.script["GetCertificates"] = [made_up.certificates_reply(*certificates)]

    def tries(self, *counts: int | None, **more: Any) -> None:
        """Let the card tell these numbers of tries left, one after the other."""
        self.daemon.script["GetCodes"] = [
            made_up.codes_reply(made_up.code("authentication", count, **more)) for count in counts
        ]

    def signs(self, name: str, *before: Any, made: bytes | None = None, fingerprint: str | None = None) -> None:
        """Let the daemon answer in this way, and then with a signature of this key over a log-in's bytes, or `made`."""
        reply = {
            "reader": READER,
            "signature": base64.b64encode(self.signature(name) if made is None else made).decode(),
            "certificate": told(name, **({"fingerprint": fingerprint} if fingerprint else {})),
        }
        self.daemon.script["Authenticate"] = [*before, reply]

    @staticmethod
    def signature(name: str) -> bytes:
        """Return what a card would sign for a log-in with the key's first algorithm."""
        key = KEYS[name]
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(log_in(name, "rsa-sha2-256"), padding.PKCS1v15(), hashes.SHA256())
        size = {"p256": hashes.SHA256(), "p384": hashes.SHA384(), "p521": hashes.SHA512()}[name]
        return key.sign(log_in(name, f"ecdsa-sha2-nist{name}"), ec.ECDSA(size))

    def answers(self, *messages: bytes) -> list[bytes]:
        """Return the answers to the messages of one connection."""
        signing = Signing(self._invocation, lambda: self.person, self.habits)
        agent = Agent(self._invocation, signing.sign, lambda _: None, self.reports.append)
        answer = agent.conversation(self._client)
        return [answer(message) for message in messages]

    def answer(self, message: bytes) -> bytes:
        """Return the answer to one message."""
        (one,) = self.answers(message)
        return one

    def comments(self) -> list[str]:
        """Return the comments of the keys that are offered."""
        given = Unpacker(self.answer(bytes([11])))
        assert given.byte() == 12
        return [(given.string(), given.text())[1] for _ in range(given.uint32())]


@pytest.fixture
def bench(daemon: FakeDaemon) -> Iterator[Bench]:
    """Return the bench, its client connected."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Bench(daemon, ours)


def test_keys_of_certificates() -> None:
    """RSA and the three curves have a form for ssh, the same as cryptography's; others and broken ones are left out."""
    for name, kind in (
        ("rsa", "ssh-rsa"),
        ("p256", "ecdsa-sha2-nistp256"),
        ("p384", "ecdsa-sha2-nistp384"),
        ("p521", "ecdsa-sha2-nistp521"),
    ):
        found = public_key(DER[name])
        assert found is not None
        assert (found.kind, found.blob) == (kind, blob(name))
        assert found.line == f"{kind} {base64.b64encode(blob(name)).decode()}"
    for der in (DER["ed25519"], DER["k1"], b"", DER["rsa"][:-1]):
        assert public_key(der) is None


@pytest.mark.parametrize(
    ("kind", "flags", "name"),
    [
        ("ssh-rsa", SHA256, "rsa-sha2-256"),
        ("ssh-rsa", SHA512, "rsa-sha2-512"),
        ("ssh-rsa", SHA256 | SHA512, "rsa-sha2-256"),
        ("ssh-rsa", SHA1, None),
        ("ssh-rsa", 1, None),
        ("ssh-rsa", SHA256 | 8, None),
        ("ecdsa-sha2-nistp384", 0, "ecdsa-sha2-nistp384"),
        ("ecdsa-sha2-nistp384", SHA512, "ecdsa-sha2-nistp384"),
        ("ecdsa-sha2-nistp384", 1, None),
        ("ssh-ed25519", 0, None),
    ],
)
def test_the_flags_choose_the_algorithm(kind: str, flags: int, name: str | None) -> None:
    """RSA signs with the hash that is asked for, never with SHA-1; flags that nobody knows are refused."""
    how = algorithm(kind, flags)
    assert (how and how.name) == name


def test_which_keys_are_offered(bench: Bench) -> None:
    """Authentication certificates whose bytes are had, that are not bad, and none for transport."""
    bench.put(
        told("rsa"),
        told("p256", "personalIdentityNumber"),
        told("p384", verdict={"status": "bad", "reasons": ["date.expired"]}),
        told("p521", transport=True),
        told("p521", der=None),
        told("p521", der="not base64"),
        told("ed25519"),
        made_up.certificate("signature", "hsaId", der=base64.b64encode(DER["p384"]).decode()),
    )
    assert bench.comments() == ["Tolvan Tolvansson, SITHS HSA-id, SIM", "Tolvan Tolvansson, SITHS Personal id no., SIM"]


def test_comments_give_nobody_away(bench: Bench) -> None:
    """A protected holder's name is in no comment, nor is a terminal's control character of any holder's."""
    holder = {"displayName": "Tolvan Tolvansson", "protected": True}
    bench.put(told("rsa", environment="production"), holder=holder)
    assert bench.comments() == ["Ordinary card, SITHS HSA-id"]
    bench.put(told("rsa"), holder={"displayName": "Tol\x1b[2Jvan"})
    assert bench.comments() == ["Tol\ufffd[2Jvan, SITHS HSA-id, SIM"]


def test_a_card_exchanged_meanwhile_has_no_keys(bench: Bench) -> None:
    """Keys of one card are never shown with another one's holder."""
    bench.daemon.script["GetCertificates"] = [{**made_up.certificates_reply(told("rsa")), "cardSerial": "other"}]
    assert bench.comments() == []


def test_readers_that_can_not_be_asked(bench: Bench) -> None:
    """A reader that is busy has no keys for now, empty ones are not asked, and the others have theirs."""
    two = made_up.reader(None, name="Other"), made_up.reader(made_up.card(), name="Busy")
    bench.daemon.script["List"] = [made_up.listing(*two, made_up.reader(made_up.card()))]
    bench.daemon.script["GetCertificates"] = [Refusal("reader.busy"), made_up.certificates_reply(told("rsa"))]
    assert len(bench.comments()) == 1
    assert [call["reader"] for call in bench.daemon.calls("GetCertificates")] == ["Busy", READER]


def test_no_service_is_a_failure(bench: Bench) -> None:
    """Without pcscd it is not known whether there are keys: that is told as a failure, not as none."""
    bench.daemon.script["List"] = [made_up.listing(service=False)]
    assert bench.answer(bytes([11])) == protocol.FAILURE
    assert len(bench.reports) == 1


@pytest.mark.parametrize("name", ["p256", "p384", "p521"])
def test_a_signature_by_a_curve(bench: Bench, name: str) -> None:
    """A card's ECDSA signature, a DER structure, becomes the two integers that ssh has, and is one of the key."""
    how = f"ecdsa-sha2-nist{name}"
    bench.put(told(name))
    bench.signs(name)
    bench.person.codes = [PIN]
    answer = bench.answer(request(name, how, 0))
    assert answer[:1] == b"\x0e"
    assert has_signed(blob(name), Unpacker(answer[1:]).string(), log_in(name, how))
    (call,) = bench.daemon.calls("Authenticate")
    assert call["algorithm"] == {"p256": "ecdsaSha256", "p384": "ecdsaSha384", "p521": "ecdsaSha512"}[name]


def test_what_the_daemon_is_asked(bench: Bench) -> None:
    """The very bytes, certificate, card and reader, the tries that the person saw, what it is for; the PIN is gone."""
    bench.signs("rsa")
    bench.person.codes = [PIN]
    assert has_signed(
        blob("rsa"),
        Unpacker(bench.answer(request("rsa", "rsa-sha2-256"))[1:]).string(),
        log_in("rsa", "rsa-sha2-256"),
    )
    (call,) = bench.daemon.calls("Authenticate")
    assert call == {
        "challenge": base64.b64encode(log_in("rsa", "rsa-sha2-256")).decode(),
        "algorithm": "rsaPkcs1Sha256",
        "certificate": "rsa".rjust(64, "0"),
        "description": "ssh anna",
        "code": PIN,
        "reader": READER,
        "cardSerial": SERIAL,
        "expectedTries": 3,
    }
    assert [len(code) for code in bench.person.given] == [0]


@pytest.mark.parametrize(
    "message",
    [
        request("p256", "ecdsa-sha2-nistp256", 0),
        request("rsa", "rsa-sha2-256", SHA512),
        request("rsa", "rsa-sha2-512", SHA256),
        request("rsa", "ssh-rsa", SHA1),
        request("rsa", "rsa-sha2-256", data=log_in("p256", "rsa-sha2-256")),
        request("rsa", "rsa-sha2-256", data=bytes(64)),
        request("rsa", "rsa-sha2-256", data=log_in("rsa", "rsa-sha2-256") + b"\0"),
        bytes([17]) + b"a key",
        bytes([19]),
        bytes([22]) + string(b"password"),
        bytes([27]) + string(b"query"),
        bytes([27]) + string(b"session-bind@openssh.com") + b"\0",
        bytes([13]),
        bytes([200]),
    ],
)
def test_refused_without_a_question(bench: Bench, message: bytes) -> None:
    """Another key, algorithm or text than a log-in's, or what no agent of cards does: failure, no question."""
    assert bench.answer(message) == protocol.FAILURE
    assert len(bench.reports) == 1
    assert bench.person.asked == bench.person.told == []
    assert bench.daemon.calls("Authenticate") == []


def bound(key: str, session: bytes, signer: str | None = None) -> bytes:
    """Return what ssh tells of its session."""
    signature = KEYS[signer or key].sign(session)
    parts = (b"session-bind@openssh.com", blob(key), session, string(b"ssh-ed25519") + string(signature))
    return bytes([27]) + b"".join(map(string, parts)) + b"\0"


def test_a_session_is_bound(bench: Bench) -> None:
    """What the host has signed is accepted and shown; a log-in of another session on the connection is refused."""
    bench.signs("rsa")
    bench.person.codes = [PIN]
    log_in_here = request("rsa", "rsa-sha2-256")
    accepted, signed = bench.answers(bound("ed25519", SESSION), log_in_here)
    assert (accepted, signed[0]) == (protocol.SUCCESS, 14)
    assert "as anna on SHA256:" in bench.person.asked[0]
    assert bench.daemon.calls("Authenticate")[0]["description"].startswith("ssh anna@SHA256:")
    assert bench.answers(bound("ed25519", bytes(32)), log_in_here) == [protocol.SUCCESS, protocol.FAILURE]
    assert len(bench.person.asked) == 1


def test_a_session_that_is_not_so(bench: Bench) -> None:
    """A host's signature that is none: the binding fails, and the log-in is to a host that is not known."""
    bench.signs("rsa")
    bench.person.codes = [PIN]
    broken = bound("ed25519", SESSION)[:-20] + bytes(19) + b"\0"
    failed, signed = bench.answers(broken, request("rsa", "rsa-sha2-256"))
    assert (failed, signed[0]) == (protocol.EXTENSION_FAILURE, 14)
    assert "does not tell on which computer" in bench.person.asked[0]


def test_a_wrong_pin_is_told_and_asked_for_anew(bench: Bench) -> None:
    """Each code goes once. The second question says what became of the first, and the tries that are left now."""
    bench.tries(3, 2)
    bench.signs("rsa", Refusal("pin.wrong", {"triesLeft": 2, "role": "authentication"}))
    bench.person.codes = ["000000", PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256"))[0] == 14
    assert "Wrong authentication PIN" in bench.person.asked[1]
    assert "2 tries left" in bench.person.asked[1]
    assert [call["code"] for call in bench.daemon.calls("Authenticate")] == ["000000", PIN]
    assert [call["expectedTries"] for call in bench.daemon.calls("Authenticate")] == [3, 2]


@pytest.mark.parametrize("left", [1, None])
def test_what_may_be_the_last_try_takes_a_word(bench: Bench, left: int | None) -> None:
    """At the last try, and where the card does not tell, only a yes leads to the question for the PIN."""
    bench.tries(left)
    bench.signs("rsa")
    bench.person.words, bench.person.codes = [False, True], [PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
    assert bench.daemon.calls("Authenticate") == []
    assert bench.answer(request("rsa", "rsa-sha2-256"))[0] == 14
    (call,) = bench.daemon.calls("Authenticate")
    assert call["spendLastTry"] is True
    assert call.get("expectedTries") == left


def test_what_can_not_be_the_last_try_takes_no_word(bench: Bench) -> None:
    """A card that tells no number, but that it is not the last one, is asked without a word."""
    bench.tries(None, notLast=True)
    bench.signs("rsa")
    bench.person.codes = [PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256"))[0] == 14
    (call,) = bench.daemon.calls("Authenticate")
    assert "spendLastTry" not in call


def test_a_malformed_pin_goes_nowhere(bench: Bench) -> None:
    """Letters that no code has are not sent; the person is told and asked again."""
    bench.signs("rsa")
    bench.person.codes = ["å", PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256"))[0] == 14
    assert "form" in bench.person.asked[1]
    assert len(bench.daemon.calls("Authenticate")) == 1


@pytest.mark.parametrize(
    ("refusal", "part"),
    [
        (Refusal("pin.wrong", {"triesLeft": 0, "role": "authentication"}), "blocked"),
        (Refusal("pin.blocked", {"triesLeft": 0, "role": "authentication"}), "blocked"),
        (Refusal("card.removed"), "taken out"),
        (Refusal("card.changed"), "card"),
        (Refusal("request.denied"), "may not"),
        (Refusal("request.tooManyWrong", {"retryAfter": 60}), "wrong"),
        (Refusal("certificate.bad", {"rules": ["date.expired"]}), "expired"),
        (made_up.Hangup(), "may have been used"),
    ],
)
def test_what_ends_it(bench: Bench, refusal: Any, part: str) -> None:
    """Anything but a wrong PIN with tries left ends it: the person is told why, and nothing is sent again."""
    bench.signs("rsa", refusal)
    bench.person.codes = [PIN, PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
    assert len(bench.daemon.calls("Authenticate")) == 1
    assert part in bench.person.told[0]
    assert bench.reports


@pytest.mark.parametrize(
    ("states", "part"),
    [
        ([made_up.code("authentication", 0)], "blocked"),
        ([made_up.code("authentication", activated=False)], "activated"),
        ([made_up.code("signature")], "has no"),
    ],
)
def test_a_pin_that_is_asked_for_in_vain(bench: Bench, states: list[dict[str, Any]], part: str) -> None:
    """A PIN that is blocked, not chosen or not there is not asked for."""
    bench.daemon.script["GetCodes"] = [made_up.codes_reply(*states)]
    assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
    assert bench.person.asked == []
    assert part in bench.person.told[0]


def test_another_card_before_the_question(bench: Bench) -> None:
    """A card exchanged since the key was found is not asked the PIN of."""
    bench.daemon.script["GetCodes"] = [made_up.codes_reply(made_up.code("authentication"), serial="other")]
    assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
    assert bench.person.asked == []


def test_a_reply_of_another_certificate_is_a_fault(bench: Bench) -> None:
    """A signature by another key, or one that is none, is not handed on."""
    for options in ({"fingerprint": "f" * 64}, {"made": b"no DER"}):
        name = "rsa" if "fingerprint" in options else "p256"
        bench.put(told(name))
        bench.signs(name, **options)  # type: ignore[arg-type] - of two shapes
        bench.person.codes = [PIN]
        how = "rsa-sha2-256" if name == "rsa" else "ecdsa-sha2-nistp256"
        assert bench.answer(request(name, how)) == protocol.FAILURE


def test_a_client_that_has_gone(daemon: FakeDaemon) -> None:
    """Whoever went while waiting for a turn is not asked for; nothing of the card is touched."""
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        bench = Bench(daemon, ours)
        bench.person.codes = [PIN]
        assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
        assert bench.person.asked == []
        assert daemon.calls("GetCodes") == []


def test_a_client_that_goes_after_the_answer(daemon: FakeDaemon) -> None:
    """A PIN given for somebody who has gone meanwhile is not sent."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        bench = Bench(daemon, ours)
        bench.signs("rsa")
        bench.person.codes = [PIN]
        ask = bench.person.ask_code

        def ask_and_go(lines: list[str], client: Any) -> Secret:
            theirs.close()
            return ask(lines, client)

        bench.person.ask_code = ask_and_go  # type: ignore[method-assign] - for this test
        assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
        assert daemon.calls("Authenticate") == []
        assert [len(code) for code in bench.person.given] == [0]


def test_a_pad_needs_nobody_to_ask(bench: Bench) -> None:
    """With --pin-pad and a pad no code is asked for or sent; without a pad it is, and then there has to be a way."""
    bench.habits = Habits(pin_pad=True)
    bench.daemon.script["GetGuidance"] = [
        made_up.guidance(made_up.code("authentication"), padVerify=True),
        made_up.guidance(made_up.code("authentication")),
    ]
    bench.person.absent = True
    bench.signs("rsa")
    assert bench.answer(request("rsa", "rsa-sha2-256"))[0] == 14
    (call,) = bench.daemon.calls("Authenticate")
    assert call["pinPad"] is True
    assert "code" not in call
    assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
    assert "SSH_ASKPASS" in bench.reports[0]


def test_agreement_comes_first(bench: Bench) -> None:
    """With --confirm a no ends it before the PIN is asked for."""
    bench.habits = Habits(confirm=True)
    bench.person.words, bench.person.codes = [False], [PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256")) == protocol.FAILURE
    assert len(bench.person.asked) == 1
    assert bench.daemon.calls("GetCodes") == []


def test_a_description_fits_the_daemon(bench: Bench) -> None:
    """Whatever a user is called, the audit's description is printable, and no longer than 200 characters."""
    user = "\x1b\u200b" + "u" * 240
    parts = b"".join(map(string, (user.encode(), b"ssh-connection", b"publickey")))
    data = string(SESSION) + b"\x32" + parts + b"\1" + string(b"rsa-sha2-256") + string(blob("rsa"))
    bench.signs("rsa")
    bench.person.codes = [PIN]
    assert bench.answer(request("rsa", "rsa-sha2-256", data=data))[0] == 14
    description = bench.daemon.calls("Authenticate")[0]["description"]
    assert description.startswith("ssh \ufffd\ufffduuu")
    assert len(description) == 200
    assert description.isprintable()
    assert "\x1b" not in bench.person.asked[0]


def test_the_question_at_the_terminal(bench: Bench, daemon: FakeDaemon, desk: Any, tmp_path: Path) -> None:
    """In the foreground the PIN is asked for at the agent's own terminal, unseen; Ctrl-D cancels, and it goes on."""
    bench.signs("rsa")
    folder = tmp_path / "run"
    folder.mkdir(0o700)
    agent = desk("ssh-agent", "--foreground", "--confirm", "-a", str(folder / "agent"), SHELL="/bin/tcsh")
    agent.wait_for(f"setenv SSH_AUTH_SOCK {folder}/agent;")
    agent.wait_for(f"echo Agent pid {agent.process.pid};")
    got: list[bytes] = []

    def ask() -> None:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(made_up.PATIENCE)
            wire.connect(str(folder / "agent"))
            wire.sendall(protocol.framed(request("rsa", "rsa-sha2-256")))
            got.append(wire.recv(1000))

    def in_background() -> threading.Thread:
        thread = threading.Thread(target=ask)
        thread.start()
        return thread

    asking = in_background()
    agent.answer("Type the word yes", "yes")
    agent.wait_for("digits, not shown):")
    assert not agent.echoes
    agent.answer("digits, not shown):", PIN)
    agent.wait_for("\n", times=agent.seen.count("\n"))
    while asking.is_alive():
        agent.read()
    assert got.pop()[4] == 14
    assert agent.echoes
    asking = in_background()
    agent.wait_for("Type the word yes", times=2)
    agent.press(b"\x04")
    agent.wait_for("Not signed")
    while asking.is_alive():
        agent.read()
    assert got.pop() == protocol.framed(protocol.FAILURE)
    assert len(daemon.calls("Authenticate")) == 1
    assert PIN not in agent.seen
    agent.press(b"\x03")
    assert agent.end() == 0
    assert not os.path.lexists(folder / "agent")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--foreground"], "XDG_RUNTIME_DIR"),
        (["--foreground", "-a", "{open}/agent"], "others may write"),
        (["--foreground", "-a", "{absent}/agent"], "No such file"),
        (["--foreground", "-a", "{file}"], "not a socket"),
    ],
)
def test_where_no_socket_is_made(
    sithsctl: Any, tmp_path: Path, arguments: list[str], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that others can write to, or that is not there, or a file in the way: refused, status 2."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    places = {"open": tmp_path / "open", "absent": tmp_path / "absent", "file": tmp_path / "own" / "file"}
    places["open"].mkdir()
    places["open"].chmod(0o777)
    places["file"].parent.mkdir(0o700)
    places["file"].touch()
    outcome = sithsctl("ssh-agent", *(one.format(**places) for one in arguments))
    assert outcome.status == 2
    assert part in outcome.err
    assert places["file"].exists()


def test_a_program_that_is_not_there(sithsctl: Any) -> None:
    """What stands after -- and can't be started is a usage error, and no agent stays."""
    outcome = sithsctl("ssh-agent", "--", "/nonexistent/program")
    assert outcome.status == 2
    assert "can't be started" in outcome.err


@pytest.mark.usefixtures("bench")
def test_a_list_of_keys(sithsctl: Any, daemon: FakeDaemon) -> None:
    """--list writes lines for authorized_keys; as JSON with card and certificate; and says it when there are none."""
    line = f"ssh-rsa {base64.b64encode(blob('rsa')).decode()}"
    assert sithsctl("ssh-agent", "--list").out == f"{line} Tolvan Tolvansson, SITHS HSA-id, SIM\n"
    (key,) = sithsctl("ssh-agent", "--list", "--json").json["keys"]
    assert key == {
        "key": line,
        "comment": "Tolvan Tolvansson, SITHS HSA-id, SIM",
        "reader": READER,
        "cardSerial": SERIAL,
        "certificate": "rsa".rjust(64, "0"),
    }
    daemon.script["List"] = [made_up.listing()]
    outcome = sithsctl("ssh-agent", "--list")
    assert (outcome.status, outcome.out) == (0, "")
    assert "No card" in outcome.err
