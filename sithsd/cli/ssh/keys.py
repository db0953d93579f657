"""Keys and signatures in ssh's forms: from a certificate, and from what a card has signed. Pure."""

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sithsd.cli.ssh.packing import mpint, string
from sithsd.values import SignatureAlgorithm

RSA = "ssh-rsa"
# Draft-miller-ssh-agent, 6.3.
_SHA256, _SHA512 = 2, 4
_OF_CURVE = {
    "ecdsa-sha2-nistp256": SignatureAlgorithm.ECDSA_SHA256,
    "ecdsa-sha2-nistp384": SignatureAlgorithm.ECDSA_SHA384,
    "ecdsa-sha2-nistp521": SignatureAlgorithm.ECDSA_SHA512,
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: its type ("ssh-rsa", "ecdsa-sha2-nistp256") and its blob (RFC 4253, 6.6; RFC 5656, 3.1)."""

    kind: str
    blob: bytes

    @property
    def line(self) -> str:
        """The key as a line of authorized_keys (sshd(8)), without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How a signature is made: by ssh's name for it, and by the daemon's."""

    name: str
    made_by: SignatureAlgorithm


def public_key(certificate: bytes) -> PublicKey | None:
    """Return the key of a certificate (DER), None where ssh has no form for it, or the certificate can't be read."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            return None
        kind, blob = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split(b" ")
    except (ValueError, UnsupportedAlgorithm):
        return None
    return PublicKey(kind.decode(), base64.b64decode(blob))


def algorithm(kind: str, flags: int) -> Algorithm | None:
    """Return how a key of this type signs when asked with these flags, None where it must not.

    An RSA key without a flag would sign with SHA-1 (RFC 8332 calls that "ssh-rsa"): it does not.
    """
    if flags & ~(_SHA256 | _SHA512):
        return None
    if kind in _OF_CURVE:
        return Algorithm(kind, _OF_CURVE[kind])
    if kind != RSA or not flags:
        return None
    # With both, OpenSSH's agent takes the first too.
    if flags & _SHA256:
        return Algorithm("rsa-sha2-256", SignatureAlgorithm.RSA_PKCS1_SHA256)
    return Algorithm("rsa-sha2-512", SignatureAlgorithm.RSA_PKCS1_SHA512)


def signature_blob(how: Algorithm, signature: bytes) -> bytes:
    """Return a signature as ssh has it (RFC 8332, 3; RFC 5656, 3.1.2); ValueError for an ECDSA one that is not DER."""
    if how.name in _OF_CURVE:
        r, s = decode_dss_signature(signature)
        signature = mpint(r) + mpint(s)
    return string(how.name.encode()) + string(signature)
