"""Installing, judged by Debian: apt and dpkg in a chroot with only what they put there, and `make install` in it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sithsd import __version__
from sithsd.simulator.stage import end

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS = 500
# What a machine writes while packages come and go is no package's remains.
LOGS = ("/var/log/", "/var/cache/apt/", "/var/lib/apt/", "/var/lib/dpkg/", "/run/systemd/")
FIND = ("-xdev", "-printf", "/%P\t%y %m %U:%G\n")
SITES = {
    *("/etc/sithsd", "/etc/sithsd/anchors", "/etc/sithsd/drivers.d"),
    *("/var/lib/sithsd", "/run/sithsd", "/var/lib/sithsd-fetch", "/run/sithsd-fetch"),
}
# Below /usr, or where PREFIX says; and what other programs look for in one place.
OWN = (
    "bin/sithsctl",
    "sbin/sithsd",
    "sbin/sithsd-fetch",
    "lib/sithsd/venv/bin/python",
    "share/bash-completion/completions/sithsctl",
    "share/bash-completion/completions/sithsd",
    "share/zsh/vendor-completions/_sithsctl",
    "share/fish/vendor_completions.d/sithsctl.fish",
    "lib/systemd/user/sithsd-ssh-agent.service",
    "lib/systemd/user/sithsd-ssh-agent.socket",
)
OTHERS = ("lib/sysusers.d/sithsd.conf", "lib/tmpfiles.d/sithsd.conf", "share/polkit-1/rules.d/50-sithsd.rules")
UNITS = (
    *("sithsd.service", "sithsd-cards.socket", "sithsd-codes.socket"),
    *("sithsd-fetch.service", "sithsd-fetch.socket"),
)
# As systemd would start them: the sockets are root's, the daemon is its own user's and is handed them.
START = """
set -e
pad=$(pcscd --help | grep -o -e --disable-polkit || true)
pcscd --foreground $pad >/dev/null 2>&1 &
pcscd=$!
systemd-socket-activate --listen=/run/sithsd/io.sithsd.Cards --listen=/run/sithsd/io.sithsd.Codes \
    --fdname=io.sithsd.Cards:io.sithsd.Codes \
    setpriv --reuid=sithsd --regid=sithsd --clear-groups --no-new-privs /usr/lib/sithsd/venv/bin/sithsd 2>/tmp/log &
daemon=$!
until [ -S /run/sithsd/io.sithsd.Codes ] && [ -S /run/pcscd/pcscd.comm ]; do sleep 0.05; done
sithsctl status --json || { cat /tmp/log >&2; exit 1; }
stat --format '%U %a %n' /var/lib/sithsd/audit.sqlite
systemd-socket-activate --listen=/run/sithsd-fetch/io.sithsd.Fetch --fdname=io.sithsd.Fetch \
    setpriv --reuid=sithsd-fetch --regid=sithsd-fetch --clear-groups --no-new-privs \
    /usr/lib/sithsd/venv/bin/sithsd-fetch 2>/tmp/log &
fetch=$!
until [ -S /run/sithsd-fetch/io.sithsd.Fetch ]; do sleep 0.05; done
/usr/lib/sithsd/venv/bin/python -B -c 'from sithsd.api.client import Client
with Client("/run/sithsd-fetch/io.sithsd.Fetch") as client:
    print(client.call("io.sithsd.Fetch.GetState")["stored"])' || { cat /tmp/log >&2; exit 1; }
stat --format '%U %a %n' /var/lib/sithsd-fetch/fetched.sqlite
kill $daemon $pcscd $fetch
wait $daemon $fetch
rm -rf /tmp/log /run/sithsd/io.sithsd.* /run/sithsd-fetch/io.sithsd.* /run/pcscd
"""


class Chroot:
    """A root folder in memory, and processes in it that see no others of this machine.

    It is mounted in a namespace of its own and is gone with the process that keeps that, however this one ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = 'mount -t tmpfs -o mode=755 tmpfs "$1" && echo mounted && exec cat'
        command = ["unshare", "--mount", "sh", "-c", script, "sh", str(folder)]
        self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == b"mounted\n"

    def close(self) -> None:
        """End the keeper."""
        end(self._keeper)

    def beside(self, *command: str) -> str:
        """Run a command of this machine that finds the folder in its place."""
        return run("nsenter", "--target", str(self._keeper.pid), "--mount", f"--wd={CHECKOUT}", *command)

    def run(self, *command: str, network: bool = False) -> str:
        """Run a command in it to its end, which has to be good; return what it said."""
        namespaces = ["--mount", "--pid", "--fork", *([] if network else ["--net"])]
        script = 'mount -t proc proc "$1/proc" && root=$1 && shift && PATH=/usr/sbin:/usr/bin exec chroot "$root" "$@"'
        return self.beside("unshare", *namespaces, "sh", "-c", script, "sh", str(self.folder), *command)

    def apt(self, *arguments: str) -> str:
        """Run apt-get in it, with the network."""
        return self.run("apt-get", "-q", "-y", "-o", "APT::Install-Recommends=false", *arguments, network=True)

    def write(self, path: str, text: str) -> None:
        """Write a file in it, as root would."""
        self.run("sh", "-c", 'printf %s "$2" >"$1"', "sh", path, text)

    def files(self) -> dict[str, str]:
        """Return what is there, each path with kind, mode and owner, without what package managers write themselves."""
        rows = dict(line.split("\t") for line in self.beside("find", str(self.folder), *FIND).splitlines())
        return {path: kind for path, kind in rows.items() if not path.startswith(LOGS)}


def run(*command: str) -> str:
    """Run a command of this machine to its end, which has to be good; return what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment |= {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def package() -> Path:
    """Build the Debian package from the checkout as it is now."""
    if os.geteuid() != 0:
        _missing("a chroot needs root")
    missing = [name for name in ("mmdebstrap", "dh", "dpkg-shlibdeps") if shutil.which(name, path="/usr/bin") is None]
    if missing:
        _missing(f"not installed: {', '.join(missing)} (make setup installs them)")
    return CHECKOUT / run("make", "deb").split()[-1]


@pytest.fixture(scope="module")
def chroot(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroot]:
    """Make a Debian with apt, and the packages that ours depends on, from where this machine has its own packages."""
    target = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    sources = run("apt-get", "indextargets", "--format", target, "Created-By: Packages", "Origin: Debian").splitlines()
    release = run("sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"').strip()
    made = ["--variant=apt", "--mode=root", "--skip=cleanup/apt/lists,check/empty", "--dpkgopt=force-unsafe-io"]
    with closing(Chroot(tmp_path_factory.mktemp("debian"))) as clean:
        clean.beside("mmdebstrap", *made, release, str(clean.folder), *sources)
        clean.apt("satisfy", run("dpkg-deb", "--field", str(package), "Depends").strip())
        clean.beside("cp", str(package), f"{clean.folder}/sithsd.deb")
        yield clean


def test_the_package_is_installed_serves_and_is_gone(chroot: Chroot) -> None:
    """To apt the package says all that it needs; its daemon serves; removal keeps what is the site's, purge nothing."""
    before = chroot.files()
    assert "0 upgraded, 1 newly installed" in chroot.apt("install", "/sithsd.deb")
    assert chroot.run("dpkg", "--verify", "sithsd") == ""

    pages = {f"/usr/share/man/man1/{name}.1.gz" for name in ("sithsctl", "sithsctl-verify", "sithsctl-audit-show")}
    installed = chroot.files()
    assert {
        *(f"/usr/{path}" for path in (*OWN, *OTHERS)),
        *pages,
        *(f"/usr/share/man/man8/{name}.8.gz" for name in ("sithsd", "sithsd-fetch")),
    } <= installed.keys()
    # PAM's folder is the architecture's.
    modules = [path for path in installed if re.fullmatch("/usr/lib/[^/]+/security/pam_sithsd[.]so", path)]
    assert len(modules) == len(list((CHECKOUT / "drivers").glob("pam/Makefile")))
    # That of opensc-pkcs11 is Debian's own; nothing is registered twice.
    assert not [path for path in installed if "p11-kit/modules/sithsd" in path]
    for program in ("sithsd", "sithsd-fetch", "sithsctl"):
        assert chroot.run(program, "--version").split()[-1] == __version__
    # The units' programs are where the units say.
    assert chroot.run("systemd-analyze", "verify", "--man=no", *UNITS) == ""

    status, state, stored, fetched = chroot.run("sh", "-c", START).splitlines()
    assert json.loads(status)["readers"] == []
    assert state == "sithsd 600 /var/lib/sithsd/audit.sqlite"
    assert (stored, fetched) == ("0", "sithsd-fetch 600 /var/lib/sithsd-fetch/fetched.sqlite")
    # Nothing is compiled or written beside the modules when they are used, also by root.
    written = {path for path in chroot.files() if path not in installed}
    assert {path.removesuffix("-journal") for path in written} == {state.split()[-1], fetched.split()[-1]}

    chroot.write("/etc/sithsd/policy.toml", "# the site's\n")
    chroot.run("dpkg", "--remove", "sithsd")
    left = chroot.files().keys() - before.keys()
    assert {*SITES, "/etc/sithsd/policy.toml", "/var/lib/sithsd/audit.sqlite"} <= left
    assert not [path for path in left if path.startswith("/usr/")]
    chroot.run("dpkg", "--purge", "sithsd")
    assert chroot.files() == before


def test_make_install_serves_and_make_uninstall_leaves_nothing(chroot: Chroot) -> None:
    """What `make install` lays down runs where PREFIX says, a second time too, and `make uninstall` takes all of it."""
    before = chroot.files()
    # /lib is a link there.
    places = [f"DESTDIR={chroot.folder}", "PREFIX=/opt/sithsd", "UNITDIR=/lib/systemd/system"]
    for _ in range(2):
        chroot.beside("make", "install", *places)
        laid = chroot.files()
    assert before.items() <= laid.items()
    assert {f"/opt/sithsd/{path}" for path in OWN} <= laid.keys()
    assert {f"/usr/{path}" for path in (*OTHERS, "share/p11-kit/modules/sithsd.module")} <= laid.keys()
    assert {kind.split()[-1] for path, kind in laid.items() if path not in before} == {"0:0"}
    unit = chroot.run("cat", "/usr/lib/systemd/system/sithsd.service")
    assert "ExecStart=/opt/sithsd/lib/sithsd/venv/bin/sithsd\n" in unit
    assert chroot.run("/opt/sithsd/sbin/sithsd", "--version").split()[-1] == __version__
    chroot.beside("make", "uninstall", *places)
    assert chroot.files() == before


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
