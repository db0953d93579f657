"""The process that a PKCS#11 module lives in: what it may do there, and what becomes of the daemon's call then."""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from sithsd.card.backends.pkcs11 import messages
from sithsd.card.backends.pkcs11.cryptoki import Rv, User
from sithsd.card.backends.pkcs11.module import Module, RefusedError
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret

# Far more than anything here takes; where something is to take too long it is less.
PATIENT, SHORT = 30.0, 0.5
READER = "Awkward Reader"
LABEL, SERIAL = "Card (Legitimering)", "00ab12"
OPEN = messages.Open(reader=READER, label=LABEL, serial=SERIAL)


class Orders:
    """What the module is told to do at which of its functions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")

    def give(self, **orders: str) -> None:
        """Replace the orders."""
        self.path.write_text("".join(f"{name} {what}\n" for name, what in orders.items()))


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    """Return the module's orders, none at first."""
    return Orders(tmp_path / "orders")


@pytest.fixture
def module(awkward_module: Path, orders: Orders) -> Iterator[Module]:
    """Return the awkward module in a process of its own, which is not started yet."""

    class Closing(Module):
        def close(self) -> None:
            self.end()

    with closing(Closing(str(awkward_module), {"AWKWARD_ORDERS": str(orders.path)})) as made:
        yield made


def look(module: Module, seconds: float = PATIENT) -> list[messages.Token]:
    """Ask for the tokens, as an operation does."""
    module.begin(seconds)
    return module.ask(messages.Look(reader=READER), messages.Tokens, seconds).tokens


def failure(action: Callable[[], object]) -> SithsdError:
    """Return the named error that something ends with."""
    with pytest.raises(SithsdError) as caught:
        action()
    return caught.value


def gone(pid: int) -> bool:
    """Tell whether a process has ended, and was reaped."""
    return not Path(f"/proc/{pid}").exists()


def test_tokens_and_objects(module: Module) -> None:
    """What the module shows comes over whole: tokens with flags and lengths, certificates with id and label."""
    (token,) = look(module)
    assert (token.label, token.serial, token.manufacturer, token.model) == (LABEL, SERIAL, "Maker", "Model")
    assert (token.flags, token.min_length, token.max_length) == (0x40D, 6, 8)
    objects = module.ask(messages.Read(slot=token.slot), messages.Objects, PATIENT)
    assert [(one.id, one.label, one.der.hex()) for one in objects.certificates] == [(b"E", "Label", "3003020101")]
    assert objects.keys == []


def test_another_reader_has_no_token(module: Module) -> None:
    """A slot is that of the reader whose name it is described by; a name that is too long for it is cut off."""
    module.begin(PATIENT)
    for reader in ("Awkward", "Awkward Reader 01", READER + " " * 60 + "x"):
        found = module.ask(messages.Look(reader=reader), messages.Tokens, PATIENT).tokens
        assert [one.label for one in found] == ([LABEL] if reader.startswith(READER + "  ") else [])


def test_a_code_comes_over_as_it_is_and_is_the_callers_to_wipe(module: Module) -> None:
    """The right code opens, a wrong one is the module's own word; the sender's buffer is left as it was."""
    look(module)
    module.ask(OPEN, messages.Token, PATIENT)
    with Secret(b"123456") as right, Secret(b"654321") as wrong:
        login = messages.Login(user=User.USER)
        with pytest.raises(RefusedError) as refused:
            module.ask(login, messages.Done, PATIENT, [wrong])
        assert (refused.value.refused.call, refused.value.refused.rv) == ("C_Login", Rv.PIN_INCORRECT)
        module.ask(login, messages.Done, PATIENT, [right])
        assert right.reveal() == b"123456"
    assert module.ask(messages.Logout(), messages.Closed, PATIENT).logged_out
    assert not module.ask(messages.Logout(), messages.Closed, PATIENT).logged_out


@pytest.mark.parametrize("where", ["C_Initialize", "C_GetSlotList", "C_GetTokenInfo"])
@pytest.mark.parametrize(("order", "how"), [("crash", "SIGSEGV"), ("exit", "status 3"), ("scribble", "")])
def test_a_module_that_ends_its_process(module: Module, orders: Orders, where: str, order: str, how: str) -> None:
    """A crash, an exit and nonsense on the wire are module.failed and how; the next call has a new process."""
    look(module)
    before = module.pid
    module.finish()
    orders.give(**{where: order})
    error = failure(lambda: look(module))
    assert error.code is ErrorCode.MODULE_FAILED
    assert how in error.detail
    assert error.retryable
    assert module.pid is None
    orders.give()
    assert look(module)[0].label == LABEL
    assert module.pid not in {None, before}
    assert before is not None
    assert gone(before)


@pytest.mark.parametrize("where", ["C_Initialize", "C_GetSlotList"])
def test_a_module_that_hangs(module: Module, orders: Orders, where: str) -> None:
    """It is ended at the deadline: module.timeout; the process is gone for good, and the next call has a new one."""
    orders.give(**{where: "hang"})
    begun = time.monotonic()
    error = failure(lambda: look(module, SHORT))
    assert (error.code, error.retryable, module.pid) == (ErrorCode.MODULE_TIMEOUT, True, None)
    assert time.monotonic() - begun >= SHORT
    orders.give()
    assert look(module)[0].label == LABEL


def test_one_that_hangs_at_its_end_is_followed_by_another(module: Module, orders: Orders) -> None:
    """C_Finalize belongs to the operation that is over: if it hangs or crashes the next one does not suffer from it."""
    for order in ("hang", "crash", "exit", "5"):
        orders.give(C_Finalize=order)
        look(module)
        module.finish()
        orders.give()
        assert look(module, 2.0)[0].label == LABEL


def test_an_operation_ends_without_a_session(module: Module) -> None:
    """What one operation opened is closed when the next begins, in the same process."""
    look(module)
    module.ask(OPEN, messages.Token, PATIENT)
    pid = module.pid
    module.finish()
    assert look(module)
    assert module.pid == pid
    with pytest.raises(RefusedError, match="no session"), Secret(b"123456") as code:
        module.ask(messages.Login(user=User.USER), messages.Done, PATIENT, [code])


def test_a_process_that_is_killed_between_two_operations_is_not_noticed(module: Module) -> None:
    """Nothing was asked of it: the next operation has a new one, without an error."""
    look(module)
    module.finish()
    assert module.pid is not None
    os.kill(module.pid, signal.SIGKILL)
    assert look(module)[0].label == LABEL


def test_a_process_that_ends_within_an_operation_is(module: Module) -> None:
    """What a session of it had is lost: module.failed, not a new process that knows nothing of it."""
    look(module)
    assert module.pid is not None
    os.kill(module.pid, signal.SIGKILL)
    error = failure(lambda: module.ask(messages.Look(reader=None), messages.Tokens, PATIENT))
    assert error.code is ErrorCode.MODULE_FAILED
    error = failure(lambda: module.ask(messages.Look(reader=None), messages.Tokens, PATIENT))
    assert (error.code, module.pid) == (ErrorCode.MODULE_FAILED, None)


@pytest.mark.parametrize(
    ("orders_given", "request_", "reason"),
    [
        ({"C_GetSlotList": "endless"}, "look", "more slots"),
        ({"C_GetSlotList": "huge"}, "look", "MemoryError"),
        ({"C_FindObjects": "endless"}, "read", "more objects"),
        ({"C_GetAttributeValue": "huge"}, "read", "MemoryError"),
        ({"C_GetAttributeValue": "endless"}, "read", "longer"),
        ({"C_GetTokenInfo": "30"}, "look", "CKR_DEVICE_ERROR"),
        ({"C_GetTokenInfo": "80000001"}, "look", "CKR 0x80000001"),
    ],
)
def test_everything_that_a_module_says_is_bounded(
    module: Module, orders: Orders, orders_given: dict[str, str], request_: str, reason: str
) -> None:
    """Slots, objects and bytes without end are refused by their number; the process goes on."""
    (token,) = look(module)
    orders.give(**orders_given)
    looking, reading = messages.Look(reader=None), messages.Read(slot=token.slot)
    with pytest.raises(RefusedError) as refused:
        module.ask(looking if request_ == "look" else reading, messages.Tokens, PATIENT)
    assert reason in str(refused.value)
    orders.give()
    assert look(module)


def test_words_that_are_none(module: Module, orders: Orders) -> None:
    """A label that is not UTF-8 and lengths that make no sense are shown as well as can be."""
    orders.give(C_GetTokenInfo="odd", C_GetAttributeValue="odd")
    (token,) = look(module)
    assert token.label.endswith("(Legitimering)")
    objects = module.ask(messages.Read(slot=token.slot), messages.Objects, PATIENT)
    assert objects.certificates[0].label == "�"


def test_a_token_that_went_is_none(module: Module, orders: Orders) -> None:
    """CKR_TOKEN_NOT_PRESENT and CKR_TOKEN_NOT_RECOGNIZED for a slot are no token, and no error."""
    for rv in ("E0", "E1"):
        orders.give(C_GetTokenInfo=rv)
        assert look(module) == []


@pytest.mark.parametrize(("label", "serial"), [("Card (Underskrift)", SERIAL), (LABEL, "00ab13")])
def test_a_session_is_had_with_the_very_token(module: Module, label: str, serial: str) -> None:
    """Another label or serial number than the card was read with opens nothing."""
    look(module)
    with pytest.raises(RefusedError) as refused:
        module.ask(messages.Open(reader=READER, label=label, serial=serial), messages.Token, PATIENT)
    assert refused.value.refused.rv == Rv.TOKEN_NOT_PRESENT


def test_a_file_that_is_no_module(tmp_path: Path) -> None:
    """A file that can't be loaded, or that is not there, is refused, without the loader's words."""
    nonsense = tmp_path / "nonsense.so"
    nonsense.write_bytes(b"\x7fELF" + b"no" * 100)
    for path in (nonsense, tmp_path / "absent.so"):
        module = Module(str(path), {})
        with pytest.raises(RefusedError, match="Begin: PKCS11Error"):
            module.begin(PATIENT)
        module.end()


def test_the_process_keeps_its_memory_to_itself(module: Module) -> None:
    """No core file, no look into it by others of the same user, a bound on its memory, and a bare environment."""
    look(module)
    assert module.pid is not None
    status = Path(f"/proc/{module.pid}/limits").read_text()
    limits = {line[:26].strip(): line[26:].split() for line in status.splitlines()[1:]}
    assert limits["Max core file size"][:2] == ["0", "0"]
    assert int(limits["Max address space"][0]) <= 2 << 30
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2 << 30, "the daemon's own is another"
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{module.pid}/environ").read_bytes()
        return
    names = {entry.split(b"=")[0] for entry in Path(f"/proc/{module.pid}/environ").read_bytes().split(b"\0")}
    assert names <= {b"PATH", b"LC_ALL", b"PCSCLITE_CSOCK_NAME", b"AWKWARD_ORDERS", b""}


def test_the_process_ends_with_the_daemon(module: Module, orders: Orders) -> None:
    """When the wire is closed the child ends by itself, also from a module that hangs, at its own deadline."""
    look(module)
    child = module._process
    assert child is not None
    assert module._wire is not None
    orders.give(C_GetSlotList="hang")
    messages.send_request(module._wire, messages.Look(reader=None), SHORT)
    module._wire.close()
    module._wire = None
    assert child.wait(PATIENT) == -signal.SIGALRM


def test_a_process_whose_daemon_has_gone_does_not_hang(module: Module, orders: Orders) -> None:
    """Nobody is left to end it: a module that never lets go of the card at the end is given up."""
    look(module)
    child = module._process
    assert child is not None
    assert module._wire is not None
    orders.give(C_Finalize="hang")
    module._wire.close()
    module._wire = None
    assert child.wait(PATIENT) == -signal.SIGALRM


def test_no_code_is_in_any_log(module: Module, orders: Orders) -> None:
    """What is told of a module that hangs or crashes over a code has nothing of the code in it."""
    with structlog.testing.capture_logs() as lines:
        for order, code in (("hang", ErrorCode.MODULE_TIMEOUT), ("crash", ErrorCode.MODULE_FAILED)):
            orders.give()
            look(module)
            module.ask(OPEN, messages.Token, PATIENT)
            orders.give(C_Login=order)
            with Secret(b"135791") as digits:
                error = failure(
                    lambda digits=digits: module.ask(messages.Login(user=1), messages.Done, SHORT, [digits])
                )
            assert error.code is code
            assert "135791" not in f"{error!r} {error.detail}"
    assert [line["event"] for line in lines] == ["module.timeout", "module.failed"]
    assert "135791" not in str(lines)
