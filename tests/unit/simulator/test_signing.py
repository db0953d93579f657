"""Signatures: the key that was set, the code that was given, and the paddings that OpenSC asks for."""

import hashlib
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate

from sithsd.simulator.card import Card

AUTHENTICATION_KEY, SIGNATURE_KEY = "4B01", "4B02"
SIGN, RAW = "002241B6", "002241B8"
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
DIGEST = hashlib.sha256(b"to be signed").digest()


def give(card: Card, reference: int) -> None:
    """Verify the code with this reference."""
    code = b"123456" if reference == 1 else b"654321"
    assert card.transmit(bytes([0, 0x20, 0, reference, 8]) + code.ljust(8, b"\xff")) == (b"", 0x9000)


def set_key(card: Card, key: str, template: str = SIGN, algorithm: int = 2) -> int:
    """MSE SET as the MyEID driver sends it; return the status word."""
    data = bytes.fromhex(f"8001{algorithm:02X}8102{key}840100")
    return card.transmit(bytes.fromhex(template) + bytes([len(data)]) + data)[1]


def sign(card: Card, data: bytes) -> tuple[bytes, int]:
    """PSO COMPUTE DIGITAL SIGNATURE."""
    return card.transmit(bytes.fromhex("002A9E9A") + bytes([len(data)]) + data + b"\0")


def sign_raw(card: Card, block: bytes) -> tuple[bytes, int]:
    """Send the bare RSA operation as two halves."""
    first, second = b"\x81" + block[:128], b"\x82" + block[128:]
    assert card.transmit(bytes.fromhex("002A8086") + bytes([len(first)]) + first) == (b"", 0x9000)
    return card.transmit(bytes.fromhex("002A8086") + bytes([len(second)]) + second + b"\0")


def public_key(card: Card, file: str) -> RSAPublicKey:
    """Return the public key of the certificate in this file."""
    content = next(each.content for each in card.image.files if each.path == bytes.fromhex("3F005015" + file))
    key = load_der_x509_certificate(content).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


@pytest.mark.parametrize(
    ("name", "key", "certificate", "reference"),
    [
        ("ordinary", "4B01", "4331", 1),
        ("ordinary", "4B02", "4332", 2),
        ("ordinary", "4B03", "4333", 1),
        ("old", "4B05", "4335", 1),
    ],
)
def test_a_digest_info_is_signed_by_pkcs1(
    card: Callable[..., Card], name: str, key: str, certificate: str, reference: int
) -> None:
    """RFC 8017, 8.2: what 2A 9E 9A signs with algorithm reference 02 verifies against the key's own certificate."""
    taken = card(name)
    give(taken, reference)
    assert set_key(taken, key) == 0x9000
    signature, status = sign(taken, SHA256_INFO + DIGEST)
    assert status == 0x9000
    prehashed = utils.Prehashed(hashes.SHA256())
    public_key(taken, certificate).verify(signature, DIGEST, padding.PKCS1v15(), prehashed)
    with pytest.raises(InvalidSignature):
        public_key(taken, "4332" if certificate == "4331" else "4331").verify(
            signature, DIGEST, padding.PKCS1v15(), prehashed
        )


def test_a_whole_block_is_signed_in_two_halves(card: Callable[..., Card]) -> None:
    """With algorithm reference 00 the bare operation is done on 256 bytes that come as halves 81 and 82."""
    taken = card()
    give(taken, 1)
    assert set_key(taken, AUTHENTICATION_KEY, RAW, 0) == 0x9000
    block = bytes(range(256))
    signature, status = sign_raw(taken, block)
    assert status == 0x9000
    numbers = public_key(taken, "4331").public_numbers()
    assert pow(int.from_bytes(signature, "big"), numbers.e, numbers.n) == int.from_bytes(block, "big")


def test_the_signature_pin_is_good_for_one_signature(card: Callable[..., Card]) -> None:
    """With userConsent 1 of PKCS#15 a code is good for one signature, and two halves are one signature."""
    taken = card()
    give(taken, 2)
    set_key(taken, SIGNATURE_KEY)
    assert sign(taken, DIGEST)[1] == 0x9000
    assert sign(taken, DIGEST) == (b"", 0x6982)
    assert taken.transmit(bytes.fromhex("00200002"))[1] == 0x63C3
    give(taken, 2)
    set_key(taken, SIGNATURE_KEY, RAW, 0)
    assert sign_raw(taken, bytes(256))[1] == 0x9000
    assert taken.transmit(bytes.fromhex("00200002"))[1] == 0x63C3


def test_the_authentication_pin_stays_good(card: Callable[..., Card]) -> None:
    """The authentication key signs as often as asked while its code counts as given."""
    taken = card()
    give(taken, 1)
    set_key(taken, AUTHENTICATION_KEY)
    assert [sign(taken, DIGEST)[1] for _ in range(3)] == [0x9000] * 3


def test_a_key_needs_its_own_code(card: Callable[..., Card]) -> None:
    """The other PIN opens nothing: 6982, and after a reset too."""
    taken = card()
    give(taken, 1)
    set_key(taken, SIGNATURE_KEY)
    assert sign(taken, DIGEST) == (b"", 0x6982)
    taken.reset()
    set_key(taken, AUTHENTICATION_KEY)
    assert sign(taken, DIGEST) == (b"", 0x6982)


def test_signing_needs_an_environment_of_the_right_template(card: Callable[..., Card]) -> None:
    """Without MSE SET, after a refused one, or with the other template, PSO answers 6985."""
    taken = card()
    give(taken, 1)
    assert sign(taken, DIGEST) == (b"", 0x6985)
    set_key(taken, AUTHENTICATION_KEY, RAW, 0)
    assert sign(taken, DIGEST) == (b"", 0x6985)
    set_key(taken, AUTHENTICATION_KEY)
    assert taken.transmit(bytes.fromhex("002A808602 81 00"))[1] == 0x6985
    set_key(taken, AUTHENTICATION_KEY)
    assert set_key(taken, "4B99") == 0x6A88
    assert sign(taken, DIGEST) == (b"", 0x6985)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("002241A4 03 840101", 0x6A86),
        ("0022F3B6", 0x6A86),
        ("002241B6", 0x6A80),
        ("002241B6 03 800102", 0x6A88),
        ("002241B6 03 840109", 0x6A88),
        ("002241B6 04 81024B01", 0x9000),
        ("002241B6 03 840101", 0x9000),
        ("002241B6 06 800112 840101", 0x6A80),
        ("002241B6 06 870100 840101", 0x6A80),
        ("002241B6 02 8405", 0x6A80),
        ("002A9E9B 01 00 00", 0x6A86),
        ("002A9E9A", 0x6985),
    ],
)
def test_security_environments_are_checked(card: Callable[..., Card], command: str, status: int) -> None:
    """MSE SET names a key by file or reference; other templates, algorithms and objects are refused."""
    taken = card()
    give(taken, 1)
    assert taken.transmit(bytes.fromhex(command))[1] == status


def test_data_of_the_wrong_size_is_refused(card: Callable[..., Card]) -> None:
    """Too long, halves that are no block, a block above the modulus, no data, no Le: refused by name."""
    taken = card()
    give(taken, 1)
    set_key(taken, AUTHENTICATION_KEY)
    assert sign(taken, bytes(246)) == (b"", 0x6700)
    assert sign(taken, bytes(245))[1] == 0x9000
    assert taken.transmit(bytes.fromhex("002A9E9A")) == (b"", 0x6700)
    assert taken.transmit(bytes.fromhex("002A9E9A 01 00")) == (b"", 0x6700)
    set_key(taken, AUTHENTICATION_KEY, RAW, 0)
    assert sign_raw(taken, bytes(255)) == (b"", 0x6700)
    assert sign_raw(taken, b"\xff" * 256) == (b"", 0x6A80)
    assert taken.transmit(bytes.fromhex("002A8086 02 8200 00")) == (b"", 0x6985)
    assert taken.transmit(bytes.fromhex("002A8086 02 8300 00")) == (b"", 0x6A80)
    assert taken.transmit(bytes.fromhex("002A8086 02 0000 00")) == (b"", 0x6700)
