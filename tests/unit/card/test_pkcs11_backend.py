"""The `pkcs11` backend over a module that does as it is told; the card behind it is of no account here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sithsd import trusted
from sithsd.card import code_operations, operations
from sithsd.card.backends.pkcs11 import backend as pkcs11_backend
from sithsd.card.backends.pkcs11 import messages
from sithsd.card.backends.pkcs11.backend import Pkcs11Backend
from sithsd.card.backends.pkcs11.module import RefusedError
from sithsd.card.code_operations import Turn
from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.card.model import CodeReference
from sithsd.card.operations import ReadCard
from sithsd.card.profile import Activation, CodeRules, Evidence, ModuleSettings, Probe, Profile, ProfileError
from sithsd.card.registry import Registry
from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.attributes import ReaderFacts
from sithsd.secret import Secret
from sithsd.values import Role

READER = "Awkward Reader"
PIN, WRONG = b"123456", b"111111"
SURE = Word(last_try=True)
AUTHENTICATION = Role.AUTHENTICATION


class Reader:
    """A reader with a card that answers every command with success; it keeps what it was asked and when it was lent."""

    protocol = 1
    atr = b"\x3b\x00"
    pad = None
    unanswered = False

    def __init__(self, reader: str = READER) -> None:
        self.reader = reader
        self.said: list[str] = []
        self.resets = False
        self.gone = False
        self.farewells: list[Callable[[], None]] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer, unless the card is gone."""
        self.said.append(f"{command[1]:02X}")
        if self.gone:
            raise SithsdError(ErrorCode.CARD_REMOVED, "gone")
        return b"", 0x9000

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Lend the card."""
        self.said.append("lent")
        yield
        self.said.append("back")

    def note_code(self) -> None:
        """Note a code."""
        self.said.append("code")

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Keep what is to be called at the end."""
        self.farewells.append(farewell)

    def reset_on_release(self) -> None:
        """Note that the card is to be reset."""
        self.resets = True

    def reader_facts(self) -> ReaderFacts:
        """Tell nothing."""
        return ReaderFacts(self.protocol)

    def end(self) -> None:
        """End the operation."""
        while self.farewells:
            self.farewells.pop()()


class House:
    """The profile, its backend, and the module's orders."""

    def __init__(self, module: Path, orders: Path, **settings: object) -> None:
        self.orders = orders
        activation = settings.pop("activation", Activation.UNKNOWN)
        words = settings.pop("words", ["(legitimering)"])
        self.profile = Profile(
            name="awkward",
            title="",
            backend="pkcs11",
            evidence=Evidence.ASSUMED,
            probe=[Probe(aid="A0 00 00 00 01")],
            activation=activation,
            codes=CodeRules(labels={AUTHENTICATION: words, Role.SIGNATURE: ["(underskrift)"]}),
            pkcs11=ModuleSettings(
                paths=[str(module)],
                environment={"AWKWARD_ORDERS": str(orders)},
                **{"flags_tell": True, "seconds": 30.0} | settings,
            ),
        )
        self.registry = Registry([self.profile])
        self.order()

    def order(self, **orders: str) -> None:
        """Replace the module's orders."""
        self.orders.write_text("".join(f"{name} {what}\n" for name, what in orders.items()))

    def read(self) -> ReadCard:
        """Read the card, in an operation of its own."""
        reader = Reader()
        try:
            return operations.read(reader, self.registry, lambda _: True)
        finally:
            reader.end()

    def verify(
        self, read: ReadCard, code: bytes = PIN, word: Word = NOTHING_SAID
    ) -> tuple[SithsdError | None, Reader, Turn]:
        """Give a PIN, in an operation of its own; return how it ended."""
        reader = Reader()
        turn = Turn(reader, read, word)
        try:
            with Secret(code) as digits:
                code_operations.verify(turn, AUTHENTICATION, digits)
        except SithsdError as error:
            return error, reader, turn
        finally:
            reader.end()
        return None, reader, turn


@pytest.fixture
def new_house(awkward_module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    """Make a house with settings of the module; whose file it is has tests of its own (test_trusted)."""
    monkeypatch.setattr(trusted, "library", lambda path: path)
    made: list[House] = []

    def make(**settings: object) -> House:
        made.append(House(awkward_module, tmp_path / f"orders{len(made)}", **settings))
        return made[-1]

    yield make
    for house in made:
        house.registry.close()


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    """Return a house whose module's flags tell."""
    return new_house()


def test_a_card_is_what_its_tokens_show(house: House) -> None:
    """The token's label names the PIN, its serial number the card; lengths are the token's; flags tell of the tries."""
    read = house.read()
    contents = read.contents
    assert (contents.serial, contents.label, contents.manufacturer) == ("00AB12", "Card (Legitimering)", "Maker")
    (code,) = contents.codes
    assert code == CodeReference(
        AUTHENTICATION, -1, min_length=6, max_length=8, label="Card (Legitimering)", token="00ab12"
    )
    (state,) = read.codes
    assert (state.tries_left, state.not_last, state.blocked) == (None, True, False)
    assert [(one.id, one.der.hex()) for one in contents.certificates] == [(b"E", "3003020101")]


def test_a_token_that_nobody_knows_has_no_code(new_house: Callable[..., House]) -> None:
    """A label that the profile has no words for is noted, and its PIN can't be used."""
    contents = new_house(words=["other"]).read().contents
    assert (contents.codes, contents.keys, contents.notes) == ((), (), ("code.unrecognised",))
    contents = new_house(words=["legitimering", "card"]).read().contents
    assert len(contents.codes) == 1


def test_the_card_is_lent_for_each_question_and_had_again(house: House) -> None:
    """While the module is asked we hold nothing; after what is to be believed we look whether the card is there."""
    read = house.read()
    error, reader, _ = house.verify(read)
    assert error is None
    assert reader.said.count("lent") == reader.said.count("back")
    code = reader.said.index("code")
    assert reader.said[code - 1] == "lent", "the code is given in the loan in which the token was looked at"
    assert reader.said.count("code") == 1
    # Proof by the serial number, the guard's look, the code, and the log-out. Each believed answer has its SELECT.
    assert reader.said[:6] == ["lent", "back", "A4", "lent", "back", "A4"]
    assert reader.resets, "nothing but a reset is sure to lock a card that can't be asked"


def test_a_wrong_code(house: House) -> None:
    """It is pin.wrong, once; flags tell then that the last try has not come, that it has, and that it went."""
    read = house.read()
    for left in (None, 1):
        error, reader, turn = house.verify(read, WRONG)
        assert error is not None
        assert (error.code, error.tries_left) == (ErrorCode.PIN_WRONG, left)
        assert (turn.trail.judged, reader.said.count("code")) == (AUTHENTICATION, 1)
    error, reader, turn = house.verify(read)
    assert error is not None
    assert (error.code, turn.trail.judged, "code" in reader.said) == (ErrorCode.PIN_LAST_TRY, None, False)
    error, _, _ = house.verify(read, WRONG, SURE)
    assert error is not None
    assert (error.code, error.tries_left) == (ErrorCode.PIN_WRONG, 0)
    error, _, _ = house.verify(read, PIN, SURE)
    assert error is not None
    assert (error.code, error.tries_left) == (ErrorCode.PIN_BLOCKED, 0)


def test_flags_that_tell_nothing(new_house: Callable[..., House]) -> None:
    """Where the profile does not say that the flags tell, no flag is no knowledge; a low counter that is shown is."""
    house = new_house(flags_tell=False)
    read = house.read()
    error, _, _ = house.verify(read)
    assert error is not None
    assert error.code is ErrorCode.PIN_TRIES_UNKNOWN
    error, _, _ = house.verify(read, WRONG, SURE)
    assert error is not None
    assert error.code is ErrorCode.PIN_WRONG
    assert house.verify(read)[0] is None, "one wrong code, and not the final try: that rules the last one out"


def test_tries_that_went_between_the_look_and_the_code(house: House) -> None:
    """Another program may come in while the card is lent: when the last try has come since, nothing is sent."""
    read = house.read()
    backend = read.backend
    code = read.contents.codes[0]
    reader = Reader()
    (state,) = backend.code_states(reader, [code])
    assert state.not_last
    module = backend._turns[READER].module
    opened = messages.Open(reader=READER, label=code.label, serial=code.token)
    module.ask(opened, messages.Token, 30)
    for _ in range(2):
        with Secret(WRONG) as digits, pytest.raises(RefusedError):
            module.ask(messages.Login(user=1), messages.Done, 30, [digits])
    with Secret(PIN) as digits, pytest.raises(SithsdError) as changed:
        backend.verify(reader, code, digits)
    reader.end()
    assert (changed.value.code, changed.value.tries_left) == (ErrorCode.PIN_TRIES_CHANGED, 1)
    assert "code" not in reader.said


@pytest.mark.parametrize("order", ["hang", "crash", "exit", "30", "5", "50", "B3"])
def test_a_module_that_fails_with_the_code(new_house: Callable[..., House], order: str) -> None:
    """Whatever happens to a module that has the code: nobody knows, card.outcomeUnknown, the card is reset, once."""
    house = new_house(seconds=1.0 if order == "hang" else 30.0)
    read = house.read()
    house.order(C_Login=order)
    error, reader, turn = house.verify(read)
    assert error is not None
    assert (error.code, error.role) == (ErrorCode.CARD_OUTCOME_UNKNOWN, AUTHENTICATION)
    assert (turn.trail.judged, turn.trail.done) == (AUTHENTICATION, [])
    assert reader.resets
    assert reader.said.count("code") == 1
    house.order()
    assert house.verify(read)[0] is None, "the next call starts a new process"


@pytest.mark.parametrize(
    ("orders", "code"),
    [
        ({"C_OpenSession": "hang"}, ErrorCode.MODULE_TIMEOUT),
        ({"C_OpenSession": "crash"}, ErrorCode.MODULE_FAILED),
        ({"C_OpenSession": "30"}, ErrorCode.CARD_UNREADABLE),
        ({"C_GetTokenInfo": "E0"}, ErrorCode.CARD_CHANGED),
    ],
)
def test_a_module_that_fails_before_the_code(
    new_house: Callable[..., House], orders: dict[str, str], code: ErrorCode
) -> None:
    """Before the module has the code it is named as what it is, and nothing is in doubt."""
    house = new_house(seconds=1.0 if "hang" in orders.values() else 30.0)
    read = house.read()
    house.order(**orders)
    error, reader, turn = house.verify(read)
    assert error is not None
    assert error.code is code
    assert (turn.trail.judged, "code" in reader.said) == (None, False)


@pytest.mark.parametrize("order", ["A1", "A2", "A3", "7", "54", "103"])
def test_a_clear_refusal(house: House, order: str) -> None:
    """What the module says clearly that it did not do is card.refused; what the card did before is not said."""
    read = house.read()
    house.order(C_Login=order)
    error, reader, _ = house.verify(read)
    assert error is not None
    assert (error.code, reader.resets) == (ErrorCode.CARD_REFUSED, True)


@pytest.mark.parametrize(("order", "code"), [("A4", ErrorCode.PIN_BLOCKED), ("102", ErrorCode.PIN_NOT_ACTIVATED)])
def test_the_tokens_word(house: House, order: str, code: ErrorCode) -> None:
    """CKR_PIN_LOCKED and CKR_USER_PIN_NOT_INITIALIZED are the token's own word on the PIN."""
    read = house.read()
    house.order(C_Login=order)
    error, reader, _ = house.verify(read)
    assert error is not None
    assert (error.code, reader.resets) == (code, False)


def test_a_card_that_is_gone_is_told_as_gone(house: House) -> None:
    """Whatever the module makes of it, a card that was taken out is card.removed."""
    house.read()
    house.order(C_GetTokenInfo="30")
    for reader in (Reader(), Reader()):
        reader.gone = True
        with pytest.raises(SithsdError) as error:
            house.registry._entries[0][1].serial(reader)
        reader.end()
        assert error.value.code is ErrorCode.CARD_REMOVED
        house.order(C_GetTokenInfo="E0")


def test_unblocking_by_a_module_that_can_not(new_house: Callable[..., House]) -> None:
    """It is unblock.notByModule: by the profile, before anything is asked; or by the module's own word."""
    for unblocks in (False, True):
        house = new_house(unblocks=unblocks)
        read = house.read()
        assert (read.contents.code(Role.PUK) is not None) is unblocks
        reader = Reader()
        word = Word(last_try=True, risk_card=True)
        with Secret(PIN) as puk, Secret(b"246813") as new, pytest.raises(SithsdError) as error:
            code_operations.unblock(Turn(reader, read, word), AUTHENTICATION, puk, new)
        reader.end()
        assert error.value.code is ErrorCode.UNBLOCK_NOT_BY_MODULE
        assert (reader.said == []) is not unblocks
        assert reader.resets is unblocks


def test_whether_a_pin_was_chosen(new_house: Callable[..., House]) -> None:
    """CKF_USER_PIN_INITIALIZED is looked at where the profile knows how such cards are activated, and nowhere else."""
    for activation, told in ((Activation.UNKNOWN, None), (Activation.PUK, None), (Activation.TRANSPORT_PIN, True)):
        (state,) = new_house(activation=activation).read().codes
        assert state.activated is told


def test_each_reader_has_a_process_of_its_own(house: House) -> None:
    """A module that hangs over one card does not hold up another reader's."""
    backend = house.registry._entries[0][1]
    for name in ("one", "two", "one"):
        reader = Reader(name)
        with pytest.raises(SithsdError, match="no token"):
            backend.serial(reader)
        reader.end()
    assert len({turn.module.pid for turn in backend._turns.values()} - {None}) == 2


def test_readers_that_come_and_go_leave_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has ended is forgotten with its reader, when there are many."""
    monkeypatch.setattr(pkcs11_backend, "_MOST_TURNS", 3)
    backend = house.registry._entries[0][1]
    for number in range(8):
        reader = Reader(f"reader {number}")
        with pytest.raises(SithsdError, match="no token"):
            backend.serial(reader)
        reader.end()
        backend._turns[reader.reader].module.end()
    assert len(backend._turns) <= 3


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    """The profile fits no card on this machine, and it is told why; another one is asked as if this were not there."""
    absent = House(Path("/nowhere/absent.so"), tmp_path / "orders")
    plain = Profile(
        name="z_plain", title="", backend="pkcs15", evidence=Evidence.ASSUMED, probe=[Probe(aid="A0 00 00 00 01")]
    )
    registry = Registry([absent.profile, plain])
    assert list(registry.obstacles()) == ["awkward"]
    assert "not installed" in registry.obstacles()["awkward"]
    reader = Reader()
    assert registry.identify(reader, b"\x3b\x00").profile.name == "z_plain"
    with pytest.raises(SithsdError) as error:
        Registry([absent.profile]).identify(reader, b"\x3b\x00")
    (passed,) = error.value.passed_over
    assert (passed.profile, passed.application) == ("awkward", None)
    assert "not installed" in passed.obstacle
    with pytest.raises(SithsdError) as error:
        Pkcs11Backend(absent.profile).serial(reader)
    assert error.value.code is ErrorCode.MODULE_FAILED


def test_a_module_that_others_could_exchange(tmp_path: Path) -> None:
    """It is not loaded: whoever can write the file could run any code in the process that gets codes."""
    module = tmp_path / "module.so"
    module.write_bytes(b"")
    module.chmod(0o666)
    house = House(module, tmp_path / "orders")
    assert "not to be trusted" in house.registry.obstacles()["awkward"]


def test_a_way_of_our_own_comes_before_a_module(house: House) -> None:
    """Of two profiles that fit, the one without a module is taken, whatever their names; an ATR goes before both."""
    plain = Profile(
        name="z_plain", title="", backend="pkcs15", evidence=Evidence.ASSUMED, probe=[Probe(aid="A0 00 00 00 01")]
    )
    assert Registry([house.profile, plain]).identify(Reader(), b"\x3b\x00").profile is plain


def test_the_table_belongs_to_the_backend(house: House) -> None:
    """A backend without its settings is refused at once."""
    fields = {name: getattr(house.profile, name) for name in house.profile.__struct_fields__}
    with pytest.raises(ValueError, match="belongs to the backend"):
        Profile(**fields | {"pkcs11": None})
    with pytest.raises(ProfileError, match="missing"):
        Pkcs11Backend(Profile(**fields | {"backend": "pkcs15", "pkcs11": None}))
