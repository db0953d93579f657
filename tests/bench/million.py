"""A million certificates of ten issuers: chain, CRL and calendar, beside others who judge a sample of the same.

What is compared is time of the processor, all processes together.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from asn1crypto import x509 as structures
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from sithsd.certificate.read import read
from sithsd.validity.anchors import Anchor
from sithsd.validity.bulk.crews import processes
from sithsd.validity.bulk.partitions import judge_rows
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow
from sithsd.validity.calendar import load
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment
from tests.bench.million_pki import AT, DISTINCT, ISSUERS, LISTED, ROWS, Pki, build

CACHE = Path(".cache/bench")
SAMPLE = 500
PROCESSES = 2
_NOTE = (
    f"{ROWS:,} rows: {DISTINCT:,} certificates (RSA 2048) of {ISSUERS} CAs (RSA 4096), each {ROWS // DISTINCT} times, "
    f"and no result is kept. CRLs of {max(LISTED):,} to {min(LISTED):,} entries. "
    f"The others judge {SAMPLE} of them in one process, "
    "and only 'with CRLs' looks at revocation."
)


def measure() -> dict[str, object]:
    """Return the figures: seconds of all in the run, microseconds for each certificate and ratios to sithsd."""
    pki = build(CACHE)
    own = _sithsd(pki)
    ders = [der for der in pki.ders()[: 2 * SAMPLE] if _is_plain(der)][:SAMPLE]
    others = {"pyhanko-certvalidator, a loop": _pyhanko(pki, ders)}
    others |= _openssl(pki, ders)
    each = own["processorSeconds"] / ROWS * 1e6
    return {
        "note": _NOTE,
        "sithsd": own,
        "microsecondsOfOneCore": {"sithsd": each, **others},
        "timesSithsd": {name: figure / each for name, figure in others.items()},
    }


def _is_plain(der: bytes) -> bool:
    """Tell whether the others would judge it good, as far as they are asked: in date, and whole."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return False
    return certificate.not_valid_after_utc > AT


def _setup(pki: Pki) -> BulkSetup:
    return BulkSetup(
        anchors=(Anchor(read(pki.root.read_bytes()), Environment.SIM),),
        issuers=tuple(file.read_bytes() for file in pki.issuers),
        policy=ValidityPolicy(environments=frozenset({Environment.SIM})),
        at=AT,
        lists=pki.lists,
        calendar=load(),
    )


def _sithsd(pki: Pki) -> dict[str, float]:
    seen: Counter[str] = Counter()
    lines = count(1)
    watch = _Watch()
    with processes(PROCESSES) as executor, watch.watching():
        began = time.monotonic()
        rows = (CertificateRow(next(lines), der) for der in pki.rows())
        for chunk in judge_rows(rows, _setup(pki), executor):
            for _, judged in chunk:
                seen[judged.status] += 1
                seen["rejected"] += judged.rejected is not None
                seen["revoked"] += judged.revoked_at is not None
                seen["advised"] += bool(judged.advice)
        seconds = time.monotonic() - began
    if sum(seen[status] for status in ("good", "bad", "unknown")) != ROWS:
        sys.exit(f"not every row was judged: {seen}")
    return {
        "seconds": seconds,
        "processorSeconds": watch.processor_seconds,
        "certificatesPerSecond": ROWS / seconds,
        "peakMiB": watch.peak,
        **{f"rows: {name}": number for name, number in sorted(seen.items())},
    }


class _Watch:
    """What this process and all below it use, looked at four times a second."""

    def __init__(self) -> None:
        self.peak = 0.0
        """MiB, each page counted once."""
        self._processor: dict[int, float] = {}
        self._done = Event()

    @property
    def processor_seconds(self) -> float:
        """The time of the processor of all that have been seen."""
        return sum(self._processor.values())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs."""
        with ThreadPoolExecutor(1) as thread:
            watching = thread.submit(self._watch)
            try:
                yield
            finally:
                self._done.set()
                watching.result()

    def _watch(self) -> None:
        begun = {pid: _processor_seconds(pid) for pid in (os.getpid(), *_below(os.getpid()))}
        while not self._done.wait(0.25):
            pids = [os.getpid(), *_below(os.getpid())]
            self.peak = max(self.peak, sum(map(_proportional, pids)))
            self._processor |= {pid: _processor_seconds(pid) - begun.get(pid, 0.0) for pid in pids}


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has ended meanwhile
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> list[int]:
    try:
        told = [(thread / "children").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []  # it has ended meanwhile
    direct = [int(child) for child in " ".join(told).split()]
    return [*direct, *(below for child in direct for below in _below(child))]


def _proportional(pid: int) -> float:
    """Return a process's memory in MiB, of what it shares with others its part (Pss)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0  # it has ended meanwhile
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def _pyhanko(pki: Pki, ders: list[bytes]) -> float:
    """Return the microseconds of a certificate in the loop that one would write."""
    issuers = [file.read_bytes() for file in pki.issuers]
    times = []
    for der in ders:
        began = time.process_time()
        context = ValidationContext(
            trust_roots=[_parsed(pki.root.read_bytes())],
            other_certs=[_parsed(issuer) for issuer in issuers],
            moment=AT,
            allow_fetching=False,
        )
        asyncio.run(CertificateValidator(_parsed(der), validation_context=context).async_validate_path())
        times.append(time.process_time() - began)
    return statistics.mean(times) * 1e6


def _parsed(der: bytes) -> object:
    return structures.Certificate.load(der)


def _openssl(pki: Pki, ders: list[bytes]) -> dict[str, float]:
    figures = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root.pem").write_bytes(_pem(pki.root.read_bytes()))
        (folder / "issuers.pem").write_bytes(b"".join(_pem(file.read_bytes()) for file in pki.issuers))
        crls = (x509.load_der_x509_crl(file.read_bytes()).public_bytes(Encoding.PEM) for file in pki.lists)
        (folder / "lists.pem").write_bytes(b"".join(crls))
        files = []
        for number, der in enumerate(ders):
            files.append(folder / f"{number}.pem")
            files[-1].write_bytes(_pem(der))
        command = ["openssl", "verify", "-attime", str(int(AT.timestamp())), "-CAfile", folder / "root.pem"]
        command += ["-untrusted", folder / "issuers.pem"]
        for what, more in (
            ("openssl verify", []),
            ("openssl verify, with CRLs", ["-crl_check", "-CRLfile", folder / "lists.pem"]),
        ):
            began = os.times()
            done = subprocess.run([*command, *more, *files], capture_output=True, text=True, check=False)
            ended = os.times()
            used = ended.children_user + ended.children_system - began.children_user - began.children_system
            figures[what] = used / len(ders) * 1e6
            judged = done.stdout.count(": OK\n") + done.stderr.count("error 23 ")  # revoked
            if judged != len(ders):
                sys.exit(f"openssl has judged {judged} certificates, not {len(ders)}: {done.stderr[:500]}")
    return figures


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
