"""Rows by the million, cut into partitions that one process or many judge; what is found comes in the rows' order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from itertools import islice

from sithsd.validity.bulk.careful import Careful
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow, ChunkResult, JudgedRow

PARTITION = 1000
"""So many rows are judged at a time: about 2 MB."""
IN_FLIGHT = 8
"""So many partitions are with the executor at most."""


class BulkError(Exception):
    """Not all rows could be judged, so none of what is missing is told; the message is one line."""


def judge_rows(
    rows: Iterable[CertificateRow],
    setup: BulkSetup,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    *,
    in_flight: int = IN_FLIGHT,
) -> Iterator[ChunkResult]:
    """Judge all `rows` by `setup`; yield what is found, each row once, in their order.

    `rows` is read as fast as the rows are judged: at most `in_flight` partitions of them are held at a time. Without
    an `executor` they are judged here, else there. `progress` is told how many rows are done each time that some are,
    in the caller's thread. Raises BulkError if the executor's processes end before their time.
    """
    partitions = _cut(rows)
    if executor is None:
        careful = Careful(setup)
        for part in partitions:
            judged = tuple(careful.row(row.line, row.der) for row in part)
            if progress is not None:
                progress(len(part))
            yield ChunkResult(part, judged)
        return
    waiting: deque[tuple[tuple[CertificateRow, ...], Future[tuple[JudgedRow, ...]]]] = deque()
    try:
        while True:
            for part in islice(partitions, max(in_flight, 1) - len(waiting)):
                given = [(row.line, row.der) for row in part]
                waiting.append((part, executor.submit(judge_partition, setup, given)))
            if not waiting:
                return
            part, future = waiting.popleft()
            judged = future.result()
            if progress is not None:
                progress(len(part))
            yield ChunkResult(part, judged)
    except BrokenExecutor as broken:
        raise BulkError("a process that judged rows ended before its time") from broken
    finally:
        for _, future in waiting:
            future.cancel()


def judge_partition(setup: BulkSetup, given: Sequence[tuple[int, bytes]]) -> tuple[JudgedRow, ...]:
    """Return what is found of the certificates in `given`, each with its line, in their order."""
    careful = Careful(setup)
    return tuple(careful.row(line, der) for line, der in given)


def _cut(rows: Iterable[CertificateRow]) -> Iterator[tuple[CertificateRow, ...]]:
    iterator = iter(rows)
    while part := tuple(islice(iterator, PARTITION)):
        yield part
