"""pyhanko-certvalidator's own revocation checks as second opinion on the same answers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from asn1crypto import crl as crl_structures
from asn1crypto import ocsp as ocsp_structures
from asn1crypto import x509 as structures
from cryptography import x509
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import PathValidationError, RevokedError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.validate import async_validate_path
from revoking import DAY, HOUR, NO_CHECK, REVOKED, SIGNS_RESPONSES, UNKNOWN, Office, points, scope

from sithsd.validity.path import run
from sithsd.validity.revocation import crl, ocsp
from sithsd.validity.revocation.model import RevocationStatus

SOME = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
ALL = frozenset(x509.ReasonFlags) - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}
HOLD, REMOVED = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl


def theirs(office: Office, *, responses: Sequence[bytes] = (), lists: Sequence[bytes] = ()) -> RevocationStatus:
    """Ask the library, which has to have an answer about the person's certificate and about no other."""
    asked = RevocationCheckingRule.OCSP_REQUIRED if responses else RevocationCheckingRule.CRL_REQUIRED
    rules = RevocationCheckingPolicy(asked, RevocationCheckingRule.NO_CHECK)
    root, issuer, leaf = (structures.Certificate.load(one.der) for one in (office.root, office.issuer, office.leaf))
    context = ValidationContext(
        trust_roots=[root],
        other_certs=[issuer],
        moment=office.now,
        allow_fetching=False,
        ocsps=[ocsp_structures.OCSPResponse.load(response) for response in responses],
        crls=[crl_structures.CertificateList.load(content) for content in lists],
        revinfo_policy=CertRevTrustPolicy(rules),
        time_tolerance=timedelta(minutes=5),
    )
    try:
        run(async_validate_path(context, ValidationPath(CertTrustAnchor(root), [issuer], leaf)))
    except RevokedError:
        return RevocationStatus.REVOKED
    except PathValidationError:
        return RevocationStatus.UNKNOWN
    return RevocationStatus.GOOD


def delegated(office: Office, *extensions: Any, **more: Any) -> bytes:
    """Make a response by a delegate with these extensions."""
    delegate = office.delegate(extensions, **more)
    return office.respond(signer=delegate, enclosed=[delegate])


def responses(office: Office) -> dict[str, bytes]:
    """Make responses of many kinds."""
    past = {"start": office.now - 9 * DAY, "end": office.now - DAY}
    namesake = office.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)
    return {
        "good": office.respond(),
        "revoked": office.respond(REVOKED),
        "hold": office.respond(REVOKED, reason=HOLD),
        "unknown": office.respond(UNKNOWN),
        "another's": office.respond(about=office.other),
        "outdated": office.respond(made=-3 * DAY),
        "from later": office.respond(made=2 * HOUR),
        "delegate": delegated(office, SIGNS_RESPONSES, NO_CHECK),
        "delegate without the right": delegated(office, NO_CHECK),
        "delegate of a namesake": delegated(office, SIGNS_RESPONSES, NO_CHECK, issuer=namesake),
        "expired delegate": delegated(office, SIGNS_RESPONSES, NO_CHECK, **past),
        "delegate that may be revoked": delegated(office, SIGNS_RESPONSES),
        "by the holder": office.respond(signer=office.leaf, enclosed=[office.leaf]),
        "by a namesake": office.respond(signer=namesake, enclosed=[namesake]),
    }


def lists(office: Office) -> dict[str, list[bytes]]:
    """Make lists of many kinds."""
    odd = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00"), True)
    namesake = office.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)
    fresher = (x509.FreshestCRL(list(points("http://crl.sim/delta.crl")[0])), False)
    held = office.list([office.entry(reason=HOLD)], number=5, extensions=[fresher])
    return {
        "clean": [office.list()],
        "others": [office.list([office.entry(office.other)])],
        "revoked": [office.list([office.entry()])],
        "hold": [office.list([office.entry(reason=HOLD)])],
        "outdated": [office.list(made=-3 * DAY)],
        "from later": [office.list(made=2 * HOUR)],
        "by a namesake": [office.list(signer=namesake)],
        "by the root": [office.list(signer=office.root)],
        "critical extension": [office.list(extensions=[odd])],
        "critical extension of the entry": [office.list([office.entry(extensions=[odd])])],
        "holders": [office.list(point=scope(users=True))],
        "CAs": [office.list(point=scope(cas=True))],
        "attributes": [office.list(point=scope(attributes=True))],
        "our point": [office.list(point=scope("http://crl.sim/one.crl"))],
        "another point": [office.list(point=scope("http://crl.sim/two.crl"))],
        "some reasons": [office.list(point=scope(reasons=SOME))],
        "all reasons in two": [office.list(point=scope(reasons=part)) for part in (SOME, ALL - SOME)],
        "revoked in one of two": [
            office.list(point=scope(reasons=SOME)),
            office.list([office.entry()], point=scope(reasons=ALL - SOME)),
        ],
        "a delta adds": [office.list(number=5, extensions=[fresher]), office.list([office.entry()], number=6, base=5)],
        "a delta removes": [held, office.list([office.entry(reason=REMOVED)], number=6, base=5)],
        "a delta alone": [office.list(number=6, base=5)],
        "a delta of another scope": [
            held,
            office.list([office.entry(reason=REMOVED)], number=6, base=5, point=scope(users=True)),
        ],
        "a delta of a later list": [held, office.list([office.entry(reason=REMOVED)], number=9, base=8)],
    }


# What the library says otherwise, and why.
DIFFERENT = {
    # It has no answer where a list names deltas and none fits; the list alone says that the certificate is on hold.
    "a delta of another scope": RevocationStatus.UNKNOWN,
    # It does not compare the number of the list that the delta goes with (RFC 5280, 5.2.4, (c)), and ends the hold.
    "a delta of a later list": RevocationStatus.GOOD,
}


def test_the_library_believes_the_same_responses(office: Office) -> None:
    """Over responders with and without the right, in time and out of it, each answer is the library's too."""
    found = {}
    for name, content in responses(office).items():
        found[name] = ocsp.examine(content, office.certificate, office.ca, office.now).status
        assert theirs(office, responses=[content]) is found[name], name
    assert set(found.values()) == set(RevocationStatus)


def test_the_library_believes_the_same_lists(office: Office) -> None:
    """Over complete lists, parts and deltas, each answer is the library's too, but for what is told above."""
    found = {}
    for name, content in lists(office).items():
        found[name] = crl.examine(content, office.certificate, office.ca, office.now).status
        assert theirs(office, lists=content) is DIFFERENT.get(name, found[name]), name
    assert set(found.values()) == set(RevocationStatus)
    assert all(found[name] is not other for name, other in DIFFERENT.items())
    assert all(found[name] is RevocationStatus.REVOKED for name in DIFFERENT)
