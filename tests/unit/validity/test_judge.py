"""The judge over made-up and real chains: every reason, the path, and what a hostile card can't do."""

import asyncio
import threading
import types
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko_certvalidator.registry import CertificateRegistry
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.validity import chains, path
from sithsd.validity.anchors import Anchor
from sithsd.validity.files import CertificateFileError, read_certificates
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.policy import RELEASED, ValidityPolicy, ValiditySettings
from sithsd.values import Environment, Status

SIM = ValidityPolicy(environments=frozenset({Environment.SIM}))
BEST = ("revocation.notChecked",)


class House:
    """A SIM root, an issuing CA below it, and a judge that has both."""

    def __init__(self, forge: Any) -> None:
        self.root = forge.authority("SIM SITHS e-id Root CA v2")
        self.issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", self.root, path_length=0)
        self.anchor = Anchor(read(self.root.der), Environment.SIM)
        self.judge = Judge([self.anchor], [self.issuer.der], SIM)
        self.leaf = forge.person(issuer=self.issuer)
        self.now = forge.NOW


@pytest.fixture(scope="module")
def house(forge: Any) -> House:
    """Return a PKI of our own."""
    return House(forge)


def leaf(forge: Any, issuer: Any, **more: Any) -> Certificate:
    """Make a person's certificate."""
    return read(forge.person(issuer=issuer, **more).der)


def reasons(assessment: Assessment) -> tuple[str, ...]:
    """Return the reasons alone."""
    return assessment.verdict.reasons


def test_the_best_verdict_today_is_unknown(forge: Any, house: House) -> None:
    """In date, with a valid path to an anchor: unknown, since revocation is not checked."""
    assessment = house.judge.judge(leaf(forge, house.issuer), house.now)
    assert assessment.verdict.status is Status.UNKNOWN
    assert reasons(assessment) == BEST
    assert assessment.path == (
        "CN=Tolvan Tolvansson,serialNumber=SE2321000016-1AB2,GN=Tolvan,SN=Tolvansson,O=Påhittade Regionen",
        "CN=SIM SITHS e-id Person HSA-id 3 CA v1",
        "CN=SIM SITHS e-id Root CA v2",
    )
    assert assessment.anchor == house.anchor.certificate.fingerprint
    assert assessment.environment is Environment.SIM
    assert assessment.checked_at == house.now
    assert assessment.detail is None


def test_the_path_is_masked(forge: Any, house: House) -> None:
    """A personal identity number does not appear in an assessment."""
    made = leaf(forge, house.issuer, serial="191212121212")
    assessment = house.judge.judge(made, house.now)
    assert "serialNumber=19121212-****" in assessment.path[0]
    assert "191212121212" not in repr(assessment)


def test_an_expired_certificate_still_gets_its_path(forge: Any, house: House) -> None:
    """Dates and path are two questions."""
    made = leaf(forge, house.issuer)
    late = house.judge.judge(made, forge.END + timedelta(seconds=1))
    assert reasons(late)[0] == "date.expired"
    assert late.verdict.status is Status.BAD
    assert late.anchor == house.anchor.certificate.fingerprint
    assert len(late.path) == 3
    in_time = house.judge.judge(made, forge.END)
    assert reasons(in_time) == BEST


def test_a_certificate_that_is_not_valid_yet(forge: Any, house: House) -> None:
    """Before its first day a certificate is bad, and its issuers may be in date."""
    made = leaf(forge, house.issuer, start=house.now + timedelta(days=1))
    assert reasons(house.judge.judge(made, house.now)) == ("date.notYetValid", *BEST)
    assert reasons(house.judge.judge(made, house.now + timedelta(days=1))) == BEST


def test_an_issuer_out_of_date_is_told_apart(forge: Any, house: House) -> None:
    """The holder's certificate in date below a CA that is not: the chain's dates, not the certificate's."""
    early = forge.authority("SIM Early CA", house.root, end=house.now - timedelta(days=1))
    late = forge.authority("SIM Late CA", house.root, start=house.now + timedelta(days=1))
    judge = Judge([house.anchor], [early.der, late.der], SIM)
    assert reasons(judge.judge(leaf(forge, early), house.now)) == ("chain.expired", *BEST)
    assert reasons(judge.judge(leaf(forge, late), house.now)) == ("chain.notYetValid", *BEST)


def test_a_slow_clock_makes_dates_unknown(forge: Any, house: House) -> None:
    """Before this release was made no clock is right: what is expired by it is, what is not yet valid may well be."""
    slow = datetime(1970, 1, 1, tzinfo=UTC)
    assert reasons(house.judge.judge(leaf(forge, house.issuer), slow)) == ("clock.implausible", *BEST)
    old = leaf(forge, house.issuer, start=datetime(1955, 1, 1, tzinfo=UTC), end=datetime(1960, 1, 1, tzinfo=UTC))
    assert reasons(house.judge.judge(old, slow)) == ("date.expired", "clock.implausible", *BEST)
    assert "clock.implausible" not in reasons(house.judge.judge(leaf(forge, house.issuer), RELEASED))


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_no_moment_is_too_strange(forge: Any, house: House, at: datetime) -> None:
    """The first and the last moment there are get an answer."""
    endless = leaf(forge, house.issuer, end=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert house.judge.judge(endless, at).anchor == house.anchor.certificate.fingerprint


def test_a_moment_without_a_zone_is_refused(forge: Any, house: House) -> None:
    """A naive moment could be hours off."""
    with pytest.raises(ValueError, match="time zone"):
        house.judge.judge(leaf(forge, house.issuer), datetime(2028, 1, 1))  # noqa: DTZ001 - that is the point


def test_an_unknown_issuer(forge: Any, house: House) -> None:
    """Without its issuer's certificate nothing can be said of a certificate."""
    other = forge.authority("SIM Other CA", house.root)
    assessment = house.judge.judge(leaf(forge, other), house.now)
    assert assessment.verdict.status is Status.UNKNOWN
    assert reasons(assessment) == ("chain.issuerUnknown", *BEST)
    assert (assessment.anchor, assessment.environment, len(assessment.path)) == (None, None, 1)


def test_an_issuer_on_the_card_helps(forge: Any, house: House) -> None:
    """A CA on the card completes the path to an anchor, and is trusted for nothing itself."""
    other = forge.authority("SIM Other CA", house.root)
    assessment = house.judge.judge(leaf(forge, other), house.now, [read(other.der)])
    assert reasons(assessment) == BEST
    assert assessment.path[1] == "CN=SIM Other CA"


def test_a_root_on_the_card_is_not_ours(forge: Any, house: House) -> None:
    """A complete chain to another root is bad, though that root has the name of ours."""
    for name in ("SIM SITHS e-id Root CA v2", "SIM Root of all evil"):
        root = forge.authority(name)
        issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root)
        assessment = house.judge.judge(leaf(forge, issuer), house.now, [read(issuer.der), read(root.der)])
        assert reasons(assessment) == ("chain.untrusted", *BEST)
        assert assessment.verdict.status is Status.BAD
        assert assessment.anchor is None
        assert len(assessment.path) == 3


def test_no_anchor_at_all(forge: Any, house: House) -> None:
    """Without an anchor for its world a certificate is unknown, not bad: nobody has installed the root."""
    made = leaf(forge, house.issuer)
    bare = Judge([], [], SIM)
    assert reasons(bare.judge(made, house.now)) == ("anchor.missing", "chain.issuerUnknown", *BEST)
    full = [read(house.issuer.der), read(house.root.der)]
    assert reasons(bare.judge(made, house.now, full)) == ("anchor.missing", *BEST)
    production = leaf(forge, forge.authority("SITHS e-id Person HSA-id 3 CA v1"))
    both = ValidityPolicy(environments=frozenset({Environment.SIM, Environment.PRODUCTION}))
    judge = Judge([house.anchor], [], both)
    assert reasons(judge.judge(production, house.now)) == ("anchor.missing", "chain.issuerUnknown", *BEST)


def test_an_environment_that_is_off(forge: Any, house: House) -> None:
    """A TEST or SIM certificate is bad where that world is not configured."""
    usual = Judge([house.anchor], [house.issuer.der], ValidityPolicy())
    assert reasons(usual.judge(leaf(forge, house.issuer), house.now)) == ("environment.notConfigured", *BEST)


def test_a_sim_root_can_not_vouch_for_production(forge: Any, house: House) -> None:
    """A certificate that names production below a SIM root is bad: it would be shown as what it is not."""
    issuer = forge.authority("SITHS e-id Person HSA-id 3 CA v1", house.root)
    both = ValidityPolicy(environments=frozenset({Environment.SIM, Environment.PRODUCTION}))
    judge = Judge([house.anchor], [issuer.der], both)
    assessment = judge.judge(leaf(forge, issuer), house.now)
    assert reasons(assessment) == ("environment.conflict", *BEST)
    assert assessment.environment is Environment.SIM


def test_an_unknown_name_below_our_root_is_fine(forge: Any, house: House) -> None:
    """A new CA's name is no reason against what it issues."""
    issuer = forge.authority("Ny utfärdare v1", house.root)
    judge = Judge([house.anchor], [issuer.der], SIM)
    assert reasons(judge.judge(leaf(forge, issuer), house.now)) == BEST


def broken(forge: Any, house: House) -> Iterable[tuple[str, list[Any]]]:
    """Make chains that lead to our root and are wrong; each a name and its certificates, the judged one first."""
    name = "SIM SITHS e-id Person HSA-id 3 CA v1"
    impostor = forge.authority(name, key_identifiers=False, path_length=None)
    genuine = forge.authority(name, house.root, key_identifiers=False)
    yield "wrong key", [forge.person(issuer=impostor, key_identifiers=False), genuine]
    narrow = forge.authority("SIM Narrow", house.root, path_length=0)
    below = forge.authority("SIM Below", narrow)
    yield "path length", [forge.person(issuer=below), below, narrow]
    person = forge.person(issuer=house.root)
    yield "not a CA", [forge.person(issuer=person), person]
    no_signing = forge.authority("SIM No signing", house.root, usage={"crl_sign"})
    yield "key usage", [forge.person(issuer=no_signing), no_signing]
    only_se = x509.NameConstraints([x509.DirectoryName(x509.Name.from_rfc4514_string("C=SE"))], None)
    constrained = forge.authority("SIM Constrained", house.root, extensions=[(only_se, True)])
    yield "name constraints", [forge.person(issuer=constrained), constrained]
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")
    yield "unknown critical extension", [forge.person(issuer=house.issuer, extensions=[(odd, True)]), house.issuer]


def test_a_path_that_is_wrong_is_bad(forge: Any, house: House) -> None:
    """Wrong key, path length, not a CA, key usage, name constraints, unknown critical extension: chain.invalid."""
    for what, (judged, *others) in broken(forge, house):
        judge = Judge([house.anchor], [], SIM)
        assessment = judge.judge(read(judged.der), house.now, [read(other.der) for other in others])
        assert reasons(assessment) == ("chain.invalid", *BEST), what
        assert assessment.anchor is None, what
        assert assessment.detail, what
        assert assessment.path[0].startswith("CN=Tolvan"), what


def test_an_incomplete_chain_is_looked_at_as_far_as_it_goes(forge: Any, house: House) -> None:
    """A signature that is wrong below an issuer without its own issuer, or one that is no CA, is bad all the same."""
    root = forge.authority("SIM Far away")
    genuine = forge.authority("SIM Some CA", root, key_identifiers=False)
    impostor = forge.authority("SIM Some CA", key_identifiers=False)
    forged = leaf(forge, impostor, key_identifiers=False)
    assert reasons(house.judge.judge(forged, house.now, [read(genuine.der)])) == ("chain.invalid", *BEST)
    honest = leaf(forge, genuine, key_identifiers=False)
    assert reasons(house.judge.judge(honest, house.now, [read(genuine.der)])) == ("chain.issuerUnknown", *BEST)
    person = forge.person(issuer=root)
    below = leaf(forge, person)
    assert reasons(house.judge.judge(below, house.now, [read(person.der)])) == ("chain.invalid", *BEST)


def test_the_right_issuer_is_found_among_false_ones(forge: Any, house: House) -> None:
    """Impostors with the right name on the card do not hide the true issuer, wherever it comes from."""
    name = "SIM SITHS e-id Person HSA-id 3 CA v1"
    genuine = forge.authority(name, house.root, key_identifiers=False)
    impostors = [read(forge.authority(name, key_identifiers=False).der) for _ in range(5)]
    judged = leaf(forge, genuine, key_identifiers=False)
    judge = Judge([house.anchor], [], SIM)
    assert reasons(judge.judge(judged, house.now, [*impostors, read(genuine.der)])) == BEST


def test_another_key_identifier_is_another_issuer(forge: Any, house: House) -> None:
    """A CA of the right name whose key identifier differs is not the issuer (RFC 5280, 4.2.1.1): unknown, not bad."""
    rekeyed = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", house.root)
    assert reasons(house.judge.judge(leaf(forge, rekeyed), house.now)) == ("chain.issuerUnknown", *BEST)


def test_the_anchors_own_path_length_is_kept(forge: Any) -> None:
    """A root with path length 0 has no CAs below it, though RFC 5280, 6.1 alone would not look."""
    root = forge.authority("SIM Short", path_length=0)
    issuer = forge.authority("SIM Below", root)
    judge = Judge([Anchor(read(root.der), Environment.SIM)], [issuer.der], SIM)
    assert reasons(judge.judge(leaf(forge, issuer), forge.NOW)) == ("chain.invalid", *BEST)
    assert reasons(judge.judge(leaf(forge, root), forge.NOW)) == BEST


def test_an_anchor_and_an_issuer_are_judged_too(house: House) -> None:
    """CA certificates on a card get an answer like any other."""
    root = house.judge.judge(read(house.root.der), house.now)
    assert (reasons(root), root.path) == (BEST, ("CN=SIM SITHS e-id Root CA v2",))
    assert root.anchor == house.anchor.certificate.fingerprint
    assert reasons(house.judge.judge(read(house.issuer.der), house.now)) == BEST


def test_a_critical_card_number_is_understood(forge: Any, house: House) -> None:
    """Sithsd knows the card number's extension, so marking it critical is no reason against a card."""
    number = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.34.2.1"), b"\x13\x019")
    assert reasons(house.judge.judge(leaf(forge, house.issuer, extensions=[(number, True)]), house.now)) == BEST


def test_weak_algorithms_are_bad_for_trust(forge: Any, house: House) -> None:
    """A short key is bad; exponent 3 is shown with the certificate, and bad only where the policy says so."""
    short = leaf(forge, house.issuer, key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - it is to be found weak
    assert reasons(house.judge.judge(short, house.now)) == ("key.short", *BEST)
    three = leaf(forge, house.issuer, key=rsa.generate_private_key(3, 2048))
    assert reasons(house.judge.judge(three, house.now)) == BEST
    strict = ValidityPolicy(environments=SIM.environments, refused_weaknesses=frozenset({"key.exponent3"}))
    judge = Judge([house.anchor], [house.issuer.der], strict)
    assert reasons(judge.judge(three, house.now)) == ("key.exponent3", *BEST)


def test_a_weak_issuer_is_bad_for_trust(forge: Any, house: House) -> None:
    """A CA with a short key could have been forged, and with it what it issued."""
    weak = forge.authority("SIM Weak CA", house.root, key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - as above
    judge = Judge([house.anchor], [weak.der], SIM)
    assert reasons(judge.judge(leaf(forge, weak), house.now)) == ("key.short", *BEST)


def test_malformed_extensions_are_bad(forge: Any, house: House) -> None:
    """A certificate that can't be read as a whole is not trusted."""
    wrong = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\x30\x00")
    assessment = house.judge.judge(leaf(forge, house.issuer, usage=None, extensions=[(wrong, True)]), house.now)
    assert reasons(assessment)[0] == "certificate.malformed"


def test_the_real_test_chain(pki_dir: Path) -> None:
    """The real function certificate of the TEST environment: a valid path to the real TEST root, and long expired."""
    judged = read_certificates(pki_dir / "testfunctionleaf.pem")[0]
    judge = Judge.from_settings(
        ValiditySettings(
            environments=(Environment.TEST,),
            anchors=(str(pki_dir / "testsithseidrootcav2.pem"),),
            issuers=(str(pki_dir / "testsithseidfunctioncav1.pem"),),
        )
    )
    assessment = judge.judge(judged, RELEASED)
    assert reasons(assessment) == ("date.expired", *BEST)
    assert assessment.anchor == "217ee0fab01427c86988758e3a6b2297b18320d00e1fb7c75e52c41988755307"
    assert assessment.path[1:] == (
        "CN=TEST SITHS e-id Function CA v1,O=Inera AB,C=SE",
        "CN=TEST SITHS e-id Root CA v2,O=Inera AB,C=SE",
    )


def test_the_real_certificates_where_only_production_counts(pki_dir: Path) -> None:
    """With the shipped settings TEST is off; production's own CA leads to its root."""
    judge = Judge.from_settings(ValiditySettings(anchors=(str(pki_dir / "sithseidrootcav2.pem"),)))
    test, old, issuer = (
        read_certificates(pki_dir / name)[0]
        for name in ("testfunctionleaf.pem", "type1pp-signing-leaf.pem", "sithseidfunctioncav1.pem")
    )
    assert reasons(judge.judge(test, RELEASED)) == (
        "environment.notConfigured",
        "date.expired",
        "anchor.missing",
        "chain.issuerUnknown",
        *BEST,
    )
    assert reasons(judge.judge(old, RELEASED)) == (
        "environment.notConfigured",
        "signature.sha1",
        "date.expired",
        "anchor.missing",
        "chain.issuerUnknown",
        *BEST,
    )
    assert reasons(judge.judge(issuer, RELEASED)) == BEST


def test_settings_are_read_strictly(tmp_path: Path) -> None:
    """An unknown setting or environment is refused, a missing file is told by name; the default trusts production."""
    assert msgspec.convert({}, ValiditySettings).policy().environments == {Environment.PRODUCTION}
    decoded = msgspec.convert({"environments": ["test", "sim"], "anchors": ["/a"]}, ValiditySettings)
    assert decoded.policy().environments == {Environment.TEST, Environment.SIM}
    for wrong in ({"anchor": []}, {"environments": ["prod"]}, {"issuers": [1]}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, ValiditySettings)
    with pytest.raises(CertificateFileError, match="No such file"):
        Judge.from_settings(ValiditySettings(issuers=(str(tmp_path / "none"),)))


def test_an_unreadable_issuer_is_refused_at_construction(house: House) -> None:
    """A judge is built whole or not at all."""
    with pytest.raises(CertificateError):
        Judge([house.anchor], [b"nonsense"], SIM)


def test_the_judge_works_inside_an_event_loop_and_in_a_thread(forge: Any, house: House) -> None:
    """The same call serves asyncio code and worker threads; no loop is started, none is needed."""
    judged = leaf(forge, house.issuer)

    async def inside() -> Assessment:
        return house.judge.judge(judged, house.now)

    answers = [asyncio.run(inside())]
    thread = threading.Thread(target=lambda: answers.append(house.judge.judge(judged, house.now)))
    thread.start()
    thread.join()
    assert [reasons(answer) for answer in answers] == [BEST, BEST]


def test_a_validator_that_waits_is_an_error() -> None:
    """If the library ever wanted to wait (to fetch something), that would be an error and not a verdict."""

    @types.coroutine
    def waiting() -> Any:
        yield "something"

    with pytest.raises(path.WaitedError):
        path.run(waiting())


def test_nothing_is_fetched(forge: Any, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """URLs in a certificate are not followed, and the machine's own trust list is not looked at."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the judge reached outside")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("pyhanko_certvalidator.registry._system_trust_roots", refuse)
    url = x509.UniformResourceIdentifier("http://127.0.0.1:9/x")
    described = x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, url)
    ocsp = x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, url)
    points = x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)])
    extensions = [(x509.AuthorityInformationAccess([described, ocsp]), False), (points, False)]
    assert reasons(house.judge.judge(leaf(forge, house.issuer, extensions=extensions), house.now)) == BEST
    assert reasons(Judge([], [], SIM).judge(leaf(forge, house.issuer, extensions=extensions), house.now))[-1] == BEST[0]


def test_a_card_full_of_cross_signed_issuers_ends(forge: Any, house: House) -> None:
    """CAs that all certify one another are not followed in circles, and that is told."""
    keys = [forge.authority(f"SIM Ring {number}") for number in range(4)]
    ring = [
        read(forge.authority(f"SIM Ring {subject}", keys[issuer], key=keys[subject].key).der)
        for subject in range(4)
        for issuer in range(4)
        if subject != issuer
    ]
    assessment = house.judge.judge(leaf(forge, keys[0]), house.now, ring)
    assert assessment.verdict.status is not Status.GOOD
    assert assessment.anchor is None
    assert len(assessment.path) <= chains.MAX_LENGTH
    assert "chain.tooComplex" in reasons(assessment)


def test_a_circle_of_two_ends(forge: Any, house: House) -> None:
    """Two CAs that certify each other, and nobody else does: each is told once."""
    one, other = forge.authority("SIM One"), forge.authority("SIM Other")
    circle = [forge.authority("SIM One", other, key=one.key), forge.authority("SIM Other", one, key=other.key)]
    assessment = house.judge.judge(leaf(forge, one), house.now, [read(made.der) for made in circle])
    assert reasons(assessment) == ("chain.tooComplex", "chain.issuerUnknown", *BEST)
    assert assessment.path[1:] == ("CN=SIM One", "CN=SIM Other")


def hostile(forge: Any, root: Any) -> Iterable[tuple[str, Any, list[Any]]]:
    """Make cards of 64 CAs that bear the root's name; each a tale, the signer of the judged one and the CAs."""
    name, bare = "SIM SITHS e-id Root CA v2", {"key_identifiers": False}
    keys = [forge.authority(name, **bare) for _ in range(4)]
    pairs = [(keys[number % 4], keys[number // 4 % 4]) for number in range(64)]
    yield "circles of four keys", keys[0], [forge.authority(name, by, key=of.key, **bare) for by, of in pairs]
    yield "impostors", keys[0], [forge.authority(name, **bare) for _ in range(64)]
    # What only an issuer that is itself hostile could make.
    yield "really signed, a key each", keys[0], [forge.authority(name, root, **bare) for _ in range(64)]
    same = [forge.authority(name, root, key=keys[1].key, **bare) for _ in range(64)]
    yield "really signed, one key", keys[0], same


def test_a_hostile_card_makes_little_work(forge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever 64 CAs a card holds, the builder gets four at most: 65 places to look from, and as many paths."""
    root = forge.authority("SIM SITHS e-id Root CA v2", key_identifiers=False)
    judge = Judge([Anchor(read(root.der), Environment.SIM)], [], SIM)
    count = {"places": 0, "signatures": 0}
    given: list[int] = []

    def counted(what: str, of: Any) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            count[what] += 1
            return of(*arguments, **more)

        return call

    def admit(*arguments: Any) -> Any:
        admitted = of_card(*arguments)
        given.append(len(admitted))
        return admitted

    of_card = chains.admit
    monkeypatch.setattr(chains, "admit", admit)
    for what, owner, name in (
        ("places", CertificateRegistry, "find_potential_issuers"),
        ("signatures", DefaultSignatureValidator, "validate_signature"),
    ):
        monkeypatch.setattr(owner, name, counted(what, getattr(owner, name)))
    most = {}
    for tale, signer, authorities in hostile(forge, root):
        count.update(places=0, signatures=0)
        judged = leaf(forge, signer, key_identifiers=False)
        assessment = judge.judge(judged, forge.NOW, [read(made.der) for made in authorities])
        assert assessment.verdict.status is not Status.GOOD, tale
        assert assessment.anchor is None, tale
        most[tale] = dict(count)
    assert dict(zip(most, given, strict=True)) == {
        "circles of four keys": 0,
        "impostors": 0,
        "really signed, a key each": chains.MAX_ADMITTED,
        "really signed, one key": chains.MAX_ADMITTED,
    }
    places = 1 + 4 + 4 * 3 + 4 * 3 * 2 + 4 * 3 * 2 * 1  # every order of four
    assert max(work["places"] for work in most.values()) == places
    assert most["circles of four keys"]["places"] == most["impostors"]["places"] == 1
    looked_at = chains.MAX_FROM_CARD * (1 + chains.MAX_ADMITTED) + chains.MAX_LENGTH * chains.MAX_CANDIDATES
    validated = places * (1 + chains.MAX_ADMITTED)
    assert all(work["signatures"] <= looked_at + validated for work in most.values())
    assert most["circles of four keys"]["signatures"] <= chains.MAX_FROM_CARD + 1 + chains.MAX_LENGTH**2


def test_a_card_adds_only_what_is_really_signed(forge: Any, house: House) -> None:
    """What the builder gets of a card: CAs signed from the anchors down, in any order; nothing that it has already."""
    upper = forge.authority("SIM Upper", house.root)
    lower = forge.authority("SIM Lower", upper)
    again = forge.authority("SIM Lower", upper, key=lower.key)
    fake = forge.authority("SIM Lower", forge.authority("SIM Upper"), key_identifiers=False)
    card = [lower, lower, fake, again, forge.person(issuer=upper), house.root, house.issuer, upper]
    pool = [path.load(read(made.der)) for made in (house.root, house.issuer)]
    admitted = chains.admit([path.load(read(made.der)) for made in card], pool)
    assert [one.dump() for one in admitted] == [upper.der, lower.der, again.der]


def test_the_way_to_an_anchor_is_found_beside_others(forge: Any, house: House) -> None:
    """A CA certified by several: the way by our root counts, wherever the others lead."""
    foreign, far = forge.authority("SIM Foreign root"), forge.authority("SIM Far away")
    issuer = forge.authority("SIM Between", foreign)
    ours, unknown = (forge.authority("SIM Between", by, key=issuer.key) for by in (house.root, far))
    judged = leaf(forge, issuer)
    card = [read(made.der) for made in (foreign, issuer, unknown, ours)]
    for order in (card, card[::-1]):
        assessment = house.judge.judge(judged, house.now, order)
        assert reasons(assessment) == BEST
        assert assessment.path[1:] == ("CN=SIM Between", "CN=SIM SITHS e-id Root CA v2")
    assert reasons(house.judge.judge(judged, house.now, card[:2])) == ("chain.untrusted", *BEST)


def test_a_certificate_with_two_signature_algorithms_is_bad(forge: Any) -> None:
    """The algorithm outside the signed part has to be the one inside (RFC 5280, 4.1.1.2), though it would verify."""
    root = forge.authority("SIM RSA", key=rsa.generate_private_key(65537, 2048))
    sha256_with_rsa = bytes.fromhex("300d06092a864886f70d01010b0500")
    signed, with_null, signature = forge.person(issuer=root).der.rpartition(sha256_with_rsa)
    outer = b"\x30\x0b" + with_null[2:-2]
    length = int.from_bytes(signed[2:4]) - 2
    judge = Judge([Anchor(read(root.der), Environment.SIM)], [], SIM)
    made = read(signed[:2] + length.to_bytes(2) + signed[4:] + outer + signature)
    assessment = judge.judge(made, forge.NOW)
    assert (reasons(assessment), assessment.anchor) == (("chain.invalid", *BEST), None)
    assert "two signature algorithms" in str(assessment.detail)


def test_a_name_and_a_key_do_not_make_an_anchor(forge: Any, house: House) -> None:
    """A certificate with our root's name and key is ours if our root signed it, and nothing if somebody else did."""
    name = "SIM SITHS e-id Root CA v2"
    renewed = house.judge.judge(read(forge.authority(name, key=house.root.key).der), house.now)
    assert (reasons(renewed), renewed.path) == (BEST, (f"CN={name}", f"CN={name}"))
    far = forge.authority("SIM Far away")
    crossed = house.judge.judge(read(forge.authority(name, far, key=house.root.key).der), house.now)
    assert (reasons(crossed), crossed.anchor) == (("chain.issuerUnknown", *BEST), None)
    forged = bytearray(forge.authority(name, key=house.root.key).der)
    forged[-1] ^= 1
    broken_one = house.judge.judge(read(bytes(forged)), house.now)
    assert (reasons(broken_one), broken_one.anchor) == (("chain.invalid", *BEST), None)


def test_a_long_chain_is_given_up(forge: Any, house: House) -> None:
    """A chain of more of a card's CAs than the builder may have is not followed to its end, even to our own root."""
    issuer, others = house.root, []
    for number in range(chains.MAX_LENGTH):
        issuer = forge.authority(f"SIM Link {number}", issuer)
        others.append(read(issuer.der))
    for judged in (leaf(forge, issuer), others[chains.MAX_ADMITTED + 1]):
        assessment = house.judge.judge(judged, house.now, others)
        assert reasons(assessment) == ("chain.tooComplex", "chain.issuerUnknown", *BEST)
        assert assessment.anchor is None
    assert reasons(house.judge.judge(others[chains.MAX_ADMITTED], house.now, others)) == BEST


def test_only_so_many_certificates_of_a_card_are_looked_at(forge: Any, house: House) -> None:
    """What lies behind the sixteenth certificate of a card does not count."""
    other = forge.authority("SIM Other CA", house.root)
    filler = [read(forge.make(f"Filler {number}").der) for number in range(chains.MAX_FROM_CARD)]
    judged = leaf(forge, other)
    assert reasons(house.judge.judge(judged, house.now, [*filler, read(other.der)]))[0] == "chain.issuerUnknown"
    assert reasons(house.judge.judge(judged, house.now, [*filler[1:], read(other.der)])) == BEST


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_certificates_are_judged_and_never_good_by_path(house: House, data: st.DataObject) -> None:
    """A certificate with a changed byte gets a verdict without a crash, and no path to the anchor."""
    der = bytearray(house.leaf.der)
    position = data.draw(st.integers(4, len(der) - 1))
    der[position] ^= data.draw(st.integers(1, 255))
    try:
        judged = read(bytes(der))
    except CertificateError:
        return
    assessment = house.judge.judge(judged, house.now, [judged])
    assert assessment.verdict.status is not Status.GOOD
    assert assessment.anchor is None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_issuer_on_the_card_is_no_issuer(house: House, data: st.DataObject) -> None:
    """A CA certificate with a changed byte leads to no anchor, and a judge does not crash on it."""
    der = bytearray(house.issuer.der)
    position = data.draw(st.integers(4, len(der) - 1))
    der[position] ^= data.draw(st.integers(1, 255))
    try:
        mutated = read(bytes(der))
    except CertificateError:
        return
    bare = Judge([house.anchor], [], SIM)
    assert bare.judge(read(house.leaf.der), house.now, [mutated]).anchor is None
    assert bare.judge(mutated, house.now, [mutated]).anchor is None


def test_a_second_opinion_on_good_and_broken_chains(forge: Any, house: House) -> None:
    """Cryptography's own path validation finds a path exactly where the judge does."""
    good = [("good", [forge.person(issuer=house.issuer), house.issuer])]
    extensions = ExtensionPolicy.webpki_defaults_ca(), ExtensionPolicy.permit_all()
    builder = PolicyBuilder().store(Store([x509.load_der_x509_certificate(house.root.der)])).time(house.now)
    verifier = builder.extension_policies(ca_policy=extensions[0], ee_policy=extensions[1]).build_client_verifier()
    judge = Judge([house.anchor], [], SIM)
    found = []
    for what, (judged, *others) in [*good, *broken(forge, house)]:
        ours = judge.judge(read(judged.der), house.now, [read(other.der) for other in others]).anchor is not None
        try:
            verifier.verify(
                x509.load_der_x509_certificate(judged.der),
                [x509.load_der_x509_certificate(other.der) for other in others],
            )
            theirs = True
        except VerificationError:
            theirs = False
        assert ours == theirs, what
        found += [what] * ours
    assert found == ["good"]
