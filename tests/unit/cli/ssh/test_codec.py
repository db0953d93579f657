"""The agent protocol's bytes: exact, bounded, and nothing from outside brings it down."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.cli.ssh import protocol
from sithsd.cli.ssh.packing import MalformedError, Unpacker, mpint, string, uint32
from sithsd.cli.ssh.protocol import BindRequest, ListRequest, SignRequest, Unsupported, parse
from sithsd.cli.ssh.signed import LogIn, Signature, meaning

BIND = b"session-bind@openssh.com"
LOG_IN = [bytes(range(32)), b"anna", b"ssh-connection", b"publickey", b"rsa-sha2-256", b"the key"]


def log_in(*, session: bytes = LOG_IN[0], number: int = 50, signed: int = 1, **parts: bytes) -> bytes:
    """Return a log-in's bytes (RFC 4252, 7), with other parts in place of the usual ones."""
    usual = dict(zip(("user", "service", "method", "algorithm", "key"), LOG_IN[1:], strict=True))
    part = {**usual, **parts}
    before = b"".join(string(part[name]) for name in ("user", "service", "method"))
    after = string(part["algorithm"]) + string(part["key"]) + part.get("more", b"")
    return string(session) + bytes([number]) + before + bytes([signed]) + after


def sshsig(
    namespace: bytes = b"file", reserved: bytes = b"", name: bytes = b"sha512", digest: bytes = bytes(64)
) -> bytes:
    """Return the bytes that ssh-keygen has signed (PROTOCOL.sshsig, 2)."""
    return b"SSHSIG" + string(namespace) + string(reserved) + string(name) + string(digest)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_an_error(message: bytes) -> None:
    """Whatever comes is a request, or MalformedError: nothing else is raised."""
    with suppress(MalformedError):
        parse(message)


@settings(deadline=None)
@given(st.sampled_from([11, 13, 27]), st.binary(max_size=200))
def test_any_body_of_a_known_request(number: int, body: bytes) -> None:
    """The same behind the numbers that are looked into, the extension's name before it or not."""
    for message in (bytes([number]) + body, bytes([27]) + string(BIND) + body):
        with suppress(MalformedError):
            parse(message)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_a_meaning_or_none(data: bytes) -> None:
    """What is to be signed is read without a crash."""
    for given_bytes in (data, b"SSHSIG" + data, string(bytes(32)) + bytes([50]) + data):
        assert isinstance(meaning(given_bytes), LogIn | Signature | None)


@settings(deadline=None)
@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(0, 2**32 - 1))
def test_a_request_to_sign(key: bytes, data: bytes, flags: int) -> None:
    """Key, data and flags come out as they went in; a byte more or less is an error."""
    message = bytes([13]) + string(key) + string(data) + uint32(flags)
    assert parse(message) == SignRequest(key, data, flags)
    for broken in (message + b"\0", message[:-1]):
        with pytest.raises(MalformedError):
            parse(broken)


def test_the_other_requests() -> None:
    """Listing and binding are read; adding, removing, locking and unknown extensions are told by their number."""
    assert parse(bytes([11])) == ListRequest()
    bound = bytes([27]) + string(BIND) + string(b"k") + string(b"s") + string(b"sig") + b"\1"
    assert parse(bound) == BindRequest(b"k", b"s", b"sig", forwarding=True)
    for number in (17, 18, 19, 20, 21, 22, 23, 25, 26, 1, 0, 255):
        assert parse(bytes([number]) + b"anything") == Unsupported(number)
    assert parse(bytes([27]) + string(b"query")) == Unsupported(27)
    with pytest.raises(MalformedError):
        parse(b"")


def test_a_length_has_bounds() -> None:
    """No message is empty, and none longer than 64 KiB: nothing is read or kept of one that says so."""
    assert protocol.length_of(uint32(1)) == 1
    assert protocol.length_of(uint32(65536)) == 65536
    for length in (0, 65537, 2**32 - 1):
        with pytest.raises(MalformedError):
            protocol.length_of(uint32(length))


def test_answers() -> None:
    """The answers' exact bytes (draft, 4.4 and 4.5)."""
    assert protocol.framed(protocol.FAILURE) == b"\0\0\0\1\5"
    assert protocol.SUCCESS == b"\6"
    assert protocol.EXTENSION_FAILURE == b"\x1c"
    assert protocol.sign_response(b"ab") == b"\x0e\0\0\0\2ab"
    assert protocol.identities_answer([]) == b"\x0c\0\0\0\0"
    assert protocol.identities_answer([(b"k", "å")]) == b"\x0c\0\0\0\1\0\0\0\1k\0\0\0\2\xc3\xa5"
    many = protocol.identities_answer([(bytes(1000), "name")] * 100)
    assert len(many) <= protocol.MESSAGE_BYTES
    assert Unpacker(many[1:5]).uint32() == 64


@settings(deadline=None)
@given(st.integers(0, 2**600))
def test_integers(number: int) -> None:
    """An mpint comes back, and is as short as it can be (RFC 4251, 5)."""
    packed = mpint(number)
    assert Unpacker(packed).mpint() == number
    assert len(packed) == 4 + (number.bit_length() // 8 + 1 if number else 0)


def test_a_negative_integer() -> None:
    """No key and no signature has one."""
    with pytest.raises(MalformedError):
        Unpacker(string(b"\x80")).mpint()


def test_a_log_in() -> None:
    """Both forms of ssh's request are understood: the plain one, and the one that names the host's key."""
    assert meaning(log_in()) == LogIn(LOG_IN[0], "anna", "rsa-sha2-256", b"the key")
    bound = log_in(method=b"publickey-hostbound-v00@openssh.com", more=string(b"the host's"))
    assert meaning(bound) == LogIn(LOG_IN[0], "anna", "rsa-sha2-256", b"the key", b"the host's")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(32),
        b"\x20" * 256,
        log_in(number=51),
        log_in(signed=0),
        log_in(session=b""),
        log_in(session=bytes(19)),
        log_in(session=bytes(65)),
        log_in(service=b"ssh-userauth"),
        log_in(method=b"hostbased"),
        log_in(method=b"publickey-hostbound-v00@openssh.com"),
        log_in(more=string(b"host")),
        log_in(user=b"\xff"),
        log_in(user=b"a" * 256),
        log_in() + b"\0",
        log_in()[:-1],
        sshsig(namespace=b""),
        sshsig(namespace=b"n" * 256),
        sshsig(namespace=b"\xff"),
        sshsig(reserved=b"r"),
        sshsig(name=b"sha1", digest=bytes(20)),
        sshsig(name=b"sha256"),
        sshsig() + b"\0",
        sshsig()[:-1],
        # What else the same key might be asked for: TLS 1.3's CertificateVerify, and a certificate request's beginning.
        b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + bytes(48),
        b"\x30\x82\x02\x5a\x02\x01\x00" + bytes(600),
    ],
)
def test_what_is_neither(data: bytes) -> None:
    """A byte that is not as it should be, and other protocols' messages, mean nothing here."""
    assert meaning(data) is None


def test_a_signature_that_is_kept() -> None:
    """ssh-keygen's request is understood, with its namespace."""
    assert meaning(sshsig()) == Signature("file")
    assert meaning(sshsig(name=b"sha256", digest=bytes(32), namespace="på".encode())) == Signature("på")
