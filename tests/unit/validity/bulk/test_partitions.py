"""Rows in partitions: every row once, in order, whoever judges it."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from judging import SIM, House

from sithsd.validity.bulk.partitions import PARTITION, BulkError, judge_rows
from sithsd.validity.bulk.rows import BulkSetup, CertificateRow
from sithsd.values import Status


@pytest.fixture(scope="module")
def setup(house: House) -> BulkSetup:
    """Return what to judge by: the house's root and issuer."""
    return BulkSetup((house.anchor,), (house.issuer.der,), SIM, house.now)


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Return two processes that judge."""
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as executor:
        yield executor


def test_every_row_comes_back_once_and_in_order(house: House, setup: BulkSetup, pool: Executor) -> None:
    """Good rows and rows that are no certificate: each gets its result, whether judged here or in other processes."""
    rows = [
        CertificateRow(line, house.leaf.der if line % 3 else b"no certificate", unit=str(line))
        for line in range(2 * PARTITION + 7)
    ]
    told: list[int] = []
    for executor in (None, pool):
        told.clear()
        pairs = [pair for chunk in judge_rows(iter(rows), setup, executor, told.append) for pair in chunk]
        assert [given for given, _ in pairs] == rows
        assert [judged.line for _, judged in pairs] == [row.line for row in rows]
        assert told == [PARTITION, PARTITION, 7]
        for given, judged in pairs:
            assert (judged.rejected is None) == (given.der == house.leaf.der)
            assert judged.status is (Status.UNKNOWN if judged.rejected is None else Status.BAD)


def test_rows_stream(house: House, setup: BulkSetup, pool: Executor) -> None:
    """Of an input without an end only as many partitions are held as may be in flight."""
    taken = 0

    def endless() -> Iterator[CertificateRow]:
        nonlocal taken
        while True:
            taken += 1
            yield CertificateRow(taken, b"" if taken % PARTITION else house.leaf.der)

    for number, chunk in enumerate(judge_rows(endless(), setup, pool, in_flight=3), 1):
        assert chunk.judged[-1].rejected is None
        assert taken <= (number + 2) * PARTITION
        if number == 5:
            break


def test_a_process_that_dies_is_an_error(house: House, setup: BulkSetup) -> None:
    """When a process ends before its time, that is told by name: no row is left out in silence."""
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as executor:
        (process,) = _processes(executor)

        def rows() -> Iterator[CertificateRow]:
            for line in range(4 * PARTITION):
                if line == 2 * PARTITION:
                    process.kill()
                yield CertificateRow(line, house.leaf.der)

        with pytest.raises(BulkError, match="ended before its time"):
            list(judge_rows(rows(), setup, executor, in_flight=1))


def _processes(executor: ProcessPoolExecutor) -> list[Any]:
    executor.submit(int).result()
    return list(executor._processes.values())
