"""What the authorities publish, and where: lists of the revoked, OCSP responses, their own certificates."""

import base64
import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseStatus

from sithsd.clock import Clock
from sithsd.simulator import crl, ocsp
from sithsd.simulator.chair import Chair, Signer
from sithsd.simulator.crl import Edition
from sithsd.simulator.pki import Pki
from sithsd.simulator.register import State, state, without_the_last
from sithsd.simulator.reply_faults import ReplyKind

_CRL, _CERTIFICATE, _OCSP = "application/pkix-crl", "application/pkix-cert", "application/ocsp-response"
_TEXT = "text/plain"
_PATH: Final = re.compile(
    r"/(?P<slug>[a-z0-9]+?)(?P<what>\.crl|-delta\.crl|\.cer)|/ocsp/(?P<ocsp>[a-z0-9]+)(/(?P<asked>.+))?"
)
_GARBAGE_BYTES = 1000
_OLD = frozenset({ReplyKind.REPLAY, ReplyKind.OLD_NONCE})


@dataclass(frozen=True, slots=True)
class Manner:
    """How the authorities publish.

    `delegated`: OCSP responses are signed by a responder that the authority appointed (RFC 6960, 4.2.2.2), else by the
    authority itself. `nonce`: a request's nonce comes back; without it responses are as those made in advance. The
    lifetimes reach from thisUpdate to nextUpdate. `deltas`: a list stays as it was first given out for half its life,
    and tells where the deltas to it are.
    """

    delegated: bool = True
    nonce: bool = True
    ocsp_lifetime: timedelta = timedelta(hours=1)
    crl_lifetime: timedelta = timedelta(days=1)
    deltas: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: HTTP's status, the media type, and the content with its entity tag (RFC 9110, 8.8.3)."""

    status: HTTPStatus
    media_type: str
    content: bytes

    @property
    def tag(self) -> str:
        """The entity tag."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class _Given:
    edition: Edition
    said: State
    content: bytes = field(repr=False)


class Publisher:
    """The authorities of `pki`, at work. Not for two threads at once."""

    def __init__(self, pki: Pki, clock: Clock, manner: Manner) -> None:
        self._clock = clock
        self._manner = manner
        self._register = pki.register
        authorities = (pki.root, *pki.issuers.values())
        self._chairs = {each.slug: Chair(each, clock.now()) for each in authorities}
        self._given: dict[str, _Given] = {}

    def reply(self, path: str, body: bytes | None = None, kind: ReplyKind | None = None) -> Reply:
        """Return the reply to GET, or to POST with `body`; `kind` is what is to be wrong with what it says."""
        found = _PATH.fullmatch(path)
        chair = self._chairs.get((found["slug"] or found["ocsp"]) if found else "")
        if found is None or chair is None:
            return Reply(HTTPStatus.NOT_FOUND, _TEXT, b"nobody publishes anything here\n")
        if kind is ReplyKind.GARBAGE:
            return Reply(HTTPStatus.OK, _OCSP if found["ocsp"] else _CRL, os.urandom(_GARBAGE_BYTES))
        if found["ocsp"]:
            return Reply(HTTPStatus.OK, _OCSP, self._ocsp(chair, found["asked"] if body is None else body, kind))
        return self._file(chair, found["what"], kind)

    def _file(self, chair: Chair, what: str, kind: ReplyKind | None) -> Reply:
        if kind is ReplyKind.OTHER:
            chair = next(each for each in self._chairs.values() if each is not chair)
        if kind is ReplyKind.WRONG_SIGNER:
            chair = chair.impostor
        match what:
            case ".cer":
                return Reply(HTTPStatus.OK, _CERTIFICATE, chair.authority.certificate.public_bytes(Encoding.DER))
            case ".crl":
                return Reply(HTTPStatus.OK, _CRL, self._full(chair, kind).content)
            case _ if self._manner.deltas:
                return Reply(HTTPStatus.OK, _CRL, self._delta(chair, kind))
            case _:
                return Reply(HTTPStatus.NOT_FOUND, _TEXT, b"there are no deltas\n")

    def _ocsp(self, chair: Chair, asked: bytes | str | None, kind: ReplyKind | None) -> bytes:
        if kind is ReplyKind.TRY_LATER:
            return ocsp.unsuccessful(OCSPResponseStatus.TRY_LATER)
        try:
            request = ocsp.read(asked if isinstance(asked, bytes) else _from_path(asked))
            nonce = ocsp.nonce_of(request)
        except ValueError:
            return ocsp.unsuccessful(OCSPResponseStatus.MALFORMED_REQUEST)
        answer = ocsp.look_up(request, chair.authority, self._known(chair, kind))
        if kind is ReplyKind.OTHER:
            answer = replace(answer, serial_number=answer.serial_number + 1, status=OCSPCertStatus.GOOD, entry=None)
        if kind is ReplyKind.UNKNOWN:
            answer = replace(answer, status=OCSPCertStatus.UNKNOWN, entry=None)
        if kind is ReplyKind.OLD_NONCE:
            nonce = os.urandom(32)
        elif kind is ReplyKind.REPLAY or not self._manner.nonce:
            nonce = None
        period = self._period(self._manner.ocsp_lifetime, kind)
        return ocsp.respond(answer, self._signer(chair, kind), period, nonce)

    def _signer(self, chair: Chair, kind: ReplyKind | None) -> Signer:
        if kind is ReplyKind.UNAUTHORISED:
            return chair.unauthorised
        chosen = chair.impostor if kind is ReplyKind.WRONG_SIGNER else chair
        return chosen.signer(delegated=self._manner.delegated)

    def _full(self, chair: Chair, kind: ReplyKind | None) -> _Given:
        slug, known = chair.authority.slug, self._known(chair, kind)
        if kind is not None:
            return self._made(chair, known, kind)
        given = self._given.get(slug)
        if (
            given is None
            or self._clock.now() - given.edition.this_update >= self._manner.crl_lifetime / 2
            or (given.said != known and not self._manner.deltas)
        ):
            given = self._given[slug] = self._made(chair, known, None)
        return given

    def _made(self, chair: Chair, known: State, kind: ReplyKind | None) -> _Given:
        edition = self._edition(kind)
        deltas = f"{chair.authority.base}/{chair.authority.slug}-delta.crl" if self._manner.deltas else None
        return _Given(edition, known, crl.full(chair.authority, known, edition, deltas))

    def _delta(self, chair: Chair, kind: ReplyKind | None) -> bytes:
        base = self._full(chair, None)
        known = self._known(chair, kind)
        return crl.delta(chair.authority, base.said, known, base.edition.number, self._edition(kind))

    def _edition(self, kind: ReplyKind | None) -> Edition:
        this_update, next_update = self._period(self._manner.crl_lifetime, kind)
        # Higher in the next second, and in the same one after anything was recorded (5.2.3).
        number = int(this_update.timestamp()) * 10**6 + len(self._register.entries())
        return Edition(number, this_update, next_update)

    def _known(self, chair: Chair, kind: ReplyKind | None) -> State:
        entries, slug = self._register.entries(), chair.authority.slug
        return state(without_the_last(entries, slug) if kind in _OLD else entries, slug)

    def _period(self, lifetime: timedelta, kind: ReplyKind | None) -> tuple[datetime, datetime]:
        begin = self._clock.now().replace(microsecond=0)
        match kind:
            case ReplyKind.STALE:
                begin -= 2 * lifetime
            case ReplyKind.FUTURE:
                begin += timedelta(days=1)
            case ReplyKind.REPLAY | ReplyKind.OLD_NONCE:
                begin -= lifetime / 2
            case _:
                pass
        return begin, begin + lifetime


def _from_path(asked: str | None) -> bytes:
    # RFC 6960, A.1: base64, of which some characters are escaped as URLs want it.
    return base64.b64decode(unquote_to_bytes(asked or ""), validate=True)
