"""Evidence on the wire: what is told is what is understood."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.api import fetch_wire
from sithsd.api.fetch_evidence import from_wire, to_wire
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)).map(  # noqa: DTZ001 - made aware below
    lambda naive: naive.replace(microsecond=0, tzinfo=UTC)
)
WORDS = st.none() | st.text(max_size=20)
COMMON = {
    "fingerprint": st.text("0123456789abcdef", min_size=64, max_size=64),
    "serial_number": st.integers(0, 2**160),
    "source": st.none() | st.sampled_from(Source),
    "url": WORDS,
    "signer": WORDS,
    "detail": WORDS,
    "revocation_reason": WORDS,
    **{
        name: st.none() | MOMENTS
        for name in ("this_update", "next_update", "produced_at", "fetched_at", "revoked_at", "next_check")
    },
}
EVIDENCE = st.builds(
    Evidence, status=st.just(RevocationStatus.UNKNOWN), failure=st.sampled_from(Failure), **COMMON
) | st.builds(Evidence, status=st.sampled_from([RevocationStatus.GOOD, RevocationStatus.REVOKED]), **COMMON)


@given(EVIDENCE)
def test_what_is_told_is_what_is_understood(evidence: Evidence) -> None:
    """Every field of any evidence crosses the wire and comes back as it was."""
    assert from_wire(to_wire(evidence)) == evidence


def test_the_wire_has_every_field_of_evidence() -> None:
    """What is known is told: no field of the model lacks its place on the wire."""
    assert {field.name for field in fields(Evidence)} <= set(fetch_wire.Evidence.__struct_fields__)


def test_moments_are_told_to_the_second_in_utc() -> None:
    """A moment is RFC 3339 in UTC, whatever zone it came from; what is below a second is left out."""
    elsewhere = datetime(2026, 11, 27, 23, 59, 59, 999_999, UTC).astimezone()
    told = to_wire(Evidence("f" * 64, 255, RevocationStatus.GOOD, this_update=elsewhere))
    assert (told.this_update, told.serial_number) == ("2026-11-27T23:59:59Z", "FF")
    assert from_wire(told).this_update == elsewhere - timedelta(microseconds=999_999)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fine"},
        {"status": "good", "failure": "stale"},
        {"status": "unknown"},
        {"status": "unknown", "failure": "lazy"},
        {"source": "rumour"},
        {"serial_number": "no number"},
        {"serial_number": "9" * 1000},
        {"this_update": "yesterday"},
        {"this_update": "2026-11-27T23:59:59+01:00"},
    ],
)
def test_what_is_no_evidence_is_refused(change: dict[str, str]) -> None:
    """Words, moments and numbers that are none are a ValueError, as is a failure beside a good answer."""
    given = {"fingerprint": "f" * 64, "serial_number": "1", "status": "good", **change}
    with pytest.raises(ValueError, match=r"."):
        from_wire(fetch_wire.Evidence(**given))
