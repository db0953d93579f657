"""What lies on each card: certificates by the SITHS profile, dates by the clock, faults where they are wanted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from sithsd.clock import FixedClock
from sithsd.iso7816 import tlv
from sithsd.simulator.certificates import CARD_NUMBER, luhn
from sithsd.simulator.fixture import FixtureError
from sithsd.simulator.pkcs15 import PATHS
from sithsd.simulator.pki import Pki
from sithsd.simulator.shelf import Shelf

MIDNIGHT = datetime(2024, 1, 15, tzinfo=UTC)
PAIR = ["SIM SITHS e-id Person HSA-id 3 CA v1"] * 2
OTHER_PAIR = ["SIM SITHS e-id Person ID 3 CA v1"] * 2


def certificates(shelf: Shelf, name: str) -> list[x509.Certificate]:
    """Return the holder's certificates in the order of EF.CDF's files."""
    keys = len(shelf.card(name).image.keys)
    paths = [bytes.fromhex(f"3F005015{0x4331 + number:04X}") for number in range(keys)]
    files = {file.path: file.content for file in shelf.card(name).image.files}
    return [x509.load_der_x509_certificate(files[path]) for path in paths]


def common_name(name: x509.Name) -> str:
    """Return the CN of a name."""
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.mark.parametrize(
    ("card", "issuers"),
    [
        ("ordinary", PAIR + OTHER_PAIR),
        ("second", PAIR + OTHER_PAIR),
        ("reserve", ["SIM SITHS e-id Person HSA-id 2 CA v1"] * 2),
        ("protected", PAIR),
        ("old", [*["SIM SITHS Type 1 CA v1"] * 4, "SIM Telia e-legitimation HW CA v3"]),
        ("foreign", ["Example Cards CA 1"] * 2),
    ],
)
def test_each_card_has_the_certificates_of_its_kind(made: Shelf, card: str, issuers: list[str]) -> None:
    """SITHS.md: two pairs on an ordinary card, the HSA-id pair on others, five on the older one."""
    assert [common_name(each.issuer) for each in certificates(made, card)] == issuers


def test_certificates_are_signed_by_their_issuers(made: Shelf) -> None:
    """Each leaf verifies under its issuer, each SITHS e-id issuer under the SIM root."""
    pki = made.pki
    issuers = {common_name(each.certificate.subject): each.certificate for each in pki.issuers.values()}
    for name in ("ordinary", "reserve", "old", "foreign"):
        for leaf in certificates(made, name):
            leaf.verify_directly_issued_by(issuers[common_name(leaf.issuer)])
    for issuer in issuers.values():
        if "SITHS e-id" in common_name(issuer.subject):
            issuer.verify_directly_issued_by(pki.root.certificate)
        else:
            issuer.verify_directly_issued_by(issuer)


def test_authentication_and_signature_are_told_apart_by_key_usage(made: Shelf) -> None:
    """The authentication certificate has digitalSignature, the signature one nonRepudiation, and each nothing else."""
    for position, leaf in enumerate(certificates(made, "ordinary")):
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical
        assert usage.value.digital_signature is (position % 2 == 0)
        assert usage.value.content_commitment is (position % 2 == 1)
        assert not usage.value.key_encipherment
        assert not usage.value.key_agreement


def test_the_subject_has_the_attributes_of_the_sample_in_their_order(made: Shelf) -> None:
    """C, L, O, CN, SN, GN, serialNumber, which is the HSA-id or the personal identity number."""
    first, _, third, _ = certificates(made, "ordinary")
    head = [("C", "SE"), ("L", "Simstad"), ("O", "SIM Regionen"), ("CN", "Tolvan Tolvansson")]
    tail = [("2.5.4.4", "Tolvansson"), ("2.5.4.42", "Tolvan")]
    assert _attributes(first.subject) == [*head, *tail, ("2.5.4.5", "SE2321000016-SIM1")]
    assert _attributes(third.subject) == [*head, *tail, ("2.5.4.5", "191212121212")]


def test_a_protected_identity_shows_the_hsa_id_for_a_name(made: Shelf) -> None:
    """No given name, no surname, and the HSA-id as CN."""
    subject = certificates(made, "protected")[0].subject
    assert [value for _, value in _attributes(subject)] == [
        "SE", "Simstad", "SIM Regionen", "SE2321000016-SIM4", "SE2321000016-SIM4",
    ]  # fmt: skip


def _attributes(name: x509.Name) -> list[tuple[str, str]]:
    short = {"countryName": "C", "localityName": "L", "organizationName": "O", "commonName": "CN"}
    return [(short.get(each.oid._name, each.oid.dotted_string), str(each.value)) for each in name]


def test_the_card_number_is_luhn_valid_and_the_same_in_all_of_a_cards_certificates(made: Shelf) -> None:
    """Extension 1.2.752.34.2.1: PrintableString of 19 digits beginning 9752; another card has another one."""
    numbers = {}
    for name in ("ordinary", "second", "old"):
        own = {_card_number(leaf) for leaf in certificates(made, name) if "SITHS" in common_name(leaf.issuer)}
        assert len(own) == 1
        (numbers[name],) = own
        assert numbers[name].startswith("9752")
        assert len(numbers[name]) == 19
        assert luhn(numbers[name][:-1]) == numbers[name][-1]
    assert len(set(numbers.values())) == 3


def _card_number(leaf: x509.Certificate) -> str:
    extension = leaf.extensions.get_extension_for_oid(CARD_NUMBER).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    item, end = tlv.read(extension.value)
    assert (item.tag, end) == (0x13, len(extension.value))
    return item.value.decode("ascii")


@given(st.text("0123456789", min_size=1, max_size=20))
def test_luhn_notices_every_single_wrong_digit(digits: str) -> None:
    """ISO/IEC 7812-1, annex B: changing one digit changes the check digit."""
    changed = str((int(digits[0]) + 1) % 10) + digits[1:]
    assert luhn(changed) != luhn(digits)


@pytest.mark.parametrize(
    ("card", "begins", "ends"),
    [("ordinary", -365, 1460), ("reserve", -1, 90), ("expired", -1826, -30), ("expiring", -1796, 30)],
)
def test_dates_are_relative_to_the_clock(made: Shelf, card: str, begins: int, ends: int) -> None:
    """Validity is counted in days from the clock's today, and ends with a day's last second."""
    for leaf in certificates(made, card):
        assert leaf.not_valid_before_utc == MIDNIGHT + timedelta(days=begins)
        assert leaf.not_valid_after_utc == MIDNIGHT + timedelta(days=ends, seconds=-1)


def test_every_url_leads_to_this_machine(made: Shelf) -> None:
    """CRL, OCSP and AIA addresses point at 127.0.0.1, so that no simulated card sends anybody to the net."""
    for leaf in [*certificates(made, "ordinary"), *(each.certificate for each in made.pki.issuers.values())]:
        if leaf.subject == leaf.issuer:
            continue
        lists = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        access = leaf.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
        assert isinstance(access, x509.AuthorityInformationAccess)
        assert {each.access_method for each in access} == {
            AuthorityInformationAccessOID.OCSP,
            AuthorityInformationAccessOID.CA_ISSUERS,
        }
        names = [name for point in lists for name in point.full_name or ()]
        for name in [*names, *(each.access_location for each in access)]:
            assert str(name.value).startswith("http://127.0.0.1:")


def test_the_older_card_has_exponent_3(made: Shelf) -> None:
    """Old data has RSA keys with public exponent 3: readers have to live with that."""
    key = certificates(made, "old")[0].public_key()
    assert isinstance(key, RSAPublicKey)
    assert (key.key_size, key.public_numbers().e) == (2048, 3)


def test_issuers_certificates_lie_on_the_cards_that_say_so(made: Shelf) -> None:
    """The second card carries its two issuers' certificates in a directory of their own."""
    files = {file.path: file.content for file in made.card("second").image.files}
    assert len(list(tlv.parse(files[PATHS["EF.TrustedCDF"]]))) == 2
    assert PATHS["EF.TrustedCDF"] not in {file.path for file in made.card("ordinary").image.files}


def test_directories_are_well_formed_and_complete(made: Shelf) -> None:
    """On a whole card EF.AODF has three entries, EF.PrKDF and EF.CDF as many as there are keys."""
    image = made.card("ordinary").image
    files = {file.path: file.content for file in image.files}
    assert len(list(tlv.parse(files[PATHS["EF.AODF"]]))) == 3
    assert len(list(tlv.parse(files[PATHS["EF.PrKDF"]]))) == 4
    assert len(list(tlv.parse(files[PATHS["EF.CDF"]]))) == 4


def test_a_broken_card_is_broken(made: Shelf) -> None:
    """EF.CDF of the card "broken" ends in the middle of a data object."""
    files = {file.path: file.content for file in made.card("broken").image.files}
    assert len(files[PATHS["EF.CDF"]]) == 45
    with pytest.raises(tlv.TlvError):
        list(tlv.parse(files[PATHS["EF.CDF"]]))


@pytest.mark.parametrize("kind", ["lying", "missing", "noise", "endless"])
def test_files_can_be_broken_in_other_ways(made: Shelf, tmp_path: Path, kind: str) -> None:
    """A length that lies, a file that is gone, noise, and a file that goes on and on."""
    path = tmp_path / f"{kind}.toml"
    path.write_text(f'identities = []\n[[faults]]\nfile = "EF.ODF"\nkind = "{kind}"\n')
    files = {file.path: file.content for file in made.renew(str(path)).image.files}
    content = files.get(PATHS["EF.ODF"])
    match kind:
        case "missing":
            assert content is None
        case "endless":
            assert content is not None
            assert len(content) == 0x7FFF
        case _:
            assert content is not None
            with pytest.raises(tlv.TlvError):
                list(tlv.parse(content))


def test_a_file_that_is_broken_stays_so_when_the_codes_are_chosen(made: Shelf, tmp_path: Path) -> None:
    """EF.AODF is not mended by activation, and one that is missing does not come."""
    path = tmp_path / "broken-and-new.toml"
    for kind in ("noise", "missing"):
        path.write_text(
            f'identities = []\ncodes = {{ chosen = false }}\n[[faults]]\nfile = "EF.AODF"\nkind = "{kind}"\n'
        )
        image = made.renew(str(path)).image
        assert image.late_files == ()


@pytest.mark.parametrize("file", ["EF.Nothing", "3F009999"])
def test_only_a_file_that_is_there_can_be_broken(made: Shelf, tmp_path: Path, file: str) -> None:
    """A fault in a file that the card does not have is a malformed fixture."""
    path = tmp_path / "wrong.toml"
    path.write_text(f'identities = []\n[[faults]]\nfile = "{file}"\nkind = "missing"\n')
    with pytest.raises(FixtureError, match="faults"):
        made.renew(str(path))


def test_the_authorities_are_made_once(made: Shelf) -> None:
    """Opening the folder again gives the same root, and the bundle holds the four SITHS issuers alone."""
    again = Pki.open(made.pki.folder)
    assert again.root_fingerprint == made.pki.root_fingerprint
    bundle = x509.load_pem_x509_certificates((made.pki.folder / "issuers.pem").read_bytes())
    assert len(bundle) == 4
    assert all(common_name(each.subject).startswith("SIM SITHS e-id Person") for each in bundle)
    assert (made.pki.folder / "root.key").stat().st_mode & 0o777 == 0o600


def test_a_card_made_on_another_day_has_that_days_dates(made: Shelf, tmp_path: Path) -> None:
    """The clock is the test's to set."""
    shelf = made.copy_to(tmp_path)
    later = Shelf(tmp_path, FixedClock(datetime(2031, 3, 1, 23, 59, tzinfo=UTC)))
    assert shelf.pki.root_fingerprint == later.pki.root_fingerprint
    later.renew("protected")
    assert certificates(later, "protected")[0].not_valid_before_utc == datetime(2030, 3, 1, tzinfo=UTC)
