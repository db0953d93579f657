"""What CRLs prove: complete lists, parts of them, deltas; and everything that a list may be instead."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from revoking import DAY, HOUR, Office, points, scope

from sithsd.certificate.read import read
from sithsd.validity.revocation import crl
from sithsd.validity.revocation.entries import MAX_BYTES
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

ONE, TWO = "http://crl.sim/one.crl", "http://crl.sim/two.crl"
HOLD, REMOVED = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
SOME = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
ALL = frozenset(x509.ReasonFlags) - {x509.ReasonFlags.unspecified, REMOVED}
MALFORMED = "the list is malformed (ValueError); no list covers the certificate"
ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")


def examine(office: Office, *lists: bytes, about: Any = None, **more: Any) -> Evidence:
    """Ask what lists prove of the person's certificate, or of another one, now."""
    certificate = read(about.der) if about else office.certificate
    return crl.examine(lists, certificate, office.ca, office.now, **more)


def told(evidence: Evidence) -> tuple[RevocationStatus, Failure | None]:
    """Return the answer and why there is none."""
    return evidence.status, evidence.failure


GOOD = (RevocationStatus.GOOD, None)
REVOKED = (RevocationStatus.REVOKED, None)
INVALID = (RevocationStatus.UNKNOWN, Failure.INVALID)
STALE = (RevocationStatus.UNKNOWN, Failure.STALE)


def test_a_certificate_that_is_not_listed_is_good(office: Office) -> None:
    """Evidence tells the list's moments, who has signed it and where it was had."""
    content = office.list([office.entry(office.other)])
    assert examine(office, content, urls=[ONE], fetched_at=office.now) == Evidence(
        fingerprint=office.certificate.fingerprint,
        serial_number=office.certificate.serial_number,
        status=RevocationStatus.GOOD,
        source=Source.CRL,
        url=ONE,
        signer="CN=SIM SITHS e-id Person HSA-id 3 CA v1",
        this_update=office.now - HOUR,
        next_update=office.now - HOUR + DAY,
        produced_at=office.now - HOUR,
        fetched_at=office.now,
    )


@pytest.mark.parametrize(
    ("reason", "word"), [(None, None), (HOLD, "certificateHold"), (x509.ReasonFlags.key_compromise, "keyCompromise")]
)
def test_a_listed_certificate_is_revoked(office: Office, reason: x509.ReasonFlags | None, word: str | None) -> None:
    """When and why stand in its entry; a hold is a revocation too."""
    evidence = examine(office, office.list([office.entry(office.other), office.entry(reason=reason)]))
    assert told(evidence) == REVOKED
    assert (evidence.revoked_at, evidence.revocation_reason) == (office.now - 2 * DAY, word)


def test_an_outdated_list_proves_a_revocation_and_nothing_else(office: Office) -> None:
    """Listed stays revoked; not listed is stale, at once after the next update."""
    assert told(examine(office, office.list([office.entry()], made=-9 * DAY))) == REVOKED
    assert told(examine(office, office.list(made=-DAY))) == GOOD
    assert told(examine(office, office.list(made=-DAY - timedelta(seconds=1)))) == STALE


def test_a_list_from_after_the_clock_proves_nothing(office: Office) -> None:
    """Clocks differ by 5 minutes, no more; and a list ends after it begins."""
    assert told(examine(office, office.list(made=timedelta(minutes=5)))) == GOOD
    late = examine(office, office.list(made=timedelta(minutes=5, seconds=1)))
    assert (told(late), late.detail) == (INVALID, "the list is from after this machine's clock")
    assert late.this_update == office.now + timedelta(minutes=5, seconds=1)


def test_a_revocation_from_after_the_clock_is_one(office: Office) -> None:
    """A slow clock makes nobody's revocation milder; what is not listed is not good by such a list."""
    assert told(examine(office, office.list([office.entry()], made=HOUR))) == REVOKED


def test_the_most_telling_of_several_failures_is_told(office: Office) -> None:
    """An outdated list tells more than one from after the clock, whichever is of the wider scope."""
    for old, late in ((None, scope(users=True)), (scope(users=True), None)):
        lists = [office.list(made=-3 * DAY, point=old), office.list(made=HOUR, point=late)]
        assert told(examine(office, *lists)) == told(examine(office, *reversed(lists))) == STALE


def test_only_the_issuers_own_list_counts(office: Office) -> None:
    """A namesake's, another CA's under the issuer's name, the root's: none says anything of the certificate."""
    forge = office.forge
    namesake = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)
    for content, why in (
        (office.list(signer=namesake), "the signature is wrong"),
        (office.list(signer=office.root), "the list is another issuer's"),
        (office.list(signer=office.root, name=office.issuer.name), "the signature is wrong"),
    ):
        evidence = examine(office, content)
        assert told(evidence) == INVALID
        assert why in (evidence.detail or "")


def test_an_issuer_without_the_right_signs_no_lists(office: Office) -> None:
    """A keyUsage without cRLSign rules lists out (RFC 5280, 6.3.3 (f)); no keyUsage does not."""
    for usage, expected in (({"key_cert_sign"}, INVALID), ({"crl_sign"}, GOOD), (None, GOOD)):
        issuer = office.forge.authority("SIM CA", office.root, usage=usage)
        leaf = read(office.forge.person(issuer=issuer).der)
        evidence = crl.examine([office.list(signer=issuer)], leaf, read(issuer.der), office.now)
        assert told(evidence) == expected


def test_what_is_critical_and_not_known_makes_a_list_useless(office: Office) -> None:
    """RFC 5280, 5.2 and 5.3: on the list or on any entry of it; the very certificate's entry is no exception."""
    for content in (
        office.list(extensions=[(ODD, True)]),
        office.list([office.entry(office.other, extensions=[(ODD, True)])]),
        office.list([office.entry(extensions=[(ODD, True)])]),
        office.list([office.entry(office.other, extensions=[(x509.CertificateIssuer([]), True)])]),
    ):
        assert told(examine(office, content)) == INVALID
    assert told(examine(office, office.list([office.entry(office.other, extensions=[(ODD, False)])]))) == GOOD
    assert told(examine(office, office.list(extensions=[(ODD, False)]))) == GOOD
    odd_value = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x04\x03\x01\x01\xff")
    assert told(examine(office, office.list([office.entry(office.other, extensions=[(odd_value, False)])]))) == GOOD


def test_parts_of_a_list_are_about_their_part(office: Office) -> None:
    """By kind of certificate and by distribution point (RFC 5280, 5.2.5): a part that is about others tells nothing."""
    for point, expected in (
        (scope(users=True), GOOD),
        (scope(cas=True), INVALID),
        (scope(ONE), GOOD),
        (scope(ONE, TWO), GOOD),
        (scope(TWO), INVALID),
        (scope(ONE, cas=True), INVALID),
        (scope(ONE, users=True), GOOD),
        (scope(attributes=True), INVALID),
        (scope(ONE, indirect=True), INVALID),
    ):
        assert told(examine(office, office.list(point=point))) == expected
        if expected == GOOD:
            assert told(examine(office, office.list([office.entry()], point=point))) == REVOKED
    ca = office.forge.authority("SIM Below", office.issuer)
    assert told(examine(office, office.list(point=scope(cas=True)), about=ca)) == GOOD
    assert told(examine(office, office.list(point=scope(users=True)), about=ca)) == INVALID


def test_a_certificate_without_points_is_on_no_part_for_one(office: Office) -> None:
    """A list for one distribution point says nothing of a certificate that does not name it."""
    assert told(examine(office, office.list(point=scope(ONE)), about=office.other)) == INVALID
    assert told(examine(office, office.list(), about=office.other)) == GOOD


def test_points_named_below_the_issuer(office: Office) -> None:
    """A point's name may be told by its last part (RFC 5280, 4.2.1.13): it is the whole name that is compared."""
    parts = [x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in "12"]
    holder = office.forge.person(
        issuer=office.issuer,
        extensions=[(x509.CRLDistributionPoints([x509.DistributionPoint(None, parts[0], None, None)]), False)],
    )
    wholes = [[x509.DirectoryName(x509.Name([*office.issuer.name.rdns, part]))] for part in parts]
    for full, relative, expected in (
        (None, parts[0], GOOD),
        (None, parts[1], INVALID),
        (wholes[0], None, GOOD),
        (wholes[1], None, INVALID),
    ):
        point = x509.IssuingDistributionPoint(full, relative, False, False, None, False, False)
        assert told(examine(office, office.list(point=point), about=holder)) == expected
        assert told(examine(office, office.list([office.entry(holder)], point=point), about=holder)) == (
            REVOKED if expected == GOOD else INVALID
        )


def test_a_point_whose_list_another_signs_is_nobodys_here(office: Office) -> None:
    """The issuer's part for a point that names another signer proves nothing; its list about everything does."""
    name = x509.DirectoryName(office.root.name)
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(ONE)], None, None, [name])
    holder = office.forge.person(issuer=office.issuer, extensions=[(x509.CRLDistributionPoints([point]), False)])
    assert told(examine(office, office.list(point=scope(ONE)), about=holder)) == INVALID
    assert told(examine(office, office.list(), about=holder)) == GOOD


def test_some_reasons_are_not_all(office: Office) -> None:
    """A list for some reasons proves nothing until the others are covered too; listed in it is revoked."""
    some, others = office.list(point=scope(reasons=SOME)), office.list(point=scope(reasons=ALL - SOME))
    evidence = examine(office, some)
    assert (told(evidence), evidence.detail) == (INVALID, "the lists are not about all reasons")
    assert told(examine(office, some, others)) == GOOD
    assert told(examine(office, office.list([office.entry()], point=scope(reasons=SOME)))) == REVOKED
    assert told(examine(office, some, office.list([office.entry()], point=scope(reasons=ALL - SOME)))) == REVOKED
    old = office.list(point=scope(reasons=ALL - SOME), made=-3 * DAY)
    assert told(examine(office, some, old)) == STALE


def test_a_certificates_own_points_may_be_for_some_reasons(office: Office) -> None:
    """What its distribution point leaves out is covered by no list for that point."""
    holder = office.forge.person(issuer=office.issuer, extensions=[points(ONE, reasons=SOME)])
    assert told(examine(office, office.list(point=scope(ONE)), about=holder)) == INVALID
    assert told(examine(office, office.list(), about=holder)) == GOOD


def test_a_delta_changes_the_list_that_it_goes_with(office: Office) -> None:
    """RFC 5280, 5.2.4: what is new in it is revoked; only a hold ends by it; without change the list counts."""
    held, clean = office.list([office.entry(reason=HOLD)], number=5), office.list(number=5)
    compromised = office.list([office.entry(reason=x509.ReasonFlags.key_compromise)], number=5)
    adds = office.list([office.entry()], number=6, base=5)
    removes = office.list([office.entry(reason=REMOVED)], number=6, base=5)
    nothing = office.list(number=6, base=5)
    assert told(examine(office, clean, adds)) == REVOKED
    assert told(examine(office, held, removes)) == GOOD
    assert told(examine(office, compromised, removes)) == REVOKED
    assert told(examine(office, held, nothing)) == REVOKED
    assert told(examine(office, clean, nothing)) == GOOD
    assert told(examine(office, clean, removes)) == GOOD


def test_a_delta_that_does_not_fit_changes_nothing(office: Office) -> None:
    """Its base is newer than the list, it is older than the list, it has another scope, or it stands alone."""
    held = office.list([office.entry(reason=HOLD)], number=5)
    removal = [office.entry(reason=REMOVED)]
    for delta in (
        office.list(removal, number=8, base=6),
        office.list(removal, number=5, base=4),
        office.list(removal, number=6, base=5, point=scope(users=True)),
        office.list(removal, number=6, base=5, made=-3 * DAY),
    ):
        assert told(examine(office, held, delta)) == REVOKED
        assert told(examine(office, delta)) == INVALID
    without_number = office.list([office.entry(reason=HOLD)], number=None)
    assert told(examine(office, without_number, office.list(removal, number=6, base=5))) == REVOKED


def test_a_delta_that_does_not_fit_revokes_all_the_same(office: Office) -> None:
    """What its issuer has signed as revoked is never good: its base may not be here yet, its scope or number differ."""
    clean, compromised = office.list(number=5, made=-3 * HOUR), x509.ReasonFlags.key_compromise
    for reason in (None, HOLD, compromised):
        listing = [office.entry(reason=reason)]
        for delta in (
            office.list(listing, number=8, base=6),
            office.list(listing, number=6, base=5, point=scope(users=True)),
            office.list(listing, number=None, base=5),
            office.list(listing, number=8, base=6, made=-2 * HOUR, lasts=HOUR),
            office.list(listing, number=8, base=6, made=HOUR),
        ):
            assert told(examine(office, clean, delta)) == told(examine(office, delta, clean)) == REVOKED
            assert told(examine(office, delta)) == REVOKED
    assert told(examine(office, clean, office.list([office.entry(office.other)], number=8, base=6))) == GOOD
    assert told(examine(office, clean, office.list([office.entry()], number=8, base=6, point=scope(cas=True)))) == GOOD


def test_a_delta_is_outdated_by_a_later_list_about_the_same(office: Office) -> None:
    """Only a hold ends, by a later delta or by not being in a later complete list; one about less does not tell."""
    held = office.list([office.entry(reason=HOLD)], number=8, base=6, made=-2 * HOUR)
    before, after = office.list(number=5, made=-3 * HOUR), office.list(number=9)
    removal = [office.entry(reason=REMOVED)]
    assert told(examine(office, held, after)) == GOOD
    together = office.list([office.entry(reason=HOLD)], number=9, base=6)  # it told no more than `after`
    assert told(examine(office, together, after)) == GOOD
    assert told(examine(office, held, before, office.list(removal, number=9, base=6))) == GOOD
    compromised = office.list([office.entry(reason=x509.ReasonFlags.key_compromise)], number=8, base=6, made=-2 * HOUR)
    assert told(examine(office, compromised, before, office.list(removal, number=9, base=6))) == REVOKED
    some = office.list(point=scope(reasons=SOME))
    others = office.list(point=scope(reasons=ALL - SOME), made=-3 * HOUR)
    assert told(examine(office, held, some, others)) == REVOKED


def test_a_line_that_makes_no_sense_beside_a_list_without_one(office: Office) -> None:
    """A list about less that says nothing of the certificate does not make it good."""
    odd = office.list([office.entry(reason=REMOVED)])
    clean = office.list(point=scope(users=True))
    assert told(examine(office, odd, clean)) == told(examine(office, clean, odd)) == INVALID


def test_a_delta_makes_the_list_newer_and_never_older(office: Office) -> None:
    """The delta's moments are told while it is in time, the list's after that."""
    complete = office.list(number=5, made=-HOUR, lasts=9 * DAY)
    fresh = office.list(number=7, base=5, made=timedelta(0), lasts=HOUR)
    gone = office.list(number=7, base=5, made=-HOUR, lasts=HOUR - timedelta(seconds=1))
    assert examine(office, complete, fresh).next_update == office.now + HOUR
    assert examine(office, complete, gone).next_update == office.now - HOUR + 9 * DAY
    late = office.list(number=7, base=5, made=HOUR)
    assert told(examine(office, complete, late)) == INVALID


def test_the_newest_of_several_lists_counts(office: Office) -> None:
    """An older list that somebody kept is not heard where a newer one is there, in any order."""
    old = office.list([office.entry(reason=HOLD)], number=1, made=-2 * HOUR)
    new = office.list(number=2)
    assert told(examine(office, old, new)) == told(examine(office, new, old)) == GOOD
    again = office.list([office.entry()], number=3, made=timedelta(0))
    assert told(examine(office, new, again)) == told(examine(office, again, new)) == REVOKED


def test_a_removal_in_a_complete_list_makes_no_sense(office: Office) -> None:
    """RemoveFromCRL belongs into deltas alone (RFC 5280, 5.3.1): the certificate is not good by it."""
    assert told(examine(office, office.list([office.entry(reason=REMOVED)]))) == INVALID


def test_of_two_entries_the_worse_one_counts(office: Office) -> None:
    """A certificate that is listed twice is revoked since the first time."""
    twice = office.list([office.entry(reason=REMOVED), office.entry(since=-3 * DAY), office.entry(since=-DAY)])
    evidence = examine(office, twice)
    assert (told(evidence), evidence.revoked_at) == (REVOKED, office.now - 3 * DAY)


def test_what_is_no_list_proves_nothing(office: Office) -> None:
    """Garbage, garbage behind, a part, a certificate, depth, size, none: nothing is raised, and the reason is told."""
    whole = office.list()
    deep = b"\x30\x80" * 100000
    for content in (b"", b"\0", whole[:-1], whole + b"\0", office.leaf.der, deep, b"<html></html>"):
        evidence = examine(office, content)
        assert (told(evidence), evidence.detail) == (INVALID, MALFORMED)
    assert "larger than" in (examine(office, bytes(MAX_BYTES + 1)).detail or "")
    assert examine(office).detail == "no list covers the certificate"
    assert told(examine(office, *[b"\0"] * 16, whole)) == INVALID
    assert told(examine(office, b"\0", whole)) == GOOD


def test_a_moment_without_a_zone_is_refused(office: Office) -> None:
    """A naive moment could be hours off."""
    with pytest.raises(ValueError, match="time zone"):
        crl.examine([], office.certificate, office.ca, office.now.replace(tzinfo=None))
