"""The authorities' responder: what it serves, when, and how it fails on demand."""

import base64
import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sithsd.clock import FixedClock
from sithsd.simulator.fixture import Issuer
from sithsd.simulator.publisher import Manner
from sithsd.simulator.register import Act, Reason
from sithsd.simulator.reply_faults import ReplyFault, ReplyKind
from sithsd.simulator.responder import Responder, ResponderError
from sithsd.simulator.shelf import Shelf

NONCE = bytes(range(32))
SECONDS = 30


class Office:
    """A shelf with one card, its responder, and a clock that both go by."""

    def __init__(self, shelf: Shelf, clock: FixedClock) -> None:
        self.shelf = shelf
        self.clock = clock
        self.responder = Responder(shelf.pki, port=0, clock=clock)
        self.issuer = shelf.pki.issuers[Issuer.PERSON_HSA_ID_3]
        self.stack = ExitStack()

    def serve(self, **manner: object) -> "Office":
        """Serve in another manner."""
        self.responder.__exit__(None, None, None)
        self.responder = Responder(
            self.shelf.pki,
            port=0,
            clock=self.clock,
            manner=replace(Manner(), **manner),  # type: ignore[arg-type]  # by name
        ).__enter__()
        return self

    def certificate(self, number: int = 0) -> x509.Certificate:
        """Return one of the card's certificates."""
        return x509.load_der_x509_certificate(self.shelf.card("protected").image.certificates[number].content)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        """Ask, on a connection of its own; the answer's body is not read yet."""
        connection = self.connect()
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def connect(self, seconds: float = SECONDS) -> http.client.HTTPConnection:
        """Connect; the connection ends with the test."""
        connection = http.client.HTTPConnection("127.0.0.1", self.responder.port, timeout=seconds)
        self.stack.callback(connection.close)
        return connection

    def request(self, nonce: bytes | None = NONCE, number: int = 0) -> bytes:
        """Return an OCSP request about one of the card's certificates."""
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            self.certificate(number),
            self.issuer.certificate,
            hashes.SHA1(),  # noqa: S303 - as most clients ask
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.build().public_bytes(Encoding.DER)

    def ocsp(self, nonce: bytes | None = NONCE, number: int = 0) -> ocsp.OCSPResponse:
        """Ask about one of the card's certificates by POST."""
        answer = self.ask("POST", f"/ocsp/{self.issuer.slug}", self.request(nonce, number))
        assert answer.headers["Content-Type"] == "application/ocsp-response"
        return ocsp.load_der_ocsp_response(answer.read())

    def crl(self, what: str = "") -> x509.CertificateRevocationList:
        """Fetch the list of the card's issuer; `what` "-delta" for the delta."""
        return x509.load_der_x509_crl(self.ask("GET", f"/{self.issuer.slug}{what}.crl").read())

    def spoil(self, kind: ReplyKind, path: str = "*", seconds: float = 0.0) -> None:
        """Have replies be wrong."""
        self.responder.faults.write(ReplyFault(kind=kind, path=path, seconds=seconds))


@pytest.fixture
def office(shelf: Callable[..., Shelf], clock: FixedClock) -> Iterator[Office]:
    """Open an office with the card "protected", whose issuer is that of HSA-id at level 3."""
    opened = Office(Shelf(shelf("protected").folder.parent, FixedClock(clock.now())), FixedClock(clock.now()))
    opened.responder.__enter__()
    with opened.stack:
        yield opened
    opened.responder.__exit__(None, None, None)


def serial_numbers(crl: x509.CertificateRevocationList) -> set[int]:
    """Return the serial numbers in a list."""
    return {entry.serial_number for entry in crl}


def reason_of(crl: x509.CertificateRevocationList, serial: int) -> x509.ReasonFlags | None:
    """Return the reason that a list gives, None without one."""
    entry = crl.get_revoked_certificate_by_serial_number(serial)
    assert entry is not None
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None


def test_every_pointer_of_the_certificates_leads_somewhere(office: Office) -> None:
    """List, response and issuer's certificate are where the card's certificates say, the issuer's own ones too."""
    for certificate, signer in (
        (office.certificate(), office.issuer),
        (office.issuer.certificate, office.shelf.pki.root),
    ):
        (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert point.full_name is not None
        places = [point.full_name[0].value]
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        places += [description.access_location.value for description in access]
        assert {urlsplit(place).netloc for place in places} == {"127.0.0.1:35980"}
        crl, responses, issuer = (urlsplit(place).path for place in places)
        found = x509.load_der_x509_crl(office.ask("GET", crl).read())
        assert found.is_signature_valid(signer.key.public_key())
        assert found.issuer == certificate.issuer
        assert x509.load_der_x509_certificate(office.ask("GET", issuer).read()) == signer.certificate
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, signer.certificate, hashes.SHA256()).build()
        answer = office.ask("POST", responses, request.public_bytes(Encoding.DER)).read()
        assert ocsp.load_der_ocsp_response(answer).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_another_port_is_named_by_the_certificates(tmp_path: Path) -> None:
    """Authorities that were made for a port name it, and their responder takes it, from a copy too."""
    Shelf(tmp_path / "one", port=35990).card("foreign")
    copy = Shelf(tmp_path / "one").copy_to(tmp_path / "two")
    (certificate, *_) = copy.card("foreign").image.certificates
    assert b"http://127.0.0.1:35990/examplecardsca1.crl" in certificate.content
    assert Responder(copy.pki).port == 35990


def test_get_and_post_say_the_same(office: Office) -> None:
    """A request in the path, in base64 with or without escapes, is answered as one in the body (RFC 6960, A.1)."""
    request = base64.b64encode(office.request()).decode()
    for path in (quote(request, safe=""), request):
        answer = office.ask("GET", f"/ocsp/{office.issuer.slug}/{path}")
        assert ocsp.load_der_ocsp_response(answer.read()).serial_number == office.certificate().serial_number
    assert len(office.responder.requests) == 2


@pytest.mark.parametrize("body", [b"", b"\x30\x00", b"noise"])
def test_what_is_no_request_is_malformed(office: Office, body: bytes) -> None:
    """The answer is OCSP's own error, by POST and by GET."""
    path = f"/ocsp/{office.issuer.slug}"
    for answer in (
        office.ask("POST", path, body, **{"Content-Length": str(len(body))}),
        office.ask("GET", f"{path}/{base64.b64encode(body).decode() or '!'}"),
    ):
        status = ocsp.load_der_ocsp_response(answer.read()).response_status
        assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("length", "status"), [(32, ocsp.OCSPResponseStatus.SUCCESSFUL), (129, ocsp.OCSPResponseStatus.MALFORMED_REQUEST)]
)
def test_a_nonce_has_at_most_128_bytes(office: Office, length: int, status: ocsp.OCSPResponseStatus) -> None:
    """RFC 9654, 2.1."""
    assert office.ocsp(bytes(length)).response_status is status


def test_a_body_without_a_bound_is_refused(office: Office) -> None:
    """A POST that promises too much is not read."""
    answer = office.ask("POST", f"/ocsp/{office.issuer.slug}", **{"Content-Length": "1000000"})
    assert answer.status == 400


@pytest.mark.parametrize("path", ["/", "/nobody.crl", "/ocsp/nobody", "/simsithseidrootcav2-delta.crl", "/../key"])
def test_elsewhere_is_nothing(office: Office, path: str) -> None:
    """What nobody publishes is not found."""
    assert office.ask("GET", path).status == 404


def test_the_nonce_comes_back_and_dates_are_the_clocks(office: Office) -> None:
    """Without a nonce in the request there is none in the response; producedAt is thisUpdate."""
    response = office.ocsp()
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == NONCE
    assert not list(office.ocsp(None).extensions)
    now = office.clock.now()
    assert (response.produced_at_utc, response.this_update_utc) == (now, now)
    assert response.next_update_utc == now + timedelta(hours=1)


@pytest.mark.parametrize("delegated", [True, False])
def test_who_signs(office: Office, delegated: bool) -> None:
    """A delegate's certificate goes along, is of the issuer and for signing OCSP; the issuer's own does not."""
    response = office.serve(delegated=delegated).ocsp()
    issuer = office.issuer.certificate
    if not delegated:
        assert not response.certificates
        return
    (delegate,) = response.certificates
    delegate.verify_directly_issued_by(issuer)
    usage = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING]


def test_a_revocation_is_seen_at_once(office: Office) -> None:
    """By a responder that runs already; the other certificate stays good; a list has a higher number than before."""
    number, before = office.certificate().serial_number, office.crl()
    assert not serial_numbers(before)
    Shelf(office.shelf.folder.parent, office.clock).revoke("protected", reason=Reason.KEY_COMPROMISE, which=[1])
    response, after = office.ocsp(), office.crl()
    assert response.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert response.revocation_reason is x509.ReasonFlags.key_compromise
    assert response.revocation_time_utc == office.clock.now()
    assert office.ocsp(number=1).certificate_status is ocsp.OCSPCertStatus.GOOD
    assert serial_numbers(after) == {number}
    assert reason_of(after, number) is x509.ReasonFlags.key_compromise
    numbers = [each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in (before, after)]
    assert numbers[0] < numbers[1]


def test_a_hold_is_lifted(office: Office) -> None:
    """While it lasts the reason is certificateHold, then the certificate is good again."""
    office.shelf.revoke("protected", Act.HELD)
    assert office.ocsp().revocation_reason is x509.ReasonFlags.certificate_hold
    assert reason_of(office.crl(), office.certificate(1).serial_number) is x509.ReasonFlags.certificate_hold
    office.shelf.revoke("protected", Act.RELEASED)
    assert office.ocsp().certificate_status is ocsp.OCSPCertStatus.GOOD
    assert not serial_numbers(office.crl())


def test_a_reason_may_be_left_out(office: Office) -> None:
    """An unspecified reason is none in the list and in the response (RFC 5280, 5.3.1)."""
    office.shelf.revoke("protected")
    assert office.ocsp().revocation_reason is None
    assert reason_of(office.crl(), office.certificate().serial_number) is None


def test_an_issuer_is_revoked_in_the_roots_list(office: Office) -> None:
    """The card's own certificates stay good."""
    assert office.shelf.revoke("protected", issuers=True, reason=Reason.CA_COMPROMISE) == (office.issuer.slug,)
    crl = x509.load_der_x509_crl(office.ask("GET", "/simsithseidrootcav2.crl").read())
    assert serial_numbers(crl) == {office.issuer.certificate.serial_number}
    assert office.ocsp().certificate_status is ocsp.OCSPCertStatus.GOOD


def test_what_was_never_issued_is_unknown(office: Office) -> None:
    """And so is a certificate of another issuer."""
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(office.shelf.pki.root.certificate, office.issuer.certificate, hashes.SHA256())
        .build()
    )
    for slug, body in (
        (office.issuer.slug, request.public_bytes(Encoding.DER)),
        ("simsithseidpersonid3cav1", office.request()),
    ):
        answer = office.ask("POST", f"/ocsp/{slug}", body).read()
        assert ocsp.load_der_ocsp_response(answer).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_what_was_replaced_is_known_still(office: Office) -> None:
    """A renewed card's earlier certificates are good until they are revoked, and its new ones too."""
    old = office.request()
    office.shelf.renew_certificates("protected")
    for body in (old, office.request()):
        answer = office.ask("POST", f"/ocsp/{office.issuer.slug}", body).read()
        assert ocsp.load_der_ocsp_response(answer).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_a_list_is_the_same_until_there_is_news(office: Office) -> None:
    """Byte for byte, so that it need not be sent again; it is made anew after half its life, or when it changes."""
    path = f"/{office.issuer.slug}.crl"
    first = office.ask("GET", path)
    tag, content = first.headers["ETag"], first.read()
    assert office.ask("GET", path, **{"If-None-Match": tag}).status == 304
    office.clock.set(office.clock.now() + timedelta(hours=11))
    assert office.ask("GET", path).read() == content
    office.clock.set(office.clock.now() + timedelta(hours=1))
    again = office.ask("GET", path, **{"If-None-Match": tag})
    assert (again.status, again.read() == content) == (200, False)


def test_deltas(office: Office) -> None:
    """The list stays and points to its delta, which names its base and tells what was revoked, and lifted, since."""
    office.shelf.revoke("protected", Act.HELD, which=[1])
    base = office.serve(deltas=True).crl()
    (point,) = base.extensions.get_extension_for_class(x509.FreshestCRL).value
    assert point.full_name is not None
    assert point.full_name[0].value == f"http://127.0.0.1:35980/{office.issuer.slug}-delta.crl"
    assert not list(office.crl("-delta"))
    office.shelf.revoke("protected", Act.RELEASED, which=[1])
    office.shelf.revoke("protected", which=[2], reason=Reason.SUPERSEDED)
    assert office.crl() == base
    delta = office.crl("-delta")
    indicator = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical
    assert indicator.value.crl_number == base.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    lifted, revoked = (office.certificate(number).serial_number for number in range(2))
    assert serial_numbers(delta) == {lifted, revoked}
    assert reason_of(delta, lifted) is x509.ReasonFlags.remove_from_crl
    assert reason_of(delta, revoked) is x509.ReasonFlags.superseded


def test_a_port_that_is_taken_is_told(office: Office) -> None:
    """In one sentence."""
    with (
        pytest.raises(ResponderError, match="nothing can listen on"),
        Responder(office.shelf.pki, port=office.responder.port),
    ):
        pass


# Faults. What openssl makes of those in what is said: tests/foreign.


def test_slow_dripping_and_silence_end_with_the_responder(office: Office) -> None:
    """One that would take ten minutes does not come in a moment; ending the responder waits for nobody."""
    for kind in (ReplyKind.SLOW, ReplyKind.DRIPPING):
        office.spoil(kind, seconds=600)
        connection = office.connect(0.2)
        connection.request("GET", f"/{office.issuer.slug}.crl")
        with pytest.raises(TimeoutError):
            connection.getresponse().read()
    office.responder.__exit__(None, None, None)


def test_dripping_comes_whole(office: Office) -> None:
    """Byte by byte, and right."""
    office.spoil(ReplyKind.DRIPPING)
    assert not serial_numbers(office.crl())


@pytest.mark.parametrize(("kind", "promised"), [(ReplyKind.HUGE, True), (ReplyKind.ENDLESS, False)])
def test_too_much(office: Office, kind: ReplyKind, promised: bool) -> None:
    """More bytes come than anybody should take: with a length that says so, and without any."""
    office.spoil(kind)
    answer = office.ask("GET", f"/{office.issuer.slug}.cer")
    assert (answer.headers["Content-Length"] is not None) is promised
    assert not promised or int(answer.headers["Content-Length"]) > 2**28
    assert len(answer.read(2**24)) == 2**24
    answer.close()


def test_torn(office: Office) -> None:
    """Less comes than was promised."""
    office.spoil(ReplyKind.TORN)
    with pytest.raises(http.client.IncompleteRead):
        office.ask("GET", f"/{office.issuer.slug}.crl").read()


def test_closed(office: Office) -> None:
    """The connection ends without an answer."""
    office.spoil(ReplyKind.CLOSED)
    with pytest.raises(http.client.RemoteDisconnected):
        office.ask("GET", f"/{office.issuer.slug}.crl")


def test_a_redirect_leads_to_the_right_answer(office: Office) -> None:
    """Whoever follows it is none the wiser: that it must not be followed is for others to know."""
    office.spoil(ReplyKind.REDIRECT)
    answer = office.ask("GET", f"/{office.issuer.slug}.cer")
    assert answer.status == 302
    assert not answer.read()
    there = office.ask("GET", answer.headers["Location"])
    assert x509.load_der_x509_certificate(there.read()) == office.issuer.certificate


def test_an_error_is_an_error(office: Office) -> None:
    """HTTP's 500, on a connection that goes on."""
    office.spoil(ReplyKind.ERROR)
    answer = office.ask("GET", f"/{office.issuer.slug}.crl")
    assert (answer.status, answer.read()) == (500, b"something went wrong\n")


def test_faults_are_for_the_paths_that_fit(office: Office) -> None:
    """The first that fits happens; another process may write them; none makes all right again."""
    faults = Responder(office.shelf.pki, port=0).faults
    faults.write(
        ReplyFault(kind=ReplyKind.TRY_LATER, path="/ocsp/*"), ReplyFault(kind=ReplyKind.ERROR, path="*personhsa*")
    )
    assert office.ocsp().response_status is ocsp.OCSPResponseStatus.TRY_LATER
    assert office.ask("GET", f"/{office.issuer.slug}.crl").status == 500
    assert office.ask("GET", "/simsithseidrootcav2.crl").status == 200
    faults.write()
    assert office.ocsp().response_status is ocsp.OCSPResponseStatus.SUCCESSFUL


def test_an_impostor_has_everything_but_the_key(office: Office) -> None:
    """The certificate of the wrong signer has the authority's names and identifiers."""
    office.spoil(ReplyKind.WRONG_SIGNER)
    impostor = x509.load_der_x509_certificate(office.ask("GET", f"/{office.issuer.slug}.cer").read())
    true = office.issuer.certificate
    assert impostor.public_key() != true.public_key()
    assert (impostor.subject, impostor.issuer) == (true.subject, true.issuer)
    assert [each.value for each in impostor.extensions] == [each.value for each in true.extensions]
    assert not office.crl().is_signature_valid(office.issuer.key.public_key())


def test_a_replay_is_as_it_was_before(office: Office) -> None:
    """The response that said good, and the list without the certificate, both still within their time."""
    office.shelf.revoke("protected")
    office.spoil(ReplyKind.REPLAY)
    now, response, crl = office.clock.now(), office.ocsp(), office.crl()
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert not list(response.extensions)
    assert response.produced_at_utc == response.this_update_utc < now < (response.next_update_utc or now)
    assert office.certificate(1).serial_number not in serial_numbers(crl)
    assert crl.last_update_utc < now < (crl.next_update_utc or now)


def test_the_times_are_in_utc(office: Office) -> None:
    """A response made at a fixed moment tells this moment, whatever the machine's clock says."""
    assert office.ocsp().produced_at_utc == datetime(2024, 1, 15, 12, 30, tzinfo=UTC)
