"""Answers of the daemon's that are false: nobody is let in by one.

Certificates and signatures are made by `cryptography`; the module judges them with OpenSSL.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pam_bench import HSA_ID, PIN, Client, Liar, bytes_of, certificate, judged, refused, signed, told_certificate


def test_a_true_answer_opens_the_door(stage: Any) -> None:
    """The card that is the account's, with its proof, lets in; the call names card, certificate and tries."""
    liar, client = stage
    answers = [client.log_in(typed=f"{PIN}\n") for _ in range(2)]
    for answer in answers:
        assert answer.result == "SUCCESS", answer.shown
        assert answer.session == {"SITHSD_CARD_SERIAL": "0102030405", "PAM_USER": "tolvan"}
        assert "PIN of the card of Tolvan Tolvansson (3 tries left): " in answer.shown
        assert PIN not in answer.shown
        assert "opened by card 0102030405" in answer.log
    one, other = liar.calls("Authenticate")
    assert one["challenge"] != other["challenge"]
    assert len(base64.b64decode(one.pop("challenge"))) == 32
    assert one == {
        "certificate": told_certificate(liar.made)["fingerprint"],
        "reader": "Reader",
        "cardSerial": "0102030405",
        "description": "PAM door: tolvan",
        "expectedTries": 3,
        "code": PIN,
    }


@pytest.fixture(scope="module")
def rsa_key() -> Any:
    """Make an RSA key, once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize("scheme", ["rsaPkcs1Sha", "rsaPssSha", "ecdsaSha"])
@pytest.mark.parametrize("bits", ["256", "384", "512"])
def test_every_algorithm_of_the_interface_is_known(
    serve: Callable[..., Any], forge: Any, rsa_key: Any, scheme: str, bits: str
) -> None:
    """RSA with both paddings and ECDSA, with each hash, are checked by OpenSSL as `cryptography` makes them."""
    curves = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "512": ec.SECP521R1()}
    key = ec.generate_private_key(curves[bits]) if scheme == "ecdsaSha" else rsa_key
    made = forge.person(HSA_ID, key=key)
    liar, client = serve(made)
    name = scheme + bits

    def proof(call: dict[str, Any], of: bytes | None = None) -> Any:
        _, signature = signed(key, base64.b64decode(call["challenge"]) if of is None else of, name)
        return liar.proof(call, algorithm=name, signature=base64.b64encode(signature).decode())

    liar.answers["Authenticate"] = proof
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    liar.answers["Authenticate"] = lambda call: proof(call, bytes(32))
    refused(client.log_in(typed=f"{PIN}\n"), "AUTH_ERR")


def signature(made: Any, challenge: str) -> str:
    """Sign a challenge; both are base64."""
    return base64.b64encode(signed(made.key, base64.b64decode(challenge))[1]).decode()


def theirs(made: Any, call: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what another card would answer."""
    return {"certificate": told_certificate(made), "signature": signature(made, call["challenge"]), **more}


OLD = base64.b64encode(bytes(range(32))).decode()
# What is false in the answer to a call; the third is somebody else's certificate of the same name, and its key.
LIES: dict[str, Callable[[Any, dict[str, Any], Any], dict[str, Any]]] = {
    "an old answer": lambda liar, _, __: {"challenge": OLD, "signature": signature(liar.made, OLD)},
    "an old signature": lambda liar, _, __: {"signature": signature(liar.made, OLD)},
    "a signature of another key": lambda _, call, other: {"signature": signature(other, call["challenge"])},
    "a certificate of another key": lambda _, __, other: {"certificate": told_certificate(other)},
    "another card of the same name": lambda _, call, other: theirs(other, call),
    "another card under the fingerprint of this one": lambda liar, call, other: theirs(
        other, call, certificate=bytes_of(liar, other.der)
    ),
    "no certificate": lambda *_: {"certificate": None},
    "a certificate without bytes": lambda liar, *_: {"certificate": certificate(liar, der=None)},
    "a certificate and a byte": lambda liar, *_: {"certificate": bytes_of(liar, liar.made.der + bytes(1))},
    "half a certificate": lambda liar, *_: {"certificate": bytes_of(liar, liar.made.der[:200])},
    "noise for a certificate": lambda liar, *_: {"certificate": bytes_of(liar, b"\x30\x82\xff\xff" * 9)},
    "no signature": lambda *_: {"signature": None},
    "an empty signature": lambda *_: {"signature": ""},
    "a signature that is no base64": lambda *_: {"signature": "!!!!"},
    "a signature without end": lambda *_: {"signature": "AAAA" * 2000},
    "another hash": lambda *_: {"algorithm": "ecdsaSha384"},
    "another kind of key": lambda *_: {"algorithm": "rsaPkcs1Sha256"},
    "a weak algorithm": lambda *_: {"algorithm": "ecdsaSha1"},
    "no algorithm": lambda *_: {"algorithm": None},
    "another challenge beside a signature that holds": lambda *_: {"challenge": OLD},
    "no challenge": lambda *_: {"challenge": None},
    "a longer challenge": lambda _, call, __: {"challenge": f"AAAA{call['challenge']}"},
    "a shorter challenge": lambda _, call, __: {"challenge": call["challenge"][:40]},
    "another serial number": lambda *_: {"cardSerial": "FF"},
    "no serial number": lambda *_: {"cardSerial": None},
    "another reader": lambda *_: {"reader": "Other"},
    "a bad verdict": lambda liar, *_: {"certificate": judged(liar, "bad", "date.expired")},
    "a verdict of another name": lambda liar, *_: {"certificate": judged(liar, "GOOD")},
    "no status": lambda liar, *_: {"certificate": judged(liar, None)},
    "no verdict": lambda liar, *_: {"certificate": certificate(liar, verdict="good")},
    "unknown for no reason": lambda liar, *_: {"certificate": judged(liar, "unknown")},
    "another environment": lambda liar, *_: {"certificate": judged(liar, "good", environment="production")},
}
# Neither good nor bad: what is not known can't be had from PAM's point of view.
UNSURE = {"a verdict of another name", "no status", "no verdict", "unknown for no reason"}


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_opens_the_door(stage: Any, forge: Any, authority: Any, lie: str) -> None:
    """An answer to the PIN that is false in one point is refused, and only in that point it is false."""
    liar, client = stage
    other = forge.person(HSA_ID, issuer=authority[1])
    liar.answers["Authenticate"] = lambda call: liar.proof(call, **LIES[lie](liar, call, other))
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.asked
    refused(answer, "AUTHINFO_UNAVAIL" if lie in UNSURE else "AUTH_ERR")


@pytest.mark.parametrize("error", [7, None, "io.sithsd.Codes.Internal"])
def test_an_error_is_one_whatever_stands_beside_it(stage: Any, error: Any) -> None:
    """A reply with the field `error` is no success, true proof or not."""
    liar, client = stage
    liar.answers["Authenticate"] = lambda call: {**liar.proof(call), "error": error}
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")


def test_a_certificate_that_is_no_one_s_log_in_is_refused(forge: Any, tmp_path: Path) -> None:
    """For signing only, an authority's, without key usage, of a short key, outside its time: true proof or not."""
    now = datetime.now(UTC)
    day = timedelta(days=1)
    cases = {
        "signing": {"usage": {"content_commitment"}},
        "authority": {"ca": True},
        "any use": {"usage": None},
        "short": {"key": rsa.generate_private_key(65537, 1024)},  # noqa: S505 - what has to be refused
        "over": {"start": now - 9 * day, "end": now - day},
        "to come": {"start": now + day, "end": now + 9 * day},
        "two names": {"more": [(NameOID.SERIAL_NUMBER, HSA_ID), (NameOID.SERIAL_NUMBER, "SE2321000016-2CD3")]},
        "a personal number": {"more": [(NameOID.SERIAL_NUMBER, "191212121212")]},
        "no name": {"more": []},
    }
    shown = {}
    for name, change in cases.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        made = forge.person(HSA_ID, **change)
        with Liar(made).serving() as liar:
            client = Client(folder, liar.folder, identity=f"hsaId:{HSA_ID}")
            answer = client.log_in(typed=f"{PIN}\n")
            refused(answer, "AUTH_ERR")
            shown[name] = answer.shown
    assert "expired" in shown["over"]
    assert "not valid yet" in shown["to come"]
    assert "not for this account" in shown["two names"]
    assert "not for this account" in shown["a personal number"]
