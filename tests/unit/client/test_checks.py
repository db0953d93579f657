"""What a client takes, and every lie that it does not."""

import base64
import hashlib
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from sithsd.client.checks import Require, RequirementError, check
from sithsd.client.model import Authentication, Signature, Verdict
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import IdentityKind, KeyKind, Purpose, SignatureAlgorithm
from tests.unit.client.signer import CHALLENGE, HSA_ID, Signer, asked, signer

P256 = SignatureAlgorithm.ECDSA_SHA256


def proof(reply: dict[str, Any]) -> Authentication:
    """Return a reply as the client reads it."""
    return msgspec.convert(reply, Authentication)


def refusal(reply: dict[str, Any], **wanted: Any) -> SithsdError:
    """Return the error that a reply is refused with."""
    with pytest.raises(SithsdError) as caught:
        check(proof(reply), asked(**wanted))
    return caught.value


@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_an_honest_reply_is_taken(mine: Signer, rsa_signer: Signer, algorithm: SignatureAlgorithm) -> None:
    """Each algorithm, over a challenge and over a hash that was made elsewhere."""
    one = mine if algorithm.key_kind is KeyKind.EC else rsa_signer
    check(proof(one.proof(CHALLENGE, algorithm)), asked(algorithm=algorithm, identity=IdentityKind.HSA_ID))
    digest = hashlib.new(algorithm.hash_name, b"a letter").digest()
    signed = msgspec.convert(one.signed(digest, algorithm), Signature)
    check(signed, asked(digest, hashed=True, purpose=Purpose.SIGNATURE))
    with pytest.raises(SithsdError, match="the signature is not"):
        check(signed, asked(bytes(len(digest)), hashed=True, purpose=Purpose.SIGNATURE))


def test_a_replayed_challenge_is_refused(mine: Signer) -> None:
    """An old proof, whole and valid, is no proof of this moment; nor is it one with the new challenge written in."""
    old = mine.proof(b"another nonce, of another day", P256)
    assert refusal(old).code is ErrorCode.SIGNATURE_INVALID
    assert "challenge" in refusal(old).detail
    old["challenge"] = base64.b64encode(CHALLENGE).decode()
    assert refusal(old).code is ErrorCode.SIGNATURE_INVALID


def test_another_keys_signature_is_refused(mine: Signer, rsa_signer: Signer, forge: Any) -> None:
    """Signed by a key that is not the certificate's: of the same kind, of another kind, or under another name."""
    for other in (signer(forge), rsa_signer):
        algorithm = P256 if other is not rsa_signer else SignatureAlgorithm.RSA_PKCS1_SHA256
        forged = {**other.proof(CHALLENGE, algorithm), "certificate": mine.certificate("authentication")}
        assert refusal(forged).code is ErrorCode.SIGNATURE_INVALID


def test_a_certificate_of_another_key_is_refused(mine: Signer, forge: Any) -> None:
    """The same names in a certificate of another key, told with the first one's fingerprint or with its own."""
    twin = signer(forge)
    for fingerprint in ({}, {"fingerprint": mine.certificate("authentication")["fingerprint"]}):
        swapped = mine.proof(CHALLENGE, P256, certificate=twin.certificate("authentication", **fingerprint))
        assert refusal(swapped).code is ErrorCode.SIGNATURE_INVALID


@pytest.mark.parametrize(
    ("told", "certificate"),
    [
        ({}, {"der": None}),
        ({}, {"der": "MAA="}),
        ({}, {"fingerprint": "AB" * 32}),
        ({}, {"purpose": "signature"}),
        ({}, {"identity": "personalIdentityNumber"}),
        ({"identityValue": "SE2321000016-9XYZ"}, {}),
        ({"identityValue": HSA_ID[:-1]}, {}),
        ({"identityValue": None}, {}),
        ({"identity": "personalIdentityNumber"}, {"identity": "personalIdentityNumber"}),
        ({"reader": "Reader 1"}, {}),
        ({"cardSerial": "4712"}, {}),
        ({"cardSerial": None}, {}),
        ({"algorithm": "ecdsaSha384"}, {}),
        ({"signature": ""}, {}),
        ({"signature": "MAYCAQECAQE="}, {}),
    ],
)
def test_what_differs_from_what_was_asked_for_is_refused(
    mine: Signer, told: dict[str, Any], certificate: dict[str, Any]
) -> None:
    """Card, reader, purpose, identity and its value, algorithm, certificate: one lie in an honest reply is enough."""
    wanted = {"reader": "Reader 0", "card_serial": "4711", "identity": IdentityKind.HSA_ID, "algorithm": P256}
    honest = mine.proof(CHALLENGE, P256)
    check(proof(honest), asked(**wanted))
    lie = {**honest, **told, "certificate": {**honest["certificate"], **certificate}}
    assert refusal(lie, **wanted).code is ErrorCode.SIGNATURE_INVALID


def test_another_certificate_than_the_one_named_is_refused(mine: Signer, forge: Any) -> None:
    """Whoever names the very certificate by its fingerprint gets that one or none."""
    reply = mine.proof(CHALLENGE, P256)
    check(proof(reply), asked(fingerprint=reply["certificate"]["fingerprint"]))
    other = signer(forge).certificate("authentication")["fingerprint"]
    assert refusal(reply, fingerprint=other).code is ErrorCode.SIGNATURE_INVALID


def test_bytes_that_are_no_certificate_are_refused(mine: Signer) -> None:
    """Nonsense with the right fingerprint of the nonsense is an error by name."""
    nonsense = Signer(mine.key, b"0\x03\x02\x01\x01").certificate("authentication")
    assert "can't be read" in refusal(mine.proof(CHALLENGE, P256, certificate=nonsense)).detail


def test_a_signature_by_another_scheme_is_refused(rsa_signer: Signer) -> None:
    """A PSS signature told as PKCS #1, and one with another salt than PSS's here (as long as the hash), are none."""
    pss, pkcs1 = SignatureAlgorithm.RSA_PSS_SHA256, SignatureAlgorithm.RSA_PKCS1_SHA256
    assert refusal({**rsa_signer.proof(CHALLENGE, pss), "algorithm": pkcs1}).code is ErrorCode.SIGNATURE_INVALID
    assert not isinstance(rsa_signer.key, ec.EllipticCurvePrivateKey)
    salted = rsa_signer.key.sign(CHALLENGE, padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())
    reply = rsa_signer.proof(CHALLENGE, pss, signature=base64.b64encode(salted).decode())
    assert refusal(reply).code is ErrorCode.SIGNATURE_INVALID


@pytest.mark.parametrize("written", ["191212121212", "19121212-1212", "PNOSE-191212121212"])
def test_a_personal_identity_number_is_known_in_every_form(forge: Any, written: str) -> None:
    """The digits that are told are those in the certificate, however that writes them; other digits are a lie."""
    one = signer(forge, written, identity="personalIdentityNumber", value="191212121212")
    reply = one.proof(CHALLENGE, P256)
    check(proof(reply), asked(identity=IdentityKind.PERSONAL_IDENTITY_NUMBER))
    assert refusal({**reply, "identityValue": "191212121213"}).code is ErrorCode.SIGNATURE_INVALID
    assert refusal({**reply, "identityValue": "1212121212"}).code is ErrorCode.SIGNATURE_INVALID


UNCHECKED = Verdict(status="unknown", reasons=("revocation.notChecked",))
STRANGER = Verdict(status="unknown", reasons=("chain.issuerUnknown", "revocation.notChecked"))
UNREACHABLE = Verdict(status="unknown", reasons=("revocation.unreachable", "revocation.notChecked"))
STALE = Verdict(status="unknown", reasons=("revocation.stale", "revocation.unreachable"))
NO_PROOF = Verdict(status="unknown", reasons=("revocation.invalid",))
UNSAID = Verdict(status="unknown")
BAD = Verdict(status="bad", reasons=("date.expired", "revocation.notChecked"))
NEWER = Verdict(status="splendid")
GOOD = Verdict(status="good")


@pytest.mark.parametrize(
    ("require", "met"),
    [
        (Require.GOOD, [GOOD]),
        (Require.GOOD_OR_REVOCATION_UNCHECKED, [GOOD, UNCHECKED, UNREACHABLE]),
        (Require.NOT_BAD, [GOOD, UNCHECKED, UNREACHABLE, STRANGER, STALE, NO_PROOF, UNSAID, NEWER]),
        (Require.NOTHING, [GOOD, UNCHECKED, UNREACHABLE, STRANGER, STALE, NO_PROOF, UNSAID, NEWER, BAD]),
    ],
)
def test_unknown_is_never_taken_for_good(require: Require, met: list[Verdict]) -> None:
    """Each requirement by the verdicts that meet it; a stranger's certificate is not among those of the default."""
    everything = [GOOD, UNCHECKED, UNREACHABLE, STRANGER, STALE, NO_PROOF, UNSAID, NEWER, BAD]
    assert [verdict for verdict in everything if require.is_met_by(verdict)] == [
        verdict for verdict in everything if verdict in met
    ]


def test_a_certificate_that_is_not_good_enough_is_an_error_with_its_reasons(mine: Signer) -> None:
    """The refusal has the verdict, for the program to say why."""
    verdict = {"status": "unknown", "reasons": ["anchor.missing", "revocation.notChecked"]}
    reply = mine.proof(CHALLENGE, P256, certificate=mine.certificate("authentication", verdict=verdict))
    error = refusal(reply)
    assert isinstance(error, RequirementError)
    assert (error.code, error.verdict.status) == (ErrorCode.CERTIFICATE_BAD, "unknown")
    assert error.more.rules == ("anchor.missing", "revocation.notChecked")
    check(proof(reply), asked(require=Require.NOT_BAD))
