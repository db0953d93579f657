"""The methods of io.sithsd.Codes that sign: shapes here, the work in the session room."""

import base64
import binascii
import re
import secrets

from sithsd.api import code_wire, views
from sithsd.card.guard import Word
from sithsd.certificate.read import Certificate
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.session.choice import Settled, Wish
from sithsd.session.code_desk import CodeDesk
from sithsd.session.orders import Asker, SignOrder
from sithsd.session.tools import Done
from sithsd.values import IdentityKind, Purpose

# A challenge may be another protocol's whole message; with base64 it has to fit into one of ours.
_LEAST_CHALLENGE, _MOST_CHALLENGE = 16, 32768
_OWN_CHALLENGE = 32
_MOST_DIGEST = 64
_MOST_DESCRIPTION = 200
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{64}")


class Signatures:
    """Proof of possession, and signatures over what a client names. `desk` carries them out."""

    def __init__(self, desk: CodeDesk) -> None:
        self._desk = desk

    async def authenticate(
        self, call: code_wire.AuthenticateCall, code: Secret | None, asker: Asker
    ) -> code_wire.AuthenticateReply:
        """Sign a challenge with an authentication key."""
        if call.challenge is None:
            challenge = secrets.token_bytes(_OWN_CHALLENGE)
        else:
            challenge = _bytes(call.challenge, "challenge", _LEAST_CHALLENGE, _MOST_CHALLENGE)
        order = SignOrder(
            wish=_wish(call, Purpose.AUTHENTICATION),
            message=challenge,
            code=code,
            algorithm=call.algorithm,
            description=None if call.description is None else _description(call.description),
            word=Word(last_try=bool(call.spend_last_try), expected=call.expected_tries),
            serial=call.card_serial,
        )
        signed = _signed(await self._desk.perform(call.reader, order, asker))
        return code_wire.AuthenticateReply(
            reader=signed.reader,
            card_serial=signed.card_serial,
            sequence=signed.sequence,
            tries_left=signed.tries_left,
            challenge=base64.b64encode(challenge).decode(),
            algorithm=signed.algorithm,
            signature=signed.signature,
            certificate=signed.certificate,
            issuers=signed.issuers,
            identity=signed.identity,
            identity_value=signed.identity_value,
            chosen_by=signed.chosen_by,
        )

    async def sign(self, call: code_wire.SignCall, code: Secret | None, asker: Asker) -> code_wire.SignReply:
        """Sign a hash with a signature key."""
        order = SignOrder(
            wish=_wish(call, Purpose.SIGNATURE),
            message=_bytes(call.digest, "digest", 1, _MOST_DIGEST),
            code=code,
            algorithm=call.algorithm,
            hashed=True,
            description=_description(call.description),
            word=Word(last_try=bool(call.spend_last_try), expected=call.expected_tries),
            serial=call.card_serial,
        )
        return _signed(await self._desk.perform(call.reader, order, asker))


def _signed(done: Done) -> code_wire.SignReply:
    settled, signature = done.settled, done.signature
    if settled is None or signature is None:
        raise RuntimeError("an operation that signs ended without a signature")
    entry = settled.chosen.entry
    return code_wire.SignReply(
        reader=done.view.name,
        card_serial=done.card_serial,
        sequence=done.view.sequence,
        tries_left=done.state.tries_left,
        algorithm=settled.algorithm,
        signature=base64.b64encode(signature).decode(),
        certificate=views.certificate(entry, unmasked=True, with_bytes=True),
        issuers=_issuers(settled),
        identity=entry.certificate.identity,
        identity_value=_identity_value(entry.certificate),
        chosen_by=str(settled.chosen.by),
    )


def _issuers(settled: Settled) -> list[str]:
    return [base64.b64encode(der).decode() for der in settled.chosen.entry.assessment.issuers]


def _identity_value(certificate: Certificate) -> str | None:
    match certificate.identity:
        case IdentityKind.HSA_ID:
            return certificate.hsa_id
        case IdentityKind.PERSONAL_IDENTITY_NUMBER:
            number = certificate.personal_identity_number
            return None if number is None else number.reveal()
        case IdentityKind.NONE:
            return None


def _wish(call: code_wire.AuthenticateCall | code_wire.SignCall, purpose: Purpose) -> Wish:
    if call.identity is IdentityKind.NONE:
        raise SithsdError(ErrorCode.REQUEST_INVALID, "identity: hsaId or personalIdentityNumber is expected")
    if call.certificate is not None and not _FINGERPRINT.fullmatch(call.certificate):
        raise SithsdError(ErrorCode.REQUEST_INVALID, "certificate: a SHA-256 fingerprint has 64 hexadecimal digits")
    fingerprint = None if call.certificate is None else call.certificate.lower()
    return Wish(purpose, call.identity, fingerprint, accept_bad=bool(call.accept_bad))


def _bytes(text: str, field: str, least: int, most: int) -> bytes:
    try:
        given = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"{field}: this is no base64") from None
    if not least <= len(given) <= most:
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"{field}: {least} to {most} bytes are expected")
    return given


def _description(text: str) -> str:
    """Return what a person was shown. It is kept in the audit as it is, so it has to be what it looks like."""
    if not 1 <= len(text) <= _MOST_DESCRIPTION or not text.isprintable():
        raise SithsdError(
            ErrorCode.REQUEST_INVALID, f"description: 1 to {_MOST_DESCRIPTION} printable characters are expected"
        )
    return text
