"""Parts of the `pkcs11` backend that need no process: flags, refusals, keys, mechanisms, and the wire."""

import socket
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from sithsd.card import guard
from sithsd.card.backends.pkcs11 import keys, messages, outcomes, signing
from sithsd.card.backends.pkcs11.cryptoki import Mechanism, Rv, TokenFlag
from sithsd.card.backends.pkcs11.module import RefusedError
from sithsd.card.backends.pkcs11.states import from_flags
from sithsd.card.model import CardKey, CodeReference
from sithsd.card.profile import Activation, Evidence, ModuleSettings, Probe, Profile
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import CodeState, KeyKind, Role, SignatureAlgorithm

USER = (TokenFlag.USER_PIN_COUNT_LOW, TokenFlag.USER_PIN_FINAL_TRY, TokenFlag.USER_PIN_LOCKED)
OFFICER = (TokenFlag.SO_PIN_COUNT_LOW, TokenFlag.SO_PIN_FINAL_TRY, TokenFlag.SO_PIN_LOCKED)
RSA, EC = CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 2048), CardKey(b"E", Role.AUTHENTICATION, KeyKind.EC, 256)


def profile(*, flags_tell: bool = False, activation: Activation = Activation.UNKNOWN) -> Profile:
    """Return a profile of a module."""
    return Profile(
        name="made_up",
        title="",
        backend="pkcs11",
        evidence=Evidence.ASSUMED,
        probe=[Probe(aid="A0 00 00 00 01")],
        activation=activation,
        pkcs11=ModuleSettings(paths=["/module.so"], flags_tell=flags_tell),
    )


def state(role: Role, flags: int, *, flags_tell: bool = False) -> CodeState:
    """Return what flags tell."""
    return from_flags(CodeReference(role, -1), flags, profile(flags_tell=flags_tell))


@pytest.mark.parametrize(("role", "low", "final", "locked"), [(Role.SIGNATURE, *USER), (Role.PUK, *OFFICER)])
def test_flags(role: Role, low: TokenFlag, final: TokenFlag, locked: TokenFlag) -> None:
    """Locked is no try, final is one, low without final is more than one; no flag, and others' flags, are nothing."""
    told = {
        0: (None, None, False),
        low: (None, False, True),
        final: (1, False, False),
        low | final: (1, False, False),
        locked: (0, True, False),
        low | final | locked: (0, True, False),
    }
    others = sum(OFFICER if role is not Role.PUK else USER)
    for flags, expected in told.items():
        for more in (0, others, 0x40D & ~sum(USER)):
            seen = state(role, flags | more)
            assert (seen.tries_left, seen.blocked, seen.not_last) == expected


def test_no_flag_where_the_profile_says_that_flags_tell() -> None:
    """Then the last try has not come, of a PIN; of the PUK nothing follows all the same."""
    assert state(Role.SIGNATURE, 0, flags_tell=True).not_last
    assert state(Role.SIGNATURE, 0, flags_tell=True).blocked is False
    assert not state(Role.PUK, 0, flags_tell=True).not_last
    assert state(Role.PUK, 0, flags_tell=True).blocked is None


@given(flags=st.integers(0, 2**64 - 1), role=st.sampled_from(Role), flags_tell=st.booleans())
def test_the_guard_spends_no_last_try_by_flags(flags: int, role: Role, *, flags_tell: bool) -> None:
    """Whatever a module's flags are: unasked nothing is sent where they say final or locked, or nothing."""
    _, final, locked = OFFICER if role is Role.PUK else USER
    low = OFFICER[0] if role is Role.PUK else USER[0]
    try:
        guard.allow(state(role, flags, flags_tell=flags_tell), floor=3)
    except SithsdError:
        return
    assert not flags & (final | locked)
    assert flags & low or flags_tell
    assert role is not Role.PUK


@pytest.mark.parametrize(
    ("activation", "flags", "chosen"),
    [
        (Activation.UNKNOWN, 0, None),
        (Activation.UNKNOWN, TokenFlag.USER_PIN_INITIALIZED, None),
        (Activation.PUK, 0, False),
        (Activation.PUK, TokenFlag.USER_PIN_INITIALIZED, None),
        (Activation.TRANSPORT_PIN, 0, False),
        (Activation.TRANSPORT_PIN, TokenFlag.USER_PIN_INITIALIZED, True),
        (Activation.TRANSPORT_PIN, TokenFlag.USER_PIN_INITIALIZED | TokenFlag.USER_PIN_TO_BE_CHANGED, False),
    ],
)
def test_whether_a_pin_was_chosen(activation: Activation, flags: int, *, chosen: bool | None) -> None:
    """CKF_USER_PIN_TO_BE_CHANGED is a transport PIN on cards that have one; of the PUK flags say nothing of this."""
    for role, expected in ((Role.AUTHENTICATION, chosen), (Role.PUK, None)):
        assert from_flags(CodeReference(role, -1), flags, profile(activation=activation)).activated is expected


@given(rv=st.one_of(st.sampled_from(Rv), st.integers(0, 2**32 - 1)), role=st.sampled_from(Role), at_pad=st.booleans())
def test_only_the_tokens_own_word_is_certain(rv: int, role: Role, *, at_pad: bool) -> None:
    """Wrong and blocked are two return values; whatever is not known for clear leaves the outcome open."""
    error = outcomes.meaning(RefusedError(messages.Refused(call="C_Login", rv=rv)), role, at_pad=at_pad)
    assert error.role is role
    wrong = {ErrorCode.PIN_WRONG, ErrorCode.PUK_WRONG}
    assert (error.code in wrong) is (rv == Rv.PIN_INCORRECT)
    if rv in {Rv.GENERAL_ERROR, Rv.DEVICE_ERROR, Rv.DEVICE_REMOVED, Rv.FUNCTION_FAILED, Rv.SESSION_HANDLE_INVALID}:
        assert error.code is ErrorCode.MODULE_FAILED
    if rv not in set(Rv):
        assert error.code is ErrorCode.MODULE_FAILED
    assert (error.code is ErrorCode.PINPAD_CANCELLED) is (rv == Rv.FUNCTION_CANCELED and at_pad)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
@pytest.mark.parametrize("key", [RSA, EC], ids=["rsa", "ec"])
def test_ways_to_sign(key: CardKey, algorithm: SignatureAlgorithm) -> None:
    """A key signs by its own kind of algorithm, with a mechanism that the token has, and by no other."""
    every = list(Mechanism)
    if algorithm.key_kind is not key.kind:
        with pytest.raises(SithsdError) as error:
            signing.find_way(every, key, algorithm)
        assert error.value.code is ErrorCode.SIGNATURE_UNSUPPORTED
        return
    way = signing.find_way(every, key, algorithm)
    digest = bytes(algorithm.digest_length)
    made = signing.request(way, key, algorithm, digest)
    assert (made.key, made.mechanism) == (b"E", way.mechanism)
    if key.kind is KeyKind.EC:
        assert made.data == digest[:32]
    with pytest.raises(SithsdError):
        signing.find_way([], key, algorithm)


def test_pss_by_the_module_or_by_us() -> None:
    """With CKM_RSA_PKCS_PSS the module pads, told of hash and salt; with CKM_RSA_X_509 alone the block is ours."""
    algorithm = SignatureAlgorithm.RSA_PSS_SHA384
    digest = bytes(range(48))
    made = signing.request(signing.find_way(list(Mechanism), RSA, algorithm), RSA, algorithm, digest)
    assert (made.mechanism, made.data, made.hash_name, made.salt) == (Mechanism.RSA_PKCS_PSS, digest, "sha384", 48)
    made = signing.request(signing.find_way([Mechanism.RSA_X_509], RSA, algorithm), RSA, algorithm, digest)
    assert (made.mechanism, len(made.data), made.data[-1], made.hash_name) == (Mechanism.RSA_X_509, 256, 0xBC, None)


def test_a_key_that_is_too_short_for_pss() -> None:
    """It is refused before a code is given, whoever pads."""
    short = CardKey(b"E", Role.AUTHENTICATION, KeyKind.RSA, 1024)
    for mechanisms in ([Mechanism.RSA_X_509], [Mechanism.RSA_PKCS_PSS]):
        assert signing.find_way(mechanisms, short, SignatureAlgorithm.RSA_PSS_SHA384)
        with pytest.raises(SithsdError) as error:
            signing.find_way(mechanisms, short, SignatureAlgorithm.RSA_PSS_SHA512)
        assert error.value.code is ErrorCode.SIGNATURE_UNSUPPORTED


def test_what_becomes_of_a_signature() -> None:
    """RSA as it is, of the modulus's length; r and s of ECDSA as DER; anything else is none."""
    assert signing.result(RSA, b"x" * 256) == b"x" * 256
    raw = b"\x00" * 31 + b"\x07" + b"\xff" * 32
    assert decode_dss_signature(signing.result(EC, raw)) == (7, 2**256 - 1)
    for key, odd in ((RSA, b"x" * 255), (RSA, b""), (EC, b""), (EC, b"x" * 63)):
        with pytest.raises(SithsdError) as error:
            signing.result(key, odd)
        assert error.value.code is ErrorCode.CARD_UNREADABLE


@pytest.mark.parametrize(
    ("rv", "code"),
    [
        (Rv.MECHANISM_INVALID, ErrorCode.SIGNATURE_UNSUPPORTED),
        (Rv.USER_NOT_LOGGED_IN, ErrorCode.CARD_REFUSED),
        (None, ErrorCode.CARD_REFUSED),
    ],
)
def test_a_signature_that_was_not_made(rv: Rv | None, code: ErrorCode) -> None:
    """A mechanism that the token turns down is signature.unsupported, everything else card.refused."""
    assert signing.meaning(RefusedError(messages.Refused(call="C_Sign", rv=rv))).code is code


def test_keys_by_their_certificates(forge: object) -> None:
    """Each certificate with a key of a known kind has one; where keys are shown, only those that are."""
    made = {
        b"1": forge.make("rsa", key=rsa.generate_private_key(65537, 2048)),
        b"2": forge.make("ec", key=ec.generate_private_key(ec.SECP384R1())),
    }
    certificates = [messages.Certificate(id=name, label="", der=one.der) for name, one in made.items()]
    certificates += [messages.Certificate(id=b"3", label="", der=b"\x30\x00"), certificates[0]]
    told = keys.of_token(messages.Objects(certificates=certificates, keys=[]), Role.SIGNATURE)
    assert told == [
        CardKey(b"1", Role.SIGNATURE, KeyKind.RSA, 2048),
        CardKey(b"2", Role.SIGNATURE, KeyKind.EC, 384),
    ]
    told = keys.of_token(messages.Objects(certificates=certificates, keys=[b"2", b"9"]), Role.SIGNATURE)
    assert [key.id for key in told] == [b"2"]
    merged = keys.merged([*told, CardKey(b"1", Role.AUTHENTICATION, KeyKind.RSA), *told])
    assert [key.id for key in merged] == [b"1", b"2"]


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a wire."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_request_with_its_codes(wire: tuple[socket.socket, socket.socket]) -> None:
    """Request, seconds and codes come over; the codes are no part of the message."""
    ours, theirs = wire
    with Secret(b"123456") as old, Secret(b"24681357") as new:
        messages.send_request(ours, messages.SetPin(), 5.0, [old, new])
        raw = theirs.recv(1000, socket.MSG_PEEK)
        seconds, request, codes = messages.receive_request(theirs, 5.0)
    assert (seconds, request) == (5.0, messages.SetPin())
    assert [bytes(code.reveal()) for code in codes] == [b"123456", b"24681357"]
    length = int.from_bytes(raw[:4], "big")
    assert b"123456" not in raw[: 5 + length]


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff\x00",
        b"\x00\x00\x00\x01\x09x",
        b"\x00\x00\x00\x04\x00junk",
        b"\x00\x00\x00\x00\x00",
        b"\x00\x00\x00\x01\x01\xc0\x03abc",
    ],
)
def test_nonsense_on_the_wire(wire: tuple[socket.socket, socket.socket], raw: bytes) -> None:
    """Frames that are too long, carry too much, or are no message are refused, in both directions."""
    ours, theirs = wire
    for receive in (
        lambda: messages.receive_reply(ours, time.monotonic() + 5),
        lambda: messages.receive_request(ours, 5),
    ):
        theirs.sendall(raw)
        with pytest.raises(messages.WireError):
            receive()


def test_a_frame_in_pieces_and_one_that_never_ends(wire: tuple[socket.socket, socket.socket]) -> None:
    """What comes byte by byte is one message; what stops in the midst is late, and what is cut off is closed."""
    ours, theirs = wire
    body = msgspec.msgpack.encode(messages.Done())
    frame = len(body).to_bytes(4, "big") + b"\0" + body

    def drip() -> None:
        for byte in frame:
            theirs.sendall(bytes([byte]))

    hand = threading.Thread(target=drip)
    hand.start()
    assert messages.receive_reply(ours, time.monotonic() + 30) == messages.Done()
    hand.join()
    theirs.sendall(frame[:-1])
    with pytest.raises(messages.LateError):
        messages.receive_reply(ours, time.monotonic() + 0.05)
    theirs.close()
    with pytest.raises(messages.ClosedError):
        messages.receive_reply(ours, time.monotonic() + 30)


def test_every_request_and_reply_is_told_apart() -> None:
    """Each has its own tag."""
    kinds = [*messages.Request.__args__, *messages.Reply.__args__]
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)
