"""sithsd-fetch, asked over its socket: the daemon itself has no network.

What it tells it has proven; how old an answer may be is judged here, by this machine's clock. Of what came from the
network only certificates of issuers are read here, as those on a card are: within the same bounds, trusted for nothing.
"""

import asyncio
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from pathlib import Path

import structlog

from sithsd.api.fetch_evidence import from_wire
from sithsd.api.fetch_wire import CheckRevocationCall, CheckRevocationReply, StateReply
from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.client.line import Line
from sithsd.errors import SithsdError
from sithsd.locations import FETCH_SOCKET
from sithsd.session.informant import Told
from sithsd.validity.revocation.model import Evidence
from sithsd.values import Purpose

_GET_STATE = f"{FETCH_SOCKET}.GetState"
_METHOD = f"{FETCH_SOCKET}.CheckRevocation"
# Beside what it is asked to wait, in seconds: for a connection, and for work on what came.
_MARGIN = 1.0
_MOST_AT_ONCE = 16
_MOST_ANSWERS = 16
_MOST_ISSUERS = 8
# So many bytes of certificates beside the one in question fit into one call.
_MOST_OTHERS = 24 * 1024
_LONGEST_TEXT = 1024


class StrangeAnswerError(Exception):
    """An answer that sithsd-fetch does not give."""


class FetchInformant:
    """Asks sithsd-fetch, whose socket is at `path`. It may come and go: each question has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)
        self._complaint = ""
        self._log = structlog.get_logger("sithsd.daemon")

    async def ask(
        self, certificate: Certificate, others: Sequence[Certificate], *, seconds: float, fresh: bool
    ) -> Told | None:
        """Return what it knows of a certificate within so many seconds; None where it is not there, or tells nothing.

        See `sithsd.session.informant.Informant`.
        """
        call = CheckRevocationCall(
            certificate=b64encode(certificate.der).decode(),
            others=[b64encode(der).decode() for der in _fitting(others)] or None,
            wait_milliseconds=round(1000 * seconds),
            fresh=fresh or None,
        )
        try:
            async with self._places, Line(self._path) as line:
                reply = await line.call(_METHOD, call, CheckRevocationReply, patience=seconds + _MARGIN)
            told = _told(reply, certificate)
        except (SithsdError, StrangeAnswerError) as error:
            self._complain(str(error))
            return None
        self._complain("")
        return told

    @property
    def place(self) -> str:
        """The socket that it is asked at."""
        return str(self._path)

    async def state(self) -> StateReply | None:
        """Return how sithsd-fetch fares, None where it does not answer within a second or so."""
        try:
            async with Line(self._path) as line:
                return await line.call(_GET_STATE, {}, StateReply, patience=_MARGIN)
        except SithsdError as error:
            self._log.debug("sithsd-fetch does not tell how it fares", detail=str(error))
            return None

    def _complain(self, complaint: str) -> None:
        """Tell the log once that nobody answers, and once that somebody does again."""
        if complaint and not self._complaint:
            self._log.warning("revocation can't be checked: sithsd-fetch does not answer", detail=complaint)
        elif self._complaint and not complaint:
            self._log.info("sithsd-fetch answers again")
        self._complaint = complaint


def _fitting(others: Sequence[Certificate]) -> list[bytes]:
    """Return as many certificates as fit into a call."""
    fitting: list[bytes] = []
    room = _MOST_OTHERS
    for one in others:
        if len(one.der) <= room:
            fitting.append(one.der)
            room -= len(one.der)
    return fitting


def _told(reply: CheckRevocationReply, certificate: Certificate) -> Told:
    if len(reply.evidence) > _MOST_ANSWERS or len(reply.issuers) > _MOST_ISSUERS:
        raise StrangeAnswerError("more than there can be")
    try:
        evidence = tuple(_bounded(from_wire(one)) for one in reply.evidence)
    except ValueError as error:
        raise StrangeAnswerError(f"evidence that is none: {error}") from error
    if evidence and evidence[0].fingerprint != certificate.fingerprint:
        raise StrangeAnswerError("evidence about another certificate")
    return Told(evidence, tuple(issuer for text in reply.issuers if (issuer := _issuer(text)) is not None))


def _bounded(evidence: Evidence) -> Evidence:
    texts = (evidence.url, evidence.signer, evidence.detail, evidence.revocation_reason, evidence.fingerprint)
    if any(text is not None and len(text) > _LONGEST_TEXT for text in texts):
        raise ValueError("a text is too long")
    return evidence


def _issuer(text: str) -> Certificate | None:
    """Return the certificate of a CA, None for anything else."""
    try:
        found = read(b64decode(text, validate=True))
    except (NotBase64, CertificateError):
        return None
    return found if found.purpose is Purpose.ISSUER else None
