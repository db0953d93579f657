"""Keys of hosts: did one sign this, what is it called, and which host has it."""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

from sithsd.cli.plain import plain
from sithsd.cli.ssh.packing import Unpacker

_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}
_CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
# Of one file of known hosts: how much of it is read.
_KNOWN_HOSTS_BYTES = 4 * 1024 * 1024


def has_signed(host_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether `signature` (a blob) over `data` is one of this key (a blob, of a plain key or a host's certificate).

    False also for keys and signatures of kinds that are not known here, SHA-1 among them.
    """
    try:
        given = Unpacker(signature)
        name, made = given.text(), given.string()
        given.end()
        kind = Unpacker(host_key).string()
        identity = load_ssh_public_identity(kind + b" " + base64.b64encode(host_key))
        key = identity.public_key() if isinstance(identity, SSHCertificate) else identity
        if isinstance(key, ed25519.Ed25519PublicKey) and name == "ssh-ed25519":
            key.verify(made, data)
        elif isinstance(key, rsa.RSAPublicKey) and name in _RSA_HASHES:
            key.verify(made.rjust((key.key_size + 7) // 8, b"\0"), data, padding.PKCS1v15(), _RSA_HASHES[name])
        elif isinstance(key, ec.EllipticCurvePublicKey) and name.startswith("ecdsa-sha2-"):
            pair = Unpacker(made)
            r, s = pair.mpint(), pair.mpint()
            pair.end()
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(_CURVE_HASHES[key.curve.name]))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def fingerprint(key: bytes) -> str:
    """Return a key's fingerprint as ssh shows it."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip('=')}"


def usual_known_hosts(home: Path) -> tuple[Path, ...]:
    """Return the files in which ssh by default looks for hosts (ssh_config(5))."""
    mine, everybodys = home / ".ssh", Path("/etc/ssh")
    return (
        mine / "known_hosts",
        mine / "known_hosts2",
        everybodys / "ssh_known_hosts",
        everybodys / "ssh_known_hosts2",
    )


def known_name(key: bytes, files: Iterable[Path]) -> str | None:
    """Return the first name that one of these files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) has for a host's key.

    None where there is none that can be read: names may be there as hashes only. What can't be read is passed over.
    """
    for file in files:
        try:
            with file.open("rb") as opened:
                text = opened.read(_KNOWN_HOSTS_BYTES)
        except OSError:
            continue
        for line in text.splitlines():
            fields = line.split(None, 3)
            # A marker (@revoked, @cert-authority) is more than a name; "|" begins a hash.
            if len(fields) < 3 or fields[0].startswith((b"#", b"@", b"|")):
                continue
            try:
                same = base64.b64decode(fields[2], validate=True) == key
            except binascii.Error:
                continue
            name = fields[0].split(b",")[0].decode("utf-8", "replace")
            if same and not any(sign in name for sign in "*?!"):
                return plain(name)
    return None
