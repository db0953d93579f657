"""The judge over evidence of revocation: every reason, by use, and when the verdict changes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judging import SIM, House, reasons

from sithsd.certificate.read import Certificate, read
from sithsd.validity.freshness import stale_by
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.policy import DESK, LOG_IN, RELEASED, REPORT, UsePolicy, ValiditySettings
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus
from sithsd.values import Status, Verdict

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TICK = datetime.resolution


class Case:
    """A person's certificate below an issuing CA, and answers about both."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.leaf = read(house.leaf.der)
        self.issuer = read(house.issuer.der)

    def about(self, certificate: Certificate, **more: Any) -> Evidence:
        """Make a good answer of an hour ago that is good for a day, unless told otherwise."""
        made = self.house.now - HOUR
        told = {"this_update": made, "next_update": made + DAY, **more}
        return Evidence(certificate.fingerprint, certificate.serial_number, RevocationStatus.GOOD, **told)

    def failed(self, certificate: Certificate, failure: Failure) -> Evidence:
        """Make an answer that is none."""
        return Evidence(certificate.fingerprint, 1, RevocationStatus.UNKNOWN, failure=failure)

    def judge(
        self, *evidence: Evidence, at: datetime | None = None, use: UsePolicy = LOG_IN, leaf: Certificate | None = None
    ) -> Assessment:
        """Judge the person's certificate."""
        return self.house.judge.judge(leaf or self.leaf, at or self.house.now, evidence=evidence, use=use)


@pytest.fixture
def case(house: House) -> Case:
    """Return the case."""
    return Case(house)


def test_all_proven_is_good(case: Case) -> None:
    """With a valid path, in date, and fresh good answers for all but the anchor: good, with the evidence."""
    leaf, issuer = case.about(case.leaf), case.about(case.issuer)
    assessment = case.judge(issuer, leaf)
    assert assessment.verdict == Verdict(Status.GOOD, ())
    assert assessment.evidence == (leaf, issuer)
    assert assessment.anchor == case.house.anchor.certificate.fingerprint


def test_each_certificate_of_the_path_is_asked_about(case: Case) -> None:
    """Evidence for one of two is not enough, and evidence about others is none."""
    leaf, issuer = case.about(case.leaf), case.about(case.issuer)
    root = case.about(case.house.anchor.certificate)
    for evidence in ((), (leaf,), (issuer,), (leaf, root), (root,)):
        assert reasons(case.judge(*evidence)) == ("revocation.notChecked",)
    assert reasons(case.judge(leaf, issuer, root)) == ()


def test_the_anchor_itself_has_nobody_to_ask(case: Case) -> None:
    """An anchor is trusted as it is, and nobody says more of it."""
    root = case.house.anchor.certificate
    assert reasons(case.judge(case.about(root), leaf=root)) == ("revocation.notChecked",)


def test_revoked_is_bad_for_the_certificate_and_for_its_issuer(case: Case) -> None:
    """Each by its own name, with the moment in the evidence; however old the answer is."""
    leaf, issuer = case.about(case.leaf), case.about(case.issuer)
    gone = replace(leaf, status=RevocationStatus.REVOKED, revoked_at=case.house.now - DAY)
    old = replace(gone, this_update=case.house.now - 900 * DAY, next_update=case.house.now - 899 * DAY)
    for answer in (gone, old):
        assessment = case.judge(answer, issuer)
        assert assessment.verdict == Verdict(Status.BAD, ("revocation.revoked",))
        assert assessment.evidence[0].revoked_at == case.house.now - DAY
    lost = replace(issuer, status=RevocationStatus.REVOKED)
    assert case.judge(leaf, lost).verdict == Verdict(Status.BAD, ("chain.revoked",))
    assert reasons(case.judge(gone, lost)) == ("revocation.revoked", "chain.revoked")


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (Failure.CHAIN_UNKNOWN, "revocation.notChecked"),
        (Failure.NO_SOURCE, "revocation.noSource"),
        (Failure.UNREACHABLE, "revocation.unreachable"),
        (Failure.INVALID, "revocation.invalid"),
        (Failure.NOT_KNOWN_THERE, "revocation.notKnown"),
        (Failure.STALE, "revocation.stale"),
    ],
)
def test_each_failure_has_its_reason(case: Case, failure: Failure, name: str) -> None:
    """Unknown by that name, whether the certificate or its issuer is meant; a good answer beside it counts."""
    leaf, issuer = case.about(case.leaf), case.about(case.issuer)
    for evidence in ((case.failed(case.leaf, failure), issuer), (leaf, case.failed(case.issuer, failure))):
        assessment = case.judge(*evidence)
        assert assessment.verdict == Verdict(Status.UNKNOWN, (name,))
    assert reasons(case.judge(case.failed(case.leaf, failure), leaf, issuer)) == ()


def test_without_a_path_only_a_revocation_is_heard(forge: Any, case: Case) -> None:
    """A good answer about a certificate from nowhere proves nothing; that it was revoked is told."""
    stranger = read(forge.person(issuer=forge.authority("SIM Other CA", case.house.root)).der)
    good = case.about(stranger)
    assert reasons(case.judge(good, leaf=stranger)) == ("chain.issuerUnknown", "revocation.notChecked")
    assert case.judge(good, leaf=stranger).evidence == ()
    gone = replace(good, status=RevocationStatus.REVOKED)
    assert reasons(case.judge(gone, leaf=stranger)) == ("revocation.revoked", "chain.issuerUnknown")


def test_a_good_answer_beside_a_revocation_makes_nothing_good(case: Case) -> None:
    """However fresh it is, and in any order; of a hold, only what was made after it."""
    issuer, good = case.about(case.issuer), case.about(case.leaf)
    older, newer = (replace(good, this_update=case.house.now - hours * HOUR) for hours in (9, 0))
    revoked = replace(good, status=RevocationStatus.REVOKED)
    held = replace(revoked, revocation_reason="certificateHold")
    for one in (older, good, newer):
        for evidence in ((one, revoked, issuer), (issuer, revoked, one)):
            assert case.judge(*evidence).verdict == Verdict(Status.BAD, ("revocation.revoked",))
    for one, expected in ((older, ("revocation.revoked",)), (good, ("revocation.revoked",)), (newer, ())):
        for evidence in ((one, held, issuer), (issuer, held, one)):
            assert reasons(case.judge(*evidence)) == expected
    lost = replace(issuer, status=RevocationStatus.REVOKED)
    assert reasons(case.judge(good, lost, issuer)) == ("chain.revoked",)


def test_an_outdated_answer_is_stale(case: Case) -> None:
    """To the moment of its next update it counts, not a tick longer; by how much it is stale can be told."""
    leaf, issuer = case.about(case.leaf), case.about(case.issuer, next_update=case.house.now + 90 * DAY)
    due = case.house.now - HOUR + DAY
    assert reasons(case.judge(leaf, issuer, at=due)) == ()
    late = case.judge(leaf, issuer, at=due + TICK)
    assert reasons(late) == ("revocation.stale",)
    assert stale_by(late.evidence[0], due) is None
    assert stale_by(late.evidence[0], due + 3 * HOUR) == 3 * HOUR
    assert stale_by(case.failed(case.leaf, Failure.UNREACHABLE), due) is None


def test_an_answer_without_a_next_update_counts_for_an_hour(case: Case) -> None:
    """Newer ones are there all the time; a report is content with a day."""
    leaf, issuer = case.about(case.leaf, next_update=None), case.about(case.issuer)
    assert reasons(case.judge(leaf, issuer)) == ()
    assert reasons(case.judge(leaf, issuer, at=case.house.now + TICK)) == ("revocation.stale",)
    assert reasons(case.judge(leaf, issuer, at=case.house.now + 22 * HOUR, use=REPORT)) == ()


def test_an_answer_of_a_moment_counts_for_as_long_as_clocks_differ(case: Case) -> None:
    """Five minutes from its this update, whatever its next update is; a responder may know all at once."""
    made, issuer = case.house.now - HOUR, case.about(case.issuer)
    for life in (timedelta(0), timedelta(minutes=1), timedelta(minutes=5)):
        leaf = case.about(case.leaf, next_update=made + life)
        until = made + timedelta(minutes=5)
        assert reasons(case.judge(leaf, issuer, at=until)) == ()
        assert reasons(case.judge(leaf, issuer, at=until + TICK)) == ("revocation.stale",)
        assert case.judge(leaf, issuer, at=made).changes_at == until + TICK
        assert (stale_by(leaf, until), stale_by(leaf, until + TICK)) == (None, TICK)


def test_an_answer_grows_old_whatever_it_says_itself(case: Case) -> None:
    """Ten days for a holder's certificate, a year for a CA's: a list that lives longer is not believed for as long."""
    far = case.house.now + 3000 * DAY
    leaf, issuer = case.about(case.leaf, next_update=far), case.about(case.issuer, next_update=far)
    assert reasons(case.judge(leaf, issuer, at=case.house.now - HOUR + 10 * DAY)) == ()
    assert reasons(case.judge(leaf, issuer, at=case.house.now - HOUR + 10 * DAY + TICK)) == ("revocation.stale",)
    year = case.house.now - HOUR + 366 * DAY
    young = case.about(case.leaf, this_update=year, next_update=year + DAY)
    assert reasons(case.judge(young, issuer, at=year)) == ()
    assert reasons(case.judge(young, issuer, at=year + TICK)) == ("revocation.stale",)


def test_a_grace_is_for_cached_good_answers_at_log_in_alone(case: Case) -> None:
    """By the site's setting; the desk sees that it is stale; a grace never helps what was never good."""
    settings = msgspec.convert({"log_in_grace_hours": 12}, ValiditySettings)
    graced = settings.log_in()
    leaf, issuer = case.about(case.leaf), case.about(case.issuer, next_update=case.house.now + 90 * DAY)
    due = case.house.now - HOUR + DAY
    assert reasons(case.judge(leaf, issuer, at=due + 12 * HOUR, use=graced)) == ()
    assert reasons(case.judge(leaf, issuer, at=due + 12 * HOUR + TICK, use=graced)) == ("revocation.stale",)
    for use in (LOG_IN, DESK):
        assert reasons(case.judge(leaf, issuer, at=due + 12 * HOUR, use=use)) == ("revocation.stale",)
    failed = case.failed(case.leaf, Failure.STALE)
    assert reasons(case.judge(failed, issuer, use=graced)) == ("revocation.stale",)
    gone = replace(leaf, status=RevocationStatus.REVOKED)
    assert reasons(case.judge(gone, issuer, use=graced)) == ("revocation.revoked",)
    assert ValiditySettings().log_in() == LOG_IN
    for wrong in (-1, 169, "12"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"log_in_grace_hours": wrong}, ValiditySettings)


def test_an_unreachable_responder_does_not_end_what_is_known(case: Case) -> None:
    """A failure beside a good answer that still counts is no reason; beside an outdated one stale is told."""
    leaf, issuer = case.about(case.leaf), case.about(case.issuer, next_update=case.house.now + 90 * DAY)
    failed = case.failed(case.leaf, Failure.UNREACHABLE)
    assert reasons(case.judge(leaf, failed, issuer)) == ()
    assert reasons(case.judge(leaf, failed, issuer, at=case.house.now + 2 * DAY)) == ("revocation.stale",)


def test_a_clock_behind_a_signed_answer_is_told(case: Case) -> None:
    """What a CA signed after what the clock says proves the clock slow, by more than 5 minutes; proven or not."""
    now = case.house.now
    issuer = case.about(case.issuer)
    ahead = case.about(case.leaf, this_update=now + timedelta(minutes=5), next_update=now + DAY)
    assert reasons(case.judge(ahead, issuer)) == ()
    assert reasons(case.judge(ahead, issuer, at=now - TICK)) == ("clock.behind",)
    found = replace(ahead, status=RevocationStatus.UNKNOWN, failure=Failure.INVALID)
    assert reasons(case.judge(found, issuer, at=now - HOUR)) == ("clock.behind",)


def changes(case: Case, *evidence: Evidence, at: datetime, use: UsePolicy = LOG_IN) -> Iterable[tuple[datetime, Any]]:
    """Follow `changes_at` from verdict to verdict."""
    while True:
        assessment = case.judge(*evidence, at=at, use=use)
        yield at, reasons(assessment)
        if assessment.changes_at is None:
            return
        assert reasons(case.judge(*evidence, at=assessment.changes_at - TICK, use=use)) == reasons(assessment)
        at = assessment.changes_at


def test_when_time_alone_changes_the_verdict_is_told(forge: Any, case: Case) -> None:
    """From the clock's first plausible moment to the last change: each is told to the tick, and then none."""
    leaf = case.about(case.leaf, next_update=case.house.now + DAY)
    issuer = case.about(case.issuer, next_update=case.house.now + 90 * DAY)
    behind = case.house.now - HOUR - timedelta(minutes=5)
    assert list(changes(case, leaf, issuer, at=RELEASED - DAY)) == [
        (RELEASED - DAY, ("clock.implausible", "clock.behind")),
        (RELEASED, ("clock.behind",)),
        (behind, ()),
        (case.house.now + DAY + TICK, ("revocation.stale",)),
        (forge.END + TICK, ("date.expired", "chain.expired", "revocation.stale")),
    ]


def test_a_change_of_nothing_is_not_told(case: Case, forge: Any) -> None:
    """An issuer's answer that outlives the certificate's own changes nothing while that one is stale."""
    both = [case.about(case.leaf), case.about(case.issuer, next_update=case.house.now + 2 * DAY)]
    at = case.house.now + 25 * HOUR
    assert case.judge(*both, at=at).changes_at == forge.END + TICK


def test_the_end_of_time_is_no_trouble(case: Case) -> None:
    """Moments at the ends of the calendar are compared without an error."""
    last = datetime.max.replace(tzinfo=case.house.now.tzinfo)
    first = datetime.min.replace(tzinfo=case.house.now.tzinfo)
    for made, due in ((first, last), (last, last), (first, first)):
        odd = [case.about(one, this_update=made, next_update=due) for one in (case.leaf, case.issuer)]
        assert case.judge(*odd).verdict.status is Status.UNKNOWN
        for at in (first, last):
            case.judge(*odd, at=at)


def test_the_path_for_those_who_ask(forge: Any, case: Case) -> None:
    """The certificate first and the anchor last; None where there is no valid one."""
    path = case.house.judge.issuer_path(case.leaf)
    assert path is not None
    assert [one.fingerprint for one in path] == [
        case.leaf.fingerprint,
        case.issuer.fingerprint,
        case.house.anchor.certificate.fingerprint,
    ]
    other = forge.authority("SIM Other CA", case.house.root)
    stranger = read(forge.person(issuer=other).der)
    assert case.house.judge.issuer_path(stranger) is None
    assert case.house.judge.issuer_path(stranger, [read(other.der)]) is not None
    assert Judge([], [], SIM).issuer_path(case.leaf) is None


MINUTES = st.integers(-40 * 24 * 60, 40 * 24 * 60)
ANSWERS = st.lists(
    st.tuples(st.booleans(), MINUTES, st.one_of(st.none(), MINUTES), st.sampled_from([*RevocationStatus])), max_size=4
)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=ANSWERS,
    use=st.sampled_from([LOG_IN, DESK, REPORT, ValiditySettings(log_in_grace_hours=12).log_in()]),
    part=st.floats(0, 1),
)
def test_until_it_changes_a_verdict_stays(
    case: Case, told: list[tuple[bool, int, int | None, RevocationStatus]], use: UsePolicy, part: float
) -> None:
    """Over answers of all kinds: the verdict is the same up to the moment that is told, and another one there."""
    evidence = []
    for of_leaf, made, due, status in told:
        this = case.house.now + timedelta(minutes=made)
        evidence.append(
            replace(
                case.about(case.leaf if of_leaf else case.issuer),
                this_update=this,
                next_update=None if due is None else case.house.now + timedelta(minutes=due),
                status=status,
                failure=Failure.UNREACHABLE if status is RevocationStatus.UNKNOWN else None,
            )
        )
    now = case.judge(*evidence, use=use)
    until = now.changes_at
    if until is None:
        until = case.house.now + 4000 * DAY
    else:
        assert case.judge(*evidence, use=use, at=until).verdict != now.verdict
        until -= TICK
    between = case.house.now + part * (until - case.house.now)
    for at in (between, until):
        assert case.judge(*evidence, use=use, at=at).verdict == now.verdict
    if now.verdict.status is Status.GOOD:
        assert {answer.status for answer in now.evidence} == {RevocationStatus.GOOD}
        assert len(now.evidence) == 2
