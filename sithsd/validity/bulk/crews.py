"""Who judges the partitions: processes of this machine, or a Dask cluster where one machine is outgrown.

The workers of a cluster run what they are sent, and see every certificate: it has to be one's own, and closed to others
(Dask's own settings name the TLS certificates that a client shows, as for every program that uses the cluster).
"""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any

from sithsd.validity.bulk.partitions import BulkError, Deliver


@contextmanager
def processes(count: int | None = None) -> Iterator[Executor]:
    """Run processes that judge, as many as this one may use processors if `count` is None.

    They are begun by one that has loaded this program and nothing else, so that they share its memory and have none of
    the caller's threads and locks.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(count or len(os.sched_getaffinity(0)), mp_context=context) as executor:
        yield executor


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, Deliver]]:
    """Connect to the Dask scheduler at `address` ("tls://judges.example:8786"); its workers need this package.

    A partition of a worker that dies is judged by another one. Raises BulkError if that happens too often, or if the
    extra `cluster` is not installed; OSError if nobody answers.
    """
    try:
        # An extra: who judges on one machine does not need it, and it takes a second to load.
        from distributed import Client, KilledWorker  # noqa: PLC0415
    except ImportError:
        raise BulkError("a cluster needs the extra: pip install 'sithsd[cluster]'") from None
    client: Any = Client(address, set_as_default=False)  # type: ignore[no-untyped-call]  # it has types in part
    with client, client.get_executor(pure=False) as executor:
        try:
            yield executor, partial(client.scatter, broadcast=True, hash=False)
        except KilledWorker as killed:
            raise BulkError("the cluster's workers end before their time") from killed
