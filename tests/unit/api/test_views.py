"""What is masked, wherever a personal identity number may stand."""

import base64
import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sithsd.api import views
from sithsd.certificate.read import read
from sithsd.session.model import JudgedCertificate, Picture, ReaderStatus, ReaderView
from sithsd.validity.judge import Judge
from sithsd.validity.policy import ValiditySettings
from sithsd.values import CodeState, Role

NOW = datetime(2024, 1, 15, tzinfo=UTC)
JUDGE = Judge.from_settings(ValiditySettings())


def entry(
    *subject: tuple[x509.ObjectIdentifier, str],
    label: str | None = "Legitimering",
    alternative: str | None = None,
    start: datetime = NOW,
) -> JudgedCertificate:
    """Return a self-signed certificate with this subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=10))
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(alternative)]), critical=False)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    certificate = read(der)
    return JudgedCertificate("45", label, certificate, JUDGE.judge(certificate, NOW))


HARMLESS = ((NameOID.COMMON_NAME, "Tolvan Tolvansson"), (NameOID.SERIAL_NUMBER, "SE2321000016-SIM1"))


def test_a_certificate_without_a_number_is_everybodys() -> None:
    """A certificate in which no number stands may be handed out, whatever its dates look like."""
    for start in (NOW, datetime(2019, 4, 1, 10, 41, 1, tzinfo=UTC), datetime(2018, 12, 12, 12, 12, tzinfo=UTC)):
        assert not views.is_personal(entry(*HARMLESS, start=start))


@pytest.mark.parametrize(
    "personal",
    [
        entry((NameOID.COMMON_NAME, "Tolvan"), (NameOID.SERIAL_NUMBER, "191212121212")),
        entry((NameOID.COMMON_NAME, "Tolvan"), (NameOID.SERIAL_NUMBER, "19121212-1212")),
        entry((NameOID.COMMON_NAME, "Tolvan 121212-1212")),
        entry(*HARMLESS, alternative="191212121212@example.org"),
        entry(*HARMLESS, (NameOID.PSEUDONYM, "191212121212")),
    ],
)
def test_a_number_anywhere_makes_a_certificate_personal(personal: JudgedCertificate) -> None:
    """Number in serialNumber, name, another attribute or an extension: bytes are personal, and the words are masked."""
    assert views.is_personal(personal)
    said = msgspec.json.encode(views.certificate(personal, unmasked=False)).decode()
    assert "121212-1212" not in said
    assert "1212121212" not in said
    assert "der" not in {
        field for field, value in msgspec.to_builtins(views.certificate(personal, unmasked=False)).items() if value
    }


def test_labels_and_issuers_are_masked() -> None:
    """A card's label of a certificate, and the issuer of one that is self-signed, hide the number too."""
    personal = entry(
        (NameOID.COMMON_NAME, "Tolvan"), (NameOID.SERIAL_NUMBER, "191212121212"), label="Tolvan 19121212-1212"
    )
    masked = views.certificate(personal, unmasked=False)
    assert masked.label == "Tolvan 19121212-****"
    assert "1212121212" not in masked.issuer
    assert "1212121212" not in masked.subject
    shown = views.certificate(personal, unmasked=True)
    assert shown.label == "Tolvan 19121212-1212"
    assert "191212121212" in shown.subject
    assert views.certificate(entry(*HARMLESS, label=None), unmasked=False).label is None


def test_bytes_only_on_demand() -> None:
    """DER goes out only where it was asked for, to the last byte."""
    one = entry(*HARMLESS)
    assert views.certificate(one, unmasked=True).der is None
    whole = views.certificate(one, unmasked=False, with_bytes=True).der
    assert whole is not None
    assert base64.b64decode(whole) == one.certificate.der


def test_moments_are_utc_to_the_second() -> None:
    """A moment is RFC 3339 in UTC, from whatever zone it comes."""
    stockholm = timezone(timedelta(hours=1))
    assert views.moment(datetime(2024, 1, 15, 13, 30, 59, 999, stockholm)) == "2024-01-15T12:30:59Z"


def test_codes_as_they_are() -> None:
    """Nothing of a code's state is lost or made up: what is not known stays null."""
    known = CodeState(Role.PUK, 4, False, True, False, 10, 8, 8)
    told = msgspec.to_builtins(views.codes((known, CodeState(Role.SIGNATURE)))[0])
    assert told == {
        "role": "puk",
        "triesLeft": 4,
        "blocked": False,
        "activated": True,
        "verified": False,
        "maxTries": 10,
        "minLength": 8,
        "maxLength": 8,
        "notLast": False,
    }
    assert views.codes((CodeState(Role.SIGNATURE, not_last=True),))[0].not_last
    assert dataclasses.asdict(CodeState(Role.SIGNATURE))["tries_left"] is None
    assert views.codes((CodeState(Role.SIGNATURE),))[0].tries_left is None


def test_every_status_has_its_word() -> None:
    """The states of a reader are the words of the interface."""
    words = [
        views.readers(Picture(1, True, (ReaderView("r", status, 1),)), unmasked=False)[0].state
        for status in ReaderStatus
    ]
    assert words == ["empty", "reading", "ready", "busy", "unsupported", "unreadable", "mute"]
