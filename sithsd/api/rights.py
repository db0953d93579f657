"""Who may do what."""

import grp
import os
from collections.abc import Callable
from dataclasses import dataclass

from sithsd.api.peer import Caller

DESK_GROUP = "sithsd-desk"

Right = Callable[[Caller], bool]


def everyone(caller: Caller) -> bool:  # noqa: ARG001 - a right is asked about a caller, this one does not look
    """Allow every local user."""
    return True


@dataclass(frozen=True, slots=True)
class Rights:
    """Who is trusted with codes: root, the daemon's own user, and the members of two groups.

    `group` is the number of the desk's group, `holders` that of a group whose members use their own cards but are no
    desk operators; None where there is no such group. Whoever may use codes may see personal identity numbers in full.
    """

    own_uid: int
    group: int | None = None
    holders: int | None = None

    @classmethod
    def here(cls, group: str = DESK_GROUP, holders: str | None = None) -> "Rights":
        """Return the rights for this process on this machine. Reads the group database: call it at the start."""
        return cls(os.geteuid(), group_number(group), None if holders is None else group_number(holders))

    def codes(self, caller: Caller) -> bool:
        """Whether `caller` may use codes, and see personal identity numbers unmasked."""
        return self.desk(caller) or (self.holders is not None and self.holders in caller.groups)

    def desk(self, caller: Caller) -> bool:
        """Whether `caller` may do what only a desk operator may."""
        return caller.uid in {0, self.own_uid} or (self.group is not None and self.group in caller.groups)


def group_number(name: str) -> int | None:
    """Return the number of the group `name`, None if there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
