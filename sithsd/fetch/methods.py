"""The methods of io.sithsd.Fetch: shapes and bounds here, the work in the other modules."""

import base64
import binascii
from datetime import datetime

from sithsd.api.fetch_evidence import to_wire
from sithsd.api.fetch_wire import (
    CheckRevocationCall,
    CheckRevocationReply,
    Failing,
    FetchAnchorCall,
    FetchAnchorReply,
    StateReply,
)
from sithsd.api.interface import Interface, Method, NoParameters, interface_text
from sithsd.api.moments import moment, moment_or_none
from sithsd.api.peer import Caller
from sithsd.api.rights import everyone
from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.errors import ErrorCode, SithsdError
from sithsd.fetch.asking import Missed
from sithsd.fetch.inquiry import LONGEST_WAIT, Inquiry
from sithsd.fetch.paths import MOST_OTHERS
from sithsd.fetch.tools import Tools
from sithsd.locations import FETCH_SOCKET
from sithsd.validity.anchors import pins
from sithsd.validity.files import CertificateFileError, certificates_in

_MILLISECONDS = 1000


class FetchMethods:
    """Answers to those who may connect: the socket's mode says who that is. `set_aside`: when a damaged store was."""

    def __init__(self, inquiry: Inquiry, tools: Tools, *, anchors: int, set_aside: datetime | None) -> None:
        self._inquiry = inquiry
        self._asker = tools.asker
        self._library = tools.library
        self._backoff = tools.backoff
        self._anchors = anchors
        self._started = tools.clock.now()
        self._set_aside = set_aside

    def interface(self) -> Interface:
        """Return io.sithsd.Fetch."""
        return Interface(
            interface_text(FETCH_SOCKET),
            [
                Method("CheckRevocation", CheckRevocationCall, everyone, self._check),
                Method("FetchAnchor", FetchAnchorCall, everyone, self._anchor),
                Method("GetState", NoParameters, everyone, self._state),
            ],
        )

    async def _check(self, call: CheckRevocationCall, _caller: Caller) -> CheckRevocationReply:
        certificate = _certificate("certificate", call.certificate)
        others = [_certificate("others", one) for one in (call.others or [])[:MOST_OTHERS]]
        longest = int(LONGEST_WAIT * _MILLISECONDS)
        wait = longest if call.wait_milliseconds is None else call.wait_milliseconds
        if not 0 <= wait <= longest:
            raise SithsdError(ErrorCode.REQUEST_INVALID, f"waitMilliseconds: from 0 to {longest}")
        evidence, issuers = await self._inquiry.check(certificate, others, wait / _MILLISECONDS, fresh=bool(call.fresh))
        return CheckRevocationReply(
            evidence=[to_wire(one) for one in evidence],
            issuers=[base64.b64encode(one.der).decode() for one in issuers],
        )

    async def _anchor(self, call: FetchAnchorCall, _caller: Caller) -> FetchAnchorReply:
        pin = next((pin for pin in pins().anchor if pin.environment == call.environment), None)
        if pin is None:
            raise SithsdError(ErrorCode.REQUEST_INVALID, "environment: no root is pinned for it")
        content = await self._asker.file(pin.source)
        if isinstance(content, Missed):
            raise SithsdError(ErrorCode.FETCH_FAILED, f"{pin.source}: {content.detail}")
        try:
            found = certificates_in(content)
        except CertificateFileError:
            found = []
        for one in found:
            if one.fingerprint == pin.fingerprint:
                return FetchAnchorReply(certificate=base64.b64encode(one.der).decode())
        raise SithsdError(ErrorCode.FETCH_FAILED, f"{pin.source}: what is there is not the pinned root")

    async def _state(self, _call: NoParameters, _caller: Caller) -> StateReply:
        entries = self._library.entries
        return StateReply(
            started=moment(self._started),
            stored=len(entries),
            bytes=sum(entry.size for entry in entries),
            last_success=moment_or_none(self._asker.last_success),
            waiting=self._asker.under_way,
            failing=[
                Failing(url=one.url, failures=one.times, next_try=moment(one.next_try), detail=one.detail)
                for one in self._backoff.failures
            ],
            anchors=self._anchors,
            set_aside=moment_or_none(self._set_aside),
        )


def _certificate(field: str, text: str) -> Certificate:
    """Return the certificate in base64. Raises request.invalid, which quotes nothing of it."""
    try:
        return read(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, CertificateError):
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"{field}: no certificate that can be read") from None
