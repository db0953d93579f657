"""How reasons become a verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.validity import reasons
from sithsd.values import Status, Verdict

BAD, UNKNOWN = reasons.BAD, reasons.UNKNOWN


@given(st.sets(st.sampled_from(BAD)), st.sets(st.sampled_from(UNKNOWN)))
def test_bad_dominates_unknown_dominates_good(bad: set[str], unknown: set[str]) -> None:
    """One bad reason makes it bad, else one unknown makes it unknown; every reason is told, the bad ones first."""
    verdict = reasons.verdict([*unknown, *bad])
    assert verdict.status is (Status.BAD if bad else Status.UNKNOWN if unknown else Status.GOOD)
    assert set(verdict.reasons) == bad | unknown
    assert set(verdict.reasons[: len(bad)]) == bad


def test_the_order_is_fixed() -> None:
    """The same reasons always come in the same order, the most serious first."""
    told = ("chain.untrusted", "date.expired", "revocation.notChecked")
    assert reasons.verdict(reversed(told)) == Verdict(Status.BAD, told)


def test_a_name_that_is_no_reason_is_refused() -> None:
    """A misspelt reason can't pass for good."""
    with pytest.raises(ValueError, match=r"not a reason: date\.expird"):
        reasons.verdict(["date.expird"])
