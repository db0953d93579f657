"""MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION, byte by byte, against keys of a library."""

import hashlib
from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from sithsd.card.backends.pkcs15 import signing
from sithsd.card.model import CardKey
from sithsd.card.profile import EcdsaForm, KeyName, RawWay, SigningRules
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import apdu
from sithsd.values import KeyKind, Padding, Role, SignatureAlgorithm

RSA = CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 2048, reference=3, path=bytes.fromhex("3F0050154B01"))
EC = CardKey(b"E", Role.AUTHENTICATION, KeyKind.EC, 256, reference=4, path=bytes.fromhex("3F0050154B02"))
BY_FILE = SigningRules(name_key_by=KeyName.FILE, pkcs1=0x02, raw=0x00, raw_way=RawWay.DECIPHER_IN_HALVES)
BY_REFERENCE = SigningRules(name_key_by=KeyName.REFERENCE, pkcs1=0x12, raw=0x10, ecdsa=0x14)
PKCS1, PSS, ECDSA = (
    SignatureAlgorithm.RSA_PKCS1_SHA256,
    SignatureAlgorithm.RSA_PSS_SHA256,
    SignatureAlgorithm.ECDSA_SHA256,
)
MESSAGE = b"a nonce"
DIGEST = hashlib.sha256(MESSAGE).digest()


class Chip:
    """A chip that answers MSE with 9000 and each PSO as told."""

    def __init__(self, *answers: bytes, managed: int = 0x9000, performed: int = 0x9000) -> None:
        self._answers = list(answers)
        self._managed = managed
        self._performed = performed
        self.heard: list[apdu.CommandApdu] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer."""
        self.heard.append(apdu.decode(bytes(command)))
        if self.heard[-1].ins == 0x22:
            return b"", self._managed
        return (self._answers.pop(0), 0x9000) if self._performed == 0x9000 else (b"", self._performed)

    @property
    def headers(self) -> list[str]:
        """What was asked for."""
        return [bytes((one.cla, one.ins, one.p1, one.p2)).hex().upper() for one in self.heard]


def refused(call: Callable[[], object]) -> SithsdError:
    """Return the error of a call."""
    with pytest.raises(SithsdError) as caught:
        call()
    return caught.value


def test_a_digest_info_that_the_card_pads() -> None:
    """MSE names algorithm and key by its file, PSO brings the DigestInfo and asks for the modulus's length."""
    chip = Chip(bytes(256))
    assert signing.sign(chip, BY_FILE, RSA, PKCS1, DIGEST) == bytes(256)
    assert chip.headers == ["002241B6", "002A9E9A"]
    assert chip.heard[0].data.hex().upper() == "800102" + "81024B01"
    assert chip.heard[1].data == bytes.fromhex("3031300D060960864801650304020105000420") + DIGEST
    assert chip.heard[1].le == 256


def test_a_key_by_its_reference() -> None:
    """Another family names the key by its reference, and has algorithm references of its own."""
    chip = Chip(bytes(256))
    signing.sign(chip, BY_REFERENCE, RSA, PKCS1, DIGEST)
    assert chip.heard[0].data.hex().upper() == "800112" + "840103"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _is_pss(block: bytes) -> bool:
    """Tell whether a block is PSS of the hash: a library's key of that size takes it."""
    numbers = _key().private_numbers()
    signature = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    _key().public_key().verify(signature, DIGEST, pss, Prehashed(hashes.SHA256()))
    return True


def test_a_pss_block_in_two_halves() -> None:
    """The block that is made here goes in by DECIPHER, with padding indicators 81 and 82; the second is answered."""
    chip = Chip(b"", bytes(256))
    assert signing.sign(chip, BY_FILE, RSA, PSS, DIGEST) == bytes(256)
    assert chip.headers == ["002241B8", "002A8086", "002A8086"]
    assert chip.heard[0].data.hex().upper() == "800100" + "81024B01"
    first, second = chip.heard[1], chip.heard[2]
    assert (first.data[0], second.data[0], len(first.data), len(second.data)) == (0x81, 0x82, 129, 129)
    assert (first.le, second.le) == (None, 256)
    assert _is_pss(first.data[1:] + second.data[1:])


def test_a_pss_block_as_it_is() -> None:
    """Where the card takes it whole it is COMPUTE DIGITAL SIGNATURE; a block that does not fit is not tried."""
    small = CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 1024, reference=3)
    chip = Chip(bytes(128))
    assert signing.sign(chip, BY_REFERENCE, small, PSS, DIGEST) == bytes(128)
    assert chip.headers == ["002241B6", "002A9E9A"]
    assert len(chip.heard[1].data) == 128
    assert refused(lambda: signing.find_way(BY_REFERENCE, RSA, PSS)).code is ErrorCode.SIGNATURE_UNSUPPORTED


def test_a_key_that_is_too_short_for_pss() -> None:
    """It is refused before a code is given."""
    small = CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 1024, reference=3)
    assert signing.find_way(BY_REFERENCE, small, SignatureAlgorithm.RSA_PSS_SHA384)
    error = refused(lambda: signing.find_way(BY_REFERENCE, small, SignatureAlgorithm.RSA_PSS_SHA512))
    assert error.code is ErrorCode.SIGNATURE_UNSUPPORTED


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_ecdsa_side_by_side(curve: ec.EllipticCurve) -> None:
    """The numbers r and s side by side become DER that a library takes, for fields of every size."""
    private = ec.generate_private_key(curve)
    size = -(-curve.key_size // 8)
    r, s = decode_dss_signature(private.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
    chip = Chip(r.to_bytes(size, "big") + s.to_bytes(size, "big"))
    key = CardKey(b"E", Role.AUTHENTICATION, KeyKind.EC, curve.key_size, reference=4)
    der = signing.sign(chip, BY_REFERENCE, key, ECDSA, DIGEST)
    private.public_key().verify(der, MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert chip.heard[0].data.hex().upper() == "800114" + "840104"
    assert chip.heard[1].data == DIGEST


def test_ecdsa_in_der() -> None:
    """A card that gives DER is taken by its word; what it gave is checked afterwards with the certificate's key."""
    rules = SigningRules(name_key_by=KeyName.REFERENCE, ecdsa=0x14, ecdsa_form=EcdsaForm.DER)
    assert signing.sign(Chip(b"\x30\x06\x02\x01\x01\x02\x01\x02"), rules, EC, ECDSA, DIGEST)[0] == 0x30


def test_a_hash_that_is_longer_than_the_field() -> None:
    """Of it the leftmost bits count, and the card gets no more than these."""
    chip = Chip(bytes([1]) * 64)
    longer = hashlib.sha512(MESSAGE).digest()
    signing.sign(chip, BY_REFERENCE, EC, SignatureAlgorithm.ECDSA_SHA512, longer)
    assert chip.heard[1].data == longer[:32]


@pytest.mark.parametrize("given", [b"", b"\x01" * 63])
def test_an_ecdsa_signature_that_is_none(given: bytes) -> None:
    """An odd number of bytes, or none, is card.unreadable."""
    assert refused(lambda: signing.sign(Chip(given), BY_REFERENCE, EC, ECDSA, DIGEST)).code is ErrorCode.CARD_UNREADABLE


@pytest.mark.parametrize("given", [b"", bytes(255), bytes(257)])
def test_a_signature_of_another_length(given: bytes) -> None:
    """What is not as long as the modulus is no signature: card.unreadable."""
    for rules, algorithm, answers in ((BY_FILE, PKCS1, (given,)), (BY_FILE, PSS, (b"", given))):
        chip = Chip(*answers)
        error = refused(lambda chip=chip, rules=rules, how=algorithm: signing.sign(chip, rules, RSA, how, DIGEST))
        assert error.code is ErrorCode.CARD_UNREADABLE


@pytest.mark.parametrize(("chip", "commands"), [(Chip(managed=0x6A88), 1), (Chip(performed=0x6982), 2)])
def test_what_the_card_refuses(chip: Chip, commands: int) -> None:
    """A refusal is card.refused with the card's word, and nothing is sent after it."""
    error = refused(lambda: signing.sign(chip, BY_FILE, RSA, PKCS1, DIGEST))
    assert error.code is ErrorCode.CARD_REFUSED
    assert error.status_word in {0x6A88, 0x6982}
    assert len(chip.heard) == commands


@pytest.mark.parametrize(
    ("rules", "key", "algorithm"),
    [
        (None, RSA, PKCS1),
        (BY_FILE, RSA, ECDSA),
        (BY_FILE, EC, PKCS1),
        (BY_FILE, EC, ECDSA),
        (SigningRules(name_key_by=KeyName.FILE, raw=0), RSA, PKCS1),
        (SigningRules(name_key_by=KeyName.FILE, pkcs1=2), RSA, PSS),
        (BY_FILE, CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, None, path=b"\x4b\x01"), PSS),
        (BY_FILE, CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 2048, reference=3), PKCS1),
        (BY_REFERENCE, CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 2048, path=b"\x4b\x01"), PKCS1),
    ],
)
def test_what_is_not_known_is_not_tried(rules: SigningRules, key: CardKey, algorithm: SignatureAlgorithm) -> None:
    """Where rules, key and algorithm don't meet it is signature.unsupported, before any command."""
    chip = Chip(bytes(256))
    assert refused(lambda: signing.find_way(rules, key, algorithm)).code is ErrorCode.SIGNATURE_UNSUPPORTED
    error = refused(lambda: signing.sign(chip, rules, key, algorithm, DIGEST))
    assert error.code is ErrorCode.SIGNATURE_UNSUPPORTED
    assert chip.heard == []


def test_every_rsa_algorithm_has_a_way() -> None:
    """The simulated cards' rules sign by all of them."""
    for one in SignatureAlgorithm:
        if one.padding is not None:
            way = signing.find_way(BY_FILE, RSA, one)
            assert way.halves is (one.padding is Padding.PSS)
