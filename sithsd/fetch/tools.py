"""What an answer is made with."""

from dataclasses import dataclass

from sithsd.clock import Clock
from sithsd.fetch.asking import Asker
from sithsd.fetch.backoff import Backoff
from sithsd.fetch.library import Library
from sithsd.fetch.paths import Paths
from sithsd.fetch.places import Places


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts that the program has once; each says itself what it does."""

    paths: Paths
    places: Places
    asker: Asker
    library: Library
    backoff: Backoff
    clock: Clock
