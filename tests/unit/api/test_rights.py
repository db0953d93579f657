"""Who may use codes."""

import os

import pytest

from sithsd.api.peer import Caller
from sithsd.api.rights import Rights, everyone, group_number


def caller(uid: int, *groups: int) -> Caller:
    """Return a caller with these groups."""
    return Caller(uid=uid, gid=groups[0], pid=1, groups=frozenset(groups))


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (caller(0, 0), True),
        (caller(500, 500), True),
        (caller(1000, 1000, 77), True),
        (caller(1000, 77), True),
        (caller(1000, 1000), False),
        (caller(65534, 65534), False),
    ],
)
def test_codes_are_for_root_the_daemons_user_and_the_group(who: Caller, allowed: bool) -> None:
    """Root, the daemon's own user and members of the group, by primary or supplementary group, and nobody else."""
    assert Rights(own_uid=500, group=77).codes(who) is allowed
    assert everyone(who)


def test_without_the_group_nobody_is_in_it() -> None:
    """On a machine without the group, a caller without groups is not taken for a member."""
    assert not Rights(own_uid=500, group=None).codes(Caller(uid=1000, gid=1000, pid=1, groups=frozenset()))


def test_the_group_is_found_by_name() -> None:
    """The group's number comes from the machine; a group that is not there is None."""
    assert group_number("root") == 0
    assert group_number("no-such-group-here") is None
    assert Rights.here("no-such-group-here") == Rights(own_uid=os.geteuid(), group=None)
