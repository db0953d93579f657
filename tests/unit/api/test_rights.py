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


@pytest.mark.parametrize(
    ("who", "codes", "desk"),
    [
        (caller(0, 0), True, True),
        (caller(500, 500), True, True),
        (caller(1000, 1000, 77), True, True),
        (caller(1000, 1000, 88), True, False),
        (caller(1000, 88), True, False),
        (caller(1000, 1000, 88, 77), True, True),
        (caller(1000, 1000), False, False),
    ],
)
def test_holders_use_codes_and_are_no_desk(who: Caller, codes: bool, desk: bool) -> None:
    """Members of the holders' group use codes; what only a desk operator may is for the desk's group alone."""
    rights = Rights(own_uid=500, group=77, holders=88)
    assert (rights.codes(who), rights.desk(who)) == (codes, desk)
    without = Rights(own_uid=500, group=77)
    assert without.codes(who) is without.desk(who) is desk


def test_the_holders_group_is_found_by_name() -> None:
    """A group of holders counts only where one is named, and is there."""
    assert Rights.here("no-such-group-here", "root").holders == 0
    assert Rights.here("no-such-group-here", "no-such-group-here-either").holders is None
