"""Where a log-in goes: only what a host's key has signed is believed."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.cli.ssh.host_keys import fingerprint, has_signed, known_name
from sithsd.cli.ssh.packing import mpint, string
from sithsd.cli.ssh.protocol import BindRequest
from sithsd.cli.ssh.sessions import Journey, Sessions, StrangeSessionError
from sithsd.cli.ssh.signed import LogIn

SESSION, OTHER = bytes(range(32)), bytes(32)
RSA_KEY = rsa.generate_private_key(65537, 2048)
CURVES = {"256": (ec.SECP256R1(), hashes.SHA256()), "384": (ec.SECP384R1(), hashes.SHA384())}
CURVES["521"] = (ec.SECP521R1(), hashes.SHA512())


def blob(key: Any) -> bytes:
    """Return the blob of a private key's public one, as cryptography makes it."""
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def by_ed25519(key: ed25519.Ed25519PrivateKey, data: bytes) -> bytes:
    """Return a signature's blob."""
    return string(b"ssh-ed25519") + string(key.sign(data))


def by_rsa(data: bytes, name: bytes = b"rsa-sha2-512", algorithm: Any = None) -> bytes:
    """Return a signature's blob."""
    return string(name) + string(RSA_KEY.sign(data, padding.PKCS1v15(), algorithm or hashes.SHA512()))


def by_curve(key: ec.EllipticCurvePrivateKey, data: bytes, size: str) -> bytes:
    """Return a signature's blob."""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(CURVES[size][1])))
    return string(f"ecdsa-sha2-nistp{size}".encode()) + string(mpint(r) + mpint(s))


HOST, BASTION = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()


def bind(key: ed25519.Ed25519PrivateKey = HOST, session: bytes = SESSION, *, forwarding: bool = False) -> BindRequest:
    """Return what ssh tells of a session."""
    return BindRequest(blob(key), session, by_ed25519(key, session), forwarding)


def log_in(session: bytes = SESSION, host_key: bytes | None = None) -> LogIn:
    """Return a log-in of a session."""
    return LogIn(session, "anna", "rsa-sha2-256", b"key", host_key)


def test_signatures_of_hosts() -> None:
    """Ed25519, RSA with SHA-2 and ECDSA are judged; another text, key or name is none; SHA-1 is never one."""
    assert has_signed(blob(HOST), by_ed25519(HOST, SESSION), SESSION)
    assert not has_signed(blob(HOST), by_ed25519(HOST, SESSION), OTHER)
    assert not has_signed(blob(BASTION), by_ed25519(HOST, SESSION), SESSION)
    assert has_signed(blob(RSA_KEY), by_rsa(SESSION), SESSION)
    assert has_signed(blob(RSA_KEY), by_rsa(SESSION, b"rsa-sha2-256", hashes.SHA256()), SESSION)
    assert not has_signed(blob(RSA_KEY), by_rsa(SESSION, b"ssh-rsa", hashes.SHA1()), SESSION)  # noqa: S303 - refused
    assert not has_signed(blob(RSA_KEY), by_rsa(SESSION, b"rsa-sha2-256"), SESSION)
    assert not has_signed(blob(RSA_KEY), by_ed25519(HOST, SESSION), SESSION)
    for size, (curve, _) in CURVES.items():
        key = ec.generate_private_key(curve)
        assert has_signed(blob(key), by_curve(key, SESSION, size), SESSION)
        assert not has_signed(blob(key), by_curve(key, OTHER, size), SESSION)


def test_a_host_with_a_certificate() -> None:
    """A host may show a certificate: the key that it is for has signed."""
    now = datetime.now(UTC)
    certificate = (
        SSHCertificateBuilder()
        .public_key(HOST.public_key())
        .serial(1)
        .type(SSHCertificateType.HOST)
        .key_id(b"host")
        .valid_principals([b"host"])
        .valid_after((now - timedelta(days=1)).timestamp())
        .valid_before((now + timedelta(days=1)).timestamp())
        .sign(BASTION)
        .public_bytes()
    )
    assert has_signed(base64.b64decode(certificate.split()[1]), by_ed25519(HOST, SESSION), SESSION)


@settings(deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=120))
def test_garbage_signs_nothing(key: bytes, signature: bytes) -> None:
    """Any bytes in place of key and signature are judged without a crash, and are no signature."""
    assert not has_signed(key, signature, SESSION)
    assert not has_signed(blob(HOST), signature, SESSION)
    assert not has_signed(string(b"ssh-rsa") + key, string(b"rsa-sha2-256") + string(signature), SESSION)


def test_a_host_that_is_known() -> None:
    """The log-in of the session that was told goes to its host; whatever a request itself says is not believed."""
    sessions = Sessions()
    assert sessions.journey(log_in(host_key=b"said")) == Journey(None, None)
    sessions.bind(bind())
    assert sessions.journey(log_in()) == Journey(blob(HOST), None)
    assert sessions.journey(log_in(host_key=blob(HOST))) == Journey(blob(HOST), None)
    assert sessions.through is None
    for strange in (log_in(OTHER), log_in(host_key=blob(BASTION))):
        with pytest.raises(StrangeSessionError):
            sessions.journey(strange)


def test_a_session_that_nobody_has_signed() -> None:
    """A host's signature over something else, or by another key, is no session; nothing is noted."""
    sessions = Sessions()
    for key, session in ((blob(BASTION), SESSION), (blob(HOST), OTHER)):
        with pytest.raises(StrangeSessionError):
            sessions.bind(BindRequest(key, session, by_ed25519(HOST, SESSION), forwarding=False))
    assert sessions.journey(log_in()) == Journey(None, None)


def test_one_session_for_a_connection() -> None:
    """A connection that serves a log-in serves no other one."""
    sessions = Sessions()
    sessions.bind(bind())
    with pytest.raises(StrangeSessionError):
        sessions.bind(bind(BASTION, OTHER))


def test_an_agent_that_is_forwarded() -> None:
    """Through a host to another one: both are known. To an older ssh there: only the first is."""
    sessions = Sessions()
    sessions.bind(bind(BASTION, OTHER, forwarding=True))
    assert sessions.through == blob(BASTION)
    assert sessions.journey(log_in()) == Journey(None, blob(BASTION))
    with pytest.raises(StrangeSessionError):
        sessions.journey(log_in(OTHER))
    sessions.bind(bind())
    assert sessions.journey(log_in()) == Journey(blob(HOST), blob(BASTION))


def test_hops_have_an_end() -> None:
    """The sixteenth session is the last: a connection can't grow for ever."""
    sessions = Sessions()
    for number in range(16):
        sessions.bind(bind(session=bytes([number]) * 32, forwarding=True))
    with pytest.raises(StrangeSessionError):
        sessions.bind(bind())


def test_names_of_hosts(tmp_path: Path) -> None:
    """The first plain name of the key's line; hashes, markers, patterns and broken lines are passed over."""
    key = base64.b64encode(blob(HOST)).decode()
    other = base64.b64encode(blob(BASTION)).decode()
    file = tmp_path / "known_hosts"
    lines = [
        "# comment",
        "",
        "short",
        f"|1|c2FsdA==|aGFzaA== ssh-ed25519 {key}",
        f"@revoked revoked ssh-ed25519 {key}",
        f"*.example ssh-ed25519 {key}",
        "broken ssh-ed25519 AAAA=A",
        f"other ssh-ed25519 {other}",
    ]
    file.write_text("\n".join(lines))
    files = (tmp_path / "absent", file)
    assert known_name(blob(HOST), files) is None
    file.write_text("\n".join([*lines, f"web\x1b[31m.example,10.0.0.1 ssh-ed25519 {key} comment"]))
    assert known_name(blob(HOST), files) == "web\ufffd[31m.example"
    assert known_name(blob(BASTION), files) == "other"


def test_a_fingerprint() -> None:
    """As ssh shows it: SHA-256 in base64 without the padding."""
    assert fingerprint(b"") == "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
