"""Who may do what: the rights file's rules, decided for a caller whom the kernel has named."""

import grp
import os
import pwd
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sithsd.api.peer import Caller
from sithsd.policy.rights import ACTIVE_SESSION, EVERYONE, GROUP, ROOT, USER, Rules

Right = Callable[[Caller], bool]


def everyone(caller: Caller) -> bool:  # noqa: ARG001 - a right is asked about a caller, this one does not look
    """Allow every local user."""
    return True


def nobody_sits_here(uid: int) -> bool:  # noqa: ARG001 - as above
    """Know of no active session."""
    return False


@dataclass(frozen=True, slots=True)
class Rule:
    """Who has one right: everybody, whoever sits here, users and groups by their numbers."""

    everyone: bool = False
    active_session: bool = False
    users: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()

    @classmethod
    def of(cls, subjects: Iterable[str]) -> "Rule":
        """Return the rule of these subjects. A user or group that this machine does not know is nobody."""
        named = frozenset(subjects)
        users = {user_number(one.removeprefix(USER)) for one in named if one.startswith(USER)}
        groups = {group_number(one.removeprefix(GROUP)) for one in named if one.startswith(GROUP)}
        if ROOT in named:
            users.add(0)
        return cls(
            EVERYONE in named,
            ACTIVE_SESSION in named,
            frozenset(number for number in users if number is not None),
            frozenset(number for number in groups if number is not None),
        )

    def __or__(self, other: "Rule") -> "Rule":
        """Return who has the one right or the other."""
        return Rule(
            self.everyone or other.everyone,
            self.active_session or other.active_session,
            self.users | other.users,
            self.groups | other.groups,
        )


class Rights:
    """Who may do what on this machine, by its user database as it was at the start.

    `own_uid` is the daemon's own user, who may do everything: the card is in that user's hands anyway. `sits_here`
    tells whether an active session is a user's.
    """

    def __init__(self, rules: Rules, own_uid: int, sits_here: Callable[[int], bool] = nobody_sits_here) -> None:
        self._own_uid = own_uid
        self._sits_here = sits_here
        self._status = Rule.of(rules.status)
        self._personal_numbers = Rule.of(rules.personal_numbers)
        self._codes = Rule.of(rules.codes)
        self._authenticate = Rule.of(rules.authenticate)
        self._sign = Rule.of(rules.sign)
        self._desk = Rule.of(rules.desk)

    @classmethod
    def here(cls, rules: Rules, sits_here: Callable[[int], bool] = nobody_sits_here) -> "Rights":
        """Return the rights in this process. Reads the user database: call it at the start."""
        return cls(rules, os.geteuid(), sits_here)

    def status(self, caller: Caller) -> bool:
        """Whether `caller` may look, personal identity numbers masked."""
        return self._has(self._status, caller)

    def personal_numbers(self, caller: Caller) -> bool:
        """Whether `caller` may see personal identity numbers, and certificates that carry one."""
        return self._has(self._personal_numbers, caller)

    def codes(self, caller: Caller) -> bool:
        """Whether `caller` may try, change and unblock codes."""
        return self._has(self._codes, caller)

    def authenticate(self, caller: Caller) -> bool:
        """Whether `caller` may have the authentication key used."""
        return self._has(self._authenticate, caller)

    def sign(self, caller: Caller) -> bool:
        """Whether `caller` may have the signature key used."""
        return self._has(self._sign, caller)

    def desk(self, caller: Caller) -> bool:
        """Whether `caller` may do what only a desk operator may."""
        return self._has(self._desk, caller)

    def active_session(self, caller: Caller) -> bool:
        """Whether `caller` is who sits at this machine, as far as a right depends on it."""
        return self._sits_here(caller.uid)

    @property
    def connecting(self) -> Rule:
        """Who has any right on the socket for codes, the daemon's own user aside."""
        return self._codes | self._authenticate | self._sign

    def _has(self, rule: Rule, caller: Caller) -> bool:
        return (
            rule.everyone
            or caller.uid == self._own_uid
            or caller.uid in rule.users
            or not rule.groups.isdisjoint(caller.groups)
            or (rule.active_session and self._sits_here(caller.uid))
        )


def unknown_names(rules: Rules) -> list[str]:
    """Return the subjects whose user or group this machine does not know: they are nobody."""
    return [
        one
        for one in sorted(rules.subjects)
        if (one.startswith(USER) and user_number(one.removeprefix(USER)) is None)
        or (one.startswith(GROUP) and group_number(one.removeprefix(GROUP)) is None)
    ]


def user_number(name: str) -> int | None:
    """Return the number of the user `name`, None if there is none."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def group_number(name: str) -> int | None:
    """Return the number of the group `name`, None if there is none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
