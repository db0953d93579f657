"""Small parts: exit statuses, lenient shapes, moments and names."""

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.api import code_wire, diagnosis_wire, wire
from sithsd.cli import replies, statuses
from sithsd.cli.failure import CommandError
from sithsd.cli.moments import clock_time, days_until, local_date, local_time
from sithsd.cli.names import common_name, spaced
from sithsd.cli.statuses import ExitStatus, exit_status
from sithsd.errors import ErrorCode

SHAPES = [
    *("Verdict", "CodeState", "Certificate", "Holder", "Card", "Reader"),
    *("ListReply", "MonitorReply", "CertificatesReply", "ValidityReply", "Advice", "CodesReply", "CodeReply"),
    *("Notice", "ActivateReply", "GuidanceReply", "NewCodeRule", "ChecklistItem"),
    *("RightsReply", "Anchor", "Rate", "PassedOver", "ReaderDiagnosis", "DiagnoseReply"),
]


def test_every_error_code_has_an_exit_status() -> None:
    """Scripts can tell the groups of errors apart: no code is left to the number of the unknown ones by mistake."""
    refused = {code for code in ErrorCode if exit_status(code) is ExitStatus.REFUSED}
    assert refused == {ErrorCode.CARD_REFUSED, ErrorCode.SIGNATURE_INVALID}
    assert all(exit_status(code) is not ExitStatus.DONE for code in ErrorCode)
    assert exit_status("newer.code") is ExitStatus.REFUSED


def test_exit_statuses_are_stable_and_documented() -> None:
    """The numbers that scripts build on, and a line for each in the module's own table."""
    assert [status.value for status in ExitStatus] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130]
    for status in ExitStatus:
        assert f"| {status.value} | {status.name} |" in (statuses.__doc__ or "")


@pytest.mark.parametrize("name", SHAPES)
def test_lenient_shapes_have_no_names_of_their_own(name: str) -> None:
    """Each field that this program reads is one that the interface has, by the same name."""
    own = getattr(replies, name)
    exact = next(getattr(module, name) for module in (wire, code_wire, diagnosis_wire) if hasattr(module, name))
    assert set(own.__struct_encode_fields__) <= set(exact.__struct_encode_fields__)


def test_a_newer_daemon_is_understood() -> None:
    """Unknown fields, kinds, purposes and states are taken as they are."""
    reader = {"name": "R", "state": "dreaming", "newer": 1, "card": {"kind": "golden", "environment": "mars"}}
    got = replies.read({"readers": [reader], "more": []}, replies.ListReply)
    assert got.readers[0].state == "dreaming"
    assert got.readers[0].card is not None
    assert got.readers[0].card.kind == "golden"


@pytest.mark.parametrize("reply", [{}, {"readers": None}, {"readers": [{"name": 1}]}, {"readers": "x"}])
def test_a_reply_of_another_shape_is_named_so(reply: dict[str, Any]) -> None:
    """A daemon that answers nonsense gives a named error, not a trace."""
    with pytest.raises(CommandError) as caught:
        replies.read(reply, replies.ListReply)
    assert caught.value.parameters.code == ErrorCode.INTERNAL
    assert isinstance(caught.value.__cause__, msgspec.ValidationError)


@pytest.fixture
def stockholm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in Sweden: UTC+1 in winter, UTC+2 in summer (as a POSIX rule, so that no time zone data is needed)."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()


@pytest.mark.usefixtures("stockholm")
def test_moments_are_shown_in_local_time() -> None:
    """A person reads the time of the own clock, and the date that it is here at that moment."""
    assert local_time("2026-11-22T22:30:05Z") == "2026-11-22 23:30:05"
    assert local_time("2026-06-22T22:30:05Z") == "2026-06-23 00:30:05"
    assert local_date("2029-05-01T23:30:00Z") == "2029-05-02"
    assert clock_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02 04:04:05"


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z", "2026-11-22T10:00:00", "99999-01-01T00:00:00Z"])
def test_what_is_no_moment_is_shown_as_it_is(text: str) -> None:
    """A date that can't be read is neither hidden nor a crash."""
    assert local_date(text) == text
    assert local_time(text) == text
    assert days_until(text, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.usefixtures("stockholm")
def test_the_calendar_has_ends() -> None:
    """Certificates without an end (RFC 5280, 4.1.2.5) and from before all time are shown too."""
    assert local_date("9999-12-31T23:59:59Z").startswith("9999-12-31")
    assert local_date("0001-01-01T00:00:00Z").startswith("0001-01-01")


@pytest.mark.usefixtures("stockholm")
def test_days_left_are_whole_days_here() -> None:
    """Days are counted by the calendar on the wall; what has ended has none left."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert days_until("2026-11-22T13:00:00Z", now) == 0
    assert days_until("2026-11-22T23:30:00Z", now) == 1
    assert days_until("2026-12-22T12:00:00Z", now) == 30
    assert days_until("2026-11-22T11:59:59Z", now) is None


@pytest.mark.parametrize(
    ("name", "common"),
    [
        ("CN=SIM SITHS e-id Person HSA-id 3 CA v1,O=SIM Inera AB,C=SE", "SIM SITHS e-id Person HSA-id 3 CA v1"),
        ("C=SE, O=Inera AB, CN=SITHS e-id Root CA v2", "SITHS e-id Root CA v2"),
        (r"CN=Tolvansson\, Tolvan,C=SE", "Tolvansson, Tolvan"),
        (r"CN=\C3\85sa,C=SE", "Åsa"),
        ("serialNumber=1+CN=Tolvan,C=SE", "Tolvan"),
        ("O=Region CN Exempel,C=SE", "O=Region CN Exempel,C=SE"),
        ("CN=,C=SE", "CN=,C=SE"),
        ("", ""),
    ],
)
def test_common_names_are_found(name: str, common: str) -> None:
    """The common name stands for the whole (RFC 4514 escapes undone); without one the whole is shown."""
    assert common_name(name) == common


@given(st.text(max_size=50))
def test_any_name_can_be_shortened_and_spaced(name: str) -> None:
    """Whatever a certificate calls itself, no name crashes; spacing only adds spaces after commas."""
    common_name(name)
    assert spaced(name).replace(", ", ",") == name.replace(", ", ",")


def test_escaped_commas_are_not_spaced() -> None:
    """A comma within a value is no place to break a name."""
    assert spaced(r"CN=A\,B,O=C\\,C=SE") == r"CN=A\,B, O=C\\, C=SE"
