"""What goes into an RSA key, against a library that nobody here wrote."""

import hashlib
from functools import cache

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as theirs
from cryptography.hazmat.primitives.asymmetric import rsa

from sithsd.card import padding
from sithsd.values import KeyKind, Padding, SignatureAlgorithm

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
PKCS1 = [one for one in SignatureAlgorithm if one.padding is Padding.PKCS1]
PSS = [one for one in SignatureAlgorithm if one.padding is Padding.PSS]
MESSAGE = b"a nonce"


@cache
def key(bits: int) -> rsa.RSAPrivateKey:
    """Return a key with a modulus of so many bits, also of an odd number, which the library itself does not make."""
    while True:
        first = rsa.generate_private_key(65537, bits + bits % 2).private_numbers()
        p, q = first.p, first.q
        if bits % 2:
            q = rsa.generate_private_key(65537, bits - 1).private_numbers().q
        if (p * q).bit_length() == bits:
            d = rsa.rsa_recover_private_exponent(65537, p, q)
            numbers = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
            return rsa.RSAPrivateNumbers(p, q, d, *numbers, rsa.RSAPublicNumbers(65537, p * q)).private_key()


def raw(bits: int, block: bytes) -> bytes:
    """Do the bare RSA operation."""
    numbers = key(bits).private_numbers()
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(-(-bits // 8), "big")


def digest(algorithm: SignatureAlgorithm) -> bytes:
    """Return the message's hash."""
    return hashlib.new(algorithm.hash_name, MESSAGE).digest()


@pytest.mark.parametrize("algorithm", PKCS1)
def test_a_digest_info(algorithm: SignatureAlgorithm) -> None:
    """Padded by PKCS#1 v1.5, as a card does it, the DigestInfo gives the library's own signature."""
    info = padding.digest_info(algorithm, digest(algorithm))
    block = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    assert raw(2048, block) == key(2048).sign(MESSAGE, theirs.PKCS1v15(), HASHES[algorithm.hash_name])


@pytest.mark.parametrize("bits", [2048, 2049, 2050, 2054, 3072])
@pytest.mark.parametrize("algorithm", PSS)
def test_a_pss_block(algorithm: SignatureAlgorithm, bits: int) -> None:
    """The library takes the block as its own PSS, for moduli of every number of bits in their first byte."""
    block = padding.pss_block(algorithm, digest(algorithm), bits)
    assert len(block) == -(-bits // 8)
    used = HASHES[algorithm.hash_name]
    with_salt = theirs.PSS(theirs.MGF1(used), algorithm.digest_length)
    key(bits).public_key().verify(raw(bits, block), MESSAGE, with_salt, used)
    with pytest.raises(InvalidSignature):
        key(bits).public_key().verify(raw(bits, block), MESSAGE + b"!", with_salt, used)


def test_the_salt_is_random() -> None:
    """Two blocks of one hash differ; with a given salt they are the same."""
    one = SignatureAlgorithm.RSA_PSS_SHA256
    assert padding.pss_block(one, digest(one), 2048) != padding.pss_block(one, digest(one), 2048)
    assert padding.pss_block(one, digest(one), 2048, bytes(32)) == padding.pss_block(one, digest(one), 2048, bytes(32))


@pytest.mark.parametrize("make", [padding.digest_info, lambda one, hashed: padding.pss_block(one, hashed, 2048)])
def test_a_hash_of_another_length_is_none(make: object) -> None:
    """A hash that is shorter or longer than the algorithm's is refused."""
    for wrong in (b"", bytes(31), bytes(33), bytes(64)):
        with pytest.raises(ValueError, match="has 32 bytes"):
            make(SignatureAlgorithm.RSA_PSS_SHA256, wrong)


@pytest.mark.parametrize("algorithm", PSS)
def test_the_shortest_modulus(algorithm: SignatureAlgorithm) -> None:
    """What is said to fit does, to the bit; one bit less does not."""
    shortest = next(bits for bits in range(2048) if padding.fits(algorithm, bits))
    assert padding.pss_block(algorithm, digest(algorithm), shortest)
    with pytest.raises(ValueError, match="too short"):
        padding.pss_block(algorithm, digest(algorithm), shortest - 1)


def test_a_modulus_that_is_too_short() -> None:
    """PSS with SHA-512 and its salt does not fit into 1024 bits."""
    with pytest.raises(ValueError, match="too short"):
        padding.pss_block(SignatureAlgorithm.RSA_PSS_SHA512, bytes(64), 1024)


def test_what_the_names_say() -> None:
    """Each algorithm's name tells its key, padding and hash."""
    for one in SignatureAlgorithm:
        assert one.digest_length == hashlib.new(one.hash_name).digest_size
        assert (one.key_kind is KeyKind.EC) is (one.padding is None)
    assert SignatureAlgorithm.RSA_PSS_SHA384.padding is Padding.PSS
    assert SignatureAlgorithm.ECDSA_SHA512.key_kind is KeyKind.EC
