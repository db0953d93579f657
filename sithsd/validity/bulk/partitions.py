"""Rows by the million, cut into partitions that one process or many judge; what is found comes in the rows' order.

Any executor will do whose processes can import this module. Those of this machine share the CRLs by files in a folder
for temporary ones; to others they have to be delivered (see `sithsd.validity.bulk.crews`).
"""

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from sithsd.certificate.read import read
from sithsd.validity.bulk.fast import Fast
from sithsd.validity.bulk.register import Register
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow, ChunkResult, JudgedRow

PARTITION = 1000
"""So many rows are judged at a time: about 2 MB."""
IN_FLIGHT = 8
"""So many partitions are with the executor at most."""

Deliver = Callable[[bytes], bytes]
"""Brings bytes to all processes of an executor, and returns what its tasks are given in their place."""


class BulkError(Exception):
    """Not all rows could be judged, so none of what is missing is told; the message is one line."""


def judge_rows(  # noqa: PLR0913 - what is judged, by what, where, and who is told meanwhile
    rows: Iterable[CertificateRow],
    setup: BulkSetup,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    in_flight: int = IN_FLIGHT,
    deliver: Deliver | None = None,
    warn: Callable[[str], None] | None = None,
) -> Iterator[ChunkResult]:
    """Judge all `rows` by `setup`; yield what is found, each row once, in their order.

    `rows` is read as fast as the rows are judged: at most `in_flight` partitions of them are held at a time. Without
    an `executor` they are judged here, else there; `deliver` is for one whose processes are not all on this machine.
    `progress` is told how many rows are done each time that some are, and `warn`, before the first row, in a line each
    which CRLs are not used; both in the caller's thread. Raises BulkError if the executor's processes end before their
    time, CertificateError if an issuer of the setup can't be read, OSError for a list's file.
    """
    authorities = [anchor.certificate for anchor in setup.anchors] + [read(der) for der in setup.issuers]
    register = Register.read(setup.lists, authorities, setup.policy.refused_weaknesses)
    setup = replace(setup, lists=())
    if warn is not None:
        for problem in register.problems:
            warn(problem)
    with ExitStack() as stack:
        if executor is None:
            results = _here(_cut(rows), Fast(setup, register))
        else:
            if deliver is None:
                register = register.mapped(Path(stack.enter_context(TemporaryDirectory(prefix="sithsd-lists-"))))
            packed = pickle.dumps((setup, register))
            results = _there(_cut(rows), deliver(packed) if deliver else packed, executor, max(in_flight, 1))
        for part, judged in results:
            if progress is not None:
                progress(len(part))
            yield ChunkResult(part, judged)


Part = tuple[CertificateRow, ...]
Judged = tuple[JudgedRow, ...]


def _here(parts: Iterator[Part], fast: Fast) -> Iterator[tuple[Part, Judged]]:
    for part in parts:
        yield part, tuple(fast.row(row.line, row.der) for row in part)


def _there(parts: Iterator[Part], packed: bytes, executor: Executor, in_flight: int) -> Iterator[tuple[Part, Judged]]:
    waiting: deque[tuple[Part, Future[Judged]]] = deque()
    try:
        while True:
            for part in islice(parts, in_flight - len(waiting)):
                given = [(row.line, row.der) for row in part]
                waiting.append((part, executor.submit(judge_partition, packed, given)))
            if not waiting:
                return
            part, future = waiting.popleft()
            yield part, future.result()
    except (BrokenExecutor, CancelledError) as broken:
        raise BulkError("a process that judged rows ended before its time") from broken
    finally:
        for _, future in waiting:
            future.cancel()


def judge_partition(packed: bytes, given: Sequence[tuple[int, bytes]]) -> Judged:
    """Return what is found of the certificates in `given`, each with its line, in their order."""
    fast, turn = _unpacked(packed)
    with turn:
        return tuple(fast.row(line, der) for line, der in given)


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> tuple[Fast, Lock]:
    # What was learnt of one partition is of use for the next one. A cluster's worker may have several threads.
    return Fast(*pickle.loads(packed)), Lock()  # noqa: S301 - written above, by the process that gives the rows


def _cut(rows: Iterable[CertificateRow]) -> Iterator[Part]:
    iterator = iter(rows)
    while part := tuple(islice(iterator, PARTITION)):
        yield part
