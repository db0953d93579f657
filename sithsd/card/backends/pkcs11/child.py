"""The program that a PKCS#11 module lives in: `python -m sithsd.card.backends.pkcs11.child`; descriptor 0 is the wire.

It does what is asked, one request after the other, and ends when the wire is closed, when nobody has asked for anything
for a while, or when a request takes longer than it may. A module can hang, crash or lie here without harm to anybody
but the operation at hand. Nothing is printed: what modules print goes nowhere, because some print codes.
"""

import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from typing import Any

import pkcs11
from pkcs11.attributes import AttributeMapper
from pkcs11.constants import Attribute, CertificateType, ObjectClass
from pkcs11.mechanisms import MGF, Mechanism

from sithsd import memory
from sithsd.card.backends.pkcs11 import messages
from sithsd.card.backends.pkcs11.cryptoki import SLOT_DESCRIPTION_BYTES, Rv, TokenFlag, User
from sithsd.card.backends.pkcs11.functions import Functions, RefusedError
from sithsd.card.backends.pkcs11.messages import (
    MAX_MECHANISMS,
    MAX_OBJECTS,
    MAX_TOKENS,
    MAX_TOTAL,
    MAX_VALUE,
    Reply,
    Request,
)
from sithsd.secret import Secret

# The most that a module may take of the machine's memory; a wrong length then fails here.
_ADDRESS_SPACE = 2 << 30
# Nobody asks any more: the daemon starts another child when it needs one.
_IDLE_SECONDS = 30.0
# Over what the daemon gives a request, so that it is the daemon who says that it is late.
_GRACE = 1.0
# For a module to let go of the card when this process ends; nobody is left who would end it.
_ENDING_SECONDS = 2.0
_HASHES = {
    "sha256": (Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
}


class _Bytes(AttributeMapper):
    """Attributes as the bytes they are: what they mean is not the module's library's to decide."""

    def unpack_attributes(self, key: int, value: bytes) -> bytes:  # noqa: ARG002 - the library's own signature
        return value


class OddError(Exception):
    """The module said something that can't be; the text is a constant."""


class Session:
    """The one session that is open: its handle and the code that its keys want again before each signature.

    CKA_ALWAYS_AUTHENTICATE (PKCS#11 v2.40, 4.9): such a code is kept from C_Login to the end of the session, which is
    within the operation that it was given for.
    """

    def __init__(self, opened: Any) -> None:  # noqa: ANN401 - python-pkcs11's types name no handle
        self.opened = opened
        self.handle: int = opened.handle
        self.logged_in = False
        self.code: Secret | None = None

    def forget(self) -> None:
        """Wipe the code."""
        if self.code is not None:
            self.code.wipe()
            self.code = None


class Child:
    """What is done with the module."""

    def __init__(self) -> None:
        self._path = ""
        self._module: Any = None
        self._functions: Functions | None = None
        self._slots: dict[int, Any] = {}
        self._session: Session | None = None

    def answer(self, request: Request, codes: list[Secret]) -> Reply:
        """Do what is asked; every refusal of the module, and everything odd that it says, is an answer."""
        try:
            return self._do(request, codes)
        except RefusedError as error:
            return messages.Refused(call=error.call, rv=error.rv)
        except (pkcs11.PKCS11Error, OddError, MemoryError, OverflowError, ValueError, OSError, AttributeError) as error:
            # By the error's kind alone: a text of the module's, or of a code's, goes nowhere.
            why = str(error) if isinstance(error, OddError) else type(error).__name__
            return messages.Refused(call=type(request).__name__, why=why)

    def _do(self, request: Request, codes: list[Secret]) -> Reply:  # noqa: C901, PLR0911 - one case for each request
        match request:
            case messages.Begin(path=path):
                self._begin(path)
                return messages.Done()
            case messages.Look(reader=reader):
                return messages.Tokens(tokens=self._look(reader))
            case messages.Read(slot=slot):
                return self._read(slot)
            case messages.Mechanisms(slot=slot):
                return messages.MechanismList(mechanisms=self._mechanisms(slot))
            case messages.Open():
                return self._open(request)
            case messages.Login(user=user, at_pad=at_pad):
                self._login(user, None if at_pad else codes[0])
                return messages.Done()
            case messages.SetPin(at_pad=at_pad):
                self._loaded().set_pin(self._there().handle, *((None, None) if at_pad else codes[:2]))
                return messages.Done()
            case messages.InitPin(at_pad=at_pad):
                self._loaded().init_pin(self._there().handle, None if at_pad else codes[0])
                return messages.Done()
            case messages.Sign():
                return messages.Signature(value=self._sign(request))
            case messages.Logout():
                return messages.Closed(logged_out=self._close())
            case messages.Finish():
                self.finish()
                return messages.Done()

    def finish(self) -> None:
        """End everything: no session, no login, no connection to a card is left."""
        session, self._session = self._session, None
        self._slots = {}
        if session is not None:
            session.forget()
        if self._module is not None and self._module.initialized:
            self._module.finalize()

    def _begin(self, path: str) -> None:
        if self._path not in {"", path}:
            raise OddError("another module lives here")
        self._path = path
        self._module = pkcs11.lib(path)
        self._functions = self._functions or Functions(path)

    def _loaded(self) -> Functions:
        if self._functions is None:
            raise OddError("no module is loaded")
        return self._functions

    def _there(self) -> Session:
        if self._session is None:
            raise OddError("no session is open")
        return self._session

    def _look(self, reader: str | None) -> list[messages.Token]:
        functions = self._loaded()
        slots = self._module.get_slots(token_present=True)
        if len(slots) > MAX_TOKENS:
            raise OddError("the module has more slots than any should")
        self._slots = {slot.slot_id: slot for slot in slots if reader is None or _describes(slot, reader)}
        found = []
        for number in self._slots:
            try:
                told = functions.token_info(number)
            except RefusedError as error:
                if error.rv in {Rv.TOKEN_NOT_PRESENT, Rv.TOKEN_NOT_RECOGNIZED}:
                    continue  # it went meanwhile, or is none that this module reads
                raise
            token = _token(number, told)
            if token.label or token.flags & TokenFlag.TOKEN_INITIALIZED:  # else it is a place for one to be made
                found.append(token)
        return found

    def _read(self, slot: int) -> messages.Objects:
        if slot not in self._slots:
            raise OddError("there is no such slot")
        session = self._slots[slot].get_token().open(attribute_mapper=_Bytes())
        try:
            certificates = [
                messages.Certificate(id=one[Attribute.ID], label=_text(_of(one, Attribute.LABEL)), der=_value(one))
                for one in _found(session, ObjectClass.CERTIFICATE)
                if _number(_of(one, Attribute.CERTIFICATE_TYPE)) == CertificateType.X_509
            ]
            kinds = (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY)
            keys = [_of(one, Attribute.ID) for kind in kinds for one in _found(session, kind)]
        finally:
            session.close()
        if sum(len(one.der) for one in certificates) > MAX_TOTAL:
            raise OddError("the token has more certificates than any should")
        return messages.Objects(certificates=certificates, keys=[one for one in keys if one])

    def _mechanisms(self, slot: int | None) -> list[int]:
        place = self._there().opened.token.slot if slot is None else self._slots.get(slot)
        if place is None:
            raise RefusedError("C_GetMechanismList", Rv.TOKEN_NOT_PRESENT)
        found = [int(one) for one in place.get_mechanisms()]
        if len(found) > MAX_MECHANISMS:
            raise OddError("the token has more mechanisms than there are")
        return found

    def _open(self, wanted: messages.Open) -> messages.Token:
        self._close()
        fitting = [one for one in self._look(wanted.reader) if (one.label, one.serial) == (wanted.label, wanted.serial)]
        if len(fitting) != 1:
            raise RefusedError("C_GetTokenInfo", Rv.TOKEN_NOT_PRESENT)
        slot = fitting[0].slot
        self._session = Session(self._slots[slot].get_token().open(rw=wanted.writing, attribute_mapper=_Bytes()))
        # Last of all: what it says of its PIN is what counts for the code that comes next.
        return _token(slot, self._loaded().token_info(slot))

    def _login(self, user: int, code: Secret | None) -> None:
        session = self._there()
        self._loaded().login(session.handle, user, code)
        session.logged_in = True
        if user == User.USER and code is not None and any(map(_asks_again, self._private_keys(session))):
            session.code = Secret(code.reveal())

    def _sign(self, request: messages.Sign) -> bytes:
        functions, session = self._loaded(), self._there()
        keys = list(islice(self._private_keys(session, request.key), 2))
        if len(keys) != 1:
            raise OddError("there is not one private key with this id")
        pss = None
        if request.hash_name is not None:
            digest, mask = _HASHES[request.hash_name]
            pss = (int(digest), int(mask), request.salt)
        functions.sign_init(session.handle, keys[0].handle, request.mechanism, pss)
        if _asks_again(keys[0]):
            functions.login(session.handle, User.CONTEXT_SPECIFIC, session.code)
        return functions.sign(session.handle, request.data)

    def _private_keys(self, session: Session, identifier: bytes | None = None) -> Iterator[Any]:
        more = {} if identifier is None else {Attribute.ID: identifier}
        return _found(session.opened, ObjectClass.PRIVATE_KEY, more)

    def _close(self) -> bool:
        """Log out and close the session; return whether there was a login, which the module took back.

        A module that refuses the first is told the second all the same.
        """
        session, self._session = self._session, None
        if session is None:
            return False
        session.forget()
        functions = self._loaded()
        try:
            if session.logged_in:
                functions.logout(session.handle)
        finally:
            functions.close_session(session.handle)
        return session.logged_in


def _found(
    session: Any,  # noqa: ANN401 - as above
    kind: ObjectClass,
    more: dict[Attribute, bytes] | None = None,
) -> Iterator[Any]:
    """Yield the objects of a kind. The search is ended whatever happens: one that is not ended blocks the next."""
    with closing(session.get_objects({Attribute.CLASS: kind} | (more or {}))) as search:
        objects = list(islice(search, MAX_OBJECTS + 1))
    if len(objects) > MAX_OBJECTS:
        raise OddError("the token has more objects than any should")
    yield from objects


def _of(found: Any, attribute: Attribute) -> bytes:  # noqa: ANN401 - as above
    """Return an attribute, nothing if the object has none."""
    try:
        value: bytes = found[attribute]
    except (pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive, IndexError):
        return b""
    if len(value) > MAX_VALUE:
        raise OddError("an attribute is longer than any should be")
    return value


def _value(found: Any) -> bytes:  # noqa: ANN401 - as above
    return _of(found, Attribute.VALUE)


def _asks_again(key: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a key wants its code before each signature (CKA_ALWAYS_AUTHENTICATE)."""
    return any(_of(key, Attribute.ALWAYS_AUTHENTICATE))


def _number(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace").rstrip(" \0")


def _token(slot: int, told: Any) -> messages.Token:  # noqa: ANN401 - ctypes' fields have no types
    return messages.Token(
        slot=slot,
        label=_text(told.label),
        serial=_text(told.serial),
        manufacturer=_text(told.manufacturer),
        model=_text(told.model),
        flags=told.flags,
        min_length=told.min_pin_length,
        max_length=told.max_pin_length,
    )


def _describes(slot: Any, reader: str) -> bool:  # noqa: ANN401 - as above
    """Tell whether a slot is in this reader: its description is the reader's name, cut off where it has no room."""
    cut = reader.encode()[:SLOT_DESCRIPTION_BYTES].decode(errors="ignore").rstrip()
    told = str(slot.slot_description).rstrip(" \0")
    return told == cut


def serve(wire: socket.socket) -> None:
    """Answer requests until the wire is closed or nothing is asked for."""
    child = Child()
    messages.send_reply(wire, messages.Done())  # here it is
    while True:
        try:
            seconds, request, codes = messages.receive_request(wire, _IDLE_SECONDS)
        except messages.WireError:
            break
        # By its default a SIGALRM ends the process, whatever the module is doing.
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
        try:
            reply = child.answer(request, codes)
        finally:
            for code in codes:
                code.wipe()
        if not isinstance(request, messages.Finish):
            messages.send_reply(wire, reply)
        signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_REAL, _ENDING_SECONDS)
    child.finish()


def main() -> None:
    """Take the wire from descriptor 0, keep this process's memory to itself, and serve."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with suppress(ValueError, OSError):  # the system's own bound is lower
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    memory.protect()  # what the system refuses is told by the daemon, which asked for the same
    wire = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    with wire:
        serve(wire)


if __name__ == "__main__":
    main()
