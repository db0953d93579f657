"""OpenSSL's command line as foreign judge: of what is read from a certificate, and of chains."""

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from sithsd.certificate.read import Certificate, read
from sithsd.validity.anchors import Anchor
from sithsd.validity.files import read_certificates
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment, Purpose, Status

EVERYWHERE = ValidityPolicy(environments=frozenset(Environment))
REAL = (
    "sithseidrootcav2",
    "sithseidfunctioncav1",
    "testsithseidrootcav2",
    "testsithseidfunctioncav1",
    "testfunctionleaf",
    "type1pp-signing-leaf",
)


def openssl(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str]:
    """Run openssl; return its exit status and what it printed on either stream."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


def told(der: bytes) -> dict[str, str]:
    """Return what openssl prints of a certificate, by the word before the first sign of equality."""
    status, text = openssl(
        "x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-serial", "-startdate", "-enddate", "-fingerprint",
        "-sha256", "-nameopt", "RFC2253,utf8,-esc_msb", "-dateopt", "iso_8601", stdin=der,
    )  # fmt: skip
    assert status == 0, text
    return {word.strip(): value.strip() for word, _, value in (line.partition("=") for line in text.splitlines())}


def agrees(certificate: Certificate) -> None:
    """Check a certificate against what openssl reads."""
    theirs = told(certificate.der)
    assert theirs["subject"] == certificate.subject
    assert theirs["issuer"] == certificate.issuer
    assert int(theirs["serial"], 16) == certificate.serial_number
    assert datetime.fromisoformat(theirs["notBefore"]) == certificate.not_before
    assert datetime.fromisoformat(theirs["notAfter"]) == certificate.not_after
    assert theirs["sha256 Fingerprint"].replace(":", "").lower() == certificate.fingerprint
    _, text = openssl("x509", "-inform", "DER", "-noout", "-text", stdin=certificate.der)
    assert ("CA:TRUE" in text) is (certificate.purpose is Purpose.ISSUER)
    assert ("sha1With" in text) is ("signature.sha1" in certificate.weaknesses)
    assert ("Exponent: 3 (0x3)" in text) is ("key.exponent3" in certificate.weaknesses)
    assert all(f"Policy: {policy}" in text for policy in certificate.policies if policy != "2.5.29.32.0")
    algorithm, size = certificate.key.split()
    assert {"RSA": f"Public-Key: ({size} bit)", "EC": "NIST CURVE: P-256"}[algorithm] in text


@pytest.mark.parametrize("name", REAL)
def test_real_certificates_are_read_as_openssl_reads_them(pki_dir: Path, name: str) -> None:
    """Names, serial number, dates, fingerprint, key, CA flag and policies of the real files are what openssl says."""
    agrees(read_certificates(pki_dir / f"{name}.pem")[0])


def test_made_up_certificates_are_read_as_openssl_reads_them(forge: Any) -> None:
    """The same for awkward names, policies and keys."""
    agrees(
        read(forge.person(common_name='Åsa "Ö", von <Test>;+=\\', organization="#1 Region, AB", card_number="9").der)
    )
    agrees(read(forge.person(" 191212121212 ", policies=["1.2.752.74.8.512"]).der))
    agrees(read(forge.authority("SIM Root", key=rsa.generate_private_key(3, 2048)).der))


@dataclass
class Case:
    """One chain: the judged certificate, the root trusted, helpers that are not, and the moment."""

    name: str
    leaf: Any
    root: Any
    helpers: list[Any]
    at: datetime
    good: bool


def good_cases(forge: Any) -> Iterable[Case]:
    """Make chains that are as they should be."""
    now = forge.NOW
    root = forge.authority("SIM SITHS e-id Root CA v2")
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root, path_length=0)
    leaf = forge.person(issuer=issuer)
    yield Case("two steps", leaf, root, [issuer], now, good=True)
    yield Case("one step", forge.person(issuer=root), root, [], now, good=True)
    middle = forge.authority("SIM Middle", root, path_length=1)
    deep = forge.authority("SIM Deep", middle, path_length=0)
    yield Case("three steps", forge.person(issuer=deep), root, [deep, middle], now, good=True)
    rsa_root = forge.authority("SIM RSA", key=rsa.generate_private_key(65537, 2048))
    yield Case("RSA", forge.person(issuer=rsa_root), rsa_root, [], now, good=True)
    bare_root = forge.authority("SIM Bare", key_identifiers=False)
    bare = forge.authority("SIM Bare below", bare_root, key_identifiers=False)
    bare_leaf = forge.person(issuer=bare, key_identifiers=False)
    yield Case("no key identifiers", bare_leaf, bare_root, [bare], now, good=True)
    impostor = forge.authority("SIM Bare below", key_identifiers=False)
    yield Case("impostor beside", bare_leaf, bare_root, [bare, impostor], now, good=True)
    foreign = forge.authority("SIM Foreign")
    crossed = forge.authority(issuer.name.rfc4514_string()[3:], foreign, key=issuer.key)
    yield Case("certified by two roots", leaf, root, [issuer, crossed, foreign], now, good=True)
    back = forge.authority("SIM Foreign", issuer, key=foreign.key)
    yield Case("a circle beside", leaf, root, [issuer, crossed, back], now, good=True)
    # notAfter itself still counts (RFC 5280, 4.1.2.5), as it does here but not in openssl's comparison.
    yield Case("near the end", leaf, root, [issuer], forge.END - timedelta(seconds=1), good=True)
    yield Case("first second", leaf, root, [issuer], forge.START, good=True)


def bad_cases(forge: Any) -> Iterable[Case]:
    """Make chains that are wrong in one way each."""
    now = forge.NOW
    root = forge.authority("SIM SITHS e-id Root CA v2")
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root, path_length=0)
    leaf = forge.person(issuer=issuer)
    yield Case("expired", leaf, root, [issuer], forge.END + timedelta(seconds=1), good=False)
    yield Case("not yet", leaf, root, [issuer], forge.START - timedelta(seconds=1), good=False)
    short = forge.authority("SIM Short-lived", root, end=now - timedelta(days=1))
    yield Case("issuer expired", forge.person(issuer=short), root, [short], now, good=False)
    yield Case("no issuer", leaf, root, [], now, good=False)
    yield Case("other root", leaf, forge.authority("SIM Other"), [issuer], now, good=False)
    yield Case("other root on the card", leaf, forge.authority("SIM Other"), [issuer, root], now, good=False)
    twin = forge.authority("SIM SITHS e-id Root CA v2")
    yield Case("root with the same name", leaf, twin, [issuer, root], now, good=False)
    bare_root = forge.authority("SIM Bare", key_identifiers=False)
    bare = forge.authority("SIM Bare below", bare_root, key_identifiers=False)
    wrong = forge.person(issuer=forge.authority("SIM Bare below", key_identifiers=False), key_identifiers=False)
    yield Case("wrong key", wrong, bare_root, [bare], now, good=False)
    beyond = forge.authority("SIM Beyond", issuer)
    yield Case("path length", forge.person(issuer=beyond), root, [beyond, issuer], now, good=False)
    person = forge.person(issuer=root)
    yield Case("not a CA", forge.person(issuer=person), root, [person], now, good=False)
    unsigning = forge.authority("SIM Unsigning", root, usage={"crl_sign"})
    yield Case("no right to sign", forge.person(issuer=unsigning), root, [unsigning], now, good=False)
    misnamed = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SIM Misnamed")])
    yield Case("name mismatch", forge.person(issuer=issuer, issuer_name=misnamed), root, [issuer], now, good=False)
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")
    strange = forge.person(issuer=root, extensions=[(odd, True)])
    yield Case("unknown critical extension", strange, root, [], now, good=False)
    only_se = x509.NameConstraints([x509.DirectoryName(x509.Name.from_rfc4514_string("C=SE"))], None)
    narrow = forge.authority("SIM Narrow", root, extensions=[(only_se, True)])
    yield Case("name constraints", forge.person(issuer=narrow), root, [narrow], now, good=False)
    flat = forge.authority("SIM Flat", path_length=0)
    below = forge.authority("SIM Below flat", flat)
    yield Case("path length of the root", forge.person(issuer=below), flat, [below], now, good=False)
    one, other = forge.authority("SIM One"), forge.authority("SIM The other")
    circle = [forge.authority("SIM One", other, key=one.key), forge.authority("SIM The other", one, key=other.key)]
    yield Case("a circle", forge.person(issuer=one), root, circle, now, good=False)
    altered = bytearray(leaf.der)
    altered[-1] ^= 1
    yield Case("altered signature", type(leaf)(bytes(altered), leaf.key, leaf.name), root, [issuer], now, good=False)


def verify(folder: Path, leaf: bytes, root: bytes, helpers: Iterable[bytes], at: datetime) -> tuple[bool, str]:
    """Ask openssl verify, with `root` as the only trusted certificate."""
    files = {"leaf.pem": leaf, "root.pem": root, "helpers.pem": b"".join(helpers)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    untrusted = ["-untrusted", folder / "helpers.pem"] if files["helpers.pem"] else []
    moment = ["-attime", str(int(at.timestamp())), "-auth_level", "0"]
    status, text = openssl("verify", "-trusted", folder / "root.pem", *untrusted, *moment, folder / "leaf.pem")
    assert status == 0 or "verification failed" in text, text
    return status == 0, text


def found_good(assessment: Assessment) -> bool:
    """Return whether path and dates are as they should be, whatever else is known."""
    return assessment.anchor is not None and not any(
        reason.startswith("date.") or reason in {"chain.expired", "chain.notYetValid"}
        for reason in assessment.verdict.reasons
    )


def test_chains_are_judged_as_openssl_judges_them(forge: Any, tmp_path: Path) -> None:
    """Over good and bad chains, openssl verify and the judge give the same answer, and the expected one."""
    # What the clock may say is no question for openssl.
    policy = ValidityPolicy(environments=EVERYWHERE.environments, plausible_from=datetime(2000, 1, 1, tzinfo=UTC))
    for case in [*good_cases(forge), *bad_cases(forge)]:
        helpers = [helper.pem for helper in case.helpers]
        theirs, text = verify(tmp_path, case.leaf.pem, case.root.pem, helpers, case.at)
        judge = Judge([Anchor(read(case.root.der), Environment.SIM)], [], policy)
        assessment = judge.judge(read(case.leaf.der), case.at, [read(helper.der) for helper in case.helpers])
        assert theirs is case.good, f"{case.name}: openssl says {text}"
        assert found_good(assessment) is case.good, f"{case.name}: the judge says {assessment}"
        assert assessment.verdict.status is not Status.GOOD


def believes(case: Case) -> bool:
    """Ask cryptography's own verifier, which asks no certificate for more than a CA has to have."""
    policies = ExtensionPolicy.webpki_defaults_ca(), ExtensionPolicy.permit_all()
    builder = PolicyBuilder().store(Store([x509.load_der_x509_certificate(case.root.der)])).time(case.at)
    verifier = builder.extension_policies(ca_policy=policies[0], ee_policy=policies[1]).build_client_verifier()
    try:
        verifier.verify(
            x509.load_der_x509_certificate(case.leaf.der),
            [x509.load_der_x509_certificate(helper.der) for helper in case.helpers],
        )
    except VerificationError:
        return False
    return True


def different_cases(forge: Any) -> Iterable[tuple[Case, tuple[str, ...], str]]:
    """Make chains of which cryptography thinks otherwise (`good`) than the judge, with its reasons, and the cause."""
    now = forge.NOW
    root = forge.authority("SIM SITHS e-id Root CA v2")
    number = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.34.2.1"), b"\x13\x019")
    leaf = forge.person(issuer=root, extensions=[(number, True)])
    yield Case("critical card number", leaf, root, [], now, good=False), (), "sithsd reads the card number"
    short = forge.authority("SIM Short", root, key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - the point
    leaf = forge.person(issuer=short)
    yield (
        Case("short key", leaf, root, [short], now, good=False),
        ("key.short",),
        "a path is found, and told to be weak",
    )
    leaf = forge.person(issuer=root)
    at = forge.END + timedelta(milliseconds=500)
    yield (
        Case("half a second late", leaf, root, [], at, good=True),
        ("date.expired", "chain.expired"),
        "they count whole seconds",
    )


def test_chains_are_judged_as_cryptography_judges_them(forge: Any) -> None:
    """A third opinion over the same chains is the same."""
    for case in [*good_cases(forge), *bad_cases(forge)]:
        assert believes(case) is case.good, case.name


def test_where_cryptography_thinks_otherwise(forge: Any) -> None:
    """Where both are known to differ the cause is known too, and a path that the judge alone finds is never good."""
    policy = ValidityPolicy(environments=EVERYWHERE.environments, plausible_from=datetime(2000, 1, 1, tzinfo=UTC))
    for case, reasons, cause in different_cases(forge):
        judge = Judge([Anchor(read(case.root.der), Environment.SIM)], [], policy)
        assessment = judge.judge(read(case.leaf.der), case.at, [read(helper.der) for helper in case.helpers])
        assert assessment.anchor is not None, cause
        assert assessment.verdict.reasons == (*reasons, "revocation.notChecked"), cause
        assert assessment.verdict.status is not Status.GOOD
        assert believes(case) is case.good, cause


def test_the_real_chain_is_judged_as_openssl_judges_it(pki_dir: Path, tmp_path: Path) -> None:
    """The real TEST chain: good while the certificate was valid, expired after, unknown without the issuer."""
    leaf, issuer, root = (pki_dir / f"{name}.pem" for name in (REAL[4], REAL[3], REAL[2]))
    policy = ValidityPolicy(environments=EVERYWHERE.environments, plausible_from=datetime(2000, 1, 1, tzinfo=UTC))
    judged, helper, anchor = (read_certificates(path)[0] for path in (leaf, issuer, root))
    judge = Judge([Anchor(anchor, Environment.TEST)], [], policy)
    moments = [datetime(year, 6, 1, tzinfo=UTC) for year in (2022, 2023, 2025)]
    for at, good in zip(moments, (False, True, False), strict=True):
        theirs, text = verify(tmp_path, leaf.read_bytes(), root.read_bytes(), [issuer.read_bytes()], at)
        assert theirs is good, text
        assert found_good(judge.judge(judged, at, [helper])) is good
    assert not verify(tmp_path, leaf.read_bytes(), root.read_bytes(), [], moments[1])[0]
    assert judge.judge(judged, moments[1]).verdict.reasons == ("chain.issuerUnknown", "revocation.notChecked")


@pytest.fixture
def sha1(tmp_path: Path) -> Callable[[], tuple[Path, Path]]:
    """Return a maker of a root and a certificate below it that is signed with SHA-1, by openssl."""

    def make() -> tuple[Path, Path]:
        root, leaf = tmp_path / "sha1-root.pem", tmp_path / "sha1-leaf.pem"
        key, request = tmp_path / "key.pem", tmp_path / "request.pem"
        steps = (
            ("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", root, "-days", "3650", "-subj",
             "/CN=SIM SITHS Type 1 CA v1"),
            ("req", "-new", "-newkey", "rsa:2048", "-noenc", "-keyout", tmp_path / "leaf-key.pem", "-out", request,
             "-subj", "/CN=Tolvan Tolvansson/serialNumber=SE2321000016-1AB2"),
            ("x509", "-req", "-sha1", "-in", request, "-CA", root, "-CAkey", key, "-set_serial", "7", "-days", "365",
             "-out", leaf),
        )  # fmt: skip
        for step in steps:
            status, text = openssl(*step)
            assert status == 0, text
        return root, leaf

    return make


def test_a_sha1_signature_is_valid_and_bad_for_trust(sha1: Callable[[], tuple[Path, Path]], tmp_path: Path) -> None:
    """Old cards are signed with SHA-1: the path is found and told, and the verdict is bad by name, without a crash."""
    root, leaf = sha1()
    judged, anchor = read_certificates(leaf)[0], read_certificates(root)[0]
    at = judged.not_before + timedelta(days=1)
    assert verify(tmp_path, leaf.read_bytes(), root.read_bytes(), [], at)[0]
    policy = ValidityPolicy(environments=EVERYWHERE.environments, plausible_from=datetime(2000, 1, 1, tzinfo=UTC))
    assessment = Judge([Anchor(anchor, Environment.SIM)], [], policy).judge(judged, at)
    assert assessment.verdict.reasons == ("signature.sha1", "revocation.notChecked")
    assert assessment.verdict.status is Status.BAD
    assert assessment.anchor == anchor.fingerprint
