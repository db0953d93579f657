"""sithsd's own `pkcs11` backend on modules that nobody here wrote: OpenSC's on the simulated card, and SoftHSM2's.

What a card is must not hang on the way that it is read by: the same card, through both backends, field by field.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from sithsd.card import code_operations, operations, signature_operation
from sithsd.card.code_operations import Outcome, Turn
from sithsd.card.guard import Word
from sithsd.card.operations import Connection, ReadCard
from sithsd.card.profile import (
    Clearing,
    CodeRules,
    Counter,
    Evidence,
    KnownCode,
    ModuleSettings,
    Probe,
    Profile,
    VerifiedMeans,
    load_folder,
    shipped_folder,
)
from sithsd.card.registry import Registry
from sithsd.card.signature_operation import Signing
from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.worker import ReaderWorker
from sithsd.secret import Secret
from sithsd.values import KeyKind, Padding, Role, SignatureAlgorithm

T = TypeVar("T")

PIN, SIGNATURE_PIN, PUK, WRONG = b"123456", b"654321", b"12345678", b"111111"
RIGHT = {Role.AUTHENTICATION: PIN, Role.SIGNATURE: SIGNATURE_PIN}
SURE = Word(last_try=True, risk_card=True)
MESSAGE = b"What is signed here has no meaning."
RSA = [one for one in SignatureAlgorithm if one.key_kind is KeyKind.RSA]
PATIENCE = 30.0


def shipped(name: str) -> Profile:
    """Return a profile that comes with sithsd."""
    return next(one for one in load_folder(shipped_folder()) if one.name == name)


def is_valid(key: PublicKeyTypes, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes) -> bool:
    """Let the cryptography library check a signature."""
    how = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[algorithm.hash_name]
    before = utils.Prehashed(how)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(before))
        elif algorithm.padding is Padding.PSS:
            key.verify(signature, digest, padding.PSS(padding.MGF1(how), len(digest)), before)
        else:
            key.verify(signature, digest, padding.PKCS1v15(), before)
    except InvalidSignature:
        return False
    return True


def sign(
    connection: Connection, read: ReadCard, identifier: bytes, algorithm: SignatureAlgorithm, pin: bytes
) -> Outcome:
    """Sign with the key of a certificate, whose own key has to find the signature right."""
    der = next(one.der for one in read.contents.certificates if one.id == identifier)
    public = x509.load_der_x509_certificate(der).public_key()
    digest = hashlib.new(algorithm.hash_name, MESSAGE).digest()
    key = read.contents.key(identifier)
    assert key is not None
    wanted = Signing(key, algorithm, digest, lambda made: is_valid(public, algorithm, digest, made))
    with Secret(pin) as digits:
        return signature_operation.sign(Turn(connection, read, SURE), wanted, digits)


# OpenSC on the simulated card.


class Card:
    """The card on the table, used by a reader's worker as the daemon does, through one backend or the other."""

    def __init__(self, worker: ReaderWorker) -> None:
        self._worker = worker
        self.own = Registry([shipped("sim_pkcs15")])
        known = self.read(self.own).contents.codes
        self.module = Registry([self._through_opensc(known)])

    def run(self, operation: Callable[[Connection], T]) -> T:
        """Do something with the card in one transaction."""
        return asyncio.run(self._worker.run(operation, patience=PATIENCE))

    def read(self, registry: Registry) -> ReadCard:
        """Read the card."""
        return self.run(lambda connection: operations.read(connection, registry, lambda _: True))

    @staticmethod
    def _through_opensc(known: tuple[Any, ...]) -> Profile:
        """Return the shipped profile with what the card's own files say of its codes."""
        own, module = shipped("sim_pkcs15"), shipped("opensc_pkcs11")
        assert module.pkcs11 is not None
        fields = set(KnownCode.__struct_fields__)
        codes = [KnownCode(**{name: getattr(one, name) for name in fields}) for one in known]
        return msgspec.structs.replace(
            module,
            atr=own.atr,
            pkcs11=msgspec.structs.replace(module.pkcs11, serial="token-info"),
            codes=msgspec.structs.replace(own.codes, known=codes, labels=module.codes.labels),
        )


@pytest.fixture
def insert(table: Any, service_folder: Path) -> Iterator[Callable[[str], Card]]:
    """Put a card in, and give it to a worker."""
    service_folder.unlink(missing_ok=True)
    service_folder.symlink_to(table.stage.folder)
    worker = ReaderWorker(table.stage.reader_names[0])
    worker.start()

    made: list[Card] = []

    def put(name: str) -> Card:
        table.insert(name)
        made.append(Card(worker))
        return made[-1]

    yield put
    worker.stop()
    for card in made:
        card.module.close()


@pytest.mark.parametrize("name", ["ordinary", "ordinary-t0", "expired", "protected", "blocked"])
def test_the_same_card_through_both_backends(insert: Callable[[str], Card], name: str) -> None:
    """Serial number, label, maker, codes, certificates, keys and the codes' states are the same, field by field."""
    card = insert(name)
    own, other = card.read(card.own), card.read(card.module)
    assert other.identified.profile.backend == "pkcs11"
    mine, theirs = own.contents, other.contents
    for field in ("serial", "label", "manufacturer", "notes"):
        assert getattr(theirs, field) == getattr(mine, field), field
    # A module has no paths, and the token's label and number in the place of the card's own label and flag.
    nothing = {"path": None, "label": None, "initialized": None, "token": None}
    assert [replace(one, **nothing) for one in theirs.codes] == [replace(one, **nothing) for one in mine.codes]
    assert sorted(theirs.certificates, key=lambda one: one.id) == sorted(mine.certificates, key=lambda one: one.id)
    # Nor does it tell, before the code was given, what a key is called and whether it wants its code each time.
    unnamed = {"reference": None, "path": None, "consent": False}
    assert list(theirs.keys) == sorted((replace(one, **unnamed) for one in mine.keys), key=lambda one: one.id)
    assert other.codes == own.codes


@pytest.mark.parametrize("algorithm", RSA)
def test_both_backends_sign(insert: Callable[[str], Card], algorithm: SignatureAlgorithm) -> None:
    """Every key of the card, by every algorithm: the signature is its certificate's, whoever asked for it."""
    card = insert("ordinary")
    made: dict[bytes, set[bytes]] = {}
    for registry in (card.own, card.module):
        read = card.read(registry)
        for key in read.contents.keys:
            outcome = card.run(
                lambda connection, read=read, key=key: sign(connection, read, key.id, algorithm, RIGHT[key.role])
            )
            assert outcome.signature is not None
            made.setdefault(key.id, set()).add(outcome.signature)
    assert len(made) == 4
    # PKCS#1 v1.5 has one signature for one text, PSS never the same twice.
    assert {len(found) for found in made.values()} == ({2} if algorithm.padding is Padding.PSS else {1})


def test_both_backends_count_alike(insert: Callable[[str], Card]) -> None:
    """A wrong code, a change and an unblocking by one of them are seen by the other as its own."""
    card = insert("ordinary")
    own, other = card.read(card.own), card.read(card.module)
    ways = [own, other]

    def left(read: ReadCard) -> list[int | None]:
        return [one.tries_left for one in card.run(lambda connection: operations.code_states(connection, read))]

    for number, read in enumerate(ways, 1):
        with pytest.raises(SithsdError) as error, Secret(WRONG) as digits:
            card.run(
                lambda connection, read=read, digits=digits: code_operations.verify(
                    Turn(connection, read), Role.AUTHENTICATION, digits
                )
            )
        assert (error.value.code, error.value.tries_left) == (ErrorCode.PIN_WRONG, 3 - number)
        assert [left(each) for each in ways] == [[3 - number, 3, 10]] * 2
    with Secret(PUK) as puk, Secret(b"24681357") as new:
        card.run(lambda connection: code_operations.unblock(Turn(connection, other), Role.AUTHENTICATION, puk, new))
    with Secret(b"24681357") as old, Secret(b"135790") as new:
        card.run(lambda connection: code_operations.change(Turn(connection, own), Role.AUTHENTICATION, old, new))
    with Secret(b"135790") as digits:
        card.run(lambda connection: code_operations.verify(Turn(connection, other), Role.AUTHENTICATION, digits))
    assert [left(each) for each in ways] == [[3, 3, 10]] * 2


# SoftHSM2, which has no card and never blocks a PIN.


class NoReader:
    """A connection to nothing: what is there is in the module."""

    protocol, atr, pad, unanswered, reader = 1, b"\x3b\x00", None, False, "none"

    def __init__(self) -> None:
        self.resets = False
        self._farewells: list[Callable[[], None]] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer the SELECT of the probe."""
        assert command[1] == 0xA4
        return b"", 0x9000

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Lend nothing."""
        yield

    def note_code(self) -> None:
        """Note nothing."""

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Keep it."""
        self._farewells.append(farewell)

    def reset_on_release(self) -> None:
        """Note it."""
        self.resets = True

    def end(self) -> None:
        """End the operation."""
        while self._farewells:
            self._farewells.pop()()


IDS = {b"\x01": "rsa", b"\x02": "ec", b"\x03": "asks again"}


class SoftToken:
    """A SoftHSM2 token with three keys and their certificates, and the profile by which it is used."""

    def __init__(self, table: Any, forge: Any) -> None:
        found = sorted(Path("/usr/lib").rglob("libsofthsm2.so"))
        assert found, "softhsm2 is not installed (make setup installs it)"
        self._module, self._table = str(found[0]), table
        store = table.folder / "tokens"
        store.mkdir()
        conf = table.folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {store}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(conf)}
        self._tool(
            "softhsm2-util", "--init-token", "--free", "--label", "Soft (Legitimering)",
            "--so-pin", PUK.decode(), "--pin", PIN.decode(),
        )  # fmt: skip
        for identifier, kind in IDS.items():
            key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
            self._import(identifier, key, forge.person(key=key), always=kind == "asks again")
        self.registry = Registry(
            [
                Profile(
                    name="softhsm",
                    title="",
                    backend="pkcs11",
                    evidence=Evidence.JUDGED,
                    probe=[Probe(aid="A0 00 00 00 01")],
                    codes=CodeRules(
                        counter=Counter.UNKNOWN,
                        when_verified=VerifiedMeans.UNKNOWN,
                        clearing=Clearing.LOGOUT,
                        labels={Role.AUTHENTICATION: ["(legitimering)"]},
                    ),
                    pkcs11=ModuleSettings(
                        paths=[self._module], environment=self.environment, slots="all", unblocks=True, seconds=30
                    ),
                )
            ]
        )

    def run(self, operation: Callable[[NoReader], T]) -> T:
        """Do something in one operation."""
        reader = NoReader()
        try:
            return operation(reader)
        finally:
            reader.end()

    def read(self) -> ReadCard:
        """Read the token."""
        return self.run(lambda reader: operations.read(reader, self.registry, lambda _: True))

    def _import(self, identifier: bytes, key: Any, certificate: Any, *, always: bool) -> None:
        folder = self._table.folder
        plain = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "key.der").write_bytes(key.private_bytes(*plain))
        (folder / "certificate.der").write_bytes(certificate.der)
        write = ["pkcs11-tool", "--module", self._module, "--login", "--pin", "env:GIVEN", "--id", identifier.hex()]
        self._tool(*write, "--write-object", "certificate.der", "--type", "cert")
        more = ["--always-auth"] if always else []
        self._tool(*write, "--write-object", "key.der", "--type", "privkey", "--usage-sign", *more)

    def _tool(self, *command: str) -> None:
        done = self._table.tool(*command, codes={**self.environment, "GIVEN": PIN.decode()})
        assert done.returncode == 0, done.stderr


@pytest.fixture
def soft(table: Any, forge: Any) -> Iterator[SoftToken]:
    """Return a token in software."""
    made = SoftToken(table, forge)
    yield made
    made.registry.close()


def test_softhsm_is_read(soft: SoftToken) -> None:
    """Certificates and keys by their ids, kinds and sizes; the PIN by the label; what it does not tell is unknown."""
    read = soft.read()
    assert {one.id for one in read.contents.certificates} == set(IDS)
    kinds = {key.id: (key.kind, key.size) for key in read.contents.keys}
    assert kinds == {b"\x01": (KeyKind.RSA, 2048), b"\x02": (KeyKind.EC, 256), b"\x03": (KeyKind.RSA, 2048)}
    pin, puk = read.codes
    assert (pin.role, pin.tries_left, pin.not_last) == (Role.AUTHENTICATION, None, False)
    assert puk.role is Role.PUK
    assert read.contents.serial


@pytest.mark.parametrize("identifier", IDS, ids=IDS.get)
def test_softhsm_signs(soft: SoftToken, identifier: bytes) -> None:
    """RSA by PKCS#1 and PSS, ECDSA, and a key that wants its code again before each signature."""
    read = soft.read()
    kind = KeyKind.EC if IDS[identifier] == "ec" else KeyKind.RSA
    for algorithm in (one for one in SignatureAlgorithm if one.key_kind is kind):
        outcome = soft.run(lambda reader, algorithm=algorithm: sign(reader, read, identifier, algorithm, PIN))
        assert outcome.signature is not None


def test_softhsm_takes_the_right_code_alone(soft: SoftToken) -> None:
    """A wrong PIN is pin.wrong; it is changed, and set anew by the security officer's, through the same operations."""
    read = soft.read()

    def verify(code: bytes) -> ErrorCode | None:
        try:
            with Secret(code) as digits:
                soft.run(lambda reader: code_operations.verify(Turn(reader, read, SURE), Role.AUTHENTICATION, digits))
        except SithsdError as error:
            return error.code
        return None

    assert verify(WRONG) is ErrorCode.PIN_WRONG
    assert verify(PIN) is None
    with Secret(PIN) as old, Secret(b"246813") as new:
        soft.run(lambda reader: code_operations.change(Turn(reader, read, SURE), Role.AUTHENTICATION, old, new))
    assert [verify(code) for code in (PIN, b"246813")] == [ErrorCode.PIN_WRONG, None]
    with Secret(b"87654321") as puk, Secret(PIN) as new, pytest.raises(SithsdError) as error:
        soft.run(lambda reader: code_operations.unblock(Turn(reader, read, SURE), Role.AUTHENTICATION, puk, new))
    assert (error.value.code, error.value.role) == (ErrorCode.PUK_WRONG, Role.PUK)
    with Secret(PUK) as puk, Secret(PIN) as new:
        soft.run(lambda reader: code_operations.unblock(Turn(reader, read, SURE), Role.AUTHENTICATION, puk, new))
    assert verify(PIN) is None
