"""The judge over made-up and real chains: every reason, the path."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from judging import BEST, SIM, House, broken, leaf, reasons

from sithsd.certificate.read import CertificateError, read
from sithsd.certificate.tables import TablesError
from sithsd.validity import policy as policy_module
from sithsd.validity.anchors import Anchor
from sithsd.validity.files import CertificateFileError, read_certificates
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.policy import RELEASED, ValidityPolicy, ValiditySettings
from sithsd.values import Environment, Status


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


def test_the_table_of_issuers_is_the_sites_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the setting, else at its usual place, else as shipped; a malformed one, or a named one that lacks, stops."""
    usual, named = tmp_path / "issuers.toml", tmp_path / "named.toml"
    monkeypatch.setattr(policy_module, "ISSUER_TABLE", usual)
    name = "SITHS e-id Person HSA-id 2 CA v1"

    def level(**setting: str) -> int | None:
        return Judge.from_settings(ValiditySettings(**setting)).tables.issuer(name).level_of_assurance

    row = '[[issuer]]\nname = "SITHS e-id Person HSA-id 2 CA v1"\nfamily = "sithsEid"\nlevel_of_assurance = '
    assert level() == 2
    usual.write_text(row + "3\n")
    named.write_text(row + "4\n")
    assert level() == 3
    assert level(issuer_table=str(named)) == 4
    with pytest.raises(TablesError, match="No such file"):
        level(issuer_table=str(tmp_path / "none.toml"))
    usual.write_text("[[issuer]")
    with pytest.raises(TablesError, match=r"issuers\.toml: "):
        level()


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
