"""From a certificate's bytes to its meaning: real ones, made-up ones, and hostile ones."""

import warnings
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sithsd.certificate.read import MAX_CERTIFICATE_BYTES, CertificateError, read
from sithsd.certificate.tables import IssuerFamily, load_tables
from sithsd.values import Environment, IdentityKind, Purpose


def real(pki_dir: Path, name: str) -> bytes:
    """Return the DER of one of the real certificates."""
    certificate = x509.load_pem_x509_certificate((pki_dir / name).read_bytes())
    return certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("name", "fingerprint", "environment"),
    [
        (
            "sithseidrootcav2",
            "8767260AC829D833C30AF23857CBF8A2304BFDA445303DFCE5043AFA73E584C1",
            Environment.PRODUCTION,
        ),
        (
            "sithseidfunctioncav1",
            "E388FC9CA3B63EA6C06F82856676F698EEAA25B7DBFC9670F2F7BB7FF100B8E4",
            Environment.PRODUCTION,
        ),
        ("testsithseidrootcav2", "217EE0FAB01427C86988758E3A6B2297B18320D00E1FB7C75E52C41988755307", Environment.TEST),
        (
            "testsithseidfunctioncav1",
            "9205BCE83ECD2C466E69DFB94545BA19DEFCA809BBBFE436A753FA58E669A55E",
            Environment.TEST,
        ),
    ],
)
def test_the_real_authorities(pki_dir: Path, name: str, fingerprint: str, environment: Environment) -> None:
    """The four real CAs are issuers, of the world that their names tell, with the published fingerprints."""
    certificate = read(real(pki_dir, f"{name}.pem"))
    assert certificate.fingerprint == fingerprint.lower()
    assert certificate.purpose is Purpose.ISSUER
    assert certificate.identity is IdentityKind.NONE
    assert certificate.environment is environment
    assert certificate.issuer_family is IssuerFamily.SITHS_EID
    assert certificate.level_of_assurance is None
    assert certificate.key == "RSA 4096"
    assert certificate.weaknesses == ()
    assert certificate.organization == "Inera AB"


def test_a_real_old_signature_certificate(pki_dir: Path) -> None:
    """The sample of the old generation: nonRepudiation alone, SHA-1, exponent 3, a card number, Swedish letters."""
    certificate = read(real(pki_dir, "type1pp-signing-leaf.pem"))
    assert certificate.purpose is Purpose.SIGNATURE
    assert certificate.identity is IdentityKind.HSA_ID
    assert certificate.hsa_id == "TSTNMT2321000156-1025"
    assert certificate.personal_identity_number is None
    assert certificate.person
    assert certificate.card_number == "9752269895715989469"
    assert certificate.environment is Environment.TEST
    assert certificate.issuer_family is IssuerFamily.SITHS_TYPE1
    assert certificate.level_of_assurance is None
    assert certificate.weaknesses == ("key.exponent3", "signature.sha1")
    assert certificate.policies == ("1.2.752.35.99.2.3",)
    assert certificate.not_after == datetime(2019, 6, 28, 21, 59, 59, tzinfo=UTC)
    assert (certificate.given_name, certificate.surname, certificate.locality) == ("Karin", "Persson", "Öster län")
    assert certificate.subject == certificate.masked_subject
    assert "L=Öster län" in certificate.subject
    assert "CN=SITHS Type 1 CA v1 PP" in certificate.issuer


def test_a_real_function_certificate(pki_dir: Path) -> None:
    """A service's certificate has an HSA-id but belongs to no person, so it is for nothing that a card does."""
    certificate = read(real(pki_dir, "testfunctionleaf.pem"))
    assert certificate.purpose is Purpose.OTHER
    assert certificate.identity is IdentityKind.HSA_ID
    assert not certificate.person
    assert certificate.level_of_assurance is None
    assert "1.2.752.74.8.505" in certificate.policies
    assert certificate.environment is Environment.TEST


@pytest.mark.parametrize(
    ("issuer", "serial", "usage", "expected"),
    [
        (
            "SIM SITHS e-id Person HSA-id 3 CA v1",
            "SE2321000016-1AB2",
            {"digital_signature"},
            ("authentication", "hsaId", 3),
        ),
        (
            "SIM SITHS e-id Person HSA-id 3 CA v1",
            "SE2321000016-1AB2",
            {"content_commitment"},
            ("signature", "hsaId", 3),
        ),
        ("SIM SITHS e-id Person HSA-id 2 CA v1", "NMT-12", {"digital_signature"}, ("authentication", "hsaId", 2)),
        (
            "SIM SITHS e-id Person ID 3 CA v1",
            "191212121212",
            {"digital_signature", "content_commitment"},
            ("authentication", "personalIdentityNumber", 3),
        ),
        (
            "SIM SITHS e-id Person ID 3 CA v1",
            "19121272-1219",
            {"content_commitment"},
            ("signature", "personalIdentityNumber", 3),
        ),
        ("SIM SITHS e-id Person ID 3 CA v1", "990000121234", {"digital_signature"}, ("authentication", "none", 3)),
        ("SIM SITHS e-id Person ID 3 CA v1", None, {"digital_signature"}, ("authentication", "none", 3)),
        ("SIM SITHS e-id Person HSA-id 3 CA v1", "SE2321000016-1AB2", {"key_encipherment"}, ("other", "hsaId", 3)),
        ("SIM SITHS e-id Person HSA-id 3 CA v1", "SE2321000016-1AB2", None, ("other", "hsaId", 3)),
        ("Annan CA", "NMT-12", {"digital_signature"}, ("authentication", "none", None)),
        ("Annan CA", "191212121212", {"content_commitment"}, ("signature", "personalIdentityNumber", None)),
    ],
)
def test_purpose_identity_and_level(
    forge: Any, issuer: str, serial: str | None, usage: set[str] | None, expected: tuple[str, str, int | None]
) -> None:
    """Purpose by key usage, identity by the subject's serialNumber, level of assurance by issuer."""
    certificate = read(forge.person(serial, issuer=forge.authority(issuer), usage=usage).der)
    assert (certificate.purpose, certificate.identity, certificate.level_of_assurance) == expected
    assert certificate.person


def test_a_certificate_without_a_person_is_for_nothing(forge: Any) -> None:
    """Digital signature alone does not make a person: a machine's certificate is neither log-in nor signature."""
    machine = forge.make(
        "printer.example",
        usage={"digital_signature"},
        extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)],
    )
    certificate = read(machine.der)
    assert (certificate.purpose, certificate.person) == (Purpose.OTHER, False)
    function = forge.person(issuer=forge.authority("SITHS e-id Function CA v1"))
    assert (read(function.der).purpose, read(function.der).person) == (Purpose.OTHER, False)


def test_a_transport_certificate_is_no_identity(forge: Any, tmp_path: Path) -> None:
    """Once a site's table tells how one looks, a transport certificate is nobody's, whatever its subject says."""
    site = tmp_path / "site.toml"
    site.write_text('[transport]\npolicies = ["1.2.752.999.7"]\n')
    made = forge.person(issuer=forge.authority("SIM SITHS e-id Person HSA-id 2 CA v1"), policies=["1.2.752.999.7"])
    certificate = read(made.der, load_tables(site))
    assert certificate.transport
    assert (certificate.purpose, certificate.identity) == (Purpose.OTHER, IdentityKind.NONE)
    assert (certificate.hsa_id, certificate.person, certificate.level_of_assurance) == (None, False, None)
    assert not read(made.der).transport


@pytest.mark.parametrize("serial", ["191212121212", "19121212-1212", "1212121212", "121212-1212", "990000121212"])
def test_a_personal_identity_number_is_masked_everywhere(forge: Any, serial: str) -> None:
    """The number is in `subject` alone: not in the masked subject, not in any repr."""
    made = forge.person(serial, common_name=f"Tolvan {serial}", organization=f"Firma {serial}")
    certificate = read(made.der)
    assert serial in certificate.subject
    digits = serial.replace("-", "")[-10:]
    shown = [repr(certificate), str(certificate), repr([certificate]), str(certificate.personal_identity_number)]
    for text in shown:
        assert digits not in text.replace("-", "")
        assert "Tolvan" not in text
    assert f"serialNumber={serial[:-4].rstrip('-')}-****" in certificate.masked_subject
    if not serial.startswith("99"):
        assert digits not in certificate.masked_subject.replace("-", "")


def test_an_issuer_of_another_world_than_its_own_issuer(forge: Any) -> None:
    """A CA that calls itself SIM or TEST is that, even below a root with a production name."""
    root = forge.authority("SITHS e-id Root CA v2")
    assert read(forge.authority("TEST SITHS e-id Person ID 3 CA v1", root).der).environment is Environment.TEST
    assert read(forge.authority("SIM SITHS e-id Person ID 3 CA v1", root).der).environment is Environment.SIM
    assert read(forge.authority("Ny CA", root).der).environment is Environment.PRODUCTION
    assert read(forge.person("SE2321000016-1", common_name="TEST Testsson", issuer=root).der).environment is (
        Environment.PRODUCTION
    )


def rsa_key(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """Make an RSA key."""
    return rsa.generate_private_key(exponent, bits)


def test_keys_and_signatures_are_named_with_their_weaknesses(forge: Any) -> None:
    """Each kind of key has a name; short ones and old hashes are told."""
    p256 = read(forge.make("x").der)
    assert (p256.key, p256.weaknesses) == ("EC secp256r1", ())
    p192 = read(forge.make("x", key=ec.generate_private_key(ec.SECP192R1()), key_identifiers=False).der)
    assert (p192.key, p192.weaknesses) == ("EC secp192r1", ("key.short",))
    short = read(forge.make("x", key=rsa_key(1024)).der)
    assert (short.key, short.weaknesses) == ("RSA 1024", ("key.short",))
    three = read(forge.make("x", key=rsa_key(2048, 3)).der)
    assert (three.key, three.weaknesses) == ("RSA 2048", ("key.exponent3",))


def test_other_algorithms_are_read_too(forge: Any) -> None:
    """An algorithm that SITHS never used is no reason to fail."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(forge.START).not_valid_after(forge.END)
    assert read(builder.sign(key, None).public_bytes(Encoding.DER)).key == "Ed25519"


def test_padding_after_the_certificate_is_cut_off(forge: Any) -> None:
    """A card's file may be longer than the certificate in it; anything but zeros or FFs after it is refused."""
    der = forge.person().der
    assert read(der + bytes(100)) == read(der)
    assert read(der + b"\xff" * 7).der == der
    with pytest.raises(CertificateError):
        read(der + b"\x00\x01")


def test_a_serial_number_that_is_not_positive_is_read(forge: Any) -> None:
    """RFC 5280 forbids it and old issuers did it: it is read, and nothing is warned of at each look."""
    der = forge.person().der
    position = der.index(b"\x02\x14") + 2
    negative = der[:position] + b"\x80" + der[position + 1 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(negative).serial_number < 0


def test_old_letters_in_a_name_are_read(forge: Any) -> None:
    """Latin-1 in a TeletexString, which strict readers refuse, is a name."""
    der = forge.person(common_name="Ake Ostlund AB").der
    position = der.rindex(b"\x0c\x0eAke Ostlund AB")
    old = der[:position] + b"\x14\x0e" + "Åke Östlund AB".encode("latin-1") + der[position + 16 :]
    assert read(old).common_name == "Åke Östlund AB"


def test_malformed_extensions_are_told_and_the_rest_is_read(forge: Any) -> None:
    """An extension that can't be read leaves the purpose open and is named; the name and dates are still told."""
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\x30\x00")
    certificate = read(forge.person(usage=None, extensions=[(broken, True)]).der)
    assert certificate.weaknesses == ("extensions.malformed",)
    assert certificate.purpose is Purpose.OTHER
    assert certificate.hsa_id == "SE2321000016-1AB2"


@pytest.mark.parametrize("number", ["9752269895715989469", "12", "not a number"])
def test_the_card_number_is_taken_as_it_is(forge: Any, number: str) -> None:
    """No rule about the card number's form is certain, so any short text is shown."""
    assert read(forge.person(card_number=number).der).card_number == number


@pytest.mark.parametrize(
    "value", [b"", b"\x13", b"\x13\x02a", b"\x13\x02a\x1b", b"\x04\x01a", b"\x13\x02\xc3\xa5", b"\x13\x81\x01a"]
)
def test_a_card_number_that_is_no_text_is_none(forge: Any, value: bytes) -> None:
    """A malformed card number is absent; the certificate is read."""
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.34.2.1"), value)
    assert read(forge.person(extensions=[(extension, False)]).der).card_number is None


def test_size_is_capped() -> None:
    """What no certificate needs is refused before it is parsed."""
    with pytest.raises(CertificateError, match="larger than"):
        read(b"\x30" * (MAX_CERTIFICATE_BYTES + 1))


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_by_name(noise: bytes) -> None:
    """Nothing but CertificateError comes out of noise, and it is one line."""
    with pytest.raises(CertificateError) as caught:
        read(noise)
    assert "\n" not in str(caught.value)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_certificates_never_crash(pki_dir: Path, data: st.DataObject) -> None:
    """A real certificate with bytes changed, cut or doubled is read or refused by name; no crash, no unmasked repr."""
    name = data.draw(st.sampled_from(["type1pp-signing-leaf.pem", "testfunctionleaf.pem", "sithseidfunctioncav1.pem"]))
    der = bytearray(real(pki_dir, name))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(der) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert", "tag"]))
        if kind == "set":
            der[position] = data.draw(st.integers(0, 255))
        elif kind == "tag":
            der[position] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del der[position : position + data.draw(st.integers(1, 4))]
        else:
            der[position:position] = data.draw(st.binary(min_size=1, max_size=4))
    with suppress(CertificateError):
        certificate = read(bytes(der))
        assert certificate.fingerprint in repr(certificate)


def test_the_hash_of_an_issuers_signature_is_told(forge: Any) -> None:
    """A certificate signed with SHA-512 is not weak; the name of the hash does not matter otherwise."""
    assert read(forge.make("x", algorithm=hashes.SHA512()).der).weaknesses == ()
