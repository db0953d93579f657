"""The commands of sithsd-sim around the authorities."""

import http.client
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from sithsd.simulator import main as module
from sithsd.simulator.register import state
from sithsd.simulator.reply_faults import FaultPlan, ReplyFault, ReplyKind
from sithsd.simulator.shelf import Shelf

ISSUER = "simsithseidpersonhsaid3cav1"


@pytest.fixture
def sim(tmp_path: Path) -> Callable[..., Result]:
    """Return a function that calls sithsd-sim with folders of the test's own."""

    def call(*arguments: str) -> Result:
        folders = ["--runtime-dir", str(tmp_path / "run"), "--state-dir", str(tmp_path)]
        return CliRunner().invoke(module.main, [*folders, *arguments])

    return call


@pytest.fixture
def responder(tmp_path: Path, shelf: Callable[..., Shelf]) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run `sithsd-sim responder` in a process of its own, with a card; give its address."""
    shelf("protected")
    program = [sys.executable, "-m", "sithsd.simulator.main", "--state-dir", str(tmp_path)]
    command = [*program, "responder", "--port", "0", "--deltas", "--direct", "--no-nonce", "--crl-minutes", "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        yield urlsplit(running.stdout.readline().strip()).netloc, running
        running.kill()


def fetch(address: str, path: str) -> bytes:
    """Return what is at a path."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_the_responder_serves_until_it_is_ended(
    sim: Callable[..., Result], responder: tuple[str, "subprocess.Popen[str]"]
) -> None:
    """It prints its URL when it listens, sees what another process revokes and spoils, and ends in order."""
    address, running = responder
    crl = x509.load_der_x509_crl(fetch(address, f"/{ISSUER}.crl"))
    assert crl.next_update_utc is not None
    assert (crl.next_update_utc - crl.last_update_utc).total_seconds() == 600
    assert sim("revoke", "protected").exit_code == 0
    assert len(x509.load_der_x509_crl(fetch(address, f"/{ISSUER}-delta.crl"))) == 2
    assert sim("spoil", "500").exit_code == 0
    assert fetch(address, f"/{ISSUER}.crl") == b"something went wrong\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 0


def test_revoke_hold_and_release(sim: Callable[..., Result], shelf: Callable[..., Shelf]) -> None:
    """Each tells what it did to which certificate, by its label."""
    entries = shelf("protected").pki.register.entries
    held = sim("revoke", "protected", "--hold", "--certificate", "2")
    assert held.output == "held: Underskrift HSA-id\n"
    assert sim("revoke", "protected", "--release", "--certificate", "2").output == "released: Underskrift HSA-id\n"
    revoked = sim("revoke", "protected", "--reason", "keyCompromise")
    assert revoked.output == "revoked: Legitimering HSA-id\nrevoked: Underskrift HSA-id\n"
    assert [one.reason.value for one in state(entries(), ISSUER).revoked.values()] == ["keyCompromise"] * 2
    assert sim("revoke", "protected", "--issuers").output == f"revoked: {ISSUER}\n"
    assert len(state(entries(), "simsithseidrootcav2").revoked) == 1


def test_renew(sim: Callable[..., Result], shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    """The options reach the desk; the card is another one from then on."""
    before = shelf("protected").card("protected").image
    assert sim("renew", "protected", "--certificate", "1", "--same-keys", "--keep-last-update").exit_code == 0
    after = Shelf(tmp_path).card("protected").image
    assert (after.keys, after.last_update) == (before.keys, before.last_update)
    changed = [old != new for old, new in zip(before.certificates, after.certificates, strict=True)]
    assert changed == [True, False]


def test_spoil(sim: Callable[..., Result], tmp_path: Path) -> None:
    """Faults replace one another, or are added; none takes all away."""
    plan = FaultPlan(tmp_path / "simulator" / "pki")
    assert sim("spoil", "slow", "--seconds", "2", "--path", "*.crl").exit_code == 0
    slow = ReplyFault(kind=ReplyKind.SLOW, path="*.crl", seconds=2)
    assert plan.read() == (slow,)
    sim("spoil", "stale", "--also")
    assert plan.read() == (slow, ReplyFault(kind=ReplyKind.STALE, seconds=5))
    sim("spoil", "closed")
    assert [fault.kind for fault in plan.read()] == [ReplyKind.CLOSED]
    sim("spoil", "none")
    assert plan.read() == ()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["revoke", "nonesuch"], 1, "there is no such card"),
        (["revoke", "protected", "--certificate", "3"], 1, "the card has 2 certificates, counted from 1"),
        (["revoke", "protected", "--release"], 1, "is not held"),
        (["revoke", "protected", "--hold", "--reason", "superseded"], 2, "a hold has no reason"),
        (["revoke", "protected", "--hold", "--release"], 2, "a hold has no reason"),
        (["revoke", "protected", "--reason", "boredom"], 2, "boredom"),
        (["renew", "protected", "--certificate", "3"], 1, "the card has 2 certificates"),
        (["spoil", "everything"], 2, "everything"),
        (["responder", "--port", "1", "--now", "yesterday"], 2, "no moment"),
    ],
)
def test_failures_are_told(
    sim: Callable[..., Result], shelf: Callable[..., Shelf], arguments: list[str], status: int, sentence: str
) -> None:
    """In one sentence: 1 for what can't be done, 2 for wrong usage."""
    shelf("protected")
    result = sim(*arguments)
    assert result.exit_code == status
    assert sentence in result.stderr
