"""The fast path for many certificates says of each what the careful one says."""

from pathlib import Path
from typing import Any

import pytest
from bulk_agreement import CASES, disagreements, seed
from bulk_world import World


def test_paths_agree_on_ten_thousand_certificates(forge: Any, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """Ordinary, odd, weak, malformed and hostile certificates: all that is found of each is the same both ways."""
    world = World(forge)
    seen = disagreements(world, world.setups, seed(pytestconfig), tmp_path)
    # A comparison of one path with itself would prove nothing.
    assert seen["fast"] > CASES // 3
    assert seen["careful"] > CASES // 5
    for reason in (
        *("chain.invalid", "chain.expired", "chain.notYetValid", "chain.issuerUnknown", "anchor.missing"),
        *("certificate.malformed", "signature.sha1", "key.short", "key.exponent3", "environment.conflict"),
        *("date.expired", "date.notYetValid", "clock.implausible"),
    ):
        assert seen[reason] >= 3, reason
