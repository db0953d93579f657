"""OpenSSL and curl as foreign judges of what the simulation's authorities publish, right and wrong."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.simulator.fixture import Issuer
from sithsd.simulator.publisher import Manner
from sithsd.simulator.register import Act, Reason
from sithsd.simulator.reply_faults import ReplyFault, ReplyKind
from sithsd.simulator.responder import Responder
from sithsd.simulator.shelf import Shelf

ISSUER, ROOT = "simsithseidpersonhsaid3cav1", "simsithseidrootcav2"


class Judge:
    """One card's certificates in files, the responder, and the foreign programs."""

    def __init__(self, shelf: Shelf, folder: Path) -> None:
        self.shelf = shelf
        self.folder = folder
        self.manner = Manner()
        self.root = shelf.pki.folder / "root.pem"
        self.issuer = shelf.pki.folder / f"{Issuer.PERSON_HSA_ID_3}.pem"
        self.leaves = [folder / "leaf-0.pem", folder / "leaf-1.pem"]
        for path, there in zip(self.leaves, shelf.card("protected").image.certificates, strict=True):
            path.write_bytes(x509.load_der_x509_certificate(there.content).public_bytes(Encoding.PEM))
        self._responder = Responder(shelf.pki, port=0)

    def __enter__(self) -> Self:
        self._responder.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._responder.__exit__(None, None, None)

    def serve(self, manner: Manner) -> None:
        """Serve in another manner."""
        self._responder.__exit__(None, None, None)
        self._responder = Responder(self.shelf.pki, port=0, manner=manner).__enter__()

    def spoil(self, kind: ReplyKind) -> None:
        """Have replies be wrong."""
        self._responder.faults.write(ReplyFault(kind=kind))

    def curl(self, path: str, *options: str) -> bytes:
        """Fetch with curl, which has to succeed."""
        command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", *options, self._responder.url + path]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def openssl(self, *arguments: str | Path, stdin: bytes = b"") -> tuple[int, str]:
        """Run openssl; return its exit status and what it printed on either stream."""
        command = ["openssl", *map(str, arguments)]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)
        return done.returncode, (done.stdout + done.stderr).decode()

    def ocsp(self, leaf: int = 0, *options: str) -> str:
        """Ask by `openssl ocsp`, which knows the root alone as trusted; return what it says."""
        return self.openssl(
            "ocsp", "-issuer", self.issuer, "-cert", self.leaves[leaf], "-url", f"{self._responder.url}/ocsp/{ISSUER}",
            "-CAfile", self.root, *options,
        )[1]  # fmt: skip

    def lists(self, *names: str) -> Path:
        """Fetch lists with curl and put them into one file."""
        contents = (x509.load_der_x509_crl(self.curl(f"/{name}.crl")) for name in names)
        path = self.folder / "lists.pem"
        path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in contents))
        return path

    def verify(self, *options: str, lists: Path, leaf: int = 0) -> str:
        """Judge a certificate and its issuer with `openssl verify -crl_check_all`; return what it says."""
        return self.openssl(
            "verify", "-crl_check_all", "-CAfile", self.root, "-untrusted", self.issuer, "-CRLfile", lists, *options,
            self.leaves[leaf],
        )[1]  # fmt: skip


@pytest.fixture
def judge(made_cards: Shelf, tmp_path: Path) -> Iterator[Judge]:
    """Have a card's certificates judged, and a responder of the test's own."""
    missing = [program for program in ("openssl", "curl") if shutil.which(program) is None]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"{missing[0]} is not installed (make setup installs it)"
        )
    made_cards.card("protected")
    with Judge(made_cards.copy_to(tmp_path / "state"), tmp_path) as judging:
        yield judging


@pytest.mark.parametrize("delegated", [True, False], ids=["delegated", "direct"])
def test_openssl_ocsp_believes_what_is_said(judge: Judge, delegated: bool) -> None:
    """Good, then revoked with its reason, the nonce back each time; the other certificate stays good."""
    judge.serve(Manner(delegated=delegated))
    said = judge.ocsp()
    assert "Response verify OK" in said
    assert "leaf-0.pem: good" in said
    assert "WARNING" not in said
    judge.shelf.revoke("protected", reason=Reason.KEY_COMPROMISE, which=[1])
    said = judge.ocsp()
    assert "Response verify OK" in said
    assert "leaf-0.pem: revoked" in said
    assert "Reason: keyCompromise" in said
    assert "leaf-1.pem: good" in judge.ocsp(1)


def test_openssl_ocsp_sees_a_hold_and_its_end(judge: Judge) -> None:
    """As any client that asks again."""
    judge.shelf.revoke("protected", Act.HELD)
    assert "Reason: certificateHold" in judge.ocsp()
    judge.shelf.revoke("protected", Act.RELEASED)
    assert "leaf-0.pem: good" in judge.ocsp()


def test_openssl_ocsp_misses_a_nonce_that_does_not_come(judge: Judge) -> None:
    """A responder whose answers were made in advance."""
    judge.serve(Manner(nonce=False))
    said = judge.ocsp()
    assert "no nonce in response" in said
    assert "Response verify OK" in said


def test_openssl_ocsp_gets_the_root_s_word_about_the_issuer(judge: Judge) -> None:
    """The authorities' own certificates are answered for by the root."""
    judge.shelf.revoke("protected", issuers=True)
    command = ["ocsp", "-issuer", judge.root, "-cert", judge.issuer, "-CAfile", judge.root]
    said = judge.openssl(*command, "-url", f"{judge._responder.url}/ocsp/{ROOT}")[1]
    assert "Response verify OK" in said
    assert f"{judge.issuer}: revoked" in said


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ReplyKind.WRONG_SIGNER, "Response Verify Failure"),
        (ReplyKind.UNAUTHORISED, "missing ocspsigning usage"),
        (ReplyKind.STALE, "status expired"),
        (ReplyKind.FUTURE, "status not yet valid"),
        (ReplyKind.OLD_NONCE, "Nonce Verify error"),
        (ReplyKind.OTHER, "No Status found"),
        (ReplyKind.UNKNOWN, "leaf-0.pem: unknown"),
        (ReplyKind.TRY_LATER, "Responder Error: trylater (3)"),
        (ReplyKind.GARBAGE, "Error querying OCSP responder"),
        (ReplyKind.ERROR, "Error querying OCSP responder"),
        (ReplyKind.CLOSED, "Error querying OCSP responder"),
        (ReplyKind.TORN, "Error querying OCSP responder"),
    ],
)
def test_openssl_ocsp_is_not_deceived(judge: Judge, kind: ReplyKind, words: str) -> None:
    """Each fault is what it is meant to be: openssl names it."""
    judge.spoil(kind)
    assert words in judge.ocsp()


def test_openssl_ocsp_can_be_shown_an_old_answer(judge: Judge) -> None:
    """A replay is well signed and in time: it says good of what is revoked, and only the missing nonce betrays it."""
    judge.shelf.revoke("protected")
    judge.spoil(ReplyKind.REPLAY)
    said = judge.ocsp()
    assert "Response verify OK" in said
    assert "no nonce in response" in said
    assert "leaf-0.pem: good" in said


def test_openssl_verifies_lists(judge: Judge) -> None:
    """`openssl crl` believes both lists, by the certificates that curl fetches from beside them."""
    for name in (ISSUER, ROOT):
        certificate = judge.folder / f"{name}.pem"
        fetched = x509.load_der_x509_certificate(judge.curl(f"/{name}.cer"))
        certificate.write_bytes(fetched.public_bytes(Encoding.PEM))
        command = ["crl", "-inform", "DER", "-noout", "-CAfile", certificate]
        assert judge.openssl(*command, stdin=judge.curl(f"/{name}.crl")) == (0, "verify OK\n")
        judge.spoil(ReplyKind.WRONG_SIGNER)
        assert "verify failure" in judge.openssl(*command, stdin=judge.curl(f"/{name}.crl"))[1]
        judge._responder.faults.write()


def test_openssl_verify_checks_by_the_lists(judge: Judge) -> None:
    """Good, revoked, and an issuer that the root revoked."""
    assert judge.verify(lists=judge.lists(ISSUER, ROOT)) == f"{judge.leaves[0]}: OK\n"
    assert "unable to get certificate CRL" in judge.verify(lists=judge.lists(ROOT))
    judge.shelf.revoke("protected", which=[1])
    assert "error 23 at 0 depth lookup: certificate revoked" in judge.verify(lists=judge.lists(ISSUER, ROOT))
    assert judge.verify(lists=judge.lists(ISSUER, ROOT), leaf=1) == f"{judge.leaves[1]}: OK\n"
    judge.shelf.revoke("protected", issuers=True)
    said = judge.verify(lists=judge.lists(ISSUER, ROOT), leaf=1)
    assert "error 23 at 1 depth lookup: certificate revoked" in said


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ReplyKind.STALE, "CRL has expired"),
        (ReplyKind.FUTURE, "CRL is not yet valid"),
        (ReplyKind.WRONG_SIGNER, "CRL signature failure"),
        (ReplyKind.OTHER, "unable to get certificate CRL"),
    ],
)
def test_openssl_verify_is_not_deceived(judge: Judge, kind: ReplyKind, words: str) -> None:
    """Each fault of a list is what it is meant to be."""
    judge.spoil(kind)
    assert words in judge.verify(lists=judge.lists(ISSUER))


def test_openssl_verify_reads_deltas(judge: Judge) -> None:
    """What the list does not say yet its delta does; what the list still holds the delta lifts."""
    judge.shelf.revoke("protected", Act.HELD, which=[1])
    judge.serve(Manner(deltas=True))
    base = (ISSUER, ROOT, f"{ROOT}-delta")
    assert "error 23" in judge.verify(lists=judge.lists(*base))
    judge.shelf.revoke("protected", Act.RELEASED, which=[1])
    judge.shelf.revoke("protected", which=[2])
    options = ("-extended_crl", "-use_deltas")
    both = judge.lists(*base, f"{ISSUER}-delta")
    assert judge.verify(*options, lists=both) == f"{judge.leaves[0]}: OK\n"
    assert "error 23 at 0 depth" in judge.verify(*options, lists=both, leaf=1)
    assert "error 23 at 0 depth" in judge.verify(lists=both)


def test_curl_is_led_and_is_told_what_it_has(judge: Judge) -> None:
    """A redirect is followed if one wants to; a list that curl has already is not sent again."""
    tags = ["--etag-save", str(judge.folder / "tag"), "--etag-compare", str(judge.folder / "tag")]
    path = f"/{ISSUER}.crl"
    first = judge.curl(path, *tags)
    assert judge.curl(path, *tags) == b""
    judge.spoil(ReplyKind.REDIRECT)
    assert judge.curl(path) == b""
    assert judge.curl(path, "--location") == first
