"""A load of io.sithsd.Cards.List calls from a process of its own: python -m tests.bench.load SOCKET CLIENTS CALLS REST.

Each client has one connection; it asks again when it has its answer and has rested REST seconds (0: at once, which
loads the daemon as much as it can take). Prints JSON: calls per second, and the median and
99th percentile of the time per call in milliseconds.
"""

import asyncio
import json
import random
import statistics
import sys
import time

_CALL = b'{"method":"io.sithsd.Cards.List","parameters":{}}\0'


async def _client(path: str, calls: int, rest: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_unix_connection(path, limit=2**20)
    await asyncio.sleep(random.uniform(0, rest))  # noqa: S311 - so that the clients don't ask in step
    for _ in range(calls):
        if rest:
            await asyncio.sleep(rest)
        began = time.perf_counter()
        writer.write(_CALL)
        reply = await reader.readuntil(b"\0")
        times.append((time.perf_counter() - began) * 1000)
        if b'"error"' in reply:
            sys.exit(reply.decode())
    writer.close()
    await writer.wait_closed()


async def _load(path: str, clients: int, calls: int, rest: float) -> dict[str, float]:
    times: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_client(path, calls, rest, times) for _ in range(clients)))
    seconds = time.perf_counter() - began
    return {
        "callsPerSecond": len(times) / seconds,
        "medianMs": statistics.median(times),
        "p99Ms": statistics.quantiles(times, n=100)[98],
    }


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(asyncio.run(_load(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))))
    )
