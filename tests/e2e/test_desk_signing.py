"""Authenticate and Sign on a real pcscd: the card's own counters and security status behind the answers."""

import base64
import hashlib
import threading
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from e2e_desk import rows
from e2e_fault_bench import Once
from e2e_household import CODES, PIN, READER_0, SIGNATURE_PIN, WRONG_PIN, Household, code
from e2e_model_card import VERIFY, ModelCard

PERFORM = 0x2A
NONCE = base64.b64encode(b"a nonce of a client").decode()
DIGEST = base64.b64encode(hashlib.sha256(b"a document").digest()).decode()
PURPOSES = {
    "Authenticate": ("authentication", PIN, {"challenge": NONCE}),
    "Sign": ("signature", SIGNATURE_PIN, {"digest": DIGEST, "description": "A document"}),
}
every_purpose = pytest.mark.parametrize("method", PURPOSES)


def ask(house: Household, method: str, pin: str | None, **more: Any) -> dict[str, Any]:
    """Call a method, with the HSA-id's certificate; return the parameters of the reply or error."""
    given = {"identity": "hsaId", "code": pin} if pin else {"identity": "hsaId", "pinPad": True}
    with house.wire(CODES) as wire:
        reply = wire.call(f"{CODES}.{method}", {**PURPOSES[method][2], **given, **more})
    return {"error": reply.get("error"), **reply["parameters"]}


def assert_signed(method: str, reply: dict[str, Any]) -> None:
    """Check a signature with a library: over the message, by the key of the certificate that came with it."""
    assert reply["error"] is None, reply
    message = base64.b64decode(NONCE) if method == "Authenticate" else b"a document"
    certificate = x509.load_der_x509_certificate(base64.b64decode(reply["certificate"]["der"]))
    signature = base64.b64decode(reply["signature"])
    certificate.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def put_in(house: Household, **hooks: Any) -> ModelCard:
    """Put in a card whose commands are watched."""
    model = house.model("ordinary", **hooks)
    model.insert()
    house.await_reader("ready")
    return model


def locked(model: ModelCard) -> bool:
    """Tell whether each of the chip's codes has to be given anew."""
    return all(model.chip.transmit(bytes((0, VERIFY, 0, one.reference)))[1] != 0x9000 for one in model.chip.image.codes)


@every_purpose
@pytest.mark.both_drivers
def test_one_pin_one_signature(house: Household, method: str) -> None:
    """A right PIN gives a signature that a library takes; the card is locked at once, the counter full."""
    house.insert("ordinary")
    role, pin, _ = PURPOSES[method]
    reply = ask(house, method, pin)
    assert_signed(method, reply)
    assert (reply["reader"], reply["triesLeft"]) == (house.readers[0], 3)
    assert not code(house.await_reader("ready"), role)["verified"]
    assert house.tries("ordinary", role) == 3
    row = rows(house)[-1]
    assert (row["operation"], row["role"], row["result"]) == (method.lower(), role, "done")


@every_purpose
def test_a_wrong_pin(house: Household, method: str) -> None:
    """A wrong PIN costs one try; the key was not asked."""
    asked: list[int] = []
    model = put_in(house, before=lambda command: asked.append(command[1]) or False)
    role, _, _ = PURPOSES[method]
    error = ask(house, method, WRONG_PIN)
    assert (error["code"], error["role"], error["triesLeft"]) == ("pin.wrong", role, 2)
    assert model.codes_sent == 1
    assert PERFORM not in asked
    assert locked(model)


@every_purpose
def test_at_the_pin_pad(house: Household, method: str) -> None:
    """The PIN goes from the reader's keys to the card; it is in no message."""
    house.fit_pad()
    put_in(house)
    _, pin, _ = PURPOSES[method]
    reply: dict[str, Any] = {}
    call = threading.Thread(target=lambda: reply.update(ask(house, method, None)))
    call.start()
    house.press(pin, "ok")
    call.join()
    assert_signed(method, reply)


def test_cancelled_at_the_pin_pad(house: Household) -> None:
    """That is pinpad.cancelled; no try was used and nothing was signed."""
    house.fit_pad()
    asked: list[int] = []
    model = put_in(house, before=lambda command: asked.append(command[1]) or False)
    reply: dict[str, Any] = {}
    call = threading.Thread(target=lambda: reply.update(ask(house, "Authenticate", None)))
    call.start()
    house.press("12", "cancel")
    call.join()
    assert (reply["code"], model.codes_sent) == ("pinpad.cancelled", 0)
    assert PERFORM not in asked


@every_purpose
@pytest.mark.parametrize("when", ["before", "after"])
def test_taken_out_while_it_signs(house: Household, method: str, when: str) -> None:
    """The PIN was right for certain: card.removed, nothing in doubt, nothing to learn when the card is back."""
    model = put_in(house, **{when: Once(lambda command: command[1] == PERFORM)})
    role, pin, _ = PURPOSES[method]
    error = ask(house, method, pin)
    assert error["code"] == "card.removed"
    house.await_reader("empty")
    row = rows(house)[-1]
    assert (row["operation"], row["result"], row["triesBefore"]) == (method.lower(), "card.removed", 3)
    model.remove()
    model.insert()
    assert code(house.await_reader("ready"), role)["triesLeft"] == 3
    assert house.await_picture(lambda _: True)["notices"] == []
    assert locked(model)


def test_a_reset_between_pin_and_signature(house: Household) -> None:
    """A chip that lost the PIN in between refuses to sign: an error by name, the card is read anew."""
    model = put_in(house)

    def reset(command: bytes) -> bool:
        if command[1] == PERFORM:
            model.chip.power_on()
        return False

    model.stop_at(reset)
    error = ask(house, "Authenticate", PIN)
    assert (error["code"], error["statusWord"]) == ("card.refused", 0x6985)
    assert house.await_reader("ready")["card"] is not None
    assert model.chip.tries_left("authentication") == 3


def test_nobody_else_has_the_card_in_between(house: Household) -> None:
    """A program that waits for the card gets it after the signature, and locked: PIN and signature are one turn."""
    at, on = threading.Event(), threading.Event()

    def wait(command: bytes) -> bool:
        if command[1] == PERFORM:
            at.set()
            assert on.wait(60)
        return False

    model = put_in(house, before=wait)
    reply: dict[str, Any] = {}
    call = threading.Thread(target=lambda: reply.update(ask(house, "Authenticate", PIN)))
    call.start()
    assert at.wait(60)

    def want() -> None:
        let_go = house.hold(READER_0)
        let_go()

    waiting = threading.Thread(target=want)
    waiting.start()
    on.set()
    call.join()
    waiting.join()
    assert_signed("Authenticate", reply)
    assert locked(model)
