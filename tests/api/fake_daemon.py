"""A program that serves the real interface texts with methods that look at no card.

Usage: fake_daemon.py RUNTIME_DIR. It prints "ready" when it listens. A line "change" on its standard input is an event
at the reader; the end of the input ends it.
"""

import asyncio
import base64
import hashlib
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sithsd.api import code_wire, wire
from sithsd.api.interface import Interface, Method, StreamMethod, interface_text
from sithsd.api.peer import Caller
from sithsd.api.rights import Rights, everyone
from sithsd.api.server import Server
from sithsd.api.sockets import SocketError, open_sockets, usual_access
from sithsd.errors import ErrorCode, SithsdError, Where
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET
from sithsd.policy.rights import Rules
from sithsd.secret import Secret
from sithsd.values import CardKind, Environment, IdentityKind, Purpose, Role, SignatureAlgorithm, Status

READER = "Fake Reader 00 00"
SERIAL = "9752269875000000001"
RIGHT_CODE = b"112233"
HSA_ID = "SE0000000000-SIM1"


class FakeKey:
    """A key on P-256 with a certificate, and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, HSA_ID)])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self._key.public_key(), 1, now, now + timedelta(days=1))
        self._der = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def reply(self, digest: bytes, certificate: wire.Certificate) -> dict[str, Any]:
        """Return what the replies of Authenticate and Sign have in common."""
        certificate.fingerprint = hashlib.sha256(self._der).hexdigest()
        certificate.der = base64.b64encode(self._der).decode()
        signature = self._key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        return {
            "reader": READER,
            "card_serial": SERIAL,
            "tries_left": 3,
            "algorithm": SignatureAlgorithm.ECDSA_SHA256,
            "signature": base64.b64encode(signature).decode(),
            "certificate": certificate,
            "issuers": [],
            "identity": IdentityKind.HSA_ID,
            "identity_value": HSA_ID,
            "chosen_by": "purpose",
        }


class FakeRoom:
    """One reader with one card, whose codes are right or wrong."""

    def __init__(self) -> None:
        self._sequence = 1
        self._tries = 3
        self._key = FakeKey()
        self._news = asyncio.Condition()

    async def change(self) -> None:
        """Let something happen at the reader."""
        async with self._news:
            self._sequence += 1
            self._news.notify_all()

    def cards(self) -> Interface:
        """Return io.sithsd.Cards."""
        methods = [
            Method("List", wire.ListCall, everyone, self._list),
            StreamMethod("Monitor", wire.ListCall, everyone, self._monitor),
            Method("GetCertificates", wire.ReaderCall, everyone, self._certificates),
            Method("GetValidity", wire.ReaderCall, everyone, self._certificates),
            Method("GetCodes", wire.ReaderCall, everyone, self._codes),
        ]
        return Interface(interface_text(CARDS_SOCKET), methods)

    def codes(self, rights: Rights) -> Interface:
        """Return io.sithsd.Codes."""
        methods = [
            Method("Verify", code_wire.VerifyCall, rights.codes, self._verify),
            Method("Unblock", code_wire.UnblockCall, rights.codes, self._unblock),
            Method("Authenticate", code_wire.AuthenticateCall, rights.codes, self._authenticate),
            Method("Sign", code_wire.SignCall, rights.codes, self._sign),
        ]
        return Interface(interface_text(CODES_SOCKET), methods)

    def _readers(self) -> list[wire.Reader]:
        card = wire.Card(
            serial=SERIAL,
            profile="fake",
            environment=Environment.SIM,
            kind=CardKind.ORDINARY,
            holder=wire.Holder(display_name="Tolvan Tolvansson", hsa_id="SE0000000000-SIM1"),
            codes=[wire.CodeState(role=Role.AUTHENTICATION, tries_left=self._tries, blocked=False)],
            certificates=[self._certificate()],
        )
        return [wire.Reader(name=READER, state="ready", sequence=self._sequence, card=card)]

    @staticmethod
    def _certificate(der: str | None = None) -> wire.Certificate:
        return wire.Certificate(
            id="45",
            purpose=Purpose.AUTHENTICATION,
            identity=IdentityKind.HSA_ID,
            subject="CN=Tolvan Tolvansson",
            issuer="CN=SIM SITHS e-id Person HSA-id 3 CA v1",
            not_before="2026-01-01T00:00:00Z",
            not_after="2028-01-01T00:00:00Z",
            verdict=wire.Verdict(status=Status.UNKNOWN, reasons=["revocation.notChecked"]),
            der=der,
        )

    def _check(self, reader: str | None) -> Where:
        if reader not in {None, READER}:
            raise SithsdError(ErrorCode.READER_UNKNOWN, "there is no such reader")
        return Where(READER, SERIAL, self._sequence)

    async def _list(self, _call: wire.ListCall, _caller: Caller) -> wire.ListReply:
        return wire.ListReply(readers=self._readers(), sequence=self._sequence)

    async def _monitor(self, _call: wire.ListCall, _caller: Caller) -> AsyncGenerator[wire.Wire, None]:
        seen, event, reader = 0, "state", None
        while True:
            async with self._news:
                await self._news.wait_for(lambda seen=seen: self._sequence > seen)
                seen = self._sequence
            yield wire.MonitorReply(event=event, sequence=seen, readers=self._readers(), reader=reader)
            event, reader = "changed", READER

    async def _certificates(self, call: wire.ReaderCall, _caller: Caller) -> wire.CertificatesReply:
        self._check(call.reader)
        return wire.CertificatesReply(
            reader=READER, card_serial=SERIAL, sequence=self._sequence, certificates=[self._certificate("MAA=")]
        )

    async def _codes(self, call: wire.ReaderCall, _caller: Caller) -> wire.CodesReply:
        self._check(call.reader)
        state = wire.CodeState(role=Role.AUTHENTICATION, tries_left=self._tries, blocked=False)
        return wire.CodesReply(reader=READER, card_serial=SERIAL, sequence=self._sequence, codes=[state])

    async def _verify(self, call: code_wire.VerifyCall, _caller: Caller) -> code_wire.CodeReply:
        self._check_code(call.code, call.reader, call.role)
        return code_wire.CodeReply(
            reader=READER, card_serial=SERIAL, sequence=self._sequence, role=call.role, tries_left=self._tries
        )

    def _check_code(self, code: Secret | None, reader: str | None, role: Role) -> None:
        """Take a right code, or none, as a pad gives it."""
        where = self._check(reader)
        with code or Secret(RIGHT_CODE) as given:
            if not given.reveal().isdigit():
                error = SithsdError(ErrorCode.PIN_MALFORMED, "a code has digits only", role=role)
                error.where = where
                raise error
            if given.reveal() != RIGHT_CODE:
                self._tries -= 1
                error = SithsdError(ErrorCode.PIN_WRONG, "wrong", tries_left=self._tries, role=role, status_word=0x63C0)
                error.where = where
                raise error
        self._tries = 3

    async def _unblock(self, call: code_wire.UnblockCall, _caller: Caller) -> code_wire.CodeReply:
        self._check(call.reader)
        with call.puk, call.new_code:
            return code_wire.CodeReply(
                reader=READER, card_serial=SERIAL, sequence=self._sequence, role=call.role, tries_left=3
            )

    async def _authenticate(self, call: code_wire.AuthenticateCall, _caller: Caller) -> code_wire.AuthenticateReply:
        self._check_code(call.code, call.reader, Role.AUTHENTICATION)
        digest = hashlib.sha256(base64.b64decode(call.challenge or "")).digest()
        reply = self._key.reply(digest, self._certificate())
        return code_wire.AuthenticateReply(**reply, sequence=self._sequence, challenge=call.challenge or "")

    async def _sign(self, call: code_wire.SignCall, _caller: Caller) -> code_wire.SignReply:
        self._check_code(call.code, call.reader, Role.SIGNATURE)
        certificate = self._certificate()
        certificate.purpose = Purpose.SIGNATURE
        return code_wire.SignReply(
            **self._key.reply(base64.b64decode(call.digest), certificate), sequence=self._sequence
        )


async def serve(folder: Path) -> None:
    """Serve in `folder` until the standard input ends."""
    root = ("root",)
    rules = Rules(status=root, personal_numbers=root, codes=root, authenticate=root, sign=root, desk=root)
    rights = Rights.here(rules)
    room = FakeRoom()
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    with open_sockets(folder, usual_access(rights)) as sockets:
        served = [
            (room.cards(), sockets.listening[CARDS_SOCKET]),
            (room.codes(rights), sockets.listening[CODES_SOCKET]),
        ]
        async with Server(served):
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            while order := await orders.readline():
                if order == b"change\n":
                    await room.change()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(serve(Path(sys.argv[1])))
    except SocketError as error:
        sys.exit(str(error))
