"""Who may do what, by the rights file and the kernel's word."""

import grp
import os
import pwd
from pathlib import Path

import pytest

from sithsd.api.peer import Caller
from sithsd.api.rights import Rights, Rule, everyone, group_number, nobody_sits_here, unknown_names, user_number
from sithsd.policy import rights as rights_file

GAMES = grp.getgrnam("games").gr_gid
NOBODY = pwd.getpwnam("nobody").pw_uid
SITTER = 1001
OWN = 500


def caller(uid: int, *groups: int) -> Caller:
    """Return a caller with these groups."""
    return Caller(uid=uid, gid=groups[0] if groups else uid, pid=1, groups=frozenset(groups or {uid}))


ROOT, DAEMON, MEMBER, PRIMARY = caller(0), caller(OWN), caller(1000, 1000, GAMES), caller(1000, GAMES)
USER, SITTING, STRANGER = caller(NOBODY), caller(SITTER), caller(1002)
ALL = {
    "root": ROOT,
    "daemon": DAEMON,
    "member": MEMBER,
    "primary": PRIMARY,
    "user": USER,
    "sitting": SITTING,
    "stranger": STRANGER,
}
ACTIONS = ("status", "personal_numbers", "codes", "authenticate", "sign", "desk")


def written(folder: Path, content: str) -> rights_file.Rules:
    """Return the rules with a site's file."""
    path = folder / "rights.toml"
    path.write_text(content)
    return rights_file.load(path)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("subjects", "have_it"),
    [
        ([], set()),
        (["everyone"], set(ALL)),
        (["root"], {"root"}),
        (["user:nobody"], {"user"}),
        (["group:games"], {"member", "primary"}),
        (["active-session"], {"sitting"}),
        (["root", "active-session", "user:nobody"], {"root", "sitting", "user"}),
        (["group:no-such-group-here", "user:no-such-user-here"], set()),
    ],
)
def test_each_subject_of_each_right(tmp_path: Path, action: str, subjects: list[str], have_it: set[str]) -> None:
    """Who stands in a line has that right and no other; the daemon's own user has every right."""
    lines = "".join(f"{one} = {subjects if one == action else []}\n" for one in ACTIONS)
    rights = Rights(written(tmp_path, lines), OWN, lambda uid: uid == SITTER)
    found = {one: {name for name, who in ALL.items() if getattr(rights, one)(who)} for one in ACTIONS}
    assert found == {one: {"daemon"} | (have_it if one == action else set()) for one in ACTIONS}


@pytest.mark.parametrize(
    ("who", "held"),
    [
        (ROOT, set(ACTIONS)),
        (DAEMON, set(ACTIONS)),
        (caller(1000, 1000, 77), set(ACTIONS)),
        (SITTING, {"status", "codes", "authenticate", "sign"}),
        (MEMBER, {"status"}),
        (STRANGER, {"status"}),
    ],
    ids=["root", "daemon", "desk", "sitting", "another group", "stranger"],
)
def test_the_rights_as_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: Caller, held: set[str]) -> None:
    """All look; who sits here uses codes and keys; numbers and a desk's work are root's and the desk's group's."""
    monkeypatch.setattr("sithsd.api.rights.group_number", {"sithsd-desk": 77}.get)
    rights = Rights(written(tmp_path, ""), OWN, lambda uid: uid == SITTER)
    assert {one for one in ACTIONS if getattr(rights, one)(who)} == held
    assert rights.active_session(who) is (who is SITTING)


def test_where_nobody_is_known_to_sit(tmp_path: Path) -> None:
    """Without logind's word there is no active session."""
    rights = Rights(written(tmp_path, ""), OWN)
    assert not rights.codes(SITTING)
    assert not nobody_sits_here(SITTER)


def test_a_name_that_is_unknown_is_nobody_and_told(tmp_path: Path) -> None:
    """A caller without groups is no member of a group that is not there; what is not known can be told."""
    lines = 'codes = ["group:no-such-group-here", "user:no-such-user-here", "group:games"]\nstatus = []\n'
    lines += 'personal_numbers = []\nauthenticate = []\nsign = []\ndesk = ["user:nobody"]\n'
    rules = written(tmp_path, lines)
    assert unknown_names(rules) == ["group:no-such-group-here", "user:no-such-user-here"]
    rights = Rights.here(rules)
    assert not rights.codes(Caller(uid=os.geteuid() + 1, gid=1, pid=1, groups=frozenset()))
    assert rights.codes(caller(os.geteuid()))


def test_numbers_are_found_by_name() -> None:
    """Users and groups come from the machine; one that is not there has no number."""
    assert (group_number("root"), group_number("no-such-group-here")) == (0, None)
    assert (user_number("root"), user_number("no-such-user-here")) == (0, None)
    assert everyone(STRANGER)


def test_rules_are_joined() -> None:
    """Who has the one right or the other."""
    joined = Rule.of(["root", "group:games"]) | Rule.of(["active-session", "user:nobody"])
    assert joined == Rule(active_session=True, users=frozenset({0, NOBODY}), groups=frozenset({GAMES}))
    assert (Rule() | Rule.of(["everyone"])).everyone
