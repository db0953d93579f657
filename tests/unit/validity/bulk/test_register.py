"""The CRLs of a run: proven once, the same in every process, and what can't be proven is told."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from judging import SIM, House

from sithsd.certificate.read import Certificate, read
from sithsd.validity.bulk.careful import Careful
from sithsd.validity.bulk.fast import Fast
from sithsd.validity.bulk.lessons import MAX_SHAPES
from sithsd.validity.bulk.partitions import judge_rows
from sithsd.validity.bulk.register import Register
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow, JudgedRow
from sithsd.validity.policy import DESK, REFUSED_WEAKNESSES, REPORT
from sithsd.validity.revocation import crl
from sithsd.validity.revocation.entries import MAX_BYTES

Make = Callable[..., bytes]


@pytest.fixture(scope="module")
def make(house: House) -> Make:
    """Return what makes a CRL of a CA with some serial numbers in it."""

    def made(authority: Any, *numbers: int, key: Any = None, due: timedelta = timedelta(days=1)) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.name)
            .last_update(min(house.now, house.now + due) - timedelta(hours=1))
            .next_update(house.now + due)
        )
        for number in numbers:
            line = x509.RevokedCertificateBuilder(number, house.now - timedelta(days=3))
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(line.add_extension(reason, critical=False).build())
        return builder.sign(key or authority.key, hashes.SHA256()).public_bytes(Encoding.DER)

    return made


def authorities(house: House) -> list[Certificate]:
    """Return the CAs of the house."""
    return [read(house.root.der), read(house.issuer.der)]


def setup(house: House, *lists: bytes | Path) -> BulkSetup:
    """Return what to judge by."""
    return BulkSetup((house.anchor,), (house.issuer.der,), SIM, house.now, lists=lists)


def judged(rows: list[bytes], by: BulkSetup) -> list[JudgedRow]:
    """Judge in this process."""
    given = (CertificateRow(line, der) for line, der in enumerate(rows))
    return [row for chunk in judge_rows(given, by) for row in chunk.judged]


def test_the_row_is_what_judge_and_list_say(forge: Any, house: House, make: Make, tmp_path: Path) -> None:
    """Verdict and revocation are those of the judge with the evidence of each list, from bytes or a file."""
    good, revoked = (forge.person(issuer=house.issuer).der for _ in range(2))
    lists = make(house.issuer, read(revoked).serial_number, 5), make(house.root, 7)
    (tmp_path / "root.crl").write_bytes(lists[1])
    rows = judged([good, revoked, good, revoked], setup(house, lists[0], tmp_path / "root.crl"))
    root, issuer = authorities(house)
    for row, der in zip(rows, [good, revoked, good, revoked], strict=True):
        certificate = read(der)
        evidence = [
            crl.examine([lists[0]], certificate, issuer, house.now),
            crl.examine([lists[1]], issuer, root, house.now),
        ]
        assessment = house.judge.judge(certificate, house.now, evidence=evidence, use=REPORT)
        assert (row.status, row.reasons) == (assessment.verdict.status, assessment.verdict.reasons)
        assert (row.revoked_at, row.revocation_reason) == (evidence[0].revoked_at, evidence[0].revocation_reason)
    assert [row.reasons for row in rows] == [(), ("revocation.revoked",)] * 2
    assert rows[1].revoked_at == house.now - timedelta(days=3)
    assert rows[1].revocation_reason == "keyCompromise"


def test_lists_of_the_day_before_count_for_a_report(forge: Any, house: House, make: Make) -> None:
    """A day's grace, as the policy says: to the second, and whoever is listed is revoked; without one it is stale."""
    good, revoked = (forge.person(issuer=house.issuer).der for _ in range(2))
    root, listed = make(house.root), read(revoked).serial_number
    for late, use, reasons in (
        (REPORT.grace, REPORT, ()),
        (REPORT.grace + timedelta(seconds=1), REPORT, ("revocation.stale",)),
        (timedelta(seconds=1), DESK, ("revocation.stale",)),
    ):
        by = replace(setup(house, make(house.issuer, listed, due=-late), root), use=use)
        rows = judged([good, revoked, forge.person(issuer=house.issuer).der], by)
        assert [row.reasons for row in rows] == [reasons, ("revocation.revoked",), reasons]


def test_other_processes_map_what_was_read(house: House, make: Make, tmp_path: Path) -> None:
    """A register in files is pickled as their names, and knows the same numbers of all lengths, or none."""
    numbers = [1, 127, 128, 2**63, 2**64 + 1, 2**158, *(2**39 * number + 9 for number in range(1, 300))]
    given = [make(house.issuer, *numbers), make(house.root)]
    register = Register.read(given, authorities(house), REFUSED_WEAKNESSES)
    packed = pickle.dumps(register.mapped(tmp_path))
    assert len(packed) < len(pickle.dumps(register)) - 8 * len(numbers)
    copy = pickle.loads(packed)  # noqa: S301 - made in the line above
    for authority, known in zip(authorities(house), ([], numbers), strict=True):
        (ours,), (mapped,) = register.of(authority), copy.of(authority)
        assert sorted(mapped.entries.serial_numbers()) == sorted(ours.entries.serial_numbers()) == sorted(known)
        assert all(mapped.lookup(number) == ours.lookup(number) for number in [*numbers, 2, 2**39])


def test_a_list_that_is_not_proven_makes_nothing_good(forge: Any, house: House, make: Make, tmp_path: Path) -> None:
    """It is told why it is not used; of its issuer's certificates nothing is known then, with the reason."""
    forged = make(house.issuer, key=house.root.key)
    large = tmp_path / "large.crl"
    large.write_bytes(bytes(MAX_BYTES + 1))
    stranger = make(forge.authority("SIM Stranger"))
    register = Register.read([forged, b"?", large, stranger], authorities(house), REFUSED_WEAKNESSES)
    told = "\n".join(register.problems)
    assert len(register.problems) == 4
    for part in ("list 1: the signature is wrong", "list 2: not a readable CRL", str(large), "list 4: nobody"):
        assert part in told
    warned: list[str] = []
    rows = (CertificateRow(line, house.leaf.der) for line in range(2))
    (chunk,) = judge_rows(rows, setup(house, forged), warn=warned.append)
    assert warned == ["list 1: the signature is wrong"]
    assert {row.reasons for row in chunk.judged} == {("revocation.invalid", "revocation.notChecked")}


def test_a_file_that_is_missing_is_an_error(house: House, tmp_path: Path) -> None:
    """A list that was named and is not there is not passed over."""
    with pytest.raises(FileNotFoundError):
        judged([house.leaf.der], setup(house, tmp_path / "none.crl"))


def test_one_certificate_of_a_shape_is_examined(forge: Any, house: House, make: Make) -> None:
    """Of many that are alike the first goes the careful path, revoked or not; a signature that is wrong goes it too."""
    ders = [forge.person(f"SE2321000016-{number}", issuer=house.issuer).der for number in range(20)]
    register = Register.read([make(house.issuer, read(ders[0]).serial_number)], authorities(house), REFUSED_WEAKNESSES)
    fast = Fast(setup(house), register)
    rows = [fast.row(line, der) for line, der in enumerate(ders)]
    assert fast.careful_rows == 1
    assert [row.reasons[0] for row in rows] == ["revocation.revoked"] + ["revocation.notChecked"] * 19
    forged = bytearray(ders[5])
    forged[-1] ^= 1
    assert fast.row(20, bytes(forged)).reasons == ("chain.invalid", "revocation.notChecked")
    assert fast.careful_rows == 2


def test_only_so_much_is_learnt(forge: Any, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many shapes an input has, the memory for them has a bound, and the verdicts stay what they are."""
    assert MAX_SHAPES < 10_000
    monkeypatch.setattr("sithsd.validity.bulk.lessons.MAX_SHAPES", 3)
    ders = [forge.person(issuer=house.issuer, policies=[f"1.2.{number}"]).der for number in range(6)]
    register = Register({})
    fast, careful = Fast(setup(house), register), Careful(setup(house), register)
    for _ in range(2):
        assert [fast.row(0, der) for der in ders] == [careful.row(0, der) for der in ders]
    assert fast.careful_rows == 6 + 3
