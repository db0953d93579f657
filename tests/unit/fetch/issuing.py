"""What the tests of sithsd-fetch share: CAs whose certificates say where to ask, their answers, and a web of these."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from sithsd.certificate.read import Certificate, read
from sithsd.fetch.places import Place
from sithsd.fetch.web import Bounds, WebError
from sithsd.validity.anchors import Anchor
from sithsd.validity.judge import Judge
from sithsd.validity.policy import ValidityPolicy, ValiditySettings
from sithsd.values import Environment

HOST = "127.0.0.1:35980"
BASE = f"http://{HOST}"
OCSP, OCSP_TWO = f"{BASE}/ocsp", f"{BASE}/ocsp-two"
CRL, ROOT_CRL, DELTA = f"{BASE}/issuer.crl", f"{BASE}/root.crl", f"{BASE}/delta.crl"
ISSUER, MIDDLE = f"{BASE}/issuer.cer", f"{BASE}/middle.cer"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
SETTINGS = ValiditySettings(environments=(Environment.SIM,), sim_hosts=(HOST,))


def access(responders: Iterable[str] = (), issuers: Iterable[str] = ()) -> tuple[x509.ExtensionType, bool]:
    """Make the extension that names responders and where the issuer's certificate is."""
    methods = AuthorityInformationAccessOID
    return x509.AuthorityInformationAccess(
        [
            *(x509.AccessDescription(methods.OCSP, x509.UniformResourceIdentifier(url)) for url in responders),
            *(x509.AccessDescription(methods.CA_ISSUERS, x509.UniformResourceIdentifier(url)) for url in issuers),
        ]
    ), False


def points(*urls: str, kind: type[Any] = x509.CRLDistributionPoints) -> tuple[x509.ExtensionType, bool]:
    """Make the extension that names CRLs, each at a distribution point of its own."""
    names = ([x509.UniformResourceIdentifier(url)] for url in urls)
    return kind([x509.DistributionPoint(name, None, None, None) for name in names]), False


class Office:
    """A root, an issuing CA and a holder, and what they say at a moment."""

    def __init__(self, forge: Any) -> None:
        self.forge = forge
        self.now: datetime = forge.NOW
        self.root = forge.authority("SIM SITHS e-id Root CA v2")
        self.issuer = forge.authority(
            "SIM SITHS e-id Person HSA-id 3 CA v1",
            self.root,
            path_length=0,
            extensions=[points(ROOT_CRL)],
        )
        self.leaf = self.person(responders=[OCSP], lists=[CRL], issuers=[ISSUER])
        self.judge = self.judging()

    def person(  # noqa: PLR0913 - a certificate may name this many places
        self,
        serial: str = "SE2321000016-1AB2",
        *,
        responders: Iterable[str] = (),
        lists: Iterable[str] = (),
        deltas: Iterable[str] = (),
        issuers: Iterable[str] = (),
        issuer: Any = None,
    ) -> Any:
        """Make a holder's certificate that names these places."""
        named = [access(responders, issuers)] if [*responders, *issuers] else []
        named += [points(*lists)] if lists else []
        named += [points(*deltas, kind=x509.FreshestCRL)] if deltas else []
        return self.forge.person(serial, issuer=issuer or self.issuer, extensions=named)

    def judging(self, *issuers: Any) -> Judge:
        """Return a judge that trusts the root, and knows these issuers."""
        policy = ValidityPolicy(environments=frozenset({Environment.SIM}))
        return Judge([Anchor(read(self.root.der), Environment.SIM)], [one.der for one in issuers], policy)

    @property
    def holder(self) -> Certificate:
        """The holder's certificate as it is read."""
        return read(self.leaf.der)

    @property
    def others(self) -> list[Certificate]:
        """What else is on the holder's card."""
        return [read(self.issuer.der)]

    def respond(  # noqa: PLR0913 - a response has this many parts
        self,
        status: ocsp.OCSPCertStatus = GOOD,
        *,
        about: Any = None,
        signer: Any = None,
        made: timedelta = -HOUR,
        lasts: timedelta | None = DAY,
        nonce: bytes | None = None,
    ) -> bytes:
        """Make an OCSP response: `made` counts from now, `lasts` from then on."""
        this = self.now + made
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                x509.load_der_x509_certificate((about or self.leaf).der),
                x509.load_der_x509_certificate(self.issuer.der),
                hashes.SHA1(),  # noqa: S303 - as responders do
                status,
                this,
                None if lasts is None else this + lasts,
                this - DAY if status is REVOKED else None,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, x509.load_der_x509_certificate((signer or self.issuer).der))
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        response = builder.sign((signer or self.issuer).key, hashes.SHA256())
        return response.public_bytes(serialization.Encoding.DER)

    def list(
        self,
        *revoked: Any,
        signer: Any = None,
        made: timedelta = -HOUR,
        lasts: timedelta = DAY,
        number: int = 1,
        base: int | None = None,
    ) -> bytes:
        """Make a CRL that names these certificates."""
        signer = signer or self.issuer
        this = self.now + made
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(signer.name)
            .last_update(this)
            .next_update(this + lasts)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        if base is not None:
            builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
        for one in revoked:
            serial = x509.load_der_x509_certificate(one.der).serial_number
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this - DAY).build()
            )
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


Answer = bytes | WebError | Callable[[bytes | None], Awaitable[bytes]]


class Web:
    """A web of few places: what each answers, and how often each was asked. Nothing leaves the process."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.requests: list[bytes] = []

    def __setitem__(self, url: str, answer: Answer) -> None:
        self.answers[url] = answer

    async def get(self, place: Place, bounds: Bounds) -> bytes:
        """Answer a GET."""
        return await self._answer(place, bounds, None)

    async def post(self, place: Place, content: bytes, content_type: str, bounds: Bounds) -> bytes:
        """Answer a POST, which has to be an OCSP request."""
        assert content_type == "application/ocsp-request"
        self.requests.append(content)
        return await self._answer(place, bounds, content)

    async def _answer(self, place: Place, bounds: Bounds, content: bytes | None) -> bytes:
        url = f"http://{place.host}:{place.port}{place.path}"
        self.asked[url] += 1
        answer = self.answers.get(url, WebError("the answer is status 404"))
        await asyncio.sleep(0)
        if isinstance(answer, WebError):
            raise answer
        body = answer if isinstance(answer, bytes) else await answer(content)
        if len(body) > bounds.most:
            raise WebError(f"the answer is longer than {bounds.most} bytes")
        return body


class Gate:
    """An answer that waits until it is let through."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()

    async def __call__(self, _content: bytes | None) -> bytes:
        """Answer when the gate is open."""
        self.reached.set()
        await self.opened.wait()
        return self._body
