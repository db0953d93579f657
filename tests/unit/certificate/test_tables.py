"""What an issuer's name tells: rows of data, with unknown as a legal answer."""

from pathlib import Path

import pytest

from sithsd.certificate.tables import IssuerFamily, TablesError, default_tables, load_tables
from sithsd.values import Environment, IdentityKind


@pytest.mark.parametrize(
    ("name", "environment", "family", "level"),
    [
        ("SITHS e-id Root CA v2", Environment.PRODUCTION, IssuerFamily.SITHS_EID, None),
        ("SITHS e-id Person HSA-id 3 CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_EID, 3),
        ("SITHS e-id Person ID 3 CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_EID, 3),
        ("SITHS e-id Person ID Mobile CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_EID, 3),
        ("SITHS e-id Person HSA-id 2 CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_EID, 2),
        ("SITHS e-id Person ID 2 CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_EID, 2),
        ("SITHS e-id Function CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_EID, None),
        ("SITHS Type 1 CA v1", Environment.PRODUCTION, IssuerFamily.SITHS_TYPE1, None),
        ("TEST SITHS e-id Person HSA-id 3 CA v1", Environment.TEST, IssuerFamily.SITHS_EID, 3),
        ("SYSTEMTEST SITHS e-id Root CA v1", Environment.TEST, IssuerFamily.SITHS_EID, None),
        ("SITHS Type 1 CA v1 PP", Environment.TEST, IssuerFamily.SITHS_TYPE1, None),
        ("SIM SITHS e-id Person HSA-id 2 CA v1", Environment.SIM, IssuerFamily.SITHS_EID, 2),
        ("SITHS e-id Person HSA-id 3 CA v9", Environment.UNKNOWN, IssuerFamily.SITHS_EID, None),
        ("TEST SITHS e-id Person HSA-id 3 CA v9", Environment.TEST, IssuerFamily.SITHS_EID, None),
        ("TeliaSonera e-legitimation HW CA v3", Environment.UNKNOWN, IssuerFamily.TELIA, None),
        ("SIM Telia e-legitimation CA", Environment.SIM, IssuerFamily.TELIA, None),
        ("Testbolaget CA", Environment.UNKNOWN, IssuerFamily.OTHER, None),
        ("SIMULA CA", Environment.UNKNOWN, IssuerFamily.OTHER, None),
        ("SHOPPP", Environment.UNKNOWN, IssuerFamily.OTHER, None),
        ("TEST", Environment.UNKNOWN, IssuerFamily.OTHER, None),
        ("", Environment.UNKNOWN, IssuerFamily.OTHER, None),
        (None, Environment.UNKNOWN, IssuerFamily.OTHER, None),
    ],
)
def test_an_issuers_name_tells_its_world(
    name: str | None, environment: Environment, family: IssuerFamily, level: int | None
) -> None:
    """A name known to the letter is production, one with a mark is TEST or SIM, any other is unknown."""
    facts = default_tables().issuer(name)
    assert (facts.environment, facts.family, facts.level_of_assurance) == (environment, family, level)


def test_the_policy_comes_before_the_issuer(tmp_path: Path) -> None:
    """A policy's level of assurance wins over the issuer's; where policies differ, the lowest counts."""
    site = tmp_path / "site.toml"
    site.write_text(
        '[[policy]]\noid = "1.2.3"\nname = "three"\nlevel_of_assurance = 3\n'
        '[[policy]]\noid = "1.2.2"\nname = "two"\nlevel_of_assurance = 2\n'
    )
    tables = load_tables(site)
    issuer = tables.issuer("SITHS e-id Person HSA-id 2 CA v1")
    assert tables.level_of_assurance([], issuer) == 2
    assert tables.level_of_assurance(["1.2.3", "9.9"], issuer) == 3
    assert tables.level_of_assurance(["1.2.3", "1.2.2"], issuer) == 2
    assert tables.level_of_assurance(["1.2.752.74.8.512"], issuer) == 2


def test_a_site_adds_rows_and_overrides(tmp_path: Path) -> None:
    """A site's rows are asked before the shipped ones, which stay."""
    site = tmp_path / "site.toml"
    site.write_text(
        '[[issuer]]\nname = "SITHS e-id Person HSA-id 2 CA v1"\nfamily = "sithsEid"\nlevel_of_assurance = 4\n'
        '[[issuer]]\nname = "Nya CA v1"\nfamily = "sithsEid"\nperson = true\nidentity = "hsaId"\n'
        '[transport]\ncommon_names = ["kuvert"]\npolicies = ["1.2.3"]\n'
    )
    tables = load_tables(site)
    assert tables.issuer("SITHS e-id Person HSA-id 2 CA v1").level_of_assurance == 4
    assert tables.issuer("nya  ca V1").identity is IdentityKind.HSA_ID
    assert tables.issuer("SITHS e-id Person HSA-id 3 CA v1").level_of_assurance == 3
    assert tables.is_transport((), "Ett KUVERT 1")
    assert tables.is_transport(("1.2.3",), None)
    assert not tables.is_transport(("1.2.4",), "Tolvan")


def test_nothing_is_taken_for_a_transport_certificate_as_shipped() -> None:
    """How a transport certificate looks is not known, so the shipped tables recognise none."""
    assert not default_tables().is_transport(("1.2.752.74.8.505",), "Transport certificate")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[[issuer]\n", "line 1"),
        (b'[[issuer]]\nname = "x"\nfamily = "nobody"\n', "$.issuer[0].family"),
        (b'[[issuer]]\nname = "x"\nfamily = "other"\nlevel = 3\n', "unknown field"),
        (b'[[policy]]\noid = "1.2.3"\nname = "x"\nlevel_of_assurance = 0\n', "$.policy[0].level_of_assurance"),
        (b'[[issuer]]\nname = "x"\nfamily = "other"\nlevel_of_assurance = 5\n', "$.issuer[0].level_of_assurance"),
        (b"\xff\xfe", "utf-8"),
        (b"#" * 300_000, "larger than"),
    ],
)
def test_a_malformed_file_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    """The error names file and place, on one line."""
    site = tmp_path / "site.toml"
    site.write_bytes(content)
    with pytest.raises(TablesError) as caught:
        load_tables(site)
    assert str(caught.value).startswith(f"{site}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Who can write it decides what a level of assurance is."""
    site = tmp_path / "site.toml"
    site.write_text("")
    site.chmod(0o666)
    with pytest.raises(TablesError, match="writable by its owner alone"):
        load_tables(site)
    site.chmod(0o600)
    assert load_tables(site) == default_tables()


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    """A file that is not there is an error, not an empty table."""
    with pytest.raises(TablesError, match="No such file"):
        load_tables(tmp_path / "none.toml")
