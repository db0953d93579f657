"""The fast path beside the careful one, on the same certificates."""

import pickle
import random
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest
from bulk_cases import draw_cases
from bulk_world import World

from sithsd.certificate.read import read
from sithsd.validity.bulk.careful import Careful, Findings
from sithsd.validity.bulk.fast import Fast
from sithsd.validity.bulk.register import Register
from sithsd.validity.bulk.rows import BulkSetup, JudgedRow

CASES = 10_000


class Once(Careful):
    """The careful path, that examines each certificate once: what the fast path has asked it needs no second look."""

    known: tuple[bytes, Findings | JudgedRow] | None = None

    def examine(self, line: int, der: bytes) -> Findings | JudgedRow:
        """Return what is found of a certificate."""
        if self.known is None or self.known[0] != der:
            self.known = (der, super().examine(line, der))
        return self.known[1]


def seed(config: pytest.Config) -> int:
    """Return what --hypothesis-seed says, or always the same number."""
    given = config.getoption("hypothesis_seed", None)
    return int(given) if given and given != "random" else 5


def disagreements(world: World, setups: Mapping[str, BulkSetup], number: int, folder: Path) -> Counter[str]:
    """Judge `CASES` certificates both ways, each in one of the setups; return how many were seen of what.

    The lessons are learnt as the certificates come: those of one family meet what was learnt of the first of them.
    """
    draw = random.Random(number)  # noqa: S311 - it draws tests
    judges = {}
    for place, (name, setup) in enumerate(setups.items()):
        authorities = [*(anchor.certificate for anchor in setup.anchors), *map(read, setup.issuers)]
        register = Register.read(setup.lists, authorities, setup.policy.refused_weaknesses)
        (folder / str(place)).mkdir()
        shared = pickle.loads(pickle.dumps(register.mapped(folder / str(place))))  # noqa: S301 - made in this line
        careful = Once(setup, register)
        judges[name] = Fast(setup, shared, careful), careful
    seen: Counter[str] = Counter()
    names = [*judges]
    usual = names[0]
    name = usual
    for line, (der, tale) in enumerate(islice(draw_cases(world, number), CASES)):
        if draw.random() < 0.2:
            name = draw.choice(names) if draw.random() < 0.5 else usual
        fast, careful = judges[name]
        before = fast.careful_rows
        quick = fast.row(line, der)
        slow = careful.row(line, der)
        seen["fast" if fast.careful_rows == before else "careful"] += 1
        seen["rejected"] += slow.rejected is not None
        seen["revoked"] += slow.revoked_at is not None
        seen["advised"] += bool(slow.advice)
        seen.update(slow.reasons)
        if quick != slow:
            raise AssertionError(f"seed {number}, {name}, {tale}:\n{der.hex()}\nfast: {quick}\ncareful: {slow}")
    return seen
