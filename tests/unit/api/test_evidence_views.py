"""What the wire tells of evidence: all of it, whose it is, and for how long it has been stale."""

import re
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from card_bench import TODAY, card
from session_house import Judge, answer, no_answer

from sithsd.api import views, wire
from sithsd.certificate.read import Certificate, read
from sithsd.session.model import JudgedCertificate
from sithsd.simulator.pkcs15 import PATHS
from sithsd.validity.revocation.model import Evidence, RevocationStatus, Source

HOUR = timedelta(hours=1)
MOMENT = re.compile(r"2024-01-15T\d\d:30:00Z")


@pytest.fixture
def path(judge: Judge) -> tuple[Certificate, ...]:
    """Give a certificate of a card, its issuer, and the root."""
    files = [file.content for file in card("ordinary").image.files if file.path not in PATHS.values()]
    leaf = next(one for one in map(read, files) if one.personal_identity_number is not None)
    found = judge.issuer_path(leaf)
    assert found is not None
    return found


def told(judge: Judge, path: tuple[Certificate, ...], *evidence: Evidence, after: timedelta = HOUR) -> wire.Certificate:
    """Return a certificate as the wire tells it, judged so long after the evidence was made."""
    assessment = judge.judge(path[0], TODAY + after, path[1:-1], evidence=evidence)
    return views.certificate(JudgedCertificate("45", None, path[0], assessment), unmasked=False)


def test_all_of_it_is_told(judge: Judge, path: tuple[Certificate, ...]) -> None:
    """Each certificate's, in the order of the path, with whose it is; of a person the subject is masked."""
    leaf, issuer, _ = path
    later = TODAY + 4 * HOUR
    revoked = answer(
        leaf,
        TODAY,
        status=RevocationStatus.REVOKED,
        revoked_at=TODAY - HOUR,
        revocation_reason="keyCompromise",
        signer="CN=SIM Responder",
        detail="a sentence",
        next_check=later,
    )
    good = answer(issuer, TODAY, source=Source.CRL, next_check=TODAY + 2 * HOUR)
    found = told(judge, path, good, revoked)
    first, second = found.evidence
    assert (first.fingerprint, first.subject) == (leaf.fingerprint, leaf.masked_subject)
    assert (second.fingerprint, second.subject) == (issuer.fingerprint, issuer.subject)
    assert (first.status, first.revoked_at, first.revocation_reason) == (
        "revoked",
        "2024-01-15T11:30:00Z",
        "keyCompromise",
    )
    assert (first.source, second.source) == ("ocsp", "crl")
    assert first.serial_number == f"{leaf.serial_number:X}"
    plain = msgspec.to_builtins(first)
    assert {name for name, value in plain.items() if value is None} == {"failure", "staleHours"}
    assert all(MOMENT.fullmatch(value) for name, value in plain.items() if name.endswith(("At", "Update", "Check")))
    assert found.next_check == "2024-01-15T14:30:00Z"
    assert not re.search(r"121212\W?1212", msgspec.json.encode(found).decode())


def test_nothing_is_told_where_nothing_is_known(judge: Judge, path: tuple[Certificate, ...]) -> None:
    """Without evidence there is none, and nobody says when there will be."""
    found = told(judge, path)
    assert (found.evidence, found.next_check) == ([], None)


def test_a_failure_by_its_name(judge: Judge, path: tuple[Certificate, ...]) -> None:
    """Why nothing is known is told as it is."""
    (found,) = told(judge, path, no_answer(path[0], detail="refused", url="http://ocsp.example/")).evidence
    assert (found.status, found.failure, found.detail) == ("unknown", "unreachable", "refused")
    assert found.url == "http://ocsp.example/"


@pytest.mark.parametrize(
    ("after", "hours"),
    [
        (HOUR, None),
        (HOUR + timedelta(seconds=1), 0),
        (2 * HOUR - timedelta(seconds=1), 0),
        (2 * HOUR, 1),
        (50 * HOUR, 49),
    ],
)
def test_stale_by_so_many_hours(
    judge: Judge, path: tuple[Certificate, ...], after: timedelta, hours: int | None
) -> None:
    """Whole hours since newer information was due, from the first moment on; before it there is nothing to tell."""
    found = told(judge, path, answer(path[0], TODAY), after=after)
    assert [one.stale_hours for one in found.evidence] == [hours]


def test_whose_issuer_is_not_known(judge: Judge, path: tuple[Certificate, ...]) -> None:
    """Evidence about a certificate that is not at hand has its fingerprint alone."""
    assessment = judge.judge(path[0], TODAY, path[1:-1], evidence=[answer(path[1], TODAY)])
    entry = JudgedCertificate("45", None, path[0], replace(assessment, issuers=()))
    (found,) = views.certificate(entry, unmasked=False).evidence
    assert (found.fingerprint, found.subject) == (path[1].fingerprint, None)
