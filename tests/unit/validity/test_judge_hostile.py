"""The judge before hostile cards and malformed certificates: bounded work, and never good by chance."""

import types
from collections.abc import Iterable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judging import BEST, SIM, House, broken, leaf, reasons
from pyhanko_certvalidator.registry import CertificateRegistry
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from sithsd.certificate.read import CertificateError, read
from sithsd.validity import chains, path
from sithsd.validity.anchors import Anchor
from sithsd.validity.judge import Judge
from sithsd.values import Environment, Status


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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_a_signature_of_whole_bytes(forge: Any, house: House) -> None:
    """A certificate whose signature is said not to use its last bit, which is 0, is not the one that was signed."""
    issuer = house.issuer
    while issuer.der[-1] & 1:
        issuer = forge.authority("SIM Made for its last bit", house.root)
    whole = read(forge.person(issuer=issuer).der)
    bare = Judge([house.anchor], [], SIM)
    assert bare.judge(whole, house.now, [read(issuer.der)]).anchor is not None
    changed = bytearray(issuer.der)
    changed[-1 - len(x509.load_der_x509_certificate(issuer.der).signature)] = 1
    assert bare.judge(whole, house.now, [read(bytes(changed))]).anchor is None


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


def test_a_certificate_is_judged_as_it_is_written(forge: Any, house: House) -> None:
    """Of whatever length it is, a certificate gets its verdict by its own bytes, which the library would write anew.

    FALSE where it is the default (X.690, 11.5) is nothing that the library would write.
    """
    usual = bytes.fromhex("3000")
    written = bytes.fromhex("3003010100")
    met = set()
    for padding in range(1, 257):
        for value in (usual, written):
            extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.19"), value)
            judged = leaf(forge, house.issuer, organization="x" * padding, extensions=[(extension, False)])
            assessment = house.judge.judge(judged, house.now)
            assert (assessment.anchor is not None) == ("chain.invalid" not in reasons(assessment))
            if judged.der[3] == 0x80 or judged.der[7] == 0x80:
                met.add((value, assessment.anchor is not None))
            elif value == usual:
                assert assessment.anchor is not None
    assert met == {(usual, True), (written, False)}
