"""A PIN, one signature, and the card locked again: by every backend."""

import hashlib

import pytest
from card_bench import LAST_TRY, PINS, RIGHT, WRONG, Bench, Cut, Hand, Row, refused

from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.card.operations import ReadCard
from sithsd.card.profile import Counter
from sithsd.card.signature_operation import Signing
from sithsd.certificate import signature
from sithsd.certificate.read import Certificate
from sithsd.certificate.read import read as read_certificate
from sithsd.errors import ErrorCode
from sithsd.values import KeyKind, Role, SignatureAlgorithm

PKCS1 = SignatureAlgorithm.RSA_PKCS1_SHA256
RSA = [one for one in SignatureAlgorithm if one.key_kind is KeyKind.RSA]
MANAGE, PERFORM = 0x22, 0x2A
MESSAGE = b"a nonce"


def _certificate(read: ReadCard, role: Role) -> tuple[bytes, Certificate]:
    """Return the first certificate whose key is behind the code of that role, with its id."""
    found = next(one for one in read.contents.certificates if (key := read.contents.key(one.id)) and key.role is role)
    return found.id, read_certificate(found.der)


def signing(read: ReadCard, role: Role, algorithm: SignatureAlgorithm = PKCS1, *, valid: bool = True) -> Signing:
    """Return what is asked for; with `valid` False no signature is taken for one."""
    name, certificate = _certificate(read, role)
    key = read.contents.key(name)
    assert key is not None
    digest = hashlib.new(algorithm.hash_name, MESSAGE).digest()
    return Signing(
        key, algorithm, digest, lambda given: valid and signature.is_valid(certificate, algorithm, digest, given)
    )


def _performed(bench: Bench) -> list[int]:
    return [sent.ins for sent in bench.last.sent if sent.ins in {MANAGE, PERFORM}]


def test_every_key_is_found_with_its_code(row: Row) -> None:
    """Each of the holder's certificates has its key on the card, behind the code of its purpose."""
    read = row.read(row.bench())
    roles = {key.role for key in read.contents.keys}
    assert roles == set(PINS)
    assert all(key.kind is KeyKind.RSA and key.size == 2048 for key in read.contents.keys)
    assert {one.id for one in read.contents.certificates} >= {key.id for key in read.contents.keys}
    assert len(read.contents.keys) == len({key.id for key in read.contents.keys})


@pytest.mark.parametrize("algorithm", RSA)
@pytest.mark.parametrize("role", PINS)
def test_a_right_code_gives_a_signature(able: Row, role: Role, algorithm: SignatureAlgorithm) -> None:
    """The signature is the certificate's key's, by every algorithm; the PIN is sent once; the card is locked again.

    A module is given the PIN of a key that wants it before each signature once more (CKA_ALWAYS_AUTHENTICATE).
    """
    bench = able.bench(tries={role: 2})
    read = able.read(bench)
    wanted = signing(read, role, algorithm)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        outcome = hand.sign(wanted, RIGHT[role])
    assert outcome.signature is not None
    assert wanted.is_valid(outcome.signature)
    assert (outcome.state.role, outcome.state.verified) == (role, False)
    assert len(begun.codes_sent) == (able.codes_for_consent if role is Role.SIGNATURE else 1)
    assert (hand.trail.judged, hand.trail.done) == (None, [role])
    assert bench.locked()
    assert bench.tries()[role] == 3


def test_a_profile_that_does_not_know_how(unable: Row) -> None:
    """Where it is not known how the card signs no PIN is given, and nothing is asked of its keys."""
    bench = unable.bench()
    read = unable.read(bench)
    with bench.transaction():
        wanted = signing(read, Role.AUTHENTICATION)
        error = refused(lambda: Hand(bench.last, read).sign(wanted, RIGHT[Role.AUTHENTICATION]))
    assert error.code is ErrorCode.SIGNATURE_UNSUPPORTED
    assert bench.last.codes_sent == []
    assert _performed(bench) == []
    assert bench.locked()


@pytest.mark.parametrize("role", PINS)
def test_a_wrong_code_gives_none(able: Row, role: Role) -> None:
    """A wrong PIN is pin.wrong, costs one try, and nothing is asked of the key."""
    bench = able.bench()
    full = bench.tries()
    read = able.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        error = refused(lambda: hand.sign(signing(read, role), WRONG))
    assert (error.code, error.role, error.tries_left) == (ErrorCode.PIN_WRONG, role, able.told(2))
    assert (hand.trail.judged, hand.trail.done) == (role, [])
    assert _performed(bench) == []
    assert bench.tries() == full | {role: 2}
    assert bench.locked()


@pytest.mark.parametrize(
    ("tries", "word", "expected"),
    [
        (1, NOTHING_SAID, ErrorCode.PIN_LAST_TRY),
        (0, LAST_TRY, ErrorCode.PIN_BLOCKED),
        (2, Word(expected=3), ErrorCode.PIN_TRIES_CHANGED),
    ],
)
def test_the_guard_is_asked(able: Row, tries: int, word: Word, expected: ErrorCode) -> None:
    """What the guard refuses sends nothing, not even the right code."""
    bench = able.bench(tries={Role.SIGNATURE: tries})
    read = able.read(bench)
    with bench.transaction() as begun:
        error = refused(lambda: Hand(begun, read, word).sign(signing(read, Role.SIGNATURE), RIGHT[Role.SIGNATURE]))
    assert error.code is expected
    assert begun.codes_sent == []
    assert bench.tries()[Role.SIGNATURE] == tries


def test_a_counter_that_can_not_be_read(able: Row) -> None:
    """Without a counter it takes a person's word."""
    bench = able.bench()
    read = able.read(bench, Counter.UNKNOWN)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        error = refused(lambda: hand.sign(signing(read, Role.AUTHENTICATION), RIGHT[Role.AUTHENTICATION]))
    assert error.code is ErrorCode.PIN_TRIES_UNKNOWN
    assert begun.codes_sent == []


def test_a_malformed_code_never_reaches_the_card(row: Row) -> None:
    """What has not the form of a PIN is refused before any command."""
    bench = row.bench()
    read = row.read(bench)
    for malformed in (b"", b"12345", b"12345x", b"123456789"):
        with bench.transaction() as begun:
            hand = Hand(begun, read, LAST_TRY)
            error = refused(lambda hand=hand, code=malformed: hand.sign(signing(read, Role.SIGNATURE), code))
        assert error.code is ErrorCode.PIN_MALFORMED
        assert begun.sent == []


def test_a_signature_that_is_not_the_keys(able: Row) -> None:
    """What is not valid is signature.invalid and given to nobody; the PIN was right, and the card is reset."""
    bench = able.bench()
    read = able.read(bench)
    with bench.transaction() as begun:
        hand = Hand(begun, read)
        wanted = signing(read, Role.AUTHENTICATION, valid=False)
        error = refused(lambda: hand.sign(wanted, RIGHT[Role.AUTHENTICATION]))
    assert error.code is ErrorCode.SIGNATURE_INVALID
    assert begun.resets
    assert hand.trail.judged is None
    assert bench.tries()[Role.AUTHENTICATION] == 3
    assert bench.locked()


@pytest.mark.parametrize("lost", [False, True])
def test_a_card_taken_out_while_it_signs(able: Row, lost: bool) -> None:
    """The PIN was taken for certain, the signature never came: card.removed, with nothing in doubt."""
    whole = able.bench()
    read = able.read(whole)
    with whole.transaction() as begun:
        Hand(begun, read).sign(signing(read, Role.SIGNATURE), RIGHT[Role.SIGNATURE])
    at = next(number for number, sent in enumerate(begun.sent) if sent.ins == PERFORM) + lost
    bench = able.bench()
    read = able.read(bench)
    with bench.transaction(Cut(at, lost=lost)) as begun:
        hand = Hand(begun, read)
        error = refused(lambda: hand.sign(signing(read, Role.SIGNATURE), RIGHT[Role.SIGNATURE]))
    assert error.code is ErrorCode.CARD_REMOVED
    assert hand.trail.judged is None
    assert begun.resets
    bench.channel.insert()
    assert bench.locked()
    assert bench.tries()[Role.SIGNATURE] == 3


def test_one_code_is_not_another_keys(able: Row) -> None:
    """The code of one purpose opens no key of the other: each signature has its own."""
    bench = able.bench()
    read = able.read(bench)
    with bench.transaction() as begun:
        error = refused(lambda: Hand(begun, read).sign(signing(read, Role.SIGNATURE), RIGHT[Role.AUTHENTICATION]))
    assert (error.code, error.role) == (ErrorCode.PIN_WRONG, Role.SIGNATURE)
