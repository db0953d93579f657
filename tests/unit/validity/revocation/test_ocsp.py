"""What an OCSP response proves, and everything that a response may be instead of a proof."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as theirs
from revoking import DAY, HOUR, NO_CHECK, REVOKED, SIGNS_RESPONSES, UNKNOWN, Office, loaded

from sithsd.validity.revocation import crl, ocsp
from sithsd.validity.revocation.authority import UnprovenError
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

NONCE = bytes(range(32))
Response = Callable[[Office], bytes]


def examine(office: Office, response: bytes, **more: Any) -> Evidence:
    """Ask what a response proves of the person's certificate now."""
    return ocsp.examine(response, office.certificate, office.ca, office.now, **more)


def test_a_good_answer_is_evidence(office: Office) -> None:
    """A response by the CA itself tells status, source, moments and who has signed."""
    response = office.respond()
    evidence = examine(office, response, url="http://ocsp.sim", fetched_at=office.now)
    assert evidence == Evidence(
        fingerprint=office.certificate.fingerprint,
        serial_number=office.certificate.serial_number,
        status=RevocationStatus.GOOD,
        source=Source.OCSP,
        url="http://ocsp.sim",
        signer="CN=SIM SITHS e-id Person HSA-id 3 CA v1",
        this_update=office.now - HOUR,
        next_update=office.now - HOUR + DAY,
        produced_at=theirs.load_der_ocsp_response(response).produced_at_utc,
        fetched_at=office.now,
    )


def test_a_revocation_is_told_with_its_moment_and_reason(office: Office) -> None:
    """When and why are the responder's; "unspecified" tells no reason."""
    evidence = examine(office, office.respond(REVOKED, reason=x509.ReasonFlags.key_compromise))
    assert (evidence.status, evidence.failure) == (RevocationStatus.REVOKED, None)
    assert (evidence.revoked_at, evidence.revocation_reason) == (office.now - HOUR - DAY, "keyCompromise")
    for reason in (None, x509.ReasonFlags.unspecified):
        assert examine(office, office.respond(REVOKED, reason=reason)).revocation_reason is None


def test_a_revocation_that_is_old_is_still_one(office: Office) -> None:
    """What was revoked stays so after the answer's next update, since unknown would be milder."""
    old = office.respond(REVOKED, made=-20 * DAY)
    assert examine(office, old).status is RevocationStatus.REVOKED


def test_a_revocation_from_after_the_clock_is_one(office: Office) -> None:
    """A slow clock makes nobody's revocation milder."""
    assert examine(office, office.respond(REVOKED, made=HOUR)).status is RevocationStatus.REVOKED


def test_who_does_not_know_the_certificate_is_heard(office: Office) -> None:
    """A proven "unknown" is its own failure, not a good answer."""
    evidence = examine(office, office.respond(UNKNOWN))
    assert (evidence.status, evidence.failure) == (RevocationStatus.UNKNOWN, Failure.NOT_KNOWN_THERE)


def delegated(office: Office, *extensions: Any, **more: Any) -> bytes:
    """Make a response by a delegate with these extensions."""
    delegate = office.delegate(extensions, **more)
    return office.respond(signer=delegate, enclosed=[delegate])


@pytest.mark.parametrize("identified", list(theirs.OCSPResponderEncoding))
def test_a_delegate_may_answer(office: Office, identified: theirs.OCSPResponderEncoding) -> None:
    """Who has a certificate of the CA for it answers for the CA, told by name or by key (RFC 6960, 4.2.2.2)."""
    delegate = office.delegate()
    response = office.respond(signer=delegate, enclosed=[delegate], identified=identified)
    evidence = examine(office, response)
    assert (evidence.status, evidence.signer) == (RevocationStatus.GOOD, "CN=SIM Responder")


def test_the_right_delegate_is_found_among_others(office: Office) -> None:
    """Certificates that come along and are not the signer's change nothing, as few as are looked at."""
    right, wrong = office.delegate(), office.delegate([NO_CHECK])
    found = examine(office, office.respond(signer=right, enclosed=[wrong, office.other, right]))
    assert found.status is RevocationStatus.GOOD
    many = examine(office, office.respond(signer=right, enclosed=[office.other] * 4 + [right]))
    assert (many.failure, many.detail) == (Failure.INVALID, "who has signed it is not known")


def twin(office: Office) -> Any:
    """Make another CA of the same name."""
    return office.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)


def by_twin(office: Office) -> bytes:
    """Make a response by a delegate of the CA's namesake."""
    return delegated(office, SIGNS_RESPONSES, NO_CHECK, issuer=twin(office))


def by_another_ca(office: Office) -> bytes:
    """Make a response by the CA's namesake itself, told by its name, which is the CA's."""
    return office.respond(signer=twin(office), identified=theirs.OCSPResponderEncoding.NAME)


def by_a_foreign_ca(office: Office) -> bytes:
    """Make a response by a CA that has nothing to do with it."""
    foreign = office.forge.authority("SIM Foreign")
    return office.respond(signer=foreign, enclosed=[foreign])


def by_the_root(office: Office) -> bytes:
    """Make a response by the CA above."""
    return office.respond(signer=office.root, enclosed=[office.root])


def by_a_person(office: Office) -> bytes:
    """Make a response by the very certificate that it is about."""
    return office.respond(signer=office.leaf, enclosed=[office.leaf])


def short_key() -> rsa.RSAPrivateKey:
    """Make a key that is too short."""
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point


UNAUTHORISED: list[tuple[Response, str]] = [
    (by_twin, "not delegated"),
    (by_another_ca, "signature is wrong"),
    (by_a_foreign_ca, "may not sign responses"),
    (by_the_root, "may not sign responses"),
    (by_a_person, "may not sign responses"),
    (lambda office: delegated(office, NO_CHECK), "may not sign responses"),
    (
        lambda office: delegated(office, (x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), False), NO_CHECK),
        "may not sign responses",
    ),
    (lambda office: delegated(office, SIGNS_RESPONSES, NO_CHECK, usage={"key_encipherment"}), "may not sign"),
    (
        lambda office: delegated(
            office, SIGNS_RESPONSES, NO_CHECK, start=office.now - 9 * DAY, end=office.now - timedelta(seconds=1)
        ),
        "out of date",
    ),
    (
        lambda office: delegated(office, SIGNS_RESPONSES, NO_CHECK, start=office.now + timedelta(seconds=1)),
        "out of date",
    ),
    (
        lambda office: delegated(office, SIGNS_RESPONSES, NO_CHECK, key=short_key()),
        "weak (key.short)",
    ),
    (
        lambda office: delegated(
            office,
            SIGNS_RESPONSES,
            NO_CHECK,
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00"), True),
        ),
        "not delegated",
    ),
    (lambda office: office.respond(signer=office.delegate()), "not known"),
    (lambda office: delegated(office, SIGNS_RESPONSES), "revoked is not known"),
]


@pytest.mark.parametrize(("response", "why"), UNAUTHORISED)
def test_who_may_not_answer_proves_nothing(office: Office, response: Response, why: str) -> None:
    """A namesake, a foreign CA, a certificate without the right, an expired or weak delegate: never good."""
    evidence = examine(office, response(office))
    assert (evidence.status, evidence.failure) == (RevocationStatus.UNKNOWN, Failure.INVALID)
    assert why in (evidence.detail or "")
    assert evidence.this_update is None


def test_a_delegate_that_may_be_revoked_needs_a_list(office: Office) -> None:
    """Without id-pkix-ocsp-nocheck (RFC 6960, 4.2.2.2.1) a delegate is believed if the CA's CRL does not list it."""
    delegate = office.delegate([SIGNS_RESPONSES])
    response = office.respond(signer=delegate, enclosed=[delegate])
    fine = crl.parse(office.list(), office.ca)
    listing = crl.parse(office.list([office.entry(delegate)]), office.ca)
    old = crl.parse(office.list(made=-3 * DAY), office.ca)
    assert examine(office, response, lists=[fine]).status is RevocationStatus.GOOD
    for lists in ([], [listing], [old]):
        assert examine(office, response, lists=lists).failure is Failure.INVALID


def test_the_answer_is_about_this_certificate(office: Office) -> None:
    """Another certificate's answer, or the right number under another issuer's name or key, proves nothing."""
    namesake = twin(office)
    foreign = office.forge.authority("SIM Foreign", key=office.issuer.key)
    wrong = [
        office.respond(about=office.other),
        office.respond(issuer=namesake),  # the right name and another key
        office.respond(about=office.forge.person(issuer=foreign), issuer=foreign),
    ]
    wrong.append(
        theirs.OCSPResponseBuilder()
        .add_response_by_hash(
            b"\1" * 20,  # another name and the right key
            theirs.load_der_ocsp_response(office.respond()).issuer_key_hash,
            office.certificate.serial_number,
            hashes.SHA1(),  # noqa: S303 - as responders do
            theirs.OCSPCertStatus.GOOD,
            office.now,
            None,
            None,
            None,
        )
        .responder_id(theirs.OCSPResponderEncoding.HASH, loaded(office.issuer))
        .sign(office.issuer.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    for response in wrong:
        evidence = examine(office, response)
        assert (evidence.failure, evidence.detail) == (Failure.INVALID, "the response is not about this certificate")


@pytest.mark.parametrize("named_by", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])  # noqa: S303 - names
def test_a_certificate_may_be_named_by_any_usual_hash(office: Office, named_by: hashes.HashAlgorithm) -> None:
    """A responder chooses the hash of its CertID, SHA-1 among them, which only names."""
    assert examine(office, office.respond(named_by=named_by)).status is RevocationStatus.GOOD


def test_a_nonce_that_comes_back_is_ours(office: Office) -> None:
    """Another one, or one that was not asked for, is a replay; responses made in advance have none."""
    with_ours = office.respond(extensions=[(x509.OCSPNonce(NONCE), False)])
    with_other = office.respond(extensions=[(x509.OCSPNonce(bytes(32)), False)])
    assert examine(office, with_ours, nonce=NONCE).status is RevocationStatus.GOOD
    assert examine(office, office.respond(), nonce=NONCE).status is RevocationStatus.GOOD
    for response, nonce in ((with_other, NONCE), (with_ours, None)):
        evidence = examine(office, response, nonce=nonce)
        assert (evidence.failure, evidence.detail) == (Failure.INVALID, "the nonce is not ours")


def test_a_critical_extension_that_is_not_known_proves_nothing(office: Office) -> None:
    """RFC 6960, 4.4: what is critical has to be understood; what is not critical may be passed over."""
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")
    assert examine(office, office.respond(extensions=[(odd, False)])).status is RevocationStatus.GOOD
    evidence = examine(office, office.respond(extensions=[(odd, True)]))
    assert (evidence.failure, evidence.detail) == (
        Failure.INVALID,
        "it has a critical extension that is not known (1.2.752.999.3)",
    )


@pytest.mark.parametrize(
    ("made", "lasts", "failure"),
    [
        (timedelta(minutes=5), DAY, None),
        (timedelta(minutes=5, seconds=1), DAY, Failure.INVALID),
        (-DAY, DAY, None),
        (-DAY - timedelta(seconds=1), DAY, Failure.STALE),
        (timedelta(0), timedelta(seconds=-1), Failure.INVALID),
        (timedelta(minutes=-5), timedelta(0), None),
        (timedelta(minutes=-5), timedelta(minutes=1), None),
        (timedelta(minutes=-5, seconds=-1), timedelta(minutes=1), Failure.STALE),
        (-HOUR, None, None),
        (-HOUR - timedelta(seconds=1), None, Failure.STALE),
    ],
)
def test_an_answer_is_in_time(
    office: Office, made: timedelta, lasts: timedelta | None, failure: Failure | None
) -> None:
    """Not from after the clock by more than 5 minutes, not past its next update; one hour long without one.

    However soon that is, for the 5 minutes that clocks may differ by: this machine's may be fast.
    """
    evidence = examine(office, office.respond(made=made, lasts=lasts))
    assert evidence.failure is failure
    assert (evidence.status is RevocationStatus.GOOD) is (failure is None)
    assert evidence.this_update == office.now + made


def test_an_answer_made_after_the_clock_proves_nothing(office: Office) -> None:
    """The moment of signing counts as well: cryptography's builder takes the real clock, which is after this one."""
    early = datetime(2026, 2, 1, tzinfo=UTC)
    response = office.respond(made=early - office.now - HOUR)
    evidence = ocsp.examine(response, office.certificate, office.ca, early)
    assert (evidence.failure, evidence.detail) == (
        Failure.INVALID,
        "the response is from after this machine's clock",
    )


@pytest.mark.parametrize("status", [one for one in theirs.OCSPResponseStatus if one.value])
def test_a_responder_that_refuses_is_not_reached(office: Office, status: theirs.OCSPResponseStatus) -> None:
    """tryLater, unauthorized and the like are signed by nobody: no answer was had."""
    response = theirs.OCSPResponseBuilder.build_unsuccessful(status)
    evidence = examine(office, response.public_bytes(Encoding.DER))
    assert (evidence.failure, evidence.detail) == (Failure.UNREACHABLE, f"the responder says {status.name.lower()}")


def test_what_is_no_response_proves_nothing(office: Office) -> None:
    """Garbage, garbage behind, a part, a certificate, depth, and size: malformed, and nothing is raised."""
    whole = office.respond()
    deep = b"\x30\x80" * 30000
    nested = b""
    for _ in range(2000):
        size = len(nested)
        nested = b"\x30\x82" + size.to_bytes(2, "big") + nested
    for content in (b"", b"\0", whole[:-1], whole + b"\0", whole * 2, office.leaf.der, deep, nested, b"<html></html>"):
        assert examine(office, content).detail == "the response is malformed"
    assert examine(office, whole + bytes(64 * 1024)).detail == "the response is larger than 65536 bytes"


def test_an_issuer_that_is_no_ca_proves_nothing(office: Office) -> None:
    """A certificate can't be vouched for by a person's."""
    evidence = ocsp.examine(office.respond(), office.certificate, office.certificate, office.now)
    assert evidence.detail == "the issuer is no CA that can be read"


def test_a_request_is_what_others_read(office: Office) -> None:
    """The request's CertID is what cryptography computes; the nonce is in it as it was given, or lacks."""
    request = theirs.load_der_ocsp_request(ocsp.request(office.certificate, office.ca, NONCE))
    named_by = hashes.SHA1()  # noqa: S303 - it names
    same = theirs.OCSPRequestBuilder().add_certificate(loaded(office.leaf), loaded(office.issuer), named_by).build()
    for name in ("issuer_name_hash", "issuer_key_hash", "serial_number"):
        assert getattr(request, name) == getattr(same, name)
    assert request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == NONCE
    assert not list(theirs.load_der_ocsp_request(ocsp.request(office.certificate, office.ca, None)).extensions)
    for nonce in (b"", bytes(129)):
        with pytest.raises(ValueError, match="1 to 128 bytes"):
            ocsp.request(office.certificate, office.ca, nonce)
    with pytest.raises(ValueError, match="no CA"):
        ocsp.request(office.certificate, office.certificate, None)


def test_a_negative_serial_number_is_asked_of_nobody(office: Office) -> None:
    """No request can be made about it (RFC 5280, 4.1.2.2), which is told as what proves nothing is; lists can tell."""
    odd = replace(office.certificate, serial_number=-5)
    with pytest.raises(UnprovenError, match="serial number is negative"):
        ocsp.request(odd, office.ca, None)
    assert ocsp.request(replace(odd, serial_number=0), office.ca, None)


def test_a_moment_without_a_zone_is_refused(office: Office) -> None:
    """A naive moment could be hours off."""
    with pytest.raises(ValueError, match="time zone"):
        ocsp.examine(office.respond(), office.certificate, office.ca, office.now.replace(tzinfo=None))
