"""The authorities' register: what may be recorded, and what it says in the end."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sithsd.simulator.register import Act, Entry, Reason, Register, RegisterError, state, without_the_last

AT = datetime(2024, 1, 15, 12, tzinfo=UTC)


def entry(act: Act, serial: str = "A1", issuer: str = "one", reason: Reason = Reason.UNSPECIFIED) -> Entry:
    """Return an act of one authority."""
    return Entry(act=act, issuer=issuer, serial=serial, at=AT, reason=reason)


def test_the_last_act_counts(tmp_path: Path) -> None:
    """A hold may be lifted, or become a revocation; another authority's certificates are another matter."""
    register = Register(tmp_path)
    register.record([entry(Act.ISSUED), entry(Act.ISSUED, "B2"), entry(Act.ISSUED, "A1", "two")])
    register.record([entry(Act.HELD), entry(Act.RELEASED), entry(Act.HELD, "B2")])
    register.record([entry(Act.REVOKED, "B2", reason=Reason.KEY_COMPROMISE)])
    known = state(Register(tmp_path).entries(), "one")
    assert known.issued == {0xA1, 0xB2}
    assert {number: one.reason for number, one in known.revoked.items()} == {0xB2: Reason.KEY_COMPROMISE}
    assert not state(register.entries(), "two").revoked


@pytest.mark.parametrize(
    ("before", "then", "why"),
    [
        ([], Act.REVOKED, "issued no certificate"),
        ([Act.ISSUED, Act.REVOKED], Act.REVOKED, "revoked already"),
        ([Act.ISSUED, Act.REVOKED], Act.HELD, "revoked already"),
        ([Act.ISSUED, Act.REVOKED], Act.RELEASED, "not held"),
        ([Act.ISSUED], Act.RELEASED, "not held"),
    ],
)
def test_an_act_that_makes_no_sense_is_refused_whole(tmp_path: Path, before: list[Act], then: Act, why: str) -> None:
    """Nothing of what was to be recorded with it is recorded."""
    register = Register(tmp_path)
    register.record([entry(act) for act in before])
    with pytest.raises(RegisterError, match=why):
        register.record([entry(Act.ISSUED, "C3"), entry(then)])
    assert [one.act for one in register.entries()] == before


def test_an_older_state_lacks_the_last_revocation_alone(tmp_path: Path) -> None:
    """What was issued later is there all the same: a replay is about a certificate that exists."""
    register = Register(tmp_path)
    register.record([entry(Act.ISSUED), entry(Act.REVOKED), entry(Act.ISSUED, "B2"), entry(Act.ISSUED, "A1", "two")])
    old = state(without_the_last(register.entries(), "one"), "one")
    assert old.issued == {0xA1, 0xB2}
    assert not old.revoked
    assert without_the_last(register.entries(), "two") == register.entries()


def test_a_damaged_register_is_named(tmp_path: Path) -> None:
    """It is not taken for an empty one."""
    (tmp_path / "register.json").write_text("[{")
    with pytest.raises(RegisterError, match=r"register\.json is damaged"):
        Register(tmp_path).entries()


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Every act of several writers is there in the end."""

    def write(writer: int) -> None:
        for number in range(10):
            Register(tmp_path).record([entry(Act.ISSUED, f"{writer:X}{number:X}")])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state(Register(tmp_path).entries(), "one").issued) == 40
