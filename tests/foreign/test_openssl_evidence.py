"""OpenSSL as responder and as maker of CRLs, and its verify as second opinion on the same lists."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from sithsd.certificate.read import read
from sithsd.validity.anchors import Anchor
from sithsd.validity.judge import Judge
from sithsd.validity.policy import ValidityPolicy
from sithsd.validity.revocation import crl, ocsp
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus
from sithsd.values import Environment, Status, Verdict

EVERYTHING = ValidityPolicy(environments=frozenset(Environment))
NONCE = bytes(range(32))
URL = "http://crl.sim/one.crl"
SIGNS_RESPONSES = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NO_CHECK = (x509.OCSPNoCheck(), False)
CA_SETTINGS = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
crlnumber = {folder}/crlnumber
default_md = {digest}
[parts]
"""


def openssl(*arguments: str | Path) -> tuple[int, str]:
    """Run openssl; return its exit status and what it printed on either stream."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


@dataclass
class Bureau:
    """A CA's folder as openssl keeps it: its certificates, and the index of what it has revoked."""

    forge: Any
    folder: Path
    key: Any = None
    root: Any = field(init=False)
    issuer: Any = field(init=False)
    leaf: Any = field(init=False)
    other: Any = field(init=False)

    def __post_init__(self) -> None:
        self.now = datetime.now(UTC)
        self.life = {"start": self.now - timedelta(days=2), "end": self.now + timedelta(days=200)}
        self.root = self.forge.authority("SIM SITHS e-id Root CA v2", **self.life)
        self.issuer = self.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", self.root, key=self.key, **self.life)
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(URL)], None, None, None)
        points = (x509.CRLDistributionPoints([point]), False)
        self.leaf = self.forge.person(issuer=self.issuer, extensions=[points], **self.life)
        self.other = self.forge.person("SE2321000016-2BC3", issuer=self.issuer, extensions=[points], **self.life)
        for name in ("root", "issuer", "leaf", "other"):
            self.keep(name, getattr(self, name))
        self.revoke()

    def keep(self, name: str, made: Any) -> Path:
        """Write a certificate and its key; return the certificate's file."""
        key = made.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{name}.key").write_bytes(key)
        (self.folder / f"{name}.pem").write_bytes(made.pem)
        return self.folder / f"{name}.pem"

    def revoke(self, *revoked: tuple[Any, str], known: Iterable[Any] | None = None) -> None:
        """Write the index: all that is `known` is valid, but what is revoked, each with its reason (or "")."""
        lines: dict[int, str] = {}
        for made in known if known is not None else (self.leaf, self.other):
            lines[serial(made)] = self._line("V", made)
        for made, reason in revoked:
            since = utc(self.now - timedelta(days=1)) + (f",{reason}" if reason else "")
            lines[serial(made)] = self._line("R", made, since)
        (self.folder / "index.txt").write_text("".join(f"{line}\n" for line in lines.values()))

    def _line(self, state: str, made: Any, since: str = "") -> str:
        return "\t".join((state, utc(self.life["end"]), since, hexadecimal(made), "unknown", f"/CN={serial(made)}"))

    def respond(
        self,
        *options: str,
        request: bytes | None = None,
        signer: str = "issuer",
        minutes: int | None = 60,
        issuer: str = "issuer",
    ) -> bytes:
        """Have openssl answer a request."""
        (self.folder / "request.der").write_bytes(request if request is not None else self.request())
        answer = self.folder / "answer.der"
        times = ("-nmin", str(minutes)) if minutes is not None else ()
        status, text = openssl(
            *("ocsp", "-index", self.folder / "index.txt", "-CA", self.folder / f"{issuer}.pem"),
            *("-rsigner", self.folder / f"{signer}.pem", "-rkey", self.folder / f"{signer}.key"),
            *("-reqin", self.folder / "request.der", "-respout", answer, *times, *options),
        )
        assert status == 0, text
        return answer.read_bytes()

    def request(self, nonce: bytes | None = None, about: Any = None) -> bytes:
        """Make our request."""
        return ocsp.request(read((about or self.leaf).der), read(self.issuer.der), nonce)

    def examine(self, response: bytes, *, about: Any = None, at: datetime | None = None, **more: Any) -> Evidence:
        """Ask what a response proves."""
        certificate, issuer = read((about or self.leaf).der), read(self.issuer.der)
        return ocsp.examine(response, certificate, issuer, at or datetime.now(UTC), **more)

    def list(
        self,
        *parts: str,
        number: int | None = 5,
        digest: str = "sha256",
        by: str = "issuer",
        options: Sequence[str] = (),
    ) -> bytes:
        """Have openssl make a CRL with these extensions, in the syntax of its settings."""
        settings = self.folder / "ca.cnf"
        numbered = (["-crlexts", "parts"] if number is not None or parts else []) + ["-crlhours", "24"]
        text = CA_SETTINGS.format(folder=self.folder, digest=digest)
        settings.write_text("\n".join([text, *parts]) + "\n")
        (self.folder / "crlnumber").write_text(f"{number or 1:02X}\n")
        made = self.folder / "made.crl"
        status, text = openssl(
            *("ca", "-config", settings, "-gencrl", "-cert", self.folder / f"{by}.pem"),
            *("-keyfile", self.folder / f"{by}.key", *numbered, *options, "-out", made),
        )
        assert status == 0, text
        return x509.load_pem_x509_crl(made.read_bytes()).public_bytes(serialization.Encoding.DER)

    def verify(self, *lists: bytes, about: Any = None, scope: str = "-crl_check") -> str:
        """Ask openssl verify about a certificate: "good", "revoked", or its sentence."""
        files: list[str | Path] = []
        for place, content in enumerate(lists):
            file = self.folder / f"verify{place}.crl"
            loaded = x509.load_der_x509_crl(content)
            file.write_bytes(loaded.public_bytes(serialization.Encoding.PEM))
            files += ["-CRLfile", file]
        leaf = self.keep("verified", about or self.leaf)
        status, text = openssl(
            *("verify", scope, "-extended_crl", "-use_deltas", *files),
            *("-trusted", self.folder / "root.pem", "-untrusted", self.folder / "issuer.pem", leaf),
        )
        if status == 0:
            return "good"
        return "revoked" if "certificate revoked" in text else text

    def weigh(self, *lists: bytes, about: Any = None) -> Evidence:
        """Ask ourselves about a certificate."""
        return crl.examine(lists, read((about or self.leaf).der), read(self.issuer.der), datetime.now(UTC))


def serial(made: Any) -> int:
    """Return the serial number."""
    return x509.load_der_x509_certificate(made.der).serial_number


def hexadecimal(made: Any) -> str:
    """Return the serial number as the index has it."""
    text = f"{serial(made):X}"
    return "0" * (len(text) % 2) + text


def utc(moment: datetime) -> str:
    """Return a moment as the index has it."""
    return moment.strftime("%y%m%d%H%M%SZ")


@pytest.fixture
def bureau(forge: Any, tmp_path: Path) -> Bureau:
    """Return a CA's folder."""
    return Bureau(forge, tmp_path)


def test_openssl_reads_our_request(bureau: Bureau) -> None:
    """The request names the certificate as openssl names it, and carries the nonce."""
    file = bureau.folder / "ours.der"
    file.write_bytes(bureau.request(NONCE))
    status, text = openssl("ocsp", "-reqin", file, "-req_text")
    assert status == 0
    theirs = bureau.folder / "theirs.der"
    status, _ = openssl(
        *("ocsp", "-issuer", bureau.folder / "issuer.pem", "-cert", bureau.folder / "leaf.pem"),
        *("-reqout", theirs, "-no_nonce"),
    )
    assert status == 0
    assert theirs.read_bytes() == bureau.request()
    assert NONCE.hex().upper() in text.replace("\n", "").replace(" ", "").replace(":", "")


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("", None),
        ("keyCompromise", "keyCompromise"),
        ("cessationOfOperation", "cessationOfOperation"),
        ("holdInstruction,holdInstructionCallIssuer", "certificateHold"),
    ],
)
def test_openssl_answers_revoked(bureau: Bureau, reason: str, word: str | None) -> None:
    """Status, moment and reason are those of openssl's index, over OCSP and in the CRL alike."""
    bureau.revoke((bureau.leaf, reason))
    since = (bureau.now - timedelta(days=1)).replace(microsecond=0)
    for evidence in (bureau.examine(bureau.respond()), bureau.weigh(bureau.list())):
        assert (evidence.status, evidence.revoked_at) == (RevocationStatus.REVOKED, since)
        assert evidence.revocation_reason == word
    assert bureau.verify(bureau.list()) == "revoked"


def test_openssl_answers_good_and_unknown(bureau: Bureau) -> None:
    """Good with the nonce that was sent, with the moments that openssl prints; unknown for what is in no index."""
    response = bureau.respond(request=bureau.request(NONCE))
    evidence = bureau.examine(response, nonce=NONCE)
    assert evidence.status is RevocationStatus.GOOD
    assert evidence.next_update == evidence.this_update + timedelta(hours=1)
    _, text = openssl("ocsp", "-respin", bureau.folder / "answer.der", "-resp_text", "-noverify")
    printed = evidence.this_update.strftime("%b %e %H:%M:%S %Y GMT")
    assert f"This Update: {printed}" in text
    assert bureau.examine(response, nonce=bytes(32)).failure is Failure.INVALID
    assert bureau.examine(bureau.respond()).status is RevocationStatus.GOOD
    bureau.revoke(known=[])
    assert bureau.examine(bureau.respond()).failure is Failure.NOT_KNOWN_THERE


def test_a_response_about_several_certificates(bureau: Bureau) -> None:
    """Each certificate finds its own answer, in any order; who is not among them finds none."""
    request = bureau.folder / "several.der"
    status, text = openssl(
        *("ocsp", "-issuer", bureau.folder / "issuer.pem", "-cert", bureau.folder / "other.pem"),
        *("-cert", bureau.folder / "leaf.pem", "-reqout", request, "-no_nonce"),
    )
    assert status == 0, text
    bureau.revoke((bureau.other, "superseded"))
    response = bureau.respond(request=request.read_bytes())
    assert bureau.examine(response).status is RevocationStatus.GOOD
    assert bureau.examine(response, about=bureau.other).revocation_reason == "superseded"
    third = bureau.forge.person(issuer=bureau.issuer, **bureau.life)
    assert bureau.examine(response, about=third).detail == "the response is not about this certificate"


def test_a_certificate_named_by_other_hashes(bureau: Bureau) -> None:
    """Answers that name it by SHA-2 are taken; by MD5, which can be made to collide, they are about nobody."""
    for named_by, good in (("-sha256", True), ("-sha512", True), ("-md5", False)):
        request = bureau.folder / "named.der"
        status, text = openssl(
            *("ocsp", named_by, "-issuer", bureau.folder / "issuer.pem", "-cert", bureau.folder / "leaf.pem"),
            *("-reqout", request, "-no_nonce"),
        )
        assert status == 0, text
        evidence = bureau.examine(bureau.respond(request=request.read_bytes()))
        assert (evidence.status is RevocationStatus.GOOD) is good
        assert evidence.detail == (None if good else "the response is not about this certificate")


def test_there_is_an_end_to_answers(bureau: Bureau) -> None:
    """64 answers are looked through, 65 are refused."""
    for more, expected in ((62, RevocationStatus.GOOD), (63, RevocationStatus.UNKNOWN)):
        request = bureau.folder / "many.der"
        wanted: list[str | Path] = ["-cert", bureau.folder / "leaf.pem", "-serial", "1"]
        wanted += [part for number in range(more) for part in ("-serial", str(1000 + number))]
        status, text = openssl(
            *("ocsp", "-issuer", bureau.folder / "issuer.pem", *wanted, "-reqout", request, "-no_nonce")
        )
        assert status == 0, text
        assert bureau.examine(bureau.respond(request=request.read_bytes())).status is expected


def test_openssl_as_a_delegated_responder(bureau: Bureau) -> None:
    """A delegate with and without the right, by name and by key, with its certificate and without."""
    make = {"issuer": bureau.issuer, "usage": {"digital_signature"}, **bureau.life}
    bureau.keep("delegate", bureau.forge.make("SIM Responder", extensions=[SIGNS_RESPONSES, NO_CHECK], **make))
    bureau.keep("clerk", bureau.forge.make("SIM Clerk", extensions=[NO_CHECK], **make))
    stranger = {**make, "issuer": bureau.forge.authority("SIM Other CA", bureau.root, **bureau.life)}
    bureau.keep("stranger", bureau.forge.make("SIM Stranger", extensions=[SIGNS_RESPONSES, NO_CHECK], **stranger))
    for options in ((), ("-resp_key_id",)):
        evidence = bureau.examine(bureau.respond(*options, signer="delegate"))
        assert (evidence.status, evidence.signer) == (RevocationStatus.GOOD, "CN=SIM Responder")
        for signer in ("clerk", "stranger", "leaf"):
            assert bureau.examine(bureau.respond(*options, signer=signer)).failure is Failure.INVALID
    assert bureau.examine(bureau.respond("-resp_no_certs", signer="delegate")).failure is Failure.INVALID
    assert bureau.examine(bureau.respond("-resp_no_certs")).status is RevocationStatus.GOOD


def openssl_believes(bureau: Bureau) -> bool:
    """Ask openssl whether it would take the response that it has made."""
    _, text = openssl(
        *("ocsp", "-respin", bureau.folder / "answer.der", "-issuer", bureau.folder / "issuer.pem"),
        *("-cert", bureau.folder / "leaf.pem", "-CAfile", bureau.folder / "root.pem"),
        *("-verify_other", bureau.folder / "issuer.pem", "-no_nonce"),
    )
    return "Response verify OK" in text and "leaf.pem: good" in text and "WARNING" not in text


def test_openssl_believes_what_is_believed_here(bureau: Bureau) -> None:
    """Openssl's own check of its responses gives the same answers, over signers with and without the right."""
    make = {"issuer": bureau.issuer, "usage": {"digital_signature"}, **bureau.life}
    bureau.keep("delegate", bureau.forge.make("SIM Responder", extensions=[SIGNS_RESPONSES, NO_CHECK], **make))
    bureau.keep("clerk", bureau.forge.make("SIM Clerk", extensions=[NO_CHECK], **make))
    past = {**make, "start": bureau.now - timedelta(days=2), "end": bureau.now - timedelta(days=1)}
    bureau.keep("past", bureau.forge.make("SIM Past", extensions=[SIGNS_RESPONSES, NO_CHECK], **past))
    for options, signer, good in (
        ((), "issuer", True),
        ((), "delegate", True),
        ((), "clerk", False),
        ((), "past", False),
        (("-badsig",), "issuer", False),
        (("-badsig",), "delegate", False),
    ):
        response = bureau.respond(*options, signer=signer)
        assert openssl_believes(bureau) is good, (options, signer)
        assert (bureau.examine(response).status is RevocationStatus.GOOD) is good, (options, signer)


def test_openssl_without_a_next_update(bureau: Bureau) -> None:
    """Such an answer is good for an hour, then it is a replay."""
    response = bureau.respond(minutes=None)
    assert bureau.examine(response).next_update is None
    assert bureau.examine(response).status is RevocationStatus.GOOD
    late = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    assert bureau.examine(response, at=late).failure is Failure.STALE
    early = datetime.now(UTC) - timedelta(minutes=6)
    assert bureau.examine(response, at=early).failure is Failure.INVALID


def test_a_weak_signature_is_refused_as_the_policy_says(forge: Any, tmp_path: Path) -> None:
    """SHA-1 and MD5 may be forged; a policy that does not refuse SHA-1 has it taken in a response."""
    bureau = Bureau(forge, tmp_path, key=rsa.generate_private_key(65537, 2048))
    issuer, leaf = read(bureau.issuer.der), read(bureau.leaf.der)
    for digest in ("sha1", "md5"):
        evidence = bureau.examine(bureau.respond("-rmd", digest))
        assert (evidence.failure, evidence.detail) == (Failure.INVALID, f"it is signed weakly (signature.{digest})")
        listed = bureau.weigh(bureau.list(digest=digest))
        assert listed.failure is Failure.INVALID
        assert f"it is signed weakly (signature.{digest})" in (listed.detail or "")
    lenient = bureau.examine(bureau.respond("-rmd", "sha1"), refused=frozenset())
    assert lenient.status is RevocationStatus.GOOD
    content = bureau.list(digest="sha1")  # cryptography itself takes no list that is signed so
    assert crl.examine([content], leaf, issuer, datetime.now(UTC), refused=frozenset()).failure is Failure.INVALID
    for digest in ("sha256", "sha384", "sha512"):
        assert bureau.examine(bureau.respond("-rmd", digest)).status is RevocationStatus.GOOD
        assert bureau.weigh(bureau.list(digest=digest)).status is RevocationStatus.GOOD


OF_LIST = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
PSS = ("-rsigopt", "rsa_padding_mode:pss", "-rsigopt", "rsa_pss_saltlen:digest")


def test_a_response_signed_with_pss(forge: Any, tmp_path: Path) -> None:
    """RSASSA-PSS (RFC 4055) is a signature like others, and SHA-1 in it as weak as elsewhere."""
    bureau = Bureau(forge, tmp_path, key=rsa.generate_private_key(65537, 2048))
    assert bureau.examine(bureau.respond("-rmd", "sha256", *PSS)).status is RevocationStatus.GOOD
    assert bureau.weigh(bureau.list(options=OF_LIST)).status is RevocationStatus.GOOD
    weak = bureau.examine(bureau.respond("-rmd", "sha1", *PSS))
    assert (weak.failure, weak.detail) == (Failure.INVALID, "it is signed weakly (signature.sha1)")
    assert bureau.examine(bureau.respond("-rmd", "sha256", *PSS, "-badsig")).failure is Failure.INVALID


CASES = [
    ("complete", (), "good"),
    ("key identifier", ("authorityKeyIdentifier = keyid",), "good"),
    ("holders alone", ("issuingDistributionPoint = critical,@p", "[p]", "onlyuser = TRUE"), "good"),
    ("CAs alone", ("issuingDistributionPoint = critical,@p", "[p]", "onlyCA = TRUE"), "other"),
    ("attributes alone", ("issuingDistributionPoint = critical,@p", "[p]", "onlyAA = TRUE"), "other"),
    ("our point", ("issuingDistributionPoint = critical,@p", "[p]", f"fullname = URI:{URL}"), "good"),
    ("another point", ("issuingDistributionPoint = critical,@p", "[p]", "fullname = URI:http://x"), "other"),
    (
        "some reasons",
        ("issuingDistributionPoint = critical,@p", "[p]", "onlysomereasons = keyCompromise,superseded"),
        "other",
    ),
    ("not known, critical", ("1.2.752.999.3 = critical,DER:0500",), "other"),
    ("not known", ("1.2.752.999.3 = DER:0500",), "good"),
]


@pytest.mark.parametrize(("name", "parts", "expected"), CASES)
def test_openssl_verify_gives_the_same_answer(bureau: Bureau, name: str, parts: tuple[str, ...], expected: str) -> None:
    """Over lists of many kinds, made by openssl, its verify and our reading agree on a clean and a revoked certificate.

    Where a list is not about the certificate, openssl has no answer; neither have we.
    """
    content = bureau.list(*parts)
    ours, theirs = bureau.weigh(content), bureau.verify(content)
    assert (theirs if theirs == "good" else "other", ours.status) == (
        expected,
        RevocationStatus.GOOD if expected == "good" else RevocationStatus.UNKNOWN,
    ), (name, theirs, ours)
    bureau.revoke((bureau.leaf, "superseded"))
    content = bureau.list(*parts)
    ours, theirs = bureau.weigh(content), bureau.verify(content)
    assert (ours.status is RevocationStatus.REVOKED) is (theirs == "revoked"), (name, theirs, ours)
    assert ours.status is not RevocationStatus.GOOD


def test_openssl_verify_agrees_on_deltas(bureau: Bureau) -> None:
    """A delta by openssl over a complete list by openssl: what it adds is revoked, whichever judges.

    One that begins with a later list than is at hand openssl passes over; here its issuer's word counts all the same.
    """
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(URL)], None, None, None)
    freshest = (x509.FreshestCRL([point]), False)
    bureau.leaf = bureau.forge.person(issuer=bureau.issuer, extensions=[freshest], **bureau.life)
    bureau.revoke()
    complete = bureau.list(f"freshestCRL = URI:{URL}")
    bureau.revoke((bureau.leaf, "keyCompromise"))
    delta = bureau.list("2.5.29.27 = critical,DER:020105", number=6)
    too_new = bureau.list("2.5.29.27 = critical,DER:020106", number=7)
    assert (bureau.verify(complete), bureau.weigh(complete).status) == ("good", RevocationStatus.GOOD)
    assert (bureau.verify(complete, delta), bureau.weigh(complete, delta).status) == (
        "revoked",
        RevocationStatus.REVOKED,
    )
    assert (bureau.verify(complete, too_new), bureau.weigh(complete, too_new).status) == (
        "good",
        RevocationStatus.REVOKED,
    )
    assert bureau.weigh(delta).status is not RevocationStatus.GOOD


def test_a_whole_path_is_judged_as_openssl_verify_judges_it(bureau: Bureau) -> None:
    """With lists for the holder and for the issuing CA: good, revoked and chain revoked are openssl's answers too.

    Of one that nobody was asked about openssl says that it has no list, and the judge that it is not checked.
    """
    judge = Judge([Anchor(read(bureau.root.der), Environment.SIM)], [bureau.issuer.der], EVERYTHING)
    leaf, issuer, root = (read(made.der) for made in (bureau.leaf, bureau.issuer, bureau.root))

    def verdict(*answers: Evidence) -> Verdict:
        return judge.judge(leaf, datetime.now(UTC), evidence=answers).verdict

    bureau.revoke()
    about_leaf = bureau.list()
    bureau.revoke(known=[bureau.issuer])
    about_issuer = bureau.list(by="root")
    bureau.revoke((bureau.leaf, "keyCompromise"))
    leaf_gone = bureau.list(number=6)
    bureau.revoke((bureau.issuer, "CACompromise"))
    issuer_gone = bureau.list(by="root", number=6)
    for of_leaf, of_issuer, expected, theirs in (
        (about_leaf, about_issuer, Verdict(Status.GOOD, ()), "good"),
        (leaf_gone, about_issuer, Verdict(Status.BAD, ("revocation.revoked",)), "revoked"),
        (about_leaf, issuer_gone, Verdict(Status.BAD, ("chain.revoked",)), "revoked"),
    ):
        at = datetime.now(UTC)
        answers = crl.examine([of_leaf], leaf, issuer, at), crl.examine([of_issuer], issuer, root, at)
        assert verdict(*answers) == expected
        assert bureau.verify(of_leaf, of_issuer, scope="-crl_check_all") == theirs
        assert verdict(answers[0]).status is not Status.GOOD
    assert verdict(crl.examine([about_leaf], leaf, issuer, datetime.now(UTC))).reasons == ("revocation.notChecked",)
    assert "unable to get certificate CRL" in bureau.verify(about_leaf, scope="-crl_check_all")
