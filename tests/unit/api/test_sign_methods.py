"""Authenticate and Sign, as a client calls them: shapes, bounds, and what comes back, checked by a library."""

import base64
import hashlib

import pytest
from both_interfaces import DESK, Socket
from card_bench import OTHER_PIN, PIN, WRONG
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from session_house import READER, refused

from sithsd.api import wire
from sithsd.api.message import error_parameters
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.values import IdentityKind, SignatureAlgorithm

HSA_ID, NUMBER = IdentityKind.HSA_ID, IdentityKind.PERSONAL_IDENTITY_NUMBER
NONCE = bytes(range(32))
DIGEST = hashlib.sha256(b"a document").digest()


def text(given: bytes) -> str:
    """Return bytes as the wire has them."""
    return base64.b64encode(given).decode()


def certificate(reply: dict) -> x509.Certificate:
    """Return the certificate of a reply."""
    return x509.load_der_x509_certificate(base64.b64decode(reply["certificate"]["der"]))


async def log_in(daemon: Socket, pin: bytes = PIN, **more: object) -> dict:
    """Call Authenticate."""
    return await daemon.call("Authenticate", DESK, **{"code": Secret(pin), "identity": HSA_ID} | more)


async def sign(daemon: Socket, pin: bytes = OTHER_PIN, **more: object) -> dict:
    """Call Sign."""
    given = {"digest": text(DIGEST), "description": "A document", "code": Secret(pin), "identity": HSA_ID}
    return await daemon.call("Sign", DESK, **given | more)


@pytest.mark.parametrize(("identity", "value"), [(HSA_ID, "SE2321000016-SIM1"), (NUMBER, "191212121212")])
async def test_a_challenge_of_the_clients(daemon: Socket, identity: IdentityKind, value: str) -> None:
    """The reply has the challenge, a signature over it by the certificate's key, the identity asked for and the CA."""
    bench = await daemon.house.ready()
    reply = await log_in(daemon, challenge=text(NONCE), identity=identity)
    assert (reply["reader"], reply["cardSerial"]) == (READER, bench.card.image.serial.hex().upper())
    assert (reply["challenge"], reply["algorithm"], reply["triesLeft"]) == (text(NONCE), "rsaPkcs1Sha256", 3)
    assert (reply["identity"], reply["identityValue"], reply["chosenBy"]) == (identity, value, "identity")
    told = certificate(reply)
    key = told.public_key()
    key.verify(base64.b64decode(reply["signature"]), NONCE, padding.PKCS1v15(), hashes.SHA256())
    assert reply["certificate"]["fingerprint"] == told.fingerprint(hashes.SHA256()).hex()
    verdict = reply["certificate"]["verdict"]
    assert (verdict["status"], verdict["reasons"][-1]) == ("unknown", "revocation.notChecked")
    (issuer,) = reply["issuers"]
    told.verify_directly_issued_by(x509.load_der_x509_certificate(base64.b64decode(issuer)))


async def test_a_challenge_of_the_daemons(daemon: Socket) -> None:
    """Without a challenge the daemon makes one, never the same, and it is what was signed."""
    await daemon.house.ready()
    replies = [await log_in(daemon) for _ in range(2)]
    nonces = {base64.b64decode(reply["challenge"]) for reply in replies}
    assert len(nonces) == 2
    assert {len(nonce) for nonce in nonces} == {32}
    for reply in replies:
        signature, nonce = base64.b64decode(reply["signature"]), base64.b64decode(reply["challenge"])
        certificate(reply).public_key().verify(signature, nonce, padding.PKCS1v15(), hashes.SHA256())


async def test_by_pss(daemon: Socket) -> None:
    """The algorithm is the caller's choice."""
    await daemon.house.ready()
    reply = await log_in(daemon, challenge=text(NONCE), algorithm=SignatureAlgorithm.RSA_PSS_SHA512)
    assert reply["algorithm"] == "rsaPssSha512"
    pss = padding.PSS(padding.MGF1(hashes.SHA512()), 64)
    certificate(reply).public_key().verify(base64.b64decode(reply["signature"]), NONCE, pss, hashes.SHA512())


async def test_a_hash(daemon: Socket) -> None:
    """Sign signs the hash with the signature key."""
    await daemon.house.ready()
    reply = await sign(daemon)
    assert reply["certificate"]["purpose"] == "signature"
    assert "challenge" not in reply
    prehashed = utils.Prehashed(hashes.SHA256())
    key = certificate(reply).public_key()
    key.verify(base64.b64decode(reply["signature"]), DIGEST, padding.PKCS1v15(), prehashed)


@pytest.mark.parametrize("length", [16, 32768])
async def test_the_bounds_of_a_challenge(daemon: Socket, length: int) -> None:
    """A challenge has 16 to 32768 bytes; the longest fits into a message."""
    await daemon.house.ready()
    assert len((await log_in(daemon, challenge=text(bytes(length))))["challenge"]) < 48 * 1024


@pytest.mark.parametrize(
    "wrong",
    [
        {"challenge": text(bytes(15))},
        {"challenge": text(bytes(32769))},
        {"challenge": ""},
        {"challenge": "no base64"},
        {"challenge": text(NONCE) + "\n"},
        {"challenge": text(NONCE)[:-1]},
        {"challenge": "\u00e5" * 40},
        {"identity": IdentityKind.NONE},
        {"certificate": "0" * 63},
        {"certificate": "g" * 64},
        {"certificate": "0" * 64 + "\n"},
        {"description": ""},
        {"description": "x" * 201},
        {"description": "two\nlines"},
        {"description": "\u202eback to front"},
        {"pin_pad": True},
        {"code": None},
    ],
    ids=str,
)
async def test_what_makes_no_sense(daemon: Socket, wrong: dict[str, object]) -> None:
    """A parameter out of its bounds is request.invalid; nothing was sent to the card."""
    await daemon.house.ready()
    for call in (log_in, sign):
        if call is sign and "challenge" in wrong:
            continue
        error = await refused(call(daemon, **wrong))
        assert error.code is ErrorCode.REQUEST_INVALID
        assert not any(PIN.decode() in str(part) for part in (error, error.detail))
    assert daemon.house.sockets[READER].codes_sent == []


@pytest.mark.parametrize("digest", ["", "no base64", text(bytes(20)), text(bytes(65)), text(bytes(33))])
async def test_what_is_no_hash(daemon: Socket, digest: str) -> None:
    """A digest of a length that no hash has is request.invalid before the card."""
    await daemon.house.ready()
    assert (await refused(sign(daemon, digest=digest))).code is ErrorCode.REQUEST_INVALID
    assert daemon.house.sockets[READER].codes_sent == []


async def test_ambiguity_is_told_with_the_choices(daemon: Socket) -> None:
    """The error has each certificate's fingerprint; by one of them the same call goes through."""
    await daemon.house.ready()
    error = await refused(log_in(daemon, identity=None))
    assert error.code is ErrorCode.CERTIFICATE_AMBIGUOUS
    choices = wire.to_json(error_parameters(error))["choices"]
    assert {choice["identity"] for choice in choices} == {"hsaId", "personalIdentityNumber"}
    for choice in choices:
        reply = await log_in(daemon, identity=None, certificate=choice["fingerprint"].upper())
        assert reply["certificate"]["fingerprint"] == choice["fingerprint"]
        assert reply["chosenBy"] == "fingerprint"


async def test_a_card_that_the_caller_does_not_mean(daemon: Socket) -> None:
    """Card and counter are as the person was shown them, or nothing is sent."""
    await daemon.house.ready()
    assert (await refused(log_in(daemon, card_serial="4711"))).code is ErrorCode.CARD_CHANGED
    assert (await refused(log_in(daemon, expected_tries=2))).code is ErrorCode.PIN_TRIES_CHANGED
    assert daemon.house.sockets[READER].codes_sent == []


async def test_a_wrong_pin_is_no_success(daemon: Socket) -> None:
    """All or nothing: with a wrong PIN there is an error with the tries left, and no part of a reply."""
    await daemon.house.ready()
    for call, role in ((log_in, "authentication"), (sign, "signature")):
        error = await refused(call(daemon, WRONG))
        assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, role, 2)
