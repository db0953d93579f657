"""One fetch for many askers, and nothing kept for longer than it is shared."""

import asyncio
import gc
import weakref

from sithsd.fetch.flights import Flights


class Load:
    """Something large."""


async def test_what_is_shared_no_more_is_not_kept() -> None:
    """A list of half a million entries does not stay in memory because it was once fetched."""
    tick, made = [0.0], list[weakref.ref[Load]]()
    flights: Flights[Load] = Flights(5.0, lambda: tick[0])

    async def bring() -> Load:
        load = Load()
        made.append(weakref.ref(load))
        return load

    await flights.join("first", bring)
    assert await flights.join("first", bring) is made[0]()
    tick[0] = 6.0
    await flights.join("second", bring)
    await asyncio.sleep(0)  # the loop lets go of what it has just delivered
    gc.collect()
    assert [one() is None for one in made] == [True, False]


async def test_without_a_rest_nothing_is_kept() -> None:
    """Where what has ended is not shared, it is gone once it was told."""
    made = list[weakref.ref[Load]]()
    flights: Flights[Load] = Flights(0, lambda: 0.0)

    async def bring() -> Load:
        load = Load()
        made.append(weakref.ref(load))
        return load

    await flights.join("first", bring)
    await asyncio.sleep(0)  # the loop lets go of what it has just delivered
    gc.collect()
    assert made[0]() is None
