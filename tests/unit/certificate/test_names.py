"""Names of people and issuers, as written and as shown."""

from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sithsd.certificate.names import COMMON_NAME, DistinguishedName, NameMalformedError, issuer_and_subject, normalized


def sequence(*parts: bytes) -> bytes:
    """Return the DER of a SEQUENCE."""
    content = b"".join(parts)
    assert len(content) < 0x10000
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


def tbs(subject: bytes, issuer: bytes | None = None) -> bytes:
    """Return the beginning of a TBSCertificate, with `subject` for both names unless told otherwise."""
    version, serial = b"\xa0\x03\x02\x01\x02", b"\x02\x01\x05"
    return sequence(version, serial, sequence(), issuer or subject, sequence(), subject, sequence())


def common_name(tag: int, value: bytes) -> bytes:
    """Return the DER of a name with one common name, of the string type `tag`."""
    attribute = b"\x06\x03\x55\x04\x03" + bytes([tag, len(value)]) + value
    relative = b"\x30" + bytes([len(attribute)]) + attribute
    return sequence(b"\x31" + bytes([len(relative)]) + relative)


def read(der: bytes) -> DistinguishedName:
    """Return what is read of a name in DER."""
    return issuer_and_subject(tbs(der))[1]


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)
KINDS = st.sampled_from(
    [NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME, x509.ObjectIdentifier("1.2.752.999.1")]
)


@given(st.lists(st.lists(st.tuples(KINDS, TEXT), min_size=1, max_size=2, unique_by=lambda pair: pair[0]), max_size=5))
def test_a_name_is_written_as_rfc_4514_says(relatives: list[list[tuple[x509.ObjectIdentifier, str]]]) -> None:
    """The text of a name is the one that another implementation of RFC 4514 writes."""
    theirs = x509.Name(
        [
            x509.RelativeDistinguishedName(x509.NameAttribute(oid, value, _ASN1Type.UTF8String) for oid, value in rdn)
            for rdn in relatives
        ]
    )
    ours = read(theirs.public_bytes())
    # the order inside a set is the encoder's
    assert [sorted(part) for part in ours.relative_names] == [
        sorted((pair.oid.dotted_string, pair.value) for pair in rdn) for rdn in theirs.rdns
    ]
    if all(len(rdn) == 1 for rdn in relatives):
        assert ours.text() == theirs.rfc4514_string()


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (0x0C, "Åsa Öst".encode(), "Åsa Öst"),
        (0x0C, "Åsa Öst".encode("latin-1"), "Åsa Öst"),
        (0x13, "Åsa Öst".encode("latin-1"), "Åsa Öst"),
        (0x14, "Åsa Öst".encode("latin-1"), "Åsa Öst"),
        (0x1E, "Åsa Öst".encode("utf-16-be"), "Åsa Öst"),
        (0x1C, "Åsa".encode("utf-32-be"), "Åsa"),
        (0x1E, b"odd", "\u6f64\ufffd"),
    ],
)
def test_every_kind_of_string_can_be_read(tag: int, value: bytes, text: str) -> None:
    """A name in an old or wrong string type is read as well as it can be, never refused."""
    assert read(common_name(tag, value)).first(COMMON_NAME) == text


def test_nothing_in_a_name_steers_a_terminal() -> None:
    """Control and direction characters of a hostile certificate are not passed on."""
    hostile = "\x1b[31mA\u202eB\r\nC\u2028D"
    shown = read(common_name(0x0C, hostile.encode())).first(COMMON_NAME)
    assert shown == "\ufffd[31mA\ufffdB\ufffd\ufffdC\ufffdD"


def test_special_characters_are_escaped() -> None:
    """A value can't look like two attributes (RFC 4514, 2.4)."""
    assert read(common_name(0x0C, b"A,O=Inera AB")).text() == "CN=A\\,O=Inera AB"


def test_a_blank_value_is_no_value() -> None:
    """An attribute of spaces alone counts as absent."""
    assert read(common_name(0x0C, b"  ")).first(COMMON_NAME) is None


@given(st.binary(max_size=60))
def test_garbage_is_refused_by_name(noise: bytes) -> None:
    """Bytes that are no certificate end in NameMalformedError or in two names, in nothing else."""
    for candidate in (noise, tbs(noise), tbs(sequence(noise))):
        with suppress(NameMalformedError):
            assert len(issuer_and_subject(candidate)) == 2


def test_names_are_compared_without_case_and_double_spaces() -> None:
    """RFC 5280, 7.1: two spellings of one name are one."""
    assert normalized("SITHS  e-id\u00a0Root ") == normalized("siths E-ID root")
