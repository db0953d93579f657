"""TLS with a client certificate of a card: curl, OpenSSL and GnuTLS go through the door that `sithsd.module` registers.

The server is OpenSSL's: it demands a certificate, knows the root alone, and writes down what it was sent.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.simulator.image import Role
from sithsd.simulator.stage import end

OURS = Path(__file__).resolve().parents[2] / "systemd" / "sithsd.module"
DEADLINE = 60.0
PORT = "4433"
PIN, WRONG_PIN = "123456", "000000"
KEY = "pkcs11:model=PKCS%2315;token=SIM%20SITHS%20e-id...%20%28Legitimering%29;id=%45;type=private"
# The folder of p11-kit's registered modules is replaced for one program.
WITH_DOORS = 'mount --bind "$1" /usr/share/p11-kit/modules && shift && exec "$@"'

# From the file with the PIN to a command line: a PIN is never on one.
Client = Callable[[Path], list[str]]


def curl(pin: Path) -> list[str]:
    """Let curl ask, with OpenSSL's engine for PKCS#11."""
    key = ["--engine", "pkcs11", "--key-type", "ENG", "--key", f"{KEY};pin-source=file:{pin}"]
    trust = ["--cacert", "server.pem"]
    return ["curl", "--silent", "--show-error", *trust, "--cert", "chain.pem", *key, f"https://localhost:{PORT}/"]


def openssl(pin: Path) -> list[str]:
    """Let OpenSSL's own client ask."""
    key = ["-engine", "pkcs11", "-keyform", "engine", "-key", f"{KEY};pin-source=file:{pin}"]
    above = ["-cert_chain", "above.pem"] if (pin.parent / "above.pem").exists() else []
    own = ["-cert", "chain.pem", *above]
    trust = ["-CAfile", "server.pem", "-verify_return_error"]
    return ["openssl", "s_client", "-ign_eof", "-connect", f"localhost:{PORT}", *trust, *own, *key]


def gnutls(pin: Path) -> list[str]:
    """Let GnuTLS's client ask."""
    own = ["--x509certfile", "chain.pem", "--x509keyfile", f"{KEY}?pin-source={pin}"]
    return ["gnutls-cli", "--x509cafile", "server.pem", *own, "--port", PORT, "localhost"]


each_client = pytest.mark.parametrize("client", [curl, openssl, gnutls])


class Service:
    """A server on the stage's loopback, and a card in the reader whose holder wants to get in."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.folder: Path = table.folder
        self._log = self.folder / "server.log"
        table.insert("ordinary")
        pki = table.shelf.pki
        read = table.tool("pkcs15-tool", "--read-certificate", "45")
        self.own = x509.load_pem_x509_certificate(read.stdout.encode())
        every = [authority.certificate for authority in pki.issuers.values()]
        (self.issuer,) = [one for one in every if one.subject == self.own.issuer]
        self._write("root.pem", pki.root.certificate)
        (self.folder / "pin").write_text(PIN)
        (self.folder / "wrong").write_text(WRONG_PIN)

    def send(self, *certificates: x509.Certificate) -> None:
        """Have clients send these: the holder's first."""
        self._write("chain.pem", *certificates)
        (self.folder / "above.pem").unlink(missing_ok=True)
        if certificates[1:]:
            self._write("above.pem", *certificates[1:])

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Run the server."""
        made = self.table.tool(
            *[
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "server.key",
                "-out",
                "server.pem",
            ],
            *["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        )
        assert made.returncode == 0, made.stderr
        demands = ["-Verify", "4", "-verify_return_error", "-CAfile", "root.pem"]
        own = ["-accept", f"127.0.0.1:{PORT}", "-cert", "server.pem", "-key", "server.key", "-www", "-trace"]
        with self._log.open("wb") as log:
            server = self.table.stage.spawn(
                ["env", f"--chdir={self.folder}", "openssl", "s_server", *own, *demands],
                env=self.table.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            deadline = time.monotonic() + DEADLINE
            while "ACCEPT" not in self.log:
                assert server.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                time.sleep(0.02)
            yield
        finally:
            end(server)

    @property
    def log(self) -> str:
        """What the server wrote."""
        return self._log.read_text(errors="replace")

    def chain(self) -> list[str]:
        """Return the common names of what the server was sent by a client, the client's own first."""
        # The server's own certificate is sent before a client's come.
        told = self.log.split("ASN.1Cert, length=")[1:]
        names = [re.findall(r"Subject:.*CN ?= ?([^,/\n]+)", text)[0] for text in told]
        assert names[:1] in ([], ["localhost"])
        return names[1:]

    def get_in(self, client: Client, pin: str = "pin") -> subprocess.CompletedProcess[str]:
        """Ask for the server's page, with the PIN in a file of this name."""
        return self.through({}, *client(self.folder / pin))

    def through(self, doors: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program for which p11-kit has our file and these (name and text), and no others."""
        place = self.folder / "doors"
        place.mkdir(exist_ok=True)
        (place / "sithsd.module").write_bytes(OURS.read_bytes())
        for name, text in doors.items():
            (place / f"{name}.module").write_text(text)
        return self.table.stage.run(
            ["env", f"--chdir={self.folder}", "unshare", "--mount", "sh", "-c", WITH_DOORS, "sh", str(place), *command],
            env=self.table.environment,
            input="GET / HTTP/1.0\r\n\r\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
        )

    def tries(self) -> int:
        """Take the card out, and return how many tries its authentication PIN has left."""
        self.table.remove()
        left: int = self.table.shelf.card("ordinary").tries_left(Role.AUTHENTICATION)
        return left

    def _write(self, name: str, *certificates: x509.Certificate) -> None:
        (self.folder / name).write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))


@pytest.fixture
def service(table: Any) -> Iterator[Service]:
    """Run a server that wants a card's certificate, with a card in the reader."""
    made = Service(table)
    made.send(made.own, made.issuer)
    with made.serve():
        yield made


def name(certificate: x509.Certificate) -> str:
    """Return a certificate's common name."""
    value = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    assert isinstance(value, str)
    return value


@each_client
def test_a_server_lets_the_holder_in(service: Service, client: Client) -> None:
    """The handshake's signature is the card's; the server is sent the holder's certificate and the issuing CA's."""
    done = service.get_in(client)
    assert done.returncode == 0, done.stderr
    assert f"CN={name(service.own)}" in done.stdout.replace("CN = ", "CN=")
    assert service.chain() == [name(service.own), name(service.issuer)]
    assert service.tries() == 3


@each_client
def test_without_its_issuer_a_certificate_is_of_an_unknown_ca(service: Service, client: Client) -> None:
    """A server that has the root alone refuses: it is the client's part to send what lies between."""
    service.send(service.own)
    done = service.get_in(client)
    assert f"CN={name(service.own)}" not in done.stdout.replace("CN = ", "CN=")
    assert service.chain() == [name(service.own)]
    assert "unable to get local issuer certificate" in service.log


@each_client
def test_a_wrong_pin_costs_one_try(service: Service, client: Client) -> None:
    """A client gives the PIN of its file once, is told no, and does not get in; the PIN is in nothing that it says."""
    done = service.get_in(client, "wrong")
    assert done.returncode != 0
    assert WRONG_PIN not in done.stdout + done.stderr + " ".join(map(str, done.args))
    assert service.chain() == []
    assert service.tries() == 2


@pytest.mark.parametrize(
    "doors",
    [
        {},
        {"opensc-pkcs11": "module: opensc-pkcs11.so\n"},
        {"absent": "module: /nonexistent/libiidp11.so\n"},
    ],
    ids=["ours", "and-that-of-opensc", "and-one-whose-library-is-missing"],
)
def test_a_card_has_one_door(service: Service, doors: dict[str, str]) -> None:
    """To p11-kit a token is there once, however many files name the library; one that is not there is passed over."""
    done = service.through(doors, "p11tool", "--list-tokens")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Label: SIM SITHS e-id... (Legitimering)") == 1
    listed = service.through(doors, "p11-kit", "list-modules").stdout
    assert len(re.findall("^[^ ].*: .*[.]so$", listed, re.MULTILINE)) == 1
