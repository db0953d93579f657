"""What the simulated authorities publish, right and wrong, as it is examined here; each knows nothing of the other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sithsd.certificate.read import Certificate, read
from sithsd.clock import FixedClock
from sithsd.simulator.fixture import Issuer
from sithsd.simulator.publisher import Manner, Publisher
from sithsd.simulator.register import Act, Reason
from sithsd.simulator.reply_faults import ReplyKind
from sithsd.simulator.shelf import Shelf
from sithsd.validity.files import read_certificates
from sithsd.validity.revocation import crl, ocsp, sources
from sithsd.validity.revocation.combine import combine
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus

NONCE = bytes(range(32))
SLUG = "simsithseidpersonhsaid3cav1"
GOOD, REVOKED = (RevocationStatus.GOOD, None), (RevocationStatus.REVOKED, None)
INVALID, STALE = (RevocationStatus.UNKNOWN, Failure.INVALID), (RevocationStatus.UNKNOWN, Failure.STALE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Make one card, once."""
    shelf = Shelf(tmp_path_factory.mktemp("cards"))
    shelf.card("protected")
    return shelf


class Authorities:
    """The authorities, and a certificate of theirs."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.clock = FixedClock(datetime.now(UTC))
        self.certificate: Certificate = read(shelf.card("protected").image.certificates[0].content)
        self.issuer: Certificate = read_certificates(shelf.pki.folder / f"{Issuer.PERSON_HSA_ID_3}.pem")[0]
        self.manner = Manner()

    def publisher(self) -> Publisher:
        """Return them at work."""
        return Publisher(self.shelf.pki, self.clock, self.manner)

    def ask(self, kind: ReplyKind | None = None, nonce: bytes | None = NONCE) -> Evidence:
        """Ask the responder."""
        request = ocsp.request(self.certificate, self.issuer, nonce)
        response = self.publisher().reply(f"/ocsp/{SLUG}", request, kind).content
        return ocsp.examine(response, self.certificate, self.issuer, self.clock.now(), nonce=nonce)

    def lists(self, kind: ReplyKind | None = None) -> Evidence:
        """Read the list."""
        content = self.publisher().reply(f"/{SLUG}.crl", kind=kind).content
        return crl.examine([content], self.certificate, self.issuer, self.clock.now())


@pytest.fixture
def authorities(made: Shelf, tmp_path: Path) -> Authorities:
    """Return a copy of them."""
    return Authorities(made.copy_to(tmp_path))


def told(evidence: Evidence) -> tuple[RevocationStatus, Failure | None]:
    """Return the answer and why there is none."""
    return evidence.status, evidence.failure


# What a fault makes of an answer about a certificate that is in order: over OCSP, and by a list.
FAULTS = [
    (ReplyKind.GARBAGE, INVALID, INVALID),
    (ReplyKind.WRONG_SIGNER, INVALID, INVALID),
    (ReplyKind.STALE, STALE, STALE),
    (ReplyKind.FUTURE, INVALID, INVALID),
    (ReplyKind.OTHER, INVALID, INVALID),
    (ReplyKind.UNAUTHORISED, INVALID, None),
    (ReplyKind.OLD_NONCE, INVALID, None),
    (ReplyKind.UNKNOWN, (RevocationStatus.UNKNOWN, Failure.NOT_KNOWN_THERE), None),
    (ReplyKind.TRY_LATER, (RevocationStatus.UNKNOWN, Failure.UNREACHABLE), None),
]


@pytest.mark.parametrize("delegated", [True, False])
def test_what_the_authorities_say_is_believed(authorities: Authorities, delegated: bool) -> None:
    """Good, revoked with its reason, on hold and released, over OCSP and by a list alike; with the nonce or without."""
    authorities.manner = Manner(delegated=delegated)
    assert told(authorities.ask()) == told(authorities.ask(nonce=None)) == told(authorities.lists()) == GOOD
    authorities.shelf.revoke("protected", Act.HELD)
    for evidence in (authorities.ask(), authorities.lists()):
        assert (told(evidence), evidence.revocation_reason) == (REVOKED, "certificateHold")
    authorities.shelf.revoke("protected", Act.RELEASED)
    assert told(authorities.ask()) == told(authorities.lists()) == GOOD
    authorities.shelf.revoke("protected", reason=Reason.KEY_COMPROMISE)
    for evidence in (authorities.ask(), authorities.lists()):
        assert (told(evidence), evidence.revocation_reason) == (REVOKED, "keyCompromise")


@pytest.mark.parametrize(("kind", "over_ocsp", "by_list"), FAULTS)
def test_what_is_wrong_is_not_believed(
    authorities: Authorities,
    kind: ReplyKind,
    over_ocsp: tuple[RevocationStatus, Failure | None],
    by_list: tuple[RevocationStatus, Failure | None] | None,
) -> None:
    """Each fault has its failure; and none makes a revoked certificate good."""
    assert told(authorities.ask(kind)) == over_ocsp
    assert by_list is None or told(authorities.lists(kind)) == by_list
    authorities.shelf.revoke("protected", reason=Reason.KEY_COMPROMISE)
    assert authorities.ask(kind).status is not RevocationStatus.GOOD
    assert by_list is None or authorities.lists(kind).status is not RevocationStatus.GOOD


def test_a_replay_is_known_by_who_has_heard_more(authorities: Authorities) -> None:
    """An answer from before the revocation that is still in time proves what it says: beside the newer one it is none.

    With the nonce of another request it is known by itself.
    """
    authorities.shelf.revoke("protected", reason=Reason.KEY_COMPROMISE)
    newest = authorities.ask()
    for replayed in (authorities.ask(ReplyKind.REPLAY), authorities.lists(ReplyKind.REPLAY)):
        assert told(replayed) == GOOD
        assert combine([replayed, newest]) is newest
    assert told(authorities.ask(ReplyKind.OLD_NONCE)) == INVALID


def test_deltas_of_the_authorities(authorities: Authorities) -> None:
    """A list that was given out before the revocation, and the delta that brings it, which alone makes nothing good."""
    authorities.manner = Manner(deltas=True)
    publisher = authorities.publisher()
    complete = publisher.reply(f"/{SLUG}.crl").content
    before = publisher.reply(f"/{SLUG}-delta.crl").content
    authorities.shelf.revoke("protected", reason=Reason.KEY_COMPROMISE)
    delta = publisher.reply(f"/{SLUG}-delta.crl").content
    now = authorities.clock.now()
    assert publisher.reply(f"/{SLUG}.crl").content == complete
    for lists, expected in (
        ([complete], GOOD),
        ([complete, before], GOOD),
        ([complete, delta], REVOKED),
        ([delta, complete], REVOKED),
        ([delta], REVOKED),
        ([before], INVALID),
    ):
        assert told(crl.examine(lists, authorities.certificate, authorities.issuer, now)) == expected


def test_the_certificates_name_where_the_authorities_publish(authorities: Authorities) -> None:
    """What is at each place that a certificate names is its issuer's."""
    named = sources.of(authorities.certificate)
    assert [len(urls) for urls in (named.ocsp, named.crls, named.issuers)] == [1, 1, 1]
    paths = {url.partition(f":{authorities.shelf.pki.port}")[2] for url in (*named.ocsp, *named.crls)}
    assert paths == {f"/ocsp/{SLUG}", f"/{SLUG}.crl"}
    path = named.issuers[0].partition(f":{authorities.shelf.pki.port}")[2]
    assert authorities.publisher().reply(path).content == authorities.issuer.der
