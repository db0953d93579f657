"""The outline of a certificate: what an ordinary one consists of, and that nothing else has one."""

from itertools import pairwise
from typing import Any

import pytest
from asn1crypto import x509 as structures
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from judging import House

from sithsd.certificate.names import issuer_and_subject
from sithsd.certificate.read import read
from sithsd.validity.bulk.outline import UTF8_TEXT, outline


def test_an_outline_says_what_the_certificate_says(forge: Any, house: House) -> None:
    """Serial number, dates, subject, card number, the part that is signed and its signature are the certificate's."""
    made = forge.person(issuer=house.issuer, card_number="9752269895715989469").der
    loaded, certificate, found = x509.load_der_x509_certificate(made), read(made), outline(made)
    assert found is not None
    assert found.serial_number == loaded.serial_number
    assert (found.not_before, found.not_after) == (certificate.not_before, certificate.not_after)
    assert found.subject == issuer_and_subject(loaded.tbs_certificate_bytes)[1]
    assert found.card_number == certificate.card_number == "9752269895715989469"
    assert (found.signed, found.signature) == (loaded.tbs_certificate_bytes, loaded.signature)
    assert found.issuer == loaded.issuer.public_bytes()


def test_certificates_of_one_form_have_one_shape(forge: Any, house: House) -> None:
    """The shape does not depend on holder, dates, number and key identifier, and depends on everything else."""
    key = rsa.generate_private_key(65537, 2048)
    alike = [
        forge.person(issuer=house.issuer, key=key),
        forge.person("SE2321000016-9", issuer=house.issuer, key=rsa.generate_private_key(65537, 3072), surname="Ek"),
        forge.person(issuer=house.issuer, key=key, common_name=None, start=forge.NOW),
    ]
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")
    others = [
        forge.person(issuer=house.root, key=key),
        forge.person(issuer=house.issuer, key=ec.generate_private_key(ec.SECP256R1())),
        forge.person(issuer=house.issuer, key=key, usage={"content_commitment"}),
        forge.person(issuer=house.issuer, key=key, extensions=[(odd, False)]),
        forge.person(issuer=house.issuer, key=key, extensions=[(odd, True)]),
        forge.person(issuer=house.issuer, key=key, policies=["1.2.3"]),
        forge.person(issuer=house.issuer, key=key, card_number="9752"),
        forge.person(issuer=house.issuer, key=key, key_identifiers=False),
        forge.person(issuer=house.issuer, key=key, issuer_name=house.root.name),
    ]
    shapes = [found.shape for made in alike if (found := outline(made.der))]
    assert len(shapes) == len(alike)
    assert all(one == other for one, other in pairwise(shapes))
    different = {found.shape for made in others if (found := outline(made.der))}
    assert len(different) == len(others)
    assert shapes[0] not in different


@pytest.mark.parametrize("size", [2048, 3072, 4096])
def test_usual_keys_of_rsa_have_an_outline(forge: Any, house: House, size: int) -> None:
    """RSA of the usual sizes with 65537 has one, and no weakness; with exponent 3 it has none."""
    made = forge.person(issuer=house.issuer, key=rsa.generate_private_key(65537, size)).der
    assert outline(made) is not None
    assert read(made).weaknesses == ()
    assert outline(forge.person(issuer=house.issuer, key=rsa.generate_private_key(3, size)).der) is None


def test_what_is_weak_or_not_whole_has_no_outline(forge: Any, house: House) -> None:
    """A short key, kilobytes of an extension, padding behind it, a part of it, or something else: none has one."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
    whole = house.leaf.der
    assert outline(forge.person(issuer=house.issuer, key=short).der) is None
    large = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), bytes(5000))
    assert outline(forge.person(issuer=house.issuer, extensions=[(large, False)]).der) is None
    assert all(outline(wrong) is None for wrong in (b"", b"0", whole + b"\0", whole[1:], bytes(900)))
    assert all(outline(whole[:length]) is None for length in range(len(whole)))


def test_every_letter_of_an_outline_is_one_that_names_are_compared_by() -> None:
    """No character that may stand in an outline is refused, or dropped, where names are compared and shown."""
    letters = [chr(code) for code in range(0x250) if UTF8_TEXT.fullmatch(chr(code))]
    assert len(letters) > 200
    for letter in letters:
        name = structures.Name.build({"common_name": f"a{letter}b"})
        assert structures.Name.load(name.dump()).hashable
        encoded = name.dump()
        tbs = b"\x02\x01\x01" + b"\x30\x00" + encoded + b"\x30\x00" + encoded + b"\x30\x00"
        assert len(tbs) < 0x80
        assert issuer_and_subject(b"\x30" + bytes([len(tbs)]) + tbs)[1].first("2.5.4.3") == f"a{letter}b"
