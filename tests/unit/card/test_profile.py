"""Profiles: what a file may say, who may say it, and one line for everything else."""

import os
from pathlib import Path

import msgspec
import pytest

from sithsd.card import profile
from sithsd.card.profile import Profile, ProfileError
from sithsd.card.registry import Registry
from sithsd.values import KeyKind

GOOD = """
name = "made_up"
title = "A made-up card"
backend = "pkcs15"
evidence = "assumed"
[[probe]]
aid = "A0 00 00 00 63"
"""


def write(folder: Path, text: str | bytes, name: str = "made_up") -> Path:
    """Write a profile into a family folder of its name."""
    path = folder / name / "profile.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    """Return the one line that says why a profile can't be used."""
    with pytest.raises(ProfileError) as error:
        profile.load(path)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(str(path))
    return line


def test_the_least_that_a_profile_says(tmp_path: Path) -> None:
    """Name, title, backend, evidence and a probe are enough; what is left out is unknown, never guessed."""
    loaded = profile.load(write(tmp_path, GOOD))
    assert loaded.probe[0].expect == ["9000"]
    assert loaded.codes.counter is profile.Counter.UNKNOWN
    assert loaded.codes.when_verified is profile.VerifiedMeans.UNKNOWN
    assert loaded.codes.clearing is profile.Clearing.RESET
    assert loaded.unblocking is profile.Unblocking.UNKNOWN
    assert loaded.codes.max_tries is None


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (GOOD.replace('"A0 00 00 00 63"', '"A0 0"'), "$.probe[0].aid", "match"),
        (GOOD.replace('"A0 00 00 00 63"', '"A0 00"'), "$.probe[0].aid", "match"),
        (GOOD.replace('"A0 00 00 00 63"', '"' + "A0" * 17 + '"'), "$.probe[0].aid", "match"),
        (GOOD.replace("[[probe]]\n", "").replace('aid = "A0 00 00 00 63"', ""), "probe", "missing"),
        (GOOD.replace("[[probe]]", "probe = []").replace('aid = "A0 00 00 00 63"', ""), "$.probe", "length"),
        (GOOD + 'expect = ["900"]', "$.probe[0].expect[0]", "match"),
        (GOOD.replace('"assumed"', '"certain"'), "$.evidence", "certain"),
        (GOOD.replace('title = "A made-up card"', "title = 1"), "$.title", "str"),
        (GOOD + "[codes]\nmax_tries = 0\n", "$.codes.max_tries", ">= 1"),
        (GOOD + "[codes]\nmax_tries = 16\n", "$.codes.max_tries", "<= 15"),
        (GOOD + '[codes]\ncounter = "guess"\n', "$.codes.counter", "guess"),
        (GOOD + "[codes]\npuk_tries = 3\n", "$.codes", "puk_tries"),
        (GOOD + '[[atr]]\nvalue = "3B 00"\nmask = "FF"\n', "$.atr[0].mask", "match"),
        (GOOD + '[[atr]]\nvalue = "3B 00"\nmask = "FF FF FF"\n', "$.atr[0]", "differ"),
        (GOOD + '[[codes.known]]\nrole = "puk"\nreference = 256\n', "$.codes.known[0].reference", "255"),
        (GOOD + '[[codes.known]]\nrole = "admin"\nreference = 1\n', "$.codes.known[0].role", "admin"),
        (GOOD + '[[codes.known]]\nrole = "puk"\nreference = 1\npadding = 255\n', "$.codes.known[0]", "stored_length"),
        (
            GOOD + '[[codes.known]]\nrole = "puk"\nreference = 1\nmin_length = 9\nmax_length = 8\n',
            "$.codes.known[0]",
            "min_length",
        ),
        (GOOD + '[[codes.known]]\nrole = "puk"\nreference = 1\n' * 2, "$.codes", "same role"),
        (GOOD + "[colour]\n", "", "colour"),
        (GOOD.replace('name = "made_up"', 'name = "Made Up"'), "$.name", "match"),
        (GOOD.replace('name = "made_up"', 'name = "other"'), "", "folder"),
        ("name = ", "", "end of document"),
        ('name = "a"\nname = "b"\n', "", "line 2"),
        (b"\xff\xfe", "", "UTF-8"),
        (b"x = " + b"[" * 50_000, "", "nested"),
        (b"# " + b"x" * 70_000, "", "larger"),
        ("", "", "missing"),
    ],
)
def test_malformed_profiles(tmp_path: Path, text: str | bytes, place: str, reason: str) -> None:
    """A profile that can't be used is told in one line: file, place and reason."""
    line = refusal(write(tmp_path, text))
    assert place in line
    assert reason in line


MODULE = GOOD.replace('"pkcs15"', '"pkcs11"') + '[pkcs11]\npaths = ["/usr/lib/module.so"]\n'


def test_a_module(tmp_path: Path) -> None:
    """The path of a module is enough: what is left out promises nothing. Files beside the profile are found there."""
    settings = profile.load(write(tmp_path, MODULE)).pkcs11
    assert settings is not None
    assert not settings.flags_tell
    assert not settings.unblocks
    assert (settings.serial, settings.slots) == ("module", "reader")
    text = MODULE + 'environment = { A_CONF = "./a.conf", OTHER = "/etc/other", WORD = "x./y" }\n'
    settings = profile.load(write(tmp_path, text)).pkcs11
    assert settings is not None
    beside = str(tmp_path.resolve() / "made_up" / "a.conf")
    assert settings.environment == {"A_CONF": beside, "OTHER": "/etc/other", "WORD": "x./y"}


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (MODULE.replace("/usr/lib/", "lib/"), "$.pkcs11.paths[0]", "match"),
        (MODULE.replace('"/usr/lib/module.so"', ""), "$.pkcs11.paths", "length"),
        (MODULE.replace('"pkcs11"', '"pkcs15"'), "", "belongs to the backend"),
        (GOOD.replace('"pkcs15"', '"pkcs11"'), "", "belongs to the backend"),
        (MODULE + 'environment = { LD_PRELOAD = "/x.so" }\n', "$.pkcs11", "LD_PRELOAD"),
        (MODULE + 'environment = { PYTHONPATH = "/x" }\n', "$.pkcs11", "PYTHONPATH"),
        (MODULE + 'environment = { lower = "x" }\n', "$.pkcs11.environment", "match"),
        (MODULE + "seconds = 0\n", "$.pkcs11.seconds", "0"),
        (MODULE + "seconds = 61\n", "$.pkcs11.seconds", "60"),
        (MODULE + 'slots = "some"\n', "$.pkcs11.slots", "some"),
        (MODULE + 'serial = "atr"\n', "$.pkcs11.serial", "atr"),
    ],
)
def test_malformed_modules(tmp_path: Path, text: str, place: str, reason: str) -> None:
    """What a module's table may not say is told in one line too."""
    line = refusal(write(tmp_path, text))
    assert place in line
    assert reason in line


def test_with_which_keys_a_family_signs() -> None:
    """By what its table says of each kind of key; without one not at all, or as its module tells in time."""
    (shipped,) = (one for one in profile.load_folder(profile.shipped_folder()) if one.name == "sim_pkcs15")
    rules = shipped.signing
    assert rules is not None

    def kinds(**more: object) -> list[bool]:
        signing = msgspec.structs.replace(rules, **({"pkcs1": None, "raw": None, "ecdsa": None} | more))
        made = msgspec.structs.replace(shipped, signing=signing)
        return [made.signs_with(kind) for kind in (KeyKind.RSA, KeyKind.EC)]

    assert kinds() == [False, False]
    assert kinds(pkcs1=0) == kinds(raw=0) == [True, False]
    assert kinds(ecdsa=0) == [False, True]
    assert not any(msgspec.structs.replace(shipped, signing=None).signs_with(kind) for kind in KeyKind)
    (module,) = (one for one in profile.load_folder(profile.shipped_folder()) if one.name == "opensc_pkcs11")
    assert all(module.signs_with(kind) for kind in KeyKind)


def test_no_file(tmp_path: Path) -> None:
    """A profile that is a folder, or a pipe that nobody writes to, or is not there, is told so and not waited for."""
    folder = tmp_path / "made_up" / "profile.toml"
    assert "No such file" in refusal(folder)
    folder.mkdir(parents=True)
    assert "is not a file" in refusal(folder)
    folder.rmdir()
    os.mkfifo(folder)
    assert "is not a file" in refusal(folder)


def test_the_backend_and_quirks_have_to_exist(tmp_path: Path) -> None:
    """A backend or quirk that sithsd does not have is refused when the daemon starts, not when a card comes."""
    for change in (("pkcs15", "pkcs16"), ('evidence = "assumed"', 'evidence = "assumed"\nquirks = ["slow"]')):
        loaded = profile.load(write(tmp_path, GOOD.replace(*change)))
        with pytest.raises(ProfileError, match="made_up"):
            Registry([loaded])


def test_a_folder_of_profiles(tmp_path: Path) -> None:
    """Every family folder's profile is loaded, in the order of names; other files are none."""
    for name in ("bbb", "aaa"):
        write(tmp_path, GOOD.replace("made_up", name), name)
    (tmp_path / "README.md").write_text("no profile")
    assert [loaded.name for loaded in profile.load_folder(tmp_path)] == ["aaa", "bbb"]


def test_a_site_replaces_a_shipped_profile_of_the_same_name() -> None:
    """A site's profile takes the place of the shipped one with its name, others are added."""

    def named(name: str, title: str) -> Profile:
        text = GOOD.replace("made_up", name).replace("A made-up card", title)
        return msgspec.toml.decode(text, type=Profile)

    together = profile.in_order(
        [named("a", "shipped"), named("b", "shipped")], [named("b", "site"), named("c", "site")]
    )
    assert [(one.name, one.title) for one in together] == [("a", "shipped"), ("b", "site"), ("c", "site")]


def test_no_site_folder_is_no_profile(tmp_path: Path) -> None:
    """A site without a folder has no profiles of its own."""
    assert profile.load_site_folder(tmp_path / "nowhere") == ()


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[Path, int]:
    """Give the owners of paths, which are root's unless they are in here: tests need not run as root."""
    given: dict[Path, int] = {}
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        facts = real(path)
        return os.stat_result((*facts[:4], given.get(path, 0), *facts[5:]))

    monkeypatch.setattr(Path, "lstat", lstat)
    return given


@pytest.mark.usefixtures("owners")
def test_a_site_folder_that_is_roots(tmp_path: Path) -> None:
    """A folder that is root's and writable by root alone is loaded."""
    write(tmp_path / "drivers.d", GOOD)
    assert [loaded.name for loaded in profile.load_site_folder(tmp_path / "drivers.d")] == ["made_up"]


@pytest.mark.parametrize("which", ["", "made_up", "made_up/profile.toml", "made_up/sources.md"])
@pytest.mark.parametrize("how", ["owner", "group", "others"])
def test_a_site_folder_that_others_may_write(tmp_path: Path, owners: dict[Path, int], which: str, how: str) -> None:
    """A path that is not root's, or that its group or others may write, is named, and nothing is loaded."""
    site = tmp_path / "drivers.d"
    write(site, GOOD)
    (site / "made_up" / "sources.md").write_text("none")
    path = site / which
    if how == "owner":
        owners[path] = 12345
    else:
        path.chmod(path.stat().st_mode | (0o020 if how == "group" else 0o002))
    with pytest.raises(ProfileError) as error:
        profile.load_site_folder(site)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.usefixtures("owners")
@pytest.mark.parametrize("which", ["drivers.d", "drivers.d/made_up", "drivers.d/made_up/profile.toml"])
def test_a_site_folder_with_links(tmp_path: Path, which: str) -> None:
    """A link could lead to a place that others may write: it is refused wherever it stands."""
    write(tmp_path / "drivers.d", GOOD)
    path = tmp_path / which
    target = tmp_path / "elsewhere"
    path.rename(target)
    path.symlink_to(target)
    with pytest.raises(ProfileError) as error:
        profile.load_site_folder(tmp_path / "drivers.d")
    assert "no link" in str(error.value)


def test_shipped_profiles() -> None:
    """Every shipped family loads, has a backend, and a sources.md with the evidence for its values."""
    folder = profile.shipped_folder()
    shipped = profile.load_folder(folder)
    assert {"pkcs15_generic", "sim_pkcs15", "opensc_pkcs11", "netid", "sac"} <= {one.name for one in shipped}
    for one in shipped:
        if one.pkcs11 is not None:  # files that a profile brings are beside it, wherever it was installed
            beside = [Path(value) for value in one.pkcs11.environment.values() if value.startswith(str(folder))]
            assert all(path.is_file() for path in beside)
            assert len(beside) == (one.name == "opensc_pkcs11")
    Registry(shipped)
    others = {"ifd", "pam"}  # no families: what drives simulated readers, and what PAM loads
    families = [path for path in folder.iterdir() if path.is_dir() and path.name not in others]
    assert len(families) == len(shipped)
    for family in families:
        assert (family / "sources.md").read_text(encoding="utf-8").strip(), f"{family.name} has no evidence"
