"""A made-up card's keys, and replies signed with them: what a daemon could answer, honest or not."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sithsd.client.checks import Asked, Require
from sithsd.values import Padding, Purpose, SignatureAlgorithm

HSA_ID = "SE2321000016-1AB2"
CHALLENGE = b"a nonce that was made for this very call"
HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def signature_by(key: Key, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
    """Sign a hash as a card would."""
    hashed = HASHES[algorithm.hash_name]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(Prehashed(hashed)))
    padded: Any = padding.PKCS1v15()
    if algorithm.padding is Padding.PSS:
        padded = padding.PSS(padding.MGF1(hashed), padding.PSS.DIGEST_LENGTH)
    return key.sign(digest, padded, Prehashed(hashed))


@dataclass
class Signer:
    """One certificate with its key, and the replies that it makes, as JSON values of the wire."""

    key: Key
    der: bytes
    identity: str = "hsaId"
    value: str | None = HSA_ID

    def certificate(self, purpose: str, **more: Any) -> dict[str, Any]:
        """Return the certificate as a reply tells it."""
        return {
            "id": "45",
            "purpose": purpose,
            "identity": self.identity,
            "subject": f"CN=Tolvan Tolvansson,serialNumber={self.value}",
            "issuer": "CN=SIM SITHS e-id Person HSA-id 3 CA v1",
            "notBefore": "2024-01-01T00:00:00Z",
            "notAfter": "2034-01-01T00:00:00Z",
            "verdict": {"status": "good", "reasons": []},
            "fingerprint": hashlib.sha256(self.der).hexdigest(),
            "environment": "sim",
            "der": base64.b64encode(self.der).decode(),
            **more,
        }

    def signed(self, digest: bytes, algorithm: SignatureAlgorithm, **more: Any) -> dict[str, Any]:
        """Return a reply of Sign."""
        return {
            "reader": "Reader 0",
            "cardSerial": "4711",
            "sequence": 7,
            "triesLeft": 3,
            "algorithm": str(algorithm),
            "signature": base64.b64encode(signature_by(self.key, algorithm, digest)).decode(),
            "certificate": self.certificate("signature"),
            "issuers": ["MAA="],
            "identity": self.identity,
            "identityValue": self.value,
            "chosenBy": "identity",
            **more,
        }

    def proof(self, challenge: bytes, algorithm: SignatureAlgorithm, **more: Any) -> dict[str, Any]:
        """Return a reply of Authenticate."""
        digest = hashlib.new(algorithm.hash_name, challenge).digest()
        told = {"challenge": base64.b64encode(challenge).decode(), "certificate": self.certificate("authentication")}
        return {**self.signed(digest, algorithm), **told, **more}


def signer(forge: Any, serial: str = HSA_ID, *, identity: str = "hsaId", value: str | None = None, **more: Any) -> Any:
    """Return a signer of a person's certificate; its key is on P-256 unless one is given."""
    made = forge.person(serial, **more)
    return Signer(made.key, made.der, identity, value or serial)


def asked(message: bytes = CHALLENGE, **more: Any) -> Asked:
    """Return that the authentication of `CHALLENGE` was asked for."""
    usual = Asked(Purpose.AUTHENTICATION, message, hashed=False, require=Require.usual(Purpose.AUTHENTICATION))
    return replace(usual, **more)


def line(value: Any) -> bytes:
    """Return a message as it goes over the socket."""
    return json.dumps(value).encode() + b"\0"
