"""sithsd-fetch and servers that nobody here wrote: OpenSSL's responder, and Python's web server.

All of them are in a network of their own, in which names lead where its /etc/hosts says.
"""

import base64
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import AuthorityInformationAccessOID

from sithsd.api.client import Client
from sithsd.api.fetch_evidence import from_wire
from sithsd.api.fetch_wire import CheckRevocationReply, FetchAnchorReply, StateReply
from sithsd.certificate.read import read
from sithsd.errors import ErrorCode, SithsdError
from sithsd.simulator.stage import end
from sithsd.validity.revocation.model import Evidence, RevocationStatus, Source

BIN = Path(sys.executable).parent
SECONDS = 60.0
RESPONDER, LISTS = "http://127.0.0.1:2560/", "http://127.0.0.1:8080"
# Of a network of one's own (RFC 1918), as Sjunet's are.
ADDRESS = "10.77.0.1"
HOSTS = f"{ADDRESS} aia.siths.se\n127.0.0.1 aiapp.siths.se localhost\n"
_WAITING = b"waiting for OCSP client connections"
NAMESPACES = (
    'ip link set lo up && ip address add "$1/32" dev lo && mount --bind "$2" /etc/hosts && echo ready && exec cat'
)
LISTENS = """
import socket, sys, time
until = time.monotonic() + 60
while True:
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()
        break
    except OSError:
        assert time.monotonic() < until
        time.sleep(0.02)
"""


class Network:
    """A network of its own, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()
        hosts = folder / "hosts"
        hosts.write_text(HOSTS, encoding="ascii")
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        command = ["unshare", "--net", "--mount", *user, "sh", "-c", NAMESPACES, "sh", ADDRESS, str(hosts)]
        self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._running.callback(end, self._keeper)
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """End all of it."""
        self._running.close()

    def inside(self, *command: str) -> list[str]:
        """Return the command that runs this one there."""
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self._keeper.pid}", "--net", "--mount", *user, f"--wd={self.folder}", *command]

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program there, which ends with the test."""
        with (self.folder / "log").open("ab") as log:
            started = subprocess.Popen(self.inside(*command), stdout=log, stderr=log)
        self._running.callback(end, started)
        return started

    def serve(self, address: str, port: int, *command: str) -> subprocess.Popen[bytes]:
        """Start a server there, and wait until it listens."""
        started = self.start(*command)
        subprocess.run(self.inside(sys.executable, "-c", LISTENS, address, str(port)), check=True, timeout=SECONDS)
        return started

    def files(self, address: str, port: int) -> subprocess.Popen[bytes]:
        """Serve the folder `www`."""
        served = ["--directory", "www", "--bind", address, str(port)]
        return self.serve(address, port, sys.executable, "-m", "http.server", *served)


class Issuer:
    """A CA on disk as OpenSSL wants it, whose certificates name the servers above."""

    def __init__(self, forge: Any, network: Network) -> None:
        self.network = network
        self.folder = network.folder
        (self.folder / "www").mkdir()
        now = datetime.now(UTC).replace(microsecond=0)
        life = {"start": now - timedelta(days=2), "end": now + timedelta(days=365)}
        self.root = forge.authority("SIM SITHS e-id Root CA v2", **life)
        more = {"path_length": 0, "extensions": [_points(f"{LISTS}/root.crl")], **life}
        self.ca = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", self.root, **more)
        access = _access(RESPONDER, f"{LISTS}/issuer.cer")
        self.leaf = forge.person(issuer=self.ca, extensions=[access, _points(f"{LISTS}/issuer.crl")], **life)
        self.without_list = forge.person("SE2321000016-2BC3", issuer=self.ca, extensions=[access], **life)
        key = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (self.folder / "ca.key").write_bytes(self.ca.key.private_bytes(*key))
        (self.folder / "ca.pem").write_bytes(self.ca.pem)
        (self.folder / "root.pem").write_bytes(self.root.pem)
        (self.folder / "www" / "issuer.cer").write_bytes(self.ca.der)
        self.publish("root.crl", self.root, [])
        self.publish("issuer.crl", self.ca, [])
        self.index(revoked=False)

    def publish(self, name: str, signer: Any, revoked: Sequence[int]) -> None:
        """Make a list, and put it on the web."""
        now = datetime.now(UTC).replace(microsecond=0)
        builder = x509.CertificateRevocationListBuilder().issuer_name(signer.name)
        builder = builder.last_update(now - timedelta(minutes=1)).next_update(now + timedelta(days=1))
        for serial in revoked:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(days=1))
            builder = builder.add_revoked_certificate(one.build())
        made = builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        (self.folder / "www" / name).write_bytes(made)

    def index(self, *, revoked: bool) -> None:
        """Write OpenSSL's own list of what was issued (ca(1), -revoke)."""
        row = ("R", "301231000000Z", "260101000000Z,keyCompromise") if revoked else ("V", "301231000000Z", "")
        (self.folder / "index.txt").write_text(
            "\t".join((*row, f"{_serial(self.without_list):040X}", "unknown", "/CN=Tolvan")) + "\n"
        )

    def respond(self) -> subprocess.Popen[bytes]:
        """Start OpenSSL's responder."""
        own = ["-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key", "-nmin", "60"]
        log = self.folder / "log"
        before = log.read_bytes().count(_WAITING) if log.exists() else 0
        started = self.network.start("openssl", "ocsp", *own, "-port", "2560")
        # It serves one after the other: a connection that only tries whether it listens would be in the way.
        deadline = time.monotonic() + SECONDS
        while log.read_bytes().count(_WAITING) == before:
            assert started.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        return started


class Fetch:
    """The program, as a unit would run it."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self.folder = issuer.folder
        settings = [
            "[validity]",
            'environments = ["sim", "production", "test"]',
            f'anchors = ["{self.folder}/root.pem"]',
            f'anchors_folder = "{self.folder}/anchors"',
            f'sim_fingerprints = ["{read(issuer.root.der).fingerprint}"]',
            'sim_hosts = ["127.0.0.1:2560", "127.0.0.1:8080"]',
        ]
        (self.folder / "sithsd.toml").write_text("\n".join(settings) + "\n", encoding="utf-8")
        self.program = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, and wait until it answers."""
        folders = ["--runtime-dir", str(self.folder / "run"), "--state-dir", str(self.folder / "state")]
        settings = ["--config", str(self.folder / "sithsd.toml")]
        self.program = self._issuer.network.start(str(BIN / "sithsd-fetch"), *folders, *settings)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self.call("GetState", None, StateReply)
            except SithsdError:
                assert time.monotonic() < deadline
                assert self.program.poll() is None
                time.sleep(0.02)
            else:
                return self.program

    def call(self, method: str, parameters: Any, reply: Any) -> Any:
        """Call a method."""
        with Client(self.folder / "run" / "io.sithsd.Fetch", timeout=SECONDS) as client:
            return client.call(f"io.sithsd.Fetch.{method}", parameters, reply)

    def check(self, holder: Any = None, **more: Any) -> list[Evidence]:
        """Ask about a holder, of whom nothing but the own certificate is known, until nothing is waited for."""
        told = {"certificate": base64.b64encode((holder or self._issuer.leaf).der).decode(), **more}
        deadline = time.monotonic() + SECONDS
        while True:
            reply = self.call("CheckRevocation", told, CheckRevocationReply)
            waiting = self.call("GetState", None, StateReply).waiting
            evidence = [from_wire(one) for one in reply.evidence]
            if not waiting and not any("in time" in (one.detail or "") for one in evidence):
                return evidence
            assert time.monotonic() < deadline


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Make the network."""
    missing = [name for name in ("openssl", "unshare", "nsenter", "ip") if shutil.which(name) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)} (make setup installs them)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    made = Network(tmp_path)
    yield made
    made.close()


@pytest.fixture
def issuer(forge: Any, network: Network) -> Issuer:
    """Make the CA."""
    return Issuer(forge, network)


def _serial(made: Any) -> int:
    return x509.load_der_x509_certificate(made.der).serial_number


def _points(url: str) -> tuple[x509.ExtensionType, bool]:
    names = [x509.UniformResourceIdentifier(url)]
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)]), False


def _access(responder: str, issuer: str) -> tuple[x509.ExtensionType, bool]:
    places = ((AuthorityInformationAccessOID.OCSP, responder), (AuthorityInformationAccessOID.CA_ISSUERS, issuer))
    named = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in places]
    return x509.AuthorityInformationAccess(named), False


def test_openssls_responder_is_understood(issuer: Issuer) -> None:
    """The issuer comes by AIA, good and revoked come from OpenSSL's responder, the root's list from a web server.

    What was told is told again by a program that was killed and started anew, with nobody there to ask.
    """
    files, responder = issuer.network.files("127.0.0.1", 8080), issuer.respond()
    fetch, holder = Fetch(issuer), issuer.without_list
    first, second = fetch.check(holder)
    assert (first.status, first.source, first.url) == (RevocationStatus.GOOD, Source.OCSP, RESPONDER), first
    assert (second.status, second.source) == (RevocationStatus.GOOD, Source.CRL), second
    end(responder)
    issuer.index(revoked=True)
    responder = issuer.respond()
    assert fetch.check(holder)[0].status is RevocationStatus.GOOD
    fetch.program.send_signal(signal.SIGKILL)
    fetch.program.wait()
    fetch.start()
    revoked = fetch.check(holder, fresh=True)[0]
    assert (revoked.status, revoked.revocation_reason) == (RevocationStatus.REVOKED, "keyCompromise")
    fetch.program.send_signal(signal.SIGKILL)
    fetch.program.wait()
    end(responder)
    end(files)
    fetch.start()
    assert [one.status for one in fetch.check(holder)] == [RevocationStatus.REVOKED, RevocationStatus.GOOD]
    state = fetch.call("GetState", None, StateReply)
    assert (state.stored, state.failing, state.set_aside, state.anchors) == (3, [], None, 1)


def test_a_web_servers_list_answers_without_a_responder(issuer: Issuer) -> None:
    """Nobody at the responder's port: the list tells who is revoked, and the place that fails is told."""
    issuer.publish("issuer.crl", issuer.ca, [_serial(issuer.leaf)])
    issuer.network.files("127.0.0.1", 8080)
    fetch = Fetch(issuer)
    first, _ = fetch.check()
    assert (first.status, first.source, first.url) == (RevocationStatus.REVOKED, Source.CRL, f"{LISTS}/issuer.crl")
    (failing,) = fetch.call("GetState", None, StateReply).failing
    assert (failing.url, failing.failures) == (RESPONDER, 1)


def test_the_real_root_comes_from_its_place(issuer: Issuer, pki_dir: Path) -> None:
    """By its name, from an address of a network of one's own; a name that leads to this machine is not followed."""
    shutil.copy(pki_dir / "sithseidrootcav2.pem", issuer.folder / "www" / "sithseidrootcav2.cer")
    shutil.copy(pki_dir / "testsithseidrootcav2.pem", issuer.folder / "www" / "testsithseidrootcav2.cer")
    issuer.network.files(ADDRESS, 80)
    issuer.network.files("127.0.0.1", 80)
    fetch = Fetch(issuer)
    reply = fetch.call("FetchAnchor", {"environment": "production"}, FetchAnchorReply)
    root = read(base64.b64decode(reply.certificate))
    assert root.fingerprint == "8767260ac829d833c30af23857cbf8a2304bfda445303dfce5043afa73e584c1"
    with pytest.raises(SithsdError, match="this machine or its own link") as caught:
        fetch.call("FetchAnchor", {"environment": "test"}, FetchAnchorReply)
    assert caught.value.code is ErrorCode.FETCH_FAILED


def test_it_ends_in_order_and_leaves_no_socket(issuer: Issuer) -> None:
    """At SIGTERM it says that it has ended, and the socket that it made is gone; the file is its owner's alone."""
    fetch = Fetch(issuer)
    socket = fetch.folder / "run" / "io.sithsd.Fetch"
    assert socket.stat().st_mode & 0o777 in {0o660, 0o600}
    assert (fetch.folder / "state" / "fetched.sqlite").stat().st_mode & 0o777 == 0o600
    fetch.program.terminate()
    assert fetch.program.wait(SECONDS) == 0
    assert not socket.exists()
