"""What the program does beside answering."""

import asyncio
from datetime import timedelta
from typing import Any

from issuing import OCSP

from sithsd.fetch.wiring import forget_daily


async def test_what_nobody_asks_for_is_forgotten_by_a_program_that_runs_for_years(bench: Any) -> None:
    """Not at its start alone: which card was here more than 400 days ago is not known any more."""
    bench.web[OCSP] = bench.office.respond()
    await bench.check()
    days, over = 0, asyncio.Event()

    async def wait(seconds: float) -> None:
        nonlocal days
        days += 1
        bench.later(timedelta(seconds=seconds))
        if days == 400:
            assert bench.tools.library.entries
        if days == 402:
            over.set()
            await asyncio.Event().wait()

    forgetting = asyncio.create_task(forget_daily(bench.tools.library, bench.clock, wait))
    async with asyncio.timeout(60):
        await over.wait()
    assert not bench.tools.library.entries
    forgetting.cancel()
