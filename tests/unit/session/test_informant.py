"""What was told of revocation, kept: what stays, what goes, and how much."""

from datetime import timedelta

import pytest
from card_bench import TODAY
from session_house import Judge, answer, card, no_answer

from sithsd.certificate.read import Certificate, read
from sithsd.session.informant import Known, Told
from sithsd.simulator.pkcs15 import PATHS
from sithsd.validity.revocation.model import Failure, RevocationStatus

LATER = TODAY + timedelta(hours=2)


@pytest.fixture
def path(judge: Judge) -> tuple[Certificate, Certificate]:
    """Give a certificate and its issuer."""
    files = [file.content for file in card("ordinary").image.files if file.path not in PATHS.values()]
    found = judge.issuer_path(read(files[0]))
    assert found is not None
    return found[0], found[1]


def test_nothing_is_known_of_a_stranger() -> None:
    """A certificate that nobody was asked about has no evidence and no issuers."""
    assert Known().of("00" * 32) == Told()


def test_a_proven_answer_outlives_a_failure(path: tuple[Certificate, Certificate]) -> None:
    """A failure proves nothing: what was proven stays beside it, and the failure says when there will be more."""
    leaf, _ = path
    known = Known()
    good = answer(leaf, TODAY, next_check=TODAY + timedelta(minutes=30))
    assert known.keep(leaf.fingerprint, Told((good,)))
    failed = no_answer(leaf, next_check=LATER)
    assert known.keep(leaf.fingerprint, Told((failed,)))
    kept = known.of(leaf.fingerprint).evidence
    assert [one.status for one in kept] == [RevocationStatus.UNKNOWN, RevocationStatus.GOOD]
    assert {one.next_check for one in kept} == {LATER}
    assert kept[1].this_update == TODAY


def test_a_failure_goes_when_nobody_answers(path: tuple[Certificate, Certificate]) -> None:
    """Where there is nobody to ask any more it is not said that the network is the cause; the proven stays."""
    leaf, _ = path
    known = Known()
    known.keep(leaf.fingerprint, Told((no_answer(leaf),)))
    assert known.keep(leaf.fingerprint, Told())
    assert known.of(leaf.fingerprint).evidence == ()
    known.keep(leaf.fingerprint, Told((answer(leaf, TODAY),)))
    known.keep(leaf.fingerprint, Told())
    assert [one.status for one in known.of(leaf.fingerprint).evidence] == [RevocationStatus.GOOD]


def test_the_newer_answer_counts(path: tuple[Certificate, Certificate]) -> None:
    """A good answer gives way to a newer one, not to an older one; a revocation to nothing."""
    leaf, _ = path
    known = Known()
    for at in (LATER, TODAY):
        known.keep(leaf.fingerprint, Told((answer(leaf, at),)))
    assert [one.this_update for one in known.of(leaf.fingerprint).evidence] == [LATER]
    known.keep(leaf.fingerprint, Told((answer(leaf, TODAY, status=RevocationStatus.REVOKED, revoked_at=TODAY),)))
    known.keep(leaf.fingerprint, Told((answer(leaf, LATER),)))
    assert [one.status for one in known.of(leaf.fingerprint).evidence] == [RevocationStatus.REVOKED]


def test_the_same_again_is_nothing_new(path: tuple[Certificate, Certificate]) -> None:
    """Only what changes something is told on."""
    leaf, issuer = path
    known = Known()
    told = Told((answer(leaf, TODAY), answer(issuer, TODAY)), (issuer,))
    assert known.keep(leaf.fingerprint, told)
    assert not known.keep(leaf.fingerprint, told)
    assert not Known().keep(leaf.fingerprint, Told())


def test_what_is_proven_of_issuers_stays_when_an_answer_leaves_them_out(path: tuple[Certificate, Certificate]) -> None:
    """An answer without a path tells of one certificate alone: issuers and their evidence are kept."""
    leaf, issuer = path
    known = Known()
    known.keep(leaf.fingerprint, Told((answer(leaf, TODAY), answer(issuer, TODAY)), (issuer,)))
    known.keep(leaf.fingerprint, Told((no_answer(leaf, Failure.CHAIN_UNKNOWN),)))
    kept = known.of(leaf.fingerprint)
    assert kept.issuers == (issuer,)
    assert [one.fingerprint for one in kept.evidence if one.status is RevocationStatus.GOOD] == [
        leaf.fingerprint,
        issuer.fingerprint,
    ]


def test_bounds(path: tuple[Certificate, Certificate]) -> None:
    """256 certificates are remembered, those asked about last; of one no more answers than a path may have."""
    leaf, _ = path
    known = Known()
    for number in range(300):
        known.keep(f"{number:064x}", Told((answer(leaf, TODAY),)))
        known.keep(f"{0:064x}", Told((answer(leaf, TODAY),)))
    assert len(known._told) == 256
    assert known.of(f"{0:064x}").evidence
    assert known.of(f"{299:064x}").evidence
    assert not known.of(f"{1:064x}").evidence
    many = tuple(answer(leaf, TODAY, fingerprint=f"{number:064x}") for number in range(100))
    for _ in range(3):
        known.keep(leaf.fingerprint, Told(many))
        many = tuple(reversed(many))
    assert len(known.of(leaf.fingerprint).evidence) <= 32
