"""The partitions of a million certificates on a Dask cluster, as nobody here wrote it: two worker processes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.certificate.read import read
from sithsd.report.making import Wanted, made
from sithsd.report.model import InputError
from sithsd.report.outputs.as_json import pieces
from sithsd.validity.anchors import Anchor
from sithsd.validity.bulk.crews import cluster
from sithsd.validity.bulk.partitions import PARTITION, judge_rows
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow
from sithsd.validity.calendar import load
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment
from tests.unit.report import staff
from tests.unit.report.conftest import Heard
from tests.unit.report.world import World


@pytest.fixture
def dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a cluster of two processes on the loopback, without a dashboard."""
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path))  # else it would write its settings into the home folder
    from distributed import LocalCluster  # noqa: PLC0415 - when its settings have their place

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, local_directory=str(tmp_path)
    ) as made:
        yield made


def test_a_worker_that_is_killed_loses_and_doubles_nothing(forge: Any, dask: Any) -> None:
    """One of two workers is killed in the middle: every row comes back once, in order, with the right verdict."""
    root = forge.authority("SIM SITHS e-id Root CA v2")
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root, path_length=0)
    good, revoked = (forge.person(issuer=issuer).der for _ in range(2))
    listed = x509.RevokedCertificateBuilder(read(revoked).serial_number, forge.NOW - timedelta(days=2)).build()
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.name)
        .last_update(forge.NOW - timedelta(days=1))
        .next_update(forge.NOW + timedelta(days=1))
        .add_revoked_certificate(listed)
        .sign(issuer.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    setup = BulkSetup(
        anchors=(Anchor(read(root.der), Environment.SIM),),
        issuers=(issuer.der,),
        policy=ValidityPolicy(environments=frozenset({Environment.SIM})),
        at=forge.NOW,
        lists=(crl,),
        calendar=load(),
    )
    total = 12 * PARTITION
    told = {
        0: (None, "revocation.notChecked"),  # of the issuing CA itself nobody was asked
        1: (None, "revocation.revoked"),
        2: ("not a readable certificate", "certificate.malformed"),
    }
    with cluster(dask.scheduler_address) as (executor, deliver):
        doomed = next(iter(dask.workers.values())).process.pid

        def rows() -> Iterator[CertificateRow]:
            for line in range(total):
                if line == 5 * PARTITION:
                    os.kill(doomed, signal.SIGKILL)
                yield CertificateRow(line, (good, revoked, b"?")[line % 3])

        results = judge_rows(rows(), setup, executor, deliver=deliver, in_flight=4)
        pairs = [pair for chunk in results for pair in chunk]
    assert [(given.line, judged.line) for given, judged in pairs] == [(line, line) for line in range(total)]
    for given, judged in pairs:
        rejected, reason = told[given.line % 3]
        assert (judged.rejected or "").startswith(rejected or "")
        assert (judged.rejected is None) == (rejected is None)
        assert judged.reasons[0] == reason
    assert doomed not in {worker.process.pid for worker in dask.workers.values() if worker.process}


def test_a_report_judged_by_a_cluster_is_the_one_that_is_judged_here(forge: Any, dask: Any, tmp_path: Path) -> None:
    """`--cluster` changes who does the work and no number; where no cluster answers, nothing is made."""
    at = staff.utc(2027, 1, 1)
    (tmp_path / "world").mkdir()
    world = World(forge, tmp_path / "world", at)
    people = world.certify(staff.people(40, at), revoke=(3, 8))
    (tmp_path / "staff.csv").write_bytes(staff.certificate_csv(people) + b"AAAA,A,x@example.org\r\n")
    sources, found = world.sources(), []
    for who in ({"jobs": 1}, {"cluster": dask.scheduler_address}):
        wanted = Wanted(inputs=(tmp_path / "staff.csv",), at=at, present=False, warn_days=60, sources=sources, **who)
        with made(wanted, Heard()) as report:
            found.append("".join(pieces(report.summary, report.spool.cards())))
    assert found[0] == found[1]
    assert '"revoked":2' in found[0]
    gone = dask.scheduler_address
    dask.close()
    import dask as library  # noqa: PLC0415 - as in the fixture

    with (
        library.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(InputError) as refused,
        made(replace(wanted, cluster=gone), Heard()),
    ):
        pass
    assert refused.value.key == "report-no-cluster"
