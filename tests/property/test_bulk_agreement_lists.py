"""The fast path for many certificates says what the careful one says of revocation, and of what is to be done."""

from pathlib import Path
from typing import Any

import pytest
from bulk_agreement import CASES, disagreements, seed
from bulk_world import World


def test_paths_agree_about_ten_thousand_certificates_and_their_lists(
    forge: Any, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """Whole lists, parts, deltas, stale and broken ones: verdict, revocation and advice are the same both ways."""
    world = World(forge)
    seen = disagreements(world, world.setups_with_lists(), seed(pytestconfig) + 1, tmp_path)
    assert seen["fast"] > CASES // 3
    assert seen["careful"] > CASES // 5
    for what in (
        *("revoked", "revocation.revoked", "chain.revoked", "revocation.stale", "revocation.invalid"),
        *("revocation.notChecked", "clock.behind", "advised", "date.expired", "chain.invalid"),
    ):
        assert seen[what] >= 3, what
